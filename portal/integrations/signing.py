"""How a call is signed, and how a signature is judged (docs/contracts/api-keys.md)."""

import base64
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.utils.crypto import salted_hmac

SCHEME = "IPP-HMAC-SHA256"
SKEW = timedelta(minutes=5)
_HEADER = re.compile(
    SCHEME + r' key="(?P<key>IPK[0-9A-Z]{12})", time="(?P<time>[0-9]{10})", '
    r'nonce="(?P<nonce>[A-Za-z0-9_-]{16,64})", signature="(?P<signature>[0-9a-f]{64})"'
)
_LETTERS = "0123456789ABCDEFGHJKLMNPQRSTUVWXYZ"


@dataclass(frozen=True, slots=True)
class Signed:
    """What the header says."""

    key: str
    time: int
    nonce: str
    signature: str

    def fresh(self, now: datetime) -> bool:
        return abs(now - datetime.fromtimestamp(self.time, UTC)) <= SKEW


def new_ident() -> str:
    return "IPK" + "".join(secrets.choice(_LETTERS) for _ in range(12))


def secret_of(ident: str) -> str:
    """The secret of a key, derived from the portal's own and stored nowhere: a copy of the database signs nothing."""
    return base64.urlsafe_b64encode(salted_hmac("portal.integrations", ident, algorithm="sha256").digest()).decode()


def secrets_of(ident: str) -> list[str]:
    """The same, and as it was under each SECRET_KEY that this one replaced: keys outlive a change of it."""
    before = [
        salted_hmac("portal.integrations", ident, secret=secret, algorithm="sha256").digest()
        for secret in settings.SECRET_KEY_FALLBACKS
    ]
    return [secret_of(ident), *(base64.urlsafe_b64encode(raw).decode() for raw in before)]


def digest_of(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def signature(secret: str, *, method: str, path: str, body: bytes, time: int, nonce: str) -> str:
    """HMAC-SHA256 over five lines. `path` as sent, with its query."""
    said = "\n".join((method.upper(), path, hashlib.sha256(body).hexdigest(), str(time), nonce))
    return hmac.new(secret.encode(), said.encode(), hashlib.sha256).hexdigest()


def read(header: str) -> Signed | None:
    """The header, or None when it is not of this scheme's exact form."""
    found = _HEADER.fullmatch(header)
    return Signed(found["key"], int(found["time"]), found["nonce"], found["signature"]) if found else None


def header(secret: str, ident: str, *, method: str, path: str, body: bytes, time: int, nonce: str) -> str:
    """What a caller sends as Authorization."""
    signed = signature(secret, method=method, path=path, body=body, time=time, nonce=nonce)
    return f'{SCHEME} key="{ident}", time="{time}", nonce="{nonce}", signature="{signed}"'


def matches(signed: Signed, secret: str, *, method: str, path: str, body: bytes) -> bool:
    right = signature(secret, method=method, path=path, body=body, time=signed.time, nonce=signed.nonce)
    return hmac.compare_digest(right, signed.signature)
