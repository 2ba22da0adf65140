"""查询证明: the numbered, sealed paper of a search, what it keeps of its moment, and what everybody may check of it."""

import io
import re
from collections.abc import Callable
from datetime import timedelta

import pypdf
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.test import Client
from django.urls import reverse

from pledges import verification
from pledges.after.filing import Wish
from pledges.after.kinds import MatterKind
from pledges.models import Notice, PledgedPatent, Registration, SearchCertificate
from pledges.search import certificates, reading
from pledges.search.asking import Question
from portal.foundation.assets.models import Patent
from portal.foundation.core import moments
from portal.foundation.core.display import mask_name
from portal.foundation.core.errors import Invalid
from portal.foundation.core.pdf import engine
from portal.foundation.journal.models import Entry
from tests.factories import INVENTION, USCC, Person
from tests.pledges.after_steps import amount, cancelled, decided

from .searching import ask, end

pytestmark = pytest.mark.django_db
prints = pytest.mark.skipif(not engine.available().ok, reason=engine.available().reason)
TODAY = moments.local_date(moments.now())
PLEDGED = Question("patent", INVENTION)


def certify(q: str, client: Client | None = None) -> SearchCertificate:
    answer = (client or Client()).post(reverse("pledges:search-certify"), {"q": q})
    assert answer.status_code == 302, answer.content.decode()
    return SearchCertificate.objects.get(verify_code=answer.headers["Location"].strip("/").partition("/")[2])


def words(certificate: SearchCertificate) -> str:
    pdf = certificates.print_certificate(certificate.pk).file.read()
    return "".join(p.extract_text() for p in pypdf.PdfReader(io.BytesIO(pdf)).pages).replace("\n", "").replace(" ", "")


@prints
def test_wai_gets_a_numbered_sealed_paper_of_that_moment(registered: Registration) -> None:
    made = certify("ZL201710601862.3")
    assert made.number == f"渝质查〔{TODAY.year}〕000001号"
    said = words(made)
    local = moments.local(made.issued_at)
    for told in (
        made.number, f"{local:%H时%M分%S秒}", "有一项有效的质押登记", registered.pledgor.name, registered.pledgee.name,
        made.spaced_code, "未经本通道办理的质押登记", "演示数据，不具法律效力",
    ):  # fmt: skip
        assert told in said, told
    assert "8,000,000" not in said
    assert SearchCertificate.objects.get().sealed_at is not None
    assert Entry.objects.filter(verb="search.certified").count() == 1


@prints
def test_the_paper_keeps_that_moment_and_a_new_search_has_a_new_number(registered: Registration) -> None:
    made = certify(INVENTION)
    here = reverse("pledges:certificate-pdf", args=[made.verify_code])
    first = b"".join(Client().get(here).streaming_content)  # type: ignore[attr-defined]
    end(registered, days=1)
    again = b"".join(Client().get(here).streaming_content)  # type: ignore[attr-defined]
    assert first == again
    SearchCertificate.objects.get().file.storage.delete(str(SearchCertificate.objects.get().file.name))
    assert b"".join(Client().get(here).streaming_content) == first  # type: ignore[attr-defined]
    later = certify(INVENTION)
    assert later.number.endswith("000002号")
    assert "没有有效的质押登记" in words(later)


@prints
def test_a_free_patent_gets_a_positive_statement() -> None:
    said = words(certify("97101765.4"))
    assert "截至上述时刻，经本通道办理的专利权质押登记中，专利97101765.4没有有效的质押登记，也没有过质押登记。" in said


@prints
def test_a_party_gets_its_contracts_on_one_paper(registered: Registration) -> None:
    said = words(certify(USCC["bank"]))
    assert "共1件，其中有效1件" in said
    assert INVENTION in said
    assert "统一社会信用代码为9150000020286320X6的单位" in words(
        certify(USCC["stranger"], Client(REMOTE_ADDR="192.0.2.60"))
    )


@prints
def test_a_released_patent_is_marked_on_the_page_and_the_paper_of_its_contract(registered: Registration) -> None:
    """The contract is still effective, one of its patents is not: nobody may read that one as pledged."""
    patent = registered.patents.get()
    PledgedPatent.objects.create(
        registration=registered, patent=patent.patent, number="2018112642880", kind=patent.kind, title="示例",
        filing_date=patent.filing_date, expires_on=patent.expires_on,
        effective=DateTimeTZRange(patent.effective.lower, patent.effective.lower + timedelta(seconds=1)),
    )  # fmt: skip
    page = ask(USCC["bank"]).content.decode()
    assert re.search(r"201811264288\.0</a>（已解除）", page)
    assert not re.search(r"201710601862\.3</a>（已解除）", page)
    facts = certify(USCC["bank"]).facts
    assert facts["contracts"][0]["numbers"] == [INVENTION, "2018112642880（已解除）"]


