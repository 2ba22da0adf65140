"""Shared risk as the regulator sees it: schemes, what households have outstanding, compensation rate and average fee."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from applications import cover_figures as figures
from portal.foundation.accounts.guards import allow
from portal.foundation.accounts.middleware import actor_of
from portal.foundation.accounts.models import District, OrganisationKind, Role
from portal.foundation.core import moments
from portal.foundation.core.errors import DomainError
from portal.foundation.core.forms import DateField, PortalForm, place
from portal.foundation.core.moments import local_date
from products.risk.models import RiskScheme
from products.risk.schemes import Plan, new_scheme, set_scheme
from products.risk.shares import AVERAGE_FEE_WATCH, COMPENSATION_CAP, HOUSEHOLD_CAP, Party, Tier


@allow(Role.REGULATOR)
@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """Figures with their denominators, the fullest households, the schemes in force."""
    now = moments.now()
    schemes = RiskScheme.objects.in_force(local_date(now)).select_related("district").prefetch_related("shares")
    context = {
        "now": now,
        "figures": figures.overall(),
        "institutions": figures.by_institution(),
        "households": figures.households(),
        "schemes": list(schemes.order_by("pk")),
        "cap": HOUSEHOLD_CAP,
        "rate_cap": COMPENSATION_CAP,
        "fee_watch": AVERAGE_FEE_WATCH,
    }
    return render(request, "supervision/risk.html", context)


def _percent(label: str, **options: Any) -> forms.DecimalField:
    field = forms.DecimalField(
        label=label,
        required=False,
        max_digits=5,
        decimal_places=2,
        min_value=Decimal(0),
        max_value=Decimal(100),
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
        **options,
    )
    field.unit = "%"  # type: ignore[attr-defined]
    return field


class SchemeForm(PortalForm):
    """A new version: a share for each party, what it rests on, and from when."""

    name = forms.CharField(label="名称", max_length=80)
    ground = forms.CharField(label="依据", max_length=200, help_text="文件名称和文号。")
    confirmed = forms.BooleanField(label="比例已核实（不勾选的，各处显示“待确认”）", required=False)
    fee_large = _percent("再担保费率（500 万元以上，每年）")
    fee_small = _percent("再担保费率（500 万元及以下，每年）")
    city_percent = _percent("市级分担：已备案而国家基金未补偿的，占基金份额的")
    valid_from = DateField(label="生效日期")

    def __init__(self, *args: Any, kind: str = "", **kwargs: Any) -> None:
        """Of a scheme of this kind; without one the kind is still to be chosen and both carriers have a field."""
        super().__init__(*args, **kwargs)
        others: dict[str, Party] = {
            OrganisationKind.INSURER: Party.GUARANTOR,
            OrganisationKind.GUARANTOR: Party.INSURER,
        }
        other = others.get(kind)
        for party in Party:
            if party not in (other, Party.CITY):
                self.fields[f"share_{party.value}"] = _percent(str(party.label))
        order = ["name", *(f"share_{party.value}" for party in Party)]
        self.order_fields([*order, "fee_large", "fee_small", "city_percent", "ground", "confirmed", "valid_from"])

    def plan(self, like: RiskScheme) -> Plan:
        """The next version of a scheme: whose it is and for whom stays."""
        return self.plan_for(like.kind, tier=like.tier, district=like.district_id, counts_to_cap=like.counts_to_cap)

    def plan_for(self, kind: str, *, tier: str, district: str | None, counts_to_cap: bool) -> Plan:
        given = self.cleaned_data
        shares = {p: part for p in Party if (part := given.get(f"share_{p.value}"))}
        return Plan(
            name=given["name"],
            kind=kind,
            shares=shares,
            ground=given["ground"],
            tier=tier,
            district=district,
            counts_to_cap=counts_to_cap,
            fee_large=given["fee_large"] or Decimal(0),
            fee_small=given["fee_small"] or Decimal(0),
            city_percent=given["city_percent"] or Decimal(0),
            confirmed=given["confirmed"],
        )


class NewSchemeForm(SchemeForm):
    """A scheme of its own code: whose it is and for whom is chosen once."""

    code = forms.SlugField(
        label="代码",
        max_length=40,
        help_text="小写字母、数字和短横线，例如 district-500103；定下后不改。",
        error_messages={"invalid": "代码只能用字母、数字、短横线和下划线。"},
    )
    kind = forms.ChoiceField(
        label="承保方",
        choices=[("", "请选择"), *((k.value, k.label) for k in (OrganisationKind.GUARANTOR, OrganisationKind.INSURER))],
    )
    tier = forms.ChoiceField(
        label="适用分档",
        required=False,
        choices=[("", "不分档（不使用国家基金）"), *((t.value, t.short) for t in Tier)],
    )
    district = forms.ChoiceField(
        label="区县资金", required=False, help_text="区县风险补偿资金承担的，选是哪个区县的；只有这个区县的企业可用。"
    )
    counts_to_cap = forms.BooleanField(label="计入单户在保余额", required=False, initial=True)

    def __init__(self, *args: Any, districts: Sequence[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["district"].choices = [("", "没有"), *districts]  # type: ignore[attr-defined]
        first = ["name", "code", "kind", "tier", "district", "counts_to_cap"]
        self.order_fields([*first, *(name for name in self.fields if name not in first)])

    def fresh(self) -> Plan:
        given = self.cleaned_data
        return self.plan_for(
            given["kind"],
            tier=given["tier"],
            district=given["district"] or None,
            counts_to_cap=given["counts_to_cap"],
        )


@allow(Role.REGULATOR)
@require_http_methods(["GET", "HEAD", "POST"])
def scheme_new(request: HttpRequest) -> HttpResponse:
    """新设: a scheme with shares of its own, e.g. a district's fund."""
    actor, now = actor_of(request), moments.now()
    form = NewSchemeForm(
        request.POST if request.method == "POST" else None,
        districts=list(District.objects.filter(current=True).values_list("code", "name")),
        initial={"valid_from": local_date(now)},
    )
    status = 200
    if request.method == "POST" and not form.is_valid():
        status = 400
    elif request.method == "POST":
        given = form.cleaned_data
        try:
            made = new_scheme(given["code"].lower(), form.fresh(), valid_from=given["valid_from"], actor=actor, now=now)
        except DomainError as error:
            place(form, error)
            status = error.status
        else:
            messages.success(request, f"已新设“{made.name}”，{made.valid_from} 起生效。")
            return redirect("supervision-risk")
    return render(request, "supervision/scheme_new.html", {"form": form}, status=status)


