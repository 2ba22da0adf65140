"""What is filled in for a quota."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django import forms

from portal.foundation.core.forms import AmountWanField, PortalForm

from .tools import Figures

YI = Decimal(100_000_000)  # yuan of one 亿元, in which tools are published


class AllotForm(PortalForm):
    """分配."""

    tool = forms.ChoiceField(label="工具")
    institution = forms.ChoiceField(label="银行")
    amount = AmountWanField(label="分配额度")

    def __init__(
        self, *args: Any, tools: Sequence[tuple[int, str]], banks: Sequence[tuple[int, str]], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        for name, found in (("tool", tools), ("institution", banks)):
            self.fields[name].choices = [("", "请选择"), *((str(pk), label) for pk, label in found)]  # type: ignore[attr-defined]


class UseForm(PortalForm):
    """使用, for one loan."""

    amount = AmountWanField(label="使用额度")
    case_number = forms.CharField(label="办件编号", max_length=32)
    loan_number = forms.CharField(label="借据号", max_length=60)


class EligibleForm(PortalForm):
    """列入名单."""

    institution = forms.ChoiceField(label="银行")
    source = forms.CharField(
        label="名单出处", max_length=200, help_text="发布名单的文号或通知，例如“……关于印发……机构名单的通知”。"
    )

    def __init__(self, *args: Any, banks: Sequence[tuple[int, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["institution"].choices = [("", "请选择"), *((str(pk), label) for pk, label in banks)]  # type: ignore[attr-defined]


class ReduceForm(PortalForm):
    """调减."""

    amount = AmountWanField(label="调减额度")
    ground = forms.CharField(label="调减依据", max_length=200, help_text="文件名称和文号，或更正哪一笔分配。")


def shown_yi(yuan: Decimal | None) -> str:
    """Yuan in 亿元, without trailing zeros; empty when not known."""
    return "" if yuan is None else f"{(yuan / YI).normalize():f}"


class FiguresForm(PortalForm):
    """The figures of a tool."""

    total = forms.DecimalField(
        label="总额度",
        required=False,
        max_digits=16,
        decimal_places=10,
        max_value=Decimal(100_000),
        help_text="没有公布就空着。",
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
    )
    total.unit = "亿元"  # type: ignore[attr-defined]
    confirmed = forms.BooleanField(label="总额度已核实（不勾选的，各处显示“待确认”）", required=False)
    ground = forms.CharField(label="依据", max_length=200, help_text="文件名称和文号。")

    def figures(self) -> Figures:
        given = self.cleaned_data
        total = None if given["total"] is None else (given["total"] * YI).quantize(Decimal("0.01"))
        return Figures(total=total, confirmed=given["confirmed"], ground=given["ground"])


class ToolForm(FiguresForm):
    """调整."""

    why = forms.CharField(label="调整原因", max_length=200, help_text="这次为什么调整，依据哪份文件；写入变更记录。")


class NewToolForm(FiguresForm):
    """新设."""

    name = forms.CharField(label="名称", max_length=80)
    code = forms.SlugField(
        label="代码",
        max_length=40,
        help_text="小写字母、数字和短横线；定下后不改。",
        error_messages={"invalid": "代码只能用字母、数字、短横线和下划线。"},
    )
    restricted = forms.BooleanField(label="只分配给名单内的机构", required=False)
    field_order = ["name", "code", "restricted"]
