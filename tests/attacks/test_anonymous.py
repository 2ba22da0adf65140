"""Attacks without a log-in, or that need none: headers, methods, bodies, words with a second meaning (12–25).

12, 14, 17, 20, 22 and 23 have tests beside what they belong to as well: tests/security, tests/pledges/test_notices.py.
"""

import logging
import re
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client, override_settings
from django.urls import path, reverse

from applications.actions import drafts
from applications.models import Attachment
from portal.foundation.accounts.models import Organisation, User
from portal.foundation.assets.models import Patent
from portal.foundation.core import moments
from portal.foundation.journal.models import Refusal
from portal.urls import handler400, handler404, handler500, urlpatterns  # noqa: F401 - Django reads the handlers here
from tests import factories
from tests.factories import Person
from tests.pledges.conftest import PDF
from tests.security.routes import ROUTES

from .web_world import dripping, raw, traces, web_server

pytestmark = pytest.mark.django_db
EVIL = "https://evil.example"
OPEN = [
    reverse(r.name)
    for r in ROUTES
    if r.roles is None and not r.objects and "GET" in r.methods and r.name != "products:paper"  # a PDF, slow to make
]


def broken(request: Any) -> Any:
    secret = "a-secret-of-the-frame"  # noqa: F841 - would stand on a debug page
    raise RuntimeError("a fault of ours")


urlpatterns = [path("broken/", broken), *urlpatterns]


def test_attack_13_a_rotating_forwarded_header_does_not_reset_a_limit(reference: None) -> None:
    """Somebody tries credit codes at the registration and writes another X-Forwarded-For each time."""
    visitor = Client(REMOTE_ADDR="192.0.2.7")
    said = [visitor.post("/register/", {}, HTTP_X_FORWARDED_FOR=f"10.0.{n}.1").status_code for n in range(32)]
    assert said == [400] * 30 + [429] * 2
    assert Client(REMOTE_ADDR="192.0.2.8").post("/register/", {}).status_code == 400
    refused = visitor.post("/register/", {}, HTTP_X_FORWARDED_FOR="10.9.9.9")
    assert int(refused.headers["Retry-After"]) > 0
    assert "操作过于频繁" in refused.content.decode()
    assert traces("too-many") == 1


def test_attack_15_no_page_can_be_framed(reference: None, ling: Person) -> None:
    """Another site shows Ling's page under its own buttons."""
    for client in (Client(), ling.client):
        for url in [*OPEN, "/cases/", "/patents/", "/no-such-page/"]:
            answer = client.get(url)
            assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"], url
            assert answer.headers["X-Frame-Options"] == "DENY", url
            assert "camera=()" in answer.headers["Permissions-Policy"], url


@pytest.mark.parametrize("origin", [EVIL, "null", "http://testserver.evil.example"])
def test_attack_16_no_other_site_may_read_an_answer(ling: Person, bo: Person, origin: str) -> None:
    """A page of evil.example asks with Ling's cookies."""
    asked = {"Origin": origin, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "X-CSRFToken"}
    for client, url in ((ling.client, "/cases/"), (bo.client, "/api/v1/referrals/"), (Client(), "/api/v1/products/")):
        for answer in (client.get(url, headers={"Origin": origin}), client.options(url, headers=asked)):
            assert [name for name in answer.headers if name.lower().startswith("access-control-")] == [], url
            assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "TRACE", "PROPFIND", "CONNECT", "JEFF"])
def test_attack_17_other_methods_do_nothing_and_leave_their_trace(ling: Person, method: str) -> None:
    """Ling's browser, or a tool with her cookies, tries what no page offers."""
    for url in ("/", "/cases/", "/login/", "/no-such-page/", "/api/v1/products/", "/static/css/portal.css"):
        answer = ling.client.generic(method, url)
        assert answer.status_code in ({405} if not url.startswith("/static/") else {404, 405}), url
    assert ling.client.generic(method, "/patents/").headers["Allow"] == "GET, HEAD, POST, OPTIONS"
    assert traces("method") > 0


