"""One page of a list ordered by id, newest first: by key, never by number, so page 10,000 costs what page 1 does."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from django.db.models import Model
from django.http import HttpRequest

from .numbers import whole

if TYPE_CHECKING:
    from django.db.models import QuerySet

M = TypeVar("M", bound=Model)


@dataclass(frozen=True, slots=True)
class Page(Generic[M]):
    """The rows; `before` and `after` are the cursors of the neighbouring pages, empty where there is nothing more."""

    rows: list[M]
    before: str
    after: str


def page_of(found: "QuerySet[M]", request: HttpRequest, *, size: int) -> Page[M]:
    """The page an address asks for: `?after=` goes on with older rows, `?before=` back to newer ones; nonsense is page 1.

    `found` is ordered by descending id. One query of up to size + 1 rows.
    """
    before, after = whole(request.GET.get("before")), whole(request.GET.get("after"))
    if before is not None:
        rows = list(found.filter(pk__gt=before).order_by("pk")[: size + 1])
        newer, rows = len(rows) > size, list(reversed(rows[:size]))
        older = bool(rows)
    else:
        rows = list((found.filter(pk__lt=after) if after is not None else found)[: size + 1])
        older, rows = len(rows) > size, rows[:size]
        newer = after is not None and bool(rows)
    return Page(rows, str(rows[0].pk) if newer else "", str(rows[-1].pk) if older else "")
