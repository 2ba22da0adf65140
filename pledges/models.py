"""The patent pledge registration: the file, its patents, the examination, the notice, and the loan that follows."""

import uuid
from datetime import datetime

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.db import models
from django.db.models import F, Q
from django_fsm import FSMField, transition

from applications.models import Application, Offer, yuan
from portal.foundation.accounts.models import Organisation, Role, User
from portal.foundation.assets.models import Patent
from portal.foundation.core.actor import Actor
from portal.foundation.core.db import StateModel
from portal.foundation.core.files import StoredFile
from portal.foundation.core.identifiers import PatentKind
from portal.foundation.core.money import MAX_YUAN
from portal.foundation.sla.models import Clock

from . import places


class Ground(models.TextChoices):
    """Grounds on which a pledge is not registered, as an office publishes them under 公告第461号 (domain.md §1)."""

    R01 = "R01", "出质人不是专利登记簿记载的专利权人"
    R02 = "R02", "专利权已经终止或者已经被宣告无效"
    R03 = "R03", "专利申请尚未被授予专利权"
    R04 = "R04", "专利权没有按照规定缴纳年费"
    R05 = "R05", "专利权处于中止程序或者被采取保全措施"
    R06 = "R06", "债务人履行债务的期限超过专利权有效期"
    R07 = "R07", "质押合同缺少应当载明的内容"
    R08 = "R08", "以共有专利权出质但未取得全体共有人同意，又无另行约定"
    R09 = "R09", "专利权已经申请质押登记且处于质押期间"
    R10 = "R10", "实用新型有同日申请的发明专利申请"
    R11 = "R11", "专利权已被提起无效宣告请求"
    R12 = "R12", "其他应当不予登记的情形"


WAIVABLE = (Ground.R10, Ground.R11)  # the parties, once told, may declare to go on


class Scope(models.TextChoices):
    """Scope of the guarantee (合同第八条要素)."""

    ALL = "all", "主债权、利息、违约金、损害赔偿金及实现质权的费用"
    PRINCIPAL_INTEREST = "principal_interest", "主债权及利息"
    PRINCIPAL = "principal", "主债权"


class Valuation(models.TextChoices):
    """How the value was found. Up to 10,000,000 yuan a loan the first two suffice (measure 3)."""

    INTERNAL = "internal", "银行内部评估"
    NEGOTIATED = "negotiated", "银企协商"
    REPORT = "report", "资产评估报告"


class DebtKind(models.TextChoices):
    """Kind of the secured debt (合同第八条要素). Of a maximum-amount pledge the figure is the cap (民法典 439, 420)."""

    WORKING_CAPITAL = "working_capital", "流动资金借款"
    FIXED_ASSET = "fixed_asset", "固定资产借款"
    RESEARCH = "research", "研发借款"
    MAXIMUM = "maximum", "最高额质押所担保的债权"
    OTHER = "other", "其他债权"


