"""Monetary tools, who may use them, each institution's quota and every movement of it. Yuan."""

from decimal import Decimal

import pgtrigger
from django.db import models
from django.db.models import F, Q

from banks.models import Institution
from portal.foundation.accounts.models import Role
from portal.foundation.core.actor import Actor


def _yuan(label: str, **options: object) -> "models.DecimalField[Decimal, Decimal]":
    return models.DecimalField(label, max_digits=18, decimal_places=2, **options)  # type: ignore[arg-type]


class QuotaTool(models.Model):
    """One tool. `allotted` is the sum of its institutions' quotas; its row is locked by an allotment."""

    code = models.SlugField("代码", max_length=40, unique=True)
    name = models.CharField("名称", max_length=80)
    total = _yuan("总额度（元）", null=True, blank=True)  # empty: not published here
    allotted = _yuan("已分配（元）", default=0)
    restricted = models.BooleanField("限名单内机构", default=False)
    ground = models.CharField("依据", max_length=200)
    confirmed = models.BooleanField("已核实", default=False)  # False: shown with 「待确认」

    class Meta:
        verbose_name = "货币政策工具"
        verbose_name_plural = verbose_name
        constraints = [
            models.CheckConstraint(condition=Q(total=None) | Q(total__gt=0), name="quota_tool_total"),
            models.CheckConstraint(
                condition=Q(allotted__gte=0) & (Q(total=None) | Q(allotted__lte=F("total"))),
                name="quota_tool_within_total",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def subject(self) -> str:
        return f"quota-tool:{self.pk}"


class QuotaEligible(models.Model):
    """An institution on the tool's list."""

    tool = models.ForeignKey(QuotaTool, models.PROTECT, related_name="eligible")
    institution = models.ForeignKey(Institution, models.PROTECT, related_name="+")
    source = models.CharField("名单", max_length=200)

    class Meta:
        verbose_name = "名单内机构"
        verbose_name_plural = verbose_name
        constraints = [models.UniqueConstraint(fields=["tool", "institution"], name="quota_eligible_once")]

    def __str__(self) -> str:
        return f"{self.tool_id} {self.institution_id}"


class QuotaQuerySet(models.QuerySet["Quota"]):
    def visible_to(self, actor: Actor) -> "QuotaQuerySet":
        """An institution's own; all for the regulator."""
        if actor.role == Role.REGULATOR:
            return self
        if actor.role in (Role.OFFICER, Role.MANAGER):
            return self.filter(institution_id=actor.organisation_id)
        return self.none()


class Quota(models.Model):
    """What one institution has of one tool. The row is locked by whoever moves it."""

    tool = models.ForeignKey(QuotaTool, models.PROTECT, related_name="quotas", verbose_name="工具")
    institution = models.ForeignKey(Institution, models.PROTECT, related_name="+", verbose_name="机构")
    allotted = _yuan("额度（元）", default=0)
    used = _yuan("已使用（元）", default=0)

    objects = QuotaQuerySet.as_manager()

    class Meta:
        verbose_name = "机构额度"
        verbose_name_plural = verbose_name
        constraints = [
            models.UniqueConstraint(fields=["tool", "institution"], name="quota_once"),
            models.CheckConstraint(condition=Q(used__gte=0, used__lte=F("allotted")), name="quota_never_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.tool} {self.institution}"

    @property
    def left(self) -> Decimal:
        return self.allotted - self.used


class QuotaEntry(models.Model):
    """One movement. A use names its loan and counts once for it; a return gives back exactly one use, and a reduction gives
    back to the tool what the bank has not used."""

    class Kind(models.TextChoices):
        ALLOTTED = "allotted", "分配"
        USED = "used", "使用"
        RETURNED = "returned", "归还"
        REDUCED = "reduced", "调减"

    quota = models.ForeignKey(Quota, models.PROTECT, related_name="entries")
    kind = models.CharField("类型", max_length=8, choices=Kind)
    amount = _yuan("金额（元）")
    case_number = models.CharField("办件编号", max_length=32, blank=True)
    loan_number = models.CharField("借据号", max_length=60, blank=True)
    again = models.PositiveSmallIntegerField("第几次重新登记", default=0)  # of a loan whose earlier uses were returned
    ground = models.CharField("依据", max_length=200, blank=True)
    returns = models.OneToOneField("self", models.PROTECT, null=True, related_name="returned_by")
    balance = _yuan("变动后可用（元）")
    by = models.CharField("经办", max_length=200)
    at = models.DateTimeField("时间")

    class Meta:
        verbose_name = "额度变动"
        verbose_name_plural = verbose_name
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0, amount__lte=10**14), name="quota_entry_amount"),
            models.CheckConstraint(condition=Q(balance__gte=0), name="quota_entry_balance"),
            models.CheckConstraint(
                condition=~Q(kind="used") | (~Q(case_number="") & ~Q(loan_number="")), name="quota_use_names_loan"
            ),
            models.CheckConstraint(
                condition=~Q(kind="returned") | Q(returns__isnull=False), name="quota_return_of_use"
            ),
            # One loan draws on a tool once, and again only after that was returned: `again` counts under the quota's lock.
            models.UniqueConstraint(
                fields=["quota", "loan_number", "again"], condition=Q(kind="used"), name="quota_loan_once"
            ),
            models.CheckConstraint(condition=~Q(kind="reduced") | ~Q(ground=""), name="quota_reduction_has_ground"),
        ]
        triggers = [pgtrigger.Protect(name="kept", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"{self.quota_id} {self.kind} {self.amount}"
