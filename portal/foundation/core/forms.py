"""Form base classes, the renderer and field types whose errors say how to put things right.

Set FORM_RENDERER to PortalRenderer; derive forms from PortalForm or PortalModelForm. A field may carry `unit` (a suffix
such as 万元) and `depends` (not required by itself but by another answer: not marked 选填). Templates write {{ form }} or {{ form.amount.as_field_group }}, and {% error_summary form %} at the top.
"""

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import cache
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import (
    BaseValidator,
    MaxLengthValidator,
    MaxValueValidator,
    MinLengthValidator,
    MinValueValidator,
)
from django.forms.renderers import TemplatesSetting
from django.utils.datastructures import MultiValueDict

from . import identifiers, moments, money
from .errors import DomainError
from .intake.kinds import PAPERS, Kind, offered

_CHOOSING = (forms.Select, forms.RadioSelect, forms.CheckboxSelectMultiple, forms.SelectMultiple)
_LIMITS: Mapping[type, str] = {
    MaxLengthValidator: "最多 %(limit_value)d 个字，现在是 %(show_value)d 个字，请删减。",
    MinLengthValidator: "至少 %(limit_value)d 个字，现在是 %(show_value)d 个字，请补充。",
    MaxValueValidator: "不能大于 %(limit_value)s。",
    MinValueValidator: "不能小于 %(limit_value)s。",
}
_INVALID: Mapping[type, str] = {
    forms.DecimalField: "请填写数字，例如 3.45。",  # before IntegerField, of which it is a kind
    forms.IntegerField: "请填写整数，例如 12。",
    forms.EmailField: "邮箱的写法不对，应像 name@example.com。",
    forms.DateField: "日期的写法不对，应像 2026-11-23。",
    forms.URLField: "网址的写法不对，应以 https:// 开头。",
}

TWICE = "这一项提交了两次，请在页面上重新填写后提交。"
_FIRST_YEAR, _LAST_YEAR = 1900, 2199  # of a day that anybody types here


class PortalRenderer(TemplatesSetting):
    """Renders forms from templates/django/forms: label, hint, error, control."""

    form_template_name = "django/forms/form.html"
    field_template_name = "django/forms/field.html"


class PlainErrors:
    """Errors in words that say what to do; for forms.Form and forms.ModelForm alike.

    Only messages that are still Django's own are replaced: a form that words its errors itself keeps them.
    """

    use_required_attribute = False  # the browser's bubbles are neither in our words nor in the error summary
    fields: dict[str, forms.Field]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("label_suffix", "")
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            _word_errors(field, str(field.label or name))

    def full_clean(self) -> None:
        """A field that was sent twice is refused: whoever passed the form on may have read the other one."""
        super().full_clean()  # type: ignore[misc]  # of the form beside which this stands
        if not isinstance(data := getattr(self, "data", None), MultiValueDict):
            return
        for name, field in self.fields.items():
            if not _takes_several(field) and len(data.getlist(self.add_prefix(name))) > 1:  # type: ignore[attr-defined]
                self.add_error(name, TWICE)  # type: ignore[attr-defined]

    def add_field(self, name: str, field: forms.Field) -> None:
        """A field that only some instances have, worded like the others."""
        self.fields[name] = field
        _word_errors(field, str(field.label or name))


def _takes_several(field: forms.Field) -> bool:
    """Whether the control itself sends its name more than once."""
    return isinstance(field.widget, forms.SelectMultiple | forms.MultipleHiddenInput | forms.MultiWidget) or getattr(
        field.widget, "allow_multiple_selected", False
    )


