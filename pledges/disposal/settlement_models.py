"""What follows a result: a take-over by agreement, the distribution of the proceeds, compensation by guarantors. Yuan."""

import uuid
from datetime import date, datetime
from decimal import Decimal

import pgtrigger
from django.db import models
from django.db.models import F, Q
from django_fsm import FSMField, transition

from pledges.parties import of_pledgor
from portal.foundation.accounts.models import Role
from portal.foundation.core.actor import Actor
from portal.foundation.core.db import StateModel, yuan
from portal.foundation.core.files import StoredFile
from portal.foundation.core.money import MAX_YUAN

from .models import BANKING, Disposal


class TakeOver(StoredFile):
    """折价: the pledgee's proposal to take the patents at a valued price. The file is the valuation report.

    Agreed before the default it would be a forbidden 流质 clause (民法典 428): it counts only with the pledgor's consent
    afterwards and with a valuation made after the default.
    """

    disposal = models.ForeignKey(Disposal, models.PROTECT, related_name="take_overs")
    price = yuan("折价金额（元）")
    valued_at = yuan("评估值（元）")
    valued_on = models.DateField("评估基准日")
    valuer = models.CharField("评估机构", max_length=120)
    answered_at = models.DateTimeField("答复时间", null=True)
    answered_by = models.CharField(max_length=200, blank=True)
    agreed = models.BooleanField("出质人同意", null=True)
    answer_note = models.CharField("答复说明", max_length=300, blank=True)

    class Meta(StoredFile.Meta):
        verbose_name = "折价协议"
        verbose_name_plural = verbose_name
        constraints = [
            models.UniqueConstraint(fields=["disposal"], condition=Q(answered_at=None), name="one_open_take_over"),
            models.CheckConstraint(
                condition=Q(valued_at__gt=0, valued_at__lte=MAX_YUAN, price__gte=F("valued_at"), price__lte=MAX_YUAN),
                name="take_over_at_value",
            ),
        ]


