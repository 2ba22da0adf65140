"""Every route × every role × {own, foreign, missing} object × every method, and what each cell must answer.

Nothing is listed here: the routes come from the resolver, who may open one and with which methods from the view's own
decorators, the objects from TABLE (test_strangers.py), which fails when a route with an object is missing from it.
"""

import copy
import logging
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse

from portal.foundation.accounts.models import Role
from portal.foundation.core import rates
from portal.foundation.journal.models import Refusal

from .routes import ROUTES, Route
from .test_strangers import EVERYBODY, NOWHERE, PUBLIC, TABLE, Row
from .world import World

pytestmark = pytest.mark.django_db

METHODS = ("get", "post")
NEVER = ("put", "delete")  # no page knows them: the same 405 to everybody, before anybody asks who it is
OWN, FOREIGN, MISSING, NONE = "own", "foreign", "missing", "none"
NAMED_IN_THE_FORM = ("seat", "pledges:correct")  # what is meant stands in the form; this one is empty, so there is none
GONE_IS_DONE = ("apply:detach",)  # pressed twice: what is no longer there needs no removing, in one's own draft
NEVER_ASKED = "whatever"  # the object is not looked at
ROLE = {
    "ling": Role.ENTERPRISE,
    "wai": Role.ENTERPRISE,
    "bo": Role.OFFICER,
    "cui": Role.OFFICER,
    "gu": Role.OFFICER,
    "duan": Role.OFFICER,
    "bo_manager": Role.MANAGER,
    "chen": Role.CLERK,
    "chief": Role.CHIEF,
    "rui": Role.REGULATOR,
    "ada": Role.ADMIN,
    "sena": Role.SECURITY,
    "audi": Role.AUDIT,
}


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


def cells(routes: Iterable[Route] = ROUTES) -> Iterator[Cell]:
    """Every cell of these routes. Who is refused for the role (or for having none) is refused before anything is looked for:
    a foreign object and a missing one are then the same question, asked once."""
    for route in routes:
        row = row_of(route)
        for who in sorted(EVERYBODY):
            for method in METHODS:
                if row is None:
                    yield Cell(route, who, method, NONE)
                    continue
                yield Cell(route, who, method, OWN if who in row.known_to else FOREIGN)
                for place in route.objects if let_in(route, who) else ():
                    if place not in (row.fixed or {}):
                        yield Cell(route, who, method, MISSING, place)
        for who in ("visitor", "ling"):
            for method in NEVER:
                yield Cell(route, who, method, NEVER_ASKED)


def let_in(route: Route, who: str) -> bool:
    """Whether this person's role may open the address at all."""
    if route.roles is None:
        return True
    return who != "visitor" and (not route.roles or ROLE[who] in route.roles)


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
        inside = sum(let_in(route, who) for who in EVERYBODY)
        assert inside, f"{route.name}: nobody of the world may open it"
        assert there[id(route), MISSING] == inside * len(METHODS) * len(free), route.name
        assert free, f"{route.name}: every place of its address is fixed, so nobody's object is tried"


def expected(cell: Cell, role: str | None) -> set[int]:
    """What this cell may answer, by the declarations alone. `role` is None for a visitor."""
    route = cell.route
    if cell.method in NEVER:
        return {405}
    if route.name == "metrics" and declared(cell):
        return {404}  # a machine's, with its token; no person has one (portal/metrics.py)
    if route.name == "api-schema" and role is None:
        return {404}  # attack 2: there is none for a visitor (portal/api.py)
    if route.roles is not None and role is None:
        return {401, 403} if route.machine else {302} if declared(cell) else {302, 405}
    if route.roles and role not in route.roles:
        return {403} if declared(cell) else {403, 405}
    if not declared(cell):
        return {405}
    if cell.relation == MISSING and cell.place == "ref" and route.name in GONE_IS_DONE:
        return {302, 403, 404}
    if cell.relation in (FOREIGN, MISSING) and compared(cell):
        return {403, 404}
    if cell.relation in (FOREIGN, MISSING):  # of one who may see it, but not do this: a conflict says so too
        return {400, 403, 404, 409}
    if route.name in NAMED_IN_THE_FORM and cell.method == "post":
        return {404, 409}
    return {200, 204, 302, 303, 304, 400, 403, 409, 413, 415, 422, 429} | (
        {503} if route.name == "healthz-deep" else set()
    )


