"""Forms of the valuation pages: money in 万元, rates in percent."""

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from django import forms

from portal.foundation.assets.models import Patent
from portal.foundation.core.forms import AmountWanField, CheckboxCards, DateField, PortalForm

from . import indicators, scoring
from .approaches import Comparable, Cost, Income
from .models import Scene, ValuedPatent

DEALS = 5  # comparable deals on the page
AS_IT_IS = Decimal(100)  # percent of a correction that corrects nothing: what stands in an empty row
NOTHING = Decimal("0.00")


class Percent(forms.DecimalField):
    """A rate in percent with at most two decimals."""

    unit = "%"

    def __init__(self, low: str, high: str, **kwargs: Any) -> None:
        kwargs.setdefault("widget", forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}))
        super().__init__(min_value=Decimal(low), max_value=Decimal(high), decimal_places=2, max_digits=6, **kwargs)


class Versioned(PortalForm):
    """Carries the version the page showed, so that a colleague's work is not overwritten."""

    version = forms.IntegerField(
        widget=forms.HiddenInput,
        min_value=0,
        max_value=10**9,
        error_messages={"required": "页面不完整，请重新打开后再填写。", "invalid": "页面不完整，请重新打开后再填写。"},
    )


class StartForm(PortalForm):
    """Which patents, and what for. Designs are not offered; choosing one anyway is refused in words by the action."""

    patents = forms.MultipleChoiceField(label="要评估的专利", widget=CheckboxCards, required=False)
    scene = forms.ChoiceField(label="用途场景", choices=Scene.choices, help_text="不同场景的指标权重不同。")
    purpose = forms.CharField(label="评估目的", max_length=200, required=False, help_text="例如：向银行申请质押贷款。")

    def __init__(self, *args: Any, patents: Iterable[Patent], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices: Any = self.fields["patents"]
        choices.choices = [(str(p.pk), p.title) for p in patents]
        choices.widget.hints = {str(p.pk): f"{p.dotted}，{p.get_kind_display()}" for p in patents}


class IncomeForm(Versioned):
    revenue = AmountWanField(label="使用专利的产品首年收入", help_text="评估日之后第一年的预计收入。")
    growth = Percent("-50", "50", label="收入年增长率", help_text="下降填负数，例如 -3。")
    share = Percent("0.01", "100", label="收入分成率", help_text="收入中归功于所评专利的比例。")
    tax = Percent("0", "60", label="所得税率")
    discount = Percent("0.5", "60", label="折现率", help_text="每年末折现一次。")
    years = forms.IntegerField(
        label="收益年限", min_value=1, max_value=20, help_text="不超过最早届满专利的剩余保护期。"
    )

    def given(self) -> Income:
        data = self.cleaned_data
        return Income(**{name: data[name] for name in ("revenue", "growth", "share", "tax", "discount", "years")})

    @staticmethod
    def initial_of(given: Income) -> dict[str, Any]:
        return {name: _shown(getattr(given, name), name == "revenue") for name in given.__slots__}


class CostForm(Versioned):
    labour = AmountWanField(label="研发人工", required=False)
    materials = AmountWanField(label="材料和试制", required=False)
    equipment = AmountWanField(label="设备折旧和租用", required=False)
    other = AmountWanField(label="申请、代理、年费和其他", required=False)
    profit = Percent("0", "100", label="合理利润率", help_text="在成本上加计的比例。")
    obsolescence = Percent("0", "100", label="贬值率", help_text="因技术更新和保护期缩短而减少的比例。")

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        names = ("labour", "materials", "equipment", "other")
        if not any(data.get(n) or n in self.errors for n in names):
            self.add_error("labour", "至少填写一项成本。")
        if data.get("obsolescence") == 100:
            self.add_error("obsolescence", "贬值率为 100% 时没有价值可评，请核对。")
        return data

    def given(self) -> Cost:
        data = self.cleaned_data
        costs = {name: data[name] or NOTHING for name in ("labour", "materials", "equipment", "other")}
        return Cost(**costs, profit=data["profit"], obsolescence=data["obsolescence"])

    @staticmethod
    def initial_of(given: Cost) -> dict[str, Any]:
        rates = ("profit", "obsolescence")
        return {name: _shown(getattr(given, name), name not in rates) or "" for name in given.__slots__}


class MarketForm(Versioned):
    """Up to five comparable deals; a row counts when it has a name."""

    COLUMNS = ("name", "price", "technology", "rights", "timing", "weight")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for row in range(1, DEALS + 1):
            first = row == 1
            ratio = {"required": False, "initial": "100"}
            self.fields |= {
                f"name_{row}": forms.CharField(label="交易和来源", max_length=120, required=first),
                f"price_{row}": AmountWanField(label="成交价", required=first),
                f"technology_{row}": Percent("10", "300", label="技术修正", **ratio),
                f"rights_{row}": Percent("10", "300", label="权利和剩余年限修正", **ratio),
                f"timing_{row}": Percent("10", "300", label="时间和市场修正", **ratio),
                f"weight_{row}": Percent("0", "100", label="权重", required=first),
            }
        for name, field in self.fields.items():  # added after the base class worded its own
            if name == "version":
                continue
            field.error_messages["required"] = f"请填写{field.label}。"
            if isinstance(field, forms.DecimalField):
                field.error_messages["invalid"] = "请填写数字，例如 100。"

    @property
    def rows(self) -> list[tuple[int, list[forms.BoundField]]]:
        return [(row, [self[f"{name}_{row}"] for name in self.COLUMNS]) for row in range(1, DEALS + 1)]

    def _used(self, data: Mapping[str, Any]) -> list[int]:
        return [r for r in range(1, DEALS + 1) if data.get(f"name_{r}") or data.get(f"price_{r}")]

    def _begun(self, data: Mapping[str, Any]) -> list[int]:
        """Rows without name and price in which something else was typed."""
        typed = {
            r: (data.get(f"weight_{r}") is not None)
            or any(data.get(f"{name}_{r}") not in (None, AS_IT_IS) for name in ("technology", "rights", "timing"))
            for r in range(1, DEALS + 1)
        }
        return [r for r in sorted(set(typed) - set(self._used(data))) if typed[r]]

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        for row in self._begun(data):
            if not {f"name_{row}", f"price_{row}"} & set(self.errors):
                self.add_error(f"name_{row}", "填写交易和来源、成交价；不用这一笔的，请清空权重，修正都填 100。")
        for row in self._used(data):
            for name in self.COLUMNS:
                if data.get(f"{name}_{row}") in (None, "") and f"{name}_{row}" not in self.errors:
                    self.add_error(f"{name}_{row}", "这一笔交易要填完整。")
        total = sum((data.get(f"weight_{r}") or 0 for r in self._used(data)), Decimal(0))
        if not self.errors and total != 100:
            self.add_error("weight_1", f"各笔交易的权重合计应为 100%，现在是 {total}%。")
        return data

    def given(self) -> tuple[Comparable, ...]:
        data = self.cleaned_data
        return tuple(Comparable(**{name: data[f"{name}_{row}"] for name in self.COLUMNS}) for row in self._used(data))

    @staticmethod
    def initial_of(given: tuple[Comparable, ...]) -> dict[str, Any]:
        return {
            f"{name}_{row}": _shown(getattr(deal, name), name == "price")
            for row, deal in enumerate(given, start=1)
            for name in MarketForm.COLUMNS
        }


FORMS: Mapping[str, type[IncomeForm] | type[MarketForm] | type[CostForm]] = {
    "income": IncomeForm,
    "market": MarketForm,
    "cost": CostForm,
}


class SharesForm(Versioned):
    """The weight of each approach that is used."""

    def __init__(self, *args: Any, used: Mapping[str, str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for kind, name in used.items():
            self.fields[kind] = Percent("0", "100", label=f"{name}的权重")
            self.fields[kind].error_messages |= {
                "required": f"请填写{name}的权重。",
                "invalid": "请填写数字，例如 50。",
            }

    def shares(self) -> dict[str, Decimal]:
        return {name: value for name, value in self.cleaned_data.items() if name != "version"}


class FinalForm(Versioned):
    valid_until = DateField(label="有效期至", help_text="明天起一年之内。")

    def __init__(self, *args: Any, suggested: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["valid_until"].initial = suggested


class ScoresForm(Versioned):
    """Scores and evidence of the indicators a person judges; empty is «not yet»."""

    def __init__(self, *args: Any, row: ValuedPatent, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.row = row
        for indicator in indicators.INDICATORS:
            if indicator.automatic:
                continue
            kept = row.entry(indicator.code)
            score = forms.IntegerField(
                label=indicator.name,
                help_text=indicator.hint,
                min_value=0,
                max_value=100,
                required=False,
                initial=kept.get("score"),
                widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
            )
            score.unit = "分"  # type: ignore[attr-defined]  # read by the field template
            score.error_messages["invalid"] = "请填写 0 到 100 的整数。"
            self.fields[indicator.code] = score
            self.fields[f"{indicator.code}_why"] = forms.CharField(
                label=f"{indicator.name}的依据",
                max_length=scoring.LONGEST_EVIDENCE,
                required=False,
                initial=kept.get("evidence"),
            )

    def tree(self) -> list[tuple[str, list[tuple[str, list[Any]]]]]:
        """Per first level, per second level: either a pair of fields or the automatic score."""
        return [(d.name, [(g.name, [self._leaf(i) for i in g.indicators]) for g in d.groups]) for d in indicators.TREE]

    def _leaf(self, indicator: indicators.Indicator) -> dict[str, Any]:
        if indicator.automatic:
            return {"indicator": indicator, "kept": self.row.entry(indicator.code)}
        return {"indicator": indicator, "score": self[indicator.code], "why": self[f"{indicator.code}_why"]}

    def given(self) -> dict[str, tuple[int | None, str]]:
        data = self.cleaned_data
        return {i.code: (data[i.code], data[f"{i.code}_why"]) for i in indicators.INDICATORS if not i.automatic}

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        for indicator in indicators.INDICATORS:
            score, why = data.get(indicator.code), data.get(f"{indicator.code}_why")
            if indicator.automatic:
                continue
            if score is not None and not why:
                self.add_error(f"{indicator.code}_why", f"请写明“{indicator.name}”打分的依据。")
            if score is None and why and indicator.code not in self.errors:
                self.add_error(indicator.code, scoring.UNSCORED)
        return data


class WeightsForm(PortalForm):
    """27 weights in percent, together 100."""

    seen = forms.IntegerField(widget=forms.HiddenInput, min_value=0, max_value=10**5)
    confirmed = forms.BooleanField(
        label="已对照标准原文或主管部门意见确认", required=False, help_text="不勾选的，页面和报告上标注“待确认”。"
    )
    note = forms.CharField(label="依据", max_length=300, help_text="例如文件名称、会议或研究结论。")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for indicator in indicators.INDICATORS:
            field = Percent("0", "100", label=indicator.name)
            field.error_messages |= {"required": f"请填写“{indicator.name}”的权重，不用的填 0。"}
            field.error_messages["invalid"] = "请填写数字，例如 3.5。"
            self.fields[indicator.code] = field

    def tree(self) -> list[tuple[str, list[tuple[str, list[forms.BoundField]]]]]:
        return [(d.name, [(g.name, [self[i.code] for i in g.indicators]) for g in d.groups]) for d in indicators.TREE]

    def weights(self) -> dict[str, Decimal]:
        return {code: self.cleaned_data[code] for code in indicators.BY_CODE}


def _shown(value: Any, money: bool) -> Any:
    """A rate without trailing zeros; money stays Decimal, which AmountWanField shows in 万元."""
    return value if money or not isinstance(value, Decimal) else f"{value.normalize():f}"
