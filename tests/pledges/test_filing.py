"""Bo fills in the form, Ling confirms, and only then does the office have a file."""

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal

import pytest

from applications.actions import choices
from applications.models import Application
from pledges import checks
from pledges.actions import filing, joining
from pledges.models import Check, Document, Ground, Registration
from portal.foundation.assets.models import CoOwner, Patent
from portal.foundation.core import moments
from portal.foundation.core.errors import Forbidden, Invalid, WrongState, WrongType
from portal.foundation.journal.models import Entry
from tests.factories import Person

from .conftest import content, filled, paper, submitted

pytestmark = pytest.mark.django_db


def test_the_form_comes_prefilled_from_the_accepted_offer(case: Application, bo: Person, ling: Person) -> None:
    file = filing.start(case.pk, actor=bo.actor, now=moments.now())
    assert file.number.startswith("ZYDJ")
    assert (file.debtor_name, file.debt_amount) == (ling.organisation.name, Decimal("8000000.00"))
    assert file.debt_from is not None
    assert file.debt_to == filing.add_months(file.debt_from, 24)
    assert [p.number for p in file.patents.all()] == [p.number for p in case.patents.all()]


def test_starting_twice_gives_one_file_to_both_sides(case: Application, bo: Person, ling: Person, wai: Person) -> None:
    first = filing.start(case.pk, actor=bo.actor, now=moments.now())
    assert filing.start(case.pk, actor=ling.actor, now=moments.now()) == first
    assert Registration.objects.count() == 1
    with pytest.raises(Forbidden):
        filing.start(case.pk, actor=wai.actor, now=moments.now())


def test_what_is_typed_stays_as_typed_until_it_is_right(case: Application, bo: Person) -> None:
    file = filing.start(case.pk, actor=bo.actor, now=moments.now())
    typed = {"debt_amount": "八百万", "contract_number": "示例 1 号"}
    file = filing.save(file.pk, typed=typed, content=None, version=0, actor=bo.actor, now=moments.now())
    assert file.typed == typed
    with pytest.raises(filing.StaleFile):
        filing.save(file.pk, typed={}, content=content(file), version=0, actor=bo.actor, now=moments.now())
    with pytest.raises(Invalid, match="还有没填对的内容"):
        joining.propose(file.pk, actor=bo.actor, now=moments.now())
    file = filing.save(file.pk, typed={}, content=content(file), version=1, actor=bo.actor, now=moments.now())
    assert (file.typed, file.version) == ({}, 2)


def test_ling_cannot_edit_what_bo_fills_in(draft: Registration, ling: Person, wai: Person) -> None:
    for person in (ling, wai):
        with pytest.raises(Forbidden):
            filing.save(draft.pk, typed={}, content=None, version=1, actor=person.actor, now=moments.now())


def test_a_new_contract_replaces_the_old_one_and_a_lie_is_refused(draft: Registration, bo: Person) -> None:
    upload = filing.Upload(Document.Kind.CONTRACT, paper("新合同.pdf"), "contract_file")
    draft = filing.save(
        draft.pk, typed={}, content=None, uploads=[upload], version=draft.version, actor=bo.actor, now=moments.now()
    )
    assert [d.name for d in draft.documents.filter(replaced_at=None)] == ["新合同.pdf"]
    assert draft.documents.count() == 2
    lie = filing.Upload(Document.Kind.CONTRACT, paper("合同.pdf", b"MZ\x90\x00 not a pdf"), "contract_file")
    with pytest.raises(WrongType) as refusal:
        filing.save(
            draft.pk, typed={}, content=None, uploads=[lie], version=draft.version, actor=bo.actor, now=moments.now()
        )
    assert set(refusal.value.fields) == {"contract_file"}


def test_both_sides_together_start_the_office_clock(
    draft: Registration, bo: Person, ling: Person, chen: Person
) -> None:
    with pytest.raises(WrongState, match="不在等待确认"):
        joining.confirm(draft.pk, version=draft.version, actor=ling.actor, now=moments.now())
    joining.propose(draft.pk, actor=bo.actor, now=moments.now())
    with pytest.raises(Forbidden, match="须由对方确认"):
        joining.confirm(draft.pk, version=draft.version, actor=bo.actor, now=moments.now())
    file = joining.confirm(draft.pk, version=draft.version, actor=ling.actor, now=moments.now())
    assert file.state == Registration.State.SUBMITTED
    assert file.application.state == Application.State.REGISTERING
    assert file.clock is not None
    assert file.clock.organisation_id == chen.organisation.pk
    assert file.clock.days == 1
    assert set(file.clock.watchers) == {bo.organisation.pk, ling.organisation.pk, chen.organisation.pk}
    assert (file.proposed_by, file.confirmed_by) == (bo.actor.label, ling.actor.label)
    told = Entry.objects.get(verb="pledge.submitted")
    assert set(told.parties) == set(file.clock.watchers)
    assert not Entry.objects.filter(verb="pledge.proposed", parties__contains=[chen.organisation.pk]).exists()


def test_ling_may_start_and_bo_confirms(case: Application, ling: Person, bo: Person) -> None:
    assert submitted(case, ling, bo).state == Registration.State.SUBMITTED


