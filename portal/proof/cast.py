"""Who acts in the proof, and what they will do: people with sessions, drafts ready to be sent, and the plan of every case.

Run as `python -m portal.proof.inside cast …`, once, on a migrated database with reference data. Drafts and sessions are
written in bulk: the proof is about what happens from the submission on, so one case costs one real POST.
"""

import argparse
import json
import os
import random
import uuid
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY
from django.contrib.auth import SESSION_KEY as USER_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.db import transaction

from applications.models import Draft
from banks.models import Institution
from portal.demo.people import credit_code, dispatcher, patent_number
from portal.foundation.accounts.identity import sessions
from portal.foundation.accounts.middleware import SESSION_KEY
from portal.foundation.accounts.models import Membership, Organisation, OrganisationKind, Role, User
from portal.foundation.assets.models import Patent
from portal.foundation.core import moments
from portal.foundation.core.identifiers import PatentKind, expiry_date
from portal.foundation.core.moments import local_date
from products.models import Mode, Product

BANKS = 8
ENTERPRISES = 40
SESSION_LIFE = timedelta(
    days=60
)  # a clock three days ahead must not log everybody out: sessions end after 12 hours otherwise
MAIL = "{}@example.invalid"

# What becomes of a case: share of all cases, in the order in which they are cut off one interval.
ACTS = (
    ("race", 0.30),  # two officers of the bank claim it at once
    ("claim", 0.22),
    ("late", 0.04),  # claimed when the ladder has been climbed for a while
    ("decline", 0.08),
    ("offer", 0.08),
    ("withdraw", 0.06),  # withdrawn; every second one at the instant at which an officer claims it
    ("pool", 0.04),  # an open call: two officers of a bank that was not asked take it at once
    ("pledge", float(os.environ.get("PROOF_PLEDGES", "0.02"))),  # all the way to the registration
)  # the rest is left silent, so that its ladder fires
REPEATED = 0.10  # share of submissions that are sent a second time on purpose


def plan_of(number: int, *, rng: random.Random) -> tuple[str, bool]:
    """What becomes of case `number`, and whether its submission is repeated."""
    point, act = rng.random(), "silent"
    for name, share in ACTS:
        if point < share:
            act = name
            break
        point -= share
    return act, rng.random() < REPEATED


def prepare(*, submissions: int, seed: int, now: datetime) -> dict[str, Any]:
    """Write the cast and one draft a case; the plan as the load and the case worker read it."""
    rng = random.Random(seed)
    acts = [plan_of(n, rng=rng) for n in range(submissions)]
    pledges = sum(act == "pledge" for act, _ in acts)
    people = People(now)
    banks = [people.bank(i) for i in range(1, BANKS + 1)]
    people.others()
    enterprises = [people.enterprise(i, patents=2) for i in range(1, ENTERPRISES + 1)]
    # A patent is pledged once, so every case that goes all the way has an enterprise with a patent of its own.
    owners = iter([people.enterprise(ENTERPRISES + i, patents=1) for i in range(1, pledges + 1)])
    drafts, cases = [], []
    for n, (act, repeated) in enumerate(acts):
        firm = next(owners) if act == "pledge" else enterprises[rng.randrange(ENTERPRISES)]
        asked = rng.sample(banks, 2 if act in ("silent", "race", "decline") and rng.random() < 0.2 else 1)
        outsider = rng.choice([b for b in banks if b not in asked])
        draft = Draft(
            organisation_id=firm["organisation"],
            token=uuid.UUID(int=rng.getrandbits(128), version=4),
            data=typed(firm, asked, open_call=act == "pool", rng=rng),
            version=4,
            updated_by_id=firm["user"],
            updated_at=now,
            created_at=now,
        )
        drafts.append(draft)
        cases.append({"n": n, "act": act, "repeated": repeated, "token": str(draft.token), "draft": 0,
                      "organisation": firm["organisation"], "session": firm["session"],
                      "banks": [b["organisation"] for b in asked], "outsider": outsider["organisation"],
                      "delay": round(rng.uniform(0.2, 4.0), 2), "file": rng.choice(FILES)})  # fmt: skip
    for case, draft in zip(cases, Draft.objects.bulk_create(drafts, batch_size=500), strict=True):
        case["draft"] = draft.pk
    officers = {str(b["organisation"]): b["officers"] for b in banks}
    return {"seed": seed, "cases": cases, "officers": officers, "office": people.office}


# How far a pledge file gets: registered after a correction, registered at once, or left to its ladder (at once, in its pause,
# or when it runs again after the pause).
FILES = ("corrected", "corrected", "registered", "registered", "silent", "paused", "resumed")


