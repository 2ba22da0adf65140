"""Subsidies: a rule, evidence, two different people, a budget that holds under any race, a payment."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, transaction
from django.urls import reverse
from django_fsm import TransitionNotAllowed

from applications.models import Application
from portal.foundation.accounts.models import OrganisationKind, Role
from portal.foundation.core import moments
from portal.foundation.core.errors import DomainError, Forbidden, Invalid, WrongState, WrongType
from portal.foundation.core.numbering import compose
from portal.foundation.journal.dispatcher import dispatch
from portal.notifications.models import Notice
from products.lending import NOT_YOURS
from products.models import Product
from products.subsidies import actions
from products.subsidies.models import SubsidyClaim, SubsidyPaper, SubsidyScheme
from tests import factories, lending
from tests.by_hand import by_hand
from tests.factories import Person
from tests.made_files import PDF
from tests.threads import together

pytestmark = pytest.mark.django_db
now = moments.now
INTEREST = "interest-500157"


def number(serial: int) -> str:
    return compose("YZD", moments.local_date(now()), serial)


def paper(body: bytes = PDF) -> SimpleUploadedFile:
    return SimpleUploadedFile("付息凭证.pdf", body, content_type="application/pdf")


def scheme(code: str = INTEREST) -> SubsidyScheme:
    return SubsidyScheme.objects.get(code=code)


def applied(who: Person, case_number: str, base: int = 100_000, code: str = INTEREST) -> SubsidyClaim:
    return actions.apply(
        scheme(code).pk,
        case_number=case_number,
        base=Decimal(base),
        papers=[paper()],
        district=who.organisation.district_id,
        actor=who.actor,
        now=now(),
    )


def stored(who: Person, serial: int = 1) -> SubsidyClaim:
    """A claim of 30,000 yuan as it lies in the table: for what happens to many at once."""
    return SubsidyClaim.objects.create(
        scheme=scheme(),
        organisation=who.organisation,
        case_number=number(serial),
        base=Decimal(100_000),
        amount=Decimal(30_000),
        applied_by=who.actor.label,
        applied_at=now(),
    )


@pytest.fixture(autouse=True)
def _files_of_its_own(settings: object, tmp_path: object) -> None:
    settings.MEDIA_ROOT = tmp_path  # type: ignore[attr-defined]


@pytest.fixture
def ren(rui: Person) -> Person:
    """Rui's colleague: the second person."""
    return factories.person("ren", "任示例", Role.REGULATOR, rui.organisation)


@pytest.fixture
def lent(ling: Person, bo: Person, gu: Person, chen: Person, product: Product) -> Application:
    """Bo's bank has paid out Ling's loan of 8,000,000, of which Gu guarantees 5,000,000."""
    return lending.paid_out(ling, bo, chen, product, guarantor=gu)


def test_a_share_of_the_interest_is_computed_and_goes_through_two_people_to_the_money(
    ling: Person, rui: Person, ren: Person, lent: Application
) -> None:
    claim = applied(ling, lent.number)
    assert claim.amount == Decimal("30000.00")
    assert claim.papers.count() == 1
    actions.check(claim.pk, actor=rui.actor, now=now())
    with pytest.raises(Forbidden, match="另一人"):
        actions.approve(claim.pk, actor=rui.actor, now=now())
    actions.approve(claim.pk, actor=ren.actor, now=now())
    assert (scheme().reserved, scheme().paid) == (Decimal(30_000), Decimal(0))
    today = moments.local_date(now())
    with pytest.raises(Invalid, match="晚于今天"):
        actions.pay(claim.pk, paid_on=today + timedelta(days=1), voucher="B-1", actor=rui.actor, now=now())
    paid = actions.pay(claim.pk, paid_on=today, voucher="B-1", actor=rui.actor, now=now())
    assert (paid.state, scheme().paid) == ("paid", Decimal(30_000))
    dispatch(now=now())
    told = set(Notice.objects.filter(membership=ling.membership).values_list("title", flat=True))
    assert {"补贴申请已核定", "补贴已拨付"} <= told


def test_the_database_itself_wants_two_people(ling: Person, rui: Person) -> None:
    claim = stored(ling)
    with by_hand(), pytest.raises(IntegrityError), transaction.atomic():
        SubsidyClaim.objects.filter(pk=claim.pk).update(
            state="approved", checked_by=rui.user, approved_by=rui.user, approved_at=now()
        )


def test_half_a_fen_goes_up_and_the_cap_of_one_claim_holds(ling: Person) -> None:
    assert scheme("agency").amount(Decimal("0.25")) == Decimal("0.01")
    assert scheme().amount(Decimal(10_000_000)) == Decimal(500_000)


