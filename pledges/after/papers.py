"""What the papers after a registration say; they are numbered and printed by pledges.notices like every other."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pledges.kinds import Ground
from pledges.models import Notice, PledgedPatent, Registration
from pledges.notices import registration_facts
from portal.foundation.core import display
from portal.foundation.core.moments import local_date

from .kinds import EndGround
from .models import Matter, Revocation

# (words, kind) of what such a paper is worth, for whoever checks it.
STANDING: dict[str, tuple[str, str]] = {
    Notice.Kind.CHANGED: ("变更登记的通知", "ok"),
    Notice.Kind.CANCELLED: ("质押登记已注销", "warn"),
    Notice.Kind.RELEASED: ("部分专利已解除质押", "ok"),
    Notice.Kind.REVOKED: ("质押登记已撤销，自始无效", "bad"),
    Notice.Kind.NOT_DONE: ("不予办理的决定", "warn"),
    Notice.Kind.TO_CORRECT: ("补正通知，办理中的文书", "warn"),
}


def _day(moment: datetime | None) -> str:
    return display.full_date_cn(local_date(moment)) if moment else display.NOTHING


def _about(file: Registration, *, patents: Sequence[str] | None = None) -> dict[str, Any]:
    """The registration as it stands, with the day and number of its own paper; the parties as registered."""
    facts = registration_facts(file, now=file.decided_at or file.created_at)
    names = {"出质人": file.pledgor_name, "质权人": file.pledgee_name}
    for party in facts["parties"]:
        party["name"] = names.get(party["role"]) or party["name"]
    if patents is not None:
        facts["patents"] = [p for p in facts["patents"] if p["number"] in set(patents)]
        for place, row in enumerate(facts["patents"], start=1):
            row["seq"] = place
    first = file.notices.filter(kind=Notice.Kind.REGISTERED).first()
    return facts | {"registered_number": first.number if first else ""}


def still_pledged(file: Registration) -> list[str]:
    rows = PledgedPatent.objects.filter(registration=file, effective__upper_inf=True)
    return list(rows.order_by("number").values_list("number", flat=True))


def changed(file: Registration, matter: Matter, *, lines: Sequence[Mapping[str, str]], now: datetime) -> dict[str, Any]:
    """变更通知书: each changed item old beside new, as it was in the register a moment before."""
    return _about(file, patents=still_pledged(file)) | {
        "matter": matter.number,
        "received_on": _day(matter.submitted_at),
        "lines": list(lines),
        "changed_on": _day(now),
    }


def cancelled(file: Registration, matter: Matter, *, now: datetime) -> dict[str, Any]:
    """注销通知书: the ground, and the day on which the effect ends."""
    return _about(file) | {
        "matter": matter.number,
        "received_on": _day(matter.submitted_at),
        "end_ground": str(EndGround(matter.end_ground).label),
        "ended_on": _day(now),
    }


def released(file: Registration, matter: Matter, *, now: datetime) -> dict[str, Any]:
    """部分注销通知书: the patents that are free from today, and how many stay pledged."""
    return _about(file, patents=matter.numbers) | {
        "matter": matter.number,
        "received_on": _day(matter.submitted_at),
        "remaining": len(still_pledged(file)),
        "ended_on": _day(now),
    }


def revoked(file: Registration, revocation: Revocation, *, now: datetime) -> dict[str, Any]:
    """撤销通知书: why, and that it is void from the start."""
    return _about(file) | {
        "revocation": revocation.pk,
        "revoked_for": revocation.reason,
        "found": revocation.found,
        "revoked_on": _day(now),
    }


def not_done(file: Registration, matter: Matter) -> dict[str, Any]:
    return _about(file, patents=still_pledged(file)) | {
        "matter": matter.number,
        "matter_title": matter.title,
        "received_on": _day(matter.submitted_at),
        "grounds": [
            {
                "code": matter.refusal_ground,
                "text": str(Ground(matter.refusal_ground).label),
                "detail": matter.refusal_note,
            }
        ],
    }


def to_correct(file: Registration, matter: Matter, defects: Sequence[str]) -> dict[str, Any]:
    facts = _about(file) | {
        "application_number": matter.number,
        "applied_for": f"{matter.title}申请",
        "matter": matter.number,
        "matter_title": matter.title,
        "received_on": _day(matter.submitted_at),
        "defects": [{"material": matter.title, "problem": d, "fix": "按所列问题补正。"} for d in defects],
    }
    del facts["patents"]
    return facts
