"""The twelve grounds of refusal as pure functions: loaded facts in, a result with its evidence out.

Nothing is guessed: what the portal does not know, or knows only from the enterprise's own entry that nobody compared with
the register (`checked_on` is empty), is left to the clerk (MANUAL). Source of the list: domain.md §1, [7]; R04 also in the
six months of grace, [11] and [12]; R10 and R11 can be waived by a declaration, [7].
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime

from portal.foundation.assets.models import Patent
from portal.foundation.core.display import full_date_cn, money_wan
from portal.foundation.core.identifiers import PatentKind

from .facts import FileFacts, PatentFacts, others, owners, plain_name
from .models import WAIVABLE, Check, Ground

Result = Check.Result
WARN_MONTHS = 6  # a patent that ends within this time after the debt is pointed out
SHOWN = 5  # patents named in one sentence; the rest are counted


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What was found about one ground: the sentence names the numbers and dates that were compared.

    `fix` says how to remove the ground, `place` is the part of the form where that is done. `warning`: no ground, but
    somebody should know. `source` and `source_at`: whose word it is, and when that was asked (sources.py fills them in).
    """

    ground: Ground
    result: Check.Result
    evidence: str
    fix: str = ""
    place: str = ""
    warning: bool = field(default=False)
    source: str = ""
    source_at: datetime | None = None

    @property
    def title(self) -> str:
        """What this line is about, worded so that its tag cannot be read the wrong way."""
        return f"{self.ground} {FINE[self.ground] if self.result == Result.CLEAR else self.ground.label}"

    @property
    def waivable(self) -> bool:
        return self.ground in WAIVABLE

    @property
    def blocks(self) -> bool:
        """Whether the file cannot be handed in or registered as it is."""
        return self.result == Result.FOUND


# What the check list says when there is nothing: a tick beside a sentence of refusal could be read either way.
FINE: dict[str, str] = {
    Ground.R01: "出质人与专利权人一致",
    Ground.R02: "专利权有效",
    Ground.R03: "专利已授权公告",
    Ground.R04: "年费已缴",
    Ground.R05: "没有中止或保全",
    Ground.R06: "债务期限在专利有效期内",
    Ground.R07: "合同要素齐全",
    Ground.R08: "共有人同意",
    Ground.R09: "没有在先质押",
    Ground.R10: "没有同日申请的发明专利申请",
    Ground.R11: "没有无效宣告程序",
    Ground.R12: "没有其他不予登记的情形",
}


def evaluate(facts: FileFacts) -> list[CheckResult]:
    """All twelve in order. An empty list of patents is a missing content of the contract (R07), nothing else."""
    return [rule(facts) for rule in RULES]


def _list(patents: Iterable[PatentFacts], say: Callable[[PatentFacts], str] = lambda p: p.dotted) -> str:
    named = [say(p) for p in patents]
    return "；".join(named[:SHOWN]) + (f"；另有 {len(named) - SHOWN} 件" if len(named) > SHOWN else "")


def _day(day: date | None) -> str:
    return full_date_cn(day) if day else "未填"


def _checked(facts: FileFacts) -> str:
    """«（登记簿 2026年11月1日核对）», or that it is the enterprise's own word: the oldest day of one of the patents."""
    days = [p.checked_on for p in facts.patents if p.checked_on]
    who = "登记簿" if all(p.asked_at for p in facts.patents) else "企业填报，"
    return f"（{who}{full_date_cn(min(days))}核对）" if days else ""


def _unchecked(
    facts: FileFacts, ground: Ground, what: str, patents: Iterable[PatentFacts] | None = None
) -> CheckResult | None:
    """MANUAL when a patent's state was only entered, never compared with the register."""
    missing = [p for p in (facts.patents if patents is None else patents) if p.checked_on is None]
    if not missing:
        return None
    return CheckResult(ground, Result.MANUAL, f"{what}，但下列专利的状态尚未与登记簿核对：{_list(missing)}。")


