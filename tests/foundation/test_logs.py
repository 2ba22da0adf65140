"""What a log line says and what it never says; and that a line written far away names the request that caused it."""

import io
import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import transaction
from django.test import Client, RequestFactory
from pytest_django import Settings

from portal import celery as portal_celery
from portal.errors import server_error
from portal.foundation.core import counts, logs
from portal.foundation.core.actor import SYSTEM
from portal.foundation.core.models import RequestCount
from portal.foundation.core.request_log import RequestLogMiddleware
from portal.foundation.journal import dispatcher, subscribers
from portal.foundation.journal.models import Delivery, Entry, Outbox
from portal.foundation.journal.record import record
from portal.foundation.journal.subscribers import subscribe
from products.models import Product
from tests import factories
from tests.factories import Person

NUMBER = "0123456789abcdef"
NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
CONTACT = {"contact_name": "薄示例", "contact_phone": "13912345678", "next_step": "明天上午上门尽调"}


class Written:
    """What went to the log, line by line."""

    def __init__(self) -> None:
        self.stream = io.StringIO()

    @property
    def text(self) -> str:
        return self.stream.getvalue()

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text.splitlines()]

    def of(self, logger: str) -> list[dict[str, Any]]:
        return [line for line in self.lines if line["logger"] == logger]


@pytest.fixture
def written(settings: Settings) -> Iterator[Written]:
    """The log as in production: JSON, a line for every answer."""
    settings.LOG_REQUESTS = True
    found = Written()
    handler = logging.StreamHandler(found.stream)
    handler.setFormatter(logs.JsonFormatter())
    root = logging.getLogger()
    root.addHandler(handler)
    level = root.level
    root.setLevel(logging.INFO)
    yield found
    root.removeHandler(handler)
    root.setLevel(level)


def test_a_line_is_one_json_object_with_moment_level_and_logger(written: Written) -> None:
    logging.getLogger("portal.x").warning("%s is down", "mail")
    (line,) = written.of("portal.x")
    assert datetime.fromisoformat(line["time"]).utcoffset() is not None
    assert (line["level"], line["message"]) == ("WARNING", "mail is down")
    assert "request" not in line


def test_nobody_writes_a_second_line_into_the_log(written: Written) -> None:
    """Wai types a line end and a forged entry; both stay inside the one line they belong to."""
    forged = 'x\n{"level": "INFO", "message": "admin logged in"}\r\x1b[2K\u2028\u202e'
    logging.getLogger("portal.x").warning("odd: %s", forged)
    assert len(written.text.splitlines()) == 1
    (line,) = written.lines
    assert "\n" not in line["message"]
    assert "\u202e" not in line["message"]
    plain = logs.PlainFormatter("{levelname} {message}", style="{")
    record = logging.makeLogRecord({"msg": "odd: %s", "args": (forged,), "levelname": "INFO", "levelno": 20})
    assert len(plain.format(record).splitlines()) == 1


@pytest.mark.parametrize(
    "typed", ["13912345678", "tel 13912345678,", "50010119900101123X", "500101199001011234", "ling@example.com"]
)
def test_numbers_of_people_do_not_reach_the_log(written: Written, typed: str) -> None:
    logging.getLogger("portal.x").warning("said %s", typed)
    digits = typed.strip("tel ,")
    assert digits not in written.text
    assert "***" in written.lines[0]["message"]


def test_a_patent_number_is_not_mistaken_for_a_person(written: Written) -> None:
    logging.getLogger("portal.x").warning("patent %s, case %s", "2017106018623", 20261123)
    assert written.lines[0]["message"] == "patent 2017106018623, case 20261123"


def test_of_an_exception_types_and_places_stay_and_its_words_do_not(written: Written) -> None:
    """PostgreSQL quotes the value that broke a rule; Ling's phone number must not go where logs go."""
    try:
        try:
            raise KeyError("Key (phone)=(139 1234 5678) already exists")
        except KeyError as error:
            raise ValueError("林示例 typed it") from error
    except ValueError:
        logging.getLogger("portal.x").exception("saving failed")
    (line,) = written.lines
    assert line["exception"] == ["builtins.ValueError", "builtins.KeyError"]
    assert any("test_logs.py" in place for place in line["at"])
    assert "林示例" not in written.text
    assert "1234" not in written.text


@pytest.mark.django_db
def test_an_answer_leaves_a_line_with_ids_and_without_names(written: Written, bo: Person, ling: Person) -> None:
    answer = bo.client.get("/desk/?q=13912345678")
    line = written.of("portal.access")[-1]
    assert line["request"] == answer.headers["X-Request-Id"]
    assert (line["route"], line["method"], line["status"]) == ("desk", "GET", answer.status_code)
    assert (line["user"], line["organisation"]) == (bo.user.pk, bo.organisation.pk)
    assert 0 < line["ms"] < 60_000
    for secret in (bo.user.username, "薄示例", bo.organisation.name, "13912345678", "/desk/"):
        assert secret not in written.text


@pytest.mark.django_db
def test_a_number_from_outside_is_not_taken_over() -> None:
    """Wai sends a number of his own to hide among somebody else's lines; he gets a fresh one."""
    seen = set()
    for _ in range(3):
        answer = Client().get("/", headers={"x-request-id": NUMBER})
        seen.add(answer.headers["X-Request-Id"])
    assert NUMBER not in seen
    assert len(seen) == 3


