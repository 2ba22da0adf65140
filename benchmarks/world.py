"""The benchmark's own database and the few people and things that its lines act with. Made once, then reused."""

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import environ
import psycopg2
from django.core.management import call_command

DATABASE = "portal_bench"
BANKS = 5
PATENTS = 2


@dataclass(frozen=True, slots=True)
class Bank:
    """An institution with one officer and one product."""

    institution_id: int
    product_id: int
    officer_id: int  # user


@dataclass(frozen=True, slots=True)
class World:
    """Who acts: primary keys only, so that every contender loads what it needs itself."""

    enterprise_id: int
    ling_id: int  # user of the enterprise
    patent_ids: tuple[int, ...]
    banks: tuple[Bank, ...]


def prepare() -> None:
    """Create `portal_bench` on DATABASE_URL's server if it isn't there, and set Django up on it, migrated and with reference data."""
    where = environ.Env().db_url_config(os.environ["DATABASE_URL"])
    server = psycopg2.connect(
        dbname="postgres",
        user=where["USER"] or None,
        password=where["PASSWORD"] or None,
        host=where["HOST"] or None,
        port=where["PORT"] or None,
    )
    server.autocommit = True
    try:
        with server.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE])
            if cursor.fetchone() is None:
                cursor.execute(f'CREATE DATABASE "{DATABASE}"')
    finally:
        server.close()
    import django  # its settings need the database's name first

    os.environ["DJANGO_SETTINGS_MODULE"] = "benchmarks.settings"
    django.setup()
    call_command("migrate", verbosity=0)
    call_command("load_reference", stdout=io.StringIO())


@contextmanager
def commits(setting: str) -> Iterator[None]:
    """Every commit inside with this synchronous_commit, for all contenders alike, on one connection that is kept."""
    from django.db import connection

    kept = connection.settings_dict["CONN_MAX_AGE"]
    connection.close()
    connection.settings_dict["CONN_MAX_AGE"] = None
    try:
        with connection.cursor() as cursor:
            cursor.execute("SET synchronous_commit = %s", [setting])
        yield
    finally:
        connection.settings_dict["CONN_MAX_AGE"] = kept
        connection.close()


def people() -> World:
    """Ling with two patents, five banks with an officer and a product each."""
    from banks.models import Institution
    from portal.foundation.accounts.models import Membership, Organisation, OrganisationKind, Role, User
    from portal.foundation.assets.models import Patent
    from portal.foundation.core.identifiers import PatentKind, expiry_date
    from products.models import Mode, Product

    def organisation(kind: OrganisationKind, name: str) -> Organisation:
        made, _ = Organisation.objects.get_or_create(
            name=name, defaults={"kind": kind, "district_id": "500157", "industry_id": "C", "contact_name": "联系人"}
        )
        return made

    def person(username: str, name: str, role: Role, at: Organisation) -> User:
        user = User.objects.filter(username=username).first() or User.objects.create_user(username, name=name)
        Membership.objects.get_or_create(user=user, organisation=at, defaults={"role": role})
        return user

    enterprise = organisation(OrganisationKind.ENTERPRISE, "重庆示例计时有限公司")
    ling = person("bench_ling", "林示例", Role.ENTERPRISE, enterprise)
    filed = date(2020, 7, 21)
    patents = [
        Patent.objects.get_or_create(
            organisation=enterprise,
            number=number,
            defaults={
                "kind": PatentKind.INVENTION,
                "title": "一种示例装置",
                "patentee": enterprise.name,
                "filing_date": filed,
                "grant_date": date(2022, 6, 1),
                "expires_on": expiry_date(PatentKind.INVENTION, filed),
            },
        )[0]
        for number in ("2017106018623", "2015109587720")[:PATENTS]
    ]
    banks = []
    for index in range(1, BANKS + 1):
        at = organisation(OrganisationKind.BANK, f"示例计时银行{index}")
        institution, _ = Institution.objects.get_or_create(organisation=at, defaults={"example": True})
        product, _ = Product.objects.get_or_create(
            institution=institution,
            name="示例专利质押贷",
            defaults={
                "mode": Mode.PLEDGE,
                "ip_kinds": ["invention", "utility"],
                "amount_min": Decimal(100_000),
                "amount_max": Decimal(30_000_000),
                "term_max": 36,
                "summary": "示例产品",
                "state": Product.State.PUBLISHED,
                "example": True,
                "updated_on": date(2026, 11, 1),
            },
        )
        officer = person(f"bench_bo_{index}", f"薄示例{index}", Role.OFFICER, at)
        banks.append(Bank(institution.pk, product.pk, officer.pk))
    return World(enterprise.pk, ling.pk, tuple(p.pk for p in patents), tuple(banks))
