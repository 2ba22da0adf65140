"""The parts of the registration form that only some files need: they appear when chosen, with or without JavaScript."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from django import forms

from pledges.models import Registration
from pledges.particulars.entries import AgentEntry, MaximumEntry, PledgorEntry
from pledges.particulars.identity import parse_identity_card
from pledges.particulars.models import IdentityKind, Power, Side
from pledges.particulars.rules import agent_of, maximum_of, outside_of
from portal.foundation.core.forms import CheckboxCards, DateField
from portal.foundation.core.identifiers import parse_uscc

MAXIMUM, THIRD, AGENT = "maximum", "third", "agent"
CHOICES = [(MAXIMUM, "最高额质押"), (THIRD, "第三人出质"), (AGENT, "委托专利代理机构")]
HINTS = {
    MAXIMUM: "在约定期间内连续发生的债权，以最高债权额为限担保。",
    THIRD: "出质人不是需求企业，由他人以其专利出质。",
    AGENT: "在境内没有经常居所或者营业所的当事人必须委托；其他当事人可以委托。",
}
TITLES = {MAXIMUM: "最高额质押", THIRD: "第三人出质", AGENT: "委托代理"}
FIELDS = {
    MAXIMUM: ("determined_from", "determined_to", "term_months"),
    THIRD: ("pledgor_kind", "pledgor_name", "pledgor_identity", "pledgor_address", "pledgor_file"),
    AGENT: (
        *("agent_acts_for", "agent_abroad", "agent_agency", "agent_person", "agent_identity", "agent_phone"),
        *("agent_powers", "mandate_file", "agent_file"),
    ),
}
_PLAIN = {"autocomplete": "off"}


def special_field() -> forms.MultipleChoiceField:
    """Which of them this file has."""
    return forms.MultipleChoiceField(
        label="这份申请有下列情形", choices=CHOICES, required=False, widget=CheckboxCards(hints=HINTS)
    )


def fields_of(chosen: set[str]) -> dict[str, forms.Field]:
    """The fields of the chosen parts, by name (uploads are added by the form)."""
    found: dict[str, forms.Field] = {}
    if MAXIMUM in chosen:
        found["determined_from"] = DateField(label="债权确定期间自", help_text="照合同填写。")
        found["determined_to"] = DateField(label="债权确定期间至", help_text="照合同填写。")
        found["term_months"] = forms.IntegerField(
            label="单笔债务最长期限",
            min_value=1,
            max_value=360,
            help_text="按期间最后一天发生的债务计算最迟到期日，与专利届满日比较。",
        )
        found["term_months"].unit = "个月"  # type: ignore[attr-defined]
    if THIRD in chosen:
        found["pledgor_kind"] = forms.ChoiceField(label="出质人类型", choices=IdentityKind.choices)
        found["pledgor_name"] = forms.CharField(
            label="出质人名称", max_length=120, help_text="与专利登记簿和证件一致。"
        )
        found["pledgor_identity"] = forms.CharField(
            label="出质人证件号码", max_length=60, help_text="统一社会信用代码、身份证号码，或境外登记证件、护照号码。身份证号码只供登记机构核对，页面上不全部显示。",
            widget=forms.TextInput(attrs={**_PLAIN, "spellcheck": "false"}),
        )  # fmt: skip
        found["pledgor_address"] = forms.CharField(label="出质人地址", max_length=200)
    if AGENT in chosen:
        found["agent_acts_for"] = forms.ChoiceField(label="代理哪一方", choices=Side.choices)
        found["agent_abroad"] = forms.ChoiceField(
            label="在境内没有经常居所或者营业所的一方", choices=[("", "没有"), *Side.choices], required=False
        )
        found["agent_agency"] = forms.CharField(
            label="专利代理机构", max_length=120, help_text="在中国依法设立的专利代理机构全称。"
        )
        found["agent_person"] = forms.CharField(label="经办代理人", max_length=40)
        found["agent_identity"] = forms.CharField(
            label="代理人身份证号码", max_length=30, widget=forms.TextInput(attrs=_PLAIN)
        )
        found["agent_phone"] = forms.CharField(label="代理人联系电话", max_length=20, required=False)
        found["agent_powers"] = forms.MultipleChoiceField(
            label="代理权限",
            choices=Power.choices,
            widget=forms.CheckboxSelectMultiple,
            help_text="与委托书写明的一致。",
        )
    return found


def chosen_of(file: Registration) -> list[str]:
    """What is stored."""
    there = {
        MAXIMUM: maximum_of(file) is not None,
        THIRD: file.debtor_org_id is not None,
        AGENT: agent_of(file) is not None,
    }
    return [name for name, has in there.items() if has]


def initial_of(file: Registration) -> dict[str, Any]:
    """The stored particulars as the form shows them; what can be known from the offer stands there already."""
    found: dict[str, Any] = {"special": chosen_of(file)}
    found |= {"determined_from": file.debt_from, "term_months": file.offer.term_months}
    if maximum := maximum_of(file):
        found |= {name: getattr(maximum, name) for name in FIELDS[MAXIMUM]}
    if file.debtor_org_id is not None:
        outside = outside_of(file)
        found |= {
            "pledgor_kind": outside.kind if outside else IdentityKind.COMPANY,
            "pledgor_name": file.pledgor.name,
            "pledgor_identity": outside.identity if outside else file.pledgor.uscc or "",
            "pledgor_address": outside.address if outside else file.pledgor.address,
        }
    found |= {"agent_acts_for": Side.PLEDGOR, "agent_powers": [Power.FILE, Power.CORRECT, Power.RECEIVE]}
    if agent := agent_of(file):
        found |= {f"agent_{name}": getattr(agent, name) for name in AgentEntry.__dataclass_fields__}
    return found


def slips(data: Mapping[str, Any], *, today: date) -> dict[str, str]:
    """Field → sentence for what cannot be right among the cleaned values."""
    said = {}
    start, end = data.get("determined_from"), data.get("determined_to")
    if start and end and end <= start:
        said["determined_to"] = "债权确定期间的届满日要晚于起始日。"
    if kind := data.get("pledgor_kind"):
        try:
            identity_of(kind, data.get("pledgor_identity") or "", today=today)
        except ValueError as error:
            said["pledgor_identity"] = str(error)
    if number := data.get("agent_identity"):
        try:
            parse_identity_card(number, today=today)
        except ValueError as error:
            said["agent_identity"] = str(error)
    return said


def identity_of(kind: str, text: str, *, today: date) -> str:
    """The canonical identity of a party. Raises ValueError with a sentence."""
    if kind == IdentityKind.COMPANY:
        return parse_uscc(text)
    if kind == IdentityKind.PERSON:
        return parse_identity_card(text, today=today)
    kept = " ".join(text.split()).upper()
    if len(kept) < 4:
        raise ValueError("请填写境外登记证件或者护照的号码，至少 4 位。")
    return kept


def maximum_entry(data: Mapping[str, Any]) -> MaximumEntry:
    return MaximumEntry(data["determined_from"], data["determined_to"], data["term_months"])


def pledgor_entry(data: Mapping[str, Any], *, today: date) -> PledgorEntry:
    kind = data["pledgor_kind"]
    identity = identity_of(kind, data["pledgor_identity"], today=today)
    return PledgorEntry(kind, data["pledgor_name"].strip(), identity, data["pledgor_address"].strip())


def agent_entry(data: Mapping[str, Any], *, today: date) -> AgentEntry:
    return AgentEntry(
        acts_for=data["agent_acts_for"],
        abroad=data["agent_abroad"],
        agency=data["agent_agency"].strip(),
        person=data["agent_person"].strip(),
        identity=parse_identity_card(data["agent_identity"], today=today),
        phone=data["agent_phone"].strip(),
        powers=data["agent_powers"],
    )