def r01(facts: FileFacts) -> CheckResult:
    """The pledgor is the registered patentee, alone or with others."""
    unknown = [p for p in facts.patents if not owners(p)]
    wrong = [p for p in facts.patents if p not in unknown and len(others(p, facts.pledgor)) == len(owners(p))]
    if wrong:
        said = _list(wrong, lambda p: f"{p.dotted} 的专利权人为“{'、'.join(owners(p))}”")
        return CheckResult(
            Ground.R01, Result.FOUND, f"出质人为“{facts.pledgor}”，而{said}。",
            fix="先办理专利权人变更，或取消勾选这件专利。", place="patents",
        )  # fmt: skip
    if unknown:
        return CheckResult(Ground.R01, Result.MANUAL, f"下列专利没有填写登记簿上的专利权人：{_list(unknown)}。")
    same = f"{len(facts.patents)} 件专利的专利权人均含出质人“{facts.pledgor}”"
    if unsure := _unchecked(facts, Ground.R01, same):
        return unsure
    bought = _recently_bought(facts)
    return CheckResult(Ground.R01, Result.CLEAR, f"{same}{_checked(facts)}{bought}。", warning=bool(bought))


def _recently_bought(facts: FileFacts) -> str:
    """Patents bought just before they are pledged are no ground, but worth a look (domain.md §8, 24)."""
    bought = [
        (p, p.transferred_on)
        for p in facts.patents
        if p.transferred_on and (facts.today - p.transferred_on).days <= facts.recent_days
    ]
    if not bought:
        return ""
    said = "；".join(f"{p.dotted} {_day(day)}转让登记" for p, day in bought[:SHOWN])
    return f"。近期受让 {len(bought)} 件，请留意是否为质押而购入：{said}"


def r02(facts: FileFacts) -> CheckResult:
    """In force: neither lapsed, nor declared invalid, nor past the end of its life."""
    today = facts.today
    dead = [
        p
        for p in facts.patents
        if p.status in (Patent.Status.LAPSED, Patent.Status.INVALID) or (p.expires_on and p.expires_on <= today)
    ]
    if dead:
        said = _list(
            dead,
            lambda p: f"{p.dotted}（{Patent.Status(p.status).label}，届满日 {_day(p.expires_on)}）",
        )
        return CheckResult(
            Ground.R02, Result.FOUND, f"下列专利权已不存在：{said}。", fix="取消勾选这件专利。", place="patents"
        )
    fine = f"{len(facts.patents)} 件专利均未终止、未被宣告无效，届满日均晚于{full_date_cn(today)}"
    return _unchecked(facts, Ground.R02, fine) or CheckResult(Ground.R02, Result.CLEAR, f"{fine}{_checked(facts)}。")


def r03(facts: FileFacts) -> CheckResult:
    """Granted: an application is no patent yet."""
    pending = [
        p for p in facts.patents if p.status == Patent.Status.PENDING or (p.grant_date and p.grant_date > facts.today)
    ]
    if pending:
        said = _list(pending, lambda p: f"{p.dotted}（授权公告日 {_day(p.grant_date)}）")
        return CheckResult(
            Ground.R03,
            Result.FOUND,
            f"下列申请尚未被授予专利权：{said}。",
            fix="取消勾选这件，待授权公告后再办理。",
            place="patents",
        )
    if blank := [p for p in facts.patents if p.grant_date is None]:
        return CheckResult(
            Ground.R03,
            Result.MANUAL,
            f"下列专利没有授权公告日：{_list(blank)}。",
            fix="在“我的专利”里补填授权公告日。",
            place="patents",
        )
    last = max((p for p in facts.patents if p.grant_date), key=lambda p: p.grant_date or date.min, default=None)
    said = f"最晚一件 {last.dotted} 授权公告于{_day(last.grant_date)}" if last else "没有专利"
    return CheckResult(Ground.R03, Result.CLEAR, f"{len(facts.patents)} 件专利均已授权公告，{said}。")