def test_a_paper_that_could_never_be_printed_is_not_numbered(
    registered: Registration, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(certificates, "MOST_NUMBERS", 0)
    with pytest.raises(Invalid, match="请按专利号查询"):
        certificates.certify(Question("party", USCC["bank"]), now=moments.now())
    assert SearchCertificate.objects.count() == 0


@prints
def test_edge_case_7_a_new_name_stands_on_a_certificate_once_its_change_is_registered(
    registered: Registration, ling: Person, bo: Person, chen: Person
) -> None:
    """Ling's firm is renamed: the register still has the old name, and so do search, certificate and verification."""
    old, new = ling.organisation.name, "渝州示例新名科技股份有限公司"
    first = certify(INVENTION)
    paper = b"".join(Client().get(reverse("pledges:certificate-pdf", args=[first.verify_code])).streaming_content)  # type: ignore[attr-defined]
    ling.organisation.name = new
    ling.organisation.save()
    for page in (ask(INVENTION), ask(USCC["bank"])):
        assert old in page.content.decode()
        assert new not in page.content.decode()
    assert certify(INVENTION).facts["pledges"][0]["pledgor"] == old
    notice = registered.notices.get()
    seen = Client().get(reverse("pledges:verify", args=[notice.verify_code])).content.decode()
    assert mask_name(old) in seen  # as the paper in one's hand says
    assert mask_name(new) not in seen
    Patent.objects.update(patentee=new)
    decided(registered, MatterKind.CHANGE, Wish(changes={"pledgor_name": new}), ling, bo, chen)
    assert new in ask(INVENTION).content.decode()
    assert certify(INVENTION).facts["pledges"][0]["pledgor"] == new
    assert certify(USCC["bank"]).facts["contracts"][0]["pledgor"] == new
    again = b"".join(Client().get(reverse("pledges:certificate-pdf", args=[first.verify_code])).streaming_content)  # type: ignore[attr-defined]
    assert again == paper  # what was certified then stays as it was


def test_a_notice_says_that_a_later_one_changed_it_and_that_the_pledge_has_ended(
    registered: Registration, ling: Person, bo: Person, chen: Person
) -> None:
    """Wai is shown the first notice with the old amount: it is genuine, and no longer the whole truth."""
    first = registered.notices.get()
    assert verification.standing(first) == ("质押登记有效", "ok")
    change = decided(registered, MatterKind.CHANGE, amount(6_000_000), ling, bo, chen)
    words, kind = verification.standing(Notice.objects.get(pk=first.pk))
    assert ("以变更通知书为准" in words, kind) == (True, "warn")
    assert verification.standing(change) == ("变更登记的通知", "ok")
    page = Client().get(reverse("pledges:verify", args=[first.verify_code])).content.decode()
    assert "以变更通知书为准" in page
    cancelled(registered, ling, bo, chen)
    words, kind = verification.standing(Notice.objects.get(pk=change.pk))
    assert ("质押登记已失效（已注销）" in words, kind) == (True, "bad")


def test_anyone_with_the_paper_checks_it_by_code_and_by_file(registered: Registration) -> None:
    made = certify(INVENTION)
    page = Client().get(reverse("pledges:verify", args=[made.verify_code])).content.decode()
    assert "查询证明属实" in page
    assert "201710601862.3" in page
    body = certificates.print_certificate(made.pk).file.read()
    upload = SimpleUploadedFile("查询证明.pdf", body, content_type="application/pdf")
    dropped = Client().post(reverse("pledges:verify"), {"drop": "1", "paper": upload}).content.decode()
    assert "文件一致，没有改动" in dropped
    assert made.number in dropped


def test_whoever_counts_numbers_up_does_not_read_what_others_searched_for(registered: Registration) -> None:
    made = certify(INVENTION)
    page = Client().post(reverse("pledges:verify"), {"q": made.number}).content.decode()
    assert made.number in page
    assert "201710601862.3" not in page
    assert made.verify_code not in page


def test_a_notice_is_not_handed_out_by_its_code(registered: Registration) -> None:
    """The code proves a paper; it does not open the parties' file with its amounts."""
    notice = registered.notices.get()
    assert Client().get(reverse("pledges:certificate-pdf", args=[notice.verify_code])).status_code == 404
    assert Client().get(reverse("pledges:certificate-pdf", args=["ZZZZZZZZZZZZ"])).status_code == 404


def test_papers_are_not_given_out_without_end(registered: Registration) -> None:
    visitor = Client(REMOTE_ADDR="192.0.2.70")
    for _ in range(10):
        certify(INVENTION, visitor)
    answer = visitor.post(reverse("pledges:search-certify"), {"q": INVENTION})
    assert answer.status_code == 429
    assert SearchCertificate.objects.count() == 10
    assert visitor.get(reverse("pledges:search-certify")).status_code == 405


def test_a_party_with_too_many_is_sent_to_the_patent_number(
    registered: Registration, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole: Callable[..., reading.Contracts] = reading.of_party
    monkeypatch.setattr(certificates, "MOST", 0)
    monkeypatch.setattr(reading, "of_party", lambda code, rows: reading.Contracts("示例", whole(code).rows, 5))
    with pytest.raises(Invalid, match="请按专利号查询"):
        certificates.certify(Question("party", USCC["bank"]), now=moments.now())
    assert SearchCertificate.objects.count() == 0
