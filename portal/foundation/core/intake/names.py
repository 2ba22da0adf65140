"""The name a person gave a file: shown, never used as a path."""

import unicodedata
from pathlib import PurePosixPath

LONGEST = 120  # characters
NAMELESS = "未命名文件"


def shown_name(raw: str) -> str:
    """The last part of a path without control, direction and other invisible characters; its end when it is too long."""
    name = PurePosixPath(raw.replace("\\", "/")).name
    # Cc and Cf: NUL, line ends, zero-width and direction marks; Co, Cs, Cn: nobody can say how they look.
    kept = "".join(c for c in name if c == " " or not unicodedata.category(c).startswith(("C", "Zl", "Zp")))
    return kept.strip()[-LONGEST:].strip() or NAMELESS


def endings(name: str) -> list[str]:
    """What stands behind the dots, small and without them, the last one last: «合同.PHP.pdf» gives php, pdf."""
    return [suffix[1:].strip().lower() for suffix in PurePosixPath(name).suffixes]