def r04(facts: FileFacts) -> CheckResult:
    """The annual fee is paid: the six months of grace do not help a pledge."""
    if owing := [p for p in facts.patents if p.fee_paid_until and p.fee_paid_until < facts.today]:
        said = _list(owing, lambda p: f"{p.dotted} 缴至 {_day(p.fee_paid_until)}")
        return CheckResult(
            Ground.R04, Result.FOUND, f"今天是{full_date_cn(facts.today)}，下列专利年费未缴：{said}。在滞纳期内同样不予登记。",
            fix="先补缴年费和滞纳金，再更新“年费缴至”日期。", place="patents",
        )  # fmt: skip
    if unknown := [p for p in facts.patents if p.fee_paid_until is None]:
        return CheckResult(
            Ground.R04,
            Result.MANUAL,
            f"下列专利没有填写年费缴至日期：{_list(unknown)}。",
            fix="在“我的专利”里补填年费缴至日期。",
            place="patents",
        )
    first = min((p for p in facts.patents), key=lambda p: p.fee_paid_until or date.max, default=None)
    if first is None or first.fee_paid_until is None:
        return CheckResult(Ground.R04, Result.MANUAL, "没有专利可以核对年费。")
    said = f"年费均已缴，最早一件 {first.dotted} 缴至{_day(first.fee_paid_until)}"
    soon = facts.debt_to is not None and first.fee_paid_until < facts.debt_to
    note = f"，早于债务到期日{_day(facts.debt_to)}，质押期间须按时续缴" if soon else ""
    return CheckResult(Ground.R04, Result.CLEAR, f"{said}{note}。", warning=soon)


def r05(facts: FileFacts) -> CheckResult:
    """No suspended procedure and no court preservation."""
    if held := [p for p in facts.patents if p.preserved]:
        return CheckResult(
            Ground.R05,
            Result.FOUND,
            f"下列专利处于中止程序或者被保全：{_list(held)}。",
            fix="待中止或保全解除后办理，或取消勾选这件专利。",
            place="patents",
        )
    fine = f"{len(facts.patents)} 件专利均无中止或保全记载"
    return _unchecked(facts, Ground.R05, fine) or CheckResult(Ground.R05, Result.CLEAR, f"{fine}{_checked(facts)}。")


def r06(facts: FileFacts) -> CheckResult:
    """The debt ends before the shortest-lived patent does."""
    lives = [(p.expires_on, p) for p in facts.patents if p.expires_on]
    if facts.debt_to is None or not lives or len(lives) < len(facts.patents):
        return CheckResult(
            Ground.R06,
            Result.MANUAL,
            "缺少债务到期日或专利届满日，无法比较。",
            fix="填写债务履行期限。",
            place="debt_to",
        )
    end, short = min(lives, key=lambda row: row[0])
    due = (
        f"最迟到期日{_day(facts.debt_to)}（{facts.debt_to_said}）"
        if facts.debt_to_said
        else f"债务到期日{_day(facts.debt_to)}"
    )
    said = f"{due}，最先届满的专利 {short.dotted} 届满日{_day(end)}"
    if facts.debt_to > end:
        return CheckResult(
            Ground.R06, Result.FOUND, f"{said}，债务履行期限超过专利权有效期。",
            fix=f"把{'最迟到期日' if facts.debt_to_said else '债务到期日'}改到{_day(end)}以前，或取消勾选这件专利。", place="debt_to",
        )  # fmt: skip
    months = (end.year - facts.debt_to.year) * 12 + end.month - facts.debt_to.month
    months -= end.day < facts.debt_to.day
    if months < WARN_MONTHS:
        return CheckResult(Ground.R06, Result.CLEAR, f"{said}，只晚 {months} 个整月，请注意。", warning=True)
    return CheckResult(Ground.R06, Result.CLEAR, f"{said}，有效期足够。")


