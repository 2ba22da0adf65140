"""A request of Ling with Bo's offer accepted, and the pledge file at each stage of its life."""

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from applications.actions import choices, responses
from applications.models import Application
from pledges.actions import examination, filing, joining
from pledges.models import Document, Registration
from portal.foundation.core import moments
from products.models import Product
from tests import factories
from tests.factories import Person
from tests.made_files import PDF
from tests.registers import register_says  # noqa: F401 - fixture


def paper(name: str = "质押合同.pdf", body: bytes = PDF) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, body, content_type="application/pdf")


def accepted(enterprise: Person, officer: Person, product: Product, **wish: object) -> Application:
    """A request whose offer from this officer's bank was chosen."""
    case = factories.application(enterprise, product, **wish)  # type: ignore[arg-type]
    made = responses.offer(
        case.referrals.get(institution_id=officer.organisation.pk).pk,
        responses.Terms(
            amount=case.amount, term_months=case.term_months, annual_rate=Decimal("3.45"), valid_until=date(2099, 1, 1)
        ),
        actor=officer.actor,
        now=moments.now(),
    )
    return choices.accept(made.pk, actor=enterprise.actor, now=moments.now())


def content(file: Registration, **changes: object) -> filing.Content:
    """The form as the proposer would leave it: everything filled in."""
    values = {name: getattr(file, name) for name in filing.CONTENT_FIELDS}
    values |= {
        "contract_number": "示例质字第 2026-001 号",
        "contract_signed_on": moments.local_date(moments.now()) - timedelta(days=1),
        "identity_promise": True,
        "patent_ids": list(file.application.patents.values_list("patent_id", flat=True)),
    }
    return filing.Content(**(values | changes))  # type: ignore[arg-type]


def filled(case: Application, by: Person, **changes: object) -> Registration:
    """A draft with everything in it that the pre-check wants."""
    file = filing.start(case.pk, actor=by.actor, now=moments.now())
    return filing.save(
        file.pk,
        typed={},
        content=content(file, **changes),
        uploads=[filing.Upload(Document.Kind.CONTRACT, paper(), "contract_file")],
        version=file.version,
        actor=by.actor,
        now=moments.now(),
    )


def submitted(case: Application, by: Person, other: Person, **changes: object) -> Registration:
    """Proposed by one side and confirmed by the other."""
    file = filled(case, by, **changes)
    joining.propose(file.pk, actor=by.actor, now=moments.now())
    return joining.confirm(file.pk, version=file.version, actor=other.actor, now=moments.now())


def tick_all(file: Registration, clerk: Person) -> None:
    """The clerk has read everything."""
    shown = [f"{c.ground}:{c.point}" for c in file.checks.all()]
    examination.tick(file.pk, ticked=shown, shown=shown, actor=clerk.actor, now=moments.now())


def examined(file: Registration, clerk: Person) -> Registration:
    """Accepted by the clerk and read to the end."""
    examination.accept(file.pk, actor=clerk.actor, now=moments.now())
    tick_all(file, clerk)
    return Registration.objects.get(pk=file.pk)


@pytest.fixture
def case(ling: Person, bo: Person, product: Product, chen: Person) -> Application:
    """Ling took Bo's offer; Chen's office exists."""
    return accepted(ling, bo, product)


@pytest.fixture
def draft(case: Application, bo: Person) -> Registration:
    return filled(case, bo)


@pytest.fixture
def with_office(case: Application, bo: Person, ling: Person) -> Registration:
    return submitted(case, bo, ling)


@pytest.fixture
def ready(with_office: Registration, chen: Person) -> Registration:
    """Everything ticked: one click from being registered."""
    return examined(with_office, chen)


@pytest.fixture
def registered(ready: Registration, chen: Person) -> Registration:
    examination.register(ready.pk, actor=chen.actor, now=moments.now())
    return Registration.objects.get(pk=ready.pk)


@pytest.fixture
def another_case(ling: Person, cui: Person, chen: Person) -> Callable[[], Application]:
    """The same patents offered to another bank."""
    return lambda: accepted(ling, cui, factories.product(cui.organisation))