# --- words with a second meaning --------------------------------------------------------------------------------------
INJECTED = (
    "'--", "' OR '1'='1", "1; SELECT pg_sleep(5)--", "'||(SELECT pg_sleep(5))||'", "1) UNION SELECT password FROM accounts_user--",
    "password", "-password", "organisation__users__password", "id__gt", "%00", "1e9999", "${jndi:ldap://127.0.0.1/a}", "0x31",
)  # fmt: skip
SEARCHED = {
    "ling": ("/cases/", "/patents/", "/notices/", "/pledges/", "/valuations/"),
    "bo": ("/desk/", "/desk/pool/", "/orders/", "/api/v1/referrals/"),
    "rui": ("/supervision/report/", "/supervision/cases/", "/supervision/lamps/", "/supervision/tiers/"),
    "visitor": ("/products/", "/match/", "/search/", "/disposals/", "/products/changes/", "/api/v1/products/"),
}
PLACES = (
    "q",
    "sort",
    "order",
    "order_by",
    "ordering",
    "tab",
    "institution",
    "district",
    "after",
    "page",
    "cursor",
    "by",
    "kind",
)


def objects_on(answer: Any) -> set[str]:
    """The links of a page that lead to one object: their paths hold a number."""
    return {
        path
        for path in re.findall(r'href="(/[^"?#]*)', answer.content.decode(errors="replace"))
        if re.search(r"\d", path)
    }


@pytest.mark.parametrize("who", SEARCHED)
def test_attack_18_sql_in_search_sort_and_filter_is_only_a_word(
    who: str, ling: Person, bo: Person, rui: Person, product: Any
) -> None:
    """Quotes, comments, pg_sleep and names of columns in every filter: a page or a 4xx, at the usual speed, no more rows."""
    factories.application(ling, product)
    factories.patent(bo.organisation, factories.DESIGN)
    client = {"ling": ling.client, "bo": bo.client, "rui": rui.client, "visitor": Client()}[who]
    client.raise_request_exception = False
    for url in SEARCHED[who]:
        plain = objects_on(client.get(url))
        for word in INJECTED:
            for query in (dict.fromkeys(PLACES, word), {PLACES[INJECTED.index(word) % len(PLACES)]: word}):
                began = time.monotonic()
                answer = client.get(url, query)
                assert answer.status_code in (200, 302, 400, 404), (url, query, answer.status_code)
                assert time.monotonic() - began < 4, (url, query)
                assert "argon2" not in answer.content.decode(errors="replace"), (url, query)
                assert "psycopg" not in answer.content.decode(errors="replace"), (url, query)
                assert objects_on(answer) <= plain, (url, query)


def test_attack_18_a_nul_in_the_address_is_refused_and_noted(ling: Person) -> None:
    """Ling's search field is given the one character that PostgreSQL cannot keep."""
    assert ling.client.get("/patents/?q=%00").status_code == 400
    assert traces("unreadable", ling) == 1


def test_attack_19_template_text_is_shown_as_text(ling: Person, bo: Person, product: Any) -> None:
    """Ling calls her patent {{7*7}} and writes {% debug %} into her request: nobody computes it."""
    typed = "{{7*7}}{% debug %}{{request.user.password}}${7*7}<%= 7*7 %>"
    patent = factories.patent(ling.organisation)
    Patent.objects.filter(pk=patent.pk).update(title=typed)
    Organisation.objects.filter(pk=ling.organisation.pk).update(address=typed)
    case = factories.application(ling, product, purpose_note=typed)
    mine = case.referrals.get(institution_id=bo.organisation.pk)
    pages = {
        "patents": ling.client.get("/patents/"),
        "profile": ling.client.get("/profile/"),
        "case": ling.client.get(reverse("case", args=[case.number])),
        "desk": bo.client.get(reverse("desk-referral", args=[mine.ref])),
    }
    shown = 0
    for name, answer in pages.items():
        said = answer.content.decode()
        shown += "{{7*7}}{% debug %}" in said
        assert not re.search(r"\b49\b[^0-9]{0,3}(\{%|&lt;%)", said), name
        assert "MIDDLEWARE" not in said, name
        assert "md5$" not in said, name
        assert "argon2" not in said, name
    assert shown >= 3


def test_attack_20_the_policy_would_report_nothing_because_no_page_carries_inline_code(reference: None) -> None:
    """What markup in fields becomes is tests/security/test_every_field.py; here the public pages themselves."""
    for url in OPEN:
        answer = Client().get(url)
        if not answer.headers.get("Content-Type", "").startswith("text/html"):
            continue
        page = answer.content.decode()
        assert not re.search(r"<script(?![^>]*\ssrc=)|<style|\son[a-z]+=|\sstyle=|javascript:", page), url


