"""The parties' smaller forms: confirm, send back, withdraw, answer a defect, record the loan."""

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile

from pledges.actions.filing import Upload
from pledges.models import Document
from portal.foundation.core.forms import AmountWanField, DateField, PortalForm

from .filing import FilingForm, PaperField


class SendBackForm(PortalForm):
    note = forms.CharField(label="需要修改什么", max_length=300, widget=forms.Textarea(attrs={"rows": 3}))


class ConfirmForm(PortalForm):
    """The other party joins, in so many words."""

    read = forms.BooleanField(label="我方已核对申请表、合同和专利清单，共同申请登记，并承诺主体身份真实有效")


class WithdrawForm(PortalForm):
    reason = forms.CharField(label="撤回原因", max_length=200, required=False)


class LoanForm(PortalForm):
    """What the bank reports when the money is paid."""

    amount = AmountWanField(label="放款金额")
    annual_rate = forms.DecimalField(label="年利率", max_digits=6, decimal_places=3, min_value=0, max_value=36)
    annual_rate.unit = "%"  # type: ignore[attr-defined]
    disbursed_on = DateField(label="放款日期")
    loan_number = forms.CharField(label="借据号", max_length=60, widget=forms.TextInput(attrs={"autocomplete": "off"}))


class AnswerForm(PortalForm):
    """One defect and what can be done about it: the fields of its place, a paper, words."""

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        files: Mapping[str, Any] | None = None,
        *,
        names: Sequence[str],
        paper: str,
        whole: FilingForm,
        prefix: str,
    ) -> None:
        super().__init__(data, files, prefix=prefix, initial={n: whole.initial.get(n) for n in names})
        self.names = [n for n in names if n in whole.fields]
        for name in self.names:
            self.fields[name] = copy.deepcopy(whole.fields[name])  # one definition, two defects may share a field
            self.fields[name].required = name not in ("valued_at", "co_owner_agreement") and not name.endswith(
                "_declared"
            )
        self.co_owners = (
            [(patent, name) for _, patent, name in whole.consents] if paper == Document.Kind.CO_OWNER else []
        )
        self.paper = paper
        if self.co_owners:
            choices = [(str(i), f"{name}（{patent.dotted}）") for i, (patent, name) in enumerate(self.co_owners)]
            self.fields["co_owner"] = forms.ChoiceField(label="共有人", choices=choices, required=False)
        if paper:
            self.fields["paper"] = PaperField("上传" + str(Document.Kind(paper).label))
        self.fields["text"] = forms.CharField(
            label="说明", max_length=300, required=False, widget=forms.Textarea(attrs={"rows": 2})
        )

    def changes(self) -> dict[str, Any]:
        data = {n: self.cleaned_data[n] for n in self.names if n in self.cleaned_data}
        if "patents" in data:
            data["patents"] = [int(pk) for pk in data["patents"]]
        return data

    def uploads(self) -> list[Upload]:
        upload = self.files.get(self.add_prefix("paper"))
        if not isinstance(upload, UploadedFile):
            return []
        co_owner, number = "", ""
        if self.co_owners and self.cleaned_data.get("co_owner"):
            patent, co_owner = self.co_owners[int(self.cleaned_data["co_owner"])]
            number = patent.number
        return [Upload(self.paper, upload, "paper", co_owner, number)]
