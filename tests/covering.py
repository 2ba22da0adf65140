"""A bank's case with a guarantee or an insurance at each stage of its life, made by the portal's own verbs."""

from datetime import date, timedelta
from decimal import Decimal

from applications.actions import cover_answers, covers, responses
from applications.cover_models import Cover
from applications.models import Application, Offer, Referral
from portal.foundation.core import moments
from products.models import EnterpriseTier, Product
from products.risk.schemes import fitting
from tests import factories
from tests.factories import Person

CONTACT = {"contact_name": "顾示例", "contact_phone": "023-67961234", "next_step": "明天上午核对资料"}
FAR = date(2099, 1, 1)


def listed(firm: Person, tier: str = "a") -> None:
    """The enterprise stands on a list of this tier."""
    day = moments.local_date(moments.now()) - timedelta(days=1)
    EnterpriseTier.objects.create(organisation=firm.organisation, tier=tier, valid_from=day, source="示例名单")


def claimed(enterprise: Person, officer: Person, product: Product, **wish: object) -> Referral:
    """A request this bank works on."""
    case = factories.application(enterprise, product, **wish)  # type: ignore[arg-type]
    referral = case.referrals.get(institution_id=officer.organisation.pk)
    responses.claim(referral.pk, **CONTACT, actor=officer.actor, now=moments.now())
    return referral


def offered(referral: Referral, officer: Person) -> Offer:
    case: Application = referral.application
    terms = responses.Terms(
        amount=case.amount, term_months=case.term_months, annual_rate=Decimal("3.45"), valid_until=FAR
    )
    return responses.offer(referral.pk, terms, actor=officer.actor, now=moments.now())


def asked(referral: Referral, by: Person, whom: Person, amount: int = 5_000_000) -> Cover:
    return covers.ask(
        referral.pk, institution_id=whom.organisation.pk, amount=Decimal(amount), actor=by.actor, now=moments.now()
    )


def terms_of(cover: Cover, by: Person, **changes: object) -> cover_answers.Terms:
    """Sound terms of this institution under the first scheme that fits."""
    now = moments.now()
    schemes, _ = fitting(cover.application.organisation, kind=by.organisation.kind, on=moments.local_date(now))
    given: dict[str, object] = {
        "scheme_id": schemes[0].pk, "amount": cover.amount, "valid_until": FAR, "conditions": "以银行放款为前提",
        "fee_rate": Decimal("0.8"), "premium": Decimal(18_000),
    }  # fmt: skip
    return cover_answers.Terms(**(given | changes))  # type: ignore[arg-type]


def with_terms(cover: Cover, by: Person, **changes: object) -> Cover:
    return cover_answers.set_terms(cover.pk, terms_of(cover, by, **changes), actor=by.actor, now=moments.now())


def committed(cover: Cover, by: Person, **changes: object) -> Cover:
    made = with_terms(cover, by, **changes)
    return cover_answers.commit(cover.pk, version=made.version, actor=by.actor, now=moments.now())
