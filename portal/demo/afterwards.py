"""What came after some registrations: a change and a cancellation decided, one of each waiting, a consent asked, a revocation proposed."""

from datetime import timedelta
from decimal import Decimal

from django.core.files.base import ContentFile

from pledges.after import consents, examination, filing, revoking
from pledges.after.filing import Wish
from pledges.after.kinds import EndGround, MatterKind, RevocationGround, Use
from pledges.after.models import Matter
from pledges.models import Registration
from portal.foundation.accounts.models import Membership
from portal.foundation.core.actor import Actor

from . import filings
from .timeline import Timeline


def _paper(name: str) -> "ContentFile[bytes]":
    return ContentFile(filings.BLANK, name=f"{name}（示例）.pdf")


def _registered(firm: Membership, bank: Membership) -> Registration:
    found = Registration.objects.filter(pledgor_id=firm.organisation_id, pledgee_id=bank.organisation_id)
    return found.filter(state=Registration.State.REGISTERED).latest("pk")


def _longer(file: Registration) -> Wish:
    assert file.debt_to is not None
    return Wish(reason="双方协商展期三个月", changes={"debt_to": file.debt_to + timedelta(days=90)})


def changed_and_cancelled(firm: Membership, bank: Membership, clerk: Membership, *, time: Timeline) -> None:
    """A loan that was prolonged, and a few days later paid back early."""
    file, at = _registered(firm, bank), time.at
    first = filing.start(
        file.pk, MatterKind.CHANGE, _longer(file), [_paper("展期协议")], actor=bank.actor, now=at(5, 9, 30)
    )
    filing.confirm(first.pk, version=0, actor=firm.actor, now=at(5, 11))
    _decided(first, clerk.actor, time, 5)
    wish = Wish(end_ground=EndGround.PERFORMED, reason="贷款已提前还清")
    last = filing.start(
        file.pk, MatterKind.CANCELLATION, wish, [_paper("结清证明")], actor=firm.actor, now=at(3, 9, 20)
    )
    filing.confirm(last.pk, version=0, actor=bank.actor, now=at(3, 10, 40))
    _decided(last, clerk.actor, time, 3)


def _decided(matter: Matter, clerk: Actor, time: Timeline, ago: int) -> None:
    examination.accept(matter.pk, actor=clerk, now=time.at(ago, 14))
    examination.approve(matter.pk, version=0, actor=clerk, now=time.at(ago, 16))


def waiting(firm: Membership, bank: Membership, *, time: Timeline) -> None:
    """The enterprise's own day: a change to confirm, and a licence its bank has not answered yet."""
    file = _registered(firm, bank)
    filing.start(file.pk, MatterKind.CHANGE, _longer(file), [_paper("展期协议")], actor=bank.actor, now=time.just(150))
    wanted = consents.Asked(
        use=Use.LICENCE,
        numbers=list(file.patents.values_list("number", flat=True)),
        counterparty="重庆山城示例装备有限公司",
        price=Decimal(300_000),
        about="普通许可，期限一年，许可费一次付清",
    )
    consents.ask(file.pk, wanted, [_paper("拟签许可合同")], actor=firm.actor, now=time.just(120))


def with_the_office(firm: Membership, bank: Membership, *, time: Timeline) -> None:
    """The clerk's list: a cancellation both have handed in."""
    wish = Wish(end_ground=EndGround.PERFORMED, reason="贷款已结清")
    file = _registered(firm, bank)
    made = filing.start(
        file.pk, MatterKind.CANCELLATION, wish, [_paper("结清证明")], actor=bank.actor, now=time.just(60)
    )
    filing.confirm(made.pk, version=0, actor=firm.actor, now=time.just(45))


def to_be_revoked(firm: Membership, bank: Membership, clerk: Membership, *, time: Timeline) -> None:
    """The chief's: a promise that turned out to be false."""
    revoking.propose(
        _registered(firm, bank).pk,
        ground=RevocationGround.FALSE_PROMISE,
        refusal_ground="",
        found="出质人承诺主体身份真实有效，经核查所附授权委托书不实，当事人未能补充有效证明。",
        uploads=[_paper("核查记录")],
        actor=clerk.actor,
        now=time.just(90),
    )
