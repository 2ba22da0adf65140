"""What regulators and the organisations asked type in."""

from datetime import date, datetime, timedelta
from typing import Any, cast

from django import forms

from portal.foundation.accounts.models import Role
from portal.foundation.core.forms import CheckboxCards, DateField, PortalForm, RadioCards
from portal.foundation.core.moments import local_date
from portal.foundation.sla.models import Kind, Policy, PolicyLevel
from portal.foundation.sla.policies import MAX_DAYS, MAX_DAYS_AFTER, MAX_MINUTES_BEFORE, TOLD, Ladder

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
            *((str(pk), found.name) for pk, found in known.institutions.items() if found.kind.value == kind),
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
        if any(str(pk) == typed and found.kind.value != kind for pk, found in known.institutions.items()):
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


class PolicyForm(PortalForm):
    """A new version of one promise."""

    days = forms.IntegerField(label="时限", min_value=1, max_value=MAX_DAYS, help_text="收到次日起的工作日数。")
    day_zero = forms.ChoiceField(
        label="非工作日收到的，从哪天起算",
        choices=[("strict", "收到当日为第 0 日"), ("next_open", "视为下一工作日收到")],
        widget=RadioCards(
            hints={
                "strict": "周六收到，周一是第 1 个工作日。",
                "next_open": "周六收到，视为周一收到，周二是第 1 个工作日。",
            }
        ),
    )
    closes = forms.TimeField(
        label="最后一日的截止时刻",
        required=False,
        help_text="不填为 24:00。填写时用 24 小时制，例如 18:00。",
        widget=forms.TimeInput(format="%H:%M", attrs={"type": "time", "class": "short"}),
        error_messages={"invalid": "时刻的写法不对，应像 18:00。"},
    )
    valid_on = DateField(label="生效日期", help_text="从这一天 0:00 起收到的适用新规则，须在今天之后。")
    ground = forms.CharField(
        label="依据", max_length=200, help_text="文件名称和文号，例如：渝银发〔2025〕58号第（一）条。"
    )
    due_soon_minutes = forms.IntegerField(
        label="到期前提醒",
        min_value=1,
        max_value=MAX_MINUTES_BEFORE,
        help_text="截止时刻前的工作分钟数，一个工作日为 540 分钟。",
    )
    due_soon_roles = forms.MultipleChoiceField(label="到期前提醒谁", widget=CheckboxCards(attrs={"class": "side"}))
    overdue_roles = forms.MultipleChoiceField(label="超期时提醒谁", widget=CheckboxCards(attrs={"class": "side"}))
    supervise_days = forms.IntegerField(
        label="超期后升级", min_value=1, max_value=MAX_DAYS_AFTER, help_text="截止日之后再过几个工作日，进入督办级。"
    )
    supervise_roles = forms.MultipleChoiceField(label="升级时提醒谁", widget=CheckboxCards(attrs={"class": "side"}))
    days.unit = supervise_days.unit = "个工作日"  # type: ignore[attr-defined]
    due_soon_minutes.unit = "分钟"  # type: ignore[attr-defined]

    def __init__(self, kind: Kind, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("due_soon_roles", "overdue_roles", "supervise_roles"):
            roles = cast("forms.MultipleChoiceField", self.fields[name])
            roles.choices = [(role.value, role.label) for role in TOLD[kind]]

    @classmethod
    def like(cls, kind: Kind, policy: Policy, *, now: datetime) -> "PolicyForm":
        """An empty form that starts from the version in force (with its levels loaded)."""
        levels = {level.code: level for level in policy.levels.all()}
        initial: dict[str, Any] = {
            "days": policy.days,
            "day_zero": policy.day_zero,
            "closes": policy.closes,
            "valid_on": local_date(now) + timedelta(days=7),
        }
        for code, offset in (("due_soon", "due_soon_minutes"), ("overdue", ""), ("supervise", "supervise_days")):
            level = levels.get(code) or PolicyLevel(offset=1, recipients=[Role.REGULATOR])
            initial[f"{code}_roles"] = level.recipients
            if offset:
                initial[offset] = level.offset
        return cls(kind, initial=initial)

    @property
    def ladder(self) -> Ladder:
        values = self.cleaned_data
        return Ladder(
            due_soon_minutes=values["due_soon_minutes"],
            due_soon_roles=values["due_soon_roles"],
            overdue_roles=values["overdue_roles"],
            supervise_days=values["supervise_days"],
            supervise_roles=values["supervise_roles"],
        )
