"""Pages of a long list by key, never by number: a cursor is the (moment, id) of a row, so page 10,000 costs what page 1 does."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from django.db.models import Q

PAGE = 50
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Cursor:
    """The place between two rows of a list ordered by (at, id)."""

    at: datetime
    id: int

    @property
    def text(self) -> str:
        return f"{self.at.isoformat()}~{self.id}"


def parse(text: str) -> Cursor | None:
    """A cursor out of an address; None for anything else, which shows the first page."""
    at, _, number = text.partition("~")
    try:
        moment = datetime.fromisoformat(at.replace(" ", "+"))
        cursor = Cursor(moment, int(number))
    except ValueError:
        return None
    return cursor if moment.tzinfo is not None and 0 <= cursor.id < 2**63 else None


@dataclass(frozen=True, slots=True)
class Place:
    """Which page is wanted: the rows after a cursor, those before it, or the first ones."""

    cursor: Cursor | None = None
    backwards: bool = False

    @classmethod
    def of(cls, *, before: str, after: str) -> "Place":
        if cursor := parse(before):
            return cls(cursor, backwards=True)
        return cls(parse(after))


def beyond(moment: str, cursor: Cursor, *, downwards: bool) -> Q:
    """The rows on the far side of a cursor in a list ordered by (`moment`, pk)."""
    sign = "lt" if downwards else "gt"
    return Q(**{f"{moment}__{sign}": cursor.at}) | Q(**{moment: cursor.at, f"pk__{sign}": cursor.id})


@dataclass(frozen=True, slots=True)
class Page(Generic[R]):
    """The rows of one page; `before` and `after` are the cursors of its neighbours, empty where there is none."""

    rows: Sequence[R]
    before: str
    after: str


def page(fetched: Sequence[R], place: Place, cursors: Sequence[Cursor], *, size: int = PAGE) -> Page[R]:
    """Cut a page out of up to size + 1 rows, fetched in the direction of `place` (backwards: nearest first)."""
    more = len(fetched) > size
    rows, marks = list(fetched[:size]), list(cursors[:size])
    if place.backwards:
        rows.reverse()
        marks.reverse()
    back = more if place.backwards else place.cursor is not None
    forth = place.backwards or more
    return Page(rows, marks[0].text if rows and back else "", marks[-1].text if rows and forth else "")