def r07(facts: FileFacts) -> CheckResult:
    """The contract says what article 8 wants: parties, kind and amount of the debt, period, patents with their dates, scope."""
    items: list[tuple[bool, str, str]] = [
        (not facts.contract_on_file, "质押合同文本", "contract"),
        (not facts.contract_number, "合同编号", "contract_number"),
        (facts.contract_signed_on is None, "合同签订日期", "contract_signed_on"),
        (not facts.debtor, "债务人", "debtor_name"),
        (not facts.debt_kind, "债权种类", "debt_kind"),
        (facts.debt_amount is None, "被担保债权数额", "debt_amount"),
        (facts.debt_from is None, "债务履行期限起始日", "debt_from"),
        (facts.debt_to is None, "债务履行期限届满日", "debt_to"),
        (not facts.scope, "质押担保的范围", "scope"),
        (not facts.patents, "质押的专利", "patents"),
    ]
    for p in facts.patents:
        facts_of = (("名称", p.title), ("专利号", p.number), ("申请日", p.filing_date), ("授权公告日", p.grant_date))
        if blank := [label for label, value in facts_of if not value]:
            items.append((True, f"专利 {p.dotted} 的{'、'.join(blank)}", "patents"))
    if missing := [(label, place) for absent, label, place in items if absent]:
        labels = "、".join(label for label, _ in missing)
        return CheckResult(
            Ground.R07, Result.FOUND, f"缺少：{labels}。", fix=f"补上{missing[0][0]}。", place=missing[0][1]
        )
    return CheckResult(
        Ground.R07, Result.CLEAR,
        f"合同 {facts.contract_number}（{_day(facts.contract_signed_on)}签订），债权 {money_wan(facts.debt_amount)}，"
        f"期限 {_day(facts.debt_from)}至{_day(facts.debt_to)}，{len(facts.patents)} 件专利的名称、专利号、申请日、授权公告日齐全。",
    )  # fmt: skip


def r08(facts: FileFacts) -> CheckResult:
    """Every co-owner agrees, or the co-owners agreed otherwise."""
    shared = [(p, others(p, facts.pledgor)) for p in facts.patents]
    shared = [(p, names) for p, names in shared if names]
    if not shared:
        return CheckResult(Ground.R08, Result.CLEAR, f"{len(facts.patents)} 件专利均没有其他共有人。")
    if facts.agreement:
        if facts.agreement_on_file:
            return CheckResult(Ground.R08, Result.MANUAL, "共有人另有约定，证明已上传，约定内容由审查员核对。")
        return CheckResult(
            Ground.R08,
            Result.FOUND,
            "声明共有人另有约定，但没有上传证明。",
            fix="上传共有人约定的证明，或逐一上传同意书。",
            place="agreement",
        )
    absent = [
        (p, [n for n in names if plain_name(n) not in {plain_name(c) for c in p.consents}]) for p, names in shared
    ]
    absent = [(p, names) for p, names in absent if names]
    if absent:
        said = "；".join(f"{p.dotted} 缺 {'、'.join(names)}" for p, names in absent[:SHOWN])
        return CheckResult(
            Ground.R08,
            Result.FOUND,
            f"共有专利缺少同意书：{said}。",
            fix=f"上传 {absent[0][1][0]} 的同意书，或勾选“共有人另有约定”并上传证明。",
            place="co_owner",
        )
    said = "；".join(f"{p.dotted}（{'、'.join(names)}）" for p, names in shared[:SHOWN])
    return CheckResult(Ground.R08, Result.MANUAL, f"全部共有人的同意书已上传：{said}，签章由审查员核对。")


