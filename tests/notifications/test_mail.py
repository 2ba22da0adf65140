"""Mail is a pointer: to the portal, in office hours, to who has an address, once."""

import smtplib
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend

from applications.actions import choices, responses
from portal.foundation.core import moments
from portal.foundation.journal import dispatcher
from portal.foundation.journal.dispatcher import dispatch
from portal.foundation.journal.models import Delivery
from portal.notifications.models import Notice
from portal.notifications.writing import next_opening
from products.models import Product
from tests import factories
from tests.factories import Person

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _channels_are_up() -> Iterator[None]:
    """What one test saw break is whole for the next."""
    dispatcher.forget()
    yield
    dispatcher.forget()


def at(text: str) -> datetime:
    return datetime.fromisoformat(text.replace(" ", "T") + "+08:00")


def reached(*people: Person) -> None:
    for person in people:
        person.user.email = f"{person.user.username}@example.invalid"
        person.user.save(update_fields=["email"])


@pytest.fixture
def asked(ling: Person, bo: Person, bo_manager: Person, product: Product) -> Callable[[str], None]:
    """Ling's request at a moment of Chongqing; Bo and his manager have addresses."""
    reached(ling, bo, bo_manager)

    def ask(moment: str) -> None:
        with time_machine.travel(at(moment), tick=False):
            factories.application(ling, product)
            dispatch(now=moments.now())

    return ask


def later(moment: str) -> None:
    with time_machine.travel(at(moment), tick=False):
        dispatch(now=moments.now())


def recipients() -> list[str]:
    return sorted(to for message in mail.outbox for to in message.to)


BOTH = ["bo@example.invalid", "bo_manager@example.invalid"]


def test_in_office_hours_it_goes_out_at_once(asked: Callable[[str], None]) -> None:
    asked("2026-11-23 10:00")
    assert recipients() == BOTH
    assert Notice.objects.filter(mailed_at=None).count() == 0


@pytest.mark.parametrize(
    ("sent", "rests_until", "opens"),
    [
        ("2026-11-23 22:00", "2026-11-24 08:59", "2026-11-24 09:00"),  # at night
        ("2026-11-24 00:10", "2026-11-24 08:59", "2026-11-24 09:00"),  # after midnight
        ("2026-11-23 18:00", "2026-11-24 08:59", "2026-11-24 09:00"),  # the office has just closed
        ("2026-11-20 19:00", "2026-11-22 12:00", "2026-11-23 09:00"),  # over the weekend
        ("2026-09-30 20:00", "2026-10-07 12:00", "2026-10-08 09:00"),  # over National Day
        ("2026-10-03 11:00", "2026-10-07 23:59", "2026-10-08 09:00"),  # in the middle of it
        ("2026-10-09 21:00", "2026-10-10 08:59", "2026-10-10 09:00"),  # the make-up Saturday is a working day
        ("2026-10-10 19:00", "2026-10-11 12:00", "2026-10-12 09:00"),  # and the Sunday after it is not
    ],
)
def test_outside_office_hours_the_notice_is_there_and_the_mail_waits(
    asked: Callable[[str], None], sent: str, rests_until: str, opens: str
) -> None:
    asked(sent)
    assert Notice.objects.count() == 2
    assert mail.outbox == []
    row = Delivery.objects.get(subscriber="mail")
    assert (row.attempts, row.retry_at) == (0, at(opens))
    later(rests_until)
    assert mail.outbox == []
    later(opens)
    assert recipients() == BOTH
    later(opens)
    assert len(mail.outbox) == 2


def test_on_a_make_up_saturday_the_office_is_open(asked: Callable[[str], None]) -> None:
    asked("2026-10-10 14:00")
    assert recipients() == BOTH


def test_at_six_sharp_the_office_is_closed(reference: None) -> None:
    assert next_opening(at("2026-11-23 18:00")) == at("2026-11-24 09:00")
    assert next_opening(at("2026-11-23 08:59")) == at("2026-11-23 09:00")


@pytest.mark.parametrize("now", ["2026-11-23 09:00", "2026-11-23 17:59", "2026-10-10 12:00"])
def test_an_open_office_opens_now(reference: None, now: str) -> None:
    assert next_opening(at(now)) == at(now)


def test_it_says_what_and_where_and_nothing_that_must_stay_inside(
    asked: Callable[[str], None], ling: Person, bo: Person, cui: Person, settings: Any
) -> None:
    asked("2026-11-23 10:00")
    referral = bo.organisation.institution.referrals.get()
    with time_machine.travel(at("2026-11-23 11:00"), tick=False):
        asked_for = responses.ask(referral.pk, question="请补充林示例的征信报告", actor=bo.actor, now=moments.now())
        dispatch(now=moments.now())
        choices.answer(asked_for.pk, text="见附件", actor=ling.actor, now=moments.now())
        dispatch(now=moments.now())
    assert len(mail.outbox) == 4
    for message in mail.outbox:
        said = message.subject + str(message.body)
        assert settings.PUBLIC_URL in message.body
        assert referral.application.number in message.body
        for secret in (
            ling.organisation.name,
            "示例智造",
            "林示例",
            "13800000000",
            "征信",
            "8000000",
            "800 万",
            "万元",
            "元",
        ):
            assert secret not in said, (secret, said)
    link = mail.outbox[0].body.split(settings.PUBLIC_URL)[1].strip()
    assert bo.client.get(link).status_code == 200


