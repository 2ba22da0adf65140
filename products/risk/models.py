"""Schemes of shared risk with their versions, tiers of enterprises, and the ledger of what a household has outstanding."""

from datetime import date

import pgtrigger
from django.db import models
from django.db.models import F, Q

from portal.foundation.accounts.models import District, Organisation, OrganisationKind

from .shares import FEE_CAP_LARGE, FEE_CAP_SMALL, HOUSEHOLD_CAP, Party, Shares, Tier


class EnterpriseTier(models.Model):
    """An enterprise as a list of the sci-tech or industry department names it. Both days count."""

    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="listed_tiers", verbose_name="企业")
    tier = models.CharField("分档", max_length=1, choices=Tier)
    valid_from = models.DateField("有效期自")
    valid_until = models.DateField("有效期至", null=True, blank=True)
    source = models.CharField("认定名单", max_length=200)

    class Meta:
        verbose_name = "企业分档"
        verbose_name_plural = verbose_name
        constraints = [
            models.CheckConstraint(condition=Q(tier__in=Tier.values), name="enterprise_tier_known"),
            models.CheckConstraint(
                condition=Q(valid_until=None) | Q(valid_until__gte=F("valid_from")), name="enterprise_tier_period"
            ),
        ]
        indexes = [models.Index(fields=["organisation", "valid_from"], name="enterprise_tier_of")]  # read by: tier_of

    def __str__(self) -> str:
        return f"{self.organisation_id} {self.tier}"


class RiskSchemeQuerySet(models.QuerySet["RiskScheme"]):
    def in_force(self, on: date) -> "RiskSchemeQuerySet":
        """The newest version of each scheme on a day; one that has ended is out."""
        newest = self.filter(valid_from__lte=on).order_by("code", "-valid_from", "-version").distinct("code")
        return self.filter(pk__in=newest.values("pk")).filter(Q(valid_until=None) | Q(valid_until__gte=on))


class RiskScheme(models.Model):
    """One version of a scheme. It never changes: a new version is a new row, and what was committed keeps its own shares."""

    code = models.SlugField("代码", max_length=40)
    version = models.PositiveSmallIntegerField("版本", default=1)
    name = models.CharField("名称", max_length=80)
    kind = models.CharField(
        "承保方",
        max_length=12,
        choices=[(k.value, k.label) for k in (OrganisationKind.GUARANTOR, OrganisationKind.INSURER)],
    )
    tier = models.CharField("适用分档", max_length=1, choices=Tier, blank=True)
    district = models.ForeignKey(District, models.PROTECT, null=True, blank=True, verbose_name="区县资金")
    counts_to_cap = models.BooleanField("计入单户在保余额", default=True)
    fee_large = models.DecimalField("再担保费率（500 万元以上，%/年）", max_digits=4, decimal_places=2, default=0)
    fee_small = models.DecimalField("再担保费率（500 万元及以下，%/年）", max_digits=4, decimal_places=2, default=0)
    # The city carries this part of the national fund's share of business that was filed but is not compensated.
    city_percent = models.DecimalField("市级分担比例（%）", max_digits=5, decimal_places=2, default=0)
    ground = models.CharField("依据", max_length=200)
    confirmed = models.BooleanField("已核实", default=False)  # False: shown with 「待确认」
    valid_from = models.DateField("生效日期")
    valid_until = models.DateField("失效日期", null=True, blank=True)
    decided_by = models.CharField("设定人", max_length=200)
    created_at = models.DateTimeField()

    objects = RiskSchemeQuerySet.as_manager()

    class Meta:
        verbose_name = "风险分担方案"
        verbose_name_plural = verbose_name
        constraints = [
            models.UniqueConstraint(fields=["code", "version"], name="risk_scheme_version"),
            models.CheckConstraint(condition=Q(kind__in=["guarantor", "insurer"]), name="risk_scheme_kind_known"),
            models.CheckConstraint(
                condition=Q(
                    fee_large__gte=0, fee_large__lte=FEE_CAP_LARGE, fee_small__gte=0, fee_small__lte=FEE_CAP_SMALL
                ),
                name="risk_scheme_fee_caps",
            ),
            models.CheckConstraint(
                condition=Q(city_percent__gte=0, city_percent__lte=100), name="risk_scheme_city_percent"
            ),
            models.CheckConstraint(
                condition=Q(valid_until=None) | Q(valid_until__gte=F("valid_from")), name="risk_scheme_period"
            ),
        ]
        triggers = [
            pgtrigger.Protect(name="kept", operation=pgtrigger.Delete),
            pgtrigger.ReadOnly(name="fixed", exclude=["valid_until"]),  # a version may end, nothing else of it moves
        ]

    def __str__(self) -> str:
        return f"{self.name}（第 {self.version} 版）"

    def percentages(self) -> Shares:
        """Percent by party; one query, or none when `shares` is prefetched."""
        return {Party(share.party): share.percent for share in self.shares.all()}