def test_ling_sends_it_back_with_a_note(draft: Registration, bo: Person, ling: Person) -> None:
    joining.propose(draft.pk, actor=bo.actor, now=moments.now())
    with pytest.raises(Invalid):
        joining.send_back(draft.pk, note="  ", actor=ling.actor, now=moments.now())
    file = joining.send_back(draft.pk, note="金额应为 780 万元", actor=ling.actor, now=moments.now())
    assert (file.state, file.sent_back_note) == (Registration.State.DRAFT, "金额应为 780 万元")
    joining.propose(draft.pk, actor=bo.actor, now=moments.now())
    assert joining.take_back(draft.pk, actor=bo.actor, now=moments.now()).state == Registration.State.DRAFT


def test_a_form_changed_after_reading_must_be_read_again(draft: Registration, bo: Person, ling: Person) -> None:
    joining.propose(draft.pk, actor=bo.actor, now=moments.now())
    with pytest.raises(WrongState, match="最新内容"):
        joining.confirm(draft.pk, version=draft.version - 1, actor=ling.actor, now=moments.now())


def test_a_hard_ground_blocks_proposing_and_says_how_to_remove_it(draft: Registration, bo: Person) -> None:
    Patent.objects.update(fee_paid_until=moments.local_date(moments.now()) - timedelta(days=1))
    with pytest.raises(joining.GroundsFound, match=r"R04.*补缴年费"):
        joining.propose(draft.pk, actor=bo.actor, now=moments.now())


def test_the_grounds_are_looked_at_again_when_ling_confirms(draft: Registration, bo: Person, ling: Person) -> None:
    joining.propose(draft.pk, actor=bo.actor, now=moments.now())
    Patent.objects.update(preserved=True)
    with pytest.raises(joining.GroundsFound, match="R05"):
        joining.confirm(draft.pk, version=draft.version, actor=ling.actor, now=moments.now())
    draft.refresh_from_db()
    assert draft.state == Registration.State.CONFIRMING
    assert Application.objects.get().state == Application.State.ACCEPTED


def test_a_declaration_waives_a_pending_invalidation(draft: Registration, bo: Person, ling: Person) -> None:
    Patent.objects.update(invalidation_pending=True)
    with pytest.raises(joining.GroundsFound, match="R11"):
        joining.propose(draft.pk, actor=bo.actor, now=moments.now())
    file = filing.declare(draft.pk, twin=False, invalidation=True, actor=bo.actor, now=moments.now())
    joining.propose(file.pk, actor=bo.actor, now=moments.now())
    file = joining.confirm(file.pk, version=file.version, actor=ling.actor, now=moments.now())
    assert file.checks.get(ground=Ground.R11).result == Check.Result.WAIVED


def test_a_co_owner_must_consent(draft: Registration, bo: Person) -> None:
    patent = Patent.objects.get()
    CoOwner.objects.create(patent=patent, name="重庆示例大学")
    assert {r.ground for r in checks.run(draft, now=moments.now(), filing=True) if r.blocks} == {Ground.R08}
    consent = filing.Upload(Document.Kind.CO_OWNER, paper("同意书.pdf"), "x", "重庆示例大学", patent.number)
    draft = filing.save(
        draft.pk,
        typed={},
        content=content(draft),
        uploads=[consent],
        version=draft.version,
        actor=bo.actor,
        now=moments.now(),
    )
    assert joining.propose(draft.pk, actor=bo.actor, now=moments.now()).state == Registration.State.CONFIRMING


def test_identity_is_promised_or_shown(case: Application, bo: Person) -> None:
    file = filled(case, bo, identity_promise=False)
    with pytest.raises(Invalid, match="承诺书"):
        joining.propose(file.pk, actor=bo.actor, now=moments.now())


def test_a_patent_that_is_with_the_office_cannot_be_filed_again_and_nobody_is_named(
    with_office: Registration, another_case: Callable[[], Application], cui: Person, bo: Person
) -> None:
    file = filled(another_case(), cui)
    with pytest.raises(joining.GroundsFound) as refusal:
        joining.propose(file.pk, actor=cui.actor, now=moments.now())
    assert refusal.value.results[0].ground == Ground.R09
    assert bo.organisation.name not in refusal.value.reason
    assert with_office.number not in refusal.value.reason


def test_either_side_may_withdraw_and_file_again(
    with_office: Registration, case: Application, bo: Person, ling: Person
) -> None:
    file = joining.withdraw(with_office.pk, reason="条件有变", actor=ling.actor, now=moments.now())
    assert file.state == Registration.State.WITHDRAWN
    assert file.application.state == Application.State.ACCEPTED
    assert file.clock is not None
    file.clock.refresh_from_db()
    assert file.clock.excused
    assert filing.start(case.pk, actor=bo.actor, now=moments.now()).pk != file.pk


def test_the_office_hears_nothing_of_a_discarded_draft(draft: Registration, bo: Person, chen: Person) -> None:
    joining.withdraw(draft.pk, reason="", actor=bo.actor, now=moments.now())
    assert not Entry.objects.readable_by(chen.organisation.pk).filter(subject=draft.subject).exists()


def test_a_withdrawn_request_cannot_be_proposed(draft: Registration, bo: Person, ling: Person) -> None:
    choices.withdraw(draft.application_id, reason="", actor=ling.actor, now=moments.now())
    with pytest.raises(WrongState, match="已撤回"):
        joining.propose(draft.pk, actor=bo.actor, now=moments.now())


def test_a_period_past_the_patents_life_is_stopped(case: Application, bo: Person) -> None:
    file = filled(case, bo, debt_to=date(2099, 1, 1))
    with pytest.raises(joining.GroundsFound, match=r"R06.*把债务到期日改到"):
        joining.propose(file.pk, actor=bo.actor, now=moments.now())
