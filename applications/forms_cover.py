"""What is filled in for a guarantee or an insurance: asking, terms, commitment, release, compensation."""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django import forms

from portal.foundation.core.forms import AmountWanField, DateField, PortalForm
from products.risk.models import RiskScheme
from products.risk.shares import Party, read

from .actions.cover_answers import Terms
from .cover_models import Cover
from .forms_bank import VALID_DAYS, YuanField


class AskCoverForm(PortalForm):
    """Whom to ask for how much, and, by an enterprise with several banks, for whose loan."""

    referral = forms.ChoiceField(label="为哪家银行的贷款")
    institution = forms.ChoiceField(label="担保或保险机构")
    amount = AmountWanField(label="担保或承保金额")
    note = forms.CharField(
        label="说明",
        required=False,
        max_length=300,
        help_text="写给担保、保险机构看。",
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def __init__(
        self,
        *args: Any,
        institutions: Sequence[tuple[int, str]],
        referrals: Sequence[tuple[int, str]] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.fields["institution"].choices = [("", "请选择"), *((str(pk), name) for pk, name in institutions)]  # type: ignore[attr-defined]
        if referrals is None:
            del self.fields["referral"]
        else:
            first = [] if len(referrals) == 1 else [("", "请选择")]
            self.fields["referral"].choices = [*first, *((str(pk), name) for pk, name in referrals)]  # type: ignore[attr-defined]


def _percent(label: str, example: str) -> forms.DecimalField:
    field = forms.DecimalField(
        label=label,
        help_text=example,
        max_digits=6,
        decimal_places=3,
        min_value=Decimal(0),
        max_value=Decimal(36),
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
        error_messages={
            "max_decimal_places": "费率最多写 3 位小数，例如 0.8。",
            "max_digits": "请按百分数填写，例如 0.8。",
            "max_whole_digits": "请按百分数填写，例如 0.8。",
        },
    )
    field.unit = "%/年"  # type: ignore[attr-defined]
    return field


class TermsForm(PortalForm):
    """提出条件. A guarantor names its yearly fee, an insurer its premium."""

    scheme = forms.ChoiceField(label="风险分担方案", widget=forms.Select)
    amount = AmountWanField(label="担保金额")
    fee_rate = _percent("担保费率", "例如 0.8；除利息和担保费外不得另收费用")
    premium = YuanField(label="保险费（全期合计）", help_text="由企业承担的保险费，例如 12000。")
    conditions = forms.CharField(
        label="附加条件", required=False, max_length=500, widget=forms.Textarea(attrs={"rows": 3})
    )
    valid_until = DateField(label="有效期至")
    over = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, cover: Cover, schemes: Sequence[RiskScheme], today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["scheme"].choices = [("", "请选择"), *((str(s.pk), described(s)) for s in schemes)]  # type: ignore[attr-defined]
        del self.fields["fee_rate" if cover.insures else "premium"]
        self.fields["amount"].label = "承保金额" if cover.insures else "担保金额"
        self.initial.setdefault("valid_until", today + timedelta(days=VALID_DAYS))
        self.initial["over"] = cover.version

    def terms(self) -> Terms:
        """What the action wants; only after is_valid()."""
        given = dict(self.cleaned_data)
        return Terms(scheme_id=int(given.pop("scheme")), **given)


def described(scheme: RiskScheme) -> str:
    """«科技专项担保计划（一档）：银行 20%、担保机构 20%…（待确认）»."""
    parts = "、".join(f"{party.label} {percent.normalize():f}%" for party, percent in scheme.percentages().items())
    return f"{scheme.name}：{parts}" + ("" if scheme.confirmed else "（比例待确认）")


class CommitForm(PortalForm):
    """承诺 exactly what is shown."""

    version = forms.IntegerField(widget=forms.HiddenInput)
    confirmed = forms.BooleanField(label="我已核对费用和损失分担，确认承诺。")


class ReleaseForm(PortalForm):
    """解除."""

    note = forms.CharField(label="解除原因", max_length=300, help_text="例如“贷款已结清”。")


class CompensateForm(PortalForm):
    """代偿 or 赔付."""

    loss = YuanField(label="代偿金额")
    fund_pays = forms.ChoiceField(
        label="国家基金补偿",
        choices=[("", "请选择"), ("yes", "补偿"), ("no", "已备案，未获补偿")],
        help_text="计入这一笔后代偿率超过 5% 的，按国家基金不补偿这一笔计（待确认）。",
    )
    note = forms.CharField(label="说明", required=False, max_length=300)
    confirmed = forms.BooleanField(label="我确认记录代偿：不能恢复。")

    def __init__(self, *args: Any, cover: Cover, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if Party.NATIONAL not in read(cover.shares):  # nobody to ask about
            del self.fields["fund_pays"]
        if cover.insures:
            self.fields["loss"].label = "赔付金额"
            self.fields["confirmed"].label = "我确认记录赔付：不能恢复。"
