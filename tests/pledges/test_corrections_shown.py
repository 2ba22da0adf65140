"""补正, once and once more: what Ling is told, what Chen, her chief and Rui see of it; and the letter before it is sent."""

from datetime import timedelta

import pytest
from django.urls import reverse

from pledges.actions import corrections, examination
from pledges.models import Ground, Notice, Registration
from portal.foundation.core import moments
from portal.foundation.sla.models import Clock
from tests.factories import Person

from .conftest import tick_all

pytestmark = pytest.mark.django_db
FIRST = [
    examination.Defect("contract", "合同缺少签字或盖章页。"),
    examination.Defect("debt_amount", "申请表所填债权数额与合同不一致。"),
]
SECOND = [examination.Defect("scope", "担保范围与合同第三条不一致。")]


def clock(file: Registration) -> Clock:
    return Clock.objects.get(pk=Registration.objects.values_list("clock_id", flat=True).get(pk=file.pk))


def answer_all(file: Registration, by: Person) -> None:
    for row in file.corrections.filter(answered_at=None):
        corrections.answer(row.pk, text="已按通知更正。", actor=by.actor, now=moments.now())


def test_edge_case_16_the_clock_pauses_for_one_full_list_and_a_second_round_is_seen_by_all(
    ready: Registration, chen: Person, chief: Person, rui: Person, ling: Person, bo: Person
) -> None:
    """Chen tells everything at once; Ling and Bo answer and the clock runs on; a second round is allowed, and its number
    and what was asked before stand before Chen, her chief and Rui."""
    notice = examination.ask_correction(ready.pk, FIRST, actor=chen.actor, now=moments.now())
    assert len(notice.facts["defects"]) == 2
    assert clock(ready).paused_at is not None
    answer_all(ready, bo)
    assert clock(ready).paused_at is None
    assert clock(ready).due_at > moments.now() + timedelta(hours=1)
    tick_all(ready, chen)
    page = reverse("office-file", args=[ready.number])
    first = chen.client.get(reverse("office-correct", args=[ready.number])).content.decode()
    assert "以往补正（1 次）" in first
    assert "合同缺少签字或盖章页。" in first
    assert "已补正 2 次" not in chen.client.get(page).content.decode()
    examination.ask_correction(ready.pk, SECOND, actor=chen.actor, now=moments.now())
    for reader, address in (
        (chen, page),
        (chief, page),
        (rui, reverse("pledges:detail", args=[ready.number])),
        (ling, reverse("pledges:detail", args=[ready.number])),
    ):
        shown = reader.client.get(address).content.decode()
        assert "2 次" in shown, reader.user
        for defect in (*FIRST, *SECOND):
            assert defect.defect in shown, reader.user
    assert "，第 2 次补正" in chief.client.get(reverse("office") + "?rows=1").content.decode()


def test_chen_reads_the_refusal_before_she_sends_it(ready: Registration, chen: Person) -> None:
    address = reverse("office-refuse", args=[ready.number])
    shown = chen.client.post(address, {"ground": "R05", "note": "法院裁定保全", "preview": "1"}).content.decode()
    assert "专利权质押不予登记通知书" in shown
    assert "预览，尚未发出" in shown
    assert f"R05 {Ground.R05.label}。查明：法院裁定保全" in shown
    ready.refresh_from_db()
    assert ready.state == Registration.State.EXAMINING
    assert not Notice.objects.exists()
    without = chen.client.post(address, {"ground": "R12", "note": " ", "preview": "1"})
    assert without.status_code == 400
    assert "请写明查明的情况" in without.content.decode()
    chen.client.post(address, {"ground": "R05", "note": "法院裁定保全", "send": "1"})
    assert Notice.objects.get().kind == Notice.Kind.REFUSED
