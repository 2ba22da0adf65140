"""The government's log-in: bound by its owner, checked to the last claim, and no way to an account for anybody else."""

import re
from collections.abc import Iterator
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit
from urllib.request import urlopen

import pytest
from django.test import Client

from portal.foundation.accounts.identity import mailing
from portal.foundation.accounts.models import SsoBinding, User
from portal.foundation.accounts.sso import oidc, simulator
from portal.foundation.accounts.sso.contract import Refused, Unreachable
from portal.foundation.accounts.sso.simulator import Government
from portal.foundation.core import moments
from portal.foundation.journal.models import Entry
from tests.attacks.identity_world import code, inside, phone, traced
from tests.factories import Person

pytestmark = pytest.mark.django_db
HERE = "http://testserver/login/sso/return/"


@pytest.fixture
def government(settings: Any) -> Iterator[Government]:
    with simulator.running() as there:
        settings.SSO_ISSUER, settings.SSO_CLIENT_ID, settings.PUBLIC_URL = there.issuer, "portal", "http://testserver"
        settings.TRUST_OTHER_LOGINS = False
        yield there


def away(browser: Client, url: str = "/login/sso/", **more: str) -> str:
    """The address to which the browser is sent."""
    page = browser.post(url, more)
    assert page.status_code == 200, page.headers
    found = re.search(r'content="0;url=([^"]+)"', page.content.decode())
    assert found
    return unescape(found[1])


def chosen(address: str, person: int = 0) -> str:
    """Log in there as one of its invented people; the path and query with which the browser comes back."""
    with urlopen(address) as page:  # noqa: S310 - the simulator on this machine
        links = re.findall(r'href="([^"]+)"', page.read().decode())
    back = unescape(links[person])
    assert back.startswith(HERE)
    return back.removeprefix("http://testserver")


def bound(person: Person, number: int = 0) -> Client:
    browser = inside(person)
    browser.get(chosen(away(browser, "/safety/sso/"), number))
    assert SsoBinding.objects.filter(user=person.user).exists()
    return browser


def test_ling_binds_it_and_comes_in_by_it(ling: Person, government: Government) -> None:
    bound(ling)
    browser = Client()
    address = away(browser, next="/patents/")
    asked = parse_qs(urlsplit(address).query)
    assert asked["code_challenge_method"] == ["S256"]
    assert asked["redirect_uri"] == [HERE]
    assert {"state", "nonce", "code_challenge"} <= set(asked)
    assert browser.get(chosen(address)).headers["Location"] == "/patents/"
    assert browser.get("/patents/").status_code == 200
    assert Entry.objects.filter(verb="person.sso_bound").count() == 1


def test_bo_comes_in_by_it_and_still_shows_his_second_factor(bo: Person, government: Government) -> None:
    phone(bo)
    bound(bo)
    browser = Client()
    assert browser.get(chosen(away(browser))).headers["Location"] == "/login/second/"
    assert browser.get("/desk/").headers["Location"] == "/login/second/"
    assert browser.post("/login/second/", {"code": code(bo)}).status_code == 302


def test_a_subject_that_nobody_bound_gets_no_account(ling: Person, government: Government) -> None:
    people = User.objects.count()
    browser = Client()
    answer = browser.get(chosen(away(browser)))
    assert answer.headers["Location"] == "/login/"
    traced(answer, "sso")
    assert "还没有绑定" in browser.get("/login/").content.decode()
    assert "_auth_user_id" not in browser.session
    assert User.objects.count() == people


def test_a_subject_belongs_to_one_person_and_a_person_has_one(
    ling: Person, wai: Person, government: Government
) -> None:
    bound(ling)
    for person, number in ((wai, 0), (ling, 1)):
        browser = inside(person)
        browser.get(chosen(away(browser, "/safety/sso/"), number))
        assert "已经绑定过" in browser.get("/safety/").content.decode()
    assert SsoBinding.objects.count() == 1
    browser = inside(ling)
    assert browser.post("/safety/sso/remove/").status_code == 302
    assert not SsoBinding.objects.exists()


def test_an_answer_serves_only_the_browser_that_asked_and_once(
    ling: Person, wai: Person, government: Government
) -> None:
    """Log-in CSRF: a stranger's answer in Ling's browser binds and logs in nobody."""
    bound(ling)
    browser, thief = Client(), Client()
    back = chosen(away(browser))
    assert thief.get(back).headers["Location"] == "/login/"
    away(thief)
    assert thief.get(back).headers["Location"] == "/login/", "another state"
    assert browser.get(back.replace("state=", "state=x")).headers["Location"] == "/login/"
    assert browser.get(back).headers["Location"] == "/login/", "a question is answered once, rightly or not"
    victim = inside(wai)
    attacker = chosen(away(Client()))
    assert victim.get(attacker).headers["Location"] == "/safety/"
    assert not SsoBinding.objects.filter(user=wai.user).exists()


