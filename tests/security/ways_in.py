"""A person's second factor and way back in, as objects behind an address."""

from allauth.mfa.models import Authenticator

from portal.foundation.accounts.identity import reset, second
from portal.foundation.core import moments
from tests.factories import Person


def second_factor(person: Person) -> int:
    """The key of the person's authenticator."""
    second.enrol(person.user, second.new_secret())
    return int(Authenticator.objects.get(user=person.user, type=second.TOTP).pk)


def reset_link(person: Person) -> str:
    """The token of a fresh link, as only a message carries it."""
    return reset._made(person.user, now=moments.now())
