"""What regulators and the organisations asked type in."""

from datetime import date, datetime
from typing import Any, cast

from django import forms

from portal.foundation.core.forms import DateField, PortalForm
from portal.foundation.sla.models import Kind

from .actions import LONGEST, MAX_REPLY_DAYS
from .red import SHOWN, Choice
from .scope import GROUPINGS, NO_DISTRICT, Scope, recent
from .sla import Names

ORDERS = {"key": "名称", "rate": "按时率从低到高", "overdue": "超期未办从多到少"}
LONGEST_PERIOD = 366 * 3  # days


def offer(form: forms.Form, name: str, *choices: tuple[str, str]) -> None:
    """Give a select its choices, «全部» first."""
    cast("forms.ChoiceField", form.fields[name]).choices = [("", "全部"), *choices]


def require_period(form: forms.Form) -> None:
    """A period ends after it begins and is no longer than three years."""
    first, last = form.cleaned_data.get("first"), form.cleaned_data.get("last")
    if isinstance(first, date) and isinstance(last, date):
        if last < first:
            form.add_error("last", "结束日期不能早于开始日期。")
        elif (last - first).days > LONGEST_PERIOD:
            form.add_error("last", "期间最长三年，请缩短。")


class Dated:
    """A form whose days are `from` and `to` in the address; the first is a word of Python and no name of a field."""

    def add_prefix(self, field_name: str) -> str:
        return {"first": "from", "last": "to"}.get(field_name, field_name)


class ScopeForm(Dated, PortalForm):
    """The report's filters. The address is the saved view; what an address leaves out has its usual value."""

    kind = forms.ChoiceField(label="承诺", choices=[(k.value, k.label) for k in Kind])
    first = DateField(label="起算日从")
    last = DateField(label="到")
    by = forms.ChoiceField(label="分组", choices=list(GROUPINGS.items()))
    institution = forms.ChoiceField(label="机构", required=False)
    district = forms.ChoiceField(label="区县", required=False)
    desk = forms.ChoiceField(required=False, choices=[("", ""), ("0", "0"), ("1", "1")], widget=forms.HiddenInput)
    sort = forms.ChoiceField(label="排序", choices=list(ORDERS.items()))

    def __init__(self, data: Any, *, known: Names, now: datetime) -> None:
        usual = recent(now=now)
        filled = {key: data[key] for key in data}
        for name, value in {
            "kind": usual.kind.value,
            "from": usual.first.isoformat(),
            "to": usual.last.isoformat(),
            "by": usual.by,
            "sort": "key",
        }.items():
            filled[name] = filled.get(name) or value
        super().__init__(filled)
        self.today = usual.last
        kind = filled["kind"]
        offer(
            self,
            "institution",
            *((str(pk), found.name) for pk, found in known.institutions.items() if found.keeps(kind)),
        )
        offer(
            self,
            "district",
            *(
                (code, d.name)
                for code, d in sorted(known.districts.items(), key=lambda item: item[1].position)
                if d.current
            ),
            (NO_DISTRICT, "未填区县"),
        )
        # A bank is no choice of the registration promise: changing the promise drops it instead of complaining.
        typed = filled.get("institution", "")
        if any(str(pk) == typed and not found.keeps(kind) for pk, found in known.institutions.items()):
            filled["institution"] = ""

    def clean(self) -> dict[str, Any]:
        require_period(self)
        return self.cleaned_data

    @property
    def scope(self) -> Scope:
        """The scope of a valid form."""
        values = self.cleaned_data
        return Scope(
            kind=Kind(values["kind"]),
            first=values["first"],
            last=values["last"],
            by=values["by"],
            institution=int(values["institution"]) if values["institution"] else None,
            district=values["district"] or None,
            desk={"1": True, "0": False}.get(values["desk"]),
        )


class PeriodForm(Dated, PortalForm):
    """The overview's days."""

    first = DateField(label="从")
    last = DateField(label="到")

    def __init__(self, data: Any, *, now: datetime) -> None:
        self.usual = recent(now=now)
        super().__init__(
            {
                "from": data.get("from") or self.usual.first.isoformat(),
                "to": data.get("to") or self.usual.last.isoformat(),
            }
        )

    def clean(self) -> dict[str, Any]:
        require_period(self)
        return self.cleaned_data

    @property
    def scope(self) -> Scope:
        return Scope(self.usual.kind, self.cleaned_data["first"], self.cleaned_data["last"])


class LampForm(PortalForm):
    """The lamp list's filters; the tab is `show`."""

    show = forms.ChoiceField(required=False, choices=list(SHOWN.items()), widget=forms.HiddenInput)
    kind = forms.ChoiceField(label="环节", required=False, choices=[("", "全部"), *((k.value, k.label) for k in Kind)])
    institution = forms.ChoiceField(label="机构", required=False)
    order = forms.ChoiceField(
        label="排序", required=False, choices=[("oldest", "超期最久在前"), ("newest", "最近到期在前")]
    )

    def __init__(self, data: Any, *, known: Names) -> None:
        super().__init__({key: data[key] for key in data})
        offer(self, "institution", *((str(pk), found.name) for pk, found in known.institutions.items()))

    @property
    def choice(self) -> Choice:
        """The wish of a valid form."""
        values = self.cleaned_data
        return Choice(
            show=values["show"] or "overdue",
            kind=values["kind"],
            institution=int(values["institution"]) if values["institution"] else None,
            order=values["order"] or "oldest",
        )


class OrderForm(PortalForm):
    """A 督办单 before it is issued."""

    demand = forms.CharField(
        label="督办要求",
        help_text="写明要求被督办单位做什么，例如：请说明超期原因，并于答复时限前响应企业。",
        max_length=LONGEST,
        widget=forms.Textarea(attrs={"rows": 5}),
    )
    reply_days = forms.IntegerField(
        label="答复时限",
        help_text=f"从今天起算的工作日数，1 至 {MAX_REPLY_DAYS}。",
        min_value=1,
        max_value=MAX_REPLY_DAYS,
        initial=1,
        widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
    )
    reply_days.unit = "个工作日"  # type: ignore[attr-defined]


class ReplyForm(PortalForm):
    """The answer of the organisation asked."""

    reply = forms.CharField(
        label="答复",
        help_text="写明原因、已经采取的措施和办结时间。答复后不能修改。",
        max_length=LONGEST,
        widget=forms.Textarea(attrs={"rows": 6}),
    )


class GroundForm(PortalForm):
    """Why a regulator opens one enterprise's case."""

    ground = forms.CharField(
        label="调阅事由",
        max_length=200,
        help_text="例如：核查响应超期的原因，督办单号。写入日志，企业能看到谁在何时因何调阅；同一办件当天不再询问。",
    )
