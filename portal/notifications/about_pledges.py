"""Who is told about pledge files, what comes after a registration, and the watch over pledges."""

from collections.abc import Callable

from django.urls import reverse

from pledges.models import Registration
from portal.foundation.accounts.models import Role
from portal.foundation.journal.models import Entry

from .about_requests import promised
from .letters import ANSWERING, OFFICE, Letter


def pledge_of(entry: Entry) -> Registration | None:
    return (
        Registration.objects.filter(application__number=entry.case_number, pk=entry.subject.partition(":")[2])
        .select_related("clock")
        .first()
    )


def parties(kind: str, title: str, *, but_actor: bool = False) -> Callable[[Entry], list[Letter]]:
    """To pledgor and pledgee of a pledge file (without the acting one, who knows)."""

    def letters(entry: Entry) -> list[Letter]:
        file = pledge_of(entry)
        if file is None:
            return []
        parties = [p for p in (file.pledgor_id, file.pledgee_id) if not (but_actor and p == entry.organisation_id)]
        url = reverse("pledges:detail", args=[file.number])
        return [Letter(parties, (Role.ENTERPRISE, *ANSWERING), kind, title, url, entry.text)]

    return letters


def office(kind: str, title: str) -> Callable[[Entry], list[Letter]]:
    def letters(entry: Entry) -> list[Letter]:
        file = pledge_of(entry)
        if file is None or (entry.verb == "pledge.assigned" and entry.data["clerk"] == entry.actor_id):
            return []  # a chief who takes a file knows
        url = reverse("office-file", args=[file.number])
        return [Letter([file.office_id], OFFICE, kind, promised(title, file.clock), url, entry.text, file.clerk_id)]

    return letters
