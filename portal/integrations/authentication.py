"""A call that an institution's system has signed: who calls, in which chair."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed, Throttled
from rest_framework.request import Request

from portal.foundation.accounts.models import User
from portal.foundation.core import addresses, moments, rates
from portal.foundation.core.rates import Rate

from . import signing
from .models import ApiKey

# One sentence whatever was wrong: which keys there are, and which part of a signature was right, is nobody's to learn.
REFUSED = "签名无效、密钥停用或已过期，或时间相差超过 5 分钟。"


# Wrong signatures of one line; a system whose clock is off makes some, nobody makes as many by accident.
WRONG = Rate("wrong-signature", 60, timedelta(minutes=10))


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
        line = addresses.network(asked)
        if wait := rates.waiting(WRONG, line, now=now):
            asked.refused_again = wait.again  # type: ignore[attr-defined]  # one trace of a flood is enough
            raise Throttled(wait.seconds)
        try:
            return self._judged(request, given, now=now)
        except AuthenticationFailed:
            # Counted here because the interface's own limit comes after the log-in: without this nobody would count guesses.
            if wait := rates.take(WRONG, line, now=now):
                raise Throttled(wait.seconds) from None
            raise

    def _judged(self, request: Request, given: str, *, now: datetime) -> tuple[User, Call]:
        asked, signed = request._request, signing.read(given)
        if signed is None or not signed.fresh(now):
            raise AuthenticationFailed(REFUSED)
        path, method = asked.get_full_path(), str(asked.method)
        fitting = (
            secret
            for secret in signing.secrets_of(signed.key)
            if signing.matches(signed, secret, method=method, path=path, body=asked.body)
        )
        secret = next(fitting, None)
        if secret is None:
            raise AuthenticationFailed(REFUSED)
        key = (
            ApiKey.objects.select_related("membership__user", "membership__organisation__district")
            .filter(ident=signed.key, digest=signing.digest_of(secret))
            .filter(membership__active=True, membership__organisation__active=True, membership__user__is_active=True)
            .first()
        )
        if key is None or not key.usable(now):
            raise AuthenticationFailed(REFUSED)
        if key.used_on != (today := moments.local_date(now)):
            ApiKey.objects.filter(pk=key.pk).update(used_on=today)
        asked.membership, asked.actor = key.membership, key.membership.actor  # type: ignore[attr-defined]
        return key.membership.user, Call(key, signed.nonce)
