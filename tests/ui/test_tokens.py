"""The colours of portal.css are legible, computed from the file itself."""

import re
from pathlib import Path

import pytest

CSS = (Path(__file__).resolve().parents[2] / "static" / "css" / "portal.css").read_text(encoding="utf-8")

TEXT, SHAPE = 4.5, 3.0  # WCAG 2.2 1.4.3 and 1.4.11

# foreground token or colour, background token or colour, least ratio
PAIRS = [
    ("ink", "surface", TEXT),
    ("ink", "bg", TEXT),
    ("ink2", "surface", TEXT),
    ("ink2", "surface2", TEXT),
    ("ink3", "surface", TEXT),
    ("ink3", "bg", TEXT),
    ("ink3", "brand-50", TEXT),
    ("brand-600", "surface", TEXT),
    ("brand-600", "bg", TEXT),
    ("on-brand", "brand-600", TEXT),
    ("on-brand", "brand-700", TEXT),
    ("on-brand", "brand-800", TEXT),
    ("on-brand", "brand-900", TEXT),
    ("on-brand2", "brand-900", TEXT),
    ("on-brand2", "brand-800", TEXT),
    ("on-brand2", "brand-950", TEXT),
    ("brand-700", "brand-50", TEXT),
    ("brand-700", "brand-100", TEXT),
    ("ok-700", "ok-50", TEXT),
    ("ok-700", "surface", TEXT),
    ("warn-700", "warn-50", TEXT),
    ("warn-700", "surface", TEXT),
    ("bad-700", "bad-50", TEXT),
    ("bad-700", "surface", TEXT),
    ("pause-700", "pause-50", TEXT),
    ("pause-700", "surface", TEXT),
    ("gold", "gold-50", TEXT),
    ("gold", "surface", TEXT),
    ("focus-on-dark", "brand-950", TEXT),
    ("ctrl", "surface", SHAPE),
    ("ctrl", "bg", SHAPE),
    ("ok-dot", "surface", SHAPE),
    ("warn-dot", "surface", SHAPE),
    ("bad-dot", "surface", SHAPE),
    ("focus", "surface", SHAPE),
    ("focus", "bg", SHAPE),
    ("focus-on-dark", "brand-900", SHAPE),
    ("series-1", "surface", SHAPE),
    ("series-3", "surface", SHAPE),
    ("series-4", "surface", SHAPE),
    ("series-5", "surface", SHAPE),
]


def tokens(selector: str) -> dict[str, str]:
    """Custom properties of the first rule with this selector whose values are colours."""
    block = re.search(re.escape(selector) + r"\{([^}]*)\}", CSS)
    assert block, f"{selector} is missing"
    return dict(re.findall(r"--([a-z0-9-]+):\s*(#[0-9A-Fa-f]{6})\s*(?:;|$)", block.group(1)))


def luminance(colour: str) -> float:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def ratio(one: str, other: str) -> float:
    bright, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


NORMAL = tokens(":root")
HIGH = NORMAL | tokens("html[data-contrast=high]")


def test_the_measure_itself_is_right() -> None:
    assert ratio("#000000", "#FFFFFF") == pytest.approx(21)
    assert ratio("#0F5AC4", "#FFFFFF") == pytest.approx(6.40, abs=0.01)  # the figure of the design brief


@pytest.mark.parametrize(("front", "back", "least"), PAIRS)
def test_each_colour_can_be_read_on_its_ground(front: str, back: str, least: float) -> None:
    assert ratio(NORMAL[front], NORMAL[back]) >= least


@pytest.mark.parametrize(("front", "back", "least"), PAIRS)
def test_high_contrast_is_never_weaker_than_the_limit(front: str, back: str, least: float) -> None:
    assert ratio(HIGH[front], HIGH[back]) >= (7.0 if least == TEXT and front.startswith("ink") else least)


def test_heat_cells_can_be_read() -> None:
    for name in ("heat-0", "heat-1", "heat-2", "heat-3", "heat-4", "heat-none"):
        rule = re.search(rf"\.{name}\{{background:([^;]+);color:([^;}}]+)", CSS)
        assert rule, name
        back, front = (NORMAL[value[6:-1]] if value.startswith("var(") else value for value in rule.groups())
        assert ratio(front, back) >= TEXT, name


def test_targets_and_motion_keep_their_promises() -> None:
    assert re.search(r"--tap:\s*44px", CSS)
    assert re.search(r"\[data-text=large\]\{[^}]*--tap:\s*48px", CSS)
    assert "prefers-reduced-motion:reduce" in CSS
