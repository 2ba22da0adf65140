"""Chen is away, or stands aside: her files find another clerk, and nobody is pushed aside unseen."""

from datetime import timedelta

import pytest
from django.urls import reverse

from applications.models import Application
from pledges.actions import examination
from pledges.after import examination as after
from pledges.after.kinds import MatterKind
from pledges.duty import actions as duty
from pledges.models import Absence, Check, Recusal, Registration
from portal.foundation.accounts.models import Membership, Role
from portal.foundation.core import moments
from portal.foundation.core.errors import Forbidden, Invalid, WrongState
from portal.foundation.journal import dispatcher
from portal.foundation.journal.models import Entry
from portal.notifications.models import Notice as Message
from products.models import Product
from tests import factories
from tests.factories import Person

from .after_steps import PAID, handed_in
from .conftest import accepted, examined, submitted

pytestmark = pytest.mark.django_db


@pytest.fixture
def colleague(chen: Person) -> Person:
    return factories.person("colleague", "常示例", Role.CLERK, chen.organisation)


def away(who: Person, *, by: Person | None = None, days: int = 2) -> None:
    today = moments.local_date(moments.now())
    duty.set_absence(
        who.user.pk,
        first=today,
        last=today + timedelta(days=days),
        note="",
        actor=(by or who).actor,
        now=moments.now(),
    )


def test_chens_files_are_offered_to_her_colleague_while_she_is_away(
    ready: Registration, chen: Person, colleague: Person
) -> None:
    assert "没有等您办理的登记件" in colleague.client.get(reverse("office")).content.decode()
    away(chen)
    page = colleague.client.get(reverse("office")).content.decode()
    assert "可接手" in page
    assert ready.number in page
    assert "可以接手" in page
    assert "由我接手" in page
    ready.refresh_from_db()
    assert ready.clerk == chen.user  # nothing moves by itself
    colleague.client.post(reverse("office-take-over", args=[ready.number]), {"from": chen.user.pk})
    ready.refresh_from_db()
    assert ready.clerk == colleague.user
    while dispatcher.dispatch(now=moments.now()):
        pass
    assert Message.objects.filter(membership=colleague.membership, title="同事请假，名下登记件可接手").exists()


def test_an_absence_is_ones_own_or_the_chiefs_to_enter(
    chen: Person, colleague: Person, chief: Person, bo: Person, ling: Person
) -> None:
    with pytest.raises(Forbidden):
        away(chen, by=colleague)
    with pytest.raises(Forbidden):
        away(chen, by=ling)
    away(chen, by=chief)
    with pytest.raises(Invalid, match="本处在岗的审查员"):
        away(bo, by=chief)
    today = moments.local_date(moments.now())
    with pytest.raises(Invalid, match="不能早于"):
        duty.set_absence(
            chen.user.pk, first=today, last=today - timedelta(days=1), note="", actor=chen.actor, now=moments.now()
        )


def test_nobody_who_is_away_is_given_a_file(with_office: Registration, chen: Person, chief: Person) -> None:
    away(chen)
    with pytest.raises(Invalid, match="请假至"):
        examination.assign(with_office.pk, clerk_id=chen.user.pk, actor=chief.actor, now=moments.now())
    page = chief.client.get(reverse("office-file", args=[with_office.number])).content.decode()
    assert f'<option value="{chen.user.pk}">' not in page


def test_the_chief_gives_everything_of_an_absent_clerk_to_another_but_for_conflicts(
    ling: Person, bo: Person, cui: Person, wai: Person, product: Product, chen: Person, chief: Person, colleague: Person
) -> None:
    first = examined(submitted(accepted(ling, bo, product), bo, ling), chen)
    factories.patent(wai.organisation, factories.INVENTION_2)
    second = examined(submitted(accepted(wai, cui, factories.product(cui.organisation)), cui, wai), chen)
    Membership.objects.create(user=colleague.user, organisation=cui.organisation, role=Role.OFFICER)
    away(chen, by=chief)
    page = chief.client.get(reverse("office-duty")).content.decode()
    assert "整批转派（2 件）" in page
    answer = chief.client.post(
        reverse("office-reassign", args=[chen.user.pk]), {"clerk": colleague.user.pk}, follow=True
    )
    said = answer.content.decode()
    assert "已转派 1 件" in said
    assert f"{second.number} 没有转派：" in said
    assert "回避" in said
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.clerk, second.clerk) == (colleague.user, chen.user)
    with pytest.raises(Forbidden):
        duty.reassign_all(chen.user.pk, to_id=colleague.user.pk, actor=colleague.actor, now=moments.now())


