"""Every route × every role × {own, foreign, missing} object × every method, and what each cell must answer.

Nothing is listed here: the routes come from the resolver, who may open one and with which methods from the view's own
decorators, the objects from TABLE (test_strangers.py), which fails when a route with an object is missing from it.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse

from portal.foundation.core import rates
from portal.foundation.journal.models import Refusal

from .routes import ROUTES, Route
from .test_strangers import EVERYBODY, NOWHERE, PUBLIC, TABLE, Row
from .world import World

pytestmark = pytest.mark.django_db

METHODS = ("get", "post", "put", "delete")
OWN, FOREIGN, MISSING, NONE = "own", "foreign", "missing", "none"


@dataclass(frozen=True)
class Cell:
    """One question: who asks what of whose, by which method."""

    route: Route
    who: str
    method: str
    relation: str
    place: str = ""  # which of the objects in the address is missing


def row_of(route: Route) -> Row | None:
    """Two addresses may share a name, one of them without a place."""
    return TABLE.get(route.name) if route.objects else None


def cells() -> Iterator[Cell]:
    for route in ROUTES:
        row = row_of(route)
        for who in sorted(EVERYBODY):
            for method in METHODS:
                if row is None:
                    yield Cell(route, who, method, NONE)
                    continue
                yield Cell(route, who, method, OWN if who in row.known_to else FOREIGN)
                for place in route.objects:
                    if place not in (row.fixed or {}):
                        yield Cell(route, who, method, MISSING, place)


def test_every_view_says_who_may_open_it_and_by_which_methods() -> None:
    silent = []
    for route in ROUTES:
        try:
            assert route.methods
            assert route.roles is None or isinstance(route.roles, tuple)
        except KeyError as error:
            silent.append(str(error))
    assert silent == []


def test_the_matrix_has_a_cell_for_every_route_role_and_relation() -> None:
    """The world has somebody in every role there is; a route with an object is in the table or declared public."""
    there = Counter((id(cell.route), cell.relation) for cell in cells())
    for route in ROUTES:
        if not route.objects or route.name in PUBLIC:
            assert there[id(route), NONE] == len(EVERYBODY) * len(METHODS), route.name
            continue
        row = TABLE[route.name]
        free = [place for place in route.objects if place not in (row.fixed or {})]
        assert there[id(route), OWN] + there[id(route), FOREIGN] == len(EVERYBODY) * len(METHODS), route.name
        assert there[id(route), MISSING] == len(EVERYBODY) * len(METHODS) * len(free), route.name
        assert free, f"{route.name}: every place of its address is fixed, so nobody's object is tried"


def expected(cell: Cell, role: str | None) -> set[int]:
    """What this cell may answer, by the declarations alone. `role` is None for a visitor."""
    route = cell.route
    if cell.method in ("put", "delete"):
        return {405}
    if route.name == "metrics":  # without its token it does not exist
        return {404} if cell.method == "get" else {405}
    declared = cell.method.upper() in route.methods
    if route.roles is not None and role is None:
        return {401, 403} if route.machine else {302} if declared else {302, 405}
    if route.roles and role not in route.roles:
        return {403} if declared else {403, 405}
    if not declared:
        return {405}
    if cell.relation in (FOREIGN, MISSING) and compared(cell):
        return {403, 404}
    if cell.relation in (FOREIGN, MISSING):  # of one who may see it, but not do this: a conflict says so too
        return {302, 400, 403, 404, 409}
    return {200, 204, 302, 303, 304, 400, 403, 409, 413, 415, 429} | ({503} if route.name == "healthz-deep" else set())


def compared(cell: Cell) -> bool:
    """Whether the table says that this method does not tell a foreign object from a missing one."""
    row = row_of(cell.route)
    return row is not None and cell.method in row.method.split()


def bare(body: bytes, address: str) -> str:
    """A page without what differs on every request: the CSRF token and the address itself."""
    text = re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", body.decode(errors="replace"))
    return text.replace(address, "").replace(address.replace("/", "%2F"), "")


def ask(client: Client, method: str, url: str) -> tuple[int, str]:
    """One request whose effects are taken back, so that the next one finds the same world."""
    saved, cookies = transaction.savepoint(), client.cookies.copy()
    answer = getattr(client, method)(url)
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content
    transaction.savepoint_rollback(saved)
    transaction.savepoint_commit(saved)  # ends it; twenty thousand, one in the other, are more than the server holds
    rates.forget()  # the counts are taken back too
    # Whoever logged out in one cell is there in the next, and «saved» of one is not the news of the other.
    client.cookies = cookies
    client.cookies.pop("messages", None)
    location = answer.headers.get("Location", "").replace(url, "")
    return answer.status_code, bare(body, url) + location


def address(cell: Cell, world: World) -> str:
    row = row_of(cell.route)
    if row is not None:
        real = row.real(world)
        if cell.place:
            assert cell.place not in (row.fixed or {})
            real = {**real, cell.place: NOWHERE[cell.place]}
        return reverse(cell.route.name, kwargs=real)
    if not cell.route.objects:
        return reverse(cell.route.name)
    return public_address(cell.route, world)


def public_address(route: Route, world: World) -> str:
    """An address whose place names nothing of anybody's, with something that is there."""
    there: dict[str, dict[str, Any]] = {
        "products:detail": {"pk": world.product.pk},
        "products:version": {"pk": world.product.pk, "number": 1},
        "api-product-detail": {"pk": world.product.pk},
        "supervision-policy-new": {"kind": "response"},
        "supervision-scheme": {"code": "household"},
        "subsidy-scheme": {"code": "interest-500157"},
        "subsidy-apply": {"code": "interest-500157"},
        "quota-tool": {"code": "special"},
        "quota-eligible": {"code": "special"},
        "valuations:decide": {"scene": "finance"},
    }
    return reverse(route.name, kwargs=there[route.name])


