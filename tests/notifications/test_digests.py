"""The portal was down for a day: Bo reads one message with a list, not forty; nothing is lost and nothing comes twice."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
import time_machine
from django.core import mail
from django.db import connection

from portal.foundation.core import moments
from portal.foundation.journal.dispatcher import dispatch
from portal.foundation.journal.models import Delivery, Entry
from portal.foundation.sla import calendars_in_use
from portal.foundation.sla.models import Clock
from portal.foundation.sla.sweep import sweep
from portal.notifications import digests, writing
from portal.notifications.models import Notice
from products.models import Product
from tests import factories
from tests.factories import Person

pytestmark = pytest.mark.django_db
now = moments.now
Late = Callable[[int], list[Clock]]


@pytest.fixture
def late(ling: Person, bo: Person, bo_manager: Person, rui: Person, product: Product) -> Late:
    """So many requests to Bo's bank that passed their due moment while nothing swept, `hours` ago."""

    def make(count: int, hours: float = 5) -> list[Clock]:
        made = []
        for _ in range(count):
            clock = factories.application(ling, product).referrals.get().clock
            assert clock is not None
            shift = clock.due_at - now() + timedelta(hours=hours)
            Clock.objects.filter(pk=clock.pk).update(
                started_at=clock.started_at - shift, due_at=clock.due_at - shift,
                moments=[m - shift for m in clock.moments], next_at=clock.moments[0] - shift,
            )  # fmt: skip
            made.append(clock)
        return made

    return make


