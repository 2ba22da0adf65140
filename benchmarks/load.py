"""Many requests at once, straight into the portal's own tables: seeded, realistic in shape, one referral each.

Thirty institutions and a strong skew. The giant has 60 % of all requests waiting, so that its desk has a page 10,000 when a
million are loaded; the large one has a tenth of that, for the question whether a desk gets slower as its pile grows. The rest
are spread over all thirty in every state. Nine of ten waiting requests fall due in the next three days, so most share their
due moment with a great many others. Everything happens inside PostgreSQL; secondary indexes are built afterwards.
"""

import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from portal.foundation.core import moments

SEED = 20261123
INSTITUTIONS = 30
TABLES = (
    "sla_clock",
    "applications_application",
    "applications_referral",
    "applications_consent",
    "applications_applicationpatent",
)


@dataclass(frozen=True, slots=True)
class Load:
    """What was loaded: the two desks to look at (institution and its officer's user), and at what price."""

    giant_id: int
    giant_officer_id: int
    large_id: int
    large_officer_id: int
    requests: int
    rows: int  # over all tables; 0 when everything was there already
    seconds: float


# u(i, n): an even number in [0, 1) that depends on the request, on which throw it is, and on the seed only.
_THROW = """
CREATE FUNCTION pg_temp.u(i bigint, n int) RETURNS float8 LANGUAGE sql IMMUTABLE AS
$$ SELECT (hashint8extended(i, %(seed)s + n) & 2147483647) / 2147483648.0 $$
"""
# The check letter of a case number, as core.numbering.check_letter: weights 2, 3, 4 … from the left.
_LETTER = """
CREATE FUNCTION pg_temp.letter(day int, serial int) RETURNS text LANGUAGE sql IMMUTABLE AS
$$ SELECT substr('ABCDEFGHJKLMNPQRSTUVWXYZ', ((2 * 34 + 3 * 35 + 4 * 13
     + 5 * (day / 10000000 % 10) + 6 * (day / 1000000 % 10) + 7 * (day / 100000 % 10) + 8 * (day / 10000 % 10)
     + 9 * (day / 1000 % 10) + 10 * (day / 100 % 10) + 11 * (day / 10 % 10) + 12 * (day % 10)
     + 13 * (serial / 1000000 % 10) + 14 * (serial / 100000 % 10) + 15 * (serial / 10000 % 10)
     + 16 * (serial / 1000 % 10) + 17 * (serial / 100 % 10) + 18 * (serial / 10 % 10) + 19 * (serial % 10)) % 23) + 1, 1) $$
"""
_FIRMS = """
WITH made AS (
    INSERT INTO accounts_organisation (kind, name, short_name, sort_key, uscc, district_id, industry_id, address,
                                       contact_name, contact_phone, active, tiers, created_at)
    SELECT 'enterprise', '重庆示例装载' || lpad(f::text, 6, '0') || '有限公司', '', 'chongqingshili' || f, NULL,
           (%(districts)s::text[])[1 + floor(pg_temp.u(f, 50) * %(places)s)::int], 'C', '', '林示例', '13800000000', true, '{}', %(now)s
      FROM generate_series(1, %(firms)s) f
    RETURNING id
), numbered AS (SELECT id, row_number() OVER (ORDER BY id) AS f FROM made)
INSERT INTO assets_patent (organisation_id, number, kind, title, patentee, filing_date, grant_date, expires_on, expiry_note,
                           status, preserved, invalidation_pending, same_day_twin)
SELECT id, '2019' || (1 + f %% 2) || lpad(f::text, 7, '0') || '0', CASE WHEN f %% 2 = 0 THEN 'invention' ELSE 'utility' END,
       '一种示例装置', '重庆示例装载有限公司', '2019-03-01', '2021-03-01',
       CASE WHEN f %% 2 = 0 THEN date '2039-03-01' ELSE date '2029-03-01' END, '', 'granted', false, false, ''
  FROM numbered
"""
_PLAN = """
CREATE TEMP TABLE plan ON COMMIT DROP AS
WITH firm AS (SELECT p.organisation_id, p.id AS patent, p.number, p.kind, o.district_id,
                     row_number() OVER (ORDER BY p.id) - 1 AS f
                FROM assets_patent p JOIN accounts_organisation o ON o.id = p.organisation_id
               WHERE o.name LIKE '重庆示例装载%%'),
thrown AS (
    SELECT i, pg_temp.u(i, 1) AS share, pg_temp.u(i, 2) AS which, pg_temp.u(i, 3) AS state, pg_temp.u(i, 4) AS late,
           pg_temp.u(i, 5) AS moment, pg_temp.u(i, 6) AS amount
      FROM generate_series(1, %(requests)s) i
), placed AS (
    SELECT i, late, moment, amount,
           (%(institutions)s::bigint[])[CASE WHEN share < 0.6 THEN 1 WHEN share < 0.66 THEN 2
                                             ELSE 1 + floor(which * which * %(count)s)::int END] AS institution,
           CASE WHEN share < 0.66 OR state < 0.04 THEN 'waiting' WHEN state < 0.19 THEN 'claimed' WHEN state < 0.25 THEN 'info'
                WHEN state < 0.35 THEN 'offered' WHEN state < 0.40 THEN 'accepted' WHEN state < 0.65 THEN 'declined'
                WHEN state < 0.90 THEN 'not_selected' ELSE 'withdrawn' END AS state
      FROM thrown
), due AS (
    SELECT *, (%(midnight)s::timestamptz + CASE
                WHEN state = 'waiting' AND late < 0.9 THEN make_interval(days => 1 + floor(moment * 3)::int)
                WHEN state = 'waiting' THEN make_interval(days => -floor(moment * 57)::int)
                ELSE make_interval(days => -floor(moment * 360)::int) END) AS due_at
      FROM placed
)
SELECT i + %(first)s AS id, i, institution, state, late, firm.organisation_id, firm.patent, firm.number, firm.kind,
       firm.district_id, due_at, due_at - interval '3 days' + make_interval(secs => floor(amount * 40000)) AS started_at,
       (10 + floor(amount * amount * 2990)) * 10000 AS amount, 6 * (1 + floor(late * 6))::int AS term
  FROM due JOIN firm ON firm.f = i %% %(firms)s
"""
_ROWS = {
    "sla_clock": """
INSERT INTO sla_clock (id, kind, policy_id, organisation_id, case_number, subject, watchers, days, started_at, due_at,
                       provisional, stopped_at, stop_reason, excused, working_minutes, levels, moments, level, next_at)
SELECT id, 'response', %(policy)s, institution, 'L' || id, 'load:' || id, ARRAY[institution, organisation_id], 2, started_at,
       due_at, false, stopped_at, CASE WHEN stopped_at IS NULL THEN '' ELSE state END, state = 'withdrawn',
       CASE WHEN stopped_at IS NOT NULL THEN 60 + floor(late * 900)::int END,
       ARRAY['due_soon', 'overdue'], ARRAY[due_at - interval '10 hours', due_at],
       0, CASE WHEN stopped_at IS NULL AND due_at > %(now)s THEN due_at END
  FROM (SELECT *, CASE WHEN state <> 'waiting'
                       THEN started_at + make_interval(hours => 1 + floor(CASE WHEN late < 0.9 THEN late * 30 ELSE 80 END)::int)
                  END AS stopped_at FROM plan) p""",
    "applications_application": """
INSERT INTO applications_application (id, number, token, organisation_id, organisation_name, district_code, industry_letter, state,
       amount, term_months, purpose, purpose_note, open_call, contact_name, contact_phone, submitted_by_id, submitted_at,
       close_reason)
SELECT p.id, 'YZD' || day || lpad(i::text, 7, '0') || pg_temp.letter(day::int, i), gen_random_uuid(), organisation_id,
       '重庆示例装载' || lpad((i %% %(firms)s + 1)::text, 6, '0') || '有限公司', district_id, 'C',
       CASE state WHEN 'accepted' THEN 'accepted' WHEN 'not_selected' THEN 'accepted' WHEN 'withdrawn' THEN 'withdrawn'
                  ELSE 'open' END,
       amount, term, 'working_capital', '', i %% 10 = 0, '林示例', '13800000000', %(person)s, started_at, ''
  FROM (SELECT *, to_char(started_at AT TIME ZONE 'Asia/Shanghai', 'YYYYMMDD') AS day FROM plan) p""",
    "applications_referral": """
INSERT INTO applications_referral (id, ref, application_id, institution_id, origin, state, clock_id, score, contact_name,
       contact_phone, next_step, decline_code, decline_note, created_at, responded_at, due_at)
SELECT id, gen_random_uuid(), id, institution, CASE WHEN i %% 10 = 0 THEN 'open_call' ELSE 'chosen' END, state, id,
       CASE WHEN i %% 10 = 0 THEN 60 + i %% 40 ELSE 0 END,
       CASE WHEN state = 'waiting' THEN '' ELSE '薄示例' END, CASE WHEN state = 'waiting' THEN '' ELSE '023-67961234' END,
       CASE WHEN state = 'waiting' THEN '' ELSE '上门尽调' END, CASE WHEN state = 'declined' THEN 'amount' ELSE '' END, '',
       started_at, CASE WHEN state <> 'waiting' THEN started_at + interval '5 hours' END, due_at
  FROM plan""",
    "applications_consent": """
INSERT INTO applications_consent (id, application_id, institution_id, granted_by, granted_at, revoked_at)
SELECT id, id, institution, '林示例', started_at, CASE WHEN state = 'withdrawn' THEN started_at + interval '6 hours' END
  FROM plan""",
    "applications_applicationpatent": """
INSERT INTO applications_applicationpatent (id, application_id, patent_id, number, kind, title, expires_on)
SELECT id, id, patent, number, kind, '一种示例装置', CASE WHEN kind = 'invention' THEN date '2039-03-01' ELSE date '2029-03-01' END
  FROM plan""",
}


