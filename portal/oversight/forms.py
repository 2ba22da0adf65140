"""What is asked on the pages of oversight."""

from django import forms

from portal.foundation.core.forms import DateField, PortalForm
from portal.foundation.journal.models import Look

from .labels import AREAS, KINDS
from .models import Incident

_ALL = [("", "全部")]


class Days(PortalForm):
    """A stretch of days, both included."""

    first = DateField(label="从", required=False)
    last = DateField(label="到", required=False)


class EntryFilter(Days):
    case = forms.CharField(label="办件编号", max_length=32, required=False)
    subject = forms.CharField(label="对象", max_length=80, required=False)
    verb = forms.ChoiceField(
        label="事项", required=False, choices=_ALL + sorted(AREAS.items(), key=lambda pair: pair[1])
    )
    person = forms.CharField(label="人员", max_length=60, required=False, help_text="姓名")
    field_order = ("case", "subject", "verb", "person", "first", "last")


class RefusalFilter(Days):
    kind = forms.ChoiceField(
        label="类别", required=False, choices=_ALL + sorted(KINDS.items(), key=lambda pair: pair[1])
    )
    person = forms.CharField(label="人员", max_length=60, required=False, help_text="姓名")
    field_order = ("kind", "person", "first", "last")


class LookFilter(Days):
    what = forms.ChoiceField(label="看了什么", required=False, choices=[("", "全部"), *Look.What.choices])
    case = forms.CharField(label="办件编号", max_length=32, required=False)
    field_order = ("what", "case", "first", "last")


class IncidentForm(PortalForm):
    kind = forms.ChoiceField(label="类别", choices=Incident.Kind.choices)
    what = forms.CharField(label="情况", max_length=500, widget=forms.Textarea(attrs={"rows": 4}))
    affected = forms.CharField(label="涉及范围", max_length=300, required=False, help_text="哪些系统、单位和数据。")
    found_at = forms.DateTimeField(
        label="发现时间",
        help_text="4 小时从这一刻起算，不扣除夜间和节假日。",
        widget=forms.DateTimeInput(format="%Y-%m-%dT%H:%M", attrs={"type": "datetime-local"}),
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"],
        error_messages={"invalid": "时间的写法不对，应像 2026-11-23 09:30。"},
    )


class ReportForm(PortalForm):
    to = forms.CharField(label="报告给", max_length=200, help_text="例如：市网信部门值班电话，接报人。")


class CloseForm(PortalForm):
    conclusion = forms.CharField(label="结论", max_length=500, widget=forms.Textarea(attrs={"rows": 3}))
