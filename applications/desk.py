"""The desk of an institution: what waits, sorted by due moment, at a price that does not grow with the pile.

The waiting list is read from the running clocks (index clock_open), the other lists from the referrals (referral_desk,
referral_ended): explicit columns, formatted here once, no filters in a template loop, keyset pages, counts bounded at 1,000.
A clock of an institution runs exactly while its referral waits, because the first reply stops it in the same transaction.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from html import escape
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe

from applications.desk_figures import BY_CLOCK, TABS, S, district_names, month_start, predecessors
from applications.models import Referral
from portal.foundation.assets.models import IPKind
from portal.foundation.core.actor import Actor
from portal.foundation.core.moments import local_date, midnight_after
from portal.foundation.core.templatetags.portal_ui import lamp as lamp_tag
from portal.foundation.sla import calendars_in_use, lamps
from portal.foundation.sla.models import Kind

PAGE = 50
BANDS: dict[str, tuple[str, int | None, int | None]] = {  # yuan: from (inclusive), to (exclusive)
    "s": ("100 万元以下", None, 1_000_000),
    "m": ("100–500 万元", 1_000_000, 5_000_000),
    "l": ("500–1000 万元", 5_000_000, 10_000_000),
    "xl": ("1000 万元及以上", 10_000_000, None),
}
DUE = {"overdue": "已超期", "today": "今天到期"}


class Asked(NamedTuple):
    """A view of the desk as its address says it; anything unknown in the address is left out."""

    tab: str = "waiting"
    due: str = ""
    q: str = ""
    band: str = ""
    district: str = ""
    officer: str = ""  # "me", "none" or the number of a colleague
    after: tuple[Any, ...] | None = None
    before: tuple[Any, ...] | None = None

    @property
    def filtered(self) -> bool:
        return bool(self.due or self.q or self.band or self.district or self.officer)


class Page(NamedTuple):
    """Rows as safe HTML, the cursors of the pages before and after (empty when there is none), how many rows."""

    html: SafeString
    before: str
    after: str
    length: int


def asked(params: Mapping[str, str]) -> Asked:
    """Read the address of a desk view."""
    tab = params.get("tab", "waiting")
    tab = tab if tab in TABS else "waiting"
    officer = params.get("officer", "")
    return Asked(
        tab=tab,
        due=due if tab == "waiting" and (due := params.get("due", "")) in DUE else "",
        q=params.get("q", "").replace("\0", "").strip()[:60],
        band=band if (band := params.get("band", "")) in BANDS else "",
        district=code if (code := params.get("district", "")) in district_names() else "",
        officer=officer if officer in ("me", "none") or re.fullmatch(r"[0-9]{1,9}", officer) else "",
        after=_cursor(tab, params.get("after", "")),
        before=_cursor(tab, params.get("before", "")),
    )


def _cursor(tab: str, text: str) -> tuple[Any, ...] | None:
    match = re.fullmatch(r"(?:([0-9]{1,16})-)?([0-9]{1,18})", text, re.ASCII)
    if match is None or bool(match[1]) != (tab in BY_CLOCK):
        return None
    if match[1]:
        return (datetime.fromtimestamp(0, UTC) + timedelta(microseconds=int(match[1])), int(match[2]))
    return (int(match[2]),)


def _written(key: tuple[Any, ...]) -> str:
    if len(key) == 2:
        return f"{(key[0] - datetime.fromtimestamp(0, UTC)) // timedelta(microseconds=1)}-{key[1]}"
    return str(key[0])


# What an ended authorisation leaves: number and state. Tested wherever a row's contents are shown or searched. Not EXISTS:
# the planner would hash all consents of the portal to answer for fifty rows.
_READABLE = """(SELECT s.id FROM applications_consent s WHERE s.application_id = a.id
    AND s.institution_id = r.institution_id AND s.revoked_at IS NULL LIMIT 1) IS NOT NULL"""
_COLUMNS = f"""
SELECT r.id, r.ref::text, a.number, a.organisation_name, a.district_code, trim_scale(a.amount / 10000)::text, a.term_months,
       r.score, r.origin, r.state, u.name, c.id, c.due_at, c.stopped_at, c.paused_at, c.excused, c.provisional,
       CASE WHEN c.moments[1] < c.due_at THEN c.moments[1] END, {_READABLE},
       (SELECT string_agg(k.kind || ' ' || k.n, ',' ORDER BY k.n DESC, k.kind)
          FROM (SELECT p.kind, count(*) AS n FROM applications_applicationpatent p
                 WHERE p.application_id = a.id GROUP BY p.kind) k)
