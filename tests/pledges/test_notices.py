"""The paper Ling holds: printed for real, the same to the byte each time, and checked by anyone."""

import hashlib
import io
from typing import Any

import pypdf
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from pledges import notices
from pledges.actions import examination
from pledges.models import Ground, Notice, Registration
from pledges.tasks import render_notice
from portal.foundation.core import moments
from portal.foundation.core.errors import DomainError
from portal.foundation.core.pdf import engine
from tests.by_hand import by_hand
from tests.factories import Person

pytestmark = pytest.mark.django_db
prints = pytest.mark.skipif(not engine.available().ok, reason=engine.available().reason)


@pytest.fixture
def notice(registered: Registration) -> Notice:
    return registered.notices.get()


def text_of(pdf: bytes) -> str:
    pages = [page.extract_text() for page in pypdf.PdfReader(io.BytesIO(pdf)).pages]
    return "".join(pages).replace("\n", "").replace(" ", "")


@prints
def test_the_notice_says_what_was_registered(notice: Notice, registered: Registration) -> None:
    printed = notices.print_notice(notice.pk)
    body = printed.file.read()
    words = text_of(body)
    assert hashlib.sha256(body).hexdigest() == printed.sha256
    for said in (
        notice.number,
        registered.pledgor.name,
        registered.pledgee.name,
        "8,000,000.00",
        "2017106018623",  # 13 digits without the dot
        notices.spaced(notice.verify_code),
        "演示数据，不具法律效力",
    ):
        assert said.replace(" ", "") in words, said


@prints
def test_asked_again_it_is_the_same_to_the_byte_even_when_the_file_is_lost(notice: Notice) -> None:
    first = notices.print_notice(notice.pk)
    body = first.file.read()
    assert notices.print_notice(notice.pk).file.read() == body
    first.file.storage.delete(str(first.file.name))
    again = notices.print_notice(notice.pk)
    assert (again.number, again.sha256, again.file.read()) == (first.number, first.sha256, body)


@prints
def test_a_changed_archive_is_not_passed_off_as_the_paper(notice: Notice) -> None:
    printed = notices.print_notice(notice.pk)
    printed.file.storage.delete(str(printed.file.name))
    printed.facts["debt_wan"] = "8000"
    printed.save(update_fields=["facts"])
    with pytest.raises(DomainError, match="原摘要不一致"):
        notices.print_notice(notice.pk)


@prints
def test_the_timer_prints_what_is_missing(notice: Notice) -> None:
    render_notice()
    notice.refresh_from_db()
    assert notice.file.name
    assert notices.print_missing() == 0


