"""Every address of the portal, read from its resolver, so that a new one cannot be forgotten."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.urls import URLResolver, get_resolver


@dataclass(frozen=True)
class Route:
    name: str  # as reverse() wants it
    objects: tuple[str, ...]  # names of the places in the address
    view: Any


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
