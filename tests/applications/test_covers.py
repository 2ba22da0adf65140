"""Guarantors and insurers join a bank's case: whoever may, in the right state, with a clock, seen by nobody else."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from applications import cover_figures
from applications.actions import choices, cover_answers, covers, responses
from applications.cover_models import Cover
from applications.models import Application, Attachment, Consent
from portal.foundation.accounts.models import OrganisationKind, Role
from portal.foundation.core import moments
from portal.foundation.core.errors import Forbidden, Invalid, WrongState
from portal.foundation.core.intake.gate import admit
from portal.foundation.journal.dispatcher import dispatch
from portal.foundation.journal.models import Entry
from portal.foundation.sla.models import Clock, Kind
from portal.notifications.models import Notice
from products.models import HouseholdExposure, Product
from products.risk.shares import Party
from tests import covering, factories
from tests.by_hand import by_hand
from tests.factories import Person
from tests.grounds import stated
from tests.made_files import PDF

pytestmark = pytest.mark.django_db
now = moments.now


@pytest.fixture
def sun(reference: None) -> Person:
    """An insurer's officer."""
    return factories.person("sun", "孙示例", Role.OFFICER, factories.organisation(OrganisationKind.INSURER, "示例保险"))


@pytest.fixture
def cover(ling: Person, bo: Person, gu: Person, product: Product) -> Cover:
    """Ling, of the first tier, has asked Gu to guarantee Bo's loan."""
    covering.listed(ling)
    return covering.asked(covering.claimed(ling, bo, product), ling, gu)


def fresh(cover: Cover) -> Cover:
    return Cover.objects.get(pk=cover.pk)


def test_asking_starts_a_clock_of_two_working_days_and_lets_the_guarantor_read(cover: Cover, gu: Person) -> None:
    assert cover.state == "waiting"
    clock = cover.clock
    assert clock is not None
    assert (clock.kind, clock.days, clock.organisation_id) == (Kind.COVER, 2, gu.organisation.pk)
    assert clock.subject == f"cover:{cover.pk}"
    assert Consent.objects.filter(
        application=cover.application, institution_id=gu.organisation.pk, revoked_at=None
    ).exists()
    assert Entry.objects.get(verb="cover.asked").data["clocks"][0]["did"] == "started"


def test_what_the_bank_proposes_waits_for_the_enterprise_without_a_clock_and_unseen(
    ling: Person, bo: Person, gu: Person, product: Product
) -> None:
    made = covering.asked(covering.claimed(ling, bo, product), bo, gu)
    assert (made.state, made.clock_id) == ("proposed", None)
    page = reverse("desk-cover", args=[made.ref])
    assert gu.client.get(page).status_code == 404
    assert bo.client.get(page).status_code == 200
    with pytest.raises(Forbidden):
        covers.consent(made.pk, actor=bo.actor, now=now())
    covers.consent(made.pk, actor=ling.actor, now=now())
    assert fresh(made).clock is not None
    assert gu.client.get(page).status_code == 200


def test_one_may_not_ask_before_the_bank_has_taken_the_case_nor_twice_nor_a_bank(
    ling: Person, bo: Person, cui: Person, gu: Person, wai: Person, product: Product
) -> None:
    case = factories.application(ling, product)
    with pytest.raises(WrongState, match="接单之后"):
        covering.asked(case.referrals.get(), ling, gu)
    referral = covering.claimed(ling, bo, product)
    for whom, amount in ((cui, 1_000_000), (gu, 0), (gu, 9_000_000)):
        with pytest.raises(Invalid):
            covering.asked(referral, ling, whom, amount)
    with pytest.raises(Forbidden):
        covering.asked(referral, wai, gu)
    covering.asked(referral, ling, gu)
    with pytest.raises(Invalid, match="已向"):
        covering.asked(referral, ling, gu)


def test_intent_stops_the_clock_and_terms_and_commitment_follow(cover: Cover, gu: Person, ling: Person) -> None:
    cover_answers.intend(cover.pk, **covering.CONTACT, actor=gu.actor, now=now())
    clock = Clock.objects.get(pk=cover.clock_id)
    assert (clock.stop_reason, clock.excused) == ("intent", False)
    assert fresh(cover).responded_at == clock.stopped_at
    made = covering.committed(cover, gu)
    assert made.state == "committed"
    assert sum(part for _, _, part in made.parts()) == Decimal(5_000_000)
    assert {p: y for p, _, y in made.parts()}[Party.NATIONAL] == Decimal(2_000_000)
    assert HouseholdExposure.objects.get(pk=ling.organisation.pk).outstanding == Decimal(5_000_000)
    told = Entry.objects.get(verb="cover.committed").data["split"]
    assert sum(map(Decimal, told.values())) == Decimal(5_000_000)


