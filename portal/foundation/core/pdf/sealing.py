"""pyHanko, told to use our key and to touch nothing but what a seal needs. Imported only when a paper is sealed."""

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from typing import IO, Any

from asn1crypto import algos
from asn1crypto import x509 as asn1_x509
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import fields, signers
from pyhanko_certvalidator.registry import SimpleCertificateStore

from portal.foundation.core.pdf.seal_keys import SealKey


class KeySigner(signers.Signer):
    """Signs with a SealKey, wherever its private half is."""

    def __init__(self, key: SealKey) -> None:
        self.key = key
        others = SimpleCertificateStore()  # type: ignore[no-untyped-call]
        others.register_multiple(asn1_x509.Certificate.load(der) for der in key.chain)
        certificate = asn1_x509.Certificate.load(key.certificate)
        kind = "sha256_rsa" if certificate.public_key.algorithm == "rsa" else "sha256_ecdsa"
        mechanism = algos.SignedDigestAlgorithm({"algorithm": kind})
        super().__init__(signing_cert=certificate, cert_registry=others, signature_mechanism=mechanism)

    async def async_sign_raw(self, data: bytes, digest_algorithm: str, dry_run: bool = False) -> bytes:
        """pyHanko asks for a signature of the right length before it has the data (dry run)."""
        if digest_algorithm != "sha256":
            raise ValueError(f"sealed with sha256, not {digest_algorithm}")
        return bytes(512) if dry_run else self.key.sign(data)


class Addition(IncrementalPdfFileWriter):
    """Adds the seal and nothing else: title, dates and the mark of PDF/UA stay as they were printed."""

    output_version = (1, 7)

    def _update_meta(self) -> None:
        """Leave the metadata alone; pyHanko would write its own name and the present time into it."""


class DatedSigner(signers.PdfSigner):
    """Writes the moment it is told instead of reading a clock."""

    moment: dt.datetime

    def init_signing_session(self, *arguments: Any, **options: Any) -> Any:
        session = super().init_signing_session(*arguments, **options)
        session.system_time = self.moment
        return session


def sign(pdf: IO[bytes], *, key: SealKey, reason: str, contact: str, now: dt.datetime, field: str) -> bytes:
    """The whole sealed file. The seal's field is hidden: PDF/UA asks for tags on every annotation that is shown."""
    metadata = signers.PdfSignatureMetadata(
        field_name=field,
        md_algorithm="sha256",
        subfilter=fields.SigSeedSubFilter.PADES,
        reason=reason,
        contact_info=contact,
        certify=True,
        docmdp_permissions=fields.MDPPerm.NO_CHANGES,
        tight_size_estimates=True,  # the dry run is longer than any real signature: room for half as much again is waste
    )
    hidden = fields.InvisSigSettings(set_print_flag=False, set_hidden_flag=True)
    spec = fields.SigFieldSpec(field, invis_sig_settings=hidden, readable_field_name="电子签章")
    signer = DatedSigner(metadata, KeySigner(key), new_field_spec=spec)
    signer.moment = now
    # pyHanko runs an event loop of its own, which a thread that has one already (a browser test, an async server) refuses.
    with ThreadPoolExecutor(max_workers=1) as alone:
        return bytes(alone.submit(lambda: signer.sign_pdf(Addition(pdf)).getvalue()).result())
