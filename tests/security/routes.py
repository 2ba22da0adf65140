"""Every address of the portal, read from its resolver, so that a new one cannot be forgotten."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.urls import URLResolver, get_resolver
from rest_framework.permissions import AllowAny

_KNOWN = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"})


@dataclass(frozen=True)
class Route:
    name: str  # as reverse() wants it
    objects: tuple[str, ...]  # names of the places in the address
    view: Any

    @property
    def machine(self) -> bool:
        return hasattr(self.view, "cls")

    @property
    def roles(self) -> tuple[str, ...] | None:
        """Who may open it by its own word: None is everybody, () whoever is logged in. KeyError when it says nothing."""
        if not self.machine:
            if not hasattr(self.view, "allowed_roles"):
                raise KeyError(f"{self.name} does not say who may open it")
            return self.view.allowed_roles  # type: ignore[no-any-return]
        (rule,) = self.view.initkwargs.get("permission_classes") or self.view.cls.permission_classes
        return None if rule is AllowAny else tuple(rule.roles)

    @property
    def methods(self) -> frozenset[str]:
        """The methods it takes by its own word, read from its decorators. KeyError when it says nothing."""
        if self.machine:
            listed = getattr(self.view, "actions", None) or {m: m for m in ("get", "post") if hasattr(self.view.cls, m)}
            return frozenset(m.upper() for m in listed) & _KNOWN
        view = self.view
        while view is not None:
            counts = (
                hasattr(view, "rates") and "rate" in view.__code__.co_freevars
            )  # core.rates: which methods it counts
            for cell in () if counts else view.__closure__ or ():
                said = cell.cell_contents
                if isinstance(said, (list, tuple)) and said and all(m in _KNOWN for m in said):
                    return frozenset(said)
            view = getattr(view, "__wrapped__", None)
        raise KeyError(f"{self.name} does not say which methods it takes")


def routes() -> Iterator[Route]:
    yield from _walk(get_resolver().url_patterns, "", ())


def _walk(patterns: list[Any], space: str, before: tuple[str, ...]) -> Iterator[Route]:
    for entry in patterns:
        pattern = entry.pattern
        places = (*before, *(pattern.converters or getattr(getattr(pattern, "regex", None), "groupindex", {})))
        if isinstance(entry, URLResolver):
            yield from _walk(entry.url_patterns, f"{space}{entry.namespace}:" if entry.namespace else space, places)
        else:
            yield Route(f"{space}{entry.name}", places, entry.callback)


ROUTES = list(routes())
