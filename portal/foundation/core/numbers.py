"""Whole numbers out of addresses and hidden fields: what a browser sends may be anything."""

from django.http import HttpRequest

_ID_DIGITS = 18  # every id of the database and every cursor has fewer
_VERSION_DIGITS = 9


def whole(text: str | None, *, digits: int = _ID_DIGITS) -> int | None:
    """The number a text writes in up to `digits` plain digits; None for anything else, other scripts' digits too."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) <= digits else None


def version_of(request: HttpRequest, name: str = "version") -> int:
    """The version a form was filled in on, from its hidden field; -1, which no row has, for anything else."""
    found = whole(request.POST.get(name), digits=_VERSION_DIGITS)
    return -1 if found is None else found
