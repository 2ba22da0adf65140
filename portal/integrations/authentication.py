"""A call that an institution's system has signed: who calls, in which chair."""

from dataclasses import dataclass

from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from portal.foundation.accounts.models import User
from portal.foundation.core import moments

from . import signing
from .models import ApiKey

# One sentence whatever was wrong: which keys there are, and which part of a signature was right, is nobody's to learn.
REFUSED = "签名无效、密钥停用或已过期，或时间相差超过 5 分钟。"


@dataclass(frozen=True, slots=True)
class Call:
    """`request.auth` of a signed call. The nonce is its idempotency key: the same call again is answered, not done, again."""

    key: ApiKey
    nonce: str

    @property
    def scopes(self) -> list[str]:
        return self.key.scopes


class SignedAuthentication(BaseAuthentication):
    """Sets the request's chair, as the session's middleware does for people. Raises AuthenticationFailed (401)."""

    def authenticate_header(self, request: Request) -> str:
        return signing.SCHEME

    def authenticate(self, request: Request) -> tuple[User, Call] | None:
        given = request.headers.get("Authorization", "")
        if not given:
            return None
        now, asked = moments.now(), request._request
        signed = signing.read(given)
        if signed is None or not signed.fresh(now):
            raise AuthenticationFailed(REFUSED)
        secret = signing.secret_of(signed.key)
        path = asked.get_full_path()
        if not signing.matches(signed, secret, method=str(asked.method), path=path, body=asked.body):
            raise AuthenticationFailed(REFUSED)
        key = (
            ApiKey.objects.select_related("membership__user", "membership__organisation__district")
            .filter(ident=signed.key, digest=signing.digest_of(secret))
            .filter(membership__active=True, membership__organisation__active=True)
            .first()
        )
        if key is None or not key.usable(now):
            raise AuthenticationFailed(REFUSED)
        if key.used_on != (today := moments.local_date(now)):
            ApiKey.objects.filter(pk=key.pk).update(used_on=today)
        asked.membership, asked.actor = key.membership, key.membership.actor  # type: ignore[attr-defined]
        return key.membership.user, Call(key, signed.nonce)
