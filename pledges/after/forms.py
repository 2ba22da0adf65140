"""Forms of what comes after the registration. Values come along from the register; only what differs is applied for."""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile

from pledges.forms.filing import PaperField
from pledges.kinds import Ground, Scope
from pledges.models import PledgedPatent, Registration
from pledges.presenting import MOST_PATENTS
from portal.foundation.core import moments
from portal.foundation.core.forms import AmountWanField, CheckboxCards, DateField, PortalForm, RadioCards
from portal.foundation.core.identifiers import InvalidIdentifier, parse_patent_number

from . import contents
from .filing import Wish
from .kinds import PROOF, EndGround, MatterKind, Proceeds, RevocationGround, Use
from .models import Matter

AREA = {"rows": 3}
NAMED = 5  # slips named in one sentence
LONGEST = 40_000  # characters; a thousand numbers have some twenty thousand


class _Papers(PortalForm):
    """A form with up to two papers; the refusal of either stands beside the first."""

    def uploads(self) -> "list[UploadedFile[Any]]":
        sent = [self.files.get(self.add_prefix(name)) for name in ("papers", "more_papers")]
        return [upload for upload in sent if isinstance(upload, UploadedFile)]


class PastedNumbers(forms.CharField):
    """Patent numbers, one a line or apart by commas, in any spelling; cleans to canonical numbers."""

    def __init__(self, pledged: Collection[str], **kwargs: Any) -> None:
        self.pledged = frozenset(pledged)
        super().__init__(
            help_text=f"每行一个专利号，可从专利清单复制。仍在质押的共 {len(self.pledged)} 件。",
            widget=forms.Textarea(attrs={"rows": 8, "spellcheck": "false"}),
            **kwargs,
        )

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        """Raises ValidationError that names the first slips."""
        if len(str(value or "")) > LONGEST:
            raise forms.ValidationError("文字过多，请只粘贴专利号。")
        found: list[str] = []
        wrong: list[str] = []
        for text in re.split(r"[\s,，;；、]+", str(value or "").strip()):
            if not text:
                continue
            try:
                number = parse_patent_number(text, today=moments.local_date(moments.now())).canonical
            except InvalidIdentifier:
                number = ""
            (found if number in self.pledged else wrong).append(number or text[:20])
        if wrong:
            more = f"等 {len(wrong)} 个" if len(wrong) > NAMED else ""
            raise forms.ValidationError(f"不是这件登记里仍在质押的专利：{'、'.join(wrong[:NAMED])}{more}，请核对。")
        return sorted(set(found))


def _patents(form: PortalForm, pledged: Sequence[PledgedPatent]) -> None:
    """To be ticked, or where they are too many for a page, to be pasted."""
    field = form.fields["numbers"]
    if len(pledged) > MOST_PATENTS:
        form.add_field("numbers", PastedNumbers([p.number for p in pledged], label=field.label))
    else:
        field.choices = [(p.number, f"{p.dotted} {p.title}") for p in pledged]  # type: ignore[attr-defined]


