"""Logs that a machine can read and that may leave the house: one JSON object a line, ids instead of people, no typed values.

Every line written while a request, a delivery or a task is at work carries the number of the request that caused it. The
number is ours (nothing from outside is taken over), stands in the answer (`X-Request-Id`) and on error pages («编号»), and
travels with journal entries to the dispatcher and with messages to Celery's workers.
"""

import json
import logging
import re
import secrets
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

from .masking import masked

LONGEST = 2000  # characters of a message
FRAMES = 15  # of a traceback, the innermost

_request: ContextVar[Any] = ContextVar("portal_request", default=None)
_cause: ContextVar[str] = ContextVar("portal_cause", default="")

# These write down what came from outside (paths, host names, arguments): of them only the kind of event is kept.
_QUOTING = ("django.request", "django.security", "django.server", "celery.app.trace")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def new_id() -> str:
    """A number for a request: 16 hexadecimal digits, not to be guessed and not counted up."""
    return secrets.token_hex(8)


def request_id() -> str:
    """The number of the request this work is done for; empty for what nobody asked for (a sweep)."""
    request = _request.get()
    return str(getattr(request, "request_id", "")) if request is not None else _cause.get()


@contextmanager
def during(request: Any) -> Iterator[None]:
    """Lines written in the block belong to this request (which has its `request_id`)."""
    token = _request.set(request)
    try:
        yield
    finally:
        _request.reset(token)


@contextmanager
def caused_by(number: str) -> Iterator[None]:
    """Lines written in the block, and entries of the journal, go back to the request of this number."""
    token = _cause.set(number if re.fullmatch(r"[0-9a-f]{16}", number) else "")
    try:
        yield
    finally:
        _cause.reset(token)


def cause(number: str) -> None:
    """From now on, in this thread, the request of this number is at work (a worker's child, which does one task at a time)."""
    _cause.set(number if re.fullmatch(r"[0-9a-f]{16}", number) else "")


def adopt(name: str) -> None:
    """Let a logger that brings its own handlers (gunicorn's) write through ours."""
    logger = logging.getLogger(name)
    logger.handlers.clear()
    logger.propagate = True


class PlainFormatter(logging.Formatter):
    """For people beside the machine: a line, the traceback under it, both masked. No message can begin a line of its own."""

    def format(self, record: logging.LogRecord) -> str:
        copy = logging.makeLogRecord(record.__dict__)
        copy.msg, copy.args = _harmless(record.getMessage()), None
        number = request_id()
        return masked(super().format(copy)) + (f" [{number}]" if number else "")


class JsonFormatter(logging.Formatter):
    """One JSON object a line. Of an exception its types and places stay, never its words: they quote what people typed."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": _said(record),
            "process": record.process,
        }
        if number := request_id():
            line["request"] = number
        line |= _who(_request.get()) | getattr(record, "facts", {})
        if record.exc_info and record.exc_info[1] is not None:
            line["exception"] = _chain(record.exc_info[1])
            line["at"] = _places(record.exc_info[2])
        return json.dumps(line, ensure_ascii=False, default=lambda value: type(value).__name__)


def _said(record: logging.LogRecord) -> str:
    if record.name.startswith(_QUOTING):
        data = getattr(record, "data", None)
        task = f" {data['name']}" if isinstance(data, dict) and "name" in data else ""
        status = getattr(record, "status_code", "")
        return f"{record.name.rpartition('.')[2]}{task} {status}".strip()
    return _harmless(record.getMessage())


def _harmless(text: str) -> str:
    """Without line ends, control and direction characters, without numbers of people, and not endless."""
    text = _CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", masked(text))
    return text if len(text) <= LONGEST else text[:LONGEST] + "…"


def _who(request: Any) -> dict[str, Any]:
    """Route and ids of the request at work: the route's name and never its path, ids of people and never their names."""
    if request is None:
        return {}
    match, actor = getattr(request, "resolver_match", None), getattr(request, "actor", None)
    return {
        "route": match.view_name if match else "",
        "user": actor.user_id if actor else None,
        "organisation": actor.organisation_id if actor else None,
    }


def _chain(error: BaseException | None) -> list[str]:
    """The types of an exception and of those it came from, outermost first."""
    types: list[str] = []
    while error is not None and len(types) < 5:
        types.append(f"{type(error).__module__}.{type(error).__qualname__}")
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return types


def _places(trace: TracebackType | None) -> list[str]:
    frames = traceback.extract_tb(trace)[-FRAMES:]
    return [f"{'/'.join(frame.filename.split('/')[-3:])}:{frame.lineno} {frame.name}" for frame in frames]


def configuration(form: str, *, level: str) -> dict[str, Any]:
    """settings.LOGGING: everything to the console, in this form (plain, json), from this level on."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "plain": {
                "()": "portal.foundation.core.logs.PlainFormatter",
                "format": "{asctime} {levelname} {name} {message}",
                "style": "{",
            },
            "json": {"()": "portal.foundation.core.logs.JsonFormatter"},
        },
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": form}},
        "root": {"handlers": ["console"], "level": level},
        "loggers": {
            # Django would mail tracebacks, with what people typed in them, to ADMINS: errors go to the log and nowhere else.
            "django": {"handlers": [], "level": "INFO"},
            "fontTools": {"level": "WARNING"},
            "fido2": {"level": "WARNING"},
            "pikepdf": {"level": "WARNING"},
            "weasyprint": {"level": "ERROR"},
            "fontTools.subset": {"level": "ERROR"},
        },
    }
