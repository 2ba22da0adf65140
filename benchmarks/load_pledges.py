"""A million registered pledges in the portal's own tables, for the encumbrance search (B11).

One registration for each request that benchmarks/load.py made (a request has at most one live registration), every third with
two patents; a tenth is over, and its patent was pledged before. Columns not named here are copied from one registration that
the ORM made, so that a new column needs no change of this file. Everything happens inside PostgreSQL.
"""

import os
import time
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection, transaction

from benchmarks import load as requests
from benchmarks import world
from portal.foundation.core import moments

TABLES = ("pledges_registration", "pledges_pledgedpatent")
PLEDGORS, PLEDGEES = 20_000, 30
ROWS = int(os.environ.get("BENCH_PLEDGES", "1000000"))  # fewer to try the lines out
MARK = "L5"  # numbers of loaded registrations begin with it


@dataclass(frozen=True, slots=True)
class Load:
    """What was loaded and at what price; `giant_code` is the USCC of the pledgee with most pledges."""

    registrations: int
    rows: int  # 0 when everything was there already
    seconds: float
    giant_code: str


def number_of(i: int) -> str:
    """The patent of registration i: 13 characters, as the loader writes them."""
    return f"20191{i:07d}0"


# A bank's share falls with its place: the first of thirty has about an eighth of everything.
_FIRMS = """
SELECT array_agg(id ORDER BY id) FROM (
    SELECT id FROM accounts_organisation WHERE name LIKE '重庆示例装载%%' ORDER BY id LIMIT %s) firms
"""
_REGISTRATIONS = """
INSERT INTO pledges_registration ({columns})
SELECT {values} FROM (
    SELECT i, u, %(now)s::timestamptz - make_interval(mins => (%(rows)s - i)::int) AS at
      FROM (SELECT i, (hashint8extended(i, 5) & 2147483647) / 2147483648.0 AS u
              FROM generate_series(1, %(rows)s) i) thrown
) made, pledges_registration t WHERE t.id = %(template)s
"""
_PATENTS = """
INSERT INTO pledges_pledgedpatent ({columns})
SELECT {values} FROM (
    -- its own patent; every third has a second one; a tenth pledges once more what its neighbour's first pledge was
    SELECT i, '20191' || lpad(i::text, 7, '0') || '0' AS number, i %% 10 = 0 AS over FROM generate_series(1, %(rows)s) i
    UNION ALL
    SELECT i, '20192' || lpad(i::text, 7, '0') || '0', i %% 10 = 0 FROM generate_series(3, %(rows)s, 3) i
    UNION ALL
    SELECT i, '20191' || lpad((i + 1)::text, 7, '0') || '0', true FROM generate_series(10, %(rows)s - 1, 10) i
) p JOIN pledges_registration r ON r.number = '{mark}' || lpad(p.i::text, 9, '0'), pledges_pledgedpatent t
WHERE t.id = %(template)s
"""


def load(rows: int) -> Load:
    """Load that many registrations unless as many are there. Only for a database of the benchmark's own."""
    requests.load(rows)
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        cursor.execute("SELECT count(*) FROM pledges_registration WHERE number LIKE %s", [f"{MARK}%"])
        there = cursor.fetchone()[0]
        cursor.execute("RESET statement_timeout")
    giant = _giant()
    if there == rows:
        return Load(rows, 0, 0.0, giant)
    if there:
        raise RuntimeError(f"{there} registrations are loaded, {rows} are wanted: drop the database first")
    start = time.perf_counter()
    written = _write(rows)
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        for table in TABLES:
            cursor.execute(f"VACUUM (ANALYZE) {table}")
        cursor.execute("RESET statement_timeout")
    return Load(rows, written, time.perf_counter() - start, giant)


def _giant() -> str:
    from portal.foundation.accounts.models import Organisation

    bank = Organisation.objects.get(pk=requests._institutions()[0][0])
    if not bank.uscc:
        bank.uscc = "91500000202869177Y"
        bank.save(update_fields=["uscc"])
    return str(bank.uscc)


