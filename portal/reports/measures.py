"""What is counted, in one place: the predicate that SQL uses, the heading, and the definition printed beside the figures."""

from dataclasses import dataclass

from applications.models import DeclineReason
from pledges.after.kinds import MatterKind
from pledges.models import Ground
from portal.foundation.sla.models import Kind

# One clock has exactly one outcome at a moment. Midnight itself is late: `due_at` is the first moment that is too late.
# A paused clock does not run, so it is not overdue; an excused one (withdrawn before due) leaves the denominator.
OUTCOME = """CASE
    WHEN c.excused THEN 'excused'
    WHEN c.stopped_at < c.due_at THEN 'on_time'
    WHEN c.stopped_at IS NOT NULL THEN 'late'
    WHEN c.paused_at IS NOT NULL THEN 'paused'
    WHEN c.due_at <= %(now)s THEN 'overdue'
    ELSE 'open' END"""
COUNTED = "outcome IN ('on_time', 'late', 'overdue')"
ANSWERED = "outcome IN ('on_time', 'late')"


@dataclass(frozen=True, slots=True)
class Measure:
    """One figure. `predicate` is SQL over the columns of facts.fact; a constant of this file, never a person's text."""

    code: str
    label: str
    predicate: str
    definition: str = ""


def _by_code(*measures: Measure) -> dict[str, Measure]:
    return {measure.code: measure for measure in measures}


def _of_the_office(*, decided: str, gone: str) -> list[Measure]:
    """What both promises of the office count alike; `decided` and `gone` say how a file ends in time or for nothing."""
    return [
        Measure("on_time", "按时", "outcome = 'on_time'", f"在截止时刻之前{decided}；截止当日 24:00 整已属超期。"),
        Measure("late", "超期办结", "outcome = 'late'", "在截止时刻或之后才办结或撤回。"),
        Measure("overdue", "超期未办", "outcome = 'overdue'", "数据时刻已过截止时刻，仍未办结；补正暂停中的不算。"),
        Measure("open", "未到期", "outcome = 'open'", "数据时刻仍在办理，也未到截止时刻；不进入分母。"),
        Measure("paused", "补正中", "outcome = 'paused'", "等待申请人补正，时限暂停；不进入分母。"),
        Measure("excused", "不计", "outcome = 'excused'", f"截止时刻之前{gone}；不进入分母。"),
        Measure("counted", "分母", COUNTED, "按时、超期办结与超期未办之和。"),
        Measure("answered", "已办结", ANSWERED, "按时与超期办结之和，用时由此计算。"),
    ]


