"""A person's second factor and way back in, as objects behind an address."""

from allauth.mfa.models import Authenticator

from portal.foundation.accounts import inviting
from portal.foundation.accounts.identity import own_mail, reset, second
from portal.foundation.accounts.models import Invitation, Role
from portal.foundation.accounts.registering import Newcomer
from portal.foundation.core import moments
from tests.factories import Person


def second_factor(person: Person) -> int:
    """The key of the person's authenticator."""
    second.enrol(person.user, second.new_secret())
    return int(Authenticator.objects.get(user=person.user, type=second.TOTP).pk)


def reset_link(person: Person) -> str:
    """The token of a fresh link, as only a message carries it."""
    return reset._made(person.user, now=moments.now())


def mail_link(person: Person) -> str:
    """The token of a link to a mail address that the person has typed."""
    person.user.mail_wanted = "ling.new@example.invalid"
    person.user.save(update_fields=["mail_wanted"])
    return own_mail.token(person.user)


def waiting_keeper(by: Person) -> Invitation:
    """Somebody has accepted to be an administrator; another one is to confirm."""
    issued = inviting.invite("13700000002", Role.AUDIT, actor=by.actor, now=moments.now())
    digest = issued.invitation.token_digest
    newcomer = Newcomer("卫示例", "13700000002", "keeper.wei", "Four odd words 7")
    inviting.join_as_newcomer(digest, newcomer, now=moments.now())
    return Invitation.objects.get(pk=issued.invitation.pk)
