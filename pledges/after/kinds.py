"""The words of what comes after the registration. Grounds of cancellation: order 56 art. 18 (domain.md §1)."""

from django.db import models


class MatterKind(models.TextChoices):
    CHANGE = "change", "变更"
    CANCELLATION = "cancellation", "注销"
    RELEASE = "release", "部分解除"


class EndGround(models.TextChoices):
    """Why a pledge ends before its time: five grounds, and each wants its proof."""

    PERFORMED = "performed", "债务人已履行债务或者提前清偿"
    REALISED = "realised", "质权已经实现"
    WAIVED = "waived", "质权人放弃质权"
    CONTRACT_VOID = "contract_void", "主合同无效或者被撤销，质押合同随之失效"
    OTHER = "other", "法律规定的其他质权消灭情形"


# What proves each ground, told beside the upload.
PROOF = {
    EndGround.PERFORMED: "结清证明或还款凭证",
    EndGround.REALISED: "拍卖、变卖或折价的成交和清偿凭证",
    EndGround.WAIVED: "质权人放弃质权的声明",
    EndGround.CONTRACT_VOID: "法院判决或仲裁裁决",
    EndGround.OTHER: "证明质权消灭的法律文书",
}


class RevocationGround(models.TextChoices):
    EXISTED = "existed", "登记时存在不予登记的情形，尚未消除"
    FALSE_PROMISE = "false_promise", "当事人的承诺不实"


class Use(models.TextChoices):
    """What a pledgor may do with a pledged patent only when the pledgee agrees (民法典 444；专利法实施细则 86)."""

    TRANSFER = "transfer", "转让"
    LICENCE = "licence", "许可他人实施"
    OPEN_LICENCE = "open_licence", "开放许可"
    ABANDONMENT = "abandonment", "放弃专利权"


class Proceeds(models.TextChoices):
    """Where the price goes (民法典 444)."""

    PREPAY = "prepay", "所得价款提前清偿债务"
    DEPOSIT = "deposit", "所得价款提存"
    NONE = "none", "没有价款"
