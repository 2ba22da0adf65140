"""How a mutant changes the portal: a name in a module wherever it was imported, or a piece of a statement's text."""

import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

_OURS = ("portal.", "applications.", "pledges.", "products.", "banks.")
_undo: list[Callable[[], None]] = []


def put(owner: Any, name: str, value: Any) -> Any:
    """Set an attribute; returns what was there. Raises AttributeError when there is none: a mutant must hit something."""
    before = getattr(owner, name)
    setattr(owner, name, value)
    _undo.append(lambda: setattr(owner, name, before))
    return before


def everywhere(module: ModuleType, name: str, value: Any) -> Any:
    """Exchange a function in its module and in every module of ours that has imported it by name; returns the old one."""
    before = getattr(module, name)
    for path, other in list(sys.modules.items()):
        if other is not None and path.startswith(_OURS):
            for own, found in list(vars(other).items()):
                if found is before:
                    put(other, own, value)
    return before


def swap(module: ModuleType, name: str, old: str, new: str, *, times: int = 1) -> None:
    """Exchange a piece of a statement's text. Raises LookupError when it stands there another number of times."""
    text: str = getattr(module, name)
    if text.count(old) != times:
        raise LookupError(
            f"{module.__name__}.{name} has {old!r} {text.count(old)} times, not {times}: adapt the mutant"
        )
    put(module, name, text.replace(old, new))


def afterwards(undo: Callable[[], object]) -> None:
    """Remember how to take back what no assignment takes back."""
    _undo.append(lambda: (undo(), None)[1])


def restore() -> None:
    """Undo everything, newest first (for tests, which go on in the same process)."""
    while _undo:
        _undo.pop()()
