"""The places of a file a defect can lie in: how each is called, what the party can change there, and common defects.

A correction list names places by code, so that the party finds the field or the upload beside each defect.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """`fields` are form fields that may be changed there; `paper` is the kind of document (a value of Document.Kind)
    that may be handed in anew."""

    code: str
    label: str
    fix: str
    fields: tuple[str, ...] = ()
    paper: str = ""


_ALL = (
    Place("contract", "质押合同", "重新上传合同", paper="contract"),
    Place("contract_number", "合同编号", "更正合同编号", ("contract_number",)),
    Place("contract_signed_on", "合同签订日期", "更正签订日期", ("contract_signed_on",)),
    Place("debtor_name", "债务人", "更正债务人名称", ("debtor_name",)),
    Place("debt_amount", "债权种类和数额", "更正种类或数额", ("debt_kind", "debt_amount")),
    Place(
        "debt_period",
        "债务履行期限",
        "更正起止日期",
        ("debt_from", "debt_to", "determined_from", "determined_to", "term_months"),
    ),
    Place("scope", "质押担保的范围", "更正担保范围", ("scope",)),
    Place(
        "valuation",
        "价值确定方式",
        "更正方式或价值，或上传评估报告",
        ("valuation", "valued_at"),
        "valuation",
    ),
    Place("patents", "质押专利", "更正质押专利清单", ("patents",)),
    Place("identity", "身份证明或承诺书", "重新上传", paper="identity"),
    Place("co_owner", "共有人同意书", "上传或重新上传同意书", paper="co_owner"),
    Place("agreement", "共有人另有约定的证明", "重新上传证明", ("co_owner_agreement",), "agreement"),
    Place(
        "declaration",
        "继续办理的声明",
        "作出声明，或上传声明",
        ("twin_declared", "invalidation_declared"),
        "declaration",
    ),
    Place("pledgor", "第三人出质的同意文件", "重新上传", paper="pledgor"),
    Place("mandate", "代理委托书", "重新上传委托书", paper="mandate"),
    Place("agent", "代理人身份证明", "重新上传", paper="agent"),
    Place("other", "其他", "按所列问题补正", paper="other"),
)
PLACES: dict[str, Place] = {p.code: p for p in _ALL}
CHOICES = [(p.code, p.label) for p in _ALL]

# (place, defect): what clerks write most often; a click fills the row, the words can be changed.
LIBRARY: tuple[tuple[str, str], ...] = (
    ("contract", "合同缺少签字或盖章页。"),
    ("contract", "合同扫描件不清晰，无法辨认。"),
    ("contract", "合同含有债务不履行时专利权归质权人所有的约定，应当删除。"),
    ("contract", "合同没有列明质押专利的名称、专利号、申请日和授权公告日。"),
    ("debt_amount", "申请表所填债权数额与合同不一致。"),
    ("debt_period", "申请表所填债务履行期限与合同不一致。"),
    ("contract_signed_on", "申请表所填签订日期与合同不一致。"),
    ("debtor_name", "债务人名称与合同不一致。"),
    ("patents", "申请表所列专利与合同附件不一致。"),
    ("identity", "身份证明已过有效期或与当事人名称不一致。"),
    ("co_owner", "共有人同意书缺少签章。"),
    ("valuation", "所填质押价值与评估报告不一致。"),
    ("declaration", "缺少知悉有关情况仍继续办理的声明。"),
)


def label(code: str) -> str:
    """The place's name; an unknown code is shown as it is."""
    return PLACES[code].label if code in PLACES else code
