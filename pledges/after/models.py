"""Rows of what comes after the registration. The registration itself changes only when one of these is decided."""

import uuid
from datetime import datetime
from typing import TYPE_CHECKING

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django_fsm import FSMField, transition

from pledges.kinds import Ground
from pledges.parties import of_pledgor
from portal.foundation.accounts.models import Organisation, Role, User
from portal.foundation.core.actor import Actor
from portal.foundation.core.db import StateModel, yuan
from portal.foundation.core.files import StoredFile
from portal.foundation.core.money import MAX_YUAN
from portal.foundation.sla.models import Clock

from .kinds import EndGround, MatterKind, Proceeds, RevocationGround, Use

if TYPE_CHECKING:
    from pledges.models import Registration


class MatterQuerySet(models.QuerySet["Matter"]):
    def visible_to(self, actor: Actor) -> "MatterQuerySet":
        """The two parties their own; the office and the regulator what was submitted."""
        if actor.role == Role.ENTERPRISE:
            return self.filter(of_pledgor(actor.organisation_id, within="registration__"))
        if actor.role in (Role.OFFICER, Role.MANAGER):
            return self.filter(registration__pledgee_id=actor.organisation_id)
        if actor.role in (Role.CLERK, Role.CHIEF):
            return self.filter(registration__office_id=actor.organisation_id).exclude(submitted_at=None)
        if actor.role == Role.REGULATOR:
            return self.exclude(submitted_at=None)
        return self.none()


