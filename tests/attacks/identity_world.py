"""People with second factors, their phones, and a security key made of software."""

import hashlib
import json
import re
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

from allauth.mfa.models import Authenticator
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from django.core import mail
from django.test import Client
from fido2 import cbor

from portal.foundation.accounts.identity import second
from portal.foundation.accounts.models import Attempt
from portal.foundation.core import moments, rates
from portal.foundation.core.models import RateCount
from portal.foundation.journal import dispatcher
from portal.foundation.journal.models import Refusal
from tests.factories import Person

PASSWORD = "Demo-2026-portal"
NEW = "Lantern-kettle-39"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


def phone(person: Person) -> None:
    """The person has an authenticator."""
    second.enrol(person.user, SECRET)


def code(person: Person, *, steps: int = 0) -> str:
    """What the phone shows. Nothing it showed before counts as used: tests log in more often than people."""
    row = Authenticator.objects.get(user=person.user, type=second.TOTP)
    row.data["last_step"] = 0
    row.save(update_fields=["data"])
    return second.code_at(SECRET, moments.now(), steps=steps)


def wrong(person: Person) -> str:
    near = {second.code_at(SECRET, moments.now(), steps=steps) for steps in range(-3, 4)}
    return next(text for text in ("000000", "111111", "222222", "333333") if text not in near)


def first_step(person: Person, browser: Client | None = None, **more: str) -> tuple[Client, Any]:
    browser = browser or Client()
    return browser, browser.post("/login/", {"login": person.user.username, "password": PASSWORD, **more})


def inside(person: Person, browser: Client | None = None) -> Client:
    """A browser in which the person has logged in through both steps."""
    browser, answer = first_step(person, browser)
    if answer.headers.get("Location") == "/login/second/":
        answer = browser.post("/login/second/", {"code": code(person)})
    assert answer.status_code == 302, answer.content.decode()
    assert not answer.headers["Location"].startswith("/login/"), answer.headers["Location"]
    return browser


def traced(answer: Any, kind: str) -> None:
    """The refusal left its mark and its row."""
    assert answer.wsgi_request.refused_as == kind
    assert Refusal.objects.filter(kind=kind).exists()


def link_in_mail() -> str:
    """The path of the link in the latest mail; the dispatcher has its round first."""
    dispatcher.dispatch(now=moments.now())
    found = re.search(r"https?://\S+?(/password/reset/\S+)", str(mail.outbox[-1].body))
    assert found
    return found[1]


def _text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


class Key:
    """A passkey as a browser hands it over: it signs what it is asked, for one origin."""

    def __init__(self, origin: str = "http://localhost") -> None:
        self.origin, self.private = origin, ec.generate_private_key(ec.SECP256R1())
        self.id = b"key-of-software-" + bytes(16)

    def _client_data(self, kind: str, challenge: str) -> bytes:
        return json.dumps({"type": kind, "challenge": challenge, "origin": self.origin}).encode()

    def _authenticator_data(self, host: str, flags: int, more: bytes = b"") -> bytes:
        return hashlib.sha256(host.encode()).digest() + bytes([flags]) + struct.pack(">I", 1) + more

    def create(self, options: dict[str, Any]) -> str:
        asked = options["publicKey"]
        numbers = self.private.public_key().public_numbers()
        public = {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}
        attested = bytes(16) + struct.pack(">H", len(self.id)) + self.id + cbor.encode(public)
        data = self._authenticator_data(asked["rp"]["id"], 0x45, attested)
        made = cbor.encode({"fmt": "none", "attStmt": {}, "authData": data})
        response = {
            "clientDataJSON": _text(self._client_data("webauthn.create", asked["challenge"])),
            "attestationObject": _text(made),
        }
        return self._answer(response)

    def get(self, options: dict[str, Any]) -> str:
        asked = options["publicKey"]
        client = self._client_data("webauthn.get", asked["challenge"])
        data = self._authenticator_data(asked["rpId"], 0x05)
        signature = self.private.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        response = {
            "clientDataJSON": _text(client),
            "authenticatorData": _text(data),
            "signature": _text(signature),
        }
        return self._answer(response)

    def _answer(self, response: dict[str, str]) -> str:
        return json.dumps(
            {
                "id": _text(self.id),
                "rawId": _text(self.id),
                "type": "public-key",
                "response": response,
                "clientExtensionResults": {},
            }
        )


def jwt_part(token: str, number: int) -> dict[str, Any]:
    """A part of a signed token, read without judging it."""
    raw = token.split(".")[number]
    return dict(json.loads(urlsafe_b64decode(raw + "=" * (-len(raw) % 4))))


def unslowed() -> None:
    """Nobody has tried or asked for anything before."""
    Attempt.objects.all().delete()
    RateCount.objects.all().delete()
    rates.forget()
