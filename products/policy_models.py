"""Rules of the library that the regulator sets; the newest row is in force, older ones stay."""

from django.db import models

STALE_DAYS = 180  # calendar days without a confirmation, until a regulator sets something else


class LibraryPolicy(models.Model):
    """After how many calendar days without a confirmation a product counts as stale."""

    stale_days = models.PositiveSmallIntegerField("确认期限（天）")
    ground = models.CharField("依据", max_length=200)
    set_by = models.CharField(max_length=200)
    set_at = models.DateTimeField()

    class Meta:
        verbose_name = "产品库规则"
        verbose_name_plural = verbose_name
        constraints = [
            models.CheckConstraint(
                condition=models.Q(stale_days__gte=7, stale_days__lte=1095), name="library_stale_days"
            )
        ]

    def __str__(self) -> str:
        return f"{self.stale_days} 天"
