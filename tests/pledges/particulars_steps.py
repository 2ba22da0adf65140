"""What a file with a maximum amount, a third-party pledgor or an agent is made of."""

from datetime import date, timedelta

from pledges import checks
from pledges.actions import filing
from pledges.models import Registration
from pledges.particulars.entries import AgentEntry, MaximumEntry, PledgorEntry
from pledges.particulars.identity import identity_check
from pledges.particulars.models import IdentityKind, Power, Side
from portal.foundation.core import moments
from portal.foundation.core.identifiers import organisation_check, uscc_check
from tests.factories import Person

from .conftest import content, paper

TODAY = date(2026, 11, 23)
CARD = "50010819900307123"
CARD += identity_check(CARD)


def code(serial: int) -> str:
    """A company's code with right check characters."""
    body = f"{serial:08d}"
    first = "91500000" + body + organisation_check(body)
    return first + uscc_check(first)


def maximum(file: Registration, *, months: int = 12, span: int = 365) -> MaximumEntry:
    start = file.debt_from or TODAY
    return MaximumEntry(start, start + timedelta(days=span), months)


AGENT = AgentEntry(
    acts_for=Side.PLEDGOR, abroad="", agency="重庆示例专利代理事务所", person="戴示例", identity=CARD, phone="",
    powers=[Power.FILE, Power.CORRECT],
)  # fmt: skip


def save(file: Registration, by: Person, *papers: str, **changes: object) -> Registration:
    file = Registration.objects.get(pk=file.pk)
    uploads = [filing.Upload(kind, paper(f"{kind}.pdf"), "other_file") for kind in papers]
    return filing.save(
        file.pk, typed={}, content=content(file, **changes), uploads=uploads, version=file.version, actor=by.actor, now=moments.now()
    )  # fmt: skip


def result(file: Registration, ground: str) -> "checks.CheckResult":
    file = Registration.objects.get(pk=file.pk)
    return next(r for r in checks.run(file, now=moments.now(), filing=True) if r.ground == ground)


def third(wai: Person) -> PledgorEntry:
    return PledgorEntry(IdentityKind.COMPANY, wai.organisation.name, wai.organisation.uscc or "", "重庆市示例路 9 号")
