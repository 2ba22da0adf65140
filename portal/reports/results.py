"""What came of it: amounts and numbers registered and lent, days end to end, the five stages; and the requests behind them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from django.db import connection

from applications.models import Application
from portal.foundation.core.errors import Invalid

from .facts import DISTRICT, ROLL_UP
from .paging import PAGE, Cursor, Page, Place, page
from .scope import Scope
from .sla import TENTH, Names, Rate

INCLUSIVE_YUAN = Decimal(10_000_000)  # 单笔 1000 万元以下, the number itself included (民法典 1259)
DAYS_BEFORE, DAYS_NOW = 15, 7  # what the channel reported: 15 days before it, 7 with it


@dataclass(frozen=True, slots=True)
class Stage:
    """One list of requests: `when` is the date column that places a request in the period, `test` what it must fulfil."""

    label: str
    when: str
    test: str
    definition: str


# A cancelled pledge was registered and has ended since: it stays in the figures. A revoked one is void from the start: it
# drops out of every period it was counted in, and the page says so (edge case 23).
_HOLDS = "('registered', 'cancelled')"
_REGISTERED = f"EXISTS (SELECT 1 FROM pledges_registration x WHERE x.application_id = a.id AND x.state IN {_HOLDS})"  # noqa: S608
# What was registered on the day; a later change of the amount does not move published figures.
_AMOUNT = "coalesce(g.first_amount, g.debt_amount)"
_LENT = "EXISTS (SELECT 1 FROM pledges_loan l JOIN pledges_registration x ON x.id = l.registration_id WHERE x.application_id = a.id)"
_FIRST = (
    f"NOT EXISTS (SELECT 1 FROM pledges_registration e WHERE e.pledgor_id = g.pledgor_id AND e.state IN {_HOLDS} "  # noqa: S608
    "AND (e.decided_at, e.id) < (g.decided_at, g.id))"
)
STAGES: dict[str, Stage] = {
    "stage-submitted": Stage("提交需求", "a.submitted_at", "true", "期内提交的融资需求。"),
    "stage-answered": Stage(
        "机构响应",
        "a.submitted_at",
        "EXISTS (SELECT 1 FROM applications_referral r WHERE r.application_id = a.id AND r.responded_at IS NOT NULL "
        "AND r.state <> 'reassigned')",
        "其中至少一家机构已作出实质答复。",
    ),
    "stage-accepted": Stage(
        "选定方案", "a.submitted_at", "a.accepted_at IS NOT NULL", "其中企业已选定一家银行的方案。"
    ),
    "stage-registered": Stage("质押登记", "a.submitted_at", _REGISTERED, "其中专利质押已登记。"),
    "stage-lent": Stage("获得贷款", "a.submitted_at", _LENT, "其中银行已登记放款。"),
}
RESULTS: dict[str, Stage] = {
    "pledged": Stage(
        "登记",
        "g.decided_at",
        f"g.state IN {_HOLDS}",
        "期内准予登记的质押登记件，含后来注销的，不含被撤销的；金额为登记时的被担保债权数额。",
    ),
    "pledged-small": Stage(
        "登记（1000 万元以下）",
        "g.decided_at",
        f"g.state IN {_HOLDS} AND {_AMOUNT} <= {INCLUSIVE_YUAN}",
        "期内准予登记、单笔被担保债权不超过 1000 万元的登记件。",
    ),
    "pledged-first": Stage(
        "首次质押", "g.decided_at", f"g.state IN {_HOLDS} AND {_FIRST}", "出质企业在本通道的第一件登记。"
    ),
    "revoked": Stage(
        "已撤销的登记",
        "g.decided_at",
        "g.state = 'revoked'",
        "期内准予登记、后来被撤销的登记件；登记自始无效，已从登记的件数和金额中剔除。",
    ),
    "loans": Stage("放款", "l.disbursed_on", "l.id IS NOT NULL", "期内放款，以银行登记的放款日期和金额为准。"),
    "loans-within": Stage(
        f"{DAYS_NOW} 个工作日内放款",
        "l.disbursed_on",
        f"a.working_days <= {DAYS_NOW}",
        f"期内放款中，从提交需求到放款不超过 {DAYS_NOW} 个工作日的。",
    ),
}
LISTS = STAGES | RESULTS


@dataclass(frozen=True, slots=True)
class Results:
    """Pledges registered and loans paid in the period; two bases, never added or compared. Amounts in yuan."""

    pledges: int
    pledged: Decimal
    small: Rate  # of the pledges: at most 10,000,000 yuan
    first_time: int
    by_district: Mapping[str, int]  # current code -> pledges registered
    loans: int
    lent: Decimal
    within: Rate  # of the loans whose days are known: within DAYS_NOW working days
    median_days: Decimal | None
    stages: Mapping[str, int]
    revoked: int  # registered in the period and revoked since; not among the pledges any more
    revoked_amount: Decimal


# A count of its own a stage: in WHERE the planner turns EXISTS into a semi-join, in FILTER it would ask row by row.
_COUNTS = ", ".join(
    f"""(SELECT count(*) FROM applications_application a
          WHERE a.submitted_at >= %(starts)s AND a.submitted_at < %(ends)s AND {stage.test}) AS s{place}"""  # noqa: S608 — constants
    for place, stage in enumerate(STAGES.values())
)
_RESULTS = f"""WITH RECURSIVE {ROLL_UP}, lent AS (
    SELECT l.amount, a.working_days
      FROM pledges_loan l JOIN pledges_registration g ON g.id = l.registration_id
      JOIN applications_application a ON a.id = g.application_id
     WHERE l.disbursed_on BETWEEN %(first)s AND %(last)s
), loans AS (
    SELECT count(*), coalesce(sum(amount), 0), count(*) FILTER (WHERE working_days <= %(days)s), count(working_days),
           percentile_cont(0.5) WITHIN GROUP (ORDER BY working_days)
      FROM lent
), revoked AS (
    SELECT count(*), coalesce(sum({_AMOUNT}), 0) FROM pledges_registration g
     WHERE g.state = 'revoked' AND g.decided_at >= %(starts)s AND g.decided_at < %(ends)s
), stages AS (
    SELECT {_COUNTS}
), pledges AS (
    SELECT {DISTRICT} AS district, grouping({DISTRICT}) AS whole, count(*), coalesce(sum({_AMOUNT}), 0) AS amount,
           count(*) FILTER (WHERE {_AMOUNT} <= %(small)s) AS small, count(*) FILTER (WHERE {_FIRST}) AS first
      FROM pledges_registration g
      JOIN applications_application a ON a.id = g.application_id
      LEFT JOIN roll ON roll.code = a.district_code
     WHERE g.state IN {_HOLDS} AND g.decided_at >= %(starts)s AND g.decided_at < %(ends)s
     GROUP BY GROUPING SETS (({DISTRICT}), ())
)
SELECT pledges.*, loans.*, revoked.*, stages.* FROM pledges CROSS JOIN loans CROSS JOIN revoked CROSS JOIN stages"""  # noqa: S608 — constants of this file


def results(scope: Scope) -> Results:
    """Everything the overview says beside the two promises, one query. Only the scope's days are used."""
    values = {"starts": scope.starts, "ends": scope.ends, "first": scope.first, "last": scope.last}
    with connection.cursor() as cursor:
        cursor.execute(_RESULTS, values | {"small": INCLUSIVE_YUAN, "days": DAYS_NOW})
        rows = cursor.fetchall()
    # An empty grouping set always gives its one row, so the total is there even when nothing was registered.
    total = next(row for row in rows if row[1])
    pledges, pledged, small, first_time, loans, lent, within, timed, median, revoked, revoked_amount = total[2:13]
    return Results(
        pledges=pledges,
        pledged=pledged,
        small=Rate(small, pledges),
        first_time=first_time,
        by_district={row[0]: row[2] for row in rows if not row[1]},
        loans=loans,
        lent=lent,
        within=Rate(within, timed),
        median_days=None if median is None else Decimal(repr(median)).quantize(TENTH, rounding=ROUND_HALF_UP),
        stages=dict(zip(STAGES, total[13:], strict=True)),
        revoked=revoked,
        revoked_amount=revoked_amount,
    )


