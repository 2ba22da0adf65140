"""The national algorithms behind one interface: SM3 and SM4 in software, SM2 only as a place where a module belongs.

Software of ours is no certified cryptographic product: where 密码应用安全性评估 asks for one, a module (card, key or
service) implements `CryptoProvider`, and `settings.CRYPTO_PROVIDER` names its class. SM2 is not in the library that we use, so `sign` and `verify`
say plainly that a module is missing; nothing here pretends to sign.
"""

import os
from functools import cache
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from django.conf import settings
from django.utils.module_loading import import_string

_NONCE, _TAG, _KEY = 12, 16, 16  # bytes


class ModuleMissing(Exception):
    """What was asked needs a cryptographic module that this installation does not have."""


class Forged(Exception):
    """The text was changed, or it is not under this key."""


class CryptoProvider(Protocol):
    """What the portal asks of cryptography; bytes in, bytes out."""

    def digest(self, data: bytes) -> bytes:
        """SM3, 32 bytes (GB/T 32905)."""

    def mac(self, key: bytes, data: bytes) -> bytes:
        """HMAC-SM3, 32 bytes."""

    def encrypt(self, key: bytes, data: bytes, *, about: bytes = b"") -> bytes:
        """SM4-GCM (GB/T 32907): nonce, text, tag. `about` is bound to it and not hidden. The key has 16 bytes."""

    def decrypt(self, key: bytes, data: bytes, *, about: bytes = b"") -> bytes:
        """The text again. Raises Forged."""

    def sign(self, data: bytes) -> bytes:
        """SM2 (GB/T 32918) with the installation's key. Raises ModuleMissing."""

    def verify(self, data: bytes, signature: bytes, certificate: bytes) -> bool:
        """Whether an SM2 signature holds. Raises ModuleMissing."""


def provider() -> CryptoProvider:
    """What this installation uses, made once; ImportError when the setting names nothing."""
    return _made(settings.CRYPTO_PROVIDER)


@cache
def _made(name: str) -> CryptoProvider:
    made: CryptoProvider = import_string(name)()
    return made


class SoftwareCrypto:
    """SM3 and SM4 by the `cryptography` library; no SM2."""

    def digest(self, data: bytes) -> bytes:
        return sm3(data)

    def mac(self, key: bytes, data: bytes) -> bytes:
        made = hmac.HMAC(key, hashes.SM3())
        made.update(data)
        return made.finalize()

    def encrypt(self, key: bytes, data: bytes, *, about: bytes = b"") -> bytes:
        nonce = os.urandom(_NONCE)
        cipher = Cipher(algorithms.SM4(_checked(key)), modes.GCM(nonce)).encryptor()
        cipher.authenticate_additional_data(about)
        hidden = cipher.update(data) + cipher.finalize()
        return nonce + hidden + cipher.tag

    def decrypt(self, key: bytes, data: bytes, *, about: bytes = b"") -> bytes:
        if len(data) < _NONCE + _TAG:
            raise Forged
        nonce, hidden, tag = data[:_NONCE], data[_NONCE:-_TAG], data[-_TAG:]
        cipher = Cipher(algorithms.SM4(_checked(key)), modes.GCM(nonce, tag)).decryptor()
        cipher.authenticate_additional_data(about)
        try:
            return cipher.update(hidden) + cipher.finalize()
        except InvalidTag as error:
            raise Forged from error

    def sign(self, data: bytes) -> bytes:
        raise ModuleMissing("SM2 签名需要密码模块，本系统没有配置。")

    def verify(self, data: bytes, signature: bytes, certificate: bytes) -> bool:
        raise ModuleMissing("SM2 验签需要密码模块，本系统没有配置。")


def sm3(data: bytes) -> bytes:
    """SM3 of some bytes, 32 bytes."""
    made = hashes.Hash(hashes.SM3())
    made.update(data)
    return made.finalize()


def _checked(key: bytes) -> bytes:
    if len(key) != _KEY:
        raise ValueError("an SM4 key has 16 bytes")
    return key
