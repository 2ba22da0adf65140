"""Colleagues come and go: links work once, the last one stays, and an ended seat is empty at the next click."""

import re
import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client

from portal.foundation.accounts import inviting, queries
from portal.foundation.accounts.models import Invitation, Membership, Role, User
from portal.foundation.core import moments
from portal.foundation.core.errors import DomainError, Forbidden, WrongState
from portal.foundation.journal.models import Entry
from tests import factories
from tests.factories import Person

NEW = "13911112222"
JOINING = {
    "person_name": "新示例",
    "username": "",
    "password": "Four odd words 7",
    "password_again": "Four odd words 7",
    "privacy": "on",
}


def invite(by: Person, phone: str = NEW) -> str:
    """The path of a fresh invitation link, as the page shows it."""
    page = by.client.post("/members/", {"phone": phone}).content.decode()
    found = re.search(r'value="https?://[^/"]+(/invitation/[^"]+)"', page)
    assert found
    return found[1]


@pytest.mark.django_db
def test_a_link_makes_one_colleague_and_no_second(ling: Person) -> None:
    link = invite(ling)
    assert invite(ling, "13911113333") not in ling.client.get("/members/").content.decode()  # shown once
    browser = Client()
    page = browser.get(link).content.decode()
    assert ling.organisation.name in page
    assert browser.post(link, JOINING).status_code == 302
    made = Membership.objects.get(user__phone=NEW)
    assert (made.organisation, made.role) == (ling.organisation, Role.ENTERPRISE)
    assert browser.get("/cases/").status_code == 200
    again = Client().post(link, {**JOINING, "username": "second.one"})
    assert again.status_code == 409
    assert "已经用过" in again.content.decode()
    assert Client().get(link).status_code == 409
    assert Entry.objects.filter(verb="member.joined").count() == 1


@pytest.mark.django_db
def test_the_link_is_not_stored(ling: Person) -> None:
    token = invite(ling).removeprefix("/invitation/").rstrip("/")
    kept = Invitation.objects.get()
    assert token not in (kept.token_digest, str(Entry.objects.values_list("data", flat=True)))
    assert kept.token_digest == queries.digest_of(token)


@pytest.mark.django_db
def test_bo_with_an_account_joins_by_one_press_and_sits_there(bo: Person, cui: Person) -> None:
    factories.person("chief_cui", "崔主任", Role.MANAGER, cui.organisation)
    User.objects.filter(pk=bo.user.pk).update(phone=NEW)
    boss = Client()
    boss.force_login(User.objects.get(username="chief_cui"))
    page = boss.post("/members/", {"phone": NEW}).content.decode()
    found = re.search(r'value="https?://[^/"]+(/invitation/[^"]+)"', page)
    assert found
    offered = bo.client.get(found[1])
    assert offered.status_code == 200
    assert Membership.objects.filter(user=bo.user).count() == 1  # looking joins nobody
    assert bo.client.post(found[1]).status_code == 302
    assert "<h1>示例乙银行</h1>" in bo.client.get("/profile/").content.decode()


@pytest.mark.django_db
def test_expired_revoked_and_invented_links_do_nothing(ling: Person) -> None:
    old = invite(ling)
    Invitation.objects.update(expires_at=moments.now() - timedelta(seconds=1))
    assert "已过期" in Client().post(old, JOINING).content.decode()
    replaced = invite(ling)
    fresh = invite(ling)  # the newer one ends the older
    assert "已被撤回" in Client().post(replaced, JOINING).content.decode()
    pk = Invitation.objects.get(token_digest=queries.digest_of(fresh.split("/")[2])).pk
    assert ling.client.get(f"/members/invitations/{pk}/revoke/").status_code == 405
    assert ling.client.post(f"/members/invitations/{pk}/revoke/").status_code == 302
    assert Client().post(fresh, JOINING).status_code == 409
    assert Client().get("/invitation/made-up/").status_code == 404
    assert not User.objects.filter(phone=NEW).exists()


@pytest.mark.django_db
def test_a_joining_slip_keeps_what_was_typed(ling: Person) -> None:
    link = invite(ling)
    answer = Client().post(link, {**JOINING, "password_again": "x"})
    assert answer.status_code == 400
    assert 'value="新示例"' in answer.content.decode()
    taken = Client().post(link, {**JOINING, "username": "ling1", "privacy": "on"})
    assert taken.status_code == 302


