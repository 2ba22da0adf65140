"""Bo and Rui bring workbooks: looked through first, every fault by its cell, all rows or none."""

import io
import time
import zipfile
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from portal.foundation.core import moments
from portal.foundation.core.actor import SYSTEM
from portal.foundation.core.errors import TooLarge, WrongType
from portal.foundation.core.intake.gate import admit
from portal.foundation.core.intake.kinds import WORKBOOK
from portal.foundation.core.spreadsheets import neutral, plain
from products import columns, imports, workbook
from products.models import Product, ProductImport, ProductVersion, PublicChange
from tests.factories import Person
from tests.notifications.conftest import Told, everybody, told  # noqa: F401 - fixtures
from tests.products.conftest import Publish

pytestmark = pytest.mark.django_db
LABELS = {column.name: column.label for column in columns.of(regulator=True)}
ROW = {
    "name": "批量贷", "mode": "知识产权质押", "summary": "示例", "ip_kinds": "发明专利、实用新型专利", "amount_min": "50",
    "amount_max": 1000, "term_max": 36, "rate_from": 3.45, "repayment": "等额本息", "districts": "渝中区",
    "documents": "营业执照；专利证书", "pledge_rates": "发明专利 40；实用新型专利 30", "online": "是", "valid_until": "2099-12-31",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _files_of_its_own(settings: Any, tmp_path: Any) -> None:
    settings.MEDIA_ROOT = tmp_path


def sheet(*rows: dict[str, Any], name: str = "产品.xlsx") -> SimpleUploadedFile:
    book = openpyxl.Workbook()
    page = book.active
    assert page is not None
    heads = list(dict.fromkeys(key for row in rows for key in row)) or list(ROW)
    page.append([LABELS.get(head, head) for head in heads])
    for row in rows:
        page.append([row.get(head) for head in heads])
    out = io.BytesIO()
    book.save(out)
    return SimpleUploadedFile(name, out.getvalue())


def brought(person: Person, *rows: dict[str, Any]) -> ProductImport:
    """Handed in and looked through."""
    answer = person.client.post("/products/import/", {"file": sheet(*rows)})
    assert answer.status_code == 302, answer.context["form"].errors
    assert imports.work()
    return ProductImport.objects.latest("pk")


def confirmed(person: Person, job: ProductImport) -> ProductImport:
    assert job.state == "checked", job.faults
    assert person.client.post(f"/products/import/{job.pk}/", {"decision": "confirm"}).status_code == 302
    assert imports.work()
    job.refresh_from_db()
    return job


def test_bos_rows_become_drafts_after_he_has_seen_what_they_do(bo: Person, told: Told) -> None:  # noqa: F811
    job = brought(bo, ROW, {**ROW, "name": "批量贷二"})
    assert (job.total, job.new, job.changed) == (2, 2, 0)
    assert not Product.objects.exists()
    assert told("product.import_checked") == {"bo": "产品导入文件检查通过，请确认"}
    page = bo.client.get(f"/products/import/{job.pk}/").content.decode()
    assert "新增 2 款" in page
    assert "确认导入" in page
    assert confirmed(bo, job).state == "done"
    assert told("product.imported") == {"bo": "产品已导入"}
    product = Product.objects.get(name="批量贷")
    assert product.state == "draft"
    assert (product.amount_max, product.districts) == (Decimal(10_000_000), ["500103"])
    assert product.pledge_rates == {"invention": "40.00", "utility": "30.00"}
    assert product.versions.get().state == "draft"
    assert Client().get(f"/products/{product.pk}/").status_code == 404


def test_one_wrong_cell_and_no_row_is_written(bo: Person, told: Told) -> None:  # noqa: F811
    job = brought(
        bo, ROW, {**ROW, "name": "乙", "amount_min": "1,000", "term_max": "三年"}, {**ROW, "name": "丙", "mode": "随便"},
        {**ROW, "name": "批量贷"}, {**ROW, "name": None}, {**ROW, "name": "丁", "amount_max": 10},
        {**ROW, "name": "戊", "districts": "火星区"},
    )  # fmt: skip
    assert job.state == "faulty"
    said = {cell: text for _, cell, _, text in job.faults}
    assert "千位分隔符" in said["E3"]
    assert "请填写整数" in said["G3"]
    assert "应为下列之一" in said["B4"]
    assert said["A5"] == "与第 2 行重复，请只留一行。"
    assert said["A6"] == "这一格必填。"
    assert said["F7"] == "最高金额不能低于最低金额。"
    assert "火星区" in said["J8"]
    assert not Product.objects.exists()
    assert told("product.import_failed") == {"bo": "产品导入文件有错误，未导入"}
    page = bo.client.get(f"/products/import/{job.pk}/").content.decode()
    assert "E3" in page
    refused = bo.client.post(f"/products/import/{job.pk}/", {"decision": "confirm"})
    assert refused.status_code == 409


def test_ruis_rows_are_published_and_the_version_before_is_kept(published: Publish, rui: Person) -> None:
    first = published()
    bank = first.product.institution.organisation.name
    mine = {**ROW, "institution": bank, "source": ""}
    job = confirmed(rui, brought(rui, {**mine, "name": first.product.name, "term_max": 48, "note": "延长"}, mine))
    assert (job.state, job.new, job.changed) == ("done", 1, 1)
    first.refresh_from_db()
    product = Product.objects.get(pk=first.product_id)
    assert (first.state, product.term_max) == ("replaced", 48)
    assert product.current is not None
    assert product.current.number == 2
    assert ["期限", "最长 36 个月（中期）", "最长 48 个月（中期）"] in product.current.changes
    assert Client().get(f"/products/{Product.objects.get(name='批量贷').pk}/").status_code == 200
    assert PublicChange.objects.count() == 3
    again = brought(rui, mine)
    assert (again.new, again.changed, again.same) == (0, 0, 1)


def test_rui_is_told_of_an_institution_that_is_not_here(rui: Person) -> None:
    job = brought(rui, {**ROW, "institution": "没有这家银行"})
    assert [fault[1:] for fault in job.faults] == [["O2", "机构", "没有“没有这家银行”这家机构，请写机构全称。"]]


def test_what_is_exported_comes_back_as_unchanged(published: Publish, bo: Person, rui: Person) -> None:
    published(pledge_rates={"invention": "40.00"}, documents=["=1+1", "营业执照"], districts=["500103"], lpr_spread=-20,
              lpr_term="1y", lpr_date=date(2026, 11, 20))  # fmt: skip
    for person in (bo, rui):
        body = person.client.post("/products/export.xlsx").content
        answer = person.client.post("/products/import/", {"file": SimpleUploadedFile("a.xlsx", body)})
        assert answer.status_code == 302
        assert imports.work()
        job = ProductImport.objects.latest("pk")
        assert (job.state, job.same, job.changed) == ("checked", 1, 0), (job.faults, job.preview)
        person.client.post(f"/products/import/{job.pk}/", {"decision": "cancel"})


def test_a_product_in_review_is_not_overrun(published: Publish, bo: Person) -> None:
    draft = ProductVersion.objects.get(pk=published().pk)
    product = draft.product
    from_form = {"name": product.name, "mode": "知识产权质押", "summary": "改", "term_max": 12}
    confirmed(bo, brought(bo, from_form))
    bo.client.post(f"/products/own/{product.pk}/submit/")
    job = brought(bo, {**from_form, "term_max": 24})
    assert "正在审核" in job.faults[0][3]


def test_a_workbook_of_cui_is_unknown_to_bo(bo: Person, cui: Person) -> None:
    job = brought(cui, ROW)
    assert bo.client.get(f"/products/import/{job.pk}/").status_code == 404
    assert bo.client.post(f"/products/import/{job.pk}/", {"decision": "confirm"}).status_code == 404


def zipped(**members: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as package:
        for name, body in members.items():
            package.writestr(name.replace("__", "/").replace("_xml", ".xml"), body)
    return out.getvalue()


def bombs() -> Iterator[tuple[bytes, type[Exception]]]:
    yield zipped(xl__workbook_xml=b"<x/>", xl__worksheets__a_xml=b"0" * 60_000_000), TooLarge
    yield zipped(xl__workbook_xml=b"<x/>", **{f"m{n}": b"" for n in range(1001)}), TooLarge
    yield zipped(xl__workbook_xml=b'<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>'), WrongType
    yield zipped(other=b"x"), WrongType
    yield b"PK\x03\x04broken", WrongType
    yield b"%PDF-1.7", WrongType


def test_bombs_and_lies_are_refused_before_they_are_opened() -> None:
    for body, refusal in bombs():
        start = time.monotonic()
        with pytest.raises(refusal):
            admit(SimpleUploadedFile("a.xlsx", body), kinds=WORKBOOK, actor=SYSTEM, now=moments.now())
        assert time.monotonic() - start < 2


def test_a_bomb_gets_its_status_and_leaves_nothing(bo: Person) -> None:
    body, _ = next(bombs())
    assert bo.client.post("/products/import/", {"file": SimpleUploadedFile("a.xlsx", body)}).status_code == 413
    assert bo.client.post("/products/import/", {"file": SimpleUploadedFile("a.xlsx", b"MZ")}).status_code == 415
    assert bo.client.post("/products/import/", {"file": SimpleUploadedFile("a.csv", b"a")}).status_code == 415
    assert not ProductImport.objects.exists()


def test_a_worker_that_died_is_followed_by_another(bo: Person) -> None:
    bo.client.post("/products/import/", {"file": sheet(ROW)})
    first = imports._claim(now=moments.now())
    assert first is not None
    assert not imports.work()  # it is taken
    ProductImport.objects.update(leased_until=moments.now())
    assert imports.work()
    assert ProductImport.objects.get().state == "checked"


def test_words_are_guarded_and_freed_again() -> None:
    for text in ("=1+1", "普通", "+8", "-", "@x", "'引号"):
        assert plain(neutral(text)) == text


def test_ten_thousand_rows_in_a_minute(rui: Person, bo: Person) -> None:
    rows = [{**ROW, "institution": bo.organisation.name, "name": f"批量贷{n}"} for n in range(workbook.MOST_ROWS)]
    file = sheet(*rows)
    # Processor time: other tests run beside this one, and waiting for them is not the import's doing.
    start = time.process_time()
    assert rui.client.post("/products/import/", {"file": file}).status_code == 302
    handed = time.process_time()
    assert imports.work()
    checked = time.process_time()
    job = confirmed(rui, ProductImport.objects.get())
    took = time.process_time() - start
    assert (job.state, job.new) == ("done", 10_000)
    assert took < 60, (took, handed - start, checked - handed)


def test_one_row_too_many_is_told(rui: Person) -> None:
    job = brought(rui, *({"name": "贷", "mode": "x", "summary": "y", "institution": "z"} for _ in range(10_001)))
    assert "一次最多导入 10000 行" in job.faults[0][3]
