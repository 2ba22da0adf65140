"""Forms of the second step, of the way back in, and of showing again who one is."""

import json
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from portal.foundation.core.forms import PortalForm

from .forms import EmailField, MobileField, NewPasswordForm
from .models import User

CODE_REFUSED = "验证码不对、已经用过，或者连续输错次数过多。请等下一个验证码；连续输错 5 次后，要等 15 分钟。"
PASSKEY_REFUSED = "通行密钥没有通过验证，请再试一次，或者改用验证码。"


class CodeForm(PortalForm):
    """A code of the authenticator, or where allowed a recovery code."""

    code = forms.CharField(
        label="验证码",
        max_length=20,
        widget=forms.TextInput(
            attrs={"autocomplete": "one-time-code", "inputmode": "numeric", "spellcheck": "false", "class": "short"}
        ),
    )

    def __init__(self, *args: Any, help_text: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"].help_text = help_text


class PasskeyForm(PortalForm):
    """What the browser answers for a passkey, as JSON in a hidden field."""

    name = forms.CharField(label="名称", max_length=40, required=False, help_text="方便您辨认，例如“办公电脑”。")
    credential = forms.CharField(max_length=20_000, required=False, widget=forms.HiddenInput)

    def clean_credential(self) -> dict[str, Any]:
        try:
            answer = json.loads(self.cleaned_data["credential"])
        except (ValueError, RecursionError) as error:
            raise ValidationError("浏览器没有给出通行密钥，请再试一次。", code="empty") from error
        if not isinstance(answer, dict):
            raise ValidationError("浏览器没有给出通行密钥，请再试一次。", code="shape")
        return answer


class ForgottenForm(PortalForm):
    login = forms.CharField(
        label="用户名或手机号",
        max_length=150,
        widget=forms.TextInput(attrs={"autocomplete": "username", "spellcheck": "false", "autocapitalize": "none"}),
    )


class OwnDataForm(PortalForm):
    """The own name and mail address."""

    name = forms.CharField(label="姓名", max_length=40, widget=forms.TextInput(attrs={"autocomplete": "name"}))
    email = EmailField(required=False, help_text="填写新邮箱后，请在 24 小时内打开邮件里的链接确认；清空就删除。")


class OwnPhoneForm(PortalForm):
    phone = MobileField(label="新手机号")


class OwnPasswordForm(NewPasswordForm):
    """A new password for a known person who need not show the old one here."""

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        self.user = user
        super().__init__(*args, **kwargs)
        self.fields["password"].label = "新密码"
        self.fields["password_again"].label = "再输一次新密码"

    def owner(self) -> User:
        return self.user


class ProofForm(PortalForm):
    """The password or a code, once more."""

    proof = forms.CharField(
        label="登录密码或验证码",
        strip=False,
        max_length=128,
        help_text="输入您的登录密码；绑定了身份验证器的，也可以输入 6 位验证码。",
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )


class ReasonForm(PortalForm):
    """Why: it stands in the journal beside what was done."""

    reason = forms.CharField(
        label="理由", max_length=200, help_text="例如：本人来电核实，工单编号。写入日志，本人和审计管理员可见。"
    )
