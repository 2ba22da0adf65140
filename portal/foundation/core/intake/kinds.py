"""What may come in, by content: ending → first bytes, media type, and how it is looked at."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of file. `work` is what the inspector does with it ("" for nothing); `magic` stands at byte 0."""

    ending: str
    magic: bytes
    media_type: str
    work: str


PDF = Kind(".pdf", b"%PDF-", "application/pdf", "pdf")
JPG = Kind(".jpg", b"\xff\xd8\xff", "image/jpeg", "picture")
PNG = Kind(".png", b"\x89PNG\r\n\x1a\n", "image/png", "picture")
OFD = Kind(".ofd", b"PK\x03\x04", "application/ofd", "ofd")
XLSX = Kind(".xlsx", b"PK\x03\x04", "application/zip", "xlsx")  # a workbook is one; it is never sent again
TOML = Kind(".toml", b"", "application/toml", "")

PAPERS = (PDF, JPG, PNG, OFD)
WORKBOOK = (XLSX,)
CALENDAR = (TOML,)

ACCEPTED_TEXT = "PDF、JPG、PNG 或 OFD，不超过 20 MB"
INLINE = frozenset({PDF.media_type, JPG.media_type, PNG.media_type})

# Endings that some server or desktop runs; in the middle of a name they are there to deceive («合同.php.pdf»).
RUNNABLE = frozenset(
    [
        "php",
        "php3",
        "php4",
        "php5",
        "phtml",
        "phar",
        "asp",
        "aspx",
        "ashx",
        "jsp",
        "jspx",
        "cgi",
        "pl",
        "py",
        "rb",
        "sh",
        "bash",
        "bat",
        "cmd",
        "com",
        "exe",
        "scr",
        "pif",
        "msi",
        "dll",
        "jar",
        "js",
        "mjs",
        "vbs",
        "vbe",
        "wsf",
        "hta",
        "ps1",
        "lnk",
        "html",
        "htm",
        "xhtml",
        "shtml",
        "svg",
        "swf",
        "app",
        "apk",
        "dmg",
        "iso",
    ]
)


def offered(kinds: Sequence[Kind]) -> list[str]:
    """The endings a browser's dialogue offers."""
    return [ending for kind in kinds for ending in ((kind.ending, ".jpeg") if kind is JPG else (kind.ending,))]
