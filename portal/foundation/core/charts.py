"""Charts as inline SVG, drawn on the server: the same string goes to the screen and into a PDF.

No style attribute (strict CSP) and no script. Colours are presentation attributes, which WeasyPrint reads; on the screen the
classes of portal.css override them, so that high contrast works. Every figure is also in <desc> for screen readers and,
through templates/components/chart.html, in a data table. Values are counts or rates of zero and more; None is "no data".
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe

Number = int | float | Decimal

COLOURS = ("#0A479C", "#8FB8EE", "#B86E00", "#1A8F55", "#6F7D92")  # --series-1 … --series-5 of portal.css
_INK, _RULE, _AXIS = "#3D4A5F", "#D6DDE8", "#6F7D92"
_ON_SERIES = ("#FFFFFF", "#152033", "#FFFFFF", "#FFFFFF", "#FFFFFF")
_DASHES = ("", "6 3", "2 3", "8 3 2 3", "1 4")
_FONT = "'Portal Sans', 'Portal Sans Rare', sans-serif"  # the papers' families; portal.css sets the screen's
WIDTH, HEIGHT = 580, 240  # user units; the page scales them
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 12, 22, 30
_MOST_LABELS = 13  # below the axis; a longer series names every n-th
_MOST_FIGURES = 28  # bars that still have room for a figure above them


@dataclass(frozen=True, slots=True)
class Series:
    """One named row of figures, as long as the labels it is drawn over."""

    name: str
    values: Sequence[Number | None]


@dataclass(frozen=True, slots=True)
class Data:
    """What a chart shows: labels along the axis, up to five series, and the unit of the figures (件, %, 万元)."""

    labels: Sequence[str]
    series: Sequence[Series]
    unit: str = ""

    def __post_init__(self) -> None:
        if not 1 <= len(self.series) <= len(COLOURS):
            raise ValueError(f"a chart shows 1 to {len(COLOURS)} series, not {len(self.series)}")
        for row in self.series:
            if len(row.values) != len(self.labels):
                raise ValueError(f"{row.name} has {len(row.values)} values for {len(self.labels)} labels")
            if any(value is not None and (value < 0 or not math.isfinite(value)) for value in row.values):
                raise ValueError(f"{row.name} has a value that is negative or no number")

    @property
    def rows(self) -> list[tuple[str, list[str]]]:
        """The same figures as text, one row per label, for the data table."""
        return [(label, [figure(row.values[index]) for row in self.series]) for index, label in enumerate(self.labels)]


def figure(value: Number | None) -> str:
    """A value as readers see it: at most one decimal, none when it is whole; None as a dash."""
    if value is None:
        return "—"
    text = f"{Decimal(str(value)):.1f}"
    return text.removesuffix(".0")


def bar(data: Data, *, title: str) -> SafeString:
    """Bars side by side, one group per label."""
    scale, body = _frame(data, max((v for row in data.series for v in row.values if v is not None), default=0))
    slot = _slot(data)
    width = min(32.0, slot * 0.78 / len(data.series))
    figures = len(data.labels) * len(data.series) <= _MOST_FIGURES
    for index in range(len(data.labels)):
        left = _LEFT + slot * index + (slot - width * len(data.series)) / 2
        for place, row in enumerate(data.series):
            value = row.values[index]
            if value is None:
                continue
            x, y = left + width * place, scale(value)
            body.append(_rect(x + 1, y, width - 2, scale(0) - y, place))
            if figures:
                body.append(_text(x + width / 2, y - 5, figure(value)))
    return _svg(data, title, body)


def stack(data: Data, *, title: str) -> SafeString:
    """One bar per label, the series piled up, with the total above."""
    totals = [
        sum((Decimal(str(row.values[i] or 0)) for row in data.series), Decimal(0)) for i in range(len(data.labels))
    ]
    scale, body = _frame(data, max(totals, default=Decimal(0)))
    slot = _slot(data)
    width = min(46.0, slot * 0.7)
    for index, total in enumerate(totals):
        x, height = _LEFT + slot * index + (slot - width) / 2, Decimal(0)
        for place, row in enumerate(data.series):
            value = Decimal(str(row.values[index] or 0))
            top, bottom = scale(height + value), scale(height)
            height += value
            if not value:
                continue
            body.append(_rect(x, top, width, bottom - top, place))
            if bottom - top >= 16 and width >= 18:
                kind = "inside-dark" if _ON_SERIES[place] != "#FFFFFF" else "inside"
                body.append(
                    _text(x + width / 2, (top + bottom) / 2 + 4, figure(value), kind=kind, fill=_ON_SERIES[place])
                )
        if len(data.labels) <= _MOST_FIGURES:
            body.append(_text(x + width / 2, scale(total) - 5, figure(total)))
    return _svg(data, title, body)


def line(data: Data, *, title: str) -> SafeString:
    """One line per series, told apart by dashes as well as colour; a missing value is a gap, never a guess."""
    scale, body = _frame(data, max((v for row in data.series for v in row.values if v is not None), default=0))
    slot = _slot(data)
    for place, row in enumerate(data.series):
        points = [
            None if value is None else (_LEFT + slot * (index + 0.5), scale(value))
            for index, value in enumerate(row.values)
        ]
        dash = f' stroke-dasharray="{_DASHES[place]}"' if _DASHES[place] else ""
        body.append(
            f'<path class="l{place + 1}" d="{_path(points)}" fill="none" stroke="{COLOURS[place]}" stroke-width="2.5"'
            f' stroke-linejoin="round"{dash}/>'
        )
        body += [
            f'<circle class="s{place + 1}" cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{COLOURS[place]}"/>'
            for x, y in (point for point in points if point is not None)
        ]
        if len(data.series) == 1 and len(data.labels) <= _MOST_FIGURES:
            body += [
                _text(point[0], point[1] - 9, figure(value))
                for point, value in zip(points, row.values, strict=True)
                if point is not None
            ]
    return _svg(data, title, body)


def spark(values: Sequence[Number | None], *, title: str) -> SafeString:
    """A line without axes, the size of a word; the title must say what it shows, for example "近 6 个月按时率"."""
    known = [float(value) for value in values if value is not None]
    low, high = (min(known), max(known)) if known else (0.0, 1.0)
    span, step = (high - low) or 1.0, 92 / max(1, len(values) - 1)
    points = [
        None if value is None else (4 + step * index, 20 - (float(value) - low) / span * 16)
        for index, value in enumerate(values)
    ]
    last = next((point for point in reversed(points) if point is not None), None)
    dot = f'<circle class="s1" cx="{last[0]:.1f}" cy="{last[1]:.1f}" r="3" fill="{COLOURS[0]}"/>' if last else ""
    words = "、".join(figure(value) for value in values)
    return format_html(
        '<svg class="chart spark" viewBox="0 0 100 24" width="100" height="24" role="img" aria-label="{}：{}">{}</svg>',
        title,
        words,
        mark_safe(  # noqa: S308 — numbers and constants only
            f'<path class="l1" d="{_path(points)}" fill="none" stroke="{COLOURS[0]}" stroke-width="2"/>{dot}'
        ),
    )


class _Scale:
    """From a value to its height on the drawing; the axis ends at a round number."""

    def __init__(self, highest: Number) -> None:
        self.step = _round_step(float(highest))
        self.steps = max(1, math.ceil(float(highest) / self.step - 1e-9))

    def __call__(self, value: Number) -> float:
        room = HEIGHT - _TOP - _BOTTOM
        return HEIGHT - _BOTTOM - float(value) / (self.step * self.steps) * room


def _round_step(highest: float) -> float:
    """A step of 1, 2 or 5 times a power of ten that divides the axis into at most five."""
    if highest <= 0:
        return 1.0
    rough = highest / 5
    power = 10.0 ** math.floor(math.log10(rough))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * (1 - 1e-9))


def _slot(data: Data) -> float:
    return (WIDTH - _LEFT - _RIGHT) / max(1, len(data.labels))


def _frame(data: Data, highest: Number) -> tuple[_Scale, list[str]]:
    """The scale, and the rules, axis and labels every chart begins with."""
    scale = _Scale(highest)
    body: list[str] = []
    for number in range(scale.steps + 1):
        y, value = scale(scale.step * number), scale.step * number
        kind, colour = ("axis", _AXIS) if number == 0 else ("rule", _RULE)
        body.append(f'<path class="{kind}" d="M{_LEFT} {y:.1f}H{WIDTH - _RIGHT}" stroke="{colour}" fill="none"/>')
        body.append(_text(_LEFT - 7, y + 4, figure(value), anchor="end"))
    every = math.ceil(len(data.labels) / _MOST_LABELS)
    slot = _slot(data)
    body += [
        _text(_LEFT + slot * (index + 0.5), HEIGHT - 9, label)
        for index, label in enumerate(data.labels)
        if index % every == 0
    ]
    return scale, body


def _path(points: Iterable[tuple[float, float] | None]) -> str:
    """The d of a polyline; the pen is lifted over a missing point."""
    parts: list[str] = []
    down = False
    for point in points:
        if point is None:
            down = False
            continue
        parts.append(f"{'L' if down else 'M'}{point[0]:.1f} {point[1]:.1f}")
        down = True
    return "".join(parts)


def _rect(x: float, y: float, width: float, height: float, place: int) -> str:
    return (
        f'<rect class="s{place + 1}" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{max(height, 0.5):.1f}"'
        f' fill="{COLOURS[place]}"/>'
    )


def _text(x: float, y: float, text: str, *, anchor: str = "middle", kind: str = "", fill: str = _INK) -> str:
    named = f' class="{kind}"' if kind else ""
    return f'<text{named} x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="12" fill="{fill}">{escape(text)}</text>'


def _svg(data: Data, title: str, body: list[str]) -> SafeString:
    words = "；".join(
        f"{row.name}："
        + "，".join(
            f"{label} {figure(value)}{data.unit if value is not None else ''}"
            for label, value in zip(data.labels, row.values, strict=True)
        )
        for row in data.series
    )
    return format_html(
        '<svg class="chart" viewBox="0 0 {} {}" width="{}" height="{}" font-family="{}" role="img" aria-label="{}">'
        "<title>{}</title><desc>{}</desc>{}</svg>",
        WIDTH,
        HEIGHT,
        WIDTH,
        HEIGHT,
        _FONT,
        title,
        title,
        words,
        mark_safe("".join(body)),  # noqa: S308 — built above from numbers and escaped labels
    )
