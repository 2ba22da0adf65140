"""撤销: Chen proposes, the chief decides; void from the start, published figures restated, the money never paid under it."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from applications.models import Application
from pledges import notices
from pledges.actions import examination as files
from pledges.actions import loans
from pledges.after import examination, revoking
from pledges.after.kinds import MatterKind
from pledges.after.models import Matter, Revocation
from pledges.models import Loan, Notice, PledgedPatent, Registration
from portal.foundation.core import moments
from portal.foundation.core.errors import Forbidden, Invalid, WrongState
from portal.foundation.core.pdf import engine
from portal.foundation.journal.dispatcher import dispatch
from portal.foundation.journal.models import Entry
from portal.foundation.sla import calendars_in_use
from portal.foundation.sla.models import Kind
from portal.notifications.models import Notice as Letter
from portal.reports import results
from portal.reports.results import Results
from portal.reports.scope import Scope
from tests.factories import Person

from .after_steps import amount, cancelled, decided, fresh, heard, in_hand, longer, now, proposed, revoked

pytestmark = pytest.mark.django_db


def figures() -> Results:
    today = moments.local_date(now())
    return results.results(Scope(Kind.RESPONSE, today - timedelta(days=1), today))


def test_no_chief_decides_alone(registered: Registration, chen: Person, chief: Person, ling: Person) -> None:
    with pytest.raises(Forbidden):
        revoking.propose(
            registered.pk, ground="false_promise", refusal_ground="", found="x", actor=ling.actor, now=now()
        )
    own = proposed(registered, chief)
    with pytest.raises(Forbidden, match="须由另一位负责人"):
        revoking.decide(own.pk, actor=chief.actor, now=now())
    with pytest.raises(Forbidden, match="由登记处负责人决定"):
        revoking.decide(own.pk, actor=chen.actor, now=now())
    assert fresh(registered).state == Registration.State.REGISTERED


def test_a_proposal_names_the_ground_and_what_was_found(registered: Registration, chen: Person) -> None:
    with pytest.raises(Invalid) as refusal:
        revoking.propose(registered.pk, ground="existed", refusal_ground="", found=" ", actor=chen.actor, now=now())
    assert set(refusal.value.fields) == {"refusal_ground", "found"}
    proposed(registered, chen)
    with pytest.raises(WrongState, match="已有一份撤销建议"):
        proposed(registered, chen)


def test_a_dropped_proposal_leaves_the_pledge(registered: Registration, chen: Person, chief: Person) -> None:
    made = proposed(registered, chen)
    with pytest.raises(Invalid):
        revoking.drop(made.pk, note=" ", actor=chief.actor, now=now())
    revoking.drop(made.pk, note="证据不足", actor=chief.actor, now=now())
    assert Revocation.objects.get().state == Revocation.State.DROPPED
    assert fresh(registered).state == Registration.State.REGISTERED
    assert not Entry.objects.filter(
        verb="pledge.revocation_proposed", parties__contains=[registered.pledgor_id]
    ).exists()


def test_nobody_loses_a_registration_unheard(
    registered: Registration, chen: Person, chief: Person, ling: Person, bo: Person, wai: Person
) -> None:
    """The chief tells Ling and Bo why; they have five working days; she decides when both have spoken or the term is over."""
    made = proposed(registered, chen)
    with pytest.raises(WrongState, match="请先告知当事人"):
        revoking.decide(made.pk, actor=chief.actor, now=now())
    with pytest.raises(WrongState, match="没有需要陈述意见"):  # a suspicion is the office's own
        revoking.state(made.pk, text="不知何事", actor=ling.actor, now=now())
    with pytest.raises(Forbidden):
        revoking.tell_parties(made.pk, actor=chen.actor, now=now())
    told = revoking.tell_parties(made.pk, actor=chief.actor, now=now())
    assert told.told_at is not None
    assert told.heard_until is not None
    days = calendars_in_use.current().workdays_between(
        moments.local_date(told.told_at), moments.local_date(told.heard_until - timedelta(seconds=1))
    )
    assert days == 5
    entry = Entry.objects.get(verb="pledge.revocation_told")
    assert {ling.organisation.pk, bo.organisation.pk} <= set(entry.parties)
    revoking.state(made.pk, text="委托书属实，附后。", actor=ling.actor, now=now())
    with pytest.raises(Forbidden):
        revoking.state(made.pk, text="x", actor=wai.actor, now=now())
    with pytest.raises(WrongState, match="陈述意见的期限到"):
        revoking.decide(made.pk, actor=chief.actor, now=told.heard_until - timedelta(seconds=1))
    revoking.decide(made.pk, actor=chief.actor, now=told.heard_until)
    assert fresh(registered).state == Registration.State.REVOKED


def test_who_was_told_hears_that_it_stays(registered: Registration, chen: Person, chief: Person, ling: Person) -> None:
    made = heard(proposed(registered, chen), chief)
    revoking.drop(made.pk, note="意见成立", actor=chief.actor, now=now())
    while dispatch(now=now()):
        pass
    assert Letter.objects.filter(membership=ling.membership, title="质押登记不予撤销，继续有效").count() == 1


def test_the_database_keeps_no_revocation_of_which_the_parties_were_not_told(
    registered: Registration, chen: Person, chief: Person
) -> None:
    made = proposed(registered, chen)
    with pytest.raises(IntegrityError), transaction.atomic():
        Revocation.objects.filter(pk=made.pk).update(state="decided", decided_by=chief.user, decided_at=now())


def test_edge_case_23_revoked_is_void_from_the_start_cancelled_ends_that_day(
    registered: Registration, chen: Person, chief: Person, ling: Person, bo: Person
) -> None:
    """Rui has published Ling's pledge: after a cancellation the figure stands, after a revocation it is restated with a note."""
    assert (figures().pledges, figures().pledged, figures().revoked) == (1, Decimal(8_000_000), 0)
    began = registered.patents.get().effective.lower
    notice = revoked(registered, chen, chief)
    file = fresh(registered)
    row = file.patents.get()
    assert file.state == Registration.State.REVOKED
    assert row.effective is None
    assert (row.annulled.lower, row.annulled.upper) == (began, file.ended_at)
    assert (notice.kind, notice.facts["revoked_for"]) == (Notice.Kind.REVOKED, "当事人的承诺不实")
    after = figures()
    assert (after.pledges, after.pledged, after.first_time) == (0, 0, 0)
    assert (after.revoked, after.revoked_amount) == (1, Decimal(8_000_000))


