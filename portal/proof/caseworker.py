"""The way to a registration, for the few per cent of cases that go all of it: `python -m portal.proof.inside worker PLAN HISTORY`.

Officer, enterprise and clerk call the portal's actions here, one verb at a time. Each round looks where a case stands and does
the next verb, so a verb whose answer was lost in a crash is not done twice by us, and nothing that was done is done again.
A file ends registered (at once or after a correction), or is left waiting for the clerk, or paused in its correction.
"""

import json
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.core.files.base import ContentFile
from django.db import Error, connection

from applications.actions import choices, responses
from applications.models import Application, Offer, Referral
from pledges.actions import corrections, examination, filing, joining
from pledges.models import Document, Registration, Scope, Valuation
from portal.demo.filings import BLANK
from portal.foundation.accounts.models import Membership, Role
from portal.foundation.core import moments
from portal.foundation.core.actor import Actor
from portal.foundation.core.errors import DomainError
from portal.foundation.core.moments import local_date
from portal.proof.history import History

PAUSE = 0.4  # seconds between two rounds
GIVE_UP = 3600.0  # seconds after which the cases that have not ended are left; the harness gives up earlier
SMALLEST = 3  # verbs of a round: it must not be a load of its own


class Worker:
    def __init__(self, plan: dict[str, Any], history: History) -> None:
        self.history = history
        self.open = {case["token"]: case for case in plan["cases"] if case["act"] == "pledge"}
        self.officers = {int(bank): officers[0][0] for bank, officers in plan["officers"].items()}
        self.clerk: int = plan["office"]["clerk"]

    def run(self) -> bool:
        """Until every case has come as far as it is to come; False when some have not."""
        end = time.monotonic() + GIVE_UP
        while self.open and time.monotonic() < end:
            done = 0
            for token, case in list(self.open.items()):
                try:
                    application = Application.objects.filter(token=token).first()
                    step = self.next_step(case, application) if application is not None else None
                    if step is None:
                        if application is not None:
                            del self.open[token]
                        continue
                    step()
                    done += 1
                except (Error, OSError, DomainError) as error:
                    print(f"case {case['n']}: {type(error).__name__}: {error}", flush=True)
                    connection.close()
                    time.sleep(0.5)
                if done >= SMALLEST:
                    break
            time.sleep(PAUSE)
        return not self.open

    def next_step(self, case: dict[str, Any], application: Application) -> Callable[[], None] | None:
        """What is to be done with this case now; None at its end."""
        bank = case["banks"][0]
        officer, owner = self.actor(self.officers[bank], bank), self.actor(None, application.organisation_id)
        now = moments.now()
        if application.state == Application.State.OPEN:
            referral = application.referrals.get(institution_id=bank)
            if referral.state == Referral.State.WAITING:
                return lambda: self.claim(application, referral, officer)
            offer = Offer.objects.filter(referral=referral, state=Offer.State.OPEN).first()
            if offer is None:
                return lambda: self.offer(application, referral, officer)
            return lambda: self.note("chosen", application, choices.accept(offer.pk, actor=owner, now=now))
        file = Registration.objects.filter(application=application).order_by("-pk").first()
        if file is None:
            return lambda: self.file(application, owner)
        clerk, state = self.actor(self.clerk, file.office_id), Registration.State(file.state)
        how = case["file"]
        if state == Registration.State.DRAFT and not file.contract_number:
            return lambda: self.fill(file, owner)
        if state == Registration.State.DRAFT:
            return lambda: self.note("proposed", application, joining.propose(file.pk, actor=owner, now=now))
        if state == Registration.State.CONFIRMING:
            return lambda: self.note(
                "confirmed", application, joining.confirm(file.pk, version=file.version, actor=officer, now=now)
            )
        if how == "silent" or state not in (Registration.State.SUBMITTED, Registration.State.EXAMINING, Registration.State.CORRECTING):  # fmt: skip
            return None
        if state == Registration.State.SUBMITTED:
            return lambda: self.note("accepted", application, examination.accept(file.pk, actor=clerk, now=now))
        if state == Registration.State.CORRECTING:
            return None if how == "paused" else lambda: self.correct(application, file, owner)
        if how in ("corrected", "paused", "resumed") and not file.correction_rounds:
            return lambda: self.ask(application, file, clerk)
        if how == "resumed":
            return None
        return lambda: self.register(application, file, clerk)

    # --- verbs ------------------------------------------------------------------------------------------------------

    def claim(self, application: Application, referral: Referral, officer: Actor) -> None:
        responses.claim(
            referral.pk, contact_name="经办示例", contact_phone="13800000000", next_step="尽职调查（示例）", actor=officer,
            now=moments.now(),
        )  # fmt: skip
        self.tell("claimed", application, referral, officer)

    def offer(self, application: Application, referral: Referral, officer: Actor) -> None:
        now = moments.now()
        terms = responses.Terms(
            amount=application.amount,
            term_months=24,
            valid_until=local_date(now) + timedelta(days=30),
            annual_rate=Decimal("3.45"),
            repayment="等额本息",
        )
        responses.offer(referral.pk, terms, actor=officer, now=now)
        self.tell("offered", application, referral, officer)

    def file(self, application: Application, owner: Actor) -> None:
        self.note("filed", application, filing.start(application.pk, actor=owner, now=moments.now()))

    def fill(self, file: Registration, owner: Actor) -> None:
        now = moments.now()
        content = filing.Content(
            debtor_name=file.debtor_name,
            contract_number=f"ZM-{file.pk}",
            contract_signed_on=local_date(now),
            debt_kind=file.debt_kind,
            debt_amount=file.debt_amount,
            debt_from=file.debt_from,
            debt_to=file.debt_to,
            scope=Scope.ALL,
            valuation=Valuation.NEGOTIATED,
            valued_at=(file.debt_amount * 2).quantize(Decimal("0.01")),
            identity_promise=True,
            twin_declared=False,
            invalidation_declared=False,
            co_owner_agreement=False,
            patent_ids=list(file.patents.values_list("patent_id", flat=True)),
        )
        paper = filing.Upload(Document.Kind.CONTRACT, ContentFile(BLANK, name="专利权质押合同（示例）.pdf"), "contract")
        filing.save(file.pk, typed={}, content=content, uploads=[paper], version=file.version, actor=owner, now=now)

    def ask(self, application: Application, file: Registration, clerk: Actor) -> None:
        defects = [examination.Defect("other", "请补充说明（示例）")]
        examination.ask_correction(file.pk, defects, actor=clerk, now=moments.now())
        self.note("corrected", application, file)

    def correct(self, application: Application, file: Registration, owner: Actor) -> None:
        waiting = file.corrections.filter(round=file.correction_rounds, answered_at=None).order_by("pk").first()
        if waiting is None:
            return
        corrections.answer(waiting.pk, text="已补充（示例）", actor=owner, now=moments.now())
        self.note("completed", application, file)

    def register(self, application: Application, file: Registration, clerk: Actor) -> None:
        lines = [f"{check.ground}:{check.point}" for check in file.checks.all()]
        examination.tick(file.pk, ticked=lines, shown=lines, actor=clerk, now=moments.now())
        examination.register(file.pk, actor=clerk, now=moments.now())  # and prints the notice
        self.note("registered", application, file)

    # --- history ----------------------------------------------------------------------------------------------------

    def note(self, what: str, application: Application, file: object) -> None:
        """Note a step of a file; a step on the way there has no name in the history."""
        if isinstance(file, Registration):
            self.history.note(what, number=application.number, registration=file.pk)

    def tell(self, what: str, application: Application, referral: Referral, officer: Actor) -> None:
        self.history.note(
            what, number=application.number, referral=str(referral.ref), institution=referral.institution_id,
            user=officer.user_id, sure=True,
        )  # fmt: skip

    @staticmethod
    def actor(user: int | None, organisation: int) -> Actor:
        """A person's seat at an organisation; without `user` the enterprise's own."""
        seats = Membership.objects.select_related("user", "organisation").filter(organisation_id=organisation)
        return seats.filter(user_id=user).get().actor if user else seats.get(role=Role.ENTERPRISE).actor


def main(arguments: Sequence[str]) -> None:
    """`PLAN HISTORY`; exit code 1 when a case did not come to its end."""
    plan, history = (Path(path) for path in arguments)
    if not Worker(json.loads(plan.read_text()), History(history)).run():
        raise SystemExit(1)
