"""Attacks on the keys of institutions' systems (85–92), and how Bo's manager makes and ends one."""

import json
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client, override_settings
from django.urls import reverse

from applications.actions import responses
from applications.models import Referral
from portal.foundation.accounts.models import Membership, User
from portal.foundation.core import moments
from portal.foundation.core.errors import Forbidden, Invalid, WrongState
from portal.foundation.journal.models import Entry
from portal.integrations import actions, signing
from portal.integrations.actions import Issued
from portal.integrations.models import ApiKey, Scope
from portal.notifications import writing
from portal.notifications.models import Notice
from products.models import Product
from tests import factories
from tests.factories import Person
from tests.threads import together

from .web_world import traces

pytestmark = pytest.mark.django_db
CLAIM = {"contact_name": "薄示例", "contact_phone": "023-67961234", "next_step": "尽调"}
DECLINE = {"code": "amount", "note": ""}


@pytest.fixture
def issued(bo_manager: Person) -> Issued:
    """Bo's bank lets its credit system read and answer."""
    return actions.create("信贷系统", Scope.values, 90, actor=bo_manager.actor, now=moments.now())


@pytest.fixture
def mine(ling: Person, bo: Person, product: Product) -> Referral:
    return factories.application(ling, product).referrals.get(institution_id=bo.organisation.pk)


def send(
    issued: Issued,
    url: str,
    data: dict[str, Any] | None = None,
    *,
    nonce: str = "",
    at: datetime | None = None,
    client: Client | None = None,
    **forged: Any,
) -> Any:
    """A signed call; `forged` changes what is signed, not what is sent."""
    body = b"" if data is None else json.dumps(data).encode()
    method = "GET" if data is None else "POST"
    told = {
        "method": method,
        "path": url,
        "body": body,
        "time": int((at or moments.now()).timestamp()),
        "nonce": nonce or uuid.uuid4().hex,
        **forged,
    }
    header = signing.header(told.pop("secret", issued.secret), told.pop("ident", issued.key.ident), **told)
    browser = client or Client(raise_request_exception=False)
    return browser.generic(method, url, body, "application/json", headers={"Authorization": header})


def claim_url(referral: Referral) -> str:
    return reverse("api-referral-claim", args=[referral.ref])


LIST = "/api/v1/referrals/"


def test_attack_85_without_a_good_key_there_is_no_answer(issued: Issued, mine: Referral, bo_manager: Person) -> None:
    """No key, an invented one, a wrong secret, a key in the address, one that is over, revoked, or whose chair is gone."""
    assert send(issued, LIST).status_code == 200
    said = {
        "none": Client().get(LIST),
        "invented": send(issued, LIST, ident="IPK000000000000"),
        "wrong secret": send(issued, LIST, secret="x" * 44),
        "in the address": Client().get(f"{LIST}?key={issued.key.ident}&signature={'0' * 64}&secret={issued.secret}"),
        "bearer": Client().get(LIST, headers={"Authorization": f"Bearer {issued.secret}"}),
        "basic": Client().get(LIST, headers={"Authorization": "Basic Ym86RGVtby0yMDI2LXBvcnRhbA=="}),
        "nonsense": Client().get(LIST, headers={"Authorization": f"{signing.SCHEME} " + "=" * 5000}),
    }
    ApiKey.objects.update(expires_at=moments.now())
    said["expired"] = send(issued, LIST)
    ApiKey.objects.update(expires_at=moments.now() + timedelta(days=1))
    Membership.objects.filter(pk=issued.key.membership_id).update(active=False)
    said["chair gone"] = send(issued, LIST)
    Membership.objects.filter(pk=issued.key.membership_id).update(active=True)
    user = User.objects.filter(pk=issued.key.membership.user_id)
    user.update(is_active=False)
    said["account closed"] = send(issued, LIST)
    user.update(is_active=True)
    assert send(issued, LIST).status_code == 200
    actions.revoke(issued.key.pk, actor=bo_manager.actor, now=moments.now())
    said["revoked"] = send(issued, LIST)
    assert {name: answer.status_code for name, answer in said.items()} == dict.fromkeys(said, 401)
    assert {answer.headers["WWW-Authenticate"] for answer in said.values()} == {signing.SCHEME}
    told = {name: answer.json()["detail"] for name, answer in said.items() if name not in ("none", "in the address")}
    assert len(set(told.values())) == 1, "a wrong key is told by no other words than an expired one"
    assert traces("no-key") >= 1


