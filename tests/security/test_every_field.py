"""Every text field there is: what one firm and its bank write is found by no newcomer, and markup stays text everywhere.

Newcomers own nothing, so a mark they find is somebody else's. What is open to them stands below, with the reason.
"""

import logging
import re
from datetime import timedelta

import pytest
from django.core import mail
from django.test import Client

from portal.foundation.accounts.models import OrganisationKind, Role, User
from portal.foundation.core import moments
from portal.foundation.journal import dispatcher
from tests import factories
from tests.factories import Person

from .crawling import walk
from .test_canaries import starts
from .test_markup import WORDS, Inline
from .text_fields import TextField, every_text_field, fill, why_not, words
from .world import World

pytestmark = pytest.mark.django_db

# What a newcomer may read, by field, and why.
OPEN = {
    "products.Product": "the public library",
    "products.ProductVersion.note": "what changed in a published product",
    "products.QuotaTool": "published",
    "products.SubsidyScheme": "published",
    "products.RiskScheme": "published",
    "products.LibraryPolicy": "published",
    "banks.Institution.service_phone": "the public library",
    "banks.Branch": "the public library",
    "sla.Policy": "published rules",
    "sla.CalendarYear": "published by the State Council",
    "sla.CalendarVersion": "published by the State Council",
    "pledges.Disposal.statement": "an offer to the public",
    "pledges.Disposal.contact_name": "an offer to the public",
    "pledges.Disposal.contact_phone": "an offer to the public",
    "pledges.PledgedPatent.title": "in the register, which anybody may search",
    "pledges.Registration.pledgor_name": "in the register, which anybody may search",
    "pledges.Registration.pledgee_name": "in the register, which anybody may search",
    "assets.WeightVersion": "the weights of the estimate, which administrators read and decide",
    "accounts.Organisation.name": "of banks, in the library; of parties, in the register",
    "accounts.Organisation.short_name": "of banks, in the library",
}
# A row of the database's own rule, so no word can be put there.
CONSTRAINED = {
    "reports.SupervisionOrder.reply": "none without its time and its writer; nobody has replied in this world"
}


def is_open(label: str) -> bool:
    return label in OPEN or label.rpartition(".")[0] in OPEN


def newcomers(world: World) -> dict[str, Client]:
    """Nobody's customers and nobody's bank: an enterprise, a bank, a guarantor, another office, another administrator."""
    made: dict[str, Client] = {"visitor": Client()}
    for name, role, kind in (
        ("ai", Role(world.ada.membership.role), OrganisationKind.PLATFORM),
        ("xin", Role.ENTERPRISE, OrganisationKind.ENTERPRISE),
        ("zhou", Role.OFFICER, OrganisationKind.BANK),
        ("zhen", Role.OFFICER, OrganisationKind.GUARANTOR),
        ("feng", Role.CLERK, OrganisationKind.IP_OFFICE),
    ):
        person: Person = factories.person(name, "新示例", role, factories.organisation(kind, f"示例新来{name}"))
        User.objects.filter(pk=person.user.pk).update(email=f"{name}@example.com")
        made[name] = person.client
    return made


def test_every_text_field_has_a_mark_or_a_reason_and_no_reason_is_out_of_date() -> None:
    there = {text.label for text in every_text_field()}
    assert len(there) > 350
    marked = {text.label for text in words()}
    assert len(marked) > 150
    for label in [*OPEN, *CONSTRAINED]:
        assert label in there or any(known.startswith(label + ".") for known in there), f"{label} is gone"
    assert [text.label for text in every_text_field() if text.label not in marked and not why_not(text)] == []


def mark(text: TextField) -> str:
    """A word that stands for its field wherever it turns up, short enough for the shortest."""
    return MARKS[text.label]


MARKS = {text.label: f"zq{number:03d}qz" for number, text in enumerate(words())}
FIELDS = {word: label for label, word in MARKS.items()}


def test_attack_29_no_newcomer_finds_a_word_of_anybody_anywhere(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """Pages, exports, papers, the machine interface, letters and the log, walked by people whom none of it concerns."""
    caplog.set_level(logging.INFO)
    refused = fill(mark)
    assert refused.keys() == CONSTRAINED.keys(), refused
    leaks: set[str] = set()
    pages = 0
    people = newcomers(world)
    for name, client in people.items():
        # An invitation is for whoever holds its link (who invited, and which phone, stand on it).
        theirs = [url for url in starts(world) if not url.startswith("/invitation/")]
        if name == "ai":  # what happened to the whole portal concerns every administrator
            theirs = [url for url in theirs if not url.startswith("/incidents/")]
        for url, _, said in walk(client, theirs, follow=name == "visitor"):
            pages += 1
            found = {FIELDS[word] for word in re.findall(r"zq\d{3}qz", said)}
            leaks |= {f"{label} to {name} at {url}" for label in found if not is_open(label)}
    assert not leaks, "\n".join(sorted(leaks))
    assert pages > 900
    for hour in range(0, 60, 9):
        dispatcher.dispatch(now=moments.now() + timedelta(hours=hour))
    letters = [m for m in mail.outbox if any(f"{name}@example.com" in m.to for name in people)]
    assert [m.subject for m in letters if re.search(r"zq\d{3}qz", m.subject + m.body)] == []
    assert re.findall(r"zq\d{3}qz", caplog.text) == []


def test_the_people_concerned_do_find_their_words(world: World) -> None:
    """Otherwise the search above would prove nothing."""
    fill(mark)
    seen: set[str] = set()
    for name in ("ling", "bo", "bo_manager", "gu", "chen", "rui", "cui", "wai"):
        for _, _, said in walk(world.people[name].client, starts(world), follow=False):
            seen |= {FIELDS[word] for word in re.findall(r"zq\d{3}qz", said)}
    assert len(seen) > 80, sorted(seen)


def test_attack_20_markup_in_every_text_field_is_shown_as_text(world: World) -> None:
    """Script, handlers, closing tags and template text in every word that anybody can write: no element, no attribute."""
    fill(lambda text: WORDS[: text.longest])
    seen, pages = set(), 0
    for name in ("ling", "wai", "bo", "bo_manager", "cui", "gu", "chen", "chief", "rui", "ada", "visitor"):
        client = Client() if name == "visitor" else world.people[name].client
        client.raise_request_exception = False
        for url, answer, _ in walk(client, starts(world), follow=False):
            if not answer.headers.get("Content-Type", "").startswith("text/html"):
                continue
            page, reader = answer.content.decode(errors="replace"), Inline()
            reader.feed(page)
            assert reader.found == [], (name, url)
            pages += 1
            if "&lt;img src=x" in page:
                seen.add(name)
    assert pages > 150
    assert {"ling", "bo", "chen", "rui"} <= seen  # the words were there to be escaped
