"""Every invariant holds on the demonstration's data, and each is reported by its name when somebody breaks it behind our back."""

import json
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.test import override_settings

from pledges import printing
from portal.foundation.core.pdf import engine
from portal.foundation.journal.models import Entry
from portal.notifications.catalogue import VERBS
from portal.proof.invariants import checker, journal
from portal.proof.invariants.model import Result
from portal.proof.invariants.options import Options
from tests import conftest

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def _demonstration(
    django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
    """The whole story, once for this file, in a transaction that is given up at the end."""
    # Not by assignment: a storage that has been used before keeps the place it knows until it hears of another.
    with override_settings(MEDIA_ROOT=tmp_path_factory.mktemp("files")), django_db_blocker.unblock():
        whole = transaction.atomic()
        whole._from_testcase = True  # type: ignore[attr-defined]
        with whole:
            Entry.objects.bulk_create(conftest._told)  # the journal begins with the calendar and the policies
            call_command("demo", verbosity=0)
            if engine.available().ok:
                printing.print_missing(limit=1000)
            with connection.cursor() as cursor:  # so that a test may change tables
                cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
                # Everybody has had the seat since before the story began, so everybody must have been told.
                cursor.execute("UPDATE accounts_membership SET created_at = '2020-01-01'")
            yield
            transaction.set_rollback(True)


@pytest.fixture
def demonstration(_demonstration: None, db: None) -> None:
    """The story as it was told; whatever a test does to it is undone."""


def broken(*only: str, **options: object) -> dict[str, Result]:
    found = checker.check(Options(durable=False, **options), only=only)  # type: ignore[arg-type]
    return {result.name: result for result in found if result.count}


def do(*statements: str) -> None:
    """As a superuser who switches triggers off would; returns when every statement changed something or all are DDL."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        for statement in statements:
            cursor.execute(statement)
            assert cursor.rowcount != 0, f"nothing to break: {statement}"
        cursor.execute("SET LOCAL session_replication_role = DEFAULT")


def test_the_demonstration_holds_everything(demonstration: None) -> None:
    results = checker.check(Options(durable=False, untouched=True))
    assert {r.name: r.samples for r in results if r.count} == {}
    assert len({r.name for r in results}) == len(results) >= 50


def copy_of(table: str, where: str, **changed: str) -> str:
    """An INSERT of a copy of one row, with other values in some columns."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT column_name FROM information_schema.columns WHERE table_name = %s AND column_name <> 'id'"
            " AND is_generated = 'NEVER'",
            [table],
        )
        names = [name for (name,) in cursor.fetchall()]
    values = ", ".join(changed.get(name, f'"{name}"') for name in names)
    columns = ", ".join(f'"{name}"' for name in names)
    return f"INSERT INTO {table} ({columns}) SELECT {values} FROM {table} WHERE {where} LIMIT 1"  # noqa: S608


