"""Whoever watches the portal sees when its promises are no longer watched over."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from pytest_django import Settings

from portal import health
from portal.foundation.core import moments
from portal.foundation.core.actor import SYSTEM
from portal.foundation.journal.models import Delivery, Entry, Outbox, Unsealed
from portal.foundation.journal.record import record
from portal.foundation.sla.models import Clock, Heartbeat
from portal.foundation.sla.sweep import beat, sweep
from portal.run.backup import folder
from products.models import Product
from tests import factories
from tests.factories import Person

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


def deep() -> tuple[int, dict[str, Any]]:
    answer = Client().get("/healthz/deep")
    assert "no-store" in answer.headers["Cache-Control"]
    return answer.status_code, answer.json()


@pytest.fixture
def living() -> None:
    """The loop has just left its sign of life."""
    beat("clock")


def happened(minutes_ago: int) -> Entry:
    with transaction.atomic():
        return record("loan.recorded", actor=SYSTEM, now=moments.now() - minutes_ago * MINUTE, subject="x:1")


def test_alive_needs_no_login_and_is_never_kept() -> None:
    answer = Client().get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"ok": True})
    assert "no-store" in answer.headers["Cache-Control"]
    assert Client().post("/healthz").status_code == 405


def test_a_portal_whose_loops_work_is_well(living: None) -> None:
    status, said = deep()
    assert (status, said["ok"], said["late"]) == (200, True, [])
    assert said["lag_seconds"]["oldest_due_clock"] is None


def test_a_missing_seal_is_a_warning_and_no_reason_to_go_out_of_service(living: None, settings: Any) -> None:
    """Decisions stand and their papers wait; but somebody has to be told before the first clerk asks where they are."""
    assert deep()[1]["seal"]["ok"] is True
    settings.SEAL_KEY = ""
    status, said = deep()
    assert (status, said["ok"]) == (200, True)
    assert "seal" in said["warnings"]
    assert said["seal"] == {"ok": False, "expires_on": "", "days_left": None}


def test_without_any_loop_it_is_not_well() -> None:
    status, said = deep()
    assert (status, said["late"]) == (503, ["heartbeat"])


def test_a_loop_that_stands_still_is_seen() -> None:
    Heartbeat.objects.create(name="clock", at=moments.now() - MINUTE)
    status, said = deep()
    assert (status, said["late"]) == (503, ["heartbeat"])
    assert 55 < said["lag_seconds"]["heartbeat"] < 120


def test_one_living_loop_is_enough(living: None) -> None:
    Heartbeat.objects.create(name="celery", at=moments.now() - 60 * MINUTE)
    assert deep()[0] == 200


@pytest.fixture
def due(ling: Person, product: Product) -> Clock:
    """A reminder that should have gone out a minute ago."""
    clock = factories.application(ling, product).referrals.get().clock
    assert clock is not None
    ladder = [moments.now() + n * MINUTE for n in (-1, 100, 200)]
    Clock.objects.filter(pk=clock.pk).update(
        started_at=ladder[0] - 60 * MINUTE, due_at=ladder[1], moments=ladder, next_at=ladder[0]
    )
    return clock


def test_a_promise_nobody_watches_is_seen_and_the_check_itself_announces_it(due: Clock, living: None) -> None:
    status, said = deep()
    assert (status, said["late"]) == (503, ["oldest_due_clock"])
    assert said["lag_seconds"]["oldest_due_clock"] > 30
    assert Entry.objects.get(verb="clock.escalated").data["clock"] == due.pk
    assert deep()[0] == 200


def test_a_reminder_that_is_due_this_second_is_announced_and_nobody_is_alarmed(due: Clock, living: None) -> None:
    Clock.objects.filter(pk=due.pk).update(next_at=moments.now() - timedelta(seconds=2))
    assert deep()[0] == 200
    assert Entry.objects.filter(verb="clock.escalated").exists()


def test_what_the_check_does_itself_does_not_make_dead_loops_look_alive(due: Clock) -> None:
    assert deep()[1]["late"] == ["oldest_due_clock", "heartbeat"]
    assert deep()[1]["late"] == ["heartbeat"]


def test_facts_nobody_hands_on_are_seen(living: None) -> None:
    happened(minutes_ago=5)
    Unsealed.objects.all().delete()
    status, said = deep()
    assert (status, said["late"]) == (503, ["oldest_outbox"])


def test_facts_nobody_seals_are_seen(living: None) -> None:
    happened(minutes_ago=5)
    Outbox.objects.all().delete()
    status, said = deep()
    assert (status, said["late"]) == (503, ["oldest_unsealed"])


def test_a_fact_of_this_moment_is_no_reason_to_worry(living: None) -> None:
    happened(minutes_ago=0)
    assert deep()[0] == 200


def test_deliveries_given_up_are_counted(living: None) -> None:
    Delivery.objects.create(entry_id=1, subscriber="mail", state="dead")
    Delivery.objects.create(entry_id=2, subscriber="mail", state="sent")
    assert deep()[1]["dead_deliveries"] == 1


def test_it_tells_figures_and_nothing_about_anybody(due: Clock, living: None) -> None:
    told = {"ok", "late", "lag_seconds", "dead_deliveries", "loops", "calendar", "seal", "warnings"}
    assert set(deep()[1]) == told | {"disk_free_bytes", "backup_age_seconds"}


def test_each_loop_is_shown_with_its_age_its_longest_sweep_and_what_it_announced(due: Clock) -> None:
    sweep()
    beat("clock")
    loop = deep()[1]["loops"]["clock"]
    assert loop["announced"] == 1
    assert loop["sweep_ms"] >= 0
    assert 0 <= loop["age_seconds"] < 60
    beat("clock")
    assert deep()[1]["loops"]["clock"]["announced"] == 0  # since the sign of life before


def test_an_old_backup_is_a_warning_and_a_full_disk_an_alarm(
    living: None, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.DATA_DIR = tmp_path
    assert "backup" not in deep()[1]["warnings"]
    two_days_ago = (moments.now() - timedelta(days=2)).isoformat()
    folder.write(tmp_path / "backup.json", {"folder": "x", "last_base_at": two_days_ago})
    status, said = deep()
    assert (status, "backup" in said["warnings"]) == (200, True)
    assert said["disk_free_bytes"] > 0
    monkeypatch.setattr(health, "LEAST_ROOM", 10**18)
    status, said = deep()
    assert (status, said["late"]) == (503, ["disk"])


def test_a_stranger_reads_whether_it_is_well_and_changes_nothing(living: None, settings: Any) -> None:
    """From elsewhere, or through a proxy, without the token: one word, no sweep, and not a hundred times a minute."""
    settings.METRICS_TOKEN = "t" * 30
    before = list(Heartbeat.objects.order_by("name").values_list("name", "at"))
    for asked in ({"REMOTE_ADDR": "192.0.2.7"}, {"HTTP_X_FORWARDED_FOR": "127.0.0.1"}):
        answer = Client(**asked).get("/healthz/deep")  # type: ignore[arg-type]
        assert (answer.status_code, answer.json()) == (200, {"ok": True})
    assert list(Heartbeat.objects.order_by("name").values_list("name", "at")) == before
    shown = Client(REMOTE_ADDR="192.0.2.7").get("/healthz/deep", headers={"Authorization": f"Bearer {'t' * 30}"})
    assert "loops" in shown.json()
    said = [Client(REMOTE_ADDR="192.0.2.8").get("/healthz/deep").status_code for _ in range(62)]
    assert said[:60] == [200] * 60
    assert said[-1] == 429
