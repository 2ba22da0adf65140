"""One row a clock, as SQL: what happened to it, whose it was, where. The report and its drill-down read the same rows.

Hand-written because it carries percentiles and grouping sets over every clock of a period (docs: performance, the report).
"""

from datetime import datetime
from typing import Any

from portal.foundation.sla.models import Kind

from .measures import OUTCOME
from .scope import NO_DISTRICT, Scope

# Abolished districts count with their successor, however many reforms lie between.
ROLL_UP = """roll(code, top) AS (
    SELECT code, code FROM accounts_district WHERE successor_id IS NULL
    UNION ALL
    SELECT d.code, roll.top FROM accounts_district d JOIN roll ON d.successor_id = roll.code
)"""
DISTRICT = "coalesce(roll.top, nullif(a.district_code, ''), '-')"

_OWNER = {
    Kind.RESPONSE: """JOIN applications_referral r ON r.clock_id = c.id
      LEFT JOIN banks_institution i ON i.organisation_id = c.organisation_id""",
    Kind.REGISTRATION: "JOIN pledges_registration r ON r.clock_id = c.id",
    Kind.NEXT_LENDERS: "JOIN applications_nextround r ON r.clock_id = c.id",
    Kind.COVER: "JOIN applications_cover r ON r.clock_id = c.id",
    # Its row carries the request's key, so that what follows joins it as every other owner.
    Kind.AMENDMENT: """JOIN (SELECT m.*, g.application_id FROM pledges_matter m
      JOIN pledges_registration g ON g.id = m.registration_id) AS r ON r.clock_id = c.id""",
}
_OWN_COLUMNS = {
    Kind.RESPONSE: "coalesce(i.dispatcher, false) AS desk, r.state AS result, r.decline_code AS reason, 0 AS rounds, '' AS file",
    Kind.REGISTRATION: (
        "false AS desk, r.state AS result, r.refusal_ground AS reason, r.correction_rounds AS rounds, r.number AS file"
    ),
    Kind.NEXT_LENDERS: (
        "false AS desk, CASE WHEN EXISTS (SELECT FROM applications_nextlender n WHERE n.round_id = r.id AND n.taken_at IS NOT NULL)"
        " THEN 'taken' ELSE r.outcome END AS result, r.cause AS reason, 0 AS rounds, '' AS file"
    ),
    Kind.COVER: "false AS desk, r.state AS result, r.decline_code AS reason, 0 AS rounds, '' AS file",
    Kind.AMENDMENT: (
        "false AS desk, CASE WHEN r.state = 'approved' THEN r.kind ELSE r.state END AS result, r.refusal_ground AS reason,"
        " r.correction_rounds AS rounds, r.number AS file"
    ),
}


def fact(kind: Kind) -> str:
    """WITH RECURSIVE …, fact AS (…): the clocks of one promise that started in the scope; parameters from `parameters`."""
    return f"""WITH RECURSIVE {ROLL_UP}, fact AS (
    SELECT c.id, c.organisation_id, {DISTRICT} AS district,
           date_trunc('month', c.started_at AT TIME ZONE 'Asia/Shanghai')::date AS month,
           date_trunc('week', c.started_at AT TIME ZONE 'Asia/Shanghai')::date AS week,
           {OUTCOME} AS outcome, c.working_minutes, c.stop_reason, {_OWN_COLUMNS[kind]},
           a.number, c.started_at, c.due_at, c.stopped_at, c.paused_at, c.excused, c.provisional,
           CASE WHEN c.moments[1] < c.due_at THEN c.moments[1] END AS warn_at
      FROM sla_clock c {_OWNER[kind]}
      JOIN applications_application a ON a.id = r.application_id
      LEFT JOIN roll ON roll.code = a.district_code
     WHERE c.kind = %(kind)s AND c.started_at >= %(starts)s AND c.started_at < %(ends)s
       AND (%(institution)s::bigint IS NULL OR c.organisation_id = %(institution)s)
       AND (%(district)s::text IS NULL OR {DISTRICT} = %(district)s)
)"""  # noqa: S608 — constants of this file; whatever a person chose is a parameter


def parameters(scope: Scope, *, now: datetime) -> dict[str, Any]:
    """The parameters of `fact` (and `desk`, for those who filter by it)."""
    return {
        "kind": scope.kind.value,
        "starts": scope.starts,
        "ends": scope.ends,
        "now": now,
        "institution": scope.institution,
        "district": scope.district,
        "desk": scope.desk,
    }


__all__ = ["DISTRICT", "NO_DISTRICT", "ROLL_UP", "fact", "parameters"]
