"""Bo works the desk all day: what waits, in order of the due moment, and nothing of anybody else."""

import re
from datetime import timedelta
from decimal import Decimal

import pytest
import time_machine
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from applications import desk, desk_figures
from applications.actions import choices, claiming, responses
from applications.models import Application, Referral
from portal.foundation.accounts.models import OrganisationKind, Role
from portal.foundation.core import moments
from portal.foundation.core.errors import Forbidden, Invalid
from portal.foundation.journal.models import Entry
from portal.foundation.sla.models import Clock
from products.models import Product
from tests import factories
from tests.factories import Person

pytestmark = pytest.mark.django_db
CONTACT = {"contact_name": "薄示例", "contact_phone": "023-67961234", "next_step": "明天上午上门尽调"}


@pytest.fixture(autouse=True)
def _fresh_figures() -> None:
    cache.clear()


def due(referral: Referral, hours: float) -> None:
    """Move a referral's due moment to so many hours from now."""
    at = moments.now() + timedelta(hours=hours)
    Clock.objects.filter(pk=referral.clock_id).update(
        started_at=at - timedelta(days=4),
        due_at=at,
        levels=["due_soon"],
        moments=[at - timedelta(hours=4)],
        next_at=None,
    )


def firms(html: str) -> list[str]:
    return re.findall(r'<th scope="row"><a [^>]*>([^<]+)</a>', html)


def several(product: Product, count: int) -> list[Referral]:
    made = []
    for i in range(count):
        org = factories.organisation(OrganisationKind.ENTERPRISE, f"示例企业{i:03d}")
        firm = factories.person(f"firm{i}", "林示例", Role.ENTERPRISE, org)
        made.append(factories.application(firm, product).referrals.get())
    return made


def test_bo_sees_the_most_urgent_first_with_shape_and_word(ling: Person, bo: Person, product: Product) -> None:
    first, second, third = several(product, 3)
    due(first, 50)
    due(second, -3)
    due(third, 2)
    page = bo.client.get(reverse("desk")).content.decode()
    assert firms(page) == ["示例企业001", "示例企业002", "示例企业000"]
    assert re.findall(r'class="lamp (\w)"', page) == ["r", "y", "g"]
    assert "超期 3 小时" in page
    assert page.count("btn small primary") == 1
    assert 'aria-label="选择 ' in page


@time_machine.travel("2026-06-15T10:00+08:00")
def test_the_figures_of_the_day_say_their_denominator(ling: Person, bo: Person, product: Product) -> None:
    late, today, answered = several(product, 3)
    due(late, -1)
    Clock.objects.filter(pk=today.clock_id).update(due_at=moments.midnight_after(moments.local_date(moments.now())))
    claiming.claim_this(answered.pk, **CONTACT, actor=bo.actor, now=moments.now())
    Clock.objects.filter(pk=late.clock_id).update(started_at=desk_figures.month_start(moments.now()))
    found = desk_figures.numbers(actor=bo.actor, now=moments.now())
    assert (found.overdue, found.today, found.tabs["waiting"], found.tabs["claimed"]) == (1, 1, 2, 1)
    page = bo.client.get(reverse("desk")).content.decode()
    assert "50.0%" in page
    assert "按时 1，共 2 件" in page


def test_tabs_and_filters_live_in_the_address(ling: Person, bo: Person, bo_manager: Person, product: Product) -> None:
    small, large, claimed = several(product, 3)
    Application.objects.filter(pk=small.application_id).update(amount=Decimal(900_000))
    Application.objects.filter(pk=large.application_id).update(amount=Decimal(20_000_000), district_code="500106")
    claiming.claim_this(claimed.pk, **CONTACT, actor=bo.actor, now=moments.now())
    claiming.take([small.pk], actor=bo.actor, now=moments.now())

    def shown(query: str) -> list[str]:
        return firms(bo.client.get(reverse("desk") + query).content.decode())

    assert shown("?band=s") == ["示例企业000"]
    assert shown("?band=xl") == ["示例企业001"]
    assert shown("?district=500106") == ["示例企业001"]
    assert shown("?officer=me") == ["示例企业000"]
    assert shown("?officer=none") == ["示例企业001"]
    assert shown("?q=企业001") == ["示例企业001"]
    assert shown(f"?q={small.application.number[:14]}") == ["示例企业000", "示例企业001"]
    assert shown(f"?q={small.application.number.lower()}") == ["示例企业000"]
    assert shown("?tab=claimed") == ["示例企业002"]
    assert shown("?q=%25") == []
    assert shown("?tab=nonsense&band=nonsense&after=nonsense&district=9&officer=x") == ["示例企业000", "示例企业001"]
    assert bo.client.get(reverse("desk") + "?after=9999999999999999-999999999999999999").status_code == 200
    assert bo.client.get(reverse("desk") + "?q=%00").status_code == 400  # no keyboard has it


