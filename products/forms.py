"""The filter of the product matrix: a GET form, so that the address is the saved view."""

from django import forms

from portal.foundation.accounts.models import INSTITUTION_KINDS, OrganisationKind
from portal.foundation.assets.models import IPKind
from portal.foundation.core.forms import AmountWanField, PortalForm

from .models import Mode

_ALL = [("", "全部")]


class MatrixForm(PortalForm):
    q = forms.CharField(
        label="产品或机构",
        max_length=40,
        required=False,
        widget=forms.TextInput(attrs={"type": "search", "data-key": "/"}),
    )
    mode = forms.ChoiceField(label="模式", choices=[*_ALL, *Mode.choices], required=False)
    kind = forms.ChoiceField(label="知识产权", choices=[*_ALL, *IPKind.choices], required=False)
    amount = AmountWanField(label="需要金额（万元）", required=False)
    term = forms.IntegerField(
        label="期限（月）",
        min_value=1,
        max_value=360,
        required=False,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )
    by = forms.ChoiceField(
        label="机构类型",
        choices=[*_ALL, *((k.value, OrganisationKind(k).label) for k in INSTITUTION_KINDS)],
        required=False,
    )
    online = forms.ChoiceField(label="线上办理", choices=[("", "不限"), ("1", "支持")], required=False)
