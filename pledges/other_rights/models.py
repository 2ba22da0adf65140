"""A pledge of another right in the same financing: followed with its registrar, numbers, dates and papers. No clock."""

import uuid
from datetime import date

import pgtrigger
from django.db import models
from django.db.models import Q
from django_fsm import FSMField, transition

from portal.foundation.accounts.models import Role
from portal.foundation.core.actor import Actor
from portal.foundation.core.db import StateModel
from portal.foundation.core.files import StoredFile

from .formats import RightKind, lives_until


class OtherRightQuerySet(models.QuerySet["OtherRight"]):
    def visible_to(self, actor: Actor) -> "OtherRightQuerySet":
        """The enterprise, the bank whose offer it took, the regulator."""
        if actor.role == Role.ENTERPRISE:
            return self.filter(application__organisation_id=actor.organisation_id)
        if actor.role in (Role.OFFICER, Role.MANAGER):
            return self.filter(application__accepted_offer__referral__institution_id=actor.organisation_id)
        if actor.role == Role.REGULATOR:
            return self
        return self.none()


class OtherRight(StateModel):
    """One right, pledged at another registrar. `version` tells two people that they edit the same page."""

    class State(models.TextChoices):
        PREPARED = "prepared", "准备中"
        SUBMITTED = "submitted", "已提交"
        ACCEPTED = "accepted", "已受理"
        REGISTERED = "registered", "已登记"
        REFUSED = "refused", "不予登记"
        CANCELLED = "cancelled", "已注销"

    ref = models.UUIDField(default=uuid.uuid4, unique=True)
    application = models.ForeignKey("applications.Application", models.PROTECT, related_name="other_rights")
    state = FSMField("状态", choices=State, default=State.PREPARED, protected=True)
    version = models.PositiveIntegerField(default=0)
    kind = models.CharField("权利种类", max_length=10, choices=RightKind)
    title = models.CharField("名称", max_length=120)
    number = models.CharField("注册号或登记号", max_length=60, blank=True)
    classes = models.CharField("商标类别", max_length=60, blank=True)
    right_registered_on = models.DateField("商标注册日期", null=True, blank=True)
    published_on = models.DateField("首次发表日期", null=True, blank=True)
    valid_until = models.DateField("有效期至", null=True, blank=True)  # as renewed; else computed
    registrar = models.CharField("登记机构", max_length=60)
    filing_number = models.CharField("质权登记申请号", max_length=60, blank=True)
    pledge_number = models.CharField("质权登记证号", max_length=60, blank=True)
    submitted_on = models.DateField("提交日期", null=True, blank=True)
    accepted_on = models.DateField("受理日期", null=True, blank=True)
    registered_on = models.DateField("质权登记日期", null=True, blank=True)
    ended_on = models.DateField("不予登记或注销日期", null=True, blank=True)
    note = models.CharField("说明", max_length=300, blank=True)
    created_by = models.CharField(max_length=200)
    created_at = models.DateTimeField()
    saved_by = models.CharField(max_length=200, blank=True)
    saved_at = models.DateTimeField(null=True)

    objects = OtherRightQuerySet.as_manager()

    class Meta:
        verbose_name = "其他权利质押"
        verbose_name_plural = verbose_name
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["prepared", "submitted", "accepted", "registered", "refused", "cancelled"]),
                name="other_right_state_known",
            ),
            models.CheckConstraint(condition=Q(kind__in=RightKind.values), name="other_right_kind_known"),
            models.CheckConstraint(
                condition=~Q(state="registered") | Q(registered_on__isnull=False) & ~Q(pledge_number=""),
                name="other_right_registration_told",
            ),
        ]
        triggers = [pgtrigger.Protect(name="other_right_kept", operation=pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.title}"

    @property
    def subject(self) -> str:
        return f"other_right:{self.pk}"

    @property
    def tag(self) -> str:
        return {"submitted": "info", "accepted": "info", "registered": "ok", "refused": "bad"}.get(self.state, "")

    @property
    def expires_on(self) -> date | None:
        """The day after renewal as typed, else by the law from the days that are known."""
        if self.valid_until is not None:
            return self.valid_until
        return lives_until(self.kind, registered_on=self.right_registered_on, published_on=self.published_on)

    @transition(field=state, source=State.PREPARED, target=State.SUBMITTED)
    def submit(self, *, on: date) -> None:
        self.submitted_on = on

    @transition(field=state, source=State.SUBMITTED, target=State.ACCEPTED)
    def accept(self, *, on: date) -> None:
        self.accepted_on = on

    @transition(field=state, source=[State.SUBMITTED, State.ACCEPTED], target=State.REGISTERED)
    def register(self, *, on: date) -> None:
        self.registered_on = on

    @transition(field=state, source=[State.SUBMITTED, State.ACCEPTED], target=State.REFUSED)
    def refuse(self, *, on: date) -> None:
        self.ended_on = on

    @transition(
        field=state, source=[State.PREPARED, State.SUBMITTED, State.ACCEPTED, State.REGISTERED], target=State.CANCELLED
    )
    def cancel(self, *, on: date) -> None:
        """Withdrawn before its registration, or the registered pledge was cancelled."""
        self.ended_on = on


class OtherRightPaper(StoredFile):
    """A paper of it: the contract, the receipt, the registrar's certificate."""

    right = models.ForeignKey(OtherRight, models.PROTECT, related_name="papers")

    class Meta(StoredFile.Meta):
        verbose_name = "其他权利质押材料"
        verbose_name_plural = verbose_name
