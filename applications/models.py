"""The financing request: a draft, the submitted application, one referral per addressed institution, offers."""

import uuid
from datetime import datetime

import pgtrigger
from django.db import models
from django.db.models import Q
from django_fsm import FSMField, transition

from banks.models import Institution
from portal.foundation.accounts.models import Organisation, Role, User
from portal.foundation.assets.models import Patent
from portal.foundation.core.actor import Actor
from portal.foundation.core.db import StateModel, yuan
from portal.foundation.core.money import MAX_YUAN
from portal.foundation.sla.models import Clock
from products.models import Product

from .cover_models import Cover as Cover
from .next_round_models import NextLender as NextLender
from .next_round_models import NextRound as NextRound
from .offer_models import Attachment as Attachment
from .offer_models import DeclineReason as DeclineReason
from .offer_models import InformationRequest as InformationRequest
from .offer_models import Offer as Offer
from .valuation_models import ValuationShare as ValuationShare


class Purpose(models.TextChoices):
    WORKING_CAPITAL = "working_capital", "生产经营周转"
    RESEARCH = "research", "研发投入"
    EQUIPMENT = "equipment", "设备更新与技术改造"
    EXPANSION = "expansion", "扩大产能"


class Draft(models.Model):
    """An unfinished request, saved at every change; `version` tells two colleagues that they edit the same page.

    `data` holds the typed text of each step exactly as typed, so that nothing is lost, valid or not.
    `token` becomes the application's submit token: however often it is sent, there is one application.
    """

    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="drafts")
    token = models.UUIDField(default=uuid.uuid4, unique=True)
    data = models.JSONField(default=dict)
    version = models.PositiveIntegerField(default=0)
    updated_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    updated_at = models.DateTimeField()
    created_at = models.DateTimeField()

    class Meta:
        verbose_name = "需求草稿"
        verbose_name_plural = verbose_name
        indexes = [models.Index(fields=["organisation", "-updated_at"], name="draft_list")]

    def __str__(self) -> str:
        return f"草稿 {self.pk}"


class ApplicationQuerySet(models.QuerySet["Application"]):
    def visible_to(self, actor: Actor) -> "ApplicationQuerySet":
        """Own requests; an institution's referred ones; all for the regulator. Anyone else sees nothing."""
        if actor.role == Role.ENTERPRISE:
            return self.filter(organisation_id=actor.organisation_id)
        if actor.role in (Role.OFFICER, Role.MANAGER):
            return self.filter(referrals__institution_id=actor.organisation_id).distinct()
        if actor.role == Role.REGULATOR:
            return self
        return self.none()

    def in_pool(self) -> "ApplicationQuerySet":
        """Open calls that any institution may claim."""
        return self.filter(open_call=True, state=Application.State.OPEN)


