"""Clocks in every state a report can meet: made by hand one by one, or many at random from a seed."""

import random
import uuid
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from applications.cover_models import Cover
from applications.models import Application, DeclineReason, NextLender, NextRound, Offer, Referral
from banks.models import Institution
from pledges.models import Ground, Matter, Registration
from portal.foundation.accounts.models import Organisation, OrganisationKind
from portal.foundation.core.moments import SHANGHAI
from portal.foundation.sla import calendars_in_use, clocks
from portal.foundation.sla.models import Clock, Kind, Policy
from tests import factories
from tests.factories import Person

DISTRICTS = ("500157", "500105", "500112", "500106", "500229", "X50001", "500103", "")


def at(text: str) -> datetime:
    """A moment on a Chongqing clock, e.g. at("2026-11-18 10:00")."""
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


@dataclass
class Seed:
    """Who the cases belong to."""

    ling: Person
    serial: int = 0

    def request(self, *, district: str = "500157", submitted: datetime) -> Application:
        self.serial += 1
        return Application.objects.create(
            number=f"YZD{submitted:%Y%m%d}{self.serial:04d}A",
            token=uuid.uuid4(),
            organisation=self.ling.organisation,
            organisation_name=self.ling.organisation.name,
            district_code=district,
            amount=Decimal(8_000_000),
            term_months=24,
            purpose="working_capital",
            contact_name="林示例",
            contact_phone="13800000000",
            submitted_by=self.ling.user,
            submitted_at=submitted,
        )

    def clock(
        self, kind: Kind, to: Organisation, case: str, subject: str, *, started: datetime, **facts: object
    ) -> Clock:
        """A clock as the portal starts it, then moved to what the story says happened."""
        clock = clocks.prepare(kind, organisation_id=to.pk, case_number=case, subject=subject, watchers=[], now=started)
        for name, value in facts.items():
            setattr(clock, name, value)
        if clock.stopped_at is not None:
            calendar = calendars_in_use.current()
            clock.next_at = None
            end = clock.paused_at or clock.stopped_at
            clock.working_minutes = calendar.working_minutes(clock.started_at, end)
        if clock.paused_at is not None:
            clock.next_at = None
        clock.save(force_insert=True)
        return clock

    def referral(
        self,
        to: Organisation,
        *,
        started: datetime,
        stopped: datetime | None = None,
        district: str = "500157",
        state: str = "",
        reason: str = "claimed",
        decline: str = "",
        excused: bool = False,
    ) -> Referral:
        """One request to one institution; answered at `stopped` if that is given."""
        case = self.request(district=district, submitted=started)
        clock = self.clock(
            Kind.RESPONSE,
            to,
            case.number,
            f"referral:{case.number}:{to.pk}",
            started=started,
            stopped_at=stopped,
            stop_reason=reason if stopped else "",
            excused=excused,
        )
        usual = "claimed" if stopped else "waiting"
        return Referral.objects.create(
            application=case,
            institution=to.institution,
            origin=Referral.Origin.CHOSEN,
            state=state or ("declined" if decline else usual),
            decline_code=decline,
            clock=clock,
            contact_name="薄示例",
            contact_phone="023-00000000",
            next_step="上门尽调",
            created_at=started,
            responded_at=stopped,
        )

    def next_round(
        self,
        to: Organisation,
        *,
        started: datetime,
        stopped: datetime | None = None,
        cause: str = "silent",
        outcome: str = "",
        taken: bool = False,
        excused: bool = False,
    ) -> NextRound:
        """A request whose next lenders this desk owes since `started`; answered at `stopped` if that is given."""
        case = self.request(district="500157", submitted=started)
        clock = self.clock(
            Kind.NEXT_LENDERS,
            to,
            case.number,
            f"next_round:{case.number}:1",
            started=started,
            stopped_at=stopped,
            stop_reason=outcome or "offered" if stopped else "",
            excused=excused,
        )
        state = "closed" if outcome else "offered" if stopped else "owed"
        made = NextRound.objects.create(
            application=case, position=1, state=state, cause=cause, clock=clock, owed_at=started, offered_at=stopped,
            outcome=outcome,
        )  # fmt: skip
        NextLender.objects.create(round=made, institution=to.institution, taken_at=stopped if taken else None)
        return made

    def cover(
        self, to: Organisation, bank: Organisation, *, started: datetime, stopped: datetime | None, decline: str = ""
    ) -> Cover:
        """A guarantee asked of `to` for the bank's loan; answered at `stopped` if that is given."""
        case = self.request(district="500157", submitted=started)
        referral = Referral.objects.create(
            application=case, institution_id=bank.pk, origin="pool", state="claimed", contact_name="薄示例",
            contact_phone="023-00000000", next_step="尽调", created_at=started, responded_at=started,
        )  # fmt: skip
        reason = ("declined" if decline else "intent") if stopped else ""
        clock = self.clock(
            Kind.COVER, to, case.number, f"cover:{case.number}", started=started, stopped_at=stopped, stop_reason=reason,
            excused=False,
        )  # fmt: skip
        return Cover.objects.create(
            application=case, referral=referral, institution_id=to.pk, clock=clock, amount=Decimal(1_000_000),
            state="declined" if decline else "intent" if stopped else "waiting", asked_by="林示例", asked_at=started,
            consented_at=started, responded_at=stopped, decline_code=decline, closed_at=stopped if decline else None,
            contact_name="顾示例", contact_phone="023-00000000", next_step="核对资料",
        )  # fmt: skip

    def registration(
        self,
        office: Organisation,
        bank: Organisation,
        *,
        started: datetime,
        stopped: datetime | None = None,
        paused: datetime | None = None,
        district: str = "500157",
        state: str = "",
        ground: str = "",
        rounds: int = 0,
        excused: bool = False,
        amount: Decimal = Decimal(5_000_000),
    ) -> Registration:
        """One file at the office, decided at `stopped` if that is given."""
        case = self.request(district=district, submitted=started - timedelta(days=3))
        referral = Referral.objects.create(
            application=case,
            institution=bank.institution,
            origin=Referral.Origin.POOL,
            state="accepted",
            created_at=started,
        )
        offer = Offer.objects.create(
            referral=referral,
            amount=amount,
            term_months=12,
            annual_rate=Decimal("3.45"),
            valid_until=date(2099, 1, 1),
            made_by="薄示例",
            made_at=started,
            state="accepted",
        )
        number = f"ZYDJ{started:%Y%m%d}{self.serial:04d}B"
        clock = self.clock(
            Kind.REGISTRATION,
            office,
            case.number,
            f"registration:{number}",
            started=started,
            stopped_at=stopped,
            paused_at=paused,
            excused=excused,
        )
        decided = "refused" if ground else "registered"
        return Registration.objects.create(
            number=number,
            application=case,
            offer=offer,
            pledgor=self.ling.organisation,
            pledgee=bank,
            office=office,
            started_by_org=bank,
            state=state or (decided if stopped else "correcting" if paused else "examining"),
            debtor_name="示例",
            debt_amount=amount,
            created_at=started,
            submitted_at=started,
            decided_at=stopped,
            refusal_ground=ground,
            correction_rounds=rounds,
            clock=clock,
        )

    def matter(
        self,
        file: Registration,
        kind: str,
        *,
        started: datetime,
        stopped: datetime | None = None,
        ground: str = "",
        paused: datetime | None = None,
        rounds: int = 0,
    ) -> Matter:
        """A change, cancellation or release of a registered file, handed in at `started`."""
        self.serial += 1
        number = f"ZYSX{started:%Y%m%d}{self.serial:04d}B"
        clock = self.clock(
            Kind.AMENDMENT, file.office, file.application.number, f"matter:{number}", started=started, stopped_at=stopped,
            paused_at=paused, excused=False,
        )  # fmt: skip
        state = "refused" if ground else "approved" if stopped else "correcting" if paused else "examining"
        return Matter.objects.create(
            number=number, registration=file, kind=kind, state=state, started_by_org=file.pledgee,
            end_ground="performed" if kind == "cancellation" else "", created_at=started, proposed_by="薄示例",
            proposed_at=started, submitted_at=started, decided_at=stopped, refusal_ground=ground,
            refusal_note="示例" if ground else "", correction_rounds=rounds, clock=clock,
        )  # fmt: skip


