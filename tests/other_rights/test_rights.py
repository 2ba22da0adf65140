"""A combined pledge is one financing with several registrations, and only the patents carry the promise."""

from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse

from applications.models import Application
from pledges.actions import loans
from pledges.models import OtherRight, Registration
from pledges.other_rights import actions
from pledges.other_rights.formats import RightKind
from portal.foundation.core import moments
from portal.foundation.core.errors import DomainError, Forbidden, Invalid, WrongState
from portal.foundation.journal import dispatcher
from portal.foundation.sla.models import Clock
from portal.notifications.models import Notice as Message
from tests import factories
from tests.budget import budget
from tests.factories import Person
from tests.pledges.conftest import paper

pytestmark = pytest.mark.django_db
State = OtherRight.State


def facts(**changes: Any) -> actions.Facts:
    values: dict[str, Any] = {
        "kind": RightKind.TRADEMARK,
        "title": "示例牌",
        "number": "12345678",
        "classes": "9",
        **changes,
    }
    return actions.Facts(**values)


def today(days: int = 0) -> Any:
    return moments.local_date(moments.now() + timedelta(days=days))


def advance(right: OtherRight, by: Person, *steps: tuple[str, str]) -> OtherRight:
    for state, number in steps:
        right = actions.advance(right.pk, actions.Step(state, today(), number), actor=by.actor, now=moments.now())
    return right


def test_a_combined_pledge_is_one_list_and_the_promise_covers_patents_only_edge_case_26(
    with_office: Registration, ling: Person, bo: Person, rui: Person, wai: Person
) -> None:
    """Ling pledges patents, a trademark and software to Bo: three registrars, and only Chen's file has a lamp."""
    case, clocks = with_office.application, Clock.objects.count()
    mark = actions.add(case.pk, facts(), actor=ling.actor, now=moments.now())
    actions.add(
        case.pk,
        facts(kind=RightKind.SOFTWARE, title="示例软件", number="2014SR001852"),
        actor=bo.actor,
        now=moments.now(),
    )
    advance(mark, bo, (State.SUBMITTED, "SQ-1"))
    assert Clock.objects.count() == clocks
    pages = [
        (ling, reverse("case", args=[case.number])),
        (ling, reverse("pledges:detail", args=[with_office.number])),
        (bo, reverse("pledges:detail", args=[with_office.number])),
        (rui, reverse("other-rights:list", args=[case.number])),
    ]
    for who, url in pages:
        who.client.get("/notices/")
        with budget():
            page = who.client.get(url).content.decode()
        assert page.count("无办结承诺") == 2, url
        assert "只适用于专利质押" in page
        table = page.partition("本次融资的全部质押登记</caption>")[2].partition("</table>")[0]
        assert table.count('class="lamp') == 1, url
        assert with_office.number in table
        assert "示例软件" in table
    assert wai.client.get(reverse("other-rights:list", args=[case.number])).status_code == 404


def test_data_and_licence_receivables_are_followed_at_another_registrar_edge_case_27(
    case: Application, ling: Person
) -> None:
    """A licence receivable is registered at 中登网 and promised by nobody here."""
    made = actions.add(
        case.pk,
        facts(kind=RightKind.RECEIVABLE, title="示例许可合同项下的许可费", number="", classes=""),
        actor=ling.actor,
        now=moments.now(),
    )
    assert "中登网" in made.registrar
    page = ling.client.get(reverse("other-rights:right", args=[case.number, made.ref])).content.decode()
    assert "无办结承诺" in page
    assert "没有办结承诺" in page


def test_the_money_is_recorded_while_the_trademark_is_still_prepared(
    registered: Registration, ling: Person, bo: Person
) -> None:
    made = actions.add(registered.application_id, facts(), actor=ling.actor, now=moments.now())
    payment = loans.Payment(registered.debt_amount, registered.offer.annual_rate or 0, today(), "SL-1")  # type: ignore[arg-type]
    loans.record_loan(registered.pk, payment, actor=bo.actor, now=moments.now())
    assert OtherRight.objects.get(pk=made.pk).state == State.PREPARED
    advance(made, bo, (State.SUBMITTED, ""), (State.ACCEPTED, "SL-2"), (State.REGISTERED, "ZQ-3"))
    assert OtherRight.objects.get(pk=made.pk).pledge_number == "ZQ-3"


def test_both_sides_edit_and_the_other_one_hears_of_it(
    case: Application, ling: Person, bo: Person, cui: Person, rui: Person
) -> None:
    made = actions.add(case.pk, facts(), actor=ling.actor, now=moments.now())
    actions.save(made.pk, facts(title="示例牌二"), version=0, actor=bo.actor, now=moments.now())
    with pytest.raises(WrongState, match="刚刚保存"):
        actions.save(made.pk, facts(title="示例牌三"), version=0, actor=ling.actor, now=moments.now())
    for stranger in (cui, rui):
        with pytest.raises(Forbidden):
            actions.save(made.pk, facts(), version=1, actor=stranger.actor, now=moments.now())
    advance(made, bo, (State.SUBMITTED, "SQ-1"))
    while dispatcher.dispatch(now=moments.now()):
        pass
    assert Message.objects.filter(membership=ling.membership, title__contains="其他权利").exists()
    assert Message.objects.filter(membership=bo.membership, title__contains="其他权利").exists()


