"""Quotas of the monetary tools: allotted, used for a loan, returned; and never below zero."""

from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse

from applications.models import Application
from portal.foundation.core import moments
from portal.foundation.core.errors import DomainError, Forbidden, Invalid, WrongState
from portal.foundation.core.numbering import compose
from portal.foundation.journal.models import Entry
from products.lending import NOT_YOURS
from products.models import Product
from products.quotas import actions
from products.quotas.models import Quota, QuotaEligible, QuotaEntry, QuotaTool
from tests import factories, lending
from tests.factories import Person
from tests.threads import together

pytestmark = pytest.mark.django_db
now = moments.now
NOWHERE = compose("YZD", moments.local_date(moments.now()), 9999)


@pytest.fixture
def lent(ling: Person, bo: Person, chen: Person, product: Product, settings: object, tmp_path: object) -> Application:
    """Bo's bank has paid 8,000,000 out to Ling."""
    settings.MEDIA_ROOT = tmp_path  # type: ignore[attr-defined]
    return lending.paid_out(ling, bo, chen, product)


def tool(code: str = "special") -> QuotaTool:
    return QuotaTool.objects.get(code=code)


def allotted(bank: Person, rui: Person, yuan: int = 10_000_000, code: str = "special") -> Quota:
    entry = actions.allot(
        tool(code).pk, institution_id=bank.organisation.pk, amount=Decimal(yuan), actor=rui.actor, now=now()
    )
    return entry.quota


def used(quota: Quota, by: Person, case: Application, yuan: int = 4_000_000, loan: str = "SL-1") -> QuotaEntry:
    return actions.use(
        quota.pk, amount=Decimal(yuan), case_number=case.number, loan_number=loan, actor=by.actor, now=now()
    )


def balance(quota: Quota) -> Decimal:
    return Quota.objects.get(pk=quota.pk).left


def test_a_quota_is_allotted_used_for_a_loan_and_returned(bo: Person, rui: Person, lent: Application) -> None:
    quota = allotted(bo, rui)
    drawn = used(quota, bo, lent)
    assert (balance(quota), drawn.balance) == (Decimal(6_000_000), Decimal(6_000_000))
    back = actions.give_back(drawn.pk, actor=bo.actor, now=now())
    assert (balance(quota), back.loan_number) == (Decimal(10_000_000), "SL-1")
    with pytest.raises(WrongState):
        actions.give_back(drawn.pk, actor=bo.actor, now=now())
    with pytest.raises(WrongState):
        actions.give_back(back.pk, actor=bo.actor, now=now())
    verbs = list(Entry.objects.filter(subject=f"quota:{quota.pk}").order_by("pk").values_list("verb", flat=True))
    assert verbs == ["quota.allotted", "quota.used", "quota.returned"]


def test_more_than_is_left_and_a_loan_twice_are_refused(bo: Person, rui: Person, lent: Application) -> None:
    quota = allotted(bo, rui, 5_000_000)
    with pytest.raises(WrongState, match="可用额度"):
        used(quota, bo, lent, 5_000_001)
    used(quota, bo, lent)
    with pytest.raises(Invalid, match="已经登记"):
        used(quota, bo, lent)
    with pytest.raises(Invalid):
        actions.use(quota.pk, amount=Decimal(1), case_number="X", loan_number="", actor=bo.actor, now=now())


def test_a_use_is_linked_to_a_loan_of_this_bank_and_never_exceeds_it(
    ling: Person, bo: Person, cui: Person, rui: Person, lent: Application
) -> None:
    """Cui's bank books nothing on Bo's case, nor on one that does not exist: both sound the same."""
    theirs, ours = allotted(cui, rui), allotted(bo, rui)
    unpaid = factories.application(
        ling, factories.product(cui.organisation), patents=[factories.patent(ling.organisation, factories.INVENTION_2)]
    )
    for number in (lent.number, NOWHERE, unpaid.number):
        with pytest.raises(Invalid) as refused:
            actions.use(theirs.pk, amount=Decimal(1), case_number=number, loan_number="X", actor=cui.actor, now=now())
        assert refused.value.fields == {"case_number": NOT_YOURS}
    assert not Entry.objects.filter(verb="quota.used").exists(), "no entry on a stranger's case"
    with pytest.raises(Invalid, match="放款 800 万元"):
        used(ours, bo, lent, 8_000_001)
    used(ours, bo, lent, 5_000_000)
    with pytest.raises(Invalid, match="已登记使用 500 万元"):
        used(ours, bo, lent, 3_000_001, "SL-2")


