"""The answer was lost on the way, so the same is sent again: nothing happens twice, and nobody reads it twice."""

from datetime import date
from decimal import Decimal

from django.core.files.uploadedfile import SimpleUploadedFile

from applications.actions import drafts, responses
from applications.models import Attachment, Offer
from portal.foundation.core import moments
from portal.foundation.journal.models import Entry
from products.models import Product
from tests import factories
from tests.factories import Person
from tests.made_files import PDF, pdf

TERMS = responses.Terms(
    amount=Decimal(8_000_000), term_months=24, annual_rate=Decimal("3.45"), valid_until=date(2099, 1, 1)
)


def test_bo_sends_the_same_terms_again_and_it_is_the_same_offer(
    ling: Person, bo: Person, bo_manager: Person, product: Product
) -> None:
    referral = factories.application(ling, product).referrals.get()
    first = responses.offer(referral.pk, TERMS, actor=bo.actor, now=moments.now())
    assert responses.offer(referral.pk, TERMS, actor=bo.actor, now=moments.now()).pk == first.pk
    assert Entry.objects.filter(verb="referral.offered").count() == 1
    # Another person's word, or another word, is a new version.
    second = responses.offer(referral.pk, TERMS, actor=bo_manager.actor, now=moments.now())
    assert (second.version, Offer.objects.filter(state="open").count()) == (2, 1)


def test_ling_uploads_the_same_paper_again_and_it_is_there_once(ling: Person) -> None:
    draft = drafts.start(actor=ling.actor, now=moments.now())

    def attach(body: bytes = PDF) -> Attachment:
        paper = SimpleUploadedFile("年报.pdf", body)
        return drafts.attach(draft.pk, paper, kind="licence", actor=ling.actor, now=moments.now())

    first = attach()
    assert attach().pk == first.pk
    assert attach(pdf("a newer one")).pk != first.pk
    assert draft.attachments.count() == 2
