"""Who may know what a patent is worth: its valuer, and whom the valuer shows it to. Nobody else, on no page and in no record."""

from collections.abc import Callable
from decimal import Decimal

import pytest
from django.db import DatabaseError, transaction

from applications.actions import choices, responses, valuations
from applications.models import Application
from portal.foundation.assets.models import Valuation
from portal.foundation.assets.valuation import actions
from portal.foundation.core import moments
from portal.foundation.core.errors import Invalid, WrongState
from portal.foundation.journal import dispatcher
from portal.foundation.journal.models import Entry
from portal.notifications.models import Notice
from products.models import Product
from tests import factories
from tests.factories import Person
from tests.grounds import stated

from .conftest import INCOME, begun, closed

pytestmark = pytest.mark.django_db
Show = Callable[[Valuation, Application], None]


def sees(person: Person, valuation: Valuation) -> bool:
    return Valuation.objects.visible_to(person.actor).filter(pk=valuation.pk).exists()


def addresses(valuation: Valuation) -> list[str]:
    base = f"/valuations/{valuation.number}/"
    row = valuation.patents.get()
    return [
        base,
        f"{base}final/",
        f"{base}approach/income/",
        f"{base}scores/{row.pk}/",
        f"{base}report.pdf",
        f"{base}paper/",
    ]


def test_a_bank_values_privately_and_only_its_own_people_know(
    private: Valuation, ling: Person, bo: Person, bo_manager: Person, cui: Person, rui: Person, wai: Person, ada: Person,
    chen: Person,
) -> None:  # fmt: skip
    assert sees(bo, private)
    assert sees(bo_manager, private)
    assert str(private.value) in bo.client.get(f"/valuations/{private.number}/").content.decode()
    for stranger in (ling, cui, rui, wai, ada, chen):
        assert not sees(stranger, private)
        for address in addresses(private):
            answer = stranger.client.get(address)
            assert answer.status_code in (403, 404), (stranger.user.username, address)
            assert str(private.value) not in answer.content.decode()


def test_the_value_stands_on_no_page_of_the_case_and_in_no_record(
    private: Valuation, case: Application, ling: Person, bo: Person, rui: Person
) -> None:
    """Not in Ling's case, not in the regulator's, not in any journal entry or notice, not even the bank's own entries."""
    dispatcher.dispatch(now=moments.now())
    shown = [
        (ling, [f"/cases/{case.number}/", "/valuations/", "/patents/", "/notices/"]),
        (rui, [stated(rui, case.number), "/supervision/"]),
    ]
    words = {str(private.value), private.number, str(private.income_value)}
    for person, places in shown:
        for place in places:
            page = person.client.get(place)
            assert page.status_code == 200, place
            assert not any(word in page.content.decode() for word in words), place
    for entry in Entry.objects.filter(subject=private.subject):
        assert entry.parties == [bo.organisation.pk]
        assert entry.case_number == ""
    for entry in Entry.objects.all():
        assert str(private.value) not in f"{entry.text}{entry.data}"
    assert not Notice.objects.filter(title__contains=private.number).exists()


def test_the_bank_finds_its_valuation_at_the_request(private: Valuation, case: Application, bo: Person) -> None:
    page = bo.client.get(f"/desk/referrals/{case.referrals.get().ref}/").content.decode()
    assert private.number in page
    assert "只有本机构能看" in page


def test_lings_valuation_is_hers_until_she_shows_it(
    own: Valuation, case: Application, ling: Person, bo: Person, cui: Person, wai: Person, rui: Person, show: Show
) -> None:
    assert sees(ling, own)
    assert not any(sees(p, own) for p in (bo, cui, wai, rui))
    show(own, case)
    assert sees(bo, own)
    assert not any(sees(p, own) for p in (cui, wai, rui))
    page = bo.client.get(f"/valuations/{own.number}/").content.decode()
    assert str(own.value) in page
    assert "定稿</a>" not in page
    assert own.number in bo.client.get(f"/desk/referrals/{case.referrals.get().ref}/").content.decode()


def test_what_was_shown_is_told_without_the_value(own: Valuation, case: Application, bo: Person, show: Show) -> None:
    show(own, case)
    dispatcher.dispatch(now=moments.now())
    entry = Entry.objects.get(verb="valuation.shown")
    assert set(entry.parties) == {own.organisation_id, bo.organisation.pk}
    assert str(own.value) not in f"{entry.text}{entry.data}"
    assert Notice.objects.filter(membership=bo.membership, title__contains="出示了专利估值").exists()


def test_taking_it_back_ends_the_view(own: Valuation, case: Application, ling: Person, bo: Person, show: Show) -> None:
    show(own, case)
    valuations.show(own.pk, [], actor=ling.actor, now=moments.now())
    assert not sees(bo, own)


def test_revoking_the_authorisation_ends_the_view(
    own: Valuation, case: Application, ling: Person, bo: Person, show: Show
) -> None:
    show(own, case)
    choices.revoke(case.referrals.get().pk, actor=ling.actor, now=moments.now())
    assert not sees(bo, own)


def test_a_bank_that_declined_sees_it_no_more(own: Valuation, case: Application, bo: Person, show: Show) -> None:
    show(own, case)
    responses.decline(case.referrals.get().pk, code="amount", note="", actor=bo.actor, now=moments.now())
    assert not sees(bo, own)