@pytest.mark.parametrize(
    ("step", "said"),
    [
        ((State.REGISTERED, 0, "ZQ-1"), "不能改为"),
        ((State.SUBMITTED, 1, ""), "不能晚于今天"),
        (("nonsense", 0, ""), "选择进度"),
    ],
)
def test_progress_goes_forward_and_not_into_the_future(
    case: Application, ling: Person, step: tuple[str, int, str], said: str
) -> None:
    made = actions.add(case.pk, facts(), actor=ling.actor, now=moments.now())
    state, days, number = step
    with pytest.raises(DomainError, match=said):
        actions.advance(made.pk, actions.Step(state, today(days), number), actor=ling.actor, now=moments.now())


def test_a_step_back_in_time_is_told_with_the_day_as_people_write_it(case: Application, ling: Person) -> None:
    made = actions.add(case.pk, facts(), actor=ling.actor, now=moments.now())
    actions.advance(made.pk, actions.Step(State.SUBMITTED, today()), actor=ling.actor, now=moments.now())
    day = today()
    with pytest.raises(DomainError, match=f"上一步的日期{day.year}年{day.month}月{day.day}日"):
        actions.advance(made.pk, actions.Step(State.ACCEPTED, today(-1)), actor=ling.actor, now=moments.now())


def test_a_slip_in_the_registrars_number_is_put_right(case: Application, ling: Person, bo: Person) -> None:
    """Ling typed the number of the certificate wrong: the state stays, its day and number are corrected, and both are told."""
    made = actions.add(case.pk, facts(), actor=ling.actor, now=moments.now())
    for state, number in ((State.SUBMITTED, ""), (State.REGISTERED, "ZQ-1O")):
        actions.advance(made.pk, actions.Step(state, today(), number), actor=ling.actor, now=moments.now())
    page = ling.client.get(reverse("other-rights:right", args=[case.number, made.ref])).content.decode()
    assert "的日期和编号" in page
    sent = {"step": "advance", "state": "again", "on": f"{today():%Y-%m-%d}", "number": "ZQ-10"}
    assert bo.client.post(reverse("other-rights:right", args=[case.number, made.ref]), sent).status_code == 302
    made.refresh_from_db()
    assert (made.state, made.pledge_number) == (State.REGISTERED, "ZQ-10")
    for wrong, said in ((today(-1), "不能早于"), (today(1), "不能晚于")):
        step = actions.Step(State.REGISTERED, wrong, "ZQ-10", correct=True)
        with pytest.raises(DomainError, match=said):
            actions.advance(made.pk, step, actor=bo.actor, now=moments.now())
    with pytest.raises(WrongState, match="不能改为"):  # a second click, or a colleague's, is no correction
        actions.advance(made.pk, actions.Step(State.REGISTERED, today(), "ZQ-11"), actor=bo.actor, now=moments.now())


def test_a_registration_has_its_number_and_what_has_ended_is_not_changed(case: Application, bo: Person) -> None:
    made = actions.add(case.pk, facts(), actor=bo.actor, now=moments.now())
    advance(made, bo, (State.SUBMITTED, ""))
    with pytest.raises(Invalid) as refused:
        advance(made, bo, (State.REGISTERED, " "))
    assert "质权登记证号" in refused.value.fields["number"]
    advance(made, bo, (State.REFUSED, ""))
    with pytest.raises(WrongState, match="不能再改"):
        actions.save(made.pk, facts(), version=2, actor=bo.actor, now=moments.now())


def test_nothing_is_recorded_before_an_offer_was_chosen(ling: Person, bo: Person, product: object) -> None:
    case = factories.application(ling, product)  # type: ignore[arg-type]
    with pytest.raises(WrongState, match="选定银行方案后"):
        actions.add(case.pk, facts(), actor=ling.actor, now=moments.now())


def test_an_odd_number_is_saved_with_a_warning(case: Application, ling: Person) -> None:
    sent = ling.client.post(
        reverse("other-rights:add", args=[case.number]),
        {"kind": "trademark", "title": "示例牌", "number": "ABC", "right_registered_on": "2017-03-14"},
    )
    made = OtherRight.objects.get()
    assert sent.headers["Location"] == reverse("other-rights:right", args=[case.number, made.ref])
    page = ling.client.get(sent.headers["Location"]).content.decode()
    assert "格式待确认" in page
    assert "2027年3月13日" in page


def test_papers_are_read_by_both_sides_and_by_nobody_else(
    case: Application, ling: Person, bo: Person, wai: Person, rui: Person
) -> None:
    made = actions.add(case.pk, facts(), actor=ling.actor, now=moments.now())
    url = reverse("other-rights:right", args=[case.number, made.ref])
    assert ling.client.post(url, {"step": "attach"}).status_code == 400
    ling.client.post(url, {"step": "attach", "paper": paper("受理回执.pdf")})
    stored = made.papers.get()
    address = reverse("other-rights:paper", args=[case.number, made.ref, stored.ref])
    assert bo.client.get(address).status_code == 200
    assert wai.client.get(address).status_code == 404
    assert rui.client.get(address).status_code == 403
    assert "受理回执" not in rui.client.get(url).content.decode()
    assert bo.client.post(url, {"step": "attach", "paper": paper("x.exe")}).status_code == 415
