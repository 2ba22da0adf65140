"""What a correction changes, both sides sign again: a pledge is applied for by both together, also after a 补正."""

from datetime import timedelta

import pytest
from django.urls import reverse

from pledges.actions import corrections, examination, filing, joining
from pledges.models import MaximumDebt, Registration
from pledges.particulars.entries import MaximumEntry
from pledges.patent_lists import actions as lists
from pledges.signing import actions as signing
from portal.foundation.core import moments
from portal.foundation.core.errors import Forbidden, WrongState
from portal.foundation.journal.dispatcher import dispatch
from portal.foundation.journal.models import Entry
from portal.foundation.sla.models import Clock
from portal.notifications.models import Notice
from tests.budget import budget
from tests.factories import Person

from .conftest import content, examined, paper, tick_all

pytestmark = pytest.mark.django_db
AMOUNT = examination.Defect("debt_amount", "申请表所填债权数额与合同不一致。")
CONTRACT = examination.Defect("contract", "合同缺少签字或盖章页。")


def asked(file: Registration, clerk: Person, *defects: examination.Defect) -> list[int]:
    examination.ask_correction(file.pk, defects or [AMOUNT], actor=clerk.actor, now=moments.now())
    rows = file.corrections.filter(answered_at=None).order_by("position")
    return list(rows.values_list("pk", flat=True))


def halved(pk: int, file: Registration, by: Person) -> Registration:
    return corrections.answer(
        pk, text="", changes={"debt_amount": file.debt_amount / 2}, actor=by.actor, now=moments.now()
    )


def paused(file: Registration) -> bool:
    assert file.clock_id is not None
    return Clock.objects.get(pk=file.clock_id).paused_at is not None


def test_what_ling_alone_changes_bo_signs_before_chen_sees_it_again(
    ready: Registration, chen: Person, ling: Person, bo: Person
) -> None:
    """Ling halves the debt that Bo signed for: without his signature Chen would register what he never applied for."""
    (defect,) = asked(ready, chen)
    file = halved(defect, ready, ling)
    assert file.state == Registration.State.CORRECTING
    assert paused(file)
    assert signing.outdated(file) == {bo.organisation.pk: ["被担保债权数额"]}
    while dispatch(now=moments.now()):
        pass
    told = Notice.objects.filter(title="补正改动了申请内容，请核对并确认")
    assert {n.membership.organisation_id for n in told} == {bo.organisation.pk}
    file = corrections.confirm(file.pk, version=file.version, actor=bo.actor, now=moments.now())
    assert file.state == Registration.State.EXAMINING
    assert not paused(file)
    assert signing.outdated(file) == {}
    assert Entry.objects.filter(verb="pledge.completed", subject=file.subject).count() == 1
    tick_all(file, chen)
    notice = examination.register(file.pk, actor=chen.actor, now=moments.now())
    assert notice.registration.debt_amount == ready.debt_amount / 2


def test_an_answer_in_words_needs_no_second_signature(ready: Registration, chen: Person, ling: Person) -> None:
    (defect,) = asked(ready, chen)
    file = corrections.answer(defect, text="金额以合同为准，没有出入。", actor=ling.actor, now=moments.now())
    assert file.state == Registration.State.EXAMINING


def test_only_what_was_read_is_confirmed_and_only_by_who_applies(
    ready: Registration, chen: Person, ling: Person, bo: Person, wai: Person, cui: Person
) -> None:
    first, second = asked(ready, chen, CONTRACT, AMOUNT)
    file = halved(second, ready, ling)
    read = file.version
    with pytest.raises(WrongState, match="还有 1 项没有答复"):
        corrections.confirm(file.pk, version=read, actor=bo.actor, now=moments.now())
    upload = filing.Upload("contract", paper("补签合同.pdf"), "paper")
    file = corrections.answer(first, text="", uploads=[upload], actor=ling.actor, now=moments.now())
    with pytest.raises(WrongState, match="刚刚又改动"):
        corrections.confirm(file.pk, version=read, actor=bo.actor, now=moments.now())
    for stranger in (wai, cui, chen):
        with pytest.raises(Forbidden):
            corrections.confirm(file.pk, version=file.version, actor=stranger.actor, now=moments.now())
    with pytest.raises(WrongState, match="没有需要本方确认"):
        corrections.confirm(file.pk, version=file.version, actor=ling.actor, now=moments.now())
    corrections.confirm(file.pk, version=file.version, actor=bo.actor, now=moments.now())
    with pytest.raises(WrongState, match="没有等待补正"):  # a double click
        corrections.confirm(file.pk, version=file.version, actor=bo.actor, now=moments.now())


