"""The clerk's forms: a complete list of defects, a registration, a refusal, a hand-over, a search."""

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms

from pledges import places
from pledges.actions.examination import MAX_DEFECTS, Defect
from pledges.models import Check, Ground
from portal.foundation.core.forms import PortalForm

ROWS = 3  # empty rows to begin with
MORE = 3


class DefectsForm(PortalForm):
    """Common defects to tick and rows to write; what is ticked and written goes out in one letter."""

    common = forms.MultipleChoiceField(label="常见问题", required=False, widget=forms.CheckboxSelectMultiple)
    rows = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def __init__(self, data: Mapping[str, Any] | None = None, *, rows: int = ROWS, **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        self.fields["common"].choices = [  # type: ignore[attr-defined]
            (str(i), f"{places.label(place)}：{text}") for i, (place, text) in enumerate(places.LIBRARY)
        ]
        asked = str((data or {}).get("rows") or rows)
        known = asked.isascii() and asked.isdigit() and len(asked) < 4
        self.count = min(max(int(asked) if known else ROWS, ROWS), MAX_DEFECTS)
        if data is not None and "more" in data:
            self.count = min(self.count + MORE, MAX_DEFECTS)
        for i in range(1, self.count + 1):
            self.fields[f"place_{i}"] = forms.ChoiceField(
                label=f"第 {i} 处位置", required=False, choices=[("", "选择位置"), *places.CHOICES]
            )
            self.fields[f"defect_{i}"] = forms.CharField(
                label=f"第 {i} 处问题", required=False, max_length=300, widget=forms.Textarea(attrs={"rows": 2})
            )

    @property
    def pairs(self) -> list[tuple[forms.BoundField, forms.BoundField]]:
        return [(self[f"place_{i}"], self[f"defect_{i}"]) for i in range(1, self.count + 1)]

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        for i in range(1, self.count + 1):
            place, defect = data.get(f"place_{i}"), data.get(f"defect_{i}")
            if defect and not place:
                self.add_error(f"place_{i}", "选择这处问题在哪里。")
            if place and not defect and not self.has_error(f"defect_{i}"):
                self.add_error(f"defect_{i}", "写明这里有什么问题。")
        return data

    def defects(self) -> list[Defect]:
        """In the order of the places, so that the letter reads from the contract on."""
        data = self.cleaned_data
        chosen = [Defect(*places.LIBRARY[int(i)]) for i in data.get("common", [])]
        written = [
            Defect(data[f"place_{i}"], data[f"defect_{i}"])
            for i in range(1, self.count + 1)
            if data.get(f"place_{i}") and data.get(f"defect_{i}")
        ]
        order = list(places.PLACES)
        return sorted([*chosen, *written], key=lambda d: order.index(d.place))


class RegisterForm(PortalForm):
    national_number = forms.RegexField(
        label="登记机关登记号",
        regex=r"^[0-9A-Za-z\-]{4,40}$",
        required=False,
        strip=True,
        help_text="国家登记系统给出的号码，已有时填写，会印在通知书上。",
        error_messages={"invalid": "登记号只含数字、字母和短横线，至少 4 位。"},
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )


class RefuseForm(PortalForm):
    ground = forms.ChoiceField(label="不予登记的理由")
    note = forms.CharField(
        label="查明的情况",
        required=False,
        max_length=500,
        help_text="会印在通知书上。理由为 R12 时必填。",
        widget=forms.Textarea(attrs={"rows": 4}),
    )

    def __init__(self, data: Mapping[str, Any] | None = None, *, checks: Sequence[Check] = (), **kwargs: Any) -> None:
        found = next((c for c in checks if c.result == Check.Result.FOUND), None)
        initial = {"ground": found.ground, "note": found.evidence[:500]} if found else {}
        super().__init__(data, initial=initial, **kwargs)
        listed = [(g.value, f"{g.value} {g.label}") for g in Ground]
        self.fields["ground"].choices = [("", "选择理由"), *listed]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        if data.get("ground") == Ground.R12 and not data.get("note", "").strip():
            self.add_error("note", "理由为其他情形时，请写明查明的情况。")
        return data


class AssignForm(PortalForm):
    clerk = forms.TypedChoiceField(label="转派给", coerce=int)

    def __init__(self, *args: Any, clerks: Sequence[tuple[int, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["clerk"].choices = [("", "选择审查员"), *((str(pk), name) for pk, name in clerks)]  # type: ignore[attr-defined]


class HandOverForm(PortalForm):
    """改由其他受理机构办理."""

    office = forms.TypedChoiceField(label="改由", coerce=int)
    reason = forms.CharField(label="原因", max_length=150, help_text="双方当事人和两家受理机构都会看到。")

    def __init__(self, *args: Any, offices: Sequence[tuple[int, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["office"].choices = [("", "选择受理机构"), *((str(pk), name) for pk, name in offices)]  # type: ignore[attr-defined]