@pytest.mark.django_db
def test_a_removed_colleague_is_out_at_the_next_click(ling: Person) -> None:
    colleague = factories.person("colleague", "凌示例", Role.ENTERPRISE, ling.organisation)
    assert colleague.client.get("/members/").status_code == 200
    page = f"/members/{colleague.membership.pk}/end/"
    assert ling.client.get(page).status_code == 200
    assert colleague.client.get("/members/").status_code == 200  # looking ended nothing
    assert ling.client.post(page).status_code == 302
    assert colleague.client.get("/members/").headers["Location"].startswith("/login/")
    assert Entry.objects.filter(verb="member.ended").count() == 1
    assert ling.client.post(page).status_code == 404  # gone from the list


@pytest.mark.django_db
def test_a_former_colleague_comes_back_by_a_new_invitation(ling: Person) -> None:
    colleague = factories.person("colleague", "凌示例", Role.ENTERPRISE, ling.organisation)
    inviting.end(colleague.membership.pk, actor=ling.actor, now=moments.now())
    User.objects.filter(pk=colleague.user.pk).update(phone=NEW)
    issued = inviting.invite(NEW, Role.ENTERPRISE, actor=ling.actor, now=moments.now())
    back = inviting.join(issued.invitation.token_digest, colleague.user.pk, now=moments.now())
    assert back.pk == colleague.membership.pk
    assert back.active


@pytest.mark.django_db
def test_the_last_person_cannot_leave_an_empty_company(ling: Person) -> None:
    answer = ling.client.post(f"/members/{ling.membership.pk}/end/")
    assert answer.status_code == 409
    assert "最后一位成员" in answer.content.decode()
    assert ling.client.get("/members/").status_code == 200


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_the_last_two_cannot_remove_each_other(ling: Person) -> None:
    other = factories.person("colleague", "凌示例", Role.ENTERPRISE, ling.organisation)
    gate = threading.Barrier(2)
    refused: list[str] = []

    def go(actor: Person, target: Person) -> None:
        gate.wait()
        try:
            inviting.end(target.membership.pk, actor=actor.actor, now=moments.now())
        except DomainError as error:
            refused.append(error.code)
        finally:
            connection.close()

    threads = [threading.Thread(target=go, args=pair) for pair in ((ling, other), (other, ling))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert refused == ["last"]
    assert Membership.objects.filter(organisation=ling.organisation, active=True).count() == 1


@pytest.mark.django_db
def test_managers_invite_officers_chiefs_clerks_and_the_others_only_look(
    bo: Person, bo_manager: Person, chen: Person, chief: Person, rui: Person
) -> None:
    invite(bo_manager)
    assert Invitation.objects.latest("pk").role == Role.OFFICER
    invite(chief, "13911113333")
    assert Invitation.objects.latest("pk").role == Role.CLERK
    for person in (bo, chen, rui):
        page = person.client.get("/members/")
        assert page.status_code == 200
        assert "生成邀请链接" not in page.content.decode()
        assert person.client.post("/members/", {"phone": NEW}).status_code == 403
        assert person.client.post(f"/members/{bo.membership.pk}/end/").status_code == 403
    with pytest.raises(Forbidden):
        inviting.invite(NEW, Role.MANAGER, actor=bo_manager.actor, now=moments.now())
    assert bo_manager.client.post(f"/members/{bo_manager.membership.pk}/end/").status_code == 403


@pytest.mark.django_db
def test_wai_finds_nobody_of_lings_company(ling: Person, wai: Person) -> None:
    invite(ling)
    pk = Invitation.objects.get().pk
    assert "林示例" not in wai.client.get("/members/").content.decode()
    for method in ("get", "post"):
        assert getattr(wai.client, method)(f"/members/{ling.membership.pk}/end/").status_code == 404
    assert wai.client.post(f"/members/invitations/{pk}/revoke/").status_code == 404
    assert Invitation.objects.get().revoked_at is None
    assert Membership.objects.get(pk=ling.membership.pk).active


@pytest.mark.django_db
def test_a_member_is_not_invited_twice(ling: Person) -> None:
    answer = ling.client.post("/members/", {"phone": "13800000000"})
    assert answer.status_code == 400
    assert "已经是本单位成员" in answer.content.decode()
    issued = inviting.invite(NEW, Role.ENTERPRISE, actor=ling.actor, now=moments.now())
    User.objects.filter(pk=ling.user.pk).update(phone=NEW)
    with pytest.raises(WrongState, match="已经是"):
        inviting.join(issued.invitation.token_digest, ling.user.pk, now=moments.now())
