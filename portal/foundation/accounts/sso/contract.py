"""Somebody else says who a person is: what is asked, what is answered. The wire format is docs/contracts/sso.md."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


class Unreachable(Exception):
    """No answer, or none that follows the contract."""


class Refused(Exception):
    """The answer does not belong to the question: its signature, issuer, audience, nonce or time is wrong."""


@dataclass(frozen=True, slots=True)
class Question:
    """What the browser is sent with; all but the address waits in the session for the answer, and serves once."""

    address: str
    state: str
    nonce: str
    verifier: str


@dataclass(frozen=True, slots=True)
class Identity:
    """Whom the issuer vouches for; nothing else about the person is read."""

    issuer: str
    subject: str


class SSOProvider(Protocol):
    """Whoever vouches for people."""

    def ask(self, redirect_uri: str) -> Question:
        """Where to send the browser. Raises Unreachable."""
        ...

    def answer(self, code: str, question: Question, redirect_uri: str, *, now: datetime) -> Identity:
        """Exchange the code that came back (its state is compared by the caller). Raises Unreachable or Refused."""
        ...
