"""Chen accepts, reads, and decides once; a colleague takes over only in so many words."""

from datetime import timedelta

import pytest

from applications.models import Application
from pledges.actions import corrections, examination, filing, joining
from pledges.models import Check, Ground, Notice, Registration
from portal.foundation.accounts.models import Membership, Role
from portal.foundation.assets.models import Patent
from portal.foundation.core import moments
from portal.foundation.core.errors import Forbidden, Invalid, WrongState
from portal.foundation.journal.models import Entry
from portal.foundation.sla.models import Clock
from tests import factories
from tests.factories import Person

from .conftest import PDF, accepted, examined, paper, submitted, tick_all

pytestmark = pytest.mark.django_db
CONTRACT = examination.Defect("contract", "合同缺少签字或盖章页。")
AMOUNT = examination.Defect("debt_amount", "申请表所填债权数额与合同不一致。")


def clock_of(file: Registration) -> Clock:
    assert file.clock_id is not None
    return Clock.objects.get(pk=file.clock_id)


def test_chen_accepts_and_a_second_clerk_is_told_who_has_it(
    with_office: Registration, chen: Person, chief: Person
) -> None:
    file = examination.accept(with_office.pk, actor=chen.actor, now=moments.now())
    assert (file.state, file.clerk) == (Registration.State.EXAMINING, chen.user)
    assert file.checks.count() == 11 + 3  # eleven automatic lines, three that only reading can settle
    since = moments.local(file.clerk_since or moments.now())
    with pytest.raises(WrongState, match=rf"陈示例 正在办理（{since:%H:%M} 起）"):
        examination.accept(with_office.pk, actor=chief.actor, now=moments.now())
    with pytest.raises(WrongState, match="请先接手"):
        examination.refuse(with_office.pk, ground=Ground.R12, note="x", actor=chief.actor, now=moments.now())


def test_taking_over_names_whom_it_is_taken_from(with_office: Registration, chen: Person, chief: Person) -> None:
    examination.accept(with_office.pk, actor=chen.actor, now=moments.now())
    with pytest.raises(WrongState, match="重新确认"):
        examination.take_over(with_office.pk, from_clerk_id=chief.user.pk, actor=chief.actor, now=moments.now())
    file = examination.take_over(with_office.pk, from_clerk_id=chen.user.pk, actor=chief.actor, now=moments.now())
    assert file.clerk_id == chief.user.pk
    assert Entry.objects.filter(verb="pledge.taken_over", text__contains="原由 陈示例 办理").exists()


def test_the_chief_assigns_but_never_to_somebody_in_a_party(
    with_office: Registration, chen: Person, chief: Person, bo: Person
) -> None:
    with pytest.raises(Forbidden):
        examination.assign(with_office.pk, clerk_id=chief.user.pk, actor=chen.actor, now=moments.now())
    with pytest.raises(Invalid):
        examination.assign(with_office.pk, clerk_id=bo.user.pk, actor=chief.actor, now=moments.now())
    file = examination.assign(with_office.pk, clerk_id=chen.user.pk, actor=chief.actor, now=moments.now())
    assert file.clerk == chen.user
    with pytest.raises(WrongState, match="陈示例 正在办理"):
        examination.accept(with_office.pk, actor=chief.actor, now=moments.now())
    Membership.objects.create(user=chen.user, organisation=bo.organisation, role=Role.OFFICER)
    with pytest.raises(Invalid, match="回避"):
        examination.assign(with_office.pk, clerk_id=chen.user.pk, actor=chief.actor, now=moments.now())


def test_a_clerk_who_also_works_for_a_party_stands_aside(with_office: Registration, chen: Person, bo: Person) -> None:
    Membership.objects.create(user=chen.user, organisation=bo.organisation, role=Role.OFFICER)
    with pytest.raises(Forbidden, match="应当回避"):
        examination.accept(with_office.pk, actor=chen.actor, now=moments.now())


def test_nothing_is_registered_before_chen_has_read_it(with_office: Registration, chen: Person) -> None:
    with pytest.raises(WrongState, match="请先受理"):
        examination.register(with_office.pk, actor=chen.actor, now=moments.now())
    examination.accept(with_office.pk, actor=chen.actor, now=moments.now())
    with pytest.raises(WrongState, match="还有 3 项没有核对"):
        examination.register(with_office.pk, actor=chen.actor, now=moments.now())
    tick_all(with_office, chen)
    read = with_office.checks.get(ground=Ground.R12, point="forfeiture")
    assert (read.result, read.automatic, read.checked_by) == (Check.Result.CLEAR, False, chen.actor.label)
    examination.tick(with_office.pk, ticked=[], shown=["R12:forfeiture"], actor=chen.actor, now=moments.now())
    with pytest.raises(WrongState, match="还有 1 项没有核对：R12 合同没有流质条款"):
        examination.register(with_office.pk, actor=chen.actor, now=moments.now())