@pytest.mark.django_db
def test_a_path_nobody_has_leaves_its_status_and_not_its_words(written: Written) -> None:
    assert Client().get("/no-such-page/13912345678/ling").status_code == 404
    assert "13912345678" not in written.text
    assert "no-such-page" not in written.text
    assert {line["status"] for line in written.of("portal.access")} == {404}


@pytest.mark.django_db
def test_the_error_page_tells_the_number_to_quote() -> None:
    """Ling reads «编号» on the page and tells it on the phone; the operator finds the line by it."""
    request = RequestFactory().get("/")
    answer = RequestLogMiddleware(server_error)(request)
    assert answer.status_code == 500
    assert f'编号：<span class="mono">{answer.headers["X-Request-Id"]}</span>' in answer.content.decode()
    strict = Client(enforce_csrf_checks=True).post("/login/", {})
    assert strict.status_code == 403
    assert f'编号：<span class="mono">{strict.headers["X-Request-Id"]}</span>' in strict.content.decode()


@pytest.mark.django_db
def test_a_missing_page_is_the_same_for_everybody_and_carries_its_number_in_the_head_only() -> None:
    first, second = Client().get("/no-such-page"), Client().get("/no-such-page")
    assert first.content == second.content
    assert first.headers["X-Request-Id"] != second.headers["X-Request-Id"]


@pytest.mark.django_db
def test_what_bo_claims_is_told_by_the_dispatcher_under_the_number_of_his_request(
    written: Written, ling: Person, bo: Person, product: Product, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The claim is one statement in PostgreSQL; the mail about it goes out elsewhere, later. Both say which request it was."""
    referral = factories.application(ling, product).referrals.get()
    Outbox.objects.all().delete()
    dispatcher.forget()
    monkeypatch.setattr(subscribers, "_registry", {})

    def failing(entry: Entry, now: datetime) -> None:
        raise ConnectionRefusedError("no mail server for 13912345678")

    subscribe("mail", failing)
    answer = bo.client.post(f"/api/v1/referrals/{referral.ref}/claim/", CONTACT, content_type="application/json")
    assert answer.status_code == 200, answer.content
    number = answer.headers["X-Request-Id"]
    assert set(Outbox.objects.values_list("request_id", flat=True)) == {number}
    dispatcher.dispatch(now=NOW)
    assert set(Delivery.objects.values_list("request_id", flat=True)) == {number}
    (line,) = written.of("portal.foundation.journal.dispatcher")
    assert line["request"] == number
    assert line["exception"] == ["builtins.ConnectionRefusedError"]
    assert "13912345678" not in written.text


@pytest.mark.django_db
def test_what_nobody_asked_for_has_no_number_and_the_next_entry_does_not_inherit_one() -> None:
    with logs.during(SimpleNamespace(request_id=NUMBER)), transaction.atomic():
        asked = record("loan.recorded", actor=SYSTEM, now=NOW, subject="x:1")
    with transaction.atomic():
        unasked = record("loan.recorded", actor=SYSTEM, now=NOW, subject="x:2")
    numbers = dict(Outbox.objects.values_list("entry_id", "request_id"))
    assert (numbers[asked.pk], numbers[unasked.pk]) == (NUMBER, "")


def test_a_message_to_the_workers_carries_the_number_and_the_task_writes_under_it(written: Written) -> None:
    sent: dict[str, Any] = {}
    with logs.during(SimpleNamespace(request_id=NUMBER)):
        portal_celery._say_who_asked(headers=sent)
    assert sent == {"portal_request": NUMBER}
    task = SimpleNamespace(request=SimpleNamespace(**sent))
    portal_celery._begin(task=task)
    logging.getLogger("portal.x").info("printing")
    portal_celery._end()
    logging.getLogger("portal.x").info("done")
    assert [line.get("request") for line in written.of("portal.x")] == [NUMBER, None]


@pytest.mark.parametrize("number", ["", "x" * 16, NUMBER + "0", "'; drop table x; --", NUMBER + "\n"])
def test_only_a_number_of_ours_is_believed(number: str) -> None:
    with logs.caused_by(number):
        assert logs.request_id() == ""
    with logs.caused_by(NUMBER):
        assert logs.request_id() == NUMBER
    assert logs.request_id() == ""


def test_a_task_that_fails_is_named_without_its_arguments(written: Written) -> None:
    data = {"name": "pledges.render_notice", "args": "('林示例', '13912345678')", "exc": "Key (phone)=(13912345678)"}
    logging.getLogger("celery.app.trace").error("Task %(name)s raised %(exc)s", data, extra={"data": data})
    (line,) = written.of("celery.app.trace")
    assert line["message"] == "trace pledges.render_notice"
    assert "林示例" not in written.text


@pytest.mark.django_db
def test_answers_are_counted_and_a_database_that_is_away_loses_none(
    bo: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts._new.clear()
    for _ in range(3):
        bo.client.get("/desk/")
    assert not RequestCount.objects.exists()
    counts.flush()
    assert RequestCount.objects.get(route="desk", status="200").answered == 3
    bo.client.get("/desk/")
    with monkeypatch.context() as patch:
        patch.setattr(counts, "_ADD", "INSERT INTO nowhere VALUES (%s)" + ", %s" * 10)
        with transaction.atomic():
            counts.flush()
            transaction.set_rollback(True)
    counts.flush()
    row = RequestCount.objects.get(route="desk", status="200")
    assert row.answered == 4
    assert 0 <= row.le_0 <= row.le_6 <= 4
    assert row.seconds > 0
