"""The words of a pledge file: grounds of refusal, scope, kinds of debt, ways of finding the value."""

from django.db import models


class Ground(models.TextChoices):
    """Grounds on which a pledge is not registered, as an office publishes them under 公告第461号 (domain.md §1)."""

    R01 = "R01", "出质人不是专利登记簿记载的专利权人"
    R02 = "R02", "专利权已经终止或者已经被宣告无效"
    R03 = "R03", "专利申请尚未被授予专利权"
    R04 = "R04", "专利权没有按照规定缴纳年费"
    R05 = "R05", "专利权处于中止程序或者被采取保全措施"
    R06 = "R06", "债务人履行债务的期限超过专利权有效期"
    R07 = "R07", "质押合同缺少应当载明的内容"
    R08 = "R08", "以共有专利权出质但未取得全体共有人同意，又无另行约定"
    R09 = "R09", "专利权已经申请质押登记且处于质押期间"
    R10 = "R10", "实用新型有同日申请的发明专利申请"
    R11 = "R11", "专利权已被提起无效宣告请求"
    R12 = "R12", "其他应当不予登记的情形"


WAIVABLE = (Ground.R10, Ground.R11)  # the parties, once told, may declare to go on


class Scope(models.TextChoices):
    """Scope of the guarantee (合同第八条要素)."""

    ALL = "all", "主债权、利息、违约金、损害赔偿金及实现质权的费用"
    PRINCIPAL_INTEREST = "principal_interest", "主债权及利息"
    PRINCIPAL = "principal", "主债权"


class Valuation(models.TextChoices):
    """How the value was found. Up to 10,000,000 yuan a loan the first two suffice (measure 3)."""

    INTERNAL = "internal", "银行内部评估"
    NEGOTIATED = "negotiated", "银企协商"
    REPORT = "report", "资产评估报告"


class DebtKind(models.TextChoices):
    """Kind of the secured debt (合同第八条要素). Of a maximum-amount pledge the figure is the cap (民法典 439, 420)."""

    WORKING_CAPITAL = "working_capital", "流动资金借款"
    FIXED_ASSET = "fixed_asset", "固定资产借款"
    RESEARCH = "research", "研发借款"
    MAXIMUM = "maximum", "最高额质押所担保的债权"
    OTHER = "other", "其他债权"