def test_attack_85_a_key_opens_no_page_and_its_user_no_session(issued: Issued) -> None:
    """Somebody tries the key at the pages, and its chair at the log-in."""
    for url in ("/desk/", "/members/", "/keys/"):
        assert send(issued, url).status_code == 302
    user = User.objects.get(pk=issued.key.membership.user_id)
    assert not user.has_usable_password()
    assert Client().post("/login/", {"login": user.username, "password": issued.secret}).status_code == 400


def test_attack_86_a_signature_belongs_to_one_method_path_and_body(issued: Issued, mine: Referral) -> None:
    """Somebody on the way changes what was signed, and sends the rest as it was."""
    url = claim_url(mine)
    for forged in (
        {"method": "GET"},
        {"path": reverse("api-referral-decline", args=[mine.ref])},
        {"path": url + "?x=1"},
        {"body": json.dumps({**CLAIM, "contact_phone": "023-00000000"}).encode()},
        {"body": b""},
    ):
        answer = send(issued, url, CLAIM, **forged)
        assert answer.status_code == 401, forged
    assert send(issued, LIST + "?cursor=x", path=LIST).status_code == 401
    mine.refresh_from_db()
    assert mine.state == "waiting"
    assert traces("no-key") >= 1


@pytest.mark.parametrize("minutes", [-300, -6, 6, 300, 60 * 24 * 365])
def test_attack_87_a_signature_is_good_for_five_minutes(issued: Issued, minutes: int) -> None:
    """An old call kept by somebody, or one signed for later."""
    assert send(issued, LIST, at=moments.now() + timedelta(minutes=minutes)).status_code == 401
    assert send(issued, LIST, at=moments.now() + timedelta(minutes=4 if minutes > 0 else -4)).status_code == 200


def test_attack_88_a_replayed_call_is_answered_and_does_nothing(issued: Issued, mine: Referral) -> None:
    """The same claim, byte for byte, is sent again by somebody who recorded it; and its nonce with another body."""
    nonce = uuid.uuid4().hex
    first = send(issued, claim_url(mine), CLAIM, nonce=nonce)
    again = [send(issued, claim_url(mine), CLAIM, nonce=nonce) for _ in range(3)]
    assert first.status_code == 200
    assert [(answer.status_code, answer.json()) for answer in again] == [(200, first.json())] * 3
    assert send(issued, claim_url(mine), {**CLAIM, "contact_phone": "023-11111111"}, nonce=nonce).status_code == 422
    assert Entry.objects.filter(verb="referral.claimed").count() == 1
    assert traces("other-body") == 1


def test_attack_88_a_fresh_key_beside_a_replayed_signature_is_nothing(issued: Issued, mine: Referral) -> None:
    """Somebody who recorded the claim adds a header nobody signed, Idempotency-Key, to have the effect a second time."""
    nonce, at = uuid.uuid4().hex, moments.now()
    first = send(issued, claim_url(mine), CLAIM, nonce=nonce, at=at)
    body = json.dumps(CLAIM).encode()
    told = {"method": "POST", "path": claim_url(mine), "body": body, "time": int(at.timestamp()), "nonce": nonce}
    header = signing.header(issued.secret, issued.key.ident, **told)  # type: ignore[arg-type]
    for key in (uuid.uuid4().hex, "another-key-of-mine", "x"):
        again = Client(raise_request_exception=False).generic(
            "POST", claim_url(mine), body, "application/json", headers={"Authorization": header, "Idempotency-Key": key}
        )
        assert (again.status_code, again.json()) == (200, first.json())
    assert Entry.objects.filter(verb="referral.claimed").count() == 1


