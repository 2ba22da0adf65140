"""The office's forms of duty: an absence, a re-assignment, standing aside."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from django import forms

from portal.foundation.core.forms import PortalForm


class AbsenceForm(PortalForm):
    """请假. The person is chosen by the chief only."""

    user = forms.TypedChoiceField(label="审查员", coerce=int)
    first = forms.DateField(label="自", widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}))
    last = forms.DateField(label="至（含当日）", widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}))
    note = forms.CharField(label="说明", max_length=100, required=False, help_text="本处同事可见，不必写私事。")

    def __init__(
        self, *args: Any, people: Sequence[tuple[int, str]] = (), today: date | None = None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        if people:
            self.fields["user"].choices = [("", "选择审查员"), *((str(pk), name) for pk, name in people)]  # type: ignore[attr-defined]
        else:
            del self.fields["user"]
        if today is not None:
            for name in ("first", "last"):
                self.fields[name].initial = today


class ReassignForm(PortalForm):
    """转派一名审查员名下的全部登记件."""

    clerk = forms.TypedChoiceField(label="全部转派给", coerce=int)

    def __init__(self, *args: Any, clerks: Sequence[tuple[int, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["clerk"].choices = [("", "选择审查员"), *((str(pk), name) for pk, name in clerks)]  # type: ignore[attr-defined]


class RecuseForm(PortalForm):
    """回避."""

    reason = forms.CharField(label="回避的原因", max_length=150, help_text="本处负责人可见，双方当事人看不到原因。")
