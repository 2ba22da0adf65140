"""Dropping a file: which paper it is, whether a byte was changed, or that it is nobody's here. Nothing of it is kept."""

import random
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from benchmarks import papers as samples
from pledges import notices, verification
from pledges.models import Notice, Registration
from portal.foundation.core import check_codes, moments, papers
from portal.foundation.core.pdf import engine, seal, seal_keys
from tests.factories import Person

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(not engine.available().ok, reason=engine.available().reason),
]
SEED = 20261123
FLIPS = 150


@pytest.fixture
def notice(registered: Registration) -> Notice:
    return notices.print_notice(registered.notices.get().pk)


@pytest.fixture
def body(notice: Notice) -> bytes:
    content: bytes = notice.file.read()
    return content


def drop(body: bytes, *, name: str = "通知书.pdf", client: Client | None = None) -> Any:
    upload = SimpleUploadedFile(name, body, content_type="application/pdf")
    return (client or Client()).post(reverse("pledges:verify"), {"drop": "1", "paper": upload})


def files() -> set[Path]:
    return {path for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file()}


def test_wai_drops_the_file_he_was_sent_and_reads_whose_it_is(notice: Notice, body: bytes) -> None:
    before = files()
    page = drop(body).content.decode()
    assert "文件一致，没有改动" in page
    assert notice.number in page
    assert "质押登记有效" in page
    assert "<dt>文件中的电子签章</dt><dd>有效</dd>" in page
    assert notice.registration.pledgor.name not in page  # as by code: names are masked
    assert files() == before


