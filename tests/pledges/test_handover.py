"""An office cannot do it: another one takes the file over with the time that is left, and the first hears no more of it."""

from datetime import timedelta

import pytest

from applications.models import Application
from pledges.actions import examination, handover
from pledges.models import Registration
from portal.foundation.accounts.models import OrganisationKind, Role
from portal.foundation.core import moments
from portal.foundation.core.errors import Forbidden, Invalid, WrongState
from portal.foundation.journal.dispatcher import dispatch
from portal.foundation.journal.models import Entry
from portal.foundation.sla import clocks
from portal.foundation.sla.models import Clock, Pause, Policy
from portal.foundation.sla.sweep import sweep
from portal.notifications.models import Notice
from products.models import Product
from tests import factories
from tests.factories import Person
from tests.pledges.conftest import accepted, examined, submitted
from tests.threads import together

now = moments.now


@pytest.fixture
def other(reference: None) -> Person:
    """A clerk of the office next door."""
    org = factories.organisation(OrganisationKind.IP_OFFICE, "示例第二登记处")
    return factories.person("shi", "施示例", Role.CLERK, org)


@pytest.fixture
def file(ling: Person, bo: Person, chen: Person, product: Product) -> Registration:
    return submitted(accepted(ling, bo, product), bo, ling)


def clock_of(file: Registration) -> Clock:
    assert file.clock_id is not None
    return Clock.objects.get(pk=file.clock_id)


def hand_over(file: Registration, by: Person, to: Person) -> Registration:
    return handover.hand_over(file.pk, office_id=to.organisation.pk, reason="系统停用", actor=by.actor, now=now())


def told(who: Person) -> list[str]:
    while dispatch(now=now()):
        pass
    return list(Notice.objects.filter(membership=who.membership).order_by("pk").values_list("title", flat=True))


@pytest.mark.django_db
def test_the_promise_goes_over_with_the_time_that_is_left(
    file: Registration, chen: Person, chief: Person, other: Person, ling: Person
) -> None:
    examination.accept(file.pk, actor=chen.actor, now=now())
    before = clock_of(file)
    moved = hand_over(file, chief, other)
    after = clock_of(file)
    assert (moved.state, moved.office_id, moved.clerk_id) == ("submitted", other.organisation.pk, None)
    assert (after.organisation_id, after.due_at, after.moments) == (
        other.organisation.pk,
        before.due_at,
        before.moments,
    )
    assert chen.organisation.pk not in after.watchers
    assert other.organisation.pk in after.watchers
    entry = Entry.objects.get(verb="pledge.handed_over")
    (fact,) = entry.data["clocks"]
    assert (fact["did"], fact["from_organisation"], fact["organisation"]) == (
        "reassigned", chen.organisation.pk, other.organisation.pk,
    )  # fmt: skip
    assert told(other)[-1] == "另一受理机构转来一件质押登记件，时限接着计算"
    assert told(ling)[-1] == "质押登记件改由另一受理机构办理"
    examination.accept(file.pk, actor=other.actor, now=now())
    assert chen.client.get(f"/office/{file.number}/").status_code == 404


@pytest.mark.django_db
def test_what_the_first_office_ticked_the_second_reads_again(
    file: Registration, chen: Person, chief: Person, other: Person
) -> None:
    """Chen has read everything; Shi signs the notice, so Shi reads everything too."""
    examined(file, chen)
    hand_over(file, chief, other)
    examination.accept(file.pk, actor=other.actor, now=now())
    with pytest.raises(WrongState, match="没有核对"):
        examination.register(file.pk, actor=other.actor, now=now())


@pytest.mark.django_db
def test_the_first_office_is_not_told_of_what_is_no_longer_its(
    file: Registration, chen: Person, chief: Person, other: Person
) -> None:
    hand_over(file, chief, other)
    seen = len(told(chen))
    clock = clock_of(file)
    shift = clock.due_at - now() + timedelta(seconds=1)
    Clock.objects.filter(pk=clock.pk).update(
        started_at=clock.started_at - shift, due_at=clock.due_at - shift, moments=[m - shift for m in clock.moments],
        next_at=clock.moments[0] - shift,
    )  # fmt: skip
    sweep()
    assert any("已超期" in title for title in told(other))
    assert len(told(chen)) == seen


@pytest.mark.django_db
def test_an_announcement_on_its_way_while_the_file_moves_finds_nobody_at_the_old_office(
    file: Registration, chen: Person, chief: Person, other: Person
) -> None:
    told(chen)
    clock = clock_of(file)
    Clock.objects.filter(pk=clock.pk).update(
        moments=[now() - timedelta(seconds=1), *clock.moments[1:]], next_at=now() - timedelta(seconds=1)
    )
    seen = len(told(chen))
    sweep()  # announced, not yet heard
    hand_over(file, chief, other)
    assert len(told(chen)) == seen


