"""What Bo and Rui confirm is what they have seen: whatever moved between the check and the click stops the import."""

import io
from typing import Any

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from openpyxl.utils import get_column_letter

from portal.foundation.core import moments
from products import imports
from products.actions import drafting, together
from products.models import Product, ProductImport, ProductVersion
from tests.factories import Person
from tests.notifications.conftest import Told, everybody, told  # noqa: F401 - fixtures
from tests.products.conftest import LOAN, Publish
from tests.products.test_import import ROW, brought, confirmed
from tests.products.test_library_pages import Revise

pytestmark = pytest.mark.django_db
now = moments.now
MOVED = "检查以后这款产品有变动，请重新导出后再改。"


@pytest.fixture(autouse=True)
def _files_of_its_own(settings: Any, tmp_path: Any) -> None:
    settings.MEDIA_ROOT = tmp_path


def exported(person: Person, **changed: Any) -> SimpleUploadedFile:
    """What the person downloads, with cells of its first product changed by the label of their column."""
    book = openpyxl.load_workbook(io.BytesIO(person.client.post("/products/export.xlsx").content))
    page = book.worksheets[0]
    heads = [cell.value for cell in page[1]]
    for label, value in changed.items():
        page.cell(row=2, column=heads.index(label) + 1).value = value
    out = io.BytesIO()
    book.save(out)
    return SimpleUploadedFile("产品.xlsx", out.getvalue())


def handed_in(person: Person, file: SimpleUploadedFile) -> ProductImport:
    assert person.client.post("/products/import/", {"file": file}).status_code == 302
    assert imports.work()
    return ProductImport.objects.latest("pk")


def test_newer_terms_are_not_overwritten_by_an_import_that_was_checked_before(
    published: Publish, revised: Revise, bo: Person, rui: Person
) -> None:
    """Rui checks a workbook that says 48 months. Before he confirms it, he publishes Bo's next version with 24. Confirming
    writes nothing, and the report names the row."""
    first = published()
    mine = {**ROW, "institution": bo.organisation.name, "name": first.product.name, "term_max": 48}
    job = brought(rui, mine)
    newer = revised(first.product_id, term_max=24)
    sent = {"decision": "publish", "seen": drafting.seen_of(newer)}
    assert rui.client.post(f"/products/review/{newer.pk}/", sent).status_code == 302
    job = confirmed(rui, job)
    assert (job.state, job.plan) == ("faulty", [])
    assert [(row, label, said) for row, _, label, said in job.faults] == [(2, "产品名称", MOVED)]
    assert Product.objects.get(pk=first.product_id).term_max == 24
    assert MOVED in rui.client.get(f"/products/import/{job.pk}/").content.decode()


def test_a_colleagues_draft_is_not_overwritten_by_an_import_that_was_checked_before(
    bo: Person, bo_manager: Person
) -> None:
    """Bo's workbook is checked; then his manager changes the same draft by hand. Bo's confirmation leaves her words."""
    draft = drafting.start(LOAN, actor=bo.actor, now=now())
    job = brought(bo, {**ROW, "name": LOAN["name"], "term_max": 48}, ROW)
    drafting.save(draft.product_id, {"term_max": 24}, seen=drafting.seen_of(draft), actor=bo_manager.actor, now=now())
    job = confirmed(bo, job)
    assert (job.state, job.wrong) == ("faulty", 1)
    draft.refresh_from_db()
    assert draft.terms["term_max"] == 24
    assert not Product.objects.filter(name=ROW["name"]).exists(), "all rows or none"


def test_a_row_that_was_to_be_new_is_not_written_over_a_draft_of_the_same_name(bo: Person, bo_manager: Person) -> None:
    """«新增 1 款» is what Bo confirms. His manager begins a product of that name first: nothing is written."""
    job = brought(bo, ROW)
    drafting.start({**LOAN, "name": ROW["name"]}, actor=bo_manager.actor, now=now())
    assert confirmed(bo, job).state == "faulty"
    assert Product.objects.get(name=ROW["name"]).summary == LOAN["summary"]


