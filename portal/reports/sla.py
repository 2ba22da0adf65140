"""The SLA report: how both promises were kept, by institution, district and month, exact and live.

One statement a report (GROUPING SETS give the rows and both totals, so that percentiles of a total are its own).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple

from django.db import connection
from django.db.models import Q

from portal.foundation.accounts.models import District, Organisation, OrganisationKind
from portal.foundation.sla.models import Kind

from .facts import NO_DISTRICT, fact, parameters
from .measures import ANSWERED, MEASURES
from .scope import DISTRICT, INSTITUTION, MONTH, Scope

TENTH = Decimal("0.1")
_KEYS = {INSTITUTION: "organisation_id", DISTRICT: "district", MONTH: "month", "week": "week"}


@dataclass(frozen=True, slots=True)
class Rate:
    """A share that never travels without its denominator."""

    part: int
    whole: int

    @property
    def percent(self) -> Decimal | None:
        """Exact per cent, unrounded; None when nothing was counted."""
        return Decimal(100) * self.part / self.whole if self.whole else None

    @property
    def tenth(self) -> Decimal | None:
        """Per cent with one decimal, half up; but 100.0 only when all, and 0.0 only when none: 1,999 of 2,000 is 99.9."""
        if self.percent is None:
            return None
        shown = self.percent.quantize(TENTH, rounding=ROUND_HALF_UP)
        if self.part < self.whole:
            shown = min(shown, Decimal("99.9"))
        return max(shown, TENTH) if self.part else shown

    @property
    def text(self) -> str:
        return "—" if self.tenth is None else f"{self.tenth}%"

    @property
    def fraction(self) -> str:
        return f"{self.part}/{self.whole}"


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of one cell. Counts by measure code; minutes are working minutes, None when nobody answered yet."""

    counts: Mapping[str, int]
    median_minutes: Decimal | None = None
    p90_minutes: Decimal | None = None

    def __getitem__(self, code: str) -> int:
        return self.counts.get(code, 0)

    @property
    def on_time_rate(self) -> Rate:
        return Rate(self["on_time"], self["counted"])

    @property
    def correction_rate(self) -> Rate:
        return Rate(self["corrected"], self["addressed"])

    @property
    def median_hours(self) -> Decimal | None:
        return _hours(self.median_minutes)

    @property
    def p90_hours(self) -> Decimal | None:
        return _hours(self.p90_minutes)


NOTHING = Figures({})


@dataclass(frozen=True, slots=True)
class Key:
    """One coordinate of a row: `value` is an organisation's id, a district's code or the first day of a month."""

    dimension: str
    value: int | str | date
    label: str
    order: tuple[int, str]


@dataclass(frozen=True, slots=True)
class Row:
    """One group of the report; `scope` holds exactly its cases."""

    keys: tuple[Key, ...]
    figures: Figures
    scope: Scope

    @property
    def id(self) -> str:
        """A name for this row in an address, the same from one request to the next."""
        return "~".join(str(key.value) for key in self.keys)


@dataclass(frozen=True, slots=True)
class Report:
    """Rows and total of the institutions, and apart from them those of the dispatcher's desk; `at` is the moment of the data."""

    scope: Scope
    at: datetime
    rows: Sequence[Row]
    total: Figures
    desk_rows: Sequence[Row]
    desk_total: Figures


class Responsible(NamedTuple):
    """An organisation that can owe an answer: how it is written, where it stands in a list, which promise it gives."""

    name: str
    pinyin: str
    kind: Kind

    def keeps(self, kind: str) -> bool:
        """Whether this promise may be its: who answers requests may also be the desk that owes the next lenders."""
        also = {Kind.RESPONSE: (Kind.NEXT_LENDERS, Kind.COVER), Kind.REGISTRATION: (Kind.AMENDMENT,)}
        return self.kind == kind or kind in also.get(self.kind, ())


class Place(NamedTuple):
    """A district, abolished ones too: history stays readable."""

    name: str
    position: int
    current: bool


@dataclass(frozen=True, slots=True)
class Names:
    """Names and reading order of everything a row can be grouped by."""

    institutions: Mapping[int, Responsible]
    districts: Mapping[str, Place]  # by code

    def key(self, dimension: str, value: int | str | date) -> Key:
        if isinstance(value, date):
            return Key(dimension, value, f"{value.year}年{value.month}月", (0, value.isoformat()))
        if isinstance(value, int):
            found = self.institutions.get(value)
            return Key(dimension, value, found.name if found else f"机构 {value}", (0, found.pinyin if found else "~"))
        if value == NO_DISTRICT:
            return Key(dimension, value, "未填区县", (10_000, ""))
        place = self.districts.get(value, Place(value, 9_999, current=False))
        return Key(dimension, value, place.name, (place.position, value))


