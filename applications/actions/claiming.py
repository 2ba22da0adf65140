"""The hot verbs of an institution: claim this one, take the next one, take these. One statement each.

The states a verb may start from are read from the state machine's declaration, never written twice. The statement touches
referral → clock in the house's lock order and needs no lock on the application: a withdrawal or a choice by the enterprise
locks the referral too, so whoever comes second waits and finds the state changed (PostgreSQL re-evaluates the WHERE).
Nothing changed → the row is read again and the rules say why, in a sentence.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import OperationalError, connection

from applications import rules
from applications.models import Referral
from portal.foundation.core import logs
from portal.foundation.core.actor import Actor
from portal.foundation.core.db import sources
from portal.foundation.core.errors import Busy, Invalid, WrongState
from portal.foundation.core.failpoints import failpoint
from portal.foundation.sla.workdays import CLOSES, OPENS

_NAMES = [field.attname for field in Referral._meta.concrete_fields]
_COLUMNS = ", ".join(str(field.column) for field in Referral._meta.concrete_fields)
CLAIMABLE = sources(Referral.claim)
LONGEST = {"contact_name": 40, "contact_phone": 20, "next_step": 300}  # characters, as the columns

# Office minutes up to a moment, in exact microseconds, as workdays.WorkCalendar counts them (tests compare the two).
_WORKED = """
    SELECT (CASE WHEN d.works THEN d.rank - 1 ELSE d.rank END) * extract(epoch FROM %(closes)s::time - %(opens)s::time)
         + CASE WHEN d.works THEN extract(epoch FROM greatest(least((m AT TIME ZONE 'Asia/Shanghai')::time, %(closes)s::time)
                                                     - %(opens)s::time, interval '0')) ELSE 0 END
      FROM sla_calendarday d WHERE d.day = (m AT TIME ZONE 'Asia/Shanghai')::date
"""
_STARTED, _ENDED = _WORKED.replace("m AT", "c.started_at AT"), _WORKED.replace("m AT", "%(now)s::timestamptz AT")

# facts.stopped in SQL (a test compares the two); NULL when there was no clock to stop.
_FACT = """
    CASE WHEN s.id IS NOT NULL THEN jsonb_build_array(jsonb_build_object(
        'did', 'stopped', 'clock', s.id, 'kind', s.kind, 'subject', s.subject, 'organisation', s.organisation_id,
        'at', s.stopped_at, 'started_at', s.started_at, 'due_at', s.due_at, 'provisional', s.provisional,
        'reason', s.stop_reason, 'excused', s.excused, 'working_minutes', s.working_minutes)) END
"""

# Always true: the outbox row, written by a trigger after the statement, takes the request's number from there.
_ASKED = "set_config('portal.request_id', %(request)s, true) IS NOT NULL"

_CLAIM = f"""
WITH claimed AS (
    UPDATE applications_referral r
       SET state = %(target)s, officer_id = %(officer)s, responded_at = %(now)s,
           contact_name = %(contact_name)s, contact_phone = %(contact_phone)s, next_step = %(next_step)s
     WHERE r.id = %(id)s AND r.institution_id = %(institution)s AND r.state = ANY(%(sources)s)
    RETURNING r.*
), stopped AS (
    UPDATE sla_clock c
       SET stopped_at = %(now)s, next_at = NULL, stop_reason = 'claimed', excused = false,
           working_minutes = greatest(div(({_ENDED}) - ({_STARTED}), 60), 0)
      FROM claimed
     WHERE c.id = claimed.clock_id AND c.stopped_at IS NULL
    RETURNING c.*
), told AS (
    INSERT INTO journal_entry (at, verb, actor_id, actor_label, organisation_id, subject, case_number, text, data, parties)
    SELECT %(now)s, 'referral.claimed', %(officer)s, %(label)s, %(institution)s, 'referral:' || claimed.id, a.number,
           %(text)s, jsonb_build_object('institution', claimed.institution_id, 'referral', claimed.ref::text,
                                        'clocks', coalesce({_FACT}, '[]'::jsonb)),
           ARRAY[least(a.organisation_id, claimed.institution_id), greatest(a.organisation_id, claimed.institution_id)]
      FROM claimed JOIN applications_application a ON a.id = claimed.application_id LEFT JOIN stopped s ON true
)
SELECT {_COLUMNS} FROM claimed WHERE {_ASKED}
"""  # noqa: S608 — only constants are put together, every value is a parameter

_ASSIGNED = """
UPDATE applications_referral r SET officer_id = %(officer)s
  FROM picked WHERE r.id = picked.id
RETURNING r.*
"""
_TOLD = """
INSERT INTO journal_entry (at, verb, actor_id, actor_label, organisation_id, subject, case_number, text, data, parties)
SELECT %(now)s, 'referral.assigned', %(officer)s, %(label)s, %(institution)s, 'referral:' || taken.id, a.number,
       %(text)s, jsonb_build_object('officer', %(officer)s::bigint, 'referral', taken.ref::text),
       ARRAY[%(institution)s::bigint]
  FROM taken JOIN applications_application a ON a.id = taken.application_id
