"""Chen's office asks the patent register: every answer is kept to the byte, every change is told, nobody's entry is touched."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from time import sleep
from typing import Any

import pytest
from django.db import DatabaseError, transaction

from portal.foundation.assets.models import Patent, RegisterAnswer, RegisterLookup
from portal.foundation.assets.register import actions, client, queries, simulator
from portal.foundation.assets.register.interface import Extract, Unreachable, from_json, to_json
from portal.foundation.core import moments
from portal.foundation.core.errors import WrongState
from portal.foundation.journal.models import Entry
from tests import factories
from tests.factories import Person
from tests.registers import GRANTED, TOKEN, Says

OTHER = replace(GRANTED, number="2015109587720", patentees=("重庆示例智造有限公司", "重庆示例大学"))


def test_an_extract_survives_the_wire() -> None:
    whole = replace(OTHER, ended_on=date(2026, 1, 2), suspended=True, pledge="Y1", transferred_on=date(2025, 3, 4))
    assert from_json(json.loads(json.dumps(to_json(whole)))) == whole


@pytest.mark.parametrize(
    "wrong",
    [
        {"number": ""},
        {"patentees": []},
        {"patentees": "重庆示例"},
        {"status": "alive"},
        {"grant_date": "2019/06/01"},
        {"preserved": "no"},
        {"pledge": 7},
    ],
)
def test_an_extract_that_breaks_the_contract_is_none(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        from_json({**to_json(GRANTED), **wrong})


@contextmanager
def answering(status: int, body: bytes, *, wait: float = 0.0) -> Iterator[str]:
    """A register that always answers this, after a while."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            sleep(wait)
            self.send_response(status)
            self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            with suppress(BrokenPipeError):  # who was too slow is not waited for
                self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def body(**changes: Any) -> bytes:
    whole = {"register": "示例", "as_of": "2026-11-23T10:00:00+08:00", "extracts": [to_json(GRANTED)], "unknown": []}
    return json.dumps({**whole, **changes}).encode()


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (500, b"{}"),
        (302, body()),
        (200, b"not json"),
        (200, b"[]"),
        (200, body(extracts=[])),  # silent about what was asked
        (200, body(extracts=[to_json(GRANTED)] * 2)),
        (200, body(unknown=[GRANTED.number])),  # found and unknown at once
        (200, body(as_of="2026-11-23T10:00:00")),  # of no zone
        (200, body(register="")),
        (200, b" " * (client.LONGEST_ANSWER + 1)),
    ],
)
def test_an_answer_that_breaks_the_contract_is_no_answer(status: int, said: bytes) -> None:
    with answering(status, said) as address, pytest.raises(Unreachable):
        client.HttpRegister(address, timeout=2).ask([GRANTED.number], key="k")


def test_a_register_that_does_not_answer_in_time_is_left() -> None:
    with answering(200, body(), wait=3) as address, pytest.raises(Unreachable, match="超时"):
        client.HttpRegister(address, timeout=1).ask([GRANTED.number], key="k")


def test_the_address_is_https_or_this_machine() -> None:
    client.HttpRegister("https://register.example.invalid")
    for address in ("http://register.example.invalid", "ftp://127.0.0.1", "127.0.0.1"):
        with pytest.raises(ValueError):
            client.HttpRegister(address)


def test_a_wrong_token_is_refused() -> None:
    with simulator.running([GRANTED], token=TOKEN) as address, pytest.raises(Unreachable, match="401"):
        client.HttpRegister(address, token="guess").ask([GRANTED.number], key="k")