def test_attack_21_line_breaks_end_no_header_and_no_line_of_the_log(
    ling: Person, caplog: pytest.LogCaptureFixture
) -> None:
    """A file name, a redirect and a user name with CR and LF and a cookie behind them."""
    caplog.set_level(logging.DEBUG)
    now = moments.now()
    draft = drafts.start(actor=ling.actor, now=now)
    forged = 'a"\r\nSet-Cookie: stolen=1\r\n\r\n<b>.pdf'
    made = drafts.attach(draft.pk, SimpleUploadedFile("a.pdf", PDF), kind="other", actor=ling.actor, now=now)
    Attachment.objects.filter(pk=made.pk).update(name=forged)
    ling.client.raise_request_exception = False
    answers = [
        ling.client.post(
            "/login/?next=/cases/%0d%0aSet-Cookie:%20stolen=1", {"login": "ling", "password": "Demo-2026-portal"}
        ),
        ling.client.get("/login/?next=/cases/%0d%0aSet-Cookie:%20stolen=1"),
        ling.client.get("/patents/%0d%0aSet-Cookie:%20stolen=1/"),
        ling.client.post("/display/", {"next": "/\r\nSet-Cookie: stolen=1", "large": "1"}),
        Client().post("/login/", {"login": "x\r\n2026-11-23 CRITICAL forged", "password": "y\r\nz"}),
    ]
    for answer in answers:
        assert answer.status_code < 500
        assert "stolen" not in answer.cookies
        for name, value in answer.headers.items():
            assert not re.search(r"[\r\n]", name + value), (name, value)
    for record in caplog.records:
        assert "\n2026-11-23 CRITICAL" not in record.getMessage()
    uploaded = ling.client.post(
        reverse("apply:attach", args=[draft.pk]), {"kind": "other", "file": SimpleUploadedFile(forged, PDF)}
    )
    assert uploaded.status_code in (302, 400, 415)
    assert not any(
        re.search(r"[\r\n]", name) for name in draft.attachments.exclude(pk=made.pk).values_list("name", flat=True)
    )


# --- bodies -----------------------------------------------------------------------------------------------------------
DEEP = "[" * 10_000 + "]" * 10_000
MANY = "{" + ",".join(f'"k{n}":1' for n in range(1_000_000)) + "}"
JSON = {
    "10 MB": ('{"note":"' + "x" * 10 * 1024 * 1024 + '"}', {413}),
    "depth 10,000": (DEEP, {400}),
    "1,000,000 names": (MANY, {413}),
    "150,000 names": ("{" + ",".join(f'"k{n}":1' for n in range(150_000)) + "}", {400}),
    "1e999": ('{"code":"amount","note":1e999}', {400}),
    "NaN": ('{"code":"amount","note":NaN}', {400}),
    "-Infinity": ('{"code":"amount","note":-Infinity}', {400}),
    "a number of 5,000 digits": ('{"code":"amount","note":' + "9" * 5000 + "}", {400}),
    "a lone surrogate": ('{"code":"amount","note":"\\ud800"}', {400}),
    "no UTF-8": (b'{"code":"\xff\xfe"}', {400}),
    "half an object": ('{"code":"amount"', {400}),
}


@pytest.mark.parametrize("name", JSON)
def test_attack_22_json_that_is_too_long_too_deep_or_no_number(
    name: str, ling: Person, bo: Person, product: Any
) -> None:
    """Bo's system sends it to the portal: 413 or 400 in less than a second, and nothing happened."""
    body, expected = JSON[name]
    mine = factories.application(ling, product).referrals.get()
    bo.client.raise_request_exception = False
    url = reverse("api-referral-decline", args=[mine.ref])
    began = time.monotonic()
    answer = bo.client.generic("POST", url, body if isinstance(body, bytes) else body.encode(), "application/json")
    assert (time.monotonic() - began) < 1
    assert answer.status_code in expected
    assert "Traceback" not in answer.content.decode()
    mine.refresh_from_db()
    assert mine.state == "waiting"
    if 413 in expected:
        assert traces("unreadable", bo) + traces("too-large", bo) + Refusal.objects.filter(status=413).count() > 0


