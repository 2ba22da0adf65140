"""Bugs of requests, answers, numbers and files."""

import time
from datetime import datetime
from typing import Any

from django.core.files.base import ContentFile, File
from django.db import connection, transaction

from applications import rules
from applications.actions import claiming, responses, submit_sql
from applications.models import Referral
from portal.foundation.core import files, models
from portal.foundation.core.actor import Actor
from portal.foundation.core.failpoints import failpoint
from portal.foundation.core.verdict import YES

from .model import Needs, mutant
from .patching import everywhere, put, swap


@mutant(
    "submit_again",
    "a submission leaves its draft, and nothing makes its token unique: a double click files two requests",
    caught_by=("request.one_per_token", "history.one_answer"),
    drops=("ALTER TABLE applications_application DROP CONSTRAINT applications_application_token_key",),
)
def submit_again() -> None:
    swap(submit_sql, "_CASE", "    DELETE FROM applications_draft WHERE id = %(draft)s\n", "    SELECT %(draft)s\n")


@mutant(
    "claim_without_guard",
    "a claim reads the state, thinks a while and then writes whatever the state has become",
    caught_by=("referral.one_claim", "history.one_winner", "referral.after_the_end", "clock.answer"),
)
def claim_without_guard() -> None:
    swap(claiming, "_CLAIM", " AND r.state = ANY(%(sources)s)", "")

    def claim(referral_id: int, *, actor: Actor, now: datetime, **given: Any) -> Referral:
        rules.can_claim(actor, Referral.objects.get(pk=referral_id)).require()
        time.sleep(0.02)
        made: Referral = real(referral_id, actor=actor, now=now, **given)
        return made

    real = everywhere(claiming, "claim_this", claim)
    put(responses, "claim", claim)


@mutant(
    "decline_again",
    "a refusal does not look at the state: the repeat after a lost answer refuses once more",
    caught_by=("referral.one_claim", "referral.after_the_end"),
    needs=Needs(failpoints="web.answer_lost=kill@0.05", processes=("web",)),
)
def decline_again() -> None:
    def decline(self: Referral, *, officer_id: int | None, code: str, note: str, now: datetime) -> None:
        self.__dict__["state"] = Referral.State.DECLINED
        self.officer_id, self.decline_code, self.decline_note = officer_id, code, note
        self.responded_at, self.closed_at = self.responded_at or now, now

    put(Referral, "decline", decline)
    put(rules, "can_decline", lambda actor, referral: YES)


@mutant(
    "number_by_reading",
    "the next number is the one that was read, plus one: two at the same time get the same",
    caught_by=("request.numbers",),
    drops=(
        "ALTER TABLE applications_application DROP CONSTRAINT applications_application_number_key",
        "ALTER TABLE pledges_registration DROP CONSTRAINT pledges_registration_number_key",
        "ALTER TABLE pledges_notice DROP CONSTRAINT pledges_notice_number_key",
        "ALTER TABLE pledges_receipt DROP CONSTRAINT pledges_receipt_number_key",
        "DROP INDEX one_running_clock",  # a clock's subject has the number in it
    ),
)
def number_by_reading() -> None:
    def take(name: str) -> int:
        with connection.cursor() as cursor:
            cursor.execute("SELECT value FROM core_counter WHERE name = %s", [name])
            found = cursor.fetchone()
            value = (found[0] if found else 0) + 1
            cursor.execute(
                "INSERT INTO core_counter (name, value) VALUES (%s, %s) ON CONFLICT (name) DO UPDATE SET value = EXCLUDED.value",
                [name, value],
            )
        return int(value)

    everywhere(models, "take", take)


@mutant(
    "number_outside",
    "a number is taken in a transaction of its own: one that is rolled back leaves a gap",
    caught_by=("request.numbers",),
    needs=Needs(failpoints="submit.before_commit=kill@0.03", processes=("web",)),
)
def number_outside() -> None:
    def take(name: str) -> int:
        """On a second connection, which commits at once."""
        other = connection.copy()
        try:
            with other.cursor() as cursor:
                cursor.execute(
                    "INSERT INTO core_counter AS c (name, value) VALUES (%s, 1) "
                    "ON CONFLICT (name) DO UPDATE SET value = c.value + 1 RETURNING value",
                    [name],
                )
                return int(cursor.fetchone()[0])
        finally:
            other.close()

    everywhere(models, "take", take)


@mutant(
    "file_after_commit",
    "a paper's bytes are written after its row is committed: a crash between leaves a row without a file",
    caught_by=("file.bytes",),
    needs=Needs(failpoints="file.written=kill@0.2", processes=("*",), pledges=True),
)
def file_after_commit() -> None:
    def save(self: files.PrivateStorage, name: str, content: "File[Any]") -> str:
        content.open()
        kept = ContentFile(content.read())

        def write() -> None:
            failpoint("file.written")
            real(self, name, kept)

        transaction.on_commit(write)
        return name

    real = put(files.PrivateStorage, "_save", save)
