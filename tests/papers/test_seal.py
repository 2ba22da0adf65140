"""The seal in the file: put on once, kept for ever, checked offline by somebody else's program, broken by any change."""

import io
import os
import random
import re
import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pypdf
import pytest
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID
from django.core.exceptions import ImproperlyConfigured
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko.sign.validation.status import SignatureCoverageLevel
from pyhanko_certvalidator import ValidationContext

from benchmarks import papers
from portal.foundation.core import moments
from portal.foundation.core.pdf import engine, seal, seal_keys
from tests.threads import together

pytestmark = pytest.mark.skipif(not engine.available().ok, reason=engine.available().reason)

NOW = datetime(2026, 11, 23, 6, 0, 5, tzinfo=UTC)
ADDRESS = "https://portal.example/v/K7PM3QXR9TWA/"
SEED = 20261123


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> seal_keys.SealKey:
    return seal_keys.local(tmp_path_factory.mktemp("seal"))


@pytest.fixture(scope="module")
def pages() -> bytes:
    return engine.render_template("pdf/notice_registration.html", papers.registration())


@pytest.fixture(scope="module")
def sealed(pages: bytes, key: seal_keys.SealKey) -> bytes:
    return pages + seal.seal(pages, key=key, reason="专利权质押登记通知书", contact=ADDRESS, now=NOW)


def validated(pdf: bytes, certificate: bytes) -> Any:
    """What pyHanko says without any network."""
    (signature,) = PdfFileReader(io.BytesIO(pdf)).embedded_signatures
    roots = [asn1_x509.Certificate.load(certificate)]
    trusted = ValidationContext(trust_roots=roots, allow_fetching=False)
    with ThreadPoolExecutor(max_workers=1) as alone:  # its event loop cannot stand beside that of a browser test
        return alone.submit(validate_pdf_signature, signature, trusted).result()


def test_another_program_finds_the_seal_valid_offline(sealed: bytes, key: seal_keys.SealKey) -> None:
    status = validated(sealed, key.certificate)
    assert status.bottom_line
    assert status.coverage == SignatureCoverageLevel.ENTIRE_FILE
    assert status.signer_reported_dt == NOW
    assert status.docmdp_ok


def test_the_seal_is_pades_and_no_later_change_is_allowed(sealed: bytes) -> None:
    catalog: Any = pypdf.PdfReader(io.BytesIO(sealed)).trailer["/Root"]
    signature = catalog["/Perms"]["/DocMDP"]
    assert signature["/SubFilter"] == "/ETSI.CAdES.detached"
    assert signature["/Reference"][0]["/TransformParams"]["/P"] == 1
    assert signature["/Reason"] == "专利权质押登记通知书"


def test_sealing_leaves_what_a_screen_reader_needs(pages: bytes, sealed: bytes) -> None:
    """Title, language, tags and the mark of PDF/UA as printed; the seal's own field is hidden, so it needs no tag."""
    before, after = (pypdf.PdfReader(io.BytesIO(each)) for each in (pages, sealed))
    old, new = (reader.trailer["/Root"] for reader in (before, after))
    assert new["/Lang"] == old["/Lang"] == "zh-CN"  # type: ignore[index]
    assert b'pdfuaid:part="1"' in new["/Metadata"].get_data()  # type: ignore[index]
    assert new["/Metadata"].get_data() == old["/Metadata"].get_data()  # type: ignore[index]
    assert before.metadata == after.metadata
    assert new.raw_get("/StructTreeRoot").idnum == old.raw_get("/StructTreeRoot").idnum  # type: ignore[union-attr]
    (annotation,) = after.pages[0]["/Annots"]  # type: ignore[misc]
    field = annotation.get_object()
    assert field["/F"] & 2
    assert field["/TU"] == "电子签章"


def test_the_seal_is_small_and_only_added(pages: bytes, sealed: bytes) -> None:
    assert sealed.startswith(pages)
    assert len(sealed) - len(pages) < 10_000