@pytest.mark.django_db
class TestKeeping:
    def test_every_answer_is_kept_to_the_byte(self, register_says: Says, chen: Person) -> None:
        register_says(GRANTED)
        now = moments.now()
        outcome = actions.refresh([GRANTED.number, "2015109587720"], actor=chen.actor, now=now)
        assert (outcome.asked, outcome.found, outcome.unknown, outcome.problem) == (2, 1, 1, "")
        answer = RegisterAnswer.objects.get()
        raw = bytes(answer.body)
        assert answer.sha256 == hashlib.sha256(raw).hexdigest()
        assert json.loads(raw)["extracts"] == [to_json(GRANTED)]
        assert (answer.source, answer.name, answer.asked_by, answer.asked_at) == (
            "http",
            simulator.NAME,
            chen.actor.label,
            now,
        )
        assert dict(RegisterLookup.objects.values_list("number", "outcome")) == {
            GRANTED.number: "found",
            "2015109587720": "unknown",
        }
        known = queries.latest([GRANTED.number])[GRANTED.number]
        assert (known.extract, known.asked_at, known.sha256) == (GRANTED, now, answer.sha256)

    def test_evidence_cannot_be_changed_afterwards(self, register_says: Says, chen: Person) -> None:
        register_says(GRANTED)
        actions.refresh([GRANTED.number], actor=chen.actor, now=moments.now())
        for spoil in (
            lambda: RegisterAnswer.objects.update(name="别的"),
            lambda: RegisterLookup.objects.update(outcome="unknown"),
            lambda: RegisterLookup.objects.all().delete(),
        ):
            with pytest.raises(DatabaseError), transaction.atomic():
                spoil()

    def test_a_change_is_told_to_ling_and_her_entry_stays_hers(
        self, register_says: Says, chen: Person, ling: Person, wai: Person
    ) -> None:
        patent = factories.patent(ling.organisation)
        register_says(GRANTED)
        first = actions.refresh([patent.number], actor=chen.actor, now=moments.now())
        assert first.changed == ()  # as she entered it
        register_says(replace(GRANTED, preserved=True, fee_paid_until=date(2029, 12, 31)))
        again = actions.refresh([patent.number], actor=chen.actor, now=moments.now())
        assert again.changed == (patent.number,)
        told = Entry.objects.get(verb="patent.register_changed")
        assert "年费缴至由“2028-12-31”变为“2029-12-31”" in told.text
        assert "保全由“无”变为“有”" in told.text
        assert ling.organisation.pk in told.parties
        assert wai.organisation.pk not in told.parties
        same = actions.refresh([patent.number], actor=chen.actor, now=moments.now())
        assert same.changed == ()
        patent.refresh_from_db()
        assert (patent.preserved, patent.fee_paid_until) == (False, date(2028, 12, 31))

    def test_what_ling_entered_otherwise_is_told_at_the_first_look(
        self, register_says: Says, chen: Person, ling: Person
    ) -> None:
        patent = factories.patent(ling.organisation)
        Patent.objects.filter(pk=patent.pk).update(patentee="重庆示例旧名有限公司")
        register_says(GRANTED)
        actions.refresh([patent.number], actor=chen.actor, now=moments.now())
        told = Entry.objects.get(verb="patent.register_changed")
        assert told.data["first"]
        assert "与企业填报不一致" in told.text

    def test_a_register_that_fails_is_kept_as_such(self, settings: Any, register_says: Says, chen: Person) -> None:
        register_says(GRANTED)
        actions.refresh([GRANTED.number], actor=chen.actor, now=moments.now())
        settings.PATENT_REGISTER_URL = "http://127.0.0.1:9"  # nobody listens there
        outcome = actions.refresh([GRANTED.number], actor=chen.actor, now=moments.now())
        assert outcome.problem == "登记簿接口连接不上"
        assert queries.latest([GRANTED.number])[GRANTED.number].outcome == "failed"
        assert queries.latest_found([GRANTED.number])[GRANTED.number].extract == GRANTED
        assert Entry.objects.filter(verb="register.asked", text__contains="没有查到结果").count() == 1

    def test_one_that_fails_is_not_asked_again_for_the_rest(self, settings: Any, chen: Person) -> None:
        settings.PATENT_REGISTER, settings.PATENT_REGISTER_URL = "http", "http://127.0.0.1:9"
        numbers = [f"20171{n:07d}1" for n in range(120)]
        actions.refresh(numbers, actor=chen.actor, now=moments.now())
        assert RegisterAnswer.objects.count() == 1
        assert RegisterLookup.objects.filter(outcome="failed").count() == 120

    def test_a_hundred_and_twenty_are_three_questions(self, register_says: Says, chen: Person) -> None:
        many = [replace(GRANTED, number=f"20171{n:07d}1") for n in range(120)]
        register_says(*many)
        outcome = actions.refresh([e.number for e in many], actor=chen.actor, now=moments.now())
        assert (outcome.found, RegisterAnswer.objects.count()) == (120, 3)

    def test_nobody_holds_a_lock_while_a_stranger_thinks(self, register_says: Says, chen: Person) -> None:
        register_says(GRANTED)
        with transaction.atomic(), pytest.raises(RuntimeError):
            actions.refresh([GRANTED.number], actor=chen.actor, now=moments.now())
        assert not RegisterAnswer.objects.exists()

    def test_without_a_register_there_is_a_sentence(self, chen: Person) -> None:
        with pytest.raises(WrongState, match="没有接通登记簿"):
            actions.refresh([GRANTED.number], actor=chen.actor, now=moments.now())

    def test_the_simulator_mirrors_what_enterprises_entered(self, settings: Any, ling: Person, chen: Person) -> None:
        settings.PATENT_REGISTER = "simulated"
        plain = factories.patent(ling.organisation)
        owing = factories.patent(ling.organisation, factories.INVENTION_2)
        gone = factories.patent(ling.organisation, factories.UTILITY)
        Patent.objects.filter(pk=owing.pk).update(title="一种壳体（模拟欠费）")
        Patent.objects.filter(pk=gone.pk).update(title="模拟查无")
        numbers = [plain.number, owing.number, gone.number]
        actions.refresh(numbers, actor=chen.actor, now=moments.now())
        known = queries.latest(numbers)
        said: dict[str, Extract | None] = {n: known[n].extract for n in numbers}
        assert said[plain.number] is not None
        assert said[plain.number].patentees == (ling.organisation.name,)  # type: ignore[union-attr]
        assert said[owing.number].fee_paid_until < moments.local_date(moments.now())  # type: ignore[union-attr, operator]
        assert known[gone.number].outcome == "unknown"
