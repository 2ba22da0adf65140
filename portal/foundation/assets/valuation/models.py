"""A valuation as a record: who valued which patents, how, and what came out. Final ones never change.

Who may read one is decided in one place, `ValuationQuerySet.visible_to`: its owner; and, of an enterprise's final valuation,
the institution the enterprise showed it to, while it works on that request. An institution's own never leave it.
"""

from datetime import date, datetime
from typing import Any

import pgtrigger
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import F, Q
from django_fsm import FSMField, transition

from portal.foundation.accounts.models import Organisation, Role
from portal.foundation.core.actor import Actor
from portal.foundation.core.db import StateModel
from portal.foundation.core.files import StoredFile

# The apps above are known here by the names of their relations only (design §1): states of a referral whose institution works.
_IN_HAND = ("waiting", "claimed", "info", "offered", "accepted")
MAX_VALUE = 10**12  # yuan; a larger result is a slip of a unit


class Scene(models.TextChoices):
    """What a valuation is for: the scenes of GB/T 42748-2023, which weigh the indicators differently."""

    FINANCE = "finance", "金融（质押融资等）"
    LICENCE = "licence", "许可转让"
    REPORT = "report", "财务报告"
    INFRINGEMENT = "infringement", "侵权救济"
    MANAGEMENT = "management", "分级管理"


class WeightVersion(models.Model):
    """The weights of the 27 indicators in one scene; a new decision is a new row, valuations keep the one they used."""

    scene = models.CharField("场景", max_length=12, choices=Scene)
    version = models.PositiveSmallIntegerField("版本")
    weights = models.JSONField("权重（%）")  # indicator code → percent as text, together 100
    confirmed = models.BooleanField("已对照标准确认", default=False)  # False is shown as 待确认
    decided_by = models.CharField("决定人", max_length=200)
    decided_on = models.DateField("决定日期")
    note = models.CharField("依据", max_length=300, blank=True)

    class Meta:
        verbose_name = "评估权重"
        verbose_name_plural = verbose_name
        ordering = ["scene", "-version"]
        constraints = [models.UniqueConstraint(fields=["scene", "version"], name="weights_once")]

    def __str__(self) -> str:
        return f"{self.get_scene_display()}第 {self.version} 版"


class ValuationQuerySet(models.QuerySet["Valuation"]):
    def visible_to(self, actor: Actor) -> "ValuationQuerySet":
        """Own ones; to an institution also final ones an enterprise showed it, while request and authorisation live."""
        own = Q(organisation_id=actor.organisation_id)
        if not actor.organisation_id or actor.role not in (Role.ENTERPRISE, Role.OFFICER, Role.MANAGER):
            return self.none()
        if actor.role == Role.ENTERPRISE:
            return self.filter(own)
        return self.filter(own | Q(pk__in=Valuation.objects.shown_to(actor.organisation_id).values("pk")))

    def shown_to(self, institution_id: int) -> "ValuationQuerySet":
        """Final valuations that enterprises let this institution see now."""
        return self.filter(
            shares__institution_id=institution_id,
            shares__application__organisation_id=F("organisation_id"),
            shares__application__consents__institution_id=institution_id,
            shares__application__consents__revoked_at=None,
            shares__application__referrals__institution_id=institution_id,
            shares__application__referrals__state__in=_IN_HAND,
        ).exclude(Q(state=Valuation.State.DRAFT) | Q(kind=Valuation.Kind.INTERNAL))

    def owned(self, actor: Actor) -> "ValuationQuerySet":
        return self.visible_to(actor).filter(organisation_id=actor.organisation_id)


