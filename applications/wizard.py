"""The request in steps: from what is typed in a draft to forms, and from valid forms to the wish that is submitted."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from portal.foundation.accounts.models import Membership
from portal.foundation.assets.models import Patent
from portal.foundation.core.display import money_wan
from portal.foundation.core.forms import PortalForm
from portal.foundation.core.money import InvalidAmount, parse_yuan
from portal.foundation.core.numbers import whole
from portal.foundation.core.prepared import Prepared, Slot
from products import company as company_facts
from products import fit_words
from products.facts import rate_name
from products.fit import Profile
from products.models import Product

from . import matching
from .actions.drafts import META
from .actions.submit import Wish, on_offer
from .forms import OTHER_TERM, TERMS, AddressForm, CompanyForm, NeedForm, ReachForm, as_post
from .models import Attachment, Draft

STEPS: tuple[tuple[str, str, str], ...] = (
    ("company", "企业与专利", "用哪些专利融资"),
    ("need", "融资需要", "需要多少、多久、做什么用"),
    ("reach", "机构与授权", "发给谁，让谁看到"),
    ("review", "核对并提交", "核对并提交"),
)
LONGEST_TERM = 360  # months
NAMES = [name for name, _, _ in STEPS]
FORMS: dict[str, type[PortalForm]] = {"company": CompanyForm, "need": NeedForm, "reach": ReachForm}

_PATENTS = Prepared(
    lambda: Patent.objects.filter(organisation_id=Slot("organisation"), removed_at=None).order_by("-expires_on", "pk")
)


@dataclass(frozen=True, slots=True)
class Choice:
    """One product a request can be addressed to, with how well it fits."""

    product: Product
    match: matching.Match | None  # None: chosen before or by link, but outside its bounds

    @property
    def institution(self) -> str:
        return str(self.product.institution)

    @property
    def facts(self) -> str:
        """Amount, term and rate in one line; what is unknown is not guessed."""
        p = self.product
        known = [
            f"最高 {money_wan(p.amount_max)}" if p.amount_max is not None else "",
            f"最长 {p.term_max} 个月" if p.term_max is not None else "",
            f"{rate_name(p)} {p.rate_from.normalize():f}% 起" if p.rate_from is not None else "利率以机构答复为准",
            "可线上办理" if p.online else "",
        ]
        return "，".join(k for k in known if k)

    @property
    def fit(self) -> str:
        """The score with its parts, or why there is none."""
        if self.match is None:
            return "所填金额、期限、专利类型或企业情况不符合这款产品的条件，机构可能婉拒。"
        return f"{fit_words.verdict(self.match.fit)}；{fit_words.points(self.match.fit)}"

    @property
    def open_points(self) -> str:
        """What is to be confirmed, so that nobody is surprised by the institution's question."""
        unknown = self.match.fit.unknown if self.match else []
        return (
            "待确认：" + "、".join(dict.fromkeys(fit_words.label(check.kind) for check in unknown)) if unknown else ""
        )


@dataclass(slots=True)
class Answers:
    """A draft with its three forms. A form that is bound has been checked."""

    draft: Draft
    company: CompanyForm
    need: NeedForm
    reach: ReachForm
    choices: list[Choice]
    patents: list[Patent]

    def form(self, step: str) -> PortalForm:
        return {"company": self.company, "need": self.need, "reach": self.reach}[step]

    @property
    def complete(self) -> bool:
        return all(form.is_bound and form.is_valid() for form in (self.company, self.need, self.reach))

    def chosen(self) -> list[Choice]:
        """The products the request would go to now; empty for an open call."""
        if self.reach.is_bound and self.reach["reach"].value() != ReachForm.CHOOSE:
            return []
        wanted = set(self.draft.data.get("reach", {}).get("products", []))
        return [c for c in self.choices if str(c.product.pk) in wanted]

    def wish(self) -> Wish:
        """What is submitted; only of complete answers."""
        need, reach = self.need.cleaned_data, self.reach.cleaned_data
        months = self.need.months()
        if months is None:
            raise ValueError("an incomplete draft has no wish")
        open_call = reach["reach"] == ReachForm.OPEN
        return Wish(
            amount=need["amount"],
            term_months=months,
            purpose=need["purpose"],
            purpose_note=need["purpose_note"],
            contact_name=reach["contact_name"],
            contact_phone=reach["contact_phone"],
            patent_ids=[int(pk) for pk in self.company.cleaned_data["patents"]],
            product_ids=[] if open_call else [int(pk) for pk in reach["products"]],
            open_call=open_call,
        )


