"""Numbers without gaps: many decisions at once, some of which come to nothing, and the series has every number once."""

import random
from datetime import UTC, datetime

import pytest
from django.db import IntegrityError, transaction

from pledges import notices, receipts
from pledges.models import Notice, Receipt, Registration, SearchCertificate
from pledges.search import certificates
from pledges.search.asking import Question
from portal.foundation.core import moments
from tests.threads import together

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race]
SEED = 20261123
YEAR_END = datetime(2026, 12, 31, 15, 59, 59, 999999, tzinfo=UTC)  # a microsecond before midnight in Chongqing
NEW_YEAR = datetime(2026, 12, 31, 16, 0, tzinfo=UTC)


class Abandoned(Exception):
    """The decision came to nothing after its number was taken."""


def test_rolled_back_decisions_leave_no_gap_and_two_years_do_not_mix(with_office: Registration) -> None:
    """40 threads, a third of which roll back with the number in hand, on both sides of New Year."""
    chance = random.Random(SEED)
    print(f"seed {SEED}")
    plan = [(chance.random() < 0.33, chance.choice([YEAR_END, NEW_YEAR])) for _ in range(40)]

    def decide(fails: bool, now: datetime) -> str | None:
        try:
            with transaction.atomic():
                number = notices.issue(with_office, Notice.Kind.CORRECTION, {}, now=now).number
                if fails:
                    raise Abandoned
                return number
        except Abandoned:
            return None

    for start in range(0, 40, 10):  # ten connections at a time
        together(*(lambda p=p: decide(*p) for p in plan[start : start + 10]))
    for year, moment in ((2026, YEAR_END), (2027, NEW_YEAR)):
        kept = sum(1 for fails, now in plan if now == moment and not fails)
        issued = sorted(Notice.objects.filter(number__contains=f"〔{year}〕").values_list("number", flat=True))
        assert kept > 5
        assert issued == [notices.compose_number(year, serial) for serial in range(1, kept + 1)]


def test_receipts_and_certificates_have_no_gaps_either(with_office: Registration) -> None:
    now = moments.now()

    def receipt(fails: bool) -> None:
        try:
            with transaction.atomic():
                receipts.issue(with_office, now=now)
                if fails:
                    raise Abandoned
        except Abandoned:
            pass

    together(*(lambda i=i: receipt(i % 3 == 0) for i in range(9)))
    question = Question("patent", "2017106018623")
    together(*(lambda: certificates.certify(question, now=moments.now()) for _ in range(8)))
    year = moments.local_date(now).year
    for model, series, wanted in ((Receipt, "收", 6), (SearchCertificate, "查", 8)):
        issued = sorted(model.objects.values_list("number", flat=True))  # type: ignore[attr-defined]
        assert issued == [notices.compose_number(year, n, series=series) for n in range(1, wanted + 1)]


def test_the_database_refuses_a_number_twice(with_office: Registration) -> None:
    with transaction.atomic():
        first = notices.issue(with_office, Notice.Kind.CORRECTION, {}, now=moments.now())
    with pytest.raises(IntegrityError), transaction.atomic():
        Notice.objects.create(
            registration=with_office, kind=Notice.Kind.CORRECTION, number=first.number, verify_code="X", issued_at=first.issued_at
        )  # fmt: skip
