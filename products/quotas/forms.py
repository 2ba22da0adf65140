"""What is filled in for a quota."""

from collections.abc import Sequence
from typing import Any

from django import forms

from portal.foundation.core.forms import AmountWanField, PortalForm


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