def test_what_was_committed_is_what_was_shown(cover: Cover, gu: Person) -> None:
    first = covering.with_terms(cover, gu)
    covering.with_terms(cover, gu, fee_rate=Decimal("1.5"))
    with pytest.raises(Invalid, match="第 2 版"):
        cover_answers.commit(cover.pk, version=first.version, actor=gu.actor, now=now())


def test_terms_past_their_day_are_not_committed(cover: Cover, gu: Person) -> None:
    made = covering.with_terms(cover, gu, valid_until=moments.local_date(now()))
    with pytest.raises(WrongState, match="有效期"):
        cover_answers.commit(cover.pk, version=made.version, actor=gu.actor, now=now() + timedelta(days=2))


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"scheme_id": 0}, "scheme"),
        ({"amount": Decimal(9_000_000)}, "amount"),
        ({"fee_rate": None}, "fee_rate"),
    ],
)
def test_terms_that_cannot_be_are_refused_beside_their_field(
    cover: Cover, gu: Person, changes: dict[str, object], field: str
) -> None:
    with pytest.raises(Invalid) as refused:
        covering.with_terms(cover, gu, **changes)
    assert field in refused.value.fields
    assert Clock.objects.get(pk=cover.clock_id).stopped_at is None


def test_a_fee_of_one_percent_is_watched_and_not_stopped(cover: Cover, gu: Person) -> None:
    covering.committed(cover, gu, fee_rate=Decimal(1))
    found = cover_figures.overall()
    assert (found.fee, found.fee_high, found.committed) == (Decimal("1.00"), True, 1)
    assert "请关注平均费率" in gu.client.get(reverse("desk-cover", args=[cover.ref])).content.decode()


def test_a_decline_needs_a_reason_ends_the_consent_and_leaves_the_bank_alone(cover: Cover, gu: Person) -> None:
    with pytest.raises(Invalid):
        cover_answers.decline(cover.pk, code="", note="", actor=gu.actor, now=now())
    cover_answers.decline(cover.pk, code="credit", note="", actor=gu.actor, now=now())
    assert cover.application.referrals.get().state == "claimed"
    assert not Consent.objects.filter(institution_id=gu.organisation.pk, revoked_at=None).exists()
    assert cover.application.organisation.name not in gu.client.get(
        reverse("desk-cover", args=[cover.ref])
    ).content.decode().replace(f"{gu.organisation}", "")


def test_ling_takes_the_banks_offer_together_with_what_was_committed(
    cover: Cover, ling: Person, bo: Person, gu: Person
) -> None:
    offer = covering.offered(cover.referral, bo)
    with pytest.raises(WrongState, match="还没有承诺"):
        choices.accept(offer.pk, actor=ling.actor, now=now())
    covering.committed(cover, gu)
    page = ling.client.get(reverse("case-accept", args=[cover.application.number, offer.pk])).content.decode()
    assert "国家融资担保基金" in page
    assert "2000000.00" in page.replace(",", "")
    choices.accept(offer.pk, actor=ling.actor, now=now())
    assert fresh(cover).accepted_at is not None
    with pytest.raises(WrongState, match="连同银行方案"):
        covers.withdraw(cover.pk, actor=ling.actor, now=now())


def test_choosing_another_bank_ends_the_cover_and_frees_the_household(
    cover: Cover, ling: Person, bo: Person, cui: Person, gu: Person
) -> None:
    covering.committed(cover, gu)
    rival = factories.product(cui.organisation, "示例乙贷")
    choices.extend(cover.application_id, product_ids=[rival.pk], actor=ling.actor, now=now())
    other = cover.application.referrals.get(institution_id=cui.organisation.pk)
    choices.accept(covering.offered(other, cui).pk, actor=ling.actor, now=now())
    assert fresh(cover).state == "withdrawn"
    assert HouseholdExposure.objects.get(pk=ling.organisation.pk).outstanding == 0
    assert Entry.objects.filter(verb="cover.withdrawn").count() == 1


@pytest.mark.parametrize("how", ["withdraw", "decline", "revoke"])
def test_a_cover_ends_with_the_banks_part_of_the_case(cover: Cover, ling: Person, bo: Person, how: str) -> None:
    referral = cover.referral
    if how == "withdraw":
        choices.withdraw(cover.application_id, reason="", actor=ling.actor, now=now())
    elif how == "decline":
        responses.decline(referral.pk, code="credit", note="", actor=bo.actor, now=now())
    else:
        choices.revoke(referral.pk, actor=ling.actor, now=now())
    ended = fresh(cover)
    assert ended.state == "withdrawn"
    clock = Clock.objects.get(pk=cover.clock_id)
    assert (clock.stopped_at is not None, clock.excused) == (True, True)


