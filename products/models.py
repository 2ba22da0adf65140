"""渝知贷 products: what is on offer, on which terms, and where the facts come from."""

from datetime import datetime
from decimal import Decimal

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now, TruncDate
from django_fsm import FSMField, transition

from banks.models import Institution
from portal.foundation.accounts.models import Organisation, Role
from portal.foundation.assets.models import IPKind
from portal.foundation.core.actor import Actor
from portal.foundation.core.db import StateModel
from portal.foundation.core.moments import SHANGHAI

from .import_models import ProductImport as ProductImport
from .policy_models import LibraryPolicy as LibraryPolicy
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
from .version_models import ProductVersion as ProductVersion
from .version_models import PublicChange as PublicChange


class Mode(models.TextChoices):
    """How credit is carried (measure 2)."""

    PLEDGE = "pledge", "知识产权质押"
    CREDIT_PLUS = "credit_plus", "科技信贷＋知识产权质押"
    INSURED = "insured", "银行＋保险＋知识产权"
    GUARANTEED = "guaranteed", "银行＋担保"
    CREDIT = "credit", "知识价值信用贷款"
    COMBINED = "combined", "多种知识产权组合质押"


class Repayment(models.TextChoices):
    """How a loan is paid back."""

    INTEREST_FIRST = "interest", "按期付息到期还本"
    EQUAL_INSTALMENT = "instalment", "等额本息"
    EQUAL_PRINCIPAL = "principal", "等额本金"
    AT_ONCE = "at_once", "到期一次还本付息"
    REVOLVING = "revolving", "额度内随借随还"


class LprTerm(models.TextChoices):
    """Which published loan prime rate a floating rate follows."""

    ONE_YEAR = "1y", "1 年期"
    FIVE_YEARS = "5y", "5 年期以上"


MEDIUM_TERM, LONG_TERM = 12, 60  # months: a product that reaches beyond is marked 中期, 长期


class ProductQuerySet(models.QuerySet["Product"]):
    def shown(self) -> "ProductQuerySet":
        """What the public matrix lists, facts from public sources included; only within the days it is on offer.

        Today is the database's, on a Chongqing calendar, so that the queryset can be compiled once.
        """
        today = TruncDate(Now(), tzinfo=SHANGHAI)
        return self.filter(
            Q(valid_from=None) | Q(valid_from__lte=today),
            Q(valid_until=None) | Q(valid_until__gte=today),
            state=Product.State.PUBLISHED,
            institution__organisation__active=True,
        )

    def published(self) -> "ProductQuerySet":
        """What can be asked for here: its institution answers on this portal."""
        return self.shown().filter(institution__connected=True)

    def visible_to(self, actor: Actor) -> "ProductQuerySet":
        """An institution's own; all for the regulator. Anyone else sees only the public pages."""
        if actor.role in (Role.OFFICER, Role.MANAGER):
            return self.filter(institution_id=actor.organisation_id)
        return self if actor.role == Role.REGULATOR else self.none()

    def fitting(self, *, amount: Decimal, term_months: int) -> "ProductQuerySet":
        """Products whose amount (yuan) and term allow the wish; an open bound (null) allows everything."""
        return self.filter(
            Q(amount_min=None) | Q(amount_min__lte=amount),
            Q(amount_max=None) | Q(amount_max__gte=amount),
            Q(term_max=None) | Q(term_max__gte=term_months),
        )


