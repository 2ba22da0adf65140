"""Papers as PDF/UA: `render` prints HTML, `render_template` prints one of ours. Same input, same bytes.

WeasyPrint needs Pango from the operating system. It runs in a confined child (core.confined) that is started when somebody
prints first and kept; `available` tells pages beforehand whether to offer 下载 PDF or 打印 / 另存为 PDF.
"""

import functools
import html as entities
import importlib.util
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from django.conf import settings
from django.template.loader import render_to_string

from portal.foundation.core.confined.crew import Crew, Lost
from portal.foundation.core.errors import DomainError, TooLarge
from portal.foundation.core.pdf import fonts, libs

logger = logging.getLogger("portal.pdf")

Stylesheet = Literal["notice", "report"]

# 2,000 table rows are about 0.5 million characters and several seconds.
LONGEST_HTML = 1_000_000
LONGEST_SECONDS = 60  # of one paper: 2,000 rows on a busy machine take twenty, a paper with a rare character some more
# One child a process, as the fonts take 100 MB; Pango lays out one paper at a time anyway. A new one now and then, because
# what a thousand papers leave behind is nobody's to know.
_press = Crew("portal.foundation.core.pdf.press", size=1, memory=2048, retire=1000)
TOO_LONG = "内容过多，无法生成一份 PDF，请缩小范围后重试。"
ADVICE = (
    f"请由管理员执行 apt-get install --no-install-recommends {' '.join(libs.PACKAGES)}；"
    "没有管理员权限时，执行 python -m portal.foundation.core.pdf.libs .data/pdf-libs，"
    "并按其输出设置 LD_LIBRARY_PATH 后重新启动。"
)


@dataclass(frozen=True)
class Availability:
    """Whether PDFs can be printed here; `reason` says in Chinese what is missing and how to get it ("" when ok)."""

    ok: bool
    reason: str = ""


class PdfUnavailable(DomainError):
    """This machine cannot print PDFs; the page should offer the browser's print instead."""

    status = 503

    def __init__(self, reason: str) -> None:
        super().__init__("pdf.unavailable", reason)


@functools.cache
def available() -> Availability:
    """Look once per process whether Pango, libharfbuzz-subset and the typefaces are there. Never raises."""
    # Asked first: WeasyPrint's own import prints a page of English about it. Without libharfbuzz-subset it would
    # work today, slowly, and refuse in a later version.
    if absent := libs.missing():
        return Availability(False, f"无法生成 PDF：缺少系统库 {'、'.join(absent)}。{ADVICE}")
    if importlib.util.find_spec("weasyprint") is None:
        return Availability(False, "无法生成 PDF：没有安装 WeasyPrint，请重新安装 requirements/base.txt。")
    try:
        for face in fonts.FACES:
            _ = face.path
    except FileNotFoundError as error:
        return Availability(False, f"无法生成 PDF：{error}")
    return Availability(True)


def warm() -> None:
    """Cut the fonts and print one page, so that the first person does not wait (13 s on a new machine, else 1 s)."""
    render("<html lang='zh-CN'><title>预热</title><p>预热</p></html>")


def render(
    html: str,
    *,
    stylesheet: Stylesheet = "notice",
    title: str | None = None,
    author: str | None = None,
    subject: str | None = None,
    created: datetime | None = None,
) -> bytes:
    """Print HTML (with ``lang`` and a title) as a tagged PDF/UA-1 file; the arguments override its metadata.

    `created` is an aware datetime, written as the file's dates; without it the file carries none. The bytes depend
    on the arguments, the style sheets and the versions of WeasyPrint, Pango and HarfBuzz alone, so a digest recorded
    today is the digest of the file printed again tomorrow with the same software. The HTML reaches nothing outside
    itself. Raises PdfUnavailable, TooLarge (413), ValueError for a naive `created` or a missing title.
    """
    if created is not None and created.tzinfo is None:
        raise ValueError("created must be aware")
    if len(html) > LONGEST_HTML:
        raise TooLarge("pdf.too_long", TOO_LONG)
    possible = available()
    if not possible.ok:
        raise PdfUnavailable(possible.reason)
    moment = created.isoformat(timespec="seconds") if created else None
    metadata = {"title": title, "authors": author, "description": subject, "created": moment, "modified": moment}
    texts = "".join((entities.unescape(html), *(value for value in metadata.values() if value)))
    directory = Path(settings.DATA_DIR) / "pdf-fonts"
    fonts.prepare(directory)
    return _print(
        html, rare=sorted(fonts.rare_characters(texts)), style=stylesheet, metadata=metadata, directory=str(directory)
    )


def _print(html: str, **job: Any) -> bytes:
    try:
        answer, paper = _press.ask("paper", html.encode(errors="replace"), seconds=LONGEST_SECONDS, patience=60, **job)
    except Lost as lost:
        if lost.why == "slow":
            raise TooLarge("pdf.too_long", TOO_LONG) from lost
        raise PdfUnavailable("生成 PDF 的程序中断了，请稍后再试。") from lost
    if refused := answer.get("refused"):
        logger.warning("a paper tried to fetch %s", refused)
    failed = answer.get("failed", "")
    if failed == "ValueError":
        raise ValueError(answer["said"])
    if failed in ("MemoryError", "RecursionError"):
        raise TooLarge("pdf.too_long", TOO_LONG)
    if failed:
        raise PdfUnavailable(f"无法生成 PDF（{failed}），请联系系统管理员。")
    return paper


def render_template(
    template: str, context: Mapping[str, Any], *, stylesheet: Stylesheet | None = None, created: datetime | None = None
) -> bytes:
    """Print a template of ``templates/pdf/`` (each says at its top which context it needs), autoescaped.

    The style follows from the file's name (``report_…`` is a report) unless given. Raises as `render`.
    """
    chosen: Stylesheet = stylesheet or ("report" if Path(template).name.startswith("report_") else "notice")
    return render(render_to_string(template, dict(context)), stylesheet=chosen, created=created)
