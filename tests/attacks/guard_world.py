"""The attackers' world for the attacks of bank, clerk, regulator and administrators, and the trace that a refusal leaves."""

from portal.foundation.journal.models import Refusal
from tests.factories import Person
from tests.security.conftest import _own_files as _own_files
from tests.security.conftest import people as people
from tests.security.conftest import world as world


def traced(who: Person, kind: str, route: str = "") -> Refusal:
    """The newest refusal of this person, which must be of this kind and (with `route`) at this address."""
    row = Refusal.objects.filter(actor_id=who.user.pk).order_by("-pk").first()
    assert row is not None, "the refusal left no trace"
    assert row.kind == kind, (row.kind, row.route, row.status)
    assert row.organisation_id == who.organisation.pk
    if route:
        assert row.route == route
    return row