class Application(StateModel):
    """One submitted financing request. Amounts in yuan, terms in months."""

    class State(models.TextChoices):
        OPEN = "open", "机构对接中"
        ACCEPTED = "accepted", "已选定方案"
        REGISTERING = "registering", "质押登记中"
        REGISTERED = "registered", "已登记，待放款"
        DISBURSED = "disbursed", "已放款"
        WITHDRAWN = "withdrawn", "已撤回"
        UNMET = "unmet", "未成交"

    number = models.CharField("办件编号", max_length=32, unique=True)
    token = models.UUIDField(unique=True)
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="applications", verbose_name="企业")
    organisation_name = models.CharField("企业名称", max_length=120)  # as submitted
    district_code = models.CharField("区县", max_length=6)
    industry_letter = models.CharField("行业", max_length=1, blank=True)
    state = FSMField("状态", choices=State, default=State.OPEN, protected=True)
    amount = yuan("融资金额（元）")
    term_months = models.PositiveSmallIntegerField("期限（月）")
    purpose = models.CharField("用途", max_length=20, choices=Purpose)
    purpose_note = models.CharField("用途说明", max_length=300, blank=True)
    open_call = models.BooleanField("公开征集", default=False)
    contact_name = models.CharField("联系人", max_length=40)
    contact_phone = models.CharField("联系电话", max_length=20)
    submitted_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    submitted_at = models.DateTimeField("提交时间")
    accepted_offer = models.OneToOneField("Offer", models.PROTECT, null=True, related_name="+")
    accepted_at = models.DateTimeField(null=True)
    all_declined_at = models.DateTimeField(null=True)  # every addressed institution has declined or lapsed
    closed_at = models.DateTimeField(null=True)
    close_reason = models.CharField(max_length=200, blank=True)
    working_days = models.PositiveSmallIntegerField(null=True)  # request to money, stored when the loan is recorded

    objects = ApplicationQuerySet.as_manager()

    class Meta:
        verbose_name = "融资需求"
        verbose_name_plural = verbose_name
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    state__in=["open", "accepted", "registering", "registered", "disbursed", "withdrawn", "unmet"]
                ),
                name="application_state_known",
            ),
            # NaN passes «> 0» in PostgreSQL; an upper bound refuses it.
            models.CheckConstraint(condition=Q(amount__gt=0, amount__lte=MAX_YUAN), name="application_amount"),
            models.CheckConstraint(condition=Q(term_months__gte=1, term_months__lte=360), name="application_term"),
        ]
        indexes = [
            models.Index(fields=["organisation", "-id"], name="application_own"),  # read by: enterprise home
            models.Index(
                fields=["-id"], name="application_pool", condition=Q(open_call=True, state="open")
            ),  # read by: pool
        ]

    def __str__(self) -> str:
        return self.number

    @transition(field=state, source=State.OPEN, target=State.ACCEPTED)
    def accept(self, *, offer: "Offer", now: datetime) -> None:
        self.accepted_offer, self.accepted_at = offer, now

    @transition(field=state, source=State.ACCEPTED, target=State.REGISTERING)
    def begin_registration(self) -> None:
        """A pledge file was submitted to the office."""

    @transition(field=state, source=State.REGISTERING, target=State.ACCEPTED)
    def registration_failed(self) -> None:
        """The file was refused or withdrawn; another may be filed."""

    @transition(field=state, source=State.REGISTERING, target=State.REGISTERED)
    def registered(self) -> None:
        """The pledge exists from here (民法典 444)."""

    @transition(field=state, source=State.REGISTERED, target=State.ACCEPTED)
    def registration_ended(self) -> None:
        """The pledge was cancelled or revoked before any money was paid; another file may be handed in."""

    @transition(field=state, source=State.REGISTERED, target=State.DISBURSED)
    def disburse(self, *, now: datetime, working_days: int) -> None:
        self.closed_at, self.working_days = now, working_days

    @transition(field=state, source=[State.OPEN, State.ACCEPTED], target=State.WITHDRAWN)
    def withdraw(self, *, reason: str, now: datetime) -> None:
        self.close_reason, self.closed_at = reason, now

    @transition(field=state, source=State.OPEN, target=State.UNMET)
    def close_unmet(self, *, reason: str, now: datetime) -> None:
        self.close_reason, self.closed_at = reason, now


class ApplicationPatent(models.Model):
    """A patent the enterprise put into the request, with its facts as they were then."""

    application = models.ForeignKey(Application, models.PROTECT, related_name="patents")
    patent = models.ForeignKey(Patent, models.PROTECT, related_name="+")
    number = models.CharField(max_length=13)
    kind = models.CharField(max_length=10)
    title = models.CharField(max_length=200)
    expires_on = models.DateField()

    class Meta:
        verbose_name = "需求中的专利"
        verbose_name_plural = verbose_name
        constraints = [models.UniqueConstraint(fields=["application", "patent"], name="application_patent_once")]

    def __str__(self) -> str:
        return self.number


class ReferralQuerySet(models.QuerySet["Referral"]):
    def visible_to(self, actor: Actor) -> "ReferralQuerySet":
        """An institution sees its own; an enterprise those of its requests; the regulator all."""
        if actor.role in (Role.OFFICER, Role.MANAGER):
            return self.filter(institution_id=actor.organisation_id)
        if actor.role == Role.ENTERPRISE:
            return self.filter(application__organisation_id=actor.organisation_id)
        if actor.role == Role.REGULATOR:
            return self
        return self.none()

    def open(self) -> "ReferralQuerySet":
        """Still in the institution's hands (or waiting for the enterprise's answer or choice)."""
        return self.filter(state__in=Referral.OPEN_STATES)

    def unanswered(self) -> "ReferralQuerySet":
        return self.filter(state=Referral.State.WAITING)


