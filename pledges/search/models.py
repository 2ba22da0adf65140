"""The certificate of a search: what the register said at one moment, kept with everything it says."""

from django.db import models

from portal.foundation.core.papers import Paper


class SearchCertificate(Paper):
    """专利权质押登记查询证明: numbered without gaps per year, sealed; asked for again, the same paper comes back.

    `issued_at` is the moment of the search. A search made later is another certificate with another number.
    """

    class By(models.TextChoices):
        PATENT = "patent", "专利号"
        PARTY = "party", "统一社会信用代码"

    by = models.CharField("查询方式", max_length=8, choices=By)
    asked = models.CharField(
        "查询内容", max_length=18
    )  # canonical: 13 (or 9) characters without the dot, or the 18 of a USCC

    class Meta:
        app_label = "pledges"
        verbose_name = "质押登记查询证明"
        verbose_name_plural = verbose_name
        constraints = [
            models.CheckConstraint(condition=models.Q(by__in=["patent", "party"]), name="search_by_known"),
        ]

    @property
    def title(self) -> str:
        return "专利权质押登记查询证明"
