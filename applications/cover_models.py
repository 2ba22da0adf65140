"""A guarantee or an insurance asked for a bank's loan: its own promise of an answer, its terms and its commitment."""

import uuid
from datetime import datetime
from decimal import Decimal

from django.apps import apps
from django.db import models
from django.db.models import Q
from django_fsm import FSMField, transition

from banks.models import Institution
from portal.foundation.accounts.models import OrganisationKind, Role, User
from portal.foundation.core.actor import Actor
from portal.foundation.core.db import StateModel
from portal.foundation.core.money import MAX_YUAN, round_to_fen
from portal.foundation.sla.models import Clock
from products.risk.models import RiskScheme
from products.risk.shares import Party, read, split, uncompensated


class CoverQuerySet(models.QuerySet["Cover"]):
    def visible_to(self, actor: Actor) -> "CoverQuerySet":
        """The institution asked (once the enterprise has agreed), the bank it is for, the enterprise, the regulator."""
        if actor.role in (Role.OFFICER, Role.MANAGER):
            asked = Q(institution_id=actor.organisation_id, consented_at__isnull=False)
            return self.filter(asked | Q(referral__institution_id=actor.organisation_id))
        if actor.role == Role.ENTERPRISE:
            return self.filter(application__organisation_id=actor.organisation_id)
        if actor.role == Role.REGULATOR:
            return self
        return self.none()

    def with_readable(self, organisation_id: int) -> "CoverQuerySet":
        """Each with `readable`: whether the enterprise's authorisation of this institution still stands."""
        consent = apps.get_model("applications", "Consent")
        mine = consent.objects.filter(
            application=models.OuterRef("application"), institution=organisation_id, revoked_at=None
        )
        return self.annotate(readable=models.Exists(mine))

    def live(self) -> "CoverQuerySet":
        return self.filter(state__in=Cover.LIVE_STATES)


