"""What a new key is for."""

from django import forms

from portal.foundation.core.forms import CheckboxCards, PortalForm

from .actions import LONGEST
from .models import Scope


class KeyForm(PortalForm):
    name = forms.CharField(label="用途", max_length=30, help_text="例如“信贷系统”；会显示在办理记录里。")
    scopes = forms.MultipleChoiceField(label="权限范围", choices=Scope.choices, widget=CheckboxCards())
    days = forms.IntegerField(
        label="有效天数", min_value=1, max_value=LONGEST, initial=180, help_text="到期后须重新建立，最长 365 天。"
    )
