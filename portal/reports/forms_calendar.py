"""What the keepers of the calendar type in: a year's notice, days an office is closed, and what they rest on."""

from typing import Any, cast

from django import forms

from portal.foundation.accounts.models import Organisation
from portal.foundation.core.errors import DomainError
from portal.foundation.core.forms import DateField, PortalForm, UploadField
from portal.foundation.core.intake.gate import glance
from portal.foundation.core.intake.kinds import CALENDAR
from portal.foundation.sla.calendar_files import BadCalendarFile, YearFile, parse_year

MAX_BYTES = 65_536  # a year's notice has about 3,000
GROUND = 200


class YearForm(PortalForm):
    """One year as TOML: a file, or pasted. After the first look it travels as text, whichever it was."""

    file = UploadField(
        label="年度日历文件",
        required=False,
        help_text="TOML 文件，格式同系统随附的各年文件。",
        kinds=CALENDAR,
    )
    text = forms.CharField(
        label="或者粘贴文件内容",
        required=False,
        max_length=MAX_BYTES,
        help_text='例如 year = 2027、document = "文号"，然后是 holidays 和 makeup_workdays 两个列表。',
        widget=forms.Textarea(attrs={"rows": 10, "spellcheck": "false"}),
        strip=False,
    )
    ground = forms.CharField(
        label="依据",
        required=False,
        max_length=GROUND,
        help_text="更正已公布的年份须写明；新公布的年份不填则取文件里的文号。",
    )
    # One of the two is enough, and whether a ground is needed depends on the year: none of them is simply optional.
    file.depends = text.depends = ground.depends = True  # type: ignore[attr-defined]

    year: YearFile

    def clean(self) -> dict[str, Any]:
        values = self.cleaned_data
        file, text = values.get("file"), values.get("text") or ""
        if file is None and not text.strip():
            if not self.errors:
                self.add_error("file", "请选择文件，或者粘贴文件内容。")
            return values
        field, name = ("file", file.name) if file is not None else ("text", "所粘贴的内容")
        try:
            if file is not None:
                text = self._read(file)
            self.year = parse_year(text, name=name)
        except BadCalendarFile as error:
            self.add_error(field, str(error))
        values["text"] = text.replace("\r\n", "\n")
        return values

    @staticmethod
    def _read(file: Any) -> str:
        said = f"文件有 {file.size // 1024} KB，年度日历不会超过 {MAX_BYTES // 1024} KB，请核对。"
        try:
            return glance(file, kinds=CALENDAR, most=MAX_BYTES, too_large=said).decode("utf-8-sig")
        except DomainError as error:
            raise BadCalendarFile(error.reason) from error
        except UnicodeDecodeError as error:
            raise BadCalendarFile("文件不是 UTF-8 编码，请另存为 UTF-8 后再上传。") from error


class ClosureForm(PortalForm):
    """A period in which an office is closed."""

    office = forms.TypedChoiceField(label="受理机构", coerce=int)
    first = DateField(label="从")
    last = DateField(label="到", required=False, help_text="只停办一天时不填。")
    ground = forms.CharField(label="依据", max_length=GROUND, help_text="例如：停电检修公告、搬迁公告的名称和文号。")

    def __init__(self, offices: list[Organisation], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.offices = {office.pk: office for office in offices}
        choice = cast("forms.TypedChoiceField", self.fields["office"])
        choice.choices = [(office.pk, office.title) for office in offices]
        if len(offices) == 1:
            choice.initial, choice.widget = offices[0].pk, forms.HiddenInput()

    @property
    def chosen(self) -> Organisation:
        """The office of a valid form."""
        return self.offices[self.cleaned_data["office"]]


class ReopeningForm(PortalForm):
    """A closed day on which the office works after all."""

    day = DateField(label="停办日", widget=forms.HiddenInput())
    office = forms.TypedChoiceField(label="受理机构", coerce=int, widget=forms.HiddenInput())
    ground = forms.CharField(label="依据", required=False, max_length=GROUND, help_text="为什么这一天恢复办公。")
    ground.depends = True  # type: ignore[attr-defined]

    def __init__(self, offices: list[Organisation], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.offices = {office.pk: office for office in offices}
        choice = cast("forms.TypedChoiceField", self.fields["office"])
        choice.choices = [(office.pk, office.title) for office in offices]

    @property
    def chosen(self) -> Organisation:
        """The office of a valid form."""
        return self.offices[self.cleaned_data["office"]]
