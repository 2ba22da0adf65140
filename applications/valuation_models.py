"""An enterprise's final valuation, shown to one institution with a request."""

from django.db import models

from banks.models import Institution
from portal.foundation.assets.models import Valuation


class ValuationShare(models.Model):
    """The enterprise's consent that one institution reads one valuation; it ends with the row, and rests with the request.

    Who may read it because of this row is decided in `Valuation.objects.visible_to`.
    """

    application = models.ForeignKey("applications.Application", models.PROTECT, related_name="valuation_shares")
    institution = models.ForeignKey(Institution, models.PROTECT, related_name="+")
    valuation = models.ForeignKey(Valuation, models.PROTECT, related_name="shares")
    agreed_by = models.CharField("同意人", max_length=200)
    agreed_at = models.DateTimeField("同意时间")

    class Meta:
        verbose_name = "估值出示"
        verbose_name_plural = verbose_name
        constraints = [
            models.UniqueConstraint(fields=["application", "institution", "valuation"], name="valuation_shown_once")
        ]

    def __str__(self) -> str:
        return f"{self.valuation_id}→{self.institution_id}"
