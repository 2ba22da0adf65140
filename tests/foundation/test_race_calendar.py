"""A calendar changes while people submit, answer and correct: afterwards no open deadline is counted with an older one."""

import random
import uuid
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from threading import Event

import pytest
from django.db import connection, transaction

from applications.actions import choices, claiming, drafts, submit
from applications.models import Application, Purpose, Referral
from portal.foundation.core.actor import SYSTEM
from portal.foundation.core.errors import DomainError, WrongState
from portal.foundation.journal.models import Entry
from portal.foundation.sla import calendar_imports, calendars_in_use, clocks, recounting
from portal.foundation.sla.calendar_files import CALENDARS, YearFile, parse_year
from portal.foundation.sla.models import CalendarChange, Clock, Kind
from products.models import Product
from tests import factories
from tests.factories import Person
from tests.threads import together

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True)]

NOW = datetime.fromisoformat("2026-09-30T15:00+08:00")


# A lost race or somebody else's lock is a sentence; anything else (a deadlock) fails the test.
POLITELY = partial(suppress, DomainError)


def year_2026(*extra_holidays: int) -> YearFile:
    """2026 with further days of October off."""
    text = (CALENDARS / "2026.toml").read_text(encoding="utf-8")
    last = '  { date = 2026-10-07, name = "国庆节" },\n'
    more = "".join(f'  {{ date = 2026-10-{day:02}, name = "国庆节" }},\n' for day in extra_holidays)
    return parse_year(text.replace(last, last + more), name="2026.toml")


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    calendars_in_use.forget()
    yield
    calendars_in_use.forget()


def begin(bo: Person, subject: str = "") -> Clock:
    return clocks.start(
        Kind.RESPONSE,
        organisation_id=bo.organisation.pk,
        case_number="YZD",
        subject=subject or uuid.uuid4().hex,
        watchers=[],
        now=NOW,
    )


def load(file: YearFile) -> None:
    calendar_imports.import_years([file], ground="示例发〔2026〕9号", actor=SYSTEM, now=NOW)


def wrong() -> list[str]:
    """Open clocks that are not what the newest calendar makes of them."""
    after = calendars_in_use.read_now()
    return [
        f"{clock} {clock.due_at} {planned.due_at}"
        for clock in Clock.objects.running()
        if (planned := recounting.counted(clock, after.of(clocks.office_of(clock.kind, clock.organisation_id))))
        != clocks.Plan(clock.due_at, clock.provisional, clock.levels, clock.moments)
    ]


def test_a_submission_that_counted_before_an_import_and_commits_after_it_is_found(bo: Person) -> None:
    counted, imported = Event(), Event()

    def submission() -> None:
        with transaction.atomic():
            begin(bo)
            counted.set()
            assert imported.wait(20)

    def importer() -> None:
        assert counted.wait(20)
        load(year_2026(8))
        change = CalendarChange.objects.latest("pk")
        assert change.settled_at is None  # somebody who counted before has not committed: looking goes on
        recounting.settle(now=NOW)
        assert CalendarChange.objects.get(pk=change.pk).settled_at is None
        imported.set()

    together(submission, importer)
    assert len(wrong()) == 1
    assert recounting.settle(now=NOW) == 1
    assert wrong() == []
    (entry,) = Entry.objects.filter(verb="clock.recomputed")
    assert entry.data["ground"] == "示例发〔2026〕9号"
    assert recounting.settle(now=NOW) == 0
    assert CalendarChange.objects.latest("pk").settled_at == NOW


def test_a_process_that_still_keeps_the_old_calendar_does_not_count_with_it(bo: Person) -> None:
    calendars_in_use.current()
    kept = calendars_in_use._cached
    load(year_2026(8))
    calendars_in_use._cached = kept  # as in another process, within its half minute
    with transaction.atomic():
        clock = begin(bo)
    assert clock.calendar == calendars_in_use.current().version
    assert wrong() == []


def test_two_imports_at_once_happen_one_after_the_other(bo: Person) -> None:
    with transaction.atomic():
        for _ in range(30):
            begin(bo)
    together(lambda: load(year_2026(8)), lambda: load(year_2026(8, 9)))
    assert CalendarChange.objects.count() == 3
    assert wrong() == []
    numbers = list(Entry.objects.filter(verb="calendar.loaded").order_by("id").values_list("data__change", flat=True))
    assert numbers == sorted(numbers)


