"""Absences of clerks, and the files a clerk stands aside from."""

from django.db import models
from django.db.models import F, Q

from portal.foundation.accounts.models import Organisation, User


class Absence(models.Model):
    """请假: from the first to the last day, both included (days of Asia/Shanghai). The files of who is away are offered to colleagues."""

    user = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name="审查员")
    office = models.ForeignKey(Organisation, models.PROTECT, related_name="+")
    first = models.DateField("自")
    last = models.DateField("至")
    note = models.CharField("说明", max_length=100, blank=True)
    set_at = models.DateTimeField("登记时间")
    set_by = models.CharField("登记人", max_length=200)
    ended_at = models.DateTimeField("提前结束时间", null=True)

    class Meta:
        verbose_name = "请假"
        verbose_name_plural = verbose_name
        constraints = [models.CheckConstraint(condition=Q(last__gte=F("first")), name="absence_period")]
        indexes = [
            # read by: duty.queries.away
            models.Index(fields=["office", "last"], name="absence_open", condition=Q(ended_at=None)),
        ]

    def __str__(self) -> str:
        return f"{self.user} {self.first:%F}–{self.last:%F}"


class Recusal(models.Model):
    """回避: this person does not examine this file, and has said why."""

    registration = models.ForeignKey("pledges.Registration", models.PROTECT, related_name="recusals")
    user = models.ForeignKey(User, models.PROTECT, related_name="+")
    reason = models.CharField("原因", max_length=150)
    said_at = models.DateTimeField()

    class Meta:
        verbose_name = "回避"
        verbose_name_plural = verbose_name
        constraints = [models.UniqueConstraint(fields=["registration", "user"], name="recusal_once")]

    def __str__(self) -> str:
        return f"{self.registration_id} {self.user}"