@dataclass(frozen=True, slots=True)
class Request:
    """One request behind a figure. Amount in yuan, of the thing counted: wished, secured or paid."""

    id: int
    number: str
    file: str
    district: str
    at: datetime
    amount: Decimal
    state: str
    working_days: int | None

    @property
    def cursor(self) -> Cursor:
        return Cursor(self.at, self.id)


def requests(scope: Scope, code: str, *, place: Place, known: Names, size: int = PAGE) -> tuple[int, Page[Request]]:
    """The count and one page of the requests, newest first, two queries. Raises Invalid for an unknown list."""
    stage = LISTS.get(code)
    if stage is None:
        raise Invalid("measure", "没有这一项指标，请从报表中的数字进入。")
    values: dict[str, Any] = {
        "starts": scope.starts,
        "ends": scope.ends,
        "first": scope.first,
        "last": scope.last,
        "district": scope.district,
        "limit": size + 1,
    }
    body = _requests(code, stage)
    order, sign = ("ASC", ">") if place.backwards else ("DESC", "<")
    beyond = f"WHERE (at, id) {sign} (%(at)s, %(id)s)" if place.cursor else ""
    if place.cursor:
        values |= {"at": place.cursor.at, "id": place.cursor.id}
    with connection.cursor() as cursor:
        cursor.execute(f"{body} SELECT count(*) FROM found", values)  # noqa: S608 — constants of this file
        total = int(cursor.fetchone()[0])
        cursor.execute(
            f"{body} SELECT * FROM found {beyond} ORDER BY at {order}, id {order} LIMIT %(limit)s",  # noqa: S608 — constants
            values,
        )
        rows = cursor.fetchall()
    found = [
        Request(
            id=pk,
            number=number,
            file=file,
            district=known.key("district", district).label,
            at=at,
            amount=amount,
            state=str(Application.State(state).label),
            working_days=days,
        )
        for pk, number, file, district, at, amount, state, days in rows
    ]
    return total, page(found, place, [request.cursor for request in found], size=size)


