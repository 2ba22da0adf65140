"""What passes between an institution and the enterprise: reasons of refusal, offers, questions, files."""

from decimal import Decimal

from django.db import models
from django.db.models import Q
from django_fsm import FSMField, transition

from portal.foundation.core.db import StateModel, yuan
from portal.foundation.core.files import StoredFile
from portal.foundation.core.money import MAX_YUAN
from products.models import ProductVersion


class DeclineReason(models.TextChoices):
    """Why an institution says no; a closed list, so that reasons can be summed up."""

    POLICY = "policy", "不符合本机构准入政策"
    CREDIT = "credit", "信用状况不符合要求"
    IP_VALUE = "ip_value", "知识产权价值或稳定性不足"
    AMOUNT = "amount", "金额超出可办理范围"
    TERM = "term", "期限超出可办理范围"
    INDUSTRY = "industry", "行业不在支持范围"
    DISTRICT = "district", "所在区域不在服务范围"
    MATERIALS = "materials", "资料不足且未能补齐"
    OTHER = "other", "其他（须说明）"


class Offer(StateModel):
    """Terms put to the enterprise. A new version replaces the one before; an accepted one never changes."""

    class State(models.TextChoices):
        OPEN = "open", "待企业选择"
        ACCEPTED = "accepted", "已选定"
        REPLACED = "replaced", "已被新方案替代"
        CLOSED = "closed", "未选中"

    referral = models.ForeignKey("applications.Referral", models.PROTECT, related_name="offers")
    version = models.PositiveSmallIntegerField(default=1)
    # What the product promised in public when the offer was made; empty when the institution came without a product.
    product_version = models.ForeignKey(ProductVersion, models.PROTECT, null=True, related_name="+")
    state = FSMField("状态", choices=State, default=State.OPEN, protected=True)
    amount = yuan("金额（元）")
    term_months = models.PositiveSmallIntegerField("期限（月）")
    annual_rate = models.DecimalField("年利率（%）", max_digits=6, decimal_places=3, null=True, blank=True)
    fee_rate = models.DecimalField("担保或保险费率（%/年）", max_digits=6, decimal_places=3, null=True, blank=True)
    other_fees = yuan("其他费用（元）", default=Decimal(0))  # type: ignore[arg-type]
    repayment = models.CharField("还款方式", max_length=60, blank=True)
    conditions = models.CharField("附加条件", max_length=500, blank=True)
    valid_until = models.DateField("有效期至")
    made_by = models.CharField(max_length=200)
    made_at = models.DateTimeField()

    class Meta:
        verbose_name = "方案"
        verbose_name_plural = verbose_name
        constraints = [
            models.UniqueConstraint(fields=["referral", "version"], name="offer_version"),
            models.UniqueConstraint(fields=["referral"], condition=Q(state="open"), name="one_open_offer"),
            models.CheckConstraint(condition=Q(amount__gt=0, amount__lte=MAX_YUAN), name="offer_amount"),
            models.CheckConstraint(
                condition=Q(annual_rate=None) | Q(annual_rate__gt=0, annual_rate__lte=36), name="offer_rate"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.referral_id} v{self.version}"

    @transition(field=state, source=State.OPEN, target=State.ACCEPTED)
    def accept(self) -> None:
        """Chosen by the enterprise."""

    @transition(field=state, source=State.OPEN, target=State.REPLACED)
    def replace(self) -> None:
        """A newer version was sent."""

    @transition(field=state, source=State.OPEN, target=State.CLOSED)
    def close(self) -> None:
        """Another offer was chosen, the institution declined after all, or the request was withdrawn."""

    @property
    def yearly_cost(self) -> Decimal | None:
        """Interest and fees of the first year in yuan, on the full amount; None when the rate is not given."""
        if self.annual_rate is None and self.fee_rate is None:
            return None
        rate = (self.annual_rate or Decimal(0)) + (self.fee_rate or Decimal(0))
        return (self.amount * rate / 100 + self.other_fees).quantize(Decimal("0.01"))


class InformationRequest(models.Model):
    """A question of an institution to the enterprise and its answer."""

    referral = models.ForeignKey("applications.Referral", models.PROTECT, related_name="questions")
    question = models.CharField("需要补充", max_length=500)
    asked_by = models.CharField(max_length=200)
    asked_at = models.DateTimeField()
    answer = models.CharField("答复", max_length=1000, blank=True)
    answered_by = models.CharField(max_length=200, blank=True)
    answered_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = "补充资料要求"
        verbose_name_plural = verbose_name

    def __str__(self) -> str:
        return self.question[:40]


class Attachment(StoredFile):
    """A file of the request: belongs to a draft until it is submitted, then to the application."""

    class Kind(models.TextChoices):
        LICENCE = "licence", "营业执照"
        FINANCIALS = "financials", "财务报表"
        CERTIFICATE = "certificate", "专利证书或登记簿副本"
        OTHER = "other", "其他材料"

    draft = models.ForeignKey("applications.Draft", models.SET_NULL, null=True, related_name="attachments")
    application = models.ForeignKey("applications.Application", models.PROTECT, null=True, related_name="attachments")
    question = models.ForeignKey(InformationRequest, models.PROTECT, null=True, related_name="attachments")
    kind = models.CharField("材料类型", max_length=12, choices=Kind, default=Kind.OTHER)

    class Meta(StoredFile.Meta):
        verbose_name = "需求材料"
        verbose_name_plural = verbose_name
