"""Every thing people do in the portal reaches exactly those it concerns, with a link that opens for them."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from applications.actions import choices, claiming, responses
from applications.models import Application, DeclineReason, Referral
from banks.models import Institution
from pledges.actions import corrections, examination, joining, loans
from pledges.models import Ground, Registration
from portal.foundation.accounts.models import OrganisationKind, Role
from portal.foundation.core import moments
from portal.foundation.journal.dispatcher import dispatch
from portal.foundation.journal.models import Delivery
from portal.foundation.sla.models import Clock, Kind, Policy, PolicyLevel
from portal.foundation.sla.sweep import sweep
from portal.notifications.models import Notice
from portal.reports import actions as supervision
from products.models import Product
from tests import factories
from tests.factories import Person
from tests.notifications.conftest import Told
from tests.pledges.conftest import accepted, examined, filled, submitted

pytestmark = pytest.mark.django_db
now = moments.now
CONTACT = {"contact_name": "薄示例", "contact_phone": "023-67961234", "next_step": "明天上午上门尽调"}


def referral(case: Application, person: Person) -> Referral:
    return case.referrals.get(institution_id=person.organisation.pk)


def offer(case: Application, person: Person) -> int:
    terms = responses.Terms(
        amount=case.amount, term_months=24, annual_rate=Decimal("3.45"), valid_until=date(2099, 1, 1)
    )
    return responses.offer(referral(case, person).pk, terms, actor=person.actor, now=now()).pk


@pytest.fixture
def case(ling: Person, product: Product, everybody: None) -> Application:
    """Ling asks Bo's bank."""
    return factories.application(ling, product)


# --- the request ------------------------------------------------------------------------------------------------------


def test_a_new_request_reaches_everybody_at_the_bank_who_can_answer(case: Application, told: Told) -> None:
    title = "新的融资需求，请在 2 个工作日内响应"
    assert told("application.submitted") == {"bo": title, "bo_manager": title}


def test_the_letter_names_the_days_this_request_was_promised(ling: Person, product: Product, told: Told) -> None:
    Policy.objects.create(kind=Kind.RESPONSE, days=5, valid_from=now() - timedelta(hours=1), ground="新规")
    factories.application(ling, product)
    assert told("application.submitted")["bo"] == "新的融资需求，请在 5 个工作日内响应"


def test_a_claim_reaches_ling(case: Application, bo: Person, told: Told) -> None:
    responses.claim(referral(case, bo).pk, **CONTACT, actor=bo.actor, now=now())
    assert told("referral.claimed") == {"ling": "机构已接单"}


def test_a_question_reaches_ling_and_her_answer_the_one_who_asked(
    case: Application, bo: Person, ling: Person, told: Told
) -> None:
    asked = responses.ask(referral(case, bo).pk, question="问" * 500, actor=bo.actor, now=now())
    assert told("referral.asked") == {"ling": "机构请您补充资料"}
    choices.answer(asked.pk, text="见附件", actor=ling.actor, now=now())
    assert told("referral.answered") == {"bo": "企业已补充资料"}


def test_an_offer_reaches_ling(case: Application, bo: Person, told: Told) -> None:
    offer(case, bo)
    assert told("referral.offered") == {"ling": "收到融资方案，请查看并选择"}


def test_the_bank_she_chose_and_the_bank_she_did_not_choose_both_hear(
    ling: Person, bo: Person, cui: Person, product: Product, told: Told
) -> None:
    case = factories.application(ling, product, factories.product(cui.organisation))
    chosen, _ = offer(case, bo), offer(case, cui)
    choices.accept(chosen, actor=ling.actor, now=now())
    assert told("offer.accepted") == {"bo": "企业选定了本机构的方案，请办理签约和质押登记"}
    assert told("referral.not_selected") == {"cui": "企业已选定其他机构的方案"}