@pytest.fixture
def working_hours(bo: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    """Mail goes at any hour."""
    monkeypatch.setattr(writing, "next_opening", lambda now: now)
    bo.user.email = "bo@bank.invalid"
    bo.user.save(update_fields=["email"])


def deliver(at: datetime | None = None) -> None:
    while dispatch(now=at or now()):
        pass


def deliver_mail(*, after: timedelta = digests.FIRST) -> None:
    """Everything is written, and then what waited for its company goes."""
    deliver()
    deliver(now() + after + timedelta(seconds=5))


def reminders(who: Person) -> list[Notice]:
    """What stands in this person's list."""
    return list(Notice.objects.filter(membership=who.membership, kind="deadline", digest=None).order_by("pk"))


def test_after_an_outage_bo_reads_one_message_with_a_list(late: Late, bo: Person, bo_manager: Person) -> None:
    late(6)
    assert sweep() == 6
    assert Entry.objects.filter(verb="clock.escalated").count() == 6  # each fact is a journal entry as ever
    deliver()
    for person in (bo, bo_manager):
        (digest,) = reminders(person)
        assert digest.title == "停机恢复后汇总：共 6 件"
        assert digest.items.count() == 6
        assert person.client.get("/notices/?kind=deadline").content.decode().count("<li class=") == 1
        page = person.client.get(digest.url).content.decode()
        assert page.count("去查看") == 6
        assert "金融机构响应已超期" in page


def test_three_at_once_still_come_one_by_one(late: Late, bo: Person) -> None:
    late(3)
    sweep()
    deliver()
    assert [n.title.partition("：")[0] for n in reminders(bo)] == ["金融机构响应已超期"] * 3


def test_without_an_outage_the_digest_does_not_speak_of_one(late: Late, bo: Person) -> None:
    late(5, hours=0)
    sweep()
    deliver()
    assert [n.title for n in reminders(bo)] == ["时限提醒汇总：共 5 件"]


def test_delivered_twice_and_by_somebody_who_saw_fewer_every_fact_is_told_once(late: Late, bo: Person) -> None:
    late(5)
    sweep()
    first = Entry.objects.filter(verb="clock.escalated").earliest("id")
    monkey = pytest.MonkeyPatch()
    with monkey.context() as patch:  # a dispatcher that believed it was alone
        patch.setattr(digests, "is_burst", lambda entry, letter: False)
        writing.write(first, now())
    deliver()
    Delivery.objects.update(state=Delivery.State.WAITING, sent_at=None)
    deliver()
    told = Notice.objects.filter(membership=bo.membership, kind="deadline").exclude(entry_id=None)
    assert told.count() == 5
    alone, digest = reminders(bo)
    assert alone.entry_id == first.pk
    assert digest.title == "停机恢复后汇总：共 4 件"


def test_who_reads_the_digest_has_read_what_is_in_it_and_the_bell_counts_it_once(late: Late, bo: Person) -> None:
    late(5)
    sweep()
    deliver()
    Notice.objects.filter(membership=bo.membership).exclude(kind="deadline").update(read_at=now())
    assert _bell(bo) == 1
    (digest,) = reminders(bo)
    assert bo.client.post(f"/notices/{digest.pk}/open/").headers["Location"] == digest.url
    assert not Notice.objects.filter(membership=bo.membership, read_at=None).exists()


def _bell(who: Person) -> int:
    answer = who.client.get("/notices/")
    return int(answer.context["unread_count"])


def test_a_strangers_digest_is_no_page(late: Late, bo: Person, wai: Person, ling: Person) -> None:
    late(5)
    sweep()
    deliver()
    (digest,) = reminders(bo)
    assert {p.client.get(digest.url).status_code for p in (wai, ling)} == {404}


def test_the_regulator_reads_one_message_about_many_banks(
    late: Late, ling: Person, cui: Person, rui: Person, bo: Person
) -> None:
    late(3, hours=24 * 10)  # every level has passed; each bank has but a few
    product = factories.product(cui.organisation)
    for _ in range(2):
        clock = factories.application(ling, product).referrals.get().clock
        assert clock is not None
        shift = clock.moments[-1] - now() + timedelta(hours=1)
        Clock.objects.filter(pk=clock.pk).update(
            started_at=clock.started_at - shift, due_at=clock.due_at - shift,
            moments=[m - shift for m in clock.moments], next_at=clock.moments[0] - shift,
        )  # fmt: skip
    sweep()
    deliver()
    assert [n.title for n in reminders(rui)] == ["停机恢复后汇总：共 5 件"]  # overtaken levels told her as well
    assert len(reminders(bo)) == 3


# --- mail -------------------------------------------------------------------------------------------------------------


def sent() -> list[mail.EmailMessage]:
    return [m for m in mail.outbox if "汇总" in m.subject]


def test_one_mail_tells_of_all_and_says_which(
    late: Late, bo: Person, working_hours: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(digests, "LISTED", 5)
    late(8)
    sweep()
    deliver_mail()
    (letter,) = sent()
    assert letter.subject == "【快速通道】停机恢复后汇总：共 8 件"
    assert letter.to == ["bo@bank.invalid"]
    assert letter.body.count("金融机构响应已超期") == digests.LISTED
    assert "另有 3 件" in letter.body
    assert "示例智造" not in letter.body
    items = Notice.objects.filter(membership=bo.membership).exclude(digest=None)
    assert letter.extra_headers["X-Portal-Notices"].split() == [str(n.pk) for n in items.order_by("pk")]
    assert not items.filter(mailed_at=None).exists()
    assert all("X-Portal-Notices" in line or len(line) < 998 for line in letter.message().as_string().splitlines())


def test_a_digest_broken_between_sending_and_marking_comes_again_with_the_same_key(
    late: Late, bo: Person, working_hours: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    late(5)
    sweep()
    with monkeypatch.context() as patch:
        patch.setattr(digests, "_mark", lambda rows, now: (_ for _ in ()).throw(RuntimeError("killed")))
        deliver_mail()
    Delivery.objects.filter(state=Delivery.State.WAITING).update(retry_at=None)
    deliver_mail()
    keys = [m.extra_headers["Message-ID"] for m in sent()]
    assert len(keys) > 1
    assert len(set(keys)) == 1


def test_what_is_announced_later_in_the_minute_goes_with_one_further_mail(
    late: Late, bo: Person, working_hours: None
) -> None:
    first = late(5)
    sweep()
    deliver_mail()
    more = late(2)
    window = Entry.objects.filter(verb="clock.escalated").earliest("id").at
    sweep()
    with connection.cursor() as cursor:  # the second sweep came in the same minute
        cursor.execute("SET session_replication_role = replica")
        cursor.execute("UPDATE journal_entry SET at = %s WHERE verb = 'clock.escalated'", [window])
        cursor.execute("SET session_replication_role = DEFAULT")
    deliver_mail()
    assert len(sent()) == 1  # it waits a minute for its company
    deliver_mail(after=digests.FIRST + digests.AGAIN)
    assert [m.subject.rpartition("：")[2] for m in sent()] == ["共 5 件", "共 2 件"]
    assert len({m.extra_headers["Message-ID"] for m in sent()}) == 2
    assert len(reminders(bo)) == 1
    assert len(first) + len(more) == Notice.objects.filter(membership=bo.membership).exclude(digest=None).count()


def test_at_night_the_digest_waits_for_the_office_to_open(late: Late, bo: Person) -> None:
    bo.user.email = "bo@bank.invalid"
    bo.user.save(update_fields=["email"])
    late(5)
    sweep()
    opens = calendars_in_use.current().add_workdays(moments.local_date(now()), 1)
    night = moments.midnight_after(opens.date - timedelta(days=1)) + timedelta(hours=2)
    with time_machine.travel(night, tick=False):
        deliver(night)
        assert not sent()
        deliver(night + timedelta(hours=7, minutes=1))
    assert len(sent()) == 1