def _word_errors(field: forms.Field, label: str) -> None:
    """Replaces Django's default messages of one field, which belongs to one form instance (fields are deep copies)."""
    # Compared by identity: a form's own wording is another object, and comparing Django's lazy ones would translate them.
    default = _default_messages(type(field))  # type: ignore[arg-type]  # django-stubs: a class is hashable
    if field.error_messages.get("required") is default.get("required"):
        field.error_messages["required"] = _required_message(field, label)
    if "invalid_choice" in default and field.error_messages.get("invalid_choice") is default["invalid_choice"]:
        field.error_messages["invalid_choice"] = f"请从列出的选项里选择{label}。"
    for kind, message in _INVALID.items():
        if isinstance(field, kind) and field.error_messages.get("invalid") is default.get("invalid"):
            field.error_messages["invalid"] = message
    for index, validator in enumerate(field.validators):
        # A new object: validators of a deep-copied field are shared with the class.
        if isinstance(validator, BaseValidator) and (text := _LIMITS.get(type(validator))):
            field.validators[index] = type(validator)(validator.limit_value, message=text)


@cache
def _default_messages(kind: type[forms.Field]) -> dict[str, Any]:
    """The messages Django itself gives a field class, the most derived winning."""
    found: dict[str, Any] = {}
    for cls in reversed(kind.__mro__):
        if cls.__module__.startswith("django."):
            found.update(getattr(cls, "default_error_messages", {}))
    return found


def _required_message(field: forms.Field, label: str) -> str:
    if isinstance(field.widget, forms.CheckboxInput):
        return f"请勾选“{label}”后再继续。"
    if isinstance(field, forms.FileField):
        return f"请选择要上传的文件：{label}。"
    return f"请选择{label}。" if isinstance(field.widget, _CHOOSING) else f"请填写{label}。"


class PortalForm(PlainErrors, forms.Form):
    """Base of every plain form."""


class PortalModelForm(PlainErrors, forms.ModelForm):  # type: ignore[type-arg]
    """Base of every model form."""


class _Hints:
    """Options with a second line: hints={"36": "…"} by value."""

    hints: Mapping[str, str]

    def __init__(self, *args: Any, hints: Mapping[str, str] | None = None, **kwargs: Any) -> None:
        self.hints = hints or {}
        super().__init__(*args, **kwargs)

    def create_option(self, name: str, value: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        option: dict[str, Any] = super().create_option(name, value, *args, **kwargs)  # type: ignore[misc]
        option["hint"] = self.hints.get(str(value), "")
        return option


class RadioCards(_Hints, forms.RadioSelect):
    """One of a few, each option a card; attrs={"class": "side"} puts short ones side by side."""


class CheckboxCards(_Hints, forms.CheckboxSelectMultiple):
    """Several of a few, each option a card."""


class ManyFilesInput(forms.FileInput):
    allow_multiple_selected = True


class UploadField(forms.FileField):
    """A file of these kinds; every form field that takes a file is one. What it is, is checked by the action, by content
    (intake.gate), which also says what is wrong with an empty one."""

    widget: Any = forms.FileInput

    def __init__(self, *, kinds: Sequence[Kind] = PAPERS, **kwargs: Any) -> None:
        self.kinds = kinds
        super().__init__(allow_empty_file=True, **kwargs)

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        """What the browser's dialogue offers."""
        return {**super().widget_attrs(widget), "accept": ",".join(offered(self.kinds))}


class ManyFilesField(UploadField):
    """Up to `most` papers at once; cleans to a list."""

    widget = ManyFilesInput

    def __init__(self, *, most: int | None = None, **kwargs: Any) -> None:
        self.most = most
        super().__init__(**kwargs)

    def clean(self, data: Any, initial: Any = None) -> Any:
        given = data if isinstance(data, list | tuple) else [data] if data else []
        if self.required and not given:
            raise ValidationError(self.error_messages["required"], code="required")
        if self.most is not None and len(given) > self.most:
            raise ValidationError(f"一次最多 {self.most} 个文件，现在是 {len(given)} 个，请分次上传。", code="many")
        return [super(ManyFilesField, self).clean(one, initial) for one in given]


class AmountWanField(forms.CharField):
    """An amount typed in 万元; cleans to Decimal yuan with two decimals, or None when empty and not required."""

    unit = "万元"

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("widget", forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}))
        super().__init__(**kwargs)

    def prepare_value(self, value: Any) -> Any:
        """A stored Decimal (yuan) is shown in 万元; what a person typed comes back as typed."""
        return money.format_wan(value) if isinstance(value, Decimal) else value

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        return _parsed(money.parse_yuan, text, unit="wan") if text else None