def declared(cell: Cell) -> bool:
    """Whether the view takes this method by its own word."""
    return cell.method.upper() in cell.route.methods


def compared(cell: Cell) -> bool:
    """Whether the table says that this method does not tell a foreign object from a missing one."""
    row = row_of(cell.route)
    return row is not None and cell.method in row.method.split()


def bare(body: bytes, address: str) -> str:
    """A page without what differs on every request: the CSRF token, the request's number and the address itself."""
    text = re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", body.decode(errors="replace"))
    text = re.sub(r'编号：<span class="mono">[0-9a-f]{16}</span>', "", text)
    return text.replace(address, "").replace(address.replace("/", "%2F"), "")


def ask(client: Client, method: str, url: str) -> tuple[int, str]:
    """One request whose effects are taken back, so that the next one finds the same world and the same person.

    The cookies too: the answer to a log-out, or to a log-in, would make somebody else of the client for all that follows.
    """
    jar = copy.deepcopy(client.cookies)
    saved = transaction.savepoint()
    answer = getattr(client, method)(url)
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content
    transaction.savepoint_rollback(saved)
    transaction.savepoint_commit(saved)  # ends it; twenty thousand, one in the other, are more than the server holds
    rates.forget()  # the counts are taken back too
    client.cookies = jar  # nor is «saved» of the request before the news of the next
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


@pytest.fixture
def _government_and_scraper_are_there(settings: Any) -> Iterator[None]:
    """Addresses that exist only with their setting are tried with it; refusals by the thousand need no log."""
    settings.SSO_ISSUER, settings.SSO_CLIENT_ID = "http://127.0.0.1:9", "portal"  # nobody listens there
    settings.METRICS_TOKEN = "a token that none of these people has"
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.usefixtures("_government_and_scraper_are_there")
@pytest.mark.parametrize("half", [0, 1])  # two workers share it
def test_attack_26_every_route_every_role_own_foreign_and_missing(world: World, half: int) -> None:
    """Wai, Cui and everybody else try every address with Ling's objects in it: 404 with the page of a missing one.

    The wrong role is told so (403), a visitor sent to log in, a wrong method refused (405); Ling herself is let through.
    """
    clients = {name: person.client for name, person in world.people.items() if name in EVERYBODY}
    clients["visitor"] = Client()
    assert {name: str(world.people[name].membership.role) for name in clients if name != "visitor"} == ROLE
    routes = ROUTES[half::2]
    wrong, asked, seen = defaultdict[str, list[str]](list), 0, Counter[str]()
    answered: dict[tuple[str, str, str], tuple[int, str]] = {}
    closed = {route.name for route in routes if row_of(route)}  # to everybody, as far as was seen
    for cell in cells(routes):
        status, page = ask(clients[cell.who], cell.method, address(cell, world))
        asked += 1
        seen[cell.relation] += 1
        about = f"{cell.method} {cell.route.name} ({cell.relation} {cell.place})"
        if cell.route.name in PUBLIC and status == 404:
            status = 200  # what it shows may not be there for this role; it is nobody's secret
        may = expected(cell, ROLE.get(cell.who))
        if status not in may:
            wrong[f"{about}: {status}, expected {sorted(may)}"].append(cell.who)
        key = (cell.route.name, cell.who, cell.method)
        if cell.relation == OWN and status not in (403, 404, 405):
            closed.discard(cell.route.name)
        elif cell.relation == FOREIGN:
            answered[key] = (status, page)
        elif cell.relation == MISSING and compared(cell) and key in answered and answered[key] != (status, page):
            wrong[f"{about}: {status}, a foreign one answers {answered[key][0]} or another page"].append(cell.who)
    print(f"\nmatrix: {asked} cells ({', '.join(f'{n} {k}' for k, n in seen.items())}), {len(routes)} routes")
    told = [f"{about}: {', '.join(people)}" for about, people in wrong.items()]
    assert told == [], f"{sum(map(len, wrong.values()))} cells:\n" + "\n".join(told)
    assert closed == set(), f"nobody whose it is gets in: {sorted(closed)}"
    assert asked > 5_000


def test_a_foreign_object_leaves_its_trace(world: World) -> None:
    """Wai opens a request of Ling: the row names Wai, the address and nothing of what is in it."""
    assert world.wai.client.get(reverse("case", args=[world.offered.number])).status_code == 404
    row = Refusal.objects.latest("id")
    assert (row.kind, row.route, row.actor_id) == ("not-yours", "case", world.wai.user.pk)