@prints
def test_it_is_printed_right_after_the_commit(
    ready: Registration, chen: Person, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        made = examination.register(ready.pk, actor=chen.actor, now=moments.now())
    made.refresh_from_db()
    assert made.sha256


@prints
def test_refusals_and_corrections_are_papers_too(ready: Registration, chen: Person) -> None:
    defects = [
        examination.Defect("contract", "合同缺少签字或盖章页。"),
        examination.Defect("scope", "范围与合同不一致。"),
    ]
    asked = examination.ask_correction(ready.pk, defects, actor=chen.actor, now=moments.now())
    words = text_of(notices.print_notice(asked.pk).file.read())
    assert "共2项" in words
    assert "范围与合同不一致。" in words
    with by_hand():
        Registration.objects.update(state="examining")
    refused = examination.refuse(
        ready.pk, ground=Ground.R12, note="合同当事人不一致", actor=chen.actor, now=moments.now()
    )
    words = text_of(notices.print_notice(refused.pk).file.read())
    assert "R12" in words
    assert "合同当事人不一致" in words


def test_a_machine_that_cannot_print_still_gives_the_paper(
    notice: Notice, registered: Registration, ling: Person, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No Pango: the page offers the browser's print, the download a sentence, and nothing is lost."""
    monkeypatch.setattr(engine.libs, "LIBRARIES", ("libmissing-for-the-test.so.0",))
    engine.available.cache_clear()
    try:
        page = ling.client.get(reverse("pledges:notice", args=[registered.number, notice.pk])).content.decode()
        assert "打印 / 另存为 PDF" in page
        assert registered.pledgor.name in page
        missing = ling.client.get(reverse("pledges:notice-pdf", args=[registered.number, notice.pk]))
        assert missing.status_code == 503
        assert "打开网页版" in missing.content.decode()
        assert notices.print_missing() == 0
    finally:
        monkeypatch.undo()
        engine.available.cache_clear()


def test_numbers_are_found_however_they_are_typed() -> None:
    assert notices.compose_number(2026, 128) == "渝质登〔2026〕000128号"
    for typed in ("渝质登〔2026〕000128号", "渝质登[2026]128号", "渝质登（2026）000128", "2026-128"):
        assert notices.normalise_number(typed) == "渝质登〔2026〕000128号"
    assert notices.normalise_number("没有数字") is None


def test_anyone_checks_by_code_and_sees_no_names(notice: Notice, registered: Registration) -> None:
    visitor = Client()
    assert visitor.get(reverse("pledges:verify")).status_code == 200
    led = visitor.post(reverse("pledges:verify"), {"q": notices.spaced(notice.verify_code).lower()})
    assert led.headers["Location"] == f"/v/{notice.verify_code}/"
    page = visitor.get(led.headers["Location"]).content.decode()
    assert "质押登记有效" in page
    assert notice.number in page
    for secret in (registered.pledgor.name, registered.pledgee.name, registered.number, "8,000,000"):
        assert secret not in page


def test_anyone_checks_by_number_and_learns_no_code(notice: Notice) -> None:
    answer = Client().post(reverse("pledges:verify"), {"q": notice.number})
    assert answer.status_code == 200
    page = answer.content.decode()
    assert "通知书属实" in page
    assert notice.verify_code not in page
    assert notices.spaced(notice.verify_code) not in page


@prints
def test_one_changed_byte_is_found(notice: Notice) -> None:
    body = bytearray(notices.print_notice(notice.pk).file.read())
    visitor, here = Client(), reverse("pledges:verify", args=[notice.verify_code])

    def compare(content: bytes) -> str:
        upload = SimpleUploadedFile("通知书.pdf", content, content_type="application/pdf")
        return visitor.post(here, {"paper": upload, "compare": "1"}).content.decode()

    assert "文件一致，没有改动" in compare(bytes(body))
    body[len(body) // 2] ^= 1
    assert "文件不一致" in compare(bytes(body))
    assert visitor.post(here, {"compare": "1"}).status_code == 400


def test_attack_23_a_guesser_is_slowed_down_and_a_holder_is_not(notice: Notice) -> None:
    visitor = Client()
    statuses = [visitor.get(f"/v/AAAABBBB{i:04d}/").status_code for i in range(2000, 2022)]
    assert statuses[:20] == [404] * 20
    assert statuses[-1] == 429
    assert visitor.post(reverse("pledges:verify"), {"q": notice.number}).status_code == 429
    assert visitor.get(f"/v/{notice.verify_code}/").status_code == 200
    assert Client(REMOTE_ADDR="192.0.2.7").post(reverse("pledges:verify"), {"q": notice.number}).status_code == 200


def test_attack_23_numbers_cannot_be_tried_one_after_the_other(notice: Notice) -> None:
    visitor = Client()
    for _ in range(20):
        visitor.post(reverse("pledges:verify"), {"q": notice.number})
    assert visitor.post(reverse("pledges:verify"), {"q": notice.number}).status_code == 429


def test_a_refused_file_is_no_valid_pledge(ready: Registration, chen: Person) -> None:
    made = examination.refuse(ready.pk, ground=Ground.R05, note="", actor=chen.actor, now=moments.now())
    page = Client().get(f"/v/{made.verify_code}/").content.decode()
    assert "不予登记的决定" in page
    assert "质押登记有效" not in page
