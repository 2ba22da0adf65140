"""流质: an agreement that on default the patent becomes the pledgee's. Forbidden as such; 民法典 428 leaves priority payment.

A sentence is quoted, never judged alone: FORFEITS says the agreement in so many words, MENTIONS speaks of it in a form that may
well be lawful («不得约定…», «经协议折价»). A text without either proves nothing; a person reads it.
"""

import re
from dataclasses import dataclass

from .words import Sentence, Text

_PLEDGEES = (
    "质权人",
    "债权人",
    "贷款人",
    "出借人",
    "受质人",
    "质押权人",
    "银行",
    "贵行",
    "我行",
    "本行",
    "乙方",
    "甲方",
    "丙方",
)
_PATENT = (
    r"(?:专利|质物|质押物|质押财产|出质权利|质押权利|质押标的|质押的权利|标的物|所有权|权利人|该权利|上述权利|知识产权)"
)
_ALIAS = re.compile(
    r"(出质人|质权人|贷款人|借款人|债务人|债权人)[（(](?:以下简称|下称|简称|即|以下称)?[“\"「]?(甲方|乙方|丙方)"
)
_HEAD = re.compile(r"(甲方|乙方|丙方)[（(](?:[^）)]{0,6})?(出质人|质权人|债权人|贷款人|债务人|借款人)")
_LAWFUL = re.compile(r"折价|协商|协议|拍卖|变卖|经.{0,8}(?:同意|确认)")
_FORBIDS = re.compile(
    r"不得|禁止|严禁|无权|不可|不应|不允许|并不|不因|不会|不当然|不自动|不直接|不归|不属于|不发生|不享有|不取得|不构成|不转移"
)
_FORBIDS_AGREEING = re.compile(
    r"(?:不得|禁止|严禁|不可|不应|不允许|均未|没有).{0,40}约定|约定.{0,60}(?:无效|不发生效力|不具)"
)


@dataclass(frozen=True, slots=True)
class Clause:
    """A sentence as it stands. `forfeits`: it says so; else it only speaks of it."""

    sentence: str
    line: str
    forfeits: bool


def find(text: Text) -> list[Clause]:
    """Every sentence that gives the patent to the pledgee, or speaks of that; in the order of the contract."""
    patterns = _patterns(_pledgees(text.flat))
    found = []
    for sentence in text.sentences():
        match = next((m for p in patterns if (m := p.search(sentence.text))), None)
        if match is not None and re.search(_PATENT, sentence.text):
            found.append(_clause(text, sentence, match))
    return found


def _clause(text: Text, sentence: Sentence, match: re.Match[str]) -> Clause:
    before = sentence.text[: match.end()]
    own = re.split(r"[，、：]", before)[-1]  # the part of the sentence in which it happens
    lawful = bool(_FORBIDS.search(own) or _FORBIDS_AGREEING.search(sentence.text) or _LAWFUL.search(own))
    shown = text.line_at(sentence.start, sentence.start + len(sentence.text))
    return Clause(sentence.text.strip("，、：")[:400], shown, not lawful)


def _pledgees(flat: str) -> list[str]:
    """What the contract calls the pledgee: an alias that is somebody else's does not count."""
    mine: set[str] = set()
    others: set[str] = set()
    for who, alias in [(m[1], m[2]) for m in _ALIAS.finditer(flat)] + [(m[2], m[1]) for m in _HEAD.finditer(flat)]:
        (mine if who in ("质权人", "债权人", "贷款人") else others).add(alias)
    return [word for word in _PLEDGEES if word not in others - mine]


def _patterns(names: list[str]) -> list[re.Pattern[str]]:
    pledgee = f"(?:{'|'.join(names)})"
    at_once = (
        r"(?:即|便|就|则|可以|可|有权|自动|直接|当然|自然|无条件|立即|将|应当|应|得|依法|单方|随时|届时|无须|无需|而)*"
    )
    far = r"(?!以外|之外|或其指定的拍卖|同意|的同意|优先受偿|保管|占有保管|书面)"
    patent = _PATENT
    return [
        # 专利权归质权人所有
        re.compile(rf"(?:转归|划归|归属于?|归于|归|属于)(?:由)?{pledgee}{far}"),
        # 专利权转移给 / 过户至 / 变更登记到 质权人名下
        re.compile(
            rf"(?:转移|移转|转让|过户|变更|让与|让渡|划转|转登记|转)(?:登记)?(?:给|至|到|于|为|予|归|入)+{pledgee}(?!以外|之外)"
        ),
        re.compile(r"(?:转移|移转|转让|过户|变更|登记)(?:登记)?(?:给|至|到|在|于|为)*(?:自己|其)(?:名下|所有)"),
        # 质权人自动取得专利权
        re.compile(
            rf"{pledgee}{at_once}(?:取得|获得|享有|拥有|受让|接收|接管)(?:上述|该|前述|全部|本合同项下|出质的|质押的|所质押)*(?:的)?{patent}(?!的?(?:质权|优先|拍卖|变价|处分))"
        ),
        re.compile(rf"{pledgee}{at_once}成为.{{0,12}}(?:专利权人|权利人|所有人|所有权人)"),
        # 以专利权抵偿债务
        re.compile(
            rf"{patent}.{{0,10}}(?:直接|自动|全部|当然|即|可|应|用于|用以|作价|折价)*(?:抵偿|抵债|抵顶|折抵|冲抵|抵作|抵充|抵付)"
        ),
        re.compile(rf"(?:以|用|将).{{0,14}}{patent}.{{0,14}}(?:抵偿|抵债|抵顶|折抵|冲抵|抵作|抵充|抵付)"),
        # 出质人丧失专利权
        re.compile(rf"(?:出质人|甲方|乙方|债务人).{{0,8}}(?:自动|当然|即|立即)?(?:丧失|失去).{{0,10}}{patent}"),
    ]
