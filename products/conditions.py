"""What a product asks of an enterprise, as data: kinds, checking, words, and the fields of an editor. Nothing is fetched.

A product keeps a list of conditions in `Product.requirements`, every one a JSON object with its `kind`:

    {"kind": "tier", "any": ["high_tech", "tech_sme"]}      recognised as one of these (accounts.tiers.Tier)
    {"kind": "holds", "of": "invention", "min": 3}          so many in force, by kind; of "patent" means all three kinds
    {"kind": "invention"}                                   at least one invention in force
    {"kind": "years", "min": 2}                             founded at least so many years ago
    {"kind": "districts", "any": ["500157"]}                seated in one of these districts
    {"kind": "industries", "any": ["C", "I"]}               of one of these sections of GB/T 4754
    {"kind": "carried", "any": ["guarantee", "insurance"]}  accepts a guarantor or an insurer beside the bank
    {"kind": "first_pledge"}                                has never pledged intellectual property before

Amount, term and the kinds of pledge are the product's own columns and no conditions. How a product is held against an
enterprise: products.fit; in which words that is told: products.fit_words.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django import forms

from portal.foundation.accounts.tiers import Tier
from portal.foundation.assets.models import IPKind
from portal.foundation.core.forms import CheckboxCards

Condition = dict[str, Any]

TIER, HOLDS, INVENTION, YEARS = "tier", "holds", "invention", "years"
DISTRICTS, INDUSTRIES, CARRIED, FIRST = "districts", "industries", "carried", "first_pledge"
KINDS = {
    TIER: "企业资质",
    HOLDS: "有效知识产权数量",
    INVENTION: "有效发明专利",
    YEARS: "成立年限",
    DISTRICTS: "所在区县",
    INDUSTRIES: "行业",
    CARRIED: "担保或保险",
    FIRST: "首次质押",
}
GUARANTEE, INSURANCE = "guarantee", "insurance"
CARRIERS = {GUARANTEE: "担保", INSURANCE: "保险"}
PATENT = "patent"  # the three kinds of patent together
PATENT_KINDS = (IPKind.INVENTION, IPKind.UTILITY, IPKind.DESIGN)


def family(kind: str) -> str:
    """Patents are one family for a combined pledge; trademarks and copyrights are others."""
    return PATENT if kind in PATENT_KINDS else kind


HELD = {**{str(k.value): str(k.label) for k in IPKind}, PATENT: "专利（发明、实用新型、外观设计合计）"}
MOST_HELD, MOST_YEARS = 999, 100
_KEYS = {
    TIER: {"any"},
    HOLDS: {"of", "min"},
    INVENTION: set(),
    YEARS: {"min"},
    DISTRICTS: {"any"},
    INDUSTRIES: {"any"},
    CARRIED: {"any"},
    FIRST: set(),
}
_ORDER = list(KINDS)


class InvalidConditions(ValueError):
    """Stored or typed conditions that cannot be used; `errors` are Chinese sentences, one a fault."""

    def __init__(self, errors: Sequence[str]) -> None:
        self.errors = list(errors)
        super().__init__("".join(errors))


@dataclass(frozen=True, slots=True)
class Names:
    """District codes and industry letters that exist, with their names."""

    districts: Mapping[str, str] = field(default_factory=dict)
    industries: Mapping[str, str] = field(default_factory=dict)


def validate(stored: object, *, names: Names | None = None) -> list[Condition]:
    """The conditions in their one written form: known kinds in a fixed order, every list sorted and without repeats.

    With `names`, districts and industries must be among them. Raises InvalidConditions naming every fault.
    """
    if not isinstance(stored, list):
        raise InvalidConditions(["条件应是一个列表。"])
    good: dict[tuple[str, str], Condition] = {}
    errors: list[str] = []
    for number, given in enumerate(stored, 1):
        try:
            condition = _checked(given, names)
        except ValueError as error:
            errors.append(f"第 {number} 条：{error}")
            continue
        key = (condition["kind"], condition.get("of", ""))
        if key in good:
            errors.append(f"第 {number} 条：“{KINDS[key[0]]}”写了不止一次，请合并为一条。")
        good[key] = condition
    if errors:
        raise InvalidConditions(errors)
    return sorted(good.values(), key=lambda c: (_ORDER.index(c["kind"]), c.get("of", "")))


def _checked(given: object, names: Names | None) -> Condition:
    """One condition in its written form. Raises ValueError with a Chinese sentence."""
    if not isinstance(given, Mapping) or given.get("kind") not in KINDS:
        raise ValueError(f"不认识这种条件，可用的有：{'、'.join(KINDS.values())}。")
    kind: str = given["kind"]
    if extra := set(given) - _KEYS[kind] - {"kind"}:
        raise ValueError(f"“{KINDS[kind]}”没有“{'、'.join(sorted(map(str, extra)))}”这一项，请去掉。")
    made: Condition = {"kind": kind}
    if "any" in _KEYS[kind]:
        made["any"] = _listed(kind, given.get("any"), names)
    if "of" in _KEYS[kind]:
        if given.get("of") not in HELD:
            raise ValueError(f"请写明是哪一类知识产权：{'、'.join(HELD.values())}。")
        made["of"] = given["of"]
    if "min" in _KEYS[kind]:
        most, unit = (MOST_HELD, "件") if kind == HOLDS else (MOST_YEARS, "年")
        least = given.get("min")
        if isinstance(least, bool) or not isinstance(least, int) or not 1 <= least <= most:
            raise ValueError(f"“{KINDS[kind]}”要写 1 到 {most} 的整数（{unit}）。")
        made["min"] = least
    return made


def _listed(kind: str, given: object, names: Names | None) -> list[str]:
    known = _known(kind, names)
    if not isinstance(given, list) or not given:
        raise ValueError(f"“{KINDS[kind]}”至少要选一项。")
    if any(not isinstance(v, str) for v in given):
        raise ValueError(f"“{KINDS[kind]}”的每一项都应是代码。")
    if known is not None and (wrong := [v for v in given if v not in known]):
        raise ValueError(f"“{KINDS[kind]}”里没有“{'、'.join(wrong)}”，请从列出的选项里选择。")
    return sorted(set(given))


def _known(kind: str, names: Names | None) -> Collection[str] | None:
    if kind == TIER:
        return Tier.values
    if kind == CARRIED:
        return CARRIERS
    if names is None:
        return None
    return names.districts if kind == DISTRICTS else names.industries


def words(condition: Mapping[str, Any], names: Names) -> str:
    """One condition in words, for a product's page: «至少 3 件有效发明专利»."""
    kind = condition["kind"]
    if kind == TIER:
        return f"属于{'、'.join(str(Tier(t).label) for t in condition['any'])}之一"
    if kind == HOLDS:
        return f"至少 {condition['min']} 件有效{HELD[condition['of']]}"
    if kind == INVENTION:
        return "至少 1 件有效发明专利"
    if kind == YEARS:
        return f"成立满 {condition['min']} 年"
    if kind == DISTRICTS:
        return f"在{listing(condition['any'], names.districts)}"
    if kind == INDUSTRIES:
        return f"行业属于{listing(condition['any'], names.industries)}"
    if kind == CARRIED:
        return f"接受{'或'.join(CARRIERS[c] for c in condition['any'])}"
    return "首次办理知识产权质押"


