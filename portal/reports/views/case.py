"""One case as the regulator sees it: whose, to whom, every clock, every order and everything that happened."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from applications.cover_rows import listed, within
from applications.models import Application, NextRound
from applications.next_rounds import told
from pledges.after.queries import listed as listed_matters
from pledges.after.queries import within as matters_within
from portal.foundation.accounts.guards import allow
from portal.foundation.accounts.middleware import actor_of
from portal.foundation.accounts.models import Role
from portal.foundation.core import moments
from portal.foundation.journal.models import Entry
from portal.foundation.sla import calendars_in_use, lamps
from portal.foundation.sla.models import Kind
from portal.reports import sla
from portal.reports.models import SupervisionOrder

LONGEST = 200  # entries of a timeline; the longest known case has about forty


def _said(entry: Entry) -> str:
    """What happened, in words; the sweep writes its entries without any."""
    if entry.text:
        return entry.text
    if entry.verb == "clock.escalated":
        return f"时限提醒：{Kind(entry.data['kind']).label}，{entry.data.get('label') or entry.data['level']}"
    return entry.verb


def _result(found: NextRound) -> str:
    """What came of a round so far."""
    if any(lender.taken_at is not None for lender in found.lenders.all()):
        return str(NextRound.Outcome.TAKEN.label)
    return str(NextRound.Outcome(found.outcome).label if found.outcome else NextRound.State(found.state).label)


@allow(Role.REGULATOR)
@require_GET
def case(request: HttpRequest, number: str) -> HttpResponse:
    """The only page of supervision that names the enterprise."""
    now, actor = moments.now(), actor_of(request)
    cases = (
        Application.objects.visible_to(actor).select_related("organisation").annotate(cover_rows=within("application"))
    )
    found = get_object_or_404(cases, number=number)
    calendar = calendars_in_use.current()
    referrals = list(found.referrals.select_related("institution__organisation", "clock").order_by("pk"))
    files = list(
        found.registrations.exclude(submitted_at=None)
        .select_related("office", "clock")
        .annotate(matter_rows=matters_within())
        .order_by("pk")
    )
    rounds = list(
        found.next_rounds.select_related("clock__organisation").prefetch_related("lenders__institution__organisation")
    )
    covers = listed(found.cover_rows)  # type: ignore[attr-defined]
    matters = [row for file in files for row in listed_matters(file.matter_rows)]  # type: ignore[attr-defined]
    clocks = {r.clock_id for r in referrals} | {r.clock_id for r in files} | {r.clock_id for r in rounds}
    clocks |= {int(c["clock"]) for c in covers if c["clock"]} | {int(m["clock"]) for m in matters}
    entries = list(Entry.objects.of_case(number)[:LONGEST])
    return render(
        request,
        "supervision/case.html",
        {
            "case": found,
            "district": sla.names().key("district", found.district_code or "-").label,
            "referrals": [
                (row, lamps.of(row.clock, now=now, calendar=calendar) if row.clock else None) for row in referrals
            ],
            "files": [(row, lamps.of(row.clock, now=now, calendar=calendar) if row.clock else None) for row in files],
            "matters": matters,
            "rounds": [
                (
                    row,
                    told(row.reasons),
                    _result(row),
                    lamps.of(row.clock, now=now, calendar=calendar) if row.clock else None,
                )
                for row in sorted(rounds, key=lambda row: row.position)
            ],
            "covers": covers,
            "orders": list(SupervisionOrder.objects.filter(clock__in=clocks - {None}).order_by("pk")),
            "entries": [(entry, _said(entry)) for entry in entries],
            "now": now,
        },
    )
