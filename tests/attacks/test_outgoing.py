"""Whom the portal calls, and what it makes of the answer (93, 94)."""

import datetime as dt
import gzip
import ipaddress
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from django.test import override_settings

from portal.foundation.assets.models import Valuation
from portal.foundation.assets.register import client as register
from portal.foundation.assets.register.interface import Unreachable
from portal.foundation.assets.valuation import agency, provider, simulator
from portal.foundation.core import moments, outgoing
from portal.foundation.core.outgoing import Failed, Why
from portal.foundation.journal import dispatcher
from portal.foundation.journal.models import Delivery, Entry
from portal.foundation.journal.subscribers import Later
from portal.run.places import ROOT
from tests.factories import Person
from tests.valuation.test_agency import QUESTION, ask

LOCAL = {"OUTGOING_NETWORKS": ["127.0.0.0/8", "::1/128"]}
HIDDEN = (
    "127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "[::ffff:10.0.0.1]",
    "169.254.169.254", "[fe80::1]", "[fd00::1]", "10.0.0.5", "172.16.0.1", "192.168.1.1", "100.64.0.1", "0.0.0.0", "[::]",  # noqa: S104
    "[64:ff9b::7f00:1]", "[64:ff9b::a9fe:a9fe]", "[2002:7f00:1::]", "224.0.0.1", "255.255.255.255", "100.100.100.200",
)  # fmt: skip


def call(url: str, *, timeout: float = 2, total: float = 3, longest: int = 1024) -> outgoing.Answer:
    return outgoing.call(
        "POST", outgoing.address(url), "/x", b"{}", headers={}, timeout=timeout, total=total, longest=longest
    )


# --- whom the portal calls --------------------------------------------------------------------------------------------
@pytest.mark.parametrize("host", HIDDEN)
@override_settings(OUTGOING_NETWORKS=[])
def test_attack_93_an_address_inside_is_refused_when_it_is_saved(host: str) -> None:
    """Somebody configures our own machine, the cloud's metadata or the neighbours as the agency, in any spelling."""
    with pytest.raises(ValueError, match="must not be called"):
        outgoing.address(f"https://{host}/v1")
    with pytest.raises(ValueError):
        provider.HttpProvider(f"https://{host}")
    with pytest.raises(ValueError):
        register.HttpRegister(f"https://{host}:8443/")


@pytest.mark.parametrize(
    "url",
    ["http://agency.example", "ftp://agency.example", "https://", "https://good.example@evil.example", "https://a.example/?x=1",
     "https://a.example/#x", "file:///etc/passwd", "gopher://127.0.0.1", "//agency.example", "javascript:alert(1)"],
)  # fmt: skip
def test_attack_93_an_address_that_is_no_plain_https_address_is_refused(url: str) -> None:
    """An address with a password, a query, another protocol, or no TLS."""
    with pytest.raises(ValueError):
        outgoing.address(url)


