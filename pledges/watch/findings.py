"""What there is to tell about one pledged patent on one day: plain values in, findings out. No database, no clock.

Fees: the next fee is to be paid before the patent year ends; six months of grace with a surcharge follow; when they have
passed the right is gone from the day the fee was due, not from the day somebody noticed (专利法实施细则 115).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from pledges.facts import plain_name
from portal.foundation.assets.queries import months_later
from portal.foundation.core.display import full_date_cn

from .models import Alert

Kind = Alert.Kind
FEE_AHEAD, LIFE_AHEAD_MONTHS, GRACE_MONTHS = timedelta(days=30), 6, 6
FEE_KINDS = frozenset(k for k in Kind if k.startswith("fee_"))
UNCHANGED = "质押登记的状态没有改变"


@dataclass(frozen=True, slots=True)
class Watched:
    """A pledged patent as last known. `source`: whose word that is, with its moment. Days are local days."""

    number: str
    patentees: tuple[str, ...]
    status: str
    expires_on: date
    fee_due: date | None
    ended_on: date | None
    restrained: bool  # preserved by a court or suspended
    invalidation_pending: bool
    transferred_on: date | None
    pledgor: str
    registered_on: date
    debt_to: date | None
    source: str

    @property
    def dotted(self) -> str:
        return f"{self.number[:-1]}.{self.number[-1]}"


@dataclass(frozen=True, slots=True)
class Finding:
    kind: Alert.Kind
    on: date
    text: str


def of(patent: Watched, *, today: date) -> list[Finding]:
    """Everything that holds today, at most one stage of the fee."""
    return [finding for rule in RULES for finding in rule(patent, today)]


def _fee(patent: Watched, today: date) -> Iterator[Finding]:
    due = patent.fee_due
    if due is None or patent.status != "granted" or today < due - FEE_AHEAD:
        return
    day, ends = full_date_cn(due), months_later(due, GRACE_MONTHS)
    by = f"（{patent.source}）"
    if today < due:
        yield Finding(Kind.FEE_SOON, due, f"专利 {patent.dotted} 的年费应在 {day} 前续缴，还没有缴费记载{by}。")
    elif today > ends:
        said = f"专利 {patent.dotted} 的年费宽限期已于 {full_date_cn(ends)} 届满，没有缴费记载{by}。专利权可能已终止，且自 {day} 起算"
        yield Finding(Kind.FEE_LAPSED, due, f"{said}；{UNCHANGED}，请核对登记簿并商定补救或补充担保。")
    else:
        late = max(n for n in range(GRACE_MONTHS + 1) if months_later(due, n) <= today)
        said = f"专利 {patent.dotted} 的年费缴纳期限 {day} 已到，没有缴费记载{by}。"
        if late:
            said = f"专利 {patent.dotted} 的年费自 {day} 起逾期满 {late} 个月，没有缴费记载{by}。"
        rest = f"宽限期至 {full_date_cn(ends)}，期间须加缴滞纳金；期满不缴，专利权自 {day} 起终止。"
        kind = Kind(f"fee_late_{late}") if late else Kind.FEE_DUE
        yield Finding(kind, months_later(due, late), said + rest)


def _ended(patent: Watched, today: date) -> Iterator[Finding]:
    if patent.status == "lapsed":
        since = patent.ended_on or patent.fee_due or today
        said = f"专利 {patent.dotted} 的专利权已终止，自 {full_date_cn(since)} 起（{patent.source}）。"
        yield Finding(Kind.LAPSED, since, f"{said}{UNCHANGED}，请双方商定补充担保，或办理注销。")
    elif patent.status == "invalid":
        since = patent.ended_on or today
        said = f"专利 {patent.dotted} 已宣告无效，日期 {full_date_cn(since)}（{patent.source}）。"
        yield Finding(Kind.INVALID, since, f"{said}{UNCHANGED}，请双方商定补充担保，或办理注销。")


def _procedures(patent: Watched, today: date) -> Iterator[Finding]:
    if patent.invalidation_pending:
        said = (
            f"专利 {patent.dotted} 被提起无效宣告请求（{patent.source}）。质押继续有效，{UNCHANGED}，请关注审查结果。"
        )
        yield Finding(Kind.INVALIDATION, today, said)
    if patent.restrained:
        said = f"专利 {patent.dotted} 被采取保全或处于中止程序（{patent.source}）。{UNCHANGED}，质权人可向有关机关主张权利。"
        yield Finding(Kind.PRESERVED, today, said)


def _ownership(patent: Watched, today: date) -> Iterator[Finding]:
    moved = patent.transferred_on
    if moved is not None and moved > patent.registered_on:
        said = f"专利 {patent.dotted} 于 {full_date_cn(moved)} 转让登记，现专利权人为“{'、'.join(patent.patentees)}”（{patent.source}）。"
        yield Finding(Kind.TRANSFERRED, moved, f"{said}质押期间转让须经质权人同意（民法典第四百四十四条），请核对。")
    if patent.patentees and plain_name(patent.pledgor) not in {plain_name(n) for n in patent.patentees}:
        said = f"专利 {patent.dotted} 的专利权人现为“{'、'.join(patent.patentees)}”，与出质人“{patent.pledgor}”不一致（{patent.source}）。"
        yield Finding(Kind.OWNER, today, f"{said}属于更名的请办理变更登记，属于转让的请核对质权人是否同意。")


def _life(patent: Watched, today: date) -> Iterator[Finding]:
    ends, day = patent.expires_on, full_date_cn(patent.expires_on)
    if patent.status != "granted":
        return
    if ends <= today:
        yield Finding(
            Kind.EXPIRED, ends, f"专利 {patent.dotted} 的期限已于 {day} 届满（{patent.source}）。{UNCHANGED}。"
        )
        return
    if patent.debt_to is not None and ends < patent.debt_to:
        said = f"专利 {patent.dotted} 的届满日 {day} 早于债务到期日 {full_date_cn(patent.debt_to)}（{patent.source}）。"
        yield Finding(Kind.EXPIRES_FIRST, ends, f"{said}请双方商定补充担保。")
    if ends <= months_later(today, LIFE_AHEAD_MONTHS):
        yield Finding(Kind.EXPIRES_SOON, ends, f"专利 {patent.dotted} 将于 {day} 届满（{patent.source}）。")


RULES: tuple[Callable[[Watched, date], Iterator[Finding]], ...] = (_fee, _ended, _procedures, _ownership, _life)
