"""Forms of the patent pages."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from django import forms
from django.forms.formsets import BaseFormSet

from portal.foundation.core.display import full_date_cn
from portal.foundation.core.forms import DateField, PatentNumberField, PortalForm, UsccField
from portal.foundation.core.identifiers import PatentKind, PatentNumber, expiry_date, patent_life_years

from .actions import Facts
from .models import Patent

MAX_CO_OWNERS = 20
_LONGEST_EXTENSION = 10  # years beyond the term of the law; more is a slip of the year


@dataclass(frozen=True, slots=True)
class Computed:
    """What number and filing date say by themselves, shown while typing."""

    number: PatentNumber
    filing_date: date | None
    expires_on: date | None
    years: int | None

    @property
    def years_differ(self) -> bool:
        """A divisional or an international application may have been filed in an earlier year than its number says."""
        return self.filing_date is not None and self.filing_date.year != self.number.year


def compute(number: PatentNumber, filing_date: date | None) -> Computed:
    if filing_date is None:
        return Computed(number, None, None, None)
    return Computed(
        number,
        filing_date,
        expiry_date(number.kind, filing_date),
        patent_life_years(number.kind, filing_date),
    )


class FactsForm(PortalForm):
    """Everything about a patent but its number."""

    title = forms.CharField(label="专利名称", max_length=200)
    patentee = forms.CharField(
        label="登记簿上的专利权人",
        max_length=200,
        help_text="按专利登记簿或证书填写；有共有人的，这里写贵企业，共有人写在下面。",
    )
    filing_date = DateField(label="申请日", help_text="届满日从申请日起算，不是授权日。")
    grant_date = DateField(label="授权公告日", required=False, help_text="已授权的必填。")
    status = forms.ChoiceField(label="法律状态", choices=Patent.Status.choices)
    fee_paid_until = DateField(
        label="年费缴至", required=False, help_text="最近一次年费管到哪一天。欠费的专利不予登记，缴费期满前请先缴。"
    )
    preserved = forms.BooleanField(label="处于权属纠纷中止程序，或被法院保全", required=False)
    invalidation_pending = forms.BooleanField(label="已被提起无效宣告请求", required=False)
    same_day_twin = PatentNumberField(
        label="同日申请的发明专利申请号",
        required=False,
        help_text="只有实用新型需要填：同一天就同样的发明另外申请了发明专利的，写那件申请号。",
    )
    expires_on = DateField(
        label="届满日（只在与法定期限不同时填）",
        required=False,
        help_text="例如获得专利权期限补偿。不填就按申请日计算。",
    )
    expiry_note = forms.CharField(label="届满日不同的原因", max_length=200, required=False)
    seen = forms.CharField(widget=forms.HiddenInput, required=False, max_length=16)

    MAIN = ("title", "patentee", "filing_date", "grant_date", "status", "fee_paid_until")
    RISKS = ("preserved", "invalidation_pending", "same_day_twin")
    EXPIRY = ("expires_on", "expiry_note")

    def __init__(self, *args: Any, today: date, number: PatentNumber | None = None, **kwargs: Any) -> None:
        self.today, self.known = today, number
        super().__init__(*args, **kwargs)
        self.fields["grant_date"].depends = True  # type: ignore[attr-defined] # needed once granted

    def main_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in self.MAIN]

    def risk_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in self.RISKS]

    def expiry_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in self.EXPIRY]

    def expiry_wanted(self) -> bool:
        """Whether the rarely needed part opens by itself."""
        return any(self[name].value() or self[name].errors for name in self.EXPIRY)

    def seen_now(self, state: str) -> None:
        """The next press of the button is made knowing what is stored now."""
        self.data = {**{k: self.data.get(k, "") for k in self.data}, "seen": state}

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        filed, granted = data.get("filing_date"), data.get("grant_date")
        if filed and filed > self.today:
            self.add_error("filing_date", "申请日不能晚于今天，请对照专利证书核对。")
        if granted and granted > self.today:
            self.add_error("grant_date", "授权公告日不能晚于今天，请对照专利证书核对。")
        elif filed and granted and granted <= filed:
            self.add_error("grant_date", "授权公告日应晚于申请日，请核对两个日期是否填反。")
        if data.get("status") == Patent.Status.GRANTED and granted is None and "grant_date" not in self.errors:
            self.add_error(
                "grant_date", "有效专利请填写授权公告日，印在专利证书上；还没有授权的，请把法律状态改为“申请中”。"
            )
        if self.known is not None:
            self._check_by_number(self.known, data)
        return data

    def _check_by_number(self, number: PatentNumber, data: dict[str, Any]) -> None:
        """What depends on the kind and the year that the number tells."""
        filed, ends, twin = data.get("filing_date"), data.get("expires_on"), data.get("same_day_twin")
        if filed and filed.year > number.year:
            said = f"专利号 {number.dotted} 是 {number.year} 年的号码，申请日不会晚于那一年，请核对专利号和申请日。"
            self.add_error("filing_date", said)
        if twin and number.kind is not PatentKind.UTILITY:
            self.add_error("same_day_twin", "只有实用新型需要填同日申请的发明专利申请号，请清空这一栏。")
        elif twin and twin.kind is not PatentKind.INVENTION:
            self.add_error("same_day_twin", "这里要填发明专利的申请号，现在的号码不是发明专利。")
        if not filed or not ends:
            return
        lawful = expiry_date(number.kind, filed)
        if ends == lawful:
            data["expires_on"], data["expiry_note"] = None, ""
        elif ends <= filed:
            self.add_error("expires_on", "届满日应晚于申请日，请核对。")
        elif ends.year > lawful.year + _LONGEST_EXTENSION:
            said = f"按申请日计算于 {full_date_cn(lawful)} 届满，填写的日期晚了 10 年以上，请核对年份。"
            self.add_error("expires_on", said)
        elif not data.get("expiry_note"):
            said = f"届满日与按申请日计算的 {full_date_cn(lawful)} 不同，请写明原因，例如“专利权期限补偿 180 天”。"
            self.add_error("expiry_note", said)

    def facts(self, co_owners: "BaseFormSet[CoOwnerForm]") -> Facts:
        data = self.cleaned_data
        twin: PatentNumber | None = data["same_day_twin"]
        return Facts(
            title=data["title"],
            patentee=data["patentee"],
            filing_date=data["filing_date"],
            grant_date=data["grant_date"],
            fee_paid_until=data["fee_paid_until"],
            status=data["status"],
            expires_on=data["expires_on"],
            expiry_note=data["expiry_note"],
            preserved=data["preserved"],
            invalidation_pending=data["invalidation_pending"],
            same_day_twin=twin.canonical if twin else "",
            co_owners=[
                (f.cleaned_data["name"], f.cleaned_data["uscc"]) for f in co_owners if f.cleaned_data.get("name")
            ],
        )


class PatentForm(FactsForm):
    """A new patent: the number first, because it says the kind."""

    number = PatentNumberField()
    field_order = ("number", *FactsForm.MAIN)

    def clean_number(self) -> PatentNumber:
        number: PatentNumber = self.cleaned_data["number"]
        self.known = number
        return number

    def computed(self) -> Computed | None:
        """What can be told already, even when other fields are wrong."""
        number = self.cleaned_data.get("number") if self.is_bound else None
        return compute(number, self.cleaned_data.get("filing_date")) if number else None


class CoOwnerForm(PortalForm):
    """One co-owner; an empty row is no co-owner."""

    name = forms.CharField(label="共有人名称", max_length=120, required=False)
    uscc = UsccField(required=False, help_text="自然人或不清楚的可以不填。")

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        if data.get("uscc") and not data.get("name") and "name" not in self.errors:
            self.add_error("name", "请填写共有人名称，或清空这一行。")
        return data


class _CoOwners(BaseFormSet):  # type: ignore[type-arg]  # generic to the type checker only
    def clean(self) -> None:
        seen: set[str] = set()
        for form in self.forms:
            name = (form.cleaned_data.get("name") or "").strip() if form.is_valid() else ""
            if name and name in seen:
                form.add_error("name", "这位共有人写了两次，请删去一行。")
            seen.add(name)


CoOwnerFormSet = forms.formset_factory(
    CoOwnerForm, formset=_CoOwners, extra=0, max_num=MAX_CO_OWNERS, validate_max=True, absolute_max=MAX_CO_OWNERS + 5
)


def co_owner_rows(data: Any = None, *, initial: list[dict[str, str]] | None = None, more: bool = False) -> Any:
    """The rows of co-owners; `more` adds an empty one to what was typed (the button works without a script)."""
    if data is None:
        return CoOwnerFormSet(initial=initial or [], prefix="co")
    if more:
        data = data.copy()
        count = data.get("co-TOTAL_FORMS", "0")
        data["co-TOTAL_FORMS"] = str(min((int(count) if count.isdecimal() else 0) + 1, MAX_CO_OWNERS))
    return CoOwnerFormSet(data, prefix="co")