class Product(StateModel):
    """One product of one institution. Unknown facts stay empty and are shown as «以机构答复为准», never guessed.

    The columns are the terms in force (of a product that was never published: its draft). A later edit is a
    ProductVersion, which takes their place when the regulator publishes it.
    """

    class State(models.TextChoices):
        DRAFT = "draft", "未发布"
        PUBLISHED = "published", "已发布"
        SUSPENDED = "suspended", "暂停"
        WITHDRAWN = "withdrawn", "已下架"

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
    lpr_term = models.CharField("LPR 期限品种", max_length=2, choices=LprTerm, blank=True)
    lpr_rate = models.DecimalField("LPR 报价（%）", max_digits=6, decimal_places=3, null=True, blank=True)
    lpr_spread = models.SmallIntegerField("LPR 加点（基点）", null=True, blank=True)  # basis points; negative is 减点
    lpr_date = models.DateField("LPR 报价日期", null=True, blank=True)
    rate_note = models.CharField("利率说明", max_length=120, blank=True)
    pledge_rate = models.DecimalField("质押率上限（%）", max_digits=5, decimal_places=2, null=True, blank=True)
    pledge_rates = models.JSONField("各类知识产权的质押率（%）", default=dict, blank=True)  # IPKind → "40.00"
    repayment = ArrayField(models.CharField(max_length=12, choices=Repayment), verbose_name="还款方式", default=list)
    online = models.BooleanField("线上办理", default=False)
    districts = ArrayField(models.CharField(max_length=6), verbose_name="适用区县", default=list)  # empty: whole city
    documents = ArrayField(models.CharField(max_length=80), verbose_name="所需材料", default=list)
    valid_from = models.DateField("有效期自", null=True, blank=True)
    valid_until = models.DateField("有效期至", null=True, blank=True)
    conditions = models.CharField("适用条件", max_length=300, blank=True)
    # What of it a machine can weigh: products.conditions says how it is written and checks it before it is stored.
    requirements = models.JSONField("可核对的条件", default=list, blank=True)
    summary = models.CharField("一句话介绍", max_length=200)
    state = FSMField("状态", max_length=10, choices=State, default=State.DRAFT, protected=True)
    current = models.OneToOneField(ProductVersion, models.PROTECT, null=True, related_name="+", verbose_name="现行版本")
    suspended_by = models.ForeignKey(Organisation, models.PROTECT, null=True, related_name="+")
    state_note = models.CharField("说明", max_length=200, blank=True)  # why suspended or withdrawn
    confirmed_at = models.DateTimeField("最近确认", null=True)
    alarmed_at = models.DateTimeField(null=True)  # when the two sides were told that nobody has confirmed it for long
    source = models.CharField("事实来源", max_length=200, blank=True)  # empty for example products
    example = models.BooleanField("示例产品", default=False)
    updated_on = models.DateField("更新日期")

    objects = ProductQuerySet.as_manager()

    class Meta:
        verbose_name = "产品"
        verbose_name_plural = verbose_name
        constraints = [
            models.UniqueConstraint(
                fields=["institution", "name"], condition=~Q(state="withdrawn"), name="product_once"
            ),
            models.CheckConstraint(
                condition=Q(state__in=["draft", "published", "suspended", "withdrawn"]), name="product_state_known"
            ),
            models.CheckConstraint(
                condition=Q(valid_from=None) | Q(valid_until=None) | Q(valid_from__lte=F("valid_until")),
                name="product_validity",
            ),
            models.CheckConstraint(
                condition=Q(amount_min=None) | Q(amount_max=None) | Q(amount_min__lte=F("amount_max")),
                name="product_amounts",
            ),
            models.CheckConstraint(condition=Q(example=True) | ~Q(source=""), name="product_has_source"),
        ]

    def __str__(self) -> str:
        return self.name

    @transition(field=state, source=State.DRAFT, target=State.PUBLISHED)
    def publish(self) -> None:
        """The first version is public from now on; later ones replace the terms and leave the state as it is."""

    @transition(field=state, source=State.PUBLISHED, target=State.SUSPENDED)
    def suspend(self, *, by: int, reason: str) -> None:
        self.suspended_by_id, self.state_note = by, reason

    @transition(field=state, source=State.SUSPENDED, target=State.PUBLISHED)
    def resume(self, *, now: datetime) -> None:
        self.suspended_by_id, self.state_note, self.confirmed_at, self.alarmed_at = None, "", now, None

    @transition(field=state, source=[State.DRAFT, State.PUBLISHED, State.SUSPENDED], target=State.WITHDRAWN)
    def withdraw(self, *, reason: str) -> None:
        self.state_note = reason

    @property
    def medium_term(self) -> bool:
        """Runs longer than a year (and no longer than five, else it is long)."""
        return self.term_max is not None and MEDIUM_TERM < self.term_max <= LONG_TERM

    @property
    def long_term(self) -> bool:
        return self.term_max is not None and self.term_max > LONG_TERM