class Referral(StateModel):
    """The request as addressed to one institution, with its own 2-working-day clock.

    `clock` is empty when the institution came by itself from the pool: then there was no promise to it, only its own wish.
    """

    class State(models.TextChoices):
        WAITING = "waiting", "待响应"
        CLAIMED = "claimed", "已接单"
        INFO = "info", "待企业补充"
        OFFERED = "offered", "已出方案"
        ACCEPTED = "accepted", "方案被选定"
        DECLINED = "declined", "已婉拒"
        NOT_SELECTED = "not_selected", "未选中"
        WITHDRAWN = "withdrawn", "企业已撤回"
        REASSIGNED = "reassigned", "已改派"
        LAPSED = "lapsed", "未答复失效"

    class Origin(models.TextChoices):
        CHOSEN = "chosen", "企业选定"
        OPEN_CALL = "open_call", "公开征集推送"
        POOL = "pool", "需求池认领"
        DISPATCH = "dispatch", "调度分派"
        NEXT = "next", "企业改选"

    OPEN_STATES = (State.WAITING, State.CLAIMED, State.INFO, State.OFFERED)

    ref = models.UUIDField(default=uuid.uuid4, unique=True)
    application = models.ForeignKey(Application, models.PROTECT, related_name="referrals")
    institution = models.ForeignKey(Institution, models.PROTECT, related_name="referrals")
    product = models.ForeignKey(Product, models.PROTECT, null=True, related_name="+")
    origin = models.CharField("来源", max_length=10, choices=Origin)
    state = FSMField("状态", choices=State, default=State.WAITING, protected=True)
    clock = models.OneToOneField(Clock, models.PROTECT, null=True, related_name="referral")
    # The clock's due moment once more, kept equal by two triggers (here and in migration 0003): the most urgent request
    # nobody has taken is then the head of an index instead of a walk past everything that is taken.
    due_at = models.DateTimeField(null=True, editable=False)
    score = models.PositiveSmallIntegerField("匹配度", default=0)
    officer = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", verbose_name="经办人")
    contact_name = models.CharField("机构联系人", max_length=40, blank=True)
    contact_phone = models.CharField("联系电话", max_length=20, blank=True)
    next_step = models.CharField("下一步", max_length=300, blank=True)
    decline_code = models.CharField("婉拒原因", max_length=20, blank=True)
    decline_note = models.CharField("婉拒说明", max_length=300, blank=True)
    created_at = models.DateTimeField("送达时间")
    responded_at = models.DateTimeField("首次响应时间", null=True)
    closed_at = models.DateTimeField(null=True)

    objects = ReferralQuerySet.as_manager()

    class Meta:
        verbose_name = "推送"
        verbose_name_plural = verbose_name
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    state__in=[
                        "waiting",
                        "claimed",
                        "info",
                        "offered",
                        "accepted",
                        "declined",
                        "not_selected",
                        "withdrawn",
                        "reassigned",
                        "lapsed",
                    ]
                ),
                name="referral_state_known",
            ),
            models.UniqueConstraint(
                fields=["application", "institution"],
                condition=~Q(state__in=["declined", "withdrawn", "reassigned", "not_selected", "lapsed"]),
                name="one_open_referral",
            ),
            # A substantive reply leaves a trace: no empty «已联系» (domain.md §8.15).
            models.CheckConstraint(condition=~Q(state="declined") | ~Q(decline_code=""), name="decline_has_reason"),
            models.CheckConstraint(
                condition=~Q(state="claimed") | (~Q(contact_name="") & ~Q(contact_phone="") & ~Q(next_step="")),
                name="claim_has_contact",
            ),
            # Who has not answered owes an answer, by a clock; only what came from the pool was never promised.
            models.CheckConstraint(condition=~Q(state="waiting") | Q(clock__isnull=False), name="waiting_has_clock"),
        ]
        indexes = [
            models.Index(fields=["institution", "state", "id"], name="referral_desk"),  # read by: officer's desk
            models.Index(  # read by: the desk's list of what has ended, newest first
                fields=["institution", "-id"],
                name="referral_ended",
                condition=Q(state__in=["declined", "not_selected", "withdrawn", "reassigned", "lapsed"]),
            ),
            models.Index(  # read by: «next for me»
                fields=["institution", "due_at", "id"],
                name="referral_free",
                condition=Q(state="waiting", officer=None),
            ),
        ]
        triggers = [
            pgtrigger.Trigger(
                name="due_as_its_clock",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                condition=pgtrigger.Condition("NEW.clock_id IS NOT NULL"),
                func="SELECT due_at INTO NEW.due_at FROM sla_clock WHERE id = NEW.clock_id; RETURN NEW;",
            )
        ]

    def __str__(self) -> str:
        return f"{self.application_id}→{self.institution_id}"

    @transition(field=state, source=State.WAITING, target=State.CLAIMED)
    def claim(
        self, *, officer_id: int | None, contact_name: str, contact_phone: str, next_step: str, now: datetime
    ) -> None:
        self.officer_id, self.responded_at = officer_id, now
        self.contact_name, self.contact_phone, self.next_step = contact_name, contact_phone, next_step

    @transition(field=state, source=[State.WAITING, State.CLAIMED], target=State.INFO)
    def ask(self, *, officer_id: int | None, now: datetime) -> None:
        self.officer_id, self.responded_at = officer_id, self.responded_at or now

    @transition(field=state, source=State.INFO, target=State.CLAIMED)
    def answer(self, *, next_step: str) -> None:
        self.next_step = next_step

    @transition(field=state, source=[State.WAITING, State.CLAIMED, State.INFO, State.OFFERED], target=State.OFFERED)
    def offer(self, *, officer_id: int | None, now: datetime) -> None:
        self.officer_id, self.responded_at = officer_id, self.responded_at or now

    @transition(field=state, source=[State.WAITING, State.CLAIMED, State.INFO, State.OFFERED], target=State.DECLINED)
    def decline(self, *, officer_id: int | None, code: str, note: str, now: datetime) -> None:
        self.officer_id, self.decline_code, self.decline_note = officer_id, code, note
        self.responded_at, self.closed_at = self.responded_at or now, now

    @transition(field=state, source=State.OFFERED, target=State.ACCEPTED)
    def choose(self) -> None:
        """The enterprise took this institution's offer."""

    @transition(
        field=state, source=[State.WAITING, State.CLAIMED, State.INFO, State.OFFERED], target=State.NOT_SELECTED
    )
    def pass_over(self, *, now: datetime) -> None:
        self.closed_at = now

    @transition(
        field=state,
        source=[State.WAITING, State.CLAIMED, State.INFO, State.OFFERED, State.ACCEPTED],
        target=State.WITHDRAWN,
    )
    def withdraw(self, *, now: datetime) -> None:
        self.closed_at = now

    @transition(field=state, source=State.WAITING, target=State.REASSIGNED)
    def reassign(self, *, now: datetime) -> None:
        self.responded_at, self.closed_at = now, now

    @transition(field=state, source=State.WAITING, target=State.LAPSED)
    def lapse(self, *, now: datetime) -> None:
        """The enterprise has moved on from an institution that never answered."""
        self.closed_at = now


class Consent(models.Model):
    """The enterprise's authorisation that one institution may read this request; revocable. Empty institution: open call."""

    application = models.ForeignKey(Application, models.PROTECT, related_name="consents")
    institution = models.ForeignKey(Institution, models.PROTECT, null=True, related_name="+")
    granted_by = models.CharField(max_length=200)
    granted_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = "授权"
        verbose_name_plural = verbose_name
        constraints = [
            models.UniqueConstraint(
                fields=["application", "institution"], condition=Q(revoked_at=None), name="consent_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.application_id}→{self.institution_id}"
