"""The clerk's form for a register extract brought as a workbook."""

from datetime import date
from typing import Any

from django import forms

from portal.foundation.core.forms import PortalForm, UploadField
from portal.foundation.core.intake.kinds import WORKBOOK


class ExtractForm(PortalForm):
    file = UploadField(
        label="登记簿摘录（XLSX）",
        help_text="用模板填写，一次最多 1000 件；有一处错误就一件也不采用。",
        kinds=WORKBOOK,
    )
    as_of = forms.DateField(
        label="登记簿截至日期",
        help_text="摘录是哪一天从登记簿取得的。",
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
    )

    def __init__(self, *args: Any, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.today = today
        self.fields["as_of"].initial = today

    def clean_as_of(self) -> date:
        day: date = self.cleaned_data["as_of"]
        if day > self.today:
            raise forms.ValidationError("摘录日期不能晚于今天。")
        return day
