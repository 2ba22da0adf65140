"""Each reader finds the record of the clocks that are theirs, can print it, and can have it checked elsewhere."""

import io
import json
from pathlib import Path
from typing import Any

import pypdf
import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from applications.actions import choices, claiming, responses
from applications.models import Application, DeclineReason
from pledges.actions import corrections, examination
from pledges.models import Registration
from portal.foundation.core import moments
from portal.foundation.core.pdf import engine
from portal.foundation.journal import chain
from portal.foundation.journal.models import Entry, Seal
from portal.foundation.sla.models import Clock, Kind
from products.models import Product
from tests import factories
from tests.factories import Person
from tests.grounds import stated
from tests.pledges.conftest import accepted, examined, submitted

from .conftest import asked, at, seal_all
from .test_replay import CONTACT, Tamper

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("journalled")]
NAMES = ("evidence", "evidence-paper", "evidence-package")


@pytest.fixture
def case(ling: Person, bo: Person, cui: Person, product: Product) -> Application:
    """Ling asked Bo's and Cui's banks; Bo answered in time, Cui not at all."""
    made = asked(ling, product, factories.product(cui.organisation, "示例乙贷"), on=at("2026-11-19 10:00"))
    claiming.claim_this(clock_of(made, bo)[0], **CONTACT, actor=bo.actor, now=at("2026-11-20 15:00"))
    seal_all()
    return made


def clock_of(case: Application, who: Person) -> tuple[int, int]:
    """Referral and clock of somebody's institution."""
    referral = case.referrals.get(institution_id=who.organisation.pk)
    assert referral.clock_id is not None
    return referral.pk, referral.clock_id


def page(who: Person, clock: int, name: str = "evidence") -> Any:
    ask = who.client.get if name == "evidence" else who.client.post  # a file that leaves is journalled
    return ask(reverse(name, args=[clock]))


def package(who: Person, clock: int) -> list[dict[str, Any]]:
    answer = page(who, clock, "evidence-package")
    assert answer.status_code == 200
    return [json.loads(line) for line in answer.content.decode().splitlines()]


def test_ling_reads_how_the_days_were_counted_and_that_it_was_checked(
    ling: Person, bo: Person, case: Application
) -> None:
    clock = clock_of(case, bo)[1]
    with CaptureQueriesContext(connection) as asked_for:
        said = page(ling, clock).content.decode()
    assert len(asked_for) <= 12
    for words in (
        "重新推算一致",
        "第 0 日",
        "2026年11月19日（周四）",
        "第 2 日",
        "24:00 届满",
        "周末",
        "机构接单",
        "国办发明电",
    ):
        assert words in said, words
    assert "渝银发〔2025〕58号第（一）条" in said
    assert "按时" in said


def test_each_reader_sees_their_own_clocks_and_nobody_elses(
    ling: Person,
    wai: Person,
    bo: Person,
    cui: Person,
    gu: Person,
    chen: Person,
    rui: Person,
    ada: Person,
    case: Application,
) -> None:
    clock = clock_of(case, bo)[1]
    for name in NAMES:
        for who in (ling, bo, rui):
            assert page(who, clock, name).status_code == 200, (name, who.user)
        for who in (wai, cui, gu, chen):
            assert page(who, clock, name).status_code == 404, (name, who.user)
        assert page(ada, clock, name).status_code == 403
        assert page(ling, 987654321, name).status_code == 404


def test_the_office_reads_the_clock_of_its_file(
    ling: Person, bo: Person, cui: Person, product: Product, chen: Person, chief: Person, rui: Person
) -> None:
    file = submitted(accepted(ling, bo, product), bo, ling)
    assert file.clock_id is not None
    for who in (ling, bo, chen, chief, rui):
        assert "重新推算一致" in page(who, file.clock_id).content.decode(), who.user
    assert page(cui, file.clock_id).status_code == 404
    response = file.application.referrals.get().clock_id
    assert response is not None
    assert page(chen, response).status_code == 404


def test_the_pages_of_a_case_lead_to_it(ling: Person, bo: Person, rui: Person, case: Application) -> None:
    referral, clock = clock_of(case, bo)
    link = f'href="{reverse("evidence", args=[clock])}"'
    addresses = [
        (ling, reverse("case", args=[case.number])),
        (bo, reverse("desk-referral", args=[case.referrals.get(pk=referral).ref])),
        (rui, stated(rui, case.number)),
    ]
    for who, address in addresses:
        assert link in who.client.get(address).content.decode(), address


def test_a_banks_package_holds_nothing_of_the_other_bank(
    bo: Person, cui: Person, case: Application, tmp_path: Path
) -> None:
    clock = clock_of(case, bo)[1]
    header, *rows = package(bo, clock)
    assert header["clocks"] == [clock]
    told = next(row for row in rows if row["verb"] == "application.submitted")
    assert told["hidden"] == ["data", "parties"]
    assert cui.organisation.pk not in told["parties"]
    assert [fact["clock"] for fact in told["data"]["clocks"]] == [clock]
    assert not any(
        str(clock_of(case, cui)[1]) == str(fact["clock"]) for row in rows for fact in row["data"].get("clocks", ())
    )
    assert "8000000" not in json.dumps(told, ensure_ascii=False)
    file = tmp_path / "p.jsonl"
    file.write_bytes(page(bo, clock, "evidence-package").content)
    said = io.StringIO()
    call_command("replay", "--journal", str(file), stdout=said)
    assert "结论：按时" in said.getvalue()
    assert "已略去" in said.getvalue()


