"""People and organisations: who may sit where. What each kind of organisation does is told by the apps above."""

from datetime import date

from django.contrib.auth.models import AbstractUser
from django.contrib.postgres.constraints import ExclusionConstraint
from django.db import models
from django.db.models import Case, F, Q, Value, When

from portal.foundation.core.actor import Actor

from .identity.models import PasswordRecord as PasswordRecord
from .identity.models import ResetLink as ResetLink
from .identity.models import SsoBinding as SsoBinding

NO_TIER = "none"  # in Organisation.tiers: the enterprise has said that it has none


class Role(models.TextChoices):
    """What a person may do in one organisation."""

    ENTERPRISE = "enterprise", "企业经办人"
    OFFICER = "officer", "机构经办人"
    MANAGER = "manager", "机构负责人"
    CLERK = "clerk", "登记审查员"
    CHIEF = "chief", "登记处负责人"
    REGULATOR = "regulator", "监管人员"
    ADMIN = "admin", "系统管理员"  # organisations, calendars, health
    SECURITY = "security", "安全管理员"  # accounts, roles, lock-outs
    AUDIT = "audit", "审计管理员"  # the journal, refusals, who looked


# The three administrators: nobody is two of them, and none of them has other business here (membership_keepers_apart).
KEEPERS = (Role.ADMIN, Role.SECURITY, Role.AUDIT)
# Nor is a regulator anything else: who reviews products and subsidies has put none of them forward.
APART = (*KEEPERS, Role.REGULATOR)


class OrganisationKind(models.TextChoices):
    ENTERPRISE = "enterprise", "企业"
    BANK = "bank", "银行"
    GUARANTOR = "guarantor", "担保机构"
    INSURER = "insurer", "保险机构"
    IP_OFFICE = "ip_office", "知识产权登记受理机构"
    REGULATOR = "regulator", "监管部门"
    PLATFORM = "platform", "平台运维"
    OUTSIDE = "outside", "平台外当事人"  # a party to a contract without a seat here


INSTITUTION_KINDS = (OrganisationKind.BANK, OrganisationKind.GUARANTOR, OrganisationKind.INSURER)


class District(models.Model):
    """A district by code; abolished ones stay readable and roll up to their successor."""

    code = models.CharField("代码", max_length=6, primary_key=True)
    name = models.CharField("名称", max_length=40)
    kind = models.CharField("类型", max_length=10)
    current = models.BooleanField("现行", default=True)
    valid_from = models.DateField(null=True, blank=True)
    valid_to = models.DateField(null=True, blank=True)
    successor = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="predecessors")
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        verbose_name = "区县"
        verbose_name_plural = verbose_name
        ordering = ["position"]

    def __str__(self) -> str:
        return self.name


class Industry(models.Model):
    """Section of GB/T 4754."""

    letter = models.CharField("门类", max_length=1, primary_key=True)
    name = models.CharField("名称", max_length=40)

    class Meta:
        verbose_name = "行业门类"
        verbose_name_plural = verbose_name
        ordering = ["letter"]

    def __str__(self) -> str:
        return f"{self.letter} {self.name}"


class Organisation(models.Model):
    """Anything that people act for. `uscc` is checked by core.identifiers before it gets here."""

    kind = models.CharField("类型", max_length=12, choices=OrganisationKind)
    name = models.CharField("名称", max_length=120)
    short_name = models.CharField("简称", max_length=40, blank=True)
    sort_key = models.CharField(max_length=240, editable=False)  # pinyin: the embedded server has no ICU collation
    uscc = models.CharField("统一社会信用代码", max_length=18, unique=True, null=True, blank=True)
    district = models.ForeignKey(District, models.PROTECT, null=True, blank=True, verbose_name="所在区县")
    industry = models.ForeignKey(Industry, models.PROTECT, null=True, blank=True, verbose_name="行业")
    address = models.CharField("地址", max_length=200, blank=True)
    contact_name = models.CharField("联系人", max_length=40, blank=True)
    contact_phone = models.CharField("联系电话", max_length=20, blank=True)
    # Stated by the enterprise itself and shown as 企业自填; nobody here has checked them. `tiers`: Tier → last valid day
    # as 2027-12-31, or "" when it does not end; {"none": ""} says that there are none, {} that nobody has said.
    founded_on = models.DateField("成立日期", null=True, blank=True)
    tiers = models.JSONField("企业资质", default=dict, blank=True)
    pledged_before = models.BooleanField("办理过知识产权质押", null=True, blank=True)
    active = models.BooleanField("启用", default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = "单位"
        verbose_name_plural = verbose_name
        indexes = [models.Index(fields=["kind", "sort_key"], name="organisation_kind")]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(kind__in=OrganisationKind.values), name="organisation_kind_known"
            ),
            models.CheckConstraint(
                condition=models.Q(uscc=None) | models.Q(uscc__regex=r"^[0-9A-HJ-NPQRTUWXY]{18}$"),
                name="organisation_uscc_form",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: object, **kwargs: object) -> None:
        # Loaded only here: its tables take 55 MB in every process, and few processes ever name an organisation.
        from pypinyin import lazy_pinyin

        self.sort_key = "".join(lazy_pinyin(self.name))[:240]
        super().save(*args, **kwargs)  # type: ignore[arg-type]

    def tiers_on(self, day: date) -> frozenset[str] | None:
        """The recognitions valid on a day; None while the enterprise has not said, empty when it has said none."""
        if not self.tiers:
            return None
        return frozenset(
            t for t, until in self.tiers.items() if t != NO_TIER and (not until or until >= f"{day:%Y-%m-%d}")
        )

    @property
    def title(self) -> str:
        """The name for lists and buttons."""
        return self.short_name or self.name


