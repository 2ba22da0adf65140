"""Whose key seals the papers: an interface, a local key for demonstration, and the real ones from a file or a token.

The key never lies in the database. `SEAL_KEY` chooses: `local` (made at first use under the data directory, the default
outside production), `pkcs12` (SEAL_PKCS12 and its password), `pkcs11` (a token; needs the package python-pkcs11) or
nothing, and then no paper can be printed: a paper is sealed once, so an unsealed one could never be made good.
"""

import contextlib
import datetime as dt
import functools
import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID
from django.conf import settings

from portal.foundation.core import moments
from portal.foundation.core.errors import DomainError

LOCAL_NAME = "知识产权质押融资快速通道电子签章（演示）"
LOCAL_YEARS = 20
_DER = serialization.Encoding.DER


class SealUnavailable(DomainError):
    """No key to seal with, or it does not answer; the paper is printed as soon as it does."""

    status = 503

    def __init__(self, reason: str) -> None:
        super().__init__("seal.unavailable", reason)


class SealKey(Protocol):
    """A certificate and the one thing its key may do. Implementations may reach a token or a remote service."""

    @property
    def certificate(self) -> bytes:
        """The signer's certificate, DER."""

    @property
    def chain(self) -> Sequence[bytes]:
        """Certificates between it and its root, DER; may be empty."""

    @property
    def demonstration(self) -> bool:
        """Whether the key is nobody's: papers sealed with it prove nothing about an office."""

    def sign(self, data: bytes) -> bytes:
        """The signature over data with SHA-256: PKCS #1 v1.5 of an RSA key, DER of an EC key. Raises SealUnavailable."""


class FileKey:
    """A private key in memory: the local one, or one from a PKCS #12 file."""

    def __init__(
        self, key: Any, certificate: x509.Certificate, chain: Sequence[x509.Certificate] = (), *, demonstration: bool
    ) -> None:
        if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
            raise SealUnavailable("电子签章的密钥只支持 RSA 或椭圆曲线（ECDSA），请更换证书文件。")
        self._key = key
        self.certificate = certificate.public_bytes(_DER)
        self.chain: Sequence[bytes] = tuple(each.public_bytes(_DER) for each in chain)
        self.demonstration = demonstration

    def sign(self, data: bytes) -> bytes:
        if isinstance(self._key, rsa.RSAPrivateKey):
            return self._key.sign(data, padding.PKCS1v15(), hashes.SHA256())
        return self._key.sign(data, ec.ECDSA(hashes.SHA256()))


class TokenKey:
    """A key that stays in a PKCS #11 token; each signature opens a session of its own."""

    demonstration = False

    def __init__(self, module: str, token: str, pin: str, label: str, certificate: Path) -> None:
        found = x509.load_pem_x509_certificates(certificate.read_bytes())
        self.certificate = found[0].public_bytes(_DER)
        self.chain: Sequence[bytes] = tuple(each.public_bytes(_DER) for each in found[1:])
        self._where = (module, token, pin, label)
        if not isinstance(found[0].public_key(), rsa.RSAPublicKey):
            raise SealUnavailable("令牌中的电子签章密钥只支持 RSA，请更换证书。")

    def sign(self, data: bytes) -> bytes:
        try:
            import pkcs11  # only where a token is used: the package needs a compiler on some systems
        except ImportError as error:
            raise SealUnavailable("没有安装 python-pkcs11，不能使用令牌中的电子签章密钥。") from error
        module, token, pin, label = self._where
        try:
            with pkcs11.lib(module).get_token(token_label=token).open(user_pin=pin) as session:
                key = session.get_key(object_class=pkcs11.ObjectClass.PRIVATE_KEY, label=label)
                return bytes(key.sign(data, mechanism=pkcs11.Mechanism.SHA256_RSA_PKCS))
        except (pkcs11.PKCS11Error, OSError, RuntimeError) as error:
            raise SealUnavailable(f"电子签章令牌没有应答（{type(error).__name__}），恢复后自动补签。") from error


def current() -> SealKey:
    """The key of the settings. Raises SealUnavailable."""
    return _loaded(
        settings.SEAL_KEY,
        str(settings.DATA_DIR),
        settings.SEAL_PKCS12,
        settings.SEAL_CERTIFICATE,
        settings.SEAL_PKCS11_MODULE,
    )


