"""Attacks 76–82 and 84: the regulator and the three administrators reach beyond their part."""

import random
import re

import pytest
from django.contrib.auth import get_user_model
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.urls import NoReverseMatch, reverse

from portal.foundation.accounts import inviting
from portal.foundation.accounts.models import Membership, Role
from portal.foundation.core import moments
from portal.foundation.core.errors import WrongState
from portal.foundation.journal import sealer, verifying
from portal.foundation.journal.models import Entry, Look, Refusal
from tests import factories
from tests.factories import Person
from tests.grounds import GROUND, stated
from tests.journal_files import trailed
from tests.security.routes import ROUTES
from tests.security.test_strangers import TABLE
from tests.security.world import World
from tests.threads import together

from .guard_world import _own_files as _own_files
from .guard_world import people as people
from .guard_world import traced
from .guard_world import world as world

pytestmark = pytest.mark.django_db
KEEPERS = [Role.ADMIN, Role.SECURITY, Role.AUDIT]


def test_attack_76_a_regulator_writes_nothing_of_anybodys_business(world: World) -> None:
    """Rui posts to every address of enterprises, banks and the office, each with a real object behind it."""
    before, tried = Entry.objects.exclude(verb="supervision.drilled").count(), 0
    for name, row in TABLE.items():
        if "rui" in row.known_to or "post" not in row.method or name in ("invitation",):
            continue
        answer = world.rui.client.post(reverse(name, kwargs=row.real(world)), {"sure": "1"})
        assert answer.status_code in (403, 404), (name, answer.status_code)
        traced(world.rui, "not-allowed" if answer.status_code == 403 else "not-yours", name)
        tried += 1
    assert tried > 40
    assert Entry.objects.exclude(verb="supervision.drilled").count() == before


def test_attack_77_no_count_of_firms_is_anybodys_but_the_regulators(world: World) -> None:
    """Wai, Cui, the administrators and a visitor ask for the figures by district, from which a single firm could be read.

    Nothing is published yet: whoever may not open each case does not see how many there are.
    """
    figures = [r for r in ROUTES if r.name.startswith("supervision") and not r.objects and r.roles == (Role.REGULATOR,)]
    assert len(figures) >= 6
    others = {name: person.client for name, person in world.people.items() if person.membership.role != Role.REGULATOR}
    for route in figures:
        url = reverse(route.name)
        for name, client in others.items():
            assert client.get(url).status_code in (403, 405), (name, url)
        assert Client().get(url).status_code in (302, 405), url
    assert Refusal.objects.filter(actor_id=world.wai.user.pk, kind="not-allowed", route="supervision").exists()


def test_attack_78_a_case_opens_for_a_recorded_ground_only(world: World) -> None:
    """Rui follows a figure to one enterprise's case."""
    number = world.offered.number
    url = reverse("supervision-case", args=[number])
    closed = world.rui.client.get(url)
    assert closed.status_code == 200
    assert "调阅事由" in closed.content.decode()
    assert world.ling.organisation.name not in closed.content.decode()
    assert not Refusal.objects.filter(route="supervision-case").exists(), "an ordinary click is no refusal"
    assert world.rui.client.post(url, {"ground": " "}).status_code == 400
    assert world.ling.organisation.name not in world.rui.client.get(url).content.decode()
    assert world.ling.organisation.name in world.rui.client.get(stated(world.rui, number)).content.decode()
    entry = Entry.objects.get(verb="supervision.drilled")
    assert (entry.actor_id, entry.case_number, GROUND in entry.text) == (world.rui.user.pk, number, True)
    look = Look.objects.get(what="case")
    assert (look.owner_id, look.user_id, look.reason) == (world.ling.organisation.pk, world.rui.user.pk, GROUND)
    assert GROUND in world.ling.client.get(reverse("looks")).content.decode()
    other = world.rui.client.get(reverse("supervision-case", args=[world.asked.number])).content.decode()
    assert "调阅事由" in other, "one case each"
    session = world.rui.client.session
    session["grounds"] = {number: [GROUND, "2026-01-01"]}
    session.save()
    assert "调阅事由" in world.rui.client.get(url).content.decode(), "a day each"


BUSINESS = ("case-list", "desk", "desk-pool", "office", "pledges:list", "assets:list", "supervision", "valuations:list")
AUDIT = ("audit", "audit-refusals", "audit-looks", "audit-chain")
SECURITY = ("security",)


@pytest.mark.parametrize(
    ("who", "names"), [("ada", BUSINESS + AUDIT + SECURITY), ("sena", BUSINESS + AUDIT), ("audi", BUSINESS + SECURITY)]
)
def test_attack_79_no_administrator_reads_or_does_what_is_anothers(
    world: World, who: str, names: tuple[str, ...]
) -> None:
    """Ada reads business, Sena reads the journal, Audi changes people."""
    person = world.people[who]
    for name in names:
        assert person.client.get(reverse(name)).status_code == 403, name
        traced(person, "not-allowed", name)
    if who != "sena":
        url = reverse("security-person", args=[world.ling.user.pk])
        assert person.client.post(url, {"deed": "close", "reason": "试试"}).status_code == 403
        traced(person, "not-allowed", "security-person")
        assert get_user_model().objects.get(pk=world.ling.user.pk).is_active
    if who != "audi":
        assert person.client.post(reverse("audit-export")).status_code == 403
        traced(person, "not-allowed", "audit-export")


