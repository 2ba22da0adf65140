"""The components templates are built from. /styleguide/ shows each one with the line that produces it."""

from __future__ import annotations  # BaseFormSet is generic to the type checker only

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django import template
from django.forms.forms import BaseForm
from django.forms.formsets import BaseFormSet
from django.template.context import Context
from django.templatetags.static import static
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from portal.foundation.core import display, files, moments, money

register = template.Library()

# Shapes on a 16-unit grid. A lamp is shape, word and colour, so it survives grey printing and colour blindness.
_SHAPES: Mapping[str, SafeString] = {
    "g": mark_safe('<circle cx="8" cy="8" r="7"/>'),
    "y": mark_safe('<path d="M8 1l8 14H0z"/>'),
    "r": mark_safe('<path d="M1 1h14v14H1z"/>'),
    "p": mark_safe('<path d="M2 1h4v14H2zM10 1h4v14h-4z"/>'),
    "done": mark_safe('<path d="M6.2 14 .8 8.6l2.1-2.1 3.3 3.3 6.9-7.6 2.1 2z"/>'),
    "late": mark_safe('<path d="M3 .9 8 5.9l5-5L15.1 3l-5 5 5 5-2.1 2.1-5-5-5 5L.9 13l5-5-5-5z"/>'),
}
_LAMP_WORDS: Mapping[str, str] = {
    "g": "绿灯",
    "y": "黄灯",
    "r": "红灯",
    "p": "暂停",
    "done": "按时",
    "late": "超期",
}
# Cookie → attribute on <html>: only these values ever reach the page.
MODES: Mapping[str, str] = {"text": "large", "contrast": "high", "density": "compact", "keys": "off"}


def _today() -> date:
    """The reader's day. A template is an edge, so the clock may be read here."""
    return moments.local_date(moments.now())


def _part(value: Any, name: str) -> Any:
    """A key of a mapping or an attribute of an object; None when it has neither."""
    return value.get(name) if isinstance(value, Mapping) else getattr(value, name, None)


@register.simple_tag(takes_context=True)
def display_modes(context: Context) -> SafeString:
    """Attributes of <html> from the display cookies, so that the first paint is already right."""
    cookies: Mapping[str, str] = getattr(context.get("request"), "COOKIES", {})
    on = [(name, value) for name, value in MODES.items() if cookies.get(f"display_{name}") == value]
    if not any(name == "density" for name, _ in on) and context.get("compact"):
        on.append(("density", "compact"))
    return format_html_join("", ' data-{}="{}"', on)


@register.simple_tag(takes_context=True)
def error_prefix(context: Context) -> str:
    """ "错误：" for the title when `form`, one of `forms` or `page_has_errors` says so: read out before anything else."""
    candidates = [context.get("form"), *(context.get("forms") or [])]
    wrong = context.get("page_has_errors") or any(
        getattr(form, "is_bound", False) and _has_errors(form) for form in candidates
    )
    return "错误：" if wrong else ""


@register.simple_tag(takes_context=True)
def nav_entry(context: Context, url: str, label: str) -> SafeString | str:
    """One entry of the main navigation; nothing when the route does not exist."""
    if not url:
        return ""
    path = getattr(context.get("request"), "path", "")
    here = path == url or (url != "/" and path.startswith(url))
    current = mark_safe(' aria-current="page"') if here else ""
    return format_html('<li><a href="{}"{}>{}</a></li>', url, current, label)


@register.simple_tag
def icon(name: str, title: str = "") -> SafeString:
    """A sign of the sprite. Decorative unless `title` gives it a name of its own."""
    href = f"{static('vendor/icons.svg')}#{name}"
    if title:
        return format_html('<svg class="icon" role="img" aria-label="{}"><use href="{}"/></svg>', title, href)
    return format_html('<svg class="icon" aria-hidden="true"><use href="{}"/></svg>', href)


@register.simple_tag
def scan_state(stored: files.StoredFile) -> SafeString | str:
    """What the scanner has said about a file: a tag, nothing for a clean one. 未查毒 is said plainly where nothing scans."""
    scan = files.StoredFile.Scan
    if stored.scan == scan.CLEAN:
        return ""
    if stored.scan == scan.FOUND:
        return format_html('<span class="tag bad" title="{}">含恶意程序，已隔离</span>', stored.scan_note)
    return format_html('<span class="tag">{}</span>', "查毒中" if files.scanned() else "未查毒")


@register.simple_tag(takes_context=True)
def held(context: Context, stored: files.StoredFile) -> str:
    """Why this reader cannot open the file now, "" when they can."""
    actor = getattr(context.get("request"), "actor", None)
    return files.held(stored, organisation_id=actor.organisation_id if actor else 0)


