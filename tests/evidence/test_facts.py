"""Whatever happens to a clock, its journal entry says so, completely and once."""

import ast
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from applications.actions import choices, claiming, responses
from applications.models import DeclineReason, Referral
from portal.foundation.core import moments
from portal.foundation.journal.models import Entry
from portal.foundation.sla import calendars_in_use, facts
from portal.foundation.sla.models import Clock, Policy
from products.models import Product
from tests import factories
from tests.factories import Person

ROOT = Path(__file__).resolve().parents[2]
CONTACT = {"contact_name": "薄示例", "contact_phone": "023-67961234", "next_step": "明天上午上门尽调"}
VERBS = {"start", "stop", "pause", "resume", "reassign", "recompute"}


@pytest.fixture
def referral(ling: Person, bo: Person, product: Product) -> Referral:
    return factories.application(ling, product).referrals.get()


def said(verb: str) -> list[facts.Fact]:
    """The clocks of the last entry of that verb, with moments read back."""
    entry = Entry.objects.filter(verb=verb).latest("id")
    moments_in = {"at", "started_at", "due_at"}
    return [
        {key: datetime.fromisoformat(value) if key in moments_in else value for key, value in fact.items()}
        for fact in entry.data["clocks"]
    ]


def read(fact: facts.Fact) -> facts.Fact:
    return {k: datetime.fromisoformat(v) if k in {"at", "started_at", "due_at"} else v for k, v in fact.items()}


@pytest.mark.django_db
def test_when_ling_submits_the_entry_tells_how_each_clock_was_counted(
    ling: Person, referral: Referral, product: Product
) -> None:
    [fact] = said("application.submitted")
    clock, policy = referral.clock, Policy.objects.get(kind="response")
    assert clock is not None
    assert (fact["did"], fact["clock"], fact["kind"]) == ("started", clock.pk, "response")
    assert (fact["started_at"], fact["due_at"]) == (clock.started_at, clock.due_at)
    assert fact["subject"] == clock.subject
    assert fact["policy"] == {"id": policy.pk, "days": 2, "day_zero": "strict", "closes": None}
    assert fact["calendar"] == calendars_in_use.current().version
    assert [step["level"] for step in fact["ladder"]] == clock.levels
    assert [datetime.fromisoformat(step["moment"]) for step in fact["ladder"]] == clock.moments


@pytest.mark.django_db
def test_the_claim_in_one_statement_tells_what_any_other_reply_tells(referral: Referral, bo: Person) -> None:
    claiming.claim_this(referral.pk, **CONTACT, actor=bo.actor, now=moments.now())
    clock = Clock.objects.get(pk=referral.clock_id)
    assert said("referral.claimed") == [read(facts.stopped(clock))]
    assert clock.working_minutes is not None


@pytest.mark.django_db
def test_only_the_first_reply_tells_of_the_clock(referral: Referral, bo: Person) -> None:
    claiming.claim_this(referral.pk, **CONTACT, actor=bo.actor, now=moments.now())
    responses.ask(referral.pk, question="请补充近三年年报", actor=bo.actor, now=moments.now())
    responses.decline(referral.pk, code=DeclineReason.values[0], note="示例", actor=bo.actor, now=moments.now())
    assert said("referral.asked") == []
    assert said("referral.declined") == []


@pytest.mark.django_db
def test_a_request_taken_from_the_pool_tells_of_no_clock(ling: Person, bo: Person, cui: Person) -> None:
    factories.product(bo.organisation)
    case = factories.application(ling, open_call=True)
    now = moments.now()
    taken = responses.claim_from_pool(case.pk, **CONTACT, actor=cui.actor, now=now)
    assert taken.clock_id is None
    choices.withdraw(case.pk, reason="", actor=ling.actor, now=now + timedelta(minutes=1))
    assert [fact["organisation"] for fact in said("application.withdrawn")] == [bo.organisation.pk]


def test_no_action_moves_a_clock_without_keeping_what_it_did() -> None:
    """A call of a clock's verb whose result is thrown away cannot have been written into the journal."""
    thrown_away, seen = [], 0
    for path in [*ROOT.glob("applications/**/*.py"), *ROOT.glob("pledges/**/*.py"), *ROOT.glob("portal/**/*.py")]:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            seen += _moves_a_clock(node)
            if isinstance(node, ast.Expr) and _moves_a_clock(node.value):
                thrown_away.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert thrown_away == []
    assert seen >= 10


def _moves_a_clock(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in VERBS
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "clocks"
    )