@pytest.mark.parametrize("wrong", ["number", "base", "papers", "twice", "lies"])
def test_a_claim_that_cannot_be_is_refused_and_leaves_nothing(ling: Person, lent: Application, wrong: str) -> None:
    given = {"case_number": lent.number, "base": Decimal(100), "papers": [paper()], "district": "500157"}
    change: dict[str, object] = {
        "number": {"case_number": "YZD1"},
        "base": {"base": Decimal(0)},
        "papers": {"papers": []},
        "twice": {},
        "lies": {"papers": [paper(), paper(b"MZ nothing of a PDF")]},
    }[wrong]  # type: ignore[assignment]
    if wrong == "twice":
        applied(ling, lent.number)
    before = SubsidyClaim.objects.count()
    with pytest.raises((Invalid, WrongType)):
        actions.apply(scheme().pk, **(given | change), actor=ling.actor, now=now())  # type: ignore[arg-type, operator]
    assert SubsidyClaim.objects.count() == SubsidyPaper.objects.count() == before


def test_only_who_it_is_for_may_claim(ling: Person, gu: Person, bo: Person, lent: Application) -> None:
    for who, code in ((gu, INTEREST), (bo, "fee-award"), (ling, "fee-award")):
        with pytest.raises(Forbidden):
            applied(who, lent.number, code=code)
    assert applied(gu, lent.number, 1_000_000, code="fee-award").amount == Decimal(5_000)
    type(ling.organisation).objects.filter(pk=ling.organisation.pk).update(district="500106")
    ling.organisation.refresh_from_db()
    with pytest.raises(WrongState, match="只面向"):
        applied(ling, lent.number)


def test_a_strangers_loan_an_unpaid_one_and_none_at_all_sound_the_same(
    ling: Person, wai: Person, bo: Person, product: Product, lent: Application
) -> None:
    """Wai cannot tell by a refusal whether Ling's case exists, and Ling gets nothing for a loan that was not paid out."""
    unpaid = factories.application(ling, product, patents=[factories.patent(ling.organisation, factories.INVENTION_2)])
    for who, case_number in ((wai, lent.number), (wai, number(9999)), (ling, unpaid.number)):
        with pytest.raises(Invalid) as refused:
            applied(who, case_number)
        assert refused.value.fields == {"case_number": NOT_YOURS}
    assert not SubsidyClaim.objects.exists()


def test_an_award_is_for_what_the_guarantor_itself_covers(gu: Person, lent: Application) -> None:
    other = factories.person(
        "guan", "关示例", Role.OFFICER, factories.organisation(OrganisationKind.GUARANTOR, "示例乙担保")
    )
    with pytest.raises(Invalid) as refused:
        applied(other, lent.number, code="fee-award")
    assert refused.value.fields == {"case_number": NOT_YOURS}
    with pytest.raises(Invalid, match="500 万元"):
        applied(gu, lent.number, 5_000_001, code="fee-award")
    assert applied(gu, lent.number, 5_000_000, code="fee-award").amount == Decimal(25_000)


def test_the_agencys_subsidy_is_claimed_outside_the_portal_and_says_so(
    ling: Person, gu: Person, lent: Application
) -> None:
    """No operating agency has a seat here; Ling, a borrower, must not apply in its place."""
    for who in (ling, gu):
        with pytest.raises(Forbidden, match="线下"):
            applied(who, lent.number, code="agency")
    page = ling.client.get(reverse("subsidies")).content.decode()
    assert "线下申请" in page
    assert reverse("subsidy-apply", args=["agency"]) not in page
    assert reverse("subsidy-apply", args=[INTEREST]) in page


def test_what_is_refused_or_withdrawn_may_be_claimed_again(ling: Person, rui: Person, lent: Application) -> None:
    first = applied(ling, lent.number)
    with pytest.raises(Invalid):
        actions.refuse(first.pk, note=" ", actor=rui.actor, now=now())
    actions.refuse(first.pk, note="凭证与办件不符", actor=rui.actor, now=now())
    second = applied(ling, lent.number)
    actions.withdraw(second.pk, actor=ling.actor, now=now())
    with pytest.raises(WrongState):
        actions.check(second.pk, actor=rui.actor, now=now())
    assert applied(ling, lent.number).state == "applied"


def test_strangers_see_nothing_of_a_claim(
    ling: Person, wai: Person, bo: Person, rui: Person, lent: Application
) -> None:
    claim = applied(ling, lent.number)
    page = reverse("subsidy-claim", args=[claim.ref])
    file = reverse("subsidy-paper", args=[claim.ref, claim.papers.get().ref])
    for who in (wai, bo):
        assert [who.client.get(url).status_code for url in (page, file)] == [404, 404]
        assert claim.case_number not in who.client.get(reverse("subsidies")).content.decode()
    assert [rui.client.get(url).status_code for url in (page, file)] == [200, 200]