class ChangeForm(_Papers):
    """变更: filled with what the register has."""

    pledgor_name = forms.CharField(label="出质人名称", max_length=120, required=False)
    pledgor_address = forms.CharField(label="出质人地址", max_length=200, required=False)
    pledgee_name = forms.CharField(label="质权人名称", max_length=120, required=False)
    pledgee_address = forms.CharField(label="质权人地址", max_length=200, required=False)
    debt_amount = AmountWanField(label="被担保债权数额", required=False)
    debt_from = DateField(label="债务履行期限自", required=False)
    debt_to = DateField(label="债务履行期限至", required=False)
    determined_from = DateField(label="债权确定期间自", required=False)
    determined_to = DateField(label="债权确定期间至", required=False)
    term_months = forms.IntegerField(label="单笔债务最长期限", min_value=1, max_value=360, required=False)
    term_months.unit = "个月"  # type: ignore[attr-defined]
    scope = forms.ChoiceField(label="质押担保的范围", choices=Scope.choices, required=False)
    reason = forms.CharField(label="变更事由", max_length=500, required=False, widget=forms.Textarea(attrs=AREA))
    papers = PaperField("变更协议或证明文件")
    more_papers = PaperField("其他材料")

    def __init__(self, *args: Any, file: Registration, matter: Matter | None = None, **kwargs: Any) -> None:
        known = contents.fields_of(file)
        initial = {name: contents.registered_value(file, name) for name in known}
        if matter is not None:
            initial |= contents.values(matter.content) | {"reason": matter.reason}
        super().__init__(*args, initial=initial, **kwargs)
        for name in set(contents.LABELS) - set(known):
            del self.fields[name]
        for name in known:
            old = contents.shown(name, contents.registered_value(file, name))
            self.fields[name].help_text = f"现登记为：{old}"
        self.fields["papers"].required = matter is None  # revised or answered, the papers handed in before stand

    def changes(self) -> dict[str, Any]:
        return {name: self.cleaned_data.get(name) for name in contents.LABELS}

    def wish(self) -> Wish:
        return Wish(reason=self.cleaned_data["reason"], changes=self.changes())


class CancellationForm(_Papers):
    end_ground = forms.ChoiceField(label="注销的原因", choices=EndGround.choices)
    reason = forms.CharField(label="说明", max_length=500, required=False, widget=forms.Textarea(attrs=AREA))
    papers = PaperField("证明材料")
    more_papers = PaperField("其他材料")

    def __init__(self, *args: Any, file: Registration, matter: Matter | None = None, **kwargs: Any) -> None:
        initial = {"end_ground": matter.end_ground, "reason": matter.reason} if matter is not None else {}
        super().__init__(*args, initial=initial, **kwargs)
        hints = {str(ground): f"须上传{proof}。" for ground, proof in PROOF.items()}
        self.fields["end_ground"].widget = RadioCards(choices=EndGround.choices, hints=hints)
        self.fields["papers"].required = matter is None

    def wish(self) -> Wish:
        return Wish(reason=self.cleaned_data["reason"], end_ground=self.cleaned_data["end_ground"])


class ReleaseForm(_Papers):
    numbers = forms.MultipleChoiceField(label="解除质押的专利", widget=CheckboxCards)
    reason = forms.CharField(label="说明", max_length=500, required=False, widget=forms.Textarea(attrs=AREA))
    papers = PaperField("解除协议或其他材料")
    more_papers = PaperField("其他材料")

    def __init__(self, *args: Any, file: Registration, matter: Matter | None = None, **kwargs: Any) -> None:
        initial = {"numbers": matter.numbers, "reason": matter.reason} if matter is not None else {}
        super().__init__(*args, initial=initial, **kwargs)
        _patents(self, list(file.patents.filter(effective__upper_inf=True).order_by("number")))

    def wish(self) -> Wish:
        return Wish(reason=self.cleaned_data["reason"], numbers=self.cleaned_data["numbers"])


FORMS: dict[str, type[ChangeForm] | type[CancellationForm] | type[ReleaseForm]] = {
    MatterKind.CHANGE: ChangeForm,
    MatterKind.CANCELLATION: CancellationForm,
    MatterKind.RELEASE: ReleaseForm,
}


class AgreeForm(PortalForm):
    """The other side joins, in so many words."""

    read = forms.BooleanField(label="我方已核对申请内容和材料，同意共同申请")


class AnswerForm(_Papers):
    """The answer to a 补正 letter."""

    text = forms.CharField(label="补正说明", max_length=400, required=False, widget=forms.Textarea(attrs=AREA))
    papers = PaperField("补正材料")
    more_papers = PaperField("其他材料")


class ChangeAnswerForm(ChangeForm):
    """The same for a change, whose values may be put right as well."""

    text = forms.CharField(label="补正说明", max_length=400, required=False, widget=forms.Textarea(attrs=AREA))
    field_order = ("text", "papers", "more_papers", *contents.LABELS)


