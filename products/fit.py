"""How a product fits an enterprise and its wish: one function, pure, used wherever products are ranked.

Every condition is *evaluated*: met, not met, or to be confirmed because one side has not said it. What is not known is
never counted as met or failed: it keeps a product out of 全部符合, and gives half of its points. The points are parts that
add up on screen; products are in order of verdict, then points, then the institution's pinyin, then age of the row, so
the order never depends on how rows come from the database.

Nothing here makes sentences: a thousand products are judged for every one that is read (products.fit_words).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import IntEnum
from typing import Any, NamedTuple

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import QuerySet

from . import conditions as c
from .models import Mode, Product, ProductQuerySet


class Outcome(IntEnum):
    """Of one check; the number is its weight in the score (half points for what is to be confirmed)."""

    FAILED = 0
    UNKNOWN = 1
    MET = 2


class Verdict(IntEnum):
    """Of a product; higher is better."""

    NO = 0
    ONE_SHORT = 1
    TO_CONFIRM = 2
    FITS = 3

    @property
    def label(self) -> str:
        return ("不符合", "差一项", "没有不符，尚有待确认", "全部符合")[self]


@dataclass(frozen=True, slots=True)
class Profile:
    """What is known of an enterprise and its wish. None (or a kind that is missing in `holdings`) means: not told.

    Amount in yuan. `kinds` are the IP kinds offered as pledge, `holdings` what is in force by IP kind, `age_months` whole
    months since founding, `accepts` which of conditions.CARRIERS it would take beside the bank.
    """

    amount: Decimal | None = None
    term_months: int | None = None
    kinds: frozenset[str] | None = None
    holdings: Mapping[str, int] | None = None
    tiers: frozenset[str] | None = None
    age_months: int | None = None
    district: str | None = None
    industry: str | None = None
    accepts: frozenset[str] | None = None
    first_pledge: bool | None = None

    def held(self, of: str) -> int | None:
        """How many of a kind are in force (of "patent": of the three kinds together), None when it was not told."""
        if self.holdings is None:
            return None
        if of != c.PATENT:
            return self.holdings.get(of)
        counts = [self.holdings.get(kind) for kind in c.PATENT_KINDS]
        return None if None in counts else sum(n for n in counts if n is not None)


class Terms(NamedTuple):
    """The columns of a product that decide; read as plain rows, because a thousand model instances cost too much."""

    pk: int
    institution_id: int
    sort_key: str
    mode: str
    ip_kinds: Sequence[str]
    combined: bool
    amount_min: Decimal | None
    amount_max: Decimal | None
    term_min: int | None
    term_max: int | None
    rate_from: Decimal | None
    online: bool
    example: bool
    conditions: str
    districts: Sequence[str]
    requirements: Sequence[Mapping[str, Any]]


_COLUMNS = ("pk", "institution_id", "institution__organisation__sort_key", *Terms._fields[3:])


def terms_in(products: ProductQuerySet) -> list[Terms]:
    """The deciding columns of these products, one query."""
    return [Terms._make(row) for row in products.order_by().values_list(*_COLUMNS)]


def terms_and(
    products: ProductQuerySet, values: "QuerySet[Any, Any] | None"
) -> tuple[list[Terms], Sequence[str] | None]:
    """The same with the `values` of another query of one column, fetched by the same statement; None without products."""
    if values is None:
        return terms_in(products), None
    rows = list(products.order_by().annotate(beside=ArraySubquery(values)).values_list(*_COLUMNS, "beside"))
    return [Terms._make(row[:-1]) for row in rows], rows[0][-1] if rows else None


def terms_of(product: Product) -> Terms:
    """Of one product whose institution is loaded."""
    key = product.institution.organisation.sort_key
    return Terms(product.pk, product.institution_id, key, *(getattr(product, name) for name in Terms._fields[3:]))


AMOUNT, TERM, PLEDGE, COMBINED, TEXT = (
    "amount",
    "term",
    "pledge",
    "combined",
    "text",
)  # kinds of check beside the kinds of condition


class Check(NamedTuple):
    """One thing looked at: `need` is what the product asks, `have` what the enterprise has; both as data."""

    kind: str
    outcome: Outcome
    need: Any
    have: Any


# The parts of the score with their most points; together 100.
PARTS = {
    AMOUNT: ("金额", 25),
    TERM: ("期限", 20),
    PLEDGE: ("可质押的知识产权", 20),
    "conditions": ("准入条件", 15),
    "uplift": ("自动提升授信评级", 10),
    "online": ("线上办理", 5),
    "rate": ("利率公开", 5),
}
UPLIFT_RULE = "有有效发明专利的，按“自动提升授信评级”加 10 分（渝银发〔2025〕58号第二条）"


class Fit(NamedTuple):
    """A product held against a profile. `parts` maps a Chinese label to its points; they add up to `score`."""

    terms: Terms
    checks: tuple[Check, ...]
    verdict: Verdict
    parts: dict[str, int]
    score: int

    @property
    def failed(self) -> list[Check]:
        return [check for check in self.checks if check.outcome == Outcome.FAILED]

    @property
    def unknown(self) -> list[Check]:
        return [check for check in self.checks if check.outcome == Outcome.UNKNOWN]

    @property
    def order(self) -> tuple[int, int, str, int]:
        """Sorts the best first."""
        return (-self.verdict, -self.score, self.terms.sort_key, self.terms.pk)


def assess(terms: Terms, profile: Profile) -> Fit:
    """Hold one product against a profile: the one place where «does it fit» is decided."""
    amount = _within(AMOUNT, terms.amount_min, terms.amount_max, profile.amount)
    term = _within(TERM, terms.term_min, terms.term_max, profile.term_months)
    pledge = _pledge(terms, profile)
    asked = _conditions(terms, profile)
    checks = (amount, term, pledge, *asked)
    failed = sum(1 for check in checks if check[1] == 0)
    if failed:
        verdict = Verdict.ONE_SHORT if failed == 1 else Verdict.NO
    else:
        verdict = Verdict.FITS if all(check[1] == 2 for check in checks) else Verdict.TO_CONFIRM
    points = {
        AMOUNT: amount[1] * 25 // 2,
        TERM: term[1] * 20 // 2,
        PLEDGE: pledge[1] * 20 // 2,
        # A real product that publishes no condition may still have some: half.
        "conditions": sum(check[1] for check in asked) * 15 // (2 * len(asked))
        if asked
        else (15 if terms.example else 7),
        "uplift": 10 if profile.held("invention") else 0,
        "online": 5 if terms.online else 0,
        "rate": 5 if terms.rate_from is not None else 0,
    }
    parts = {PARTS[name][0]: value for name, value in points.items()}
    return Fit(terms, checks, verdict, parts, sum(points.values()))


def ranked(products: Iterable[Terms], profile: Profile) -> list[Fit]:
    """All of them, best first, in an order that does not depend on the order they come in."""
    return sorted((assess(terms, profile) for terms in products), key=lambda fit: fit.order)


_Number = Decimal | int


def _met(known: bool, met: bool) -> Outcome:
    if not known:
        return Outcome.UNKNOWN
    return Outcome.MET if met else Outcome.FAILED


def _within(kind: str, low: _Number | None, high: _Number | None, wish: _Number | None) -> Check:
    """A bound that is known can exclude; without an upper bound nobody knows how far it goes."""
    if wish is None:
        outcome = Outcome.UNKNOWN
    elif (low is not None and wish < low) or (high is not None and wish > high):
        outcome = Outcome.FAILED
    else:
        outcome = Outcome.MET if high is not None else Outcome.UNKNOWN
    return Check(kind, outcome, (low, high), wish)


def _pledge(terms: Terms, profile: Profile) -> Check:
    """One usable kind is enough, of which two for a combined pledge; what exactly is pledged is agreed with the institution.

    Of a request only the patents are known here: whether there is a trademark or a copyright beside them is to be confirmed.
    """
    if not terms.ip_kinds:
        unneeded = terms.mode == Mode.CREDIT and terms.example
        return Check(PLEDGE, Outcome.MET if unneeded else Outcome.UNKNOWN, (), profile.kinds)
    usable = profile.kinds is not None and not profile.kinds.isdisjoint(terms.ip_kinds)
    if usable and terms.mode == Mode.COMBINED and profile.kinds is not None:
        families = {c.family(kind) for kind in profile.kinds.intersection(terms.ip_kinds)}
        if len(families) < 2:
            return Check(COMBINED, Outcome.UNKNOWN, terms.ip_kinds, profile.kinds)
    return Check(PLEDGE, _met(profile.kinds is not None, usable), terms.ip_kinds, profile.kinds)


_CARRIED_BY = {Mode.GUARANTEED.value: [c.GUARANTEE], Mode.INSURED.value: [c.INSURANCE]}


def _conditions(terms: Terms, profile: Profile) -> list[Check]:
    checks = [_condition(condition, profile) for condition in terms.requirements]
    if terms.districts:
        checks.append(_condition({"kind": c.DISTRICTS, "any": terms.districts}, profile))
    carriers = _CARRIED_BY.get(terms.mode)
    if carriers and not any(check[0] == c.CARRIED for check in checks):
        checks.append(_condition({"kind": c.CARRIED, "any": carriers}, profile))
    if terms.conditions and not terms.requirements:
        checks.append(Check(TEXT, Outcome.UNKNOWN, terms.conditions, None))  # words that no machine can weigh
    return checks


def _condition(condition: Mapping[str, Any], profile: Profile) -> Check:
    kind = condition["kind"]
    have: Any
    if kind == c.TIER or kind == c.CARRIED:
        have = profile.tiers if kind == c.TIER else profile.accepts
        return Check(
            kind, _met(have is not None, not (have or frozenset()).isdisjoint(condition["any"])), condition, have
        )
    if kind == c.HOLDS or kind == c.INVENTION:
        have = profile.held(condition.get("of", "invention"))
        return Check(kind, _met(have is not None, (have or 0) >= condition.get("min", 1)), condition, have)
    if kind == c.YEARS:
        have = profile.age_months
        return Check(kind, _met(have is not None, (have or 0) >= 12 * condition["min"]), condition, have)
    if kind == c.DISTRICTS or kind == c.INDUSTRIES:
        have = profile.district if kind == c.DISTRICTS else profile.industry
        return Check(kind, _met(have is not None, have in condition["any"]), condition, have)
    if kind == c.FIRST:
        return Check(kind, _met(profile.first_pledge is not None, bool(profile.first_pledge)), condition, None)
    return Check(kind, Outcome.UNKNOWN, condition, None)  # written by a later version of the portal
