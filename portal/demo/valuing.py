"""What the demonstration's patents are worth: the enterprise's own valuation, the bank's private one, an agency's report.

The agency is the stand-in of docs/contracts/valuation.md, asked over its real interface on this machine.
"""

from datetime import datetime, timedelta
from decimal import Decimal

from applications.actions import valuations
from applications.models import Referral
from portal.foundation.accounts.models import Membership
from portal.foundation.assets.models import AgencyRequest, Valuation
from portal.foundation.assets.valuation import actions, agency, indicators, provider, simulator
from portal.foundation.assets.valuation.approaches import Cost, Income
from portal.foundation.core.moments import local_date

from .requests import Bank

# Judged by the demonstration's enterprise: (score, evidence); what is not named here gets the ordinary ones.
_JUDGED = {
    "L41": (80, "独立权利要求覆盖壳体和散热两类方案（示例）"),
    "T21": (90, "已批量生产（示例）"),
    "E31": (85, "专利产品占主营收入的六成（示例）"),
    "E51": (40, "只找到一笔相近的公开交易（示例）"),
}
_ORDINARY = (65, "企业自评（示例）")


def tell(who: Membership, bank: Bank, *, at: datetime) -> None:
    """Three valuations around the request that has the bank's offer on it; the first is shown to the bank."""
    referral = (
        Referral.objects.select_related("application")
        .filter(application__organisation=who.organisation, institution_id=bank.pk, state=Referral.State.OFFERED)
        .latest("pk")
    )
    own = [p.patent_id for p in referral.application.patents.order_by("pk")]
    draft = actions.start(own, scene="finance", purpose="向银行申请专利质押贷款", actor=who.actor, now=at)
    income = Income(Decimal(18_000_000), Decimal(6), Decimal("4.5"), Decimal(15), Decimal(13), 6)
    cost = Cost(Decimal(2_600_000), Decimal(700_000), Decimal(450_000), Decimal(120_000), Decimal(12), Decimal(25))
    _keep(draft, who, income=income, cost=cost, weigh=(70, 30), at=at)
    for row in draft.patents.all():
        _score(draft, row.pk, who, at=at)
    mine = _close(draft, who, at=at)
    valuations.show(mine.pk, [referral.pk], actor=who.actor, now=at + timedelta(minutes=5))

    asked = at + timedelta(minutes=20)
    theirs = valuations.value_privately(
        referral, scene="finance", purpose="授信审查", actor=bank.officer.actor, now=asked
    )
    careful = Income(Decimal(15_000_000), Decimal(3), Decimal("3.5"), Decimal(15), Decimal(16), 5)
    _keep(theirs, bank.officer, income=careful, cost=cost, weigh=(80, 20), at=asked)
    _close(theirs, bank.officer, at=asked)
    _from_agency(who, own[:1], at=at + timedelta(minutes=40))


def _keep(
    draft: Valuation, by: Membership, *, income: Income, cost: Cost, weigh: tuple[int, int], at: datetime
) -> None:
    for kind, given in (("income", income), ("cost", cost)):
        actions.set_inputs(draft.pk, kind, given, version=_version(draft), actor=by.actor, now=at)
    shares = {"income": Decimal(weigh[0]), "cost": Decimal(weigh[1])}
    actions.set_shares(draft.pk, shares, version=_version(draft), actor=by.actor, now=at)


def _score(draft: Valuation, row: int, by: Membership, *, at: datetime) -> None:
    given = {i.code: _JUDGED.get(i.code, _ORDINARY) for i in indicators.INDICATORS if not i.automatic}
    actions.set_scores(draft.pk, row, given, version=_version(draft), actor=by.actor, now=at)


def _close(draft: Valuation, by: Membership, *, at: datetime) -> Valuation:
    until = local_date(at) + timedelta(days=180)
    return actions.finalise(draft.pk, valid_until=until, version=_version(draft), actor=by.actor, now=at)


def _version(draft: Valuation) -> int:
    return Valuation.objects.values_list("version", flat=True).get(pk=draft.pk)


def _from_agency(who: Membership, patents: list[int], *, at: datetime) -> None:
    """As the dispatcher does when an agency is connected."""
    asked = AgencyRequest.objects.create(organisation=who.organisation, asked_at=at, asked_by=who.actor.label)
    asked.patents.set(patents)
    question = provider.Question(
        f"ZYD-{asked.pk}",
        who.organisation.name,
        who.organisation.uscc or "",
        [(p.number, p.kind, p.title) for p in asked.patents.all()],
    )
    with simulator.running() as address:
        report = provider.HttpProvider(address).report(question)
    agency.receive(asked.pk, report, now=at + timedelta(minutes=3))
