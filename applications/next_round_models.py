"""Asking on: when institutions have declined or stayed silent, the portal owes the enterprise the next ones to choose from."""

from datetime import datetime

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django_fsm import FSMField, transition

from banks.models import Institution
from portal.foundation.core.db import StateModel
from portal.foundation.sla.models import Clock
from products.models import Product


class NextRound(StateModel):
    """One round of «whom else»: owed by the dispatcher's desk, normally met by the portal itself within seconds.

    `clock` is the promise (the end of the next working day) and names who is responsible; it runs exactly while the round is
    owed. It is empty only where no organisation could have been held to it, and then the round was offered when it was made.
    """

    class State(models.TextChoices):
        OWED = "owed", "待推荐"
        OFFERED = "offered", "待企业改选"
        CLOSED = "closed", "已结束"

    class Cause(models.TextChoices):
        DECLINED = "declined", "机构均已婉拒或失效"
        SILENT = "silent", "机构一直没有答复"

    class Outcome(models.TextChoices):
        TAKEN = "taken", "企业已改选"
        NONE_LEFT = "none_left", "暂无其他机构"
        ANSWERED = "answered", "机构已答复"
        REPLACED = "replaced", "已有新一轮推荐"
        SETTLED = "settled", "企业已选定方案"
        ENDED = "ended", "需求已结束"

    LIVE_STATES = (State.OWED, State.OFFERED)

    application = models.ForeignKey("applications.Application", models.PROTECT, related_name="next_rounds")
    position = models.PositiveSmallIntegerField("轮次")
    state = FSMField("状态", choices=State, default=State.OWED, protected=True)
    cause = models.CharField("起因", max_length=10, choices=Cause)
    silent = ArrayField(models.BigIntegerField(), default=list, verbose_name="没有答复的机构")
    raised_by = models.BigIntegerField(null=True)  # the journal entry behind it: delivered twice, it raises one round
    clock = models.OneToOneField(Clock, models.PROTECT, null=True, related_name="next_round")
    owed_at = models.DateTimeField("起算时间")
    reasons = models.JSONField("原因摘要", default=list)  # [{"label": …, "count": …}], as they were when it was offered
    offered_at = models.DateTimeField("推荐时间", null=True)
    offered_by = models.CharField("推荐人", max_length=200, blank=True)
    outcome = models.CharField("结果", max_length=10, choices=Outcome, blank=True)
    note = models.CharField("说明", max_length=300, blank=True)
    closed_at = models.DateTimeField("结束时间", null=True)

    class Meta:
        verbose_name = "改派轮次"
        verbose_name_plural = verbose_name
        constraints = [
            models.CheckConstraint(condition=Q(state__in=["owed", "offered", "closed"]), name="next_round_state_known"),
            models.UniqueConstraint(fields=["application", "position"], name="next_round_position"),
            models.UniqueConstraint(fields=["raised_by"], name="next_round_raised_once"),
            models.UniqueConstraint(
                fields=["application"], condition=Q(state__in=["owed", "offered"]), name="one_live_next_round"
            ),
            # What is owed has somebody who owes it, by a clock.
            models.CheckConstraint(condition=~Q(state="owed") | Q(clock__isnull=False), name="owed_round_has_clock"),
            models.CheckConstraint(condition=~Q(state="closed") | ~Q(outcome=""), name="closed_round_has_outcome"),
        ]

    def __str__(self) -> str:
        return f"{self.application_id} 第 {self.position} 轮"

    @property
    def subject(self) -> str:
        """How the journal names this round."""
        return f"next_round:{self.pk}"

    @transition(field=state, source=State.OWED, target=State.OFFERED)
    def offer(self, *, reasons: list[dict[str, object]], by: str, now: datetime) -> None:
        self.reasons, self.offered_by, self.offered_at = reasons, by, now

    @transition(field=state, source=[State.OWED, State.OFFERED], target=State.CLOSED)
    def close(self, *, outcome: str, note: str, now: datetime) -> None:
        self.outcome, self.note, self.closed_at = outcome, note, now


class NextLender(models.Model):
    """One institution offered in a round; the enterprise's own click (`taken_at`) is its consent."""

    round = models.ForeignKey(NextRound, models.PROTECT, related_name="lenders")
    institution = models.ForeignKey(Institution, models.PROTECT, related_name="+")
    product = models.ForeignKey(Product, models.PROTECT, null=True, related_name="+")
    score = models.PositiveSmallIntegerField("匹配度", default=0)
    taken_at = models.DateTimeField("企业授权时间", null=True)

    class Meta:
        verbose_name = "推荐的机构"
        verbose_name_plural = verbose_name
        constraints = [models.UniqueConstraint(fields=["round", "institution"], name="next_lender_once")]

    def __str__(self) -> str:
        return f"{self.round_id}→{self.institution_id}"
