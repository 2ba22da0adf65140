"""Two people in the same second: one wins, the other reads a sentence, and no number is lost."""

import threading
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, transaction

from pledges import notices
from pledges.actions import corrections, examination, filing, joining
from pledges.models import Ground, Notice, PledgedPatent, Registration
from pledges.signing import actions as signing
from portal.foundation.accounts.models import OrganisationKind, Role
from portal.foundation.assets.models import CoOwner
from portal.foundation.core import failpoints, moments
from portal.foundation.core.errors import DomainError, WrongState
from portal.foundation.core.pdf import engine
from products.models import Product
from tests import factories
from tests.by_hand import by_hand
from tests.factories import Person

from .conftest import accepted, examined, submitted

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race]


def together(*tasks: Callable[[], Any]) -> list[Any]:
    """Run all at once, each on its own connection; gives results and refusals in order."""
    gate, results = threading.Barrier(len(tasks)), [None] * len(tasks)

    def run(index: int, task: Callable[[], Any]) -> None:
        gate.wait()
        try:
            results[index] = task()
        except DomainError as error:
            results[index] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(i, t)) for i, t in enumerate(tasks)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def refusals(results: list[Any]) -> list[DomainError]:
    return [r for r in results if isinstance(r, DomainError)]


@pytest.fixture
def colleague(chen: Person) -> Person:
    return factories.person("colleague", "常示例", Role.CLERK, chen.organisation)


def test_two_clerks_accept_one_file_and_one_of_them_has_it(
    ling: Person, bo: Person, product: Product, chen: Person, colleague: Person
) -> None:
    file = submitted(accepted(ling, bo, product), bo, ling)
    results = together(
        *(lambda c=clerk: examination.accept(file.pk, actor=c.actor, now=moments.now()) for clerk in (chen, colleague))
    )
    (lost,) = refusals(results)
    assert lost.status == 409
    assert "正在办理" in lost.reason
    file.refresh_from_db()
    assert file.clerk_id in (chen.user.pk, colleague.user.pk)


def test_one_file_is_decided_once(ling: Person, bo: Person, product: Product, chen: Person) -> None:
    file = examined(submitted(accepted(ling, bo, product), bo, ling), chen)
    results = together(
        lambda: examination.register(file.pk, actor=chen.actor, now=moments.now()),
        lambda: examination.refuse(file.pk, ground=Ground.R12, note="同时", actor=chen.actor, now=moments.now()),
        lambda: examination.register(file.pk, actor=chen.actor, now=moments.now()),
    )
    assert len(refusals(results)) == 2
    assert Notice.objects.count() == 1


def test_edge_case_2_two_banks_register_the_same_patent_in_the_same_second(
    ling: Person, bo: Person, cui: Person, product: Product, chen: Person, colleague: Person
) -> None:
    """Ling's patent is offered to both; the files reached the office together, the pledge exists once."""
    first = submitted(accepted(ling, bo, product), bo, ling)
    # The second file slipped in beside the first: as if both had been confirmed in the same moment.
    with by_hand():
        Registration.objects.filter(pk=first.pk).update(state="draft")
    second = submitted(accepted(ling, cui, factories.product(cui.organisation)), cui, ling)
    with by_hand():
        Registration.objects.filter(pk=first.pk).update(state="submitted")
    first, second = examined(first, chen), examined(second, colleague)
    results = together(
        lambda: examination.register(first.pk, actor=chen.actor, now=moments.now()),
        lambda: examination.register(second.pk, actor=colleague.actor, now=moments.now()),
    )
    (lost,) = refusals(results)
    assert lost.status == 409
    assert lost.reason.startswith("R09")
    assert "201710601862.3" in lost.reason
    assert bo.organisation.name not in lost.reason
    assert PledgedPatent.objects.filter(effective__isnull=False).count() == 1
    (won,) = [r for r in results if isinstance(r, Notice)]
    assert won.number.endswith("000001号")  # the loser took no number


def test_ling_withdraws_in_the_second_chen_decides_and_one_of_them_was_first(
    ling: Person, bo: Person, product: Product, chen: Person
) -> None:
    """Until the decision a party may withdraw; whoever comes second reads a sentence, and the file is only one of the two."""
    file = examined(submitted(accepted(ling, bo, product), bo, ling), chen)
    results = together(
        lambda: joining.withdraw(file.pk, reason="", actor=ling.actor, now=moments.now()),
        lambda: examination.register(file.pk, actor=chen.actor, now=moments.now()),
    )
    (lost,) = refusals(results)
    assert lost.status == 409
    fresh = Registration.objects.get(pk=file.pk)
    pledged = PledgedPatent.objects.filter(effective__isnull=False).count()
    assert (fresh.state, pledged, Notice.objects.count()) in {("registered", 1, 1), ("withdrawn", 0, 0)}
    assert lost.reason in {
        "这一件现在是“已登记”，不能撤回。",
        "这一件现在是“已撤回”，已不能办理。",
    }


