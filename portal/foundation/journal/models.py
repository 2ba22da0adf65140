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
                    # core.state_guard.MARK: the transaction has told what it did.
                    "PERFORM set_config('portal.journalled', 'on', true); "
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


class Refusal(models.Model):
    """The portal said no to a request: what kind, to whom, where. Never what was typed, never the address in the clear.

    Written by `refusals.note` only. Nobody changes a row; one may go when it is older than a year (network security law:
    at least six months).
    """

    kind = models.CharField("类别", max_length=40)
    at = models.DateTimeField("时间")
    status = models.PositiveSmallIntegerField("状态码", null=True)
    actor_id = models.BigIntegerField("人员", null=True)
    role = models.CharField("身份", max_length=12, blank=True)
    organisation_id = models.BigIntegerField("单位", null=True)
    method = models.CharField("方法", max_length=8, blank=True)
    route = models.CharField("页面", max_length=80, blank=True)  # the name of the address, never the path
    address = models.CharField("来源摘要", max_length=64, blank=True)
    request_id = models.CharField("请求号", max_length=64, blank=True)
    subject = models.CharField("对象", max_length=80, blank=True)
    detail = models.CharField("原因", max_length=200, blank=True)

    class Meta:
        verbose_name = "拒绝记录"
        verbose_name_plural = verbose_name
        indexes = [
            models.Index(fields=["kind", "-id"], name="refusal_kind"),  # read by: the audit administrator's list
            models.Index(fields=["actor_id", "-id"], name="refusal_actor"),  # read by: the same, for one person
            models.Index(
                fields=["address", "-at"], name="refusal_address"
            ),  # read by: note, which writes a visitor's once
        ]
        triggers = [
            pgtrigger.Protect(name="refusal_append_only", operation=pgtrigger.Update),
            pgtrigger.Trigger(
                name="refusal_kept",
                when=pgtrigger.Before,
                operation=pgtrigger.Delete,
                func=(
                    "IF OLD.at < now() - interval '365 days' THEN RETURN OLD; END IF; "
                    "RAISE EXCEPTION 'refusals are kept for a year';"
                ),
            ),
            pgtrigger.Trigger(
                name="refusal_no_truncate",
                level=pgtrigger.Statement,
                when=pgtrigger.Before,
                operation=pgtrigger.Truncate,
                func="RAISE EXCEPTION 'refusals are append-only'; RETURN NULL;",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.at:%F %T} {self.kind} {self.route}"


class LookQuerySet(models.QuerySet["Look"]):
    def at_data_of(self, organisation_id: int) -> "LookQuerySet":
        """What others saw of this enterprise, the newest first."""
        return self.filter(owner_id=organisation_id).order_by("-id")


class Look(models.Model):
    """Somebody of another organisation read an enterprise's data; at most one row a person, object and hour.

    Written by `looks` only. Rows stay for three years (see retention), then they may go.
    """

    class What(models.TextChoices):
        REQUEST = "request", "融资需求"
        PAPER = "paper", "材料"
        CONTACT = "contact", "联系方式"
        PLEDGE = "pledge", "质押登记件"
        VALUATION = "valuation", "估值"
        CASE = "case", "办件全貌"

    at = models.DateTimeField("时间")
    hour = models.DateTimeField()
    owner_id = models.BigIntegerField()  # the enterprise whose data it is
    user_id = models.BigIntegerField()
    who = models.CharField("谁", max_length=200)
    role = models.CharField("身份", max_length=12)
    organisation_id = models.BigIntegerField()
    what = models.CharField("看了什么", max_length=10, choices=What)
    subject = models.CharField("对象", max_length=80)
    case_number = models.CharField("办件编号", max_length=32, blank=True)
    reason = models.CharField("事由", max_length=200, blank=True)

    objects = LookQuerySet.as_manager()

    class Meta:
        verbose_name = "查看记录"
        verbose_name_plural = verbose_name
        constraints = [
            models.UniqueConstraint(fields=["user_id", "what", "subject", "hour", "reason"], name="look_once_an_hour")
        ]
        indexes = [
            models.Index(fields=["owner_id", "-id"], name="look_owner"),  # read by: the enterprise's own page
            models.Index(fields=["organisation_id", "-id"], name="look_reader"),  # read by: the audit administrator
            models.Index(fields=["user_id", "what", "hour"], name="look_of_a_day"),  # read by: looks.today
        ]
        triggers = [
            pgtrigger.Protect(name="look_append_only", operation=pgtrigger.Update),
            pgtrigger.Trigger(
                name="look_kept",
                when=pgtrigger.Before,
                operation=pgtrigger.Delete,
                func=(
                    "IF OLD.at < now() - interval '3 years' THEN RETURN OLD; END IF; "
                    "RAISE EXCEPTION 'looks are kept for three years';"
                ),
            ),
            pgtrigger.Trigger(
                name="look_no_truncate",
                level=pgtrigger.Statement,
                when=pgtrigger.Before,
                operation=pgtrigger.Truncate,
                func="RAISE EXCEPTION 'looks are append-only'; RETURN NULL;",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.at:%F %T} {self.what} {self.subject}"