class RegistrationQuerySet(models.QuerySet["Registration"]):
    def visible_to(self, actor: Actor) -> "RegistrationQuerySet":
        """The two parties their own; the office what was submitted to it; the regulator what was submitted."""
        if actor.role == Role.ENTERPRISE:
            return self.filter(pledgor_id=actor.organisation_id)
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

    LIVE_STATES = (State.DRAFT, State.CONFIRMING, State.SUBMITTED, State.EXAMINING, State.CORRECTING, State.REGISTERED)

    number = models.CharField("登记件编号", max_length=32, unique=True)  # ours: ZYDJ…
    national_number = models.CharField("国家登记号", max_length=40, blank=True)
    application = models.ForeignKey(Application, models.PROTECT, related_name="registrations")
    offer = models.ForeignKey(Offer, models.PROTECT, related_name="+")
    pledgor = models.ForeignKey(Organisation, models.PROTECT, related_name="+", verbose_name="出质人")
    pledgee = models.ForeignKey(Organisation, models.PROTECT, related_name="+", verbose_name="质权人")
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
        ]
        indexes = [
            models.Index(fields=["office", "state", "id"], name="registration_queue"),  # read by: the clerk's queue
            models.Index(
                fields=["office", "-decided_at", "-id"],
                name="registration_done",
                condition=Q(state__in=["registered", "refused"]),
            ),  # read by: the clerk's list of decided files
            models.Index(fields=["pledgor", "-id"], name="registration_pledgor"),
            models.Index(fields=["pledgee", "-id"], name="registration_pledgee"),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def subject(self) -> str:
        """How the journal and the clock name this file."""
        return f"registration:{self.pk}"

    @property
    def parties(self) -> tuple[int, int]:
        return self.pledgor_id, self.pledgee_id

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
    effective = DateTimeRangeField("质押期间", null=True)  # type: ignore[misc]  # null: not (yet) registered

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


class Document(StoredFile):
    """A paper of the file (公告第461号第七条)."""

    class Kind(models.TextChoices):
        CONTRACT = "contract", "质押合同"
        IDENTITY = "identity", "身份证明或承诺书"
        CO_OWNER = "co_owner", "共有人同意书"
        AGREEMENT = "agreement", "共有人另有约定的证明"
        VALUATION = "valuation", "资产评估报告"
        DECLARATION = "declaration", "声明"
        OTHER = "other", "其他"

    registration = models.ForeignKey(Registration, models.PROTECT, related_name="documents")
    kind = models.CharField("类型", max_length=12, choices=Kind)
    co_owner = models.CharField("共有人", max_length=120, blank=True)
    patent_number = models.CharField("所涉专利", max_length=13, blank=True)
    replaced_at = models.DateTimeField(null=True)  # a corrected paper replaces, never erases

    class Meta(StoredFile.Meta):
        verbose_name = "登记材料"
        verbose_name_plural = verbose_name


class Check(models.Model):
    """One ground looked at: by the system before filing and again at examination, or by the clerk."""

    class Result(models.TextChoices):
        CLEAR = "clear", "无此情形"
        FOUND = "found", "存在此情形"
        WAIVED = "waived", "已声明继续办理"
        MANUAL = "manual", "需人工核对"

    registration = models.ForeignKey(Registration, models.PROTECT, related_name="checks")
    ground = models.CharField(max_length=3, choices=Ground)
    point = models.CharField(
        max_length=12, blank=True
    )  # what the clerk looks at beyond the data, e.g. the contract's text
    result = models.CharField(max_length=8, choices=Result)
    warning = models.BooleanField(default=False)  # no ground, but somebody should know
    automatic = models.BooleanField(default=True)
    evidence = models.CharField("依据", max_length=1000)
    checked_by = models.CharField("核对人", max_length=200)
    checked_at = models.DateTimeField("核对时间")

    class Meta:
        verbose_name = "审查要点"
        verbose_name_plural = verbose_name
        ordering = ["ground", "point"]
        constraints = [models.UniqueConstraint(fields=["registration", "ground", "point"], name="check_once")]

    def __str__(self) -> str:
        return f"{self.ground} {self.result}"


class Correction(models.Model):
    """One defect of a 补正 list. All defects of a round are told at once; each is answered by itself."""

    registration = models.ForeignKey(Registration, models.PROTECT, related_name="corrections")
    round = models.PositiveSmallIntegerField("轮次")
    position = models.PositiveSmallIntegerField("序号")
    field = models.CharField("位置", max_length=60)
    defect = models.CharField("问题", max_length=300)
    answer = models.CharField("补正说明", max_length=500, blank=True)
    answered_by = models.CharField(max_length=200, blank=True)
    answered_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = "补正事项"
        verbose_name_plural = verbose_name
        ordering = ["round", "position"]
        constraints = [models.UniqueConstraint(fields=["registration", "round", "position"], name="correction_once")]

    def __str__(self) -> str:
        return self.defect[:40]

    @property
    def place_label(self) -> str:
        return places.label(self.field)


class Notice(models.Model):
    """A paper the office issued: numbered without gaps per year, its digest recorded, verifiable by code."""

    class Kind(models.TextChoices):
        REGISTERED = "registered", "专利权质押登记通知书"
        REFUSED = "refused", "专利权质押不予登记通知书"
        CORRECTION = "correction", "专利权质押登记补正通知书"

    registration = models.ForeignKey(Registration, models.PROTECT, related_name="notices")
    kind = models.CharField("类型", max_length=12, choices=Kind)
    number = models.CharField("文书编号", max_length=40, unique=True)
    verify_code = models.CharField("核验码", max_length=16, unique=True)
    issued_at = models.DateTimeField("签发时间")
    facts = models.JSONField(default=dict)  # everything the paper says, so that it can be made again byte for byte
    file = models.FileField(upload_to="notices", blank=True)
    sha256 = models.CharField("SHA-256", max_length=64, blank=True)
    size = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name = "通知书"
        verbose_name_plural = verbose_name
        constraints = [
            models.UniqueConstraint(
                fields=["registration"], condition=Q(kind__in=["registered", "refused"]), name="one_decision_paper"
            ),
        ]

    def __str__(self) -> str:
        return self.number


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
