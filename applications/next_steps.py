"""«现在该做什么»: what waits for the enterprise, told by this app and by the apps that stand on it.

A request goes on above this floor (the pledge file), but the enterprise wants one list. An app above registers a `Source`
from its `AppConfig.ready()`; nothing here knows who that is.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar

from portal.foundation.core.actor import Actor

from .models import Application


@dataclass(frozen=True, slots=True)
class NextStep:
    """One thing only the enterprise can do. `due` is a sentence about the limit, `until` the day it sorts by (None: last)."""

    PLEDGE: ClassVar[str] = "pledge"

    case_number: str
    title: str
    text: str
    action: str  # the button's words
    url: str
    due: str = ""
    until: date | None = None
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Panel:
    """A card on the page of a case, about what another app does with it. `tag_kind` is ok, warn, bad, info or empty.

    `todo` says that the action is the enterprise's turn: the card then stands under «现在该做什么».
    """

    title: str
    text: str
    url: str
    action: str
    tag: str = ""
    tag_kind: str = ""
    number: str = ""
    todo: bool = False


@dataclass(frozen=True, slots=True)
class Source:
    """Both answer in at most one query. `steps` is asked for the enterprise's live cases, `panel` for one case."""

    steps: Callable[[Actor, Sequence[Application], datetime], Sequence[NextStep]]
    panel: Callable[[Actor, Application, datetime], Panel | None]


_sources: dict[str, Source] = {}


def register(name: str, source: Source) -> None:
    """Called once a process from AppConfig.ready()."""
    _sources[name] = source


def from_above(actor: Actor, cases: Sequence[Application], *, now: datetime) -> list[NextStep]:
    """What the apps above want the enterprise to do in these cases."""
    return [step for source in _sources.values() for step in source.steps(actor, cases, now)] if cases else []


def panels(actor: Actor, case: Application, *, now: datetime) -> list[Panel]:
    """What the apps above show on the page of this case."""
    found = [source.panel(actor, case, now) for source in _sources.values()]
    return [panel for panel in found if panel is not None]
