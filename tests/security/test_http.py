"""What every answer says to the browser, where a redirect may lead, how a session begins and ends, what a file may be."""

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client, override_settings
from django.urls import path, reverse

from applications.models import Application, ApplicationPatent, Offer
from pledges.models import Document, PledgedPatent
from portal.foundation.accounts.models import Organisation, User
from portal.foundation.assets.models import Patent
from portal.foundation.core.pdf import engine
from portal.urls import handler400, handler404, handler500, urlpatterns  # noqa: F401 - Django reads the handlers here
from products.models import Product
from tests.factories import Person
from tests.pledges.conftest import PDF

from .crawling import post, text_of, walk
from .test_canaries import starts
from .world import World, upload

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).parents[2]


def broken(request: Any) -> Any:
    raise RuntimeError("a fault of ours")


urlpatterns = [path("broken/", broken), *urlpatterns]


# --- headers ---------------------------------------------------------------------------------------------------------
def safe(answer: Any) -> list[str]:
    """What is missing from the headers of an answer."""
    policy = answer.headers.get("Content-Security-Policy", "")
    faults = []
    if "default-src 'none'" not in policy or any(word in policy for word in ("unsafe-", "*", "http")):
        faults.append(f"policy {policy}")
    if answer.headers.get("X-Content-Type-Options") != "nosniff":
        faults.append("nosniff")
    if answer.headers.get("X-Frame-Options") not in ("DENY", "SAMEORIGIN"):
        faults.append("frames")
    if "Access-Control-Allow-Origin" in answer.headers:
        faults.append("cross origin")
    return faults


def test_every_kind_of_answer_carries_the_policy(world: World) -> None:
    ling, bo, rui = world.ling.client, world.bo.client, world.rui.client
    for client in (ling, bo, rui):
        client.raise_request_exception = False
    attach = reverse("apply:attach", args=[world.draft.pk])
    with override_settings(ROOT_URLCONF="tests.security.test_http"):
        failed = ling.get("/broken/")
    answers = {
        200: ling.get("/cases/"),
        302: Client().get("/cases/"),
        400: ling.post("/profile/edit/", {}),
        403: ling.get("/supervision/"),
        404: ling.get("/nowhere/"),
        405: ling.get("/logout/"),
        409: bo.post(reverse("pledges:take-back", args=[world.begun.number])),
        413: ling.post(attach, {"file": SimpleUploadedFile("a.pdf", PDF + b"0" * (20 * 1024 * 1024 + 1))}),
        415: ling.post(attach, {"file": SimpleUploadedFile("a.pdf", b"<html>")}),
        500: failed,
    }
    for status, answer in answers.items():
        assert answer.status_code == status
        assert safe(answer) == [], status
    for answer in (
        ling.get("/api/v1/products/"), Client().get("/api/v1/referrals/"), Client().get("/healthz"), Client().get("/", HTTP_HOST="evil.example"),
        rui.post("/supervision/export/", {"format": "csv", "what": "report"}), bo.get("/desk/?part=work"), Client().options("/"),
        ling.get(reverse("case-attachment", args=[world.asked.number, world.file.ref])), ling.get("/patents/?q=\0"),
    ):  # fmt: skip
        assert safe(answer) == [], answer.request["PATH_INFO"]
    assert failed.content.decode().count("RuntimeError") == 0
    assert "a fault of ours" not in failed.content.decode()


