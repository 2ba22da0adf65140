"""What happens to a product in public: suspended, resumed, withdrawn, confirmed as still valid."""

from datetime import datetime

from django.db import transaction

from portal.foundation.core.actor import Actor
from portal.foundation.core.errors import Invalid
from portal.foundation.journal.record import record
from products import rules
from products.models import LibraryPolicy, Product, PublicChange

from .locking import locked
from .telling import tell

SHORTEST, LONGEST = 7, 1095  # days


@transaction.atomic(durable=True)
def suspend(product_id: int, *, reason: str, actor: Actor, now: datetime) -> Product:
    """Take it off the matrix for a while, by its institution or the regulator; running requests go on."""
    product, _ = locked(product_id)
    rules.can_suspend(actor, product).require()
    product.suspend(by=actor.organisation_id, reason=_reason(reason, "写明暂停的原因，对方会看到。"))
    product.save(update_fields=["state", "suspended_by", "state_note"])
    PublicChange.objects.create(product=product, kind=PublicChange.Kind.SUSPENDED, at=now)
    tell("product.suspended", product, actor=actor, now=now, text=f"暂停产品“{product.name}”：{product.state_note}")
    return product


@transaction.atomic(durable=True)
def resume(product_id: int, *, actor: Actor, now: datetime) -> Product:
    """Back on the matrix; who suspended it resumes it, and says with it that the terms hold."""
    product, _ = locked(product_id)
    rules.can_resume(actor, product).require()
    product.resume(now=now)
    product.save(update_fields=["state", "suspended_by", "state_note", "confirmed_at", "alarmed_at"])
    PublicChange.objects.create(product=product, kind=PublicChange.Kind.RESUMED, at=now)
    tell("product.resumed", product, actor=actor, now=now, text=f"恢复产品“{product.name}”")
    return product


@transaction.atomic(durable=True)
def withdraw(product_id: int, *, reason: str, actor: Actor, now: datetime) -> Product:
    """For good. Its versions stay, and offers keep the one they were made under; an open draft is given up with it."""
    product, version = locked(product_id)
    rules.can_withdraw(actor, product).require()
    product.withdraw(reason=_reason(reason, "写明下架的原因，对方会看到。"))
    product.save(update_fields=["state", "state_note"])
    if version is not None:
        version.discard()
        version.save(update_fields=["state"])
    PublicChange.objects.create(product=product, kind=PublicChange.Kind.WITHDRAWN, at=now)
    tell("product.withdrawn", product, actor=actor, now=now, text=f"下架产品“{product.name}”：{product.state_note}")
    return product


@transaction.atomic(durable=True)
def confirm(product_id: int, *, actor: Actor, now: datetime) -> Product:
    """仍然有效: somebody who knows has looked; the count of days begins again."""
    product, _ = locked(product_id)
    rules.can_confirm(actor, product).require()
    product.confirmed_at, product.alarmed_at = now, None
    product.save(update_fields=["confirmed_at", "alarmed_at"])
    tell("product.confirmed", product, actor=actor, now=now, text=f"确认产品“{product.name}”仍然有效")
    return product


@transaction.atomic(durable=True)
def set_stale_days(days: int, *, ground: str, actor: Actor, now: datetime) -> LibraryPolicy:
    """After how many calendar days without a confirmation both sides are told."""
    rules.can_set_policy(actor).require()
    if not SHORTEST <= days <= LONGEST:
        said = f"填写 {SHORTEST} 到 {LONGEST} 之间的天数。"
        raise Invalid("days", said, fields={"days": said})
    policy = LibraryPolicy.objects.create(stale_days=days, ground=ground, set_by=actor.label, set_at=now)
    record(
        "product.policy_set",
        actor=actor,
        now=now,
        subject=f"library-policy:{policy.pk}",
        text=f"产品确认期限设为 {days} 天，依据：{ground}",
        data={"stale_days": days},
    )
    return policy


def _reason(text: str, missing: str) -> str:
    if not text.strip():
        raise Invalid("reason", missing, fields={"reason": missing})
    return text.strip()