def test_pages_follow_each_other_without_gaps_although_all_are_due_at_the_same_midnight(
    ling: Person, bo: Person, product: Product
) -> None:
    several(product, 7)
    everything, seen, cursor = [f"示例企业{i:03d}" for i in range(7)], [], ""
    pages = []
    for _ in range(4):
        view = desk.asked({"after": cursor} if cursor else {})
        page = desk.page(view, actor=bo.actor, now=moments.now(), size=2)
        pages.append(page)
        seen += firms(page.html)
        cursor = page.after
    assert seen == everything
    assert cursor == ""
    back = desk.page(desk.asked({"before": pages[2].before}), actor=bo.actor, now=moments.now(), size=2)
    assert firms(back.html) == everything[2:4]
    assert (back.before != "", back.after != "") == (True, True)
    first = desk.page(desk.asked({"before": pages[1].before}), actor=bo.actor, now=moments.now(), size=2)
    assert firms(first.html) == everything[:2]
    assert first.before == ""
    ended = desk.page(desk.asked({"tab": "ended", "after": "5"}), actor=bo.actor, now=moments.now())
    assert ended.length == 0


def test_a_company_name_is_text_not_markup(bo: Person, product: Product) -> None:
    org = factories.organisation(OrganisationKind.ENTERPRISE, '<script>alert("1")</script>有限公司')
    factories.application(factories.person("odd", "林示例", Role.ENTERPRISE, org), product)
    page = bo.client.get(reverse("desk")).content.decode()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(&quot;1&quot;)" in page


def test_a_refresh_sends_only_the_work_and_nothing_when_nothing_changed(bo: Person, product: Product) -> None:
    several(product, 1)
    refresh = bo.client.get(reverse("desk") + "?part=work")
    assert "<html" not in refresh.content.decode()
    assert firms(refresh.content.decode()) == ["示例企业000"]
    again = bo.client.get(reverse("desk") + "?part=work", headers={"If-None-Match": refresh.headers["ETag"]})
    # The text of a lamp may turn over with the minute between the two; then the answer is new, never wrong.
    assert again.status_code == 304 or again.content != refresh.content


def test_the_desk_and_its_neighbours_stay_within_twelve_queries(
    ling: Person, bo: Person, bo_manager: Person, product: Product
) -> None:
    several(product, 5)
    for person, path in ((bo, "desk"), (bo_manager, "desk"), (bo_manager, "desk-team"), (bo, "desk-pool")):
        with CaptureQueriesContext(
            connection,
        ) as seen:
            answer = person.client.get(reverse(path))
        assert answer.status_code == 200
        assert len(seen) <= 12, f"{path}: {len(seen)}"
        assert len(answer.content) < 120_000


def test_the_empty_desk_names_one_next_step(bo: Person) -> None:
    page = bo.client.get(reverse("desk")).content.decode()
    assert "没有待响应的需求" in page
    assert reverse("desk-pool") in page


def test_the_next_one_for_me_is_the_most_urgent_nobody_has_and_is_no_response(
    bo: Person, bo_manager: Person, product: Product
) -> None:
    later, urgent = several(product, 2)
    due(urgent, 1)
    answer = bo.client.post(reverse("desk-next"))
    assert answer.status_code == 302
    urgent.refresh_from_db()
    assert answer.headers["Location"] == reverse("desk-referral", args=[urgent.ref])
    assert urgent.officer_id == bo.user.pk
    assert urgent.state == Referral.State.WAITING
    assert Clock.objects.get(pk=urgent.clock_id).stopped_at is None
    assert Entry.objects.get(verb="referral.assigned").parties == [bo.organisation.pk]
    bo_manager.client.post(reverse("desk-next"))
    later.refresh_from_db()
    assert later.officer_id == bo_manager.user.pk
    answer = bo.client.post(reverse("desk-next"), follow=True)
    assert "没有待领取的需求" in answer.content.decode()


def test_ticked_ones_become_mine_except_what_a_colleague_has(bo: Person, bo_manager: Person, product: Product) -> None:
    mine, taken = several(product, 2)
    claiming.take([taken.pk], actor=bo_manager.actor, now=moments.now())
    refs = {"ref": [str(mine.ref), str(taken.ref), "nonsense"]}
    page = bo.client.post(reverse("desk-take"), refs, follow=True).content.decode()
    assert "已归您办理 1 件" in page
    assert "1 件没有领到" in page
    taken.refresh_from_db()
    assert taken.officer_id == bo_manager.user.pk