class Inline(HTMLParser):
    """Finds what the policy forbids, and elements that a person's words made."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        bad = [n for n in given if n.startswith("on") or n in ("style", "srcdoc")]
        bad += [
            n
            for n in ("href", "src", "action")
            if given.get(n, "").strip().lower().startswith(("javascript:", "data:text"))
        ]
        if (
            tag in ("style", "base", "object", "embed")
            or (tag == "script" and not given.get("src"))
            or given.get("src") == "x"
        ):
            bad.append(tag)
        if bad:
            self.found.append(f"<{tag} {bad}>")


WORDS = "\"><img src=x onerror=alert(1)><script>alert(2)</script>'{{7*7}}{%debug%}</textarea></title>"


def test_markup_in_every_name_and_note_is_shown_as_text(world: World) -> None:
    short = WORDS[:40]
    Organisation.objects.update(name=WORDS[:120], short_name="", address=WORDS, contact_name=short)
    User.objects.update(name=short)
    Patent.objects.update(title=WORDS, patentee=WORDS, expiry_note=WORDS)
    ApplicationPatent.objects.update(title=WORDS)
    PledgedPatent.objects.update(title=WORDS)
    Application.objects.update(organisation_name=WORDS[:120], purpose_note=WORDS, contact_name=short)
    Offer.objects.update(conditions=WORDS, repayment=WORDS[:60], made_by=WORDS)
    Product.objects.update(name=short, summary=WORDS, conditions=WORDS)
    Document.objects.update(name=WORDS + ".pdf")
    world.asked.attachments.update(name=WORDS + ".pdf")
    world.draft.attachments.update(name=WORDS + ".pdf")
    seen, pages = set(), 0
    for name in ("ling", "bo", "bo_manager", "cui", "gu", "chen", "chief", "rui", "ada", "visitor"):
        client = Client() if name == "visitor" else world.people[name].client
        for url, answer, _ in walk(client, starts(world), follow=False):
            if not answer.headers.get("Content-Type", "").startswith("text/html"):
                continue
            page, reader = answer.content.decode(errors="replace"), Inline()
            reader.feed(page)
            assert reader.found == [], (name, url)
            pages += 1
            if "&lt;img src=x" in page and "7*7" in page:
                seen.add(name)
    assert pages > 150
    assert {"ling", "bo", "chen", "rui"} <= seen  # the words were there to be escaped


def test_names_that_look_like_formulas_stay_words_in_every_export(world: World) -> None:
    formula = '=HYPERLINK("http://127.0.0.1/","x")'
    for name in (formula, "＝1+1", "\u200b=1+1", " @SUM(1)", "-1+1|cmd", "\ufeff=1"):
        Organisation.objects.update(name=name, short_name="")
        Application.objects.update(organisation_name=name)
        for what, query in (("report", ""), ("cases", "?measure=addressed"), ("lamps", "?show=overdue")):
            lines = post(world.rui.client, f"/supervision/export/{query}", {"format": "csv", "what": what}).content
            for cell in re.split(r'[,\r\n]+"?', lines.decode("utf-8-sig")):
                bare = re.sub(r"[\u200b\ufeff\s]", "", cell)
                assert not bare.startswith(("=", "＝", "@", "+")), (name, what, cell)
            book = text_of(post(world.rui.client, f"/supervision/export/{query}", {"format": "xlsx", "what": what}))
            assert "<f>" not in book
            assert "<hyperlink" not in book
    if engine.available().ok:
        Organisation.objects.update(name='<img src="http://127.0.0.1:9/x">甲', short_name="")
        paper = text_of(post(world.rui.client, "/supervision/export/", {"format": "pdf", "what": "report"}))
        assert "<img" in paper


# --- redirects and hosts ---------------------------------------------------------------------------------------------
ELSEWHERE = (
    "//evil.example/", "https://evil.example/", "/\\evil.example", "\\\\evil.example", "/%09/evil.example", "/\t/evil.example",
    "/%5cevil.example", "javascript:alert(1)", "https:evil.example", "///evil.example", " //evil.example", "/\n/evil.example",
    "http://testserver@evil.example/", "/login/?next=//evil.example", "data:text/html,x", "/;@evil.example", "．//evil.example",
)  # fmt: skip


@pytest.mark.parametrize("target", ELSEWHERE)
def test_no_answer_leads_out_of_the_portal(ling: Person, target: str) -> None:
    """As a browser reads it: tabs and newlines dropped, a backslash is a slash."""
    patent = {"number": "2013304968751", "title": "示例", "patentee": "示例", "filing_date": "2013-08-09", "status": "granted",
              "grant_date": "2014-02-05", "co-TOTAL_FORMS": 0, "co-INITIAL_FORMS": 0}  # fmt: skip
    answers = [
        Client().post("/login/", {"login": "ling", "password": "Demo-2026-portal", "next": target}),
        Client().post("/login/?" + f"next={target}", {"login": "ling", "password": "Demo-2026-portal"}),
        ling.client.get("/login/", {"next": target}),
        Client().post("/display/", {"next": target, "large": "1"}),
        ling.client.post(f"/patents/add/?next={target}", patent),
    ]
    for answer in answers:
        assert answer.status_code in (302, 400)
        there = re.sub(r"[\t\r\n]", "", answer.headers.get("Location", "/")).replace("\\", "/")
        assert there.startswith("/"), there
        assert not there.startswith("//"), there
        assert "evil" not in there.partition("?")[0] or there.startswith(("/%", "/;")), there


def test_a_forged_host_gets_no_page(ling: Person) -> None:
    for host in (
        "evil.example",
        "testserver.evil.example",
        "evil.example:80",
        "testserver@evil.example",
        "127.0.0.1.evil.example",
    ):
        assert ling.client.get("/members/", HTTP_HOST=host).status_code == 400
    page = ling.client.post(
        "/members/", {"phone": "13700000009", "role": "enterprise"}, HTTP_X_FORWARDED_HOST="evil.example"
    )
    assert "evil.example" not in page.content.decode()


# --- sessions --------------------------------------------------------------------------------------------------------
RIGHT = {"login": "ling", "password": "Demo-2026-portal"}


def test_the_session_key_changes_at_log_in_and_dies_at_log_out(ling: Person) -> None:
    browser = Client()
    browser.get("/login/")
    session = browser.session
    session["planted"] = 1
    session.save()
    browser.cookies["session"] = session.session_key
    planted = session.session_key
    browser.post("/login/", RIGHT)
    inside = browser.cookies["session"].value
    assert inside != planted
    thief = Client()
    thief.cookies["session"] = planted
    assert thief.get("/cases/").status_code == 302
    thief.cookies["session"] = inside
    assert thief.get("/cases/").status_code == 200
    browser.post("/logout/")
    assert thief.get("/cases/").status_code == 302


@pytest.mark.parametrize("cookie", ['"abcdefgh\\000ijkl"', "x" * 5000, "../../etc/passwd", "'--", "²" * 40, ""])
def test_an_invented_session_is_a_visitor(ling: Person, cookie: str) -> None:
    answer = Client(raise_request_exception=False).get("/cases/", headers={"Cookie": f"session={cookie}"})
    assert answer.status_code in (302, 400)


def test_a_cookie_is_for_this_site_and_for_no_script(ling: Person) -> None:
    cookie = Client().post("/login/", RIGHT).cookies["session"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"


def test_a_page_with_a_person_on_it_is_nobody_elses(world: World) -> None:
    for name in ("ling", "bo", "chen", "rui", "ada"):
        for url, answer, _ in walk(world.people[name].client, starts(world), follow=False):
            if answer.status_code == 200:
                said = answer.headers.get("Cache-Control", "")
                assert "private" in said or "no-store" in said, (name, url)
                assert "public" not in said, (name, url)


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
        "\u202efdp.exe.pdf",
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


# --- the machine interface and methods -------------------------------------------------------------------------------
def test_the_machine_interface_refuses_politely(world: World) -> None:
    url = reverse("api-referral-claim", args=[world.referral(world.asked, "bo").ref])
    bo = world.bo.client
    bo.raise_request_exception = False
    deep = "[" * 10_000 + "]" * 10_000
    for body in ("", "null", "[]", "1", '"x"', "{", deep, '{"a": NaN}', '{"contact_name": 1e999}', '{"contact_name": {"a": 1}}',
                 '{"contact_name": "\\u0000"}', '{"contact_name": "\\ud800", "contact_phone": "1", "next_step": "x"}'):  # fmt: skip
        answer = bo.post(url, body, content_type="application/json")
        assert answer.status_code == 400, body[:40]
    assert bo.post(url, "[" + "1," * 2_000_000 + "1]", content_type="application/json").status_code in (400, 413)
    assert bo.post(url, "<a/>", content_type="application/xml").status_code == 415
    assert bo.get("/api/v1/referrals/?cursor=cD1hYmM=").status_code == 404
    for ref in ("x", "0" * 500, "'--", "%00"):
        assert bo.get(f"/api/v1/referrals/{ref}/").status_code in (400, 404)
    for pk in ("9" * 30, "abc", "-1", "²"):
        assert Client(raise_request_exception=False).get(f"/api/v1/products/{pk}/").status_code == 404


@pytest.mark.parametrize("method", ["put", "delete", "patch", "trace"])
def test_other_methods_do_nothing(world: World, method: str) -> None:
    for url in (
        "/cases/",
        "/patents/",
        f"/patents/{world.patent.pk}/",
        "/members/",
        reverse("case-withdraw", args=[world.asked.number]),
    ):
        assert getattr(world.ling.client, method)(url).status_code == 405


def test_nobody_reaches_the_admin_or_a_debug_page(ada: Person) -> None:
    for url in ("/admin/", "/admin/login/", "/__debug__/", "/metrics", "/debug/", "/.env", "/.git/config", "/api/"):
        assert ada.client.get(url).status_code == 404


@pytest.mark.parametrize("charset", ["hex", "rot13", "utf-7", "utf-16", "nonsense"])
def test_a_form_in_a_strange_charset_is_refused(ling: Person, charset: str) -> None:
    body = b'--b\r\nContent-Disposition: form-data; name="next"\r\n\r\n4142\r\n--b--\r\n'
    ling.client.raise_request_exception = False
    kind = f"multipart/form-data; boundary=b; charset={charset}"
    assert ling.client.generic("POST", "/seat/", body, content_type=kind).status_code == 400
    plain = f"application/x-www-form-urlencoded; charset={charset}"
    assert ling.client.generic("POST", "/seat/", b"a=b", content_type=plain).status_code in (400, 404)


# --- production ------------------------------------------------------------------------------------------------------
def manage(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    kept = {k: v for k, v in os.environ.items() if k in ("PATH", "HOME", "LANG", "LD_LIBRARY_PATH")}
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env={**kept, **variables},
        capture_output=True,
        text=True,
        timeout=120,
    )


SANE = {
    "PORTAL_ENV": "production",
    "SECRET_KEY": "k8sXq2-vN7_" * 6,
    "ALLOWED_HOSTS": "portal.example",
    "DATABASE_URL": "postgres://portal@127.0.0.1:1/portal",
}


def test_djangos_own_list_for_production_is_clean() -> None:
    done = manage("check", "--deploy", "--fail-level", "WARNING", **SANE)
    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout


@pytest.mark.parametrize(
    ("name", "value"),
    [("SECRET_KEY", ""), ("ALLOWED_HOSTS", ""), ("ALLOWED_HOSTS", "*"), ("DATABASE_URL", ""), ("PORTAL_ENV", "prod")],
)
def test_production_does_not_start_half_configured(name: str, value: str) -> None:
    variables = {**SANE, name: value}
    done = manage("check", **{k: v for k, v in variables.items() if v})
    assert done.returncode != 0
    assert "ImproperlyConfigured" in done.stderr


def test_production_shows_no_debug_page_and_sends_cookies_only_over_https() -> None:
    wanted = [
        "DEBUG",
        "SESSION_COOKIE_SECURE",
        "CSRF_COOKIE_SECURE",
        "SECURE_SSL_REDIRECT",
        "DEMO",
        "SECURE_HSTS_SECONDS",
        "SESSION_COOKIE_NAME",
    ]
    code = f"from django.conf import settings; print([getattr(settings, n) for n in {wanted}])"
    done = manage("shell", "--no-imports", "-c", code, **SANE)
    assert done.stdout.strip() == "[False, True, True, True, False, 31536000, '__Host-session']", done.stderr


def test_the_smallest_pdf_of_these_tests_is_taken(world: World) -> None:
    """Otherwise every refusal above would prove nothing."""
    url = reverse("apply:attach", args=[world.draft.pk])
    assert post(world.ling.client, url, {"file": upload("合同.pdf"), "kind": "other"}).status_code == 302
