"""What the enterprise fills in: the steps of a request, answers, withdrawal, further institutions."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, ClassVar

from django import forms
from django.utils.datastructures import MultiValueDict

from portal.foundation.assets.models import Patent
from portal.foundation.assets.valuation import needed
from portal.foundation.core.display import full_date_cn
from portal.foundation.core.errors import DomainError
from portal.foundation.core.forms import (
    AmountWanField,
    CheckboxCards,
    ManyFilesField,
    PhoneField,
    PortalForm,
    RadioCards,
    UploadField,
)
from portal.foundation.core.intake.kinds import ACCEPTED_TEXT
from products.company import whole_months

from .actions.submit import MAX_PRODUCTS, OPEN_CALL_REACH, require_life
from .models import Attachment, Purpose

OTHER_TERM = "other"
TERMS = [("6", "6 个月"), ("12", "1 年"), ("24", "2 年"), ("36", "3 年"), ("60", "5 年"), (OTHER_TERM, "其他期限")]
PURPOSE_HINTS = {
    Purpose.WORKING_CAPITAL: "采购原料、支付工资、履行订单",
    Purpose.RESEARCH: "新产品、新工艺、试制和检测",
    Purpose.EQUIPMENT: "购置或更新设备，改造生产线",
    Purpose.EXPANSION: "新建厂房、增加生产线",
}
# Characters kept of one field: far above every limit, so that what is too long is still there to shorten.
MAX_TYPED = 2000


def typed_of(form: type[forms.Form], post: MultiValueDict[str, str]) -> dict[str, str | list[str]]:
    """What was typed into a form's fields, exactly, as JSON can hold it (PostgreSQL refuses NUL in JSON)."""
    kept: dict[str, str | list[str]] = {}
    for name, field in form.base_fields.items():
        if isinstance(field, forms.MultipleChoiceField):
            kept[name] = [v[:MAX_TYPED].replace("\x00", "") for v in post.getlist(name)[:100]]
        else:
            kept[name] = post.get(name, "")[:MAX_TYPED].replace("\x00", "")
    return kept


def as_post(typed: Mapping[str, Any]) -> MultiValueDict[str, str]:
    """Stored typed text as a form wants its data."""
    return MultiValueDict({k: list(v) if isinstance(v, list) else [str(v)] for k, v in typed.items()})