class UsccField(forms.CharField):
    """统一社会信用代码; cleans to its canonical 18 characters."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("label", "统一社会信用代码")
        kwargs.setdefault("help_text", "营业执照上的 18 位代码。")
        kwargs.setdefault("widget", forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}))
        super().__init__(**kwargs)

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        return _parsed(identifiers.parse_uscc, text) if text else ""


class PatentNumberField(forms.CharField):
    """A patent number in any usual spelling; cleans to identifiers.PatentNumber, or None when empty and not required."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("label", "专利号")
        kwargs.setdefault("help_text", "证书上的号码，例如 ZL201710601862.3；有没有 ZL 和小数点都可以。")
        kwargs.setdefault("widget", forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}))
        super().__init__(**kwargs)

    def prepare_value(self, value: Any) -> Any:
        return value.with_zl if isinstance(value, identifiers.PatentNumber) else value

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        # A form is an edge: a number of a year to come is refused by the day on which it is typed.
        today = moments.local_date(moments.now())
        return _parsed(identifiers.parse_patent_number, text, today=today) if text else None


def place(form: forms.BaseForm, error: DomainError, *, default: str = "") -> None:
    """An action's refusal beside the fields it names; one that names none beside `default`, or at the top."""
    for name, said in (error.fields or {default: error.reason}).items():
        form.add_error(name if name in form.fields else None, said)


class PhoneField(forms.CharField):
    """A mainland mobile (11 digits) or a landline with area code; cleans to digits, a landline as 023-67961234."""

    _MOBILE = re.compile(r"1[3-9][0-9]{9}", re.ASCII)
    _LANDLINE = re.compile(r"(010|02[0-9]|0[3-9][0-9]{2})([2-9][0-9]{6,7})", re.ASCII)

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("label", "联系电话")
        kwargs.setdefault("widget", forms.TextInput(attrs={"type": "tel", "autocomplete": "tel"}))
        super().__init__(**kwargs)

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        if not text:
            return ""
        bare = re.sub(r"[\s()\-–—]", "", identifiers.compact(text))
        bare = re.sub(r"^(\+86|0086)", "", bare)
        if self._MOBILE.fullmatch(bare):
            return bare
        if landline := self._LANDLINE.fullmatch(bare):
            return f"{landline[1]}-{landline[2]}"
        raise ValidationError(_phone_slip(bare), code="invalid")


def _phone_slip(bare: str) -> str:
    digits = bare.isascii() and bare.isdigit()
    if digits and bare.startswith("1") and len(bare) != 11:
        return f"手机号应为 11 位，现在是 {len(bare)} 位，请核对。"
    if digits and 7 <= len(bare) <= 8:
        return "座机请带区号，例如 023-67961234。"
    return "请填写 11 位手机号，或带区号的座机，例如 023-67961234。"


class DateField(forms.DateField):
    """A day, chosen in the browser's own calendar; cleans to a date."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("widget", forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}))
        kwargs.setdefault("input_formats", ["%Y-%m-%d", "%Y/%m/%d", "%Y年%m月%d日"])
        super().__init__(**kwargs)

    def to_python(self, value: Any) -> Any:
        """Days that a calendar can still count from: the years 1 and 9999 leave no room for the day before or after."""
        day = super().to_python(value)
        if day is not None and not _FIRST_YEAR <= day.year <= _LAST_YEAR:
            raise ValidationError(f"年份应在 {_FIRST_YEAR} 到 {_LAST_YEAR} 之间，请核对。", code="invalid")
        return day


def _parsed(parse: Any, text: str, **kwargs: Any) -> Any:
    """The parser's value; its ValueError, whose text is a sentence for people, becomes the field's error."""
    try:
        return parse(text, **kwargs)
    except ValueError as error:
        raise ValidationError(str(error), code="invalid") from error
