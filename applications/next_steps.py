"""«现在该做什么»: what waits for the enterprise, told by this app and by the apps that stand on it.

A request goes on above this floor (the pledge file), but the enterprise wants one list. An app above registers a `Source`
from its `AppConfig.ready()`; nothing here knows who that is.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from portal.foundation.core.actor import Actor

from .models import Application

PLEDGE = "pledge"  # the step that hands the case to the pledge file
NEXT = "next"  # the step that authorises the next lenders, which has a card of its own on the page of the case


@dataclass(frozen=True, slots=True)
class NextStep:
    """One thing only the enterprise can do. `due` is a sentence about the limit, `until` the day it sorts by (None: last)."""

    case_number: str
    title: str
    text: str
    action: str  # the button's words
    url: str
    due: str = ""
    until: date | None = None
    about: str = ""  # which request, in words
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
    running: bool = True  # False: it ended without result, so the step that began it is offered again


@dataclass(frozen=True, slots=True)
class Source:
    """Both answer in at most one query.

    `steps` is asked for the enterprise's live cases and gives those it has in hand, by number: with what is to be done, or
    with an empty list when it is somebody else's turn. It may add finished cases of this enterprise on which something is
    to be done again. `panel` is asked for one case.
    """

    steps: Callable[[Actor, Sequence[Application], datetime], Mapping[str, Sequence[NextStep]]]
    panel: Callable[[Actor, Application, datetime], Panel | None]


_sources: dict[str, Source] = {}


def register(name: str, source: Source) -> None:
    """Called once a process from AppConfig.ready()."""
    _sources[name] = source


def from_above(actor: Actor, cases: Sequence[Application], *, now: datetime) -> dict[str, list[NextStep]]:
    """What the apps above want the enterprise to do in those of these cases that they have in hand, by number."""
    found: dict[str, list[NextStep]] = {}
    for source in _sources.values():
        for number, steps in source.steps(actor, cases, now).items():
            found.setdefault(number, []).extend(steps)
    return found


def panels(actor: Actor, case: Application, *, now: datetime) -> list[Panel]:
    """What the apps above show on the page of this case."""
    found = [source.panel(actor, case, now) for source in _sources.values()]
    return [panel for panel in found if panel is not None]
