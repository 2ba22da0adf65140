"""OpenID Connect with Authlib: code flow, PKCE, state, nonce; the ID token's signature, issuer, audience and times checked.

Authlib writes the questions and checks the token; every call goes through core.outgoing, so a token or the client's secret
goes nowhere else.
"""

import json
import secrets
from base64 import b64encode
from datetime import datetime
from typing import Any
from urllib.parse import quote_plus

from authlib.integrations.base_client.sync_openid import OpenIDMixin
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri, prepare_token_request
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from django.core.cache import cache

from portal.foundation.core import outgoing

from .contract import Identity, Question, Refused, Unreachable

TIMEOUT = 5  # seconds to connect, and for each read; twice that for a whole answer
METADATA_KEPT = 300  # seconds in each process: whoever presses the button does not make us call
LEEWAY = 60  # seconds that their clock may be off ours
# Signatures with a key that only they have: a shared secret or none at all must not do.
ALGORITHMS = ["RS256", "RS384", "RS512", "ES256", "ES384", "ES512", "PS256", "PS384", "PS512", "EdDSA"]
LONGEST = 256 * 1024  # bytes of any answer


class OidcProvider:
    """One issuer and our client there. Raises ValueError for an address that is neither https nor on this machine."""

    def __init__(self, issuer: str, *, client_id: str, client_secret: str = "") -> None:
        outgoing.address(issuer)
        self.issuer, self.client_id, self._secret = issuer, client_id, client_secret
        self._metadata: dict[str, Any] | None = None
        self._kept = f"oidc:{issuer}"

    def ask(self, redirect_uri: str) -> Question:
        nonce, verifier, state = (secrets.token_urlsafe(n) for n in (24, 48, 24))
        address = prepare_grant_uri(
            self._found()["authorization_endpoint"], self.client_id, "code", redirect_uri, "openid", state,
            nonce=nonce, code_challenge=create_s256_code_challenge(verifier), code_challenge_method="S256",
        )  # fmt: skip
        return Question(address=str(address), state=state, nonce=nonce, verifier=verifier)

    def answer(self, code: str, question: Question, redirect_uri: str, *, now: datetime) -> Identity:
        token = self._token(code, question.verifier, redirect_uri)
        try:
            claims = _Checker(self).claims(token, question.nonce, now=now)
            return Identity(issuer=str(claims["iss"]), subject=str(claims["sub"]))
        except Unreachable:
            raise
        except Exception as error:  # whatever is wrong with a token: nobody comes in by it
            raise Refused(type(error).__name__) from error

    def _token(self, code: str, verifier: str, redirect_uri: str) -> dict[str, Any]:
        """What the code is worth. Raises Refused when the issuer says no, Unreachable."""
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        given = {"code": code, "code_verifier": verifier, "client_id": self.client_id}
        if self._secret:
            del given["client_id"]  # RFC 6749 2.3.1: named once, in the header
            pair = f"{quote_plus(self.client_id)}:{quote_plus(self._secret)}"
            headers["Authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
        body = prepare_token_request("authorization_code", redirect_uri=redirect_uri, **given)
        return _said(self._found()["token_endpoint"], "POST", body.encode(), headers)

    def _found(self) -> dict[str, Any]:
        """What the issuer says of itself; every address in it must be https too, and the issuer the one we asked."""
        if self._metadata is None:
            self._metadata = cache.get(self._kept)
        if self._metadata is None:
            found = _said(f"{self.issuer}/.well-known/openid-configuration")
            if str(found.get("issuer", "")).rstrip("/") != self.issuer:
                raise Unreachable("issuer")
            try:
                for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
                    outgoing.address(str(found[name]))
            except (KeyError, ValueError) as error:
                raise Unreachable("metadata") from error
            self._metadata = found
            cache.set(self._kept, found, METADATA_KEPT)
        return self._metadata


class _Checker(OpenIDMixin):  # type: ignore[misc]  # Authlib has no types
    """Authlib's check of an ID token, with our clock, our algorithms and our way of asking for keys."""

    def __init__(self, provider: OidcProvider) -> None:
        self.client_id = provider.client_id
        metadata = provider._found()
        offered = metadata.get("id_token_signing_alg_values_supported") or ["RS256"]
        self.server_metadata = {
            **metadata,
            "id_token_signing_alg_values_supported": [name for name in offered if name in ALGORITHMS],
        }

    def load_server_metadata(self) -> dict[str, Any]:
        return self.server_metadata

    def fetch_jwk_set(self, force: bool = False) -> dict[str, Any]:
        if force or "jwks" not in self.server_metadata:
            self.server_metadata["jwks"] = _said(self.server_metadata["jwks_uri"])
        return dict(self.server_metadata["jwks"])

    def claims(self, token: dict[str, Any], nonce: str, *, now: datetime) -> dict[str, Any]:
        if "id_token" not in token:
            raise ValueError("no ID token")
        moment = int(now.timestamp())

        class Ours(CodeIDToken):  # type: ignore[misc]
            """Judged by the portal's clock; who it is for is always asked."""

            def validate(self, now: int | None = None, leeway: int = 0) -> None:
                super().validate(moment, leeway)

        options = {
            "iss": {"essential": True, "values": [self.server_metadata["issuer"]]},
            "aud": {"essential": True, "value": self.client_id},
            "sub": {"essential": True},
        }
        found = self.parse_id_token(token, nonce, claims_options=options, claims_cls=Ours, leeway=LEEWAY)
        if not found.get("nonce") or not found["sub"] or len(str(found["sub"])) > 255:
            raise ValueError("nonce or subject")
        return dict(found)


def _said(
    address: str, method: str = "GET", body: bytes = b"", headers: dict[str, str] | None = None
) -> dict[str, Any]:
    """A JSON object from the issuer. Raises Refused for a plain no (400, 401), Unreachable for everything else."""
    try:
        answer = outgoing.call(
            method, outgoing.address(address), "", body,
            headers=headers or {}, timeout=TIMEOUT, total=2 * TIMEOUT, longest=LONGEST,
        )  # fmt: skip
        if answer.status in (400, 401):
            raise Refused(f"status {answer.status}")
        if answer.status != 200:
            raise Unreachable(f"status {answer.status}")
        found = json.loads(answer.body)
    except (outgoing.Failed, ValueError) as error:
        raise Unreachable(type(error).__name__) from error
    if not isinstance(found, dict):
        raise Unreachable("no object")
    return found
