"""Where a request comes from, and who that is to a limit."""

import ipaddress

from django.conf import settings
from django.http import HttpRequest
from django.utils.crypto import salted_hmac


def client_address(request: HttpRequest) -> str:
    """Where a request comes from. Behind the configured proxy that is the last hop the proxy itself wrote down."""
    if settings.SECURE_PROXY_SSL_HEADER:
        hops = request.headers.get("X-Forwarded-For", "").split(",")
        if hops[-1].strip():
            return hops[-1].strip()
    return str(request.META.get("REMOTE_ADDR", ""))


def network(request: HttpRequest) -> str:
    """The address as limits count it: an IPv6 line has 2⁶⁴ addresses of its own, so its /64 is one caller."""
    text = client_address(request)
    try:
        found = ipaddress.ip_address(text)
    except ValueError:  # a proxy's «unknown», a Unix socket
        return text[:64]
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found)


def digest(purpose: str, key: str) -> str:
    """Under which an address, a name or a code is kept: the same each time, no way back, another one for each purpose."""
    return salted_hmac(f"portal.{purpose}", key, algorithm="sha256").hexdigest()


def visitor(request: HttpRequest) -> str:
    """One person wherever they sit; without log-in, one line."""
    actor = getattr(request, "actor", None)
    return f"user:{actor.user_id}" if actor is not None else f"line:{network(request)}"
