"""What every answer says to the browser, what the machine interface and other methods are told, and how production starts."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client, override_settings
from django.urls import path, reverse

from portal.urls import handler400, handler404, handler500, urlpatterns  # noqa: F401 - Django reads the handlers here
from tests.factories import Person
from tests.made_files import PDF

from .world import World

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
    with override_settings(ROOT_URLCONF="tests.security.test_answers"):
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


# --- the machine interface and methods -------------------------------------------------------------------------------
def test_attack_22_the_machine_interface_refuses_politely(world: World) -> None:
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
def test_attack_17_other_methods_do_nothing(world: World, method: str) -> None:
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
    "PUBLIC_URL": "https://portal.example",
}


def test_djangos_own_list_for_production_is_clean() -> None:
    done = manage("check", "--deploy", "--fail-level", "WARNING", **SANE)
    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(
            ("SECRET_KEY", ""),
            ("ALLOWED_HOSTS", ""),
            ("ALLOWED_HOSTS", "*"),
            ("DATABASE_URL", ""),
            ("PORTAL_ENV", "prod"),
        ),
        *(("DEBUG", "1"), ("RATE_FACTOR", "0"), ("PUBLIC_URL", ""), ("PUBLIC_URL", "http://portal.example")),
        *(("SECRET_KEY", "demonstration-only-not-a-secret"), ("SMS_PROVIDER", "file"), ("SMS_PROVIDER", "http")),
    ],
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
