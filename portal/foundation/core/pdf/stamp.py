"""The round seal on a paper, drawn from the outlines of our own typeface: the issuer's name along the ring.

A picture for the eye; what proves the paper is the seal in the file (seal.py). Outside production it says 演示.
"""

import base64
import functools
import math
import threading

from fontTools.misc.transform import Transform
from fontTools.pens.svgPathPen import SVGPathPen
from fontTools.pens.transformPen import TransformPen
from fontTools.ttLib import TTFont

from portal.foundation.core.pdf import fonts

RED = "#c1121f"
RADIUS = 100  # of the outer ring; the drawing is 220 units wide
_WIDEST = math.radians(250)  # of the arc that the name may take
_MIDDLE = 72  # radius on which the letters stand
_turn = threading.Lock()  # the typeface is read from its file letter by letter


@functools.lru_cache(maxsize=64)
def data_uri(issuer: str, *, demo: bool) -> str:
    """A ``data:image/svg+xml;base64`` address of the seal of an issuer; `demo` writes 演示 into it."""
    return "data:image/svg+xml;base64," + base64.b64encode(svg(issuer, demo=demo).encode()).decode()


def svg(issuer: str, *, demo: bool) -> str:
    """The drawing. Characters the typeface lacks are left out: the name also stands beside the seal in full."""
    name = issuer[:24]
    size = min(26.0, _MIDDLE * _WIDEST / max(len(name), 1))
    with _turn:
        parts = [_on_arc(name, size), *(_line(text, y, height) for text, y, height in _middle(demo))]
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="-110 -110 220 220">'
        f'<circle r="{RADIUS}" fill="none" stroke="{RED}" stroke-width="5"/><path fill="{RED}" d="{"".join(parts)}"/></svg>'
    )


def _middle(demo: bool) -> list[tuple[str, float, float]]:
    """(words, baseline, size) of the lines inside the ring; y grows downwards."""
    # Its middle stays free: the name and the date of the paper stand there.
    return [("电子签章", 64.0, 20.0), ("演示", 84.0, 16.0)] if demo else [("电子签章", 68.0, 22.0)]


def _on_arc(text: str, size: float) -> str:
    """The text along the upper inside of the ring, read clockwise, its middle at the top."""
    step = min(_WIDEST / max(len(text), 1), 1.25 * size / _MIDDLE)
    paths = []
    for index, letter in enumerate(text):
        angle = (index - (len(text) - 1) / 2) * step
        place = Transform().rotate(angle).translate(-size / 2, -_MIDDLE).scale(size, -size)
        paths.append(_outline(letter, place))
    return "".join(paths)


def _line(text: str, baseline: float, size: float) -> str:
    left = -len(text) * size / 2
    places = (Transform().translate(left + i * size, baseline).scale(size, -size) for i in range(len(text)))
    return "".join(_outline(letter, place) for letter, place in zip(text, places, strict=True))


def _outline(letter: str, place: Transform) -> str:
    """The letter's outline as path data; `place` maps a square of one em with y upwards into the drawing."""
    face = _face()
    name = face.getBestCmap().get(ord(letter))
    if name is None:
        return ""
    glyphs = face.getGlyphSet()
    pen = SVGPathPen(glyphs, ntos=lambda number: f"{number:.1f}".rstrip("0").rstrip("."))
    em = 1 / face["head"].unitsPerEm
    glyphs[name].draw(TransformPen(pen, place.scale(em, em)))
    return str(pen.getCommands())


@functools.cache
def _face() -> TTFont:
    """The serif face, as in the text of the papers; glyphs are read from the file when they are drawn."""
    return TTFont(fonts.FACES[0].path, lazy=True)
