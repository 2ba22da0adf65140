"""What is written in the journal stays as it was written, and a changed byte is found."""

# ruff: noqa: S608 — the statements of the bad administrator are put together here
import select
from datetime import UTC, datetime, timedelta

import pytest
from django.db import DatabaseError, connection, transaction

from portal.foundation.core import moments
from portal.foundation.core.actor import SYSTEM
from portal.foundation.journal.models import Entry, Outbox, Refusal, Seal, Unsealed
from portal.foundation.journal.record import record
from portal.foundation.journal.sealer import GENESIS, broken_links, link, seal
from tests.factories import Person
from tests.threads import together

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 23, 1, 30, 0, 123456, tzinfo=UTC)


def write(count: int = 1, *, text: str = "提交融资需求") -> list[Entry]:
    with transaction.atomic():
        return [
            record("application.submitted", actor=SYSTEM, now=NOW, subject=f"application:{i}", text=text, data={"n": i})
            for i in range(count)
        ]


def behind_the_portals_back(*statements: str) -> None:
    """What a database administrator with bad intentions can do: switch the triggers off and write."""
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        for statement in statements:
            cursor.execute(statement)
        cursor.execute("SET session_replication_role = DEFAULT")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE journal_entry SET text = '没有这回事'",
        "DELETE FROM journal_entry",
        "TRUNCATE journal_entry",
        "UPDATE journal_seal SET digest = repeat('0', 64)",
        "DELETE FROM journal_seal",
        "TRUNCATE journal_seal",
    ],
)
def test_the_database_itself_refuses_to_change_or_remove_what_was_written(statement: str) -> None:
    write(2)
    seal(now=NOW)
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    assert list(Entry.objects.values_list("text", flat=True)) == ["提交融资需求"] * 2
    assert Seal.objects.count() == 2


def test_models_and_querysets_cannot_change_it_either() -> None:
    (entry,) = write()
    entry.text = "改写"
    for attempt in (entry.save, entry.delete, Entry.objects.all().delete, lambda: Entry.objects.update(verb="x")):
        with pytest.raises(DatabaseError), transaction.atomic():
            attempt()


@pytest.mark.django_db(transaction=True)
def test_a_fact_outside_the_transaction_of_its_change_is_refused() -> None:
    with pytest.raises(RuntimeError, match="inside the transaction"):
        record("application.submitted", actor=SYSTEM, now=NOW, subject="application:1")
    assert not Entry.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_change_that_is_rolled_back_leaves_no_fact_and_no_work() -> None:
    with transaction.atomic():
        record("application.submitted", actor=SYSTEM, now=NOW, subject="application:1")
        transaction.set_rollback(True)
    assert (Entry.objects.count(), Outbox.objects.count(), Unsealed.objects.count()) == (0, 0, 0)


def test_every_fact_waits_to_be_handed_on_and_to_be_sealed() -> None:
    ids = [e.pk for e in write(3)]
    assert list(Outbox.objects.order_by("entry_id").values_list("entry_id", flat=True)) == ids
    assert list(Unsealed.objects.order_by("entry_id").values_list("entry_id", flat=True)) == ids


def test_what_record_returns_is_what_the_database_has(bo: Person, ling: Person) -> None:
    with transaction.atomic():
        written = record(
            "referral.asked",
            actor=bo.actor,
            now=NOW,
            subject="referral:7",
            case_number="YZD202611230001X",
            text="请补充报表",
            data={"institution": bo.organisation.pk, "until": NOW, "amount": "450000.00"},
            parties=[ling.organisation.pk, 0],
        )
    read = Entry.objects.get(pk=written.pk)
    assert read.at == NOW
    assert (read.actor_id, read.actor_label) == (bo.user.pk, "薄示例（示例甲银行）")
    assert read.organisation_id == bo.organisation.pk
    assert read.parties == sorted([ling.organisation.pk, bo.organisation.pk])
    assert read.data["amount"] == "450000.00"
    assert (written.verb, written.text, written.parties) == (read.verb, read.text, read.parties)


def test_only_the_parties_read_it(bo: Person, ling: Person, wai: Person) -> None:
    with transaction.atomic():
        record("referral.asked", actor=bo.actor, now=NOW, subject="referral:7", parties=[ling.organisation.pk])
    assert [Entry.objects.readable_by(p.organisation.pk).count() for p in (bo, ling, wai)] == [1, 1, 0]


def test_a_question_of_500_characters_still_gets_its_fact() -> None:
    (entry,) = write(text="示例甲银行 请企业补充：" + "问" * 500)
    entry.refresh_from_db()
    assert len(entry.text) == 500
    assert entry.text.startswith("示例甲银行 请企业补充：问")
    assert entry.text.endswith("…")


def test_the_chain_follows_from_its_beginning() -> None:
    entries = write(5)
    assert seal(now=NOW) == 5
    digest = GENESIS
    for entry, row in zip(entries, Seal.objects.order_by("id"), strict=True):
        digest = link(digest, Entry.objects.get(pk=entry.pk))
        assert (row.entry_id, row.digest) == (entry.pk, digest)
    assert list(broken_links()) == []
    assert not Unsealed.objects.exists()
    assert seal(now=NOW) == 0