def test_a_mistaken_return_is_booked_again(bo: Person, rui: Person, lent: Application) -> None:
    quota = allotted(bo, rui)
    for _ in range(2):
        drawn = used(quota, bo, lent)
        with pytest.raises(Invalid, match="还没有归还"):
            used(quota, bo, lent)
        actions.give_back(drawn.pk, actor=bo.actor, now=now())
    last = used(quota, bo, lent)
    assert (last.again, balance(quota)) == (2, Decimal(6_000_000))
    with pytest.raises(IntegrityError), transaction.atomic():
        QuotaEntry.objects.create(
            quota=quota, kind="used", amount=1, balance=1, case_number=lent.number, loan_number="SL-1", again=2,
            by="x", at=now(),
        )  # fmt: skip


def test_rui_takes_back_what_is_not_used_for_a_reason(bo: Person, rui: Person, lent: Application) -> None:
    quota = allotted(bo, rui)
    used(quota, bo, lent)
    page = reverse("quota", args=[quota.pk])
    wish = {"step": "reduce", "amount": "600", "ground": "更正 11 月 23 日的分配"}
    assert bo.client.post(page, {**wish, "sure": "1"}).status_code == 403
    assert rui.client.post(page, {**wish, "ground": ""}).status_code == 400
    assert rui.client.post(page, {**wish, "amount": "601", "sure": "1"}).status_code == 400, "only what is left"
    asked = rui.client.post(page, wish)
    assert (asked.status_code, "600 万元" in asked.content.decode()) == (200, True)
    assert (balance(quota), tool().allotted) == (Decimal(6_000_000), Decimal(10_000_000)), "one click does nothing"
    assert rui.client.post(page, {**wish, "sure": "1"}).status_code == 302
    assert (balance(quota), tool().allotted) == (Decimal(0), Decimal(4_000_000))
    assert "更正 11 月 23 日的分配" in bo.client.get(f"{page}?tab=all").content.decode()
    assert Entry.objects.filter(subject=f"quota:{quota.pk}").latest("pk").verb == "quota.reduced"
    with pytest.raises(IntegrityError), transaction.atomic():
        QuotaEntry.objects.create(quota=quota, kind="reduced", amount=1, balance=1, by="x", at=now())


def test_rui_sets_up_a_tool_and_publishes_its_total_later(bo: Person, rui: Person) -> None:
    page = reverse("quota-tool-new")
    wish = {"name": "示例再贷款", "code": "example-relending", "restricted": "on", "ground": "示例文号"}
    assert bo.client.get(page).status_code == 403
    assert rui.client.post(page, {**wish, "ground": ""}).status_code == 400
    assert rui.client.post(page, {**wish, "confirmed": "on"}).status_code == 400, "nothing there to confirm"
    assert rui.client.post(page, {**wish, "code": "special"}).status_code == 400
    assert rui.client.post(page, wish).status_code == 302
    made = tool("example-relending")
    assert (made.total, made.restricted) == (None, True)
    one = reverse("quota-tool", args=["example-relending"])
    figures = {"total": "1.5", "confirmed": "on", "ground": "示例文号", "why": "公布总额度"}
    assert bo.client.get(one).status_code == 403
    assert rui.client.post(one, {**figures, "why": ""}).status_code == 400
    assert rui.client.post(one, figures).status_code == 302
    assert tool("example-relending").total == Decimal(150_000_000)
    assert "总额度 — → " in Entry.objects.filter(verb="quota.tool_set").latest("pk").text.replace("（待确认）", "")