def test_attack_22_a_form_that_is_too_long_is_413(ling: Person) -> None:
    """Ling sends three megabytes of words, or two and a half thousand fields."""
    long = {"note": "x" * (3 * 1024 * 1024)}
    plain = ling.client.post("/profile/edit/", "note=" + long["note"], content_type="application/x-www-form-urlencoded")
    assert plain.status_code == 413
    assert ling.client.post("/profile/edit/", long).status_code == 413  # multipart: found while it is read
    many = "&".join(f"k{n}=1" for n in range(2500))
    assert ling.client.post("/profile/edit/", many, content_type="application/x-www-form-urlencoded").status_code == 400
    assert Refusal.objects.filter(status=413).count() == 2


# --- answers ----------------------------------------------------------------------------------------------------------
@override_settings(ROOT_URLCONF="tests.attacks.test_anonymous")
def test_attack_24_an_error_page_says_nothing_of_the_inside(ling: Person) -> None:
    """No trace, no path of the machine, no version of anything."""
    ling.client.raise_request_exception = False
    for answer in (ling.client.get("/broken/?secret=typed-word"), ling.client.get("/typed-word/.git/config")):
        said = answer.content.decode() + str(dict(answer.headers))
        for word in ("RuntimeError", "a fault of ours", "a-secret-of-the-frame", "Traceback", "site-packages", "/portal/",
                     "Django", "django", "Python/", "gunicorn", "psycopg", "DEBUG"):  # fmt: skip
            assert word not in said, word
    assert ling.client.get("/broken/").status_code == 500


@pytest.mark.processes
@pytest.mark.django_db(transaction=True)
def test_attack_25_a_slow_caller_is_cut_off_within_thirty_seconds() -> None:
    """Head or body, byte by byte or not at all, at the web server that `bin/portal up` runs; others go on meanwhile."""
    post = b"POST /login/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 9999\r\n\r\na="
    with web_server() as port, ThreadPoolExecutor(4) as pool:
        raw(port, b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")  # it is awake
        slow_head = pool.submit(dripping, port, b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ", every=1.0)
        slow_body = pool.submit(dripping, port, post, every=1.0)
        silent_head = pool.submit(dripping, port, b"GET / HT", every=100.0)
        silent_body = pool.submit(raw, port, post)
        time.sleep(3)
        said, took = raw(port, b"GET /login/ HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
        assert said.startswith(b"HTTP/1.1 200")
        assert took < 5
        assert slow_head.result() < 33
        assert slow_body.result() < 33
        assert silent_head.result() < 20
        answer, after = silent_body.result()
        assert after < 20
        assert b" 200 " not in answer[:20]


def test_attack_12_a_chosen_next_never_leaves_the_portal(ling: Person) -> None:
    """Ling follows a link to our log-in that somebody else wrote; tests/security/test_sessions.py has the long list."""
    for target in ("//evil.example", "/\\evil.example", "/%09/evil.example", "javascript:alert(1)"):
        answer = Client().post("/login/", {"login": "ling", "password": "Demo-2026-portal", "next": target})
        assert answer.status_code in (302, 303)
        assert "evil" not in answer.headers["Location"]
        assert "javascript" not in answer.headers["Location"]


def test_attack_14_a_form_of_another_site_is_refused_by_its_origin_and_its_token(ling: Person) -> None:
    """With Ling's cookies, and even with a token of hers, but from elsewhere."""
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(ling.user)
    token = strict.get("/password/").cookies["csrf"].value
    form = {"csrfmiddlewaretoken": token, "phone": "13700000002", "role": "enterprise"}
    for headers in ({"Origin": EVIL}, {"Origin": "null"}, {"Origin": "http://testserver.evil.example"}):
        assert strict.post("/members/", form, headers=headers).status_code == 403
    assert strict.post("/members/", {"phone": "13700000002", "role": "enterprise"}).status_code == 403
    assert traces("csrf", ling) == 4
    assert strict.post("/members/", form, headers={"Origin": "http://testserver"}).status_code in (200, 302)
    secure = Client(enforce_csrf_checks=True)
    secure.force_login(ling.user)
    token = secure.get("/password/", secure=True).cookies["csrf"].value
    assert secure.post("/logout/", {"csrfmiddlewaretoken": token}, secure=True).status_code == 403  # no Referer at all
    assert User.objects.filter(pk=ling.user.pk).exists()
