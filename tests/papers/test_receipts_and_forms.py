"""The receipt in two copies that Chen's office gives, and the application form that Ling and Bo can print."""

import io
from datetime import date

import pypdf
import pytest
from django.template.loader import render_to_string
from django.test import Client
from django.urls import reverse

from benchmarks.line_b9 import ink
from pledges import application_form, receipts
from pledges.actions import examination
from pledges.models import PledgedPatent, Receipt, Registration
from pledges.printing import print_missing
from portal.foundation.core import moments
from portal.foundation.core.pdf import engine
from tests.factories import Person
from tests.pledges.particulars_steps import AGENT, maximum, save

pytestmark = pytest.mark.django_db
prints = pytest.mark.skipif(not engine.available().ok, reason=engine.available().reason)


def pages(pdf: bytes) -> list[str]:
    found = (page.extract_text() for page in pypdf.PdfReader(io.BytesIO(pdf)).pages)
    return [text.replace("\n", "").replace(" ", "") for text in found]


@pytest.fixture
def receipt(with_office: Registration, chen: Person) -> Receipt:
    examination.accept(with_office.pk, actor=chen.actor, now=moments.now())
    return with_office.receipts.get()


@prints
def test_the_receipt_has_two_copies_that_list_everything_handed_in(receipt: Receipt) -> None:
    printed = receipts.print_receipt(receipt.pk)
    first, second = pages(printed.file.read())
    assert "第一联" in first
    assert "第二联" in second
    document = receipt.registration.documents.get()
    for copy in (first, second):
        assert receipt.number in copy
        assert "质押合同.pdf" in copy
        assert document.sha256[:16] in copy
        assert "演示数据，不具法律效力" in copy
    assert printed.sealed_at is not None


@prints
def test_both_copies_carry_ink(receipt: Receipt) -> None:
    """Text extraction reads blank glyphs as well: the page itself is looked at."""
    body = receipts.print_receipt(receipt.pk).file.read()
    assert ink(body, 0) > 0.02
    assert ink(body, 1) > 0.015


def test_receipts_and_notices_count_by_themselves(registered: Registration) -> None:
    year = moments.local_date(moments.now()).year
    assert registered.receipts.get().number == f"渝质收〔{year}〕000001号"
    assert registered.notices.get().number == f"渝质登〔{year}〕000001号"


@prints
def test_the_timer_prints_it_and_the_parties_download_it(
    receipt: Receipt, ling: Person, bo: Person, wai: Person
) -> None:
    assert print_missing() == 1
    here = reverse("pledges:receipt-pdf", args=[receipt.registration.number, receipt.pk])
    got = [b"".join(p.client.get(here).streaming_content) for p in (ling, bo)]  # type: ignore[attr-defined]
    assert got[0] == got[1]
    assert wai.client.get(here).status_code == 404
    assert Client().get(here).status_code == 302
    page = ling.client.get(reverse("pledges:detail", args=[receipt.registration.number])).content.decode()
    assert here in page


@prints
def test_anyone_checks_the_receipt_by_its_code_and_number(receipt: Receipt) -> None:
    receipts.print_receipt(receipt.pk)
    page = Client().get(reverse("pledges:verify", args=[receipt.verify_code])).content.decode()
    assert "专利权质押登记材料接收清单" in page
    assert "不代表准予登记" in page
    by_number = Client().post(reverse("pledges:verify"), {"q": receipt.number}).content.decode()
    assert receipt.number in by_number
    assert receipt.verify_code not in by_number


@prints
def test_the_form_is_filled_in_from_the_file(with_office: Registration, ling: Person) -> None:
    file = Registration.objects.select_related("pledgor", "pledgee", "office").get(pk=with_office.pk)
    body = application_form.render(file)
    words = "".join(pages(body))
    for said in (
        file.pledgor.name, file.pledgee.name, file.pledgor.uscc or "", "8,000,000.00", "2017106018623", file.contract_number,
        "流动资金借款", "在线确认", "以承诺书代替身份证明",
    ):  # fmt: skip
        assert said.replace(" ", "") in words, said
    assert "草稿" not in words
    assert "附页" not in words
    assert body == application_form.render(file)
    assert ink(body) > 0.02


def test_the_form_names_the_agent_and_the_period_of_a_maximum_pledge(draft: Registration, bo: Person) -> None:
    """Edge case 4, and a party that is represented: both stand on the paper that is signed, identities masked."""
    save(draft, bo, maximum=maximum(draft), agent=AGENT)
    file = Registration.objects.select_related("pledgor", "pledgee", "office").get(pk=draft.pk)
    context = application_form.context(file)
    words = render_to_string("pdf/application_form.html", context)
    for said in ("债权确定期间", "委托代理", AGENT.agency, "最高债权额 800 万元"):
        assert said in words, said
    assert AGENT.identity not in words
    assert [context["more_no"], context["signatures_no"]] == ["五", "七" if context["promises"] else "六"]


@prints
def test_patents_beyond_ten_stand_in_the_annex(draft: Registration) -> None:
    row = draft.patents.get()
    for serial in range(13):
        PledgedPatent.objects.create(
            registration=draft, patent=row.patent, number=f"20171060{serial:05d}", kind=row.kind, title=f"示例专利{serial}",
            filing_date=date(2017, 7, 21), grant_date=date(2019, 6, 1), expires_on=date(2037, 7, 21),
        )  # fmt: skip
    file = Registration.objects.select_related("pledgor", "pledgee", "office").get(pk=draft.pk)
    context = application_form.context(file)
    assert [len(context["patents"]), len(context["annex"]), context["total"]] == [10, 4, 14]
    assert context["annex"][0]["seq"] == 11
    found = pages(application_form.render(file))
    annex = next(page for page in found if "第11至14件" in page)
    assert context["annex"][-1]["number"] in annex
    assert "草稿" in found[0]
    whole = "".join(found)
    assert all(whole.count(p["number"]) == 1 for p in (*context["patents"], *context["annex"]))


@prints
def test_only_those_who_read_the_file_get_the_form(
    with_office: Registration, ling: Person, wai: Person, rui: Person
) -> None:
    here = reverse("pledges:application-pdf", args=[with_office.number])
    answer = ling.client.get(here)
    assert answer.status_code == 200
    assert answer.content.startswith(b"%PDF-1.7")
    assert "attachment" in answer.headers["Content-Disposition"]
    assert wai.client.get(here).status_code == 404
    assert rui.client.get(here).status_code == 403