class Valuation(StateModel):
    """One valuation of one or several patents, yuan to the fen."""

    class Kind(models.TextChoices):
        SELF = "self", "企业自评"
        INTERNAL = "internal", "机构内部评估"
        AGENCY = "agency", "信用机构报告"

    class State(models.TextChoices):
        DRAFT = "draft", "编制中"
        FINAL = "final", "已定稿"
        SUPERSEDED = "superseded", "已被新估值替代"

    number = models.CharField("估值编号", max_length=32, unique=True)
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="valuations", verbose_name="估值单位")
    kind = models.CharField("类型", max_length=10, choices=Kind)
    state = FSMField("状态", choices=State, default=State.DRAFT, protected=True)
    version = models.PositiveIntegerField(default=0)
    scene = models.CharField("场景", max_length=12, choices=Scene, default=Scene.FINANCE)
    weights = models.ForeignKey(WeightVersion, models.PROTECT, null=True, related_name="+", verbose_name="权重版本")
    purpose = models.CharField("评估目的", max_length=200, blank=True)
    case_number = models.CharField("融资需求", max_length=32, blank=True)  # of an institution's: the request it is for
    inputs = models.JSONField(default=dict, encoder=DjangoJSONEncoder)  # per approach, as the forms cleaned it
    shares_of_value = models.JSONField("三种方法的权重（%）", default=dict)
    provider = models.CharField("出具机构", max_length=120, blank=True)  # of an agency's report
    provider_ref = models.CharField("报告编号", max_length=80, blank=True)
    income_value = models.DecimalField("收益法", max_digits=14, decimal_places=2, null=True)
    market_value = models.DecimalField("市场法", max_digits=14, decimal_places=2, null=True)
    cost_value = models.DecimalField("成本法", max_digits=14, decimal_places=2, null=True)
    value = models.DecimalField("评估值（元）", max_digits=14, decimal_places=2, null=True)
    low = models.DecimalField("区间下限（元）", max_digits=14, decimal_places=2, null=True)
    high = models.DecimalField("区间上限（元）", max_digits=14, decimal_places=2, null=True)
    score = models.DecimalField("指标得分", max_digits=5, decimal_places=2, null=True)
    valid_until = models.DateField("有效期至", null=True)
    replaces = models.OneToOneField("self", models.PROTECT, null=True, related_name="replaced_by")
    created_at = models.DateTimeField("开始时间")
    created_by = models.CharField("编制人", max_length=200)
    final_at = models.DateTimeField("定稿时间", null=True)
    final_by = models.CharField("定稿人", max_length=200, blank=True)

    objects = ValuationQuerySet.as_manager()

    class Meta:
        verbose_name = "专利估值"
        verbose_name_plural = verbose_name
        constraints = [
            models.CheckConstraint(condition=Q(state__in=["draft", "final", "superseded"]), name="valuation_state"),
            models.CheckConstraint(
                condition=Q(state="draft") | Q(value__gt=0, final_at__isnull=False, valid_until__isnull=False),
                name="final_valuation_is_whole",
            ),
            models.CheckConstraint(
                condition=Q(value=None) | Q(low__lte=F("value"), high__gte=F("value")), name="value_in_its_range"
            ),
        ]
        indexes = [models.Index(fields=["organisation", "-id"], name="valuation_owner")]  # read by: the owner's list
        triggers = [
            pgtrigger.Trigger(
                name="final_stays",
                when=pgtrigger.Before,
                operation=pgtrigger.Update | pgtrigger.Delete,
                condition=pgtrigger.Condition("OLD.state <> 'draft'"),
                func=(
                    "IF TG_OP = 'DELETE' OR NEW.state = 'draft' "
                    "OR to_jsonb(NEW) - 'state' IS DISTINCT FROM to_jsonb(OLD) - 'state' "
                    "THEN RAISE EXCEPTION 'a final valuation does not change'; END IF; RETURN NEW;"
                ),
            )
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def subject(self) -> str:
        return f"valuation:{self.pk}"

    def current(self, *, on: date) -> bool:
        """Final, not replaced and within its validity (the last day included)."""
        return self.state == self.State.FINAL and self.valid_until is not None and self.valid_until >= on

    @transition(field=state, source=State.DRAFT, target=State.FINAL)
    def finalise(self, *, by: str, now: datetime, valid_until: date) -> None:
        self.final_by, self.final_at, self.valid_until = by, now, valid_until

    @transition(field=state, source=State.FINAL, target=State.SUPERSEDED)
    def supersede(self) -> None:
        """A newer valuation of the same patents took its place."""


class ValuedPatent(models.Model):
    """A patent in a valuation, with its facts and scores as they were."""

    valuation = models.ForeignKey(Valuation, models.CASCADE, related_name="patents")
    patent = models.ForeignKey("assets.Patent", models.PROTECT, related_name="valued")
    number = models.CharField("专利号", max_length=13)
    kind = models.CharField("类型", max_length=10)
    title = models.CharField("名称", max_length=200)
    expires_on = models.DateField("届满日")
    scores = models.JSONField(default=dict)  # code → {"score": 0–100, "evidence": text, "automatic": bool}
    score = models.DecimalField("得分", max_digits=5, decimal_places=2, null=True)

    class Meta:
        verbose_name = "被评估专利"
        verbose_name_plural = verbose_name
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["valuation", "number"], name="valued_once"),
            models.CheckConstraint(condition=Q(kind__in=["invention", "utility"]), name="designs_are_not_valued"),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def dotted(self) -> str:
        return f"{self.number[:-1]}.{self.number[-1]}"

    def entry(self, code: str) -> dict[str, Any]:
        found: dict[str, Any] = self.scores.get(code) or {}
        return found


class ValuationPaper(StoredFile):
    """The report an agency sent, as it came."""

    valuation = models.OneToOneField(Valuation, models.PROTECT, related_name="paper")

    class Meta(StoredFile.Meta):
        verbose_name = "信用机构报告原件"
        verbose_name_plural = verbose_name


class AgencyRequest(models.Model):
    """One report asked of the credit agency; the dispatcher carries it out, outside any page request."""

    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="+")
    patents = models.ManyToManyField("assets.Patent", related_name="+")
    asked_at = models.DateTimeField("申请时间")
    asked_by = models.CharField("申请人", max_length=200)
    answered_at = models.DateTimeField("答复时间", null=True)
    refusal = models.CharField("未能出具的原因", max_length=300, blank=True)
    valuation = models.OneToOneField(Valuation, models.PROTECT, null=True, related_name="asked")

    class Meta:
        verbose_name = "信用机构报告申请"
        verbose_name_plural = verbose_name
        indexes = [models.Index(fields=["organisation", "-id"], name="agency_request_owner")]

    def __str__(self) -> str:
        return f"{self.pk}"
