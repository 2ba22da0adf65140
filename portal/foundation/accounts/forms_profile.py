"""The form of an enterprise's own data, with what it states about itself for the conditions of products."""

from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from portal.foundation.core import moments
from portal.foundation.core.forms import CheckboxCards, DateField, PhoneField, PortalForm, RadioCards

from . import queries
from .forms import CompanyFields
from .models import NO_TIER, Organisation
from .tiers import Tier


class ProfileForm(PortalForm, CompanyFields):
    """An enterprise's own data. `seen` notices a colleague's change in between."""

    contact_name = forms.CharField(label="企业联系人", max_length=40)
    contact_phone = PhoneField(label="企业联系电话")
    founded_on = DateField(label="成立日期", required=False, help_text="营业执照上的成立日期；有的产品要求成立满几年。")
    tiers = forms.MultipleChoiceField(
        label="企业资质",
        required=False,
        help_text="只勾现在有效的，由企业自填，机构会核对证书；不勾按没有说明处理。",
        choices=[*Tier.choices, (NO_TIER, "以上都没有")],
        widget=CheckboxCards,
    )
    pledged_before = forms.ChoiceField(
        label="以前办理过知识产权质押吗",
        required=False,
        choices=[("", "先不说"), ("no", "没有"), ("yes", "办理过")],
        widget=RadioCards(attrs={"class": "side"}),
    )
    seen = forms.CharField(widget=forms.HiddenInput, required=False, max_length=16)

    COMPANY = ("name", "district", "industry", "address", "contact_name", "contact_phone")
    STATED = ("founded_on", "tiers", "pledged_before")
    field_order = COMPANY

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for tier in Tier:
            self.fields[f"until_{tier.value}"] = field = DateField(label=f"{tier.label}有效期至", required=False)
            field.error_messages["invalid"] = "日期的写法不对，应像 2027-12-31。"

    @property
    def company_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in self.COMPANY]

    @property
    def stated_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in self.STATED]

    @property
    def until_fields(self) -> list[forms.BoundField]:
        """The last valid day of each recognition."""
        return [self[f"until_{tier.value}"] for tier in Tier]

    @property
    def until_wanted(self) -> bool:
        """Whether the days have to be seen: one is filled in or wrong."""
        return any(field.errors or field.value() for field in self.until_fields)

    def clean_founded_on(self) -> date | None:
        day: date | None = self.cleaned_data["founded_on"]
        if day is not None and day > moments.local_date(moments.now()):
            raise ValidationError("成立日期不能晚于今天。", code="future")
        return day

    def clean_tiers(self) -> list[str]:
        chosen: list[str] = self.cleaned_data["tiers"]
        if NO_TIER in chosen and len(chosen) > 1:
            raise ValidationError("勾了“以上都没有”，就不要再勾其他资质；请去掉其中一边。", code="both")
        return chosen

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        for tier in Tier:
            if data.get(f"until_{tier.value}") and "tiers" in data and tier.value not in data["tiers"]:
                self.add_error(f"until_{tier.value}", f"填了有效期，但没有勾选“{tier.label}”；请勾选，或清空日期。")
        return data

    @staticmethod
    def initial_of(organisation: Organisation) -> dict[str, Any]:
        """What the form shows of an enterprise."""
        before = organisation.pledged_before
        return {
            **{name: getattr(organisation, name) for name in ("name", "address", "contact_name", "contact_phone")},
            "district": organisation.district_id,
            "industry": organisation.industry_id,
            "founded_on": organisation.founded_on,
            "tiers": list(organisation.tiers),
            "pledged_before": "" if before is None else "yes" if before else "no",
            **{f"until_{tier}": until for tier, until in organisation.tiers.items() if tier != NO_TIER},
            "seen": queries.state_of(organisation),
        }

    def seen_now(self, state: str) -> None:
        """The next press of the button is made knowing what the page now shows as current."""
        self.data = {**{name: self.data.get(name, "") for name in self.fields}, "seen": state}

    def changes(self) -> dict[str, Any]:
        """By model attribute, as actions.update_enterprise wants them."""
        data = self.cleaned_data
        until = {tier: data.get(f"until_{tier}") for tier in data["tiers"]}
        return {
            **{name: data[name] for name in ("name", "address", "contact_name", "contact_phone", "founded_on")},
            "district_id": data["district"],
            "industry_id": data["industry"],
            "tiers": {tier: f"{day:%Y-%m-%d}" if day else "" for tier, day in until.items()},
            "pledged_before": {"yes": True, "no": False}.get(data["pledged_before"]),
        }
