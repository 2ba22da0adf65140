"""Forms of the account pages."""

import re
from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from portal.foundation.core.forms import PhoneField, PortalForm, RadioCards, UsccField

from . import queries
from .models import Role, User
from .registering import Company, Newcomer

# One sentence for every failed log-in, so that it tells a guesser nothing and an owner enough.
LOGIN_REFUSED = "账号或密码不对，或者连续输错次数过多。请核对后再试；连续输错 5 次后，要等 15 分钟才能再登录。"
NEW_HELP = "至少 12 个字符，大写字母、小写字母、数字、符号四类里至少有三类；不要用姓名、单位名或常见的拼音和数字。"
_USERNAME = re.compile(r"[a-z][a-z0-9._-]{3,29}", re.ASCII)
_MOBILE = re.compile(r"1[3-9][0-9]{9}", re.ASCII)
# Django's own two; the others say it themselves (identity.passwords).
_PASSWORD_FAULTS = {
    "password_too_short": "密码至少 12 个字符，请加长，例如用几个不相关的词连起来。",
    "password_too_common": "这个密码很常见，容易被猜中，请换一个。",
}


class MobileField(PhoneField):
    """A mobile number: the person's own, and what invitations are addressed to."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("label", "手机号")
        super().__init__(**kwargs)

    def to_python(self, value: Any) -> Any:
        try:
            phone = super().to_python(value)
        except ValidationError as error:  # its sentence may offer a landline, which is no answer here
            if "座机" in error.message:
                raise ValidationError("请填写 11 位手机号，这里不能填座机。", code="invalid") from error
            raise
        if phone and not _MOBILE.fullmatch(phone):
            raise ValidationError("这里要填 11 位手机号，不能是座机。", code="invalid")
        return phone


class EmailField(forms.EmailField):
    """One's own mail address. Where no text can be sent it is the only way back in, so who makes an account must give one."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("label", "您的邮箱")
        kwargs.setdefault("required", settings.SMS_PROVIDER == "none")
        kwargs.setdefault("widget", forms.EmailInput(attrs={"autocomplete": "email", "spellcheck": "false"}))
        messages = {
            "invalid": "邮箱的写法不对，应像 name@example.com。",
            "required": "请填写邮箱，忘记密码时用它找回。",
        }
        super().__init__(max_length=254, error_messages=messages, **kwargs)


def _password(label: str, *, new: bool, **kwargs: Any) -> forms.CharField:
    attrs = {"autocomplete": "new-password" if new else "current-password"}
    return forms.CharField(label=label, strip=False, max_length=128, widget=forms.PasswordInput(attrs=attrs), **kwargs)


class LoginForm(PortalForm):
    login = forms.CharField(
        label="用户名或手机号",
        max_length=150,
        widget=forms.TextInput(attrs={"autocomplete": "username", "spellcheck": "false", "autocapitalize": "none"}),
    )
    password = _password("密码", new=False)


class NewPasswordForm(PortalForm):
    """Two equal new passwords that pass the validators, in our words."""

    password = _password("密码", new=True, help_text=NEW_HELP)
    password_again = _password("再输一次密码", new=True, error_messages={"required": "请再输一次密码。"})

    def owner(self) -> User:
        """Whose password it is, as far as known: it must not resemble the user name."""
        return User()

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        password, again = data.get("password"), data.get("password_again")
        if password:
            try:
                validate_password(password, self.owner())
            except ValidationError as error:
                first = error.error_list[0]  # one thing at a time: a longer password often cures the others too
                self.add_error("password", _PASSWORD_FAULTS.get(str(first.code), str(first.message)))
        if password and again and password != again:
            self.add_error("password_again", "两次输入的密码不一样，请重新输入。")
        return data


class PasswordForm(NewPasswordForm):
    """Change the own password."""

    old = _password("现在的密码", new=False)
    field_order = ("old", "password", "password_again")

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        self.user = user
        super().__init__(*args, **kwargs)
        self.fields["password"].label = "新密码"
        self.fields["password_again"].label = "再输一次新密码"

    def owner(self) -> User:
        return self.user


