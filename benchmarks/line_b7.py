"""B7: fifty officers, a thousand requests, round after round: nobody claims twice, nothing is lost, and how fast.

Claiming one: every request is tried by two officers at nearly the same moment, as colleagues looking at the same list do;
the winner's request, its clock and its journal entry must be there once. The peer takes the locks one by one, asks the rules and
calls the transition (the portal's own action before it became one statement). Next for me: everybody asks until nothing is
left. Each officer is a thread with a database connection of its own; the interpreter's share of the time is the same for all.
"""

import json
import os
import random
import statistics
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from threading import Barrier, Thread
from typing import Any

from django.db import connection, transaction

from applications import rules
from applications.actions import claiming
from applications.models import Application, Referral
from banks.models import Institution
from portal.foundation.accounts.models import Membership, Organisation, OrganisationKind, Role, User
from portal.foundation.core import moments
from portal.foundation.core.actor import Actor
from portal.foundation.core.errors import DomainError
from portal.foundation.journal.models import Entry
from portal.foundation.journal.record import record
from portal.foundation.sla import clocks
from portal.foundation.sla.models import Kind, Policy

OFFICERS, REQUESTS, ROUNDS = 50, 1_000, 20
TRIES = 2  # officers who go for the same request
CONTACT = {"contact_name": "薄示例", "contact_phone": "023-67961234", "next_step": "明天上午上门尽调"}
BANK = "示例抢单银行"


@transaction.atomic(durable=True)
def claim_step_by_step(
    referral_id: int, *, contact_name: str, contact_phone: str, next_step: str, actor: Actor, now: datetime
) -> Referral:
    """The plain variant: select_for_update in the house's order, rules, transition, named save, clock, journal."""
    application_id = Referral.objects.values_list("application_id", flat=True).get(pk=referral_id)
    application = Application.objects.select_for_update(of=("self",)).get(pk=application_id)
    referral = (
        Referral.objects.select_for_update(of=("self",)).select_related("institution__organisation").get(pk=referral_id)
    )
    referral.application = application
    rules.can_claim(actor, referral).require()
    claiming.require_contact(contact_name=contact_name, contact_phone=contact_phone, next_step=next_step)
    referral.claim(
        officer_id=actor.user_id,
        contact_name=contact_name.strip(),
        contact_phone=contact_phone.strip(),
        next_step=next_step.strip(),
        now=now,
    )
    referral.save(update_fields=["state", "officer", "contact_name", "contact_phone", "next_step", "responded_at"])
    if referral.clock_id is not None:
        clocks.stop(referral.clock_id, now=now, reason="claimed")
    record(
        "referral.claimed",
        actor=actor,
        now=now,
        subject=f"referral:{referral.pk}",
        case_number=referral.application.number,
        text=f"{referral.institution} 已接单：{referral.next_step}",
        data={"institution": referral.institution_id, "referral": str(referral.ref)},
        parties=[referral.application.organisation_id, referral.institution_id],
    )
    return referral


def officers() -> list[Actor]:
    """Fifty people of one bank; made once."""
    at, _ = Organisation.objects.get_or_create(
        name=BANK, defaults={"kind": OrganisationKind.BANK, "district_id": "500157"}
    )
    Institution.objects.get_or_create(organisation=at, defaults={"example": True})
    made = []
    for i in range(OFFICERS):
        user = User.objects.filter(username=f"race_bo_{i}").first() or User.objects.create_user(
            f"race_bo_{i}", name=f"薄示例{i}"
        )
        seat, _ = Membership.objects.get_or_create(user=user, organisation=at, defaults={"role": Role.OFFICER})
        made.append(Membership.objects.select_related("user", "organisation").get(pk=seat.pk).actor)
    return made


_MAKE = """
WITH cases AS (
    INSERT INTO applications_application (number, token, organisation_id, organisation_name, district_code, industry_letter,
           state, amount, term_months, purpose, purpose_note, open_call, contact_name, contact_phone, submitted_by_id,
           submitted_at, close_reason)
    SELECT 'RACE' || i, gen_random_uuid(), %(firm)s, '重庆示例抢单有限公司', '500157', 'C', 'open', 8000000, 24, 'research', '',
           false, '林示例', '13800000000', %(person)s, %(now)s, ''
      FROM generate_series(1, %(requests)s) i
    RETURNING id, number
), clocks AS (
    INSERT INTO sla_clock (kind, policy_id, organisation_id, case_number, subject, watchers, days, started_at, due_at, provisional,
                           stop_reason, excused, levels, moments, level, next_at)
    SELECT 'response', %(policy)s, %(bank)s, number, 'race:' || number, ARRAY[%(bank)s::bigint, %(firm)s], 2, %(now)s,
           %(now)s + make_interval(days => 2, mins => (hashtext(number) & 1023)), false, '', false, ARRAY['overdue'],
           ARRAY[%(now)s + interval '2 days'], 0, %(now)s + interval '2 days'
      FROM cases
    RETURNING id, case_number
)
INSERT INTO applications_referral (ref, application_id, institution_id, origin, state, clock_id, score, contact_name,
       contact_phone, next_step, decline_code, decline_note, created_at)
SELECT gen_random_uuid(), cases.id, %(bank)s, 'chosen', 'waiting', clocks.id, 0, '', '', '', '', '', %(now)s
  FROM cases JOIN clocks ON clocks.case_number = cases.number
"""
# Back to the start, which no transition leads to: the guards of the states are passed by, as a superuser can.
_AGAIN = """
SET session_replication_role = replica;
UPDATE applications_referral SET state = 'waiting', officer_id = NULL, responded_at = NULL, contact_name = '',
       contact_phone = '', next_step = '' WHERE institution_id = %(bank)s;
UPDATE sla_clock SET stopped_at = NULL, stop_reason = '', working_minutes = NULL, next_at = moments[1]
 WHERE organisation_id = %(bank)s;
SET session_replication_role = DEFAULT;
TRUNCATE journal_outbox, journal_unsealed;
"""


