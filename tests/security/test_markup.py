"""Markup and formulas in every name: shown as words on pages, in exports and on paper."""

import re
from html.parser import HTMLParser

import pytest
from django.test import Client

from applications.models import Application, ApplicationPatent, Offer
from pledges.models import Document, PledgedPatent
from portal.foundation.accounts.models import Organisation, User
from portal.foundation.assets.models import Patent
from portal.foundation.core.pdf import engine
from portal.urls import handler400, handler404, handler500, urlpatterns  # noqa: F401 - Django reads the handlers here
from products.models import Product
from tests.grounds import stated

from .crawling import post, text_of, walk
from .test_canaries import starts
from .world import World

pytestmark = pytest.mark.django_db


class Inline(HTMLParser):
    """Finds what the policy forbids, and elements that a person's words made."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        bad = [n for n in given if n.startswith("on") or n in ("style", "srcdoc")]
        bad += [
            n
            for n in ("href", "src", "action")
            if given.get(n, "").strip().lower().startswith(("javascript:", "data:text"))
        ]
        if (
            tag in ("style", "base", "object", "embed")
            or (tag == "script" and not given.get("src"))
            or given.get("src") == "x"
        ):
            bad.append(tag)
        if bad:
            self.found.append(f"<{tag} {bad}>")


WORDS = "\"><img src=x onerror=alert(1)><script>alert(2)</script>'{{7*7}}{%debug%}</textarea></title>"


def test_markup_in_every_name_and_note_is_shown_as_text(world: World) -> None:
    short = WORDS[:40]
    Organisation.objects.update(name=WORDS[:120], short_name="", address=WORDS, contact_name=short)
    User.objects.update(name=short)
    Patent.objects.update(title=WORDS, patentee=WORDS, expiry_note=WORDS)
    ApplicationPatent.objects.update(title=WORDS)
    PledgedPatent.objects.update(title=WORDS)
    Application.objects.update(organisation_name=WORDS[:120], purpose_note=WORDS, contact_name=short)
    Offer.objects.update(conditions=WORDS, repayment=WORDS[:60], made_by=WORDS)
    Product.objects.update(name=short, summary=WORDS, conditions=WORDS)
    Document.objects.update(name=WORDS + ".pdf")
    world.asked.attachments.update(name=WORDS + ".pdf")
    world.draft.attachments.update(name=WORDS + ".pdf")
    seen, pages = set(), 0
    for name in ("ling", "bo", "bo_manager", "cui", "gu", "chen", "chief", "rui", "ada", "sena", "audi", "visitor"):
        if name == "rui":
            for number in Application.objects.values_list("number", flat=True):
                stated(world.rui, number)
        client = Client() if name == "visitor" else world.people[name].client
        for url, answer, _ in walk(client, starts(world), follow=False):
            if not answer.headers.get("Content-Type", "").startswith("text/html"):
                continue
            page, reader = answer.content.decode(errors="replace"), Inline()
            reader.feed(page)
            assert reader.found == [], (name, url)
            pages += 1
            if "&lt;img src=x" in page and "7*7" in page:
                seen.add(name)
    assert pages > 150
    assert {"ling", "bo", "chen", "rui"} <= seen  # the words were there to be escaped


def test_names_that_look_like_formulas_stay_words_in_every_export(world: World) -> None:
    formula = '=HYPERLINK("http://127.0.0.1/","x")'
    for name in (formula, "＝1+1", "\u200b=1+1", " @SUM(1)", "-1+1|cmd", "\ufeff=1"):
        Organisation.objects.update(name=name, short_name="")
        Application.objects.update(organisation_name=name)
        for what, query in (("report", ""), ("cases", "?measure=addressed"), ("lamps", "?show=overdue")):
            lines = post(world.rui.client, f"/supervision/export/{query}", {"format": "csv", "what": what}).content
            for cell in re.split(r'[,\r\n]+"?', lines.decode("utf-8-sig")):
                bare = re.sub(r"[\u200b\ufeff\s]", "", cell)
                assert not bare.startswith(("=", "＝", "@", "+")), (name, what, cell)
            book = text_of(post(world.rui.client, f"/supervision/export/{query}", {"format": "xlsx", "what": what}))
            assert "<f>" not in book
            assert "<hyperlink" not in book
    if engine.available().ok:
        Organisation.objects.update(name='<img src="http://127.0.0.1:9/x">甲', short_name="")
        paper = text_of(post(world.rui.client, "/supervision/export/", {"format": "pdf", "what": "report"}))
        assert "<img" in paper