"""  # noqa: S608 — only constants are put together
_JOINS = """
  JOIN applications_application a ON a.id = r.application_id LEFT JOIN accounts_user u ON u.id = r.officer_id
"""


def statement(view: Asked, *, actor: Actor, now: datetime, size: int = PAGE) -> tuple[str, dict[str, Any]]:
    """The one query of a page (size + 1 rows, so that the next page is known) and its parameters."""
    given: dict[str, Any] = {"institution": actor.organisation_id, "size": size + 1, "now": now}
    back = view.before is not None
    if view.tab in BY_CLOCK:
        source = "FROM sla_clock c JOIN applications_referral r ON r.clock_id = c.id" + _JOINS
        where = ["c.organisation_id = %(institution)s"]
        key, ascending = "(c.due_at, c.id)", not back
        if view.tab == "waiting":
            where += ["c.stopped_at IS NULL", *_due(view, given, now)]
        else:
            given["month"] = month_start(now)
            where.append("c.started_at >= %(month)s AND NOT c.excused AND coalesce(c.stopped_at, %(now)s) >= c.due_at")
    else:
        source = "FROM applications_referral r" + _JOINS + "LEFT JOIN sla_clock c ON c.id = r.clock_id"
        states = "', '".join(TABS[view.tab][1])  # literals: the planner proves the partial index from them
        where = ["r.institution_id = %(institution)s", f"r.state IN ('{states}')"]
        key, ascending = "(r.id)", back
    cursor = view.before or view.after
    if cursor is not None:
        names = [f"at{i}" for i in range(len(cursor))]
        given |= dict(zip(names, cursor, strict=True))
        where.append(f"{key} {'>' if ascending else '<'} ({', '.join(f'%({n})s' for n in names)})")
    where += _content(view, given, actor)
    order = ", ".join(f"{part} {'ASC' if ascending else 'DESC'}" for part in key.strip("()").split(", "))
    return f"{_COLUMNS} {source} WHERE {' AND '.join(where)} ORDER BY {order} LIMIT %(size)s", given


def _due(view: Asked, given: dict[str, Any], now: datetime) -> list[str]:
    if view.due == "overdue":
        return ["c.due_at <= %(now)s"]
    if view.due == "today":
        given["tonight"] = midnight_after(local_date(now))
        return ["c.due_at > %(now)s AND c.due_at <= %(tonight)s"]
    return []


def _content(view: Asked, given: dict[str, Any], actor: Actor) -> list[str]:
    where = []
    if view.officer:
        given["officer"] = actor.user_id if view.officer == "me" else int(view.officer) if view.officer != "none" else 0
        where.append("r.officer_id IS NULL" if view.officer == "none" else "r.officer_id = %(officer)s")
    if view.q:
        pattern = re.sub(r"([\\%_])", r"\\\1", view.q)
        given["number"], given["q"] = re.sub(r"[\s-]", "", pattern).upper() + "%", f"%{pattern}%"
        where.append(f"(a.number LIKE %(number)s OR (a.organisation_name ILIKE %(q)s AND {_READABLE}))")
    if view.band:
        _, low, high = BANDS[view.band]
        given["low"], given["high"] = low or 0, high or 10**12
        where.append(f"a.amount >= %(low)s AND a.amount < %(high)s AND {_READABLE}")
    if view.district:
        given["districts"] = [view.district, *predecessors().get(view.district, [])]
        where.append(f"a.district_code = ANY(%(districts)s) AND {_READABLE}")
    return where


def page(view: Asked, *, actor: Actor, now: datetime, pick: bool = False, size: int = PAGE) -> Page:
    """One page of rows, ready to be put into the table; `pick` adds a box to tick."""
    sql, given = statement(view, actor=actor, now=now, size=size)
    with connection.cursor() as cursor:
        cursor.execute(sql, given)
        rows = cursor.fetchall()
    more = len(rows) > size
    rows = rows[:size]
    if view.before is not None:
        rows.reverse()
    if not rows:
        return Page(mark_safe(""), "", "", 0)
    first, last = ((r[12], r[11]) if view.tab in BY_CLOCK else (r[0],) for r in (rows[0], rows[-1]))
    forward = more if view.before is None else True
    backward = more if view.before is not None else view.after is not None
    return Page(
        _html(rows, view, now=now, pick=pick),
        _written(first) if backward else "",
        _written(last) if forward else "",
        len(rows),
    )


_ROW = (
    '<tr>{}<th scope="row"><a href="{}">{}</a><span class="sub">{} · {}</span></th><td class="num" data-label="金额（万元）">{}</td>'
    '<td class="num" data-label="期限（月）">{}</td><td data-label="知识产权">{}</td><td class="num" data-label="匹配度">{}</td>'
    '<td data-label="经办人">{}</td><td data-label="响应时限">{}</td><td class="act"><a class="btn small{}" href="{}#answer" '
    'data-row-key="r">{}<span class="vh"> {}</span></a></td></tr>'
)
_PICK = '<td class="pick"><input type="checkbox" name="ref" value="{}" form="bulk" aria-label="选择 {}"></td>'
_HIDDEN = '<tr>{}<th scope="row"><a href="{}">{}</a><span class="sub">{}，授权已结束，内容不再可读</span></th><td colspan="7"></td></tr>'
_VERBS = {"waiting": "响应", "claimed": "办理"}
_NO_CLOCK = '<span class="muted">自行认领，不计时限</span>'
_LABELS = {str(state): str(state.label) for state in S}
_ORIGINS = {str(o): f" · {o.label}" for o in Referral.Origin if o != Referral.Origin.CHOSEN}
_ZERO = UUID(int=0)


def _html(rows: list[tuple[Any, ...]], view: Asked, *, now: datetime, pick: bool) -> SafeString:
    """The rows as HTML. Every text is escaped here; what is put in unescaped is made of constants, ids and figures.

    The standard library's escape and str.format rather than format_html: a fifth of the price, and there are 800 pieces.
    """
    base = reverse("desk-referral", args=[_ZERO])
    districts, calendar = district_names(), calendars_in_use.current()
    shown: dict[tuple[Any, ...], str] = {}  # most rows share their due moment with others
    past, primary, made = view.tab in ("ended", "late"), " primary" if view.tab == "waiting" else "", []
    for row in rows:
        (_, ref, number, firm, district, amount, term, score, origin, state, officer) = row[:11]
        url, number = base.replace(str(_ZERO), ref), escape(number)
        box = _PICK.format(ref, number) if pick else ""
        if not row[18]:
            made.append(_HIDDEN.format(box, url, number, _LABELS[state]))
            continue
        times = row[12:18]
        if times not in shown:
            shown[times] = _lamp(times, now, calendar) if times[0] else _NO_CLOCK
        place = (
            escape(districts.get(district, "")) + _ORIGINS.get(origin, "") + (f" · {_LABELS[state]}" if past else "")
        )
        made.append(
            _ROW.format(
                box, url, escape(firm), number, place, amount, term, kinds_text(row[19] or ""), score or "",
                escape(officer) if officer else "未分配", shown[times], primary, url, _VERBS.get(state, "查看"), number,
            )
        )  # fmt: skip
        primary = ""
    return mark_safe("".join(made))  # noqa: S308 — see above


def _lamp(times: tuple[Any, ...], now: datetime, calendar: Any) -> str:
    due_at, stopped_at, paused_at, excused, provisional, warn_at = times
    state = lamps.lamp(
        due_at=due_at, stopped_at=stopped_at, paused_at=paused_at, excused=excused, provisional=provisional,
        warn_at=warn_at, now=now, calendar=calendar, kind=Kind.RESPONSE,
    )  # fmt: skip
    return lamp_tag(state) or escape(state.text)


@lru_cache(maxsize=512)
def kinds_text(counts: str) -> str:
    """ "invention 2,utility 1" → «发明专利 2 件、实用新型专利 1 件»."""
    parts = [part.split(" ") for part in counts.split(",") if part]
    return "、".join(f"{IPKind(kind).label} {n} 件" for kind, n in parts)
