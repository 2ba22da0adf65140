"""The public pre-check: six questions, and every published product told as 全部符合, 差一项 or 不符合, with why and what to do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, cast
from urllib.parse import urlencode

from django import forms

from portal.foundation.accounts import queries as accounts
from portal.foundation.accounts.models import NO_TIER
from portal.foundation.accounts.tiers import Tier
from portal.foundation.assets.models import IPKind
from portal.foundation.core.display import money_wan
from portal.foundation.core.forms import AmountWanField, CheckboxCards, PortalForm, RadioCards
from portal.foundation.core.money import format_wan

from . import costing, fit, fit_words
from .conditions import CARRIERS, GUARANTEE, INSURANCE, Names
from .fit import Fit, Outcome, Profile, Verdict
from .models import Product
from .queries import shown
from .subsidies.models import SubsidyScheme

MOST_SHOWN = {Verdict.FITS: 10, Verdict.TO_CONFIRM: 10, Verdict.ONE_SHORT: 8, Verdict.NO: 6}
TITLES = {
    Verdict.FITS: "全部符合",
    Verdict.TO_CONFIRM: "没有不符，还有几项待确认",
    Verdict.ONE_SHORT: "差一项",
    Verdict.NO: "不符合",
}
EMPTY = {
    Verdict.FITS: "没有全部符合的产品。",
    Verdict.TO_CONFIRM: "",
    Verdict.ONE_SHORT: "没有只差一项的产品。",
    Verdict.NO: "",
}
BOTH, NEITHER = "both", "neither"
WISHES = {
    BOTH: frozenset(CARRIERS),
    GUARANTEE: frozenset({GUARANTEE}),
    INSURANCE: frozenset({INSURANCE}),
    NEITHER: frozenset[str](),
}
_COUNTED = [(str(kind.value), str(kind.label)) for kind in IPKind]


def _count(label: str) -> forms.IntegerField:
    return forms.IntegerField(
        label=label,
        required=False,
        min_value=0,
        max_value=9999,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
        error_messages={"invalid": "请填写整数件数，例如 3；没有就空着。"},
    )


class PrecheckForm(PortalForm):
    """Six questions; a GET form, so that the address is the result and can be sent on. Only amount and term are needed."""

    invention = _count("发明专利")
    utility = _count("实用新型专利")
    design = _count("外观设计专利")
    trademark = _count("注册商标")
    copyright = _count("著作权")
    amount = AmountWanField(label="需要多少", help_text="以万元为单位，只写数字，例如 300。")
    term = forms.IntegerField(
        label="用多久",
        help_text="月数，例如 24。",
        min_value=1,
        max_value=360,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )
    district = forms.ChoiceField(label="企业在哪个区县", required=False)
    tier = forms.MultipleChoiceField(
        label="企业有哪些资质",
        required=False,
        choices=[*Tier.choices, (NO_TIER, "以上都没有")],
        widget=CheckboxCards,
    )
    wish = forms.ChoiceField(
        label="接受担保或保险吗",
        required=False,
        choices=[
            (BOTH, "担保、保险都可以"),
            (GUARANTEE, "只接受担保"),
            (INSURANCE, "只接受保险"),
            (NEITHER, "都不接受"),
        ],
        widget=RadioCards(attrs={"class": "side"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["term"].unit = "个月"  # type: ignore[attr-defined]
        choices = accounts.district_choices()
        cast(forms.ChoiceField, self.fields["district"]).choices = [("", "先不说"), *choices[1:]]
        groups = [group for _, group in choices[1:] if isinstance(group, list)]
        self.districts = {code: name for group in groups for code, name in group}

    def clean_tier(self) -> list[str]:
        chosen: list[str] = self.cleaned_data["tier"]
        if NO_TIER in chosen and len(chosen) > 1:
            raise forms.ValidationError("勾了“以上都没有”，就不要再勾其他资质；请去掉其中一边。")
        return chosen

    @property
    def counts(self) -> list[forms.BoundField]:
        return [self[kind] for kind, _ in _COUNTED]

    def profile(self) -> Profile:
        """What was answered; what was left empty is not told. One number makes the other kinds 0: the question was answered."""
        data = self.cleaned_data
        told = any(data.get(kind) is not None for kind, _ in _COUNTED)
        counts = {kind: data.get(kind) or 0 for kind, _ in _COUNTED}
        tiers = data["tier"]
        return Profile(
            amount=data["amount"],
            term_months=data["term"],
            kinds=frozenset(kind for kind, n in counts.items() if n) if told else None,
            holdings=counts if told else None,
            tiers=frozenset(tiers) - {NO_TIER} if tiers else None,
            district=data["district"] or None,
            accepts=WISHES[data["wish"]] if data["wish"] else None,
        )

    def basis(self) -> str:
        """The answers in one line, above the result."""
        data = self.cleaned_data
        held = [f"{label} {data[kind]} 件" for kind, label in _COUNTED if data.get(kind)]
        tiers = [str(Tier(t).label) for t in data["tier"] if t != NO_TIER]
        wishes = dict(cast(forms.ChoiceField, self.fields["wish"]).choices)  # type: ignore[arg-type]
        return "；".join(
            [
                "、".join(held) or "没有说明知识产权",
                f"融资 {money_wan(data['amount'])}、{data['term']} 个月",
                *([self.districts[data["district"]]] if data["district"] else []),
                *(["、".join(tiers)] if tiers else []),
                *([str(wishes[data["wish"]])] if data["wish"] else []),
            ]
        )

    def carried(self, product: Product) -> str:
        """The query with which «申请这款» begins a request: product, amount in 万元, months."""
        data = self.cleaned_data
        return urlencode({"product": product.pk, "amount": format_wan(data["amount"]), "term": data["term"]})


def initial_of(profile: Profile) -> dict[str, Any]:
    """The form filled with what the portal knows of the enterprise that is logged in."""
    return {
        **{kind: n for kind, n in (profile.holdings or {}).items() if n},
        "district": profile.district or "",
        "tier": sorted(profile.tiers) or [NO_TIER] if profile.tiers is not None else [],
    }


@dataclass(frozen=True, slots=True)
class Result:
    """One product as the page shows it."""

    product: Product
    verdict: str
    missing: list[fit_words.Line]  # failed first, then to be confirmed
    met: list[fit_words.Line]
    points: str
    parts: list[tuple[str, int, int]]  # label, points, most points
    cost: costing.Words
    carried: str  # query for «申请这款»


@dataclass(frozen=True, slots=True)
class Group:
    verdict: Verdict
    title: str
    results: list[Result]
    count: int
    empty: str

    @property
    def more(self) -> int:
        return self.count - len(self.results)


def groups(form: PrecheckForm, *, schemes: Sequence[SubsidyScheme] = ()) -> list[Group]:
    """Every public product in its group, best first, of large groups only the beginning. Of a valid form; `schemes` are the
    interest subsidies of the enterprise that asks."""
    ranked = fit.ranked(fit.terms_in(shown()), form.profile())
    by_verdict = {v: [f for f in ranked if f.verdict == v] for v in TITLES}
    wanted = [f.terms.pk for v, found in by_verdict.items() for f in found[: MOST_SHOWN[v]]]
    products = shown().in_bulk(wanted)
    names = Names(form.districts, dict(accounts.industry_choices()))
    return [
        Group(
            v,
            TITLES[v],
            [
                _result(f, products[f.terms.pk], form, names, schemes)
                for f in found[: MOST_SHOWN[v]]
                if f.terms.pk in products
            ],
            len(found),
            EMPTY[v],
        )
        for v, found in by_verdict.items()
        if found or EMPTY[v]
    ]


_MOST: Mapping[str, int] = dict(fit.PARTS.values())


def _result(found: Fit, product: Product, form: PrecheckForm, names: Names, schemes: Sequence[SubsidyScheme]) -> Result:
    lines = fit_words.lines(found, names)
    amount: Decimal = form.cleaned_data["amount"]
    cost = costing.of_product(product, amount=amount, term_months=form.cleaned_data["term"], schemes=schemes)
    return Result(
        product=product,
        verdict=fit_words.verdict(found),
        missing=[line for line in lines if line.outcome != Outcome.MET],
        met=[line for line in lines if line.outcome == Outcome.MET],
        points=fit_words.points(found),
        parts=[(label, points, _MOST[label]) for label, points in found.parts.items()],
        cost=costing.in_words(cost),
        carried=form.carried(product),
    )
