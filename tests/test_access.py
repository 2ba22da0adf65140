"""Every address is proven guarded: it says who may open it, visitors are sent to log in, the wrong role is refused."""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from portal.foundation.accounts.models import Role
from tests.factories import Person

SAMPLES: dict[str, Any] = {
    "int": 999999,
    "uuid": uuid.UUID(int=7),
    "str": "YZD202611230001X",
    "slug": "missing",
    "path": "missing",
}
# The machine interface guards itself with DRF permissions and has tests of its own.
ELSEWHERE = ("api/",)


def routes(patterns: list[Any] | None = None, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Every concrete address with a value of the right kind in each place, and its view."""
    for entry in get_resolver().url_patterns if patterns is None else patterns:
        piece = str(entry.pattern)
        for name, converter in entry.pattern.converters.items():
            kind = type(converter).__name__.replace("Converter", "").lower().replace("string", "str")
            sample = SAMPLES.get(kind, SAMPLES["str"])
            piece = piece.replace(f"<{kind}:{name}>", str(sample)).replace(f"<{name}>", str(sample))
        if isinstance(entry, URLResolver):
            yield from routes(entry.url_patterns, prefix + piece)
        elif isinstance(entry, URLPattern):
            yield "/" + prefix + piece, entry.callback


ALL = [(url, view) for url, view in routes() if not url.lstrip("/").startswith(ELSEWHERE)]
GUARDED = [(url, view.allowed_roles) for url, view in ALL if getattr(view, "allowed_roles", None) is not None]


def test_every_address_says_who_may_open_it() -> None:
    silent = [url for url, view in ALL if not hasattr(view, "allowed_roles")]
    assert silent == []


@pytest.mark.django_db
def test_a_visitor_is_sent_to_log_in_everywhere_it_matters(reference: None) -> None:
    visitor = Client()
    for url, _ in GUARDED:
        for method in ("get", "post"):
            answer = getattr(visitor, method)(url)
            assert answer.status_code in (302, 405), (method, url, answer.status_code)
            if answer.status_code == 302:
                assert answer.headers["Location"].startswith("/login/"), url


@pytest.mark.django_db
def test_the_wrong_role_is_refused_and_a_missing_object_is_404(
    ling: Person,
    bo: Person,
    bo_manager: Person,
    chen: Person,
    chief: Person,
    rui: Person,
    ada: Person,
    sena: Person,
    audi: Person,
) -> None:
    everybody = {
        Role.ENTERPRISE: ling,
        Role.OFFICER: bo,
        Role.MANAGER: bo_manager,
        Role.CLERK: chen,
        Role.CHIEF: chief,
        Role.REGULATOR: rui,
        Role.ADMIN: ada,
        Role.SECURITY: sena,
        Role.AUDIT: audi,
    }
    for url, roles in GUARDED:
        for role, person in everybody.items():
            answer = person.client.get(url)
            if roles and role not in roles:
                assert answer.status_code in (403, 405), (url, role, answer.status_code)
            else:
                assert answer.status_code in (200, 302, 400, 404, 405), (url, role, answer.status_code)
