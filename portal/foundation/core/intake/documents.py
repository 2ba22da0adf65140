"""PDFs, walked object by object. What acts, carries other files or hides is refused; links to addresses and to pages may stay.

A search for words is not enough: JavaScript inside an object stream is packed, and «/J#53» is «/JS». So pikepdf (qpdf) opens the
file and every object of it is walked, also those that no page points to. The search stays as a second line, because a reader may
repair a broken file differently than qpdf does.
"""

import io
import re
import struct
from typing import Any

import pikepdf

from .findings import Bad, Big

MOST_OBJECTS = 200_000
MOST_PARTS = 2_000_000  # entries of dictionaries and arrays, all together
DEEPEST = 60  # dictionaries in dictionaries

# Key → what it means. Any value of it is refused but for the two below.
_KEYS = {
    "/JS": "script", "/JavaScript": "script", "/AA": "action", "/XFA": "form", "/EmbeddedFiles": "embedded", "/EF": "embedded",
    "/RichMediaContent": "media", "/RichMediaSettings": "media", "/AF": "embedded", "/Collection": "embedded",
}  # fmt: skip
# Values of /S, /Type and /Subtype.
_NAMES = {
    "/JavaScript": "script", "/Launch": "launch", "/SubmitForm": "submit", "/ImportData": "submit", "/GoToE": "embedded",
    "/GoToR": "launch", "/Rendition": "media", "/Movie": "media", "/Sound": "media", "/RichMedia": "media",
    "/RichMediaExecute": "media", "/EmbeddedFile": "embedded", "/FileAttachment": "embedded", "/Screen": "media", "/3D": "media",
    "/Encrypt": "encrypted",
}  # fmt: skip
# Long enough never to stand in packed bytes by chance. Followed by a delimiter, so that a longer name is another name.
_WORDS = re.compile(rb"/(JavaScript|EmbeddedFiles?|RichMedia\w*|Launch)[\s/<>\[\]()]")
_WORDS_MEAN = {b"JavaScript": "script", b"Launch": "launch"}
_MARKUP = re.compile(rb"<(?:!doctype|html|script|svg|body|\?php|%@)", re.IGNORECASE)
_END_OF_PACKAGE = b"PK\x05\x06"


def walk(body: bytes) -> None:
    """Raises Bad with what was found, Big for what has too many parts."""
    _one_kind(body)
    if found := _WORDS.search(body):
        raise Bad(_WORDS_MEAN.get(found[1], "media" if found[1].startswith(b"Rich") else "embedded"))
    try:
        with pikepdf.open(io.BytesIO(body), suppress_warnings=True) as pdf:
            if pdf.is_encrypted:
                raise Bad("encrypted")
            _Walk().all(pdf)
    except pikepdf.PasswordError as error:
        raise Bad("encrypted") from error
    except (pikepdf.PdfError, ValueError, TypeError, RuntimeError, NotImplementedError) as error:
        raise Bad("broken") from error


def _one_kind(body: bytes) -> None:
    """Not at the same time a page or a package: markup before the first object, or a list of contents behind the end."""
    first = body.find(b" obj", 0, 4096)
    if _MARKUP.search(body[: first if first >= 0 else 4096]):
        raise Bad("two")
    at = body.rfind(_END_OF_PACKAGE)
    if at < 0 or len(body) < at + 22:
        return
    comment = struct.unpack("<H", body[at + 20 : at + 22])[0]
    if at > body.rfind(b"%%EOF") or at + 22 + comment == len(body):
        raise Bad("two")


class _Walk:
    """Every object once; nested ones by a stack of our own, so that no nesting can exhaust the interpreter's."""

    def __init__(self) -> None:
        self.parts = 0

    def all(self, pdf: pikepdf.Pdf) -> None:
        if len(pdf.objects) > MOST_OBJECTS:
            raise Big("parts")
        self.one(pdf.trailer)
        for found in pdf.objects:
            self.one(found)

    def one(self, top: Any) -> None:
        waiting = [(top, 0)]
        while waiting:
            item, depth = waiting.pop()
            if depth > DEEPEST:
                raise Big("parts")
            if isinstance(item, pikepdf.Array):
                entries: list[Any] = list(item.as_list())
            elif isinstance(item, pikepdf.Dictionary | pikepdf.Stream):
                entries = self.entries(item)
            else:
                continue
            self.parts += len(entries)
            if self.parts > MOST_PARTS:
                raise Big("parts")
            # What is referred to is walked by itself: only what stands in the object is followed from here.
            inner = (entry for entry in entries if isinstance(entry, pikepdf.Object) and not entry.is_indirect)
            waiting.extend((entry, depth + 1) for entry in inner)

    def entries(self, item: Any) -> list[Any]:
        found = item.stream_dict if isinstance(item, pikepdf.Stream) else item
        values = []
        for key, value in found.items():
            if key in _KEYS:
                raise Bad(_KEYS[key])
            if key in ("/S", "/Type", "/Subtype") and isinstance(value, pikepdf.Name) and str(value) in _NAMES:
                raise Bad(_NAMES[str(value)])
            if key == "/OpenAction" and not _goes_to_a_page(value):
                raise Bad("action")
            values.append(value)
        return values


def _goes_to_a_page(value: Any) -> bool:
    """Word processors write where the first view stands: a destination, or an action that is nothing but one."""
    if isinstance(value, pikepdf.Dictionary):
        return value.get("/S") == pikepdf.Name.GoTo and "/Next" not in value
    return isinstance(value, pikepdf.Array | pikepdf.Name | pikepdf.String)
