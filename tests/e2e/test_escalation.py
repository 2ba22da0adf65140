"""A deadline passes, and officer, manager and regulator are told: by the real beat and worker, and by the real clock."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg2
import pytest
from playwright.sync_api import Page, expect

from portal.run.doctor import connection_parameters
from tests.e2e.conftest import Portal, healthy
from tests.run.test_up import descendants

pytestmark = [pytest.mark.browser, pytest.mark.processes, pytest.mark.xdist_group("portal"), pytest.mark.timeout(300)]

# A waiting request of the officer's bank whose ladder is still untouched.
_FRESH = """
SELECT c.id, c.case_number FROM sla_clock c JOIN applications_referral r ON r.clock_id = c.id
  JOIN accounts_membership m ON m.organisation_id = c.organisation_id JOIN accounts_user u ON u.id = m.user_id
 WHERE u.username = 'officer' AND r.state = 'waiting' AND c.level = 0 AND c.next_at > now() ORDER BY c.id DESC LIMIT 1
"""


@pytest.fixture
def rows(portal: Portal) -> Iterator[Any]:
    if portal.pid is None:
        pytest.skip("needs the processes of bin/portal up")
    connection = psycopg2.connect(**connection_parameters(portal.database_url()))
    connection.autocommit = True
    yield connection.cursor()
    connection.close()


def let_it_pass(rows: Any) -> str:
    """Move one fresh deadline to seconds from now: soon, due, and a working day later. Returns the case number.

    Three seconds apart: while the demonstration's papers are being printed and sealed two cores are busy, and a level that
    is reached before the one below it was announced overtakes it.
    """
    rows.execute(_FRESH)
    clock, number = rows.fetchone()
    rows.execute(
        "UPDATE sla_clock SET due_at = now() + interval '5 s', next_at = now() + interval '2 s', "
        "moments = ARRAY[now() + interval '2 s', now() + interval '5 s', now() + interval '8 s'] WHERE id = %s",
        [clock],
    )
    return str(number)


def announced(rows: Any, number: str) -> list[str]:
    """The levels announced so far for a case, in order."""
    rows.execute(
        "SELECT data->>'level' FROM journal_entry WHERE verb = 'clock.escalated' AND case_number = %s ORDER BY id",
        [number],
    )
    return [level for (level,) in rows.fetchall()]


def wait_for(rows: Any, number: str, level: str, seconds: float = 40) -> None:
    end = time.monotonic() + seconds
    while level not in announced(rows, number):
        assert time.monotonic() < end, announced(rows, number)
        time.sleep(0.2)


@contextmanager
def frozen(portal: Portal, command: str) -> Iterator[None]:
    """Every process of ours whose command line holds `command` stands still (SIGSTOP), as a hung machine would."""
    assert portal.pid is not None
    pids = [pid for pid, line in descendants(portal.pid).items() if command in line]
    assert pids
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def told(page: Page, words: str) -> None:
    """The person reads it among the reminders: by itself, or in a digest when the minute held many for that chair."""
    main, digest = page.locator("main"), page.get_by_role("button", name="汇总").first
    end = time.monotonic() + 40  # the dispatcher may still be telling the demonstration's own news
    while True:
        page.goto("/notices/?kind=deadline")
        if words in main.inner_text() or digest.count() or time.monotonic() > end:
            break
        time.sleep(1)
    if words not in main.inner_text():
        expect(digest).to_be_visible()
        digest.click()
    expect(main).to_contain_text(words)


def test_a_passed_deadline_reaches_officer_manager_and_regulator(
    portal: Portal, rows: Any, visit: Callable[..., Page]
) -> None:
    number = let_it_pass(rows)
    wait_for(rows, number, "supervise")
    assert len(announced(rows, number)) == len(set(announced(rows, number)))
    for who, words in (("officer", "已超期"), ("manager", "已超期"), ("regulator", "超期 1 个工作日")):
        told(visit(who), f"{words}：{number}")
    lamps = visit("regulator")
    lamps.goto("/supervision/lamps/")
    expect(lamps.locator("main")).to_contain_text(number)
    rows.execute("SELECT name FROM sla_heartbeat WHERE at > now() - interval '30 s'")
    assert {"celery", "clock"} <= {name for (name,) in rows.fetchall()}
    assert healthy(portal)["ok"] is True


def test_beat_and_worker_alone_announce_it(portal: Portal, rows: Any) -> None:
    with frozen(portal, "manage.py clock"):
        number = let_it_pass(rows)
        wait_for(rows, number, "supervise")


def test_the_clock_alone_announces_it_without_worker_and_broker(portal: Portal, rows: Any) -> None:
    with frozen(portal, "portal.celery worker"), frozen(portal, "valkey-server"):
        number = let_it_pass(rows)
        wait_for(rows, number, "supervise", seconds=20)