def test_a_total_never_falls_below_what_is_allotted(bo: Person, rui: Person) -> None:
    allotted(bo, rui, 100_000_000)
    page = reverse("quota-tool", args=["special"])
    figures = {"total": "0.99", "ground": "示例文号", "why": "调整"}
    refused = rui.client.post(page, figures)
    assert (refused.status_code, "已分配 10000 万元" in refused.content.decode()) == (400, True)
    assert rui.client.post(page, {**figures, "total": "1"}).status_code == 302
    assert 'value="1"' in rui.client.get(page).content.decode()


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
    bo: Person, cui: Person, gu: Person, rui: Person, lent: Application
) -> None:
    quota = allotted(bo, rui)
    with pytest.raises(Forbidden):
        allotted(bo, bo)
    with pytest.raises(Invalid):
        allotted(gu, rui)
    with pytest.raises(Forbidden):
        used(quota, cui, lent)
    assert cui.client.get(reverse("quota", args=[quota.pk])).status_code == 404


def test_the_database_refuses_a_negative_balance(bo: Person, rui: Person) -> None:
    quota = allotted(bo, rui)
    for wrong in (Decimal("10000000.01"), Decimal("-0.01")):
        with pytest.raises(IntegrityError), transaction.atomic():
            Quota.objects.filter(pk=quota.pk).update(used=wrong)
    with pytest.raises(IntegrityError), transaction.atomic():
        QuotaTool.objects.filter(code="special").update(allotted=Decimal(20_000_000_001))


def test_the_whole_way_through_the_browser(bo: Person, rui: Person, lent: Application) -> None:
    sent = {"tool": tool().pk, "institution": bo.organisation.pk, "amount": "1000"}
    assert bo.client.post(reverse("quotas"), sent).status_code == 403
    asked = rui.client.post(reverse("quotas"), sent)
    assert (asked.status_code, "1000 万元" in asked.content.decode()) == (200, True)
    assert not Quota.objects.exists(), "one click does nothing"
    assert rui.client.post(reverse("quotas"), {**sent, "sure": "1"}).status_code == 302
    quota = Quota.objects.get()
    page = reverse("quota", args=[quota.pk])
    assert "2000000 万元" in bo.client.get(reverse("quotas")).content.decode().replace(",", "")
    wish = {"step": "use", "amount": "400", "case_number": lent.number, "loan_number": "SL-9"}
    assert bo.client.post(page, {**wish, "amount": "801"}).status_code == 400
    assert bo.client.post(page, wish).status_code == 302
    drawn = quota.entries.get(kind="used")
    back = {"step": "return", "entry": drawn.pk}
    assert rui.client.post(page, {**back, "sure": "1"}).status_code == 403
    asked = bo.client.post(page, back)
    assert (asked.status_code, "400 万元" in asked.content.decode()) == (200, True)
    assert balance(quota) == Decimal(6_000_000), "one click does nothing"
    assert bo.client.post(page, {**back, "sure": "1"}).status_code == 302
    assert balance(quota) == Decimal(10_000_000)


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_of_ten_uses_at_once_only_those_that_fit_are_written(bo: Person, rui: Person, lent: Application) -> None:
    quota = allotted(bo, rui, 7_000_000)

    def use(serial: int) -> object:
        try:
            return used(quota, bo, lent, 2_000_000, f"SL-{serial}")
        except DomainError as error:
            return error

    results = together(*[lambda n=n: use(n) for n in range(10)])  # type: ignore[misc]
    assert sum(isinstance(r, QuotaEntry) for r in results) == 3
    assert balance(quota) == Decimal(1_000_000)


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_uses_and_reductions_at_once_never_go_below_nothing(bo: Person, rui: Person, lent: Application) -> None:
    quota = allotted(bo, rui, 7_000_000)

    def move(serial: int) -> object:
        try:
            if serial % 2:
                return used(quota, bo, lent, 2_000_000, f"SL-{serial}")
            return actions.reduce(quota.pk, amount=Decimal(2_000_000), ground="示例", actor=rui.actor, now=now())
        except DomainError as error:
            return error

    results = together(*[lambda n=n: move(n) for n in range(10)])  # type: ignore[misc]
    assert sum(isinstance(r, QuotaEntry) for r in results) == 3
    assert balance(quota) == Decimal(1_000_000)
    assert Quota.objects.get(pk=quota.pk).allotted == tool().allotted