@pytest.mark.parametrize("second", [*KEEPERS, Role.REGULATOR, Role.OFFICER, Role.ENTERPRISE])
@pytest.mark.parametrize("first", KEEPERS)
def test_attack_80_the_database_lets_nobody_be_two_of_the_three(ada: Person, first: Role, second: Role) -> None:
    """Two administrators in one person, or an administrator with other business: refused by the database itself."""
    if first == second:
        return
    person = factories.person("both", "双示例", first, ada.organisation)
    other = factories.organisation("bank", "示例另一单位")  # type: ignore[arg-type]
    with pytest.raises(IntegrityError, match="membership_keepers_apart"), transaction.atomic():
        Membership.objects.create(user=person.user, organisation=other, role=second)
    left = Membership.objects.create(user=person.user, organisation=other, role=second, active=False)
    with pytest.raises(IntegrityError, match="membership_keepers_apart"), transaction.atomic():
        Membership.objects.filter(pk=left.pk).update(active=True)
    with (
        pytest.raises(IntegrityError, match="membership_keepers_apart"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("UPDATE accounts_membership SET active = true WHERE id = %s", [left.pk])


@pytest.mark.django_db(transaction=True)
@pytest.mark.race
def test_attack_80_two_invitations_accepted_in_the_same_second_are_one(ada: Person, sena: Person) -> None:
    """Sena has invited the same person as auditor here and as security administrator there; both are confirmed at once."""
    other = factories.organisation("platform", "示例平台二")  # type: ignore[arg-type]
    second = factories.person("sena2", "沈二示例", Role.SECURITY, other)
    newcomer = factories.person("xin", "辛示例", Role.OFFICER, factories.organisation("bank", "示例丙银行"))  # type: ignore[arg-type]
    Membership.objects.filter(user=newcomer.user).update(active=False)
    get_user_model().objects.filter(pk=newcomer.user.pk).update(phone="13900000009")
    third = factories.person("ada2", "艾达二示例", Role.ADMIN, other)
    now = moments.now()
    issued = [
        inviting.invite("13900000009", Role.AUDIT, actor=sena.actor, now=now),
        inviting.invite("13900000009", Role.SECURITY, actor=second.actor, now=now),
    ]

    for one in issued:
        inviting.join(one.invitation.token_digest, newcomer.user.pk, now=now)

    def confirmed(pk: int, by: Person) -> str:
        try:
            return str(inviting.confirm(pk, actor=by.actor, now=moments.now()).role)
        except WrongState as refused:
            return refused.code

    pairs = zip(issued, (ada, third), strict=True)
    said = together(*(lambda i=i, by=by: confirmed(i.invitation.pk, by) for i, by in pairs))
    assert sorted(said)[0] in ("audit", "keepers")
    assert "keepers" in said
    assert Membership.objects.filter(user=newcomer.user, active=True).count() == 1


def test_attack_81_nobody_can_be_somebody_else(world: World) -> None:
    """No address logs in as another; a chair that is not one's own does not exist; nobody sets another's password."""
    words = re.compile(r"impersonat|hijack|login-?as|log-?in-?as|su$|switch-user|assume", re.IGNORECASE)
    assert [r.name for r in ROUTES if words.search(r.name)] == []
    for who in ("ada", "sena", "audi", "bo", "rui"):
        person = world.people[who]
        answer = person.client.post(reverse("seat"), {"membership": world.ling.membership.pk})
        assert answer.status_code == 404
        traced(person, "not-yours", "seat")
        assert person.client.get(reverse("case-list")).status_code == 403
    page = world.sena.client.get(reverse("security-person", args=[world.ling.user.pk])).content.decode()
    assert 'type="password"' not in page
    before = get_user_model().objects.get(pk=world.ling.user.pk).password
    world.sena.client.post(
        reverse("security-person", args=[world.ling.user.pk]),
        {"deed": "reopen", "reason": "x", "password": "New-2026-portal"},
    )
    assert get_user_model().objects.get(pk=world.ling.user.pk).password == before


def test_attack_82_the_audit_export_is_checked_offline_and_every_change_is_found(world: World) -> None:
    """Audi takes the journal away and writes its head down; somebody changes one byte or takes one line out, a hundred times,
    and writes the trailer anew each time."""
    while sealer.seal(now=moments.now()):
        pass
    answer = world.audi.client.post(reverse("audit-export"))
    assert answer.status_code == 200
    assert Entry.objects.filter(verb="journal.exported", actor_id=world.audi.user.pk).count() == 1
    lines = b"".join(answer.streaming_content).splitlines(keepends=True)  # type: ignore[attr-defined]
    report = verifying.check(lines)
    assert report.findings == []
    assert report.sealed > 50
    seed = random.SystemRandom().randrange(2**32)
    chance = random.Random(seed)
    for _ in range(100):
        changed = list(lines)
        where = chance.randrange(1, report.sealed + 1)
        if chance.random() < 0.5:
            del changed[where]
        else:
            body = bytearray(changed[where])
            body[chance.randrange(len(body))] ^= chance.randrange(1, 256)
            changed[where] = bytes(body)
        forged = trailed(b"".join(changed).splitlines(keepends=True))
        assert not verifying.check_with(forged, None, head=report.head).ok, f"seed {seed}"


def test_attack_84_there_is_no_admin_site(world: World) -> None:
    """Django's own administration has no address, for nobody, also where it is installed."""
    with pytest.raises(NoReverseMatch):
        reverse("admin:index")
    get_user_model().objects.filter(pk=world.ada.user.pk).update(is_staff=True, is_superuser=True)
    for client in (world.ada.client, Client()):
        for path in ("/admin/", "/admin/login/", "/admin/accounts/user/", "/django-admin/"):
            assert client.get(path).status_code == 404, path
    assert not Refusal.objects.filter(route__startswith="admin").exists()