def test_the_manager_hands_ticked_ones_to_a_colleague_and_sees_the_load(
    bo: Person, bo_manager: Person, cui: Person, product: Product
) -> None:
    first, second = several(product, 2)
    due(first, -2)
    refs = {"ref": [str(first.ref), str(second.ref)], "officer": str(bo.user.pk)}
    assert "已转派 2 件" in bo_manager.client.post(reverse("desk-take"), refs, follow=True).content.decode()
    assert set(Referral.objects.values_list("officer_id", flat=True)) == {bo.user.pk}
    page = bo_manager.client.get(reverse("desk-team")).content.decode()
    row = page[page.index(bo.user.name) :]
    assert re.findall(r'class="num" data-label="[^"]+">(\d+)<', row)[:3] == ["2", "1", "0"]
    refs["officer"] = str(cui.user.pk)
    assert "选择本机构在岗的经办人" in bo_manager.client.post(reverse("desk-take"), refs, follow=True).content.decode()
    assert bo.client.get(reverse("desk-team")).status_code == 403


def test_strangers_see_nothing_of_the_desk(
    ling: Person, wai: Person, bo: Person, cui: Person, product: Product
) -> None:
    referral = several(product, 1)[0]
    assert wai.client.get(reverse("desk")).status_code == 403
    assert firms(cui.client.get(reverse("desk")).content.decode()) == []
    assert claiming.next_for_me(actor=cui.actor, now=moments.now()) is None
    assert claiming.take([referral.pk], actor=cui.actor, now=moments.now()) == []
    with pytest.raises(Forbidden):
        claiming.next_for_me(actor=wai.actor, now=moments.now())
    with pytest.raises(Forbidden):
        claiming.claim_this(referral.pk, **CONTACT, actor=cui.actor, now=moments.now())
    with pytest.raises(Forbidden):
        claiming.claim_this(referral.pk, **CONTACT, actor=wai.actor, now=moments.now())
    referral.refresh_from_db()
    assert referral.state == Referral.State.WAITING


def test_after_a_withdrawal_only_number_and_state_are_left_and_searching_tells_no_more(
    ling: Person, bo: Person, product: Product
) -> None:
    case = factories.application(ling, product)
    responses.decline(case.referrals.get().pk, code="amount", note="", actor=bo.actor, now=moments.now())
    assert firms(bo.client.get(reverse("desk") + "?tab=ended").content.decode()) == [case.organisation_name]
    choices.withdraw(case.pk, reason="", actor=ling.actor, now=moments.now())
    page = bo.client.get(reverse("desk") + "?tab=ended").content.decode()
    assert case.number in page
    assert case.organisation_name not in page
    for probe in ("q=示例智造", "band=l", "district=500157"):
        assert case.number not in re.sub(
            r'value="[^"]*"', "", bo.client.get(f"{reverse('desk')}?tab=ended&{probe}").content.decode()
        )


def test_the_one_statement_counts_working_minutes_as_the_calendar_does(bo: Person, product: Product) -> None:
    """SQL and Python must agree on weekends, evenings, a holiday and an hour within the day."""
    from portal.foundation.sla import calendars_in_use

    base = moments.now().replace(year=2026, month=9, day=23, hour=7, minute=13, second=17, microsecond=5)
    ends = [0.01, 1.7, 5, 20, 47, 24 * 4.3, 24 * 9 + 0.5, 24 * 17]  # hours; Mid-Autumn and National Day lie in between
    calendar = calendars_in_use.current()
    for referral, hours in zip(several(product, len(ends)), ends, strict=True):
        now = base + timedelta(hours=hours)
        Clock.objects.filter(pk=referral.clock_id).update(
            started_at=base, due_at=base + timedelta(days=90), next_at=None
        )
        claiming.claim_this(referral.pk, **CONTACT, actor=bo.actor, now=now)
        clock = Clock.objects.get(pk=referral.clock_id)
        expected = calendar.working_minutes(base, now)
        assert clock.working_minutes == expected
        assert (clock.stopped_at, clock.stop_reason, clock.next_at, clock.excused) == (now, "claimed", None, False)


def test_the_order_of_the_next_one_follows_when_the_calendar_moves_a_due_moment(bo: Person, product: Product) -> None:
    first, second = several(product, 2)
    for referral in (first, second):
        assert Referral.objects.get(pk=referral.pk).due_at == Clock.objects.get(pk=referral.clock_id).due_at
    moved = moments.now() + timedelta(days=9)
    Clock.objects.filter(pk=first.clock_id).update(due_at=moved)
    assert Referral.objects.get(pk=first.pk).due_at == moved
    mine = claiming.next_for_me(actor=bo.actor, now=moments.now())
    assert mine is not None
    assert mine.pk == second.pk


def test_a_claim_without_contact_or_with_too_much_text_is_refused_at_its_field(bo: Person, product: Product) -> None:
    referral = several(product, 1)[0]
    with pytest.raises(Invalid) as refusal:
        claiming.claim_this(
            referral.pk,
            contact_name="薄" * 41,
            contact_phone="023-67961234",
            next_step=" ",
            actor=bo.actor,
            now=moments.now(),
        )
    assert set(refusal.value.fields) == {"contact_name", "next_step"}
    assert Entry.objects.filter(verb="referral.claimed").count() == 0
