"""The key of an institution's own system: whom it acts as, what it may do, until when."""

from datetime import datetime

from django.contrib.postgres.fields import ArrayField
from django.db import models

from portal.foundation.accounts.models import Membership


class Scope(models.TextChoices):
    """What a key may do; reading is no part of answering."""

    READ = "referrals:read", "读取推送"
    WRITE = "referrals:write", "答复推送（接单、婉拒）"


class ApiKey(models.Model):
    """The secret itself is nowhere: `digest` only tells whether the one that is derived is still the one that was shown."""

    ident = models.CharField("密钥编号", max_length=20, unique=True)
    # A chair of its own: the journal tells the machine from the people, and ending the membership ends the key.
    membership = models.OneToOneField(Membership, models.PROTECT, related_name="api_key")
    name = models.CharField("用途", max_length=40)
    digest = models.CharField(max_length=64)
    scopes = ArrayField(models.CharField(max_length=20, choices=Scope), verbose_name="权限范围")
    created_at = models.DateTimeField("建立时间")
    created_by = models.CharField("建立人", max_length=200)
    expires_at = models.DateTimeField("有效期至")
    revoked_at = models.DateTimeField("停用时间", null=True)
    used_on = models.DateField("最近使用", null=True)

    class Meta:
        verbose_name = "接口密钥"
        verbose_name_plural = verbose_name
        constraints = [
            models.CheckConstraint(
                condition=models.Q(expires_at__gt=models.F("created_at")), name="api_key_ends_after_it_begins"
            ),
        ]

    def __str__(self) -> str:
        return self.ident

    def usable(self, now: datetime) -> bool:
        return self.revoked_at is None and now < self.expires_at

    @property
    def scope_labels(self) -> list[str]:
        return [str(Scope(scope).label) for scope in self.scopes]