def test_the_last_no_tells_ling_what_comes_next(case: Application, bo: Person, told: Told) -> None:
    responses.decline(referral(case, bo).pk, code=DeclineReason.TERM, note="", actor=bo.actor, now=now())
    assert told("referral.declined") == {"ling": "一家机构婉拒了您的需求"}
    assert told("application.all_declined") == {"ling": "所有机构均已婉拒，正在为您推荐其他机构"}


def test_a_further_bank_hears_and_the_first_one_does_not_hear_again(
    case: Application, ling: Person, cui: Person, told: Told
) -> None:
    choices.extend(case.pk, product_ids=[factories.product(cui.organisation).pk], actor=ling.actor, now=now())
    assert set(told("application.extended")) == {"cui"}


def test_a_withdrawal_reaches_the_banks_that_still_had_it(
    ling: Person, bo: Person, cui: Person, product: Product, told: Told
) -> None:
    case = factories.application(ling, product, factories.product(cui.organisation))
    responses.decline(referral(case, cui).pk, code=DeclineReason.TERM, note="", actor=cui.actor, now=now())
    choices.withdraw(case.pk, reason="", actor=ling.actor, now=now())
    assert set(told("application.withdrawn")) == {"bo", "bo_manager"}


def test_a_consent_taken_back_reaches_that_bank_alone(
    ling: Person, bo: Person, cui: Person, product: Product, told: Told
) -> None:
    case = factories.application(ling, product, factories.product(cui.organisation))
    choices.revoke(referral(case, cui).pk, actor=ling.actor, now=now())
    assert told("consent.revoked") == {"cui": "企业已收回对本机构的授权，不必再答复"}


def test_an_assignment_reaches_the_new_officer_alone_and_so_does_what_follows(
    case: Application, ling: Person, bo: Person, bo_manager: Person, told: Told
) -> None:
    bei = factories.person("bei", "贝示例", Role.OFFICER, bo.organisation)
    mine = referral(case, bo)
    responses.assign(mine.pk, officer_id=bei.user.pk, actor=bo_manager.actor, now=now())
    assert told("referral.assigned") == {"bei": "一件融资需求转派给您"}
    choices.withdraw(case.pk, reason="", actor=ling.actor, now=now())
    assert set(told("application.withdrawn")) == {"bei"}


def test_who_takes_a_request_is_not_told_that_he_took_it(case: Application, bo: Person, told: Told) -> None:
    claiming.next_for_me(actor=bo.actor, now=now())
    assert told("referral.assigned") == {}


def test_when_the_officer_has_left_the_whole_desk_hears(
    case: Application, ling: Person, bo: Person, told: Told
) -> None:
    claiming.next_for_me(actor=bo.actor, now=now())
    bo.membership.active = False
    bo.membership.save(update_fields=["active"])
    choices.withdraw(case.pk, reason="", actor=ling.actor, now=now())
    assert set(told("application.withdrawn")) == {"bo_manager"}


def test_a_request_nobody_matches_goes_over_the_dispatchers_desk(
    ling: Person, bo: Person, everybody: None, told: Told
) -> None:
    desk = factories.organisation(OrganisationKind.PLATFORM, "示例调度台")
    Institution.objects.create(organisation=desk, example=True, dispatcher=True, takes_open_calls=False)
    duan = factories.person("duan", "段示例", Role.OFFICER, desk)
    case = factories.application(ling, open_call=True)
    assert set(told("application.submitted")) == {"duan"}
    responses.dispatch(referral(case, duan).pk, institution_ids=[bo.organisation.pk], actor=duan.actor, now=now())
    assert told("referral.dispatched") == {
        "bo": "新的融资需求，请在 2 个工作日内响应",
        "bo_manager": "新的融资需求，请在 2 个工作日内响应",
        "ling": "调度台已为您的需求推送机构",
    }


# --- the pledge -------------------------------------------------------------------------------------------------------


@pytest.fixture
def agreed(ling: Person, bo: Person, product: Product, everybody: None) -> Application:
    return accepted(ling, bo, product)


@pytest.fixture
def file(agreed: Application, bo: Person, ling: Person) -> Registration:
    """Handed in by both."""
    return submitted(agreed, bo, ling)


