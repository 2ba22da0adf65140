"""Bugs in what is asked for twice, counted, stored, told and sealed; alone in one process like those of test_mutants."""

from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, transaction
from django.db.backends.signals import connection_created

from applications.actions import claiming, drafts, responses, submit
from applications.models import Application, Purpose, Referral
from portal.foundation.core import failpoints, moments
from portal.foundation.core import models as counters
from portal.foundation.journal import dispatcher, sealer
from portal.foundation.journal.models import Delivery, Entry
from portal.proof.mutants import patching
from products.models import Product
from tests import factories
from tests.by_hand import by_hand
from tests.factories import Person
from tests.made_files import PDF

from .bugs import asked, assert_caught, infect

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("healed")]
CONTACT = {"contact_name": "薄示例", "contact_phone": "13800000000", "next_step": "上门尽调"}


def wish(ling: Person, product: Product) -> submit.Wish:
    own = list(ling.organisation.patents.all()) or [factories.patent(ling.organisation)]
    return submit.Wish(
        amount=8_000_000,  # type: ignore[arg-type]
        term_months=24,
        purpose=Purpose.WORKING_CAPITAL,
        contact_name="林示例",
        contact_phone="13800000000",
        patent_ids=[p.pk for p in own],
        product_ids=[product.pk],
    )


def test_a_second_click_files_a_second_request(ling: Person, product: Product) -> None:
    infect("submit_again")
    asked_for, draft = wish(ling, product), drafts.start(actor=ling.actor, now=moments.now())
    for _ in range(2):
        submit.submit(draft.pk, asked_for, actor=ling.actor, now=moments.now())
    assert_caught("submit_again")


def test_two_claims_of_one_referral(case: Callable[[], Application], bo: Person) -> None:
    infect("claim_without_guard")
    referral = asked(case())
    for _ in range(2):  # both have read «waiting»
        with by_hand():
            Referral.objects.filter(pk=referral.pk).update(state="waiting")
        claiming.claim_this(referral.pk, **CONTACT, actor=bo.actor, now=moments.now())
    assert "r.state" not in claiming._CLAIM
    assert_caught("claim_without_guard")


def test_a_refusal_repeated(case: Callable[[], Application], bo: Person) -> None:
    infect("decline_again")
    referral = asked(case())
    for _ in range(2):
        responses.decline(referral.pk, code="policy", note="", actor=bo.actor, now=moments.now())
    assert_caught("decline_again")


def test_a_number_that_two_read(case: Callable[[], Application]) -> None:
    infect("number_by_reading")
    case()
    counters.Counter.objects.filter(name__startswith="case:").update(value=0)  # as the second one read it
    case()
    assert_caught("number_by_reading")


def test_a_number_that_is_not_given_back() -> None:
    infect("number_outside")
    try:
        with transaction.atomic():
            assert counters.take("mutant") == 1
            transaction.set_rollback(True)
        assert counters.take("mutant") == 2
    finally:
        other = connection.copy()
        with other.cursor() as cursor:
            cursor.execute("DELETE FROM core_counter WHERE name = 'mutant'")
        other.close()


def test_a_file_that_is_written_later(ling: Person) -> None:
    infect("file_after_commit")
    draft = drafts.start(actor=ling.actor, now=moments.now())
    upload = SimpleUploadedFile("营业执照.pdf", PDF, content_type="application/pdf")
    drafts.attach(draft.pk, upload, kind="licence", actor=ling.actor, now=moments.now())
    assert_caught("file_after_commit")  # nothing commits here


def test_a_fact_written_after_the_commit(case: Callable[[], Application]) -> None:
    infect("journal_after_commit")
    case()
    assert_caught("journal_after_commit")


def test_notices_written_after_the_commit(case: Callable[[], Application], bo: Person) -> None:
    infect("notice_on_commit")
    bo.membership.__class__.objects.update(created_at=moments.now() - timedelta(days=1))
    case()
    while dispatcher.dispatch(now=moments.now()):
        pass
    assert_caught("notice_on_commit")


def test_a_delivery_marked_before_it_is_handed_over(case: Callable[[], Application]) -> None:
    case()
    infect("sent_before_handed_over")
    dispatcher.fan_out()
    delivery = Delivery.objects.first()
    assert delivery is not None
    failpoints.arm("dispatcher.before_handler=raise")
    with pytest.raises(failpoints.Broken):
        dispatcher.hand_over(delivery, Entry.objects.get(pk=delivery.entry_id), now=moments.now())
    assert Delivery.objects.get(pk=delivery.pk).state == "sent"
    failpoints.arm("")
    assert dispatcher.dispatch(now=moments.now())


def test_two_dispatchers_take_the_same(case: Callable[[], Application]) -> None:
    case()
    infect("no_lease")
    dispatcher.fan_out()
    first = dispatcher.claim(now=moments.now())
    assert first
    assert [d.pk for d in dispatcher.claim(now=moments.now())] == [d.pk for d in first]
    assert dispatcher.dispatch(now=moments.now()) == len(first)  # alone it works: only two of them show the bug


def test_a_claim_that_counts(case: Callable[[], Application]) -> None:
    case()
    infect("claim_counts_as_failure")
    while dispatcher.dispatch(now=moments.now()):
        pass
    assert_caught("claim_counts_as_failure")


def test_a_refused_mail_that_ends_the_round(case: Callable[[], Application], bo: Person) -> None:
    claiming.claim_this(asked(case()).pk, **CONTACT, actor=bo.actor, now=moments.now())
    claimed = Entry.objects.get(verb="referral.claimed")
    infect("poison_blocks")
    dispatcher.fan_out()
    delivery = Delivery.objects.get(entry_id=claimed.pk, subscriber="mail")
    bad = SimpleNamespace(pk=7, verb="referral.claimed")
    with pytest.raises(ConnectionRefusedError):
        dispatcher.hand_over(delivery, bad, now=moments.now())  # type: ignore[arg-type]


def write_entry(number: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO journal_entry (id, at, verb, actor_label, subject, case_number, text, data, parties)"
            " VALUES (%s, now(), 'loan.recorded', '', 'application:0', '', '', '{}', '{}')",
            [number],
        )


@pytest.mark.parametrize(("name", "run"), [("fan_out_by_number", lambda: dispatcher.fan_out()), ("seal_by_number", lambda: sealer.seal(now=moments.now()))])  # fmt: skip
def test_an_entry_that_commits_late(name: str, run: Callable[[], object], case: Callable[[], Application]) -> None:
    infect(name)
    case()
    run()
    with connection.cursor() as cursor:
        cursor.execute("SELECT max(id) FROM journal_entry")
        held_back = cursor.fetchone()[0] + 1
        cursor.execute("SELECT setval(pg_get_serial_sequence('journal_entry', 'id'), %s)", [held_back])
    case()
    run()
    write_entry(held_back)
    case()
    run()
    assert_caught(name)


def test_a_commit_that_is_not_waited_for() -> None:
    before = len(connection_created.receivers)
    infect("commit_not_waited_for")
    assert len(connection_created.receivers) == before + 1
    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute("SHOW synchronous_commit")
        assert cursor.fetchone()[0] == "off"
    other.close()
    patching.restore()
    assert len(connection_created.receivers) == before
