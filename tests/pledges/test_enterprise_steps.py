"""What Ling finds on her home and her case while the pledge file goes its way."""

from decimal import Decimal
from typing import Any

import pytest
from django.urls import reverse

from applications.models import Application
from pledges.actions import examination, joining, loans
from pledges.after import filing as matters
from pledges.after.kinds import MatterKind
from pledges.models import Ground, Registration
from portal.foundation.core import moments
from tests.factories import Person
from tests.pledges.after_steps import asked, longer
from tests.pledges.conftest import filled

pytestmark = pytest.mark.django_db


def home(person: Person) -> str:
    return person.client.get(reverse("case-list")).content.decode()


def page(person: Person, case: Application) -> str:
    return person.client.get(reverse("case", args=[case.number])).content.decode()


def test_once_the_offer_is_chosen_ling_is_shown_the_pledge_file(ling: Person, case: Application) -> None:
    assert "办理质押登记" in home(ling)
    assert reverse("pledges:start", args=[case.number]) in page(ling, case)


def test_while_bo_fills_it_in_ling_has_nothing_to_do(ling: Person, case: Application, draft: Registration) -> None:
    assert "没有要您办的事" in home(ling)
    html = page(ling, case)
    assert "银行正在填写登记申请" in html
    assert reverse("pledges:start", args=[case.number]) not in html


def test_a_proposed_file_waits_for_lings_confirmation(
    ling: Person, bo: Person, case: Application, draft: Registration
) -> None:
    joining.propose(draft.pk, actor=bo.actor, now=moments.now())
    for html in (home(ling), page(ling, case)):
        assert "确认质押登记申请" in html
        assert reverse("pledges:confirm", args=[draft.number]) in html


def test_her_own_draft_is_hers_to_finish(ling: Person, case: Application) -> None:
    file = filled(case, ling)
    assert reverse("pledges:edit", args=[file.number]) in home(ling)


def test_at_the_office_the_case_says_until_when(
    ling: Person, case: Application, with_office: Registration, django_assert_max_num_queries: Any
) -> None:
    assert "没有要您办的事" in home(ling)
    with django_assert_max_num_queries(12):
        html = page(ling, case)
    assert "登记机构正在办理，办结时限" in html
    assert "24:00" in html


def test_a_registered_case_tells_since_when(ling: Person, case: Application, registered: Registration) -> None:
    html = page(ling, case)
    assert "质权自此设立" in html
    assert registered.number in html


def test_a_change_bo_asks_for_waits_on_lings_home_also_after_the_money(
    ling: Person, bo: Person, wai: Person, registered: Registration, django_assert_max_num_queries: Any
) -> None:
    """Ling has her loan and thinks no more of the pledge; Bo wants the term longer."""
    today = moments.local_date(moments.now())
    payment = loans.Payment(registered.debt_amount, Decimal("3.45"), today, "借-1")
    loans.record_loan(registered.pk, payment, actor=bo.actor, now=moments.now())
    assert "现在该做什么" not in home(ling)
    matter = asked(registered, MatterKind.CHANGE, longer(registered), bo)
    with django_assert_max_num_queries(12):
        html = home(ling)
    assert "确认变更登记申请" in html
    assert reverse("pledges:matter", args=[matter.number]) in html
    assert matter.number not in home(wai)
    matters.confirm(matter.pk, version=0, actor=ling.actor, now=moments.now())
    assert "现在该做什么" not in home(ling)


def test_after_a_refusal_another_file_may_be_begun(
    ling: Person, chen: Person, case: Application, ready: Registration
) -> None:
    examination.refuse(ready.pk, ground=Ground.R12, note="示例理由", actor=chen.actor, now=moments.now())
    html = page(ling, case)
    assert "登记机构不予登记" in html
    assert reverse("pledges:start", args=[case.number]) in html
    assert "办理质押登记" in home(ling)