def test_attack_26_every_route_every_role_own_foreign_and_missing(world: World) -> None:
    """Wai, Cui and everybody else try every address with Ling's objects in it: 404 with the page of a missing one.

    The wrong role is told so (403), a visitor sent to log in, a wrong method refused (405); Ling herself is let through.
    """
    clients = {name: person.client for name, person in world.people.items() if name in EVERYBODY}
    clients["visitor"] = Client()
    roles = {name: None if name == "visitor" else str(world.people[name].membership.role) for name in clients}
    wrong, asked, seen = [], 0, Counter[str]()
    answered: dict[tuple[str, str, str], tuple[int, str]] = {}
    for cell in cells():
        status, page = ask(clients[cell.who], cell.method, address(cell, world))
        asked += 1
        seen[cell.relation] += 1
        about = f"{cell.method} {cell.route.name} as {cell.who} ({cell.relation} {cell.place})"
        if cell.route.name in PUBLIC and status == 404:
            status = 200  # what it shows may not be there for this role; it is nobody's secret
        if status not in expected(cell, roles[cell.who]):
            wrong.append(f"{about}: {status}, expected {sorted(expected(cell, roles[cell.who]))}")
        key = (cell.route.name, cell.who, cell.method)
        if cell.relation == FOREIGN:
            answered[key] = (status, page)
        elif cell.relation == MISSING and compared(cell) and key in answered and answered[key] != (status, page):
            wrong.append(f"{about}: {status}, a foreign one answers {answered[key][0]} or another page")
    total = sum(1 for _ in cells())
    print(
        f"\nmatrix: {asked} of {total} cells asked ({', '.join(f'{n} {k}' for k, n in seen.items())}), {len(ROUTES)} routes"
    )
    assert wrong == [], f"{len(wrong)} cells:\n" + "\n".join(wrong[:60])
    assert asked == total > 10_000


def test_a_foreign_object_leaves_its_trace(world: World) -> None:
    """Wai opens a request of Ling: the row names Wai, the address and nothing of what is in it."""
    assert world.wai.client.get(reverse("case", args=[world.offered.number])).status_code == 404
    row = Refusal.objects.latest("id")
    assert (row.kind, row.route, row.actor_id) == ("not-yours", "case", world.wai.user.pk)
