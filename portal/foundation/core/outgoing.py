"""The one door through which the portal calls other systems: the patent register, the valuation agency, later callbacks.

An address is refused unless every place its name stands for is on the public internet or in a network that this
installation names (`OUTGOING_NETWORKS`): a form, a setting or a name server must not point us at the cloud's metadata, at
our own database or at this machine. The name is looked up once per call and the connection goes to exactly that address, so
that a second answer of the name server changes nothing. Redirects are not followed, certificates are verified, answers are
cut at a length and a time.
"""

import ipaddress
import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from http.client import HTTPConnection, HTTPException, HTTPResponse
from threading import Timer
from urllib.parse import urlsplit

from django.conf import settings

Ip = ipaddress.IPv4Address | ipaddress.IPv6Address

_PIECE = 64 * 1024
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
# A cloud's metadata and the neighbours on the same wire: never, whatever the installation names.
NEVER = tuple(
    ipaddress.ip_network(net) for net in ("169.254.0.0/16", "fe80::/10", "fd00:ec2::254/128", "100.100.100.200/32")
)


class Why(StrEnum):
    """What became of a call that brought no answer."""

    ADDRESS = "address"  # not to be called from here
    CONNECT = "connect"  # nobody there, or broken off
    CERTIFICATE = "certificate"
    SLOW = "slow"
    LONG = "long"
    ENCODED = "encoded"  # compressed, though nothing of the kind was asked for


class Failed(Exception):
    """No usable answer; nothing says whether the other side did what it was asked."""

    def __init__(self, why: Why, detail: str = "") -> None:
        super().__init__(f"{why}: {detail}" if detail else str(why))
        self.why = why


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, whatever its status: a redirect is an answer like others."""

    status: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Address:
    """Where another system is; made by `address`, which refuses what can be refused without a name server."""

    tls: bool
    host: str
    port: int
    path: str  # without a slash at its end


def address(url: str) -> Address:
    """Read and judge an address at the moment it is saved or configured.

    Raises ValueError: not http(s), a name or password in it, plain http to another machine, a number that names a place
    which must not be called. A name is judged when it is called, by what it stands for then.
    """
    parts = urlsplit(url)
    host = (parts.hostname or "").rstrip(".")
    if parts.scheme not in ("http", "https") or not host:
        raise ValueError(f"{url!r} is no http address")
    if parts.username is not None or parts.password is not None:
        raise ValueError("an address with a name or password in it")
    if parts.query or parts.fragment:
        raise ValueError("an address ends with its path")
    ip = _literal(host)
    if ip is not None and not reachable(ip):
        raise ValueError(f"{host} must not be called from here")
    if parts.scheme == "http" and not (host == "localhost" or (ip is not None and _inner(ip).is_loopback)):
        raise ValueError("plain http is allowed on this machine only")
    tls = parts.scheme == "https"
    return Address(tls, host, parts.port or (443 if tls else 80), parts.path.rstrip("/"))


def reachable(ip: Ip) -> bool:
    """Whether the portal may connect to this address: public, or in a network that the installation names."""
    ip = _inner(ip)
    if any(ip in never for never in NEVER):
        return False
    if any(ip in ipaddress.ip_network(known) for known in settings.OUTGOING_NETWORKS):
        return True
    return ip.is_global and not ip.is_multicast


def call(
    method: str,
    to: Address,
    path: str,
    body: bytes = b"",
    *,
    headers: Mapping[str, str],
    timeout: float,
    total: float,
    longest: int,
) -> Answer:
    """One question. `timeout` seconds for connecting and for each read, `total` for everything, `longest` bytes of answer.

    Raises Failed.
    """
    until = time.monotonic() + total
    ips = _resolve(to)
    with _reading(), _line(to, ips, timeout=timeout, until=until) as line:
        line.request(method, f"{to.path}{path}", body or None, {"Accept-Encoding": "identity", **headers})
        answer = line.getresponse()
        if answer.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise Failed(Why.ENCODED)
        return Answer(answer.status, _body(answer, longest=longest, until=until))


def _body(answer: HTTPResponse, *, longest: int, until: float) -> bytes:
    announced = answer.length
    if (announced or 0) > longest:
        raise Failed(Why.LONG, f"{announced} bytes announced")
    raw = bytearray()
    while piece := answer.read1(_PIECE):
        raw += piece
        if len(raw) > longest:
            raise Failed(Why.LONG, f"more than {longest} bytes")
    if time.monotonic() >= until:
        raise Failed(Why.SLOW)
    if announced not in (None, len(raw)):
        raise Failed(Why.CONNECT, "the answer breaks off")
    return bytes(raw)


class _Line(HTTPConnection):
    """A connection to numeric addresses, whatever their name has come to mean; TLS speaks to the name."""

    def __init__(self, to: Address, ips: list[Ip], *, timeout: float) -> None:
        super().__init__(to.host, to.port, timeout=timeout)
        self._to, self._ips = to, ips

    def connect(self) -> None:
        """To the first that answers. Raises OSError of the last."""
        for ip in self._ips:
            try:
                self.sock = socket.create_connection((str(ip), self._to.port), timeout=self.timeout)
                break
            except OSError:
                if ip is self._ips[-1]:
                    raise
        if self._to.tls:
            trusted = ssl.create_default_context(cafile=settings.OUTGOING_CA_FILE or None)
            # Shaken hands only when it is ours to cut: a handshake may drip, too.
            tls = trusted.wrap_socket(self.sock, server_hostname=self._to.host, do_handshake_on_connect=False)
            self.sock = tls
            tls.do_handshake()

    def cut(self) -> None:
        """End whatever waits for the other side, from another thread."""
        if self.sock is not None:
            try:
                self.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                return


@contextmanager
def _line(to: Address, ips: list[Ip], *, timeout: float, until: float) -> Iterator[_Line]:
    """A line that is cut when the time is up: headers that drip byte by byte never run into a read's time-out."""
    line = _Line(to, ips, timeout=timeout)
    guillotine = Timer(max(0.0, until - time.monotonic()), line.cut)
    guillotine.daemon = True
    guillotine.start()
    try:
        yield line
    except (OSError, HTTPException) as error:
        if time.monotonic() >= until:
            raise Failed(Why.SLOW) from error
        raise
    finally:
        guillotine.cancel()
        line.close()


