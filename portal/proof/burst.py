"""Thousands of clocks due at one moment: `python -m portal.proof.inside burst PLAN RESULT CLOCKS`.

Written by the portal's own verb: the dispatcher's desk hands a request to a hundred institutions, each with its own clock.
All of them are given the same `now`, a little ahead of time, so that they fall due together when all are written.
"""

import json
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from django.conf import settings

from applications.actions import drafts, responses
from applications.actions import submit as submitting
from applications.models import Application, Purpose, Referral
from banks.models import Institution
from portal.foundation.accounts.models import Membership, Organisation, OrganisationKind, Role
from portal.foundation.core import moments
from portal.foundation.core.actor import Actor

AT_ONCE = 100  # institutions that get one request
TRIAL = 2  # requests that are dispatched to see how long one takes
BEYOND = Decimal(90_000_000)  # yuan: more than any product lends, so that the desk owns the request
SURPLUS = 5.0  # seconds


def main(arguments: Sequence[str]) -> None:
    """Writes {"due": Unix time} to RESULT when CLOCKS clocks are waiting for it."""
    plan, result = json.loads(Path(arguments[0]).read_text()), Path(arguments[1])
    requests = int(arguments[2]) // AT_ONCE
    desk = Membership.objects.select_related("user", "organisation").get(organisation_id=plan["office"]["desk"]).actor
    institutions = _institutions()
    cases = [_ask() for _ in range(TRIAL + requests)]
    began = time.monotonic()
    for case in cases[:TRIAL]:
        _dispatch(case, institutions, desk, now=moments.now())
    each = (time.monotonic() - began) / TRIAL
    overdue: float = settings.PROOF_LADDER[1]  # type: ignore[misc]  # only in the proof's settings
    lead = each * requests * 1.7 + SURPLUS - overdue
    at = moments.now() + timedelta(seconds=max(lead, 0))
    for case in cases[TRIAL:]:
        _dispatch(case, institutions, desk, now=at)
    due = at + timedelta(seconds=overdue)
    late = (datetime.now(UTC) - due).total_seconds()  # noqa: TID251 - is it still ahead of us?
    result.write_text(json.dumps({"due": due.timestamp(), "requests": requests, "late": late}))
    if late > 0:
        raise SystemExit(f"writing took {late:.1f} s longer than was allowed for")


def _institutions() -> list[int]:
    """Institutions without people and products: nobody is to be written to ten thousand times."""
    made = [
        Organisation.objects.create(kind=OrganisationKind.BANK, name=f"示例成批银行{n}", district_id="500157")
        for n in range(1, AT_ONCE + 1)
    ]
    Institution.objects.bulk_create(Institution(organisation=one, example=True, takes_open_calls=False) for one in made)
    return [one.pk for one in made]


def _ask() -> Application:
    """An open call that nobody matches."""
    owner = Membership.objects.select_related("user", "organisation").filter(role=Role.ENTERPRISE).earliest("pk")
    patents = list(owner.organisation.patents.values_list("pk", flat=True)[:1])
    draft = drafts.start(actor=owner.actor, now=moments.now())
    wish = submitting.Wish(
        amount=BEYOND, term_months=24, purpose=Purpose.WORKING_CAPITAL, contact_name="联系人示例",
        contact_phone="13800000000", patent_ids=patents, open_call=True,
    )  # fmt: skip
    return submitting.submit(draft.pk, wish, actor=owner.actor, now=moments.now())


def _dispatch(case: Application, institutions: Sequence[int], desk: Actor, *, now: datetime) -> None:
    referral = Referral.objects.get(application=case, institution_id=desk.organisation_id)
    responses.dispatch(referral.pk, institution_ids=institutions, actor=desk, now=now)