def test_a_release_gives_back_what_was_counted_once(cover: Cover, gu: Person, ling: Person) -> None:
    covering.committed(cover, gu)
    with pytest.raises(WrongState, match="有效期内"):
        cover_answers.release(cover.pk, note="不想做了", actor=gu.actor, now=now())
    Cover.objects.filter(pk=cover.pk).update(valid_until=date(2020, 1, 1))
    cover_answers.release(cover.pk, note="贷款已结清", actor=gu.actor, now=now())
    assert HouseholdExposure.objects.get(pk=ling.organisation.pk).outstanding == 0
    with pytest.raises(WrongState):
        cover_answers.release(cover.pk, note="再次", actor=gu.actor, now=now())


@pytest.mark.parametrize(
    ("loss", "paid", "city"), [(200_000, True, None), (200_000, False, Decimal(40_000)), (300_000, True, None)]
)
def test_a_loss_is_carried_by_the_scheme_and_above_the_cap_or_unpaid_by_the_city(
    cover: Cover, gu: Person, loss: int, paid: bool, city: Decimal | None
) -> None:
    """Five million committed: 200,000 are 4 %, 300,000 are 6 % and above the cap of the compensation rate."""
    covering.committed(cover, gu)
    with pytest.raises(WrongState, match="贷款发放以后"):
        cover_answers.compensate(cover.pk, loss=Decimal(loss), fund_pays=paid, note="", actor=gu.actor, now=now())
    with by_hand():
        Application.objects.filter(pk=cover.application_id).update(state="disbursed")
    Cover.objects.filter(pk=cover.pk).update(accepted_at=now())
    made = cover_answers.compensate(cover.pk, loss=Decimal(loss), fund_pays=paid, note="", actor=gu.actor, now=now())
    pays = paid and loss == 200_000
    assert made.fund_pays is pays
    parts = {p: y for p, _, y in made.parts(loss=made.loss, fund_pays=pays)}
    assert sum(parts.values()) == Decimal(loss)
    if pays:
        assert parts[Party.NATIONAL] == Decimal(80_000)
    else:
        assert parts[Party.CITY] == (city or Decimal(60_000))
    found = cover_figures.overall()
    assert found.compensation_rate == Decimal(loss * 100) / Decimal(5_000_000)
    assert found.rate_high is (loss == 300_000)
    assert found.outstanding == 0


def test_an_insurer_names_a_premium_and_does_not_count_against_the_household(
    ling: Person, bo: Person, sun: Person, product: Product
) -> None:
    made = covering.committed(covering.asked(covering.claimed(ling, bo, product), ling, sun), sun)
    assert (made.fee_rate, made.premium) == (None, Decimal(18_000))
    assert not HouseholdExposure.objects.filter(outstanding__gt=0).exists()
    assert [p for p, _, _ in made.parts()] == [Party.BANK, Party.INSURER]


def test_strangers_see_nothing_of_it(cover: Cover, wai: Person, cui: Person, sun: Person, rui: Person) -> None:
    for who in (cui, sun):
        assert who.client.get(reverse("desk-cover", args=[cover.ref])).status_code == 404
        assert cover.application.number not in who.client.get(reverse("desk-covers")).content.decode()
    assert wai.client.get(reverse("case-cover", args=[cover.application.number, cover.ref])).status_code == 404
    assert list(Cover.objects.visible_to(rui.actor)) == [cover]


def test_everybody_concerned_is_told(cover: Cover, ling: Person, bo: Person, gu: Person, cui: Person) -> None:
    covering.committed(cover, gu)
    dispatch(now=now())

    def told(who: Person) -> set[str]:
        return set(Notice.objects.filter(membership=who.membership).values_list("title", flat=True))

    assert "新的担保、保险申请，请在 2 个工作日内响应" in told(gu)
    assert "担保、保险机构已承诺，可以选定方案" in told(ling)
    assert "担保、保险机构已承诺" in told(bo)
    assert not any("担保" in title for title in told(cui))


