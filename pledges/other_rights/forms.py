"""What both sides fill in about another right."""

from typing import Any

from django import forms
from django_fsm import can_proceed

from portal.foundation.core.forms import DateField, ManyFilesField, PortalForm
from portal.foundation.core.intake.kinds import ACCEPTED_TEXT

from .actions import DAYS, VERBS
from .formats import RightKind
from .models import OtherRight


class RightForm(PortalForm):
    """The right and its registrar."""

    kind = forms.ChoiceField(label="权利种类", choices=RightKind.choices)
    title = forms.CharField(
        label="名称", max_length=120, help_text="商标名称、作品或软件名称；许可收益权写明许可合同。"
    )
    number = forms.CharField(
        label="注册号或登记号",
        max_length=60,
        required=False,
        help_text="商标注册号、作品登记号或软件登记号；写法不常见的会提示核对，不影响保存。",
    )
    classes = forms.CharField(label="商标类别", max_length=60, required=False, help_text="多个用逗号隔开，例如 9,42。")
    right_registered_on = DateField(
        label="商标注册日期", required=False, help_text="有效期自注册之日起 10 年，可以续展。"
    )
    published_on = DateField(
        label="首次发表日期", required=False, help_text="法人作品保护到首次发表后第 50 年的 12 月 31 日。"
    )
    valid_until = DateField(
        label="有效期至", required=False, help_text="已续展的填续展后的日期；不填则按上面的日期推算。"
    )
    registrar = forms.CharField(label="登记机构", max_length=60, required=False, help_text="不填则按权利种类带出。")
    note = forms.CharField(label="说明", max_length=300, required=False)


AGAIN = "again"  # not another state: the day and the number of the present one are put right


class StepForm(PortalForm):
    """How far the registrar is."""

    state = forms.ChoiceField(label="进度", help_text="改为“不予登记”或“已注销”以后，这一项不能再改。")
    on = DateField(label="日期")
    number = forms.CharField(
        label="登记机构给的编号", max_length=60, required=False, help_text="申请号；登记完成的填质权登记证号，必填。"
    )

    def __init__(self, *args: Any, right: OtherRight, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        found = [(s.value, str(s.label)) for s, verb in VERBS.items() if can_proceed(getattr(right, verb))]
        if right.state in DAYS:
            found.append((AGAIN, f"更正“{right.get_state_display()}”的日期和编号"))
        self.fields["state"].choices = found  # type: ignore[attr-defined]
        self.fields["number"].depends = True  # type: ignore[attr-defined]


class PapersForm(PortalForm):
    """Papers of it."""

    paper = ManyFilesField(
        label="材料",
        required=False,
        help_text=f"质押合同、受理回执、登记证等，可多选。{ACCEPTED_TEXT}。",
    )

    def clean(self) -> None:
        if not self.cleaned_data.get("paper") and "paper" not in self.errors:
            self.add_error("paper", "请选择要上传的文件。")
