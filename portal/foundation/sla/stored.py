"""The clocks as their own tables have them, as plain dicts, and in what they differ from what the journal tells."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from .models import Clock, ClockQuerySet, Escalation, Kind, Pause
from .replayed import Replayed, moment

Row = dict[str, Any]


def read(clocks: ClockQuerySet) -> dict[int, Row]:
    """These clocks with their pauses and announcements, by id; three queries whatever their number."""
    rows: dict[int, Row] = {row["id"]: row | {"pauses": [], "announced": []} for row in clocks.values()}
    chosen = None if len(rows) > 1000 else list(rows)  # a whole table is read whole
    pauses, told = Pause.objects.order_by("id"), Escalation.objects.order_by("announced_at", "id")
    if chosen is not None:
        pauses, told = pauses.filter(clock__in=chosen), told.filter(clock__in=chosen)
    for clock, *rest in pauses.values_list("clock_id", "started_at", "ended_at", "reason"):
        if clock in rows:
            rows[clock]["pauses"].append(tuple(rest))
    for clock, *step in told.values_list("clock_id", "level", "round", "moment", "announced_at"):
        if clock in rows:
            rows[clock]["announced"].append(tuple(step))
    return rows


def of_case(number: str) -> dict[int, Row]:
    return read(Clock.objects.filter(case_number=number))


def differences(told: Replayed, row: Mapping[str, Any] | None) -> list[str]:
    """What the stored clock says otherwise than the journal, one sentence each."""
    if row is None:
        return ["日志里有这个时限，库中没有"]
    found = [
        f"{what}：按日志推算为 {_said(mine)}，库中为 {_said(theirs)}"
        for what, mine, theirs in _pairs(told, row)
        if mine != theirs
    ]
    if told.term.ladder != list(zip(row["levels"], row["moments"], strict=True)):
        found.append("提醒阶梯：按日志推算的与库中的不一致")
    if [(r.began_at, r.ended_at, r.reason) for r in told.pauses] != row["pauses"]:
        found.append(f"暂停：按日志有 {len(told.pauses)} 次，库中有 {len(row['pauses'])} 次，或起止时刻、原因不一致")
    announced = sorted((a.level, a.round, a.moment, a.at) for a in told.announced)
    if announced != sorted(row["announced"]):
        found.append(f"提醒：按日志有 {len(announced)} 次，库中有 {len(row['announced'])} 次，或时刻不一致")
    return found


def unknown(told: Iterable[int], rows: Mapping[int, Mapping[str, Any]]) -> list[tuple[str, str]]:
    """(case, sentence) for every stored clock of which the journal tells no beginning."""
    known = set(told)
    return [
        (row["case_number"], f"库中有时限 {pk}（{row['subject']}），日志里没有它开始的记录")
        for pk, row in rows.items()
        if pk not in known
    ]


def _pairs(told: Replayed, row: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    return [
        ("承诺", Kind(told.kind).label, Kind(row["kind"]).label),
        ("办件编号", told.case_number, row["case_number"]),
        ("对象", told.subject, row["subject"]),
        ("责任单位编号", told.organisation, row["organisation_id"]),
        ("规则版本", told.rule.policy.pk, row["policy_id"]),
        ("工作日数", told.rule.policy.days, row["days"]),
        ("开始", told.started_at, row["started_at"]),
        ("截止", told.due_at, row["due_at"]),
        ("暂定", told.term.provisional, row["provisional"]),
        ("暂停于", told.paused_at, row["paused_at"]),
        ("停止", told.stopped_at, row["stopped_at"]),
        ("停止原因", told.reason, row["stop_reason"]),
        ("不计", told.excused, row["excused"]),
        ("所用工作分钟", told.working_minutes, row["working_minutes"]),
    ]


def _said(value: object) -> str:
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, bool):
        return "是" if value else "否"
    return "无" if value in (None, "") else str(value)