@pytest.mark.parametrize(
    "lie",
    [
        {"iss": "https://evil.example"}, {"aud": "another"}, {"nonce": "another"}, {"nonce": ""}, {"exp": 1}, {"sub": ""},
        {"aud": ["portal", "another"], "azp": "another"}, {"iat": 4102444800}, {"sub": "x" * 300},
    ],
)  # fmt: skip
def test_a_token_that_is_not_for_us_now_is_refused(ling: Person, government: Government, lie: dict[str, Any]) -> None:
    bound(ling)
    government.spoil = lie
    browser = Client()
    answer = browser.get(chosen(away(browser)))
    assert answer.headers["Location"] == "/login/"
    traced(answer, "sso")
    assert "_auth_user_id" not in browser.session


def test_a_token_signed_by_nobody_or_by_another_is_refused(government: Government) -> None:
    provider = oidc.OidcProvider(government.issuer, client_id="portal")
    for spoil in ("none", "other"):
        question = provider.ask(HERE)
        asked = {name: values[0] for name, values in parse_qs(urlsplit(question.address).query).items()}
        back = government.code_for(asked, "yk-0001")
        right = government.signed
        if spoil == "none":
            government.signed = lambda claims, r=right: "eyJhbGciOiJub25lIn0." + r(claims).split(".")[1] + "."  # type: ignore[method-assign, misc]
        else:
            government.signed = lambda claims: Government().signed(claims)  # type: ignore[method-assign]
        with pytest.raises(Refused):
            provider.answer(parse_qs(urlsplit(back).query)["code"][0], question, HERE, now=moments.now())
        government.signed = right  # type: ignore[method-assign]


def test_a_code_without_its_verifier_is_refused(government: Government) -> None:
    """Somebody who reads the address of the browser has a code, but not what the session kept."""
    provider = oidc.OidcProvider(government.issuer, client_id="portal")
    question, other = provider.ask(HERE), provider.ask(HERE)
    asked = {name: values[0] for name, values in parse_qs(urlsplit(question.address).query).items()}
    stolen = parse_qs(urlsplit(government.code_for(asked, "yk-0001")).query)["code"][0]
    with pytest.raises(Refused):
        provider.answer(stolen, other, HERE, now=moments.now())


def test_only_https_or_this_machine_and_an_issuer_that_says_its_own_name(government: Government) -> None:
    for address in ("http://sso.example", "ftp://127.0.0.1", "https://", "file:///etc/passwd"):
        with pytest.raises(ValueError, match="http"):
            oidc.OidcProvider(address, client_id="portal")
    honest, government.issuer = government.issuer, "https://evil.example"
    with pytest.raises(Unreachable):
        oidc.OidcProvider(honest, client_id="portal").ask(HERE)


def test_without_a_provider_there_is_none(ling: Person, settings: Any) -> None:
    settings.SSO_ISSUER = ""
    assert Client().post("/login/sso/").status_code == 404
    assert Client().get("/login/sso/return/?code=x&state=y").status_code == 404
    assert "渝快办" not in Client().get("/login/").content.decode()


def test_a_provider_that_is_away_leaves_the_password(ling: Person, settings: Any) -> None:
    settings.SSO_ISSUER, settings.SSO_CLIENT_ID = "http://127.0.0.1:9", "portal"
    browser = Client()
    assert browser.post("/login/sso/").headers["Location"] == "/login/"
    assert "连不上" in browser.get("/login/").content.decode()


def test_an_issuer_that_writes_itself_with_a_slash_is_bound_and_unbound(ling: Person, government: Government) -> None:
    """Its name ends with «/» in its own words and without in the setting: the binding is found again and can be removed."""
    said = government.metadata
    government.metadata = lambda: {**said(), "issuer": f"{government.issuer}/"}  # type: ignore[method-assign]
    government.spoil = {"iss": f"{government.issuer}/"}
    browser = bound(ling)
    assert Client().get("/login/").status_code == 200
    assert "已于" in browser.get("/safety/").content.decode()
    comes = Client()
    assert comes.get(chosen(away(comes))).status_code == 302
    assert comes.get("/cases/").status_code == 200
    assert browser.post("/safety/sso/remove/").status_code == 302
    assert not SsoBinding.objects.exists()
    assert "person.sso_unbound" in mailing.TOLD


def test_pressing_the_button_again_and_again_calls_nobody(government: Government) -> None:
    """What the issuer says of itself is kept for a while, and after thirty times in ten minutes nobody is sent there."""
    asked: list[int] = []
    said = government.metadata
    government.metadata = lambda: (asked.append(1), said())[1]  # type: ignore[method-assign]
    answers = [Client().post("/login/sso/").status_code for _ in range(31)]
    assert answers == [200] * 30 + [429]
    assert len(asked) == 1
