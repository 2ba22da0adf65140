"""The patent pledge registration: the file, its patents, the examination, the notice, and the loan that follows."""

import uuid
from datetime import datetime

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.db import models
from django.db.models import F, Q
from django_fsm import FSMField, transition

from applications.models import Application, Offer
from portal.foundation.accounts.models import Organisation, Role, User
from portal.foundation.assets.models import Patent
from portal.foundation.core.actor import Actor
from portal.foundation.core.db import StateModel, yuan
from portal.foundation.core.identifiers import PatentKind
from portal.foundation.core.money import MAX_YUAN
from portal.foundation.sla.models import Clock

from .after.models import AfterPaper as AfterPaper
from .after.models import Matter as Matter
from .after.models import MatterCorrection as MatterCorrection
from .after.models import Revocation as Revocation
from .after.models import RevocationStatement as RevocationStatement
from .after.models import UseConsent as UseConsent
from .checking.models import RegisterJob as RegisterJob
from .contract_text.models import ContractReading as ContractReading
from .disposal.models import Bid as Bid
from .disposal.models import Default as Default
from .disposal.models import DefaultPaper as DefaultPaper
from .disposal.models import Disposal as Disposal
from .disposal.settlement_models import Compensation as Compensation
from .disposal.settlement_models import Distribution as Distribution
from .disposal.settlement_models import Share as Share
from .disposal.settlement_models import TakeOver as TakeOver
from .duty.models import Absence as Absence
from .duty.models import Recusal as Recusal
from .kinds import WAIVABLE as WAIVABLE
from .kinds import DebtKind as DebtKind
from .kinds import Ground as Ground
from .kinds import Scope as Scope
from .kinds import Valuation as Valuation
from .other_rights.models import OtherRight as OtherRight
from .other_rights.models import OtherRightPaper as OtherRightPaper
from .paper_models import Check as Check
from .paper_models import Correction as Correction
from .paper_models import Document as Document
from .paper_models import Notice as Notice
from .paper_models import Receipt as Receipt
from .particulars.models import Agent as Agent
from .particulars.models import MaximumDebt as MaximumDebt
from .particulars.models import OutsideParty as OutsideParty
from .patent_lists.models import PatentList as PatentList
from .search.models import SearchCertificate as SearchCertificate
from .signing.models import Signature as Signature
from .watch.models import Alert as Alert
from .watch.models import AlertSeen as AlertSeen
from .watch.models import WatchRound as WatchRound


class RegistrationQuerySet(models.QuerySet["Registration"]):
    def visible_to(self, actor: Actor) -> "RegistrationQuerySet":
        """The parties their own; the office what was submitted to it; the regulator what was submitted."""
        if actor.role == Role.ENTERPRISE:
            return self.filter(Q(pledgor_id=actor.organisation_id) | Q(debtor_org_id=actor.organisation_id))
        if actor.role in (Role.OFFICER, Role.MANAGER):
            return self.filter(pledgee_id=actor.organisation_id)
        if actor.role in (Role.CLERK, Role.CHIEF):
            return self.filter(office_id=actor.organisation_id).exclude(submitted_at=None)
        if actor.role == Role.REGULATOR:
            return self.exclude(submitted_at=None)
        return self.none()

    def queue(self) -> "RegistrationQuerySet":
        """In the office's hands."""
        return self.filter(state__in=(Registration.State.SUBMITTED, Registration.State.EXAMINING))


