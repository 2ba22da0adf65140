"""What may not stand in a template, whoever writes it: the strict CSP, names for signs, Chinese punctuation, known classes."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = [ROOT / "templates", *(path for path in ROOT.glob("portal/**/templates")), *ROOT.glob("*/templates/")]
# Papers are not pages: they never meet a browser, its policy or its style sheet.
PAGES = sorted(
    {
        path
        for folder in FOLDERS
        for path in folder.rglob("*.html")
        if "pdf" not in path.parts and ".venv" not in path.parts
    }
)
CSS = (ROOT / "static" / "css" / "portal.css").read_text(encoding="utf-8")
CLASSES = set(re.findall(r"\.([a-zA-Z][\w-]*)", re.sub(r"url\([^)]*\)|/\*.*?\*/", "", CSS, flags=re.DOTALL)))

_VERBATIM = re.compile(r"{% verbatim %}.*?{% endverbatim %}", re.DOTALL)
_COMMENT = re.compile(r"{#.*?#}|{% comment %}.*?{% endcomment %}|<!--.*?-->", re.DOTALL)
_TAG = re.compile(r"{%.*?%}|{{.*?}}", re.DOTALL)
_HAN = r"[\u3400-\u9fff]"
_ASCII_STOP = re.compile(rf"{_HAN}[,:;()?!]{_HAN}|{_HAN}[,;?!](?=[\s<\"']|$)|[“（《]{_HAN}+[)]")

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))


def source(page: Path) -> str:
    """The template without comments and quoted examples."""
    return _COMMENT.sub("", _VERBATIM.sub("", page.read_text(encoding="utf-8")))


def test_there_are_pages_to_look_at() -> None:
    assert len(PAGES) > 20


@each_page
def test_nothing_inline(page: Path) -> None:
    text = source(page)
    assert not re.search(r"\sstyle\s*=", text), "inline style"
    assert not re.search(r"<style\b", text), "style element"
    assert not re.search(r"<script(?![^>]*\ssrc=)[^>]*>", text), "inline script"
    assert not re.search(r"\son[a-z]+\s*=\s*[\"'{]", text), "event handler attribute"
    assert not re.search(r"javascript:|hx-on\b|hx-vals\s*=\s*[\"']js:", text), "evaluated code"


@each_page
def test_chinese_punctuation(page: Path) -> None:
    found = _ASCII_STOP.search(_TAG.sub("", source(page)))
    assert found is None, f"ASCII punctuation in Chinese text: …{found and found.group()}…"


def test_chinese_punctuation_in_the_script() -> None:
    script = (ROOT / "static" / "js" / "portal.js").read_text(encoding="utf-8")
    for words in re.findall(r"\"([^\"\n]*)\"|`([^`\n]*)`", script):
        assert not _ASCII_STOP.search("".join(words)), words


@each_page
def test_pictures_have_names(page: Path) -> None:
    for image in re.findall(r"<img\b[^>]*>", source(page)):
        assert re.search(r"\salt=", image), image
    for drawing in re.findall(r"<svg\b[^>]*>", source(page)):
        assert re.search(r"aria-hidden=\"true\"|aria-label(ledby)?=", drawing), drawing


@each_page
def test_every_class_is_defined(page: Path) -> None:
    for value in re.findall(r"\sclass=\"([^\"]*(?:{%.*?%}[^\"]*)*)\"", source(page)):
        for name in _TAG.sub(" ", re.sub(r"[\w-]*{{.*?}}[\w-]*", " ", value)).split():
            assert name in CLASSES, f"class {name!r} is not in portal.css (see /styleguide/)"


@each_page
def test_lamps_come_from_the_tag(page: Path) -> None:
    """Written by hand, a lamp has no shape and says nothing to a screen reader."""
    assert not re.search(r"class=\"lamp[ \"]", source(page))


@each_page
def test_posts_carry_a_token(page: Path) -> None:
    text = source(page)
    for form in re.findall(r"<form\b[^>]*method=\"post\".*?</form>", text, re.DOTALL):
        # The display settings are checked by origin instead (portal.content.views.display).
        assert "{% csrf_token %}" in form or "data-display" in form, form[:120]
