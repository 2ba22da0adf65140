"""A stand-in for the government's single sign-on that speaks docs/contracts/sso.md on this machine only. Its people are invented."""

import base64
import hashlib
import html
import json
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

PEOPLE = {"yk-0001": "甲示例", "yk-0002": "乙示例"}
CLIENT_ID = "portal"


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


class Government:
    """Keys, and the codes given out. `spoil` lets a test make a lying provider: it changes the claims before they are signed."""

    def __init__(self) -> None:
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.codes: dict[str, dict[str, str]] = {}
        self.issuer = ""
        self.spoil: dict[str, Any] = {}

    def metadata(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "code_challenge_methods_supported": ["S256"],
        }

    def jwks(self) -> dict[str, Any]:
        numbers = self.key.public_key().public_numbers()
        n = numbers.n.to_bytes((numbers.n.bit_length() + 7) // 8, "big")
        return {"keys": [{"kty": "RSA", "kid": "1", "use": "sig", "alg": "RS256", "n": _b64(n), "e": _b64(b"\1\0\1")}]}

    def code_for(self, asked: dict[str, str], subject: str) -> str:
        """The address to send the browser back to, with a code that serves once."""
        code = secrets.token_urlsafe(16)
        self.codes[code] = {**asked, "sub": subject}
        return f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked.get('state', '')})}"

    def token(self, sent: dict[str, str]) -> dict[str, Any] | None:
        """The tokens for a code; None when the code, the client, the address or the verifier is wrong."""
        kept = self.codes.pop(sent.get("code", ""), None)
        proof = _b64(hashlib.sha256(sent.get("code_verifier", "").encode()).digest())
        if (
            kept is None
            or kept.get("client_id") != sent.get("client_id", kept.get("client_id"))
            or kept.get("redirect_uri") != sent.get("redirect_uri")
            or kept.get("code_challenge") != proof
        ):
            return None
        now = int(time.time())
        claims = {
            "iss": self.issuer, "sub": kept["sub"], "aud": kept["client_id"], "iat": now, "exp": now + 300,
            "nonce": kept.get("nonce", ""), **self.spoil,
        }  # fmt: skip
        return {"access_token": secrets.token_urlsafe(16), "token_type": "Bearer", "id_token": self.signed(claims)}

    def signed(self, claims: dict[str, Any]) -> str:
        head = _b64(json.dumps({"alg": "RS256", "kid": "1"}).encode())
        text = f"{head}.{_b64(json.dumps(claims).encode())}"
        return f"{text}.{_b64(self.key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


class Answering(BaseHTTPRequestHandler):
    government: Government

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if parts.path == "/.well-known/openid-configuration":
            return self._json(200, self.government.metadata())
        if parts.path == "/jwks":
            return self._json(200, self.government.jwks())
        if parts.path == "/authorize" and asked.get("code_challenge_method") == "S256" and asked.get("redirect_uri"):
            return self._choose(asked)
        return self._json(404, {})

    def do_POST(self) -> None:
        length = min(int(self.headers.get("Content-Length") or 0), 65_536)
        sent = {name: values[0] for name, values in parse_qs(self.rfile.read(length).decode()).items()}
        made = self.government.token(sent) if self.path == "/token" else None
        self._json(200 if made else 400, made or {"error": "invalid_grant"})

    def _choose(self, asked: dict[str, str]) -> None:
        """The page on which an invented person logs in: one link each."""
        links = "".join(
            f'<li><a href="{html.escape(self.government.code_for(asked, subject))}">{name}</a></li>'
            for subject, name in PEOPLE.items()
        )
        page = (
            f"<!doctype html><meta charset=utf-8><title>模拟统一身份</title><h1>模拟统一身份登录</h1><ul>{links}</ul>"
        )
        self._send(200, "text/html; charset=utf-8", page.encode())

    def _json(self, status: int, body: dict[str, Any]) -> None:
        self._send(status, "application/json", json.dumps(body).encode())

    def _send(self, status: int, kind: str, raw: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet: addresses carry codes."""


def server(port: int = 0) -> tuple[ThreadingHTTPServer, Government]:
    """Bound to the loopback address whatever is asked; port 0 takes a free one."""
    government = Government()
    made = ThreadingHTTPServer(("127.0.0.1", port), type("Sso", (Answering,), {"government": government}))
    government.issuer = f"http://127.0.0.1:{made.server_port}"
    return made, government


@contextmanager
def running() -> Iterator[Government]:
    """The stand-in in a thread while the block runs."""
    made, government = server()
    thread = Thread(target=made.serve_forever, daemon=True)
    thread.start()
    try:
        yield government
    finally:
        made.shutdown()
        made.server_close()
        thread.join()
