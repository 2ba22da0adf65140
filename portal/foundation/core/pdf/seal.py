"""Sealing a printed paper (PAdES B-B by pyHanko), and looking at the seal of a file that somebody brings.

`seal` appends: the laid-out pages stay as they were, so whoever keeps the short addition makes the sealed file again from the
pages, byte for byte. `look` is for files of strangers: it parses no PDF. Our seal is the last thing in our files, so its two
entries are found by their text, the rest is one CMS structure of a few kB; time and memory are bounded by the file's size.
"""

import datetime as dt
import hashlib
import io
import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from asn1crypto import cms
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from portal.foundation.core.pdf.seal_keys import SealKey, SealUnavailable

FIELD = "Seal"
LONGEST_CMS = 64 * 1024
_RANGE = re.compile(rb"/ByteRange \[0 (\d{1,9}) (\d{1,9}) (\d{1,9})\]")
_CONTACT = re.compile(rb"/ContactInfo \(((?:[^()\\]|\\[0-7]{3}){1,400})\)")
_OCTAL = re.compile(rb"\\([0-7]{3})")


@dataclass(frozen=True, slots=True)
class Seal:
    """What a file says about its seal, and whether it is true."""

    claimed: str  # digest (hex) the seal was put on: names the paper even when its pages were changed
    sound: bool  # the signature fits its certificate and what was signed
    intact: bool  # every byte of the file but the signature itself is what was sealed
    ours: bool  # with a certificate we trust


def seal(pdf: bytes, *, key: SealKey, reason: str, contact: str, now: dt.datetime) -> bytes:
    """The bytes to append to a printed paper. Any later change to the file makes the seal invalid (DocMDP, no changes).

    `reason` is shown by viewers (the paper's title and number); `contact` is ASCII, the address where it can be checked.
    `now` is an aware datetime, written as the moment of sealing. Raises SealUnavailable when the key does not answer
    or its certificate has expired.
    """
    if x509.load_der_x509_certificate(key.certificate).not_valid_after_utc < now:
        raise SealUnavailable(
            "电子签章证书已经过期，更换证书后自动补签。"
        )  # a paper is sealed once and could never be made good
    from portal.foundation.core.pdf import sealing  # loads pyHanko: half a second that no other page should pay

    sealed = sealing.sign(io.BytesIO(pdf), key=key, reason=reason, contact=contact, now=now, field=FIELD)
    if not sealed.startswith(pdf):
        raise RuntimeError("the seal changed the pages it was put on")
    return sealed[len(pdf) :]


def sealed_digest(pdf: bytes) -> str:
    """The digest (hex) under the seal of a file that was just sealed."""
    found = look(pdf, trusted=())
    if found is None or not (found.sound and found.intact):
        raise RuntimeError("the seal does not hold")
    return found.claimed


def look(pdf: bytes, *, trusted: Collection[bytes]) -> Seal | None:
    """The seal of a file, or None when it has none (or none that can be read). Never raises, parses no PDF."""
    ranges = _RANGE.findall(pdf)
    if len(ranges) != 1:  # ours have exactly one
        return None
    first, second, length = (int(number) for number in ranges[0])
    if not 0 < first < second <= len(pdf) or second - first > 2 * LONGEST_CMS:
        return None
    try:
        contents = bytes.fromhex(pdf[first + 1 : second - 1].decode("ascii"))
        signed = cms.ContentInfo.load(contents)["content"]
        return _examined(signed, pdf, first, second, length, trusted)
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError, RecursionError):
        return None  # what asn1crypto and cryptography raise for garbage
    except UnsupportedAlgorithm:
        return None  # and for a key they do not know, e.g. the national SM2 on many an official's paper


def _examined(signed: Any, pdf: bytes, first: int, second: int, length: int, trusted: Collection[bytes]) -> Seal | None:
    (signer,) = signed["signer_infos"]
    claimed, attributes = b"", signer["signed_attrs"]
    for attribute in attributes:
        if attribute["type"].native == "message_digest":
            (claimed,) = attribute["values"].native
    if len(claimed) != hashlib.sha256().digest_size:
        return None
    certificate = _certificate(signed, signer)
    actual = hashlib.sha256(pdf[:first] + pdf[second:]).digest()
    covers = second + length == len(pdf) and pdf[first : first + 1] == b"<" and pdf[second - 1 : second] == b">"
    return Seal(
        claimed=claimed.hex(),
        sound=_fits(certificate, signer["signature"].native, attributes.untag().dump()),
        intact=covers and actual == claimed,
        ours=certificate in trusted,
    )


def _certificate(signed: Any, signer: Any) -> bytes:
    """DER of the certificate that the signer names by issuer and serial number."""
    wanted = signer["sid"].chosen
    for choice in signed["certificates"]:
        each = choice.chosen
        if each.issuer == wanted["issuer"] and each.serial_number == wanted["serial_number"].native:
            return bytes(each.dump())
    raise ValueError("the signer's certificate is not in the seal")


def _fits(certificate: bytes, signature: bytes, attributes: bytes) -> bool:
    key = x509.load_der_x509_certificate(certificate).public_key()
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, attributes, padding.PKCS1v15(), hashes.SHA256())
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, attributes, ec.ECDSA(hashes.SHA256()))
        else:
            return False
    except InvalidSignature:
        return False
    return True


def contact(pdf: bytes) -> str:
    """The address written beside the seal, "" without one: a hint which paper a changed file once was, no proof."""
    found = _CONTACT.search(pdf, max(0, len(pdf) - 2 * LONGEST_CMS))
    if found is None:
        return ""
    return _OCTAL.sub(lambda match: bytes([int(match[1], 8) & 255]), found[1]).decode("ascii", "replace")