# What somebody with the owner's password might do, or a bug that no constraint stops.
BREAKS: dict[str, list[str]] = {
    "request.one_per_token": [
        "INSERT INTO applications_draft (organisation_id, token, data, version, updated_by_id, updated_at, created_at)"
        " SELECT organisation_id, token, '{}', 0, submitted_by_id, now(), now() FROM applications_application LIMIT 1"
    ],
    "request.numbers": ["UPDATE core_counter SET value = value + 1 WHERE name LIKE 'case:%'"],
    "request.state": ["UPDATE applications_application SET state = 'disbursed', closed_at = now() WHERE state = 'open'"],
    "request.chosen": ["UPDATE applications_offer SET state = 'replaced' WHERE state = 'accepted'"],
    "cover.state": ["UPDATE applications_cover SET closed_at = now() WHERE state = 'committed'"],
    "cover.outstanding": ["UPDATE products_householdexposure SET outstanding = outstanding - 1 WHERE outstanding > 0"],
    "referral.state": ["UPDATE applications_referral SET responded_at = now() WHERE state = 'waiting'"],
    "request.journalled": ["DELETE FROM journal_entry WHERE verb = 'application.submitted'"],
    "referral.journalled": ["DELETE FROM journal_entry WHERE verb = 'referral.declined'"],
    "tenant.requests": ["DELETE FROM applications_consent WHERE institution_id IS NOT NULL"],
    "money": [
        "ALTER TABLE applications_application DROP CONSTRAINT application_amount",
        "UPDATE applications_application SET amount = 'NaN'",
    ],
    "clock.obligation": [
        "UPDATE sla_clock SET stopped_at = now(), next_at = NULL WHERE id IN"
        " (SELECT clock_id FROM applications_referral WHERE state = 'waiting')"
    ],
    "clock.dead": ["UPDATE sla_clock SET stopped_at = NULL WHERE stop_reason = 'claimed'"],
    "clock.next_lenders": [
        "INSERT INTO sla_escalation (clock_id, level, position, round, moment, announced_at)"
        " SELECT clock_id, 'next_lender', 4, 0, due_at, now() - interval '1 day' FROM applications_referral"
        " WHERE state = 'waiting' AND application_id NOT IN (SELECT application_id FROM applications_nextround)"
    ],
    "clock.pause": ["DELETE FROM sla_pause WHERE ended_at IS NULL"],
    "clock.ladder": ["UPDATE sla_clock SET next_at = next_at + interval '1 hour' WHERE next_at IS NOT NULL"],
    "clock.due_stands": ["UPDATE sla_clock SET due_at = due_at + interval '1 day' WHERE stopped_at IS NOT NULL"],
    "clock.answer": [
        "UPDATE sla_clock SET stopped_at = stopped_at - interval '1 minute' WHERE stop_reason = 'claimed'"
    ],
    "clock.calendar": ["UPDATE sla_clock SET due_at = due_at + interval '1 day' WHERE stopped_at IS NULL"],
    "escalation.early": ["UPDATE sla_escalation SET announced_at = moment - interval '1 microsecond'"],
    "escalation.missed": [
        "UPDATE sla_clock SET level = level - 1 WHERE level > 0 AND stopped_at IS NULL AND paused_at IS NULL"
    ],
    "escalation.overtaken_named": ["DELETE FROM sla_escalation"],
    "escalation.doubled": [
        "ALTER TABLE sla_escalation DROP CONSTRAINT escalation_once",
        "INSERT INTO sla_escalation (clock_id, level, position, round, moment, announced_at)"
        " SELECT clock_id, level, position, round, moment, announced_at FROM sla_escalation LIMIT 1",
    ],
    "escalation.journalled": ["DELETE FROM journal_entry WHERE verb = 'clock.escalated'"],
    "escalation.after_stop": [
        "UPDATE sla_clock SET stopped_at = started_at + interval '1 minute', next_at = NULL WHERE level > 0"
    ],
    "escalation.one_transaction": ["UPDATE sla_escalation SET level = level"],
    "journal.replay": ["UPDATE sla_clock SET working_minutes = working_minutes + 60 WHERE working_minutes IS NOT NULL"],
    "journal.sealed": ["DELETE FROM journal_seal WHERE id = (SELECT max(id) FROM journal_seal)"],
    "journal.waiting": ["INSERT INTO journal_unsealed SELECT min(id) FROM journal_entry WHERE case_number <> ''"],
    "journal.chain": [
        "UPDATE journal_entry SET text = text || '。' WHERE id = (SELECT max(id) - 3 FROM journal_entry)"
    ],
    "outbox.waiting": ["INSERT INTO journal_outbox SELECT min(id) FROM journal_entry WHERE case_number <> ''"],
    "outbox.every_subscriber": ["DELETE FROM journal_delivery WHERE id = (SELECT max(id) FROM journal_delivery)"],
    "delivery.waiting": ["UPDATE journal_delivery SET state = 'waiting', sent_at = NULL"],
    "delivery.dead": [
        "UPDATE journal_delivery SET state = 'dead' WHERE id = (SELECT max(id) FROM journal_delivery)"
    ],
    "delivery.state": ["UPDATE journal_delivery SET attempts = 1 WHERE state = 'sent'"],
    "notice.missing": [
        "DELETE FROM notifications_notice WHERE entry_id IN"
        " (SELECT id FROM journal_entry WHERE verb = 'application.submitted')"
    ],
    "journal.one_transaction": ["UPDATE applications_applicationpatent SET title = title"],
    "pledge.state": ["UPDATE pledges_pledgedpatent SET effective = NULL WHERE effective IS NOT NULL"],
    "pledge.journalled": ["DELETE FROM journal_entry WHERE verb = 'pledge.accepted'"],
    "pledge.after": [
        "UPDATE pledges_matter SET state = 'refused', refusal_ground = 'R12', refusal_note = '无'"
        " WHERE kind = 'cancellation' AND state = 'approved'"
    ],
    "pledge.matters": ["UPDATE pledges_matter SET clock_id = NULL WHERE state = 'submitted'"],
    "tenant.pledges": ["UPDATE pledges_registration SET pledgee_id = office_id"],
    "file.bytes": ["UPDATE pledges_notice SET file = 'notices/gone.pdf', sha256 = '0', size = 1"],
    "disposal.result": ["UPDATE pledges_disposal SET price = price + 1 WHERE state = 'settled'"],
    "disposal.money": ["UPDATE pledges_share SET amount = amount - 0.01 WHERE kind = 'principal'"],
    "disposal.journalled": ["DELETE FROM journal_entry WHERE verb = 'disposal.distributed'"],
    "tenant.disposals": [
        "UPDATE pledges_disposal d SET checked_by_id = (SELECT m.user_id FROM accounts_membership m"
        " JOIN pledges_registration r ON r.id = d.registration_id WHERE m.organisation_id = r.office_id LIMIT 1)"
    ],
    "paper.printed": ["UPDATE pledges_notice SET file = '', sha256 = ''"],
}  # fmt: skip