def test_a_second_sealing_goes_on_where_the_first_ended() -> None:
    write(3)
    assert [seal(now=NOW, limit=2), seal(now=NOW, limit=2)] == [2, 1]
    late = write(2)
    seal(now=NOW + timedelta(minutes=1))
    assert Seal.objects.order_by("-id")[0].entry_id == late[-1].pk
    assert list(broken_links()) == []


def test_the_digest_does_not_depend_on_how_a_moment_or_a_dict_is_written() -> None:
    (entry,) = write()
    digest = link(GENESIS, entry)
    entry.at = moments.local(NOW)
    entry.data = dict(reversed([*entry.data.items()]))
    assert link(GENESIS, entry) == digest


@pytest.mark.parametrize(
    "change",
    [
        "text = text || '。'",
        "at = at + interval '1 microsecond'",
        "actor_label = '别人'",
        "parties = ARRAY[666]::bigint[]",
        "data = '{\"n\": 3}'",
        "verb = 'application.withdrawn'",
        "case_number = 'YZD202611230001X'",
        "organisation_id = 1",
    ],
)
def test_one_changed_value_is_found_and_named(change: str) -> None:
    second = write(3)[1]
    seal(now=NOW)
    behind_the_portals_back(f"UPDATE journal_entry SET {change} WHERE id = {second.pk}")
    assert list(broken_links()) == [second.pk]


def test_a_removed_fact_is_found() -> None:
    second = write(3)[1]
    seal(now=NOW)
    behind_the_portals_back(f"DELETE FROM journal_entry WHERE id = {second.pk}")
    assert list(broken_links()) == [second.pk]


def test_a_removed_fact_is_found_even_when_its_link_is_removed_too() -> None:
    _, second, third = write(3)
    seal(now=NOW)
    behind_the_portals_back(
        f"DELETE FROM journal_entry WHERE id = {second.pk}", f"DELETE FROM journal_seal WHERE entry_id = {second.pk}"
    )
    assert list(broken_links()) == [third.pk]


def test_a_fact_slipped_in_past_the_chain_is_found() -> None:
    (first,) = write()
    seal(now=NOW)
    columns = "at, verb, actor_label, subject, case_number, text, data, parties"
    behind_the_portals_back(
        f"INSERT INTO journal_entry ({columns}) SELECT {columns} FROM journal_entry WHERE id = {first.pk}"
    )
    assert list(broken_links()) == [Entry.objects.latest("id").pk]


def test_a_chain_thrown_away_is_found() -> None:
    written = [e.pk for e in write(2)]
    seal(now=NOW)
    behind_the_portals_back("DELETE FROM journal_seal")
    assert list(broken_links()) == written


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_sealers_and_writers_at_once_make_one_chain_and_skip_nobody() -> None:
    def writer() -> None:
        for _ in range(15):
            write(2)

    def sealer() -> int:
        return sum(seal(now=NOW, limit=7) for _ in range(25))

    sealed = sum(n or 0 for n in together(writer, sealer, writer, sealer, sealer))
    while done := seal(now=NOW):
        sealed += done
    assert sealed == Entry.objects.count() == Seal.objects.count() == 60
    assert list(broken_links()) == []


@pytest.mark.django_db(transaction=True)
def test_a_fact_that_commits_late_is_sealed_after_later_ones_and_not_forgotten() -> None:
    """Ids are given out before the commit, so a slow transaction appears behind ones with higher ids."""
    with transaction.atomic():
        slow = record("application.submitted", actor=SYSTEM, now=NOW, subject="application:slow")
        ((quick,),) = together(lambda: write(1))
        assert together(lambda: seal(now=NOW)) == [1]
    assert slow.pk < quick.pk
    assert seal(now=NOW) == 1
    assert list(Seal.objects.order_by("id").values_list("entry_id", flat=True)) == [quick.pk, slow.pk]
    assert list(broken_links()) == []


@pytest.mark.django_db(transaction=True)
def test_a_commit_wakes_whoever_listens() -> None:
    with connection.cursor() as cursor:
        cursor.execute("LISTEN journal")
        together(lambda: write(3))
        assert select.select([connection.connection], [], [], 10)[0]
        connection.connection.poll()
        heard = [n.channel for n in connection.connection.notifies]
        connection.connection.notifies.clear()
        cursor.execute("UNLISTEN journal")
    assert heard == ["journal"]


@pytest.mark.django_db(transaction=True)
def test_a_sealed_entry_put_on_the_list_again_stops_no_sealing() -> None:
    """Whoever holds the web's log-in may insert there; the next entries are sealed all the same, and it is told."""
    (first,) = write()
    seal(now=moments.now())
    Unsealed.objects.create(entry_id=first.pk)
    write()
    assert seal(now=moments.now()) == 1
    assert not Unsealed.objects.exists()
    assert list(broken_links()) == []
    assert Refusal.objects.get(kind="sealed-twice").subject == f"entry:{first.pk}"
