"""800 files for 50 patents, decided by eight clerks at once: exactly 50 pledges are effective, every other clerk reads R09."""

import itertools
import threading
from collections import Counter
from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from django.db import connection

from applications.models import Application, Offer, Referral
from pledges.actions import examination
from pledges.checks import POINTS
from pledges.models import Check, Document, Notice, PledgedPatent, Registration
from portal.foundation.accounts.models import OrganisationKind, Role
from portal.foundation.assets.models import Patent
from portal.foundation.core import failpoints, moments
from portal.foundation.core.errors import DomainError
from portal.proof.invariants import checker
from portal.proof.invariants.options import Options
from tests import factories
from tests.factories import Person

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race, pytest.mark.timeout(300)]
PATENTS, OWNERS, FILES, CLERKS = 50, 4, 800, 8


def numbers() -> list[str]:
    """Fifty patent numbers with right check digits."""
    found = []
    for serial in range(PATENTS):
        body = f"20171060{serial:04d}"
        digit = sum(int(d) * w for d, w in zip(body, itertools.cycle((2, 3, 4, 5, 6, 7, 8, 9)), strict=False)) % 11
        found.append(body + ("X" if digit == 10 else str(digit)))
    return found


@pytest.fixture
def files(reference: None, bo: Person, chen: Person) -> list[int]:
    """Each number has four co-owners with four files each: the same row sometimes, often only the same number."""
    now = moments.now()
    owners = [
        factories.person(
            f"owner{i}",
            "林示例",
            Role.ENTERPRISE,
            factories.organisation(OrganisationKind.ENTERPRISE, f"重庆示例{i}有限公司"),
        )
        for i in range(OWNERS)
    ]
    patents = {
        (owner.organisation.pk, number): factories.patent(owner.organisation, number)
        for owner in owners
        for number in numbers()
    }
    each = FILES // PATENTS
    wanted = [(serial, owners[serial % OWNERS], numbers()[serial // each]) for serial in range(FILES)]
    made = [_file(serial, owner, patents[owner.organisation.pk, number], bo, chen) for serial, owner, number in wanted]
    Document.objects.bulk_create(
        Document(
            registration_id=pk, kind="contract", name="合同.pdf", file="x", media_type="application/pdf", size=1,
            sha256="0" * 64, uploaded_by="薄示例", uploaded_at=now,
        )
        for pk in made
    )  # fmt: skip
    Check.objects.bulk_create(
        Check(
            registration_id=pk, ground=ground, point=point, result="clear", automatic=False, evidence=said,
            checked_by="陈示例", checked_at=now,
        )
        for pk in made
        for (ground, point), said in POINTS.items()
    )  # fmt: skip
    return made


def _file(serial: int, owner: Person, patent: Patent, bank: Person, clerk: Person) -> int:
    """A file read to the end by its clerk, as rows: 800 of them by hand would take an hour."""
    now, day = moments.now(), moments.local_date(moments.now())
    case = Application.objects.create(
        number=f"YZD-{serial}", token=uuid4(), organisation=owner.organisation, organisation_name=owner.organisation.name,
        district_code="500157", state="registering", amount=Decimal(8_000_000), term_months=12, purpose="research",
        contact_name="林示例", contact_phone="13800000000", submitted_by=owner.user, submitted_at=now,
    )  # fmt: skip
    referral = Referral.objects.create(
        application=case, institution=bank.organisation.institution, origin=Referral.Origin.CHOSEN, state="accepted",
        contact_name="薄示例", contact_phone="023-00000000", next_step="签约", created_at=now, responded_at=now,
    )  # fmt: skip
    offer = Offer.objects.create(
        referral=referral, amount=case.amount, term_months=12, annual_rate=Decimal("3.45"), valid_until=day,
        made_by="薄示例", made_at=now, state="accepted",
    )  # fmt: skip
    file = Registration.objects.create(
        number=f"ZYDJ-{serial}", application=case, offer=offer, pledgor=owner.organisation, pledgee=bank.organisation,
        office=clerk.organisation, started_by_org=bank.organisation, state="examining", debtor_name=owner.organisation.name,
        contract_number="1", contract_signed_on=day, debt_amount=case.amount, debt_from=day,
        debt_to=day + timedelta(days=365), created_at=now, submitted_at=now, clerk=clerk.user, accepted_at=now,
        identity_promise=True,
    )  # fmt: skip
    PledgedPatent.objects.create(
        registration=file, patent=patent, number=patent.number, kind=patent.kind, title=patent.title,
        filing_date=patent.filing_date, grant_date=patent.grant_date, expires_on=patent.expires_on,
    )  # fmt: skip
    return int(file.pk)


def test_eight_hundred_files_leave_fifty_pledges(files: list[int], chen: Person) -> None:
    queue, said, guard = list(files), Counter[str](), threading.Lock()
    # Neighbours in the queue want the same patent, so that eight clerks are always at each other's throats.
    failpoints.arm("register.committed=raise")  # fifty papers are printed elsewhere

    def clerk() -> None:
        try:
            while True:
                with guard:
                    if not queue:
                        return
                    pk = queue.pop(0)
                try:
                    examination.register(pk, actor=chen.actor, now=moments.now())
                    word = "registered"
                except DomainError as error:
                    word = "R09" if "R09" in error.reason else error.code
                    if word == "busy":
                        with guard:
                            queue.append(pk)
                with guard:
                    said[word] += 1
        finally:
            connection.close()

    threads = [threading.Thread(target=clerk) for _ in range(CLERKS)]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        failpoints.arm("")
    said.pop("busy", None)
    assert said == {"registered": PATENTS, "R09": FILES - PATENTS}
    effective = PledgedPatent.objects.filter(effective__isnull=False)
    assert effective.count() == effective.values("number").distinct().count() == PATENTS
    assert Registration.objects.filter(state="registered").count() == PATENTS
    serials = sorted(int(n.number[-7:-1]) for n in Notice.objects.all())
    assert serials == list(range(1, PATENTS + 1))  # no loser took a number
    found = checker.check(Options(durable=False), only=("pledge.one_effective",))
    assert [r.count for r in found] == [0]