class Cover(StateModel):
    """One institution's guarantee or insurance for the loan of one bank's referral. Amounts in yuan, fees in % a year.

    `shares` are those of the scheme when the terms were made: what was committed stays whatever the scheme becomes.
    """

    class State(models.TextChoices):
        PROPOSED = "proposed", "待企业同意"
        WAITING = "waiting", "待响应"
        INTENT = "intent", "有意向"
        TERMS = "terms", "已提出条件"
        COMMITTED = "committed", "已承诺"
        RELEASED = "released", "已解除"
        COMPENSATED = "compensated", "已代偿"
        DECLINED = "declined", "已婉拒"
        WITHDRAWN = "withdrawn", "已撤回"

    LIVE_STATES = (State.PROPOSED, State.WAITING, State.INTENT, State.TERMS, State.COMMITTED)
    PENDING_STATES = (State.PROPOSED, State.WAITING, State.INTENT, State.TERMS)

    ref = models.UUIDField(default=uuid.uuid4, unique=True)
    application = models.ForeignKey("applications.Application", models.PROTECT, related_name="covers")
    referral = models.ForeignKey("applications.Referral", models.PROTECT, related_name="covers")  # the bank's
    institution = models.ForeignKey(Institution, models.PROTECT, related_name="covers", verbose_name="担保、保险机构")
    state = FSMField("状态", choices=State, default=State.WAITING, protected=True)
    clock = models.OneToOneField(Clock, models.PROTECT, null=True, related_name="cover")
    amount = models.DecimalField("担保或承保金额（元）", max_digits=16, decimal_places=2)
    note = models.CharField("说明", max_length=300, blank=True)
    asked_by = models.CharField("提出人", max_length=200)
    asked_at = models.DateTimeField("提出时间")
    consented_at = models.DateTimeField("企业同意时间", null=True)
    officer = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", verbose_name="经办人")
    contact_name = models.CharField("联系人", max_length=40, blank=True)
    contact_phone = models.CharField("联系电话", max_length=20, blank=True)
    next_step = models.CharField("下一步", max_length=300, blank=True)
    responded_at = models.DateTimeField("首次响应时间", null=True)
    version = models.PositiveSmallIntegerField("条件版次", default=0)
    scheme = models.ForeignKey(RiskScheme, models.PROTECT, null=True, related_name="+", verbose_name="风险分担方案")
    shares = models.JSONField(default=dict)
    fee_rate = models.DecimalField("担保费率（%/年）", max_digits=6, decimal_places=3, null=True)
    premium = models.DecimalField("保险费（元）", max_digits=16, decimal_places=2, null=True)
    conditions = models.CharField("附加条件", max_length=500, blank=True)
    valid_until = models.DateField("有效期至", null=True)
    decline_code = models.CharField("婉拒原因", max_length=20, blank=True)
    decline_note = models.CharField("婉拒说明", max_length=300, blank=True)
    committed_at = models.DateTimeField("承诺时间", null=True)
    committed_by = models.CharField("承诺人", max_length=200, blank=True)
    accepted_at = models.DateTimeField("企业连同方案选定", null=True)
    loss = models.DecimalField("代偿金额（元）", max_digits=16, decimal_places=2, null=True)
    fund_pays = models.BooleanField("国家基金补偿", null=True)
    closed_at = models.DateTimeField("结束时间", null=True)
    close_note = models.CharField("结束说明", max_length=300, blank=True)

    objects = CoverQuerySet.as_manager()

    class Meta:
        verbose_name = "担保、保险申请"
        verbose_name_plural = verbose_name
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    state__in=[
                        "proposed",
                        "waiting",
                        "intent",
                        "terms",
                        "committed",
                        "released",
                        "compensated",
                        "declined",
                        "withdrawn",
                    ]
                ),
                name="cover_state_known",
            ),
            models.UniqueConstraint(
                fields=["referral", "institution"],
                condition=Q(state__in=["proposed", "waiting", "intent", "terms", "committed"]),
                name="one_live_cover",
            ),
            models.CheckConstraint(condition=Q(amount__gt=0, amount__lte=MAX_YUAN), name="cover_amount"),
            models.CheckConstraint(
                condition=Q(fee_rate=None) | Q(fee_rate__gte=0, fee_rate__lte=36), name="cover_fee_rate"
            ),
            models.CheckConstraint(
                condition=Q(premium=None) | Q(premium__gte=0, premium__lte=MAX_YUAN), name="cover_premium"
            ),
            # Who has not answered owes an answer, by a clock.
            models.CheckConstraint(
                condition=~Q(state="waiting") | Q(clock__isnull=False), name="waiting_cover_has_clock"
            ),
            # Nobody is asked without the enterprise.
            models.CheckConstraint(
                condition=Q(state__in=["proposed", "withdrawn"]) | Q(consented_at__isnull=False),
                name="cover_has_consent",
            ),
            models.CheckConstraint(
                condition=~Q(state="declined") | ~Q(decline_code=""), name="cover_decline_has_reason"
            ),
            models.CheckConstraint(
                condition=~Q(state="intent") | (~Q(contact_name="") & ~Q(contact_phone="") & ~Q(next_step="")),
                name="cover_intent_has_contact",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["terms", "committed", "released", "compensated"])
                | Q(scheme__isnull=False, valid_until__isnull=False)
                & (Q(fee_rate__isnull=False) | Q(premium__isnull=False)),
                name="cover_terms_complete",
            ),
            models.CheckConstraint(
                condition=~Q(state="compensated") | Q(loss__gt=0, fund_pays__isnull=False), name="cover_loss_told"
            ),
        ]
        indexes = [
            models.Index(fields=["institution", "state", "-id"], name="cover_desk"),  # read by: the guarantor's desk
            models.Index(fields=["application", "id"], name="cover_case"),  # read by: the case, whoever looks
        ]

    def __str__(self) -> str:
        return f"{self.application_id}：{self.institution_id}"

    @property
    def subject(self) -> str:
        """How the journal, the clock and the household's ledger name this cover."""
        return f"cover:{self.pk}"

    @property
    def seen(self) -> str:
        """What an open page shows of it: another value tells that it has changed."""
        return f"{self.ref}:{self.version}:{self.state}"

    @property
    def insures(self) -> bool:
        return self.institution.organisation.kind == OrganisationKind.INSURER

    @property
    def word(self) -> str:
        """What the institution gives, in one word."""
        return "保险" if self.insures else "担保"

    @property
    def tag(self) -> str:
        """The colour of its state."""
        return {"waiting": "warn", "proposed": "warn", "intent": "info", "terms": "info", "committed": "ok"}.get(
            self.state, ""
        )

    @property
    def fee_text(self) -> str:
        """«0.8%/年» or «12000 元»; empty before there are terms."""
        parts = []
        if self.fee_rate is not None:
            parts.append(f"{self.fee_rate.normalize():f}%/年")
        if self.premium is not None:
            parts.append(f"保险费 {self.premium:,.2f} 元")
        return "，".join(parts)

    @property
    def yearly_fee(self) -> Decimal:
        """Yuan of the first year: the fee on the whole amount, or the premium."""
        return round_to_fen(self.amount * (self.fee_rate or Decimal(0)) / 100) + (self.premium or Decimal(0))

    def parts(self, *, loss: Decimal | None = None, fund_pays: bool = True) -> list[tuple[Party, Decimal, Decimal]]:
        """Who carries how much of a loss (yuan; of the whole amount if none is given): party, percent, yuan to the fen."""
        shares = read(self.shares)
        if not shares:
            return []
        if not fund_pays and self.scheme is not None:
            shares = uncompensated(shares, city_percent=self.scheme.city_percent)
        carried = split(self.amount if loss is None else loss, shares)
        return [(party, shares[party], part) for party, part in carried.items()]

    @transition(field=state, source=State.PROPOSED, target=State.WAITING)
    def consent(self, *, clock: Clock, now: datetime) -> None:
        self.clock, self.consented_at = clock, now

    @transition(field=state, source=State.WAITING, target=State.INTENT)
    def intend(
        self, *, officer_id: int | None, contact_name: str, contact_phone: str, next_step: str, now: datetime
    ) -> None:
        self.officer_id, self.responded_at = officer_id, now
        self.contact_name, self.contact_phone, self.next_step = contact_name, contact_phone, next_step

    @transition(field=state, source=[State.WAITING, State.INTENT, State.TERMS], target=State.TERMS)
    def set_terms(self, *, officer_id: int | None, now: datetime) -> None:
        """The terms themselves are assigned by the action, which knows them all."""
        self.officer_id, self.responded_at, self.version = officer_id, self.responded_at or now, self.version + 1

    @transition(field=state, source=State.TERMS, target=State.COMMITTED)
    def commit(self, *, by: str, now: datetime) -> None:
        self.committed_by, self.committed_at = by, now

    @transition(field=state, source=[State.WAITING, State.INTENT, State.TERMS], target=State.DECLINED)
    def decline(self, *, officer_id: int | None, code: str, note: str, now: datetime) -> None:
        self.officer_id, self.decline_code, self.decline_note = officer_id, code, note
        self.responded_at, self.closed_at = self.responded_at or now, now

    @transition(field=state, source=State.COMMITTED, target=State.RELEASED)
    def release(self, *, note: str, now: datetime) -> None:
        self.close_note, self.closed_at = note, now

    @transition(field=state, source=State.COMMITTED, target=State.COMPENSATED)
    def compensate(self, *, loss: Decimal, fund_pays: bool, note: str, now: datetime) -> None:
        self.loss, self.fund_pays, self.close_note, self.closed_at = loss, fund_pays, note, now

    @transition(
        field=state,
        source=[State.PROPOSED, State.WAITING, State.INTENT, State.TERMS, State.COMMITTED],
        target=State.WITHDRAWN,
    )
    def withdraw(self, *, note: str, now: datetime) -> None:
        self.close_note, self.closed_at = note, now
