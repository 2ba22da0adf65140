"""Idempotency-Key: a machine that did not get its answer sends the same again and gets the answer of the first time.

The key belongs to the caller, the address and the body: with another body it is 422, while the first one is still at work
409, and so it is for a minute when the process died between the deed and the keeping of its answer; then the question is
worked on once more, and the deed itself says what became of it. Only what succeeded is kept, for a day; what was refused may be tried again under the same key.
"""

import hashlib
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import wraps
from typing import Any

from django.db import connection
from django.http import HttpRequest
from rest_framework.request import Request
from rest_framework.response import Response

from . import moments
from .addresses import digest, visitor
from .errors import DomainError, Invalid, WrongState
from .models import OnceAnswer

Action = Callable[..., Response]

KEPT = timedelta(days=1)
LEASE = timedelta(seconds=60)  # a process that died at work: the same question may be worked on again
_TAKE = """
INSERT INTO core_onceanswer AS o (key, body, at) VALUES (%(key)s, %(body)s, %(now)s)
ON CONFLICT (key) DO UPDATE SET at = excluded.at, body = excluded.body, status = NULL, answer = NULL
    WHERE (o.status IS NULL AND o.body = excluded.body AND o.at < %(now)s - %(lease)s) OR o.at < %(now)s - %(kept)s
RETURNING 1
"""


class OtherBody(DomainError):
    """The same key, another question."""

    status = 422


def once(action: Action) -> Action:
    """For the POST of a viewset: with the header Idempotency-Key it happens once, whoever sends it how often."""

    @wraps(action)
    def kept(view: Any, request: Request, *args: Any, **kwargs: Any) -> Response:
        # The nonce of a signed call is its key, and the header is nothing there: nobody signed it, so whoever replays a call
        # could change it and have the effect a second time.
        nonce = str(getattr(request.auth, "nonce", ""))
        given = nonce or request.headers.get("Idempotency-Key", "")
        if not given:
            return action(view, request, *args, **kwargs)
        if not (8 <= len(given) <= 200 and given.isascii() and given.isprintable()):
            raise Invalid("idempotency_key", "Idempotency-Key 应为 8 到 200 个可见字符，例如一个 UUID。")
        key, body = _key(request._request, given), _body(request)
        if not _mine(key, body, now=moments.now()):
            return _again(key, body)
        try:
            answer = action(view, request, *args, **kwargs)
        except BaseException:
            OnceAnswer.objects.filter(key=key).delete()
            raise
        OnceAnswer.objects.filter(key=key).update(status=answer.status_code, answer=answer.data)
        return answer

    return kept


def tidy(*, now: datetime) -> int:
    """Forget the answers of the day before yesterday."""
    gone, _ = OnceAnswer.objects.filter(at__lt=now - KEPT).delete()
    return gone


def _key(request: HttpRequest, given: str) -> str:
    actor = getattr(request, "actor", None)
    who = f"{visitor(request)}/{actor.organisation_id if actor else 0}"
    return digest("once", f"{who}:{given}")


def _body(request: Request) -> str:
    said = json.dumps([request.method, request.path, request.data], sort_keys=True)
    return hashlib.sha256(said.encode()).hexdigest()


def _mine(key: str, body: str, *, now: datetime) -> bool:
    """Whether this caller is the one that does it."""
    values: dict[str, Any] = {"key": key, "body": body, "now": now, "lease": LEASE, "kept": KEPT}
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, values)
        return cursor.fetchone() is not None


def _again(key: str, body: str) -> Response:
    first = OnceAnswer.objects.filter(key=key).first()
    if first is not None and first.body != body:
        raise OtherBody("other_body", "同一个 Idempotency-Key 已用于另一份内容。请换一个新的键再提交。")
    if first is None or first.status is None:
        raise WrongState("in_progress", "同一个请求正在办理，请稍候再用同一个键查询结果。")
    return Response(first.answer, status=first.status)
