"""《渝知贷主要产品清单》: anybody downloads it, and it is laid out when it has changed."""

import io
from pathlib import Path

import pypdf
import pytest
from django.test import Client

from portal.foundation.core import moments
from portal.foundation.core.pdf import engine
from products import catalogue, printing
from tests.factories import Person
from tests.products.conftest import Publish

pytestmark = pytest.mark.django_db
now = moments.now


@pytest.mark.skipif(not engine.available().ok, reason="no Pango")
def test_the_list_prints_as_a_paper(published: Publish) -> None:
    published(term_max=84)
    answer = Client().get("/products/list.pdf")
    assert answer.headers["Content-Type"] == "application/pdf"
    said = "".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(answer.content)).pages)
    assert "渝知贷主要产品清单" in said.replace("\n", "")
    assert "长期" in said


@pytest.mark.skipif(not engine.available().ok, reason="no Pango")
def test_the_paper_is_laid_out_once_for_everybody(
    published: Publish, bo: Person, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Anybody may ask for the list, as often as they like: it is laid out when what it says has changed, else it is sent as
    it lies there."""
    monkeypatch.setattr(printing, "FOLDER", f"{tmp_path}")
    published()
    first = Client().get("/products/list.pdf").content
    [kept] = tmp_path.glob("*.pdf")
    assert kept.read_bytes() == first
    kept.write_bytes(b"%PDF-as it lies there")
    assert Client().get("/products/list.pdf").content == b"%PDF-as it lies there"
    published(name="另一款")
    assert Client().get("/products/list.pdf").content.startswith(b"%PDF-1")
    [other] = tmp_path.glob("*.pdf")
    assert other.name != kept.name
    type(bo.organisation).objects.filter(pk=bo.organisation.pk).update(name="示例更名银行")
    Client().get("/products/list.pdf")
    assert [file.name for file in tmp_path.glob("*.pdf")] != [other.name], "another name of a bank is another paper"


def test_a_paper_that_leaves_products_out_says_so(published: Publish) -> None:
    products = [published().product, published(name="另一款").product]
    assert "共 2 款" in catalogue.context(products, total=2, now=now())["number"]
    assert "本清单" not in catalogue.context(products, total=2, now=now())["number"]
    assert catalogue.context(products, total=412, now=now())["number"].endswith("共 412 款，本清单列出前 2 款")
