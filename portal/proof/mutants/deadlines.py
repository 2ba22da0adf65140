"""Bugs of clocks, ladders and the sweep."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from celery import shared_task
from django.db import connection, transaction

from applications.actions import claiming
from portal.foundation.core.failpoints import failpoint
from portal.foundation.sla import clocks, sweep
from portal.foundation.sla.models import Clock, Pause

from .model import Needs, mutant
from .patching import everywhere, put, swap

_UNIQUE = "ALTER TABLE sla_escalation DROP CONSTRAINT escalation_once"
_FRESH = """
       AND NOT EXISTS (SELECT FROM sla_escalation e
                        WHERE e.clock_id = r.id AND e.level = r.levels[r.now_at] AND e.round = r.round)"""


@shared_task(name="proof.announce")
def announce(case_number: str) -> None:
    """What the bug's author wrote instead of a sweep: announce this case's clocks now."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE sla_clock SET next_at = moments[level + 1] WHERE case_number = %s AND stopped_at IS NULL AND paused_at IS NULL",
            [case_number],
        )
    sweep.sweep()


@mutant(
    "countdown",
    "deadlines ride on Celery countdowns: nothing to sweep is stored, a task is sent for each moment",
    caught_by=("escalation.missed", "clock.ladder"),
    needs=Needs(broker="flush"),
)
def countdown() -> None:
    def prepare(*args: Any, **given: Any) -> Clock:
        clock: Clock = real(*args, **given)
        clock.next_at = None
        for moment in clock.moments:
            send = partial(
                announce.apply_async, (clock.case_number,), countdown=(moment - clock.started_at).total_seconds()
            )
            transaction.on_commit(send, robust=True)
        return clock

    real = everywhere(clocks, "prepare", prepare)


@mutant(
    "sweep_unlocked",
    "the sweep reads what is due without locking it, and nothing makes an announcement unique",
    caught_by=("escalation.doubled",),
    drops=(_UNIQUE,),
)
def sweep_unlocked() -> None:
    swap(sweep, "_SWEEP", "       FOR UPDATE SKIP LOCKED\n", "")
    swap(sweep, "_SWEEP", _FRESH, " AND pg_sleep(0.02) IS NOT NULL")


@mutant(
    "sweep_by_its_own_clock",
    "the sweep compares with the clock of the machine it runs on",
    caught_by=("escalation.early", "escalation.early_by_commit"),
    needs=Needs(skew="+20s"),
)
def sweep_by_its_own_clock() -> None:
    class Line:
        """The connection, except that statements are told this machine's time."""

        def cursor(self) -> "Line":
            self.real = connection.cursor()
            return self

        def __enter__(self) -> "Line":
            return self

        def __exit__(self, *_: object) -> None:
            self.real.close()

        def execute(self, sql: str, values: Sequence[Any] = ()) -> None:
            here = datetime.now(UTC).isoformat()  # noqa: TID251 — the bug
            self.real.execute(sql.replace("statement_timestamp()", f"'{here}'::timestamptz"), values or None)

        def fetchone(self) -> Any:
            return self.real.fetchone()

    put(sweep, "connection", Line())


@mutant(
    "sweep_early",
    "the sweep takes what is due within the next five seconds as well",
    caught_by=("escalation.early", "escalation.early_by_commit"),
)
def sweep_early() -> None:
    soon = "statement_timestamp() + interval '5 seconds'"
    swap(sweep, "_LOOK", "next_at <= statement_timestamp()", f"next_at <= {soon}")
    swap(sweep, "_SWEEP", "next_at <= statement_timestamp()", f"next_at <= {soon}")
    swap(sweep, "_SWEEP", "m <= statement_timestamp()", f"m <= {soon}")


@mutant(
    "sweep_forgets_resumed",
    "the sweep passes over clocks that were ever paused",
    caught_by=("escalation.missed",),
    needs=Needs(pledges=True),
)
def sweep_forgets_resumed() -> None:
    ever = "AND NOT EXISTS (SELECT FROM sla_pause p WHERE p.clock_id = sla_clock.id)"
    swap(sweep, "_SWEEP", "     ORDER BY next_at\n", f"       {ever}\n     ORDER BY next_at\n")


@mutant(
    "sweep_one_step",
    "the sweep moves a clock on over all levels it has reached, but announces only when it was exactly one",
    caught_by=("escalation.overtaken_named",),
    needs=Needs(freeze=("clock-1", "clock-2", "worker")),
)
def sweep_one_step() -> None:
    swap(sweep, "_SWEEP", "     WHERE now_at > level\n", "     WHERE now_at = level + 1\n")


