"""Banks, guarantors and insurers on the portal: what an organisation is as a financial institution."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from portal.foundation.accounts.models import Organisation, OrganisationKind


class InstitutionQuerySet(models.QuerySet["Institution"]):
    def active(self) -> "InstitutionQuerySet":
        return self.filter(organisation__active=True, dispatcher=False, connected=True)

    def banks(self) -> "InstitutionQuerySet":
        """Those that lend, with their organisations: guarantors and insurers only carry risk."""
        return self.filter(organisation__kind=OrganisationKind.BANK).select_related("organisation")

    def for_open_calls(self) -> "InstitutionQuerySet":
        return self.active().filter(takes_open_calls=True)


class Institution(models.Model):
    """An organisation that answers financing requests. The dispatcher's desk (dispatcher=True) owns what nobody matches."""

    organisation = models.OneToOneField(Organisation, models.PROTECT, primary_key=True, related_name="institution")
    takes_open_calls = models.BooleanField("接受公开征集", default=True)
    dispatcher = models.BooleanField("调度台", default=False)
    # Listed from public sources only: its products are shown, nobody here could answer a request to it.
    connected = models.BooleanField("已接入", default=True)
    service_phone = models.CharField("服务电话", max_length=20, blank=True)
    example = models.BooleanField("示例机构", default=False)

    objects = InstitutionQuerySet.as_manager()

    class Meta:
        verbose_name = "金融机构"
        verbose_name_plural = verbose_name
        constraints = [
            models.UniqueConstraint(fields=["dispatcher"], condition=models.Q(dispatcher=True), name="one_dispatcher"),
        ]

    def __str__(self) -> str:
        return self.organisation.title

    @property
    def lends(self) -> bool:
        """Only banks lend; guarantors and insurers commit to carry risk."""
        return self.organisation.kind == OrganisationKind.BANK


class Branch(models.Model):
    """A branch; `ip_specialist` and `back_office` are measure 8's «1+N» team, `featured` a 特色网点."""

    institution = models.ForeignKey(Institution, models.PROTECT, related_name="branches")
    name = models.CharField("网点", max_length=80)
    district = models.ForeignKey("accounts.District", models.PROTECT, verbose_name="区县")
    featured = models.BooleanField("知识产权质押融资特色网点", default=False)
    ip_specialist = models.CharField("知识产权信贷专员", max_length=40, blank=True)
    back_office = ArrayField(models.CharField(max_length=20), default=list, blank=True, verbose_name="后台支撑")

    class Meta:
        verbose_name = "网点"
        verbose_name_plural = verbose_name
        constraints = [models.UniqueConstraint(fields=["institution", "name"], name="branch_once")]

    def __str__(self) -> str:
        return self.name
