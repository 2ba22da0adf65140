"""Scenes of a request: what an enterprise and the institutions do with it."""

import uuid
from datetime import timedelta
from typing import Any

from django.db import transaction

from applications.actions import responses
from applications.forms_bank import REPAYMENTS
from applications.models import Application, Attachment, Draft, Referral
from banks.models import Institution
from portal.demo.filings import BLANK
from portal.foundation.core import moments
from portal.foundation.core.moments import local_date
from portal.foundation.journal.models import Entry
from portal.proof.scene import CONTACT, Chair, Scene, World, referral_of, told

# --- the enterprise -----------------------------------------------------------------------------------------------------


def submit(world: World) -> Scene:
    (firm, patent), banks = world.firm(), world.banks[:2]
    draft = world.draft(firm, patent, *banks)
    act = world.send(firm, f"/apply/{draft.pk}/submit/", token=str(draft.token), version=str(draft.version))

    def facts() -> int:
        cases = Application.objects.filter(token=draft.token)
        whole = [c for c in cases if c.referrals.exclude(clock=None).count() == len(banks) and c.patents.count() == 1]
        entries = sum(told("application.submitted", f"application:{c.pk}")() for c in cases)
        gone = not Draft.objects.filter(pk=draft.pk).exists()
        # Wholly there or not at all; anything between is no number of facts.
        return len(whole) if len(cases) == len(whole) == entries and gone == bool(cases) else -1

    return Scene(act, facts)


def save_draft(world: World) -> Scene:
    (firm, patent), note = world.firm(), uuid.uuid4().hex
    draft = world.draft(firm, patent, world.banks[0])
    typed = draft.data["need"] | {"purpose_note": note}
    act = world.send(firm, f"/apply/{draft.pk}/need/save/", version=str(draft.version), page="page", **typed)
    return Scene(act, lambda: Draft.objects.filter(pk=draft.pk, data__need__purpose_note=note).count())


def attach(world: World) -> Scene:
    firm, patent = world.firm()
    draft = world.draft(firm, patent, world.banks[0])
    paper = {"file": ("证明（示例）.pdf", BLANK)}
    kind = Attachment.Kind.values[0]
    act = world.send(firm, f"/apply/{draft.pk}/files/", paper, kind=kind)
    return Scene(act, lambda: Attachment.objects.filter(draft=draft).count())


def answer(world: World) -> Scene:
    (firm, patent), bank = world.firm(), world.banks[0]
    case = world.case(firm, patent, bank)
    referral = referral_of(case, bank)
    question = responses.ask(referral.pk, question="请补充年报", actor=world.officer(bank).actor, now=moments.now())
    paper = {"papers": ("年报（示例）.pdf", BLANK)}
    act = world.send(firm, f"/cases/{case.number}/questions/{question.pk}/", paper, answer="见附件")
    return Scene(act, told("referral.answered", f"referral:{referral.pk}"))


def accept(world: World) -> Scene:
    (firm, patent), (bank, rival) = world.firm(), world.banks[:2]
    case = world.case(firm, patent, bank, rival)
    offer, _ = world.offered(case, bank), world.offered(case, rival)
    act = world.send(firm, f"/cases/{case.number}/offers/{offer.pk}/accept/")
    return Scene(act, told("offer.accepted", f"offer:{offer.pk}"))


def withdraw(world: World) -> Scene:
    firm, patent = world.firm()
    case = world.case(firm, patent, *world.banks[:2])
    act = world.send(firm, f"/cases/{case.number}/withdraw/", reason="need", note="")
    return Scene(act, told("application.withdrawn", f"application:{case.pk}"))


# --- the institution ----------------------------------------------------------------------------------------------------


def _asked(world: World, bank: dict[str, Any]) -> tuple[Application, Referral, Chair]:
    firm, patent = world.firm()
    case = world.case(firm, patent, bank)
    return case, referral_of(case, bank), world.officer(bank)


def claim(world: World) -> Scene:
    _, referral, officer = _asked(world, world.banks[0])
    act = world.send(officer, f"/desk/referrals/{referral.ref}/claim/", **CONTACT)
    return Scene(act, told("referral.claimed", f"referral:{referral.pk}"))


def take(world: World) -> Scene:
    """At a bank of its own that hears of no open call: the next one for me must be this one."""
    with transaction.atomic():  # nobody's open call may find it meanwhile
        bank = world.bank()
        Institution.objects.filter(pk=bank["organisation"]).update(takes_open_calls=False)
    _, referral, officer = _asked(world, bank)
    return Scene(world.send(officer, "/desk/next/"), told("referral.assigned", f"referral:{referral.pk}"))


def pool(world: World) -> Scene:
    firm, patent = world.firm()
    case = world.case(firm, patent, open_call=True)
    addressed = set(case.referrals.values_list("institution_id", flat=True))
    bank = next(b for b in world.banks if b["organisation"] not in addressed)
    act = world.send(world.officer(bank), f"/desk/pool/{case.number}/", **CONTACT)

    def facts() -> int:
        claimed = Entry.objects.filter(verb="referral.claimed", case_number=case.number, data__pool=True).count()
        rows = Referral.objects.filter(application=case, institution_id=bank["organisation"]).count()
        return claimed if claimed == rows else -1

    return Scene(act, facts)


def ask(world: World) -> Scene:
    _, referral, officer = _asked(world, world.banks[0])
    act = world.send(officer, f"/desk/referrals/{referral.ref}/ask/", question="请补充近三年年报（示例）")
    return Scene(act, told("referral.asked", f"referral:{referral.pk}"))


def offer(world: World) -> Scene:
    _, referral, officer = _asked(world, world.banks[0])
    until = local_date(moments.now()) + timedelta(days=15)
    act = world.send(
        officer, f"/desk/referrals/{referral.ref}/offer/", amount="800", term_months="24", annual_rate="3.45",
        other_fees="", repayment=REPAYMENTS[0], conditions="", valid_until=f"{until:%Y-%m-%d}",
    )  # fmt: skip
    return Scene(act, told("referral.offered", f"referral:{referral.pk}"))


def decline(world: World) -> Scene:
    """The only institution declines, so all have."""
    case, referral, officer = _asked(world, world.banks[0])
    act = world.send(officer, f"/desk/referrals/{referral.ref}/decline/", code="other", note="示例", confirmed="on")

    def facts() -> int:
        declined = told("referral.declined", f"referral:{referral.pk}")()
        return declined if declined == told("application.all_declined", f"application:{case.pk}")() else -1

    return Scene(act, facts)