class PatentCards(CheckboxCards):
    """Patent cards, of which those no longer in force cannot be ticked."""

    dead: frozenset[str] = frozenset()

    def create_option(self, name: str, value: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        option = super().create_option(name, value, *args, **kwargs)
        # A dead one that is ticked already (it lapsed meanwhile) stays enabled, so that it can be taken out.
        if str(value) in self.dead and not option["selected"]:
            option["attrs"]["disabled"] = True
        return option


def patent_hint(patent: Patent, *, today: date) -> str:
    """«发明专利，2037年7月21日届满（还有 10 年 7 个月）», or why it cannot be pledged."""
    ends = f"{patent.get_kind_display()}，{full_date_cn(patent.expires_on)}届满"
    if patent.status != Patent.Status.GRANTED:
        return f"{patent.get_kind_display()}，{patent.get_status_display()}，不能用于质押"
    if patent.expires_on <= today:
        return f"{ends}，已届满，不能用于质押"
    years, months = divmod(whole_months(today, patent.expires_on), 12)
    left = "".join([f" {years} 年" if years else "", f" {months} 个月" if months else ""]) or "不足 1 个月"
    return f"{ends}（还有{left}）"


class CompanyForm(PortalForm):
    """Step 1: which patents. The company's own data come from its profile and are not asked again."""

    patents = forms.MultipleChoiceField(
        label="用来融资的专利",
        help_text="可选多件。融资期限不能超过其中最早届满的一件。",
        widget=PatentCards,
        error_messages={
            "required": "请至少选择一件专利；还没有录入的，先添加专利。",
            "invalid_choice": "所选专利不在本企业名下或已移除，请从列出的专利里重新选择。",
        },
    )

    def __init__(self, *args: Any, patents: Sequence[Patent], today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.own, self.today = {str(p.pk): p for p in patents}, today
        field = self.fields["patents"]
        assert isinstance(field, forms.MultipleChoiceField) and isinstance(field.widget, PatentCards)  # noqa: PT018
        field.choices = [(pk, str(p)) for pk, p in self.own.items()]
        field.widget.hints = {pk: patent_hint(p, today=today) for pk, p in self.own.items()}
        field.widget.dead = frozenset(pk for pk, p in self.own.items() if not p.in_force(on=today))

    def clean_patents(self) -> list[str]:
        chosen: list[str] = self.cleaned_data["patents"]
        dead = [p for pk in chosen if not (p := self.own[pk]).in_force(on=self.today)]
        if dead:
            raise forms.ValidationError(f"{dead[0].dotted} 现在不是有效专利，不能用于质押融资，请取消选择。")
        return chosen

    def chosen(self) -> list[Patent]:
        """The patents of a valid form."""
        return [self.own[pk] for pk in self.cleaned_data["patents"]]


class NeedForm(PortalForm):
    """Step 2: how much, for how long, for what."""

    amount = AmountWanField(label="融资金额", help_text=f"以万元为单位，只写数字。{needed.advice()}")
    term_months = forms.ChoiceField(label="希望期限", choices=TERMS, widget=RadioCards(attrs={"class": "side"}))
    term_other = forms.IntegerField(
        label="其他期限",
        required=False,
        min_value=1,
        max_value=360,
        help_text="选“其他期限”时填写，例如 18。",
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
        error_messages={"invalid": "请填写整数月数，例如 18。"},
    )
    purpose = forms.ChoiceField(
        label="资金用途", choices=Purpose, widget=RadioCards(hints={str(k): v for k, v in PURPOSE_HINTS.items()})
    )
    purpose_note = forms.CharField(
        label="用途说明",
        required=False,
        max_length=300,
        help_text="写得具体，机构答复得更快，例如“采购两台数控机床，已签意向合同”。最多 300 字。",
        widget=forms.Textarea(attrs={"rows": 4}),
    )

    def __init__(self, *args: Any, patents: Sequence[Patent] = (), today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.patents, self.today = patents, today
        self.fields["term_other"].unit = "个月"  # type: ignore[attr-defined]
        self.fields["term_other"].depends = True  # type: ignore[attr-defined] # needed with «其他期限» alone

    def clean(self) -> None:
        data = self.cleaned_data
        months = self.months()
        if data.get("term_months") == OTHER_TERM and months is None and "term_other" not in self.errors:
            self.add_error("term_other", "请填写月数，例如 18。")
        if months is not None and self.patents:
            try:
                require_life(self.patents, term_months=months, today=self.today)
            except DomainError as refusal:
                if said := refusal.fields.get("term_months"):
                    self.add_error("term_other" if data["term_months"] == OTHER_TERM else "term_months", said)

    def months(self) -> int | None:
        """The wished term in months, or None while it is not told."""
        chosen = self.cleaned_data.get("term_months")
        if not chosen:
            return None
        months: int | None = self.cleaned_data.get("term_other") if chosen == OTHER_TERM else int(chosen)
        return months


class AddressForm(PortalForm):
    """Institutions by product, each with its own consent. Drawn card by card in the template."""

    products = forms.MultipleChoiceField(label="机构和产品", required=False)
    consents = forms.MultipleChoiceField(label="授权", required=False)

    def __init__(self, *args: Any, institutions: Mapping[str, tuple[str, str]], **kwargs: Any) -> None:
        """`institutions`: product pk → (institution pk, institution name), of everything that can be chosen."""
        super().__init__(*args, **kwargs)
        self.institutions = institutions
        for name, values in (("products", institutions), ("consents", {i for i, _ in institutions.values()})):
            field = self.fields[name]
            assert isinstance(field, forms.MultipleChoiceField)
            field.choices = [(v, v) for v in values]
            field.error_messages["invalid_choice"] = "所选产品已停售或不存在，请从列出的产品里重新选择。"

    def clean(self) -> None:
        if "products" not in self.errors:
            self.check_choice()

    def check_choice(self) -> None:
        """At least one, at most five, one product an institution, and a consent for each."""
        products, consents = self.cleaned_data.get("products", []), set(self.cleaned_data.get("consents", []))
        if not products:
            self.add_error("products", "请至少选择一家机构的产品。")
            return
        if len(products) > MAX_PRODUCTS:
            self.add_error("products", f"一次最多选 {MAX_PRODUCTS} 家，现在选了 {len(products)} 家，请取消几家。")
        chosen = [self.institutions[p] for p in products]
        for pk, name in dict.fromkeys(chosen):
            if chosen.count((pk, name)) > 1:
                self.add_error("products", f"{name} 选了不止一款产品，一家机构请只选一款。")
        missing = [name for pk, name in dict.fromkeys(chosen) if pk not in consents]
        if missing:
            self.add_error("products", f"请勾选对 {'、'.join(missing)} 的授权；不想让对方看到的，请取消选择。")


class ReachForm(AddressForm):
    """Step 3: to whom, with whose eyes on it, and whom they may call."""

    CHOOSE, OPEN = "choose", "open"
    reach = forms.ChoiceField(
        label="发给谁",
        choices=[(CHOOSE, "我来选机构"), (OPEN, "公开征集")],
        widget=RadioCards(
            hints={
                CHOOSE: f"从匹配的产品里选，一次最多 {MAX_PRODUCTS} 家，每家都要在 2 个工作日内响应。",
                OPEN: f"推送给匹配度最高的 {OPEN_CALL_REACH} 家（银行优先），其他接受公开征集的机构也可以来认领。",
            }
        ),
    )
    consent_open = forms.BooleanField(label="公开征集授权", required=False)
    contact_name = forms.CharField(
        label="联系人", max_length=40, widget=forms.TextInput(attrs={"autocomplete": "name"})
    )
    contact_phone = PhoneField(help_text="机构用这个电话联系您；查询办件时要用到后 4 位。")
    field_order = ("reach", "products", "consents", "consent_open", "contact_name", "contact_phone")

    def clean(self) -> None:
        data = self.cleaned_data
        if data.get("reach") == self.OPEN and not data.get("consent_open"):
            self.add_error("consent_open", "公开征集需要您的授权，请阅读后勾选。")
        if data.get("reach") == self.CHOOSE and "products" not in self.errors:
            self.check_choice()


class FileForm(PortalForm):
    """A paper added to the request, beside step 3. `status` is the answer's, when the paper is refused."""

    status = 400
    kind = forms.ChoiceField(label="材料类型", choices=Attachment.Kind)
    file = UploadField(
        label="选择文件",
        help_text=f"{ACCEPTED_TEXT}。手机上可以直接拍照。",
        error_messages={"required": "请先选择要上传的文件。"},
    )


class AnswerForm(PortalForm):
    """The answer to an institution's question."""

    answer = forms.CharField(
        label="答复",
        required=False,
        max_length=1000,
        help_text="文字和材料至少有一样。",
        widget=forms.Textarea(attrs={"rows": 5}),
    )
    papers = ManyFilesField(label="材料", required=False, help_text=f"可选多个文件，每个 {ACCEPTED_TEXT}。")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():  # one of the two is needed: neither is marked as optional
            field.depends = True  # type: ignore[attr-defined]


class ReasonForm(PortalForm):
    """Why a request is taken back; `must` is False during the first ten minutes."""

    REASONS: ClassVar[list[tuple[str, str]]] = [
        ("need", "资金需求有变化"),
        ("elsewhere", "已通过其他渠道解决"),
        ("mistake", "填写有误，准备重新提交"),
        ("slow", "机构响应不及时"),
        ("other", "其他原因"),
    ]
    reason = forms.ChoiceField(label="原因", choices=REASONS, widget=RadioCards)
    note = forms.CharField(label="补充说明", required=False, max_length=150, widget=forms.Textarea(attrs={"rows": 3}))

    def __init__(self, *args: Any, must: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].required = must

    def clean(self) -> None:
        if self.cleaned_data.get("reason") == "other" and not self.cleaned_data.get("note", "").strip():
            self.add_error("note", "选“其他原因”时请写明原因。")

    def text(self) -> str:
        """The reason as the journal and the institutions read it."""
        label = dict(self.REASONS).get(self.cleaned_data.get("reason", ""), "")
        note = self.cleaned_data.get("note", "").strip()
        return "：".join(part for part in (label, note) if part)