def test_our_own_look_agrees_with_the_other_program(sealed: bytes, key: seal_keys.SealKey) -> None:
    found = seal.look(sealed, trusted=[key.certificate])
    assert found is not None
    assert (found.sound, found.intact, found.ours) == (True, True, True)
    assert seal.contact(sealed) == ADDRESS
    assert seal.sealed_digest(sealed) == found.claimed


def test_the_seal_of_a_stranger_is_not_ours(pages: bytes, key: seal_keys.SealKey, tmp_path: Path) -> None:
    forged = pages + seal.seal(pages, key=seal_keys.local(tmp_path), reason="假", contact=ADDRESS, now=NOW)
    found = seal.look(forged, trusted=[key.certificate])
    assert found is not None
    assert (found.sound, found.intact, found.ours) == (True, True, False)


def test_a_byte_changed_under_the_seal_is_seen(sealed: bytes, key: seal_keys.SealKey) -> None:
    chance = random.Random(SEED)
    print(f"seed {SEED}")
    first = sealed.index(b"/Contents <") + len(b"/Contents ")
    last = sealed.index(b">", first)
    for _ in range(300):
        place = chance.choice([chance.randrange(first), chance.randrange(last + 1, len(sealed))])
        changed = bytearray(sealed)
        changed[place] ^= 1 << chance.randrange(8)
        found = seal.look(bytes(changed), trusted=[key.certificate])
        assert found is None or not (found.sound and found.intact and found.ours), place


@pytest.mark.parametrize("more", [b"\n", b"%%EOF\n", b"1 0 obj<<>>endobj\n"])
def test_something_appended_after_the_seal_is_seen(sealed: bytes, key: seal_keys.SealKey, more: bytes) -> None:
    found = seal.look(sealed + more, trusted=[key.certificate])
    assert found is not None
    assert not found.intact


@pytest.mark.parametrize(
    "garbage",
    [
        b"",
        b"%PDF-1.4",
        b"/ByteRange [0 1 2 3]",
        b"/ByteRange [0 30 60 0]" + b"x" * 100,
        b"/ByteRange [0 22 62 0]<" + b"30" * 20 + b">",
        b"/ByteRange [0 24 999999999 5]" + b"<" + b"f" * 5000,
        b"/ByteRange [0 25 5025 0]  <" + b"3080" * 1249 + b"ff>",
        b"(" * 100_000 + b"/ContactInfo (" + b"\\377" * 90,
    ],
)
def test_garbage_is_no_seal_and_no_error(garbage: bytes) -> None:
    assert seal.look(garbage, trusted=()) is None
    assert isinstance(seal.contact(garbage), str)


# --- keys ------------------------------------------------------------------------------------------------------------
def test_the_local_key_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    folder = tmp_path / "seal"
    made = together(*(lambda: seal_keys.local(folder).certificate for _ in range(4)))
    assert len(set(made)) == 1
    (file,) = folder.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    key = seal_keys.local(folder)
    assert key.demonstration
    assert "演示" in x509.load_der_x509_certificate(key.certificate).subject.rfc4514_string()


def test_a_real_certificate_comes_from_a_file(tmp_path: Path, pages: bytes, settings: Any) -> None:
    seal_keys.local(tmp_path / "x")
    pem = (tmp_path / "x" / "key-and-certificate.pem").read_bytes()
    certificate = x509.load_pem_x509_certificate(pem)
    password = serialization.BestAvailableEncryption("口令".encode())
    private: Any = serialization.load_pem_private_key(pem, None)
    file = tmp_path / "office.p12"
    file.write_bytes(pkcs12.serialize_key_and_certificates(b"office", private, certificate, None, password))
    settings.SEAL_KEY, settings.SEAL_PKCS12, settings.SEAL_PASSWORD = "pkcs12", str(file), "口令"
    key = seal_keys.current()
    assert not key.demonstration
    whole = pages + seal.seal(pages, key=key, reason="通知书", contact=ADDRESS, now=NOW)
    assert validated(whole, key.certificate).bottom_line
    with pytest.raises(seal_keys.SealUnavailable, match="打不开"):
        seal_keys.from_pkcs12(file, "错的")