MEASURES: dict[Kind, dict[str, Measure]] = {
    Kind.RESPONSE: _by_code(
        Measure(
            "addressed", "收到", "true", "期内推送给机构、起算时限的需求，按起算日计入月份；一笔需求推送几家计几件。"
        ),
        Measure(
            "on_time", "按时", "outcome = 'on_time'", "在截止时刻之前作出首次实质答复；截止当日 24:00 整已属超期。"
        ),
        Measure("late", "超期响应", "outcome = 'late'", "在截止时刻或之后才答复、撤回或结束。"),
        Measure("overdue", "超期未办", "outcome = 'overdue'", "数据时刻已过截止时刻，仍未答复。"),
        Measure("open", "未到期", "outcome IN ('open', 'paused')", "数据时刻仍未答复，也未到截止时刻；不进入分母。"),
        Measure(
            "excused",
            "不计",
            "outcome = 'excused'",
            "截止时刻之前企业已撤回或已另选机构，机构不再需要答复；不进入分母。",
        ),
        Measure("counted", "分母", COUNTED, "按时、超期响应与超期未办之和。"),
        Measure("answered", "已答复", ANSWERED, "按时与超期响应之和，用时由此计算。"),
        Measure("claimed", "接单", "stop_reason = 'claimed'", "首次实质答复为接单（写明联系人、电话和下一步）。"),
        Measure("declined", "婉拒", "result = 'declined'", "机构最终婉拒，含答复后婉拒的。"),
        Measure(
            "lapsed",
            "失效",
            "result = 'lapsed'",
            "超过时限一直没有答复，企业改选其他机构后失效；时限停在改选之时，计入超期办结。",
        ),
        *(
            Measure(f"declined-{r.value}", str(r.label), f"result = 'declined' AND reason = '{r.value}'")
            for r in DeclineReason
        ),
    ),
    Kind.REGISTRATION: _by_code(
        Measure("addressed", "收到", "true", "期内材料齐备、起算时限的登记件，按起算日计入月份。"),
        *_of_the_office(decided="登记或不予登记", gone="申请人已撤回"),
        Measure("corrected", "补正过", "rounds > 0", "至少发出过一次补正通知的件数；补正率的分母为收到件数。"),
        Measure(
            "registered",
            "予以登记",
            "result IN ('registered', 'cancelled')",
            "已登记的件数，含后来注销的；后来被撤销的登记自始无效，不在其中。",
        ),
        Measure("refused", "不予登记", "result = 'refused'", "不予登记的件数，理由为公告第461号的情形。"),
        *(
            Measure(f"refused-{g.value}", f"{g.value} {g.label}", f"result = 'refused' AND reason = '{g.value}'")
            for g in Ground
        ),
    ),
    Kind.NEXT_LENDERS: _by_code(
        Measure(
            "addressed",
            "应推荐",
            "true",
            "期内机构均已婉拒，或一直没有答复，应当为企业推荐下一家机构的轮次，按起算日计入月份。",
        ),
        Measure("on_time", "按时", "outcome = 'on_time'", "在下一工作日结束之前推荐，或答复企业暂无其他机构。"),
        Measure("late", "超期办结", "outcome = 'late'", "在截止时刻或之后才推荐、答复或结束。"),
        Measure("overdue", "超期未办", "outcome = 'overdue'", "数据时刻已过截止时刻，仍未推荐。"),
        Measure("open", "未到期", "outcome IN ('open', 'paused')", "数据时刻仍未推荐，也未到截止时刻；不进入分母。"),
        Measure(
            "excused", "不计", "outcome = 'excused'", "截止时刻之前企业已自行改选、撤回，或机构已答复；不进入分母。"
        ),
        Measure("counted", "分母", COUNTED, "按时、超期办结与超期未办之和。"),
        Measure("answered", "已办结", ANSWERED, "按时与超期办结之和，用时由此计算。"),
        Measure("taken", "企业改选", "result = 'taken'", "企业授权了至少一家所推荐的机构。"),
        Measure("none-left", "暂无机构", "result = 'none_left'", "调度台答复暂无其他机构。"),
        Measure("cause-declined", "机构均已婉拒或失效", "reason = 'declined'"),
        Measure("cause-silent", "机构一直没有答复", "reason = 'silent'"),
    ),
    Kind.COVER: _by_code(
        Measure("addressed", "收到", "true", "期内经企业同意送达担保、保险机构、起算时限的申请，按起算日计入月份。"),
        Measure("on_time", "按时", "outcome = 'on_time'", "在截止时刻之前表示意向、提出条件或婉拒。"),
        Measure("late", "超期响应", "outcome = 'late'", "在截止时刻或之后才答复、撤回或结束。"),
        Measure("overdue", "超期未办", "outcome = 'overdue'", "数据时刻已过截止时刻，仍未答复。"),
        Measure("open", "未到期", "outcome IN ('open', 'paused')", "数据时刻仍未答复，也未到截止时刻；不进入分母。"),
        Measure("excused", "不计", "outcome = 'excused'", "截止时刻之前企业已撤回或已另选方案；不进入分母。"),
        Measure("counted", "分母", COUNTED, "按时、超期响应与超期未办之和。"),
        Measure("answered", "已答复", ANSWERED, "按时与超期响应之和，用时由此计算。"),
        Measure(
            "committed",
            "承诺",
            "result IN ('committed', 'released', 'compensated')",
            "已承诺担保或承保，含后来解除、代偿的。",
        ),
        Measure("declined", "婉拒", "result = 'declined'", "机构最终婉拒，含答复后婉拒的。"),
        *(
            Measure(f"declined-{r.value}", str(r.label), f"result = 'declined' AND reason = '{r.value}'")
            for r in DeclineReason
        ),
    ),
    Kind.AMENDMENT: _by_code(
        Measure("addressed", "收到", "true", "期内双方提交、起算时限的变更、注销、部分解除，按起算日计入月份。"),
        *_of_the_office(decided="办结", gone="申请人已撤回，或质押已终止"),
        Measure("corrected", "补正过", "rounds > 0", "至少发出过一次补正通知的件数。"),
        *(Measure(k.value, str(k.label), f"result = '{k.value}'", f"已办结的{k.label}件数。") for k in MatterKind),
        Measure("refused", "不予办理", "result = 'refused'", "不予变更、注销或解除的件数。"),
        *(
            Measure(f"refused-{g.value}", f"{g.value} {g.label}", f"result = 'refused' AND reason = '{g.value}'")
            for g in Ground
        ),
    ),
}

