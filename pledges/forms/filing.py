"""The registration form: at most fifteen entries, nearly all brought along, each saying where its value comes from."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile

from pledges.actions.filing import Content, Upload
from pledges.facts import PatentFacts
from pledges.forms import special
from pledges.models import DebtKind, Document, Registration, Scope, Valuation
from pledges.patent_lists.models import PatentList
from portal.foundation.assets.valuation import needed
from portal.foundation.core.display import full_date_cn, money_wan
from portal.foundation.core.forms import AmountWanField, CheckboxCards, DateField, PortalForm, UploadField
from portal.foundation.core.identifiers import PatentKind
from portal.foundation.core.intake.kinds import ACCEPTED_TEXT

ENTRIES = (
    "contract_number", "contract_signed_on", "debtor_name", "debt_kind", "debt_amount", "debt_from", "debt_to", "scope",
    "valuation", "valued_at", "patents", "identity_promise",
)  # fmt: skip
TYPED_BY_HAND = ("contract_number", "contract_signed_on", "identity_promise")


# Uploads that belong to a special part: name → (label, part).
PAPERS_OF = {
    "pledgor_file": ("出质人签章的同意文件（出质人不在本平台时）", special.THIRD),
    "mandate_file": ("写明权限的委托书", special.AGENT),
    "agent_file": ("代理人身份证明", special.AGENT),
}
MOST_CONSENTS = 30  # upload fields for co-owners; beyond that their agreement is handed in


class PaperField(UploadField):
    def __init__(self, label: str, help_text: str = "", *, required: bool = False) -> None:
        super().__init__(label=label, required=required, help_text=help_text or f"{ACCEPTED_TEXT}。")


class FilingForm(PortalForm):
    """Bound to one file. `owned` are the patents of the request with their co-owners' names."""

    contract_number = forms.CharField(
        label="质押合同编号",
        max_length=60,
        help_text="照合同上印的填写。",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    contract_signed_on = DateField(label="合同签订日期")
    debtor_name = forms.CharField(label="债务人", max_length=120)
    debt_kind = forms.ChoiceField(label="债权种类", choices=DebtKind.choices)
    debt_amount = AmountWanField(label="被担保债权数额")
    debt_from = DateField(label="债务履行期限自")
    debt_to = DateField(label="债务履行期限至")
    scope = forms.ChoiceField(label="质押担保的范围", choices=Scope.choices)
    valuation = forms.ChoiceField(label="价值确定方式", choices=Valuation.choices)
    valued_at = AmountWanField(label="质押价值", required=False)
    patents = forms.MultipleChoiceField(label="质押的专利", widget=CheckboxCards)
    identity_promise = forms.BooleanField(
        label="双方承诺主体身份真实有效，以此承诺书代替身份证明",
        required=False,
        help_text="也可以不勾选，改为上传双方的身份证明。",
    )
    special = special.special_field()
    contract_file = PaperField("质押合同")
    identity_file = PaperField("身份证明")
    valuation_file = PaperField("资产评估报告")
    other_file = PaperField("其他材料")

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        files: Mapping[str, Any] | None = None,
        *,
        file: Registration,
        owned: Sequence[tuple[int, PatentFacts, list[str]]],
        today: date,
        listed: PatentList | None = None,
    ) -> None:
        self.file, self.owned, self.today, self.listed = file, owned, today, listed
        super().__init__(data, files, initial=self._initial())
        self._add_special()
        self.fields["contract_file"].required = not file.documents.filter(kind="contract", replaced_at=None).exists()
        self._say_sources()
        if listed is None:
            self.fields["patents"].choices = [(str(pk), f"{p.dotted} {p.title}") for pk, p, _ in owned]  # type: ignore[attr-defined]
            self.fields["patents"].widget.hints = {str(pk): self._about(p, names) for pk, p, names in owned}
        else:
            del self.fields["patents"]
        self._add_conditional()

    def _initial(self) -> dict[str, Any]:
        """What is stored, and over it what was typed and not right yet."""
        file = self.file
        stored = {name: getattr(file, name) for name in self.base_fields if hasattr(file, name) and name != "patents"}
        extra = ("twin_declared", "invalidation_declared", "co_owner_agreement")
        stored |= {name: getattr(file, name) for name in extra}
        if self.listed is None:
            stored["patents"] = [str(pk) for pk in file.patents.values_list("patent_id", flat=True)]
        return {**stored, **special.initial_of(file), **file.typed}

    def _add_special(self) -> None:
        """The chosen parts: from the page that was sent, else as stored or typed last."""
        chosen = self.data.getlist("special") if hasattr(self.data, "getlist") else self.data.get("special", [])
        self.chosen = {
            name for name in (chosen if self.is_bound else self.initial["special"]) if name in special.TITLES
        }
        for name, field in special.fields_of(self.chosen).items():
            self.add_field(name, field)
        for name, (label, part) in PAPERS_OF.items():
            if part in self.chosen:
                self.add_field(name, PaperField(label))
        if special.MAXIMUM in self.chosen:
            del self.fields["debt_from"], self.fields["debt_to"]
            self.fields["debt_amount"].label = "最高债权额"
        if self.file.debt_kind != DebtKind.MAXIMUM:  # said by the choice above; the kind of the debts stays a question
            kinds = [(value, label) for value, label in DebtKind.choices if value != DebtKind.MAXIMUM]
            self.fields["debt_kind"].choices = kinds  # type: ignore[attr-defined]

    def _say_sources(self) -> None:
        file, offer, case = self.file, self.file.offer, self.file.application
        self.fields["debtor_name"].help_text = "来自企业资料。为他人债务出质的，改为实际债务人。"
        self.fields["debt_kind"].help_text = f"按需求用途“{case.get_purpose_display()}”带出。"
        self.fields["debt_amount"].help_text = f"来自选定的方案（第 {offer.version} 版）：{money_wan(offer.amount)}。"
        if "debt_to" in self.fields:
            self.fields["debt_from"].help_text = "按开始填写的日期带出，以合同为准。"
            self.fields["debt_to"].help_text = f"按方案期限 {offer.term_months} 个月带出，以合同为准。"
        self.fields["scope"].help_text = "按常用范围带出，以合同为准。"
        border = needed.limit()
        self.fields["valuation"].help_text = (
            f"方案金额{border.beyond}，{needed.beyond()}。"
            if needed.above(file.offer.amount, border)
            else f"单笔{border.words}的，内部评估或银企协商即可。"
        )
        if "patents" in self.fields:
            self.fields["patents"].help_text = f"来自融资需求 {case.number}。"

    @staticmethod
    def _about(patent: PatentFacts, names: list[str]) -> str:
        grant = full_date_cn(patent.grant_date) if patent.grant_date else "未填"
        end = full_date_cn(patent.expires_on) if patent.expires_on else "未填"
        shared = f"，与{'、'.join(names)}共有" if names else ""
        return f"{PatentKind(patent.kind).label}，授权公告 {grant}，届满 {end}{shared}"

    def _add_conditional(self) -> None:
        """Fields that only some files need: declarations, co-owners' papers."""
        if any(p.same_day_twin and p.kind == PatentKind.UTILITY for _, p, _ in self.owned):
            self.fields["twin_declared"] = forms.BooleanField(
                label="声明：双方知悉有同日申请的发明专利申请，仍继续办理", required=False
            )
        if any(p.invalidation_pending for _, p, _ in self.owned):
            self.fields["invalidation_declared"] = forms.BooleanField(
                label="声明：双方知悉专利已被提起无效宣告请求，仍继续办理", required=False
            )
        if self.consents:
            self.fields["co_owner_agreement"] = forms.BooleanField(
                label="共有人另有约定，无须逐一同意", required=False, help_text="勾选后须上传约定的证明。"
            )
            self.fields["agreement_file"] = PaperField("共有人另有约定的证明")
            for name, patent, co_owner in self.consents:
                self.fields[name] = PaperField(f"{co_owner}的同意书", f"所涉专利 {patent.dotted}。{ACCEPTED_TEXT}。")

    @property
    def consents(self) -> list[tuple[str, PatentFacts, str]]:
        """(field, patent, co-owner) for each consent that may be needed."""
        rows = [(p, name) for _, p, names in self.owned for name in names]
        return [(f"consent_{i}", p, name) for i, (p, name) in enumerate(rows[:MOST_CONSENTS], start=1)]

    def section(self, *names: str) -> list[forms.BoundField]:
        return [self[name] for name in names if name in self.fields]

    @property
    def contract_fields(self) -> list[forms.BoundField]:
        return self.section("contract_number", "contract_signed_on", "contract_file")

    @property
    def debt_fields(self) -> list[forms.BoundField]:
        return self.section("debtor_name", "debt_kind", "debt_amount", "debt_from", "debt_to", "scope")

    @property
    def special_parts(self) -> list[tuple[str, str, list[forms.BoundField]]]:
        """(name, title, fields) of the chosen parts."""
        order = [name for name, _ in special.CHOICES if name in self.chosen]
        return [(name, special.TITLES[name], self.section(*special.FIELDS[name])) for name in order]

    @property
    def value_fields(self) -> list[forms.BoundField]:
        return self.section("valuation", "valued_at", "valuation_file")

    @property
    def patent_fields(self) -> list[forms.BoundField]:
        names = [name for name, _, _ in self.consents]
        declared = ("twin_declared", "invalidation_declared")
        return self.section("patents", *declared, *names, "co_owner_agreement", "agreement_file")

    @property
    def party_fields(self) -> list[forms.BoundField]:
        return self.section("identity_promise", "identity_file", "other_file")

    @property
    def to_fill(self) -> int:
        """How many entries are still empty and have to be typed."""
        return sum(not self.initial.get(name) for name in TYPED_BY_HAND)

    @property
    def brought(self) -> int:
        return self.entries - len(TYPED_BY_HAND)

    @property
    def entries(self) -> int:
        return len(ENTRIES) + sum(
            n in self.fields for n in ("twin_declared", "invalidation_declared", "co_owner_agreement")
        )

    @property
    def unanswered(self) -> list[str]:
        """Entries somebody must still type or choose before this form can be handed on: wanted, and nothing brought along."""
        wanted = [n for n, f in self.fields.items() if f.required or n == "identity_promise"]
        return [n for n in wanted if not self.initial.get(n)]

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        start, end, signed = data.get("debt_from"), data.get("debt_to"), data.get("contract_signed_on")
        if start and end and end <= start:
            self.add_error("debt_to", f"届满日要晚于起始日{full_date_cn(start)}。")
        if signed and signed > self.today:
            self.add_error("contract_signed_on", f"签订日期不能晚于今天{full_date_cn(self.today)}。")
        for name, said in special.slips(data, today=self.today).items():
            self.add_error(name, said)
        return data

    def typed(self) -> dict[str, Any]:
        """The texts exactly as typed, for keeping; files are kept by themselves."""
        kept: dict[str, Any] = {}
        # A part that was just chosen is not on the page yet: what the offer knows of it must not be kept as emptied.
        unseen = {
            n
            for part in self.chosen
            if not any(n in self.data for n in special.FIELDS[part])
            for n in special.FIELDS[part]
        }
        for name, field in self.fields.items():
            if isinstance(field, UploadField) or name in unseen:
                continue
            value = field.widget.value_from_datadict(self.data, self.files, self.add_prefix(name))
            kept[name] = value if isinstance(value, (str, bool, list)) else ""
        return kept

    def content(self) -> Content:
        data = self.cleaned_data
        return Content(
            debtor_name=data["debtor_name"].strip(),
            contract_number=data["contract_number"].strip(),
            contract_signed_on=data["contract_signed_on"],
            debt_kind=data["debt_kind"],
            debt_amount=data["debt_amount"],
            debt_from=data.get("debt_from", self.file.debt_from),
            debt_to=data.get("debt_to", self.file.debt_to),
            scope=data["scope"],
            valuation=data["valuation"],
            valued_at=data["valued_at"],
            identity_promise=data["identity_promise"],
            twin_declared=data.get("twin_declared", False),
            invalidation_declared=data.get("invalidation_declared", False),
            co_owner_agreement=data.get("co_owner_agreement", False),
            patent_ids=[int(pk) for pk in data["patents"]] if "patents" in data else None,
            maximum=special.maximum_entry(data) if special.MAXIMUM in self.chosen else None,
            pledgor=special.pledgor_entry(data, today=self.today) if special.THIRD in self.chosen else None,
            agent=special.agent_entry(data, today=self.today) if special.AGENT in self.chosen else None,
        )

    def uploads(self) -> list[Upload]:
        """The papers of this request; an empty input is none."""
        kinds = {
            "contract_file": Document.Kind.CONTRACT,
            "identity_file": Document.Kind.IDENTITY,
            "valuation_file": Document.Kind.VALUATION,
            "agreement_file": Document.Kind.AGREEMENT,
            "other_file": Document.Kind.OTHER,
            "pledgor_file": Document.Kind.PLEDGOR,
            "mandate_file": Document.Kind.MANDATE,
            "agent_file": Document.Kind.AGENT,
        }
        sent = {name: upload for name, upload in self.files.items() if isinstance(upload, UploadedFile)}
        made = [Upload(kind, sent[name], name) for name, kind in kinds.items() if name in sent]
        return made + [
            Upload(Document.Kind.CO_OWNER, sent[name], name, co_owner, patent.number)
            for name, patent, co_owner in self.consents
            if name in sent
        ]
