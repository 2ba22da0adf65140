"""What a guarantee holds against: second thoughts, old pages, old days, and authorisations that have ended."""

from datetime import date
from decimal import Decimal

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from applications import cover_figures, cover_rows
from applications.actions import choices, cover_answers
from applications.cover_models import Cover
from applications.models import Application, Attachment
from portal.foundation.accounts.models import OrganisationKind, Role
from portal.foundation.core import moments
from portal.foundation.core.errors import WrongState
from portal.foundation.core.intake.gate import admit
from products.models import EnterpriseTier, Product
from products.risk.models import RiskScheme
from tests import covering, factories
from tests.by_hand import by_hand
from tests.factories import Person
from tests.made_files import PDF

pytestmark = pytest.mark.django_db
now = moments.now


@pytest.fixture
def cover(ling: Person, bo: Person, gu: Person, product: Product) -> Cover:
    covering.listed(ling)
    return covering.asked(covering.claimed(ling, bo, product), ling, gu)


def test_what_ling_signs_for_cannot_be_dropped_before_the_loan_is_paid_back(
    cover: Cover, ling: Person, bo: Person, gu: Person
) -> None:
    """Gu's commitment is why Ling chose this offer."""
    offer = covering.offered(cover.referral, bo)
    covering.committed(cover, gu)
    choices.accept(offer.pk, actor=ling.actor, now=now())
    with pytest.raises(WrongState, match="连同银行方案选定"):
        cover_answers.release(cover.pk, note="不做了", actor=gu.actor, now=now())
    assert 'value="release"' not in gu.client.get(reverse("desk-cover", args=[cover.ref])).content.decode()
    with by_hand():
        Application.objects.filter(pk=cover.application_id).update(state="disbursed")
    cover_answers.release(cover.pk, note="贷款已结清", actor=gu.actor, now=now())


def test_ling_does_not_sign_for_terms_that_changed_behind_an_open_page(
    cover: Cover, ling: Person, bo: Person, gu: Person
) -> None:
    offer = covering.offered(cover.referral, bo)
    page = reverse("case-accept", args=[cover.application.number, offer.pk])
    covering.with_terms(cover, gu)
    shown = Cover.objects.get(pk=cover.pk).seen
    assert f'value="{shown}"' in ling.client.get(page).content.decode()
    covering.committed(cover, gu, fee_rate=Decimal("3"))
    refused = ling.client.post(page, {"cover": shown})
    assert refused.status_code == 409
    assert "再核对一遍" in refused.content.decode()
    assert ling.client.post(page, {}).status_code == 409, "nor for a page that showed no guarantee at all"
    assert ling.client.post(page, {"cover": Cover.objects.get(pk=cover.pk).seen}).status_code == 302


def test_a_commitment_whose_day_has_passed_is_not_carried(cover: Cover, ling: Person, bo: Person, gu: Person) -> None:
    offer = covering.offered(cover.referral, bo)
    covering.committed(cover, gu)
    Cover.objects.filter(pk=cover.pk).update(valid_until=date(2020, 1, 1))
    with pytest.raises(WrongState, match="已过有效期"):
        choices.accept(offer.pk, actor=ling.actor, now=now())


def test_no_more_is_covered_than_is_lent(ling: Person, bo: Person, gu: Person, product: Product) -> None:
    """Two guarantors of five million each do not make a loan of eight million safe twice over."""
    second = factories.person(
        "guo", "郭示例", Role.OFFICER, factories.organisation(OrganisationKind.GUARANTOR, "示例二担保")
    )
    covering.listed(ling)
    referral = covering.claimed(ling, bo, product)
    offer = covering.offered(referral, bo)
    for who in (gu, second):
        covering.committed(covering.asked(referral, ling, who), who)
    with pytest.raises(WrongState, match="超过方案金额"):
        choices.accept(offer.pk, actor=ling.actor, now=now())


def test_gu_commits_only_under_rules_that_still_hold(cover: Cover, gu: Person) -> None:
    """The enterprise has left the list of its tier since the terms were made."""
    made = covering.with_terms(cover, gu)
    EnterpriseTier.objects.update(valid_until=date(2020, 1, 1), valid_from=date(2019, 1, 1))
    with pytest.raises(WrongState, match="重新提出条件"):
        cover_answers.commit(cover.pk, version=made.version, actor=gu.actor, now=now())


def test_two_colleagues_do_not_send_terms_over_each_other(cover: Cover, gu: Person) -> None:
    page = reverse("desk-cover", args=[cover.ref])
    scheme = covering.terms_of(cover, gu).scheme_id
    wish = {
        "step": "terms",
        "scheme": scheme,
        "amount": "500",
        "fee_rate": "0.9",
        "valid_until": "2099-01-01",
        "over": "0",
    }
    covering.with_terms(cover, gu)
    refused = gu.client.post(page, wish)
    assert refused.status_code == 409
    html = refused.content.decode()
    assert "同事刚刚发出第 1 版条件" in html
    assert 'value="0.9"' in html
    assert gu.client.post(page, {**wish, "over": "1"}).status_code == 302, "the page now knows version 1"
    assert Cover.objects.get(pk=cover.pk).version == 2