def test_attack_85_guessing_signatures_is_counted_by_line(issued: Issued) -> None:
    """Somebody tries signatures: sixty in ten minutes, then 429 with the time to wait, for a right one too."""
    said = [send(issued, LIST, secret="x" * 44).status_code for _ in range(61)]
    assert said == [401] * 60 + [429]
    refused = send(issued, LIST)
    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) >= 1
    elsewhere = Client(REMOTE_ADDR="192.0.2.7")
    assert send(issued, LIST, client=elsewhere).status_code == 200
    assert traces("too-many") == 1


def test_a_key_outlives_a_change_of_the_portals_secret(issued: Issued, settings: Any) -> None:
    """The portal's secret is replaced, the old one kept as a fallback: Bo's system goes on; without it the key is dead."""
    before = settings.SECRET_KEY
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another-secret-" * 4, [before]
    assert send(issued, LIST).status_code == 200
    settings.SECRET_KEY_FALLBACKS = []
    assert send(issued, LIST).status_code == 401


def test_attack_89_events_out_of_order_are_refused_and_the_end_is_right(issued: Issued, mine: Referral) -> None:
    """Bo's system declines, then its claim arrives, and then the decline a second time with another nonce."""
    decline = reverse("api-referral-decline", args=[mine.ref])
    assert send(issued, decline, DECLINE).status_code == 200
    assert send(issued, claim_url(mine), CLAIM).status_code == 409
    assert send(issued, decline, DECLINE).status_code == 409
    mine.refresh_from_db()
    assert (mine.state, mine.decline_code) == ("declined", "amount")
    assert Entry.objects.filter(verb="referral.claimed").count() == 0
    assert traces("conflict") == 2


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_attack_90_the_same_event_a_hundred_times_at_once_is_one_effect(issued: Issued, mine: Referral) -> None:
    """Twenty lines of Bo's system, five times each, all with the same signed claim."""
    nonce, at = uuid.uuid4().hex, moments.now()

    def five() -> list[int]:
        return [send(issued, claim_url(mine), CLAIM, nonce=nonce, at=at).status_code for _ in range(5)]

    said = [status for line in together(*[five] * 20, seconds=120) for status in line]
    assert len(said) == 100
    assert set(said) <= {200, 409}
    assert said.count(200) >= 1
    assert send(issued, claim_url(mine), CLAIM, nonce=nonce, at=at).status_code == 200
    assert Entry.objects.filter(verb="referral.claimed").count() == 1
    mine.refresh_from_db()
    assert mine.officer_id == issued.key.membership.user_id


def test_attack_91_the_key_of_one_bank_finds_nothing_of_another(
    issued: Issued, ling: Person, cui: Person, product: Product
) -> None:
    """Bo's system answers for Cui's bank: exactly as if there were no such referral."""
    theirs = factories.application(ling, factories.product(cui.organisation)).referrals.get()
    nowhere = uuid.UUID(int=7)
    for name, data in (("claim", CLAIM), ("decline", DECLINE)):
        there = send(issued, reverse(f"api-referral-{name}", args=[theirs.ref]), data)
        missing = send(issued, reverse(f"api-referral-{name}", args=[nowhere]), data)
        assert (there.status_code, there.content) == (404, missing.content)
    assert send(issued, reverse("api-referral-detail", args=[theirs.ref])).status_code == 404
    assert str(theirs.ref) not in send(issued, LIST).content.decode()
    theirs.refresh_from_db()
    assert theirs.state == "waiting"
    assert traces("not-yours") >= 2


@pytest.mark.parametrize(("scope", "reads", "writes"), [(Scope.READ, 200, 403), (Scope.WRITE, 403, 200)])
def test_attack_92_a_key_does_what_its_scopes_say_and_no_more(
    bo_manager: Person, mine: Referral, scope: str, reads: int, writes: int
) -> None:
    """The statistics system of Bo's bank may read; it tries to answer, and the other way round."""
    narrow = actions.create("统计系统", [scope], 30, actor=bo_manager.actor, now=moments.now())
    assert send(narrow, LIST).status_code == reads
    assert send(narrow, claim_url(mine), CLAIM).status_code == writes
    mine.refresh_from_db()
    assert mine.state == ("claimed" if writes == 200 else "waiting")
    assert traces("not-allowed") == 1


