"""The press: WeasyPrint set up once, with everything a paper could use to look outside taken away.

A program of its own, run by `engine` as a confined child (core.confined): a paper that exhausts memory or time, or that takes
the process over, meets limits, no network and no secret. Importing it loads Pango; without the libraries that is an OSError.
"""

import base64
import binascii
import logging
import os
import re
import tempfile
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import weasyprint
from weasyprint.text.fonts import FontConfiguration
from weasyprint.urls import URLFetcher, URLFetcherResponse

from portal.foundation.core.confined import worker
from portal.foundation.core.pdf import fonts

logger = logging.getLogger("portal.pdf")

STYLES = Path(__file__).parent
# A QR code is about 3 kB; nothing else may be embedded.
LONGEST_IMAGE = 64 * 1024
IMAGE = re.compile(r"data:(image/(?:png|svg\+xml));base64,([A-Za-z0-9+/]+={0,2})")
# Presses for papers with rare characters kept at a time (7 MB of temporary files each).
KEPT = 3


class Refused(ValueError):
    """A paper asked for something outside itself."""


class LockedFetcher(URLFetcher):  # type: ignore[misc]
    """Fetch nothing but short ``data:`` pictures: no network, no file, no redirect, no style sheet, no attachment.

    The parent's openers (HTTP, FTP, file…) are never installed, so there is nothing to unlock by mistake.
    WeasyPrint leaves out what is refused and goes on; `refused` lists it.
    """

    _fail_on_errors = False

    def __init__(self) -> None:
        self.refused: list[str] = []

    def fetch(self, url: str, headers: Mapping[str, str] | None = None) -> Any:
        """Return the picture of a ``data:image/png`` or ``data:image/svg+xml`` address in base64; raises Refused."""
        if len(url) <= LONGEST_IMAGE and (match := IMAGE.fullmatch(url)):
            try:
                body = base64.b64decode(match[2], validate=True)
            except binascii.Error:
                body = b""
            # A document type is the door to entity bombs; our own drawings have none.
            if body and b"<!" not in (body if match[1] == "image/svg+xml" else b""):
                return URLFetcherResponse("data:", body, {"Content-Type": match[1]})
        self.refused.append(url[:200])
        raise Refused(f"outside the paper: {url[:80]!r}")


class FontFetcher(LockedFetcher):
    """Hand our own cut fonts, and nothing else, to our own style sheet, by name instead of by path."""

    def __init__(self, files: Mapping[str, Path]) -> None:
        super().__init__()
        self.files = files

    def fetch(self, url: str, headers: Mapping[str, str] | None = None) -> Any:
        if url in self.files:
            return URLFetcherResponse(url, self.files[url].read_bytes(), {"Content-Type": "font/ttf"})
        self.refused.append(url[:200])
        raise Refused(f"not one of our fonts: {url[:80]!r}")


class SealedFonts(FontConfiguration):  # type: ignore[misc]
    """A font configuration that is shared by many papers, so none of them may add a face to it."""

    sealed = False

    def add_font_face(self, rule_descriptors: Any, url_fetcher: Any) -> None:
        if not self.sealed:
            super().add_font_face(rule_descriptors, url_fetcher)


class Press:
    """Fonts and style sheets, parsed once. `rare` are characters beyond the everyday cuts, cut for this press."""

    def __init__(self, directory: Path, rare: frozenset[str] = frozenset()) -> None:
        files: dict[str, Path] = {}
        rules = []
        with tempfile.TemporaryDirectory(prefix="portal-rare-") as scratch:
            for face, path in fonts.prepare(directory).items():
                sources = [(face.family, path)]
                if rare:
                    extra = Path(scratch) / f"{face.family}-{face.weight}.ttf"
                    if unknown := fonts.cut(face, extra, rare):
                        logger.warning("%s %s cannot draw %s", face.family, face.weight, "".join(sorted(unknown)))
                    sources.append((f"{face.family} Rare", extra))
                for family, file in sources:
                    address = f"portal-font:{len(files)}"
                    files[address] = file
                    rules.append(f'@font-face{{font-family:"{family}";font-weight:{face.weight};src:url("{address}")}}')
            self.fonts = _without_system_fonts(directory)
            fetcher = FontFetcher(files)
            self.styles = {
                name: weasyprint.CSS(
                    string="\n".join(
                        [*rules, *((STYLES / part).read_text("utf-8") for part in ("print.css", f"{name}.css"))]
                    ),
                    font_config=self.fonts,
                    url_fetcher=fetcher,
                )
                for name in ("notice", "report")
            }
        if fetcher.refused:
            raise Refused(f"a style sheet of ours asks for {fetcher.refused}")
        self.fonts.sealed = True

    def print(self, html: str, style: str, metadata: Mapping[str, str | None], fetcher: LockedFetcher) -> bytes:
        """Lay out and write one tagged PDF/UA-1 file."""
        # The 'md5 of the contents' identifier (True) keeps the file a function of its input alone.
        options = {"stylesheets": [self.styles[style]], "pdf_variant": "pdf/ua-1", "pdf_identifier": True}
        document = weasyprint.HTML(string=html, url_fetcher=fetcher).render(font_config=self.fonts, **options)
        for name, value in metadata.items():
            if value is not None:
                setattr(document.metadata, name, [value] if name == "authors" else value)
        if not document.metadata.title:
            raise ValueError("a paper needs a title (PDF/UA)")
        return bytes(document.write_pdf(**options))


def _without_system_fonts(directory: Path) -> SealedFonts:
    """Return a font configuration that knows only our cuts: the same paper on every machine, and faster."""
    settings = directory / "fontconfig.xml"
    wanted = (
        '<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd">'
        f"<fontconfig><cachedir>{escape(str(directory / 'fontconfig-cache'))}</cachedir></fontconfig>"
    )
    if not settings.is_file() or settings.read_text("utf-8") != wanted:
        part = settings.with_suffix(f".{os.getpid()}.part")
        part.write_text(wanted, "utf-8")
        part.replace(settings)
    before = os.environ.get("FONTCONFIG_FILE")
    os.environ["FONTCONFIG_FILE"] = str(settings)
    try:
        return SealedFonts()
    finally:
        if before is None:
            del os.environ["FONTCONFIG_FILE"]
        else:
            os.environ["FONTCONFIG_FILE"] = before


_presses: "OrderedDict[tuple[Path, frozenset[str]], Press]" = OrderedDict()


def print_paper(job: worker.Job, html: bytes) -> tuple[dict[str, Any], bytes]:
    """Print one paper on the press that has its characters; the answer's `refused` lists what it wanted from outside."""
    fetcher, rare = LockedFetcher(), frozenset(job["rare"])
    key = (Path(job["directory"]), rare)
    press = _presses.get(key)
    if press is None:
        press = _presses[key] = Press(*key)
    if rare:
        _presses.move_to_end(key)
    while sum(1 for _, characters in _presses if characters) > KEPT:
        del _presses[next(key for key in _presses if key[1])]
    paper = press.print(html.decode(), job["style"], job["metadata"], fetcher)
    return {"refused": fetcher.refused[:20]}, paper


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    for noisy in ("weasyprint", "fontTools"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
    worker.serve({"paper": print_paper}, closed=False)