@register.simple_tag
def lamp(state: Any, due: bool = False) -> SafeString | str:
    """亮灯: shape, word and colour of a time limit.

    `state` has `code` (g, y, r, p, done, late), `text` (剩 1 个工作日) and `title` (截止 11月25日（周三）24:00), as keys or
    attributes. With due=True the title is printed below; else it is a tooltip and is read to screen readers.
    """
    code = _part(state, "code")
    if code not in _SHAPES:
        return ""
    title = str(_part(state, "title") or "")
    tooltip = format_html(' title="{}"', title) if title and not due else ""
    spoken = format_html('<span class="vh">，{}</span>', title) if title and not due else ""
    below = format_html('<span class="lamp-due">{}</span>', title) if title and due else ""
    # A limit that may still move says so also where its moment is only a tooltip.
    open_ended = not due and code in {"g", "y"} and "（暂定）" in title
    mark = mark_safe('<span class="lamp-mark" aria-hidden="true">暂定</span>') if open_ended else ""
    word, text = _LAMP_WORDS[code], str(_part(state, "text") or _LAMP_WORDS[code])
    # 按时响应 says 按时 already: it is not read out twice.
    prefix = "" if text.startswith(word) else format_html('<span class="vh">{}：</span>', word)
    return format_html(
        '<span class="lamp {}"{}><svg viewBox="0 0 16 16" aria-hidden="true">{}</svg><span>{}{}{}</span>{}</span>{}',
        code,
        tooltip,
        _SHAPES[code],
        prefix,
        text,
        spoken,
        mark,
        below,
    )


@register.filter
def money_wan(yuan: Decimal | None) -> str:
    """Decimal yuan as "800 万元"; None as a dash."""
    return display.money_wan(yuan)


@register.filter
def wan(yuan: Decimal | None) -> str:
    """Decimal yuan as the bare number of 万元, for a column whose heading names the unit."""
    return display.NOTHING if yuan is None else money.format_wan(yuan)


@register.filter
def date_cn(day: date | datetime | None, today: date | None = None) -> str:
    """11月26日（周四）, with the year when it is not this year's. A moment gives its day in Chongqing; None gives a dash."""
    if day is None:
        return display.NOTHING
    if isinstance(day, datetime):
        day = moments.local_date(day)
    return display.date_cn(day, today=today or _today())


@register.filter
def moment_cn(moment: datetime | None, today: date | None = None) -> str:
    """11月26日（周四）18:00; a limit that ends at midnight as 24:00 of the day before; None gives a dash."""
    return display.NOTHING if moment is None else display.moment_cn(moment, today=today or _today())


@register.filter
def mask_phone(phone: str | None) -> str:
    """138****0012."""
    return display.mask_phone(phone or "")


@register.filter
def mask_name(name: str | None) -> str:
    """王**, or 重庆****有限公司."""
    return display.mask_name(name or "")


def _steps(items: Iterable[Any], current: int) -> list[dict[str, Any]]:
    """Steps with a state of done, now or later; `current` counts from 1, and one past the end means all are done."""
    rows: list[dict[str, Any]] = []
    for number, item in enumerate(items, start=1):
        row: dict[str, Any] = (
            {"label": item}
            if isinstance(item, str)
            else {n: _part(item, n) for n in ("label", "url", "detail", "state")}
        )
        row["number"] = number
        row["state"] = row.get("state") or ("done" if number < current else "now" if number == current else "later")
        rows.append(row)
    return rows


@register.inclusion_tag("components/steps.html")
def progress_steps(items: Iterable[Any], current: int) -> dict[str, Any]:
    """Steps of a form: names, or {label, url}; `current` counts from 1. The heading must say "第 2 步，共 4 步" itself."""
    return {"steps": _steps(items, current)}


@register.inclusion_tag("components/stages.html")
def stages(items: Iterable[Any], current: int = 0, label: str = "办理阶段") -> dict[str, Any]:
    """The stages of a case: names, or {label, detail, state}; current=0 draws the plan before anything began."""
    return {"stages": _steps(items, current) if current else _steps(items, 10**6), "plan": not current, "label": label}


@register.inclusion_tag("components/countdown.html")
def countdown(state: Any, percent: int | None = None, label: str = "时限") -> dict[str, Any]:
    """A lamp beside a bar of the time already used (whole percent, 0–100); no bar when percent is None."""
    code = _part(state, "code")
    return {"state": state, "code": code if code in {"y", "r", "p"} else "", "percent": percent, "label": label}


def _has_errors(form: Any) -> bool:
    if isinstance(form, BaseFormSet):
        return form.total_error_count() > 0
    return bool(form.errors)


@register.inclusion_tag("components/error_summary.html")
def error_summary(*forms: BaseForm | BaseFormSet[Any]) -> dict[str, Any]:
    """First thing on a page that came back: every error once more, in the same words, linked to its field."""
    rows: list[dict[str, str]] = []
    for form in _flat(forms):
        if not form.is_bound:
            continue
        rows += [{"text": str(message), "target": "", "label": ""} for message in form.non_field_errors()]
        for field in form:
            label = str(field.label)
            rows += [
                # A sentence that names its field already is not given the name twice.
                {"text": text, "target": field.auto_id, "label": "" if label in text else label}
                for text in map(str, field.errors)
            ]
    return {"rows": rows}


def _flat(forms: Iterable[BaseForm | BaseFormSet[Any]]) -> Iterable[BaseForm]:
    for form in forms:
        if isinstance(form, BaseFormSet):
            yield from form.forms
        elif form:  # an absent context variable arrives as an empty string
            yield form