def test_two_co_owners_pledge_one_patent_and_the_database_decides(
    ling: Person, wai: Person, bo: Person, cui: Person, product: Product, chen: Person
) -> None:
    """Two firms own it, each has a row of its own, so no common lock: the exclusion constraint is what holds."""
    files = []
    for owner, other, bank in ((ling, wai, bo), (wai, ling, cui)):
        patent = factories.patent(owner.organisation)
        CoOwner.objects.create(patent=patent, name=other.organisation.name)
        case = accepted(owner, bank, product if bank is bo else factories.product(bank.organisation))
        file = filing.start(case.pk, actor=bank.actor, now=moments.now())
        files.append(file)
    gate = threading.Barrier(2)

    def pledge(file: Registration) -> None:
        with transaction.atomic():
            gate.wait()
            examination._make_effective(file, now=moments.now())

    results = together(*(lambda f=file: pledge(f) for file in files))
    (lost,) = refusals(results)
    assert "R09" in lost.reason
    assert PledgedPatent.objects.filter(effective__isnull=False).count() == 1


def test_numbers_have_no_gaps_when_a_decision_rolls_back(
    ling: Person, bo: Person, product: Product, chen: Person
) -> None:
    files = []
    for number in (factories.INVENTION, factories.INVENTION_2, factories.UTILITY):
        org = factories.organisation(OrganisationKind.ENTERPRISE, f"重庆示例{number[-2:]}有限公司")
        firm = factories.person(f"firm{number}", "林示例", Role.ENTERPRISE, org)
        factories.patent(org, number)
        files.append(submitted(accepted(firm, bo, product), bo, firm))
    for file in files:
        examined(file, chen)

    def broken() -> None:
        with transaction.atomic():
            notices.issue(files[0], Notice.Kind.REFUSED, {}, now=moments.now())
            raise WrongState("broken", "出错")

    results = together(
        broken,
        *(lambda f=file: examination.register(f.pk, actor=chen.actor, now=moments.now()) for file in files),
        broken,
    )
    assert len(refusals(results)) == 2
    serials = sorted(int(n.number[-7:-1]) for n in Notice.objects.all())
    assert serials == [1, 2, 3]


def test_starting_from_both_sides_at_once_gives_one_file(
    ling: Person, bo: Person, product: Product, chen: Person
) -> None:
    case = accepted(ling, bo, product)
    results = together(
        *(lambda p=person: filing.start(case.pk, actor=p.actor, now=moments.now()) for person in (ling, bo, ling, bo))
    )
    assert refusals(results) == []
    assert len({r.pk for r in results}) == 1


def test_chen_registers_although_the_paper_cannot_be_printed_right_now(
    ling: Person, bo: Person, product: Product, chen: Person
) -> None:
    """The commit has happened: what breaks after it is the timer's, not hers."""
    file = examined(submitted(accepted(ling, bo, product), bo, ling), chen)
    failpoints.arm("register.committed=raise")
    try:
        notice = examination.register(file.pk, actor=chen.actor, now=moments.now())
    finally:
        failpoints.arm("")
    assert Registration.objects.get(pk=file.pk).state == Registration.State.REGISTERED
    assert Notice.objects.get(pk=notice.pk).sha256 == ""
    assert notices.print_missing() == 1 or not engine.available().ok


def test_bo_confirms_in_the_second_ling_changes_it_again_and_chen_never_reads_what_nobody_signed(
    ling: Person, bo: Person, product: Product, chen: Person
) -> None:
    """Whoever is first: with the office the file says what both have signed, or it still waits for one of them."""
    file = examined(submitted(accepted(ling, bo, product), bo, ling), chen)
    defect = examination.Defect("debt_amount", "申请表所填债权数额与合同不一致。")
    examination.ask_correction(file.pk, [defect], actor=chen.actor, now=moments.now())
    row = file.corrections.get()

    def to(yuan: int) -> Registration:
        changes = {"debt_amount": Decimal(yuan)}
        return corrections.answer(row.pk, text="", changes=changes, actor=ling.actor, now=moments.now())

    read = to(7_000_000).version
    results = together(
        lambda: to(6_000_000),
        lambda: corrections.confirm(file.pk, version=read, actor=bo.actor, now=moments.now()),
    )
    assert len(refusals(results)) == 1
    file = Registration.objects.get(pk=file.pk)
    unsigned = signing.outdated(file)
    if file.state == Registration.State.EXAMINING:
        assert (unsigned, file.debt_amount) == ({}, Decimal(7_000_000))
    else:
        assert (file.state, list(unsigned)) == (Registration.State.CORRECTING, [bo.organisation.pk])
        assert file.debt_amount == Decimal(6_000_000)
