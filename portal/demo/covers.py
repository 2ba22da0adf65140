"""Shared risk in the story: a bank with a guarantor and the national fund, a bank with an insurer, from request to money."""

from datetime import datetime, timedelta
from decimal import Decimal

from django.core.files.base import ContentFile

from applications.actions import cover_answers, covers
from applications.cover_models import Cover
from applications.models import Application
from portal.foundation.accounts.models import Membership, OrganisationKind
from portal.foundation.core.moments import local_date
from products.quotas import actions as quotas
from products.quotas import eligible
from products.quotas.models import QuotaTool
from products.risk.models import EnterpriseTier
from products.risk.schemes import fitting
from products.risk.shares import Tier
from products.subsidies import actions as subsidies
from products.subsidies.models import SubsidyScheme

from . import filings, requests
from .requests import Bank
from .timeline import Timeline

# Which enterprise is listed as what; the lists are examples.
TIERS = {1: Tier.B, 5: Tier.A, 7: Tier.C, 10: Tier.C}


def tiers(firms: dict[int, Membership], *, today: datetime) -> None:
    """The example lists of the sci-tech and industry departments."""
    for serial, tier in TIERS.items():
        EnterpriseTier.objects.create(
            organisation=firms[serial].organisation,
            tier=tier,
            valid_from=local_date(today) - timedelta(days=400),
            source="科技、经信部门认定名单（示例）",
        )


def asked(case: Application, bank: Bank, whom: Bank, who: Membership, *, at: datetime, wan: int) -> Cover:
    """`who` (the enterprise, or the bank's officer for it) asks for a guarantee or an insurance of the bank's loan."""
    return covers.ask(
        requests.referral(case, bank).pk,
        institution_id=whom.pk,
        amount=Decimal(wan) * 10_000,
        actor=who.actor,
        now=at,
    )


def committed(cover: Cover, by: Bank, *, intent: datetime, terms: datetime, commit: datetime, fee: str) -> Cover:
    """Intent, terms and commitment; `fee` is a yearly rate in percent for a guarantor, a premium in yuan for an insurer."""
    who = by.officer
    cover_answers.intend(
        cover.pk,
        contact_name=who.user.name,
        contact_phone="023-00000000",
        next_step="核对经营和专利资料，次日提出条件",
        actor=who.actor,
        now=intent,
    )
    firm = cover.application.organisation
    schemes, _ = fitting(firm, kind=who.organisation.kind, on=local_date(terms))
    insures = who.organisation.kind == OrganisationKind.INSURER
    made = cover_answers.set_terms(
        cover.pk,
        cover_answers.Terms(
            scheme_id=schemes[0].pk,
            amount=cover.amount,
            valid_until=local_date(terms) + timedelta(days=30),
            fee_rate=None if insures else Decimal(fee),
            premium=Decimal(fee) if insures else None,
            conditions="以银行放款为前提",
        ),
        actor=who.actor,
        now=terms,
    )
    return cover_answers.commit(cover.pk, version=made.version, actor=who.actor, now=commit)


def with_guarantor_and_fund(who: Membership, bank: Bank, guarantor: Bank, clerk: Membership, *, time: Timeline) -> None:
    """An enterprise of the first tier: the national fund carries up to forty percent of a loss."""
    at = time.at
    case = requests.apply(who, [bank], at=at(16, 9, 10), wan=800, months=24)
    requests.claim(case, bank, at=at(16, 14), next_step="安排尽职调查，建议增加担保")
    made = requests.offer(case, bank, at=at(15, 10), wan=800, rate="3.30")
    cover = asked(case, bank, guarantor, who, at=at(15, 14), wan=800)
    committed(cover, guarantor, intent=at(15, 16, 30), terms=at(14, 10), commit=at(14, 15), fee="0.80")
    requests.accept(made, who, at=at(13, 10))
    file = filings.filed(case, bank.officer, who, at=at(12, 10), serial=9)
    filings.registered(file, clerk, at=at(12, 16))
    filings.paid(file, bank.officer, at=at(11, 10), rate="3.30", number="SL-0003")


def with_insurer(who: Membership, bank: Bank, insurer: Bank, clerk: Membership, *, time: Timeline) -> None:
    """The bank proposes, the enterprise agrees, the insurer insures."""
    at = time.at
    case = requests.apply(who, [bank], at=at(15, 9, 40), wan=300, months=12, patents=slice(1, 2))
    requests.claim(case, bank, at=at(15, 15), next_step="核对专利权属，建议投保")
    made = requests.offer(case, bank, at=at(14, 9, 30), wan=300, rate="3.50", months=12)
    cover = asked(case, bank, insurer, bank.officer, at=at(14, 10), wan=300)
    covers.consent(cover.pk, actor=who.actor, now=at(14, 11))
    committed(cover, insurer, intent=at(14, 15), terms=at(13, 10), commit=at(13, 16), fee="18000")
    requests.accept(made, who, at=at(12, 9, 30))
    file = filings.filed(case, bank.officer, who, at=at(11, 9, 30), serial=10)
    filings.registered(file, clerk, at=at(11, 15))
    filings.paid(file, bank.officer, at=at(10, 10), rate="3.50", number="SL-0004")


def subsidised(who: Membership, guarantor: Bank, first: Membership, second: Membership, *, time: Timeline) -> None:
    """The guarantee's fee is awarded by two people and paid; a quota of the special tool pays for the loan."""
    at, case = time.at, Application.objects.filter(organisation=who.organisation).latest("pk")
    claim = subsidies.apply(
        SubsidyScheme.objects.get(code="fee-award").pk,
        case_number=case.number,
        base=case.amount,
        papers=[ContentFile(filings.BLANK, name="担保合同（示例）.pdf")],
        district=guarantor.officer.organisation.district_id,
        actor=guarantor.officer.actor,
        now=at(10, 10),
    )
    subsidies.check(claim.pk, actor=first.actor, now=at(9, 10))
    subsidies.approve(claim.pk, actor=second.actor, now=at(9, 15))
    subsidies.pay(claim.pk, paid_on=time.workday(7), voucher="BT-0001", actor=first.actor, now=at(7, 11))
    offer = case.accepted_offer
    assert offer is not None
    bank = offer.referral.institution_id
    drawn = quotas.allot(
        QuotaTool.objects.get(code="special").pk,
        institution_id=bank,
        amount=Decimal(50_000_000),
        actor=first.actor,
        now=at(12, 9),
    )
    tool = QuotaTool.objects.get(code="sci-tech")
    eligible.put_on(tool.pk, institution_id=bank, source="机构名单（示例）", actor=first.actor, now=at(12, 9, 30))
    officer = Membership.objects.get(user__username="officer")
    quotas.use(
        drawn.quota_id,
        amount=case.amount,
        case_number=case.number,
        loan_number="SL-0003",
        actor=officer.actor,
        now=at(10, 9),
    )
