"""Machines against the portal: who floods it, and what a body is (95, 96)."""

import datetime as dt
import gzip
from typing import Any
from urllib.parse import urlencode

import pytest
from django.urls import reverse

from portal.foundation.core import moments, throttling
from portal.foundation.core.rates import Rate
from products.models import Product
from tests import factories
from tests.factories import Person

from .web_world import raw, traces, web_server


# --- who floods -------------------------------------------------------------------------------------------------------
@pytest.mark.django_db
def test_attack_95_calls_without_a_pause_of_one_bank_do_not_stop_another(
    ling: Person, bo: Person, cui: Person, product: Product, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bo's system calls without a pause; beyond the number of a minute it reads 429, and Cui's is served as before."""
    assert throttling.CALLS.number == 600
    monkeypatch.setattr(throttling, "CALLS", Rate("test-calls", 60, dt.timedelta(minutes=1)))
    moment = moments.now()  # however slow this machine is, the hundred calls come in one moment
    monkeypatch.setattr(moments, "now", lambda: moment)
    factories.application(ling, product, factories.product(cui.organisation))
    said, beside = [], []
    for number in range(100):
        said.append(bo.client.get("/api/v1/referrals/").status_code)
        if number % 10 == 9:
            beside.append(cui.client.get("/api/v1/referrals/").status_code)
    assert said == [200] * 60 + [429] * 40
    assert beside == [200] * 10
    assert traces("too-many", bo) == 1  # one row when it began to be refused, not one for every call


@pytest.mark.django_db
def test_attack_95_a_refused_call_costs_no_count(
    bo: Person, django_assert_max_num_queries: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The session and the chair are read, nothing else; the refusal is remembered in the process."""
    moment = moments.now()
    monkeypatch.setattr(moments, "now", lambda: moment)
    monkeypatch.setattr(throttling, "CALLS", Rate("test-calls", 2, dt.timedelta(minutes=1)))
    assert [bo.client.get("/api/v1/referrals/").status_code for _ in range(3)] == [200, 200, 429]
    with django_assert_max_num_queries(4) as asked:
        answer = bo.client.get("/api/v1/referrals/")
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "30")
    assert not any("core_ratecount" in query["sql"] for query in asked.captured_queries)


# --- what a body is ---------------------------------------------------------------------------------------------------
@pytest.mark.django_db
def test_attack_96_a_field_twice_is_refused(ling: Person, bo: Person, product: Product) -> None:
    """Two amounts in one form, two names in one object: whoever passed it on may have read the other one."""
    mine = factories.application(ling, product).referrals.get()
    terms = urlencode(
        {
            "amount": "700",
            "term_months": "12",
            "annual_rate": "3.5",
            "repayment": "等额本息",
            "valid_until": "2099-01-01",
        }
    )
    url = reverse("desk-offer", args=[mine.ref])
    kind = "application/x-www-form-urlencoded"
    twice = bo.client.post(url, terms + "&amount=1", content_type=kind)
    assert twice.status_code == 400
    assert "提交了两次" in twice.content.decode()
    api = reverse("api-referral-decline", args=[mine.ref])
    assert bo.client.post(api, '{"code":"amount","code":"other"}', content_type="application/json").status_code == 400
    mine.refresh_from_db()
    assert mine.state == "waiting"
    assert bo.client.post(url, terms, content_type=kind).status_code == 302


@pytest.mark.django_db
def test_attack_96_a_body_of_another_kind_is_415(ling: Person, bo: Person, product: Product) -> None:
    """Bo's system sends a form where JSON belongs, JSON where a form does, XML, or something compressed."""
    mine = factories.application(ling, product).referrals.get()
    api, page = reverse("api-referral-decline", args=[mine.ref]), reverse("desk-decline", args=[mine.ref])
    json = '{"code":"amount","note":""}'
    form = "code=amount&note="
    packed = gzip.compress(b'{"code":"amount","note":"' + b"x" * 10**7 + b'"}')
    bo.client.raise_request_exception = False
    for url, body, kind, headers, expected in (
        (api, form, "application/x-www-form-urlencoded", {}, 415),
        (api, json, "text/plain", {}, 415),
        (api, "<a/>", "application/xml", {}, 415),
        (api, packed, "application/json", {"Content-Encoding": "gzip"}, 415),
        (api, json, "application/json", {"Content-Encoding": "deflate"}, 415),
        (api, json, "application/json", {"Transfer-Encoding": "chunked"}, 400),
        (page, json, "application/json", {}, 415),
        (page, form, "text/plain", {}, 415),
        (page, form, "application/xml", {}, 415),
        (page, gzip.compress(form.encode()), "application/x-www-form-urlencoded", {"Content-Encoding": "gzip"}, 415),
    ):
        answer = bo.client.generic("POST", url, body, kind, headers=headers)
        assert answer.status_code == expected, (url, kind, headers, answer.status_code)
        assert "Traceback" not in answer.content.decode()
    mine.refresh_from_db()
    assert mine.state == "waiting"
    assert traces("wrong-type", bo) == 3  # what the door refuses comes from nobody yet: one row a minute and kind
    assert (traces("wrong-type"), traces("unreadable")) == (4, 1)


@pytest.mark.processes
@pytest.mark.django_db(transaction=True)
def test_attack_96_a_request_with_two_lengths_is_answered_by_nobody_twice(reference: None) -> None:
    """Smuggling: what one machine takes for a body another takes for the next request. The web server says 400 and closes."""
    end = b"0\r\n\r\nGET /cases/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    head = b"POST /login/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    with web_server() as port:
        for framing in (
            b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
            b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n",
            b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n",
            b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n",
            b"Transfer-Encoding: xchunked\r\nContent-Length: 5\r\n\r\n",
            b"Content-Length: +5\r\n\r\n",
            b"Content-Length: -1\r\n\r\n",
            b"Transfer-Encoding : chunked\r\nContent-Length: 5\r\n\r\n",
        ):
            said, _ = raw(port, head + framing + end, seconds=15)
            assert said.startswith((b"HTTP/1.1 400", b"HTTP/1.1 501")), (framing, said[:80])
            assert said.count(b"HTTP/1.1") == 1, (framing, said)
        said, _ = raw(port, head + b"Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n" + end[:5], seconds=15)
        assert said.startswith(b"HTTP/1.1 400")  # chunked alone has no length that could be bounded before it is read
