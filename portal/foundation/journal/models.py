"""Audit trail and outbox in one: a fact is written once, in the transaction of the change.

`Entry` is append-only (a trigger refuses UPDATE, DELETE and TRUNCATE). A second trigger puts every new entry on two work
lists, `Outbox` (to be handed to subscribers) and `Unsealed` (to be chained), and wakes the dispatcher with NOTIFY at commit;
of several commits at once one wakes it, and it also polls, so a wake that is missed costs a second and never a fact.
Entries keep labels beside ids, so that history outlives what it describes; hence no foreign keys.
"""

import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Func, Value
from django.db.models.functions import Coalesce


class EntryQuerySet(models.QuerySet["Entry"]):
    def of_case(self, number: str) -> "EntryQuerySet":
        """Everything that happened in one case, oldest first."""
        return self.filter(case_number=number).order_by("id")

    def readable_by(self, organisation_id: int) -> "EntryQuerySet":
        """Only what this organisation is a party to."""
        return self.filter(parties__contains=[organisation_id])


class Entry(models.Model):
    """One thing that happened. `verb` is an app-owned string such as `referral.responded`."""

    at = models.DateTimeField("时间")
    verb = models.CharField("事项", max_length=60)
    actor_id = models.BigIntegerField(null=True)
    actor_label = models.CharField("办理人", max_length=200)
    organisation_id = models.BigIntegerField(null=True)
    subject = models.CharField("对象", max_length=80)  # e.g. "referral:17"
    case_number = models.CharField("办件编号", max_length=32, blank=True)
    text = models.CharField("说明", max_length=500, blank=True)
    data = models.JSONField(default=dict, encoder=DjangoJSONEncoder)
    parties = ArrayField(models.BigIntegerField(), default=list)  # organisations that may read it in the time line

    objects = EntryQuerySet.as_manager()

    class Meta:
        verbose_name = "日志"
        verbose_name_plural = verbose_name
        indexes = [
            models.Index(fields=["case_number", "id"], name="entry_case"),  # read by: the time line of a case
            models.Index(fields=["subject", "id"], name="entry_subject"),  # read by: the history of one row
            GinIndex(fields=["parties"], name="entry_parties", fastupdate=True),  # read by: "who looked at my data"
        ]
        triggers = [
            pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete),
            pgtrigger.Trigger(
                name="no_truncate",
                level=pgtrigger.Statement,
                when=pgtrigger.Before,
                operation=pgtrigger.Truncate,
                func="RAISE EXCEPTION 'the journal is append-only'; RETURN NULL;",
            ),
            pgtrigger.Trigger(
                name="work_lists",
                level=pgtrigger.Statement,
                when=pgtrigger.After,
                operation=pgtrigger.Insert,
                referencing=pgtrigger.Referencing(new="fresh"),  # type: ignore[no-untyped-call]
                func=(
                    # A statement trigger fires for no rows too; a sweep that finds nothing must not wake anybody.
                    "IF NOT EXISTS (SELECT FROM fresh) THEN RETURN NULL; END IF; "
                    "INSERT INTO journal_outbox (entry_id) SELECT id FROM fresh; "
                    "INSERT INTO journal_unsealed (entry_id) SELECT id FROM fresh; "
                    # A commit that notifies holds a lock of the whole database, so all of them would queue up. One at a
                    # time is enough: whoever comes while another is about to notify is found by that wake or by the poll.
                    "IF pg_try_advisory_xact_lock(582025) THEN PERFORM pg_notify('journal', ''); END IF; RETURN NULL;"
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.at:%F %T} {self.verb} {self.subject}"


class Outbox(models.Model):
    """Entries not yet fanned out to subscribers; a row leaves in the transaction that writes its deliveries."""

    entry_id = models.BigIntegerField(primary_key=True)
    # The request that caused the entry, as its transaction says it (record.py); empty for what nobody asked for.
    request_id = models.CharField(
        max_length=16,
        blank=True,
        db_default=Coalesce(
            Func(Value("portal.request_id"), Value(True), function="current_setting"),
            Value(""),
            output_field=models.CharField(),
        ),
    )

    class Meta:
        verbose_name = "待分发"
        verbose_name_plural = verbose_name

    def __str__(self) -> str:
        return str(self.entry_id)


class Unsealed(models.Model):
    """Entries not yet chained. Rows commit out of id order, so the sealer takes from here and skips none."""

    entry_id = models.BigIntegerField(primary_key=True)

    class Meta:
        verbose_name = "待封存"
        verbose_name_plural = verbose_name

    def __str__(self) -> str:
        return str(self.entry_id)


class Seal(models.Model):
    """One link of the chain: digest = SHA-256(previous digest + canonical bytes of the entry)."""

    entry_id = models.BigIntegerField(unique=True)
    sealed_at = models.DateTimeField()
    digest = models.CharField(max_length=64)

    class Meta:
        verbose_name = "封存"
        verbose_name_plural = verbose_name
        triggers = [
            pgtrigger.Protect(name="seal_append_only", operation=pgtrigger.Update | pgtrigger.Delete),
            pgtrigger.Trigger(
                name="seal_no_truncate",
                level=pgtrigger.Statement,
                when=pgtrigger.Before,
                operation=pgtrigger.Truncate,
                func="RAISE EXCEPTION 'the chain is append-only'; RETURN NULL;",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.pk} {self.digest[:12]}"


class Delivery(models.Model):
    """One entry for one subscriber: claimed with a lease, retried with back-off, given up loudly.

    `leased_until` and `retry_at` are two columns on purpose: a crash must not count as an attempt of the message.
    """

    class State(models.TextChoices):
        WAITING = "waiting", "待发送"
        SENT = "sent", "已送达"
        DEAD = "dead", "已放弃"

    entry_id = models.BigIntegerField()
    subscriber = models.CharField(max_length=40)
    state = models.CharField(max_length=8, choices=State, default=State.WAITING)
    leased_until = models.DateTimeField(null=True)
    retry_at = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    last_error = models.CharField(max_length=500, blank=True)
    sent_at = models.DateTimeField(null=True)
    request_id = models.CharField(max_length=16, blank=True, db_default="")  # see Outbox

    class Meta:
        verbose_name = "投递"
        verbose_name_plural = verbose_name
        constraints = [models.UniqueConstraint(fields=["entry_id", "subscriber"], name="delivery_once")]
        indexes = [
            # read by: dispatcher.claim
            models.Index(
                fields=["id"], name="delivery_dead", condition=models.Q(state="dead")
            ),  # read by: health, metrics
            models.Index(fields=["id"], name="delivery_waiting", condition=models.Q(state="waiting")),
        ]

    def __str__(self) -> str:
        return f"{self.entry_id}→{self.subscriber} {self.state}"