class User(AbstractUser):
    """A person. `first_name` and `last_name` are unused: Chinese names are one field."""

    name = models.CharField("姓名", max_length=40)
    phone = models.CharField("手机", max_length=20, blank=True)
    mail_wanted = models.EmailField("待确认的邮箱", blank=True, db_default="")  # becomes `email` by the link sent there

    class Meta:
        verbose_name = "用户"
        verbose_name_plural = verbose_name

    def __str__(self) -> str:
        return self.name or self.username


class MembershipQuerySet(models.QuerySet["Membership"]):
    def at_work(self) -> "MembershipQuerySet":
        """Chairs in which a person sits who can log in: whom work is given to and letters are written to, so no machine."""
        return self.filter(active=True, machine=False, user__is_active=True)


class Membership(models.Model):
    """One person's chair in one organisation. Ending it ends every session that sits in it at the next request."""

    user = models.ForeignKey(User, models.PROTECT, related_name="memberships")
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="memberships")
    role = models.CharField("角色", max_length=12, choices=Role)
    active = models.BooleanField("有效", default=True)
    machine = models.BooleanField(
        "系统接口", default=False, db_default=False
    )  # the chair of an API key; nobody sits there
    created_at = models.DateTimeField(auto_now_add=True)

    objects = MembershipQuerySet.as_manager()

    class Meta:
        verbose_name = "成员"
        verbose_name_plural = verbose_name
        constraints = [
            models.UniqueConstraint(fields=["user", "organisation"], name="membership_once"),
            models.CheckConstraint(condition=models.Q(role__in=Role.values), name="membership_role_known"),
            # A constraint and no check in Python: two invitations accepted in the same moment cannot slip past it.
            ExclusionConstraint(
                name="membership_keepers_apart",
                expressions=[
                    ("user", "="),
                    (Case(When(role__in=[r.value for r in APART], then=F("role")), default=Value("business")), "<>"),
                ],
                condition=Q(active=True),
            ),
        ]
        indexes = [models.Index(fields=["organisation", "role"], name="membership_role")]  # read by: notifications

    def __str__(self) -> str:
        return f"{self.user} · {self.organisation} · {self.get_role_display()}"

    @property
    def actor(self) -> Actor:
        return Actor(
            user_id=self.user_id,
            name=self.user.name,
            role=self.role,
            organisation_id=self.organisation_id,
            organisation_name=self.organisation.title,
            organisation_kind=self.organisation.kind,
        )


class Invitation(models.Model):
    """A colleague asked to join; the link works once, for seven days."""

    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="invitations")
    role = models.CharField("角色", max_length=12, choices=Role)
    phone = models.CharField("手机", max_length=20)
    token_digest = models.CharField(max_length=64, unique=True)  # SHA-256: the link itself is not stored
    invited_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True)
    accepted_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    revoked_at = models.DateTimeField(null=True)
    # One of the three administrators: a second one has checked who accepted. Until then the chair does not count.
    confirmed_at = models.DateTimeField(null=True)
    confirmed_by = models.ForeignKey(User, models.PROTECT, null=True, db_index=False, related_name="+")

    class Meta:
        verbose_name = "邀请"
        verbose_name_plural = verbose_name
        constraints = [  # who hands out a role does not take it
            models.CheckConstraint(
                condition=Q(accepted_by=None) | ~Q(accepted_by=F("invited_by")), name="invitation_two_people"
            ),
            models.CheckConstraint(
                condition=Q(confirmed_by=None)
                | (~Q(confirmed_by=F("invited_by")) & ~Q(confirmed_by=F("accepted_by")) & Q(accepted_by__isnull=False)),
                name="invitation_two_keepers",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.organisation} {self.phone}"


class Attempt(models.Model):
    """A wrong guess at a password or at the digits of a look-up; enough of them slow the next ones down.

    `key` is a digest: neither the name that was typed nor the address it came from is kept.
    """

    scope = models.CharField(max_length=20)
    key = models.CharField(max_length=64)
    at = models.DateTimeField()

    class Meta:
        verbose_name = "错误尝试"
        verbose_name_plural = verbose_name
        indexes = [
            models.Index(fields=["scope", "key", "-at"], name="attempt_recent"),  # read by: attempts.refused
            models.Index(fields=["at"], name="attempt_age"),  # read by: attempts.miss, which forgets old ones
        ]

    def __str__(self) -> str:
        return f"{self.scope} {self.at:%F %T}"
