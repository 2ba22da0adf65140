"""What an institution fills in: claim, question, offer, decline, assignment, dispatch. Words follow the kind of institution."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django import forms

from portal.foundation.accounts.models import OrganisationKind
from portal.foundation.core import money
from portal.foundation.core.forms import AmountWanField, CheckboxCards, DateField, PhoneField, PortalForm

from .actions.responses import Terms
from .models import DeclineReason, Offer
from .offer_cost import of_offer

REPAYMENTS = ["按月付息，到期还本", "等额本息", "等额本金", "到期一次还本付息", "随借随还"]
VALID_DAYS = 15  # how long an offer stays open unless the officer writes another day


@dataclass(frozen=True, slots=True)
class Words:
    """How one kind of institution names its offer."""

    offer: str  # the document
    verb: str  # the button
    amount: str
    rate: str
    rate_example: str
    lends: bool


WORDS: dict[str, Words] = {
    OrganisationKind.BANK: Words("融资方案", "发出方案", "可融资金额", "年利率", "例如 3.45", True),
    OrganisationKind.GUARANTOR: Words("担保意向", "出具担保意向", "拟担保金额", "担保费率", "例如 0.8", False),
    OrganisationKind.INSURER: Words("承保意向", "出具承保意向", "拟承保金额", "保险费率", "例如 1.2", False),
}


class ClaimForm(PortalForm):
    """接单: whom the enterprise reaches, and what happens next."""

    contact_name = forms.CharField(label="本机构联系人", max_length=40)
    contact_phone = PhoneField(label="联系电话")
    next_step = forms.CharField(
        label="下一步",
        help_text="做什么、什么时候，例如“11月26日上午上门尽调”。企业会看到。",
        max_length=300,
        widget=forms.Textarea(attrs={"rows": 3}),
    )


class AskForm(PortalForm):
    """要求补充."""

    question = forms.CharField(
        label="需要企业补充什么",
        help_text="一次写全，例如“2025 年度审计报告和近 3 个月银行流水”。",
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 4}),
    )


class RevealForm(PortalForm):
    """响应前调阅联系方式."""

    reason = forms.CharField(
        label="调阅事由", max_length=100, help_text="例如：核实企业主体、约定现场尽调。企业能看到谁在何时因何调阅。"
    )


class YuanField(forms.CharField):
    """An amount typed in yuan, where nothing and 0 mean none; cleans to Decimal yuan."""

    unit = "元"

    def to_python(self, value: Any) -> Decimal:  # type: ignore[override]
        text = super().to_python(value) or ""
        if text.strip() in ("", "0"):
            return Decimal(0)
        try:
            return money.parse_yuan(text, unit="yuan")
        except ValueError as error:
            raise forms.ValidationError(str(error), code="invalid") from error


def _rate() -> forms.DecimalField:
    field = forms.DecimalField(
        required=False,
        max_digits=6,
        decimal_places=3,
        min_value=Decimal("0.001"),
        max_value=Decimal(36),
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
        error_messages={
            "max_decimal_places": "利率最多写 3 位小数，例如 3.45。",
            "max_digits": "请按百分数填写，例如 3.45。",
            "max_whole_digits": "请按百分数填写，例如 3.45。",
        },
    )
    field.unit = "%/年"  # type: ignore[attr-defined]
    return field


class OfferForm(PortalForm):
    """出方案. A bank names its annual rate; a guarantor or an insurer its fee rate."""

    amount = AmountWanField()
    term_months = forms.IntegerField(label="期限", min_value=1, max_value=360, widget=forms.TextInput)
    annual_rate = _rate()
    fee_rate = _rate()
    other_fees = YuanField(
        label="其他费用（一次性）", required=False, help_text="评估、登记等由企业承担的费用，没有就空着。"
    )
    repayment = forms.ChoiceField(label="还款方式", choices=[(r, r) for r in REPAYMENTS])
    conditions = forms.CharField(
        label="附加条件", required=False, max_length=500, widget=forms.Textarea(attrs={"rows": 3})
    )
    valid_until = DateField(label="有效期至")

    def __init__(self, *args: Any, words: Words, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.today, self.words = today, words
        self.fields["amount"].label = words.amount
        self.fields["term_months"].unit = "个月"  # type: ignore[attr-defined]
        self.fields["term_months"].widget.attrs["inputmode"] = "numeric"
        keep, drop = ("annual_rate", "fee_rate") if words.lends else ("fee_rate", "annual_rate")
        del self.fields[drop]
        rate = self.fields[keep]
        rate.label, rate.help_text, rate.required = words.rate, words.rate_example, True
        rate.error_messages["required"] = f"请填写{words.rate}，{words.rate_example}。"
        if not words.lends:
            del self.fields["repayment"]
        self.initial.setdefault("valid_until", today + timedelta(days=VALID_DAYS))

    def clean_valid_until(self) -> date:
        day: date = self.cleaned_data["valid_until"]
        if day < self.today:
            raise forms.ValidationError("有效期不能早于今天。")
        return day

    def terms(self) -> Terms:
        """What the action wants; only after is_valid()."""
        return Terms(**{name: value for name, value in self.cleaned_data.items() if value is not None})


@dataclass(frozen=True, slots=True)
class Cost:
    """What an offer costs the enterprise, in yuan; the first year is on the full amount, the term by the way of repayment."""

    per_year: Decimal
    whole_term: Decimal
    share: Decimal  # percent of the amount, two decimals
    months: int
    apr: Decimal | None  # percent; None when a part of the bill is not in this offer
    unknown: list[str]


def cost(terms: Terms, *, kind: str, mode: str = "") -> Cost:
    """Interest and fees of the first year and of the whole term. `kind`, `mode`: as in offer_cost.of_offer."""
    offer = Offer(
        amount=terms.amount,
        term_months=terms.term_months,
        annual_rate=terms.annual_rate,
        fee_rate=terms.fee_rate,
        other_fees=terms.other_fees,
        repayment=terms.repayment,
    )
    bill = of_offer(offer, kind=kind, mode=mode)
    share = (bill.known * 100 / terms.amount).quantize(Decimal("0.01"))
    return Cost(offer.yearly_cost or Decimal(0), bill.known, share, terms.term_months, bill.apr, bill.unknown)


class DeclineForm(PortalForm):
    """婉拒: a reason from the closed list. It cannot be taken back, so it is confirmed."""

    code = forms.ChoiceField(label="原因", choices=[("", "请选择"), *DeclineReason.choices])
    note = forms.CharField(
        label="说明",
        required=False,
        help_text="写给企业看：差在哪里，怎样可以再来。选“其他”时必须填写。",
        max_length=300,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    confirmed = forms.BooleanField(label="我确认婉拒：企业会立即看到原因，不能恢复。")


class AssignForm(PortalForm):
    """转派 to a colleague."""

    officer = forms.ChoiceField(label="转派给", error_messages={"required": "请选择转派给哪位同事。"})

    def __init__(self, *args: Any, colleagues: Sequence[tuple[int, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["officer"].choices = [("", "请选择"), *((str(pk), name) for pk, name in colleagues)]  # type: ignore[attr-defined]


class NoneLeftForm(PortalForm):
    """暂无其他机构: what the desk has tried and what the enterprise can change."""

    note = forms.CharField(
        label="答复企业",
        max_length=300,
        help_text="写明联系了哪些机构、企业可以怎样调整，例如：金额调到 1000 万元以内可重新提交。",
        widget=forms.Textarea(attrs={"rows": 3}),
    )


class DispatchForm(PortalForm):
    """分派: the institutions, best match first."""

    institutions = forms.MultipleChoiceField(
        label="分派给",
        help_text="可选多家，每家各有 2 个工作日。",
        widget=CheckboxCards,
        error_messages={"required": "请至少勾选一家机构。"},
    )

    def __init__(self, *args: Any, choices: Sequence[tuple[int, str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["institutions"]
        field.choices = [(str(pk), name) for pk, name, _ in choices]  # type: ignore[attr-defined]
        field.widget.hints = {str(pk): hint for pk, _, hint in choices}
