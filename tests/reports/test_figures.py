"""Rui reads the SLA report: every figure is right, and every figure opens exactly its cases."""

from collections import Counter, defaultdict
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import pytest

from applications.cover_models import Cover
from applications.models import NextRound, Referral
from pledges.models import Matter, Registration
from portal.foundation.accounts.models import District, OrganisationKind
from portal.foundation.core.errors import Invalid
from portal.foundation.core.moments import local_date
from portal.foundation.sla.models import Clock, Kind
from portal.reports import cases, sla, tiles
from portal.reports.measures import MEASURES
from portal.reports.paging import Place
from portal.reports.scope import GROUPINGS, Scope
from portal.reports.sla import Rate
from tests import factories
from tests.factories import Person
from tests.reports.seed import Seed, at, banks, desk, scatter

pytestmark = pytest.mark.django_db

NOW = at("2026-11-20 10:00")  # a Friday
NOVEMBER = Scope(Kind.RESPONSE, date(2026, 11, 1), date(2026, 11, 30))


def total(scope: Scope) -> sla.Figures:
    return sla.report(scope, known=sla.names(), now=NOW).total


def listed(scope: Scope, measure: str, *, now: datetime = NOW) -> list[cases.Case]:
    """Every case behind a figure, page by page, as a reader would turn them."""
    known, place, found = sla.names(), Place(), list[cases.Case]()
    while True:
        page = cases.cases(scope, measure, place=place, known=known, now=now, size=7)
        found += page.rows
        if not page.after:
            return found
        place = Place.of(before="", after=page.after)


def test_a_reply_a_moment_before_midnight_is_on_time_and_at_midnight_it_is_late(ling: Person, bo: Person) -> None:
    seed, monday = Seed(ling), at("2026-11-16 09:00")  # due Wednesday 24:00
    seed.referral(bo.organisation, started=monday, stopped=at("2026-11-18 23:59") + timedelta(seconds=59))
    seed.referral(bo.organisation, started=monday, stopped=at("2026-11-19 00:00"))
    figures = total(NOVEMBER)
    assert (figures["addressed"], figures["on_time"], figures["late"]) == (2, 1, 1)
    assert figures.on_time_rate == Rate(1, 2)


def test_a_withdrawal_before_due_leaves_the_denominator_and_after_due_it_stays(ling: Person, bo: Person) -> None:
    seed, monday = Seed(ling), at("2026-11-16 09:00")
    withdrawn = {"state": "withdrawn", "reason": "withdrawn"}
    seed.referral(bo.organisation, started=monday, stopped=at("2026-11-17 09:00"), excused=True, **withdrawn)
    seed.referral(bo.organisation, started=monday, stopped=at("2026-11-19 09:00"), **withdrawn)
    figures = total(NOVEMBER)
    assert (figures["excused"], figures["late"], figures["counted"]) == (1, 1, 1)
    assert figures.on_time_rate.text == "0.0%"


def test_an_open_request_is_overdue_only_once_its_moment_has_passed(ling: Person, bo: Person) -> None:
    seed = Seed(ling)
    seed.referral(bo.organisation, started=at("2026-11-17 09:00"))  # due Thursday 24:00
    seed.referral(bo.organisation, started=at("2026-11-19 09:00"))  # due Monday 24:00
    figures = total(NOVEMBER)
    assert (figures["overdue"], figures["open"], figures["counted"]) == (1, 1, 1)
    due = Clock.objects.order_by("due_at")[0].due_at
    before = sla.report(NOVEMBER, known=sla.names(), now=due - timedelta(microseconds=1)).total
    at_midnight = sla.report(NOVEMBER, known=sla.names(), now=due).total
    assert (before["overdue"], at_midnight["overdue"]) == (0, 1)


