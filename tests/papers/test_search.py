"""质押登记查询: Wai, who has nothing to do with Ling's pledge, asks whether a patent is free, and takes the answer to court."""

import re
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client

from pledges.models import PledgedPatent, Registration
from pledges.search import asking, reading
from pledges.search.asking import Question
from portal.foundation.core import moments
from portal.foundation.core.identifiers import InvalidIdentifier
from portal.foundation.core.pdf import engine
from tests.by_hand import by_hand
from tests.factories import INVENTION, USCC, Person

from .searching import ask, end

pytestmark = pytest.mark.django_db
prints = pytest.mark.skipif(not engine.available().ok, reason=engine.available().reason)
TODAY = moments.local_date(moments.now())
PLEDGED = Question("patent", INVENTION)


# --- the box ---------------------------------------------------------------------------------------------------------
def test_edge_case_28_any_spelling_of_a_patent_number_finds_the_same_pledge(registered: Registration) -> None:
    """Wai copies the number from the certificate, from the notice without its dot, or types it with an IME in full width."""
    for typed in (
        "ZL201710601862.3", "ZL 2017 1 0601862.3", "201710601862.3", "2017106018623", "zl201710601862.3", "CN201710601862.3",
        "ＺＬ２０１７１０６０１８６２．３", "２０１７１０６０１８６２３", "201710601862。3", "\u200b2017106018623 ",
    ):  # fmt: skip
        assert asking.parse(typed, today=TODAY) == PLEDGED, typed
        page = ask(typed, Client(REMOTE_ADDR=f"192.0.2.{len(typed)}")).content.decode()
        assert "有有效的质押登记" in page, typed
        assert registered.pledgee.name in page


@pytest.mark.parametrize(
    "typed", ["97101765.4", "971017654", "ＺＬ９７１０１７６５．４", "95115608.X", "95115608x", "95115608Ｘ"]
)
def test_edge_case_28_legacy_numbers_and_the_x_are_understood(typed: str) -> None:
    """A patent of 1997 has nine signs; its check digit may be an X."""
    question = asking.parse(typed, today=TODAY)
    assert question.by == "patent"
    assert len(question.value) == 9
    assert "没有查到质押登记" in ask(typed).content.decode()


def test_edge_case_28_a_slip_is_named_at_the_field(registered: Registration) -> None:
    for typed, said in (
        ("ZL201710601862.4", "校验位不符"), ("CN109888888A", "公开"), ("2017106018", "13 位"), ("９７１０１７６５．５", "校验位不符"),
    ):  # fmt: skip
        answer = ask(typed)
        assert answer.status_code == 400, typed
        assert said in answer.content.decode(), typed


@pytest.mark.parametrize(
    "typed",
    [USCC["enterprise"], USCC["enterprise"].lower(), "９１５０００００２０２８６９１７７Ｙ", "91500000 20286917 7Y"],
)
def test_a_code_of_a_company_is_told_from_a_patent_number(typed: str) -> None:
    assert asking.parse(typed, today=TODAY) == Question("party", USCC["enterprise"])


@pytest.mark.parametrize("typed", ["", "林示例", "9150000020286917", "91500000202869177Z", "A" * 60, "<script>"])
def test_nonsense_gets_a_sentence(typed: str) -> None:
    answer = ask(typed)
    assert answer.status_code == 400
    if typed:
        with pytest.raises(InvalidIdentifier):
            asking.parse(typed, today=TODAY)


# --- the answer ------------------------------------------------------------------------------------------------------
def test_wai_learns_what_the_gazette_tells_and_no_more(registered: Registration) -> None:
    page = ask(INVENTION).content.decode()
    for told in (
        registered.pledgor.name,
        registered.pledgee.name,
        "质押中",
        f"{TODAY.year}年{TODAY.month}月{TODAY.day}日",
    ):
        assert told in page
    patent = registered.patents.get()
    for secret in ("8,000,000", "800 万", registered.number, registered.contract_number, patent.title, "13800000000"):
        assert secret not in page, secret


def test_nothing_found_is_a_statement_with_its_moment_and_its_limits() -> None:
    page = ask("ZL202110049384.6").content.decode()
    assert "没有查到质押登记" in page
    assert re.search(
        r"截至\d{4}年\d+月\d+日 \d\d:\d\d:\d\d，经本通道办理的专利权质押登记中，专利 202110049384.6 没有有效的质押登记",
        page,
    )
    assert "未经本通道办理的质押登记" in page
    assert "以国家知识产权局专利登记簿为准" in page


@pytest.mark.parametrize("state", ["draft", "with_office", "ready"])
def test_what_is_not_registered_is_not_told(state: str, request: pytest.FixtureRequest) -> None:
    """That Ling is about to borrow is nobody's business."""
    file: Registration = request.getfixturevalue(state)
    page = ask(INVENTION).content.decode()
    assert "没有查到质押登记" in page
    assert file.pledgor.name not in page
    assert file.pledgor.name not in ask(USCC["bank"]).content.decode()


