"""What a company owns: patents, held per enterprise; the number is the identity across enterprises."""

from datetime import date

from django.db import models

from portal.foundation.accounts.models import Organisation
from portal.foundation.core.actor import Actor
from portal.foundation.core.identifiers import PatentKind

from .register.models import RegisterAnswer as RegisterAnswer
from .register.models import RegisterLookup as RegisterLookup
from .valuation.models import AgencyRequest as AgencyRequest
from .valuation.models import Valuation as Valuation
from .valuation.models import ValuationPaper as ValuationPaper
from .valuation.models import ValuedPatent as ValuedPatent
from .valuation.models import WeightVersion as WeightVersion


class IPKind(models.TextChoices):
    """Kinds of intellectual property a product may take as pledge."""

    INVENTION = "invention", "发明专利"
    UTILITY = "utility", "实用新型专利"
    DESIGN = "design", "外观设计专利"
    TRADEMARK = "trademark", "注册商标"
    COPYRIGHT = "copyright", "著作权"


class PatentQuerySet(models.QuerySet["Patent"]):
    def of(self, organisation_id: int) -> "PatentQuerySet":
        return self.filter(organisation_id=organisation_id)

    def visible_to(self, actor: Actor) -> "PatentQuerySet":
        """An enterprise's own patents. Others see patents only through a request or a registration."""
        return self.filter(organisation_id=actor.organisation_id)


class Patent(models.Model):
    """A patent as its holder entered it; `expires_on` is computed from the filing date and may be overridden.

    Two co-owners may each record the same number: rows belong to the tenant, pledges are unique by number.
    """

    class Status(models.TextChoices):
        GRANTED = "granted", "有效"
        PENDING = "pending", "申请中，未授权"
        LAPSED = "lapsed", "已终止"
        INVALID = "invalid", "已宣告无效"

    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="patents", verbose_name="企业")
    number = models.CharField("专利号", max_length=13)  # canonical: no dot, no prefix
    kind = models.CharField("类型", max_length=10, choices=PatentKind)
    title = models.CharField("名称", max_length=200)
    patentee = models.CharField("登记簿上的专利权人", max_length=200)
    filing_date = models.DateField("申请日")
    grant_date = models.DateField("授权公告日", null=True, blank=True)
    expires_on = models.DateField("届满日")
    expiry_note = models.CharField("届满日调整原因", max_length=200, blank=True)
    fee_paid_until = models.DateField("年费缴至", null=True, blank=True)
    status = models.CharField("法律状态", max_length=10, choices=Status, default=Status.GRANTED)
    preserved = models.BooleanField("被中止或保全", default=False)
    invalidation_pending = models.BooleanField("无效宣告程序中", default=False)
    same_day_twin = models.CharField("同日申请的发明专利申请号", max_length=13, blank=True)
    checked_on = models.DateField("状态核对日期", null=True, blank=True)
    removed_at = models.DateTimeField(null=True, blank=True)

    objects = PatentQuerySet.as_manager()

    class Meta:
        verbose_name = "专利"
        verbose_name_plural = verbose_name
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(
                fields=["organisation", "number"], condition=models.Q(removed_at=None), name="patent_once_per_holder"
            ),
            models.CheckConstraint(
                condition=models.Q(number__regex=r"^(\d{8}|\d{12})[\dX]$"), name="patent_number_form"
            ),
            models.CheckConstraint(
                condition=models.Q(expires_on__gt=models.F("filing_date")), name="patent_expires_after_filing"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.dotted} {self.title}"

    @property
    def dotted(self) -> str:
        """The number as people write it, with the dot before the check digit."""
        return f"{self.number[:-1]}.{self.number[-1]}"

    def in_force(self, *, on: date) -> bool:
        return self.status == self.Status.GRANTED and self.expires_on > on


class CoOwner(models.Model):
    """Another registered patentee of the same patent (专利法 14: a pledge needs every co-owner's consent)."""

    patent = models.ForeignKey(Patent, models.CASCADE, related_name="co_owners")
    name = models.CharField("共有人", max_length=120)
    uscc = models.CharField("统一社会信用代码", max_length=18, blank=True)

    class Meta:
        verbose_name = "共有人"
        verbose_name_plural = verbose_name
        constraints = [models.UniqueConstraint(fields=["patent", "name"], name="co_owner_once")]

    def __str__(self) -> str:
        return self.name
