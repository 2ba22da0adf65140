"""Ling sees who looked at her data and when, whom she has authorised, and takes everything away that is kept about her."""

import hashlib
import json
import re
from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from applications.models import Application
from portal.foundation.accounts.models import Role
from portal.foundation.core import moments
from portal.foundation.journal.models import Entry, Look
from portal.run.places import ROOT
from products.models import Product
from tests import factories
from tests.factories import Person
from tests.security.conftest import _own_files, people, world  # noqa: F401 - fixtures
from tests.security.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def case(ling: Person, product: Product) -> Application:
    return factories.application(ling, product)


def open_it(bo: Person, case: Application) -> None:
    ref = case.referrals.get(institution_id=bo.organisation.pk).ref
    assert bo.client.get(reverse("desk-referral", args=[ref])).status_code == 200


def test_one_row_a_person_an_object_and_an_hour(
    ling: Person, bo: Person, bo_manager: Person, case: Application
) -> None:
    for _ in range(3):
        open_it(bo, case)
    open_it(bo_manager, case)
    rows = list(Look.objects.at_data_of(ling.organisation.pk))
    assert [(row.user_id, row.what, row.case_number) for row in rows] == [
        (bo_manager.user.pk, "request", case.number),
        (bo.user.pk, "request", case.number),
    ]
    page = ling.client.get(reverse("looks")).content.decode()
    assert page.count("薄示例（示例甲银行）") == 1
    assert case.number in page
    assert "现在有权查看的机构" in page


def test_lists_and_ones_own_pages_write_nothing(ling: Person, bo: Person, case: Application) -> None:
    for url in ("/desk/", "/desk/?tab=waiting", "/desk/pool/", "/pledges/"):
        assert bo.client.get(url).status_code == 200
    assert ling.client.get(reverse("case", args=[case.number])).status_code == 200
    assert not Look.objects.exists()


def test_it_costs_one_statement_on_the_page_of_one_request(bo: Person, case: Application) -> None:
    open_it(bo, case)  # the chair, the caches
    with CaptureQueriesContext(connection) as sent:
        open_it(bo, case)
    looks = [q["sql"] for q in sent if "journal_look" in q["sql"]]
    assert len([sql for sql in looks if sql.startswith("INSERT")]) == 1, "one statement writes it"
    assert len(looks) == 2, "and the limit of a day is part of the question the page asks anyway"
    assert len(sent) <= 13


def test_a_refused_page_is_no_look(wai: Person, cui: Person, case: Application) -> None:
    ref = case.referrals.get().ref
    assert cui.client.get(reverse("desk-referral", args=[ref])).status_code == 404
    assert not Look.objects.exists()


def test_a_stranger_sees_only_looks_at_his_own_data(ling: Person, wai: Person, bo: Person, case: Application) -> None:
    open_it(bo, case)
    assert case.number not in wai.client.get(reverse("looks")).content.decode()
    assert case.number not in wai.client.post(reverse("looks-export")).content.decode()
    assert case.number in ling.client.post(reverse("looks-export")).content.decode()
    assert bo.client.get(reverse("looks")).status_code == 403


def test_filters_leave_what_is_asked_for(ling: Person, bo: Person, case: Application) -> None:
    open_it(bo, case)
    today = moments.local_date(moments.now())
    assert case.number in ling.client.get(f"/profile/looks/?what=request&first={today}&last={today}").content.decode()
    for query in ("what=paper", "case=YZD0", f"last={today - timedelta(days=1)}"):
        rows = ling.client.get(f"/profile/looks/?{query}").context["rows"].rows
        assert rows == [], query
    assert ling.client.get("/profile/looks/?first=gestern").status_code == 400


@pytest.mark.parametrize(
    "statement", ["UPDATE journal_look SET who = 'x'", "DELETE FROM journal_look", "TRUNCATE journal_look"]
)
def test_nobody_changes_who_looked(bo: Person, case: Application, statement: str) -> None:
    open_it(bo, case)
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