def means(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[str]:
    """A name server that gives these answers one after the other; returns the list of names it was asked."""
    asked: list[str] = []

    def getaddrinfo(host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        meant = answers[min(len(asked), len(answers) - 1)]
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in meant]

    monkeypatch.setattr(outgoing.socket, "getaddrinfo", getaddrinfo)
    return asked


@pytest.mark.parametrize("host", [h.strip("[]") for h in HIDDEN if "." in h or ":" in h])
@override_settings(OUTGOING_NETWORKS=[])
def test_attack_93_a_name_that_stands_for_an_address_inside_is_refused_when_it_is_called(
    host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name looked harmless when it was saved; today its owner points it at us."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        pytest.skip("a spelling that no name server gives")
    means(monkeypatch, [host])
    with pytest.raises(Failed) as refused:
        call("https://agency.example")
    assert refused.value.why == Why.ADDRESS


@override_settings(OUTGOING_NETWORKS=[])
def test_attack_93_one_address_inside_among_good_ones_refuses_the_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """The choice among several would be the attacker's."""
    means(monkeypatch, ["93.184.216.34", "127.0.0.1"])
    with pytest.raises(Failed) as refused:
        call("https://agency.example")
    assert refused.value.why == Why.ADDRESS


@override_settings(OUTGOING_NETWORKS=[])
def test_attack_93_a_name_server_that_changes_its_mind_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """DNS rebinding: public when it is judged, ours when it is called. We ask once and call what was judged."""
    asked, called = means(monkeypatch, ["93.184.216.34"], ["127.0.0.1"]), []

    def connect(address: tuple[str, int], *_: Any, **__: Any) -> Any:
        called.append(address)
        raise OSError("no network in a test")

    monkeypatch.setattr(outgoing.socket, "create_connection", connect)
    with pytest.raises(Failed) as failed:
        call("https://agency.example")
    assert failed.value.why == Why.CONNECT
    assert asked == ["agency.example"]
    assert called == [("93.184.216.34", 443)]


def test_attack_93_a_network_must_be_named_to_be_reached() -> None:
    """A government network has private addresses, so an installation names its own and no other."""
    inside = ipaddress.ip_address("10.8.3.4")
    with override_settings(OUTGOING_NETWORKS=["10.8.0.0/16"]):
        assert outgoing.reachable(inside)
        assert not outgoing.reachable(ipaddress.ip_address("10.9.0.1"))
        with pytest.raises(ValueError):
            outgoing.address("http://10.8.3.4")  # but never without TLS
    with override_settings(OUTGOING_NETWORKS=[]):
        assert not outgoing.reachable(inside)


# --- what comes back --------------------------------------------------------------------------------------------------
Handler = Callable[[BaseHTTPRequestHandler], None]


@contextmanager
def answering(answer: Handler, *, certificate: Path | None = None) -> Iterator[tuple[str, list[str]]]:
    """A machine that answers each POST so; its address and the paths that were asked."""
    asked: list[str] = []

    class Said(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            asked.append(self.path)
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            try:
                answer(self)
            except OSError:
                self.close_connection = True

        do_GET = do_POST

        def log_message(self, *_: Any) -> None:
            """Silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Said)
    server.daemon_threads = True
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http{'s' if certificate else ''}://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()


def say(body: bytes = b"{}", status: int = 200, **headers: str) -> Handler:
    def answer(to: BaseHTTPRequestHandler) -> None:
        to.send_response(status)
        for name, value in headers.items():
            to.send_header(name.replace("_", "-"), value)
        if "Content_Length" not in headers:
            to.send_header("Content-Length", str(len(body)))
        to.end_headers()
        to.wfile.write(body)

    return answer


def endless(to: BaseHTTPRequestHandler) -> None:
    """A gigabyte that is not announced."""
    to.send_response(200)
    to.send_header("Connection", "close")
    to.end_headers()
    for _ in range(16 * 1024):
        to.wfile.write(b"0" * 65536)


def dripping_body(to: BaseHTTPRequestHandler) -> None:
    to.send_response(200)
    to.send_header("Content-Length", "1000")
    to.end_headers()
    for _ in range(1000):
        to.wfile.write(b"0")
        time.sleep(0.1)


def dripping_head(to: BaseHTTPRequestHandler) -> None:
    to.wfile.write(b"HTTP/1.1 200 OK\r\nX: ")
    for _ in range(1000):
        to.wfile.write(b"0")
        to.wfile.flush()
        time.sleep(0.1)


BAD: dict[str, tuple[Handler, Why]] = {
    "a gigabyte announced": (say(Content_Length=str(2**30)), Why.LONG),
    "a gigabyte unannounced": (endless, Why.LONG),
    "a body byte by byte": (dripping_body, Why.SLOW),
    "a head byte by byte": (dripping_head, Why.SLOW),
    "less than announced": (say(b"{", Content_Length="100", Connection="close"), Why.CONNECT),
    "compressed unasked": (say(gzip.compress(b"0" * 10**6), Content_Encoding="gzip"), Why.ENCODED),
}


@pytest.mark.parametrize("name", BAD)
@override_settings(**LOCAL)
def test_attack_94_an_answer_that_does_not_end_is_cut(name: str) -> None:
    """The agency, or whoever sits in its place, answers without end, drop by drop, or packed."""
    handler, why = BAD[name]
    began = time.monotonic()
    with answering(handler) as (url, _), pytest.raises(Failed) as failed:
        call(url, timeout=1, total=2)
    assert failed.value.why == why, failed.value
    assert time.monotonic() - began < 4


@override_settings(**LOCAL)
def test_attack_94_a_redirect_is_an_answer_and_is_not_followed() -> None:
    """The agency, taken over, sends us to our own database with our token in the header."""
    with answering(say()) as (other, followed):
        for status in (301, 302, 303, 307, 308):
            with answering(say(status=status, Location=f"{other}/stolen")) as (url, asked):
                assert call(url).status == status
                assert asked == ["/x"]
                with pytest.raises(provider.Unreachable):
                    provider.HttpProvider(url, token="t", timeout=1).report(QUESTION)
                with pytest.raises(Unreachable):
                    register.HttpRegister(url, token="t", timeout=1).ask(["2017106018623"], key="k")
        assert followed == []


def certificate(where: Path, name: str) -> Path:
    """A certificate that signs itself, with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    today = moments.now()
    made = (
        x509.CertificateBuilder()
        .subject_name(who)
        .issuer_name(who)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - dt.timedelta(days=1))
        .not_valid_after(today + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(name))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = where / f"{name}.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(made.public_bytes(serialization.Encoding.PEM) + secret)
    return file


@override_settings(**LOCAL)
def test_attack_94_a_wrong_certificate_is_nobody(tmp_path: Path) -> None:
    """One that nobody vouches for, and one for another name; with the right one the answer comes."""
    right, other = certificate(tmp_path, "127.0.0.1"), certificate(tmp_path, "127.0.0.2")
    with answering(say(b"{}"), certificate=right) as (url, asked):
        with pytest.raises(Failed) as failed:
            call(url)
        assert failed.value.why == Why.CERTIFICATE
        assert asked == []
        with override_settings(OUTGOING_CA_FILE=str(right)):
            assert call(url) == outgoing.Answer(200, b"{}")
    with answering(say(b"{}"), certificate=other) as (url, asked):
        with override_settings(OUTGOING_CA_FILE=str(other)), pytest.raises(Failed) as failed:
            call(url)
        assert failed.value.why == Why.CERTIFICATE
        assert asked == []


@pytest.mark.django_db
@override_settings(**LOCAL)
def test_attack_94_what_was_cut_is_asked_again_by_the_outbox(settings: Any, ling: Person) -> None:
    """Ling asked for a valuation while the agency was possessed; when it is itself again the report comes, once."""
    settings.VALUATION_AGENCY_TIMEOUT = 1
    with answering(say(status=302, Location="http://127.0.0.1:9/")) as (url, _):
        settings.VALUATION_AGENCY_URL = url
        ask(ling)
        entry = Entry.objects.get(verb="valuation.requested")
        with pytest.raises(Later):
            agency.hear(entry, moments.now())
        dispatcher.dispatch(now=moments.now())
    assert not Valuation.objects.exists()
    with simulator.running() as address:
        settings.VALUATION_AGENCY_URL = address
        for hour in range(1, 30, 4):
            dispatcher.dispatch(now=moments.now() + dt.timedelta(hours=hour))
    assert Valuation.objects.count() == 1
    assert not Delivery.objects.filter(subscriber="agency_reports", state="dead").exists()


def test_nobody_calls_out_but_through_that_door() -> None:
    """The launcher, the proof and the scanner speak to processes of this machine; everything else goes through core.outgoing."""
    words = (
        "urllib.request",
        "http.client",
        "import requests",
        "from requests",
        "httpx",
        "aiohttp",
        "urllib3",
        "socket.create_connection",
    )
    allowed = (
        "portal/run/",
        "portal/proof/",
        "portal/foundation/core/outgoing.py",
        "portal/foundation/core/scanning/clamd.py",
    )
    found = [
        f"{path.relative_to(ROOT)}: {word}"
        for top in ("portal", "applications", "pledges", "products", "banks")
        for path in (ROOT / top).rglob("*.py")
        if not str(path.relative_to(ROOT)).startswith(allowed)
        for word in words
        if word in path.read_text("utf-8")
    ]
    assert found == []
