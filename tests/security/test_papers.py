"""What may be uploaded, how it is kept, how it is sent back."""

import re

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from portal.foundation.core.pdf import engine
from portal.urls import handler400, handler404, handler500, urlpatterns  # noqa: F401 - Django reads the handlers here
from tests.made_files import PDF

from .crawling import post
from .world import World, upload

pytestmark = pytest.mark.django_db


# --- files -----------------------------------------------------------------------------------------------------------
HTML, SVG, EXE = (
    b"<!doctype html><script>alert(1)</script>",
    b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
    b"MZ\x90\0",
)
LIES = [
    ("a.pdf", HTML, 415), ("a.pdf", SVG, 415), ("a.pdf", EXE, 415), ("a.pdf", HTML + PDF, 415), ("a.pdf", b" " + PDF, 415),
    ("a.png", PDF, 415), ("a.svg", SVG, 415), ("a.html", PDF, 415), ("a.pdf.exe", PDF, 415), ("a", PDF, 415), ("a.pdf", b"", 415),
    ("a.ofd", b"PK\x03\x04" + b"0" * 99, 415), ("a.pdf", PDF + b"0" * (21 * 1024 * 1024), 413), ("a.jpg", HTML, 415),
]  # fmt: skip


@pytest.mark.parametrize(("name", "body", "status"), LIES)
def test_a_paper_that_is_not_what_it_says_is_refused_everywhere(
    world: World, name: str, body: bytes, status: int
) -> None:
    draft, question = (
        reverse("apply:attach", args=[world.draft.pk]),
        reverse("case-answer", args=[world.asked.number, world.question.pk]),
    )
    filing = reverse("pledges:edit", args=[world.begun.number])
    for client, url, field, more in (
        (world.ling.client, draft, "file", {"kind": "other"}),
        (
            world.ling.client,
            reverse("apply:step", args=[world.draft.pk, "reach"]),
            "file",
            {"kind": "other", "go": "attach"},
        ),
        (world.ling.client, question, "papers", {"answer": "见附件"}),
        (world.bo.client, filing, "other_file", {"version": str(world.begun.version), "draft": "1"}),
    ):
        answer = post(client, url, {field: SimpleUploadedFile(name, body, content_type="application/pdf"), **more})
        assert answer.status_code == status, url
    assert world.draft.attachments.count() == 1


def test_a_name_of_a_file_is_only_shown(world: World) -> None:
    for raw in (
        "../../../etc/passwd.pdf",
        "a%0d%0aSet-Cookie x.pdf",
        "\u202efdp.txt.pdf",
        "长" * 300 + ".pdf",
        ";.pdf",
        "C:\\x\\y.pdf",
    ):
        sent = SimpleUploadedFile("x.pdf", PDF, content_type="application/pdf")
        sent._name = raw
        post_url = reverse("apply:attach", args=[world.draft.pk])
        assert world.ling.client.post(post_url, {"file": sent, "kind": "other"}).status_code == 302, raw
        stored = world.draft.attachments.order_by("-pk")[0]
        assert "/" not in stored.name
        assert "\\" not in stored.name
        assert not set(stored.name) & set("\r\n\u202e")
        assert re.fullmatch(r"applications/attachment/[0-9a-f]{32}(_\w+)?", stored.file.name)


def test_what_is_downloaded_is_private_and_runs_nowhere(world: World) -> None:
    referral = world.referral(world.asked, "bo")
    files = [
        (world.ling, reverse("case-attachment", args=[world.asked.number, world.file.ref]), True),
        (world.bo, reverse("desk-attachment", args=[referral.ref, world.file.ref]), True),
        (world.bo, reverse("desk-attachment", args=[referral.ref, world.file.ref]) + "?view=1", False),
        (world.chen, reverse("pledges:document", args=[world.waiting.number, world.paper.ref]), True),
        (world.chen, reverse("pledges:document", args=[world.waiting.number, world.paper.ref]) + "?inline=1", False),
    ]
    if engine.available().ok:
        files.append((world.ling, reverse("pledges:notice-pdf", args=[world.registered.number, world.notice.pk]), True))
    for person, url, download in files:
        answer = person.client.get(url)
        assert answer.status_code == 200, url
        said = answer.headers
        assert said["X-Content-Type-Options"] == "nosniff"
        assert "private" in said["Cache-Control"] or "no-store" in said["Cache-Control"]
        assert said["Content-Disposition"].startswith("attachment" if download else "inline"), url
        assert ("sandbox" in said["Content-Security-Policy"]) is download
        assert ("frame-ancestors 'self'" in said["Content-Security-Policy"]) is not download
        assert world.wai.client.get(url).status_code in (403, 404)
        assert world.cui.client.get(url).status_code in (403, 404)
    assert world.ling.client.get("/cases/").headers["X-Frame-Options"] == "DENY"
    assert "frame-ancestors 'none'" in world.ling.client.get("/cases/").headers["Content-Security-Policy"]


def test_stored_files_have_no_address_of_their_own(world: World) -> None:
    for prefix in ("/media/", "/files/", "/static/", "/static/../", "/"):
        assert Client().get(prefix + world.file.file.name).status_code == 404
    assert not str(settings.MEDIA_ROOT).startswith(str(settings.STATIC_ROOT))


def test_the_smallest_pdf_of_these_tests_is_taken(world: World) -> None:
    """Otherwise every refusal above would prove nothing."""
    url = reverse("apply:attach", args=[world.draft.pk])
    assert post(world.ling.client, url, {"file": upload("合同.pdf"), "kind": "other"}).status_code == 302
