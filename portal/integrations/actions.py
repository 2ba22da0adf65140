"""Making and ending the keys of an institution. Each verb one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from portal.foundation.accounts.models import INSTITUTION_KINDS, Membership, Organisation, Role, User
from portal.foundation.core.actor import Actor
from portal.foundation.core.db import lock
from portal.foundation.core.errors import Forbidden, Invalid, WrongState
from portal.foundation.journal.record import record

from . import signing
from .models import ApiKey, Scope

MOST = 5  # of one institution at a time
LONGEST = 365  # days


@dataclass(frozen=True, slots=True)
class Issued:
    """A new key and its secret, which nothing can show a second time."""

    key: ApiKey
    secret: str


def _manages(actor: Actor) -> None:
    if actor.role != Role.MANAGER or actor.organisation_kind not in INSTITUTION_KINDS:
        raise Forbidden("role", "接口密钥由机构负责人管理，请联系本机构负责人。")


@transaction.atomic(durable=True)
def create(name: str, scopes: Sequence[str], days: int, *, actor: Actor, now: datetime) -> Issued:
    """A key with a chair of its own in the actor's institution. `days` of life, 1 to 365."""
    _manages(actor)
    if not name.strip() or not scopes or not set(scopes) <= set(Scope.values) or not 1 <= days <= LONGEST:
        raise Invalid("key", "请填写用途，至少选一项权限，有效期 1 到 365 天。")
    organisation = lock(Organisation.objects.filter(pk=actor.organisation_id))
    live = ApiKey.objects.filter(membership__organisation=organisation, revoked_at=None, expires_at__gt=now).count()
    if live >= MOST:
        raise WrongState("most", f"本机构已有 {live} 个有效密钥，最多 {MOST} 个。请先停用不再使用的。")
    ident = signing.new_ident()
    secret = signing.secret_of(ident)
    user = User(username=ident.lower(), name=f"系统接口·{name.strip()}"[:40])
    user.set_unusable_password()
    user.save(force_insert=True)
    membership = Membership.objects.create(user=user, organisation=organisation, role=Role.OFFICER, machine=True)
    key = ApiKey.objects.create(
        ident=ident, membership=membership, name=name.strip(), digest=signing.digest_of(secret), scopes=sorted(set(scopes)),
        created_at=now, created_by=actor.label, expires_at=now + timedelta(days=days),
    )  # fmt: skip
    record(
        "key.created",
        actor=actor,
        now=now,
        subject=f"api_key:{key.pk}",
        text=f"建立接口密钥 {ident}（{'、'.join(key.scope_labels)}），{days} 天有效",
        data={"ident": ident, "scopes": key.scopes, "days": days},
    )
    return Issued(key, secret)


@transaction.atomic(durable=True)
def revoke(key_id: int, *, actor: Actor, now: datetime) -> ApiKey:
    """End a key and its chair at once; what it has done stays."""
    _manages(actor)
    key = lock(ApiKey.objects.filter(pk=key_id, membership__organisation_id=actor.organisation_id))
    if key.revoked_at is not None:
        raise WrongState("revoked", "这个密钥已经停用。")
    key.revoked_at = now
    key.save(update_fields=["revoked_at"])
    Membership.objects.filter(pk=key.membership_id).update(active=False)
    record("key.revoked", actor=actor, now=now, subject=f"api_key:{key.pk}", text=f"停用接口密钥 {key.ident}")
    return key
