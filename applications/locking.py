"""Locking referrals for a change that begins with their clocks (foundation.sla.owners)."""

from collections.abc import Sequence

from .models import NextRound, Referral


def lock_of_clocks(clock_ids: Sequence[int]) -> None:
    """Lock the referrals of these clocks by pk, as every verb that takes several does. Inside a transaction."""
    wanted = Referral.objects.filter(clock_id__in=clock_ids).order_by("pk")
    list(wanted.select_for_update(of=("self",), no_key=True).values_list("pk", flat=True))


def lock_rounds_of_clocks(clock_ids: Sequence[int]) -> None:
    """The same for the rounds of next lenders."""
    wanted = NextRound.objects.filter(clock_id__in=clock_ids).order_by("pk")
    list(wanted.select_for_update(of=("self",), no_key=True).values_list("pk", flat=True))
