"""The first schemes. The limits are those of the published text; how the parts within them are shared is not, so every
division is an example to be confirmed and shown so."""

from datetime import date, datetime
from decimal import Decimal

from django.db import transaction

from portal.foundation.accounts.models import OrganisationKind
from portal.foundation.core.actor import SYSTEM

from .models import RiskScheme
from .schemes import Plan, write
from .shares import NATIONAL_CAP, Party

IN_FORCE = date(2025, 8, 18)  # the day of issue of 渝银发〔2025〕58号
NATIONAL_GROUND = "财金〔2024〕60号；渝银发〔2025〕58号第（四）条"
TO_CONFIRM = "分担比例待确认（示例）"
GUARANTOR, INSURER = OrganisationKind.GUARANTOR, OrganisationKind.INSURER


def plans() -> dict[str, Plan]:
    """By code. The national fund's part is the cap of the tier, the re-guarantor's and the bank's the least allowed."""
    made = {
        f"national-{tier.value}": Plan(
            name=f"科技专项担保计划（{tier.short}）",
            kind=GUARANTOR,
            tier=tier.value,
            shares={
                Party.BANK: Decimal(20),
                Party.GUARANTOR: Decimal(60) - most,
                Party.REGUARANTOR: Decimal(20),
                Party.NATIONAL: most,
            },
            fee_large=Decimal("0.5"),
            fee_small=Decimal("0.3"),
            city_percent=Decimal(50),
            ground=NATIONAL_GROUND,
        )
        for tier, most in NATIONAL_CAP.items()
    }
    made["district-500157"] = Plan(
        name="两江新区知识产权质押风险补偿（示例）",
        kind=GUARANTOR,
        district="500157",
        shares={Party.BANK: Decimal(20), Party.GUARANTOR: Decimal(50), Party.DISTRICT: Decimal(30)},
        ground=TO_CONFIRM,
    )
    made["insured"] = Plan(
        name="银行＋保险＋知识产权（示例）",
        kind=INSURER,
        counts_to_cap=False,
        shares={Party.BANK: Decimal(30), Party.INSURER: Decimal(70)},
        ground=f"渝银发〔2025〕58号第（二）条；{TO_CONFIRM}",
    )
    return made


@transaction.atomic
def load(*, now: datetime) -> int:
    """Write the schemes that are not there yet; returns how many were written. Needs the districts."""
    known = set(RiskScheme.objects.values_list("code", flat=True))
    fresh = {code: plan for code, plan in plans().items() if code not in known}
    for code, plan in fresh.items():
        write(code, plan, valid_from=IN_FORCE, decided_by="初始设定", actor=SYSTEM, now=now)
    return len(fresh)
