"""What a regulator types when a promise gets a new version: the rule, and its ladder of as many levels as they want."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

from django import forms
from django.http import QueryDict

from portal.foundation.core.forms import CheckboxCards, DateField, PortalForm, RadioCards
from portal.foundation.core.moments import local_date
from portal.foundation.sla.models import Kind, Policy, PolicyLevel
from portal.foundation.sla.policies import MAX_DAYS, MAX_LEVELS, MAX_MINUTES_BEFORE, TOLD, Step, wrong_levels


class PolicyForm(PortalForm):
    """A new version of one promise; its levels are a formset beside it."""

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
    anew_when_reassigned = forms.BooleanField(label="改派给另一单位后，时限重新起算", required=False)
    valid_on = DateField(label="生效日期", help_text="从这一天 0:00 起收到的适用新规则，须在今天之后。")
    ground = forms.CharField(
        label="依据", max_length=200, help_text="文件名称和文号，例如：渝银发〔2025〕58号第（一）条。"
    )
    days.unit = "个工作日"  # type: ignore[attr-defined]


class LevelForm(PortalForm):
    """One level of the ladder."""

    label = forms.CharField(label="名称", max_length=40)
    anchor = forms.ChoiceField(label="起点", choices=PolicyLevel.Anchor.choices)
    offset = forms.IntegerField(
        label="偏移",
        min_value=0,
        max_value=MAX_MINUTES_BEFORE,
    )
    code = forms.CharField(label="代码", max_length=20)
    recipients = forms.MultipleChoiceField(label="提醒谁", widget=CheckboxCards(attrs={"class": "side"}))

    def __init__(self, *args: Any, promise: Kind, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        roles = cast("forms.MultipleChoiceField", self.fields["recipients"])
        roles.choices = [(role.value, role.label) for role in TOLD[promise]]


if TYPE_CHECKING:
    Levels = forms.BaseFormSet[LevelForm]  # subscriptable for the type checker alone
_Levels = forms.formset_factory(LevelForm, extra=0, max_num=MAX_LEVELS, validate_max=True, absolute_max=MAX_LEVELS + 2)


def like(promise: Kind, policy: Policy, *, now: datetime) -> tuple[PolicyForm, "Levels"]:
    """Empty forms that start from the version in force (with its levels loaded)."""
    start = {
        "days": policy.days,
        "day_zero": policy.day_zero,
        "closes": policy.closes,
        "anew_when_reassigned": policy.anew_when_reassigned,
        "valid_on": local_date(now) + timedelta(days=7),
    }
    names = ("label", "anchor", "offset", "code", "recipients")
    rows = [{name: getattr(level, name) for name in names} for level in policy.levels.all()]
    return PolicyForm(initial=start), _levels(promise, initial=rows)


def bound(promise: Kind, typed: QueryDict) -> tuple[PolicyForm, "Levels"]:
    """What came back, to be checked."""
    return PolicyForm(typed), _levels(promise, typed)


def changed(promise: Kind, typed: QueryDict, step: str) -> tuple[PolicyForm, "Levels"]:
    """What came back with one level more («add») or less («drop-<place>»); nothing is checked yet, so nothing complains."""
    was = bound(promise, typed)
    rows = [_as_typed(form) for form in was[1].forms]
    if step == "add" and len(rows) < MAX_LEVELS:
        rows.append({"anchor": PolicyLevel.Anchor.AFTER})
    place = step.removeprefix("drop-")
    if place.isdecimal() and int(place) < len(rows) > 1:
        del rows[int(place)]
    return PolicyForm(initial=_as_typed(was[0])), _levels(promise, initial=rows)


def steps(levels: "Levels") -> list[Step]:
    """The ladder of valid forms."""
    return [
        Step(
            code=row["code"].strip(),
            label=row["label"].strip(),
            anchor=row["anchor"],
            offset=row["offset"],
            recipients=row["recipients"],
        )
        for row in (form.cleaned_data for form in levels.forms)
    ]


def valid(promise: Kind, form: PolicyForm, levels: "Levels") -> bool:
    """Both are filled in, and the ladder as a whole can be climbed; what cannot is said beside its field."""
    both = form.is_valid(), levels.is_valid()
    if not levels.is_valid():
        for said in levels.non_form_errors():
            form.add_error(None, str(said))
        return False
    place(form, levels, wrong_levels(promise, steps(levels)))
    return all(both) and form.is_valid() and levels.is_valid()


def place(form: PolicyForm, levels: "Levels", fields: Mapping[str, str]) -> None:
    """Sentences beside the fields they belong to, under the names policies.set_policy gives them."""
    for name, said in fields.items():
        prefix, _, rest = name.partition("-")
        number, _, field = rest.partition("-")
        if prefix == "levels" and number.isdecimal():
            levels.forms[int(number)].add_error(field, said)
        else:
            form.add_error(name if name in form.fields else None, said)


def carried(form: PolicyForm, levels: "Levels", typed: QueryDict) -> list[tuple[str, str]]:
    """Every value of both forms, for the hidden fields of the page that asks once more."""
    names: Sequence[str] = [
        *form.fields,
        *(f"levels-{name}" for name in levels.management_form.fields),
        *(row.add_prefix(name) for row in levels.forms for name in row.fields),
    ]
    return [(name, value) for name in names for value in typed.getlist(name)]


def _levels(promise: Kind, data: QueryDict | None = None, **kwargs: Any) -> "Levels":
    made: Levels = _Levels(data, prefix="levels", form_kwargs={"promise": promise}, **kwargs)
    return made


def _as_typed(form: forms.Form) -> dict[str, Any]:
    return {field.name: field.value() for field in form}
