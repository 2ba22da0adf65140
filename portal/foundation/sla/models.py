"""Promises with a clock: policies, working-day calendar years, clocks, pauses and what was announced about them.

The due moment is a stored fact and lateness is arithmetic: nothing here stores an opinion «overdue».
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from portal.foundation.accounts.models import Organisation, Role

from .calendar_models import CalendarAlarm as CalendarAlarm
from .calendar_models import CalendarChange as CalendarChange
from .calendar_models import CalendarDay as CalendarDay
from .calendar_models import CalendarVersion as CalendarVersion
from .calendar_models import CalendarYear as CalendarYear
from .calendar_models import Closure as Closure


class Kind(models.TextChoices):
    """The two promises of 渝银发〔2025〕58号, measure 1, and the portal's own: nobody is left without a next
    address, who is asked to guarantee or insure answers as a bank does, and a registered pledge is changed or cancelled as fast
    as it was registered (measure 1 speaks of registrations only)."""

    RESPONSE = "response", "金融机构响应"
    REGISTRATION = "registration", "专利质押登记"
    NEXT_LENDERS = "next_lenders", "改派下一家机构"
    COVER = "cover", "担保、保险机构响应"
    AMENDMENT = "amendment", "质押变更、注销"


OF_THE_OFFICE = (Kind.REGISTRATION, Kind.AMENDMENT)  # the IP office's own promises, which wait on the days it is closed


class PolicyQuerySet(models.QuerySet["Policy"]):
    def in_force(self, kind: str, *, at: datetime) -> "Policy":
        """The version of this promise in force at a moment. Raises Policy.DoesNotExist when none was ever set."""
        return (
            self.filter(kind=kind, valid_from__lte=at)
            .order_by("-valid_from", "-id")
            .prefetch_related("levels")[:1]
            .get()
        )


class Policy(models.Model):
    """One version of a promise; a new version is a new row, clocks keep the version they started under."""

    kind = models.CharField("承诺", max_length=12, choices=Kind)
    days = models.PositiveSmallIntegerField("工作日数")
    day_zero = models.CharField(
        "非工作日收到的，起算",
        max_length=10,
        choices=[("strict", "收到当日为第 0 日"), ("next_open", "视为下一工作日收到")],
        default="strict",
    )
    closes = models.TimeField("当日截止（空为 24:00）", null=True, blank=True)
    # False: who takes a promise over takes the rest of its time too. The enterprise waits for the portal, not for one office.
    anew_when_reassigned = models.BooleanField("改派后重新起算", default=False)
    valid_from = models.DateTimeField("生效时间")
    ground = models.CharField("依据", max_length=200)
    decided_by = models.CharField("设定人", max_length=200, blank=True)

    objects = PolicyQuerySet.as_manager()

    class Meta:
        verbose_name = "时限规则"
        verbose_name_plural = verbose_name
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=Kind.values), name="policy_kind_known"),
            models.CheckConstraint(condition=Q(days__gte=1, days__lte=60), name="policy_days_sane"),
            models.UniqueConstraint(fields=["kind", "valid_from"], name="policy_version"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.days} 个工作日（{self.valid_from:%F} 起）"


NEXT_LENDER = "next_lender"  # the level at which a silent institution's request goes on to the next ones


class PolicyLevel(models.Model):
    """One step of the ladder, as many a promise as its regulator wants. `offset` counts from the due moment: working minutes
    before it, or working days after it (0: at it). A code has no meaning to the sweep; NEXT_LENDER has one to applications."""

    class Anchor(models.TextChoices):
        BEFORE = "before", "到期前（工作分钟）"
        AFTER = "after", "到期后（工作日）"

    policy = models.ForeignKey(Policy, models.CASCADE, related_name="levels")
    position = models.PositiveSmallIntegerField("级次")
    code = models.CharField("代码", max_length=20)
    label = models.CharField("名称", max_length=40)
    anchor = models.CharField("起点", max_length=8, choices=Anchor)
    offset = models.PositiveIntegerField("偏移")
    recipients = ArrayField(models.CharField(max_length=12, choices=Role), verbose_name="通知角色")

    class Meta:
        verbose_name = "升级级次"
        verbose_name_plural = verbose_name
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["policy", "position"], name="level_once"),
            # An announcement is unique on clock, level code and round: two levels of one code would be one.
            models.UniqueConstraint(fields=["policy", "code"], name="level_code_once"),
            models.CheckConstraint(condition=Q(code__regex=r"^[a-z][a-z0-9_]{0,19}$"), name="level_code_form"),
        ]

    def __str__(self) -> str:
        return self.label


class ClockQuerySet(models.QuerySet["Clock"]):
    def running(self) -> "ClockQuerySet":
        return self.filter(stopped_at=None)

    def on_time(self) -> "ClockQuerySet":
        """Stopped before the due moment; midnight itself is late, as the day is over."""
        return self.filter(stopped_at__lt=F("due_at"), excused=False)

    def late(self) -> "ClockQuerySet":
        return self.filter(stopped_at__gte=F("due_at"), excused=False)

    def overdue(self, *, now: datetime) -> "ClockQuerySet":
        """Still open past its due moment; a paused clock is never overdue."""
        return self.filter(stopped_at=None, paused_at=None, due_at__lte=now)


class Clock(models.Model):
    """One promise to one party. `moments[i]` is when `levels[i]` is to be announced; `next_at` is the next of them.

    The owner (a referral, a registration) points here with a one-to-one key, so it has exactly one clock.
    """

    kind = models.CharField(max_length=12, choices=Kind)
    # Every announcement rewrites the row in all its indexes, so a clock has only those that somebody reads: a policy has
    # most of the clocks (a scan finds them as fast), and two indexes below begin with the organisation.
    policy = models.ForeignKey(Policy, models.PROTECT, related_name="clocks", db_index=False)
    organisation = models.ForeignKey(
        Organisation, models.PROTECT, related_name="+", verbose_name="责任单位", db_index=False
    )
    case_number = models.CharField(max_length=32)
    subject = models.CharField(max_length=80)  # the owner as the journal names it, e.g. "referral:17"
    watchers = ArrayField(models.BigIntegerField(), default=list)  # organisations that may read what happens to it
    days = models.PositiveSmallIntegerField()  # snapshot of the policy
    started_at = models.DateTimeField()
    # When the present term began, if not at the start: a file back from its correction is counted from the day it came back.
    counted_from = models.DateTimeField(null=True)
    due_at = models.DateTimeField()
    provisional = models.BooleanField("暂定", default=False)
    paused_at = models.DateTimeField(null=True)
    stopped_at = models.DateTimeField(null=True)
    stop_reason = models.CharField(max_length=40, blank=True)
    excused = models.BooleanField(default=False)  # withdrawn before due: leaves the denominator
    working_minutes = models.IntegerField(null=True)  # from start to stop without pauses, stored at the answer
    levels = ArrayField(models.CharField(max_length=20), default=list)
    moments = ArrayField(models.DateTimeField(), default=list)
    level = models.PositiveSmallIntegerField(default=0)  # how many levels have been announced or overtaken
    next_at = models.DateTimeField(null=True)

    # No columns, only for the journal entry of the same transaction (facts.py): what the verb that returned this clock did to
    # it, and the version of the calendar its due moment was counted with, if it was counted now.
    facts: Sequence[dict[str, Any]] = ()
    calendar = ""

    objects = ClockQuerySet.as_manager()

    class Meta:
        verbose_name = "时限"
        verbose_name_plural = verbose_name
        indexes = [
            models.Index(fields=["next_at"], name="clock_next", condition=Q(next_at__isnull=False)),  # read by: sweep
            models.Index(
                # read by: desks; with id, because every clock of one day falls due at the same midnight
                fields=["organisation", "due_at", "id"],
                name="clock_open",
                condition=Q(stopped_at=None),
            ),
            models.Index(fields=["organisation", "started_at"], name="clock_month"),  # read by: a desk's on-time rate
            models.Index(fields=["kind", "started_at"], name="clock_report"),  # read by: SLA report
            models.Index(
                # read by: horizon, the list of provisional deadlines
                fields=["due_at", "id"],
                name="clock_provisional",
                condition=Q(stopped_at=None, provisional=True),
            ),
        ]
        triggers = [pgtrigger.Protect(name="kept", operation=pgtrigger.Delete)]  # it is evidence
        constraints = [
            models.UniqueConstraint(fields=["subject"], condition=Q(stopped_at=None), name="one_running_clock"),
            models.CheckConstraint(condition=Q(due_at__gt=F("started_at")), name="clock_due_after_start"),
            models.CheckConstraint(condition=Q(stopped_at=None) | Q(next_at=None), name="stopped_clock_is_silent"),
            models.CheckConstraint(condition=Q(paused_at=None) | Q(next_at=None), name="paused_clock_is_silent"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.case_number} {self.due_at:%F %T}"

    @property
    def term_from(self) -> datetime:
        """The moment from whose day the present due moment is counted."""
        return self.counted_from or self.started_at

    @property
    def step(self) -> str:
        """The promise in one word, for lists."""
        return {
            Kind.RESPONSE: "响应",
            Kind.REGISTRATION: "登记",
            Kind.NEXT_LENDERS: "改派",
            Kind.COVER: "担保",
            Kind.AMENDMENT: "变更",
        }[Kind(self.kind)]

    def breached(self, *, now: datetime) -> bool:
        """Late by arithmetic; a paused clock does not run. Midnight itself is late."""
        end = self.stopped_at or self.paused_at or now
        return not self.excused and end >= self.due_at


class Pause(models.Model):
    """A stretch in which the ball is in the other side's court, e.g. 补正."""

    clock = models.ForeignKey(Clock, models.PROTECT, related_name="pauses")
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    reason = models.CharField("原因", max_length=200)

    class Meta:
        verbose_name = "暂停"
        verbose_name_plural = verbose_name
        constraints = [models.UniqueConstraint(fields=["clock"], condition=Q(ended_at=None), name="one_open_pause")]

    def __str__(self) -> str:
        return f"{self.clock_id} {self.reason}"