class Matter(StateModel):
    """A change, a cancellation or a partial release applied for by one party and confirmed by the other.

    `clock` is the office's promise for it: a kind of its own, because measure 1 speaks of registrations of pledges.
    """

    class State(models.TextChoices):
        DRAFT = "draft", "待修改"  # sent back by the other side
        CONFIRMING = "confirming", "待对方确认"
        SUBMITTED = "submitted", "待受理"
        EXAMINING = "examining", "审查中"
        CORRECTING = "correcting", "待补正"
        APPROVED = "approved", "已办结"
        REFUSED = "refused", "不予办理"
        WITHDRAWN = "withdrawn", "已撤回"

    LIVE_STATES = (State.DRAFT, State.CONFIRMING, State.SUBMITTED, State.EXAMINING, State.CORRECTING)

    number = models.CharField("事项编号", max_length=32, unique=True)  # ours: ZYSX…
    registration = models.ForeignKey("pledges.Registration", models.PROTECT, related_name="matters")
    kind = models.CharField("事项", max_length=12, choices=MatterKind)
    state = FSMField("状态", choices=State, default=State.CONFIRMING, protected=True)
    version = models.PositiveIntegerField(default=0)
    started_by_org = models.ForeignKey(Organisation, models.PROTECT, related_name="+")
    reason = models.CharField("事由", max_length=500, blank=True)
    end_ground = models.CharField("注销原因", max_length=14, choices=EndGround, blank=True)
    content = models.JSONField("申请变更的内容", default=dict)  # field → new value as text (contents.py)
    numbers = ArrayField(models.CharField(max_length=13), verbose_name="解除质押的专利", default=list)
    kept = models.JSONField("变更记录", default=list)  # at the decision: [{field, label, old, new}]
    checks = models.JSONField("变更所涉的情形", default=list)  # of a change: contents.as_checks, the last look
    created_at = models.DateTimeField()
    proposed_by = models.CharField("申请人", max_length=200)
    proposed_at = models.DateTimeField()
    sent_back_note = models.CharField("退回说明", max_length=300, blank=True)
    confirmed_by = models.CharField("确认人", max_length=200, blank=True)
    submitted_at = models.DateTimeField("提交时间", null=True)
    clerk = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", verbose_name="审查员")
    accepted_at = models.DateTimeField("受理时间", null=True)
    correction_rounds = models.PositiveSmallIntegerField("补正次数", default=0)
    decided_at = models.DateTimeField("办结时间", null=True)
    decided_by = models.CharField("办结人", max_length=200, blank=True)
    refusal_ground = models.CharField("不予办理的理由", max_length=3, choices=Ground, blank=True)
    refusal_note = models.CharField("查明的情况", max_length=500, blank=True)
    clock = models.OneToOneField(Clock, models.PROTECT, null=True, related_name="matter")

    objects = MatterQuerySet.as_manager()

    class Meta:
        verbose_name = "登记后事项"
        verbose_name_plural = verbose_name
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    state__in=[
                        "draft",
                        "confirming",
                        "submitted",
                        "examining",
                        "correcting",
                        "approved",
                        "refused",
                        "withdrawn",
                    ]
                ),
                name="matter_state_known",
            ),
            models.UniqueConstraint(
                fields=["registration", "kind"],
                condition=Q(state__in=["draft", "confirming", "submitted", "examining", "correcting"]),
                name="one_live_matter_of_a_kind",
            ),
            models.CheckConstraint(
                condition=Q(kind="cancellation") & ~Q(end_ground="") | ~Q(kind="cancellation") & Q(end_ground=""),
                name="cancellation_has_ground",
            ),
            models.CheckConstraint(
                condition=~Q(state="refused") | ~Q(refusal_ground="") & ~Q(refusal_note=""),
                name="matter_refusal_has_ground",
            ),
        ]
        indexes = [
            # read by: the office's list of what comes after the registration
            models.Index(
                fields=["state", "id"],
                name="matter_queue",
                condition=Q(state__in=["submitted", "examining", "correcting"]),
            ),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def subject(self) -> str:
        """How the clock names this matter; the journal tells of it under the registration."""
        return f"matter:{self.pk}"

    @property
    def title(self) -> str:
        """«变更登记»."""
        return f"{self.get_kind_display()}登记" if self.kind != MatterKind.RELEASE else "部分解除质押"

    @property
    def live(self) -> bool:
        return self.state in Matter.LIVE_STATES

    @transition(field=state, source=State.DRAFT, target=State.CONFIRMING)
    def propose_again(self, *, by: str, now: datetime) -> None:
        self.proposed_by, self.proposed_at, self.sent_back_note = by, now, ""

    @transition(field=state, source=State.CONFIRMING, target=State.DRAFT)
    def send_back(self, *, note: str) -> None:
        self.sent_back_note = note

    @transition(field=state, source=State.CONFIRMING, target=State.SUBMITTED)
    def submit(self, *, by: str, now: datetime) -> None:
        self.confirmed_by, self.submitted_at = by, now

    @transition(field=state, source=State.SUBMITTED, target=State.EXAMINING)
    def accept(self, *, clerk_id: int | None, now: datetime) -> None:
        self.clerk_id, self.accepted_at = clerk_id, now

    @transition(field=state, source=State.EXAMINING, target=State.CORRECTING)
    def ask_correction(self) -> None:
        self.correction_rounds += 1

    @transition(field=state, source=State.CORRECTING, target=State.EXAMINING)
    def complete(self) -> None:
        """The defects are answered; the clock runs again."""

    @transition(field=state, source=State.CORRECTING, target=State.CONFIRMING)
    def answer_otherwise(self, *, by: str, organisation_id: int, now: datetime) -> None:
        """The answer applies for something else: the other side has to agree again; the clock stays paused."""
        self.started_by_org_id, self.proposed_by, self.proposed_at = organisation_id, by, now

    @transition(field=state, source=State.CONFIRMING, target=State.EXAMINING)
    def rejoin(self, *, by: str) -> None:
        """The other side agrees to what the answer changed; the clock runs again."""
        self.confirmed_by = by

    @transition(field=state, source=State.EXAMINING, target=State.APPROVED)
    def approve(self, *, by: str, now: datetime) -> None:
        self.decided_by, self.decided_at = by, now

    @transition(field=state, source=State.EXAMINING, target=State.REFUSED)
    def refuse(self, *, by: str, ground: str, note: str, now: datetime) -> None:
        self.decided_by, self.decided_at = by, now
        self.refusal_ground, self.refusal_note = ground, note

    @transition(field=state, source=list(LIVE_STATES), target=State.WITHDRAWN)
    def withdraw(self, *, by: str, now: datetime) -> None:
        """By a party until the decision, or by the end of the pledge itself."""
        self.decided_by, self.decided_at = by, now


class MatterCorrection(models.Model):
    """One 补正 letter of a matter: everything that is missing, told at once, and answered at once."""

    matter = models.ForeignKey(Matter, models.PROTECT, related_name="corrections")
    round = models.PositiveSmallIntegerField("轮次")
    defects = ArrayField(models.CharField(max_length=300), verbose_name="问题")
    asked_at = models.DateTimeField()
    answer = models.CharField("补正说明", max_length=500, blank=True)
    answered_by = models.CharField(max_length=200, blank=True)
    answered_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = "补正事项"
        verbose_name_plural = verbose_name
        ordering = ["round"]
        constraints = [models.UniqueConstraint(fields=["matter", "round"], name="matter_correction_once")]

    def __str__(self) -> str:
        return f"{self.matter_id} {self.round}"


class Revocation(StateModel):
    """撤销: a clerk proposes, the chief tells the parties, hears them and decides, and is never who proposed (maker-checker)."""

    class State(models.TextChoices):
        PROPOSED = "proposed", "待负责人决定"
        DECIDED = "decided", "已撤销登记"
        DROPPED = "dropped", "不予撤销"

    registration = models.ForeignKey("pledges.Registration", models.PROTECT, related_name="revocations")
    state = FSMField("状态", choices=State, default=State.PROPOSED, protected=True)
    ground = models.CharField("撤销的理由", max_length=14, choices=RevocationGround)
    refusal_ground = models.CharField("不予登记的情形", max_length=3, choices=Ground, blank=True)
    found = models.CharField("查明的情况", max_length=500)
    proposed_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField()
    told_at = models.DateTimeField("告知当事人的时间", null=True)
    heard_until = models.DateTimeField("陈述意见至", null=True)  # exclusive, like every due moment
    decided_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    note = models.CharField("决定说明", max_length=300, blank=True)

    class Meta:
        verbose_name = "登记撤销"
        verbose_name_plural = verbose_name
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["proposed", "decided", "dropped"]), name="revocation_state_known"
            ),
            models.UniqueConstraint(
                fields=["registration"], condition=Q(state="proposed"), name="one_proposed_revocation"
            ),
            models.CheckConstraint(
                condition=Q(decided_by=None) | ~Q(decided_by=models.F("proposed_by")), name="revocation_two_people"
            ),
            models.CheckConstraint(
                condition=~Q(ground="existed") | ~Q(refusal_ground=""), name="revocation_names_its_ground"
            ),
            models.CheckConstraint(
                condition=Q(told_at=None, heard_until=None) | Q(heard_until__gt=models.F("told_at")),
                name="revocation_hearing_term",
            ),
            models.CheckConstraint(
                condition=~Q(state="decided") | Q(told_at__isnull=False, decided_at__gte=models.F("told_at")),
                name="revocation_parties_told_first",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.registration_id} {self.state}"

    @property
    def reason(self) -> str:
        """The ground in words, with the refusal ground that was there."""
        said = str(RevocationGround(self.ground).label)
        return f"{said}：{self.refusal_ground} {Ground(self.refusal_ground).label}" if self.refusal_ground else said

    @transition(field=state, source=State.PROPOSED, target=State.DECIDED)
    def decide(self, *, by: int | None, note: str, now: datetime) -> None:
        self.decided_by_id, self.decided_at, self.note = by, now, note

    @transition(field=state, source=State.PROPOSED, target=State.DROPPED)
    def drop(self, *, by: int | None, note: str, now: datetime) -> None:
        self.decided_by_id, self.decided_at, self.note = by, now, note


