"""Quotas of the monetary tools: allotted, used for a loan, returned; and never below zero."""

from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse

from portal.foundation.core import moments
from portal.foundation.core.errors import DomainError, Forbidden, Invalid, WrongState
from portal.foundation.core.numbering import compose
from portal.foundation.journal.models import Entry
from products.quotas import actions
from products.quotas.models import Quota, QuotaEligible, QuotaEntry, QuotaTool
from tests.factories import Person
from tests.threads import together

pytestmark = pytest.mark.django_db
now = moments.now
NUMBER = compose("YZD", moments.local_date(moments.now()), 1)


def tool(code: str = "special") -> QuotaTool:
    return QuotaTool.objects.get(code=code)


def allotted(bank: Person, rui: Person, yuan: int = 10_000_000, code: str = "special") -> Quota:
    entry = actions.allot(
        tool(code).pk, institution_id=bank.organisation.pk, amount=Decimal(yuan), actor=rui.actor, now=now()
    )
    return entry.quota


def used(quota: Quota, by: Person, yuan: int = 4_000_000, loan: str = "SL-1") -> QuotaEntry:
    return actions.use(quota.pk, amount=Decimal(yuan), case_number=NUMBER, loan_number=loan, actor=by.actor, now=now())


def balance(quota: Quota) -> Decimal:
    return Quota.objects.get(pk=quota.pk).left


def test_a_quota_is_allotted_used_for_a_loan_and_returned(bo: Person, rui: Person) -> None:
    quota = allotted(bo, rui)
    drawn = used(quota, bo)
    assert (balance(quota), drawn.balance) == (Decimal(6_000_000), Decimal(6_000_000))
    back = actions.give_back(drawn.pk, actor=bo.actor, now=now())
    assert (balance(quota), back.loan_number) == (Decimal(10_000_000), "SL-1")
    with pytest.raises(WrongState):
        actions.give_back(drawn.pk, actor=bo.actor, now=now())
    with pytest.raises(WrongState):
        actions.give_back(back.pk, actor=bo.actor, now=now())
    verbs = list(Entry.objects.filter(subject=f"quota:{quota.pk}").order_by("pk").values_list("verb", flat=True))
    assert verbs == ["quota.allotted", "quota.used", "quota.returned"]


def test_more_than_is_left_and_a_loan_twice_are_refused(bo: Person, rui: Person) -> None:
    quota = allotted(bo, rui)
    with pytest.raises(WrongState, match="可用额度"):
        used(quota, bo, 10_000_001)
    used(quota, bo)
    with pytest.raises(Invalid, match="已经登记"):
        used(quota, bo)
    with pytest.raises(Invalid):
        actions.use(quota.pk, amount=Decimal(1), case_number="X", loan_number="", actor=bo.actor, now=now())


def test_no_more_is_allotted_than_the_tool_has(bo: Person, rui: Person) -> None:
    allotted(bo, rui, 19_999_999_999)
    with pytest.raises(WrongState, match="还能分配"):
        allotted(bo, rui, 2)
    assert tool().allotted == Decimal(19_999_999_999)


def test_a_tool_with_a_list_goes_only_to_who_is_on_it(bo: Person, cui: Person, rui: Person) -> None:
    QuotaEligible.objects.create(tool=tool("sci-tech"), institution=bo.organisation.institution, source="示例名单")
    assert allotted(bo, rui, code="sci-tech").allotted == Decimal(10_000_000)
    with pytest.raises(Invalid, match="名单"):
        allotted(cui, rui, code="sci-tech")


