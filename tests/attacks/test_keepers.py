"""One security administrator tries to be all three (attack 80); a person of two phones; who must show who they are (83)."""

import re
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import get_resolver, reverse

from portal.foundation.accounts import attempts, inviting
from portal.foundation.accounts.identity import second
from portal.foundation.accounts.models import Invitation, Membership, Role, User
from portal.foundation.core import moments
from portal.foundation.core.errors import Forbidden, WrongState
from portal.foundation.journal.models import Entry
from tests import factories
from tests.factories import Person

from .identity_world import NEW, PASSWORD, first_step, inside, phone, unslowed
from .web_world import traces

pytestmark = pytest.mark.django_db
FORM = {
    "person_name": "王示例", "username": "wang.audit", "password": NEW, "password_again": NEW, "privacy": "on",
}  # fmt: skip


def joined(sena: Person, role: Role = Role.AUDIT, number: str = "13912340001") -> tuple[Invitation, Any]:
    """Sena invites a phone of her own and opens the link herself, as somebody new."""
    issued = inviting.invite(number, role, actor=sena.actor, now=moments.now())
    answer = Client().post(f"/invitation/{issued.token}/", FORM)
    return Invitation.objects.get(pk=issued.invitation.pk), answer


@pytest.mark.parametrize("role", [Role.AUDIT, Role.ADMIN, Role.SECURITY])
def test_attack_80_one_alone_makes_no_administrator(sena: Person, ada: Person, role: Role) -> None:
    """Sena invites herself under another phone and name: there is an account, and no chair until Ada has confirmed it."""
    invitation, answer = joined(sena, role)
    assert "等待确认" in answer.content.decode()
    chair = Membership.objects.get(user__username="wang.audit")
    assert not chair.active
    browser = Client()
    refused = browser.post("/login/", {"login": "wang.audit", "password": NEW})
    assert refused.status_code == 400
    url = reverse("invitation-confirm", args=[invitation.pk])
    assert sena.client.post(url).status_code == 403
    assert traces("not-allowed", sena) == 1
    with pytest.raises(IntegrityError, match="invitation_two_keepers"), transaction.atomic():
        Invitation.objects.filter(pk=invitation.pk).update(confirmed_by=sena.user, confirmed_at=moments.now())
    assert "王示例" in ada.client.get("/members/").content.decode()
    assert ada.client.post(url).status_code == 302
    chair.refresh_from_db()
    assert chair.active
    assert ada.client.post(url).status_code == 409
    told = Entry.objects.get(verb="member.confirmed")
    assert (told.actor_id, told.data["user"]) == (ada.user.pk, chair.user_id)


def test_attack_80_nobody_outside_confirms_and_a_withdrawn_one_stays_out(
    sena: Person, ada: Person, rui: Person
) -> None:
    """Rui is no keeper; keepers of another platform do not know of it; Sena takes it back, and Ada comes too late."""
    invitation, _ = joined(sena)
    url = reverse("invitation-confirm", args=[invitation.pk])
    assert rui.client.post(url).status_code == 403
    other = factories.organisation("platform", "示例平台二")  # type: ignore[arg-type]
    assert factories.person("ada2", "艾二示例", Role.ADMIN, other).client.post(url).status_code == 404
    assert sena.client.post(reverse("invitation-revoke", args=[invitation.pk])).status_code == 302
    assert ada.client.post(url).status_code == 409
    assert not Membership.objects.get(user__username="wang.audit").active


def test_attack_80_an_account_joins_by_the_phone_it_was_invited_with(bo_manager: Person, ling: Person) -> None:
    """Bai invites a number of hers as an officer; whoever opens the link with another account is refused."""
    User.objects.filter(pk=ling.user.pk).update(phone="13912340009")
    issued = inviting.invite("13912340008", Role.OFFICER, actor=bo_manager.actor, now=moments.now())
    answer = ling.client.post(f"/invitation/{issued.token}/")
    assert answer.status_code == 403
    assert "不是您账号的手机号" in answer.content.decode()
    with pytest.raises(Forbidden):
        inviting.join(issued.invitation.token_digest, ling.user.pk, now=moments.now())
    assert Invitation.objects.get(pk=issued.invitation.pk).accepted_at is None