def test_the_whole_way_through_the_browser(ling: Person, bo: Person, gu: Person, rui: Person, product: Product) -> None:
    covering.listed(ling)
    referral = covering.claimed(ling, bo, product)
    number = referral.application.number
    offer = covering.offered(referral, bo)
    assert "申请担保、保险" in ling.client.get(reverse("case", args=[number])).content.decode()
    sent = {"referral": referral.pk, "institution": gu.organisation.pk, "amount": "500", "note": ""}
    page = ling.client.post(reverse("case-cover-ask", args=[number]), sent)
    made = Cover.objects.get()
    assert (page.status_code, page.headers["Location"]) == (302, reverse("case-cover", args=[number, made.ref]))
    desk = reverse("desk-cover", args=[made.ref])
    assert made.application.organisation_name in gu.client.get(reverse("desk")).content.decode()
    assert gu.client.post(desk, {"step": "intent", **covering.CONTACT}).status_code == 302
    wish = {"step": "terms", "scheme": "", "amount": "500", "fee_rate": "0.8", "valid_until": "2099-01-01", "over": "0"}
    assert gu.client.post(desk, wish).status_code == 400
    wish["scheme"] = str(covering.terms_of(made, gu).scheme_id)
    assert gu.client.post(desk, wish).status_code == 302
    body = gu.client.get(desk).content.decode()
    assert "如发生损失" in body
    assert "待确认" in body
    assert gu.client.post(desk, {"step": "commit", "version": "1", "confirmed": "on"}).status_code == 302
    assert gu.client.post(desk, {"step": "commit", "version": "1", "confirmed": "on"}).status_code == 409
    assert "已承诺" in ling.client.get(reverse("case-offers", args=[number])).content.decode()
    assert "已承诺" in bo.client.get(reverse("desk-referral", args=[referral.ref])).content.decode()
    accept = reverse("case-accept", args=[number, offer.pk])
    assert ling.client.post(accept, {"cover": fresh(made).seen}).status_code == 302
    seen = rui.client.get(reverse("supervision-risk")).content.decode()
    assert ling.organisation.title in seen
    assert "500 万元" in seen
    assert "担保、保险" in rui.client.get(stated(rui, number)).content.decode()
    evidence = reverse("evidence", args=[made.clock_id])
    assert [who.client.get(evidence).status_code for who in (gu, bo, ling, rui)] == [200] * 4


def test_the_bank_proposes_and_takes_back_through_the_browser(
    ling: Person, bo: Person, gu: Person, product: Product
) -> None:
    referral = covering.claimed(ling, bo, product)
    sent = {"institution": gu.organisation.pk, "amount": "500", "note": "建议增信"}
    assert bo.client.post(reverse("desk-cover-ask", args=[referral.ref]), sent).status_code == 302
    made = Cover.objects.get()
    page = reverse("case-cover", args=[referral.application.number, made.ref])
    assert "同意并发送" in ling.client.get(page).content.decode()
    bank = reverse("desk-cover", args=[made.ref])
    asked = bo.client.post(bank, {"step": "withdraw"})
    assert (asked.status_code, "500 万元" in asked.content.decode()) == (200, True)
    assert fresh(made).state == "proposed", "one click does nothing"
    assert bo.client.post(bank, {"step": "withdraw", "sure": "1"}).status_code == 302
    assert ling.client.post(page, {"step": "consent"}).status_code == 409
    assert fresh(made).state == "withdrawn"


def test_rui_sets_a_scheme_through_the_browser(rui: Person) -> None:
    page = reverse("supervision-scheme", args=["national-a"])
    sent = {
        "name": "科技专项担保计划（一档）", "share_bank": "20", "share_guarantor": "20", "share_reguarantor": "20",
        "share_national": "40", "ground": "示例文号", "confirmed": "on", "fee_large": "0.5", "fee_small": "0.3",
        "city_percent": "50", "valid_from": f"{moments.local_date(now())}",
    }  # fmt: skip
    assert rui.client.post(page, {**sent, "share_bank": "10"}).status_code == 400
    assert rui.client.post(page, sent).status_code == 302
    assert "第 2 版" in rui.client.get(page).content.decode()


def test_the_guarantor_reads_the_papers_only_while_the_authorisation_lives(
    cover: Cover, ling: Person, bo: Person, gu: Person
) -> None:
    """Gu needs the certificates to answer; Wai's portal would never show them, and once Gu has declined neither does his."""
    paper = Attachment.objects.create(
        application=cover.application, uploaded_by=ling.actor.label, uploaded_at=now(),
        **admit(SimpleUploadedFile("证书.pdf", PDF), actor=ling.actor, now=now()).fields(),
    )  # fmt: skip
    page = f"/desk/covers/{cover.ref}/"
    address = f"{page}files/{paper.ref}/"
    assert address in gu.client.get(page).content.decode()
    assert gu.client.get(address).status_code == 200
    assert bo.client.get(address).status_code == 404, "the bank has its own page for them"
    cover_answers.decline(cover.pk, code="policy", note="", actor=gu.actor, now=now())
    assert gu.client.get(address).status_code == 404