def test_rui_keeps_the_list_and_bo_reads_where_it_comes_from(bo: Person, cui: Person, gu: Person, rui: Person) -> None:
    page = reverse("quota-eligible", args=["sci-tech"])
    wish = {"institution": bo.organisation.pk, "source": "示例名单〔2026〕1号"}
    assert bo.client.post(page, wish).status_code == 403
    assert rui.client.post(page, {**wish, "source": " "}).status_code == 400
    assert rui.client.post(page, {**wish, "institution": gu.organisation.pk}).status_code == 400, (
        "a guarantor is no bank"
    )
    assert rui.client.post(page, wish).status_code == 302
    assert rui.client.post(page, wish).status_code == 409
    assert "示例名单〔2026〕1号" in bo.client.get(page).content.decode()
    quota = allotted(bo, rui, code="sci-tech")
    row = QuotaEligible.objects.get()
    assert cui.client.post(page, {"off": row.pk}).status_code == 403
    assert rui.client.post(page, {"off": row.pk}).status_code == 302
    assert rui.client.post(page, {"off": row.pk}).status_code == 404
    assert balance(quota) == Decimal(10_000_000), "what is allotted stays"
    with pytest.raises(Invalid, match="名单"):
        allotted(bo, rui, code="sci-tech")
    verbs = Entry.objects.filter(subject=f"quota-tool:{tool('sci-tech').pk}").order_by("pk")
    assert [entry.verb for entry in verbs] == ["quota.listed", "quota.unlisted"]
    assert "示例名单〔2026〕1号" in verbs[1].text, "history outlives the row"
    assert rui.client.get(reverse("quota-eligible", args=["special"])).status_code == 404, "a tool without a list"


def test_only_the_regulator_allots_and_only_the_bank_itself_uses(
    bo: Person, cui: Person, gu: Person, rui: Person
) -> None:
    quota = allotted(bo, rui)
    with pytest.raises(Forbidden):
        allotted(bo, bo)
    with pytest.raises(Invalid):
        allotted(gu, rui)
    with pytest.raises(Forbidden):
        used(quota, cui)
    assert cui.client.get(reverse("quota", args=[quota.pk])).status_code == 404


def test_the_database_refuses_a_negative_balance(bo: Person, rui: Person) -> None:
    quota = allotted(bo, rui)
    for wrong in (Decimal("10000000.01"), Decimal("-0.01")):
        with pytest.raises(IntegrityError), transaction.atomic():
            Quota.objects.filter(pk=quota.pk).update(used=wrong)
    with pytest.raises(IntegrityError), transaction.atomic():
        QuotaTool.objects.filter(code="special").update(allotted=Decimal(20_000_000_001))


def test_the_whole_way_through_the_browser(bo: Person, rui: Person) -> None:
    sent = {"tool": tool().pk, "institution": bo.organisation.pk, "amount": "1000"}
    assert bo.client.post(reverse("quotas"), sent).status_code == 403
    assert rui.client.post(reverse("quotas"), sent).status_code == 302
    quota = Quota.objects.get()
    page = reverse("quota", args=[quota.pk])
    assert "2000000 万元" in bo.client.get(reverse("quotas")).content.decode().replace(",", "")
    wish = {"step": "use", "amount": "400", "case_number": NUMBER, "loan_number": "SL-9"}
    assert bo.client.post(page, {**wish, "amount": "1001"}).status_code == 409
    assert bo.client.post(page, wish).status_code == 302
    drawn = quota.entries.get(kind="used")
    assert rui.client.post(page, {"step": "return", "entry": drawn.pk}).status_code == 403
    assert bo.client.post(page, {"step": "return", "entry": drawn.pk}).status_code == 302
    assert balance(quota) == Decimal(10_000_000)


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_of_ten_uses_at_once_only_those_that_fit_are_written(bo: Person, rui: Person) -> None:
    quota = allotted(bo, rui)

    def use(serial: int) -> object:
        try:
            return used(quota, bo, 3_000_000, f"SL-{serial}")
        except DomainError as error:
            return error

    results = together(*[lambda n=n: use(n) for n in range(10)])  # type: ignore[misc]
    assert sum(isinstance(r, QuotaEntry) for r in results) == 3
    assert balance(quota) == Decimal(1_000_000)