def test_edge_case_23_a_cancelled_pledge_stays_in_the_figures(
    registered: Registration, chen: Person, ling: Person, bo: Person, rui: Person
) -> None:
    """What ended was there: Rui's figure of the month does not move, nor does a changed amount move it."""
    decided(registered, MatterKind.CHANGE, amount(3_000_000), bo, ling, chen)
    cancelled(registered, ling, bo, chen)
    assert (figures().pledges, figures().pledged, figures().revoked) == (1, Decimal(8_000_000), 0)
    assert "统计已重述" not in rui.client.get("/supervision/").content.decode()


def test_rui_reads_that_the_figures_were_restated(
    registered: Registration, chen: Person, chief: Person, rui: Person
) -> None:
    revoked(registered, chen, chief)
    page = rui.client.get("/supervision/").content.decode()
    assert "统计已重述" in page
    assert "1 件（800 万元）后来被撤销" in page


def test_edge_case_22_a_pledge_that_is_void_is_never_lent_on(
    registered: Registration, chen: Person, chief: Person, bo: Person, ling: Person
) -> None:
    """Bo has signed the loan contract, the pledge turns out to be void: no money is recorded, the request waits for a new file."""
    revoked(registered, chen, chief)
    payment = loans.Payment(registered.debt_amount, Decimal("3.45"), moments.local_date(now()), "借-1")
    with pytest.raises(WrongState, match="已撤销"):
        loans.record_loan(registered.pk, payment, actor=bo.actor, now=now())
    case = fresh(registered).application
    assert case.state == Application.State.ACCEPTED
    assert not Loan.objects.exists()
    page = ling.client.get(f"/cases/{case.number}/").content.decode()
    assert "登记自始无效；尚未放款，不得据此放款" in page


def test_edge_case_22_refused_after_the_contract_was_signed_nothing_is_paid(
    ready: Registration, chen: Person, bo: Person
) -> None:
    """Chen refuses Ling's file although the loan contract is signed: Bo cannot record any money, the request can file anew."""
    files.refuse(ready.pk, ground="R12", note="合同系伪造", actor=chen.actor, now=now())
    payment = loans.Payment(ready.debt_amount, Decimal("3.45"), moments.local_date(now()), "借-1")
    with pytest.raises(WrongState, match="不予登记"):
        loans.record_loan(ready.pk, payment, actor=bo.actor, now=now())
    assert fresh(ready).application.state == Application.State.ACCEPTED


def test_a_loan_paid_before_stays_and_its_bank_is_told(
    registered: Registration, chen: Person, chief: Person, bo: Person
) -> None:
    payment = loans.Payment(registered.debt_amount, Decimal("3.45"), moments.local_date(now()), "借-1")
    loans.record_loan(registered.pk, payment, actor=bo.actor, now=now())
    revoked(registered, chen, chief)
    assert fresh(registered).application.state == Application.State.DISBURSED
    assert "请质权人另行落实担保" in Entry.objects.get(verb="pledge.revoked").text


def test_the_number_is_free_and_what_was_applied_for_ends(
    registered: Registration, chen: Person, chief: Person, bo: Person, ling: Person
) -> None:
    change = in_hand(registered, MatterKind.CHANGE, longer(registered), bo, ling, chen)
    revoked(registered, chen, chief)
    change.refresh_from_db()
    assert change.state == Matter.State.WITHDRAWN
    assert not PledgedPatent.objects.filter(effective__isnull=False).exists()
    with pytest.raises(WrongState):
        examination.approve(change.pk, version=0, actor=chen.actor, now=now())


def test_a_cancelled_pledge_is_not_revoked(
    registered: Registration, chen: Person, chief: Person, bo: Person, ling: Person
) -> None:
    made = proposed(registered, chen)
    cancelled(registered, ling, bo, chen)
    with pytest.raises(WrongState, match="已注销"):
        revoking.decide(made.pk, actor=chief.actor, now=now())


@pytest.mark.skipif(not engine.available().ok, reason=engine.available().reason)
def test_the_paper_can_be_printed(registered: Registration, chen: Person, chief: Person) -> None:
    assert notices.print_notice(revoked(registered, chen, chief).pk).size > 1000