def test_a_file_in_correction_is_not_overdue_however_long_it_takes(ling: Person, bo: Person, chen: Person) -> None:
    seed, scope = Seed(ling), Scope(Kind.REGISTRATION, date(2026, 11, 1), date(2026, 11, 30))
    monday = at("2026-11-16 09:00")
    seed.registration(chen.organisation, bo.organisation, started=monday, paused=at("2026-11-16 15:00"), rounds=1)
    seed.registration(chen.organisation, bo.organisation, started=monday, stopped=at("2026-11-17 10:00"))
    seed.registration(
        chen.organisation, bo.organisation, started=monday, stopped=at("2026-11-18 10:00"), ground="R04", rounds=2
    )
    figures = total(scope)
    assert (figures["paused"], figures["overdue"], figures["on_time"], figures["late"]) == (1, 0, 1, 1)
    assert (figures["registered"], figures["refused"], figures["refused-R04"]) == (1, 1, 1)
    assert figures.correction_rate == Rate(2, 3)


def test_jiangbei_and_yubei_count_with_liangjiang(ling: Person, bo: Person) -> None:
    seed = Seed(ling)
    for district in ("500105", "500112", "500157", "500106"):
        seed.referral(bo.organisation, started=at("2026-11-16 09:00"), district=district)
    by_district = Scope(Kind.RESPONSE, date(2026, 11, 1), date(2026, 11, 30), by="district")
    rows = sla.report(by_district, known=sla.names(), now=NOW).rows
    assert {row.keys[0].label: row.figures["addressed"] for row in rows} == {"沙坪坝区": 1, "两江新区": 3}
    liangjiang = Scope(Kind.RESPONSE, date(2026, 11, 1), date(2026, 11, 30), district="500157")
    assert len(listed(liangjiang, "addressed")) == 3


def test_the_month_is_the_one_on_a_chongqing_clock(ling: Person, bo: Person) -> None:
    seed = Seed(ling)
    seed.referral(bo.organisation, started=at("2026-10-31 23:59"))
    seed.referral(bo.organisation, started=at("2026-11-01 00:00"))  # still October in UTC
    by_month = Scope(Kind.RESPONSE, date(2026, 10, 1), date(2026, 11, 30), by="month")
    rows = sla.report(by_month, known=sla.names(), now=NOW).rows
    assert [(row.keys[0].label, row.figures["addressed"]) for row in rows] == [("2026年10月", 1), ("2026年11月", 1)]


def test_the_desk_is_counted_apart_from_the_institutions(ling: Person, bo: Person) -> None:
    seed, own = Seed(ling), desk()
    seed.referral(own, started=at("2026-11-16 09:00"))
    seed.referral(bo.organisation, started=at("2026-11-16 09:00"), stopped=at("2026-11-16 10:00"))
    found = sla.report(NOVEMBER, known=sla.names(), now=NOW)
    assert found.total.on_time_rate == Rate(1, 1)
    assert found.desk_total.on_time_rate == Rate(0, 1)
    assert [row.keys[0].value for row in found.desk_rows] == [own.pk]


def test_a_rate_is_a_hundred_only_when_every_case_is_on_time() -> None:
    assert Rate(1999, 2000).text == "99.9%"
    assert Rate(2000, 2000).text == "100.0%"
    assert Rate(1, 5000).text == "0.1%"
    assert Rate(0, 5000).text == "0.0%"
    assert Rate(2, 3).text == "66.7%"
    assert Rate(0, 0).text == "—"
    assert Rate(1, 3).percent == Decimal(100) / 3


def test_every_district_of_today_has_its_tile_and_no_other(reference: None) -> None:
    current = set(District.objects.filter(current=True).values_list("code", flat=True))
    assert set(tiles.PLACES) == current
    assert len(current) == 39  # 37 districts and counties, 2 functional zones
    assert len({place[:2] for place in tiles.PLACES.values()}) == 39


