"""Ling asks the credit agency; the dispatcher fetches the report. A stand-in on this machine speaks the real contract."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from portal.foundation.assets.models import AgencyRequest, Patent, Valuation
from portal.foundation.assets.valuation import agency, provider, simulator
from portal.foundation.core import moments
from portal.foundation.core.errors import WrongState
from portal.foundation.journal import dispatcher
from portal.foundation.journal.models import Delivery, Entry
from portal.foundation.journal.subscribers import Down, Later
from portal.notifications.models import Notice
from tests import factories
from tests.factories import Person

pytestmark = pytest.mark.django_db
QUESTION = provider.Question("ZYD-1", "示例", "", [("2017106018623", "invention", "示例专利")])


@pytest.fixture
def connected(settings: Any) -> Iterator[str]:
    with simulator.running(token="secret-of-the-agency") as address:
        settings.VALUATION_AGENCY_URL = address
        settings.VALUATION_AGENCY_TOKEN = "secret-of-the-agency"
        settings.VALUATION_AGENCY_TIMEOUT = 2
        yield address


def ask(ling: Person, title: str = "示例专利") -> AgencyRequest:
    patent = factories.patent(ling.organisation)
    Patent.objects.filter(pk=patent.pk).update(title=title)
    return agency.ask([patent.pk], actor=ling.actor, now=moments.now())


def heard(now: datetime | None = None) -> None:
    while dispatcher.dispatch(now=now or moments.now()):
        pass


def test_ling_asks_on_the_page_and_reads_the_report(connected: str, ling: Person, wai: Person, bo: Person) -> None:
    patent = factories.patent(ling.organisation)
    assert ling.client.get("/valuations/agency/").status_code == 200
    assert ling.client.post("/valuations/agency/", {"patents": [patent.pk]}).status_code == 302
    assert not Valuation.objects.exists()  # the page itself asks nobody
    heard()
    made = Valuation.objects.get()
    assert (made.kind, made.state, made.organisation) == ("agency", "final", ling.organisation)
    assert made.provider == simulator.PROVIDER
    assert made.number in ling.client.get("/valuations/").content.decode()
    paper = ling.client.get(f"/valuations/{made.number}/paper/")
    assert b"".join(paper.streaming_content) == simulator.PDF  # type: ignore[attr-defined]
    assert ling.client.get(f"/valuations/{made.number}/").status_code == 200
    for stranger in (wai, bo):
        assert stranger.client.get(f"/valuations/{made.number}/paper/").status_code == 404
    assert Notice.objects.filter(membership=ling.membership, title="信用机构估值报告已收到").exists()
    for entry in Entry.objects.all():
        assert str(made.value) not in f"{entry.text}{entry.data}"
        assert entry.parties in ([], [ling.organisation.pk])


def test_the_report_heard_twice_is_kept_once(connected: str, ling: Person) -> None:
    ask(ling)
    entry = Entry.objects.get(verb="valuation.requested")
    agency.hear(entry, moments.now())
    agency.hear(entry, moments.now())
    assert Valuation.objects.count() == 1


def test_a_refusal_is_told_with_its_reason(connected: str, ling: Person) -> None:
    made = ask(ling, "模拟拒绝的专利")
    heard()
    made.refresh_from_db()
    assert made.refusal == "公开数据不足，暂不能出具报告。"
    assert made.refusal in ling.client.get("/valuations/agency/").content.decode()
    assert not Valuation.objects.exists()


def test_an_agency_that_needs_time_is_asked_again(connected: str, ling: Person) -> None:
    made, now = ask(ling, "模拟稍后的专利"), moments.now()
    with pytest.raises(Later) as later:
        agency.hear(Entry.objects.get(verb="valuation.requested"), now)
    assert later.value.until == now + timedelta(seconds=60)
    heard()
    Patent.objects.filter(pk__in=made.patents.values("pk")).update(title="示例专利")
    heard(moments.now() + timedelta(seconds=61))
    assert Valuation.objects.count() == 1
    assert not Delivery.objects.filter(subscriber="agency_reports", state="dead").exists()


def test_an_agency_that_is_away_is_no_failure(settings: Any, ling: Person) -> None:
    with simulator.running() as address:
        settings.VALUATION_AGENCY_URL = address
        ask(ling)
    entry = Entry.objects.get(verb="valuation.requested")
    with pytest.raises(Later):  # its address answers no longer
        agency.hear(entry, moments.now())
    settings.VALUATION_AGENCY_URL = ""
    with pytest.raises(Down):
        agency.hear(entry, moments.now())


def test_without_an_agency_ling_is_told_so(ling: Person) -> None:
    assert "还没有接通" in ling.client.get("/valuations/agency/").content.decode()
    with pytest.raises(WrongState):
        ask(ling)


def test_the_wrong_token_gets_nothing(connected: str) -> None:
    with pytest.raises(provider.Unreachable):
        provider.HttpProvider(connected, token="guessed").report(QUESTION)


@pytest.mark.parametrize("address", ["http://agency.example", "ftp://127.0.0.1", "agency.example", ""])
def test_the_client_speaks_https_or_stays_on_this_machine(address: str) -> None:
    with pytest.raises(ValueError):
        provider.HttpProvider(address)


@pytest.mark.parametrize(
    "change",
    [{"value": "0.00"}, {"value": 5}, {"value": "NaN"}, {"low": "9999999999.00"}, {"report_pdf": "!"}, {"valid_until": "soon"},
     {"value": "1.001"}, {"report_pdf": "SGVsbG8="}],
)  # fmt: skip
def test_an_answer_that_breaks_the_contract_is_no_report(change: dict[str, Any]) -> None:
    good = simulator.Answering._report({"patents": [{"number": "2017106018623"}]})
    assert provider.parse(good).value > 0
    with pytest.raises(provider.Unreachable):
        provider.parse(good | change)
