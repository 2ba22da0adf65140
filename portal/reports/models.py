"""督办: what a regulator asks of an institution about a broken promise, and what it answers."""

from django.db import models

from portal.foundation.accounts.models import Organisation, User
from portal.foundation.sla.models import Clock


class SupervisionOrder(models.Model):
    """One 督办单 about one clock, to be answered by the responsible organisation by `reply_due`."""

    number = models.CharField("督办单号", max_length=32, unique=True)
    clock = models.ForeignKey(Clock, models.PROTECT, related_name="supervision_orders")
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="+", verbose_name="被督办单位")
    issued_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    issuer_label = models.CharField("督办人", max_length=200)
    issued_at = models.DateTimeField("发出时间")
    demand = models.TextField("督办要求", max_length=1000)
    reply_due = models.DateTimeField("答复时限")
    reply = models.TextField("答复", max_length=1000, blank=True)
    replied_at = models.DateTimeField("答复时间", null=True)
    replier_label = models.CharField("答复人", max_length=200, blank=True)

    class Meta:
        verbose_name = "督办单"
        verbose_name_plural = verbose_name
        constraints = [
            models.UniqueConstraint(
                fields=["clock"], condition=models.Q(replied_at=None), name="one_open_order_per_clock"
            )
        ]

    def __str__(self) -> str:
        return self.number
