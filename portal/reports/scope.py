"""What a reader of the report asks for: which promise, which days, grouped how, whose and where."""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from urllib.parse import urlencode

from portal.foundation.core.moments import local_date, midnight_after
from portal.foundation.sla.models import Kind

INSTITUTION, DISTRICT, MONTH = "institution", "district", "month"
DIMENSIONS = {INSTITUTION: "机构", DISTRICT: "区县", MONTH: "月份"}
GROUPINGS = {
    "institution": "机构",
    "district": "区县",
    "month": "月份",
    "institution-district": "机构 × 区县",
    "institution-month": "机构 × 月份",
    "district-month": "区县 × 月份",
    "institution-district-month": "机构 × 区县 × 月份",
}
NO_DISTRICT = "-"  # how an address writes «the request names no district»
MONTHS_SHOWN = 6


@dataclass(frozen=True, slots=True)
class Scope:
    """One promise over whole days (both inclusive, Asia/Shanghai, by the day the clock started).

    `institution` is an organisation's id, `district` a current code or NO_DISTRICT; None means all. `desk` keeps to the
    dispatcher's desk (True) or to everybody else (False); None means both.
    """

    kind: Kind
    first: date
    last: date
    by: str = INSTITUTION
    institution: int | None = None
    district: str | None = None
    desk: bool | None = None

    @property
    def dimensions(self) -> tuple[str, ...]:
        return tuple(self.by.split("-"))

    @property
    def starts(self) -> datetime:
        """The first moment that counts, aware UTC."""
        return midnight_after(self.first - timedelta(days=1))

    @property
    def ends(self) -> datetime:
        """The first moment that no longer counts, aware UTC."""
        return midnight_after(self.last)

    @property
    def period(self) -> str:
        """«2026年6月1日—2026年11月23日»."""
        return f"{spelled(self.first)}—{spelled(self.last)}"

    def within(self, **cell: object) -> "Scope":
        """The same scope narrowed to one cell: institution, district, desk, or month (its first day) cut to the period."""
        month = cell.pop("month", None)
        narrowed = replace(self, **cell)  # type: ignore[arg-type]
        if isinstance(month, date):
            last = (month.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
            narrowed = replace(narrowed, first=max(self.first, month), last=min(self.last, last))
        return narrowed

    def query(self, **more: str) -> str:
        """This scope as a query string; `more` adds or replaces parameters."""
        pairs: dict[str, str] = {"kind": self.kind, "from": self.first.isoformat(), "to": self.last.isoformat()}
        if self.by != INSTITUTION:
            pairs["by"] = self.by
        if self.institution is not None:
            pairs["institution"] = str(self.institution)
        if self.district is not None:
            pairs["district"] = self.district
        if self.desk is not None:
            pairs["desk"] = "1" if self.desk else "0"
        return urlencode(pairs | more)


def spelled(day: date) -> str:
    return f"{day.year}年{day.month}月{day.day}日"


def month_start(day: date, *, back: int = 0) -> date:
    """The first day of the month `back` months before the one of `day`."""
    months = day.year * 12 + day.month - 1 - back
    return date(months // 12, months % 12 + 1, 1)


def recent(*, now: datetime, kind: Kind = Kind.RESPONSE) -> Scope:
    """The last MONTHS_SHOWN months up to today, this one included."""
    today = local_date(now)
    return Scope(kind, month_start(today, back=MONTHS_SHOWN - 1), today)
