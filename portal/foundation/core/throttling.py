"""The limit of the machine interface: whoever calls, by person or by line; one caller's flood is no other's wait."""

from datetime import timedelta
from typing import Any

from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from . import addresses, moments, rates
from .rates import Rate, Wait

CALLS = Rate("api", 600, timedelta(minutes=1))


class CallThrottle(BaseThrottle):
    """429 with Retry-After, counted in PostgreSQL (core.rates)."""

    def allow_request(self, request: Request, view: Any) -> bool:
        self._refused: Wait | None = rates.take(CALLS, addresses.visitor(request._request), now=moments.now())
        request._request.refused_again = self._refused is not None and self._refused.again  # type: ignore[attr-defined]
        return self._refused is None

    def wait(self) -> float | None:
        return float(self._refused.seconds) if self._refused else None
