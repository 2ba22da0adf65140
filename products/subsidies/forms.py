"""What is filled in for a subsidy."""

from typing import Any

from django import forms

from portal.foundation.core import money
from portal.foundation.core.forms import DateField, ManyFilesField, PortalForm
from portal.foundation.core.intake.kinds import ACCEPTED_TEXT

from .models import SubsidyScheme

MOST_AT_ONCE = 10  # pieces of evidence in one upload
CHOOSE_AGAIN = "请重新选择文件。"  # a browser forgets the files it has sent


class BaseYuanField(forms.CharField):
    """An amount in yuan; cleans to Decimal."""

    unit = "元"

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        if not text:
            return None
        try:
            return money.parse_yuan(text, unit="yuan")
        except ValueError as error:
            raise forms.ValidationError(str(error), code="invalid") from error


class ClaimSubsidyForm(PortalForm):
    """申请: for which case, on which base, with which evidence."""

    case_number = forms.CharField(label="办件编号", max_length=32, help_text="贷款所属的办件，例如 YZD202611230001X。")
    base = BaseYuanField()
    papers = ManyFilesField(
        label="证明材料",
        help_text=f"合同、付息或付费凭证，可选多个文件，最多 {MOST_AT_ONCE} 个，每个 {ACCEPTED_TEXT}。",
        most=MOST_AT_ONCE,
    )
    note = forms.CharField(label="说明", required=False, max_length=300)

    def __init__(self, *args: Any, scheme: SubsidyScheme, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["base"].label = scheme.base_label
        self.fields["base"].error_messages["required"] = f"请填写{scheme.base_label}。"


class SupplementForm(PortalForm):
    """补充材料."""

    papers = ManyFilesField(
        label="补充的材料",
        help_text=f"可选多个文件，最多 {MOST_AT_ONCE} 个，每个 {ACCEPTED_TEXT}。",
        most=MOST_AT_ONCE,
    )


class RefuseForm(PortalForm):
    """不予补贴."""

    note = forms.CharField(label="不予补贴的理由", max_length=300)


class PayForm(PortalForm):
    """拨付."""

    paid_on = DateField(label="拨付日期")
    voucher = forms.CharField(label="拨付凭证号", max_length=60)