@pytest.mark.django_db
def test_where_the_policy_says_so_the_term_begins_anew_and_the_ladder_is_climbed_again(
    file: Registration, chief: Person, other: Person
) -> None:
    before = clock_of(file)
    Policy.objects.filter(pk=before.policy_id).update(anew_when_reassigned=True)
    clocks.version.cache_clear()
    later = now() + timedelta(days=1)
    Clock.objects.filter(pk=before.pk).update(started_at=before.started_at - timedelta(days=1), level=1)
    moved = clocks.reassign(
        before.pk, other.organisation.pk, now=min(later, before.due_at - timedelta(seconds=1)), reason="停用"
    )
    clocks.version.cache_clear()
    assert moved.due_at >= before.due_at
    assert moved.level == 0
    assert [fact["did"] for fact in moved.facts] == ["reassigned", "paused", "resumed"]
    assert Pause.objects.get(clock=moved).reason == "改派：停用"


@pytest.mark.django_db
def test_a_late_promise_stays_late_whoever_has_it(file: Registration, other: Person) -> None:
    before = clock_of(file)
    Policy.objects.filter(pk=before.policy_id).update(anew_when_reassigned=True)
    clocks.version.cache_clear()
    moved = clocks.reassign(before.pk, other.organisation.pk, now=before.due_at, reason="停用")
    clocks.version.cache_clear()
    assert (moved.due_at, moved.organisation_id) == (before.due_at, other.organisation.pk)


@pytest.mark.django_db
def test_a_stopped_promise_and_ones_own_are_left_alone(file: Registration, chen: Person, other: Person) -> None:
    pk = clock_of(file).pk
    assert not clocks.reassign(pk, chen.organisation.pk, now=now(), reason="x").facts
    clocks.stop(pk, now=now(), reason="registered")
    assert clocks.reassign(pk, other.organisation.pk, now=now(), reason="x").organisation_id == chen.organisation.pk


@pytest.mark.django_db
def test_only_the_chief_or_the_regulator_hands_over_and_says_why_and_to_whom(
    file: Registration, chen: Person, chief: Person, rui: Person, bo: Person, other: Person, ling: Person
) -> None:
    for person in (chen, bo, ling, other):
        with pytest.raises(Forbidden):
            hand_over(file, person, other)
    with pytest.raises(Invalid) as refusal:
        handover.hand_over(file.pk, office_id=chen.organisation.pk, reason=" ", actor=rui.actor, now=now())
    assert set(refusal.value.fields) == {"office", "reason"}
    url = f"/supervision/files/{file.number}/hand-over/"
    assert "示例第二登记处" in rui.client.get(url).content.decode()
    assert rui.client.post(url, {"office": other.organisation.pk, "reason": ""}).status_code == 400
    done = rui.client.post(url, {"office": other.organisation.pk, "reason": "窗口停用"}, follow=True)
    assert "已改由 示例第二登记处 办理" in done.content.decode()
    assert {p.client.get(url).status_code for p in (chen, bo, ling)} == {403}


@pytest.mark.django_db
def test_the_chief_finds_it_on_the_screen_and_not_while_the_parties_correct(
    file: Registration, chen: Person, chief: Person, other: Person
) -> None:
    page = chief.client.get(f"/office/{file.number}/").content.decode()
    assert "改由其他受理机构办理" in page
    assert "改由其他受理机构办理" not in chen.client.get(f"/office/{file.number}/").content.decode()
    examination.accept(file.pk, actor=chen.actor, now=now())
    examination.ask_correction(file.pk, [examination.Defect("contract", "缺页")], actor=chen.actor, now=now())
    with pytest.raises(WrongState):
        hand_over(file, chief, other)
    url = f"/office/{file.number}/hand-over/"
    answer = chief.client.post(url, {"office": other.organisation.pk, "reason": "停用"})
    assert answer.status_code == 409


@pytest.mark.django_db(transaction=True)
@pytest.mark.race
def test_of_accepting_and_handing_over_at_once_one_is_first_and_the_clock_agrees(
    file: Registration, chen: Person, chief: Person, other: Person
) -> None:
    def trying(call: object) -> object:
        try:
            return call()  # type: ignore[operator]
        except Exception as error:
            return error

    together(
        lambda: trying(lambda: examination.accept(file.pk, actor=chen.actor, now=now())),
        lambda: trying(lambda: hand_over(file, chief, other)),
    )
    file.refresh_from_db()
    assert (file.office_id, file.state, file.clerk_id) == (other.organisation.pk, "submitted", None)
    assert clock_of(file).organisation_id == other.organisation.pk


@pytest.mark.django_db
def test_a_case_without_a_file_has_nothing_to_hand_over(
    rui: Person, ling: Person, bo: Person, product: Product
) -> None:
    case: Application = accepted(ling, bo, product)
    assert rui.client.get(f"/supervision/files/{case.number}/hand-over/").status_code == 404