class RevocationStatement(models.Model):
    """陈述意见: what a party says to a revocation it was told of; every word stays."""

    revocation = models.ForeignKey(Revocation, models.PROTECT, related_name="statements")
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="+")
    text = models.CharField("意见", max_length=1000)
    said_by = models.CharField(max_length=200)
    said_at = models.DateTimeField()

    class Meta:
        verbose_name = "陈述意见"
        verbose_name_plural = verbose_name
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.revocation_id} {self.said_by}"


class UseConsentQuerySet(models.QuerySet["UseConsent"]):
    def visible_to(self, actor: Actor) -> "UseConsentQuerySet":
        """The two parties, and the office that keeps the file."""
        if actor.role == Role.ENTERPRISE:
            return self.filter(of_pledgor(actor.organisation_id, within="registration__"))
        if actor.role in (Role.OFFICER, Role.MANAGER):
            return self.filter(registration__pledgee_id=actor.organisation_id)
        if actor.role in (Role.CLERK, Role.CHIEF):
            return self.filter(registration__office_id=actor.organisation_id)
        return self.none()


class UseConsent(StateModel):
    """The pledgor asks whether it may transfer, license or give up a pledged patent; the pledgee answers with its terms."""

    class State(models.TextChoices):
        ASKED = "asked", "待质权人答复"
        AGREED = "agreed", "质权人已同意"
        DECLINED = "declined", "质权人不同意"
        WITHDRAWN = "withdrawn", "已撤回"

    ref = models.UUIDField(default=uuid.uuid4, unique=True)
    registration = models.ForeignKey("pledges.Registration", models.PROTECT, related_name="use_consents")
    state = FSMField("状态", choices=State, default=State.ASKED, protected=True)
    use = models.CharField("拟办事项", max_length=12, choices=Use)
    numbers = ArrayField(models.CharField(max_length=13), verbose_name="所涉专利")
    counterparty = models.CharField("受让人或被许可人", max_length=120, blank=True)
    price = yuan("价款（元）", null=True, blank=True)
    about = models.CharField("说明", max_length=500, blank=True)
    asked_by = models.CharField(max_length=200)
    asked_at = models.DateTimeField()
    proceeds = models.CharField("价款的处理", max_length=8, choices=Proceeds, blank=True)
    terms = models.CharField("条件或理由", max_length=500, blank=True)
    answered_by = models.CharField(max_length=200, blank=True)
    answered_at = models.DateTimeField(null=True)

    objects = UseConsentQuerySet.as_manager()

    class Meta:
        verbose_name = "质权人同意"
        verbose_name_plural = verbose_name
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["asked", "agreed", "declined", "withdrawn"]), name="use_consent_state_known"
            ),
            models.CheckConstraint(
                condition=Q(price=None) | Q(price__gt=0, price__lte=MAX_YUAN), name="use_consent_price"
            ),
            models.CheckConstraint(condition=~Q(state="agreed") | ~Q(proceeds=""), name="use_consent_says_proceeds"),
        ]

    def __str__(self) -> str:
        return f"{self.registration_id} {self.use}"

    @transition(field=state, source=State.ASKED, target=State.AGREED)
    def agree(self, *, proceeds: str, terms: str, by: str, now: datetime) -> None:
        self.proceeds, self.terms, self.answered_by, self.answered_at = proceeds, terms, by, now

    @transition(field=state, source=State.ASKED, target=State.DECLINED)
    def decline(self, *, terms: str, by: str, now: datetime) -> None:
        self.terms, self.answered_by, self.answered_at = terms, by, now

    @transition(field=state, source=State.ASKED, target=State.WITHDRAWN)
    def withdraw(self, *, by: str, now: datetime) -> None:
        self.answered_by, self.answered_at = by, now


class AfterPaper(StoredFile):
    """A paper of a matter, of a revocation or of a consent; of exactly one of them."""

    registration = models.ForeignKey("pledges.Registration", models.PROTECT, related_name="after_papers")
    matter = models.ForeignKey(Matter, models.PROTECT, null=True, related_name="papers")
    revocation = models.ForeignKey(Revocation, models.PROTECT, null=True, related_name="papers")
    consent = models.ForeignKey(UseConsent, models.PROTECT, null=True, related_name="papers")
    replaced_at = models.DateTimeField(null=True)

    class Meta(StoredFile.Meta):
        verbose_name = "登记后材料"
        verbose_name_plural = verbose_name
        constraints = [
            models.CheckConstraint(
                condition=Q(matter__isnull=False, revocation=None, consent=None)
                | Q(matter=None, revocation__isnull=False, consent=None)
                | Q(matter=None, revocation=None, consent__isnull=False),
                name="after_paper_of_one_thing",
            )
        ]


def parties_and_office(file: "Registration") -> list[int]:
    """Who may read what happens after the registration."""
    return [*file.parties, file.office_id]
