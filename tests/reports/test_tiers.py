"""Rui keeps the lists that decide what the national fund may carry: one by one, or a whole list at once."""

import io
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from openpyxl import Workbook, load_workbook

from portal.foundation.core import moments
from portal.foundation.core.errors import DomainError
from portal.foundation.journal.dispatcher import dispatch
from portal.foundation.journal.models import Entry
from portal.notifications.models import Notice
from products.models import EnterpriseTier
from products.risk import listing
from products.risk.shares import Tier
from products.risk.tier_sheet import HEADS
from products.risk.tiers import tier_of
from tests import factories
from tests.factories import Person
from tests.threads import together

pytestmark = pytest.mark.django_db
TODAY = moments.local_date(moments.now())
LING, WAI = factories.USCC["enterprise"], factories.USCC["stranger"]
WISH = {"uscc": LING, "tier": "b", "since": f"{TODAY}", "source": "示例名单〔2026〕1号"}
NOBODY = factories.USCC["bank"]


def page() -> str:
    return reverse("supervision-tiers")


def book(*rows: tuple[Any, ...], heads: tuple[str, ...] = HEADS) -> SimpleUploadedFile:
    made = Workbook()
    sheet = made.worksheets[0]
    for row in (heads, *rows):
        sheet.append(row)
    out = io.BytesIO()
    made.save(out)
    return SimpleUploadedFile("名单.xlsx", out.getvalue())


def sent(rui: Person, *rows: tuple[Any, ...], source: str = "示例名单", **of: Any) -> Any:
    return rui.client.post(reverse("supervision-tiers-import"), {"file": book(*rows, **of), "source": source})


def test_only_the_regulator_reads_and_keeps_the_lists(rui: Person, bo: Person, ling: Person, gu: Person) -> None:
    for who in (bo, ling, gu):
        assert who.client.get(page()).status_code == 403
        assert who.client.post(page(), WISH).status_code == 403
    assert "还没有企业" in rui.client.get(page()).content.decode()


def test_rui_lists_ling_who_is_told_and_may_be_guaranteed_from_then_on(rui: Person, ling: Person) -> None:
    assert tier_of(ling.organisation, TODAY) is None
    for wrong in ({"uscc": "123"}, {"tier": "z"}, {"source": " "}, {"until": f"{TODAY - timedelta(days=1)}"}):
        assert rui.client.post(page(), {**WISH, **wrong}).status_code == 400, wrong
    assert not EnterpriseTier.objects.exists()
    assert rui.client.post(page(), WISH).status_code == 302
    assert tier_of(ling.organisation, TODAY) == Tier.B
    entry = Entry.objects.get(verb="tier.listed")
    assert (entry.actor_id, "示例名单〔2026〕1号" in entry.text) == (rui.user.pk, True)
    dispatch(now=moments.now())
    assert Notice.objects.filter(membership=ling.membership, title="本企业列入了分档认定名单").exists()
    twice = rui.client.post(page(), WISH)
    assert (twice.status_code, "不重复列入" in twice.content.decode()) == (400, True)
    assert rui.client.post(page(), {**WISH, "tier": "a"}).status_code == 302, "of two lists the better one counts"
    assert tier_of(ling.organisation, TODAY) == Tier.A


def test_an_enterprise_that_is_not_registered_here_is_said_so(rui: Person, bo: Person) -> None:
    """Bo's bank has this code: a bank is no enterprise."""
    refused = rui.client.post(page(), {**WISH, "uscc": NOBODY})
    assert refused.status_code == 400
    assert "没有在本平台注册的企业" in refused.content.decode()


def test_rui_finds_an_enterprise_by_name_or_code(rui: Person, ling: Person, wai: Person) -> None:
    for uscc in (LING, WAI):
        rui.client.post(page(), {**WISH, "uscc": uscc})

    def found(q: str) -> list[bool]:
        text = rui.client.get(page(), {"q": q}).content.decode()
        return [f"{who.organisation.name}<" in text for who in (ling, wai)]

    assert found("") == [True, True]
    assert found("外人") == [False, True]
    assert found(LING[:18].lower()) == [True, False]
    assert found("没有这家") == [False, False]