def listing(codes: Sequence[str], names: Mapping[str, str]) -> str:
    """Names of codes, in words; a code without a name stays a code."""
    return "、".join(names.get(code, code) for code in codes)


# --- an editor's fields -----------------------------------------------------------------------------------------------

_PREFIX = "require_"
FIELD_OF_DISTRICTS = f"{_PREFIX}districts"


def form_fields(names: Names) -> dict[str, forms.Field]:
    """Fields for a product form, by name; all optional. Give the cleaned data to `from_form`, `initial_of` fills them."""
    many = forms.MultipleChoiceField
    counted = {
        f"{_PREFIX}holds_{of}": forms.IntegerField(
            label=f"至少几件有效{label}", required=False, min_value=1, max_value=MOST_HELD, widget=forms.TextInput
        )
        for of, label in HELD.items()
    }
    made: dict[str, forms.Field] = {
        "tier": many(label="企业资质（有其一即可）", required=False, choices=Tier.choices, widget=CheckboxCards),
        "invention": forms.BooleanField(label="至少 1 件有效发明专利", required=False),
        "years": forms.IntegerField(
            label="成立至少几年", required=False, min_value=1, max_value=MOST_YEARS, widget=forms.TextInput
        ),
        "districts": many(label="限这些区县", required=False, choices=list(names.districts.items())),
        "industries": many(label="限这些行业", required=False, choices=list(names.industries.items())),
        "carried": many(
            label="企业须接受（有其一即可）", required=False, choices=list(CARRIERS.items()), widget=CheckboxCards
        ),
        "first_pledge": forms.BooleanField(label="只面向首次质押的企业", required=False),
    }
    return {**{f"{_PREFIX}{name}": made_field for name, made_field in made.items()}, **counted}


def from_form(cleaned: Mapping[str, Any]) -> list[Condition]:
    """The conditions of a valid form with `form_fields`; what was left empty asks nothing."""
    found: list[Condition] = []
    for kind in KINDS:
        value = cleaned.get(f"{_PREFIX}{kind}")
        if kind == HOLDS:
            counts = {of: cleaned.get(f"{_PREFIX}holds_{of}") for of in HELD}
            found += [{"kind": HOLDS, "of": of, "min": least} for of, least in counts.items() if least]
        elif value and "any" in _KEYS[kind]:
            found.append({"kind": kind, "any": list(value)})
        elif value and "min" in _KEYS[kind]:
            found.append({"kind": kind, "min": value})
        elif value:
            found.append({"kind": kind})
    return validate(found)


def initial_of(stored: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What the fields of an editor show for stored conditions."""
    shown: dict[str, Any] = {}
    for condition in stored:
        kind = condition["kind"]
        name = f"{_PREFIX}holds_{condition['of']}" if kind == HOLDS else f"{_PREFIX}{kind}"
        shown[name] = condition.get("any", condition.get("min", True))
    return shown