def requests(bank: int, person: int) -> list[int]:
    """The thousand referrals, all waiting again; made once."""
    now = moments.now()
    ids = Referral.objects.filter(institution_id=bank).order_by("pk").values_list("pk", flat=True)
    if not ids.exists():
        firm, _ = Organisation.objects.get_or_create(
            name="重庆示例抢单有限公司", defaults={"kind": OrganisationKind.ENTERPRISE, "district_id": "500157"}
        )
        policy = Policy.objects.in_force(Kind.RESPONSE, at=now).pk
        given = {"bank": bank, "firm": firm.pk, "person": person, "policy": policy, "requests": REQUESTS, "now": now}
        with connection.cursor() as cursor:
            cursor.execute(_MAKE, given)
    with connection.cursor() as cursor:
        cursor.execute(_AGAIN, {"bank": bank})
        cursor.execute("VACUUM (ANALYZE) applications_referral, sla_clock")
    return list(ids.all())


def crowd(people: list[Actor], work: Callable[[Actor], int]) -> tuple[float, int]:
    """Everybody works at once on a connection that is already open: seconds, and how many successes they report."""
    ready, done = Barrier(len(people) + 1), [0] * len(people)

    def run(at: int) -> None:
        try:
            connection.ensure_connection()
            ready.wait()
            done[at] = work(people[at])
        finally:
            connection.close()

    threads = [Thread(target=run, args=(at,)) for at in range(len(people))]
    for thread in threads:
        thread.start()
    ready.wait()
    start = time.perf_counter()
    for thread in threads:
        thread.join()
    return time.perf_counter() - start, sum(done)


def claiming_with(verb: Callable[..., Referral], tries: Iterator[int]) -> Callable[[Actor], int]:
    """An officer who takes the next try off the pile until it is empty; returns how many of them were won."""

    def work(actor: Actor) -> int:
        won = 0
        for referral_id in tries:  # a plain iterator over a list is safe between threads
            try:
                verb(referral_id, **CONTACT, actor=actor, now=moments.now())
                won += 1
            except DomainError:
                continue
        return won

    return work


def asking(actor: Actor) -> int:
    """An officer who asks for the next one until there is none."""
    return sum(1 for _ in iter(lambda: claiming.next_for_me(actor=actor, now=moments.now()), None))


def faults(ids: list[int], reported: int, verb: str, since: int) -> tuple[int, int]:
    """Double: successes beyond one a request. Lost: requests nobody has, or whose clock or journal does not say so."""
    mine = Referral.objects.filter(pk__in=ids)
    told = Entry.objects.filter(pk__gt=since, verb=verb)
    if verb == "referral.claimed":
        kept = mine.filter(state=Referral.State.CLAIMED, clock__stop_reason="claimed", clock__stopped_at__isnull=False)
    else:
        kept = mine.filter(state=Referral.State.WAITING, officer__isnull=False, clock__stopped_at=None)
    subjects = told.values("subject").distinct().count()
    double = max(reported - len(ids), told.count() - subjects, 0)
    return double, max(len(ids) - kept.count(), len(ids) - subjects, len(ids) - reported, 0)


def measure(rounds: int = ROUNDS) -> dict[str, Any]:
    """Successes a second, medians over interleaved rounds; double and lost over all of them."""
    people = officers()
    bank = people[0].organisation_id
    dice = random.Random(7)
    verbs: dict[str, tuple[str, Callable[..., Any] | None]] = {
        "claim this": ("referral.claimed", claiming.claim_this),
        "select_for_update + FSM": ("referral.claimed", claim_step_by_step),
        "next for me": ("referral.assigned", None),
    }
    speeds: dict[str, list[float]] = {name: [] for name in verbs}
    double = lost = 0
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
    order = list(verbs)
    for _ in range(rounds):
        for name in order:
            entry, verb = verbs[name]
            ids = requests(bank, people[0].user_id)
            since = Entry.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
            shuffled = dice.sample(ids, len(ids))
            tries = iter([pk for pk in shuffled for _ in range(TRIES)])
            spent, won = crowd(people, asking if verb is None else claiming_with(verb, tries))
            twice, gone = faults(ids, won, entry, since)
            double, lost = double + twice, lost + gone
            speeds[name].append(len(ids) / spent)
        order.append(order.pop(0))
    median = {name: statistics.median(values) for name, values in speeds.items()}
    plain = median["select_for_update + FSM"]
    ratios = {
        "claim this to plain": median["claim this"] / plain,
        "next for me to plain": median["next for me"] / plain,
    }
    return {
        "line": "B7",
        "ours": round(median["claim this"], 1),
        "limit": round(median["next for me"], 1),
        "peers": {"select_for_update + FSM": round(plain, 1), "next for me": round(median["next for me"], 1)},
        "unit": "1/s",
        "rows": REQUESTS,
        "officers": OFFICERS,
        "rounds": rounds,
        "double": double,
        "lost": lost,
        "ratios": {name: round(value, 2) for name, value in ratios.items()},
        "goal": "0 double, 0 lost; «claim this» ≥ 1.2× select_for_update + FSM, «next for me» ≥ 3×",
        "met": double == 0
        and lost == 0
        and ratios["claim this to plain"] >= 1.2
        and ratios["next for me to plain"] >= 3,
    }


if __name__ == "__main__":
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "benchmarks.settings")
    django.setup()
    print(json.dumps(measure(), ensure_ascii=False))