def cards(form: AddressForm, choices: Sequence[Choice]) -> list[dict[str, Any]]:
    """The choices with the ticks a form has, for drawing."""
    products, consents = (set(form[name].value() or []) for name in ("products", "consents"))
    return [
        {
            "choice": c,
            "picked": str(c.product.pk) in products,
            "consented": str(c.product.institution_id) in consents,
        }
        for c in choices
    ]


def read(
    draft: Draft, membership: Membership, *, today: date, check: Iterable[str] = (), ranked: bool = True
) -> Answers:
    """The draft's answers. The forms of the steps in `check` are bound (and so show what is wrong), the others only filled.

    Later steps depend on earlier ones (the term on the patents, the institutions on amount and term); those are always
    checked silently for that. Without `ranked` only the chosen products are looked up: enough to check, not to choose.
    """
    data: Mapping[str, Any] = draft.data
    wanted = set(check)
    patents = _PATENTS(organisation=membership.organisation_id)
    company = CompanyForm(as_post(data.get("company", {})), patents=patents, today=today)
    picked = company.chosen() if company.is_valid() else []
    need = NeedForm(as_post(data.get("need", {})), patents=picked, today=today)
    need_valid = need.is_valid()
    stored_reach = data.get("reach", {})
    keep = stored_reach.get("products", [])
    if not ranked:
        choices = [Choice(product, None) for product in on_offer(_numbers(keep))]
    else:
        valid = [p.kind for p in patents if p.in_force(on=today)]
        firm = company_facts.profile(membership.organisation, valid, today=today)
        choices = (_choices(need, picked, firm=firm, keep=keep) if need_valid and picked else []) or _kept(keep)
    offered = {str(c.product.pk): (str(c.product.institution_id), c.institution) for c in choices}
    return Answers(
        draft=draft,
        company=company
        if "company" in wanted
        else CompanyForm(initial=dict(data.get("company", {})), patents=patents, today=today),
        need=need if "need" in wanted else NeedForm(initial=dict(data.get("need", {})), patents=picked, today=today),
        reach=ReachForm(as_post(stored_reach), institutions=offered)
        if "reach" in wanted
        else ReachForm(initial=_prefilled(stored_reach, membership), institutions=offered),
        choices=choices,
        patents=patents,
    )


def _prefilled(stored: Mapping[str, Any], membership: Membership) -> dict[str, Any]:
    """The person who fills it in is the contact, until somebody else is typed."""
    organisation, user = membership.organisation, membership.user
    return {
        "contact_name": user.name or organisation.contact_name,
        "contact_phone": user.phone or organisation.contact_phone,
        **stored,
    }


def _numbers(ids: Sequence[str]) -> list[int]:
    return [pk for text in ids if (pk := whole(text)) is not None]


def _kept(ids: Sequence[str]) -> list[Choice]:
    numbers = _numbers(ids)
    if not numbers:
        return []
    products = Product.objects.published().filter(pk__in=numbers).select_related("institution__organisation")
    return [Choice(p, None) for p in products.order_by("pk")]


def _choices(need: NeedForm, patents: Sequence[Patent], *, firm: Profile, keep: Sequence[str]) -> list[Choice]:
    """Every institution's best product, best first; a product chosen before stays, even instead of a better one."""
    months = need.months()
    if months is None:
        return []
    wish: dict[str, Any] = {
        "amount": need.cleaned_data["amount"],
        "term_months": months,
        "kinds": sorted({p.kind for p in patents}),
    }
    profile = matching.wished(firm, **wish)
    ranked = [Choice(m.product, m) for m in matching.rank(**wish, firm=firm)]
    known = {str(c.product.pk) for c in ranked}
    kept = [
        Choice(c.product, matching.match(c.product, profile=profile))
        for c in _kept([pk for pk in keep if pk not in known])
    ]
    displaced = {c.product.institution_id for c in kept if c.match}
    rest = [c for c in ranked if c.product.institution_id not in displaced]
    return [*kept, *rest]