@contextmanager
def _reading() -> Iterator[None]:
    try:
        yield
    except TimeoutError as error:
        raise Failed(Why.SLOW) from error
    except ssl.SSLCertVerificationError as error:
        raise Failed(Why.CERTIFICATE, error.verify_message) from error
    except (OSError, HTTPException, ValueError) as error:  # ValueError: a header that the other side should not send
        raise Failed(Why.CONNECT, type(error).__name__) from error


def _resolve(to: Address) -> list[Ip]:
    """Where to call, at least one. One forbidden meaning among several refuses the name: the choice would be an attacker's."""
    try:
        found = socket.getaddrinfo(to.host, to.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Failed(Why.CONNECT, "the name is unknown") from error
    meant = [ipaddress.ip_address(str(row[4][0]).partition("%")[0]) for row in found]
    for ip in meant:
        if not reachable(ip):
            raise Failed(Why.ADDRESS, f"{to.host} stands for {ip}")
        if not to.tls and not _inner(ip).is_loopback:
            raise Failed(Why.ADDRESS, "plain http to another machine")
    return meant


def _literal(host: str) -> Ip | None:
    """The address that a host is, in any spelling the operating system would take (2130706433, 0x7f.1, 127.1)."""
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        pass
    try:
        return ipaddress.IPv4Address(socket.inet_aton(host))
    except (OSError, UnicodeError):
        return None


def _inner(ip: Ip) -> Ip:
    """An IPv4 address that travels inside an IPv6 one is judged as what it is."""
    if isinstance(ip, ipaddress.IPv6Address):
        if ip in _NAT64:
            return ipaddress.IPv4Address(int(ip) & 0xFFFF_FFFF)
        return ip.ipv4_mapped or ip.sixtofour or ip
    return ip
