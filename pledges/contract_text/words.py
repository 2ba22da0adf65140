"""A text as it is searched: without blanks, in one width, each character knowing the line it came from."""

import re
import unicodedata
from bisect import bisect_right
from dataclasses import dataclass, field
from itertools import pairwise

_ASCII_WORDS = {
    code: code - 0xFEE0 for code in (*range(0xFF10, 0xFF1A), *range(0xFF21, 0xFF3B), *range(0xFF41, 0xFF5B))
}
_MARKS = str.maketrans(
    {"(": "（", ")": "）", ":": "：", ";": "；", "．": ".", "﹒": ".", "—": "-", "–": "-", "－": "-", "﹣": "-"}
)
_COMMA = re.compile(r"(?<!\d)[,，]|[,，](?!\d)")
_ENDS = "。；！？!?"
_ARTICLE = re.compile(r"第[一二三四五六七八九十百零〇\d]{1,5}[条款章]")
LONGEST_LINE = 200  # shown of a line; the contract itself is there to be read


@dataclass(frozen=True, slots=True)
class Sentence:
    """From one stop to the next, with its place in the searched text."""

    text: str
    start: int


@dataclass(slots=True)
class Text:
    """`lines` as they stand in the contract; `flat` is what patterns run over."""

    lines: list[str]
    flat: str = ""
    _starts: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        pieces, at = [], 0
        for line in self.lines:
            self._starts.append(at)
            piece = flatten(line)
            pieces.append(piece)
            at += len(piece)
        self.flat = _COMMA.sub("，", "".join(pieces))

    @classmethod
    def of(cls, raw: str) -> "Text":
        """Of a text as it was typed or extracted."""
        return cls([line for line in raw.replace("\r", "\n").split("\n") if line.strip()])

    def line_at(self, start: int, end: int | None = None) -> str:
        """The line, or the lines, in which a passage of `flat` stands, as the contract prints them."""
        first = max(bisect_right(self._starts, start) - 1, 0)
        last = first if end is None else max(bisect_right(self._starts, max(end - 1, start)) - 1, first)
        shown = " ".join(" ".join(line.split()) for line in self.lines[first : last + 1])
        return shown if len(shown) <= LONGEST_LINE else shown[: LONGEST_LINE - 1] + "…"

    def sentences(self) -> list[Sentence]:
        """Cut at full stops, semicolons and the headings of articles."""
        cuts = {0, len(self.flat)}
        cuts |= {i + 1 for i, char in enumerate(self.flat) if char in _ENDS}
        cuts |= {m.start() for m in _ARTICLE.finditer(self.flat)}
        places = sorted(cuts)
        return [Sentence(self.flat[a:b], a) for a, b in pairwise(places) if self.flat[a:b].strip(_ENDS)]


def flatten(line: str) -> str:
    """Half-width letters and digits, Chinese brackets and colons, no blanks, nothing invisible."""
    plain = line.translate(_ASCII_WORDS).translate(_MARKS)
    return "".join(c for c in plain if not c.isspace() and unicodedata.category(c) not in ("Cf", "Cc"))
