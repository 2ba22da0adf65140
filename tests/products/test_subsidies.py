"""Subsidies: a rule, evidence, two different people, a budget that holds under any race, a payment."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, transaction
from django.urls import reverse
from django_fsm import TransitionNotAllowed

from portal.foundation.accounts.models import Role
from portal.foundation.core import moments
from portal.foundation.core.errors import DomainError, Forbidden, Invalid, WrongState, WrongType
from portal.foundation.core.numbering import compose
from portal.foundation.journal.dispatcher import dispatch
from portal.notifications.models import Notice
from products.subsidies import actions
from products.subsidies.models import SubsidyClaim, SubsidyPaper, SubsidyScheme
from tests import factories
from tests.factories import Person
from tests.threads import together

pytestmark = pytest.mark.django_db
now = moments.now
PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"


def number(serial: int) -> str:
    return compose("YZD", moments.local_date(now()), serial)


def paper(body: bytes = PDF) -> SimpleUploadedFile:
    return SimpleUploadedFile("付息凭证.pdf", body, content_type="application/pdf")


def scheme(code: str = "agency") -> SubsidyScheme:
    return SubsidyScheme.objects.get(code=code)


def applied(who: Person, serial: int = 1, base: int = 1_000_000, code: str = "agency") -> SubsidyClaim:
    return actions.apply(
        scheme(code).pk,
        case_number=number(serial),
        base=Decimal(base),
        papers=[paper()],
        district=who.organisation.district_id,
        actor=who.actor,
        now=now(),
    )


@pytest.fixture(autouse=True)
def _files_of_its_own(settings: object, tmp_path: object) -> None:
    settings.MEDIA_ROOT = tmp_path  # type: ignore[attr-defined]


@pytest.fixture
def ren(rui: Person) -> Person:
    """Rui's colleague: the second person."""
    return factories.person("ren", "任示例", Role.REGULATOR, rui.organisation)


def test_the_agencys_two_percent_is_computed_and_goes_through_two_people_to_the_money(
    ling: Person, rui: Person, ren: Person
) -> None:
    claim = applied(ling)
    assert claim.amount == Decimal("20000.00")
    assert claim.papers.count() == 1
    actions.check(claim.pk, actor=rui.actor, now=now())
    with pytest.raises(WrongState, match="另一人"):
        actions.approve(claim.pk, actor=rui.actor, now=now())
    actions.approve(claim.pk, actor=ren.actor, now=now())
    assert (scheme().reserved, scheme().paid) == (Decimal(20_000), Decimal(0))
    today = moments.local_date(now())
    with pytest.raises(Invalid, match="晚于今天"):
        actions.pay(claim.pk, paid_on=today + timedelta(days=1), voucher="B-1", actor=rui.actor, now=now())
    paid = actions.pay(claim.pk, paid_on=today, voucher="B-1", actor=rui.actor, now=now())
    assert (paid.state, scheme().paid) == ("paid", Decimal(20_000))
    dispatch(now=now())
    told = set(Notice.objects.filter(membership=ling.membership).values_list("title", flat=True))
    assert {"补贴申请已核定", "补贴已拨付"} <= told


def test_the_database_itself_wants_two_people(ling: Person, rui: Person) -> None:
    claim = applied(ling)
    with pytest.raises(IntegrityError), transaction.atomic():
        SubsidyClaim.objects.filter(pk=claim.pk).update(
            state="approved", checked_by=rui.user, approved_by=rui.user, approved_at=now()
        )


def test_half_a_fen_goes_up_and_the_cap_of_one_claim_holds(ling: Person) -> None:
    assert scheme().amount(Decimal("0.25")) == Decimal("0.01")
    assert scheme("interest-500157").amount(Decimal(10_000_000)) == Decimal(500_000)


