"""What people are told: one row a person and fact, and one more where many came at once. Mail only points to it."""

from django.db import models

from portal.foundation.accounts.models import Membership


class Notice(models.Model):
    """One message for one chair. (entry, membership) is unique, so a repeated delivery changes nothing.

    A digest (digests.py) is a notice without an entry: it sums up the reminders of one chair and minute (`window`), and they
    point to it. Lists, the bell and mail leave out what a digest sums up.
    """

    class Kind(models.TextChoices):
        ACTION = "action", "要您办"
        DEADLINE = "deadline", "时限提醒"
        RESULT = "result", "结果"
        SYSTEM = "system", "系统"

    entry_id = models.BigIntegerField(null=True)
    window = models.DateTimeField(null=True)
    digest = models.ForeignKey("self", models.PROTECT, null=True, related_name="items")
    membership = models.ForeignKey(Membership, models.PROTECT, related_name="notices")
    kind = models.CharField("类别", max_length=10, choices=Kind)
    title = models.CharField("标题", max_length=120)
    body = models.CharField("内容", max_length=300, blank=True)
    url = models.CharField("去办理", max_length=200)
    case_number = models.CharField("办件编号", max_length=32, blank=True)
    created_at = models.DateTimeField("时间")
    read_at = models.DateTimeField(null=True)
    mailed_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = "消息"
        verbose_name_plural = verbose_name
        constraints = [
            models.UniqueConstraint(fields=["entry_id", "membership"], name="notice_once"),
            models.UniqueConstraint(fields=["window", "membership"], name="digest_once"),
            models.CheckConstraint(
                condition=models.Q(entry_id=None, digest=None, window__isnull=False)
                | models.Q(entry_id__isnull=False, window=None),
                name="notice_of_one_kind",
            ),
        ]
        indexes = [
            models.Index(fields=["membership", "-id"], name="notice_list", condition=models.Q(digest=None)),
            models.Index(
                fields=["membership"], name="notice_unread", condition=models.Q(read_at=None, digest=None)
            ),  # read by: the bell
        ]

    def __str__(self) -> str:
        return self.title
