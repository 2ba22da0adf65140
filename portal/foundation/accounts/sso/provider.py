"""Which provider this installation has, and whom a subject belongs to here.

A subject is bound to one person, by that person, after an ordinary log-in. Nobody gets an account by it, least of all staff.
"""

from datetime import datetime

from django.conf import settings
from django.db import IntegrityError, transaction

from portal.foundation.accounts.models import SsoBinding, User
from portal.foundation.core.actor import Actor
from portal.foundation.core.errors import WrongState
from portal.foundation.journal.record import record

from .contract import Identity, SSOProvider
from .oidc import OidcProvider


def configured() -> bool:
    return bool(settings.SSO_ISSUER and settings.SSO_CLIENT_ID)


def from_settings() -> SSOProvider:
    """The provider of this installation. Raises ValueError for an address that is neither https nor on this machine."""
    return OidcProvider(settings.SSO_ISSUER, client_id=settings.SSO_CLIENT_ID, client_secret=settings.SSO_CLIENT_SECRET)


def _ours(identity: Identity) -> str:
    """The issuer as the settings name it: its own spelling may end with a slash. The client has compared the two."""
    return identity.issuer.rstrip("/")


def binding_of(user_id: int) -> SsoBinding | None:
    return SsoBinding.objects.filter(user_id=user_id, issuer=settings.SSO_ISSUER).first()


def person_of(identity: Identity) -> User | None:
    """Whose subject this is here; None for a subject that nobody has bound."""
    found = SsoBinding.objects.select_related("user").filter(issuer=_ours(identity), subject=identity.subject).first()
    return found.user if found and found.user.is_active else None


def bind(user: User, identity: Identity, *, actor: Actor, now: datetime) -> None:
    """Bind a subject to a person. Raises WrongState when either of the two is bound already."""
    try:
        _bind(user, identity, actor=actor, now=now)
    except IntegrityError as error:
        raise WrongState("bound", "这个身份或者您的账号已经绑定过。要换一个，请先解除原来的绑定。") from error


@transaction.atomic(durable=True)
def _bind(user: User, identity: Identity, *, actor: Actor, now: datetime) -> None:
    SsoBinding.objects.create(user=user, issuer=_ours(identity), subject=identity.subject, bound_at=now)
    record(
        "person.sso_bound", actor=actor, now=now, subject=f"user:{user.pk}", text=f"绑定{settings.SSO_NAME}统一身份登录"
    )


@transaction.atomic(durable=True)
def unbind(user: User, *, actor: Actor, now: datetime) -> None:
    count, _ = SsoBinding.objects.filter(user=user, issuer=settings.SSO_ISSUER).delete()
    if count:
        record(
            "person.sso_unbound",
            actor=actor,
            now=now,
            subject=f"user:{user.pk}",
            text=f"解除{settings.SSO_NAME}统一身份登录的绑定",
        )
