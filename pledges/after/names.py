"""A party that is renamed no longer matches the register until a change is registered (edge cases 7 and 20)."""

from dataclasses import dataclass

from pledges.facts import plain_name
from pledges.models import Registration


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One party whose name in the portal is another one than the registered; `field` is the change that mends it."""

    field: str
    party: str
    registered: str
    now: str


def mismatches(file: Registration) -> list[Mismatch]:
    """Only while the pledge stands; no query beyond the loaded parties."""
    if file.state != Registration.State.REGISTERED:
        return []
    found = []
    for field, party in (("pledgor_name", "出质人"), ("pledgee_name", "质权人")):
        registered, now = getattr(file, field), getattr(file, field.removesuffix("_name")).name
        if registered and plain_name(registered) != plain_name(now):
            found.append(Mismatch(field, party, registered, now))
    return found