# Columns of the report's table, in order; what stands behind a figure is a list of exactly these cases.
COLUMNS: dict[Kind, tuple[str, ...]] = {
    Kind.RESPONSE: ("addressed", "on_time", "late", "overdue", "open", "excused"),
    Kind.REGISTRATION: ("addressed", "on_time", "late", "overdue", "open", "paused", "excused"),
    Kind.NEXT_LENDERS: ("addressed", "on_time", "late", "overdue", "open", "excused"),
    Kind.COVER: ("addressed", "on_time", "late", "overdue", "open", "excused"),
    Kind.AMENDMENT: ("addressed", "on_time", "late", "overdue", "open", "paused", "excused"),
}
AFTER_RATE: dict[Kind, tuple[str, ...]] = {
    Kind.RESPONSE: ("claimed", "declined", "lapsed"),
    Kind.REGISTRATION: ("registered", "refused"),
    Kind.NEXT_LENDERS: ("taken", "none-left"),
    Kind.COVER: ("committed", "declined"),
    Kind.AMENDMENT: (*MatterKind.values, "refused"),
}
REASONS: dict[Kind, tuple[str, ...]] = {
    Kind.RESPONSE: tuple(f"declined-{value}" for value in DeclineReason.values),
    Kind.REGISTRATION: tuple(f"refused-{value}" for value in Ground.values),
    Kind.NEXT_LENDERS: ("cause-declined", "cause-silent"),
    Kind.COVER: tuple(f"declined-{value}" for value in DeclineReason.values),
    Kind.AMENDMENT: tuple(f"refused-{value}" for value in Ground.values),
}
# What the reasons are called, and the measure they are a share of.
REASONS_OF: dict[Kind, tuple[str, str]] = {
    Kind.RESPONSE: ("婉拒原因", "declined"),
    Kind.REGISTRATION: ("不予登记理由", "refused"),
    Kind.NEXT_LENDERS: ("起因", "addressed"),
    Kind.COVER: ("婉拒原因", "declined"),
    Kind.AMENDMENT: ("不予办理理由", "refused"),
}
PROMISES: dict[Kind, str] = {
    Kind.RESPONSE: "金融机构 2 个工作日响应",
    Kind.REGISTRATION: "专利质押 1 个工作日登记",
    Kind.NEXT_LENDERS: "下一工作日结束前推荐下一家",
    Kind.COVER: "担保、保险机构 2 个工作日响应",
    Kind.AMENDMENT: "质押变更、注销 1 个工作日办结",
}
RATES: dict[Kind, str] = {
    Kind.RESPONSE: "按时响应率",
    Kind.REGISTRATION: "按时登记率",
    Kind.NEXT_LENDERS: "按时推荐率",
    Kind.COVER: "按时响应率",
    Kind.AMENDMENT: "按时办结率",
}

SHARED_DEFINITIONS: tuple[tuple[str, str], ...] = (
    ("按时率", "按时 ÷（按时 + 超期响应（办结） + 超期未办），分母写在旁边；没有全部按时就不会显示 100%。"),
    (
        "用时",
        "从起算到首次答复或办结的工作时间（工作日 9:00—18:00，扣除补正），中位数和 P90 为线性插值的分位数，单位小时。",
    ),
    ("区县", "按企业提交时所在区县；已撤销的江北区、渝北区并入两江新区。"),
)
DESK_DEFINITION = ("调度台", "没有匹配机构的需求由调度台分派，其时限另计，不混入机构的按时率。")
POOL_DEFINITION = ("需求池", "机构从需求池主动认领的需求没有时限承诺，不在本表。")


def definitions(kind: Kind) -> list[tuple[str, str]]:
    """Every term of one promise's table with its meaning, in the order of the columns."""
    own = [(m.label, m.definition) for m in MEASURES[kind].values() if m.definition]
    rest = [DESK_DEFINITION, POOL_DEFINITION] if kind == Kind.RESPONSE else []
    return [*own, *SHARED_DEFINITIONS, *rest]
