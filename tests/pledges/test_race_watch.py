"""Two who watch at the same moment tell each thing once."""

from dataclasses import replace
from datetime import timedelta

import pytest

from pledges.actions import examination
from pledges.models import Alert
from pledges.watch import daily
from portal.foundation.assets.register import actions as register
from portal.foundation.core import moments
from portal.foundation.journal.models import Entry
from products.models import Product
from tests.factories import Person
from tests.registers import GRANTED, Says
from tests.threads import together

from .conftest import accepted, examined, submitted

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race]


def test_four_watches_at_once_write_each_alert_once(
    register_says: Says, ling: Person, bo: Person, product: Product, chen: Person
) -> None:
    file = examined(submitted(accepted(ling, bo, product), bo, ling), chen)
    examination.register(file.pk, actor=chen.actor, now=moments.now())
    register_says(replace(GRANTED, preserved=True, invalidation_pending=True))
    register.refresh([GRANTED.number], actor=chen.actor, now=moments.now())
    now = moments.now()
    found = together(*(lambda: daily.run(now=now) for _ in range(4)))
    assert sum(found) == 2
    assert Alert.objects.count() == 2
    assert Entry.objects.filter(verb="pledge.alert").count() == 2
    register_says(GRANTED)
    later = now + timedelta(days=1)
    together(*(lambda: daily.run(now=later) for _ in range(4)))
    assert not Alert.objects.filter(ended_at=None).exists()
    assert Entry.objects.filter(verb="pledge.alert_ended").count() == 2