class Escalation(models.Model):
    """What the sweep announced: at most one row a clock and level. Levels an outage overtook are not announced."""

    clock = models.ForeignKey(
        Clock, models.PROTECT, related_name="escalations", db_index=False
    )  # escalation_once begins so
    level = models.CharField("级次", max_length=20)
    position = models.PositiveSmallIntegerField()
    round = models.PositiveSmallIntegerField(default=0)  # pauses before it: a resumed clock climbs its ladder again
    moment = models.DateTimeField("应提醒时间")
    announced_at = models.DateTimeField("提醒时间")

    class Meta:
        verbose_name = "升级提醒"
        verbose_name_plural = verbose_name
        constraints = [models.UniqueConstraint(fields=["clock", "level", "round"], name="escalation_once")]

    def __str__(self) -> str:
        return f"{self.clock_id} {self.level}"


class Heartbeat(models.Model):
    """When a loop last did its work, how long its last sweep took and what it handled; the deep health check watches it."""

    name = models.CharField(max_length=40, primary_key=True)
    at = models.DateTimeField()
    took_ms = models.PositiveIntegerField(
        default=0, db_default=0
    )  # the longest sweep since the sign of life before this one
    handled = models.PositiveIntegerField(default=0, db_default=0)  # clocks announced since then

    class Meta:
        verbose_name = "心跳"
        verbose_name_plural = verbose_name

    def __str__(self) -> str:
        return f"{self.name} {self.at:%F %T}"
