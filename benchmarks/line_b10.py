"""B10: one request against a thousand products, as the wizard, open calls and the pre-check ask.

Ours is `applications.matching.rank_for`'s work: what is known of the enterprise, the deciding columns of every product that
amount and term allow, every condition held against it, the best of each institution loaded. The whole library fits, so
that nothing is saved by the database. The limit is reading the same columns over the bare driver. The peer does what one
writes first: model instances with their institutions, every one assessed and told in words.
"""

from datetime import date
from decimal import Decimal
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext

from applications import matching
from banks.models import Institution
from benchmarks import world
from benchmarks.rounds import interleaved
from portal.foundation.accounts.models import Organisation, OrganisationKind
from portal.foundation.core import moments
from portal.foundation.core.moments import local_date
from products import conditions, fit, fit_words
from products.company import profile_of
from products.models import Mode, Product

PRODUCTS, INSTITUTIONS = 1_000, 50
ROUNDS = 60
SHELF = "示例书架银行"
LIMIT_MS, QUERIES = 30, 12
AMOUNT, MONTHS, KINDS = Decimal(8_000_000), 24, ["invention"]
CONDITIONS: tuple[list[dict[str, Any]], ...] = (
    [],
    [{"kind": "tier", "any": ["high_tech", "tech_sme"]}],
    [{"kind": "holds", "of": "invention", "min": 1}, {"kind": "years", "min": 2}],
    [{"kind": "districts", "any": ["500157", "500106"]}, {"kind": "industries", "any": ["C", "I"]}],
    [{"kind": "tier", "any": ["little_giant"]}, {"kind": "invention"}, {"kind": "first_pledge"}],
)


def shelf() -> None:
    """A thousand products of fifty banks, made once."""
    if Product.objects.filter(institution__organisation__name__startswith=SHELF).count() >= PRODUCTS:
        return
    for number in range(INSTITUTIONS):
        at, _ = Organisation.objects.get_or_create(
            name=f"{SHELF}{number:02}", defaults={"kind": OrganisationKind.BANK, "district_id": "500157"}
        )
        bank, _ = Institution.objects.get_or_create(organisation=at, defaults={"example": True})
        Product.objects.bulk_create(
            (
                Product(
                    institution=bank,
                    name=f"示例产品 {index}",
                    mode=Mode.values[index % len(Mode.values)],
                    ip_kinds=["invention", "utility"],
                    amount_min=Decimal(100_000),
                    amount_max=Decimal(30_000_000),
                    term_min=6,
                    term_max=36,
                    rate_from=Decimal("3.2"),
                    requirements=conditions.validate(CONDITIONS[index % len(CONDITIONS)]),
                    summary="示例产品",
                    state=Product.State.PUBLISHED,
                    example=True,
                    updated_on=date(2026, 11, 1),
                )
                for index in range(PRODUCTS // INSTITUTIONS)
            ),
            ignore_conflicts=True,
        )


def unshelved() -> None:
    """The other lines find the portal as they left it: the shelf is not on offer between runs."""
    _all_to(Product.State.SUSPENDED)


def _all_to(state: str) -> None:
    """Past the guards of the states, which ask for a journal entry, as a superuser can."""
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        Product.objects.filter(institution__organisation__name__startswith=SHELF).update(state=state)
        cursor.execute("SET session_replication_role = DEFAULT")


def measure(rounds: int = ROUNDS) -> dict[str, Any]:
    """Seconds for one ranking, medians of interleaved calls, and the statements it sends."""
    of = world.people()
    shelf()
    _all_to(Product.State.PUBLISHED)
    try:
        return _measured(of, rounds)
    finally:
        unshelved()


def _measured(of: world.World, rounds: int) -> dict[str, Any]:
    today = local_date(moments.now())

    def ours() -> list[matching.Match]:
        firm = profile_of(of.enterprise_id, today=today)
        return matching.rank(amount=AMOUNT, term_months=MONTHS, kinds=KINDS, firm=firm)

    with CaptureQueriesContext(connection) as sent:
        found = ours()
    assert len(found) >= INSTITUTIONS, len(found)
    offered = Product.objects.published()
    judged = offered.fitting(amount=AMOUNT, term_months=MONTHS).count()
    assert judged >= PRODUCTS, judged
    sql, parameters = offered.order_by().values_list(*fit._COLUMNS).query.sql_with_params()

    def bare() -> None:
        with connection.connection.cursor() as cursor:
            cursor.execute(sql, parameters)
            cursor.fetchall()

    profile = matching.wished(profile_of(of.enterprise_id, today=today), amount=AMOUNT, term_months=MONTHS, kinds=KINDS)
    names = conditions.Names()

    def naive() -> None:
        products = list(offered.select_related("institution__organisation"))
        told = [(fit.assess(fit.terms_of(p), profile), p) for p in products]
        for judgement, _ in told:
            fit_words.lines(judgement, names)
        told.sort(key=lambda pair: pair[0].order)

    seconds = interleaved({"ours": ours, "limit": bare, "instances, all in words": naive}, rounds=rounds, warm=3)
    mine, limit = seconds.pop("ours"), seconds.pop("limit")
    return {
        "line": "B10",
        "ours": mine,
        "limit": limit,
        "peers": seconds,
        "unit": "s",
        "rows": judged,
        "statements": len(sent),
        "ratios": {
            "over reading the columns": round(mine / limit, 2),
            "instances to ours": round(seconds["instances, all in words"] / mine, 2),
        },
        "goal": f"≤ {LIMIT_MS} ms, ≤ {QUERIES} queries",
        "met": mine * 1000 <= LIMIT_MS and len(sent) <= QUERIES,
    }