def _write(rows: int) -> int:
    banks = [at for at, _ in requests._institutions()]
    template, patent = _templates()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute("SET LOCAL maintenance_work_mem = '512MB'")
        cursor.execute("SET LOCAL work_mem = '256MB'")
        cursor.execute("SET LOCAL session_replication_role = replica")  # foreign keys hold by construction
        cursor.execute(_FIRMS, [PLEDGORS])
        firms = cursor.fetchone()[0]
        cursor.execute(
            "SELECT min(id) FROM applications_application WHERE id IN (SELECT id FROM sla_clock WHERE subject LIKE 'load:%%')"
        )
        first = cursor.fetchone()[0]
        given = {
            "rows": rows,
            "now": moments.now(),
            "template": template,
            "banks": banks,
            "firms": firms,
            "first": first,
        }
        registration = {
            "number": f"'{MARK}' || lpad(i::text, 9, '0')",
            "application_id": "%(first)s + i - 1",
            "state": "'registered'",
            "pledgor_id": "(%(firms)s::bigint[])[1 + i %% cardinality(%(firms)s::bigint[])]",
            "pledgee_id": "(%(banks)s::bigint[])[1 + floor(u * u * 30)::int]",
            "created_at": "at", "submitted_at": "at", "decided_at": "at",
            "clock_id": "NULL", "national_number": "''",
        }  # fmt: skip
        dropped = _drop_indexes(cursor)
        written = _insert(cursor, TABLES[0], _REGISTRATIONS, registration, given)
        cursor.execute(dropped.pop("by number"))
        pledged = {
            "registration_id": "r.id",
            "number": "p.number",
            "effective": "CASE WHEN over THEN tstzrange(r.decided_at - interval '2 years', r.decided_at - interval '1 year') "
            "ELSE tstzrange(r.decided_at, NULL) END",
        }
        written += _insert(cursor, TABLES[1], _PATENTS.replace("{mark}", MARK), pledged, given | {"template": patent})
        for definition in dropped.values():
            cursor.execute(definition)
        for table in TABLES:
            cursor.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), max(id)) FROM {table}")
    return written


def _insert(cursor: Any, table: str, statement: str, given_columns: dict[str, str], given: dict[str, Any]) -> int:
    """Columns that are not given are those of the template row `t`."""
    cursor.execute(
        "SELECT column_name FROM information_schema.columns WHERE table_name = %s AND column_name <> 'id'", [table]
    )
    names = [name for (name,) in cursor.fetchall()]
    values = ", ".join(given_columns.get(name, f't."{name}"') for name in names)
    columns = ", ".join(f'"{name}"' for name in names)
    cursor.execute(statement.replace("{columns}", columns).replace("{values}", values), given)
    return int(cursor.rowcount)


def _drop_indexes(cursor: Any) -> dict[str, str]:
    """Drop what would be kept up row by row; how to make each again. The exclusion constraint is one of them."""
    again: dict[str, str] = {}
    cursor.execute(
        "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint "
        "WHERE conrelid = ANY(%s::regclass[]) AND contype IN ('u', 'x')",
        [list(TABLES)],
    )
    for table, name, definition in cursor.fetchall():
        cursor.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"')
        key = "by number" if (table, definition) == (TABLES[0], "UNIQUE (number)") else name
        again[key] = f'ALTER TABLE {table} ADD CONSTRAINT "{name}" {definition}'
    cursor.execute(
        "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = ANY(%s) AND schemaname = 'public' "
        "AND indexname NOT IN (SELECT conname FROM pg_constraint)",
        [list(TABLES)],
    )
    for name, definition in cursor.fetchall():
        cursor.execute(f'DROP INDEX "{name}"')
        again[name] = definition
    return again


def _templates() -> tuple[int, int]:
    """One withdrawn registration with one patent, made by the ORM: whatever a column's default is, it has it."""
    from applications.models import Application, Offer, Referral
    from pledges.models import PledgedPatent, Registration
    from portal.foundation.accounts.models import Organisation, OrganisationKind
    from portal.foundation.assets.models import Patent

    people, now = world.people(), moments.now()
    found = Registration.objects.filter(number="X5-TEMPLATE").first()
    if found is not None:
        return found.pk, found.patents.get().pk
    referral = Referral.objects.select_related("application").order_by("pk")[0]
    application: Application = referral.application
    offer = Offer.objects.filter(referral=referral).first() or Offer.objects.create(
        referral=referral,
        amount=Decimal(8_000_000),
        term_months=24,
        valid_until=date(2099, 1, 1),
        made_by="薄示例",
        made_at=now,
    )
    office, _ = Organisation.objects.get_or_create(
        name="示例装载登记处", defaults={"kind": OrganisationKind.IP_OFFICE, "district_id": "500157"}
    )
    bank = Organisation.objects.get(pk=people.banks[0].institution_id)
    enterprise = Organisation.objects.get(pk=people.enterprise_id)
    made = Registration(
        number="X5-TEMPLATE", application=application, offer=offer, pledgor=enterprise, pledgee=bank, office=office,
        started_by_org=bank, debtor_name=enterprise.name, debt_amount=Decimal(8_000_000), created_at=now,
        debt_from=now.date(), debt_to=now.date() + timedelta(days=700),
    )  # fmt: skip
    made.withdraw(by="装载", now=now)
    made.save(force_insert=True)
    patent = Patent.objects.get(pk=people.patent_ids[0])
    row = PledgedPatent.objects.create(
        registration=made, patent=patent, number=patent.number, kind=patent.kind, title=patent.title,
        filing_date=patent.filing_date, grant_date=patent.grant_date, expires_on=patent.expires_on,
    )  # fmt: skip
    return made.pk, row.pk