@pytest.mark.parametrize("sent", [{}, {"decision": ""}, {"decision": "yes"}])
def test_an_empty_click_confirms_nothing(bo: Person, sent: dict[str, str]) -> None:
    """Bo's browser sends the form without its button: the workbook still waits, and the page says what to press."""
    job = brought(bo, ROW)
    answer = bo.client.post(f"/products/import/{job.pk}/", sent)
    assert answer.status_code == 400
    assert "请用下面的按钮办理。" in answer.content.decode()
    job.refresh_from_db()
    assert job.state == "checked"


def test_a_workbook_exported_before_the_last_publication_is_told_by_the_cell(
    published: Publish, revised: Revise, bo: Person, rui: Person
) -> None:
    """Bo exports version 1 and takes a week over it; meanwhile version 2 is published. His workbook would set everything
    back: the cell of the version says so."""
    first = published()
    old = exported(bo, **{"最长期限（月）": 48})
    newer = revised(first.product_id, term_max=24)
    rui.client.post(f"/products/review/{newer.pk}/", {"decision": "publish", "seen": drafting.seen_of(newer)})
    job = handed_in(bo, old)
    assert job.state == "faulty"
    [(row, cell, label, said)] = job.faults
    assert (row, label, said) == (2, "版本", "导出以后已发布第 2 版，请重新导出后再改。")
    old.seek(0)
    heads = [cell.value for cell in openpyxl.load_workbook(old).worksheets[0][1]]
    assert cell == f"{get_column_letter(heads.index('版本') + 1)}2"
    job = handed_in(bo, exported(bo, **{"最长期限（月）": 48}))
    assert (job.state, job.changed) == ("checked", 1)


def test_a_row_copied_under_a_new_name_does_not_carry_a_version(published: Publish, bo: Person) -> None:
    published()
    job = handed_in(bo, exported(bo, 产品名称="另一款"))
    assert [said for *_, said in job.faults] == ["这款产品没有发布过的版本；新增的产品请把这一格留空。"]
    assert "第 3 版" in handed_in(bo, exported(bo, 版本="三")).faults[0][3]
    assert handed_in(bo, exported(bo, 产品名称="另一款", 版本=None)).state == "checked"


def test_bo_puts_the_drafts_of_a_workbook_forward_together(bo: Person, rui: Person, told: Told) -> None:  # noqa: F811
    """Three rows, one without a rate: the page names it with the reason, two go to Rui with one message, one stays."""
    rows = ({**ROW, "name": f"批量贷{n}"} for n in (1, 2))
    job = confirmed(bo, brought(bo, *rows, {**ROW, "name": "没有利率", "rate_from": None}))
    assert "一并提交审核" in bo.client.get(f"/products/import/{job.pk}/").content.decode()
    address = f"/products/import/{job.pk}/submit/"
    page = bo.client.get(address).content.decode()
    assert "可以提交的 2 款" in page
    assert "填写最低年利率，或填写 LPR 加点。" in page
    assert not ProductVersion.objects.filter(state="submitted").exists(), "looking changes nothing"
    assert bo.client.post(address).status_code == 302
    states = dict(ProductVersion.objects.values_list("product__name", "state"))
    assert states == {"批量贷1": "submitted", "批量贷2": "submitted", "没有利率": "draft"}
    assert told("product.submitted_together") == {"rui": "机构提交多款产品，请审核"}
    assert "批量贷2" in rui.client.get("/products/review/").content.decode()
    again = bo.client.post(address)
    assert again.status_code == 409
    assert "没有可以提交的草稿" in again.content.decode()


def test_only_the_drafts_that_workbook_brought_are_put_forward(
    bo: Person, cui: Person, rui: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A product Bo drafts by hand stays with him; and what does not fit into one click waits for the next."""
    drafting.start(LOAN, actor=bo.actor, now=now())
    job = confirmed(bo, brought(bo, *({**ROW, "name": f"批量贷{n}"} for n in range(3))))
    address = f"/products/import/{job.pk}/submit/"
    assert cui.client.post(address).status_code == 404
    assert rui.client.post(address).status_code == 403
    monkeypatch.setattr(together, "AT_ONCE", 2)
    assert "提交以后再打开本页" in bo.client.get(address).content.decode()
    assert bo.client.post(address).status_code == 302
    assert ProductVersion.objects.filter(state="submitted").count() == 2
    assert bo.client.post(address).status_code == 302
    assert sorted(ProductVersion.objects.filter(state="draft").values_list("product__name", flat=True)) == [
        "示例知产贷"
    ]
