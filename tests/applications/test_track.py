"""Anyone with a case number and the last digits of its phone sees the state, and nothing more."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from applications.actions import choices, responses
from applications.models import Application
from applications.views import public
from portal.foundation.accounts.models import Attempt
from portal.foundation.core import moments
from portal.foundation.core.numbering import compose
from products.models import Product
from tests import factories
from tests.factories import Person

pytestmark = pytest.mark.django_db


@pytest.fixture
def case(ling: Person, product: Product) -> Application:
    return factories.application(ling, product)


def ask(number: str, digits: str = "0000", **extra: str) -> Any:
    return Client().post("/track/", {"number": number, "digits": digits}, **extra)


def test_the_state_is_shown_without_names_or_amounts(case: Application, bo: Person, ling: Person) -> None:
    answer = ask(f" {case.number[:3].lower()} {case.number[3:]} ")
    page = answer.content.decode()
    assert answer.status_code == 200
    assert "机构对接中" in page
    assert "收到需求的机构 1 家，已响应 0 家" in page
    assert "绿灯" in page
    for secret in (ling.organisation.name, bo.organisation.name, "800 万", "林示例", "13800000000"):
        assert secret not in page


def test_the_lamp_follows_the_answer_and_the_withdrawal(case: Application, bo: Person, ling: Person) -> None:
    contact = {"contact_name": "薄示例", "contact_phone": "023-00000000", "next_step": "明天上午上门尽调"}
    responses.claim(case.referrals.get().pk, **contact, actor=bo.actor, now=moments.now())
    page = ask(case.number).content.decode()
    assert "已响应 1 家" in page
    assert "按时响应" in page
    choices.withdraw(case.pk, reason="", actor=ling.actor, now=moments.now())
    assert "已撤回" in ask(case.number).content.decode()


def test_an_overdue_institution_shows_red(case: Application) -> None:
    clock = case.referrals.get().clock
    assert clock is not None
    late = moments.now() - timedelta(days=3)
    type(clock).objects.filter(pk=clock.pk).update(started_at=late - timedelta(days=9), due_at=late)
    assert "红灯" in ask(case.number).content.decode()


def test_a_wrong_ending_and_an_unknown_number_sound_alike(case: Application) -> None:
    unknown = compose("YZD", moments.local_date(moments.now()), 9999)
    answers = [ask(case.number, "1234"), ask(unknown, "0000")]
    assert {a.status_code for a in answers} == {404}
    said = {tuple(a.context["form"].non_field_errors()) for a in answers}
    assert said == {(public.NOT_FOUND,)}
    assert f'value="{unknown}"' in answers[1].content.decode()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda n: n[:-2] + ("0" if n[-2] != "0" else "1") + n[-1], "校验字母不符"),
        (lambda n: n[:-1], "编号的写法不对"),
        (lambda n: "", "请填写办件编号"),
    ],
)
def test_a_mistyped_number_is_told_at_once_and_counts_as_no_guess(case: Application, change: Any, said: str) -> None:
    answer = ask(change(case.number))
    assert answer.status_code == 400
    assert said in answer.context["form"].errors["number"][0]
    assert not Attempt.objects.exists()


@pytest.mark.parametrize("digits", ["", "12", "12345", "abcd", "²²²²"])
def test_digits_are_four_digits(case: Application, digits: str) -> None:
    answer = ask(case.number, digits)
    assert answer.status_code == 400
    assert answer.context["form"].errors["digits"]


def test_full_width_digits_are_digits(case: Application) -> None:
    assert ask(case.number, "００００").status_code == 200


def test_ten_misses_from_one_address_wait_fifteen_minutes_and_the_neighbour_does_not(case: Application) -> None:
    for guess in range(10):
        assert ask(case.number, f"{guess + 1:04d}").status_code == 404
    slowed = ask(case.number)
    assert slowed.status_code == 429
    assert public.SLOW_DOWN in slowed.content.decode()
    assert ask(case.number, REMOTE_ADDR="192.0.2.7").status_code == 200
    Attempt.objects.update(at=moments.now() - timedelta(minutes=15))
    assert ask(case.number).status_code == 200


def test_the_addresses_of_one_ipv6_line_are_one_guesser(case: Application) -> None:
    """A line of IPv6 has 2⁶⁴ addresses of its own: a fresh one for each guess is still the same caller."""
    for guess in range(10):
        assert ask(case.number, f"{guess + 1:04d}", REMOTE_ADDR=f"2001:db8:7:1::{guess + 1:x}").status_code == 404
    assert ask(case.number, REMOTE_ADDR="2001:db8:7:1::ffff").status_code == 429
    assert ask(case.number, REMOTE_ADDR="2001:db8:7:2::1").status_code == 200


def test_many_addresses_cannot_share_the_guessing_of_one_number(case: Application) -> None:
    now = moments.now()
    for guess in range(20):
        found, slow = public.look_up(case.number, f"{guess + 1:04d}", address=f"192.0.2.{guess}", now=now)
        assert (found, slow) == (None, False)
    assert public.look_up(case.number, "0000", address="192.0.2.99", now=now) == (None, True)


def test_looking_at_the_page_counts_and_changes_nothing(case: Application) -> None:
    page = Client().get("/track/", {"number": case.number, "digits": "0000"})
    assert page.status_code == 200
    assert "机构对接中" not in page.content.decode()
    assert f'value="{case.number}"' in page.content.decode()
    assert not Attempt.objects.exists()


def test_the_look_up_asks_little_of_the_database(
    case: Application, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    ask(case.number)
    with django_assert_max_num_queries(12):
        assert ask(case.number).status_code == 200