def test_one_of_two_asked_banks_is_shown_it(
    own: Valuation, ling: Person, bo: Person, cui: Person, product: Product
) -> None:
    both = factories.application(ling, product, factories.product(cui.organisation, "示例乙贷"))
    to_bo = both.referrals.get(institution_id=bo.organisation.pk)
    valuations.show(own.pk, [to_bo.pk], actor=ling.actor, now=moments.now())
    assert sees(bo, own)
    assert not sees(cui, own)


def test_wai_cannot_show_lings_valuation_and_ling_not_to_a_bank_she_never_asked(
    own: Valuation, case: Application, ling: Person, wai: Person, cui: Person
) -> None:
    with pytest.raises(Valuation.DoesNotExist):
        valuations.show(own.pk, [case.referrals.get().pk], actor=wai.actor, now=moments.now())
    hers = factories.application(
        wai,
        factories.product(cui.organisation, "示例乙贷"),
        patents=[factories.patent(wai.organisation, factories.INVENTION_2)],
    )
    with pytest.raises(Invalid):
        valuations.show(own.pk, [hers.referrals.get().pk], actor=ling.actor, now=moments.now())
    assert not sees(cui, own)


def test_a_draft_is_shown_to_nobody(ling: Person, product: Product) -> None:
    draft = begun(ling)
    asked = factories.application(ling, product)
    with pytest.raises(WrongState):
        valuations.show(draft.pk, [asked.referrals.get().pk], actor=ling.actor, now=moments.now())


def test_a_bank_that_does_not_work_on_the_request_begins_no_valuation(
    case: Application, bo: Person, cui: Person
) -> None:
    referral = case.referrals.get()
    assert cui.client.get(f"/desk/referrals/{referral.ref}/valuation/").status_code == 404
    responses.decline(referral.pk, code="amount", note="", actor=bo.actor, now=moments.now())
    with pytest.raises(WrongState):
        valuations.value_privately(referral, scene="finance", purpose="", actor=bo.actor, now=moments.now())


def test_what_is_final_stays_even_for_the_database(own: Valuation, ling: Person) -> None:
    with pytest.raises(WrongState):
        actions.set_inputs(own.pk, "income", INCOME, version=own.version, actor=ling.actor, now=moments.now())
    for change in ({"value": Decimal(1)}, {"state": "draft"}, {"inputs": {}}):
        with pytest.raises(DatabaseError), transaction.atomic():
            Valuation.objects.filter(pk=own.pk).update(**change)
    own.refresh_from_db()
    assert own.state == "final"


def test_a_new_valuation_takes_the_place_of_the_old(own: Valuation, ling: Person) -> None:
    fresh = actions.renew(own.pk, actor=ling.actor, now=moments.now())
    own.refresh_from_db()
    assert own.state == "final"
    closed(fresh, ling)
    own.refresh_from_db()
    assert own.state == "superseded"
    assert sees(ling, own)
    with pytest.raises(WrongState):
        actions.renew(own.pk, actor=ling.actor, now=moments.now())


def test_a_bank_renews_its_own_valuation_only_while_the_authorisation_lives(
    private: Valuation, case: Application, ling: Person, bo: Person, cui: Person
) -> None:
    """Ling takes her authorisation back. Bo's bank keeps what it has valued, but cannot read her patents anew: neither the
    button nor the address of enterprises begins another valuation, and no row appears."""
    place = f"/desk/valuations/{private.number}/renew/"
    assert place in bo.client.get(f"/valuations/{private.number}/").content.decode()
    assert cui.client.post(place).status_code == 404
    assert ling.client.post(place).status_code == 403
    choices.revoke(case.referrals.get().pk, actor=ling.actor, now=moments.now())
    refused = bo.client.post(place)
    assert refused.status_code == 409
    assert "不能更新内部评估" in refused.content.decode()
    assert bo.client.post(f"/valuations/{private.number}/renew/").status_code == 409
    assert Valuation.objects.filter(kind="internal").get() == private
    assert sees(bo, private)


def test_a_bank_renews_its_own_valuation_while_it_works_on_the_request(private: Valuation, bo: Person) -> None:
    answer = bo.client.post(f"/desk/valuations/{private.number}/renew/")
    assert answer.status_code == 302
    fresh = Valuation.objects.get(replaces=private)
    assert (fresh.kind, fresh.case_number, fresh.inputs) == ("internal", private.case_number, private.inputs)
    assert fresh.patents.get().patent_id == private.patents.get().patent_id
    assert bo.client.post(f"/desk/valuations/{private.number}/renew/").status_code == 409, "one is begun already"


def test_ling_renews_only_over_patents_that_are_still_hers(ling: Person) -> None:
    """Of two valued patents Ling has sold one and removed it: the new valuation is about the other. With both removed
    there is nothing to value."""
    patents = [factories.patent(ling.organisation), factories.patent(ling.organisation, factories.INVENTION_2)]
    first = closed(begun(ling, patents=[p.pk for p in patents]), ling)
    type(patents[0]).objects.filter(pk=patents[0].pk).update(removed_at=moments.now())
    fresh = actions.renew(first.pk, actor=ling.actor, now=moments.now())
    assert [p.patent_id for p in fresh.patents.all()] == [patents[1].pk]
    actions.discard(fresh.pk, version=fresh.version, actor=ling.actor, now=moments.now())
    type(patents[0]).objects.filter(pk=patents[1].pk).update(removed_at=moments.now())
    with pytest.raises(WrongState, match="不在清单里"):
        actions.renew(first.pk, actor=ling.actor, now=moments.now())
    assert Valuation.objects.get() == first
