"""Somebody else pledges for the debtor: a company of the portal, one outside it, a person; who signs and who reads along."""

from dataclasses import replace

import pytest

from applications.models import Application
from pledges.actions import examination, joining
from pledges.models import Document, Ground, OutsideParty, Registration
from pledges.particulars.entries import PledgorEntry
from pledges.particulars.models import IdentityKind
from portal.foundation.accounts import registering
from portal.foundation.accounts.models import Organisation, OrganisationKind
from portal.foundation.assets.models import Patent
from portal.foundation.core import moments
from portal.foundation.core.errors import Forbidden, Invalid, WrongState
from tests.factories import USCC, Person

from .conftest import examined, filled
from .particulars_steps import CARD, code, result, save, third
from .test_pages import budget, url

pytestmark = pytest.mark.django_db


def test_edge_case_18_a_company_of_the_portal_pledges_for_another_and_signs_itself(
    draft: Registration, bo: Person, ling: Person, wai: Person, chen: Person
) -> None:
    """Edge case 18: Wai's company pledges for Ling's debt. Bo proposes, and Wai, not Ling, has to confirm."""
    Patent.objects.update(patentee=wai.organisation.name)
    assert wai.client.get(url("detail", draft)).status_code == 404
    file = save(draft, bo, pledgor=third(wai))
    assert (file.pledgor_id, file.debtor_org_id) == (wai.organisation.pk, ling.organisation.pk)
    joining.propose(file.pk, actor=bo.actor, now=moments.now())
    with pytest.raises(Forbidden, match="须由出质人"):
        joining.confirm(file.pk, version=file.version, actor=ling.actor, now=moments.now())
    assert "等待出质人和质权人确认" in ling.client.get(url("detail", file)).content.decode()
    with budget():
        assert "共同提交" in wai.client.get(url("confirm", file)).content.decode()
    file = joining.confirm(file.pk, version=file.version, actor=wai.actor, now=moments.now())
    assert file.state == Registration.State.SUBMITTED
    assert {s.organisation_id for s in file.signatures.all()} == {bo.organisation.pk, wai.organisation.pk}
    assert set(file.clock.watchers) >= {bo.organisation.pk, wai.organisation.pk, ling.organisation.pk}  # type: ignore[union-attr]
    examined(file, chen)
    notice = examination.register(file.pk, actor=chen.actor, now=moments.now())
    roles = {p["role"]: p["name"] for p in notice.facts["parties"]}
    assert roles == {"出质人": wai.organisation.name, "质权人": bo.organisation.name, "债务人": ling.organisation.name}
    for person in (ling, wai, bo):
        assert person.client.get(url("detail", file)).status_code == 200


def test_edge_case_18_the_debtor_does_not_withdraw_what_wai_and_bo_applied_for(
    draft: Registration, bo: Person, ling: Person, wai: Person
) -> None:
    """Edge case 18: Wai pledges for Ling's debt; once it is with the office, Ling reads along and decides nothing."""
    Patent.objects.update(patentee=wai.organisation.name)
    file = save(draft, bo, pledgor=third(wai))
    joining.propose(file.pk, actor=bo.actor, now=moments.now())
    joining.confirm(file.pk, version=file.version, actor=wai.actor, now=moments.now())
    with pytest.raises(Forbidden, match="由其中一方撤回"):
        joining.withdraw(file.pk, reason="", actor=ling.actor, now=moments.now())
    assert url("withdraw", file) not in ling.client.get(url("detail", file)).content.decode()
    assert joining.withdraw(file.pk, reason="", actor=wai.actor, now=moments.now()).state == "withdrawn"


def test_edge_case_18_where_the_debtor_proposes_pledgor_and_pledgee_both_sign(
    case: Application, bo: Person, ling: Person, wai: Person
) -> None:
    """Edge case 18: Ling fills in the form; it goes to the office with the second of Wai's and Bo's signatures."""
    Patent.objects.update(patentee=wai.organisation.name)
    file = filled(case, ling, pledgor=third(wai))
    joining.propose(file.pk, actor=ling.actor, now=moments.now())
    assert not file.signatures.exists()
    file = joining.confirm(file.pk, version=file.version, actor=bo.actor, now=moments.now())
    assert file.state == Registration.State.CONFIRMING
    again = joining.confirm(file.pk, version=file.version, actor=bo.actor, now=moments.now())
    assert again.state == Registration.State.CONFIRMING, "one side alone never submits"
    sent = wai.client.post(url("confirm", file), {"version": file.version, "read": "on"})
    assert sent.status_code == 302
    assert Registration.objects.get(pk=file.pk).state == Registration.State.SUBMITTED


