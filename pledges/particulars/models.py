"""Rows beside a file that most files do not have."""

from django.db import models
from django.db.models import F, Q

from portal.foundation.accounts.models import Organisation


class MaximumDebt(models.Model):
    """最高额质押 (民法典 439 with 420–424): the file's `debt_amount` is the cap, its `debt_from` the first day of the period in
    which debts arise, and its `debt_to` the last day on which one of them can fall due: `determined_to` plus `term_months`."""

    registration = models.OneToOneField("pledges.Registration", models.PROTECT, related_name="maximum")
    determined_from = models.DateField("债权确定期间自")
    determined_to = models.DateField("债权确定期间至")
    term_months = models.PositiveSmallIntegerField("单笔债务最长期限（个月）")

    class Meta:
        verbose_name = "最高额质押"
        verbose_name_plural = verbose_name
        constraints = [
            models.CheckConstraint(condition=Q(determined_to__gt=F("determined_from")), name="maximum_period"),
            models.CheckConstraint(condition=Q(term_months__gte=1, term_months__lte=600), name="maximum_term"),
        ]

    def __str__(self) -> str:
        return f"{self.determined_from} {self.determined_to}"


class IdentityKind(models.TextChoices):
    COMPANY = "company", "境内单位（统一社会信用代码）"
    PERSON = "person", "自然人（居民身份证）"
    FOREIGN = "foreign", "境外单位或者个人"


class OutsideParty(models.Model):
    """Who a party without a seat in the portal is. A person's number is kept for the office and is shown masked.

    The organisation (kind OUTSIDE) carries the name, so that every paper and every search reads it like any other.
    """

    organisation = models.OneToOneField(Organisation, models.PROTECT, related_name="outside")
    kind = models.CharField("主体类型", max_length=8, choices=IdentityKind)
    identity = models.CharField("证件号码", max_length=60)
    address = models.CharField("地址", max_length=200)

    class Meta:
        verbose_name = "平台外当事人"
        verbose_name_plural = verbose_name
        constraints = [models.UniqueConstraint(fields=["kind", "identity"], name="outside_party_once")]

    def __str__(self) -> str:
        return f"{self.kind} {self.organisation_id}"

    @property
    def masked(self) -> str:
        """A person's number with its middle hidden; a public code in full."""
        if self.kind == IdentityKind.COMPANY:
            return self.identity
        return f"{self.identity[:3]}{'*' * max(len(self.identity) - 5, 3)}{self.identity[-2:]}"


class Side(models.TextChoices):
    """For whom, or about whom."""

    PLEDGOR = "pledgor", "出质人"
    PLEDGEE = "pledgee", "质权人"
    BOTH = "both", "双方"


class Power(models.TextChoices):
    """What the mandate lets the agent do (公告第461号第七条: powers are stated)."""

    FILE = "file", "提交登记申请"
    CORRECT = "correct", "答复补正"
    RECEIVE = "receive", "领取通知书"
    CHANGE = "change", "办理变更登记"
    CANCEL = "cancel", "办理注销登记"
    WITHDRAW = "withdraw", "撤回申请"


class Agent(models.Model):
    """A Chinese patent agency that acts for a party; obligatory for one without residence or place of business in China
    (公告第461号第五条)."""

    registration = models.OneToOneField("pledges.Registration", models.PROTECT, related_name="agent")
    acts_for = models.CharField("代理哪一方", max_length=8, choices=Side)
    abroad = models.CharField("在境内没有经常居所或者营业所的一方", max_length=8, choices=Side, blank=True)
    agency = models.CharField("专利代理机构", max_length=120)
    person = models.CharField("经办代理人", max_length=40)
    identity = models.CharField("代理人身份证号码", max_length=18)
    phone = models.CharField("联系电话", max_length=20, blank=True)
    powers = models.JSONField("代理权限", default=list)

    class Meta:
        verbose_name = "专利代理"
        verbose_name_plural = verbose_name

    def __str__(self) -> str:
        return f"{self.agency} {self.person}"

    @property
    def masked(self) -> str:
        return f"{self.identity[:3]}{'*' * 13}{self.identity[-2:]}"

    @property
    def powers_text(self) -> str:
        return "、".join(str(Power(p).label) for p in self.powers)