def test_a_proposal_reaches_the_other_side_and_a_return_the_proposer(
    agreed: Application, bo: Person, ling: Person, told: Told
) -> None:
    draft = filled(agreed, bo)
    joining.propose(draft.pk, actor=bo.actor, now=now())
    assert told("pledge.proposed") == {"ling": "请确认质押登记申请"}
    joining.send_back(draft.pk, note="期限写错", actor=ling.actor, now=now())
    assert set(told("pledge.returned")) == {"bo", "bo_manager"}
    joining.propose(draft.pk, actor=bo.actor, now=now())
    joining.take_back(draft.pk, actor=bo.actor, now=now())
    assert told("pledge.taken_back") == {"ling": "对方取回修改质押登记申请，暂不必确认"}
    joining.withdraw(draft.pk, reason="", actor=bo.actor, now=now())
    assert told("pledge.discarded") == {"ling": "质押登记草稿已撤回"}


def test_a_complete_file_reaches_the_whole_office(file: Registration, told: Told) -> None:
    title = "新的质押登记件，力争 1 个工作日内办结"
    assert told("pledge.submitted") == {"chen": title, "chief": title}


def test_acceptance_and_registration_reach_both_parties(
    file: Registration, chen: Person, bo: Person, told: Told
) -> None:
    ready = examined(file, chen)
    assert set(told("pledge.accepted")) == {"ling", "bo", "bo_manager"}
    examination.register(ready.pk, actor=chen.actor, now=now())
    assert set(told("pledge.registered")) == {"ling", "bo", "bo_manager"}
    payment = loans.Payment(
        amount=Decimal(1_000_000), annual_rate=Decimal("3.45"), disbursed_on=moments.local_date(now()), loan_number="1"
    )
    loans.record_loan(ready.pk, payment, actor=bo.actor, now=now())
    assert told("loan.recorded") == {"ling": "贷款已发放"}


def test_a_correction_reaches_both_parties_and_its_end_the_clerk_who_has_the_file(
    file: Registration, chen: Person, ling: Person, told: Told
) -> None:
    examination.accept(file.pk, actor=chen.actor, now=now())
    examination.ask_correction(file.pk, [examination.Defect("contract", "缺骑缝章")], actor=chen.actor, now=now())
    assert told("pledge.correction") == dict.fromkeys(("ling", "bo", "bo_manager"), "质押登记件需要补正")
    corrections.answer(file.corrections.get().pk, text="已盖章", actor=ling.actor, now=now())
    assert told("pledge.completed") == {"chen": "补正已完成，请继续审查"}


def test_a_refusal_reaches_both_parties(file: Registration, chen: Person, told: Told) -> None:
    examination.accept(file.pk, actor=chen.actor, now=now())
    examination.refuse(file.pk, ground=Ground.R12, note="清单不一致", actor=chen.actor, now=now())
    assert told("pledge.refused") == dict.fromkeys(("ling", "bo", "bo_manager"), "专利权质押不予登记，请查看理由")


def test_a_withdrawn_file_reaches_the_office_and_the_other_party(
    file: Registration, chen: Person, ling: Person, told: Told
) -> None:
    examination.accept(file.pk, actor=chen.actor, now=now())
    joining.withdraw(file.pk, reason="", actor=ling.actor, now=now())
    assert set(told("pledge.withdrawn")) == {"chen", "bo", "bo_manager"}


def test_a_file_handed_to_a_clerk_reaches_that_clerk_alone(
    file: Registration, chen: Person, chief: Person, told: Told
) -> None:
    examination.accept(file.pk, actor=chief.actor, now=now())
    examination.assign(file.pk, clerk_id=chen.user.pk, actor=chief.actor, now=now())
    assert told("pledge.assigned") == {"chen": "一件质押登记件转派给您"}
    examination.assign(file.pk, clerk_id=chief.user.pk, actor=chief.actor, now=now())
    assert told("pledge.assigned") == {}


