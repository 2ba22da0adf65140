"""What lies in a pledge file: papers handed in, grounds looked at, defects told and answered, papers issued."""

from django.db import models
from django.db.models import Q

from portal.foundation.core.files import StoredFile
from portal.foundation.core.papers import Paper

from . import places
from .kinds import Ground


class Document(StoredFile):
    """A paper of the file (公告第461号第七条)."""

    class Kind(models.TextChoices):
        CONTRACT = "contract", "质押合同"
        IDENTITY = "identity", "身份证明或承诺书"
        CO_OWNER = "co_owner", "共有人同意书"
        AGREEMENT = "agreement", "共有人另有约定的证明"
        VALUATION = "valuation", "资产评估报告"
        DECLARATION = "declaration", "声明"
        PLEDGOR = "pledgor", "第三人出质的同意文件"
        MANDATE = "mandate", "专利代理委托书"
        AGENT = "agent", "代理人身份证明"
        OTHER = "other", "其他"

    registration = models.ForeignKey("pledges.Registration", models.PROTECT, related_name="documents")
    kind = models.CharField("类型", max_length=12, choices=Kind)
    co_owner = models.CharField("共有人", max_length=120, blank=True)
    patent_number = models.CharField("所涉专利", max_length=13, blank=True)
    replaced_at = models.DateTimeField(null=True)  # a corrected paper replaces, never erases

    class Meta(StoredFile.Meta):
        verbose_name = "登记材料"
        verbose_name_plural = verbose_name


class Check(models.Model):
    """One ground looked at: by the system before filing and again at examination, or by the clerk."""

    class Result(models.TextChoices):
        CLEAR = "clear", "无此情形"
        FOUND = "found", "存在此情形"
        WAIVED = "waived", "已声明继续办理"
        MANUAL = "manual", "需人工核对"

    registration = models.ForeignKey("pledges.Registration", models.PROTECT, related_name="checks")
    ground = models.CharField(max_length=3, choices=Ground)
    point = models.CharField(
        max_length=12, blank=True
    )  # what the clerk looks at beyond the data, e.g. the contract's text
    result = models.CharField(max_length=8, choices=Result)
    warning = models.BooleanField(default=False)  # no ground, but somebody should know
    automatic = models.BooleanField(default=True)
    evidence = models.CharField("依据", max_length=1000)
    source = models.CharField("来源", max_length=200, blank=True)  # whose word it is; of a register with `source_at`,
    source_at = models.DateTimeField("来源时间", null=True)  # the moment it was asked
    checked_by = models.CharField("核对人", max_length=200)
    checked_at = models.DateTimeField("核对时间")

    class Meta:
        verbose_name = "审查要点"
        verbose_name_plural = verbose_name
        ordering = ["ground", "point"]
        constraints = [models.UniqueConstraint(fields=["registration", "ground", "point"], name="check_once")]

    def __str__(self) -> str:
        return f"{self.ground} {self.result}"


class Correction(models.Model):
    """One defect of a 补正 list. All defects of a round are told at once; each is answered by itself."""

    registration = models.ForeignKey("pledges.Registration", models.PROTECT, related_name="corrections")
    round = models.PositiveSmallIntegerField("轮次")
    position = models.PositiveSmallIntegerField("序号")
    field = models.CharField("位置", max_length=60)
    defect = models.CharField("问题", max_length=300)
    answer = models.CharField("补正说明", max_length=500, blank=True)
    answered_by = models.CharField(max_length=200, blank=True)
    answered_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = "补正事项"
        verbose_name_plural = verbose_name
        ordering = ["round", "position"]
        constraints = [models.UniqueConstraint(fields=["registration", "round", "position"], name="correction_once")]

    def __str__(self) -> str:
        return self.defect[:40]

    @property
    def place_label(self) -> str:
        return places.label(self.field)


class Notice(Paper):
    """A paper the office issued: numbered without gaps per year, its digest recorded, verifiable by code."""

    class Kind(models.TextChoices):
        REGISTERED = "registered", "专利权质押登记通知书"
        REFUSED = "refused", "专利权质押不予登记通知书"
        CORRECTION = "correction", "专利权质押登记补正通知书"
        # After the registration (pledges/after): each belongs to a matter or a revocation, named in `facts`.
        CHANGED = "changed", "专利权质押登记变更通知书"
        CANCELLED = "cancelled", "专利权质押登记注销通知书"
        RELEASED = "released", "专利权质押登记部分注销通知书"
        REVOKED = "revoked", "专利权质押登记撤销通知书"
        NOT_DONE = "not_done", "专利权质押后续登记不予办理通知书"
        TO_CORRECT = "to_correct", "专利权质押后续登记补正通知书"

    registration = models.ForeignKey("pledges.Registration", models.PROTECT, related_name="notices")
    kind = models.CharField("类型", max_length=12, choices=Kind)
    breakable = True

    class Meta:
        verbose_name = "通知书"
        verbose_name_plural = verbose_name
        constraints = [
            models.UniqueConstraint(
                fields=["registration"], condition=Q(kind__in=["registered", "refused"]), name="one_decision_paper"
            ),
            models.UniqueConstraint(
                fields=["registration"], condition=Q(kind__in=["cancelled", "revoked"]), name="one_end_paper"
            ),
        ]

    @property
    def title(self) -> str:
        return str(self.get_kind_display())


class Receipt(Paper):
    """专利权质押登记材料接收清单: what the office received, in two copies; one for each office that accepted the file."""

    registration = models.ForeignKey("pledges.Registration", models.PROTECT, related_name="receipts")

    class Meta:
        verbose_name = "接收清单"
        verbose_name_plural = verbose_name

    @property
    def title(self) -> str:
        return "专利权质押登记材料接收清单"