@mutant(
    "sweep_in_two_steps",
    "the sweep first moves the levels on, commits, and then announces: a crash between loses the announcement",
    caught_by=("escalation.overtaken_named",),
    needs=Needs(failpoints="sweep.before=kill@0.1", processes=("clock-1", "clock-2", "worker")),
)
def sweep_in_two_steps() -> None:
    head, _, rest = sweep._SWEEP.partition("), moved AS (")
    moved, _, told = rest.partition("), announced AS (")
    move = f"{head}), moved AS ({moved}) SELECT id, level, now_at, round FROM reached"  # noqa: S608 — pieces of the portal's own statement
    told = told.replace("SELECT count(*) FROM due", "SELECT count(*) FROM fresh")
    tell = f"""
    WITH fresh AS (
        SELECT c.id, kind, policy_id, case_number, subject, watchers, organisation_id, levels, moments, due_at, s.level, now_at, round
          FROM unnest(%s::bigint[], %s::int[], %s::int[], %s::int[]) AS s (id, level, now_at, round) JOIN sla_clock c ON c.id = s.id
         WHERE now_at > s.level
    ), announced AS ({told}"""  # noqa: S608

    def in_two(*, batch: int = sweep.BATCH) -> int:
        with connection.cursor() as cursor:
            cursor.execute(move, [batch])
            found = cursor.fetchall()
        if found:
            failpoint("sweep.before")
            with connection.cursor() as cursor:
                cursor.execute(tell, [list(column) for column in zip(*found, strict=True)])
        return len(found)

    everywhere(sweep, "sweep", in_two)


@mutant(
    "escalation_unjournalled",
    "the last level is announced without a journal entry, so nobody is told",
    caught_by=("escalation.journalled",),
)
def escalation_unjournalled() -> None:
    swap(
        sweep,
        "_SWEEP",
        "           watchers\n      FROM fresh\n",
        "           watchers\n      FROM fresh WHERE now_at < cardinality(levels)\n",
    )


@mutant(
    "answer_keeps_next",
    "an answer stops the clock but leaves its next announcement standing",
    caught_by=("escalation.after_stop", "escalation.after_stop_by_commit", "clock.ladder"),
    drops=("ALTER TABLE sla_clock DROP CONSTRAINT stopped_clock_is_silent",),
)
def answer_keeps_next() -> None:
    swap(claiming, "_CLAIM", "SET stopped_at = %(now)s, next_at = NULL,", "SET stopped_at = %(now)s,")

    def stop(clock_id: int, **given: Any) -> Clock:
        before = Clock.objects.values_list("next_at", flat=True).get(pk=clock_id)
        clock: Clock = real(clock_id, **given)
        Clock.objects.filter(pk=clock_id).update(next_at=before)
        return clock

    real = everywhere(clocks, "stop", stop)


@mutant(
    "stop_forgives",
    "a late answer moves the due moment behind itself, and the lateness is gone",
    caught_by=("clock.due_stands", "clock.calendar"),
)
def stop_forgives() -> None:
    swap(
        claiming,
        "_CLAIM",
        "SET stopped_at = %(now)s, next_at = NULL,",
        "SET stopped_at = %(now)s, due_at = greatest(c.due_at, %(now)s::timestamptz + interval '1 second'), next_at = NULL,",
    )

    def stop(clock_id: int, *, now: datetime, **given: Any) -> Clock:
        clock: Clock = real(clock_id, now=now, **given)
        Clock.objects.filter(pk=clock_id, due_at__lte=now).update(due_at=now + timedelta(seconds=1))
        return clock

    real = everywhere(clocks, "stop", stop)


@mutant(
    "withdrawal_keeps_clocks",
    "a withdrawn request's clocks go on and are escalated for nobody",
    caught_by=("clock.dead",),
)
def withdrawal_keeps_clocks() -> None:
    def stop(clock_id: int, *, reason: str, **given: Any) -> Clock:
        if reason == "withdrawn":
            return Clock.objects.get(pk=clock_id)
        clock: Clock = real(clock_id, reason=reason, **given)
        return clock

    real = everywhere(clocks, "stop", stop)


@mutant(
    "pause_unrecorded",
    "a correction is asked for and the clock is not paused: the office is blamed for the enterprise's time",
    caught_by=("clock.obligation", "clock.pause"),
    needs=Needs(pledges=True),
)
def pause_unrecorded() -> None:
    everywhere(clocks, "pause", lambda clock_id, **given: Clock.objects.get(pk=clock_id))


@mutant(
    "resume_keeps_term",
    "after a correction the clock goes on with the due moment it had",
    caught_by=("clock.calendar",),
    needs=Needs(pledges=True),
)
def resume_keeps_term() -> None:
    def resume(clock_id: int, *, now: datetime) -> Clock:
        clock = clocks._locked(clock_id)
        Pause.objects.filter(clock=clock, ended_at=None).update(ended_at=now)
        clock.paused_at = None
        clock.next_at = clock.moments[clock.level] if clock.level < len(clock.moments) else None
        clock.save(update_fields=["paused_at", "next_at"])
        return clock

    everywhere(clocks, "resume", resume)
