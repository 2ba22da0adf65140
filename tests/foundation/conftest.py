"""Clocks and calendars that several files begin with."""

from collections.abc import Callable, Iterator

import pytest
from django.db import transaction

from portal.foundation.sla import calendars_in_use, clocks
from portal.foundation.sla.models import Clock, Kind
from tests.calendar_years import at
from tests.factories import Person


@pytest.fixture
def fresh_calendar() -> Iterator[None]:
    """The calendar in use is read anew, before and after."""
    calendars_in_use.forget()
    yield
    calendars_in_use.forget()


@pytest.fixture
def start(bo: Person, chen: Person, ling: Person) -> Callable[..., Clock]:
    """A promise of Bo's bank or Chen's office to Ling, begun at a moment."""

    def begin(moment: str, kind: Kind = Kind.RESPONSE, case: str = "YZD202609290001X") -> Clock:
        whose = bo if kind == Kind.RESPONSE else chen
        with transaction.atomic():
            return clocks.start(
                kind,
                organisation_id=whose.organisation.pk,
                case_number=case,
                subject=f"test:{Clock.objects.count()}",
                watchers=[ling.organisation.pk],
                now=at(moment),
            )

    return begin