def load(requests: int) -> Load:
    """Load that many requests unless as many are there; returns where to look. Only for a database of the benchmark's own."""
    name = str(connection.settings_dict["NAME"])
    if "bench" not in name:
        raise RuntimeError(f"benchmark rows do not belong into {name!r}: use a database with «bench» in its name")
    now = moments.now()
    desks = _institutions()
    there = _one("SELECT count(*) FROM sla_clock WHERE subject LIKE 'load:%%'")
    rows, seconds = 0, 0.0
    if there < requests:
        if there:
            raise RuntimeError(f"{there} requests are loaded, {requests} are wanted: drop {name} first")
        start = time.perf_counter()
        rows = _load(requests, [institution for institution, _ in desks], desks[0][1], now)
        seconds = time.perf_counter() - start
        _vacuum()
    return Load(desks[0][0], desks[0][1], desks[1][0], desks[1][1], max(requests, there), rows, seconds)


def _one(sql: str, *given: object) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(sql, given or None)
        return cursor.fetchone()[0]


def _institutions() -> list[tuple[int, int]]:
    """Thirty institutions with one officer each; made once."""
    from banks.models import Institution
    from portal.foundation.accounts.models import Membership, Organisation, OrganisationKind, Role, User

    made = []
    for i in range(1, INSTITUTIONS + 1):
        kind = OrganisationKind.BANK if i <= 24 else OrganisationKind.GUARANTOR if i <= 28 else OrganisationKind.INSURER
        at, _ = Organisation.objects.get_or_create(
            name=f"示例装载机构{i:02d}", defaults={"kind": kind, "district_id": "500157"}
        )
        Institution.objects.get_or_create(organisation=at, defaults={"example": True})
        user = User.objects.filter(username=f"load_bo_{i}").first() or User.objects.create_user(
            f"load_bo_{i}", name=f"薄示例{i}"
        )
        Membership.objects.get_or_create(user=user, organisation=at, defaults={"role": Role.OFFICER})
        made.append((at.pk, user.pk))
    return made