def test_attack_80_a_newcomer_shows_the_invited_phone_where_texts_can_be_sent(
    bo_manager: Person, settings: Any, tmp_path: Any
) -> None:
    """Bai opens her own invitation to a stranger's number: the code goes to that phone."""
    settings.REGISTRATION_BY_CODE, settings.SMS_PROVIDER, settings.DATA_DIR = True, "file", tmp_path
    issued = inviting.invite("13912340008", Role.OFFICER, actor=bo_manager.actor, now=moments.now())
    browser = Client()
    assert browser.post(f"/invitation/{issued.token}/", FORM).headers["Location"] == "/register/code/"
    assert not User.objects.filter(phone="13912340008").exists()
    (message,) = (tmp_path / "sms").iterdir()
    code = re.search(r"[0-9]{6}", message.read_text("utf-8").partition("text")[2])
    assert code
    assert browser.post("/register/code/", {"code": code[0]}).status_code == 302
    assert Membership.objects.get(user__phone="13912340008").role == Role.OFFICER


def test_a_keeper_to_be_with_other_business_is_refused_at_once(sena: Person, bo: Person) -> None:
    User.objects.filter(pk=bo.user.pk).update(phone="13912340007")
    issued = inviting.invite("13912340007", Role.AUDIT, actor=sena.actor, now=moments.now())
    with pytest.raises(WrongState, match="不能由同一人兼任"):
        inviting.join(issued.invitation.token_digest, bo.user.pk, now=moments.now())


# --- showing again who one is ----------------------------------------------------------------------------------------
WAYS_IN = re.compile(
    r"portal\.(foundation\.accounts\.(views\.(members|security|own|safety)|sso\.views)|integrations\.views)"
)
# Not about oneself, done by who is not in yet, or ends something of one's own only.
FREE = {"invitation", "mail-confirm", "sessions-end", "sso-start", "sso-return", "security", "safety"}


def test_attack_83_every_route_that_changes_who_may_come_in_asks_again(sena: Person, ling: Person) -> None:
    """Somebody at Sena's open screen closes an account: asked first; and no view of the kind has been forgotten."""
    seen = set()
    for entry in _patterns(get_resolver().url_patterns):
        module = entry.callback.__module__
        if WAYS_IN.fullmatch(module) and entry.name not in FREE:
            seen.add(entry.name)
            assert getattr(entry.callback, "proven", False), entry.name
    assert {"api-keys", "api-key-revoke", "security-person", "invitation-confirm", "own-edit", "member-end"} <= seen


def _patterns(entries: Any) -> Any:
    for entry in entries:
        if hasattr(entry, "url_patterns"):
            yield from _patterns(entry.url_patterns)
        else:
            yield entry


# --- what the security administrator can do for a person ----------------------------------------------------------------
def test_unlocking_forgets_the_second_step_too(sena: Person, bo: Person) -> None:
    """Bo mistyped five codes; Sena sees that he is locked, and lets him try again."""
    now = moments.now()
    for _ in range(5):
        second.check(bo.user.pk, "000000", now=now)
    url = reverse("security-person", args=[bo.user.pk])
    assert "锁定中" in sena.client.get(url).content.decode()
    assert sena.client.post(url, {"deed": "unlock", "reason": "本人来电"}).status_code == 302
    assert not attempts.refused(attempts.SECOND, f"user:{bo.user.pk}", now=now)


def test_a_lost_second_factor_is_cleared_by_another_with_a_reason(sena: Person, bo: Person, settings: Any) -> None:
    """Bo lost his phone and his codes: Sena clears them, the journal names her, Bo's sessions end and he sets up anew."""
    settings.TRUST_OTHER_LOGINS = True
    phone(bo)
    browser = inside(bo)
    url = reverse("security-person", args=[bo.user.pk])
    assert sena.client.post(url, {"deed": "second", "reason": ""}).status_code == 400
    assert second.ways(bo.user.pk)
    assert sena.client.post(url, {"deed": "second", "reason": "当面核实身份证"}).status_code == 302
    assert not second.ways(bo.user.pk)
    told = Entry.objects.get(verb="person.second_reset")
    assert (told.actor_id, "当面核实身份证" in told.text) == (sena.user.pk, True)
    assert browser.get("/desk/").status_code == 302
    unslowed()
    _, answer = first_step(bo)
    assert answer.headers["Location"] == "/login/second/setup/"
    assert (
        sena.client.post(reverse("security-person", args=[sena.user.pk]), {"deed": "second", "reason": "x"}).status_code
        == 403
    )


def test_a_wrong_password_of_a_known_account_is_noted_under_it(bo: Person) -> None:
    """The journal of refusals says whose account was tried, when it is one."""
    from portal.foundation.journal.models import Refusal

    Client().post("/login/", {"login": bo.user.username, "password": "Wrong-password-1"})
    assert Refusal.objects.get(kind="wrong-password").subject == f"user:{bo.user.pk}"
    phone(bo)
    browser, _ = first_step(bo)
    browser.post("/login/second/", {"code": "000000"})
    assert Refusal.objects.get(kind="wrong-second").subject == f"user:{bo.user.pk}"
    assert PASSWORD not in str(list(Refusal.objects.values()))
