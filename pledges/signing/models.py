"""One party's signature over the application form as it stood."""

from django.db import models
from django.db.models import Q

from portal.foundation.accounts.models import Organisation


class Signature(models.Model):
    """What was signed is kept word for word (`content`): a later correction is seen as a difference, not as a forgery.

    `provider` «account»: confirmed by the signed-in person alone, without an electronic signature (`value` is empty).
    """

    registration = models.ForeignKey("pledges.Registration", models.PROTECT, related_name="signatures")
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="+")
    signed_for = models.CharField("签名单位", max_length=120)  # its name on that day, as the signed text says it
    signed_by = models.CharField("签名人", max_length=200)
    signed_at = models.DateTimeField("签名时间")
    content = models.JSONField("签名内容")
    digest = models.CharField("SHA-256", max_length=64)  # of the canonical statement, see signing.statement
    provider = models.CharField("签名服务", max_length=20)
    algorithm = models.CharField("算法", max_length=20, blank=True)
    key_id = models.CharField("密钥标识", max_length=64, blank=True)
    value = models.TextField("签名值", blank=True)  # Base64
    set_aside_at = models.DateTimeField(
        "作废时间", null=True
    )  # the form was taken back: signed anew with the next text

    class Meta:
        verbose_name = "电子签名"
        verbose_name_plural = verbose_name
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["registration", "organisation"], condition=Q(set_aside_at=None), name="one_standing_signature"
            )
        ]

    def __str__(self) -> str:
        return f"{self.registration_id} {self.organisation_id} {self.digest[:12]}"
