"""Own, foreign, missing: for every address with an object in it, a stranger cannot tell «not yours» from «not there»."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.urls import reverse

from .routes import ROUTES
from .world import World

pytestmark = pytest.mark.django_db

NOWHERE: dict[str, Any] = {
    "pk": 987654321,
    "draft_id": 987654321,
    "offer_id": 987654321,
    "question_id": 987654321,
    "notice_id": 987654321,
    "receipt_id": 987654321,
    "institution_id": 987654321,
    "ref": uuid.UUID(int=7),
    "file_ref": uuid.UUID(int=7),
    "number": "YZD209912319999A",
    "token": "x" * 43,
    "code": "ZZZZZZZZZZZZ",
}
COMPANY, BANK, OFFICE = {"ling"}, {"bo", "bo_manager"}, {"chen", "chief"}
PARTIES = COMPANY | BANK
EVERYBODY = {
    "ling",
    "wai",
    "bo",
    "bo_manager",
    "cui",
    "gu",
    "duan",
    "chen",
    "chief",
    "rui",
    "ada",
    "sena",
    "audi",
    "visitor",
}


@dataclass(frozen=True)
class Row:
    """The real object of an address, who may know of it, and where a right object hangs under a wrong one."""

    real: Callable[[World], dict[str, Any]]
    known_to: set[str]
    method: str = "get post"
    fixed: dict[str, Any] | None = None  # places that name no object, e.g. a step


def _case(known_to: set[str] = COMPANY, method: str = "get post") -> Row:
    return Row(lambda w: {"number": w.offered.number}, known_to, method)


def _draft(method: str = "get post", **fixed: Any) -> Row:
    return Row(lambda w: {"draft_id": w.draft.pk, **fixed}, COMPANY, method, fixed)


def _referral(known_to: set[str] = BANK, method: str = "post") -> Row:
    return Row(lambda w: {"ref": w.referral(w.asked, "bo").ref}, known_to, method)


def _pledge(which: str, known_to: set[str] = PARTIES, method: str = "get post") -> Row:
    return Row(lambda w: {"number": getattr(w, which).number}, known_to, method)


def _sale(known_to: set[str], method: str = "get post") -> Row:
    return Row(lambda w: {"number": w.sale.auction.number}, known_to, method)


def _financing(known_to: set[str], method: str = "get post") -> Row:
    return Row(lambda w: {"number": w.sale.right.application.number}, known_to, method)


def _right(w: World) -> dict[str, Any]:
    return {"number": w.sale.right.application.number, "ref": w.sale.right.ref}


def _evidence(method: str = "post") -> Row:
    return Row(lambda w: {"pk": w.referral(w.asked, "bo").clock_id}, PARTIES | {"rui"}, method)


def _valuation(which: str, known_to: set[str] = COMPANY, method: str = "get post", **fixed: Any) -> Row:
    return Row(lambda w: {"number": getattr(w, which).number, **fixed}, known_to, method, fixed)


TABLE: dict[str, Row] = {
    # accounts
    "member-end": Row(lambda w: {"pk": w.colleague.membership.pk}, COMPANY),
    "invitation-revoke": Row(lambda w: {"pk": w.invited.invitation.pk}, COMPANY, "post"),
    "invitation-confirm": Row(lambda w: {"pk": w.keeper.pk}, {"ada", "sena", "audi"}, "post"),
    "mail-confirm": Row(lambda w: {"token": w.mail}, EVERYBODY),  # whoever holds the link
    "invitation": Row(lambda w: {"token": w.invited.token}, EVERYBODY),  # whoever holds the link
    "password-reset": Row(lambda w: {"token": w.way_back}, EVERYBODY),  # likewise
    "safety-remove": Row(lambda w: {"pk": w.second_factor}, {"ling"}, "post"),
    "notice-open": Row(lambda w: {"pk": w.messages["ling"].pk}, COMPANY, "post"),
    "notice-digest": Row(lambda w: {"pk": w.digest.pk}, COMPANY, "get"),
    "security-person": Row(lambda w: {"pk": w.ling.user.pk}, {"sena"}),
    "incident": Row(lambda w: {"pk": w.incident.pk}, {"ada", "sena", "audi"}),
    # patents
    "assets:edit": Row(lambda w: {"pk": w.patent.pk}, COMPANY),
    "assets:remove": Row(lambda w: {"pk": w.patent.pk}, COMPANY),
    # valuations
    "valuations:detail": _valuation("private", BANK, "get"),
    "valuations:approach": _valuation("valuing", kind="income"),
    "valuations:shares": _valuation("valuing", method="post"),
    "valuations:scores": Row(lambda w: {"number": w.valuing.number, "pk": w.valuing.patents.get().pk}, COMPANY),
    "valuations:final": _valuation("private", BANK),
    "valuations:discard": _valuation("private", BANK),
    "valuations:renew": _valuation("valued", method="post"),
    "valuations:pdf": _valuation("valued", PARTIES, "get"),
    "valuations:paper": _valuation("sent", method="get"),
    "valuation-show": _valuation("valued"),
    "desk-valuation": _referral(method="get post"),
    "desk-reveal": _referral(),
    "desk-valuation-renew": _valuation("private", BANK, "post"),
    # drafts
    "apply:discard": _draft(),
    "apply:review": _draft("get"),
    "apply:submit": _draft("post"),
    "apply:attach": _draft("post"),
    "apply:detach": Row(lambda w: {"draft_id": w.draft.pk, "ref": w.draft_file.ref}, COMPANY, "post"),
    "apply:save": _draft("post", step="need"),
    "apply:step": _draft(step="need"),
    # the company's cases
    "case": _case(method="get"),
    "case-offers": _case(method="get"),
    "case-attachment": Row(lambda w: {"number": w.asked.number, "ref": w.file.ref}, COMPANY, "get"),
    "case-accept": Row(lambda w: {"number": w.offered.number, "offer_id": w.offer.pk}, COMPANY),
    "case-answer": Row(lambda w: {"number": w.asked.number, "question_id": w.question.pk}, COMPANY),
    "case-withdraw": _case(),
    "case-extend": _case(),
    "case-close": _case(),
    "case-next": Row(
        lambda w: {"number": w.next.application.number, "institution_id": w.next.lenders.first().institution_id},
        COMPANY,
    ),
    "case-revoke": Row(lambda w: {"number": w.asked.number, "ref": w.referral(w.asked, "bo").ref}, COMPANY),
    # the evidence of a clock
    "evidence": _evidence("get"),
    "evidence-paper": _evidence(),
    "evidence-package": _evidence(),
    # the institution's desk
    "desk-pool-claim": Row(lambda w: {"number": w.pool.number}, {"gu", "duan"}, "get"),
    "desk-referral": _referral(method="get"),
    "desk-claim": _referral(),
    "desk-ask": _referral(),
    "desk-offer": _referral(),
    "desk-decline": _referral(),
    "desk-assign": _referral({"bo_manager"}),
    "desk-dispatch": _referral(),
    "desk-owed": Row(lambda w: {"pk": w.owed.pk}, {"duan"}),
    "desk-attachment": Row(lambda w: {"ref": w.referral(w.asked, "bo").ref, "file_ref": w.file.ref}, BANK, "get"),
    # guarantees and insurances
    "case-cover-ask": _case(),
    "case-cover": Row(lambda w: {"number": w.cover.application.number, "ref": w.cover.ref}, COMPANY),
    "desk-cover": Row(lambda w: {"ref": w.cover.ref}, BANK | {"gu"}),
    "desk-cover-attachment": Row(lambda w: {"ref": w.cover.ref, "file_ref": w.cover_file.ref}, {"gu"}, "get"),
    "desk-cover-ask": _referral(method="get post"),
    # subsidies and quotas
    "subsidy-claim": Row(lambda w: {"ref": w.claim.ref}, COMPANY | {"rui"}),
    "subsidy-paper": Row(
        lambda w: {"ref": w.claim.ref, "file_ref": w.claim.papers.get().ref}, COMPANY | {"rui"}, "get"
    ),
    "quota": Row(lambda w: {"pk": w.quota.pk}, BANK | {"rui"}),
    # pledge files
    "pledges:start": Row(lambda w: {"number": w.begun.application.number}, PARTIES),
    "pledges:detail": _pledge("waiting", PARTIES | {"rui"}, "get"),
    "pledges:edit": _pledge("begun"),
    "pledges:precheck": _pledge("begun", method="get"),
    "pledges:declare": _pledge("begun", method="post"),
    "pledges:contract": _pledge("waiting", PARTIES | OFFICE),
    "pledges:patents": _pledge("waiting", PARTIES | OFFICE | {"rui"}, "get"),
    "pledges:patent-list": _pledge("begun"),
    "pledges:patent-template": _pledge("begun"),
    "pledges:leave-out": _pledge("begun", method="post"),
    "pledges:made": Row(
        lambda w: {"number": w.waiting.number, "kind": "promise"}, PARTIES | OFFICE, "get", {"kind": 1}
    ),
    "pledges:made-pdf": Row(
        lambda w: {"number": w.waiting.number, "kind": "promise"}, PARTIES | OFFICE, "get", {"kind": 1}
    ),
    "pledges:propose": _pledge("begun", method="post"),
    "pledges:take-back": _pledge("begun", method="post"),
    "pledges:confirm": _pledge("begun"),
    "pledges:send-back": _pledge("begun", method="post"),
    "pledges:withdraw": _pledge("begun"),
    "pledges:correct": _pledge("waiting", method="get"),
    "pledges:loan": _pledge("registered", BANK),
    "pledges:document": Row(lambda w: {"number": w.waiting.number, "ref": w.paper.ref}, PARTIES | OFFICE, "get"),
    "pledges:alert-note": Row(lambda w: {"pk": w.alert.pk}, PARTIES | OFFICE, "post"),
    "pledges:notice": Row(
        lambda w: {"number": w.registered.number, "notice_id": w.notice.pk}, PARTIES | OFFICE | {"rui"}, "get"
    ),
    "pledges:notice-pdf": Row(
        lambda w: {"number": w.registered.number, "notice_id": w.notice.pk}, PARTIES | OFFICE | {"rui"}, "get"
    ),
    "pledges:receipt-pdf": Row(
        lambda w: {"number": w.registered.number, "receipt_id": w.registered.receipts.get().pk}, PARTIES | OFFICE, "get"
    ),
    "pledges:application-pdf": _pledge("waiting", PARTIES | OFFICE, "get"),
    "pledges:certificate-pdf": Row(lambda w: {"code": w.certificate.verify_code}, EVERYBODY, "get"),
    "pledges:verify": Row(lambda w: {"code": w.notice.verify_code}, EVERYBODY, "get"),  # whoever holds the paper
    # after the registration
    "pledges:after": _pledge("registered", PARTIES | {"rui"}, "get"),
    "pledges:revocation-state": _pledge("registered", method="post"),
    "pledges:consent-ask": _pledge("registered", COMPANY),
    "pledges:consent": Row(lambda w: {"ref": w.consent.ref}, PARTIES | OFFICE),
    "pledges:after-paper": Row(
        lambda w: {"number": w.registered.number, "ref": w.matter_paper.ref}, PARTIES | OFFICE, "get"
    ),
    "pledges:matter-start": Row(
        lambda w: {"number": w.registered.number, "kind": "release"}, PARTIES, "get post", {"kind": "release"}
    ),
    "pledges:matter": _pledge("matter", PARTIES | {"rui"}, "get"),
    "pledges:matter-revise": _pledge("matter"),
    "pledges:matter-confirm": _pledge("matter", method="post"),
    "pledges:matter-send-back": _pledge("matter", method="post"),
    "pledges:matter-withdraw": _pledge("matter"),
    "pledges:matter-answer": _pledge("matter"),
    "pledges:history": Row(lambda w: {"number": w.patent.number}, COMPANY | OFFICE, "get"),
    "office-matter": _pledge("matter", OFFICE, "get"),
    "office-matter-accept": _pledge("matter", OFFICE, "post"),
    "office-matter-take-over": _pledge("matter", OFFICE, "post"),
    "office-matter-assign": _pledge("matter", {"chief"}, "post"),
    "office-matter-approve": _pledge("matter", OFFICE, "post"),
    "office-matter-correct": _pledge("matter", OFFICE, "post"),
    "office-matter-refuse": _pledge("matter", OFFICE, "post"),
    "office-revoke": _pledge("registered", OFFICE),
    # disposals
    "disposals:case": _sale(PARTIES | {"rui"}),
    "disposals:edit": _sale(BANK),
    "disposals:take-over": _sale(BANK),
    "disposals:distribution": _sale(BANK),
    "disposals:report": Row(lambda w: {"number": w.sale.auction.number, "pk": w.sale.take_over.pk}, PARTIES, "get"),
    "disposals:detail": _sale(EVERYBODY, "get"),  # published
    "disposals:offer": _sale(PARTIES | {"wai", "cui", "gu", "duan"}),
    "disposals:default-new": Row(lambda w: {"number": w.sale.auction.registration.number}, BANK),
    "disposals:default": Row(lambda w: {"ref": w.sale.default.ref}, PARTIES | {"rui"}),
    "disposals:default-paper": Row(lambda w: {"ref": w.sale.default.ref, "file_ref": w.sale.paper.ref}, PARTIES, "get"),
    "disposals:claim": Row(lambda w: {"ref": w.sale.claim.ref}, PARTIES | {"gu", "rui"}),
    # all registrations of a financing
    "other-rights:list": _financing(PARTIES | {"rui"}, "get"),
    "other-rights:add": _financing(PARTIES),
    "other-rights:right": Row(_right, PARTIES | {"rui"}),
    "other-rights:paper": Row(lambda w: {**_right(w), "file_ref": w.sale.right_paper.ref}, PARTIES, "get"),
    # the office
    "office-file": _pledge("waiting", OFFICE, "get"),
    "office-accept": _pledge("waiting", OFFICE, "post"),
    "office-take-over": _pledge("waiting", OFFICE, "post"),
    "office-assign": _pledge("waiting", {"chief"}, "post"),
    "office-check": _pledge("waiting", OFFICE, "post"),
    "office-correct": _pledge("waiting", OFFICE),
    "office-hand-over": _pledge("waiting", {"chief"}, "post"),
    "office-register": _pledge("waiting", OFFICE),
    "office-refuse": _pledge("waiting", OFFICE),
    "office-forward": _pledge("registered", OFFICE),
    "office-registry": _pledge("waiting", OFFICE, "post"),
    "office-registry-progress": _pledge("waiting", OFFICE, "get"),
    "office-recuse": _pledge("waiting", OFFICE, "post"),
    "office-absence-end": Row(lambda w: {"pk": w.absence.pk}, OFFICE, "post"),
    "office-reassign": Row(lambda w: {"pk": w.chen.user.pk}, {"chief"}, "post"),
    # supervision
    "supervision-case": _case({"rui"}),
    "supervision-hand-over": _pledge("waiting", {"rui"}),
    "supervision-tier-end": Row(lambda w: {"pk": w.tier.pk}, {"rui"}),
    "supervision-order": Row(lambda w: {"pk": w.order.clock_id}, {"rui"}),
    "order-reply": Row(lambda w: {"number": w.order.number}, BANK | {"rui"}),
    # the product library
    "products:manage": Row(lambda w: {"pk": w.product.pk}, BANK | {"rui"}, "get"),
    "products:edit": Row(lambda w: {"pk": w.product.pk}, BANK),
    "products:verb": Row(
        lambda w: {"pk": w.product.pk, "verb": "suspend"}, BANK | {"rui"}, "get post", {"verb": "suspend"}
    ),
    "products:review-item": Row(lambda w: {"pk": w.draft_terms.pk}, {"rui"}),
    "products:import-job": Row(lambda w: {"pk": w.book.pk}, BANK),
    "products:import-submit": Row(lambda w: {"pk": w.book.pk}, BANK),
    # the machine interface
    "api-key-revoke": Row(lambda w: {"pk": w.key.pk}, {"bo_manager"}),
    "api-referral-detail": _referral(method="get"),
    "api-referral-claim": _referral(),
    "api-referral-decline": _referral(),
}
# Addresses with a place that names nothing of anybody's.
PUBLIC = {
    "products:detail",
    "products:version",
    "api-product-detail",
    "supervision-policy-new",
    "supervision-scheme",
    "subsidy-scheme",
    "subsidy-apply",
    "quota-tool",
    "quota-eligible",
    "valuations:decide",
}


def test_every_address_with_an_object_stands_in_the_table() -> None:
    there = {route.name for route in ROUTES if route.objects}
    assert there - PUBLIC == set(TABLE)


def test_a_right_object_under_a_wrong_one_is_not_found(world: World) -> None:
    """Ling's own request in the address does not open what hangs under another request, her own or not."""
    number, ling, bo = world.offered.number, world.ling.client, world.bo.client
    other = world.referral(world.offered, "bo").ref
    for url in (
        reverse("case-answer", args=[number, world.question.pk]),
        reverse("case-attachment", args=[number, world.file.ref]),
        reverse("case-accept", args=[world.asked.number, world.offer.pk]),
        reverse("case-revoke", args=[number, world.referral(world.asked, "bo").ref]),
        reverse("pledges:document", args=[world.begun.number, world.paper.ref]),
        reverse("disposals:default-paper", args=[world.sale.claim.disposal.default.ref, world.sale.paper.ref]),
        reverse("disposals:report", args=[world.sale.claim.disposal.number, world.sale.take_over.pk]),
        reverse("other-rights:right", args=[world.registered.application.number, world.sale.right.ref]),
        reverse("pledges:notice", args=[world.waiting.number, world.notice.pk]),
        reverse("pledges:notice-pdf", args=[world.waiting.number, world.notice.pk]),
    ):
        assert ling.get(url).status_code == 404, url
    assert bo.get(reverse("desk-attachment", args=[other, world.file.ref])).status_code == 404


def test_a_draft_of_a_pledge_file_is_unknown_to_the_office_and_the_regulator(world: World) -> None:
    for who in ("chen", "chief"):
        assert world.people[who].client.get(f"/office/{world.begun.number}/").status_code == 404
    assert world.rui.client.get(reverse("pledges:detail", args=[world.begun.number])).status_code == 404