def test_a_bank_that_was_shut_out_reads_nothing_of_the_cover_either(
    cover: Cover, ling: Person, bo: Person, gu: Person
) -> None:
    """Ling takes Bo's authorisation back: number and state stay, the rest is closed, also behind the cover."""
    page = reverse("desk-cover", args=[cover.ref])
    name = str(ling.organisation)
    assert name in bo.client.get(page).content.decode()
    choices.revoke(cover.referral_id, actor=ling.actor, now=now())
    html = bo.client.get(page).content.decode()
    assert name not in html
    assert str(ling.organisation.uscc) not in html


def test_taking_back_a_guarantors_authorisation_ends_what_it_was_asked_for(
    ling: Person, bo: Person, gu: Person, product: Product
) -> None:
    """Gu has the request as an institution of its own and as Bo's guarantor: one revocation closes both."""
    own = factories.product(gu.organisation, "示例担保产品")
    covering.listed(ling)
    referral = covering.claimed(ling, bo, product)
    choices.extend(referral.application_id, product_ids=[own.pk], actor=ling.actor, now=now())
    made = covering.asked(referral, ling, gu)
    paper = Attachment.objects.create(
        application=made.application, uploaded_by=ling.actor.label, uploaded_at=now(),
        **admit(SimpleUploadedFile("证书.pdf", PDF), actor=ling.actor, now=now()).fields(),
    )  # fmt: skip
    file = reverse("desk-cover-attachment", args=[made.ref, paper.ref])
    assert gu.client.get(file).status_code == 200
    mine = made.application.referrals.get(institution_id=gu.organisation.pk)
    choices.revoke(mine.pk, actor=ling.actor, now=now())
    assert Cover.objects.get(pk=made.pk).state == "withdrawn"
    assert gu.client.get(file).status_code == 404


def test_the_bank_does_not_read_what_the_household_owes_elsewhere(cover: Cover, bo: Person, gu: Person) -> None:
    page = reverse("desk-cover", args=[cover.ref])
    assert "在保余额" in gu.client.get(page).content.decode()
    assert "在保余额" not in bo.client.get(page).content.decode()


def test_what_waits_is_not_pushed_off_the_desk_by_what_was_committed_long_ago(
    cover: Cover, gu: Person, ling: Person
) -> None:
    """Fifty commitments run for years; the fifty-first request waits two days."""
    committed = Cover.State.COMMITTED
    pattern = Cover.objects.get(pk=cover.pk)
    fields = {
        f.attname: getattr(pattern, f.attname)
        for f in Cover._meta.concrete_fields
        if f.attname not in ("id", "ref", "clock_id")
    }
    scheme = RiskScheme.objects.first()
    assert scheme is not None
    banks = [
        factories.application(ling, factories.product(factories.organisation(OrganisationKind.BANK, f"示例银行{n}")))
        for n in range(2)
    ]
    assert banks
    for case in banks:
        Cover.objects.create(
            **{
                **fields, "state": committed, "application_id": case.pk, "referral_id": case.referrals.get().pk,
                "scheme_id": scheme.pk, "valid_until": covering.FAR, "fee_rate": Decimal("0.8"), "version": 1,
            }
        )  # fmt: skip
    waiting, _ = cover_rows.of_desk(gu.actor, tab="waiting", now=now())
    assert [row.cover.pk for row in waiting] == [cover.pk]
    assert str(cover.ref) in gu.client.get(reverse("desk-covers")).content.decode()
    old, after = cover_rows.of_desk(gu.actor, tab="committed", now=now())
    assert (len(old), after) == (2, "")


def test_pages_of_the_desk_follow_each_other(
    cover: Cover, gu: Person, monkeypatch: pytest.MonkeyPatch, ling: Person, bo: Person
) -> None:
    monkeypatch.setattr(cover_rows, "LISTED", 1)
    other = covering.asked(covering.claimed(ling, bo, factories.product(bo.organisation, "示例二贷")), ling, gu)
    first, after = cover_rows.of_desk(gu.actor, tab="waiting", now=now())
    second, end = cover_rows.of_desk(gu.actor, tab="waiting", after=after, now=now())
    assert [row.cover.pk for row in (*first, *second)] == [cover.pk, other.pk]
    assert end == ""
    assert len(cover_rows.of_desk(gu.actor, tab="waiting", after="x~y", now=now())[0]) == 1


def test_a_rate_of_five_percent_and_a_little_is_over_five(cover: Cover, gu: Person) -> None:
    """Rounded for reading it is 5.00 %, but the rule counts every fen."""
    covering.committed(cover, gu)
    with by_hand():
        Cover.objects.filter(pk=cover.pk).update(
            state="compensated", loss=Decimal("250100"), fund_pays=True, accepted_at=now(), closed_at=now()
        )
    found = cover_figures.overall()
    assert (found.compensation_rate, found.rate_high) == (Decimal("5.00"), True)
