"""A bank that does not answer: Ling may go on without it, it counts as late, and an answer still counts as an answer."""

from datetime import timedelta
from decimal import Decimal

import pytest

from applications.actions import choices, claiming, next_lenders
from applications.models import Application, NextRound
from portal.foundation.core import moments
from portal.foundation.core.errors import WrongState
from portal.foundation.journal.models import Entry
from portal.foundation.sla.models import Clock
from portal.foundation.sla.sweep import sweep
from tests import factories
from tests.factories import Person

from .asking_on import again, declines, deliver, of, stays_silent, told

pytestmark = pytest.mark.django_db
now = moments.now
CONTACT = {"contact_name": "薄示例", "contact_phone": "023-67961234", "next_step": "明天上午上门尽调"}


# --- a bank stays silent ----------------------------------------------------------------------------------------------


def test_a_silent_bank_is_passed_over_when_ling_moves_on_and_counts_as_late(
    case: Application, bo: Person, cui: Person, ling: Person, duan: Person, rui: Person
) -> None:
    factories.product(cui.organisation, name="示例乙贷")
    stays_silent(bo, case)
    deliver()
    offered = case.next_rounds.get()
    assert (offered.state, offered.cause, offered.silent) == ("offered", "silent", [bo.organisation.pk])
    entry = Entry.objects.get(verb="clock.escalated", case_number=case.number)
    assert offered.owed_at == entry.at  # the promise runs from the announcement, however late it was heard
    assert of(case, bo).state == "waiting"  # the bank may still answer
    assert "1 家未答复，可改选以下机构" in ling.client.get(f"/cases/{case.number}/").content.decode()
    next_lenders.take(case.pk, institution_id=cui.organisation.pk, actor=ling.actor, now=now())
    lapsed = of(case, bo)
    assert lapsed.state == "lapsed"
    assert lapsed.clock is not None
    assert (lapsed.clock.stop_reason, lapsed.clock.excused) == ("lapsed", False)
    assert lapsed.clock in Clock.objects.late()
    deliver()
    assert told(bo)[-1] == "企业已改选其他机构，这一件不必再答复"
    ended = bo.client.get(f"/desk/referrals/{lapsed.ref}/").content.decode()
    assert "企业已改选其他机构" in ended
    assert "重庆示例智造有限公司" not in ended  # its authorisation ended with it
    with pytest.raises(WrongState, match="不必再答复"):
        claiming.claim_this(lapsed.pk, **CONTACT, actor=bo.actor, now=now())
    report = rui.client.get("/supervision/report/").content.decode()
    assert "失效" in report
    assert "measure=lapsed" in report


def test_earlier_levels_of_the_ladder_offer_nothing(case: Application, bo: Person, cui: Person, duan: Person) -> None:
    factories.product(cui.organisation, name="示例乙贷")
    stays_silent(bo, case, level="supervise")
    deliver()
    assert not case.next_rounds.exists()


def test_after_an_outage_a_level_that_was_overtaken_offers_as_well(
    case: Application, bo: Person, cui: Person, duan: Person
) -> None:
    """A ladder that goes on after `next_lender`: only its top is announced, the step below still counts."""
    factories.product(cui.organisation, name="示例乙贷")
    clock = of(case, bo).clock
    assert clock is not None
    Clock.objects.filter(pk=clock.pk).update(
        levels=[*clock.levels, "director"], moments=[*clock.moments, clock.moments[-1] + timedelta(days=1)]
    )
    stays_silent(bo, case, level="director")
    assert Entry.objects.get(verb="clock.escalated").data["overtaken"][-1] == "next_lender"
    deliver()
    assert case.next_rounds.get().state == "offered"


def test_an_answer_that_comes_before_the_news_is_heard_is_an_answer(
    case: Application, bo: Person, cui: Person, duan: Person
) -> None:
    factories.product(cui.organisation, name="示例乙贷")
    stays_silent(bo, case)
    claiming.claim_this(of(case, bo).pk, **CONTACT, actor=bo.actor, now=now())
    deliver()
    assert not case.next_rounds.exists()