class Distribution(models.Model):
    """How the proceeds were distributed; written once, when it is confirmed."""

    disposal = models.OneToOneField(Disposal, models.PROTECT, related_name="distribution")
    proceeds = yuan("处置价款（元）")
    received_on = models.DateField("价款到账日期")
    ceiling = models.DecimalField("最高额（元）", max_digits=16, decimal_places=2, null=True)
    claim = yuan("质权人应受偿（元）")  # costs, interest and principal as owed on that day, before any cap
    paid = yuan("质权人受偿（元）")
    confirmed_by = models.CharField("确认人", max_length=200)
    confirmed_at = models.DateTimeField("确认时间")

    class Meta:
        verbose_name = "价款分配"
        verbose_name_plural = verbose_name
        constraints = [
            models.CheckConstraint(
                condition=Q(proceeds__gt=0, proceeds__lte=MAX_YUAN, paid__gte=0, paid__lte=F("proceeds"))
                & Q(claim__gte=F("paid")),
                name="distribution_amounts",
            ),
        ]
        triggers = [pgtrigger.Protect(name="distribution_kept", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"{self.disposal_id} {self.proceeds}"

    @property
    def shortfall(self) -> Decimal:
        """Yuan the pledgee is still owed: the net loss."""
        return self.claim - self.paid


class Share(models.Model):
    """One line of a distribution, in order of priority. Nobody gets more than was claimed."""

    class Kind(models.TextChoices):
        COST = "cost", "处置费用"
        PLEDGEE_COST = "pledgee_cost", "实现质权的费用"
        INTEREST = "interest", "利息"
        PRINCIPAL = "principal", "本金"
        SUBROGATED = "subrogated", "已代偿的担保机构"
        REMAINDER = "remainder", "余款退还出质人"

    distribution = models.ForeignKey(Distribution, models.PROTECT, related_name="shares")
    position = models.PositiveSmallIntegerField("顺位")
    kind = models.CharField("性质", max_length=12, choices=Kind)
    payee = models.CharField("收款方", max_length=120)
    claimed = yuan("应得（元）")
    amount = yuan("分得（元）")

    class Meta:
        verbose_name = "分配明细"
        verbose_name_plural = verbose_name
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["distribution", "position"], name="share_position"),
            models.CheckConstraint(condition=Q(amount__gte=0, amount__lte=F("claimed")), name="share_within_claim"),
        ]
        triggers = [pgtrigger.Protect(name="share_kept", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"{self.payee} {self.amount}"


class CompensationQuerySet(models.QuerySet["Compensation"]):
    def visible_to(self, actor: Actor) -> "CompensationQuerySet":
        """The bank that claims, the guarantor or insurer it claims from, the enterprise, the regulator."""
        if actor.role in BANKING:
            here = Q(disposal__registration__pledgee_id=actor.organisation_id)
            return self.filter(here | Q(cover__institution_id=actor.organisation_id))
        if actor.role == Role.ENTERPRISE:
            return self.filter(of_pledgor(actor.organisation_id, within="disposal__registration__"))
        if actor.role == Role.REGULATOR:
            return self
        return self.none()


class Compensation(StateModel):
    """代偿申请: of the net loss after the distribution, what a guarantor or an insurer committed to carry with others."""

    class State(models.TextChoices):
        FILED = "filed", "待代偿"
        PAID = "paid", "已代偿"
        REFUSED = "refused", "未获代偿"

    ref = models.UUIDField(default=uuid.uuid4, unique=True)
    disposal = models.ForeignKey(Disposal, models.PROTECT, related_name="compensations")
    cover = models.ForeignKey("applications.Cover", models.PROTECT, related_name="compensations")
    state = FSMField("状态", choices=State, default=State.FILED, protected=True)
    loss = yuan("申请分担的净损失（元）")
    shares = models.JSONField(default=dict)  # party → percent, as committed
    filed_by = models.CharField("申请人", max_length=200)
    filed_at = models.DateTimeField("申请时间")
    fund_pays = models.BooleanField("国家基金补偿", null=True)
    answered_by = models.CharField("答复人", max_length=200, blank=True)
    answered_at = models.DateTimeField("答复时间", null=True)
    paid_on = models.DateField("代偿日期", null=True)
    voucher = models.CharField("凭证号", max_length=60, blank=True)
    refused_note = models.CharField("未获代偿的理由", max_length=300, blank=True)

    objects = CompensationQuerySet.as_manager()

    class Meta:
        verbose_name = "代偿申请"
        verbose_name_plural = verbose_name
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["filed", "paid", "refused"]), name="compensation_state_known"
            ),
            models.UniqueConstraint(
                fields=["cover"], condition=Q(state__in=["filed", "paid"]), name="one_compensation_a_cover"
            ),
            models.CheckConstraint(condition=Q(loss__gt=0, loss__lte=MAX_YUAN), name="compensation_loss"),
            models.CheckConstraint(
                condition=~Q(state="paid") | Q(paid_on__isnull=False) & ~Q(voucher=""), name="compensation_payment_told"
            ),
            models.CheckConstraint(
                condition=~Q(state="refused") | ~Q(refused_note=""), name="compensation_refusal_told"
            ),
        ]
        triggers = [pgtrigger.Protect(name="compensation_kept", operation=pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"{self.cover_id} {self.loss}"

    @property
    def subject(self) -> str:
        return f"compensation:{self.pk}"

    @property
    def tag(self) -> str:
        return {"filed": "warn", "paid": "ok"}.get(self.state, "")

    @transition(field=state, source=State.FILED, target=State.PAID)
    def pay(self, *, fund_pays: bool, paid_on: date, voucher: str, by: str, now: datetime) -> None:
        self.fund_pays, self.paid_on, self.voucher = fund_pays, paid_on, voucher
        self.answered_by, self.answered_at = by, now

    @transition(field=state, source=State.FILED, target=State.REFUSED)
    def refuse(self, *, note: str, by: str, now: datetime) -> None:
        self.refused_note, self.answered_by, self.answered_at = note, by, now