class SchemeShare(models.Model):
    """One party's part of a scheme. The database holds the limits of single parties, the action those of the sum."""

    scheme = models.ForeignKey(RiskScheme, models.CASCADE, related_name="shares")
    party = models.CharField("承担方", max_length=12, choices=Party)
    percent = models.DecimalField("比例（%）", max_digits=5, decimal_places=2)

    class Meta:
        verbose_name = "分担比例"
        verbose_name_plural = verbose_name
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["scheme", "party"], name="scheme_share_once"),
            models.CheckConstraint(condition=Q(party__in=Party.values), name="scheme_share_party_known"),
            models.CheckConstraint(condition=Q(percent__gt=0, percent__lte=100), name="scheme_share_percent"),
            models.CheckConstraint(condition=~Q(party="bank") | Q(percent__gte=20), name="scheme_bank_share"),
            models.CheckConstraint(condition=~Q(party="national") | Q(percent__lte=40), name="scheme_national_share"),
        ]

    def __str__(self) -> str:
        return f"{self.get_party_display()} {self.percent}%"


class HouseholdExposure(models.Model):
    """What one household has outstanding under guarantees, and its cap. The row is locked by whoever changes it."""

    organisation = models.OneToOneField(Organisation, models.PROTECT, primary_key=True, related_name="exposure")
    outstanding = models.DecimalField("在保余额（元）", max_digits=16, decimal_places=2, default=0)
    cap = models.DecimalField("上限（元）", max_digits=16, decimal_places=2, default=HOUSEHOLD_CAP)

    class Meta:
        verbose_name = "单户在保余额"
        verbose_name_plural = verbose_name
        constraints = [
            models.CheckConstraint(condition=Q(outstanding__gte=0), name="exposure_not_negative"),
            # NaN is greater than everything in PostgreSQL, so this refuses it too.
            models.CheckConstraint(condition=Q(outstanding__lte=F("cap")), name="exposure_within_cap"),
            models.CheckConstraint(condition=Q(cap__lte=HOUSEHOLD_CAP), name="exposure_cap_of_policy"),
        ]

    def __str__(self) -> str:
        return f"{self.organisation_id} {self.outstanding}"


class ExposureEntry(models.Model):
    """One movement of a household's outstanding: taken at a commitment, returned when it ends; each at most once."""

    class Kind(models.TextChoices):
        TAKEN = "taken", "承诺担保"
        RETURNED = "returned", "解除"

    exposure = models.ForeignKey(HouseholdExposure, models.PROTECT, related_name="entries")
    kind = models.CharField("类型", max_length=8, choices=Kind)
    amount = models.DecimalField("金额（元）", max_digits=16, decimal_places=2)
    subject = models.CharField(max_length=80)  # the commitment as the journal names it
    balance = models.DecimalField("变动后余额（元）", max_digits=16, decimal_places=2)
    at = models.DateTimeField("时间")

    class Meta:
        verbose_name = "在保余额变动"
        verbose_name_plural = verbose_name
        constraints = [
            models.UniqueConstraint(fields=["subject", "kind"], name="exposure_entry_once"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="exposure_entry_amount"),
        ]
        triggers = [pgtrigger.Protect(name="kept", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"{self.subject} {self.kind} {self.amount}"