@pytest.mark.parametrize("name", BREAKS)
def test_each_is_reported_by_its_name_when_it_is_broken(name: str, demonstration: None) -> None:
    if name == "paper.printed" and not engine.available().ok:
        pytest.skip("no PDF here, so nothing is promised to be printed")
    do(*BREAKS[name])
    assert name in broken(name, untouched=True)


def test_two_of_one_are_reported(demonstration: None) -> None:
    """What unique indexes refuse, once they are gone."""
    newest = "id = (SELECT max(id) FROM {})"
    do("ALTER TABLE applications_referral DROP CONSTRAINT waiting_has_clock")
    do("DROP INDEX one_open_referral", copy_of("applications_referral", "state = 'waiting'", ref="gen_random_uuid()", clock_id="NULL"))  # fmt: skip
    do("DROP INDEX one_running_clock", copy_of("sla_clock", "stopped_at IS NULL"))
    do("ALTER TABLE notifications_notice DROP CONSTRAINT notice_once", copy_of("notifications_notice", newest.format("notifications_notice")))  # fmt: skip
    do(
        "ALTER TABLE pledges_pledgedpatent DROP CONSTRAINT one_effective_pledge, DROP CONSTRAINT pledged_patent_once",
        copy_of("pledges_pledgedpatent", "effective IS NOT NULL"),
    )
    do(copy_of("journal_entry", "verb = 'referral.claimed'"))
    names = {"referral.one_open", "clock.one_running", "notice.once", "pledge.one_effective", "referral.one_claim"}
    assert broken(*sorted(names)).keys() == names


def test_a_moment_that_passed_before_the_end_and_was_never_announced_is_reported(demonstration: None) -> None:
    """Only a clock that began and ended by one act, heard late, may have passed a moment in silence."""
    do("UPDATE sla_clock SET level = level - 1 WHERE level > 0 AND stopped_at IS NOT NULL")
    assert set(broken("escalation.missed")) == {"escalation.missed"}
    do(
        "UPDATE journal_entry e SET data = jsonb_set(e.data, '{clocks}', (SELECT jsonb_agg(jsonb_build_object('did', did, 'clock', c.id))"
        " FROM sla_clock c, unnest(ARRAY['started', 'stopped']) AS did WHERE c.case_number = e.case_number))"
        " WHERE e.verb = 'application.submitted'"
    )
    assert broken("escalation.missed") == {}


def test_an_answer_after_the_end_is_reported(demonstration: None) -> None:
    do(copy_of("journal_entry", "verb = 'referral.declined'", verb="'referral.offered'"))
    assert "referral.after_the_end" in broken("referral.after_the_end")


def test_a_file_without_a_row_is_reported_when_it_is_old(demonstration: None) -> None:
    path = Path(settings.MEDIA_ROOT) / "left-over"
    path.write_bytes(b"x")
    assert broken("file.orphans") == {}
    os.utime(path, (time.time() - 7200, time.time() - 7200))
    assert broken("file.orphans").keys() == {"file.orphans"}
    path.unlink()


def test_a_session_idle_in_a_transaction_is_reported(demonstration: None) -> None:
    known = connection.get_connection_params()
    idle = psycopg2.connect(**{k: v for k, v in known.items() if k in ("dbname", "user", "host", "port", "password")})
    try:
        idle.cursor().execute("SELECT 1")
        assert broken("session.idle_in_transaction", grace=-20.0)
        idle.rollback()
        assert broken("session.idle_in_transaction", grace=-20.0) == {}
    finally:
        idle.close()