class Registration(StateModel):
    """One pledge contract to be registered. `clock` is the office's 1-working-day promise."""

    class State(models.TextChoices):
        DRAFT = "draft", "起草中"
        CONFIRMING = "confirming", "待对方确认"
        SUBMITTED = "submitted", "待受理"
        EXAMINING = "examining", "审查中"
        CORRECTING = "correcting", "待补正"
        REGISTERED = "registered", "已登记"
        REFUSED = "refused", "不予登记"
        WITHDRAWN = "withdrawn", "已撤回"
        CANCELLED = "cancelled", "已注销"  # ended on that day
        REVOKED = "revoked", "已撤销"  # void from the start

    LIVE_STATES = (State.DRAFT, State.CONFIRMING, State.SUBMITTED, State.EXAMINING, State.CORRECTING, State.REGISTERED)

    AS_REGISTERED = ("pledgor_name", "pledgor_address", "pledgee_name", "pledgee_address")

    number = models.CharField("登记件编号", max_length=32, unique=True)  # ours: ZYDJ…
    # The registrar is CNIPA: its number and day come when the office has forwarded the file (actions/forwarding.py).
    national_number = models.CharField("国家登记号", max_length=40, blank=True)
    national_on = models.DateField("国家登记日期", null=True)
    national_by = models.CharField("转报经办人", max_length=200, blank=True)
    national_at = models.DateTimeField("转报登记时间", null=True)
    application = models.ForeignKey(Application, models.PROTECT, related_name="registrations")
    offer = models.ForeignKey(Offer, models.PROTECT, related_name="+")
    pledgor = models.ForeignKey(Organisation, models.PROTECT, related_name="+", verbose_name="出质人")
    pledgee = models.ForeignKey(Organisation, models.PROTECT, related_name="+", verbose_name="质权人")
    # The enterprise of the request, when a third party pledges for it; it reads along and may fill in the form.
    debtor_org = models.ForeignKey(Organisation, models.PROTECT, null=True, related_name="+", verbose_name="需求企业")
    office = models.ForeignKey(Organisation, models.PROTECT, related_name="+", verbose_name="受理机构")
    started_by_org = models.ForeignKey(Organisation, models.PROTECT, related_name="+")
    state = FSMField("状态", choices=State, default=State.DRAFT, protected=True)
    version = models.PositiveIntegerField(default=0)
    saved_by = models.CharField(
        max_length=200, blank=True
    )  # who saved the form last, and from which open page: the page's
    saved_page = models.CharField(max_length=32, blank=True)  # own saves may overtake each other, a colleague's may not
    typed = models.JSONField(default=dict)  # the form exactly as typed, while something in it is not right yet
    # What the form asks; prefilled from the accepted offer and both parties' profiles.
    debtor_name = models.CharField("债务人", max_length=120)
    contract_number = models.CharField("质押合同编号", max_length=60, blank=True)
    contract_signed_on = models.DateField("合同签订日期", null=True, blank=True)
    debt_kind = models.CharField("债权种类", max_length=16, choices=DebtKind, default=DebtKind.WORKING_CAPITAL)
    debt_amount = yuan("被担保债权数额（元）")
    debt_from = models.DateField("债务履行期限自", null=True, blank=True)
    debt_to = models.DateField("债务履行期限至", null=True, blank=True)
    scope = models.CharField("质押担保的范围", max_length=20, choices=Scope, default=Scope.ALL)
    valuation = models.CharField("价值确定方式", max_length=12, choices=Valuation, default=Valuation.NEGOTIATED)
    valued_at = yuan("质押价值（元）", null=True, blank=True)
    identity_promise = models.BooleanField("以承诺书代替身份证明", default=False)
    twin_declared = models.BooleanField("声明：知悉同日申请的发明专利申请，仍继续办理", default=False)
    invalidation_declared = models.BooleanField("声明：知悉无效宣告请求，仍继续办理", default=False)
    co_owner_agreement = models.BooleanField("共有人另有约定，无须逐一同意", default=False)
    # What happened.
    created_at = models.DateTimeField()
    proposed_by = models.CharField("发起人", max_length=200, blank=True)
    proposed_at = models.DateTimeField(null=True)
    sent_back_note = models.CharField("退回说明", max_length=300, blank=True)
    confirmed_by = models.CharField("确认人", max_length=200, blank=True)
    confirmed_at = models.DateTimeField(null=True)
    submitted_at = models.DateTimeField("提交时间", null=True)
    clerk = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", verbose_name="审查员")
    clerk_since = models.DateTimeField("开始办理", null=True)  # moves when a colleague takes over
    accepted_at = models.DateTimeField("受理时间", null=True)
    correction_rounds = models.PositiveSmallIntegerField("补正次数", default=0)
    decided_at = models.DateTimeField("办结时间", null=True)
    decided_by = models.CharField("办结人", max_length=200, blank=True)
    refusal_ground = models.CharField("不予登记理由", max_length=3, choices=Ground, blank=True)
    refusal_note = models.CharField("说明", max_length=500, blank=True)
    clock = models.OneToOneField(Clock, models.PROTECT, null=True, related_name="registration")
    # As the register has it: a party that is renamed no longer matches until a change is registered (after/names.py).
    pledgor_name = models.CharField("登记的出质人名称", max_length=120, blank=True)
    pledgee_name = models.CharField("登记的质权人名称", max_length=120, blank=True)
    pledgor_address = models.CharField("登记的出质人地址", max_length=200, blank=True)
    pledgee_address = models.CharField("登记的质权人地址", max_length=200, blank=True)
    # The amount that was registered at first, once a change has moved `debt_amount`: published figures stay as they were.
    first_amount = yuan("首次登记的债权数额（元）", null=True, blank=True)
    ended_at = models.DateTimeField("注销或撤销时间", null=True)

    objects = RegistrationQuerySet.as_manager()

    class Meta:
        verbose_name = "专利质押登记"
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
                        "registered",
                        "refused",
                        "withdrawn",
                        "cancelled",
                        "revoked",
                    ]
                ),
                name="registration_state_known",
            ),
            models.UniqueConstraint(
                fields=["application"],
                condition=Q(state__in=["draft", "confirming", "submitted", "examining", "correcting", "registered"]),
                name="one_live_registration",
            ),
            models.CheckConstraint(
                condition=Q(debt_amount__gt=0, debt_amount__lte=MAX_YUAN), name="registration_amount"
            ),
            models.CheckConstraint(
                condition=Q(debt_to=None) | Q(debt_from=None) | Q(debt_to__gt=F("debt_from")),
                name="registration_period",
            ),
            models.CheckConstraint(condition=~Q(state="refused") | ~Q(refusal_ground=""), name="refusal_has_ground"),
            models.UniqueConstraint(
                fields=["national_number"], condition=~Q(national_number=""), name="national_number_once"
            ),
            models.CheckConstraint(
                condition=Q(state__in=["cancelled", "revoked"], ended_at__isnull=False)
                | (~Q(state__in=["cancelled", "revoked"]) & Q(ended_at=None)),
                name="ended_pledge_has_its_moment",
            ),
        ]
        indexes = [
            models.Index(fields=["office", "state", "id"], name="registration_queue"),  # read by: the clerk's queue
            models.Index(
                fields=["office", "-decided_at", "-id"],
                name="registration_done",
                condition=Q(state__in=["registered", "refused", "cancelled", "revoked"]),
            ),  # read by: the clerk's list of decided files
            models.Index(fields=["pledgor", "-id"], name="registration_pledgor"),
            models.Index(fields=["pledgee", "-id"], name="registration_pledgee"),
            models.Index(
                fields=["debtor_org", "-id"], name="registration_debtor", condition=Q(debtor_org__isnull=False)
            ),  # read by: the list of an enterprise for which a third party pledges
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def subject(self) -> str:
        """How the journal and the clock name this file."""
        return f"registration:{self.pk}"

    @property
    def parties(self) -> tuple[int, ...]:
        """Who reads along: pledgor and pledgee, and the debtor's enterprise when a third party pledges for it."""
        return self.pledgor_id, self.pledgee_id, *([self.debtor_org_id] if self.debtor_org_id else [])

    @transition(field=state, source=State.DRAFT, target=State.CONFIRMING)
    def propose(self, *, by: str, now: datetime) -> None:
        self.proposed_by, self.proposed_at, self.sent_back_note = by, now, ""

    @transition(field=state, source=State.CONFIRMING, target=State.DRAFT)
    def take_back(self, *, note: str) -> None:
        """The other party asks for a change (with a note), or the proposer goes on editing (without)."""
        self.sent_back_note = note

    @transition(field=state, source=State.CONFIRMING, target=State.SUBMITTED)
    def submit(self, *, by: str, now: datetime) -> None:
        self.confirmed_by, self.confirmed_at, self.submitted_at = by, now, now

    @transition(field=state, source=State.SUBMITTED, target=State.EXAMINING)
    def accept(self, *, clerk_id: int | None, now: datetime) -> None:
        self.clerk_id, self.clerk_since, self.accepted_at = clerk_id, now, now

    @transition(field=state, source=[State.SUBMITTED, State.EXAMINING], target=State.SUBMITTED)
    def hand_over(self, *, office_id: int) -> None:
        """Another office takes the file and begins with it; the clock goes on."""
        self.office_id, self.clerk_id, self.clerk_since, self.accepted_at = office_id, None, None, None

    @transition(field=state, source=State.EXAMINING, target=State.CORRECTING)
    def ask_correction(self) -> None:
        self.correction_rounds += 1

    @transition(field=state, source=State.CORRECTING, target=State.EXAMINING)
    def complete(self) -> None:
        """Every defect is answered; the clock runs again."""

    @transition(field=state, source=State.EXAMINING, target=State.REGISTERED)
    def register(self, *, by: str, now: datetime) -> None:
        self.decided_by, self.decided_at = by, now
        self.pledgor_name, self.pledgor_address = self.pledgor.name, self.pledgor.address
        self.pledgee_name, self.pledgee_address = self.pledgee.name, self.pledgee.address

    @transition(field=state, source=State.REGISTERED, target=State.CANCELLED)
    def cancel(self, *, now: datetime) -> None:
        """注销: the pledge was there until today."""
        self.ended_at = now

    @transition(field=state, source=State.REGISTERED, target=State.REVOKED)
    def revoke(self, *, now: datetime) -> None:
        """撤销: the registration is void from the start."""
        self.ended_at = now

    @transition(field=state, source=State.EXAMINING, target=State.REFUSED)
    def refuse(self, *, by: str, ground: str, note: str, now: datetime) -> None:
        self.decided_by, self.decided_at = by, now
        self.refusal_ground, self.refusal_note = ground, note

    @transition(
        field=state,
        source=[State.DRAFT, State.CONFIRMING, State.SUBMITTED, State.EXAMINING, State.CORRECTING],
        target=State.WITHDRAWN,
    )
    def withdraw(self, *, by: str, now: datetime) -> None:
        self.decided_by, self.decided_at = by, now


class PledgedPatent(models.Model):
    """A patent in a pledge, as registered. While `effective` is open, no other pledge of the same number can exist."""

    registration = models.ForeignKey(Registration, models.PROTECT, related_name="patents")
    patent = models.ForeignKey(Patent, models.PROTECT, related_name="pledges")
    number = models.CharField("专利号", max_length=13)
    kind = models.CharField("类型", max_length=10)
    title = models.CharField("名称", max_length=200)
    filing_date = models.DateField("申请日")
    grant_date = models.DateField("授权公告日", null=True)
    expires_on = models.DateField("届满日")
    effective = DateTimeRangeField("质押期间", null=True)  # type: ignore[misc]  # null: not (yet) registered, or void
    # Of a revoked registration: how long it stood in the register before it turned out to be void.
    annulled = DateTimeRangeField("撤销前的登记期间", null=True)  # type: ignore[misc]

    class Meta:
        verbose_name = "质押专利"
        verbose_name_plural = verbose_name
        constraints = [
            models.UniqueConstraint(fields=["registration", "number"], name="pledged_patent_once"),
            # R09 in the database: whoever registers first wins, however the race goes.
            ExclusionConstraint(
                name="one_effective_pledge",
                expressions=[("number", RangeOperators.EQUAL), ("effective", RangeOperators.OVERLAPS)],
                condition=Q(effective__isnull=False),
            ),
            models.CheckConstraint(
                condition=Q(effective=None) | Q(effective__isempty=False), name="pledge_period_not_empty"
            ),
            models.CheckConstraint(
                condition=Q(annulled=None) | Q(effective=None), name="void_pledge_was_never_effective"
            ),
        ]
        indexes = [models.Index(fields=["number"], name="pledged_number")]  # read by: pre-check, encumbrance search

    def __str__(self) -> str:
        return self.number

    @property
    def dotted(self) -> str:
        return f"{self.number[:-1]}.{self.number[-1]}"

    @property
    def kind_label(self) -> str:
        return str(PatentKind(self.kind).label)


class Loan(models.Model):
    """Money paid out under a registered pledge, as the bank reports it."""

    ref = models.UUIDField(default=uuid.uuid4, unique=True)
    registration = models.OneToOneField(Registration, models.PROTECT, related_name="loan")
    amount = yuan("放款金额（元）")
    annual_rate = models.DecimalField("年利率（%）", max_digits=6, decimal_places=3)
    disbursed_on = models.DateField("放款日期")
    loan_number = models.CharField("借据号", max_length=60, blank=True)
    recorded_by = models.CharField(max_length=200)
    recorded_at = models.DateTimeField()

    class Meta:
        verbose_name = "放款"
        verbose_name_plural = verbose_name
        constraints = [models.CheckConstraint(condition=Q(amount__gt=0, amount__lte=MAX_YUAN), name="loan_amount")]

    def __str__(self) -> str:
        return f"{self.registration_id} {self.amount}"

    @property
    def rate_text(self) -> str:
        """3.45, without trailing zeros."""
        return f"{self.annual_rate.normalize():f}"