# --- deadlines and supervision ----------------------------------------------------------------------------------------


def passed(clock_id: int | None, *, level: int) -> Clock:
    """Let a clock's moments pass: `level` of its three have come, the ones before were announced."""
    ladder = [now() + timedelta(hours=24 * (i - level) - 1) for i in (1, 2, 3)]
    Clock.objects.filter(pk=clock_id).update(
        started_at=ladder[0] - timedelta(hours=40),
        due_at=ladder[1],
        moments=ladder,
        level=level - 1,
        next_at=ladder[level - 1],
    )
    clock = Clock.objects.get(pk=clock_id)
    sweep()
    return clock


@pytest.mark.parametrize(
    ("level", "who", "words"),
    [
        (1, {"bo"}, "金融机构响应即将到期"),
        (2, {"bo", "bo_manager"}, "金融机构响应已超期"),
        (3, {"bo_manager", "rui"}, "金融机构响应超期 1 个工作日"),
    ],
)
def test_an_unanswered_request_climbs_from_officer_to_regulator(
    case: Application, bo: Person, told: Told, level: int, who: set[str], words: str
) -> None:
    passed(referral(case, bo).clock_id, level=level)
    letters = told("clock.escalated")
    assert set(letters) == who
    assert all(t.startswith(f"{words}：{case.number}") for t in letters.values())
    assert all(("示例甲银行" in t) == (level == 3) for t in letters.values())


@pytest.mark.parametrize(("level", "who"), [(1, {"chen"}), (2, {"chen", "chief"}), (3, {"chief", "rui"})])
def test_an_undecided_file_climbs_from_clerk_to_regulator(
    file: Registration, told: Told, level: int, who: set[str]
) -> None:
    passed(file.clock_id, level=level)
    assert set(told("clock.escalated")) == who
    own = Notice.objects.filter(kind="deadline", membership__role__in=(Role.CLERK, Role.CHIEF))
    assert {n.url for n in own} == {f"/office/{file.number}/"}


def test_a_newer_policy_does_not_change_who_hears_of_an_older_promise(
    case: Application, bo: Person, told: Told
) -> None:
    newer = Policy.objects.create(kind=Kind.RESPONSE, days=2, valid_from=now(), ground="新规")
    PolicyLevel.objects.create(
        policy=newer, position=1, code="overdue", label="新", anchor="after", offset=0, recipients=[Role.REGULATOR]
    )
    passed(referral(case, bo).clock_id, level=2)
    assert set(told("clock.escalated")) == {"bo", "bo_manager"}


def test_an_order_reaches_the_bank_that_is_late_and_its_reply_the_regulator(
    case: Application, bo: Person, rui: Person, told: Told
) -> None:
    clock = passed(referral(case, bo).clock_id, level=3)
    order = supervision.issue(clock.pk, demand="请说明原因", reply_days=1, actor=rui.actor, now=now())
    assert told("supervision.ordered") == dict.fromkeys(("bo", "bo_manager"), "收到督办单，请按时答复")
    supervision.reply(order.pk, text="已联系企业", actor=bo.actor, now=now())
    assert told("supervision.replied") == {"rui": "督办单已答复"}


# --- once -------------------------------------------------------------------------------------------------------------


def test_delivering_the_same_fact_again_changes_nothing(case: Application, bo: Person, told: Told) -> None:
    told("application.submitted")
    before = list(Notice.objects.order_by("pk").values())
    Delivery.objects.update(state="waiting", leased_until=None)
    assert dispatch(now=now() + timedelta(minutes=5)) > 0
    assert list(Notice.objects.order_by("pk").values()) == before


def test_a_person_who_has_left_is_told_nothing(
    ling: Person, bo: Person, bo_manager: Person, product: Product, told: Told
) -> None:
    bo.membership.active = False
    bo.membership.save(update_fields=["active"])
    bo_manager.user.is_active = False
    bo_manager.user.save(update_fields=["is_active"])
    factories.application(ling, product)
    assert told("application.submitted") == {}