@pytest.mark.parametrize(
    ("kind", "said"), [("", "没有配置电子签章密钥"), ("pkcs12", "打不开"), ("pkcs11", "未配置完整")]
)
def test_without_a_key_a_sentence_says_what_the_administrator_has_to_do(settings: Any, kind: str, said: str) -> None:
    settings.SEAL_KEY = kind
    with pytest.raises(seal_keys.SealUnavailable, match=said):
        seal_keys.current()
    assert seal_keys.trusted() == []


def test_production_has_no_key_until_somebody_gives_it_one() -> None:
    import subprocess
    import sys

    program = "import django; django.setup(); from django.conf import settings; print(repr(settings.SEAL_KEY))"
    variables = os.environ | {
        "PORTAL_ENV": "production", "SECRET_KEY": "x" * 60, "ALLOWED_HOSTS": "portal.example",
        "DATABASE_URL": "postgres:///none", "PUBLIC_URL": "https://portal.example", "DJANGO_SETTINGS_MODULE": "portal.settings",
    }  # fmt: skip
    variables.pop("SEAL_KEY", None)
    here = Path(__file__).resolve().parents[2]
    done = subprocess.run([sys.executable, "-c", program], env=variables, cwd=here, capture_output=True, text=True)
    assert done.stdout.strip() == "''", done.stderr
    wrong = subprocess.run(
        [sys.executable, "-c", program], env=variables | {"SEAL_KEY": "lokal"}, cwd=here, capture_output=True, text=True
    )
    assert ImproperlyConfigured.__name__ in wrong.stderr


def test_a_seal_of_a_kind_we_do_not_know_is_no_error(pages: bytes, tmp_path: Path) -> None:
    """Somebody drops a paper of another office, sealed with the national SM2: it is not ours, and the page says so."""
    secret = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "示例机关")])
    since = moments.now() - timedelta(days=1)
    builder = x509.CertificateBuilder(name, name, secret.public_key(), x509.random_serial_number())
    made = builder.not_valid_before(since).not_valid_after(since + timedelta(days=99)).sign(secret, hashes.SHA256())
    foreign = seal_keys.FileKey(secret, made, demonstration=False)
    body = pages + seal.seal(pages, key=foreign, reason="示例", contact=ADDRESS, now=moments.now())
    p256, sm2 = b"2a8648ce3d030107", b"2a811ccf5501822d"  # the names of the two curves, equally long
    assert p256 in body.lower()
    changed = re.sub(p256, sm2, body, flags=re.IGNORECASE)
    found = seal.look(changed, trusted=[])
    assert found is None or not found.ours


def test_an_expired_certificate_seals_nothing(pages: bytes, key: seal_keys.SealKey) -> None:
    """Viewers would call the seal invalid for ever, because a paper is sealed once: so it waits for the new certificate."""
    with pytest.raises(seal_keys.SealUnavailable, match="过期"):
        seal.seal(pages, key=key, reason="示例", contact=ADDRESS, now=NOW + timedelta(days=21 * 365))


def test_whoever_watches_the_portal_hears_in_time_that_the_certificate_ends(settings: Any, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path
    now = moments.now()
    fine = seal_keys.condition(now=now)
    assert (fine.ok, fine.reason) == (True, "")
    assert fine.days_left is not None
    assert fine.days_left > 19 * 365
    near = seal_keys.condition(now=now + timedelta(days=fine.days_left - 30))
    assert (near.ok, near.days_left) == (False, 30)
    assert "到期" in near.reason
    assert "过期" in seal_keys.condition(now=now + timedelta(days=fine.days_left + 2)).reason
    settings.SEAL_KEY = ""
    assert not seal_keys.condition(now=now).ok
    settings.SEAL_KEY, settings.SEAL_PKCS12 = "pkcs12", str(tmp_path / "nowhere.p12")
    assert "打不开" in seal_keys.condition(now=now).reason


def test_earlier_certificates_stay_trusted(tmp_path: Path, settings: Any) -> None:
    seal_keys.local(tmp_path / "old")
    settings.SEAL_TRUSTED = str(tmp_path / "old" / "key-and-certificate.pem")
    assert seal_keys.local(tmp_path / "old").certificate in seal_keys.trusted()
