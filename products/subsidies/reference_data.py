"""The first subsidy schemes. Only the agency's two percent stands in the published text; every other figure is an example
to be confirmed, and shown so."""

from datetime import date
from decimal import Decimal

from .models import SubsidyScheme

Kind = SubsidyScheme.Kind
YEAR = {"valid_from": date(2025, 8, 18), "valid_until": date(2099, 12, 31)}
GROUND = "渝银发〔2025〕58号"


def load() -> int:
    """Write the schemes that are not there yet; returns how many were written. Needs the districts."""
    known = set(SubsidyScheme.objects.values_list("code", flat=True))
    fresh = [scheme for scheme in _schemes() if scheme.code not in known]
    return len(SubsidyScheme.objects.bulk_create(fresh))


def _schemes() -> list[SubsidyScheme]:
    return [
        SubsidyScheme(
            code="agency",
            name="知识产权运营机构补助",
            kind=Kind.AGENCY,
            rate=Decimal(2),
            rate_confirmed=True,
            budget=Decimal(2_000_000),
            ground=f"{GROUND}第（三）条",
            rule="按绩效，以促成的知识产权质押融资运营金额的 2% 补助。",
            **YEAR,
        ),
        SubsidyScheme(
            code="fee-award",
            name="知识产权质押担保费奖补",
            kind=Kind.FEE_AWARD,
            rate=Decimal("0.5"),
            budget=Decimal(3_000_000),
            ground=f"{GROUND}第（五）条",
            rule="符合条件的知识产权质押担保业务，按担保金额奖补担保机构。",
            **YEAR,
        ),
        SubsidyScheme(
            code="interest-500157",
            name="两江新区知识产权质押贷款贴息（示例）",
            kind=Kind.INTEREST,
            district_id="500157",
            rate=Decimal(30),
            most=Decimal(500_000),
            budget=Decimal(1_000_000),
            ground="区县贴息办法（示例，待确认）",
            rule="按已付利息的一定比例贴息，贷款结清或付息后申请。",
            **YEAR,
        ),
    ]
