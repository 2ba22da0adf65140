"""Setting a scheme: a new version, by the regulator, with its legal basis. Reading which ones fit an enterprise."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.db import IntegrityError, transaction

from portal.foundation.accounts.models import Organisation, OrganisationKind, Role
from portal.foundation.core.actor import Actor
from portal.foundation.core.errors import Invalid
from portal.foundation.core.moments import local_date
from portal.foundation.core.verdict import YES, Verdict, not_you
from portal.foundation.journal.record import record

from .models import RiskScheme, SchemeShare
from .shares import FEE_CAP_LARGE, FEE_CAP_SMALL, Party, Shares, Tier, written, wrong_shares
from .tiers import tier_of

TAKEN = {"new"}  # a word that stands in an address where a code may stand


@dataclass(frozen=True, slots=True)
class Plan:
    """The content of a version: percent by party, fees in % a year."""

    name: str
    kind: str
    shares: Shares
    ground: str
    tier: str = ""
    district: str | None = None
    counts_to_cap: bool = True
    fee_large: Decimal = Decimal(0)
    fee_small: Decimal = Decimal(0)
    city_percent: Decimal = Decimal(0)
    confirmed: bool = False


def can_set(actor: Actor) -> Verdict:
    return YES if actor.role == Role.REGULATOR else not_you("role", "只有监管部门可以设定风险分担方案。")


@transaction.atomic(durable=True)
def set_scheme(code: str, plan: Plan, *, valid_from: date, actor: Actor, now: datetime) -> RiskScheme:
    """Write a new version, in force from a day that is not past. Raises Forbidden, Invalid with every rule it breaks."""
    can_set(actor).require()
    said = _said(plan, valid_from=valid_from, now=now)
    if said:
        raise Invalid("scheme", "；".join(said.values()), fields=said)
    return write(code, plan, valid_from=valid_from, decided_by=actor.label, actor=actor, now=now)


def _said(plan: Plan, *, valid_from: date, now: datetime) -> dict[str, str]:
    """Every rule the plan breaks, by field."""
    said: dict[str, str] = {}
    if valid_from < local_date(now):
        said["valid_from"] = "生效日期不能早于今天：已经承诺的按原方案。"
    if not plan.ground.strip():
        said["ground"] = "请填写依据的文件名称和文号。"
    if wrong := _wrong(plan):
        said["shares"] = " ".join(wrong)
    if plan.fee_large > FEE_CAP_LARGE:
        said["fee_large"] = f"500 万元以上的再担保费率不超过 {FEE_CAP_LARGE}%。"
    if plan.fee_small > FEE_CAP_SMALL:
        said["fee_small"] = f"500 万元及以下的再担保费率不超过 {FEE_CAP_SMALL}%。"
    return said


@transaction.atomic(durable=True)
def new_scheme(code: str, plan: Plan, *, valid_from: date, actor: Actor, now: datetime) -> RiskScheme:
    """The first version of a scheme of its own, e.g. a district's fund. Raises as `set_scheme`, Invalid for a code in use."""
    can_set(actor).require()
    said = _said(plan, valid_from=valid_from, now=now)
    if code in TAKEN or RiskScheme.objects.filter(code=code).exists():
        said["code"] = "这个代码已经用了；给现有方案设定新版本，请到那个方案的页面。"
    if said:
        raise Invalid("scheme", "；".join(said.values()), fields=said)
    try:
        with transaction.atomic():  # two at once: the database lets one through
            return write(code, plan, valid_from=valid_from, decided_by=actor.label, actor=actor, now=now)
    except IntegrityError as error:
        taken = "这个代码刚刚被用了，请换一个。"
        raise Invalid("code", taken, fields={"code": taken}) from error


def _wrong(plan: Plan) -> list[str]:
    wrong = wrong_shares(plan.shares, tier=Tier(plan.tier) if plan.tier else None)
    other = Party.GUARANTOR if plan.kind == OrganisationKind.INSURER else Party.INSURER
    if plan.shares.get(other):
        wrong.append(f"这一方案的承保方不含{other.label}。")
    if plan.shares.get(Party.DISTRICT) and not plan.district:
        wrong.append("区县风险补偿资金要写明是哪个区县的。")
    return wrong


def write(code: str, plan: Plan, *, valid_from: date, decided_by: str, actor: Actor, now: datetime) -> RiskScheme:
    """The row, its shares and the journal entry; inside a transaction, of a plan that was checked."""
    before = RiskScheme.objects.select_for_update(of=("self",)).filter(code=code).order_by("-version").first()
    made = RiskScheme.objects.create(
        code=code,
        version=before.version + 1 if before else 1,
        name=plan.name,
        kind=plan.kind,
        tier=plan.tier,
        district_id=plan.district,
        counts_to_cap=plan.counts_to_cap,
        fee_large=plan.fee_large,
        fee_small=plan.fee_small,
        city_percent=plan.city_percent,
        ground=plan.ground,
        confirmed=plan.confirmed,
        valid_from=valid_from,
        decided_by=decided_by,
        created_at=now,
    )
    SchemeShare.objects.bulk_create(
        SchemeShare(scheme=made, party=party, percent=part) for party, part in plan.shares.items() if part
    )
    record(
        "risk.scheme_set",
        actor=actor,
        now=now,
        subject=f"risk_scheme:{made.pk}",
        text=f"风险分担方案“{made.name}”第 {made.version} 版，{valid_from} 起生效，依据 {made.ground}",
        data={"code": code, "version": made.version, "shares": written(plan.shares)},
    )
    return made


def fitting(firm: Organisation, *, kind: str, on: date) -> tuple[Sequence[RiskScheme], Tier | None]:
    """The schemes in force that may be used for this enterprise by a guarantor or an insurer, with its tier; three queries."""
    tier = tier_of(firm, on)
    schemes = RiskScheme.objects.in_force(on).filter(kind=kind).select_related("district").prefetch_related("shares")
    return [
        s
        for s in schemes.order_by("pk")
        if not wrong_shares(s.percentages(), tier=tier)
        and (not s.tier or s.tier == tier)
        and (s.district_id is None or s.district_id == firm.district_id)
    ], tier
