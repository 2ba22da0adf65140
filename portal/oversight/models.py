"""An incident of security, with its own clock: four hours by the wall clock, nights and holidays included."""

from datetime import datetime, timedelta

import pgtrigger
from django.db import models
from django.db.models import F, Q

from portal.foundation.accounts.models import User

REPORT_WITHIN = timedelta(hours=4)
WARN_BEFORE = timedelta(hours=1)


class Incident(models.Model):
    """What was found, when, and whether it was reported in time. Nothing of it is deleted; what is added stands in notes."""

    class Kind(models.TextChoices):
        LEAK = "leak", "数据泄露或可能泄露"
        INTRUSION = "intrusion", "入侵或越权访问"
        OUTAGE = "outage", "系统中断"
        TAMPERING = "tampering", "数据被篡改"
        OTHER = "other", "其他"

    number = models.CharField("编号", max_length=20, unique=True)
    kind = models.CharField("类别", max_length=10, choices=Kind)
    what = models.CharField("情况", max_length=500)
    affected = models.CharField("涉及范围", max_length=300, blank=True)
    found_at = models.DateTimeField("发现时间")
    due_at = models.DateTimeField("报告时限")
    recorded_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name="登记人")
    recorded_at = models.DateTimeField("登记时间")
    reported_at = models.DateTimeField("报告时间", null=True)
    reported_to = models.CharField("报告对象", max_length=200, blank=True)
    reported_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", verbose_name="报告人")
    closed_at = models.DateTimeField("结案时间", null=True)
    conclusion = models.CharField("结论", max_length=500, blank=True)
    warned_at = models.DateTimeField(null=True)
    overdue_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = "安全事件"
        verbose_name_plural = verbose_name
        constraints = [
            # Hours of the clock on the wall; nobody writes another limit.
            models.CheckConstraint(condition=Q(due_at=F("found_at") + REPORT_WITHIN), name="incident_four_hours"),
            models.CheckConstraint(condition=Q(found_at__lte=F("recorded_at")), name="incident_found_before"),
            models.CheckConstraint(condition=Q(reported_at=None) | ~Q(reported_to=""), name="incident_reported_to"),
            models.CheckConstraint(
                condition=Q(closed_at=None) | Q(reported_at__isnull=False) & ~Q(conclusion=""),
                name="incident_closed_well",
            ),
        ]
        indexes = [models.Index(fields=["due_at"], name="incident_open", condition=Q(reported_at=None))]
        triggers = [pgtrigger.Protect(name="kept", operation=pgtrigger.Delete)]

    def __str__(self) -> str:
        return self.number

    @property
    def subject(self) -> str:
        return f"incident:{self.pk}"

    def late(self, *, now: datetime) -> bool:
        """Reported after its four hours, or not reported and they are over."""
        return (self.reported_at or now) > self.due_at
