"""QR codes (ISO/IEC 18004) as SVG: crisp on paper and screen, no inline style, so the strict CSP lets them pass."""

import base64

import segno


def svg(text: str) -> str:
    """Return an ``<svg>`` element of a text or address, with its four-module quiet zone, scaling to its box.

    Error correction is at least M (15 %), enough for a creased sheet. Raises ValueError when the text is too long
    (more than about 2,300 bytes).
    """
    drawn = segno.make(text, error="m", micro=False).svg_inline(
        border=4, omitsize=True, svgclass=None, lineclass=None, dark="#000", light="#fff"
    )
    return str(drawn)


def data_uri(text: str) -> str:
    """Return the same drawing as a ``data:image/svg+xml;base64`` address, for ``<img src>`` in PDF papers."""
    drawn = svg(text)
    if "xmlns" not in drawn:
        drawn = drawn.replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg"', 1)
    return "data:image/svg+xml;base64," + base64.b64encode(drawn.encode()).decode()
