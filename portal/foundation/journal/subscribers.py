"""Who hears what: handlers registered in `AppConfig.ready()`, called by the dispatcher after commit."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from .models import Entry

Handler = Callable[[Entry, datetime], None]


class Later(Exception):
    """Raised by a handler whose channel rests now (mail at night): try again at `until`; it does not count as a failure."""

    def __init__(self, until: datetime) -> None:
        super().__init__(until.isoformat())
        self.until = until


class Down(Later):
    """Raised by a handler whose channel does not work at all now (no mail server): nothing more is given to it until then.

    The message is not at fault, so nothing counts as a failure of it, and no other channel waits for this one.
    """


@dataclass(frozen=True, slots=True)
class Subscriber:
    name: str
    verbs: frozenset[str]  # empty: every verb
    handle: Handler

    def wants(self, verb: str) -> bool:
        return not self.verbs or verb in self.verbs


_registry: dict[str, Subscriber] = {}


def subscribe(name: str, handle: Handler, *, verbs: Iterable[str] = ()) -> None:
    """Register a handler. It may run more than once for an entry and must make the second time harmless."""
    if name in _registry and _registry[name].handle is not handle:
        raise RuntimeError(f"subscriber {name!r} is registered twice")
    _registry[name] = Subscriber(name=name, verbs=frozenset(verbs), handle=handle)


def subscribers() -> list[Subscriber]:
    return list(_registry.values())
