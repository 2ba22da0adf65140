"""«本次融资的全部质押登记»: the patents' files with their lamps, the other rights without any. One list for both."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from django.urls import reverse

from applications.models import Application
from pledges import presenting
from pledges.models import Registration
from portal.foundation.core.actor import Actor
from portal.foundation.core.display import full_date_cn
from portal.foundation.core.moments import local_date
from portal.foundation.sla.lamps import Lamp

from .formats import NO_PROMISE as NO_PROMISE
from .formats import classes_warning, life_warning, number_warning
from .models import OtherRight


@dataclass(frozen=True, slots=True)
class Row:
    """One registration of the financing; without a promise there is no lamp, and the list says so."""

    label: str
    name: str
    number: str
    registrar: str
    state: str
    tag: str
    day: str
    lamp: Lamp | None
    promised: bool
    url: str
    warning: str


def files_of(application: Application, actor: Actor) -> list[Registration]:
    """The patents' files of a financing this reader may see; one query a page, however often this object is asked about."""
    kept: dict[int, list[Registration]] = application.__dict__.setdefault("_pledge_files", {})
    if actor.organisation_id not in kept:
        found = Registration.objects.visible_to(actor).filter(application=application)
        kept[actor.organisation_id] = list(found.select_related("office", "clock", "pledgor").order_by("pk"))
    return kept[actor.organisation_id]


def rights_of(application: Application, actor: Actor) -> list[OtherRight]:
    """The other rights of a financing this reader may see; one query."""
    return list(OtherRight.objects.visible_to(actor).filter(application=application).order_by("pk"))


def rows(files: Iterable[Registration], rights: Iterable[OtherRight], *, number: str, now: datetime) -> list[Row]:
    """The list; no query. `number` is that of the request."""
    files = list(files)
    debt_to = next((file.debt_to for file in reversed(files) if file.debt_to), None)
    return [_patents(file, now=now) for file in files] + [
        _other(right, number=number, debt_to=debt_to, today=local_date(now)) for right in rights
    ]


def _patents(file: Registration, *, now: datetime) -> Row:
    day = f"{full_date_cn(local_date(file.decided_at))}" if file.decided_at else ""
    return Row(
        label="专利",
        name="专利权质押登记",
        number=file.number,
        registrar=f"国家知识产权局（{file.office.title}受理）",
        state=str(Registration.State(file.state).label),
        tag=presenting.TAGS.get(Registration.State(file.state), ""),
        day=day,
        lamp=presenting.lamp(file, now=now),
        promised=True,
        url=reverse("pledges:detail", args=[file.number]),
        warning="",
    )


def _other(right: OtherRight, *, number: str, debt_to: date | None, today: date) -> Row:
    days = (right.ended_on, right.registered_on, right.accepted_on, right.submitted_on)
    last = next((day for day in days if day is not None), None)
    return Row(
        label=str(right.get_kind_display()),
        name=right.title,
        number=right.pledge_number or right.filing_number or right.number,
        registrar=right.registrar,
        state=str(OtherRight.State(right.state).label),
        tag=right.tag,
        day=full_date_cn(last) if last else "",
        lamp=None,
        promised=False,
        url=reverse("other-rights:right", args=[number, right.ref]),
        warning="；".join(warnings(right, debt_to=debt_to, today=today)),
    )


def warnings(right: OtherRight, *, debt_to: date | None, today: date) -> list[str]:
    """What both sides should look at: an odd number, an odd class, an early end. None of it stops anything."""
    said = [
        number_warning(right.kind, right.number),
        classes_warning(right.classes) if right.kind == "trademark" else "",
        life_warning(right.kind, right.expires_on, debt_to=debt_to, today=today),
    ]
    return [each for each in said if each]
