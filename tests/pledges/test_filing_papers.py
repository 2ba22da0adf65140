"""Papers made from ticked boxes, the contract read on its page, the national number, and one bad patent among many."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import pytest

from applications.models import Application
from pledges import declarations, per_contract
from pledges.actions import examination, filing, forwarding, joining
from pledges.contract_text import actions as contract_text
from pledges.contract_text import extract
from pledges.declarations import Made
from pledges.models import ContractReading, Document, PledgedPatent, Registration
from portal.demo import filings
from portal.foundation.accounts.models import Membership
from portal.foundation.assets.models import Patent
from portal.foundation.core import moments
from portal.foundation.core.actor import Actor
from portal.foundation.core.errors import Forbidden, Invalid, WrongState
from portal.foundation.core.identifiers import PatentKind
from portal.foundation.core.pdf import engine
from portal.foundation.journal.models import Entry
from portal.notifications import catalogue
from products.models import Product
from tests import factories
from tests.budget import budget
from tests.factories import Person

from .conftest import accepted, content, examined, filled, submitted, tick_all
from .test_contract_text import FORFEITS, WHOLE
from .test_grounds import FILE, PATENT, UTILITY
from .test_pages import url

pytestmark = pytest.mark.django_db
needs_pdf = pytest.mark.skipif(not engine.available().ok, reason="no Pango here")


# --- declarations -----------------------------------------------------------------------------------------------------


def test_the_promise_names_both_parties_and_carries_their_signatures(
    draft: Registration, bo: Person, ling: Person, chen: Person, wai: Person
) -> None:
    before = declarations.context(draft, Made.PROMISE, now=moments.now())
    assert before["signatures"] == []
    page = bo.client.get(url("made", draft, "promise")).content.decode()
    assert "签章" in page
    joining.propose(draft.pk, actor=bo.actor, now=moments.now())
    file = joining.confirm(draft.pk, version=draft.version, actor=ling.actor, now=moments.now())
    for person in (bo, ling, chen):
        with budget():
            page = person.client.get(url("made", file, "promise")).content.decode()
        for said in (ling.organisation.name, bo.organisation.name, "示例质字第 2026-001 号", "代替主体身份证明"):
            assert said in page
        assert all(s.digest in page for s in file.signatures.all())
    assert wai.client.get(url("made", file, "promise")).status_code == 404


def test_a_paper_nobody_gave_is_not_there(draft: Registration, bo: Person) -> None:
    for kind in ("twin", "invalidation", "nonsense"):
        assert bo.client.get(url("made", draft, kind)).status_code == 404
    filing.save(
        draft.pk, typed={}, content=content(draft, identity_promise=False), version=draft.version, actor=bo.actor, now=moments.now()
    )  # fmt: skip
    assert bo.client.get(url("made", draft, "promise")).status_code == 404


def test_the_two_declarations_name_the_patents_they_are_about(
    ling: Person, bo: Person, product: Product, chen: Person
) -> None:
    twin = factories.patent(ling.organisation, factories.UTILITY, kind=PatentKind.UTILITY, filed=date(2023, 10, 25))
    attacked = factories.patent(ling.organisation)
    Patent.objects.filter(pk=twin.pk).update(same_day_twin="2023111223340", title="示例支架")
    Patent.objects.filter(pk=attacked.pk).update(invalidation_pending=True, title="示例装置")
    file = filled(accepted(ling, bo, product), bo)
    filing.declare(file.pk, twin=True, invalidation=True, actor=bo.actor, now=moments.now())
    page = bo.client.get(url("made", file, "twin")).content.decode()
    assert "202311122334.0" in page
    assert "示例支架" in page
    assert "示例装置" not in page
    page = bo.client.get(url("made", file, "invalidation")).content.decode()
    assert "示例装置" in page
    assert "示例支架" not in page
    detail = bo.client.get(url("detail", file)).content.decode()
    assert detail.count("/made/") == 3


@needs_pdf
def test_the_declarations_are_printed_as_papers(draft: Registration, bo: Person) -> None:
    answer = bo.client.get(url("made-pdf", draft, "promise"))
    assert answer.content.startswith(b"%PDF-")
    text = "".join(str(extract.words(answer.content)["text"]).split())
    assert "主体身份真实有效承诺书" in text
    assert draft.pledgor.name in text


# --- the contract's words ---------------------------------------------------------------------------------------------


@needs_pdf
def test_bo_lets_the_uploaded_contract_be_read(case: Application, bo: Person, ling: Person, chen: Person) -> None:
    file = filing.start(case.pk, actor=bo.actor, now=moments.now())
    assert file.debt_from
    assert file.debt_to
    made = filings.contract(
        file, number="示例 1 号", signed=file.debt_from, debt_from=file.debt_from, debt_to=file.debt_to, at=moments.now()
    )  # fmt: skip
    upload = filing.Upload(Document.Kind.CONTRACT, made, "contract_file")
    filing.save(
        file.pk, typed={}, content=content(file), uploads=[upload], version=0, actor=bo.actor, now=moments.now()
    )
    assert bo.client.post(url("contract", file), {"read": "1"}).status_code == 302
    reading = ContractReading.objects.get()
    states = {item["code"]: item["state"] for item in reading.items}
    for code in ("pledgor", "pledgee", "kind", "amount", "term", "number", "title", "filed", "granted", "scope"):
        assert states[code] == "found", code
    assert reading.clauses == []
    with budget():
        page = bo.client.get(url("contract", file)).content.decode()
    assert "合同原文：" in page
    assert "没有找到流质条款的写法" in page
    assert "请人工通读" in page


def test_pasted_words_are_looked_through_and_a_forfeiture_is_quoted(
    draft: Registration, bo: Person, ling: Person
) -> None:
    answer = bo.client.post(url("contract", draft), {"paste": "1", "text": WHOLE + "第六条 " + FORFEITS[1]})
    assert answer.status_code == 302
    page = bo.client.get(url("contract", draft)).content.decode()
    assert "找到 1 处疑似流质条款" in page
    assert "甲方逾期不还，专利即归乙方" in page
    assert "1 项没找到" in page or "项没找到" in page
    precheck = bo.client.get(url("precheck", draft)).content.decode()
    assert "疑似流质条款 1 处" in precheck
    filing.save(draft.pk, typed={}, content=content(draft), version=draft.version, actor=bo.actor, now=moments.now())
    assert "请重新核对" in ling.client.get(url("contract", draft)).content.decode()


def test_a_scan_a_broken_paper_and_too_few_words_are_told_with_what_to_do(draft: Registration, bo: Person) -> None:
    refused = bo.client.post(url("contract", draft), {"read": "1"})  # the fixture's contract has no words
    assert refused.status_code == 422
    assert "粘贴" in refused.content.decode()
    short = bo.client.post(url("contract", draft), {"paste": "1", "text": "质押合同"})
    assert short.status_code == 400
    assert "粘贴质押合同的全文" in short.content.decode()
    for body in (b"%PDF-1.7\n%broken", b"", b"%PDF-1.4\n" + b"0 0 obj <<" * 5000):
        assert outcome(body) in ("broken", "nothing")


def test_a_contract_that_is_not_cleared_is_not_opened(draft: Registration, bo: Person, ling: Person) -> None:
    """In quarantine it is read by nobody, neither by a person nor by the reader of its words."""
    Document.objects.filter(registration=draft, kind=Document.Kind.CONTRACT).update(scan=Document.Scan.FOUND)
    answer = bo.client.post(url("contract", draft), {"read": "1"})
    assert answer.status_code == 409
    assert "已经隔离" in answer.content.decode()


def outcome(body: bytes) -> str:
    """How reading a paper without words ends: never with a trace, never with words."""
    try:
        return contract_text.words_of_pdf(body).strip() or "nothing"
    except contract_text.Unreadable as refused:
        return refused.code


def test_the_office_reads_it_too_and_a_stranger_does_not(with_office: Registration, chen: Person, wai: Person) -> None:
    assert chen.client.post(url("contract", with_office), {"paste": "1", "text": WHOLE}).status_code == 302
    assert ContractReading.objects.get().read_by == chen.actor.label
    with budget():
        assert "回审查页" in chen.client.get(url("contract", with_office)).content.decode()
    assert wai.client.get(url("contract", with_office)).status_code == 404


# --- the national number ----------------------------------------------------------------------------------------------


def test_chen_records_what_the_national_office_answered(
    registered: Registration, chen: Person, ling: Person, bo: Person
) -> None:
    assert "记国家登记号" in chen.client.get("/office/done/").content.decode()
    today = moments.local_date(moments.now())
    with budget():
        assert "国家知识产权局" in chen.client.get(url("office-forward", registered)).content.decode()
    sent = {"number": "y2026500000123", "registered_on": f"{today:%Y-%m-%d}"}
    assert chen.client.post(url("office-forward", registered), sent).status_code == 302
    registered.refresh_from_db()
    assert (registered.national_number, registered.national_on) == ("Y2026500000123", today)
    assert registered.national_by == chen.actor.label
    for person in (ling, bo):
        page = person.client.get(url("detail", registered)).content.decode()
        assert "Y2026500000123" in page
        assert "国家知识产权局（本处代办）" in page
    told = Entry.objects.get(verb="pledge.forwarded")
    letters = catalogue.letters(told)
    assert {o for letter in letters for o in letter.organisations} == {ling.organisation.pk, bo.organisation.pk}


def test_a_slip_is_put_right_and_what_stood_before_stays_in_the_journal(registered: Registration, chen: Person) -> None:
    today = moments.local_date(moments.now())
    for number in ("Y2026500000123", "Y2026500000132"):
        forwarding.record_national(
            registered.pk, number=number, registered_on=today, actor=chen.actor, now=moments.now()
        )
    last = Entry.objects.filter(verb="pledge.forwarded").latest("id")
    assert last.data["before"] == {"number": "Y2026500000123", "on": f"{today:%Y-%m-%d}"}
    assert "更正国家登记号" in last.text


def test_days_and_numbers_that_cannot_be_are_refused(
    registered: Registration, chen: Person, bo: Person, another_case: Callable[[], Application]
) -> None:
    today = moments.local_date(moments.now())

    def record(number: str, day: date, by: Person = chen) -> None:
        forwarding.record_national(registered.pk, number=number, registered_on=day, actor=by.actor, now=moments.now())

    for day in (today + timedelta(days=1), today - timedelta(days=30)):
        with pytest.raises(Invalid) as refused:
            record("Y2026500000123", day)
        assert set(refused.value.fields) == {"registered_on"}
    with pytest.raises(Forbidden):
        record("Y2026500000123", today, bo)
    other = another_case()
    file = filing.start(other.pk, actor=_bank_of(other), now=moments.now())
    Registration.objects.filter(pk=file.pk).update(national_number="Y2026500000123")
    with pytest.raises(Invalid, match="另一件登记"):
        record("y2026500000123", today)
    assert chen.client.post(url("office-forward", registered), {"number": "Y"}).status_code == 400


def _bank_of(case: Application) -> Actor:
    offer = case.accepted_offer
    assert offer is not None
    return Membership.objects.get(organisation_id=offer.referral.institution_id).actor


def test_a_file_that_is_not_registered_has_no_national_number(with_office: Registration, chen: Person) -> None:
    with pytest.raises(WrongState, match="准予登记并转报后"):
        forwarding.record_national(
            with_office.pk, number="Y2026500000123", registered_on=moments.local_date(moments.now()), actor=chen.actor, now=moments.now()
        )  # fmt: skip


# --- one contract, many patents, one bad ------------------------------------------------------------------------------


def many(ling: Person, bo: Person, product: Product) -> Registration:
    """A file of three patents, the second of which owes its fee."""
    factories.patent(ling.organisation)
    factories.patent(ling.organisation, factories.INVENTION_2, filed=date(2015, 12, 8))
    factories.patent(ling.organisation, factories.UTILITY, kind=PatentKind.UTILITY, filed=date(2023, 10, 25))
    return filled(accepted(ling, bo, product), bo)


def test_edge_case_3_one_bad_patent_stops_the_contract_and_the_ways_out_are_shown(
    ling: Person, bo: Person, product: Product, chen: Person
) -> None:
    """Edge case 3: of Ling's three patents one owes its fee. Bo reads that nothing is registered in part, which one it is,
    and takes it out of the file with one press; the contract has to follow."""
    file = many(ling, bo, product)
    Patent.objects.filter(number=factories.INVENTION_2).update(fee_paid_until=date(2026, 1, 1))
    with pytest.raises(joining.GroundsFound):
        joining.propose(file.pk, actor=bo.actor, now=moments.now())
    with budget():
        page = bo.client.get(url("precheck", file)).content.decode()
    assert "合同里有 1 件专利不能登记，另外 2 件可以" in page
    assert "登记按合同整体决定" in page
    assert "补充协议" in page
    assert "R04" in page
    sent = bo.client.post(url("leave-out", file), {"number": factories.INVENTION_2})
    assert sent.headers["Location"] == url("precheck", file)
    assert set(file.patents.values_list("number", flat=True)) == {factories.INVENTION, factories.UTILITY}
    page = bo.client.get(url("precheck", file)).content.decode()
    assert "不能登记，另外" not in page
    assert "补充协议与合同一并上传" in page
    told = Entry.objects.get(verb="pledge.patents_listed")
    assert factories.INVENTION_2 in told.text


def test_edge_case_3_nothing_of_the_contract_is_registered_when_one_patent_goes_bad_later(
    ling: Person, bo: Person, product: Product, chen: Person
) -> None:
    """Edge case 3: the fee lapses while Chen examines; she cannot register the other two, and after the refusal none of
    the three is pledged, so that the parties may file anew with two."""
    file = many(ling, bo, product)
    joining.propose(file.pk, actor=bo.actor, now=moments.now())
    joining.confirm(file.pk, version=file.version, actor=ling.actor, now=moments.now())
    examined(file, chen)
    Patent.objects.filter(number=factories.INVENTION_2).update(fee_paid_until=date(2026, 1, 1))
    tick_all(file, chen)
    with pytest.raises(WrongState, match="R04"):
        examination.register(file.pk, actor=chen.actor, now=moments.now())
    assert not PledgedPatent.objects.exclude(effective=None).exists()
    examination.refuse(file.pk, ground="R04", note="年费未缴。", actor=chen.actor, now=moments.now())
    again = filing.start(file.application_id, actor=bo.actor, now=moments.now())
    assert again.pk != file.pk


def test_edge_case_3_at_least_one_patent_stays_and_only_the_writer_leaves_any_out(
    ling: Person, bo: Person, product: Product, chen: Person
) -> None:
    """Edge case 3: leaving all out is no file; Ling, who did not fill it in, leaves nothing out."""
    file = many(ling, bo, product)
    everything = list(file.patents.values_list("number", flat=True))
    assert bo.client.post(url("leave-out", file), {"number": everything}).status_code == 400
    assert ling.client.post(url("leave-out", file), {"number": everything[:1]}).status_code == 403
    assert bo.client.post(url("leave-out", file), {}).status_code == 400
    assert file.patents.count() == 3


def test_edge_case_3_who_is_bad_is_decided_patent_by_patent() -> None:
    """Edge case 3: grounds that a declaration waives do not make a patent bad; where all are bad there is nothing to leave."""
    owing = replace(UTILITY, fee_paid_until=date(2026, 1, 1))
    found = per_contract.advice(replace(FILE, patents=(PATENT, owing)))
    assert found is not None
    assert (found.numbers, found.good) == ([UTILITY.number], 1)
    assert "R04" in found.bad[0].codes
    attacked = replace(UTILITY, invalidation_pending=True)
    assert per_contract.advice(replace(FILE, patents=(PATENT, attacked))) is None
    assert per_contract.advice(replace(FILE, patents=(owing,))) is None
    dead = replace(PATENT, fee_paid_until=date(2026, 1, 1))
    assert per_contract.advice(replace(FILE, patents=(dead, owing))) is None


def test_both_ends_of_the_story_are_told(case: Application, bo: Person, ling: Person) -> None:
    """Who is told of what: the parties of the national number, nobody of a signature (the next one was asked already)."""
    submitted(case, bo, ling)
    signed = Entry.objects.filter(verb="pledge.signed")
    assert signed.count() == 2
    assert [catalogue.letters(entry) for entry in signed] == [[], []]
