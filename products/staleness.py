"""Products that nobody has confirmed for long: found, and both sides told once a silence."""

import logging
from datetime import datetime, timedelta

from django.db import transaction

from portal.foundation.core.actor import SYSTEM
from portal.foundation.core.moments import local_date
from portal.foundation.journal.record import record

from .models import LibraryPolicy, Product, ProductQuerySet
from .policy_models import STALE_DAYS

log = logging.getLogger(__name__)
AT_ONCE = 200


def stale_days() -> int:
    """The rule in force, in calendar days."""
    days = LibraryPolicy.objects.order_by("-pk").values_list("stale_days", flat=True).first()
    return STALE_DAYS if days is None else days


def stale(*, now: datetime, days: int | None = None) -> ProductQuerySet:
    """Public products whose last confirmation is `days` or more calendar days old, oldest first."""
    limit = now - timedelta(days=stale_days() if days is None else days)
    return Product.objects.filter(state=Product.State.PUBLISHED, confirmed_at__lte=limit).order_by("confirmed_at", "pk")


def raise_alarms(*, now: datetime) -> int:
    """Journal each silence once; returns how many now. Any number of callers: a product is taken by one of them, and its
    mark is written with its entry. A confirmation, a new version or a resumption clears the mark."""
    days = stale_days()
    if not stale(now=now, days=days).filter(alarmed_at=None).exists():
        return 0
    with transaction.atomic():
        found = list(
            stale(now=now, days=days)
            .filter(alarmed_at=None)
            .select_for_update(skip_locked=True, of=("self",))[:AT_ONCE]
        )
        for product in found:
            since = local_date(product.confirmed_at) if product.confirmed_at else product.updated_on
            record(
                "product.stale",
                actor=SYSTEM,
                now=now,
                subject=f"product:{product.pk}",
                text=f"产品“{product.name}”自 {since:%Y-%m-%d} 起没有确认，已满 {days} 天",
                data={"product": product.pk, "institution": product.institution_id, "days": days},
                parties=[product.institution_id],
            )
        Product.objects.filter(pk__in=[product.pk for product in found]).update(alarmed_at=now)
    return len(found)


def watch(*, now: datetime) -> None:
    """What the clock does beside its deadlines. It never raises: those must not stop for the library."""
    try:
        raise_alarms(now=now)
    except Exception:  # whatever it is, the next round tries again
        log.exception("looking for stale products failed")