# --- how a key comes to be --------------------------------------------------------------------------------------------
def test_bos_manager_makes_a_key_sees_its_secret_once_and_ends_it(bo_manager: Person, mine: Referral) -> None:
    page = bo_manager.client.post("/keys/", {"name": "信贷系统", "scopes": Scope.values, "days": "30"})
    assert page.status_code == 200
    key = ApiKey.objects.get()
    secret = signing.secret_of(key.ident)
    assert secret in page.content.decode()
    assert "no-store" in page.headers["Cache-Control"]
    listed = bo_manager.client.get("/keys/").content.decode()
    assert key.ident in listed
    assert secret not in listed
    assert secret not in "".join(str(v) for row in ApiKey.objects.values() for v in row.values())
    assert secret not in "".join(f"{e.text}{e.data}" for e in Entry.objects.all())
    answer = send(Issued(key, secret), claim_url(mine), CLAIM)
    assert answer.status_code == 200
    assert Entry.objects.get(verb="referral.claimed").actor_label.startswith("系统接口·信贷系统")
    assert bo_manager.client.get(reverse("api-key-revoke", args=[key.pk])).status_code == 200
    assert ApiKey.objects.get().revoked_at is None  # looking ends nothing
    assert bo_manager.client.post(reverse("api-key-revoke", args=[key.pk])).status_code == 302
    assert send(Issued(key, secret), LIST).status_code == 401
    assert bo_manager.client.post(reverse("api-key-revoke", args=[key.pk])).status_code == 409
    assert set(Entry.objects.values_list("verb", flat=True)) >= {"key.created", "key.revoked"}


@pytest.mark.parametrize(
    "wrong",
    [{"name": ""}, {"scopes": []}, {"scopes": ["everything"]}, {"days": "0"}, {"days": "366"}, {"days": "x"}],
)
def test_a_slip_in_the_form_makes_no_key(bo_manager: Person, wrong: dict[str, Any]) -> None:
    sent = {"name": "信贷系统", "scopes": [Scope.READ], "days": "30", **wrong}
    assert bo_manager.client.post("/keys/", sent).status_code == 400
    assert not ApiKey.objects.exists()


def test_only_a_manager_of_an_institution_makes_keys_and_only_five(
    bo: Person, bo_manager: Person, ling: Person, chief: Person
) -> None:
    def make(by: Person) -> Callable[[], Any]:
        return lambda: actions.create("系统", [Scope.READ], 1, actor=by.actor, now=moments.now())

    for person in (bo, ling, chief):
        with pytest.raises(Forbidden):
            make(person)()
        assert person.client.get("/keys/").status_code == 403
    for _ in range(5):
        make(bo_manager)()
    with pytest.raises(WrongState):
        make(bo_manager)()


def test_a_copy_of_the_database_signs_nothing(issued: Issued) -> None:
    """The secret is derived from the portal's own, which the database does not know; with another one the key is dead."""
    with override_settings(SECRET_KEY="another-" * 10):
        assert send(issued, LIST).status_code == 401
    assert send(issued, LIST).status_code == 200


def test_a_machine_is_no_colleague(issued: Issued, mine: Referral, bo: Person, bo_manager: Person) -> None:
    """It stands in no list of members and gets no work and no letter."""
    chair = issued.key.membership
    assert chair.user.name not in bo_manager.client.get(reverse("members")).content.decode()
    assert chair.user.name not in bo_manager.client.get(reverse("desk-referral", args=[mine.ref])).content.decode()
    with pytest.raises(Invalid):
        responses.assign(mine.pk, officer_id=chair.user_id, actor=bo_manager.actor, now=moments.now())
    writing.write(Entry.objects.filter(verb="application.submitted").latest("id"), moments.now())
    told = set(Notice.objects.values_list("membership_id", flat=True))
    assert bo.membership.pk in told
    assert chair.pk not in told