def _start(scheme: RiskScheme, today: date) -> dict[str, Any]:
    shares = {f"share_{party.value}": f"{part.normalize():f}" for party, part in scheme.percentages().items()}
    fees = {n: f"{getattr(scheme, n).normalize():f}" for n in ("fee_large", "fee_small", "city_percent")}
    return {
        "name": scheme.name,
        "ground": scheme.ground,
        "confirmed": scheme.confirmed,
        "valid_from": today,
        **shares,
        **fees,
    }


@allow(Role.REGULATOR)
@require_http_methods(["GET", "HEAD", "POST"])
def scheme(request: HttpRequest, code: str) -> HttpResponse:
    """The versions of one scheme, and a new one. What was committed keeps its own shares."""
    actor, now = actor_of(request), moments.now()
    versions = list(
        RiskScheme.objects.filter(code=code).select_related("district").prefetch_related("shares").order_by("-version")
    )
    if not versions:
        raise Http404
    latest, posted = versions[0], request.method == "POST"
    form = SchemeForm(request.POST if posted else None, kind=latest.kind, initial=_start(latest, local_date(now)))
    status = 200
    if posted and not form.is_valid():
        status = 400
    elif posted:
        try:
            made = set_scheme(code, form.plan(latest), valid_from=form.cleaned_data["valid_from"], actor=actor, now=now)
        except DomainError as error:
            place(form, error)
            status = error.status
        else:
            messages.success(request, f"已设定第 {made.version} 版，{made.valid_from} 起生效。")
            return redirect("supervision-risk")
    context = {"form": form, "latest": latest, "versions": versions}
    return render(request, "supervision/scheme.html", context, status=status)