@pytest.mark.parametrize("wrong", ["number", "base", "papers", "twice", "lies"])
def test_a_claim_that_cannot_be_is_refused_and_leaves_nothing(ling: Person, wrong: str) -> None:
    given = {"case_number": number(1), "base": Decimal(100), "papers": [paper()], "district": "500157"}
    change: dict[str, object] = {
        "number": {"case_number": "YZD1"},
        "base": {"base": Decimal(0)},
        "papers": {"papers": []},
        "twice": {},
        "lies": {"papers": [paper(), paper(b"MZ nothing of a PDF")]},
    }[wrong]  # type: ignore[assignment]
    if wrong == "twice":
        applied(ling)
    before = SubsidyClaim.objects.count()
    with pytest.raises((Invalid, WrongType)):
        actions.apply(scheme().pk, **(given | change), actor=ling.actor, now=now())  # type: ignore[arg-type, operator]
    assert SubsidyClaim.objects.count() == SubsidyPaper.objects.count() == before


def test_only_who_it_is_for_may_claim(ling: Person, gu: Person, bo: Person) -> None:
    for who, code in ((gu, "agency"), (bo, "fee-award"), (ling, "fee-award")):
        with pytest.raises(Forbidden):
            applied(who, code=code)
    assert applied(gu, code="fee-award").amount == Decimal(5_000)
    type(ling.organisation).objects.filter(pk=ling.organisation.pk).update(district="500106")
    ling.organisation.refresh_from_db()
    with pytest.raises(WrongState, match="只面向"):
        applied(ling, code="interest-500157")


def test_what_is_refused_or_withdrawn_may_be_claimed_again(ling: Person, rui: Person) -> None:
    first = applied(ling)
    with pytest.raises(Invalid):
        actions.refuse(first.pk, note=" ", actor=rui.actor, now=now())
    actions.refuse(first.pk, note="凭证与办件不符", actor=rui.actor, now=now())
    second = applied(ling)
    actions.withdraw(second.pk, actor=ling.actor, now=now())
    with pytest.raises(WrongState):
        actions.check(second.pk, actor=rui.actor, now=now())
    assert applied(ling).state == "applied"


def test_strangers_see_nothing_of_a_claim(ling: Person, wai: Person, bo: Person, rui: Person) -> None:
    claim = applied(ling)
    page = reverse("subsidy-claim", args=[claim.ref])
    file = reverse("subsidy-paper", args=[claim.ref, claim.papers.get().ref])
    for who in (wai, bo):
        assert [who.client.get(url).status_code for url in (page, file)] == [404, 404]
        assert claim.case_number not in who.client.get(reverse("subsidies")).content.decode()
    assert [rui.client.get(url).status_code for url in (page, file)] == [200, 200]


def test_the_whole_way_through_the_browser(ling: Person, rui: Person, ren: Person) -> None:
    assert "待确认" in ling.client.get(reverse("subsidies")).content.decode()
    form = reverse("subsidy-apply", args=["agency"])
    assert ling.client.post(form, {"case_number": number(1), "base": "1000000"}).status_code == 400
    sent = {"case_number": number(1), "base": "1000000", "papers": [paper(), paper()]}
    assert ling.client.post(form, sent).status_code == 302
    claim = SubsidyClaim.objects.get()
    page = reverse("subsidy-claim", args=[claim.ref])
    assert ling.client.post(page, {"step": "check"}).status_code == 403
    assert rui.client.post(page, {"step": "check"}).status_code == 302
    assert "另一人" in rui.client.get(page).content.decode()
    assert rui.client.post(page, {"step": "approve"}).status_code == 409
    assert ren.client.post(page, {"step": "approve"}).status_code == 302
    today = f"{moments.local_date(now())}"
    assert ren.client.post(page, {"step": "pay", "paid_on": today, "voucher": ""}).status_code == 400
    assert ren.client.post(page, {"step": "pay", "paid_on": today, "voucher": "B-7"}).status_code == 302
    assert "B-7" in ling.client.get(page).content.decode()


