"""The audit administrator finds entries, refusals and looks, and whether the chain holds; nothing can be changed there."""

from pathlib import Path
from typing import Any

import pytest
from django.urls import reverse

from portal.foundation.core import moments
from portal.foundation.journal import anchors, refusals, sealer
from portal.foundation.journal.models import Entry
from portal.oversight.labels import AREAS, KINDS
from products.models import Product
from tests import factories
from tests.by_hand import by_hand
from tests.factories import Person
from tests.notifications.test_catalogue import written_verbs

pytestmark = pytest.mark.django_db


def test_audi_finds_an_entry_by_case_person_verb_and_day(audi: Person, ling: Person, product: Product) -> None:
    case = factories.application(ling, product)
    today = moments.local_date(moments.now())
    for query in (f"case={case.number}", f"person={ling.user.name}", "verb=application", f"first={today}&last={today}"):
        page = audi.client.get(f"/audit/?{query}")
        assert page.status_code == 200
        assert case.number in page.content.decode(), query
    assert audi.client.get("/audit/?case=YZD0").context["rows"].rows == []
    assert audi.client.get("/audit/?verb=application.").status_code == 400, "chosen, not typed"
    assert "融资需求" in page.content.decode()


def test_a_long_journal_has_pages_that_overlap_nowhere(audi: Person) -> None:
    Entry.objects.bulk_create(
        [Entry(at=moments.now(), verb="patent.updated", actor_label="x", subject=f"t:{n}") for n in range(120)]
    )
    seen: list[int] = []
    after = ""
    while True:
        rows = audi.client.get(f"/audit/?verb=patent&after={after}").context["rows"]
        seen += [row.pk for row in rows.rows]
        after = rows.after
        if not after:
            break
    assert len(seen) == len(set(seen)) == 120
    assert seen == sorted(seen, reverse=True)


def test_audi_reads_who_was_refused(audi: Person, wai: Person) -> None:
    wai.client.get("/office/")
    page = audi.client.get("/audit/refusals/?kind=not-allowed").content.decode()
    assert "office" in page
    assert wai.user.name in page
    assert "无此权限" in page


def test_the_chain_is_gone_through_and_a_change_is_named(
    audi: Person, ling: Person, product: Product, settings: Any, tmp_path: Path
) -> None:
    settings.DATA_DIR = tmp_path  # no anchor of another test's journal
    factories.application(ling, product)
    sealer.seal(now=moments.now())
    assert "没有锚点" in audi.client.post(reverse("audit-chain")).content.decode(), "an empty folder is no check"
    anchors.write(now=moments.now())
    assert "完整，没有发现改动" in audi.client.post(reverse("audit-chain")).content.decode()
    assert Entry.objects.filter(verb="journal.verified").count() == 2
    with by_hand() as cursor:
        cursor.execute("UPDATE journal_entry SET text = '改写' WHERE id = (SELECT min(entry_id) FROM journal_seal)")
    page = audi.client.post(reverse("audit-chain")).content.decode()
    assert "不完整" in page
    assert "第 1 条" in page
    next((tmp_path / "anchors").glob("*.json")).unlink()
    sealer.seal(now=moments.now())
    assert "目录里没有这个文件" in audi.client.post(reverse("audit-chain")).content.decode(), "the journal tells of it"


def test_sena_closes_an_account_and_its_session_is_dead_at_the_next_click(sena: Person, ling: Person) -> None:
    page = reverse("security-person", args=[ling.user.pk])
    assert ling.client.get("/cases/").status_code == 200
    assert sena.client.post(page, {"deed": "close", "reason": ""}).status_code == 400
    assert sena.client.post(page, {"deed": "close", "reason": "离职"}).status_code == 302
    assert ling.client.get("/cases/").status_code == 302
    assert sena.client.post(page, {"deed": "close", "reason": "离职"}).status_code == 409
    assert sena.client.post(page, {"deed": "reopen", "reason": "返岗"}).status_code == 302
    ling.client.force_login(ling.user)
    assert ling.client.get("/cases/").status_code == 200
    assert sena.client.post(page, {"deed": "end", "reason": "离职"}).status_code == 302
    assert ling.client.get("/cases/").status_code == 302
    assert list(Entry.objects.filter(actor_id=sena.user.pk).order_by("id").values_list("verb", flat=True)) == [
        "account.closed", "account.reopened", "member.ended",
    ]  # fmt: skip


def test_sena_does_nothing_to_herself_and_finds_people_by_name(sena: Person, ling: Person) -> None:
    own = reverse("security-person", args=[sena.user.pk])
    assert sena.client.post(own, {"deed": "close", "reason": "x"}).status_code == 403
    found = sena.client.get("/security/?q=林示例").content.decode()
    assert "林示例" in found
    assert "138****0000" in found
    assert "13800000000" not in found
    assert "没有找到" in sena.client.get("/security/?q=无此人").content.decode()


def test_every_verb_that_is_written_has_its_words() -> None:
    assert {verb.partition(".")[0] for verb in written_verbs()} - set(AREAS) == set()
    assert set(KINDS) >= set(refusals.KINDS.values()) | {refusals.LOG_IN_FIRST, refusals.NOTHING_THERE}
