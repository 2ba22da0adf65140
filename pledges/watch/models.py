"""What the watch has told, once each, and who has seen it."""

from django.db import models
from django.db.models import Q

from portal.foundation.accounts.models import Organisation
from portal.foundation.assets.models import RegisterLookup


class Alert(models.Model):
    """One thing about a pledge that its parties have to know. `on` is the day it is about; `number` is empty when it
    concerns the whole pledge. It ends when the reason is gone; the pledge itself never changes by it."""

    class Kind(models.TextChoices):
        FEE_SOON = "fee_soon", "年费将到缴纳期限"
        FEE_DUE = "fee_due", "年费缴纳期限已到"
        FEE_LATE_1 = "fee_late_1", "年费逾期满 1 个月"
        FEE_LATE_2 = "fee_late_2", "年费逾期满 2 个月"
        FEE_LATE_3 = "fee_late_3", "年费逾期满 3 个月"
        FEE_LATE_4 = "fee_late_4", "年费逾期满 4 个月"
        FEE_LATE_5 = "fee_late_5", "年费逾期满 5 个月"
        FEE_LATE_6 = "fee_late_6", "年费逾期满 6 个月"
        FEE_LAPSED = "fee_lapsed", "年费宽限期已过"
        LAPSED = "lapsed", "专利权已终止"
        INVALID = "invalid", "专利权已宣告无效"
        INVALIDATION = "invalidation", "专利权被提起无效宣告请求"
        PRESERVED = "preserved", "专利权被保全或中止"
        TRANSFERRED = "transferred", "专利权已转让登记"
        OWNER = "owner", "专利权人与出质人名称不一致"
        PARTY = "party", "当事人名称与通知书不一致"
        EXPIRES_FIRST = "expires_first", "专利权先于债务到期届满"
        EXPIRES_SOON = "expires_soon", "专利权即将届满"
        EXPIRED = "expired", "专利权期限已届满"

    registration = models.ForeignKey("pledges.Registration", models.PROTECT, related_name="alerts")
    number = models.CharField("专利号", max_length=13, blank=True)
    kind = models.CharField("事项", max_length=14, choices=Kind)
    on = models.DateField("所涉日期")
    text = models.CharField("说明", max_length=500)
    lookup = models.ForeignKey(RegisterLookup, models.PROTECT, null=True, related_name="+")  # None: by the entry
    found_at = models.DateTimeField("发现时间")
    ended_at = models.DateTimeField("消除时间", null=True)
    ended_text = models.CharField("怎样消除", max_length=200, blank=True)

    class Meta:
        verbose_name = "质押提醒"
        verbose_name_plural = verbose_name
        constraints = [
            models.UniqueConstraint(fields=["registration", "number", "kind", "on"], name="alert_once"),
            # What goes on (a preservation) is told when it begins, however often it is seen.
            models.UniqueConstraint(
                fields=["registration", "number", "kind"], condition=Q(ended_at=None), name="alert_open_once"
            ),
        ]
        indexes = [models.Index(fields=["registration", "-id"], name="alert_of_pledge")]  # read by: the page of alerts

    def __str__(self) -> str:
        return f"{self.number} {self.kind} {self.on}"

    @property
    def dotted(self) -> str:
        return f"{self.number[:-1]}.{self.number[-1]}" if self.number else ""


class AlertSeen(models.Model):
    """已知悉: an organisation has taken note, once."""

    alert = models.ForeignKey(Alert, models.PROTECT, related_name="seen")
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="+")
    seen_by = models.CharField("知悉人", max_length=200)
    seen_at = models.DateTimeField("知悉时间")

    class Meta:
        verbose_name = "提醒知悉"
        verbose_name_plural = verbose_name
        constraints = [models.UniqueConstraint(fields=["alert", "organisation"], name="alert_seen_once")]

    def __str__(self) -> str:
        return f"{self.alert_id} {self.seen_by}"


class WatchRound(models.Model):
    """One day's round over all effective pledges; without `finished_at` it died on the way and is walked again."""

    day = models.DateField("日期", unique=True)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField("完成时间", null=True)
    looked_until = models.DateTimeField(null=True)  # look-ups kept after this moment are still to be read
    pledges = models.PositiveIntegerField("质押件数", default=0)
    alerts = models.PositiveIntegerField("新提醒", default=0)

    class Meta:
        verbose_name = "质押监测"
        verbose_name_plural = verbose_name

    def __str__(self) -> str:
        return f"{self.day:%F}"
