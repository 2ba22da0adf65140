"""What Ling's submission leaves in the database, column by column: the plain statements write what the models would."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, models
from django.test.utils import CaptureQueriesContext

from applications.actions import drafts, submit
from applications.models import Application, ApplicationPatent, Attachment, Consent, Draft, Purpose, Referral
from portal.foundation.core import moments
from portal.foundation.journal.models import Entry
from portal.foundation.sla import calendars_in_use, clocks, facts
from portal.foundation.sla.models import Clock, Kind, Policy
from products.models import Product
from tests import factories
from tests.factories import Person
from tests.made_files import PDF

pytestmark = pytest.mark.django_db


def columns(row: models.Model, *leave: str) -> dict[str, Any]:
    """Every stored value but the primary key and what the test leaves out."""
    names = [f.attname for f in row._meta.concrete_fields if not f.primary_key]
    return {name: getattr(row, name) for name in names if name not in leave}


def test_every_column_is_what_the_models_would_have_written(
    ling: Person, bo: Person, cui: Person, product: Product
) -> None:
    now = moments.now()
    other = factories.product(cui.organisation, "另一款示例贷")
    patents = [factories.patent(ling.organisation), factories.patent(ling.organisation, factories.INVENTION_2)]
    draft = drafts.start(actor=ling.actor, now=now)
    drafts.attach(draft.pk, SimpleUploadedFile("a.pdf", PDF), kind="licence", actor=ling.actor, now=now)
    wish = submit.Wish(
        amount=Decimal("8000000.50"),
        term_months=24,
        purpose=Purpose.RESEARCH,
        purpose_note="试制“百分之五”%s",
        contact_name="林示例",
        contact_phone="13800000000",
        patent_ids=[p.pk for p in patents],
        product_ids=[other.pk, product.pk],
    )
    case = submit.submit(draft.pk, wish, actor=ling.actor, now=now)

    stored = Application.objects.get()
    expected = Application(
        number=case.number,
        token=draft.token,
        organisation=ling.organisation,
        organisation_name=ling.organisation.name,
        district_code="500157",
        industry_letter="C",
        amount=wish.amount,
        term_months=24,
        purpose=Purpose.RESEARCH,
        purpose_note=wish.purpose_note,
        contact_name="林示例",
        contact_phone="13800000000",
        submitted_by=ling.user,
        submitted_at=now,
    )
    assert columns(stored) == columns(expected) == columns(case)
    assert stored.pk == case.pk
    assert [columns(row) for row in stored.patents.order_by("pk")] == [
        columns(ApplicationPatent(application=stored, patent=p, number=p.number, kind=p.kind, title=p.title, expires_on=p.expires_on))
        for p in sorted(patents, key=lambda p: p.pk)
    ]  # fmt: skip
    chosen = [product, other] if product.pk < other.pk else [other, product]
    referrals = list(stored.referrals.order_by("pk"))
    assert [columns(row, "ref", "clock_id", "due_at") for row in referrals] == [
        columns(Referral(application=stored, institution_id=p.institution_id, product=p, origin="chosen", created_at=now), "ref", "clock_id", "due_at")
        for p in chosen
    ]  # fmt: skip
    assert len({row.ref for row in referrals}) == 2
    for row in referrals:
        assert row.clock is not None
        assert row.due_at == row.clock.due_at
        assert columns(row.clock) == columns(
            clocks.prepare(
                Kind.RESPONSE,
                organisation_id=row.institution_id,
                case_number=stored.number,
                subject=f"referral:{stored.number}:{row.institution_id}",
                watchers=[ling.organisation.pk],
                now=now,
            )
        )
    assert [columns(row) for row in stored.consents.order_by("pk")] == [
        columns(Consent(application=stored, institution_id=p.institution_id, granted_by=ling.actor.label, granted_at=now))
        for p in chosen
    ]  # fmt: skip
    assert Attachment.objects.get().application_id == stored.pk
    assert Attachment.objects.get().draft_id is None
    assert not Draft.objects.exists()
    entry = Entry.objects.get(verb="application.submitted")
    assert columns(entry) == columns(
        Entry(
            at=now,
            verb="application.submitted",
            actor_id=ling.user.pk,
            actor_label=ling.actor.label,
            organisation_id=ling.organisation.pk,
            subject=f"application:{stored.pk}",
            case_number=stored.number,
            text=f"提交融资需求 {stored.number}",
            data={
                "amount": "8000000.50",
                "term_months": 24,
                "open_call": False,
                "institutions": [p.institution_id for p in chosen],
                "clocks": [started(row) for row in referrals],
            },
            parties=sorted([ling.organisation.pk, product.institution_id, other.institution_id]),
        )
    )


def started(referral: Referral) -> facts.Fact:
    """The start of its clock, as the journal should tell it."""
    assert referral.clock is not None
    referral.clock.calendar = calendars_in_use.current().version
    return facts.started(referral.clock)


def test_a_submission_takes_nine_statements_however_many_institutions(ling: Person, bo: Person, cui: Person) -> None:
    products = [factories.product(at.organisation) for at in (bo, cui)]
    factories.application(ling, products[0])  # what is compiled once a process, is
    now = moments.now()
    for chosen in (products[:1], products):
        draft = drafts.start(actor=ling.actor, now=now)
        wish = submit.Wish(
            amount=Decimal(8_000_000),
            term_months=24,
            purpose=Purpose.RESEARCH,
            contact_name="林示例",
            contact_phone="13800000000",
            patent_ids=[ling.organisation.patents.get().pk],
            product_ids=[p.pk for p in chosen],
        )
        with CaptureQueriesContext(connection) as asked:
            submit.submit(draft.pk, wish, actor=ling.actor, now=now)
        statements = [q["sql"] for q in asked if "SAVEPOINT" not in q["sql"]]
        assert len(statements) <= 9, statements


def test_a_new_policy_version_counts_for_the_very_next_submission(ling: Person, product: Product) -> None:
    before = factories.application(ling, product).referrals.get().clock
    old = Policy.objects.get(kind=Kind.RESPONSE)
    new = Policy.objects.create(
        kind=Kind.RESPONSE, days=1, valid_from=moments.now() - timedelta(seconds=1), ground="测试", decided_by="测试"
    )
    after = factories.application(ling, product).referrals.get().clock
    assert before is not None
    assert after is not None
    assert (before.policy_id, before.days) == (old.pk, 2)
    assert (after.policy_id, after.days) == (new.pk, 1)
    assert Clock.objects.filter(due_at=after.due_at).count() == 1
