"""The people and things of the tests, made as the portal itself would make them."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db import transaction
from django.test import Client

from applications.actions import drafts, submit
from applications.models import Application, Purpose
from banks.models import Institution
from portal.foundation.accounts.models import Membership, Organisation, OrganisationKind, Role, User
from portal.foundation.assets.models import Patent
from portal.foundation.core import moments
from portal.foundation.core.actor import Actor
from portal.foundation.core.identifiers import PatentKind, expiry_date
from products.actions.loading import adopt
from products.models import Mode, Product

# Real numbers with right check digits (docs: domain facts); titles are ours.
INVENTION, INVENTION_2, UTILITY, DESIGN = "2017106018623", "2015109587720", "2023228654133", "2013304968751"
USCC = {"enterprise": "91500000202869177Y", "stranger": "9150000020286320X6", "bank": "91500000676129728J"}


@dataclass
class Person:
    """Somebody in one chair, with a browser of their own."""

    user: User
    membership: Membership
    client: Client

    @property
    def actor(self) -> Actor:
        return self.membership.actor

    @property
    def organisation(self) -> Organisation:
        return self.membership.organisation


def organisation(
    kind: OrganisationKind, name: str, *, uscc: str | None = None, district: str = "500157"
) -> Organisation:
    made = Organisation.objects.create(
        kind=kind,
        name=name,
        uscc=uscc,
        district_id=district,
        industry_id="C",
        contact_name="联系人",
        contact_phone="13800000000",
    )
    if kind in (OrganisationKind.BANK, OrganisationKind.GUARANTOR, OrganisationKind.INSURER):
        Institution.objects.create(organisation=made, example=True, service_phone="023-00000000")
    return made


def person(username: str, name: str, role: Role, at: Organisation) -> Person:
    user = User.objects.create_user(username, password="Demo-2026-portal", name=name, phone="13800000000")
    client = Client()
    client.force_login(user)
    return Person(user, Membership.objects.create(user=user, organisation=at, role=role), client)


def patent(
    of: Organisation,
    number: str = INVENTION,
    *,
    kind: PatentKind = PatentKind.INVENTION,
    filed: date = date(2017, 7, 21),
) -> Patent:
    return Patent.objects.create(
        organisation=of,
        number=number,
        kind=kind,
        title="示例专利",
        patentee=of.name,
        filing_date=filed,
        grant_date=date(filed.year + 2, 6, 1),
        expires_on=expiry_date(kind, filed),
        fee_paid_until=date(2028, 12, 31),
        checked_on=date(2026, 11, 1),
    )


def product(of: Organisation, name: str = "示例专利质押贷", **facts: object) -> Product:
    fields: dict[str, object] = {
        "mode": Mode.PLEDGE,
        "ip_kinds": ["invention", "utility"],
        "amount_min": Decimal(100_000),
        "amount_max": Decimal(30_000_000),
        "term_max": 36,
        "summary": "示例产品",
        "state": Product.State.PUBLISHED,
        "example": True,
        "updated_on": date(2026, 11, 1),
        **facts,
    }
    made = Product(institution=of.institution, name=name, **fields)
    made.save(force_insert=True)
    if made.state == Product.State.PUBLISHED:
        with transaction.atomic():
            adopt(made, now=moments.now())
    return made


def application(
    by: Person, *products: Product, patents: list[Patent] | None = None, open_call: bool = False, **wish: object
) -> Application:
    """A submitted request of this person to the institutions of these products, submitted now."""
    now = moments.now()
    chosen = patents or list(by.organisation.patents.all()) or [patent(by.organisation)]
    draft = drafts.start(actor=by.actor, now=now)
    fields: dict[str, object] = {
        "amount": Decimal(8_000_000),
        "term_months": 24,
        "purpose": Purpose.WORKING_CAPITAL,
        **wish,
    }
    return submit.submit(
        draft.pk,
        submit.Wish(
            contact_name="林示例",
            contact_phone="13800000000",
            patent_ids=[p.pk for p in chosen],
            product_ids=[p.pk for p in products],
            open_call=open_call,
            **fields,  # type: ignore[arg-type]
        ),
        actor=by.actor,
        now=now,
    )