def test_a_found_ground_cannot_be_ticked_away(with_office: Registration, chen: Person) -> None:
    Patent.objects.update(preserved=True)
    examination.accept(with_office.pk, actor=chen.actor, now=moments.now())
    tick_all(with_office, chen)
    assert with_office.checks.get(ground=Ground.R05).result == Check.Result.FOUND
    with pytest.raises(WrongState, match="R05"):
        examination.register(with_office.pk, actor=chen.actor, now=moments.now())


def test_the_grounds_are_looked_at_again_at_the_decision(ready: Registration, chen: Person) -> None:
    Patent.objects.update(fee_paid_until=moments.local_date(moments.now()) - timedelta(days=1))
    with pytest.raises(WrongState, match="R04"):
        examination.register(ready.pk, actor=chen.actor, now=moments.now())
    assert not ready.patents.filter(effective__isnull=False).exists()


def test_what_the_data_do_not_know_chen_settles_and_it_stays_settled(
    case: Application, bo: Person, ling: Person, chen: Person
) -> None:
    Patent.objects.update(fee_paid_until=None)
    file = examined(submitted(case, bo, ling), chen)
    assert file.checks.get(ground=Ground.R04).result == Check.Result.CLEAR
    examination.register(file.pk, actor=chen.actor, now=moments.now())
    line = file.checks.get(ground=Ground.R04)
    assert (line.result, line.checked_by) == (Check.Result.CLEAR, chen.actor.label)


def test_chen_registers_and_the_pledge_exists(ready: Registration, chen: Person) -> None:
    now = moments.now()
    notice = examination.register(ready.pk, national_number="示例-1", actor=chen.actor, now=now)
    file = Registration.objects.get(pk=ready.pk)
    assert file.state == Registration.State.REGISTERED
    assert file.application.state == Application.State.REGISTERED
    assert [p.effective.lower for p in file.patents.all()] == [now]
    assert all(p.effective.upper is None for p in file.patents.all())
    clock = clock_of(file)
    assert (clock.stop_reason, clock.excused) == ("registered", False)
    assert notice.number == f"渝质登〔{moments.local_date(now).year}〕000001号"
    assert len(notice.verify_code) == 12
    with pytest.raises(WrongState, match="已登记"):
        examination.refuse(ready.pk, ground=Ground.R12, note="晚了", actor=chen.actor, now=moments.now())


def test_a_number_of_the_registrar_is_one_files(ready: Registration, chen: Person, wai: Person, cui: Person) -> None:
    """Chen copies the number of the file before: she is told at the field, and nothing is registered."""
    examination.register(ready.pk, national_number="y2026-1", actor=chen.actor, now=moments.now())
    assert Registration.objects.get(pk=ready.pk).national_number == "Y2026-1"
    factories.patent(wai.organisation, factories.INVENTION_2)
    second = examined(submitted(accepted(wai, cui, factories.product(cui.organisation)), cui, wai), chen)
    with pytest.raises(Invalid, match="另一件登记") as refusal:
        examination.register(second.pk, national_number="Y2026-1", actor=chen.actor, now=moments.now())
    assert set(refusal.value.fields) == {"national_number"}
    second.refresh_from_db()
    assert second.state == Registration.State.EXAMINING


def test_a_refusal_names_its_ground_and_the_request_can_be_filed_again(
    ready: Registration, chen: Person, bo: Person
) -> None:
    with pytest.raises(Invalid) as refusal:
        examination.refuse(ready.pk, ground=Ground.R12, note=" ", actor=chen.actor, now=moments.now())
    assert set(refusal.value.fields) == {"note"}
    notice = examination.refuse(ready.pk, ground=Ground.R12, note="合同系伪造", actor=chen.actor, now=moments.now())
    assert notice.facts["grounds"] == [{"code": "R12", "text": Ground.R12.label, "detail": "合同系伪造"}]
    ready.refresh_from_db()
    assert ready.state == Registration.State.REFUSED
    case = Application.objects.get()
    assert case.state == Application.State.ACCEPTED
    assert clock_of(ready).stopped_at is not None
    assert filing.start(case.pk, actor=bo.actor, now=moments.now()).pk != ready.pk