class NewcomerForm(NewPasswordForm):
    """A person making an account. Without a user name the phone number is it."""

    person_name = forms.CharField(
        label="您的姓名", max_length=40, widget=forms.TextInput(attrs={"autocomplete": "name"})
    )
    phone = MobileField(label="您的手机号", help_text="可以用它登录，机构也用它联系您。")
    email = EmailField(help_text="用来找回密码、接收账号提醒。")
    username = forms.CharField(
        label="用户名",
        max_length=30,
        required=False,
        help_text="不填就用手机号登录。自己取名时用 4–30 个小写字母、数字或 . _ -，以字母开头。",
        widget=forms.TextInput(attrs={"autocomplete": "username", "spellcheck": "false", "autocapitalize": "none"}),
    )
    privacy = forms.BooleanField(label="我已阅读并同意隐私说明")

    field_order: tuple[str, ...] = (
        "person_name",
        "phone",
        "email",
        "username",
        "password",
        "password_again",
        "privacy",
    )

    def clean_username(self) -> str:
        name = str(self.cleaned_data["username"]).strip().lower()
        if not name:
            return ""
        if _MOBILE.fullmatch(name):
            if name != self.cleaned_data.get("phone"):
                raise ValidationError("用户名不能是别人的手机号；想用手机号登录，这里不填就可以。", code="phone")
            return name
        if not _USERNAME.fullmatch(name):
            raise ValidationError(
                "用户名用 4–30 个小写字母、数字或 . _ -，以字母开头，例如 zhang.kuaiji。", code="invalid"
            )
        return name

    def owner(self) -> User:
        data = self.cleaned_data
        user = User(
            username=data.get("username") or data.get("phone") or "",
            name=data.get("person_name") or "",
            phone=data.get("phone") or "",
        )
        user.companies = self.companies()  # type: ignore[attr-defined]  # read by identity.passwords
        return user

    def companies(self) -> list[str]:
        """The names that a password must not be made of."""
        return [str(self.cleaned_data.get("name") or "")]

    def newcomer(self) -> Newcomer:
        data = self.cleaned_data
        return Newcomer(
            name=data["person_name"],
            phone=data["phone"],
            username=data["username"] or data["phone"],
            password=data["password"],
            email=data["email"],
        )


class CompanyFields(forms.Form):
    """What an enterprise says about itself, for registration and profile."""

    name = forms.CharField(
        label="企业名称",
        max_length=120,
        help_text="与营业执照一致。",
        widget=forms.TextInput(attrs={"autocomplete": "organization"}),
    )
    district = forms.ChoiceField(
        label="所在区县", help_text="按现在的经营地址选择。原江北区、渝北区请选两江新区或北碚区。"
    )
    industry = forms.ChoiceField(label="行业门类", help_text="国民经济行业分类（GB/T 4754）的门类。")
    address = forms.CharField(
        label="经营地址", max_length=200, widget=forms.TextInput(attrs={"autocomplete": "street-address"})
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["district"].choices = queries.district_choices()  # type: ignore[attr-defined]
        self.fields["industry"].choices = queries.industry_choices()  # type: ignore[attr-defined]


class RegistrationForm(NewcomerForm, CompanyFields):
    """An enterprise and its first member, in one form."""

    uscc = UsccField()
    contact_name = forms.CharField(label="企业联系人", max_length=40, required=False, help_text="不填就是您本人。")
    contact_phone = PhoneField(label="企业联系电话", required=False, help_text="不填就用您的手机号。")

    COMPANY = ("uscc", "name", "district", "industry", "address", "contact_name", "contact_phone")
    PERSON = ("person_name", "phone", "email", "username", "password", "password_again")
    field_order = (*COMPANY, *PERSON, "privacy")

    def company(self) -> Company:
        data = self.cleaned_data
        return Company(
            uscc=data["uscc"],
            name=data["name"],
            district_code=data["district"],
            industry_letter=data["industry"],
            address=data["address"],
            contact_name=data["contact_name"] or data["person_name"],
            contact_phone=data["contact_phone"] or data["phone"],
        )

    def part(self, names: tuple[str, ...]) -> list[forms.BoundField]:
        return [self[name] for name in names]

    @property
    def company_fields(self) -> list[forms.BoundField]:
        return self.part(self.COMPANY)

    @property
    def person_fields(self) -> list[forms.BoundField]:
        return self.part(self.PERSON)


class InviteForm(PortalForm):
    phone = MobileField(label="同事的手机号", help_text="链接只能用一次，7 天内有效。")
    role = forms.ChoiceField(label="角色", widget=RadioCards)

    def __init__(self, *args: Any, roles: tuple[Role, ...], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["role"].choices = [(r.value, r.label) for r in roles]  # type: ignore[attr-defined]
        if len(roles) == 1:  # nothing to choose
            self.fields["role"].required = False
            self.fields["role"].widget = forms.HiddenInput()
            self.only: Role | None = roles[0]
        else:
            self.only = None

    def chosen_role(self) -> str:
        return str(self.only or self.cleaned_data["role"])


class JoinForm(NewcomerForm):
    """A newcomer's account from an invitation: the phone is the invited one."""

    def __init__(self, *args: Any, phone: str, company: str, **kwargs: Any) -> None:
        kwargs["initial"] = {"phone": phone}
        self.company_name = company
        super().__init__(*args, **kwargs)
        self.fields["phone"].disabled = True
        self.fields["phone"].help_text = "邀请发给这个手机号，登录时可以用它。"

    def companies(self) -> list[str]:
        return [self.company_name]