def institutions() -> dict[int, Responsible]:
    """Everybody with a clock to keep, the dispatcher's desk included, in reading order; one query."""
    rows = (
        Organisation.objects.filter(Q(institution__isnull=False) | Q(kind=OrganisationKind.IP_OFFICE))
        .order_by("sort_key", "pk")
        .values_list("pk", "short_name", "name", "sort_key", "kind", "institution__dispatcher")
    )
    return {
        pk: Responsible(
            f"{short or name}（调度台）" if desk and "调度台" not in (short or name) else short or name,
            pinyin,
            Kind.REGISTRATION if kind == OrganisationKind.IP_OFFICE else Kind.RESPONSE,
        )
        for pk, short, name, pinyin, kind, desk in rows
    }


def names() -> Names:
    """Institutions and districts, two queries."""
    rows = District.objects.values_list("code", "name", "position", "successor__name")
    places = {
        code: Place(f"{name}（现{successor}）" if successor else name, position, current=successor is None)
        for code, name, position, successor in rows
    }
    return Names(institutions(), places)


def report(scope: Scope, *, known: Names, now: datetime) -> Report:
    """The report as of `now` (aware), one query. Rows are in reading order: institution, district, month."""
    rows: dict[bool, list[Row]] = {False: [], True: []}
    totals: dict[bool, Figures] = {False: NOTHING, True: NOTHING}
    for desk, values, figures in _grouped(scope, scope.dimensions, now=now):
        if values is None:
            totals[desk] = figures
            continue
        keys = tuple(known.key(d, v) for d, v in zip(scope.dimensions, values, strict=True))
        cell = scope.within(**{key.dimension: key.value for key in keys})
        if INSTITUTION not in scope.dimensions:  # an institution is the desk or is not: its id says so already
            cell = cell.within(desk=desk)
        rows[desk].append(Row(keys, figures, cell))
    for some in rows.values():
        some.sort(key=lambda row: [key.order for key in row.keys])
    return Report(scope, now, rows[False], totals[False], rows[True], totals[True])


def weekly(scope: Scope, *, now: datetime) -> dict[int, dict[date, Figures]]:
    """Institution → Monday → figures, without the dispatcher's desk, one query."""
    found: dict[int, dict[date, Figures]] = {}
    for desk, values, figures in _grouped(scope, (INSTITUTION, "week"), now=now):
        if values is None or desk:
            continue
        institution, week = values
        if isinstance(institution, int) and isinstance(week, date):
            found.setdefault(institution, {})[week] = figures
    return found


Values = tuple[int | str | date, ...]


def _grouped(scope: Scope, dimensions: Sequence[str], *, now: datetime) -> list[tuple[bool, Values | None, Figures]]:
    """(desk, values, figures) of every group, and (desk, None, figures) for the two totals."""
    measures = list(MEASURES[scope.kind].values())
    keys = ", ".join(_KEYS[dimension] for dimension in dimensions)
    counts = ", ".join(f"count(*) FILTER (WHERE {measure.predicate})" for measure in measures)
    statement = f"""{fact(scope.kind)}
    SELECT desk, {keys}, grouping({_KEYS[dimensions[0]]}),
           percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY working_minutes) FILTER (WHERE {ANSWERED}),
           {counts}
      FROM fact
     WHERE (%(desk)s::boolean IS NULL OR desk = %(desk)s)
     GROUP BY GROUPING SETS ((desk, {keys}), (desk))"""  # noqa: S608 — constants of this app; what people chose are parameters
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters(scope, now=now))
        rows = cursor.fetchall()
    width = len(dimensions)
    found: list[tuple[bool, Values | None, Figures]] = []
    for row in rows:
        total, quantiles = row[1 + width], row[2 + width] or (None, None)
        figures = Figures(
            dict(zip((m.code for m in measures), row[3 + width :], strict=True)),
            _minutes(quantiles[0]),
            _minutes(quantiles[1]),
        )
        found.append((row[0], None if total else tuple(row[1 : 1 + width]), figures))
    return found


def _minutes(value: float | None) -> Decimal | None:
    """percentile_cont interpolates in double precision between whole minutes; two decimals are exact beyond any doubt."""
    return None if value is None else Decimal(repr(value)).quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)


def _hours(minutes: Decimal | None) -> Decimal | None:
    return None if minutes is None else (minutes / 60).quantize(TENTH, rounding=ROUND_HALF_UP)