def test_an_entry_ends_for_a_reason_and_stays_readable(rui: Person, ling: Person, wai: Person) -> None:
    rui.client.post(page(), WISH)
    entry = EnterpriseTier.objects.get()
    address = reverse("supervision-tier-end", args=[entry.pk])
    end = {"until": f"{TODAY}", "ground": "示例文号，取消认定"}
    assert ling.client.post(address, end).status_code == 403
    assert "已经承诺的按承诺时的比例" in rui.client.get(address).content.decode()
    assert rui.client.post(address, {**end, "ground": ""}).status_code == 400
    assert rui.client.post(address, {**end, "until": f"{TODAY - timedelta(days=1)}"}).status_code == 400
    assert rui.client.post(address, end).status_code == 302
    assert tier_of(ling.organisation, TODAY) == Tier.B, "its last day still counts"
    assert tier_of(ling.organisation, TODAY + timedelta(days=1)) is None
    assert rui.client.post(address, end).status_code == 409
    assert rui.client.get(address).status_code == 409
    assert "示例文号，取消认定" in Entry.objects.get(verb="tier.ended").text
    again = {**WISH, "since": f"{TODAY + timedelta(days=1)}"}
    assert rui.client.post(page(), again).status_code == 302, "listed again after it ended"
    assert EnterpriseTier.objects.count() == 2


def test_a_whole_list_is_imported_at_once(rui: Person, ling: Person, wai: Person) -> None:
    until = TODAY + timedelta(days=365)
    answer = sent(rui, (LING, "一档", TODAY, None), (WAI.lower(), "三档（科技型中小企业）", f"{TODAY}", f"{until}"))
    assert answer.status_code == 302
    rows = EnterpriseTier.objects.order_by("pk").values_list("tier", "valid_from", "valid_until", "source")
    assert list(rows) == [("a", TODAY, None, "示例名单"), ("c", TODAY, until, "示例名单")]
    verbs = list(Entry.objects.order_by("pk").values_list("verb", flat=True))
    assert verbs == ["tier.listed", "tier.listed", "risk.tiers_imported"]


def test_one_wrong_row_keeps_the_whole_list_out_and_is_told_by_its_cell(rui: Person, ling: Person) -> None:
    answer = sent(
        rui,
        (LING, "一档", TODAY, None),
        ("123", "九档", "昨天", "明天"),
        (NOBODY, "二档", TODAY, None),
        (LING, "一档", TODAY, None),
        (LING, "二档", TODAY, TODAY - timedelta(days=1)),
        (None, "三档", None, None),
    )
    assert answer.status_code == 400
    text = answer.content.decode()
    for cell in ("A3", "B3", "C3", "D3", "A7", "C7"):
        assert f'<th scope="row">{cell}</th>' in text
    assert "一行也没有导入" in text
    assert not EnterpriseTier.objects.exists()
    only_lists = sent(rui, (LING, "一档", TODAY, None), (NOBODY, "二档", TODAY, None), (LING, "一档", TODAY, None))
    text = only_lists.content.decode()
    assert '<th scope="row">A3</th>' in text, "not registered"
    assert '<th scope="row">A4</th>' in text, "twice in one file"
    assert not EnterpriseTier.objects.exists()
    assert not Entry.objects.exists()


@pytest.mark.parametrize(
    ("of", "status"),
    [
        ({"heads": ("代码", "分档", "有效期自", "有效期至")}, 415),
        ({"source": " "}, 400),
    ],
)
def test_a_file_of_another_kind_and_a_list_without_source_are_refused(
    rui: Person, ling: Person, of: dict[str, Any], status: int
) -> None:
    assert sent(rui, (LING, "一档", TODAY, None), **of).status_code == status
    assert not EnterpriseTier.objects.exists()


def test_what_is_no_workbook_and_an_empty_one_are_refused(rui: Person) -> None:
    address = reverse("supervision-tiers-import")
    for name, body in (("a.xlsx", b"MZ no workbook"), ("b.xlsx", b"PK\x03\x04broken")):
        file = SimpleUploadedFile(name, body)
        assert rui.client.post(address, {"file": file, "source": "示例名单"}).status_code == 415
    empty = sent(rui)
    assert (empty.status_code, "表里没有企业" in empty.content.decode()) == (400, True)


def test_the_template_is_what_the_import_reads(rui: Person, ling: Person) -> None:
    body = rui.client.get(reverse("supervision-tiers-template")).content
    made = load_workbook(io.BytesIO(body))
    made.worksheets[0].append((LING, "二档", f"{TODAY}"))
    out = io.BytesIO()
    made.save(out)
    file = SimpleUploadedFile("名单.xlsx", out.getvalue())
    address = reverse("supervision-tiers-import")
    assert rui.client.post(address, {"file": file, "source": "示例名单"}).status_code == 302
    assert EnterpriseTier.objects.get().tier == "b"


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_listed_by_many_at_once_an_enterprise_stands_there_once(rui: Person, ling: Person) -> None:
    wish = listing.Wish(LING, "a", TODAY, None)

    def put() -> object:
        try:
            return listing.put_on(wish, source="示例名单", actor=rui.actor, now=moments.now())
        except DomainError as error:
            return error

    together(*[put] * 6)
    assert EnterpriseTier.objects.count() == 1