def test_of_two_administrators_who_confirm_at_once_one_is_shown_the_new_effects(bo: Person, ada: Person) -> None:
    with transaction.atomic():
        begin(bo)

    def confirm(file: YearFile, token: str) -> str:
        try:
            calendar_imports.import_years([file], ground="x", actor=ada.actor, now=NOW, token=token)
        except WrongState:
            return "refused"
        return "done"

    seen = [(file, calendar_imports.preview([file]).token) for file in (year_2026(8), year_2026(8, 9))]
    assert sorted(together(*[lambda given=given: confirm(*given) for given in seen])) == ["done", "refused"]
    assert wrong() == []


@pytest.mark.parametrize("seed", [203, 201])
def test_submitting_answering_and_withdrawing_through_a_storm_of_imports_leaves_no_wrong_deadline(
    seed: int, ling: Person, bo: Person, cui: Person
) -> None:
    print(f"seed {seed}")
    products = [factories.product(bo.organisation), factories.product(cui.organisation, name="示例乙贷")]
    patent = factories.patent(ling.organisation)
    over = Event()

    def submits(dice: random.Random) -> None:
        while not over.wait(dice.random() / 10):
            _request(ling, products, patent.pk)

    def answers(person: Person, dice: random.Random) -> None:
        while not over.wait(dice.random() / 10):
            waiting = Referral.objects.filter(institution_id=person.organisation.pk, state=Referral.State.WAITING)
            if (referral := waiting.order_by("?").first()) is not None:
                _claim(referral.pk, person)

    def withdraws(dice: random.Random) -> None:
        while not over.wait(dice.random() / 3):
            if (case := Application.objects.filter(state="submitted").order_by("?").first()) is not None:
                with POLITELY():
                    choices.withdraw(case.pk, reason="", actor=ling.actor, now=NOW)

    def imports(dice: random.Random) -> None:
        try:
            for turn in range(6):
                load(year_2026(*([8], [8, 9], [9])[turn % 3]))
                over.wait(dice.random() / 5)
        finally:
            over.set()

    dice = [random.Random(seed + n) for n in range(6)]
    together(
        lambda: imports(dice[0]),
        lambda: submits(dice[1]),
        lambda: submits(dice[2]),
        lambda: answers(bo, dice[3]),
        lambda: answers(cui, dice[4]),
        lambda: withdraws(dice[5]),
        seconds=120,
    )
    assert Entry.objects.filter(verb="clock.recomputed").exists()
    recounting.settle(now=NOW)
    recounting.settle(now=NOW)
    assert not CalendarChange.objects.filter(settled_at=None).exists()
    assert Clock.objects.running().count() > 0
    assert wrong() == []
    with connection.cursor() as cursor:  # the desk's own copy follows
        cursor.execute(
            "SELECT count(*) FROM applications_referral r JOIN sla_clock c ON c.id = r.clock_id WHERE r.due_at <> c.due_at"
        )
        assert cursor.fetchone() == (0,)


def _request(ling: Person, products: list[Product], patent_id: int) -> None:
    draft = drafts.start(actor=ling.actor, now=NOW)
    wish = submit.Wish(
        amount=Decimal(8_000_000),
        term_months=24,
        purpose=Purpose.WORKING_CAPITAL,
        contact_name="林示例",
        contact_phone="13800000000",
        patent_ids=[patent_id],
        product_ids=[product.pk for product in products],
    )
    with POLITELY():
        submit.submit(draft.pk, wish, actor=ling.actor, now=NOW)


def _claim(referral_id: int, person: Person) -> None:
    with POLITELY():
        claiming.claim_this(
            referral_id,
            contact_name="薄示例",
            contact_phone="13800000000",
            next_step="上门尽调",
            actor=person.actor,
            now=NOW,
        )


def test_the_change_of_a_deadline_waits_for_the_officer_who_answers_and_finds_the_clock_stopped(
    ling: Person, bo: Person, product: Product
) -> None:
    factories.patent(ling.organisation)
    _request(ling, [product], ling.organisation.patents.get().pk)
    clock = Clock.objects.running().get()
    stopped, went = Event(), Event()

    def answer() -> None:
        with transaction.atomic():
            clocks.stop(clock.pk, now=NOW + timedelta(hours=1), reason="claimed")
            stopped.set()
            went.wait(0.5)

    def change() -> None:
        assert stopped.wait(10)
        load(year_2026(8))
        went.set()

    together(answer, change)
    clock.refresh_from_db()
    assert clock.stopped_at is not None
    assert not Entry.objects.filter(verb="clock.recomputed").exists()