def one(sql: str) -> tuple[str, ...]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return tuple(cursor.fetchone())


def test_what_the_load_saw_is_held_against_the_data(demonstration: None, tmp_path: Path) -> None:
    token, number = one("SELECT token::text, number FROM applications_application ORDER BY id LIMIT 1")
    ref, user = one("SELECT data->>'referral', actor_id FROM journal_entry WHERE verb = 'referral.claimed' LIMIT 1")
    registration = one("SELECT id FROM pledges_registration WHERE state = 'registered' LIMIT 1")[0]
    truth = [
        {"what": "submitted", "token": token, "number": number},
        {"what": "repeated", "token": token, "number": number},
        {"what": "claimed", "referral": ref, "user": user, "sure": True},
        {"what": "refused", "call": "claim", "referral": ref, "user": 0, "sure": True},
        {"what": "registered", "registration": registration},
    ]
    lies = {
        "history.submitted": {"what": "submitted", "token": "0" * 32, "number": number},
        "history.one_answer": {"what": "repeated", "token": token, "number": "YZD"},
        "history.answers": {"what": "offered", "referral": "unknown", "user": 1, "sure": True},
        "history.one_winner": {"what": "claimed", "referral": ref, "user": 0, "sure": True},
        "history.refused": {"what": "refused", "call": "claim", "referral": ref, "user": user, "sure": True},
        "history.steps": {"what": "corrected", "registration": 0},
    }
    path = tmp_path / "history.jsonl"
    path.write_text("\n".join(json.dumps(line) for line in truth))
    assert not any(name.startswith("history.") for name in broken(history=path))
    for name, lie in lies.items():
        kept = [line for line in truth if not (name == "history.refused" and line["what"] == "claimed")]
        path.write_text("\n".join(json.dumps(line) for line in [*kept, lie]))
        assert name in broken(history=path), name


def test_what_the_receiver_got_is_held_against_the_data(demonstration: None, tmp_path: Path) -> None:
    do("UPDATE accounts_user SET email = username || '@example.org'")
    do("UPDATE notifications_notice SET mailed_at = created_at WHERE kind IN ('action', 'deadline')")
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM notifications_notice WHERE mailed_at IS NOT NULL AND entry_id IS NOT NULL")
        mails = [{"id": f"<notice-{pk}@portal>", "to": []} for (pk,) in cursor.fetchall()]
    path = tmp_path / "mail.jsonl"

    def received(rows: list[dict[str, object]]) -> set[str]:
        path.write_text("\n".join(json.dumps(row) for row in rows))
        return set(broken("mail.received", "mail.repeated", mails=path, repeats=0))

    assert received(mails) == set()  # type: ignore[arg-type]
    assert received(mails[len(mails) // 2 :]) == {"mail.received"}  # type: ignore[arg-type]
    assert received([*mails, mails[0]]) == {"mail.repeated"}  # type: ignore[list-item]


def test_the_command_says_so_with_its_exit_code(demonstration: None, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(CommandError, match="没有名为"):
        call_command("invariants", "--only", "nonsense")


def test_every_invariant_has_somebody_who_breaks_it() -> None:
    elsewhere = {
        "referral.one_open", "clock.one_running", "notice.once", "pledge.one_effective", "referral.one_claim",
        "referral.after_the_end", "file.orphans", "session.idle_in_transaction", "mail.received", "mail.repeated",
    }  # fmt: skip
    # These need a server that keeps the moment of each commit: the hunt for mutants breaks them (bin/portal prove --mutants).
    hunted = {"escalation.early_by_commit", "escalation.after_stop_by_commit"}
    names = {invariant.name for invariant in checker.ALL}
    told = {name for name in names if name.startswith("history.")}
    assert names == set(BREAKS) | elsewhere | hunted | told


def test_whoever_must_hear_of_something_is_in_the_catalogue_of_notices() -> None:
    """The invariant says in SQL once more who is addressed; a verb nobody is told of must not stand there."""
    named = set(
        re.findall(
            r"'((?:application|referral|next|cover|consent|offer|pledge|loan|clock)\.[a-z_]+)'", journal._ADDRESSED
        )
    )
    assert len(named) > 15
    assert named <= VERBS
