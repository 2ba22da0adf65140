"""A scene of the failpoint proof: a small world, one thing somebody is about to do in it, and how to see whether it happened.

What leads up to the verb is done in this process, which has no armed point; the verb itself goes through the real web server.
"""

import itertools
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.core.files.base import ContentFile

from applications.actions import choices, responses
from applications.actions import submit as submitting
from applications.forms_bank import REPAYMENTS
from applications.models import Application, Draft, Offer, Purpose, Referral
from pledges.actions import examination, filing, joining
from pledges.models import Document, Registration, Scope
from portal.demo.filings import BLANK
from portal.foundation.accounts.models import Membership, Organisation, Role
from portal.foundation.core import moments
from portal.foundation.core.actor import Actor
from portal.foundation.core.moments import local_date
from portal.foundation.journal.models import Entry
from portal.proof.cast import People
from portal.proof.stage import Stage

BANKS = 5
CONTACT = {"contact_name": "联系人示例", "contact_phone": "13800000000", "next_step": "明天上午上门尽调（示例）"}
Post = Callable[[], int | None]


@dataclass(slots=True)
class Scene:
    """`act` does it (HTTP status, None without an answer), `facts` counts how often it happened.

    `afterwards` is what a person does next, until it answers True; `refused` are statuses of a repeat that came too late.
    """

    act: Post
    facts: Callable[[], int]
    afterwards: Callable[[], bool] = lambda: True
    refused: frozenset[int] = frozenset({400, 404, 409})
    name: str = ""


@dataclass
class Chair:
    """One person: the session of the browser and the actor of a verb called in this process."""

    user: int
    session: str
    organisation: int

    @property
    def actor(self) -> Actor:
        return Membership.objects.select_related("user", "organisation").get(user_id=self.user).actor


@dataclass
class World:
    """Who is there; firms, patents and banks are made as scenes need them."""

    stage: Stage
    ladder: Sequence[float]  # seconds after its start at which a clock's levels fall due
    people: People = field(init=False)
    serial: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))
    banks: list[dict[str, Any]] = field(init=False)
    clerk: Chair = field(init=False)
    regulator: Chair = field(init=False)

    def __post_init__(self) -> None:
        self.people = People(moments.now())
        self.people.others()
        self.banks = [self.bank() for _ in range(BANKS)]
        office = Organisation.objects.get(pk=self.people.office["organisation"])
        self.clerk = Chair(*self.people.person("clerk2", Role.CLERK, office), office.pk)
        group = Membership.objects.select_related("organisation").get(user__username="regulator").organisation
        self.regulator = Chair(*self.people.person("regulator2", Role.REGULATOR, group), group.pk)

    def bank(self) -> dict[str, Any]:
        return self.people.bank(next(self.serial))

    def officer(self, bank: dict[str, Any]) -> Chair:
        user, session = bank["officers"][0]
        return Chair(user, session, bank["organisation"])

    def firm(self) -> tuple[Chair, int]:
        """An enterprise of its own with one patent: a patent can be pledged once only."""
        made = self.people.enterprise(next(self.serial), patents=1)
        return Chair(made["user"], made["session"], made["organisation"]), made["patents"][0]

    # --- what leads up to a verb ------------------------------------------------------------------------------------

    def draft(self, firm: Chair, patent: int, *banks: dict[str, Any]) -> Draft:
        """A draft with every answer, as the wizard leaves it."""
        now = moments.now()
        return Draft.objects.create(
            organisation_id=firm.organisation,
            token=uuid.uuid4(),
            data={
                "company": {"patents": [str(patent)]},
                "need": {"amount": "800", "term_months": "24", "term_other": "", "purpose": Purpose.WORKING_CAPITAL.value,
                         "purpose_note": "采购原料（示例）"},
                "reach": {"reach": "choose", "products": [str(b["product"]) for b in banks],
                          "consents": [str(b["organisation"]) for b in banks], "consent_open": "",
                          "contact_name": "联系人示例", "contact_phone": "13800000000"},
            },
            version=4,
            updated_by_id=firm.user,
            updated_at=now,
            created_at=now,
        )  # fmt: skip

    def case(self, firm: Chair, patent: int, *banks: dict[str, Any], open_call: bool = False) -> Application:
        """A request that was submitted just now."""
        wish = submitting.Wish(
            amount=Decimal(8_000_000),
            term_months=24,
            purpose=Purpose.WORKING_CAPITAL,
            contact_name="联系人示例",
            contact_phone="13800000000",
            patent_ids=[patent],
            product_ids=[b["product"] for b in banks],
            open_call=open_call,
        )
        draft = self.draft(firm, patent, *banks)
        return submitting.submit(draft.pk, wish, actor=firm.actor, now=moments.now())

    def offered(self, case: Application, bank: dict[str, Any]) -> Offer:
        now = moments.now()
        terms = responses.Terms(
            amount=case.amount,
            term_months=case.term_months,
            valid_until=local_date(now) + timedelta(days=15),
            annual_rate=Decimal("3.45"),
            repayment=REPAYMENTS[0],
        )
        return responses.offer(referral_of(case, bank).pk, terms, actor=self.officer(bank).actor, now=now)

    def filed(self, *, confirmed: bool = True) -> tuple[Registration, Chair, Chair]:
        """A pledge file of an accepted offer, proposed by the bank and (with `confirmed`) at the office; firm and officer."""
        firm, patent = self.firm()
        bank = self.banks[0]
        officer = self.officer(bank)
        case = self.case(firm, patent, bank)
        choices.accept(self.offered(case, bank).pk, actor=firm.actor, now=moments.now())
        file = filing.start(case.pk, actor=officer.actor, now=moments.now())
        values = {name: getattr(file, name) for name in filing.CONTENT_FIELDS} | {
            "contract_number": "示例质字第 2026-001 号",
            "contract_signed_on": local_date(moments.now()),
            "scope": Scope.ALL,
            "valued_at": Decimal(20_000_000),
            "identity_promise": True,
            "patent_ids": [patent],
        }
        filing.save(
            file.pk,
            typed={},
            content=filing.Content(**values),
            uploads=[filing.Upload(Document.Kind.CONTRACT, ContentFile(BLANK, name="合同（示例）.pdf"), "contract")],
            version=file.version,
            actor=officer.actor,
            now=moments.now(),
        )
        joining.propose(file.pk, actor=officer.actor, now=moments.now())
        file.refresh_from_db()
        if confirmed:
            file = joining.confirm(file.pk, version=file.version, actor=firm.actor, now=moments.now())
        return file, firm, officer

    def examined(self) -> tuple[Registration, Chair, Chair]:
        """A file the clerk has read to the end."""
        file, firm, officer = self.filed()
        examination.accept(file.pk, actor=self.clerk.actor, now=moments.now())
        lines = [f"{c.ground}:{c.point}" for c in file.checks.all()]
        examination.tick(file.pk, ticked=lines, shown=lines, actor=self.clerk.actor, now=moments.now())
        return Registration.objects.get(pk=file.pk), firm, officer

    def send(self, chair: Chair, path: str, papers: Any = None, **fields: Any) -> Post:
        """A form this person sends, the same again at each call; `papers` maps a field to the name and bytes of its file."""
        return lambda: self.stage.post(path, fields, session=chair.session, papers=papers)


def told(verb: str, subject: str) -> Callable[[], int]:
    """How often the journal tells this of this subject."""
    return lambda: Entry.objects.filter(verb=verb, subject=subject).count()


def referral_of(case: Application, bank: dict[str, Any]) -> Referral:
    return case.referrals.get(institution_id=bank["organisation"])
