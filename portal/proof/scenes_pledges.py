"""Scenes of a pledge: from handing the file in to the money; and a new version of a promise."""

import hashlib
import itertools
from datetime import timedelta
from typing import Any

from django.core.files.base import ContentFile

from pledges.actions import examination
from pledges.after import examination as after
from pledges.after import filing
from pledges.models import Notice, Registration
from portal.demo.filings import BLANK
from portal.foundation.core import moments
from portal.foundation.core.moments import local_date
from portal.foundation.journal.models import Entry
from portal.foundation.sla.models import Kind, Policy
from portal.proof.scene import Scene, World, told

_days = itertools.count(30)


def hand_in(world: World) -> Scene:
    file, firm, _ = world.filed(confirmed=False)
    act = world.send(firm, f"/pledges/{file.number}/confirm/", read="on", version=str(file.version))

    def facts() -> int:
        submitted = told("pledge.submitted", file.subject)()
        running = Registration.objects.filter(pk=file.pk, clock__stopped_at=None).exclude(clock=None).count()
        return submitted if submitted == running else -1

    return Scene(act, facts)


def take_in(world: World) -> Scene:
    file, _, _ = world.filed()
    act = world.send(world.clerk, f"/office/{file.number}/accept/")
    return Scene(act, told("pledge.accepted", file.subject))


def ask_correction(world: World) -> Scene:
    file, _, _ = world.examined()
    act = world.send(world.clerk, f"/office/{file.number}/correct/", place_1="other", defect_1="请补充说明（示例）")

    def facts() -> int:
        asked = told("pledge.correction", file.subject)()
        paused = Registration.objects.filter(pk=file.pk).exclude(clock__paused_at=None).count()
        return asked if asked == paused == _papers(file, Notice.Kind.CORRECTION) else -1

    return Scene(act, facts, lambda: _printed(world, file))


def complete(world: World) -> Scene:
    """The only defect is answered, so the file is complete and its clock runs again."""
    file, firm, _ = world.examined()
    now = moments.now()
    examination.ask_correction(
        file.pk, [examination.Defect("other", "请补充说明（示例）")], actor=world.clerk.actor, now=now
    )
    row = file.corrections.get(round=1)
    act = world.send(firm, f"/pledges/{file.number}/correct/", correction=str(row.pk), **{"c1-text": "已补充（示例）"})

    def facts() -> int:
        completed = told("pledge.completed", file.subject)()
        return completed if completed == told("pledge.answered", file.subject)() else -1

    return Scene(act, facts)


def register(world: World) -> Scene:
    file, _, _ = world.examined()
    act = world.send(world.clerk, f"/office/{file.number}/register/", national_number="")

    def facts() -> int:
        registered = told("pledge.registered", file.subject)()
        in_force = file.patents.exclude(effective=None).count()
        return registered if registered == in_force == _papers(file, Notice.Kind.REGISTERED) else -1

    return Scene(act, facts, lambda: _printed(world, file))


def lend(world: World) -> Scene:
    file, _, officer = world.examined()
    examination.register(file.pk, actor=world.clerk.actor, now=moments.now())
    today = local_date(moments.now())
    act = world.send(
        officer, f"/pledges/{file.number}/loan/", amount="800", annual_rate="3.45", disbursed_on=f"{today:%Y-%m-%d}",
        loan_number="SL-示例-001",
    )  # fmt: skip
    return Scene(act, told("loan.recorded", file.subject))


def cancel(world: World) -> Scene:
    """Both have applied for the end of the pledge, the clerk decides."""
    file, firm, officer = world.examined()
    now, clerk = moments.now(), world.clerk.actor
    examination.register(file.pk, actor=clerk, now=now)
    proof = ContentFile(BLANK, name="结清证明（示例）.pdf")
    matter = filing.start(
        file.pk, "cancellation", filing.Wish(end_ground="performed"), [proof], actor=officer.actor, now=now
    )
    filing.confirm(matter.pk, version=0, actor=firm.actor, now=now)
    after.accept(matter.pk, actor=clerk, now=now)
    act = world.send(world.clerk, f"/office/after/{matter.number}/approve/", read="on", version="0")

    def facts() -> int:
        cancelled = told("pledge.cancelled", file.subject)()
        ended = file.patents.filter(effective__upper_inf=False).count()
        return cancelled if cancelled == ended == _papers(file, Notice.Kind.CANCELLED) else -1

    return Scene(act, facts, lambda: _printed(world, file))


_LADDER: dict[str, Any] = {
    "levels-TOTAL_FORMS": "2", "levels-INITIAL_FORMS": "0",
    "levels-0-label": "即将到期", "levels-0-code": "due_soon", "levels-0-anchor": "before", "levels-0-offset": "540",
    "levels-0-recipients": ["officer"],
    "levels-1-label": "已超期", "levels-1-code": "overdue", "levels-1-anchor": "after", "levels-1-offset": "0",
    "levels-1-recipients": ["manager"],
}  # fmt: skip


def set_policy(world: World) -> Scene:
    """Each time for another day to come, so that the promises of the proof stay as they are."""
    day = local_date(moments.now()) + timedelta(days=next(_days))
    act = world.send(
        world.regulator, f"/supervision/policy/{Kind.RESPONSE.value}/new/", step="confirm", days="2", day_zero="strict",
        closes="", valid_on=f"{day:%Y-%m-%d}", ground=f"示例 {day:%Y-%m-%d}", **_LADDER,
    )  # fmt: skip

    def facts() -> int:
        versions = Policy.objects.filter(ground=f"示例 {day:%Y-%m-%d}")
        entries = Entry.objects.filter(verb="policy.set", subject__in=[f"policy:{v.pk}" for v in versions]).count()
        return len(versions) if len(versions) == entries else -1

    return Scene(act, facts)


def _papers(file: Registration, kind: str) -> int:
    return Notice.objects.filter(registration=file, kind=kind).count()


def _printed(world: World, file: Registration) -> bool:
    """The clerk opens the paper: it is printed then at the latest, and its bytes are those of its digest."""
    notice = Notice.objects.filter(registration=file).order_by("-pk").first()
    if notice is None:
        return False
    if world.stage.get(f"/pledges/{file.number}/notices/{notice.pk}/pdf/", session=world.clerk.session) != 200:
        return False
    notice.refresh_from_db()
    with notice.file.open("rb") as paper:
        return hashlib.sha256(paper.read()).hexdigest() == notice.sha256