def test_ling_takes_everything_away_that_is_kept_about_her(ling: Person, bo: Person, case: Application) -> None:
    open_it(bo, case)
    answer = ling.client.post(reverse("own-data"))
    assert answer.headers["Content-Disposition"].startswith("attachment")
    kept = json.loads(answer.content)
    assert kept["enterprise"]["name"] == ling.organisation.name
    assert kept["people"][0]["name"] == "林示例"
    assert kept["people"][0]["phone"] == ling.user.phone
    assert kept["requests"][0]["number"] == case.number
    assert kept["consents"][0]["institution"] == "示例甲银行"
    assert kept["looked_at"][0]["what"] == "request"
    assert "password" not in answer.content.decode()
    told = Entry.objects.get(verb="data.exported")
    assert told.data["sha256"] == hashlib.sha256(answer.content).hexdigest()
    assert ling.client.get(reverse("own-data")).status_code == 405


def test_ling_does_not_take_her_colleagues_phones_away(ling: Person) -> None:
    """Also of somebody who has left: the enterprise reads that there was a chair, not how to reach the person."""
    left = factories.person("left", "离示例", Role.ENTERPRISE, ling.organisation)
    left.user.phone, left.user.email = "13900009999", "left@example.com"
    left.user.save()
    left.membership.active = False
    left.membership.save()
    text = ling.client.post(reverse("own-data")).content.decode()
    assert left.user.name in text
    assert "13900009999" not in text
    assert "left@example.com" not in text


def test_a_table_that_leaves_is_journalled_with_its_digest_and_says_who_took_it(
    ling: Person, bo: Person, case: Application
) -> None:
    open_it(bo, case)
    assert ling.client.get(reverse("looks-export")).status_code == 405
    answer = ling.client.post(reverse("looks-export"))
    told = Entry.objects.get(verb="records.exported")
    assert (told.data["rows"], told.data["sha256"]) == (1, hashlib.sha256(answer.content).hexdigest())
    assert ling.actor.label in answer.content.decode()


def test_a_form_that_comes_back_with_the_page_is_a_look_too(bo: Person, case: Application) -> None:
    """Bo sends an empty question: the page comes back as a refusal, with the whole request on it."""
    ref = case.referrals.get(institution_id=bo.organisation.pk).ref
    assert bo.client.post(reverse("desk-ask", args=[ref]), {"question": ""}).status_code == 400
    assert [row.what for row in Look.objects.all()] == ["request"]


def test_no_file_leaves_past_the_sender_that_says_whose_it_is() -> None:
    """Only `journal.sending` calls the sender of `core.files`: a view that forgot the owner would not be found otherwise."""
    callers = [
        str(path.relative_to(ROOT))
        for folder in ("portal", "applications", "banks", "pledges", "products")
        for path in (ROOT / folder).rglob("*.py")
        if re.search(r"core\.files import .*\bsend\b|\bfiles\.send\(", path.read_text())
    ]
    assert callers == ["portal/foundation/journal/sending.py"]


def test_every_paper_that_somebody_else_takes_leaves_a_look(world: World) -> None:  # noqa: F811
    """Later matters, subsidies, the agency's paper, a notice, the record of a clock: Ling sees who took each."""
    matter, clock = world.matter_paper, world.referral(world.asked, "bo").clock_id
    taken = {
        f"afterpaper:{matter.pk}": (world.chen, reverse("pledges:after-paper", args=[world.registered.number, matter.ref])),
        f"notice:{world.notice.pk}": (world.bo, reverse("pledges:notice-pdf", args=[world.registered.number, world.notice.pk])),
        f"valuation:{world.valued.pk}": (world.bo, reverse("valuations:pdf", args=[world.valued.number])),
        f"clock:{clock}": (world.rui, reverse("evidence", args=[clock])),
    }  # fmt: skip
    paper = world.claim.papers.get()
    taken[f"subsidypaper:{paper.pk}"] = (world.rui, reverse("subsidy-paper", args=[world.claim.ref, paper.ref]))
    for subject, (who, url) in taken.items():
        answer = who.client.get(url)
        if answer.status_code == 503:  # no Pango here
            continue
        assert answer.status_code == 200, url
        look = Look.objects.get(subject=subject)
        assert (look.owner_id, look.user_id) == (world.ling.organisation.pk, who.user.pk)