def _requests(code: str, stage: Stage) -> str:
    if code in STAGES:
        source, row, amount, file = "", "a.id", "a.amount", "''"
    elif stage.when.startswith("g."):
        source = "JOIN pledges_registration g ON g.application_id = a.id"
        row, amount, file = "g.id", _AMOUNT, "g.number"
    else:
        source = """JOIN pledges_registration g ON g.application_id = a.id
          JOIN pledges_loan l ON l.registration_id = g.id"""
        row, amount, file = "g.id", "l.amount", "g.number"
    day = stage.when.endswith("_on")
    at = f"({stage.when}::timestamp AT TIME ZONE 'Asia/Shanghai')" if day else stage.when
    period = f"{stage.when} BETWEEN %(first)s AND %(last)s" if day else f"{at} >= %(starts)s AND {at} < %(ends)s"
    return f"""WITH RECURSIVE {ROLL_UP}, found AS (
        SELECT {row} AS id, a.number, {file} AS file, {DISTRICT} AS district, {at} AS at, {amount} AS amount, a.state,
               a.working_days
          FROM applications_application a {source} LEFT JOIN roll ON roll.code = a.district_code
         WHERE {period} AND ({stage.test}) AND (%(district)s::text IS NULL OR {DISTRICT} = %(district)s))"""  # noqa: S608 — constants


def month_labels(months: list[date]) -> list[str]:
    """«6月», and with its year where a year begins or the list does."""
    return [
        f"{month.year}年{month.month}月" if index == 0 or month.month == 1 else f"{month.month}月"
        for index, month in enumerate(months)
    ]