def test_edge_case_18_a_natural_person_pledges_without_a_seat_and_the_number_stays_private(
    draft: Registration, bo: Person, ling: Person, chen: Person, rui: Person
) -> None:
    """Edge case 18: an inventor with an identity card pledges. The signed paper is wanted; nobody reads the number whole."""
    Patent.objects.update(patentee="程发明")
    entry = PledgorEntry(IdentityKind.PERSON, "程发明", CARD, "重庆市示例路 3 号")
    file = save(draft, bo, pledgor=entry)
    with pytest.raises(WrongState, match="请上传其签章的同意出质"):
        joining.propose(file.pk, actor=bo.actor, now=moments.now())
    assert "不在本平台，请上传其签章" in bo.client.get(url("precheck", file)).content.decode()
    file = save(file, bo, Document.Kind.PLEDGOR, pledgor=entry)
    assert result(file, Ground.R01).blocks is False
    joining.propose(file.pk, actor=bo.actor, now=moments.now())
    file = joining.confirm(
        file.pk, version=file.version, actor=ling.actor, now=moments.now()
    )  # Ling acts for the person
    assert file.state == Registration.State.SUBMITTED
    for person in (ling, bo, rui):
        page = person.client.get(url("detail", file)).content.decode()
        assert CARD not in page
        assert f"{CARD[:3]}*" in page
    examined(file, chen)
    notice = examination.register(file.pk, actor=chen.actor, now=moments.now())
    assert notice.facts["parties"][0] == {"role": "出质人", "name": "程发明", "uscc": ""}


def test_edge_case_18_an_outside_company_that_registers_later_reads_nothing_unproved(
    draft: Registration, bo: Person, wai: Person
) -> None:
    """Edge case 18: whoever registers with a code that a file names gets a company of its own, not that file."""
    entry = PledgorEntry(IdentityKind.COMPANY, "重庆示例别处有限公司", code(1234), "重庆市示例路 5 号")
    file = save(draft, bo, pledgor=entry)
    outside = Organisation.objects.get(kind=OrganisationKind.OUTSIDE)
    assert outside.uscc == code(1234)
    company = registering.Company(
        name="重庆示例别处有限公司", uscc=code(1234), district_code="500157", industry_letter="C", address="",
        contact_name="别处", contact_phone="13900000000",
    )  # fmt: skip
    newcomer = registering.Newcomer(username="biechu", name="别示例", phone="13900000000", password="Demo-2026-portal")
    seat = registering.register_enterprise(company, newcomer, now=moments.now())
    assert seat.organisation_id != outside.pk
    assert not Registration.objects.visible_to(seat.actor).exists()
    assert OutsideParty.objects.get(organisation=outside).identity == code(1234)
    save(file, bo, pledgor=entry)  # named again, it is the registered company, which has to sign
    assert Registration.objects.get(pk=file.pk).pledgor_id == seat.organisation_id


def test_a_code_of_the_portal_goes_only_with_its_name(
    draft: Registration, bo: Person, wai: Person, ling: Person
) -> None:
    """Typing a stranger's code tells nothing about it."""
    with pytest.raises(Invalid) as refused:
        save(draft, bo, pledgor=replace(third(wai), name="重庆猜测有限公司"))
    assert set(refused.value.fields) == {"pledgor_name"}
    assert wai.organisation.name not in refused.value.reason
    with pytest.raises(Invalid, match="不是第三人"):
        save(draft, bo, pledgor=replace(third(wai), name=ling.organisation.name, identity=USCC["enterprise"]))
    with pytest.raises(Invalid, match="质权人，不是第三人"):
        save(draft, bo, pledgor=replace(third(wai), name=bo.organisation.name, identity=USCC["bank"]))


def test_a_slip_in_an_outsiders_name_can_be_put_right_until_a_file_relies_on_it(
    draft: Registration, bo: Person
) -> None:
    entry = PledgorEntry(IdentityKind.COMPANY, "重庆示列别处有限公司", code(77), "路")
    save(draft, bo, pledgor=entry)
    save(draft, bo, pledgor=replace(entry, name="重庆示例别处有限公司"))
    assert Organisation.objects.get(uscc=code(77)).name == "重庆示例别处有限公司"
    Registration.objects.filter(pk=draft.pk).update(submitted_at=moments.now())
    with pytest.raises(Invalid, match="不一致"):
        save(draft, bo, pledgor=replace(entry, name="另一名称"))