def test_who_does_not_agree_answers_otherwise_and_the_other_side_is_asked(
    ready: Registration, chen: Person, ling: Person, bo: Person
) -> None:
    (defect,) = asked(ready, chen)
    halved(defect, ready, ling)
    changes = {"debt_amount": ready.debt_amount}
    file = corrections.answer(defect, text="", changes=changes, actor=bo.actor, now=moments.now())
    # Bo is back at what he signed; Ling's signature is for the half.
    assert file.state == Registration.State.CORRECTING
    assert list(signing.outdated(file)) == [ling.organisation.pk]
    file = corrections.confirm(file.pk, version=file.version, actor=ling.actor, now=moments.now())
    assert file.state == Registration.State.EXAMINING


def test_the_page_says_what_changed_and_who_is_waited_for(
    ready: Registration, chen: Person, ling: Person, bo: Person
) -> None:
    (defect,) = asked(ready, chen)
    file = halved(defect, ready, ling)
    address = reverse("pledges:correct", args=[file.number])
    with budget():
        mine = ling.client.get(address).content.decode()
    assert f"等待{bo.organisation.title}确认" in mine
    assert "确认并签名" not in mine
    with budget():
        theirs = bo.client.get(address).content.decode()
    assert "补正改动了我方签名以后的内容：被担保债权数额" in theirs
    assert "400 万元" in theirs
    stale = bo.client.post(address, {"confirm": "1", "version": "0"})
    assert (stale.status_code, "刚刚又改动" in stale.content.decode()) == (409, True)
    assert bo.client.post(address, {"confirm": "1", "version": file.version}).status_code == 302
    assert Registration.objects.get(pk=file.pk).state == Registration.State.EXAMINING


def test_the_patents_stay_when_the_letter_does_not_speak_of_them(
    ready: Registration, chen: Person, ling: Person, bo: Person
) -> None:
    """Chen asks for a signature page: that is no occasion for Ling or Bo to change what is pledged."""
    asked(ready, chen, CONTRACT)
    for party in (ling, bo):
        with pytest.raises(WrongState, match="没有要求更正质押专利"):
            lists.leave_out(ready.pk, numbers=["x"], actor=party.actor, now=moments.now())
    assert ling.client.get(reverse("pledges:patent-list", args=[ready.number])).status_code == 302


def test_the_patents_are_changed_when_the_letter_asks_for_it(ready: Registration, chen: Person, ling: Person) -> None:
    asked(ready, chen, examination.Defect("patents", "申请表所列专利与合同附件不一致。"))
    assert ling.client.get(reverse("pledges:patent-list", args=[ready.number])).status_code == 200


def test_edge_case_4_a_corrected_period_counts_at_once(
    draft: Registration, chen: Person, ling: Person, bo: Person
) -> None:
    """Edge case 4: Bo corrects the period of his maximum pledge; R06 and Ling's signature are about the new one."""
    start = draft.debt_from
    assert start is not None
    entry = MaximumEntry(start, start + timedelta(days=365), 12)
    file = filing.save(
        draft.pk, typed={}, content=content(draft, maximum=entry), version=draft.version, actor=bo.actor, now=moments.now()
    )  # fmt: skip
    joining.propose(file.pk, actor=bo.actor, now=moments.now())
    file = joining.confirm(file.pk, version=file.version, actor=ling.actor, now=moments.now())
    examined(file, chen)
    (defect,) = asked(file, chen, examination.Defect("debt_period", "债权确定期间与合同不一致。"))
    changes = {"determined_from": start, "determined_to": start + timedelta(days=200), "term_months": 6}
    file = corrections.answer(defect, text="", changes=changes, actor=bo.actor, now=moments.now())
    assert MaximumDebt.objects.get().term_months == 6
    assert "最高额质押" in signing.outdated(file)[ling.organisation.pk]
    file = corrections.confirm(file.pk, version=file.version, actor=ling.actor, now=moments.now())
    assert "单笔债务最长期限 6 个月" in file.checks.get(ground="R06").evidence