def test_what_is_only_news_is_not_mailed(asked: Callable[[str], None], bo: Person) -> None:
    asked("2026-11-23 10:00")
    mail.outbox.clear()
    with time_machine.travel(at("2026-11-23 11:00"), tick=False):
        contact = {"contact_name": "薄示例", "contact_phone": "023-67961234", "next_step": "明天上门"}
        responses.claim(bo.organisation.institution.referrals.get().pk, **contact, actor=bo.actor, now=moments.now())
        dispatch(now=moments.now())
    assert Notice.objects.filter(kind="result", membership__user__username="ling").exists()
    assert mail.outbox == []


def test_who_has_no_address_has_the_notice(asked: Callable[[str], None], bo: Person) -> None:
    bo.user.email = ""
    bo.user.save(update_fields=["email"])
    asked("2026-11-23 10:00")
    assert recipients() == ["bo_manager@example.invalid"]
    assert Notice.objects.filter(membership=bo.membership).exists()


def test_who_left_the_bank_overnight_gets_no_mail_in_the_morning(asked: Callable[[str], None], bo: Person) -> None:
    asked("2026-11-23 22:00")
    bo.membership.active = False
    bo.membership.save(update_fields=["active"])
    later("2026-11-24 09:00")
    assert recipients() == ["bo_manager@example.invalid"]


def test_a_delivery_handed_over_again_sends_nothing_again(asked: Callable[[str], None]) -> None:
    asked("2026-11-23 10:00")
    Delivery.objects.update(state="waiting", leased_until=None)
    later("2026-11-23 10:10")
    assert len(mail.outbox) == 2


def test_when_the_mail_server_fails_half_way_only_the_rest_is_sent_later(
    asked: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = EmailBackend.send_messages

    def once(self: EmailBackend, messages: Any) -> int:
        if mail.outbox:
            raise ConnectionResetError("the server hung up")
        return int(real(self, messages))

    monkeypatch.setattr(EmailBackend, "send_messages", once)
    asked("2026-11-23 10:00")
    assert len(mail.outbox) == 1
    assert Delivery.objects.get(subscriber="mail").attempts == 0  # the server's fault, not the message's
    assert Delivery.objects.get(subscriber="notices").state == "sent"
    monkeypatch.setattr(EmailBackend, "send_messages", real)
    later("2026-11-23 10:01")
    assert recipients() == BOTH


@pytest.mark.parametrize(
    ("error", "down"),
    [
        (TimeoutError("timed out"), True),
        (ConnectionRefusedError("nobody listens"), True),
        (smtplib.SMTPServerDisconnected("hung up"), True),
        (smtplib.SMTPSenderRefused(451, b"try again later", "portal@localhost"), True),
        (smtplib.SMTPSenderRefused(550, b"unknown sender", "portal@localhost"), False),
        (smtplib.SMTPRecipientsRefused({"bo@example.invalid": (550, b"nobody of that name")}), False),
        (smtplib.SMTPDataError(554, b"looks like spam"), False),
    ],
)
def test_a_server_that_is_away_is_told_from_a_mail_it_does_not_want(
    asked: Callable[[str], None], monkeypatch: pytest.MonkeyPatch, error: Exception, down: bool
) -> None:
    def fail(self: EmailBackend, messages: Any) -> int:
        raise error

    monkeypatch.setattr(EmailBackend, "send_messages", fail)
    asked("2026-11-23 10:00")
    assert Delivery.objects.get(subscriber="mail").attempts == (0 if down else 1)
    assert Delivery.objects.get(subscriber="notices").state == "sent"


def test_after_three_days_without_a_mail_server_every_mail_still_goes_out(
    asked: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = EmailBackend.send_messages

    def refuse(self: EmailBackend, messages: Any) -> int:
        raise ConnectionRefusedError("nobody listens")

    monkeypatch.setattr(EmailBackend, "send_messages", refuse)
    asked("2026-11-23 10:00")
    for day in (23, 24, 25):
        for hour in range(11, 18):
            for minute in (0, 20, 40):
                later(f"2026-11-{day} {hour}:{minute:02}")
    monkeypatch.setattr(EmailBackend, "send_messages", real)
    later("2026-11-26 10:00")
    assert recipients() == BOTH


def test_a_mail_server_that_does_not_answer_does_not_hold_the_loop_for_ever(settings: Any) -> None:
    assert timedelta(0) < timedelta(seconds=settings.EMAIL_TIMEOUT or 0) <= timedelta(seconds=30)
