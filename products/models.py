"""渝知贷 products: what is on offer, on which terms, and where the facts come from."""

from decimal import Decimal

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from banks.models import Institution
from portal.foundation.assets.models import IPKind

from .quotas.models import Quota as Quota
from .quotas.models import QuotaEligible as QuotaEligible
from .quotas.models import QuotaEntry as QuotaEntry
from .quotas.models import QuotaTool as QuotaTool
from .risk.models import EnterpriseTier as EnterpriseTier
from .risk.models import ExposureEntry as ExposureEntry
from .risk.models import HouseholdExposure as HouseholdExposure
from .risk.models import RiskScheme as RiskScheme
from .risk.models import SchemeShare as SchemeShare
from .subsidies.models import SubsidyClaim as SubsidyClaim
from .subsidies.models import SubsidyPaper as SubsidyPaper
from .subsidies.models import SubsidyScheme as SubsidyScheme


class Mode(models.TextChoices):
    """How credit is carried (measure 2)."""

    PLEDGE = "pledge", "知识产权质押"
    CREDIT_PLUS = "credit_plus", "科技信贷＋知识产权质押"
    INSURED = "insured", "银行＋保险＋知识产权"
    GUARANTEED = "guaranteed", "银行＋担保"
    CREDIT = "credit", "知识价值信用贷款"


class ProductQuerySet(models.QuerySet["Product"]):
    def shown(self) -> "ProductQuerySet":
        """What the public matrix lists, facts from public sources included."""
        return self.filter(state=Product.State.PUBLISHED, institution__organisation__active=True)

    def published(self) -> "ProductQuerySet":
        """What can be asked for here: its institution answers on this portal."""
        return self.shown().filter(institution__connected=True)

    def fitting(self, *, amount: Decimal, term_months: int) -> "ProductQuerySet":
        """Products whose amount (yuan) and term allow the wish; an open bound (null) allows everything."""
        return self.filter(
            Q(amount_min=None) | Q(amount_min__lte=amount),
            Q(amount_max=None) | Q(amount_max__gte=amount),
            Q(term_max=None) | Q(term_max__gte=term_months),
        )


class Product(models.Model):
    """One product of one institution. Unknown facts stay empty and are shown as «以机构答复为准», never guessed."""

    class State(models.TextChoices):
        DRAFT = "draft", "草稿"
        PUBLISHED = "published", "已发布"
        SUSPENDED = "suspended", "暂停"

    institution = models.ForeignKey(Institution, models.PROTECT, related_name="products", verbose_name="机构")
    name = models.CharField("产品名称", max_length=80)
    mode = models.CharField("模式", max_length=12, choices=Mode)
    ip_kinds = ArrayField(
        models.CharField(max_length=12, choices=IPKind), verbose_name="可质押的知识产权", default=list
    )
    combined = models.BooleanField("可组合质押", default=False)
    amount_min = models.DecimalField("最低金额（元）", max_digits=16, decimal_places=2, null=True, blank=True)
    amount_max = models.DecimalField("最高金额（元）", max_digits=16, decimal_places=2, null=True, blank=True)
    term_min = models.PositiveSmallIntegerField("最短期限（月）", null=True, blank=True)
    term_max = models.PositiveSmallIntegerField("最长期限（月）", null=True, blank=True)
    rate_from = models.DecimalField("最低年利率（%）", max_digits=6, decimal_places=3, null=True, blank=True)
    rate_to = models.DecimalField("最高年利率（%）", max_digits=6, decimal_places=3, null=True, blank=True)
    rate_note = models.CharField("利率说明", max_length=120, blank=True)
    pledge_rate = models.DecimalField("质押率上限（%）", max_digits=5, decimal_places=2, null=True, blank=True)
    online = models.BooleanField("线上办理", default=False)
    conditions = models.CharField("适用条件", max_length=300, blank=True)
    summary = models.CharField("一句话介绍", max_length=200)
    state = models.CharField("状态", max_length=10, choices=State, default=State.DRAFT)
    source = models.CharField("事实来源", max_length=200, blank=True)  # empty for example products
    example = models.BooleanField("示例产品", default=False)
    updated_on = models.DateField("更新日期")

    objects = ProductQuerySet.as_manager()

    class Meta:
        verbose_name = "产品"
        verbose_name_plural = verbose_name
        constraints = [
            models.UniqueConstraint(fields=["institution", "name"], name="product_once"),
            models.CheckConstraint(
                condition=Q(amount_min=None) | Q(amount_max=None) | Q(amount_min__lte=F("amount_max")),
                name="product_amounts",
            ),
            models.CheckConstraint(condition=Q(example=True) | ~Q(source=""), name="product_has_source"),
        ]

    def __str__(self) -> str:
        return self.name
