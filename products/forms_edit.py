"""The form in which an institution writes a product, and the small ones of its verbs and of the review."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from django import forms

from portal.foundation.accounts.models import District, OrganisationKind
from portal.foundation.accounts.queries import industry_choices
from portal.foundation.assets.models import IPKind
from portal.foundation.core.forms import AmountWanField, CheckboxCards, DateField, PortalForm, RadioCards

from . import conditions
from .models import LprTerm, Mode, Product, Repayment

_MOST_DOCUMENTS, _LONGEST_DOCUMENT = 20, 80
_SIDE = {"class": "side"}


def _number(label: str, *, most: int, unit: str, help_text: str = "", least: int = 1) -> forms.IntegerField:
    field = forms.IntegerField(
        label=label,
        min_value=least,
        max_value=most,
        required=False,
        help_text=help_text,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )
    field.unit = unit  # type: ignore[attr-defined]
    return field


def _percent(label: str, *, most: int, places: int, help_text: str = "") -> forms.DecimalField:
    field = forms.DecimalField(
        label=label,
        min_value=Decimal(0),
        max_value=Decimal(most),
        max_digits=most.bit_length() // 3 + 2 + places,
        decimal_places=places,
        required=False,
        help_text=help_text,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
        error_messages={"max_decimal_places": f"最多写 {places} 位小数。"},
    )
    field.unit = "%"  # type: ignore[attr-defined]
    return field


class ProductForm(PortalForm):
    """All terms of one product. Only the name, the mode and the sentence are needed for a draft; the rest before the review.

    The conditions as data come from products/conditions.py (`extra_fields`, `extra_values` below).
    """

    seen = forms.CharField(required=False, max_length=40, widget=forms.HiddenInput)
    name = forms.CharField(label="产品名称", max_length=80)
    mode = forms.ChoiceField(label="模式", choices=Mode.choices, widget=RadioCards(attrs=_SIDE))
    summary = forms.CharField(label="一句话介绍", max_length=200, help_text="企业在产品矩阵里看到的第一句话。")
    ip_kinds = forms.MultipleChoiceField(
        label="可质押的知识产权", choices=IPKind.choices, required=False, widget=CheckboxCards(attrs=_SIDE)
    )
    combined = forms.BooleanField(label="可以组合质押（专利、商标、著作权一起出质）", required=False)
    pledge_rate = _percent("质押率上限", most=100, places=2, help_text="贷款金额与评估价值之比的上限。")
    amount_min = AmountWanField(label="最低金额", required=False)
    amount_max = AmountWanField(label="最高金额", required=False)
    term_min = _number("最短期限", most=360, unit="个月")
    term_max = _number("最长期限", most=360, unit="个月", help_text="超过 12 个月标“中期”，超过 60 个月标“长期”。")
    rate_from = _percent("最低年利率或费率", most=36, places=3)
    rate_to = _percent("最高年利率或费率", most=36, places=3)
    lpr_term = forms.ChoiceField(label="LPR 期限品种", choices=[("", "不跟随 LPR"), *LprTerm.choices], required=False)
    lpr_rate = _percent("该期 LPR 报价", most=36, places=3)
    lpr_spread = _number("LPR 加点", least=-500, most=2000, unit="个基点", help_text="1 个基点是 0.01%；减点写负数。")
    lpr_date = DateField(label="LPR 报价日期", required=False)
    rate_note = forms.CharField(label="利率说明", max_length=120, required=False)
    repayment = forms.MultipleChoiceField(
        label="还款方式", choices=Repayment.choices, required=False, widget=CheckboxCards(attrs=_SIDE)
    )
    online = forms.BooleanField(label="支持线上办理", required=False)
    districts = forms.MultipleChoiceField(
        label="适用区县",
        required=False,
        help_text="不选为全市；选了的，其他区县的企业不符合。",
        widget=CheckboxCards(attrs=_SIDE),
    )
    conditions = forms.CharField(
        label="适用条件", max_length=300, required=False, widget=forms.Textarea(attrs={"rows": 3})
    )
    documents = forms.CharField(
        label="所需材料",
        required=False,
        max_length=2000,
        help_text=f"一行一项，最多 {_MOST_DOCUMENTS} 项。",
        widget=forms.Textarea(attrs={"rows": 4}),
    )
    valid_from = DateField(label="有效期自", required=False)
    valid_until = DateField(label="有效期至", required=False, help_text="不填为长期有效。")
    note = forms.CharField(
        label="修改说明", max_length=200, required=False, help_text="随这一版公开，说明改了什么、为什么。"
    )

    SECTIONS: Sequence[tuple[str, Sequence[str]]] = (
        ("产品", ("name", "mode", "summary")),
        ("质押", ("ip_kinds", "combined", "pledge_rate")),
        ("金额和期限", ("amount_min", "amount_max", "term_min", "term_max")),
        ("价格", ("rate_from", "rate_to", "lpr_term", "lpr_rate", "lpr_spread", "lpr_date", "rate_note", "repayment")),
        ("条件和材料", ("conditions", "documents", "online", "valid_from", "valid_until", "districts")),
    )

    def __init__(self, *args: Any, kind: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        districts = District.objects.filter(current=True).values_list("code", "name")
        self.fields["districts"].choices = list(districts)  # type: ignore[attr-defined]
        for code, label in IPKind.choices:
            self.fields[f"pledge_rate_{code}"] = _percent(f"{label}的质押率", most=100, places=2)
        if kind != OrganisationKind.BANK:
            for name, word in (("rate_from", "最低年费率"), ("rate_to", "最高年费率")):
                self.fields[name].label = word
            for name in ("lpr_term", "lpr_rate", "lpr_spread", "lpr_date", "repayment"):
                del self.fields[name]
        self._extra = extra_fields()
        self.fields.update(self._extra)

    @property
    def sections(self) -> list[tuple[str, list[forms.BoundField]]]:
        """The fields as the page groups them; what a hook adds stands in its own section."""
        rates = [f"pledge_rate_{code}" for code in IPKind.values]
        found = [
            (title, [self[name] for name in ([*names, *rates] if title == "质押" else names) if name in self.fields])
            for title, names in self.SECTIONS
        ]
        if extra := list(self._extra):
            found.append(("准入条件", [self[name] for name in extra]))
        return found

    def clean_documents(self) -> list[str]:
        lines = [line.strip() for line in self.cleaned_data["documents"].splitlines() if line.strip()]
        if len(lines) > _MOST_DOCUMENTS:
            raise forms.ValidationError(f"最多 {_MOST_DOCUMENTS} 项，现在是 {len(lines)} 项。")
        if long := next((line for line in lines if len(line) > _LONGEST_DOCUMENT), None):
            raise forms.ValidationError(f"“{long[:12]}…”超过 {_LONGEST_DOCUMENT} 个字，请缩短。")
        return lines

    def clean(self) -> None:
        for field, said in contradictions(self.cleaned_data).items():
            if field in self.fields and field not in self.errors:
                self.add_error(field, said)

    def values(self) -> dict[str, Any]:
        """Terms by column, as the model has them. A rate that follows the LPR is worked out where it is not given."""
        typed = dict(self.cleaned_data)
        rates = {code: typed.pop(f"pledge_rate_{code}", None) for code in IPKind.values}
        for name in ("seen", "note"):
            typed.pop(name)
        extra = {name: typed.pop(name) for name in self._extra}
        typed["pledge_rates"] = {code: f"{rate:.2f}" for code, rate in rates.items() if rate is not None}
        return with_floating_rate(typed) | extra_values(extra)


def extra_fields() -> dict[str, forms.Field]:
    """The conditions that can be held against an enterprise. Districts are a term of the product, asked once above."""
    fields = conditions.form_fields(
        conditions.Names(industries={letter: name for letter, name in industry_choices() if letter})
    )
    return {name: field for name, field in fields.items() if name != conditions.FIELD_OF_DISTRICTS}


def extra_values(cleaned: Mapping[str, Any]) -> dict[str, Any]:
    """What those fields mean as columns of the product."""
    return {"requirements": conditions.from_form(cleaned)}


_IN_ORDER = (
    ("amount_min", "amount_max", "最高金额不能低于最低金额。"),
    ("term_min", "term_max", "最长期限不能短于最短期限。"),
    ("rate_from", "rate_to", "最高利率不能低于最低利率。"),
    ("valid_from", "valid_until", "有效期至不能早于有效期自。"),
)


def contradictions(typed: Mapping[str, Any]) -> dict[str, str]:
    """Terms that cannot stand together: column → sentence. For the form and for imported rows."""
    worked = with_floating_rate({**typed, "rate_from": None}).get("rate_from")
    typed = with_floating_rate(typed)
    said = {
        high: word
        for low, high, word in _IN_ORDER
        if typed.get(low) is not None and typed.get(high) is not None and typed[high] < typed[low]
    }
    if typed.get("lpr_spread") is not None:
        if not typed.get("lpr_term"):
            said["lpr_term"] = "填写了 LPR 加点，请选择期限品种。"
        if typed.get("lpr_date") is None:
            said["lpr_date"] = "填写了 LPR 加点，请填写是哪一天的报价。"
    elif any(typed.get(name) for name in ("lpr_term", "lpr_rate", "lpr_date")):
        said["lpr_spread"] = "跟随 LPR 的，请填写加点；不加点写 0。"
    if worked is not None and typed["rate_from"] != worked:
        said["rate_from"] = f"按 LPR 和加点应为 {worked.normalize():f}%，请改正，或清空由系统计算。"
    return said


def with_floating_rate(typed: Mapping[str, Any]) -> dict[str, Any]:
    """LPR plus the spread (a basis point is 0.01 %) as the lowest rate, where that is not given."""
    made = dict(typed)
    if made.get("rate_from") is None and made.get("lpr_rate") is not None and made.get("lpr_spread") is not None:
        made["rate_from"] = max(made["lpr_rate"] + Decimal(made["lpr_spread"]) / 100, Decimal(0))
    return made


def initial(product: Product) -> dict[str, Any]:
    """What the form shows of a product (or of a draft put onto one)."""
    names = [name for name in ProductForm.base_fields if name not in ("seen", "note", "documents")]
    shown: dict[str, Any] = {name: getattr(product, name) for name in names}
    shown["documents"] = "\n".join(product.documents)
    shown |= {f"pledge_rate_{code}": Decimal(rate) for code, rate in product.pledge_rates.items()}
    return shown | conditions.initial_of(product.requirements)


class ReasonForm(PortalForm):
    """Why: read by the other side."""

    reason = forms.CharField(label="原因", max_length=200, widget=forms.Textarea(attrs={"rows": 3}))


class ReturnForm(PortalForm):
    reason = forms.CharField(
        label="退回理由",
        max_length=300,
        help_text="机构据此修改，请写明改哪里。",
        widget=forms.Textarea(attrs={"rows": 3}),
    )


class StaleDaysForm(PortalForm):
    """After how many days a product must be confirmed."""

    days = forms.IntegerField(label="确认期限", min_value=7, max_value=1095)
    ground = forms.CharField(label="依据", max_length=200)
    days.unit = "天"  # type: ignore[attr-defined]
