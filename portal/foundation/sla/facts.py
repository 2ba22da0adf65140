"""What happened to a clock, as its journal entry keeps it: enough to derive the verdict again from the journal alone.

Every action that touches clocks puts these into `data["clocks"]` of the entry it writes anyway; `replay.py` reads them. The
verbs of `clocks.py` leave them on the clock they return (`clock.facts`, empty when the call changed nothing), so that an
action cannot record what did not happen:

    stopped = clocks.stop(...)
    record("referral.declined", ..., data={..., "clocks": stopped.facts})

What a term was counted with stands in `clock.calendar` (a version; no column), set by whoever counts it.

Pure: a clock in, a dict of JSON values out. Moments are ISO 8601 in UTC with microseconds (a clock stopped one microsecond
before midnight is in time); ids are numbers; `at` is the moment of the fact; `calendar` names the version it was counted with.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from portal.foundation.core.moments import iso

from .models import Clock, Policy, PolicyLevel

Fact = dict[str, Any]


def started(clock: Clock) -> Fact:
    """A promise was made: the policy it was made under, the calendar it was counted with, the moments of its ladder."""
    return _fact("started", clock, clock.started_at) | _term(clock)


def started_alike(clock: Clock, whose: Sequence[tuple[int, str, int]]) -> list[Fact]:
    """Several clocks of one plan, differing only in (clock id, subject, organisation id)."""
    like = started(clock)
    return [like | {"clock": pk, "subject": subject, "organisation": to} for pk, subject, to in whose]


def paused(clock: Clock, *, reason: str) -> Fact:
    """The ball went to the other side's court at `clock.paused_at`."""
    return _fact("paused", clock, clock.paused_at or clock.started_at) | {"reason": reason}


def resumed(clock: Clock, *, now: datetime, anew: bool) -> Fact:
    """It runs again: with the full term `anew`, or (late before its pause) with the due moment it had."""
    return _fact("resumed", clock, now) | _term(clock) | {"anew": anew}


def stopped(clock: Clock) -> Fact:
    """It ended at `clock.stopped_at`, with the verdict's ingredients: reason, excused or not, office minutes used."""
    return _fact("stopped", clock, clock.stopped_at or clock.started_at) | {
        "reason": clock.stop_reason,
        "excused": clock.excused,
        "working_minutes": clock.working_minutes,
    }


def reassigned(clock: Clock, from_organisation: int, *, now: datetime, reason: str = "", anew: bool = False) -> Fact:
    """The same promise, another responsible organisation: `clock.organisation_id` from now on, `anew` with a full term."""
    said = {"from_organisation": from_organisation, "reason": reason, "anew": anew}
    return _fact("reassigned", clock, now) | said | (_term(clock) if anew else {})


def recomputed(clock: Clock, old_due_at: datetime, *, now: datetime, ground: str = "") -> Fact:
    """A changed calendar moved the due moment of an open clock; `ground` is the document behind it."""
    return _fact("recomputed", clock, now) | _term(clock) | {"old_due_at": iso(old_due_at), "reason": ground}


def policy_set(policy: Policy, levels: Sequence[PolicyLevel]) -> Fact:
    """All a version of a promise says, as the data of its `policy.set` entry."""
    return {
        "id": policy.pk,
        "kind": str(policy.kind),
        "days": policy.days,
        "day_zero": policy.day_zero,
        "closes": policy.closes.isoformat() if policy.closes else None,
        "anew_when_reassigned": policy.anew_when_reassigned,
        "valid_from": iso(policy.valid_from),
        "ground": policy.ground,
        "decided_by": policy.decided_by,
        "levels": [
            {
                "position": level.position,
                "code": level.code,
                "label": level.label,
                "anchor": str(level.anchor),
                "offset": level.offset,
                "recipients": [str(role) for role in level.recipients],
            }
            for level in levels
        ],
    }


def _fact(did: str, clock: Clock, at: datetime) -> Fact:
    return {
        "did": did,
        "clock": clock.pk,
        "kind": str(clock.kind),
        "subject": clock.subject,
        "organisation": clock.organisation_id,
        "at": iso(at),
        "started_at": iso(clock.started_at),
        "due_at": iso(clock.due_at),
        "provisional": clock.provisional,
    }


def _term(clock: Clock) -> Fact:
    """Under which rule and calendar the due moment was counted, and what it led to."""
    if not clock.calendar:
        raise ValueError("whoever counts a due moment says with which calendar: set clock.calendar to its version")
    policy = clock.policy
    return {
        "policy": {
            "id": policy.pk,
            "days": policy.days,
            "day_zero": policy.day_zero,
            "closes": policy.closes.isoformat() if policy.closes else None,
        },
        "calendar": clock.calendar,
        "announced": clock.level,  # how many levels of the ladder count as done
        "ladder": [
            {"level": level, "moment": iso(moment)} for level, moment in zip(clock.levels, clock.moments, strict=True)
        ],
    }
