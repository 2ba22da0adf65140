"""The rows of a submitted request in two statements instead of nine. No rule stands here: `submit` has decided everything.

A submission holds the day's number until it commits, so the fewer round trips between, the more of them fit into a second.
Every column is named: one that is added to a model without a database default fails the first test that submits.
"""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection

from applications.models import Application, Draft, Referral
from portal.foundation.assets.models import Patent
from portal.foundation.core.prepared import columns, instances
from portal.foundation.sla.models import Clock

_ASKED = (
    "number", "token", "organisation_id", "state", "amount", "term_months", "purpose", "purpose_note", "open_call",
    "contact_name", "contact_phone", "submitted_by_id", "submitted_at", "close_reason",
)  # fmt: skip

_CASE = f"""
WITH made AS (
    INSERT INTO applications_application ({", ".join(_ASKED)}, organisation_name, district_code, industry_letter)
    SELECT {", ".join(f"%({name})s" for name in _ASKED)}, name, coalesce(district_id, ''), coalesce(industry_id, '')
      FROM accounts_organisation WHERE id = %(organisation_id)s
    RETURNING *
), patents AS (
    INSERT INTO applications_applicationpatent (application_id, patent_id, number, kind, title, expires_on)
    SELECT made.id, p.* FROM made, unnest(%(ids)s::bigint[], %(numbers)s::text[], %(kinds)s::text[], %(titles)s::text[],
                                          %(ends)s::date[]) AS p
), papers AS (
    UPDATE applications_attachment SET application_id = made.id, draft_id = NULL FROM made WHERE draft_id = %(draft)s
), consumed AS (
    DELETE FROM applications_draft WHERE id = %(draft)s
)
SELECT {columns(Application)} FROM made
"""  # noqa: S608 — only constants are put together, every value is a parameter

_REFERRALS = f"""
WITH address AS (
    SELECT * FROM unnest(%(institutions)s::bigint[], %(products)s::bigint[], %(scores)s::smallint[], %(origins)s::text[],
                         %(refs)s::uuid[], %(subjects)s::text[])
             WITH ORDINALITY AS a (institution_id, product_id, score, origin, ref, subject, place)
), started AS (
    INSERT INTO sla_clock (kind, policy_id, organisation_id, case_number, subject, watchers, days, started_at, due_at,
                           provisional, stop_reason, excused, levels, moments, level, next_at)
    SELECT %(kind)s, %(policy)s, institution_id, %(number)s, subject,
           ARRAY[least(institution_id, %(enterprise)s), greatest(institution_id, %(enterprise)s)], %(days)s, %(now)s,
           %(due_at)s, %(provisional)s, '', false, %(levels)s, %(moments)s::timestamptz[], 0, %(next_at)s
      FROM address ORDER BY place
    RETURNING id, organisation_id
), agreed AS (
    INSERT INTO applications_consent (application_id, institution_id, granted_by, granted_at)
    SELECT %(application)s, institution_id, %(label)s, %(now)s FROM address ORDER BY place
    ON CONFLICT DO NOTHING
)
INSERT INTO applications_referral (ref, application_id, institution_id, product_id, origin, state, clock_id, score,
                                   contact_name, contact_phone, next_step, decline_code, decline_note, created_at)
SELECT a.ref, %(application)s, a.institution_id, a.product_id, a.origin, %(state)s, c.id, a.score, '', '', '', '', '', %(now)s
  FROM address a JOIN started c ON c.organisation_id = a.institution_id
 ORDER BY a.place
RETURNING {columns(Referral)}
"""  # noqa: S608


def insert_case(application: Application, patents: Sequence[Patent], *, draft: Draft) -> Application:
    """Save a new application (the enterprise's name and place are taken from its row) with its patents; the draft's papers
    become its own and the draft goes. Returns it as it is now in the database."""
    values: dict[str, Any] = {name: getattr(application, name) for name in _ASKED}
    values |= {
        "ids": [p.pk for p in patents],
        "numbers": [p.number for p in patents],
        "kinds": [p.kind for p in patents],
        "titles": [p.title for p in patents],
        "ends": [p.expires_on for p in patents],
        "draft": draft.pk,
    }
    with connection.cursor() as cursor:
        cursor.execute(_CASE, values)
        return instances(Application, cursor.fetchall())[0]


def subject(application: Application, institution_id: int) -> str:
    """What the clock of a request to one institution belongs to, in the words of clock and journal."""
    return f"referral:{application.number}:{institution_id}"


def insert_referrals(
    application: Application,
    addresses: Sequence[tuple[int, int | None, int, str]],
    *,
    like: Clock,
    label: str,
    now: datetime,
) -> list[Referral]:
    """Save a waiting referral with its consent and running clock for each (institution, product, score, origin).

    `like` is the clock prepared for one of them: all start under the same plan, and only whose it is differs. Returns the
    referrals as they are now in the database, in the order of the addresses.
    """
    institutions, products, scores, origins = (list(column) for column in zip(*addresses, strict=True))
    values: dict[str, Any] = {
        "institutions": institutions,
        "products": products,
        "scores": scores,
        "origins": origins,
        "refs": [str(uuid.uuid4()) for _ in addresses],
        "subjects": [subject(application, institution) for institution in institutions],
        "application": application.pk,
        "enterprise": application.organisation_id,
        "number": application.number,
        "state": Referral.State.WAITING.value,
        "label": label,
        "now": now,
        "kind": str(like.kind),
        "policy": like.policy_id,
        "days": like.days,
        "due_at": like.due_at,
        "provisional": like.provisional,
        "levels": like.levels,
        "moments": like.moments,
        "next_at": like.next_at,
    }
    with connection.cursor() as cursor:
        cursor.execute(_REFERRALS, values)
        return instances(Referral, cursor.fetchall())