def test_what_comes_after_a_registration_is_handed_on_too(
    registered: Registration, ling: Person, bo: Person, chen: Person, chief: Person, colleague: Person
) -> None:
    """Chen falls ill with Ling's cancellation on her desk: the chief gives it on, one by one or with all the rest."""
    matter = handed_in(registered, MatterKind.CANCELLATION, PAID, ling, bo)
    with pytest.raises(Forbidden, match="只有登记处负责人"):
        after.assign(matter.pk, clerk_id=chen.user.pk, actor=colleague.actor, now=moments.now())
    answer = chief.client.post(reverse("office-matter-assign", args=[matter.number]), {"clerk": chen.user.pk})
    assert answer.status_code == 302
    with pytest.raises(WrongState, match="已转派给"):
        after.accept(matter.pk, actor=colleague.actor, now=moments.now())
    away(chen, by=chief)
    page = chief.client.get(reverse("office-duty")).content.decode()
    assert "整批转派（1 件）" in page
    assert matter.number in page
    with pytest.raises(Invalid, match="请假"):
        after.assign(matter.pk, clerk_id=chen.user.pk, actor=chief.actor, now=moments.now())
    with pytest.raises(WrongState, match="没有转派"):
        after.assign(
            matter.pk, clerk_id=chief.user.pk, from_clerk_id=colleague.user.pk, actor=chief.actor, now=moments.now()
        )
    moved = duty.reassign_all(chen.user.pk, to_id=colleague.user.pk, actor=chief.actor, now=moments.now())
    assert moved.moved == (matter.number,)
    matter = after.accept(matter.pk, actor=colleague.actor, now=moments.now())
    after.approve(matter.pk, version=0, actor=colleague.actor, now=moments.now())
    with pytest.raises(WrongState, match="不能转派"):
        after.assign(matter.pk, clerk_id=chief.user.pk, actor=chief.actor, now=moments.now())


def test_chen_is_back_early(chen: Person, colleague: Person, chief: Person, wai: Person) -> None:
    chen.client.post(
        reverse("office-duty"),
        {"first": moments.local_date(moments.now()), "last": "2099-01-01", "note": ""},
    )
    assert Absence.objects.count() == 0  # longer than a year
    today = moments.local_date(moments.now())
    made = chen.client.post(reverse("office-duty"), {"first": today, "last": today + timedelta(days=9), "note": ""})
    assert made.status_code == 302
    absence = Absence.objects.get()
    assert colleague.client.post(reverse("office-absence-end", args=[absence.pk])).status_code == 403
    assert wai.client.post(reverse("office-absence-end", args=[absence.pk])).status_code == 403
    assert chief.client.post(reverse("office-absence-end", args=[absence.pk])).status_code == 302
    with pytest.raises(WrongState):
        duty.end_absence(absence.pk, actor=chen.actor, now=moments.now())


def test_chen_stands_aside_and_another_reads_from_the_start(
    ready: Registration, chen: Person, colleague: Person, chief: Person, ling: Person, rui: Person
) -> None:
    chen.client.post(reverse("office-recuse", args=[ready.number]), {"reason": "与质权人经办人是亲属"})
    ready.refresh_from_db()
    assert (ready.state, ready.clerk) == (Registration.State.SUBMITTED, None)
    assert not ready.checks.filter(automatic=False).exists()
    assert ready.checks.filter(result=Check.Result.MANUAL).count() == 3
    with pytest.raises(Forbidden, match="回避"):
        examination.accept(ready.pk, actor=chen.actor, now=moments.now())
    with pytest.raises(Invalid, match="回避"):
        examination.assign(ready.pk, clerk_id=chen.user.pk, actor=chief.actor, now=moments.now())
    assert "没有等您办理的登记件" in chen.client.get(reverse("office")).content.decode()
    examination.accept(ready.pk, actor=colleague.actor, now=moments.now())
    assert Recusal.objects.get().reason == "与质权人经办人是亲属"
    assert "亲属" not in ling.client.get(reverse("pledges:detail", args=[ready.number])).content.decode()
    entry = Entry.objects.get(verb="pledge.recused")
    assert ling.organisation.pk not in entry.parties


def test_standing_aside_needs_a_reason_and_a_file_of_ones_own(
    ready: Registration, chen: Person, colleague: Person, case: Application
) -> None:
    with pytest.raises(Invalid):
        duty.recuse(ready.pk, reason=" ", actor=chen.actor, now=moments.now())
    with pytest.raises(WrongState, match="正在办理"):
        duty.recuse(ready.pk, reason="亲属", actor=colleague.actor, now=moments.now())
