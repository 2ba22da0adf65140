"""The local signer: Ed25519 with a key on this machine. For trials and tests, and the pattern for a real service.

It proves that the text was signed here and has not been changed since; it does not prove who the person is, which only a
certificate of an authority can (电子签名法 16). Pages therefore call it 本平台签名.
"""

import base64
import hashlib
import os
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from django.conf import settings

from .provider import Signed, Signer, SigningUnavailable

_FORMAT = (serialization.Encoding.Raw, serialization.PublicFormat.Raw)


class LocalSigner:
    """One key for the installation; each party's signature covers a digest that names the party."""

    name = "local"

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.public: Ed25519PublicKey = key.public_key()
        self.key_id = hashlib.sha256(self.public.public_bytes(*_FORMAT)).hexdigest()

    @classmethod
    def of_installation(cls) -> "LocalSigner":
        """With the key of `SIGNING_KEY_FILE`, made on first use. Raises SigningUnavailable when it cannot be read."""
        path = Path(settings.SIGNING_KEY_FILE)
        try:
            if not path.exists():
                _make(path)
            key = serialization.load_pem_private_key(path.read_bytes(), password=None)
        except (OSError, ValueError) as error:
            raise SigningUnavailable("签名密钥读不出来，请联系系统管理员。") from error
        if not isinstance(key, Ed25519PrivateKey):
            raise SigningUnavailable("签名密钥的类型不对，请联系系统管理员。")
        return cls(key)

    def sign(self, digest: bytes, *, signer: Signer) -> Signed:
        value = base64.b64encode(self._key.sign(digest)).decode()
        return Signed(self.name, "Ed25519", self.key_id, value)

    def verify(self, digest: bytes, signed: Signed, *, signer: Signer) -> bool:
        """A signature of an earlier key does not verify here; whoever changes the key keeps the old one's public part."""
        if signed.algorithm != "Ed25519" or signed.key_id != self.key_id:
            return False
        try:
            self.public.verify(base64.b64decode(signed.value, validate=True), digest)
        except (InvalidSignature, ValueError):
            return False
        return True


def _make(path: Path) -> None:
    """A new key, readable by this user alone; of two processes that make it at once one wins and both read that one."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    body = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    own = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(own, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        os.write(descriptor, body)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    try:
        os.link(own, path)  # atomic: fails when another was first
    except FileExistsError:
        pass
    finally:
        own.unlink()
