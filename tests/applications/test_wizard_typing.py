"""What people really type into the wizard, and which papers they add: refused at the field, and nothing is lost."""

import io
import re
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from applications.actions import drafts
from applications.models import Draft
from portal.foundation.assets.models import Patent
from portal.foundation.core import moments
from products.models import Product
from tests import factories
from tests.by_hand import by_hand
from tests.factories import Person

from .wizard_steps import NEED, filled, hidden, page_of, pdf, send, stored, submit

pytestmark = pytest.mark.django_db


@pytest.fixture
def patent(ling: Person) -> Patent:
    return factories.patent(ling.organisation)


@pytest.fixture
def draft(ling: Person) -> Draft:
    return drafts.start(actor=ling.actor, now=moments.now())


# --- what people really type ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("0.0000005", "最多写 6 位小数"),  # 0.005 yuan
        ("８００", "全角数字"),
        ("1,000", "千位分隔符"),
        ("NaN", "不是一个数"),
        ("-800", "不能是负数"),
        ("99999999999", "超过上限"),
        ("800万", "只写数字"),
        ("1e3", "科学计数法"),
        ("八百", "不是数字的字符"),
        ("0", "必须大于 0"),
        ("", "请填写"),
    ],
)
def test_an_amount_that_cannot_be_is_refused_at_its_field_and_kept(
    ling: Person, draft: Draft, typed: str, said: str
) -> None:
    response = send(ling, draft, "need", **{**NEED, "amount": typed})
    html = response.content.decode()
    assert response.status_code == 400
    assert "<title>错误：" in html
    assert said in html
    assert 'aria-describedby="id_amount_helptext id_amount_error"' in html
    assert f'value="{typed}"' in html or not typed
    assert stored(draft, "need")["amount"] == typed
    assert "采购两台数控机床" in html


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"term_months": "other", "term_other": "200"}, "届满，短于所填期限"),
        ({"term_months": "other", "term_other": "999"}, "不能大于 360"),
        ({"term_months": "other", "term_other": "一年半"}, "整数月数"),
        ({"term_months": "other", "term_other": ""}, "请填写月数"),
        ({"term_months": "7"}, "从列出的选项里选择"),
        ({"purpose": "gambling"}, "从列出的选项里选择"),
        ({"purpose_note": "长" * 301}, "最多 300 个字"),
    ],
)
def test_other_slips_of_the_second_step(
    ling: Person, draft: Draft, patent: Patent, fields: dict[str, str], said: str
) -> None:
    send(ling, draft, "company", patents=[patent.pk])
    response = send(ling, draft, "need", **{**NEED, **fields})
    assert response.status_code == 400
    assert said in response.content.decode()


def test_a_patent_of_wai_is_not_lings_to_pledge(ling: Person, wai: Person, draft: Draft) -> None:
    foreign = factories.patent(wai.organisation)
    response = send(ling, draft, "company", patents=[foreign.pk])
    assert response.status_code == 400
    assert "不在本企业名下" in response.content.decode()
    assert foreign.title not in response.content.decode()


def test_a_dead_patent_cannot_be_ticked(ling: Person, draft: Draft, patent: Patent) -> None:
    Patent.objects.filter(pk=patent.pk).update(status=Patent.Status.LAPSED)
    assert re.search(rf'value="{patent.pk}"[^>]*disabled', page_of(ling, draft, "company"))
    response = send(ling, draft, "company", patents=[patent.pk])
    assert response.status_code == 400
    assert "不是有效专利" in response.content.decode()


def test_a_product_that_is_gone_comes_back_at_its_field(
    ling: Person, draft: Draft, patent: Patent, product: Product
) -> None:
    filled(ling, draft, patent, product)
    html = ling.client.get(reverse("apply:review", args=[draft.pk])).content.decode()
    with by_hand():
        Product.objects.update(state=Product.State.SUSPENDED)
    sent = {name: hidden(html, name) for name in ("version", "token")}
    response = ling.client.post(reverse("apply:submit", args=[draft.pk]), sent)
    assert response.status_code == 400
    assert "已停售" in response.content.decode()
    again = ling.client.get(reverse("apply:step", args=[draft.pk, "reach"]), {"check": 1})
    assert again.status_code == 400
    assert "id_products" in again.content.decode()
    assert stored(draft, "reach")["contact_name"] == "林示例"


def test_a_term_that_outlives_a_patent_chosen_later_is_told_before_sending(
    ling: Person, draft: Draft, patent: Patent, product: Product
) -> None:
    filled(ling, draft, patent, product)
    Patent.objects.filter(pk=patent.pk).update(expires_on=moments.local_date(moments.now()).replace(year=2027))
    review = ling.client.get(reverse("apply:review", args=[draft.pk])).content.decode()
    assert "短于所填期限" in review
    assert reverse("apply:step", args=[draft.pk, "need"]) + "?check=1" in review
    assert submit(ling, draft).status_code == 400


# --- papers ----------------------------------------------------------------------------------------------------------


def test_a_paper_is_added_and_taken_away_and_the_rest_of_the_step_stays(
    ling: Person, draft: Draft, product: Product
) -> None:
    response = send(ling, draft, "reach", contact_name="林", go="attach", kind="licence", file=pdf())
    assert response.status_code == 302
    html = page_of(ling, draft, "reach")
    assert "营业执照.pdf" in html
    assert 'value="林"' in html
    paper = draft.attachments.get()
    assert send(ling, draft, "reach", contact_name="林林", go=f"detach:{paper.ref}").status_code == 302
    assert not draft.attachments.exists()
    assert stored(draft, "reach")["contact_name"] == "林林"


@pytest.mark.parametrize(
    ("upload", "status", "said"),
    [
        (SimpleUploadedFile("照片.pdf", b"\x89PNG\r\n\x1a\n" + b"0" * 99, "application/pdf"), 415, "文件内容不是 PDF"),
        (SimpleUploadedFile("脚本.exe", b"MZ" + b"0" * 99, "application/pdf"), 415, "不支持“.exe”文件"),
        (SimpleUploadedFile("空.pdf", b"", "application/pdf"), 415, "空的"),
        (None, 400, "请先选择要上传的文件"),
    ],
)
def test_a_paper_that_lies_is_refused_and_nothing_typed_is_lost(
    ling: Person, draft: Draft, upload: SimpleUploadedFile | None, status: int, said: str
) -> None:
    papers = {"file": upload} if upload else {}
    response = send(ling, draft, "reach", contact_name="半个联系人", go="attach", kind="other", **papers)
    assert response.status_code == status
    html = response.content.decode()
    assert said in html
    assert 'value="半个联系人"' in html
    assert not draft.attachments.exists()


def test_a_paper_over_the_limit_is_refused_with_its_size(ling: Person, draft: Draft, settings: Any) -> None:
    settings.UPLOAD_MAX_BYTES = 1000
    big = SimpleUploadedFile("大.pdf", b"%PDF-" + io.BytesIO(b"0" * 2000).getvalue())
    response = send(ling, draft, "reach", contact_name="林", go="attach", file=big)
    assert response.status_code == 413
    assert "请压缩或拆分" in response.content.decode()
    assert stored(draft, "reach")["contact_name"] == "林"
