"""What is filled in for a default, a listing, an offer, a distribution and a claim."""

from collections.abc import Sequence
from datetime import datetime, time
from decimal import Decimal
from typing import Any

from django import forms

from portal.foundation.core import money
from portal.foundation.core.forms import DateField, ManyFilesField, PhoneField, PortalForm, RadioCards, UploadField
from portal.foundation.core.intake.kinds import ACCEPTED_TEXT
from portal.foundation.core.moments import SHANGHAI

from .actions.settlement import Receipt
from .models import Path
from .proceeds import Cost

BILLS = 4  # rows of the form
HOURS = [("10:00", "10:00"), ("12:00", "12:00"), ("15:00", "15:00"), ("17:00", "17:00")]
_ZEROS = {"0", "0.0", "0.00"}


class YuanField(forms.CharField):
    """An amount in yuan, to the fen; cleans to Decimal, or None when empty and not required."""

    unit = "元"

    def __init__(self, *, zero: bool = False, **kwargs: Any) -> None:
        self.zero = zero
        kwargs.setdefault("widget", forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}))
        super().__init__(**kwargs)

    def prepare_value(self, value: Any) -> Any:
        return money.format_yuan(value) if isinstance(value, Decimal) else value

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        if not text:
            return None
        if self.zero and text.strip() in _ZEROS:
            return Decimal("0.00")
        try:
            return money.parse_yuan(text, unit="yuan")
        except ValueError as error:
            raise forms.ValidationError(str(error), code="invalid") from error


