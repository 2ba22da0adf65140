"""What is filled in for a scheme."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django import forms

from portal.foundation.core.forms import AmountWanField, DateField, PortalForm

from .models import SubsidyScheme
from .schemes import Figures, Identity


class FiguresForm(PortalForm):
    """The figures of a scheme; `why` says what a change rests on."""

    rate = forms.DecimalField(
        label="比例",
        max_digits=6,
        decimal_places=3,
        min_value=Decimal("0.001"),
        max_value=Decimal(100),
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
    )
    rate.unit = "%"  # type: ignore[attr-defined]
    rate_confirmed = forms.BooleanField(label="比例已核实（不勾选的，各处显示“待确认”）", required=False)
    most = AmountWanField(label="单笔上限", required=False, help_text="没有上限就空着。")
    budget = AmountWanField(label="预算")
    confirmed = forms.BooleanField(label="上限和预算已核实（不勾选的，各处显示“待确认”）", required=False)
    valid_from = DateField(label="申请期自")
    valid_until = DateField(label="申请期至")
    rule = forms.CharField(label="条件", max_length=300)
    ground = forms.CharField(label="依据", max_length=200, help_text="文件名称和文号。")

    def figures(self) -> Figures:
        given = self.cleaned_data
        return Figures(
            rate=given["rate"],
            most=given["most"],
            budget=given["budget"],
            valid_from=given["valid_from"],
            valid_until=given["valid_until"],
            rate_confirmed=given["rate_confirmed"],
            confirmed=given["confirmed"],
            ground=given["ground"],
            rule=given["rule"],
        )


class ChangeForm(FiguresForm):
    """调整."""

    why = forms.CharField(label="调整原因", max_length=200, help_text="这次为什么调整，依据哪份文件；写入变更记录。")


class NewSchemeForm(FiguresForm):
    """新设."""

    name = forms.CharField(label="名称", max_length=80)
    code = forms.SlugField(
        label="代码",
        max_length=40,
        help_text="小写字母、数字和短横线，例如 interest-500157-2027；定下后不改。",
        error_messages={"invalid": "代码只能用字母、数字、短横线和下划线。"},
    )
    kind = forms.ChoiceField(label="类型", choices=[("", "请选择"), *SubsidyScheme.Kind.choices])
    district = forms.ChoiceField(label="面向", required=False)
    field_order = ["name", "code", "kind", "district"]

    def __init__(self, *args: Any, districts: Sequence[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["district"].choices = [("", "全市"), *districts]  # type: ignore[attr-defined]

    def identity(self) -> Identity:
        given = self.cleaned_data
        return Identity(
            code=given["code"].lower(), name=given["name"], kind=given["kind"], district=given["district"] or None
        )
