"""B6: submit → claim → respond with clocks and journal: our three actions beside the same case as a viewflow process.

Called as functions, without HTTP, one commit a step on both sides (not waiting for the disk; the ratio with waiting beside). Two patents, one institution; the answer is an offer.
Ours checks who may do what in which state and consumes a draft; viewflow (benchmarks/flow.py) gets its facts handed over
and checks what it checks by itself.
"""

import uuid
from datetime import timedelta
from decimal import Decimal
from typing import Any

from viewflow.workflow.models import Task

from applications.actions import responses, submit
from applications.models import Application, Referral
from benchmarks import flow, line_b5, world
from benchmarks.rounds import Watch, medians
from portal.foundation.accounts.models import Membership, Organisation, User
from portal.foundation.core import moments
from portal.foundation.journal.models import Entry

ROUNDS = 200
VERBS = ["application.submitted", "referral.claimed", "referral.offered"]


def measure(rounds: int = ROUNDS) -> dict[str, Any]:
    """Seconds for the three steps of one case, medians of interleaved cases."""
    of = world.people()
    bank = of.banks[0]
    ling = Membership.objects.select_related("user", "organisation").get(user_id=of.ling_id).actor
    bo = Membership.objects.select_related("user", "organisation").get(user_id=bank.officer_id).actor
    users = User.objects.in_bulk([of.ling_id, bank.officer_id])
    enterprise = Organisation.objects.get(pk=of.enterprise_id)
    wish = submit.Wish(
        amount=Decimal(8_000_000),
        term_months=24,
        purpose="working_capital",
        contact_name="林示例",
        contact_phone="13800000000",
        patent_ids=of.patent_ids,
        product_ids=[bank.product_id],
    )

    def ours(draft_id: int) -> Watch:
        watch = Watch()
        with watch:
            case = submit.submit(draft_id, wish, actor=ling, now=moments.now())
        referral_id = case.referrals.get().pk  # the officer's desk has it already
        with watch:
            responses.claim(
                referral_id,
                contact_name="薄示例",
                contact_phone="023-00000000",
                next_step="明天上门尽调",
                actor=bo,
                now=moments.now(),
            )
        terms = responses.Terms(
            amount=Decimal(8_000_000),
            term_months=24,
            annual_rate=Decimal("3.45"),
            valid_until=(moments.now() + timedelta(days=30)).date(),
        )
        with watch:
            responses.offer(referral_id, terms, actor=bo, now=moments.now())
        ended["ours"] = referral_id
        return watch

    def viewflow(token: uuid.UUID) -> Watch:
        watch = Watch()
        with watch:
            process = flow.submit(
                token=token,
                by=users[of.ling_id],
                organisation=enterprise,
                patents=list(of.patent_ids),
                product=bank.product_id,
            )
        task = Task.objects.get(process=process, flow_task=flow.RequestFlow.respond)  # the inbox has it already
        with watch:
            flow.claim(task, by=users[bank.officer_id])
        with watch:
            ended["viewflow"] = flow.respond(task, by=users[bank.officer_id]).pk
        return watch

    ended: dict[str, int] = {}
    contenders = {
        "ours": (lambda: line_b5.draft(of), ours),
        "viewflow": (uuid.uuid4, viewflow),
    }
    for name, (prepare, play) in contenders.items():
        play(prepare())
        check(ended[name])
    with world.commits("off"):
        seconds = medians(contenders, rounds, warm=10)
    with world.commits("on"):
        durable = medians(contenders, rounds // 4, warm=5)
    mine = seconds.pop("ours")
    ratio = seconds["viewflow"] / mine
    return {
        "line": "B6",
        "ours": mine,
        "limit": None,
        "peers": seconds,
        "unit": "s",
        "rows": Application.objects.count(),
        "commit on disk": durable,
        "ratios": {
            "viewflow to ours": round(ratio, 2),
            "viewflow to ours, commit on disk": round(durable["viewflow"] / durable["ours"], 2),
        },
        "goal": "≥ 3× faster than viewflow",
        "met": ratio >= 3,
    }


def check(referral_id: int) -> None:
    """The case ended as it should: answered with an open offer, the clock stopped, three facts in the journal."""
    referral = Referral.objects.select_related("clock", "application").get(pk=referral_id)
    assert referral.state == Referral.State.OFFERED, referral.state
    assert referral.clock is not None
    assert referral.clock.stopped_at is not None
    assert referral.clock.working_minutes is not None
    assert referral.offers.filter(state="open").count() == 1
    told = Entry.objects.of_case(referral.application.number)
    assert list(told.values_list("verb", flat=True)) == VERBS