def test_the_whole_way_through_the_browser(ling: Person, rui: Person, ren: Person, lent: Application) -> None:
    assert "待确认" in ling.client.get(reverse("subsidies")).content.decode()
    form = reverse("subsidy-apply", args=[INTEREST])
    sent = {"case_number": lent.number, "base": "100000"}
    assert ling.client.post(form, sent).status_code == 400
    refused = ling.client.post(form, {**sent, "case_number": number(9999), "papers": [paper()]})
    assert (refused.status_code, NOT_YOURS in refused.content.decode()) == (400, True)
    assert ling.client.post(form, {**sent, "papers": [paper(), paper()]}).status_code == 302
    claim = SubsidyClaim.objects.get()
    page = reverse("subsidy-claim", args=[claim.ref])
    assert ling.client.post(page, {"step": "check"}).status_code == 403
    assert rui.client.post(page, {"step": "check"}).status_code == 302
    assert "另一人" in rui.client.get(page).content.decode()
    assert rui.client.post(page, {"step": "approve", "sure": "1"}).status_code == 403
    assert ren.client.post(page, {"step": "approve", "sure": "1"}).status_code == 302
    today = f"{moments.local_date(now())}"
    assert ren.client.post(page, {"step": "pay", "paid_on": today, "voucher": ""}).status_code == 400
    paying = {"step": "pay", "paid_on": today, "voucher": "B-7"}
    assert ren.client.post(page, {**paying, "sure": "1"}).status_code == 302
    assert "B-7" in ling.client.get(page).content.decode()


def test_what_cannot_be_undone_is_asked_about_with_its_amount_first(
    ling: Person, rui: Person, ren: Person, lent: Application
) -> None:
    claim = applied(ling, lent.number)
    page = reverse("subsidy-claim", args=[claim.ref])
    today = f"{moments.local_date(now())}"

    def asks(who: Person, **sent: str) -> str:
        """One click: a page that names the amount, and nothing done."""
        before = SubsidyClaim.objects.get(pk=claim.pk).state
        answer = who.client.post(page, sent)
        assert answer.status_code == 200
        text: str = answer.content.decode()
        assert "30000.00 元" in text
        assert SubsidyClaim.objects.get(pk=claim.pk).state == before
        return text

    assert "确认撤回申请" in asks(ling, step="withdraw")
    actions.check(claim.pk, actor=rui.actor, now=now())
    assert ren.client.post(page, {"step": "withdraw"}).status_code == 403, "only what she may do is asked about"
    assert "预算现在还剩 100 万元" in asks(ren, step="approve")
    actions.approve(claim.pk, actor=ren.actor, now=now())
    text = asks(ren, step="pay", paid_on=today, voucher="B-9")
    assert 'name="voucher" value="B-9"' in text, "what was typed is carried to the confirmation"


def test_ling_sends_contract_and_receipts_together_and_one_more_later(
    ling: Person, wai: Person, rui: Person, lent: Application
) -> None:
    """A claim needs a contract and a receipt: one field took one file. Ling sends several, adds the one Rui misses, and
    after the first examination the evidence stays as it was examined."""
    form = reverse("subsidy-apply", args=[INTEREST])
    sent = {"case_number": lent.number, "base": "100000"}
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


def test_the_evidence_of_one_claim_has_an_end(ling: Person, lent: Application) -> None:
    claim = applied(ling, lent.number)
    actions.supplement(claim.pk, papers=[paper() for _ in range(29)], actor=ling.actor, now=now())
    with pytest.raises(Invalid, match="最多 30 个文件，已有 30 个"):
        actions.supplement(claim.pk, papers=[paper()], actor=ling.actor, now=now())
    assert claim.papers.count() == 30


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_of_ten_approvals_at_once_the_budget_lets_exactly_as_many_through_as_it_holds(
    ling: Person, rui: Person, ren: Person
) -> None:
    SubsidyScheme.objects.filter(code=INTEREST).update(budget=Decimal(105_000))  # three and a half claims
    claims = [stored(ling, serial) for serial in range(1, 11)]
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
    assert scheme().reserved == Decimal(90_000)


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_one_claim_approved_by_many_at_once_is_counted_once(ling: Person, rui: Person, ren: Person) -> None:
    claim = stored(ling)
    actions.check(claim.pk, actor=rui.actor, now=now())

    def approve() -> object:
        try:
            return actions.approve(claim.pk, actor=ren.actor, now=now())
        except DomainError as error:
            return error

    results = together(*[approve] * 6)
    assert sum(isinstance(r, SubsidyClaim) for r in results) == 1
    assert scheme().reserved == claim.amount
