"""What an offer would cost the enterprise altogether, by the one calculation (products.cost)."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from portal.foundation.accounts.models import OrganisationKind
from products.cost import INTEREST, ZERO, Price, Total, Way, total, way_of
from products.models import Mode
from products.subsidies import estimates
from products.subsidies.models import SubsidyScheme

from .models import Cover, Offer, Referral


def of_offer(
    offer: Offer,
    *,
    kind: str,
    mode: str = "",
    covers: Sequence[Cover] = (),
    schemes: Sequence[SubsidyScheme] = (),
) -> Total:
    """`kind` is the OrganisationKind of who offers, `mode` the Mode of the product it is for ("" when there is none).

    A guarantor or an insurer names its fee and not the bank's interest, which stays unknown. A bank's offer in a guaranteed
    or insured mode leaves the carrier's fee unknown unless it names it. A valuation that the enterprise has to pay is in
    «other fees», which the form asks for. `covers` that have terms tell the carriers' fees in the bank's place; of `schemes`
    (interest subsidies of the enterprise's district) the confirmed ones are subtracted. A way that cannot be computed (随借随还, none) counts as used in full to the end.
    """
    lends = kind == OrganisationKind.BANK
    told = [cover for cover in covers if cover.state in TOLD]
    insured = kind == OrganisationKind.INSURER or (lends and mode == Mode.INSURED)
    carried = not lends or mode in (Mode.GUARANTEED, Mode.INSURED)
    fee = offer.fee_rate if carried or offer.fee_rate is not None else ZERO
    guarantee_rate, insurance_rate = (ZERO, fee) if insured else (fee, ZERO)
    if lends:  # whoever carries the risk says it better than the bank; whoever has not said it yet leaves it unknown
        guarantee_rate = _carried(covers, offer.amount, insures=False, said=guarantee_rate)
        insurance_rate = _carried(covers, offer.amount, insures=True, said=insurance_rate)
    price = Price(
        amount=offer.amount,
        term_months=offer.term_months,
        way=way_of(offer.repayment) or Way.INTEREST_FIRST,
        annual_rate=offer.annual_rate if lends else None,
        guarantee_rate=guarantee_rate,
        insurance_rate=insurance_rate,
        premium=sum((cover.premium or ZERO for cover in told), ZERO) if lends else ZERO,
        other_fees=offer.other_fees,
    )
    if not schemes or not lends:
        return total(price)
    return total(replace(price, subsidies=estimates.counted(hoped(total(price), schemes))))


TOLD = (Cover.State.TERMS, Cover.State.COMMITTED)  # covers whose price is known


ASKED = (Cover.State.PROPOSED, Cover.State.WAITING, Cover.State.INTENT)  # covers whose price is not known yet


def _carried(covers: Sequence[Cover], loan: Decimal, *, insures: bool, said: Decimal | None) -> Decimal | None:
    """What guarantors (or insurers) take, percent a year of the loan; a cover's fee is a share of what it covers.

    None while one of them has been asked and has not named it; without any of them what the bank `said`.
    """
    mine = [cover for cover in covers if cover.insures == insures and cover.state in (*TOLD, *ASKED)]
    if not mine:
        return said
    if any(cover.state in ASKED for cover in mine):
        return None
    return sum((cover.amount * (cover.fee_rate or ZERO) / loan for cover in mine), ZERO)


def hoped(cost: Total, schemes: Sequence[SubsidyScheme]) -> list[estimates.Estimate]:
    """What the schemes would give back of this bill's interest."""
    return estimates.of_interest(schemes, cost.part(INTEREST))


def of_referral(
    offer: Offer, referral: Referral, *, covers: Sequence[Cover] = (), schemes: Sequence[SubsidyScheme] = ()
) -> Total:
    """The same of a referral that is loaded with institution, organisation and product; `covers` are those of its loan."""
    mode = referral.product.mode if referral.product else ""
    kind = referral.institution.organisation.kind
    return of_offer(offer, kind=kind, mode=mode, covers=covers, schemes=schemes)


def in_short(cost: Total) -> str:
    """«年化综合成本 3.62%», or which part is missing for it."""
    if cost.apr is not None:
        return f"年化综合成本 {cost.apr}%"
    return f"{'、'.join(cost.unknown)}未知" if cost.unknown else ""
