"""The interface of an electronic signature service, and which one this installation uses (docs/contracts/signing.md)."""

from dataclasses import dataclass
from typing import Protocol

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from portal.foundation.core.errors import DomainError


class SigningUnavailable(DomainError):
    """The service cannot sign just now; nothing was changed."""

    status = 503

    def __init__(self, reason: str = "电子签名服务暂时不可用，请稍后再试。您填写的内容已保存。") -> None:
        super().__init__("signing", reason)


@dataclass(frozen=True, slots=True)
class Signer:
    """For whom is signed: the organisation (name and public code, "" when it has none) and the person at the screen."""

    organisation: str
    code: str
    person: str


@dataclass(frozen=True, slots=True)
class Signed:
    """A signature over a SHA-256 digest. `value` is Base64; `key_id` finds the key or certificate again."""

    provider: str
    algorithm: str
    key_id: str
    value: str


class Provider(Protocol):
    """Signs and verifies digests of 32 bytes. Both calls are short, keep nothing and may be repeated."""

    name: str

    def sign(self, digest: bytes, *, signer: Signer) -> Signed:
        """Raises SigningUnavailable; never signs half."""
        ...

    def verify(self, digest: bytes, signed: Signed, *, signer: Signer) -> bool:
        """Whether this very digest was signed with that key. Never raises for a broken value; SigningUnavailable when
        the service cannot tell."""
        ...


class ByAccount:
    """No signature service: the signed-in person's confirmation stands alone, and every page says so."""

    name = "account"

    def sign(self, digest: bytes, *, signer: Signer) -> Signed:
        return Signed(self.name, "", "", "")

    def verify(self, digest: bytes, signed: Signed, *, signer: Signer) -> bool:
        return signed.provider == self.name and signed.value == ""


def provider(name: str = "") -> Provider:
    """The named provider, or the one of this installation (`SIGNING_PROVIDER`: account or local)."""
    wanted = name or settings.SIGNING_PROVIDER
    if wanted == "account":
        return ByAccount()
    if wanted == "local":
        # Loaded only here: an installation without it needs no key and no library.
        from .local import LocalSigner

        return LocalSigner.of_installation()
    raise ImproperlyConfigured(f"SIGNING_PROVIDER must be account or local, not {wanted!r}")