def test_a_correction_pauses_the_clock_and_the_last_answer_gives_the_full_term(
    ready: Registration, chen: Person, bo: Person, ling: Person
) -> None:
    start = moments.now()
    notice = examination.ask_correction(ready.pk, [CONTRACT, AMOUNT], actor=chen.actor, now=start)
    assert (notice.kind, len(notice.facts["defects"])) == (Notice.Kind.CORRECTION, 2)
    clock = clock_of(ready)
    assert (clock.paused_at, clock.next_at) == (start, None)
    first, second = ready.corrections.all()
    upload = filing.Upload("contract", paper("补签合同.pdf", PDF + b"% signed"), "paper")
    corrections.answer(first.pk, text="", uploads=[upload], actor=bo.actor, now=moments.now())
    ready.refresh_from_db()
    assert ready.state == Registration.State.CORRECTING
    later = start + timedelta(days=5)
    file = corrections.answer(
        second.pk, text="", changes={"debt_amount": ready.debt_amount / 2}, actor=ling.actor, now=later
    )
    # Ling's half amount is not what Bo signed, nor Bo's new contract what Ling did: the clock waits for both.
    assert (file.state, file.debt_amount) == (Registration.State.CORRECTING, ready.debt_amount / 2)
    assert clock_of(file).paused_at == start
    corrections.confirm(file.pk, version=file.version, actor=bo.actor, now=later)
    file = corrections.confirm(file.pk, version=file.version, actor=ling.actor, now=later)
    assert file.state == Registration.State.EXAMINING
    second.refresh_from_db()
    assert second.answer == "被担保债权数额（元）由“800 万元”改为“400 万元”"
    clock = clock_of(file)
    assert clock.paused_at is None
    assert clock.due_at > later
    # What was ticked is to be read once more.
    with pytest.raises(WrongState, match="没有核对"):
        examination.register(file.pk, actor=chen.actor, now=later)
    tick_all(file, chen)
    examination.ask_correction(file.pk, [CONTRACT], actor=chen.actor, now=later)
    file.refresh_from_db()
    assert file.correction_rounds == 2
    assert [c.round for c in file.corrections.all()] == [1, 1, 2]


def test_an_empty_answer_and_an_empty_list_are_refused(ready: Registration, chen: Person, bo: Person) -> None:
    with pytest.raises(Invalid):
        examination.ask_correction(
            ready.pk, [examination.Defect("contract", "  ")], actor=chen.actor, now=moments.now()
        )
    examination.ask_correction(ready.pk, [CONTRACT], actor=chen.actor, now=moments.now())
    with pytest.raises(Invalid):
        corrections.answer(ready.corrections.get().pk, text=" ", actor=bo.actor, now=moments.now())


def test_a_correction_changes_only_what_its_place_allows(ready: Registration, chen: Person, bo: Person) -> None:
    examination.ask_correction(ready.pk, [CONTRACT, AMOUNT], actor=chen.actor, now=moments.now())
    with pytest.raises(Invalid):
        corrections.answer(
            ready.corrections.get(position=1).pk,
            text="",
            changes={"debtor_name": "重庆另一家"},
            actor=bo.actor,
            now=moments.now(),
        )


def test_a_stranger_answers_nothing(ready: Registration, chen: Person, wai: Person) -> None:
    examination.ask_correction(ready.pk, [CONTRACT], actor=chen.actor, now=moments.now())
    with pytest.raises(Forbidden):
        corrections.answer(ready.corrections.get().pk, text="x", actor=wai.actor, now=moments.now())


def test_the_parties_may_withdraw_while_correcting(ready: Registration, chen: Person, ling: Person) -> None:
    examination.ask_correction(ready.pk, [CONTRACT], actor=chen.actor, now=moments.now())
    file = joining.withdraw(ready.pk, reason="", actor=ling.actor, now=moments.now())
    assert file.application.state == Application.State.ACCEPTED
    assert clock_of(file).excused


def test_an_office_without_a_seat_gives_a_sentence(case: Application, bo: Person, chen: Person) -> None:
    chen.organisation.active = False
    chen.organisation.save()
    with pytest.raises(WrongState, match="还没有登记受理机构"):
        filing.start(case.pk, actor=bo.actor, now=moments.now())


def test_a_clerk_of_another_office_cannot_decide(ready: Registration) -> None:
    other = factories.organisation(factories.OrganisationKind.IP_OFFICE, "示例另一登记处")
    clerk = factories.person("other_clerk", "常示例", Role.CLERK, other)
    with pytest.raises(Forbidden):
        examination.register(ready.pk, actor=clerk.actor, now=moments.now())
