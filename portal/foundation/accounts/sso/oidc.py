"""OpenID Connect with Authlib: code flow, PKCE, state, nonce; the ID token's signature, issuer, audience and times checked.

Redirects are not followed and answers are cut at a length, so that a token or the client's secret goes nowhere else.
"""

import ipaddress
import json
import secrets
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import requests
from authlib.integrations.base_client.sync_openid import OpenIDMixin
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken

from .contract import Identity, Question, Refused, Unreachable

TIMEOUT = 5  # seconds to connect, and for each read
LEEWAY = 60  # seconds that their clock may be off ours
# Signatures with a key that only they have: a shared secret or none at all must not do.
ALGORITHMS = ["RS256", "RS384", "RS512", "ES256", "ES384", "ES512", "PS256", "PS384", "PS512", "EdDSA"]
LONGEST = 256 * 1024  # bytes of any answer


class OidcProvider:
    """One issuer and our client there. Raises ValueError for an address that is neither https nor on this machine."""

    def __init__(self, issuer: str, *, client_id: str, client_secret: str = "") -> None:
        _checked(issuer)
        self.issuer, self.client_id, self._secret = issuer, client_id, client_secret
        self._metadata: dict[str, Any] | None = None

    def ask(self, redirect_uri: str) -> Question:
        nonce, verifier = secrets.token_urlsafe(24), secrets.token_urlsafe(48)
        try:
            address, state = self._client(redirect_uri).create_authorization_url(
                self._found()["authorization_endpoint"], code_verifier=verifier, nonce=nonce
            )
        except KeyError as error:
            raise Unreachable("metadata") from error
        return Question(address=str(address), state=str(state), nonce=nonce, verifier=verifier)

    def answer(self, code: str, question: Question, redirect_uri: str, *, now: datetime) -> Identity:
        metadata = self._found()
        try:
            token = self._client(redirect_uri).fetch_token(
                metadata["token_endpoint"],
                code=code,
                grant_type="authorization_code",
                code_verifier=question.verifier,
                allow_redirects=False,
                timeout=TIMEOUT,
            )
            claims = _Checker(self).claims(token, question.nonce, now=now)
            return Identity(issuer=str(claims["iss"]), subject=str(claims["sub"]))
        except (requests.RequestException, OSError) as error:
            raise Unreachable(type(error).__name__) from error
        except Exception as error:  # whatever is wrong with a token: nobody comes in by it
            raise Refused(type(error).__name__) from error

    def _client(self, redirect_uri: str) -> Any:
        return OAuth2Session(
            self.client_id,
            self._secret or None,
            redirect_uri=redirect_uri,
            scope="openid",
            code_challenge_method="S256",
            token_endpoint_auth_method="client_secret_basic" if self._secret else "none",
        )

    def _found(self) -> dict[str, Any]:
        """What the issuer says of itself; every address in it must be https too, and the issuer the one we asked."""
        if self._metadata is None:
            found = fetch(f"{self.issuer}/.well-known/openid-configuration")
            if str(found.get("issuer", "")).rstrip("/") != self.issuer:
                raise Unreachable("issuer")
            try:
                for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
                    _checked(str(found[name]))
            except (KeyError, ValueError) as error:
                raise Unreachable("metadata") from error
            self._metadata = found
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
            self.server_metadata["jwks"] = fetch(self.server_metadata["jwks_uri"])
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


def fetch(address: str) -> dict[str, Any]:
    """A JSON object from the issuer. Raises Unreachable."""
    try:
        with requests.get(address, timeout=TIMEOUT, allow_redirects=False, stream=True) as answer:
            raw = answer.raw.read(LONGEST + 1, decode_content=True)
            if answer.status_code != 200 or len(raw) > LONGEST:
                raise Unreachable(f"status {answer.status_code}")
            body = json.loads(raw)
    except (requests.RequestException, OSError, ValueError) as error:
        raise Unreachable(type(error).__name__) from error
    if not isinstance(body, dict):
        raise Unreachable("no object")
    return body


def _checked(address: str) -> None:
    parts = urlsplit(address)
    host = parts.hostname or ""
    if parts.scheme == "https" and host:
        return
    try:
        local = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        local = False
    if parts.scheme != "http" or not local:
        raise ValueError(f"{address!r} is neither https nor on this machine")
