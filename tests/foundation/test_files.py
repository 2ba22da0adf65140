"""A paper is what its content says, not what its name says; it is sent back so that no browser is tempted."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile, TemporaryUploadedFile

from applications.models import Attachment
from portal.foundation.core import moments
from portal.foundation.core.actor import SYSTEM
from portal.foundation.core.errors import TooLarge, WrongType
from portal.foundation.core.files import send
from portal.foundation.core.intake.gate import Checked, admit
from portal.foundation.core.intake.names import shown_name
from tests.made_files import JPG, OFD, PDF, PNG, package

HTML = b"<!doctype html><script>alert(1)</script>"
EXE = b"MZ\x90\x00" + b"\x00" * 60


DOCX = package("[Content_Types].xml", "word/document.xml")


def check(upload: Any) -> Checked:
    return admit(upload, actor=SYSTEM, now=moments.now())


def upload(name: str, content: bytes) -> SimpleUploadedFile:
    return SimpleUploadedFile("x", content) if not name else _named(name, content)


def _named(name: str, content: bytes) -> SimpleUploadedFile:
    made = SimpleUploadedFile("x", content)
    made._name = name  # as a hostile client sends it, past Django's own cleaning
    return made


@pytest.mark.parametrize(
    ("name", "content", "media_type"),
    [
        ("合同.pdf", PDF, "application/pdf"),
        ("合同.PDF", PDF, "application/pdf"),
        ("证书.jpg", JPG, "image/jpeg"),
        ("证书.jpeg", JPG, "image/jpeg"),
        ("证书.JPEG", JPG, "image/jpeg"),
        ("证书.png", PNG, "image/png"),
        ("发票.ofd", OFD, "application/ofd"),
    ],
)
def test_the_four_kinds_of_paper_are_taken(name: str, content: bytes, media_type: str) -> None:
    checked = check(upload(name, content))
    assert (checked.name, checked.media_type) == (name, media_type)
    kept = checked.fields()["file"].read()  # from its beginning, although it was looked into
    assert len(kept) == checked.size
    assert kept[:4] == content[:4]
    assert kept == content or media_type.startswith("image/"), "only pictures are drawn anew"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("合同.pdf", HTML),
        ("合同.pdf", EXE),
        ("合同.pdf", JPG),
        ("合同.pdf", b" " + PDF),
        ("合同.pdf", DOCX),
        ("照片.jpg", PNG),
        ("照片.png", JPG),
        ("照片.png", b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"),
        ("发票.ofd", PDF),
        ("发票.ofd", DOCX),
        ("发票.ofd", package("dir/OFD.xml")),
    ],
)
def test_a_name_that_lies_about_its_content_is_refused_with_what_to_check(name: str, content: bytes) -> None:
    with pytest.raises(WrongType) as refused:
        check(upload(name, content))
    assert (refused.value.code, refused.value.status) == ("lies", 415)
    assert "请确认文件没有损坏或改错扩展名" in refused.value.reason


@pytest.mark.parametrize("content", [b"PK\x03\x04" + b"\x00" * 40, OFD[:30]], ids=["zeros", "cut"])
def test_a_broken_package_is_told_as_broken(content: bytes) -> None:
    with pytest.raises(WrongType, match="已损坏"):
        check(upload("发票.ofd", content))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("页面.html", HTML),
        ("合同.docx", DOCX),
        ("合同", PDF),
        ("合同.pdf.exe", EXE),
        ("合同.pdf.exe", PDF),
        ("图.svg", b"<svg/>"),
        (".pdf", PDF),
        ("合同.pdf\x00.exe", PDF),
        ("合同.php.pdf", PDF),
    ],
)
def test_other_kinds_are_refused_with_the_kinds_that_are_taken(name: str, content: bytes) -> None:
    with pytest.raises(WrongType, match="请上传 PDF、JPG、PNG 或 OFD"):
        check(upload(name, content))


def test_a_file_that_is_too_large_says_how_large_it_is(settings: object) -> None:
    settings.UPLOAD_MAX_BYTES = 3 * 1024 * 1024  # type: ignore[attr-defined]
    exact = PDF + b"\n" * (3 * 1024 * 1024 - len(PDF))
    assert check(upload("a.pdf", exact)).size == 3 * 1024 * 1024
    with pytest.raises(TooLarge, match=r"文件有 3\.0 MB") as refused:
        check(upload("a.pdf", exact + b"0"))
    assert refused.value.status == 413


def test_an_empty_file_is_refused_whatever_its_name() -> None:
    with pytest.raises(WrongType, match="空的"):
        check(upload("a.pdf", b""))


def test_a_large_upload_that_lives_on_disk_is_checked_as_well(tmp_path: Path) -> None:
    on_disk = TemporaryUploadedFile("合同.pdf", "application/pdf", len(PDF), None)
    on_disk.write(PDF)
    on_disk.seek(0)
    checked = check(on_disk)
    assert (checked.name, checked.size) == ("合同.pdf", len(PDF))


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("../../etc/passwd.pdf", "passwd.pdf"),
        ("C:\\Users\\ling\\合同.pdf", "合同.pdf"),
        ("/home/ling/合同.pdf", "合同.pdf"),
        ("合同\u202efdp.exe", "合同fdp.exe"),  # a right-to-left override would show «合同exe.pdf»
        ("合\u2066同\u2069\u200b.pdf", "合同.pdf"),
        ("合同\x00\r\n\t.pdf", "合同.pdf"),
        ('"><script>.pdf', '"><script>.pdf'),  # kept: it is escaped where it is shown
        ("  合同 .pdf  ", "合同 .pdf"),
        ("", "未命名文件"),
        ("\x00", "未命名文件"),
        ("dir/", "dir"),
    ],
)
def test_the_name_people_see_is_harmless(raw: str, shown: str) -> None:
    assert shown_name(raw) == shown


def test_a_very_long_name_keeps_its_end() -> None:
    shown = shown_name("长" * 300 + ".pdf")
    assert len(shown) == 120
    assert shown.endswith(".pdf")
    assert check(upload("长" * 300 + ".pdf", PDF)).name == shown


# --- stored and sent --------------------------------------------------------------------------------------------------


def stored(checked: Checked) -> Attachment:
    return Attachment.objects.create(
        uploaded_by="林示例", uploaded_at=datetime(2026, 11, 23, tzinfo=UTC), **checked.fields()
    )


@pytest.fixture
def own_media(settings: object, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = tmp_path  # type: ignore[attr-defined]
    return tmp_path


@pytest.mark.django_db
def test_it_is_stored_under_a_random_name_and_shown_under_its_own(own_media: Path) -> None:
    one, two = (stored(check(upload("../合同.pdf", PDF))) for _ in range(2))
    assert one.name == "合同.pdf"
    assert one.sha256 == two.sha256
    assert one.file.name != two.file.name
    assert "合同" not in one.file.name
    assert ".." not in one.file.name
    paths = [p for p in own_media.rglob("*") if p.is_file()]
    assert len(paths) == 2
    assert all(p.suffix == "" for p in paths)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "content", "inline"),
    [("a.pdf", PDF, True), ("a.jpg", JPG, True), ("a.png", PNG, True), ("a.ofd", OFD, False)],
)
def test_only_pdf_and_pictures_are_shown_in_the_page(own_media: Path, name: str, content: bytes, inline: bool) -> None:
    paper = stored(check(upload(name, content)))
    shown, saved = send(paper, reader=SYSTEM, inline=True), send(paper, reader=SYSTEM)
    assert b"".join(shown.streaming_content)[:4] == content[:4]  # type: ignore[union-attr]
    assert shown.headers["Content-Disposition"].startswith("inline" if inline else "attachment")
    assert saved.headers["Content-Disposition"].startswith("attachment")
    for answer in (shown, saved):
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"] == "private, no-store"
        assert answer.headers["Content-Type"] == paper.media_type
    assert "sandbox" in saved.headers["Content-Security-Policy"]
    saved.close()


@pytest.mark.django_db
def test_a_chinese_name_survives_the_download(own_media: Path) -> None:
    answer = send(stored(check(upload("质押 合同.pdf", PDF))), reader=SYSTEM)
    assert "filename*=utf-8''%E8%B4%A8%E6%8A%BC%20%E5%90%88%E5%90%8C.pdf" in answer.headers["Content-Disposition"]
    answer.close()