# --- against a naive recomputation ----------------------------------------------------------------------------------
def _quantile(values: list[int], share: Fraction) -> Decimal | None:
    """Linear interpolation in exact fractions, as percentile_cont defines it."""
    if not values:
        return None
    ordered = sorted(values)
    rank = share * (len(ordered) - 1)
    below = int(rank)
    above = min(below + 1, len(ordered) - 1)
    exact = ordered[below] + (rank - below) * (ordered[above] - ordered[below])
    return (Decimal(exact.numerator) / exact.denominator).quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)


def _outcome(clock: Clock) -> str:
    if clock.excused:
        return "excused"
    if clock.stopped_at is not None:
        return "on_time" if clock.stopped_at < clock.due_at else "late"
    if clock.paused_at is not None:
        return "paused"
    return "overdue" if clock.due_at <= NOW else "open"


def _naive(scope: Scope) -> dict[tuple[bool, tuple[object, ...]], tuple[Counter[str], list[int]]]:
    """One Python loop over every clock: (desk, keys) -> (counts, working minutes)."""
    successors = dict(District.objects.exclude(successor=None).values_list("code", "successor_id"))
    owners: list[Matter] | list[Cover] | list[Referral] | list[Registration] | list[NextRound]
    if scope.kind == Kind.RESPONSE:
        owners = list(Referral.objects.exclude(clock=None).select_related("clock", "application", "institution"))
    elif scope.kind == Kind.COVER:
        owners = list(Cover.objects.exclude(clock=None).select_related("clock", "application"))
    elif scope.kind == Kind.NEXT_LENDERS:
        owners = list(NextRound.objects.exclude(clock=None).select_related("clock", "application"))
    elif scope.kind == Kind.AMENDMENT:
        owners = list(Matter.objects.exclude(clock=None).select_related("clock", "registration__application"))
    else:
        owners = list(Registration.objects.exclude(clock=None).select_related("clock", "application"))
    groups: dict[tuple[bool, tuple[object, ...]], tuple[Counter[str], list[int]]] = defaultdict(lambda: (Counter(), []))
    for owner in owners:
        clock = owner.clock
        assert clock is not None
        day = local_date(clock.started_at)
        if not scope.first <= day <= scope.last:
            continue
        case = owner.registration.application if isinstance(owner, Matter) else owner.application
        code = case.district_code
        facts = {
            "institution": clock.organisation_id,
            "district": successors.get(code, code) or "-",
            "month": day.replace(day=1),
        }
        is_desk = isinstance(owner, Referral) and owner.institution.dispatcher
        counts, minutes = groups[is_desk, tuple(facts[d] for d in scope.dimensions)]
        outcome = _outcome(clock)
        counts.update(["addressed", outcome])
        if outcome in ("on_time", "late", "overdue"):
            counts["counted"] += 1
        if outcome in ("on_time", "late"):
            counts["answered"] += 1
            minutes.append(clock.working_minutes or 0)
        if isinstance(owner, Referral):
            counts["claimed"] += clock.stop_reason == "claimed"
            if owner.state == "declined":
                counts.update(["declined", f"declined-{owner.decline_code}"])
        elif isinstance(owner, Cover):
            counts["committed"] += owner.state == "committed"
            if owner.state == "declined":
                counts.update(["declined", f"declined-{owner.decline_code}"])
        elif isinstance(owner, NextRound):
            counts[f"cause-{owner.cause}"] += 1
            counts["taken"] += owner.lenders.exclude(taken_at=None).exists()
            counts["none-left"] += owner.outcome == "none_left"
        elif isinstance(owner, Matter):
            counts["corrected"] += owner.correction_rounds > 0
            if owner.state == "approved":
                counts[owner.kind] += 1
            if owner.state == "refused":
                counts.update(["refused", f"refused-{owner.refusal_ground}"])
        else:
            counts["corrected"] += owner.correction_rounds > 0
            counts["registered"] += owner.state == "registered"
            if owner.state == "refused":
                counts.update(["refused", f"refused-{owner.refusal_ground}"])
    return groups