"""
_NEXT = f"""
WITH picked AS (
    SELECT r.id
      FROM applications_referral r
     WHERE r.institution_id = %(institution)s AND r.officer_id IS NULL AND r.state = ANY(%(sources)s)
     ORDER BY r.due_at, r.id
     LIMIT 1
       FOR NO KEY UPDATE OF r SKIP LOCKED
), taken AS ({_ASSIGNED}), told AS ({_TOLD})
SELECT {_COLUMNS} FROM taken WHERE {_ASKED}
"""  # noqa: S608
_TAKE = f"""
WITH picked AS (
    SELECT r.id
      FROM applications_referral r
     WHERE r.id = ANY(%(ids)s) AND r.institution_id = %(institution)s AND r.officer_id IS NULL
       AND r.state = ANY(%(sources)s)
     ORDER BY r.id
       FOR NO KEY UPDATE OF r SKIP LOCKED
), taken AS ({_ASSIGNED}), told AS ({_TOLD})
SELECT {_COLUMNS} FROM taken WHERE {_ASKED}
"""  # noqa: S608


def claim_this(
    referral_id: int, *, contact_name: str, contact_phone: str, next_step: str, actor: Actor, now: datetime
) -> Referral:
    """接单 with contact and next step: the first substantive reply, so the clock stops.

    Raises WrongState when a colleague or the enterprise was first, Forbidden for anybody else's, Invalid with field
    sentences when the contact is incomplete, Referral.DoesNotExist, Busy when the row is held too long.
    """
    given = {"contact_name": contact_name, "contact_phone": contact_phone, "next_step": next_step}
    given = {name: value.strip() for name, value in given.items()}
    wrong = contact_errors(**given)
    if wrong or actor.role not in rules.ANSWERING:
        rules.can_claim(actor, _read(referral_id)).require()
        require_contact(**given)
    failpoint("claim.before")
    claimed = _changed(
        _CLAIM,
        {
            **given,
            **_who(actor, now),
            "id": referral_id,
            "target": Referral.State.CLAIMED.value,
            "text": f"{actor.organisation_name} 已接单：{given['next_step']}",
            "opens": OPENS,
            "closes": CLOSES,
        },
    )
    failpoint("claim.committed")
    if claimed:
        return claimed[0]
    rules.can_claim(actor, _read(referral_id)).require()
    raise WrongState("changed", "这一件刚刚有变化，请刷新后再办理。")


def next_for_me(*, actor: Actor, now: datetime) -> Referral | None:
    """The most urgent waiting referral nobody has taken becomes mine; None when there is none. Not a response: the clock runs on.

    Officers who ask at the same moment get different ones (SKIP LOCKED).
    """
    rules.can_take(actor).require()
    mine = _changed(_NEXT, _who(actor, now) | {"text": f"{actor.name} 领取，尚未响应"})
    failpoint("take.committed")
    return next(iter(mine), None)


def take(referral_ids: Sequence[int], *, actor: Actor, now: datetime) -> list[Referral]:
    """These waiting referrals become mine, except those a colleague already has; returns the ones I got. Not a response."""
    rules.can_take(actor).require()
    return _changed(_TAKE, _who(actor, now) | {"ids": list(referral_ids), "text": f"{actor.name} 领取，尚未响应"})


def contact_errors(*, contact_name: str, contact_phone: str, next_step: str) -> dict[str, str]:
    """What is missing or too long in a claim's contact, by field; an empty «已联系» is no reply (domain.md §8.15)."""
    said = {
        "contact_name": (contact_name, "填写企业可以找到的联系人。"),
        "contact_phone": (contact_phone, "填写联系人的电话。"),
        "next_step": (next_step, "写明下一步做什么、什么时候，例如“11月26日上午上门尽调”。"),
    }
    wrong = {name: text for name, (value, text) in said.items() if not value.strip()}
    long = {
        name: f"最多 {LONGEST[name]} 个字，请删减。" for name, (value, _) in said.items() if len(value) > LONGEST[name]
    }
    return long | wrong


def require_contact(*, contact_name: str, contact_phone: str, next_step: str) -> None:
    """Raise Invalid with the sentence of each field."""
    if wrong := contact_errors(contact_name=contact_name, contact_phone=contact_phone, next_step=next_step):
        raise Invalid("contact", "接单要写明联系人、电话和下一步。", fields=wrong)


def _who(actor: Actor, now: datetime) -> dict[str, Any]:
    return {
        "officer": actor.user_id,
        "institution": actor.organisation_id,
        "label": actor.label,
        "now": now,
        "sources": CLAIMABLE,
        "request": logs.request_id(),
    }


def _changed(sql: str, given: dict[str, Any]) -> list[Referral]:
    """Run a statement and return the referrals it changed. Raises Busy when another transaction keeps the row too long."""
    try:
        with connection.cursor() as cursor:
            cursor.execute(sql, given)
            return [Referral.from_db(connection.alias, _NAMES, row) for row in cursor.fetchall()]
    except OperationalError as error:
        if getattr(error.__cause__, "pgcode", "") == "55P03":  # lock_not_available
            raise Busy("busy", "其他人正在办理这一件，请稍候再试。") from error
        raise


def _read(referral_id: int) -> Referral:
    return Referral.objects.get(pk=referral_id)