class DefaultForm(PortalForm):
    """记录违约."""

    defaulted_on = DateField(label="违约日期", help_text="债务到期未清偿，或约定的提前到期之日。")
    principal = YuanField(label="尚欠本金")
    interest = YuanField(label="尚欠利息", zero=True, help_text="没有的填 0。含罚息、复利。")
    costs = YuanField(label="实现质权的费用", zero=True, help_text="到今天为止的诉讼、保全、律师等费用，没有的填 0。")
    note = forms.CharField(label="说明", required=False, max_length=300)
    paper = ManyFilesField(
        label="违约证明",
        required=False,  # the action says so, beside the field
        help_text=f"催收通知、账户明细、判决等，可多选。{ACCEPTED_TEXT}。",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["paper"].depends = True  # type: ignore[attr-defined]


class NoteForm(PortalForm):
    """One reason, under the words of the verb it belongs to."""

    note = forms.CharField(label="说明", max_length=300)

    def __init__(self, *args: Any, label: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["note"].label = label
        self.fields["note"].error_messages["required"] = f"请填写{label}。"


class ListingForm(PortalForm):
    """处置公告."""

    path = forms.ChoiceField(
        label="处置方式", choices=Path.choices, widget=RadioCards(hints={p.value: p.explained for p in Path})
    )
    statement = forms.CharField(
        label="公告说明",
        required=False,
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="会公开。只写专利本身的情况，不写企业经营、债务金额等商业秘密。",
    )
    reserve = YuanField(label="保留价", required=False, help_text="低于保留价不成交。可以不设。")
    reserve_public = forms.BooleanField(label="公布保留价", required=False)
    closes_on = DateField(label="报价截止日期")
    closes_hour = forms.ChoiceField(label="截止时间", choices=HOURS, initial="17:00")
    contact_name = forms.CharField(label="联系人", max_length=40)
    contact_phone = PhoneField(label="联系电话", help_text="会公开，请填单位电话。")

    def closes_at(self) -> datetime:
        """The closing moment, aware."""
        hour, minute = self.cleaned_data["closes_hour"].split(":")
        return datetime.combine(self.cleaned_data["closes_on"], time(int(hour), int(minute)), tzinfo=SHANGHAI)


class BidForm(PortalForm):
    """报价. Of a reverse licence also what the former owner pays for going on to use it."""

    amount = YuanField(label="报价")
    licence_fee = YuanField(
        label="许可费（每年）", required=False, zero=True, help_text="许可回原企业使用，每年收多少；不收的填 0。"
    )
    licence_years = forms.IntegerField(label="许可年限", required=False, min_value=1, max_value=20)
    note = forms.CharField(label="说明", required=False, max_length=300)

    def __init__(self, *args: Any, reverse: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["licence_years"].unit = "年"  # type: ignore[attr-defined]
        for name in ("licence_fee", "licence_years"):
            self.fields[name].depends = True  # type: ignore[attr-defined]
            if not reverse:
                del self.fields[name]


class ChooseForm(PortalForm):
    """The pledgee chooses among the valid offers."""

    chosen = forms.TypedChoiceField(label="接受的报价", coerce=int, widget=RadioCards())

    def __init__(self, *args: Any, offers: Sequence[tuple[int, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["chosen"].choices = offers  # type: ignore[attr-defined]


class TakeOverForm(PortalForm):
    """折价."""

    price = YuanField(label="折价金额", help_text="不低于评估值。")
    valued_at = YuanField(label="评估值")
    valued_on = DateField(label="评估基准日", help_text="在违约以后。")
    valuer = forms.CharField(label="评估机构", max_length=120)
    report = UploadField(label="评估报告", help_text=f"{ACCEPTED_TEXT}。")


class DistributionForm(PortalForm):
    """What came in and what is owed; rows of bills are `bill_1`, `sum_1`, …"""

    received_on = DateField(label="价款到账日期")
    costs = YuanField(label="实现质权的费用", zero=True, help_text="质权人垫付的诉讼、保全、律师等费用，没有的填 0。")
    interest = YuanField(label="利息", zero=True, help_text="算到到账日。")
    principal = YuanField(label="本金", zero=True)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for row in range(1, BILLS + 1):
            self.fields[f"bill_{row}"] = forms.CharField(
                label=f"处置费用 {row}：收款方", max_length=120, required=False
            )
            self.fields[f"sum_{row}"] = YuanField(label=f"处置费用 {row}：金额", required=False)
        for name, field in self.fields.items():
            if name.startswith(("bill_", "sum_")):
                field.error_messages.setdefault("required", "请填写。")

    def rows(self) -> list[tuple[Any, Any]]:
        """The fields of the bills, row by row."""
        return [(self[f"bill_{row}"], self[f"sum_{row}"]) for row in range(1, BILLS + 1)]

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or self.cleaned_data
        for row in range(1, BILLS + 1):
            payee, amount = given.get(f"bill_{row}"), given.get(f"sum_{row}")
            if payee and amount is None and f"sum_{row}" not in self.errors:
                self.add_error(f"sum_{row}", "写了收款方，请填写金额。")
            if amount is not None and not payee and f"bill_{row}" not in self.errors:
                self.add_error(f"bill_{row}", "写了金额，请填写收款方。")
        return given

    def receipt(self) -> Receipt:
        """What the action wants."""
        given = self.cleaned_data
        bills = [
            Cost(given[f"bill_{row}"], given[f"sum_{row}"]) for row in range(1, BILLS + 1) if given.get(f"sum_{row}")
        ]
        return Receipt(
            received_on=given["received_on"],
            bills=bills,
            costs=given["costs"],
            interest=given["interest"],
            principal=given["principal"],
        )


class ClaimForm(PortalForm):
    """代偿申请."""

    cover = forms.TypedChoiceField(label="向谁申请", coerce=int)
    loss = YuanField(label="申请分担的净损失")

    def __init__(self, *args: Any, covers: Sequence[tuple[int, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["cover"].choices = covers  # type: ignore[attr-defined]


class CompensationForm(PortalForm):
    """已代偿."""

    paid_on = DateField(label="代偿日期")
    voucher = forms.CharField(label="凭证号", max_length=60)
    fund_pays = forms.BooleanField(label="国家融资担保基金予以补偿", required=False)