@pytest.fixture
def crowd(ling: Person, chen: Person) -> None:
    scatter(Seed(ling), [*banks(4), desk()], chen.organisation, number=120, now=NOW, key=20261120)


def test_the_report_agrees_with_a_loop_over_every_clock(crowd: None) -> None:
    for kind in Kind:
        for by in GROUPINGS:
            compare(Scope(kind, date(2026, 6, 20), date(2026, 11, 20), by=by))


def compare(scope: Scope) -> None:
    """Every count, median and P90 of every row and total, one grouping."""
    kind = scope.kind
    found = sla.report(scope, known=sla.names(), now=NOW)
    expected = _naive(scope)
    rows = [(False, row) for row in found.rows] + [(True, row) for row in found.desk_rows]
    assert {(is_desk, tuple(key.value for key in row.keys)) for is_desk, row in rows} == set(expected)
    for is_desk, row in rows:
        counts, minutes = expected[is_desk, tuple(key.value for key in row.keys)]
        for code in MEASURES[kind]:
            assert row.figures[code] == counts[code], (row.id, code)
        assert row.figures.median_minutes == _quantile(minutes, Fraction(1, 2))
        assert row.figures.p90_minutes == _quantile(minutes, Fraction(9, 10))
    everything = [minutes for (is_desk, _), (_, some) in expected.items() if not is_desk for minutes in some]
    assert found.total.p90_minutes == _quantile(everything, Fraction(9, 10))


@pytest.mark.parametrize("kind", list(Kind))
def test_every_figure_opens_exactly_the_cases_it_counts(crowd: None, kind: Kind) -> None:
    scope = Scope(kind, date(2026, 6, 20), date(2026, 11, 20), by="institution-district-month")
    found = sla.report(scope, known=sla.names(), now=NOW)
    clocks: Counter[int] = Counter()
    for row in [*found.rows, *found.desk_rows]:
        parts = []
        for code in ("on_time", "late", "overdue", "open", "paused", "excused"):
            if code in MEASURES[kind]:
                parts += listed(row.scope, code)
                assert len(listed(row.scope, code)) == row.figures[code] == cases.count(row.scope, code, now=NOW)
        assert len(parts) == row.figures["addressed"]  # each clock has one outcome
        clocks.update(case.clock for case in parts)
    assert set(clocks.values()) == {1}
    assert set(clocks) == set(
        Clock.objects.filter(kind=kind, started_at__gte=scope.starts, started_at__lt=scope.ends).values_list(
            "pk", flat=True
        )
    )
    by_district = Scope(kind, scope.first, scope.last, by="district-month")
    again = sla.report(by_district, known=sla.names(), now=NOW)
    for row in again.rows:
        for code in MEASURES[kind]:
            assert cases.count(row.scope, code, now=NOW) == row.figures[code], (row.id, code)


def test_pages_turn_both_ways_without_losing_a_case(crowd: None) -> None:
    scope, known = Scope(Kind.RESPONSE, date(2026, 6, 20), date(2026, 11, 20)), sla.names()
    first = cases.cases(scope, "addressed", place=Place(), known=known, now=NOW, size=10)
    second = cases.cases(
        scope, "addressed", place=Place.of(before="", after=first.after), known=known, now=NOW, size=10
    )
    back = cases.cases(
        scope, "addressed", place=Place.of(before=second.before, after=""), known=known, now=NOW, size=10
    )
    assert [case.clock for case in back.rows] == [case.clock for case in first.rows]
    assert (first.before, back.before) == ("", "")


def test_a_figure_that_does_not_exist_is_refused_in_words(bo: Person) -> None:
    with pytest.raises(Invalid, match="没有这一项指标"):
        cases.count(NOVEMBER, "true) OR (true", now=NOW)
    assert factories.organisation(OrganisationKind.BANK, "示例新银行").pk in sla.names().institutions