def typed(
    firm: dict[str, Any], banks: Sequence[dict[str, Any]], *, open_call: bool, rng: random.Random
) -> dict[str, Any]:
    """The four steps of the wizard as they are typed."""
    reach: dict[str, Any] = {"reach": "open", "products": [], "consents": [], "consent_open": "on"}
    if not open_call:
        reach = {
            "reach": "choose",
            "products": [str(b["product"]) for b in banks],
            "consents": [str(b["organisation"]) for b in banks],
            "consent_open": "",
        }
    return {
        "company": {"patents": [str(firm["patents"][0])]},
        "need": {
            "amount": str(rng.randrange(50, 900)),
            "term_months": "24",
            "term_other": "",
            "purpose": "working_capital",
            "purpose_note": "采购原料（示例）",
        },
        "reach": {**reach, "contact_name": "联系人示例", "contact_phone": "13800000000"},
    }


class People:
    """Makes organisations with people who are logged in already."""

    def __init__(self, now: datetime) -> None:

        self.now, self.today = now, local_date(now)
        self.office: dict[str, Any] = {}

    def organisation(self, kind: str, name: str, serial: int | None = None) -> Any:
        return Organisation.objects.create(
            kind=kind, name=name, uscc=credit_code(serial) if serial else None, district_id="500157", industry_id="C",
            contact_name="联系人示例", contact_phone="13800000000",
        )  # fmt: skip

    def person(self, username: str, role: str, at: Any, *, mail: bool = True) -> tuple[int, str]:
        """The user's key and a session that is logged in."""

        user = User(
            username=username,
            name=f"{username}示例"[:40],
            phone="13800000000",
            email=MAIL.format(username) if mail else "",
        )
        user.set_unusable_password()
        user.save(force_insert=True)
        seat = Membership.objects.create(user=user, organisation=at, role=role)
        session = SessionStore()
        session[USER_KEY] = str(user.pk)
        session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
        session[HASH_SESSION_KEY] = user.get_session_auth_hash()
        session[SESSION_KEY] = seat.pk
        sessions.mark(session, now=moments.now(), second=True)
        session.set_expiry(SESSION_LIFE)
        session.create()
        return user.pk, str(session.session_key)

    def bank(self, serial: int) -> dict[str, Any]:
        """A bank with one product, a manager and two officers who may race each other."""

        at = self.organisation(OrganisationKind.BANK, f"示例证明银行{serial}")
        institution = Institution.objects.create(organisation=at, example=True, service_phone="023-00000000")
        product = Product.objects.create(
            institution=institution, name="示例专利质押贷", mode=Mode.PLEDGE, ip_kinds=["invention", "utility"],
            amount_min=Decimal(100_000), amount_max=Decimal(30_000_000), term_max=36, summary="示例产品",
            state=Product.State.PUBLISHED, example=True, updated_on=self.today,
        )  # fmt: skip
        self.person(f"manager{serial}", Role.MANAGER, at)
        officers = [self.person(f"officer{serial}{letter}", Role.OFFICER, at, mail=letter == "a") for letter in "ab"]
        return {"organisation": at.pk, "product": product.pk, "officers": officers}

    def others(self) -> None:
        """The office that registers, the regulators, and the desk that owns what nobody matches."""

        office = self.organisation(OrganisationKind.IP_OFFICE, "示例证明登记处")
        clerk, _ = self.person("clerk", Role.CLERK, office)
        self.person("chief", Role.CHIEF, office)
        self.person("regulator", Role.REGULATOR, self.organisation(OrganisationKind.REGULATOR, "示例证明监管组"))
        desk = dispatcher()
        self.person("dispatcher", Role.OFFICER, desk)
        self.office = {"organisation": office.pk, "clerk": clerk, "desk": desk.pk}

    def enterprise(self, serial: int, *, patents: int) -> dict[str, Any]:

        at = self.organisation(OrganisationKind.ENTERPRISE, f"重庆示例证明{serial}有限公司", serial)
        filed = date(self.today.year - 6, 5, 20)
        kind = PatentKind.INVENTION
        made = [
            Patent.objects.create(
                organisation=at, number=patent_number(kind, filed.year, serial * 4 + i), kind=kind, title="一种示例装置",
                patentee=at.name, filing_date=filed, grant_date=date(filed.year + 2, 6, 1),
                expires_on=expiry_date(kind, filed), fee_paid_until=date(self.today.year + 1, 12, 31),
                checked_on=self.today,
            ).pk
            for i in range(patents)
        ]  # fmt: skip
        user, session = self.person(f"firm{serial}", Role.ENTERPRISE, at)
        return {"organisation": at.pk, "user": user, "session": session, "patents": made}


def main(arguments: Sequence[str]) -> None:
    """`--submissions N --seed S PLAN`: write the cast and the plan."""
    parser = argparse.ArgumentParser("cast")
    parser.add_argument("--submissions", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("plan", type=Path)
    options = parser.parse_args(arguments)
    with transaction.atomic():
        plan = prepare(submissions=options.submissions, seed=options.seed, now=moments.now())
    options.plan.write_text(json.dumps(plan, ensure_ascii=False))
