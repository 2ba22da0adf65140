"""Named shares of a loss, and the split of an amount to the fen. Pure.

Limits: 财金〔2024〕60号 and 渝银发〔2025〕58号 measure 4 (docs: domain facts §0, §5).
"""

from collections.abc import Mapping
from decimal import Decimal

from django.db import models

from portal.foundation.core.money import FEN, round_to_fen


class Tier(models.TextChoices):
    """The tier of an enterprise; it bounds the national fund's share."""

    A = "a", "一档（专精特新“小巨人”、专精特新中小企业、承担国家科技项目的中小企业）"
    B = "b", "二档（高新技术企业、经创新积分制遴选的科技型中小企业）"
    C = "c", "三档（科技型中小企业、创新型中小企业）"

    @property
    def short(self) -> str:
        return str(self.label).partition("（")[0]


NATIONAL_CAP: dict[Tier, Decimal] = {Tier.A: Decimal(40), Tier.B: Decimal(35), Tier.C: Decimal(30)}  # % of a loss


class Party(models.TextChoices):
    """Who may carry a part of a loss. The order breaks ties of the largest remainder."""

    BANK = "bank", "银行"
    GUARANTOR = "guarantor", "担保机构"
    INSURER = "insurer", "保险机构"
    REGUARANTOR = "reguarantor", "省级再担保机构"
    NATIONAL = "national", "国家融资担保基金"
    DISTRICT = "district", "区县风险补偿资金"
    CITY = "city", "市级财政"


Shares = Mapping[Party, Decimal]  # percent of a loss, at most two decimals

WHOLE = Decimal(100)
BANK_MIN = Decimal(20)
SYSTEM_MAX = Decimal(80)
REGUARANTOR_MIN = Decimal(20)
SYSTEM = (Party.GUARANTOR, Party.REGUARANTOR, Party.NATIONAL)
LARGE = Decimal(5_000_000)  # yuan; a re-guarantee fee has one cap above it and another up to and including it
FEE_CAP_LARGE, FEE_CAP_SMALL = Decimal("0.5"), Decimal("0.3")  # % a year
HOUSEHOLD_CAP = Decimal(30_000_000)  # yuan outstanding of one household, not per loan
COMPENSATION_CAP = Decimal(5)  # % of what was guaranteed
AVERAGE_FEE_WATCH = Decimal(1)  # % a year; watched, never a block


def wrong_shares(shares: Shares, *, tier: Tier | None) -> list[str]:
    """Every rule these shares break, as sentences; empty when they are sound.

    `tier` is that of the enterprise (or of the scheme): without one the national fund carries nothing.
    """
    said = []
    if any(not part.is_finite() or part < 0 or part > WHOLE for part in shares.values()):
        return ["各方比例要在 0% 到 100% 之间。"]
    if any(part != part.quantize(FEN) for part in shares.values()):
        return ["比例最多写两位小数，例如 33.34。"]
    total = sum(shares.values(), Decimal(0))
    if total != WHOLE:
        said.append(f"各方比例合计要等于 100%，现在是 {_shown(total)}%。")
    if _of(shares, Party.BANK) < BANK_MIN:
        said.append(f"银行承担不低于 {BANK_MIN}%，现在是 {_shown(_of(shares, Party.BANK))}%。")
    system = sum((_of(shares, party) for party in SYSTEM), Decimal(0))
    if system > SYSTEM_MAX:
        said.append(f"担保体系（担保机构、再担保机构、国家基金）合计不超过 {SYSTEM_MAX}%，现在是 {_shown(system)}%。")
    national = _of(shares, Party.NATIONAL)
    most = NATIONAL_CAP[tier] if tier else Decimal(0)
    if national > most:
        why = f"企业属{tier.label}，上限为 {most}%" if tier else "企业没有有效的分档认定，不能使用国家基金"
        said.append(f"国家融资担保基金承担 {_shown(national)}%，{why}。")
    if national > 0 and _of(shares, Party.REGUARANTOR) < REGUARANTOR_MIN:
        said.append(
            f"使用国家基金时，省级再担保机构承担不低于 {REGUARANTOR_MIN}%，现在是 {_shown(_of(shares, Party.REGUARANTOR))}%。"
        )
    return said


def fee_cap(amount: Decimal) -> Decimal:
    """The highest re-guarantee fee, % a year, for a guaranteed amount in yuan; 5,000,000 itself has the lower cap."""
    return FEE_CAP_LARGE if amount > LARGE else FEE_CAP_SMALL


def split(amount: Decimal, shares: Shares) -> dict[Party, Decimal]:
    """Yuan to the fen for each party, summing exactly to the amount (largest remainder; ties go in Party's order).

    The amount itself is first rounded to the fen, half up. Raises ValueError unless the shares sum to 100 with two decimals.
    """
    if sum(shares.values(), Decimal(0)) != WHOLE or any(p < 0 or p != p.quantize(FEN) for p in shares.values()):
        raise ValueError("shares must be percentages with two decimals that sum to 100")
    fens = int(round_to_fen(amount) * 100)
    order = list(Party)
    points = {party: int(shares[party] * 100) for party in sorted(shares, key=order.index)}
    parts = {party: fens * point // 10_000 for party, point in points.items()}
    left = fens - sum(parts.values())
    ranked = sorted(points, key=lambda party: (-(fens * points[party] % 10_000), order.index(party)))
    for party in ranked[:left]:
        parts[party] += 1
    return {party: (Decimal(part) / 100).quantize(FEN) for party, part in parts.items()}


def uncompensated(shares: Shares, *, city_percent: Decimal) -> dict[Party, Decimal]:
    """The shares when the national fund, with which the business was filed, does not compensate.

    The city carries `city_percent` of the fund's part (two decimals, half up); the rest falls back on the guarantor.
    """
    left = dict(shares)
    national = left.pop(Party.NATIONAL, Decimal(0))
    city = round_to_fen(national * city_percent / 100)
    if city:
        left[Party.CITY] = _of(left, Party.CITY) + city
    if national - city:
        left[Party.GUARANTOR] = _of(left, Party.GUARANTOR) + national - city
    return left


def read(stored: Mapping[str, str]) -> dict[Party, Decimal]:
    """Shares as a row keeps them."""
    return {Party(party): Decimal(part) for party, part in stored.items()}


def written(shares: Shares) -> dict[str, str]:
    """Shares as a row keeps them: what was agreed stays, whatever the scheme becomes."""
    return {str(party): str(part) for party, part in shares.items() if part}


def _of(shares: Shares, party: Party) -> Decimal:
    return shares.get(party, Decimal(0))


def _shown(part: Decimal) -> str:
    return f"{part.normalize():f}"