# --- the office -----------------------------------------------------------------------------------------------------


class ApproveForm(PortalForm):
    read = forms.BooleanField(label="已核对申请内容与证明材料一致")


class DefectsForm(PortalForm):
    defects = forms.CharField(
        label="需要补正的问题",
        max_length=3000,
        help_text="每行一项，一次列全。",
        widget=forms.Textarea(attrs={"rows": 5}),
    )

    def lines(self) -> list[str]:
        return str(self.cleaned_data["defects"]).splitlines()


class NotDoneForm(PortalForm):
    ground = forms.ChoiceField(label="不予办理的理由")
    note = forms.CharField(
        label="查明的情况", max_length=500, help_text="会印在通知书上。", widget=forms.Textarea(attrs={"rows": 4})
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        listed = [(g.value, f"{g.value} {g.label}") for g in Ground]
        self.fields["ground"].choices = [("", "选择理由"), *listed]  # type: ignore[attr-defined]


class RevocationForm(_Papers):
    ground = forms.ChoiceField(label="撤销的理由", choices=RevocationGround.choices, widget=RadioCards)
    refusal_ground = forms.ChoiceField(
        label="登记时存在的情形",
        required=False,
        choices=[("", "选择情形"), *((g.value, f"{g.value} {g.label}") for g in Ground)],
        help_text="理由为存在不予登记的情形时必选。",
    )
    found = forms.CharField(
        label="查明的情况", max_length=500, help_text="会印在通知书上。", widget=forms.Textarea(attrs={"rows": 5})
    )
    papers = PaperField("证据")
    more_papers = PaperField("其他证据")


class RevokeForm(PortalForm):
    read = forms.BooleanField(label="已核对证据，确认撤销这件登记；登记自始无效，不能恢复")
    note = forms.CharField(label="决定说明", max_length=300, required=False, widget=forms.Textarea(attrs=AREA))


class StatementForm(PortalForm):
    text = forms.CharField(
        label="我方意见",
        max_length=1000,
        help_text="登记机构和对方都会看到。",
        widget=forms.Textarea(attrs={"rows": 5}),
    )


class DropForm(PortalForm):
    note = forms.CharField(label="不予撤销的理由", max_length=300, widget=forms.Textarea(attrs=AREA))


# --- consent of the pledgee -----------------------------------------------------------------------------------------


class ConsentForm(_Papers):
    use = forms.ChoiceField(label="拟办事项", choices=Use.choices, widget=RadioCards)
    numbers = forms.MultipleChoiceField(label="所涉专利", widget=CheckboxCards)
    counterparty = forms.CharField(
        label="受让人或被许可人", max_length=120, required=False, help_text="转让、许可时必填。"
    )
    price = AmountWanField(label="价款", required=False)
    about = forms.CharField(label="说明", max_length=500, required=False, widget=forms.Textarea(attrs=AREA))
    papers = PaperField("拟签合同或其他材料")

    def __init__(
        self, data: Mapping[str, Any] | None = None, files: Any = None, *, pledged: Sequence[PledgedPatent]
    ) -> None:
        super().__init__(data, files)
        _patents(self, pledged)


class ConsentAnswerForm(PortalForm):
    answer = forms.ChoiceField(
        label="答复", choices=[("agree", "同意"), ("decline", "不同意")], widget=RadioCards(attrs={"class": "side"})
    )
    proceeds = forms.ChoiceField(
        label="价款的处理",
        required=False,
        choices=[("", "选择处理方式"), *Proceeds.choices],
        help_text="同意时必选。转让、许可所得价款应当提前清偿债务或者提存（民法典第四百四十四条）。",
    )
    terms = forms.CharField(
        label="条件或理由",
        max_length=500,
        required=False,
        help_text="不同意时必填。",
        widget=forms.Textarea(attrs=AREA),
    )
