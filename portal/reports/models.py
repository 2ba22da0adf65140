"""督办: what a regulator asks of an institution about a broken promise, and what it answers."""

from datetime import datetime

from django.db import models
from django.db.models import F, Q

from portal.foundation.accounts.models import Organisation, Role, User
from portal.foundation.core.actor import Actor
from portal.foundation.sla.models import Clock

ANSWERING = (Role.OFFICER, Role.MANAGER, Role.CLERK, Role.CHIEF)  # who may speak for a responsible organisation


class SupervisionOrderQuerySet(models.QuerySet["SupervisionOrder"]):
    def visible_to(self, actor: Actor) -> "SupervisionOrderQuerySet":
        """Every order for the regulator, its own for the organisation asked. Anyone else sees nothing."""
        if actor.role == Role.REGULATOR:
            return self
        if actor.role in ANSWERING:
            return self.filter(organisation_id=actor.organisation_id)
        return self.none()

    def waiting(self) -> "SupervisionOrderQuerySet":
        return self.filter(replied_at=None)

    def overdue(self, *, now: datetime) -> "SupervisionOrderQuerySet":
        """Not answered, and the time for it is over."""
        return self.waiting().filter(reply_due__lte=now)


class SupervisionOrder(models.Model):
    """One 督办单 about one clock, to be answered once by the responsible organisation before `reply_due` (exclusive)."""

    number = models.CharField("督办单号", max_length=32, unique=True)
    clock = models.ForeignKey(Clock, models.PROTECT, related_name="supervision_orders")
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="+", verbose_name="被督办单位")
    issued_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    issuing_organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="+", verbose_name="督办单位")
    issuer_label = models.CharField("督办人", max_length=200)
    issued_at = models.DateTimeField("发出时间")
    demand = models.TextField("督办要求", max_length=1000)
    reply_due = models.DateTimeField("答复时限")
    reminded_at = models.DateTimeField("逾期提醒时间", null=True)  # once, when the time was over
    reply = models.TextField("答复", max_length=1000, blank=True)
    replied_at = models.DateTimeField("答复时间", null=True)
    replier_label = models.CharField("答复人", max_length=200, blank=True)

    objects = SupervisionOrderQuerySet.as_manager()

    class Meta:
        verbose_name = "督办单"
        verbose_name_plural = verbose_name
        constraints = [
            models.UniqueConstraint(fields=["clock"], condition=Q(replied_at=None), name="one_open_order_per_clock"),
            models.CheckConstraint(condition=Q(reply_due__gt=F("issued_at")), name="order_leaves_time"),
            models.CheckConstraint(
                condition=Q(replied_at=None, reply="") | (Q(replied_at__isnull=False) & ~Q(reply="")),
                name="order_reply_is_whole",
            ),
        ]
        indexes = [
            models.Index(fields=["organisation", "-issued_at", "-id"], name="order_list"),  # read by: orders
            models.Index(fields=["reply_due"], name="order_waiting", condition=Q(replied_at=None)),
        ]

    def __str__(self) -> str:
        return self.number

    def late(self, *, now: datetime) -> bool:
        """Whether the answer came, or is still to come, after its time; midnight itself is late."""
        return (self.replied_at or now) >= self.reply_due
