"""Evidence of what the register said: one row per answer with its very bytes, one row per patent looked up. Never changed."""

import pgtrigger
from django.db import models


class RegisterAnswer(models.Model):
    """One question and what came back; `problem` says why nothing did."""

    class Source(models.TextChoices):
        HTTP = "http", "登记簿接口"
        SIMULATED = "simulated", "模拟登记簿"
        WORKBOOK = "workbook", "上传的登记簿摘录"

    source = models.CharField("来源", max_length=10, choices=Source)
    name = models.CharField("登记簿名称", max_length=200, blank=True)
    asked_at = models.DateTimeField("查询时间")
    asked_by = models.CharField("查询人", max_length=200)
    asked_for = models.BigIntegerField(null=True)  # the organisation, as the journal keeps it; None: the system
    as_of = models.DateTimeField("登记簿截至时间", null=True)
    media_type = models.CharField(max_length=100, blank=True)
    body = models.BinaryField("应答原文", default=b"")
    sha256 = models.CharField("原文 SHA-256", max_length=64, blank=True)
    problem = models.CharField("未能查询的原因", max_length=300, blank=True)

    class Meta:
        verbose_name = "登记簿应答"
        verbose_name_plural = verbose_name
        triggers = [pgtrigger.Protect(name="answer_append_only", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"{self.get_source_display()} {self.asked_at:%F %T}"

    @property
    def label(self) -> str:
        """How evidence names it: «登记簿接口“…”»."""
        return f"{self.get_source_display()}“{self.name}”" if self.name else str(self.get_source_display())


class RegisterLookup(models.Model):
    """One patent in one answer."""

    class Outcome(models.TextChoices):
        FOUND = "found", "已查到"
        UNKNOWN = "unknown", "查无此号"
        FAILED = "failed", "未能查询"

    answer = models.ForeignKey(RegisterAnswer, models.PROTECT, related_name="lookups")
    number = models.CharField("专利号", max_length=13)
    asked_at = models.DateTimeField("查询时间")
    outcome = models.CharField("结果", max_length=8, choices=Outcome)
    facts = models.JSONField("摘录", default=dict)  # interface.to_json; empty unless found

    class Meta:
        verbose_name = "登记簿查询"
        verbose_name_plural = verbose_name
        constraints = [models.UniqueConstraint(fields=["answer", "number"], name="lookup_once")]
        indexes = [
            # read by: register.queries.latest
            models.Index(fields=["number", "-asked_at", "-id"], name="lookup_latest"),
        ]
        triggers = [pgtrigger.Protect(name="lookup_append_only", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"{self.number} {self.outcome}"
