"""Subsidy schemes with their budgets, claims on them and the evidence. Money in yuan, rates in percent."""

import uuid
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal

import pgtrigger
from django.db import models
from django.db.models import F, Q
from django_fsm import FSMField, transition

from portal.foundation.accounts.models import District, Organisation, OrganisationKind, Role, User
from portal.foundation.core.actor import Actor
from portal.foundation.core.db import StateModel
from portal.foundation.core.files import StoredFile
from portal.foundation.core.money import MAX_YUAN, round_to_fen


class SubsidyScheme(models.Model):
    """One scheme for one year. `reserved` is what approved claims take of the budget; its row is locked by an approval."""

    class Kind(models.TextChoices):
        FEE_AWARD = "fee_award", "担保费奖补"
        AGENCY = "agency", "运营机构补助"
        INTEREST = "interest", "区县贷款贴息"

    # Who may claim, and what the rate is a share of. Operating agencies have no seat on the portal: they claim outside it.
    APPLICANTS: Mapping[str, tuple[str | None, str]] = {
        Kind.FEE_AWARD: (OrganisationKind.GUARANTOR, "担保金额"),
        Kind.AGENCY: (None, "运营金额"),
        Kind.INTEREST: (OrganisationKind.ENTERPRISE, "已付利息"),
    }

    code = models.SlugField("代码", max_length=40, unique=True)
    name = models.CharField("名称", max_length=80)
    kind = models.CharField("类型", max_length=12, choices=Kind)
    district = models.ForeignKey(District, models.PROTECT, null=True, blank=True, verbose_name="区县")
    rate = models.DecimalField("比例（%）", max_digits=6, decimal_places=3)
    most = models.DecimalField("单笔上限（元）", max_digits=16, decimal_places=2, null=True, blank=True)
    budget = models.DecimalField("预算（元）", max_digits=16, decimal_places=2)
    reserved = models.DecimalField("已核定（元）", max_digits=16, decimal_places=2, default=0)
    paid = models.DecimalField("已拨付（元）", max_digits=16, decimal_places=2, default=0)
    ground = models.CharField("依据", max_length=200)
    rule = models.CharField("条件", max_length=300)
    confirmed = models.BooleanField("已核实", default=False)  # False: rate, cap and budget are shown with 「待确认」
    rate_confirmed = models.BooleanField("比例已核实", default=False)
    valid_from = models.DateField("申请期自")
    valid_until = models.DateField("申请期至")

    class Meta:
        verbose_name = "补贴方案"
        verbose_name_plural = verbose_name
        constraints = [
            models.CheckConstraint(condition=Q(rate__gt=0, rate__lte=100), name="subsidy_rate"),
            models.CheckConstraint(condition=Q(budget__gte=0, budget__lte=MAX_YUAN * 100), name="subsidy_budget"),
            # The budget is never overdrawn, whatever the code above thinks.
            models.CheckConstraint(
                condition=Q(reserved__gte=0, reserved__lte=F("budget")), name="subsidy_within_budget"
            ),
            models.CheckConstraint(condition=Q(paid__gte=0, paid__lte=F("reserved")), name="subsidy_paid_was_approved"),
            models.CheckConstraint(condition=Q(valid_until__gte=F("valid_from")), name="subsidy_period"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def applicant(self) -> str | None:
        """The kind of organisation that may claim here; None: nobody on the portal, it is claimed outside."""
        return self.APPLICANTS[self.Kind(self.kind)][0]

    @property
    def subject(self) -> str:
        return f"subsidy_scheme:{self.pk}"

    @property
    def base_label(self) -> str:
        return self.APPLICANTS[self.Kind(self.kind)][1]

    @property
    def left(self) -> Decimal:
        return self.budget - self.reserved

    def open_on(self, day: date) -> bool:
        return self.valid_from <= day <= self.valid_until

    def amount(self, base: Decimal) -> Decimal:
        """Yuan for a base in yuan: its share, half a fen up, at most the cap."""
        share = round_to_fen(base * self.rate / 100)
        return share if self.most is None else min(share, self.most)


class SubsidyClaimQuerySet(models.QuerySet["SubsidyClaim"]):
    def visible_to(self, actor: Actor) -> "SubsidyClaimQuerySet":
        """One's own organisation's; all for the regulator."""
        if actor.role == Role.REGULATOR:
            return self
        if actor.role in (Role.ENTERPRISE, Role.OFFICER, Role.MANAGER):
            return self.filter(organisation_id=actor.organisation_id)
        return self.none()


class SubsidyClaim(StateModel):
    """One claim. Two different people approve it: the database says so too."""

    class State(models.TextChoices):
        APPLIED = "applied", "待初审"
        CHECKED = "checked", "待复核"
        APPROVED = "approved", "已核定，待拨付"
        PAID = "paid", "已拨付"
        REFUSED = "refused", "不予补贴"
        WITHDRAWN = "withdrawn", "已撤回"

    ref = models.UUIDField(default=uuid.uuid4, unique=True)
    scheme = models.ForeignKey(SubsidyScheme, models.PROTECT, related_name="claims", verbose_name="方案")
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="+", verbose_name="申请单位")
    state = FSMField("状态", choices=State, default=State.APPLIED, protected=True)
    case_number = models.CharField("办件编号", max_length=32)  # of the loan it is for
    base = models.DecimalField("计算基数（元）", max_digits=16, decimal_places=2)
    amount = models.DecimalField("申请金额（元）", max_digits=16, decimal_places=2)
    note = models.CharField("说明", max_length=300, blank=True)
    applied_by = models.CharField("申请人", max_length=200)
    applied_at = models.DateTimeField("申请时间")
    checked_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", verbose_name="初审人")
    checked_at = models.DateTimeField(null=True)
    approved_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", verbose_name="复核人")
    approved_at = models.DateTimeField(null=True)
    refused_note = models.CharField("不予补贴的理由", max_length=300, blank=True)
    paid_on = models.DateField("拨付日期", null=True)
    voucher = models.CharField("拨付凭证号", max_length=60, blank=True)
    closed_at = models.DateTimeField(null=True)

    objects = SubsidyClaimQuerySet.as_manager()

    class Meta:
        verbose_name = "补贴申请"
        verbose_name_plural = verbose_name
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["applied", "checked", "approved", "paid", "refused", "withdrawn"]),
                name="subsidy_claim_state_known",
            ),
            models.CheckConstraint(condition=Q(base__gt=0, base__lte=MAX_YUAN), name="subsidy_claim_base"),
            models.CheckConstraint(condition=Q(amount__gt=0, amount__lte=F("base")), name="subsidy_claim_amount"),
            # Four eyes: whoever checked it does not approve it.
            models.CheckConstraint(
                condition=~Q(state__in=["approved", "paid"])
                | Q(checked_by__isnull=False, approved_by__isnull=False) & ~Q(approved_by=F("checked_by")),
                name="subsidy_two_people",
            ),
            models.CheckConstraint(
                condition=~Q(state="paid") | Q(paid_on__isnull=False) & ~Q(voucher=""), name="subsidy_payment_told"
            ),
            models.CheckConstraint(condition=~Q(state="refused") | ~Q(refused_note=""), name="subsidy_refusal_told"),
            models.UniqueConstraint(
                fields=["scheme", "organisation", "case_number"],
                condition=~Q(state__in=["refused", "withdrawn"]),
                name="subsidy_once_a_case",
            ),
        ]
        indexes = [models.Index(fields=["organisation", "-id"], name="subsidy_own")]  # read by: the list of claims
        triggers = [pgtrigger.Protect(name="kept", operation=pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"{self.scheme_id} {self.case_number}"

    @property
    def subject(self) -> str:
        return f"subsidy_claim:{self.pk}"

    @property
    def tag(self) -> str:
        return {"applied": "warn", "checked": "info", "approved": "ok", "paid": "ok"}.get(self.state, "")

    @transition(field=state, source=State.APPLIED, target=State.CHECKED)
    def check_first(self, *, by: int, now: datetime) -> None:
        self.checked_by_id, self.checked_at = by, now

    @transition(field=state, source=State.CHECKED, target=State.APPROVED)
    def approve(self, *, by: int, now: datetime) -> None:
        self.approved_by_id, self.approved_at = by, now

    @transition(field=state, source=[State.APPLIED, State.CHECKED], target=State.REFUSED)
    def refuse(self, *, note: str, now: datetime) -> None:
        self.refused_note, self.closed_at = note, now

    @transition(field=state, source=[State.APPLIED, State.CHECKED], target=State.WITHDRAWN)
    def withdraw(self, *, now: datetime) -> None:
        self.closed_at = now

    @transition(field=state, source=State.APPROVED, target=State.PAID)
    def pay(self, *, paid_on: date, voucher: str, now: datetime) -> None:
        self.paid_on, self.voucher, self.closed_at = paid_on, voucher, now


class SubsidyPaper(StoredFile):
    """Evidence of a claim."""

    claim = models.ForeignKey(SubsidyClaim, models.PROTECT, related_name="papers")

    class Meta(StoredFile.Meta):
        verbose_name = "补贴证明材料"
        verbose_name_plural = verbose_name