def carried(query: Mapping[str, str]) -> dict[str, str]:
    """What the pre-check brings along and can be used: amount in 万元 and months, as typed; else nothing."""
    amount, term = query.get("amount", "").strip(), query.get("term", "").strip()
    try:
        parse_yuan(amount, unit="wan")
    except InvalidAmount:
        return {}
    if not (term.isascii() and term.isdigit() and len(term) < 4 and 1 <= int(term) <= LONGEST_TERM):
        return {}
    return {"amount": amount, "term": str(int(term))}


def need_of(query: Mapping[str, str]) -> dict[str, str]:
    """The same as step 2 keeps it."""
    found = carried(query)
    if not found:
        return {}
    offered = {value for value, _ in TERMS}
    if found["term"] in offered:
        return {"amount": found["amount"], "term_months": found["term"]}
    return {"amount": found["amount"], "term_months": OTHER_TERM, "term_other": found["term"]}


def saved_by(draft: Draft) -> str:
    """«10:42 林示例» of the last save of any step, for the line above the form."""
    latest: dict[str, Any] = max(draft.data.get(META, {}).values(), key=lambda m: m["version"], default={})
    return f"{latest.get('at', '')} {latest.get('name', '')}".strip()


def difference(
    step: str, mine: Mapping[str, Any], theirs: Mapping[str, Any], answers: Answers
) -> list[tuple[str, str, str]]:
    """Rows of (label, what I typed, what is stored) for the fields of a step that differ."""
    rows = []
    for name, field in FORMS[step].base_fields.items():
        left, right = mine.get(name, ""), theirs.get(name, "")
        if (left or "") != (right or ""):
            rows.append((str(field.label), shown(name, left, answers), shown(name, right, answers)))
    return rows


def shown(name: str, typed: Any, answers: Answers) -> str:
    """One typed value in the words of the page."""
    if not typed:
        return "未填"
    if name == "patents":
        return "；".join(str(answers.company.own[pk]) if pk in answers.company.own else "已移除的专利" for pk in typed)
    if name in ("products", "consents"):
        at = 0 if name == "products" else None
        names = {
            (product if at == 0 else institution): title
            for product, (institution, title) in answers.reach.institutions.items()
        }
        return "、".join(names.get(pk, "已停售的产品") for pk in typed)
    if name == "consent_open":
        return "已授权"
    labels = {
        "term_months": dict(NeedForm.base_fields["term_months"].choices),  # type: ignore[attr-defined]
        "purpose": dict(NeedForm.base_fields["purpose"].choices),  # type: ignore[attr-defined]
        "reach": dict(ReachForm.base_fields["reach"].choices),  # type: ignore[attr-defined]
    }
    return str(labels.get(name, {}).get(typed, typed))


def need_rows(answers: Answers) -> list[tuple[str, str, str]]:
    """Rows of (label, value, anchor) of step 2 for checking; what is wrong is shown as it was typed."""
    need = answers.need
    amount, term = need["amount"].value(), need["term_months"].value()
    months = need["term_other"].value() if term == OTHER_TERM else ""
    return [
        ("融资金额", f"{amount} 万元" if amount else "未填", "id_amount"),
        ("希望期限", f"{months} 个月" if months else shown("term_months", term, answers), "id_term_months"),
        ("资金用途", shown("purpose", need["purpose"].value(), answers), "id_purpose"),
        ("用途说明", need["purpose_note"].value() or "没有填写", "id_purpose_note"),
    ]


def files_of(draft: Draft) -> list[Attachment]:
    return list(draft.attachments.order_by("pk"))