def r09(facts: FileFacts) -> CheckResult:
    """No other pledge of the same number, whoever holds it. Other parties' names are never told."""
    if taken := [p for p in facts.patents if p.pledged]:
        return CheckResult(
            Ground.R09,
            Result.FOUND,
            f"下列专利已有质押登记，且处于质押期间：{_list(taken)}。",
            fix="待原质押注销后办理，或取消勾选这件专利。",
            place="patents",
        )
    if noted := [p for p in facts.patents if p.pledge_noted]:
        said = _list(noted, lambda p: f"{p.dotted}（登记号 {p.pledge_noted}）")
        return CheckResult(
            Ground.R09,
            Result.FOUND,
            f"登记簿记载下列专利已有质押登记：{said}。",
            fix="待原质押注销后办理，或取消勾选这件专利。",
            place="patents",
        )
    waiting = [p for p in facts.patents if p.pending]
    if waiting and facts.filing:
        return CheckResult(
            Ground.R09,
            Result.FOUND,
            f"下列专利已另行申请质押登记，正在办理：{_list(waiting)}。",
            fix="待那一件撤回或不予登记后办理，或取消勾选这件专利。",
            place="patents",
        )
    if waiting:
        return CheckResult(
            Ground.R09,
            Result.CLEAR,
            f"没有在先的质押登记；下列专利另有在办的登记申请，先予登记者有效：{_list(waiting)}。",
            warning=True,
        )
    return CheckResult(
        Ground.R09, Result.CLEAR, f"按专利号查询，{len(facts.patents)} 件专利均没有其他有效或在办的质押登记。"
    )


def r10(facts: FileFacts) -> CheckResult:
    """A utility model with an invention application of the same day; the parties may declare to go on."""
    models = [p for p in facts.patents if p.kind == PatentKind.UTILITY]
    if not models:
        return CheckResult(Ground.R10, Result.CLEAR, "没有实用新型专利。")
    if twins := [p for p in models if p.same_day_twin]:
        said = _list(twins, lambda p: f"{p.dotted} 的同日申请 {p.same_day_twin[:-1]}.{p.same_day_twin[-1]}")
        if facts.twin_declared:
            return CheckResult(Ground.R10, Result.WAIVED, f"{said}；双方已声明知悉并继续办理。")
        return CheckResult(
            Ground.R10,
            Result.FOUND,
            f"实用新型有同日申请的发明专利申请：{said}。",
            fix="双方声明知悉并继续办理，或取消勾选这件专利。",
            place="twin_declared",
        )
    fine = f"{len(models)} 件实用新型均没有登记同日申请的发明专利申请"
    return _unchecked(facts, Ground.R10, fine, models) or CheckResult(
        Ground.R10, Result.CLEAR, f"{fine}{_checked(facts)}。"
    )


def r11(facts: FileFacts) -> CheckResult:
    """An invalidation procedure has begun; the parties may declare to go on."""
    if attacked := [p for p in facts.patents if p.invalidation_pending]:
        said = f"下列专利已被提起无效宣告请求：{_list(attacked)}"
        if facts.invalidation_declared:
            return CheckResult(Ground.R11, Result.WAIVED, f"{said}；双方已声明知悉并继续办理。")
        return CheckResult(
            Ground.R11,
            Result.FOUND,
            f"{said}。",
            fix="双方声明知悉并继续办理，或取消勾选这件专利。",
            place="invalidation_declared",
        )
    fine = f"{len(facts.patents)} 件专利均没有无效宣告程序的记载"
    return _unchecked(facts, Ground.R11, fine) or CheckResult(Ground.R11, Result.CLEAR, f"{fine}{_checked(facts)}。")


def r12(facts: FileFacts) -> CheckResult:
    """Anything else is for the clerk."""
    return CheckResult(Ground.R12, Result.MANUAL, "系统无法判断，由审查员核对。")


RULES: tuple[Callable[[FileFacts], CheckResult], ...] = (r01, r02, r03, r04, r05, r06, r07, r08, r09, r10, r11, r12)
