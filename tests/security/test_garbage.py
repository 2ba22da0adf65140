"""Garbage in every query and every form: a sentence and a 4xx, never a trace. The seed is in the failure's text."""

import os
import random
from html.parser import HTMLParser
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse

from tests.factories import Person

from .crawling import walk
from .garbage import BAD, QUERY, bad
from .routes import ROUTES
from .test_canaries import starts
from .test_strangers import TABLE
from .world import World, upload

pytestmark = pytest.mark.django_db
SEED = int(os.environ.get("GARBAGE_SEED", "20261123"))
ROUNDS = int(os.environ.get("GARBAGE_ROUNDS", "1"))  # 6 for a thorough search, ten minutes


class Fields(HTMLParser):
    """The forms of a page: (address, [names of fields], {values of the hidden ones})."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[tuple[str, str, dict[str, str]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append((given.get("method", "get").lower(), given.get("action", ""), {}))
        elif tag in ("input", "select", "textarea", "button") and given.get("name") and self.forms:
            self.forms[-1][2].setdefault(given["name"], given.get("value", ""))


def tried(client: Client, method: str, url: str, data: Any = None, **more: Any) -> int:
    """The status of one request whose effects are taken back; an exception in a view counts as 500."""
    saved = transaction.savepoint()
    client.raise_request_exception = False
    try:
        answer = getattr(client, method)(url, data or {}, **more)
        return int(answer.status_code)
    finally:
        transaction.savepoint_rollback(saved)
        client.cookies.pop("messages", None)


def people_of(world: World) -> dict[str, Client]:
    return {**{name: person.client for name, person in world.people.items()}, "visitor": Client()}


def opened_by(world: World) -> list[tuple[str, str]]:
    """(person, address) for each address and one person who may open it."""
    pairs = []
    for route in ROUTES:
        row = TABLE.get(route.name)
        if row is not None:
            url = reverse(route.name, kwargs=row.real(world))
            pairs += [(sorted(row.known_to & set(world.people))[0], url)]
        elif not route.objects and route.name != "healthz-deep":  # says 503 when nothing sweeps, as here
            roles = getattr(route.view, "allowed_roles", None)
            fit = [n for n, p in world.people.items() if not roles or p.membership.role in roles]
            pairs += [(name, reverse(route.name)) for name in fit[:2]]
    return [*pairs, ("wai", "/api/v1/products/1/"), ("rui", "/supervision/policy/response/new/")]


def test_garbage_in_every_query_is_no_trace(world: World) -> None:
    dice, clients, broken = random.Random(SEED), people_of(world), []
    for who, url in opened_by(world):
        for _ in range(3 * ROUNDS):
            query = {name: [bad(dice) for _ in range(dice.randrange(1, 3))] for name in dice.sample(QUERY, 14)}
            if (status := tried(clients[who], "get", url, query)) >= 500:
                broken.append((status, who, url, {k: [v[:40] for v in vs] for k, vs in query.items()}))
    assert not broken, f"seed {SEED}:\n" + "\n".join(map(str, broken))


@pytest.mark.parametrize(
    "url", ["/supervision/report/", "/supervision/cases/", "/supervision/lamps/", "/supervision/", "/orders/"]
)
def test_garbage_in_one_filter_of_the_regulator_among_right_ones(rui: Person, url: str) -> None:
    names = (
        "from",
        "to",
        "institution",
        "district",
        "before",
        "after",
        "kind",
        "by",
        "measure",
        "desk",
        "show",
        "order",
    )
    pairs = [(name, value) for name in names for value in BAD]
    broken = [
        (name, value[:60])
        for name, value in random.Random(SEED).sample(pairs, min(40 * ROUNDS, len(pairs)))
        if tried(rui.client, "get", url, {name: value, **({"to": value} if name == "from" else {})}) >= 500
    ]
    assert not broken, "\n".join(map(str, broken))


def forms_of(world: World) -> dict[tuple[str, str], dict[str, str]]:
    """(person, address) of every POST form that a walk finds, with its fields."""
    found: dict[tuple[str, str], dict[str, str]] = {}
    for who in ("visitor", "ling", "bo", "bo_manager", "cui", "gu", "chen", "chief", "rui", "ada", "sena", "audi"):
        client = Client() if who == "visitor" else world.people[who].client
        for url, answer, _ in walk(client, starts(world), follow=False):
            if not answer.headers.get("Content-Type", "").startswith("text/html"):
                continue
            reader = Fields()
            reader.feed(answer.content.decode(errors="replace"))
            for method, action, fields in reader.forms:
                if method == "post" and (target := action or url).startswith("/"):
                    found.setdefault((who, target), {}).update(fields)
    return found


def test_garbage_in_every_form_is_a_refusal_and_no_trace(world: World) -> None:
    dice, clients, broken, posts = random.Random(SEED), people_of(world), [], 0
    for (who, url), fields in forms_of(world).items():
        if url == "/logout/":
            continue
        names = [n for n in fields if n != "csrfmiddlewaretoken"]
        extra = [
            "version",
            "page",
            "token",
            "step",
            "seen",
            "next",
            "go",
            "remove",
            "tick",
            "shown",
            "from",
            "rows",
            "correction",
        ]
        for turn in range(ROUNDS):
            data: dict[str, Any] = {}
            for name in [*names, *dice.sample(extra, 4)]:
                keep = dice.random()
                if keep < 0.3 and fields.get(name):
                    data[name] = fields[name]
                elif keep < 0.9 or turn == 0:
                    data[name] = [bad(dice) for _ in range(1 if keep < 0.8 else 3)]
            posts += 1
            if (status := tried(clients[who], "post", url, data)) >= 500:
                broken.append(
                    (
                        status,
                        who,
                        url,
                        {k: [v[:40] for v in vs] if isinstance(vs, list) else vs for k, vs in data.items()},
                    )
                )
        for name in (
            names if ROUNDS > 1 else dice.sample(names, min(3, len(names)))
        ):  # one wrong field among right ones gets deepest
            value = dice.choice(BAD)
            data = {**fields, name: value}
            posts += 1
            if (status := tried(clients[who], "post", url, data)) >= 500:
                broken.append((status, who, url, {name: value[:60]}))
            if (
                status := tried(
                    clients[who], "post", url, {**fields, name: upload(bad(dice)[:80].replace("/", "") or "x")}
                )
            ) >= 500:
                broken.append((status, who, url, name, "a file"))
    assert not broken, f"seed {SEED}:\n" + "\n".join(map(str, broken))
    assert posts > 250
