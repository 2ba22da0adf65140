"""What an offer would cost the enterprise altogether, by the one calculation (products.cost)."""

from collections.abc import Sequence

from portal.foundation.accounts.models import OrganisationKind
from products.cost import ZERO, Price, Subsidy, Total, Way, total, way_of
from products.models import Mode

from .models import Offer, Referral


def of_offer(offer: Offer, *, kind: str, mode: str = "", subsidies: Sequence[Subsidy] = ()) -> Total:
    """`kind` is the OrganisationKind of who offers, `mode` the Mode of the product it is for ("" when there is none).

    A guarantor or an insurer names its fee and not the bank's interest, which stays unknown. A bank's offer in a guaranteed
    or insured mode leaves the carrier's fee unknown unless it names it. A valuation that the enterprise has to pay is in
    «other fees», which the form asks for. A way that cannot be computed (随借随还, none) counts as used in full to the end.
    """
    lends = kind == OrganisationKind.BANK
    insured = kind == OrganisationKind.INSURER or (lends and mode == Mode.INSURED)
    carried = not lends or mode in (Mode.GUARANTEED, Mode.INSURED)
    fee = offer.fee_rate if carried or offer.fee_rate is not None else ZERO
    return total(
        Price(
            amount=offer.amount,
            term_months=offer.term_months,
            way=way_of(offer.repayment) or Way.INTEREST_FIRST,
            annual_rate=offer.annual_rate if lends else None,
            guarantee_rate=ZERO if insured else fee,
            insurance_rate=fee if insured else ZERO,
            other_fees=offer.other_fees,
            subsidies=subsidies,
        )
    )


def of_referral(offer: Offer, referral: Referral, *, subsidies: Sequence[Subsidy] = ()) -> Total:
    """The same of a referral that is loaded with institution, organisation and product."""
    mode = referral.product.mode if referral.product else ""
    return of_offer(offer, kind=referral.institution.organisation.kind, mode=mode, subsidies=subsidies)


def in_short(cost: Total) -> str:
    """«年化综合成本 3.62%», or which part is missing for it."""
    if cost.apr is not None:
        return f"年化综合成本 {cost.apr}%"
    return f"{'、'.join(cost.unknown)}未知" if cost.unknown else ""
