"""Whoever runs the portal reads its figures with a token; for everybody else there is nothing at that address."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries, Settings

from portal.foundation.core import counts, moments
from portal.foundation.journal.models import Delivery
from portal.foundation.sla.models import Clock, Heartbeat
from portal.foundation.sla.sweep import beat, sweep
from portal.metrics import METRICS
from portal.run.backup import folder
from products.models import Product
from tests import factories
from tests.factories import Person

pytestmark = pytest.mark.django_db
TOKEN = "a-token-for-tests"
LINE = re.compile(r'^[a-z_]+(\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\})? -?[0-9.e+-]+$')


@pytest.fixture(autouse=True)
def _with_a_token(settings: Settings) -> None:
    settings.METRICS_TOKEN = TOKEN


def read() -> dict[str, float]:
    answer = Client().get("/metrics", headers={"authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    lines = [line for line in answer.content.decode().splitlines() if not line.startswith("#")]
    assert all(LINE.match(line) for line in lines), lines
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


@pytest.mark.parametrize("said", ["", "Bearer ", "Bearer wrong", TOKEN + "x", "Bearer 令牌"])
def test_without_the_token_the_address_does_not_exist(said: str) -> None:
    assert Client().get("/metrics", headers={"authorization": said.encode().decode("latin-1")}).status_code == 404


def test_without_a_token_set_even_an_empty_one_opens_nothing(settings: Settings) -> None:
    settings.METRICS_TOKEN = ""
    assert Client().get("/metrics", headers={"authorization": "Bearer "}).status_code == 404


def test_an_empty_portal_has_figures_too(reference: None) -> None:
    figures = read()
    assert figures["portal_announcement_lag_seconds"] == 0
    assert figures["portal_announcements_total"] >= 0
    assert figures["portal_calendar_days_left"] > 0
    assert figures['portal_journal_waiting{queue="outbox"}'] >= 0


def test_a_late_bank_shows_as_overdue_and_its_announcement_as_made(ling: Person, product: Product) -> None:
    factories.application(ling, product)
    now = moments.now()
    clock = Clock.objects.get()
    assert read()['portal_clocks{kind="response",state="running"}'] == 1
    Clock.objects.update(
        started_at=now - timedelta(days=9),
        due_at=now - timedelta(days=5),
        moments=[now - timedelta(hours=2), *(now + timedelta(days=n + 1) for n in range(len(clock.moments) - 1))],
        next_at=now - timedelta(hours=2),
    )
    before = read()
    assert before['portal_clocks{kind="response",state="overdue"}'] == 1
    assert 7000 < before["portal_announcement_lag_seconds"] < 7500
    assert sweep() == 1
    after = read()
    assert after["portal_announcement_lag_seconds"] == 0
    assert 7000 < after['portal_announcement_lateness_seconds{quantile="1"}'] < 7500
    assert after["portal_announcements_total"] > before["portal_announcements_total"]


def test_a_loop_that_stands_still_and_a_dead_delivery_are_seen(reference: None) -> None:
    beat("clock")
    Heartbeat.objects.create(name='odd "name"', at=moments.now() - timedelta(minutes=5))
    Delivery.objects.create(entry_id=1, subscriber="mail", state=Delivery.State.DEAD)
    answer = Client().get("/metrics", headers={"authorization": f"Bearer {TOKEN}"}).content.decode()
    assert r'portal_heartbeat_age_seconds{loop="odd \"name\""} 300' in answer
    assert "portal_deliveries_dead 1" in answer


def test_it_asks_once_a_figure(reference: None, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(len(METRICS)):
        read()


def test_answers_stand_by_route_and_status_with_how_long_they_took(bo: Person) -> None:
    """A histogram as Prometheus reads it: the buckets grow, the last holds all."""
    counts.flush()  # what earlier tests of this process left
    before = read().get('portal_http_request_seconds_count{route="desk",status="200"}', 0)
    for _ in range(4):
        assert bo.client.get("/desk/").status_code == 200
    counts.flush()
    figures = read()
    of_desk = {name: value for name, value in figures.items() if 'route="desk",status="200"' in name}
    assert of_desk['portal_http_request_seconds_count{route="desk",status="200"}'] - before == 4
    buckets = [value for name, value in of_desk.items() if "_bucket" in name]
    assert buckets == sorted(buckets)
    assert of_desk['portal_http_request_seconds_bucket{route="desk",status="200",le="+Inf"}'] - before == 4
    assert of_desk['portal_http_request_seconds_sum{route="desk",status="200"}'] > 0


def test_wrong_passwords_are_seen_on_the_wall(ling: Person) -> None:
    for _ in range(3):
        Client().post("/login/", {"login": "ling", "username": "ling", "password": "wrong-word-of-wai"})
    misses = {
        name: value for name, value in read().items() if name.startswith(("portal_login_misses", "portal_refusals"))
    }
    assert sum(misses.values()) >= 3


def test_room_and_the_age_of_the_backup_are_told(settings: Settings, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path
    assert read()["portal_disk_free_bytes"] > 0
    assert "portal_backup_age_seconds" not in read()
    hour_ago = (moments.now() - timedelta(hours=1)).isoformat()
    folder.write(tmp_path / "backup.json", {"folder": "x", "last_base_at": hour_ago})
    assert read()["portal_backup_age_seconds"] == pytest.approx(3600, abs=60)