def test_the_regulators_package_says_when_and_who_but_not_what_it_costs(
    rui: Person, bo: Person, case: Application
) -> None:
    rows = package(rui, clock_of(case, bo)[1])[1:]
    submitted_row = next(row for row in rows if row["verb"] == "application.submitted")
    assert submitted_row["hidden"] == ["amount", "open_call", "term_months"]
    claimed = next(row for row in rows if row["verb"] == "referral.claimed")
    assert "hidden" not in claimed


def test_lings_package_can_be_checked_line_by_line_with_sha_256_alone(
    ling: Person, bo: Person, case: Application
) -> None:
    _, *rows = package(ling, clock_of(case, bo)[1])
    assert {row["verb"] for row in rows} >= {
        "application.submitted",
        "referral.claimed",
        "policy.set",
        "calendar.loaded",
    }
    for row in rows:
        assert "hidden" not in row
        assert chain.link(row["seal"]["previous"], row) == row["seal"]["digest"]


def test_a_bank_that_was_shut_out_keeps_its_evidence_but_not_the_request(
    ling: Person, bo: Person, product: Product
) -> None:
    made = asked(ling, product, on=at("2026-11-19 10:00"))
    referral, clock = clock_of(made, bo)
    full = next(row for row in package(bo, clock)[1:] if row["verb"] == "application.submitted")
    assert full["data"]["amount"]
    choices.revoke(referral, actor=ling.actor, now=at("2026-11-20 10:00"))
    cut = next(row for row in package(bo, clock)[1:] if row["verb"] == "application.submitted")
    assert "amount" not in cut["data"]
    assert "不计" in page(bo, clock).content.decode()


def test_the_page_says_what_was_changed_behind_its_back(
    rui: Person, bo: Person, case: Application, behind_our_back: Tamper
) -> None:
    clock = clock_of(case, bo)[1]
    entry = Entry.objects.get(verb="referral.claimed")
    behind_our_back("UPDATE journal_entry SET actor_label = '别人' WHERE id = %s", entry.pk)
    behind_our_back("UPDATE sla_clock SET stopped_at = stopped_at - interval '1 hour' WHERE id = %s", clock)
    said = page(rui, clock).content.decode()
    assert "发现 2 处不一致" in said
    assert f"日志第 {entry.pk} 条的内容与封存摘要不符" in said
    assert "库中为 2026年11月20日（周五）14:00:00" in said
    assert "重新推算一致" not in said


def test_a_clock_without_any_journal_still_has_a_page_that_says_so(
    rui: Person, bo: Person, case: Application, behind_our_back: Tamper
) -> None:
    clock = clock_of(case, bo)[1]
    behind_our_back("DELETE FROM journal_entry")
    for name in NAMES[:1]:
        said = page(rui, clock, name).content.decode()
        assert "日志里没有这个时限开始的记录" in said
        assert "无法推算" in said


def test_what_happened_just_now_waits_for_its_seal_and_is_no_difference(
    ling: Person, bo: Person, product: Product
) -> None:
    made = factories.application(ling, product)
    said = page(ling, clock_of(made, bo)[1]).content.decode()
    assert "等待封存" in said
    assert "重新推算一致" in said


@pytest.mark.skipif(not engine.available().ok, reason="没有 Pango，不能打印")
def test_the_paper_carries_every_digest_in_full(ling: Person, bo: Person, case: Application) -> None:
    answer = page(ling, clock_of(case, bo)[1], "evidence-paper")
    assert answer.headers["Content-Type"] == "application/pdf"
    said = "".join("".join(p.extract_text() for p in pypdf.PdfReader(io.BytesIO(answer.content)).pages).split())
    digests = Seal.objects.filter(
        entry_id__in=Entry.objects.filter(verb__in=("referral.claimed", "application.submitted")).values("id")
    )
    assert [d for d in digests.values_list("digest", flat=True) if d not in said] == []
    for words in ("办理时限证据单", case.number, "第2日", "一致：截至", "机构接单"):
        assert words in said, words


def test_a_file_after_a_pause_shows_both_counts(ling: Person, bo: Person, product: Product, chen: Person) -> None:
    file = examined(submitted(accepted(ling, bo, product), bo, ling), chen)
    now = moments.now()
    examination.ask_correction(file.pk, [examination.Defect("contract", "未盖章。")], actor=chen.actor, now=now)
    clock = Registration.objects.get(pk=file.pk).clock_id
    assert clock is not None
    assert "尚未恢复" in page(chen, clock).content.decode()
    corrections.answer(file.corrections.get().pk, text="已补", actor=bo.actor, now=moments.now())
    said = page(chen, clock).content.decode()
    assert "逐日计算：开始" in said
    assert "逐日计算：恢复，时限重新起算" in said
    assert "材料补齐当日" in said


def test_the_promise_of_next_lenders_has_its_record_too(
    ling: Person, wai: Person, bo: Person, product: Product, rui: Person
) -> None:
    made = factories.application(ling, product)
    referral, _ = clock_of(made, bo)
    responses.decline(referral, code=DeclineReason.values[0], note="示例", actor=bo.actor, now=moments.now())
    clock = Clock.objects.get(kind=Kind.NEXT_LENDERS)
    for who in (ling, rui):
        assert "重新推算一致" in page(who, clock.pk).content.decode(), who.user
    for who in (bo, wai):
        assert page(who, clock.pk).status_code == 404, who.user
