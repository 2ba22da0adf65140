"""Putting a seeded bug in, and asking the invariants whether they see it."""

from datetime import timedelta

from django.db import connection

from applications.models import Application, Referral
from portal.proof import mutants
from portal.proof.invariants import checker
from portal.proof.invariants.options import Options
from portal.proof.mutants import MUTANTS


def infect(name: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
    mutants.prepare(name)
    mutants.install(name)


def reported(*only: str) -> set[str]:
    return {r.name for r in checker.check(Options(durable=False, untouched=True), only=only) if r.count}


def assert_caught(name: str) -> None:
    assert reported(*MUTANTS[name].caught_by), f"nobody sees {name}"


def asked(case: Application) -> Referral:
    return case.referrals.get()


def climb(seconds: float = -30, *, step: float = 10) -> None:
    """Let the running clocks' ladders begin `seconds` from now, one level every `step` seconds."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE sla_clock SET started_at = now() - interval '1 hour', next_at = clock_timestamp() + %(first)s,"
            " moments = ARRAY(SELECT clock_timestamp() + %(first)s + (i - 1) * %(step)s FROM generate_subscripts(levels, 1) AS i),"
            " due_at = clock_timestamp() + %(first)s + (array_position(levels, 'overdue') - 1) * %(step)s WHERE stopped_at IS NULL",
            {"first": timedelta(seconds=seconds), "step": timedelta(seconds=step)},
        )
        cursor.execute("UPDATE sla_clock SET due_at = moments[array_position(levels, 'overdue')], next_at = moments[1]"
                       " WHERE stopped_at IS NULL AND paused_at IS NULL")  # fmt: skip
