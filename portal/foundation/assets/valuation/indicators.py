"""The tree of indicators that GB/T 42748-2023 prescribes by number: 3, 14 and 27, for inventions and utility models.

The standard's own names and weights are not in any source we could read. The three first-level names are (domain facts §5);
the other names are ours and say so wherever they are shown (`NAMES_NOTE`).
"""

from collections.abc import Iterator
from dataclasses import dataclass

NAMES_NOTE = "二级、三级指标名称为本平台表述，待对照标准原文。"
DESIGN_REFUSED = "外观设计专利不在 GB/T 42748-2023 的适用范围内，不能在这里评估。请只选发明专利和实用新型专利。"


@dataclass(frozen=True, slots=True)
class Indicator:
    """A third-level indicator. `hint` says what 0 and 100 mean; `automatic` ones are read from the patent's own data."""

    code: str
    name: str
    hint: str
    automatic: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """A second-level indicator."""

    code: str
    name: str
    indicators: tuple[Indicator, ...]


@dataclass(frozen=True, slots=True)
class Dimension:
    """A first-level indicator."""

    code: str
    name: str
    groups: tuple[Group, ...]

    @property
    def indicators(self) -> tuple[Indicator, ...]:
        return tuple(i for g in self.groups for i in g.indicators)


def _i(code: str, name: str, hint: str, *, automatic: bool = False) -> Indicator:
    return Indicator(code, name, hint, automatic)


LEGAL = Dimension(
    "L",
    "法律价值",
    (
        Group("L1", "权利是否有效", (
            _i("L11", "法律状态", "有效为 100，未授权或已失效为 0", automatic=True),
            _i("L12", "剩余保护期", "剩余年数占 20 年的比例", automatic=True),
        )),
        Group("L2", "权利是否稳固", (
            _i("L21", "无效程序", "没有无效宣告程序为 100，程序中为 20", automatic=True),
            _i("L22", "专利类型", "发明经过实质审查为 100，实用新型为 60", automatic=True),
        )),
        Group("L3", "权利归属与限制", (
            _i("L31", "共有情况", "单独所有为 100，每多一位共有人减 20", automatic=True),
            _i("L32", "质押、中止和保全", "没有限制为 100，质押中为 40，中止或保全为 0", automatic=True),
        )),
        Group("L4", "保护范围", (_i("L41", "权利要求的覆盖", "独立权利要求覆盖全部主要方案为 100"),)),
        Group("L5", "维权和地域", (
            _i("L51", "侵权可识别程度", "从产品即可识别为 100，须进入他人工厂才能识别为 0"),
            _i("L52", "同族布局", "主要市场都有同族专利为 100，仅国内一件为 40"),
        )),
    ),
)  # fmt: skip
TECHNICAL = Dimension(
    "T",
    "技术价值",
    (
        Group("T1", "先进程度", (
            _i("T11", "与现有技术相比的改进", "解决长期未解决的问题为 100"),
            _i("T12", "引用情况", "被他人专利多次引用为 100"),
        )),
        Group("T2", "成熟程度", (
            _i("T21", "所处阶段", "已量产为 100，试制为 60，仅有方案为 20"),
            _i("T22", "实施条件", "现有设备和原料即可实施为 100"),
        )),
        Group("T3", "替代难度", (
            _i("T31", "替代方案", "没有可用的替代方案为 100"),
            _i("T32", "规避难度", "无法绕开权利要求为 100"),
        )),
        Group("T4", "适用范围", (
            _i("T41", "应用领域", "可用于多个行业为 100"),
            _i("T42", "与产品和标准的关系", "主要产品或标准必须采用为 100"),
        )),
    ),
)  # fmt: skip
ECONOMIC = Dimension(
    "E",
    "经济价值",
    (
        Group("E1", "市场", (
            _i("E11", "市场规模", "对照所在行业的公开数据打分"),
            _i("E12", "市场增长", "快速增长为 100，萎缩为 0"),
        )),
        Group("E2", "竞争", (
            _i("E21", "市场份额", "专利产品在细分市场领先为 100"),
            _i("E22", "竞争对手", "没有同类产品为 100"),
        )),
        Group("E3", "收益", (
            _i("E31", "专利产品收入", "占企业收入的主要部分为 100"),
            _i("E32", "利润贡献", "毛利率明显高于同类产品为 100"),
        )),
        Group("E4", "运用", (
            _i("E41", "自行实施", "已在主要产品上实施为 100"),
            _i("E42", "许可和转让", "有正在履行的许可合同为 100"),
        )),
        Group("E5", "变现", (
            _i("E51", "可比交易", "有多笔相近的公开交易为 100"),
            _i("E52", "融资记录", "曾以本专利取得贷款并按期归还为 100"),
        )),
    ),
)  # fmt: skip
TREE = (LEGAL, TECHNICAL, ECONOMIC)
INDICATORS: tuple[Indicator, ...] = tuple(i for d in TREE for i in d.indicators)
BY_CODE = {i.code: i for i in INDICATORS}


def groups() -> Iterator[Group]:
    for dimension in TREE:
        yield from dimension.groups