@functools.cache
def _loaded(kind: str, data: str, pkcs12_file: str, certificate: str, module: str) -> SealKey:
    if kind == "local":
        return local(Path(data) / "seal")
    if kind == "pkcs12":
        return from_pkcs12(Path(pkcs12_file), settings.SEAL_PASSWORD)
    if kind == "pkcs11":
        if not (module and certificate):
            raise SealUnavailable("电子签章未配置完整：SEAL_KEY=pkcs11 需要 SEAL_PKCS11_MODULE 和 SEAL_CERTIFICATE。")
        where = (settings.SEAL_PKCS11_TOKEN, settings.SEAL_PASSWORD, settings.SEAL_PKCS11_LABEL)
        return TokenKey(module, *where, Path(certificate))
    raise SealUnavailable("没有配置电子签章密钥，文书暂不能生成。请由管理员设置 SEAL_KEY。")


NEAR = dt.timedelta(days=60)  # an authority takes weeks for a new certificate


@dataclass(frozen=True, slots=True)
class Condition:
    """Whether papers can be sealed, and for how long; `reason` in Chinese when somebody has to act. Never says what key it is."""

    ok: bool
    reason: str = ""
    expires_on: str = ""  # the certificate's last day, ISO; "" without a key
    days_left: int | None = None


def condition(*, now: dt.datetime) -> Condition:
    """The key of the settings at that moment (aware). Reads the certificate alone: no token is opened, nothing is signed.
    Never raises."""
    try:
        certificate = x509.load_der_x509_certificate(current().certificate)
    except SealUnavailable as error:
        return Condition(False, error.reason)
    except (OSError, ValueError):  # a file that is not there, or is none of its kind
        return Condition(False, "电子签章的证书文件打不开，请检查 SEAL_ 开头的设置。")
    until = certificate.not_valid_after_utc
    left, day = (until - now).days, moments.local_date(until).isoformat()
    if now < certificate.not_valid_before_utc:
        return Condition(False, "电子签章证书还没有生效。", day, left)
    if until <= now:
        return Condition(False, "电子签章证书已经过期，请更换。", day, left)
    if until - now <= NEAR:
        return Condition(False, f"电子签章证书还有 {left} 天到期，请尽快更换。", day, left)
    return Condition(True, "", day, left)


def from_pkcs12(file: Path, password: str) -> SealKey:
    """The key and certificates of a .p12 or .pfx file. Raises SealUnavailable."""
    try:
        key, certificate, chain = pkcs12.load_key_and_certificates(file.read_bytes(), password.encode() or None)
    except (OSError, ValueError) as error:
        raise SealUnavailable("电子签章证书文件打不开，请检查 SEAL_PKCS12 和 SEAL_PASSWORD。") from error
    if key is None or certificate is None:
        raise SealUnavailable("电子签章证书文件里没有密钥或证书，请更换文件。")
    return FileKey(key, certificate, chain, demonstration=False)


def local(folder: Path) -> SealKey:
    """The demonstration key in this folder, made at first use. Of several processes that make one, the first wins."""
    file = folder / "key-and-certificate.pem"
    if not file.exists():
        _make_local(folder, file)
    pem = file.read_bytes()
    key = serialization.load_pem_private_key(pem, None)
    return FileKey(key, x509.load_pem_x509_certificate(pem), demonstration=True)


def _make_local(folder: Path, file: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    key = rsa.generate_private_key(65537, 3072)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, LOCAL_NAME)])
    since = moments.now() - dt.timedelta(days=1)
    builder = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(since)
        .not_valid_after(since + dt.timedelta(days=LOCAL_YEARS * 365))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(
            x509.KeyUsage(True, True, False, False, False, False, False, False, False), critical=True
        )  # signatures, and for good (content commitment)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    pem = private + builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    part = folder / f".{secrets.token_hex(8)}.part"
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(pem)
        stream.flush()
        os.fsync(stream.fileno())
    with contextlib.suppress(FileExistsError):
        os.link(part, file)  # unlike a rename it never replaces the key of a process that was faster
    part.unlink()


def trusted() -> list[bytes]:
    """Certificates (DER) whose seals are ours: the present one and those of SEAL_TRUSTED, a PEM file of earlier ones."""
    found = []
    with contextlib.suppress(SealUnavailable):
        found.append(current().certificate)
    if settings.SEAL_TRUSTED:
        earlier = x509.load_pem_x509_certificates(Path(settings.SEAL_TRUSTED).read_bytes())
        found += [each.public_bytes(_DER) for each in earlier]
    return found