def test_ling_sends_contract_and_receipts_together_and_one_more_later(ling: Person, wai: Person, rui: Person) -> None:
    """A claim needs a contract and a receipt: one field took one file. Ling sends several, adds the one Rui misses, and
    after the first examination the evidence stays as it was examined."""
    form = reverse("subsidy-apply", args=["agency"])
    sent = {"case_number": number(1), "base": "1000000"}
    many = ling.client.post(form, {**sent, "papers": [paper() for _ in range(11)]})
    assert many.status_code == 400
    assert "一次最多 10 个文件，现在是 11 个" in many.content.decode()
    none = ling.client.post(form, {**sent, "papers": []})
    assert none.context["form"].errors == {"papers": ["请选择要上传的文件：证明材料。"]}
    wrong = ling.client.post(form, {**sent, "base": "", "papers": [paper()]})
    assert wrong.status_code == 400
    assert wrong.context["form"].errors["papers"] == ["请重新选择文件。"], "the browser has forgotten it"
    lies = ling.client.post(form, {**sent, "papers": [paper(), paper(b"MZ nothing of a PDF")]})
    assert lies.status_code == 415
    assert lies.context["form"].errors["papers"][-1] == "请重新选择文件。"
    assert ling.client.post(form, {**sent, "papers": [paper(), paper()]}).status_code == 302
    claim = SubsidyClaim.objects.get()
    assert claim.papers.count() == 2
    page = reverse("subsidy-claim", args=[claim.ref])
    more = {"step": "add", "papers": [paper()]}
    assert "补充材料" in ling.client.get(page).content.decode()
    assert "补充材料" not in rui.client.get(page).content.decode()
    assert wai.client.post(page, {"step": "add", "papers": [paper()]}).status_code == 404
    assert rui.client.post(page, {"step": "add", "papers": [paper()]}).status_code == 403
    assert ling.client.post(page, {"step": "add"}).status_code == 400
    assert ling.client.post(page, more).status_code == 302
    assert claim.papers.count() == 3
    actions.check(claim.pk, actor=rui.actor, now=now())
    late = ling.client.post(page, {"step": "add", "papers": [paper()]})
    assert late.status_code == 409
    assert "不能再补充材料" in late.content.decode()
    assert claim.papers.count() == 3


def test_the_evidence_of_one_claim_has_an_end(ling: Person) -> None:
    claim = applied(ling)
    actions.supplement(claim.pk, papers=[paper() for _ in range(29)], actor=ling.actor, now=now())
    with pytest.raises(Invalid, match="最多 30 个文件，已有 30 个"):
        actions.supplement(claim.pk, papers=[paper()], actor=ling.actor, now=now())
    assert claim.papers.count() == 30


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_of_ten_approvals_at_once_the_budget_lets_exactly_as_many_through_as_it_holds(
    ling: Person, rui: Person, ren: Person
) -> None:
    SubsidyScheme.objects.filter(code="agency").update(budget=Decimal(70_000))  # three and a half claims
    claims = [applied(ling, serial) for serial in range(1, 11)]
    for claim in claims:
        actions.check(claim.pk, actor=rui.actor, now=now())

    def approve(pk: int) -> object:
        try:
            return actions.approve(pk, actor=ren.actor, now=now())
        except (DomainError, TransitionNotAllowed) as error:
            return error

    results = together(*[lambda pk=claim.pk: approve(pk) for claim in claims])  # type: ignore[misc]
    assert sum(isinstance(r, SubsidyClaim) for r in results) == 3
    assert {r.code for r in results if isinstance(r, DomainError)} == {"budget"}
    assert scheme().reserved == Decimal(60_000)


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_one_claim_approved_by_many_at_once_is_counted_once(ling: Person, rui: Person, ren: Person) -> None:
    claim = applied(ling)
    actions.check(claim.pk, actor=rui.actor, now=now())

    def approve() -> object:
        try:
            return actions.approve(claim.pk, actor=ren.actor, now=now())
        except DomainError as error:
            return error

    results = together(*[approve] * 6)
    assert sum(isinstance(r, SubsidyClaim) for r in results) == 1
    assert scheme().reserved == claim.amount