def test_a_flipped_bit_anywhere_is_found_and_the_paper_still_named(notice: Notice, body: bytes) -> None:
    """Anywhere: in the pages, in the signature, in its padding, in the table of objects."""
    chance = random.Random(SEED)
    print(f"seed {SEED}")
    spread = [len(body) * i // FLIPS for i in range(FLIPS)]
    end = [len(body) - 1 - i for i in range(0, 9000, 60)]  # the seal is at the end
    for place in {*spread, *end, *(chance.randrange(len(body)) for _ in range(FLIPS))}:
        changed = bytearray(body)
        changed[place] ^= 1 << chance.randrange(8)
        finding = verification.by_file(bytes(changed))
        assert finding.verdict == "changed", place
        assert finding.paper == notice, place
        assert finding.first_difference == place + 1
    assert verification.by_file(body).verdict == "same"


@pytest.mark.parametrize("change", ["cut", "grown", "saved again"])
def test_a_file_that_was_cut_or_lengthened_is_told_as_changed(notice: Notice, body: bytes, change: str) -> None:
    changed = {
        "cut": body[:-1],
        "grown": body + b"\n",
        "saved again": body.replace(b"%PDF-1.7", b"%PDF-1.6", 1),
    }[change]
    page = drop(changed).content.decode()
    assert "文件不一致" in page
    assert notice.number in page


def test_the_page_says_from_which_byte_on_it_differs(notice: Notice, body: bytes) -> None:
    page = drop(body[:999] + b"!" + body[1000:]).content.decode()
    assert "从第 1000 个字节起不同" in page
    assert "无效：签章之后内容被改动" in page


def test_a_paper_of_somebody_else_is_not_ours(notice: Notice) -> None:
    other = engine.render_template("pdf/notice_registration.html", samples.registration())
    answer = drop(other)
    assert answer.status_code == 404
    assert "不是本通道签发的文件" in answer.content.decode()
    for garbage in (b"", b"%PDF-1.4", b"\0" * 4096, b"PK\x03\x04"):
        assert drop(garbage, client=Client(REMOTE_ADDR="192.0.2.9")).status_code == 404


def test_a_paper_sealed_with_our_key_that_the_register_does_not_know_is_not_vouched_for(notice: Notice) -> None:
    pages = engine.render_template("pdf/notice_registration.html", samples.registration())
    key = seal_keys.current()
    forged = pages + seal.seal(pages, key=key, reason="无编号", contact="https://x.example/v/", now=moments.now())
    page = drop(forged).content.decode()
    assert "登记簿里没有这份文件" in page
    assert "不要据此办理业务" in page


def test_a_paper_with_a_forged_address_is_changed_and_not_believed(notice: Notice) -> None:
    """Somebody puts the address of a real notice beside a seal of his own: it is told as a changed copy of that notice."""
    pages = engine.render_template("pdf/notice_registration.html", samples.registration())
    forged = pages + seal.seal(
        pages, key=seal_keys.current(), reason="假", contact=notices.address(notice), now=moments.now()
    )
    page = drop(forged).content.decode()
    assert "文件不一致" in page
    assert "文件一致，没有改动" not in page


def test_a_huge_file_is_refused_before_it_is_read(notice: Notice) -> None:
    answer = drop(b"%PDF-" + b"0" * verification.LONGEST)
    assert answer.status_code == 413
    assert "超过 5 MB" in answer.content.decode()
    assert Client().post(reverse("pledges:verify"), {"drop": "1"}).status_code == 400


def test_dropping_files_without_end_is_slowed_down(notice: Notice, body: bytes) -> None:
    visitor = Client(REMOTE_ADDR="192.0.2.11")
    assert [drop(b"x", client=visitor).status_code for _ in range(30)] == [404] * 30
    assert drop(body, client=visitor).status_code == 429
    assert drop(body, client=Client(REMOTE_ADDR="192.0.2.12")).status_code == 200


def test_comparing_files_without_end_is_slowed_down_too(notice: Notice, body: bytes) -> None:
    """The form beside a known code has the same work done as the other one; the code itself stays readable."""
    here, visitor = reverse("pledges:verify", args=[notice.verify_code]), Client(REMOTE_ADDR="192.0.2.13")

    def compare() -> int:
        upload = SimpleUploadedFile("一份.pdf", b"%PDF-1.7", content_type="application/pdf")
        return int(visitor.post(here, {"paper": upload, "compare": "1"}).status_code)

    assert [compare() for _ in range(31)] == [200] * 30 + [429]
    assert visitor.get(here).status_code == 200


def test_the_right_code_with_the_paper_of_another_file_is_no_match(notice: Notice, body: bytes) -> None:
    here = reverse("pledges:verify", args=[notice.verify_code])
    upload = SimpleUploadedFile("另一份.pdf", body + b" ", content_type="application/pdf")
    page = Client().post(here, {"paper": upload, "compare": "1"}).content.decode()
    assert "文件不一致" in page


def test_ling_mistypes_the_code_and_is_told_so(notice: Notice) -> None:
    code = notice.verify_code
    swapped = code[:3] + code[4] + code[3] + code[5:] if code[3] != code[4] else code[:-1] + "Z"
    if swapped == code:
        swapped = code[:-1] + "Y"
    answer = Client().get(f"/v/{swapped}/")
    assert answer.status_code == 404
    page = answer.content.decode()
    assert "核验码可能抄错了" in page
    assert "没有这份通知书" not in page.replace("<title>没有这份通知书", "")


def test_a_code_from_before_the_checksum_still_opens_its_paper(notice: Notice) -> None:
    old = "22222222223Z"
    assert not check_codes.is_sound(old)
    Notice.objects.filter(pk=notice.pk).update(verify_code=old)
    page = Client().get(f"/v/{old}/").content.decode()
    assert "通知书属实" in page


def test_the_seal_survives_the_loss_of_file_and_key(notice: Notice, body: bytes, settings: Any) -> None:
    """The file is lost and the office has no key any more: the same bytes come back, with the seal of that day."""
    notice.file.storage.delete(str(notice.file.name))
    settings.SEAL_KEY = ""
    again = notices.print_notice(notice.pk)
    assert again.file.read() == body


def test_without_a_key_the_decision_stands_and_the_paper_waits(
    registered: Registration, ling: Person, settings: Any
) -> None:
    settings.SEAL_KEY = ""
    notice = registered.notices.get()
    answer = ling.client.get(reverse("pledges:notice-pdf", args=[registered.number, notice.pk]))
    assert answer.status_code == 503
    assert "没有配置电子签章密钥" in answer.content.decode()
    assert notices.print_missing() == 0
    settings.SEAL_KEY = "local"
    assert notices.print_missing() == 1


def test_the_lock_is_not_held_while_it_is_sealed_and_the_first_seal_counts(
    registered: Registration, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two look at once: the slower one's seal is thrown away, both hand out the same file."""
    notice = registered.notices.get()
    real, made = seal.seal, []

    def slower(*args: Any, **options: Any) -> bytes:
        addition = real(*args, **options)
        if not made:
            made.append(1)
            made.append(notices.print_notice(notice.pk).sha256)  # somebody else, meanwhile
        return addition

    monkeypatch.setattr(papers.seal, "seal", slower)
    assert notices.print_notice(notice.pk).sha256 == made[1]
    assert verification.by_file(Notice.objects.get(pk=notice.pk).file.read()).verdict == "same"
