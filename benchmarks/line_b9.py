"""B9: one notice as PDF on a warm press, beside default WeasyPrint and a Chromium that is kept open.

All three print the same HTML with the same style sheets. Default WeasyPrint is what its documentation shows: a fresh
font configuration and the complete typefaces for every document. The limit is an empty sheet on our own press, the
fixed cost of any WeasyPrint file. Ink is counted on the rasterised first page, because a PDF whose glyphs are blank
still yields its text.
"""

import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pypdfium2
from django.template.loader import render_to_string

from benchmarks import papers
from portal.foundation.core.pdf import engine, fonts

ROUNDS = 9
EMPTY = "<html lang='zh-CN'><title>空白</title><p>空白</p></html>"
STYLES = Path(engine.__file__).parent


def ink(pdf: bytes, page: int = 0) -> float:
    """Return the mean darkness (0 white … 1 black) of a page at 144 dpi."""
    document = pypdfium2.PdfDocument(pdf)
    try:
        histogram = document[page].render(scale=2, grayscale=True).to_pil().convert("L").histogram()
    finally:
        document.close()
    return sum((255 - grey) * count for grey, count in enumerate(histogram)) / 255 / sum(histogram)


def complete_styles() -> str:
    """Return our notice style with the complete typefaces by file address, as anybody would write it."""
    faces = "\n".join(
        f'@font-face{{font-family:"{face.family}";font-weight:{face.weight};src:url("{face.path.as_uri()}")}}'
        for face in fonts.FACES
    )
    return "\n".join((faces, *((STYLES / name).read_text("utf-8") for name in ("print.css", "notice.css"))))


def default_weasyprint(html: str, styles: str) -> bytes:
    """Print the way WeasyPrint's documentation shows: everything anew for every document."""
    import weasyprint
    from weasyprint.text.fonts import FontConfiguration

    configuration = FontConfiguration()
    style = weasyprint.CSS(string=styles, font_config=configuration)
    document = weasyprint.HTML(string=html)
    return bytes(document.write_pdf(stylesheets=[style], font_config=configuration, pdf_variant="pdf/ua-1"))


def measure(rounds: int = ROUNDS) -> dict[str, Any]:
    """Print in interleaved rounds and return the line: seconds (medians), bytes, ink, ratios, and whether they do."""
    html = render_to_string("pdf/notice_registration.html", papers.registration())
    styles = complete_styles()
    timings: dict[str, list[float]] = {}
    printed: dict[str, bytes] = {}

    with tempfile.TemporaryDirectory() as scratch:
        page_file = Path(scratch) / "notice.html"
        page_file.write_text(html.replace("</head>", f"<style>{styles}</style></head>"), "utf-8")
        contenders: dict[str, Callable[[], bytes]] = {
            "ours": lambda: engine.render(html),
            "limit": lambda: engine.render(EMPTY),
            "weasyprint default": lambda: default_weasyprint(html, styles),
        }
        with _chromium() as page:
            if page is not None:

                def chromium() -> bytes:
                    page.goto(page_file.as_uri())
                    page.evaluate("document.fonts.ready.then(() => true)")
                    return bytes(page.pdf(format="A4", print_background=True, prefer_css_page_size=True))

                contenders["chromium kept open"] = chromium
            for call in contenders.values():
                call()
            for _ in range(rounds):
                for name, call in contenders.items():
                    start = time.perf_counter()
                    printed[name] = call()
                    timings.setdefault(name, []).append(time.perf_counter() - start)

    medians = {name: statistics.median(values) for name, values in timings.items()}
    ours, limit = medians.pop("ours"), medians.pop("limit")
    ratios = {
        "of default": ours / medians["weasyprint default"],
        "over limit": ours / limit,
        "ink of default": ink(printed["ours"]) / ink(printed["weasyprint default"]),
    }
    met = ratios["of default"] <= 0.5 and len(printed["ours"]) <= 80_000 and abs(ratios["ink of default"] - 1) <= 0.05
    if "chromium kept open" in medians:
        ratios["chromium to ours"] = medians["chromium kept open"] / ours
        met = met and ratios["chromium to ours"] >= 3
    return {
        "line": "B9",
        "ours": round(ours, 5),
        "limit": round(limit, 5),
        "peers": {name: round(value, 5) for name, value in medians.items()},
        "unit": "s",
        "rows": 1,
        "bytes": {name: len(pdf) for name, pdf in printed.items()},
        "ratios": {name: round(value, 3) for name, value in ratios.items()},
        "goal": "≤ 0.5× default WeasyPrint, ≤ 80 kB, ≥ 3× faster than Chromium kept open, ink within 5 % of default",
        "met": met,
    }


class _chromium:
    """A headless Chromium page kept open, or None where there is no browser (the line then lacks that peer)."""

    def __enter__(self) -> Any:
        from playwright.sync_api import Error, sync_playwright

        self.driver = sync_playwright().start()
        self.browser = None
        try:
            path = os.environ.get("CHROMIUM", "/usr/bin/chromium")
            self.browser = self.driver.chromium.launch(
                executable_path=path if Path(path).exists() else None, args=["--no-sandbox"]
            )
        except Error:
            return None
        return self.browser.new_page()

    def __exit__(self, *_: object) -> None:
        if self.browser is not None:
            self.browser.close()
        self.driver.stop()


if __name__ == "__main__":
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    django.setup()
    print(json.dumps(measure(), ensure_ascii=False))
