"""The trace of a refusal: each time the portal says no, one append-only row says to whom, where and why.

`RefusalMiddleware` notes what an answer shows by its status; `note` is for refusals that no answer carries (a wrong
password is a page like any other). Never a typed value, never a path, and of the address only a digest.
"""

import logging
import uuid
from collections.abc import Callable, Iterable
from contextlib import closing
from datetime import datetime
from typing import Any

import psycopg2
from django.conf import settings
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import resolve_url

from portal.foundation.core import moments
from portal.foundation.core.actor import Actor
from portal.foundation.core.addresses import digest, network

log = logging.getLogger(__name__)

# What an answer's status says; more precise where a handler left a mark on the request.
KINDS = {
    400: "unreadable",
    401: "no-key",
    403: "not-allowed",
    404: "not-yours",
    409: "conflict",
    413: "too-large",
    415: "wrong-type",
    422: "other-body",
    429: "too-many",
}
LOG_IN_FIRST = "log-in-first"
NOTHING_THERE = "nothing-there"
_COLUMNS = (
    "kind", "at", "status", "actor_id", "role", "organisation_id", "method", "route", "address", "request_id", "subject",
    "detail",
)  # fmt: skip
_INSERT = f"INSERT INTO journal_refusal ({', '.join(_COLUMNS)}) VALUES ({', '.join(['%s'] * len(_COLUMNS))})"  # noqa: S608
# Of a visitor who knocks at one page again and again, one row a minute: nobody fills the table by knocking.
_INSERT_ONCE = f"""
INSERT INTO journal_refusal ({", ".join(_COLUMNS)}) SELECT {", ".join(["%s"] * len(_COLUMNS))}
 WHERE NOT EXISTS (SELECT FROM journal_refusal WHERE address = %s AND kind = %s AND route = %s AND at > %s - interval '1 minute')
"""  # noqa: S608 — constants


def note(
    kind: str,
    *,
    request: HttpRequest | None,
    actor: Actor | None,
    now: datetime,
    subject: str = "",
    detail: str = "",
) -> None:
    """Write one refusal; `kind` ≤ 40 characters, `subject` like `pledge:17`, `detail` ≤ 200 and never a typed value.

    It never raises, and it stays when the transaction it is called in is rolled back: with a request it is written when the
    answer is ready, without one by a connection of its own.
    """
    _note(kind, request=request, actor=actor, now=now, subject=subject, detail=detail, status=None)


def address_of(request: HttpRequest) -> str:
    """The digest under which an address stands in the table: the same one each time, and no way back."""
    return digest("refusals", network(request))


def _note(
    kind: str,
    *,
    request: HttpRequest | None,
    actor: Actor | None,
    now: datetime,
    subject: str,
    detail: str,
    status: int | None,
) -> None:
    try:
        found = request.resolver_match if request is not None else None
        values: list[Any] = [
            kind[:40],
            now,
            status,
            (actor.user_id or None) if actor else None,
            actor.role if actor else "",
            (actor.organisation_id or None) if actor else None,
            (request.method or "")[:8] if request is not None else "",
            (found.view_name or "")[:80] if found else "",
            address_of(request) if request is not None else "",
            str(getattr(request, "request_id", ""))[:64],
            subject[:80],
            detail[:200],
        ]
        waiting: list[list[Any]] | None = getattr(request, "refusals", None)
        if waiting is not None:
            waiting.append(values)
        elif connection.in_atomic_block and request is None:
            _write_apart(values)
        else:
            _write([values])
    except Exception:  # a trace must never cost the answer
        log.exception("a refusal of kind %s could not be noted", kind[:40])


def _write(rows: Iterable[list[Any]]) -> None:
    """In a savepoint where a transaction is open (tests), so that a failure here spoils nothing."""
    with transaction.atomic(), connection.cursor() as cursor:
        for values in rows:
            cursor.execute(*_statement(values))


def _write_apart(values: list[Any]) -> None:
    with closing(psycopg2.connect(**connection.get_connection_params())) as apart:
        apart.autocommit = True
        with apart.cursor() as cursor:
            cursor.execute(*_statement(values))


def _statement(values: list[Any]) -> tuple[str, list[Any]]:
    row = dict(zip(_COLUMNS, values, strict=True))
    if row["actor_id"] is None and row["address"]:
        return _INSERT_ONCE, [*values, row["address"], row["kind"], row["route"], row["at"]]
    return _INSERT, values


class RefusalMiddleware:
    """Notes what the answer says no to, and writes what the views noted meanwhile. No query where nothing was refused."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.refusals = waiting = []  # type: ignore[attr-defined, var-annotated]
        response = self.get_response(request)
        kind = _kind(request, response)
        if kind and not waiting:  # who noted it by itself said it better
            _note(
                kind,
                request=request,
                actor=getattr(request, "actor", None),
                now=moments.now(),
                subject=str(getattr(request, "refused_about", "")) or _subject(request),
                detail=_reason(request, response),
                status=response.status_code,
            )
        if waiting:
            try:
                _write(waiting)
            except Exception:  # a trace must never cost the answer
                log.exception("%d refusals could not be written", len(waiting))
        del request.refusals  # type: ignore[attr-defined]
        return response


def _kind(request: HttpRequest, response: HttpResponse) -> str:
    """What kind of refusal an answer is; empty for everything else."""
    actor, status = getattr(request, "actor", None), response.status_code
    mark = str(getattr(request, "refused_as", ""))
    if status == 429 and getattr(request, "refused_again", False):
        return ""  # a flood (core.rates): its first refusal has its row
    if status == 302:
        login = resolve_url(settings.LOGIN_URL)
        sent = response.headers.get("Location", "").partition("?")[0] == login
        return mark or (LOG_IN_FIRST if sent and actor is None and request.resolver_match else "")
    if status == 400:
        return mark  # a form that has mistakes is no refusal
    if status == 404 and not request.resolver_match:
        return ""  # a page that never was
    if status == 404 and actor is None:
        return (
            mark or NOTHING_THERE
        )  # a guessed code or token, the wrong one for the figures: once a minute, as all visitors'
    return mark or KINDS.get(status, "")


def _subject(request: HttpRequest) -> str:
    """Which object was tried, when its name is a number of ours; words from the address are left out."""
    places = request.resolver_match.kwargs if request.resolver_match else {}
    return " ".join(f"{name}:{value}" for name, value in places.items() if isinstance(value, (int, uuid.UUID)))


def _reason(request: HttpRequest, response: HttpResponse) -> str:
    """The code of the domain's refusal, where there was one."""
    data = getattr(response, "data", None)
    return str(getattr(request, "refused_because", "") or (data.get("code", "") if isinstance(data, dict) else ""))
