"""What one message is, and what those who write them share."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.urls import reverse

from portal.foundation.accounts.models import Organisation, OrganisationKind, Role
from portal.foundation.journal.models import Entry

from .models import Notice

ANSWERING = (Role.OFFICER, Role.MANAGER)
OFFICE = (Role.CLERK, Role.CHIEF)
A, D, R = Notice.Kind.ACTION, Notice.Kind.DEADLINE, Notice.Kind.RESULT


@dataclass(frozen=True, slots=True)
class Letter:
    """One message to everybody with one of `roles` in one of `organisations`; `user_id` narrows it to one person."""

    organisations: Sequence[int]
    roles: Sequence[str]
    kind: str
    title: str
    url: str
    body: str = ""
    user_id: int | None = None


Maker = Callable[[Entry], list[Letter]]


def case_url(entry: Entry) -> str:
    """The enterprise's page of the case."""
    return reverse("case", args=[entry.case_number])


def both(*makers: Callable[[Entry], list[Letter]]) -> Callable[[Entry], list[Letter]]:
    """Everything that several makers say of one entry."""
    return lambda entry: [letter for make in makers for letter in make(entry)]


def keepers(roles: Sequence[Role]) -> list[int]:
    """The organisations whose people keep the portal, by role."""
    kinds = {Role.REGULATOR: OrganisationKind.REGULATOR, Role.ADMIN: OrganisationKind.PLATFORM}
    wanted = Organisation.objects.filter(kind__in=[kinds[role] for role in roles], active=True)
    return list(wanted.values_list("pk", flat=True))