def test_an_answer_makes_what_the_desk_still_owes_moot(case: Application, bo: Person, duan: Person) -> None:
    stays_silent(bo, case)
    deliver()
    assert case.next_rounds.get().state == "owed"
    claiming.claim_this(of(case, bo).pk, **CONTACT, actor=bo.actor, now=now())
    deliver()
    ended = case.next_rounds.get()
    assert (ended.state, ended.outcome) == ("closed", "answered")
    assert ended.clock is not None
    assert (ended.clock.excused, ended.clock.stop_reason) == (True, "answered")


def test_two_silent_banks_make_a_second_round_and_both_lapse(
    ling: Person, bo: Person, cui: Person, gu: Person, duan: Person
) -> None:
    case = factories.application(
        ling, factories.product(bo.organisation), factories.product(cui.organisation, name="乙")
    )
    factories.product(gu.organisation, name="示例担保", mode="guarantee")
    stays_silent(bo, case)
    deliver()
    stays_silent(cui, case)
    deliver()
    again()
    assert list(case.next_rounds.order_by("position").values_list("state", "outcome")) == [
        ("closed", "replaced"),
        ("offered", ""),
    ]
    live = case.next_rounds.get(state="offered")
    assert live.reasons == [{"label": "未答复", "count": 2}]
    next_lenders.take(case.pk, institution_id=gu.organisation.pk, actor=ling.actor, now=now())
    assert {of(case, bo).state, of(case, cui).state} == {"lapsed"}


def test_a_bank_that_still_has_time_keeps_its_request_when_ling_moves_on(
    ling: Person, bo: Person, cui: Person, gu: Person, duan: Person
) -> None:
    case = factories.application(
        ling, factories.product(bo.organisation), factories.product(cui.organisation, name="乙")
    )
    factories.product(gu.organisation, name="示例担保", mode="guarantee")
    stays_silent(bo, case)
    deliver()
    assert case.next_rounds.get().reasons == [{"label": "未答复", "count": 1}]
    next_lenders.take(case.pk, institution_id=gu.organisation.pk, actor=ling.actor, now=now())
    assert (of(case, bo).state, of(case, cui).state) == ("lapsed", "waiting")


def test_looking_for_others_herself_is_moving_on_too(
    case: Application, bo: Person, cui: Person, ling: Person, duan: Person
) -> None:
    stays_silent(bo, case)
    deliver()
    later = factories.product(cui.organisation, name="新上的产品", amount_max=Decimal(9_000_000))
    choices.extend(case.pk, product_ids=[later.pk], actor=ling.actor, now=now())
    assert of(case, bo).state == "lapsed"
    owed = case.next_rounds.get()
    assert (owed.outcome, owed.clock.excused if owed.clock else None) == ("taken", True)


@pytest.mark.parametrize("ends", ["withdraw", "close_unmet"])
def test_a_request_that_ends_owes_nothing_any_more(
    case: Application, bo: Person, ling: Person, duan: Person, ends: str
) -> None:
    declines(bo, case)
    getattr(choices, ends)(case.pk, reason="不再需要", actor=ling.actor, now=now())
    deliver()
    ended = case.next_rounds.get()
    assert (ended.state, ended.outcome) == ("closed", "ended")
    assert ended.clock is not None
    assert ended.clock.stopped_at is not None
    assert not Clock.objects.running().exists()


def test_what_was_owed_late_is_announced_to_the_desk_and_stays_late(
    case: Application, bo: Person, duan: Person, ling: Person
) -> None:
    declines(bo, case)
    deliver()
    clock = case.next_rounds.get().clock
    assert clock is not None
    shift = clock.due_at - now() + timedelta(seconds=1)
    Clock.objects.filter(pk=clock.pk).update(
        started_at=clock.started_at - shift, due_at=clock.due_at - shift, moments=[m - shift for m in clock.moments],
        next_at=clock.moments[0] - shift,
    )  # fmt: skip
    sweep()
    deliver()
    assert told(duan)[-1] == f"改派下一家机构已超期：{case.number}"
    choices.withdraw(case.pk, reason="不再需要", actor=ling.actor, now=now())
    clock.refresh_from_db()
    assert (clock.excused, clock in Clock.objects.late()) == (False, True)


def test_what_is_live_is_offered_at_most_once_a_request(case: Application, bo: Person, duan: Person) -> None:
    declines(bo, case)
    with pytest.raises(Exception, match="one_live_next_round"):
        NextRound.objects.create(
            application=case, position=9, cause="silent", owed_at=now(), clock=None, state="offered"
        )