def test_a_pledge_that_ended_stays_in_the_history(registered: Registration) -> None:
    end(registered, days=30)
    (pledge,) = reading.of_patent(INVENTION)
    assert not pledge.live
    assert pledge.ended_on == TODAY + timedelta(days=30)
    page = ask(INVENTION).content.decode()
    assert "没有有效的质押登记；曾有 1 项，均已终止" in page
    assert registered.pledgee.name in page


def test_a_state_added_later_is_shown_in_its_own_words(registered: Registration) -> None:
    """Whatever follows registration is found; only what never was registered is left out."""
    assert set(reading.NEVER) < set(Registration.State)
    for state in set(Registration.State) - set(reading.NEVER) - {Registration.State.REGISTERED}:
        with by_hand():
            Registration.objects.filter(pk=registered.pk).update(state=state, ended_at=moments.now())
        PledgedPatent.objects.filter(registration=registered).update(effective=None)
        (pledge,) = reading.of_patent(INVENTION)
        assert not pledge.live
        assert pledge.state == state.label


def test_by_code_either_party_is_found(registered: Registration) -> None:
    for code, role in ((USCC["enterprise"], "出质人"), (USCC["bank"], "质权人")):
        found = reading.of_party(code)
        assert [c.role for c in found.rows] == [role]
        assert found.rows[0].live
        page = ask(code).content.decode()
        assert "201710601862.3" in page
        assert "共 1 件，其中有效 1 件" in page
    assert "没有查到质押登记" in ask(USCC["stranger"]).content.decode()


def test_a_bank_with_many_is_read_page_by_page_without_loss(
    registered: Registration, django_assert_max_num_queries: Any
) -> None:
    """45 registrations: three pages, each row once, newest first, whatever is registered meanwhile."""
    made = [registered.pk]
    for serial in range(1, 45):
        patent = registered.patents.first()
        assert patent is not None
        copy = Registration.objects.get(pk=registered.pk)
        copy.pk, copy._state.adding = None, True
        copy.number, copy.clock = f"ZYDJ20261123{serial:04d}T", None
        copy.application = _another_application(registered, serial)
        copy.save(force_insert=True)
        made.append(copy.pk)
        PledgedPatent.objects.create(
            registration=copy, patent=patent.patent, number=f"20171060{serial:05d}", kind=patent.kind, title="示例",
            filing_date=patent.filing_date, expires_on=patent.expires_on, effective=patent.effective,
        )  # fmt: skip
    seen, before = [], 0
    while True:
        with django_assert_max_num_queries(3):
            page = reading.of_party(USCC["bank"], before=before)
        seen += [row.pk for row in page.rows]
        before = page.before
        if not before:
            break
    assert seen == sorted(made, reverse=True)
    first = ask(USCC["bank"]).content.decode()
    link = re.search(r'href="(/search/\?q=[^"]+before=\d+)"', first)
    assert link is not None
    assert "共 45 件" not in first  # a page's figures are not passed off as the whole
    second = Client().get(link[1].replace("&amp;", "&")).content.decode()
    assert "第一页" in second
    assert "2017106000025" not in first or "2017106000025" not in second


def _another_application(registered: Registration, serial: int) -> Any:
    application = registered.application
    copy = type(application).objects.get(pk=application.pk)
    copy.pk, copy._state.adding = None, True
    copy.number, copy.token, copy.accepted_offer = f"YZD20261123{serial:04d}T", uuid4(), None
    copy.save(force_insert=True)
    return copy


def test_asking_without_end_is_slowed_down_and_members_have_more_patience(ling: Person) -> None:
    visitor = Client(REMOTE_ADDR="192.0.2.50")
    statuses = [ask(INVENTION, visitor).status_code for _ in range(61)]
    assert statuses == [200] * 60 + [429]
    assert ask(INVENTION, Client(REMOTE_ADDR="192.0.2.51")).status_code == 200
    ling.client.defaults["REMOTE_ADDR"] = "192.0.2.50"
    assert [ask(INVENTION, ling.client).status_code for _ in range(61)] == [200] * 61


@pytest.mark.django_db(transaction=True)
def test_a_plan_that_the_server_forgot_is_no_error(registered: Registration) -> None:
    """Outside a transaction the statement is planned once per connection; a pooler may hand out a server without the plan."""
    first = reading.of_patent(INVENTION)
    assert [pledge.live for pledge in first] == [True]
    assert connection.connection in reading._planned
    assert reading.of_patent(INVENTION) == first
    with connection.cursor() as cursor:
        cursor.execute("DEALLOCATE ALL")
    assert reading.of_patent(INVENTION) == first  # without its plan
    assert reading.of_patent(INVENTION) == first  # planned anew
    reading._planned.clear()  # as if another worker had left its plan here
    assert reading.of_patent(INVENTION) == first