def _load(requests: int, institutions: list[int], person: int, now: datetime) -> int:
    from portal.foundation.accounts.models import District
    from portal.foundation.sla.models import Kind, Policy

    districts = list(District.objects.filter(current=True).values_list("code", flat=True))
    first = max(_one(f"SELECT coalesce(max(id), 0) FROM {table}") for table in TABLES)
    given = {
        "seed": SEED,
        "now": now,
        "midnight": moments.midnight_after(moments.local_date(now)),
        "requests": requests,
        "firms": max(min(20_000, requests // 20), 1),
        "districts": districts,
        "places": len(districts),
        "institutions": institutions,
        "count": INSTITUTIONS,
        "first": first,
        "policy": Policy.objects.in_force(Kind.RESPONSE, at=now).pk,
        "person": person,
    }
    total = 0
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute("SET LOCAL maintenance_work_mem = '512MB'")
        cursor.execute("SET LOCAL work_mem = '256MB'")
        cursor.execute("SELECT usesuper FROM pg_user WHERE usename = current_user")
        if cursor.fetchone()[0]:
            cursor.execute("SET LOCAL session_replication_role = replica")  # foreign keys hold by construction
        cursor.execute(_THROW % given)
        cursor.execute(_LETTER)
        cursor.execute(_FIRMS, given)
        total += cursor.rowcount * 2
        cursor.execute(_PLAN, given)
        cursor.execute(
            "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = ANY(%s) AND schemaname = 'public' "
            "AND indexname NOT IN (SELECT conname FROM pg_constraint)",
            [list(TABLES)],
        )
        indexes = cursor.fetchall()
        for name, _ in indexes:
            cursor.execute(f'DROP INDEX "{name}"')
        for table, sql in _ROWS.items():
            cursor.execute(sql, given)
            total += cursor.rowcount
            cursor.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), max(id)) FROM {table}")
        for _, definition in indexes:
            cursor.execute(definition)
    return total


def _vacuum() -> None:
    """Visibility map and statistics, as autovacuum would leave them."""
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        for table in (*TABLES, "accounts_organisation", "assets_patent"):
            cursor.execute(f"VACUUM (ANALYZE) {table}")
        cursor.execute("RESET statement_timeout")