def banks(count: int) -> list[Organisation]:
    return [factories.organisation(OrganisationKind.BANK, f"示例第{i}银行") for i in range(1, count + 1)]


def desk() -> Organisation:
    """The dispatcher's desk, which owns what nobody matches."""
    made = factories.organisation(OrganisationKind.BANK, "示例调度台")
    Institution.objects.filter(pk=made.pk).update(dispatcher=True)
    made.refresh_from_db()
    return made


def scatter(
    seed: Seed, institutions: list[Organisation], office: Organisation, *, number: int, now: datetime, key: int
) -> None:
    """`number` response clocks and a third as many registrations over the last five months, from the seed `key`."""
    dice = random.Random(key)
    policy = {kind: Policy.objects.in_force(kind, at=now) for kind in Kind}
    assert policy[Kind.RESPONSE].days == 2
    codes = list(DeclineReason.values)
    for _ in range(number):
        started = now - timedelta(minutes=dice.randrange(60, 150 * 24 * 60))
        to, district = dice.choice(institutions), dice.choice(DISTRICTS)
        due = calendars_in_use.current().deadline(started, days=2).due_at
        fate = dice.random()
        stopped: datetime | None = started + timedelta(minutes=dice.randrange(5, 3 * 24 * 60))
        if fate < 0.05:
            stopped = due  # midnight itself
        elif fate < 0.15 or (stopped is not None and stopped > now):
            stopped = None
        excused = stopped is not None and stopped < due and dice.random() < 0.1
        decline = dice.choice(codes) if stopped and not excused and dice.random() < 0.25 else ""
        seed.referral(
            to,
            started=started,
            stopped=stopped,
            district=district,
            excused=excused,
            decline=decline,
            state="withdrawn" if excused else "",
            reason="withdrawn" if excused else "declined" if decline else dice.choice(["claimed", "asked", "offered"]),
        )
    for _ in range(number // 4):
        started = now - timedelta(minutes=dice.randrange(60, 150 * 24 * 60))
        stopped = started + timedelta(minutes=dice.choice([1, 1, 1, 1440, 4000]))
        if stopped > now or dice.random() < 0.1:
            stopped = None
        outcome = dice.choice(["", "", "none_left", "ended"]) if stopped else ""
        seed.next_round(
            next(i for i in institutions if i.institution.dispatcher), started=started, stopped=stopped,
            cause=dice.choice(["silent", "declined"]), outcome=outcome, taken=not outcome and dice.random() < 0.5,
            excused=outcome == "ended" and stopped is not None and stopped < started + timedelta(hours=1),
        )  # fmt: skip
    for _ in range(number // 3):
        started = now - timedelta(minutes=dice.randrange(60, 150 * 24 * 60))
        bank, district = dice.choice([i for i in institutions if not i.institution.dispatcher]), dice.choice(DISTRICTS)
        stopped = started + timedelta(minutes=dice.randrange(30, 3 * 24 * 60))
        fate = dice.random()
        paused = started + timedelta(hours=2) if fate < 0.08 else None
        if paused or fate < 0.15 or stopped > now:
            stopped = None
        ground = dice.choice(list(Ground.values)) if stopped and dice.random() < 0.15 else ""
        seed.registration(
            office,
            bank,
            started=started,
            stopped=stopped,
            paused=paused,
            district=district,
            ground=ground,
            rounds=dice.choice([0, 0, 0, 1, 2]),
            amount=Decimal(dice.choice([3_000_000, 10_000_000, 26_005_000])),
        )
    lenders = [i for i in institutions if not i.institution.dispatcher]
    for _ in range(number // 6):
        started = now - timedelta(minutes=dice.randrange(60, 150 * 24 * 60))
        stopped = started + timedelta(minutes=dice.randrange(30, 4 * 24 * 60))
        if stopped > now or dice.random() < 0.1:
            stopped = None
        decline = dice.choice(codes) if stopped and dice.random() < 0.3 else ""
        seed.cover(dice.choice(lenders), dice.choice(lenders), started=started, stopped=stopped, decline=decline)
    for file in Registration.objects.filter(state="registered").order_by("pk")[: number // 6]:
        started = now - timedelta(minutes=dice.randrange(60, 150 * 24 * 60))
        stopped = started + timedelta(minutes=dice.randrange(30, 3 * 24 * 60))
        fate = dice.random()
        paused = started + timedelta(hours=2) if fate < 0.1 else None
        if paused or fate < 0.2 or stopped > now:
            stopped = None
        seed.matter(
            file, dice.choice(["change", "cancellation", "release"]), started=started, stopped=stopped, paused=paused,
            ground=dice.choice(["R06", "R12"]) if stopped and dice.random() < 0.2 else "", rounds=dice.choice([0, 0, 1]),
        )  # fmt: skip
