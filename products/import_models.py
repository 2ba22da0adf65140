"""A workbook of products on its way in: looked through, confirmed by its owner, written all at once or not at all."""

from datetime import datetime

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django_fsm import FSMField, transition

from portal.foundation.accounts.models import Organisation, Role, User
from portal.foundation.core.actor import Actor
from portal.foundation.core.db import StateModel
from portal.foundation.core.files import StoredFile


class ProductImportQuerySet(models.QuerySet["ProductImport"]):
    def visible_to(self, actor: Actor) -> "ProductImportQuerySet":
        """Of the own organisation."""
        if actor.role in (Role.OFFICER, Role.MANAGER, Role.REGULATOR):
            return self.filter(organisation_id=actor.organisation_id)
        return self.none()


class ProductImport(StateModel, StoredFile):
    """One uploaded workbook. `done` of `total` rows is what the page that polls shows."""

    class State(models.TextChoices):
        WAITING = "waiting", "等待检查"
        CHECKING = "checking", "正在检查"
        CHECKED = "checked", "检查通过，待确认"
        FAULTY = "faulty", "有错误，未导入"
        CONFIRMED = "confirmed", "等待写入"
        WRITING = "writing", "正在写入"
        DONE = "done", "已导入"
        CANCELLED = "cancelled", "已放弃"

    ACTIVE = (State.WAITING, State.CHECKING, State.CONFIRMED, State.WRITING)

    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="+")
    user = models.ForeignKey(User, models.PROTECT, related_name="+")
    role = models.CharField(max_length=12)  # of the uploading person, as the journal will tell it
    state = FSMField("状态", choices=State, default=State.WAITING, protected=True)
    total = models.PositiveIntegerField("行数", default=0)
    done = models.PositiveIntegerField("已处理", default=0)
    new = models.PositiveIntegerField("新增", default=0)
    changed = models.PositiveIntegerField("修改", default=0)
    same = models.PositiveIntegerField("没有变化", default=0)
    wrong = models.PositiveIntegerField("错误数", default=0)
    # The first ones: [[row, cell, label, message], …]; and the first rows as they would stand.
    faults = models.JSONField("错误", default=list, encoder=DjangoJSONEncoder)
    preview = models.JSONField("预览", default=list, encoder=DjangoJSONEncoder)
    # What the check found for every row, until it is written or given up: see products.import_plan.as_checked.
    plan = models.JSONField(default=list)
    attempts = models.PositiveSmallIntegerField(default=0)  # of the step it is in: a process that died is one
    leased_until = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    objects = ProductImportQuerySet.as_manager()

    class Meta:
        verbose_name = "产品导入"
        verbose_name_plural = verbose_name
        indexes = [
            models.Index(
                fields=["id"],
                name="product_import_waiting",
                condition=models.Q(state__in=["waiting", "checking", "confirmed", "writing"]),
            )
        ]

    # `quiet`: a worker takes it up; what comes of it is told (core.state_guard).
    @transition(field=state, source=[State.WAITING, State.CHECKING], target=State.CHECKING, custom={"quiet": True})
    def begin_check(self, *, until: datetime) -> None:
        self.leased_until, self.done, self.attempts = until, 0, self.attempts + 1

    @transition(field=state, source=[State.CHECKING, State.WRITING], target=State.FAULTY)
    def fail(self, *, now: datetime) -> None:
        self.leased_until, self.finished_at, self.plan = None, now, []

    @transition(field=state, source=State.CHECKING, target=State.CHECKED)
    def pass_check(self) -> None:
        self.leased_until, self.attempts = None, 0

    @transition(field=state, source=State.CHECKED, target=State.CONFIRMED)
    def confirm(self) -> None:
        """Its owner has seen what it would do."""

    @transition(field=state, source=[State.WAITING, State.CHECKED], target=State.CANCELLED)
    def cancel(self, *, now: datetime) -> None:
        self.finished_at, self.plan = now, []

    @transition(field=state, source=[State.CONFIRMED, State.WRITING], target=State.WRITING, custom={"quiet": True})
    def begin_write(self, *, until: datetime) -> None:
        self.leased_until, self.done, self.attempts = until, 0, self.attempts + 1

    @transition(field=state, source=State.WRITING, target=State.DONE)
    def finish(self, *, now: datetime) -> None:
        self.leased_until, self.finished_at, self.plan = None, now, []
