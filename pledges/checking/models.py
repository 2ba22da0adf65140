"""Asking the register about a large file takes a while: a row of what is asked, how far it is, and who holds it."""

from datetime import timedelta

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from portal.foundation.accounts.models import Organisation

LEASE = timedelta(minutes=2)  # longer than one part of fifty can take (twice the register's time-out)


class RegisterJob(models.Model):
    """One 核对登记簿 of one file. A worker that dies leaves a lease that runs out; a part asked twice does no harm."""

    registration = models.ForeignKey("pledges.Registration", models.PROTECT, related_name="register_jobs")
    numbers = ArrayField(models.CharField(max_length=13))
    done = models.PositiveIntegerField(default=0)  # of `numbers`, in their order
    found = models.PositiveIntegerField(default=0)
    changed = models.PositiveIntegerField(default=0)
    problem = models.CharField("未能查询的原因", max_length=300, blank=True)
    asked_at = models.DateTimeField("开始时间")
    asked_by_id = models.BigIntegerField()  # who asked, kept as the journal keeps people: with a label
    asked_by = models.CharField("查询人", max_length=200)
    office = models.ForeignKey(Organisation, models.PROTECT, related_name="+")
    leased_until = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)  # in a row, without getting any further
    finished_at = models.DateTimeField("完成时间", null=True)

    class Meta:
        verbose_name = "核对登记簿"
        verbose_name_plural = verbose_name
        constraints = [
            models.UniqueConstraint(
                fields=["registration"], condition=Q(finished_at=None), name="one_register_job_at_a_time"
            ),
            models.CheckConstraint(condition=Q(done__gte=0), name="register_job_done"),
        ]
        indexes = [
            # read by: checking.work.work
            models.Index(fields=["id"], name="register_job_open", condition=Q(finished_at=None)),
        ]

    def __str__(self) -> str:
        return f"{self.registration_id} {self.done}/{self.total}"

    @property
    def total(self) -> int:
        return len(self.numbers)
