"""How a disposal looks: its facts in words, its offers by round, its money."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from applications.models import Cover
from portal.foundation.core.actor import Actor
from portal.foundation.core.display import full_date_cn, money_wan
from portal.foundation.core.moments import local
from portal.foundation.core.money import round_to_fen
from products.risk.shares import Party, read, split, uncompensated

from . import rules
from .actions.awards import valid
from .actions.compensation import covers_of
from .models import Bid, Disposal
from .proceeds import ROUNDING_SAID, ZERO
from .settlement_models import Compensation, Distribution, Share


def yuan(amount: Decimal | None) -> str:
    """«1,234,567.89 元»; a dash for none."""
    return "—" if amount is None else f"{round_to_fen(amount):,.2f} 元"


def closing(disposal: Disposal) -> str:
    """«2026年12月1日 17:00»."""
    if disposal.closes_at is None:
        return "未填"
    at = local(disposal.closes_at)
    return f"{full_date_cn(at.date())} {at:%H:%M}"


def listing_facts(disposal: Disposal) -> list[tuple[str, str]]:
    """The listing as name and value, for the parties."""
    hidden = "" if disposal.reserve_public else "（不公布）"
    return [
        ("处置方式", str(disposal.get_path_display())),
        ("保留价", yuan(disposal.reserve) + hidden if disposal.reserve is not None else "不设"),
        ("报价截止", closing(disposal)),
        ("联系人", f"{disposal.contact_name} {disposal.contact_phone}".strip() or "未填"),
        ("公告说明", disposal.statement or "无"),
        ("起草", str(disposal.drafted_by)),
        ("复核", str(disposal.checked_by) if disposal.checked_by is not None else "—"),
    ]


@dataclass(frozen=True, slots=True)
class Offered:
    """One offer on the page of the parties."""

    bid: Bid
    amount: str
    licence: str
    verdict: str
    tag: str


def offers_by_round(disposal: Disposal, bids: Sequence[Bid] | None) -> list[tuple[int, list[Offered]]]:
    """Each round that may be read with its offers, the latest round first."""
    rounds: dict[int, list[Offered]] = {}
    for bid in bids or []:
        won = bid.pk == disposal.winner_id
        good = bid.round < disposal.round or valid(disposal, bid)
        verdict, tag = ("成交", "ok") if won else ("", "") if good else ("低于保留价，无效", "warn")
        rounds.setdefault(bid.round, []).append(Offered(bid, yuan(bid.amount), licence(bid), verdict, tag))
    return sorted(rounds.items(), reverse=True)


def licence(bid: Bid) -> str:
    """«许可回原企业 3 年，每年 10,000.00 元»; empty on other paths."""
    if bid.licence_years is None:
        return ""
    return f"许可回原企业 {bid.licence_years} 年，每年 {yuan(bid.licence_fee)}"


def bid_choices(disposal: Disposal, bids: Sequence[Bid]) -> list[tuple[int, str]]:
    """The valid offers, for choosing."""
    return [
        (bid.pk, f"{bid.organisation.title}，{yuan(bid.amount)}" + (f"，{licence(bid)}" if licence(bid) else ""))
        for bid in bids
        if valid(disposal, bid)
    ]


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a distribution or of a loss that is shared."""

    label: str
    payee: str
    claimed: str
    amount: str


@dataclass(slots=True)
class Settlement:
    """The money after a result; empty before the distribution."""

    distribution: Distribution | None = None
    lines: list[Line] = field(default_factory=list)
    rounding: str = ROUNDING_SAID
    shortfall: Decimal = ZERO
    claims: list[Compensation] = field(default_factory=list)
    most: Decimal = ZERO  # of the loss, still to be claimed
    choices: list[tuple[int, str]] = field(default_factory=list)


def settlement(disposal: Disposal, actor: Actor) -> Settlement:
    """The distribution, the claims and whom can still be asked; none to three queries."""
    made = getattr(disposal, "distribution", None)
    if made is None:
        return Settlement()
    found = Settlement(made, shortfall=made.shortfall)
    found.lines = [
        Line(str(Share.Kind(s.kind).label), s.payee, yuan(s.claimed), yuan(s.amount)) for s in made.shares.all()
    ]
    if not made.shortfall:
        return found
    found.claims = list(disposal.compensations.select_related("cover__institution__organisation").order_by("pk"))
    live = [c for c in found.claims if c.state != Compensation.State.REFUSED]
    found.most = made.shortfall - sum((c.loss for c in live), ZERO)
    if found.most > 0 and rules.can_claim(actor, disposal):
        asked = {c.cover_id for c in live}
        found.choices = [(c.pk, _cover(c)) for c in covers_of(disposal) if c.pk not in asked]
    return found


def _cover(cover: Cover) -> str:
    return f"{cover.institution}（{cover.word} {money_wan(cover.amount)}）"


def loss_split(claim: Compensation, *, fund_pays: bool) -> list[tuple[str, str, str]]:
    """Who carries how much of the claimed loss: party, percent, yuan; by the shares that were committed."""
    shares = read(claim.shares)
    if not shares:
        return []
    if not fund_pays and claim.cover.scheme is not None:
        shares = uncompensated(shares, city_percent=claim.cover.scheme.city_percent)
    return [
        (str(party.label), f"{shares[party].normalize():f}%", yuan(part))
        for party, part in split(claim.loss, shares).items()
    ]


def fund_in(claim: Compensation) -> bool:
    """Whether the national fund carries a part of it."""
    return Party.NATIONAL in read(claim.shares)
