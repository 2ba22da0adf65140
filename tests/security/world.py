"""One small world with an object behind every address, made by the portal's own verbs.

Ling's requests stand at every stage; Bo's bank is on all of them, Wai, Cui and Gu on none unless said. Secrets carry
marks (`MARK`), so that a page can be searched for what its reader must not know.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile

from applications.actions import choices, covers, drafts, responses, valuations
from applications.cover_models import Cover
from applications.models import Application, Attachment, Draft, InformationRequest, NextRound, Offer, Referral
from banks.models import Institution
from pledges.actions import examination, loans
from pledges.actions.loans import Payment
from pledges.after import consents
from pledges.after.filing import Wish
from pledges.after.kinds import MatterKind
from pledges.after.models import AfterPaper, Matter, UseConsent
from pledges.duty import actions as duty
from pledges.models import Absence, Alert, Document, Notice, Registration, SearchCertificate
from pledges.search import certificates
from pledges.search.asking import Question
from portal.foundation.accounts import inviting
from portal.foundation.accounts.inviting import Issued
from portal.foundation.accounts.models import Invitation, OrganisationKind, Role
from portal.foundation.assets.models import AgencyRequest, Patent, Valuation
from portal.foundation.assets.valuation import actions as valuing
from portal.foundation.assets.valuation import agency, provider, simulator
from portal.foundation.assets.valuation.approaches import Income
from portal.foundation.core import moments
from portal.foundation.core.intake.gate import admit
from portal.foundation.journal import dispatcher
from portal.integrations import actions as keys
from portal.integrations.models import ApiKey
from portal.notifications.models import Notice as Message
from portal.oversight import incidents
from portal.oversight.models import Incident
from portal.reports import actions as reports
from portal.reports.models import SupervisionOrder
from products import workbook
from products.actions import drafting, importing, review
from products.models import (
    EnterpriseTier,
    Product,
    ProductImport,
    ProductVersion,
    Quota,
    QuotaTool,
    SubsidyClaim,
    SubsidyScheme,
)
from products.quotas import actions as quotas
from products.risk import listing
from products.subsidies import actions as subsidies
from tests import factories
from tests.factories import Person
from tests.made_files import PDF
from tests.pledges.after_steps import handed_in
from tests.pledges.conftest import accepted, examined, filled, submitted
from tests.reports.seed import Seed

from . import disposals, ways_in

FAR = date(2099, 1, 1)
# Only Ling and Bo's bank, to which she turned, may read these; of the pledge file also the office.
MARK = {
    "phone": "13987651234",
    "title": "暗号甲专利名称",
    "note": "暗号乙用途说明",
    "file": "暗号丙文件名",
    "contact": "暗号丁联系人",
    "question": "暗号戊补充什么",
    "answer": "暗号己企业答复",
    "conditions": "暗号庚附加条件",
    "rate": "7.891",
    "contract": "暗号辛合同编号",
    "decline": "暗号壬婉拒说明",
}
# Of the valuation that Bo's bank made for itself: nobody else may read them, Ling no more than a stranger.
PRIVATE_PURPOSE, PRIVATE_REVENUE = "暗号丑内部评估目的", Decimal("7319264.58")
# Of the open call: what an institution that has not claimed it must not read.
POOL = {"phone": "13612345678", "contact": "暗号癸联系人", "note": "暗号子用途说明"}


@dataclass
class World:
    """Who is there, and one object for every address."""

    people: dict[str, Person]
    patent: Patent
    product: Product
    draft: Draft
    draft_file: Attachment
    asked: Application  # Bo has asked something, nobody has answered
    question: InformationRequest
    file: Attachment
    offered: Application  # Bo's offer lies open
    offer: Offer
    shared: Application  # with Bo and Cui: Bo has made an offer
    claim: SubsidyClaim  # of Ling
    quota: Quota  # of Bo's bank
    tier: EnterpriseTier  # of Wai
    cover_file: Attachment  # of that request
    cover: Cover  # Ling asked Gu to guarantee the loan of Bo in it
    pool: Application  # an open call that Bo and Cui have on their desks and Gu may claim
    begun: Registration  # Bo's side is filling in the form
    waiting: Registration  # with the office
    paper: Document
    registered: Registration
    notice: Notice
    certificate: SearchCertificate  # of the registered patent; whoever holds its code reads it
    alert: Alert  # of the registered file
    absence: Absence  # of Chen, next month
    matter: Matter  # a change of it, with the office
    matter_paper: AfterPaper
    consent: UseConsent  # Ling asked Bo's bank
    order: SupervisionOrder
    valuing: Valuation  # Ling's, not closed yet
    valued: Valuation  # Ling's, final, shown to Bo
    private: Valuation  # Bo's own of Ling's patent
    sent: Valuation  # the credit agency's, for Ling
    next: NextRound  # Bo has declined, Cui is recommended
    owed: NextRound  # nobody is left; the dispatcher's desk is to answer
    digest: Message
    invited: Issued
    keeper: Invitation  # Sena appointed somebody, Ada or Audi is to confirm
    mail: str  # the token of the link to an address that Ling has typed
    colleague: Person
    messages: dict[str, Message]
    key: ApiKey  # of Bo's bank
    draft_terms: ProductVersion  # the next version of the product, put forward and not reviewed
    book: ProductImport  # handed in by Bo's bank, not looked through yet
    sale: disposals.Disposals
    incident: Incident
    second_factor: int  # Ling's
    way_back: str  # the token of a link for Ling, who forgot her password

    def referral(self, case: Application, person: str) -> Referral:
        return case.referrals.get(institution_id=self.people[person].organisation.pk)

    def __getattr__(self, name: str) -> Person:
        try:
            return self.__dict__["people"][name]  # type: ignore[no-any-return]
        except KeyError:
            raise AttributeError(name) from None


def upload(name: str, body: bytes = PDF) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, body, content_type="application/pdf")


def build(people: dict[str, Person]) -> World:
    """The world; `people` are the fixtures of tests/conftest.py by name."""
    now = moments.now()
    ling, wai, bo, cui, gu, chen, rui = (people[n] for n in ("ling", "wai", "bo", "cui", "gu", "chen", "rui"))
    desk = factories.organisation(OrganisationKind.PLATFORM, "示例调度台")
    Institution.objects.create(organisation=desk, example=True, dispatcher=True, takes_open_calls=False)
    duan = factories.person("duan", "段示例", Role.OFFICER, desk)
    colleague = factories.person("lan", "蓝示例", Role.ENTERPRISE, ling.organisation)
    product = factories.product(bo.organisation)
    rival = factories.product(cui.organisation, "示例乙贷")
    patents = [
        factories.patent(ling.organisation, factories.INVENTION),
        factories.patent(ling.organisation, factories.INVENTION_2),
        factories.patent(ling.organisation, factories.UTILITY),
    ]
    Patent.objects.filter(pk=patents[0].pk).update(title=MARK["title"])
    patents[0].refresh_from_db()
    draft = drafts.start(actor=ling.actor, now=now)
    draft_file = drafts.attach(draft.pk, upload(MARK["file"] + ".pdf"), kind="other", actor=ling.actor, now=now)

    asked = _request(ling, product, patents[:1])
    question = responses.ask(_of(asked, bo).pk, question=MARK["question"], actor=bo.actor, now=now)
    file = Attachment.objects.create(
        application=asked,
        uploaded_by=ling.actor.label,
        uploaded_at=now,
        **admit(upload(MARK["file"] + ".pdf"), actor=ling.actor, now=now).fields(),
    )
    offered = _request(ling, product, patents[:1])
    offer = _offer(offered, bo)
    shared = factories.application(ling, product, rival, patents=patents[1:2])
    _offer(shared, bo)
    refused = factories.application(ling, product, rival, patents=patents[1:2])
    responses.decline(_of(refused, bo).pk, code="other", note=MARK["decline"], actor=bo.actor, now=now)
    once = factories.application(ling, product, patents=patents[1:2])
    nobody = factories.application(ling, product, rival, patents=patents[1:2])
    for case, lender in ((once, bo), (nobody, bo), (nobody, cui)):
        responses.decline(_of(case, lender).pk, code="amount", note="", actor=lender.actor, now=now)
    covered = factories.application(ling, product, patents=patents[1:2])
    responses.claim(
        _of(covered, bo).pk,
        contact_name="薄示例",
        contact_phone="023-67961234",
        next_step="尽调",
        actor=bo.actor,
        now=now,
    )
    cover = covers.ask(
        _of(covered, bo).pk, institution_id=gu.organisation.pk, amount=Decimal(1_000_000), actor=ling.actor, now=now
    )
    cover_file = Attachment.objects.create(
        application=covered,
        uploaded_by=ling.actor.label,
        uploaded_at=now,
        **admit(upload("担保用材料.pdf"), actor=ling.actor, now=now).fields(),  # Gu reads it by right: no mark
    )
    quota = quotas.allot(
        QuotaTool.objects.get(code="special").pk, institution_id=bo.organisation.pk, amount=Decimal(1_000_000),
        actor=rui.actor, now=now,
    ).quota  # fmt: skip
    pool = factories.application(ling, patents=patents[1:2], open_call=True)
    for marks, cases in ((MARK, [asked, offered]), (POOL, [pool])):
        Application.objects.filter(pk__in=[case.pk for case in cases]).update(
            contact_phone=marks["phone"], contact_name=marks["contact"], purpose_note=marks["note"]
        )
    begun = filled(accepted(ling, bo, product, patents=patents[1:2]), bo, contract_number=MARK["contract"])
    waiting = submitted(accepted(ling, bo, product, patents=patents[2:]), bo, ling)
    done = examined(submitted(accepted(ling, bo, product, patents=patents[:1]), bo, ling), chen)
    notice = examination.register(done.pk, actor=chen.actor, now=now)
    lent = Payment(Decimal(1_000_000), Decimal("3.45"), moments.local_date(moments.now()), "SL-1")
    loans.record_loan(done.pk, lent, actor=bo.actor, now=moments.now())
    claim = subsidies.apply(
        SubsidyScheme.objects.get(code="interest-500157").pk, case_number=done.application.number,
        base=Decimal(100_000), papers=[upload("凭证.pdf")], district=ling.organisation.district_id, actor=ling.actor,
        now=now,
    )  # fmt: skip
    day = moments.local_date(now) - timedelta(days=1)
    wish = listing.Wish(str(wai.organisation.uscc), "a", day, None)
    tier = listing.put_on(wish, source="示例名单", actor=rui.actor, now=now)
    alert = Alert.objects.create(
        registration=done, number=patents[0].number, kind="preserved", on=now.date(), text="专利被保全。", found_at=now
    )
    next_month = moments.local_date(now) + timedelta(days=30)
    absence = duty.set_absence(chen.user.pk, first=next_month, last=next_month, note="", actor=chen.actor, now=now)
    matter = handed_in(done, MatterKind.CHANGE, Wish(changes={"pledgor_address": "重庆市示例路 1 号"}), ling, bo)
    wanted = consents.Asked("licence", [patents[0].number], counterparty="重庆示例受让有限公司")
    consent = consents.ask(done.pk, wanted, actor=ling.actor, now=now)
    late = Seed(ling, serial=9000).referral(bo.organisation, started=now - timedelta(days=20)).clock
    assert late is not None
    order = reports.issue(late.pk, demand="请说明原因。", reply_days=1, actor=rui.actor, now=now)
    invited = inviting.invite("13700000001", Role.ENTERPRISE, actor=ling.actor, now=now)
    terms = {"rate_from": Decimal("3.45"), "repayment": ["interest"]}
    drafting.save(product.pk, terms, seen="", actor=bo.actor, now=now)
    draft_terms = review.submit(product.pk, actor=bo.actor, now=now)
    sheet = workbook.write([], regulator=False, title="示例", today=now.date())
    book = importing.start(SimpleUploadedFile("产品.xlsx", sheet), actor=bo.actor, now=now)
    drawn_up = valuing.start([patents[1].pk], scene="finance", actor=ling.actor, now=now)
    valued = closed(valuing.start([patents[1].pk], scene="finance", actor=ling.actor, now=now), ling)
    valuations.show(valued.pk, [_of(shared, bo).pk], actor=ling.actor, now=now)
    private = valuations.value_privately(
        _of(asked, bo), scene="finance", purpose=PRIVATE_PURPOSE, actor=bo.actor, now=now
    )
    private = closed(private, bo, revenue=PRIVATE_REVENUE)
    sale = disposals.build(people, product)
    incident = incidents.open_incident(
        kind="leak", what="示例事件", affected="", found_at=now, actor=people["ada"].actor, now=now
    )
    dispatcher.dispatch(now=now)
    return World(
        people={**people, "lan": colleague, "duan": duan},
        patent=patents[0],
        product=product,
        draft=draft,
        draft_file=draft_file,
        asked=asked,
        question=question,
        file=file,
        offered=offered,
        offer=offer,
        shared=shared,
        cover=cover,
        cover_file=cover_file,
        claim=claim,
        quota=quota,
        tier=tier,
        pool=pool,
        begun=begun,
        waiting=Registration.objects.get(pk=waiting.pk),
        paper=waiting.documents.get(kind=Document.Kind.CONTRACT),
        registered=Registration.objects.get(pk=done.pk),
        notice=notice,
        certificate=certificates.certify(Question("patent", factories.INVENTION), now=now),
        alert=alert,
        absence=absence,
        matter=matter,
        matter_paper=matter.papers.get(),
        consent=consent,
        order=order,
        valuing=drawn_up,
        valued=valued,
        private=private,
        sent=_from_agency(ling, patents[1]),
        next=once.next_rounds.get(),
        owed=nobody.next_rounds.get(),
        digest=Message.objects.create(
            window=now,
            membership=ling.membership,
            kind=Message.Kind.DEADLINE,
            title="时限提醒汇总",
            url="/",
            created_at=now,
        ),
        invited=invited,
        keeper=ways_in.waiting_keeper(people["sena"]),
        mail=ways_in.mail_link(ling),
        colleague=colleague,
        messages={
            name: message
            for name, person in people.items()
            if (message := Message.objects.filter(membership=person.membership).first())
        },
        key=keys.create("示例系统", ["referrals:read"], 30, actor=people["bo_manager"].actor, now=now).key,
        draft_terms=draft_terms,
        book=book,
        sale=sale,
        incident=incident,
        second_factor=ways_in.second_factor(ling),
        way_back=ways_in.reset_link(ling),
    )


def closed(draft: Valuation, by: Person, *, revenue: Decimal = Decimal(5_000_000)) -> Valuation:
    """A draft with one approach, final."""
    now = moments.now()
    income = Income(revenue, Decimal(5), Decimal(5), Decimal(15), Decimal(12), 3)
    kept = valuing.set_inputs(draft.pk, "income", income, version=draft.version, actor=by.actor, now=now)
    until = moments.local_date(now) + timedelta(days=100)
    return valuing.finalise(draft.pk, valid_until=until, version=kept.version, actor=by.actor, now=now)


def _from_agency(by: Person, patent: Patent) -> Valuation:
    """As the dispatcher keeps an answer of the agency."""
    now = moments.now()
    asked = AgencyRequest.objects.create(organisation=by.organisation, asked_at=now, asked_by=by.actor.label)
    asked.patents.set([patent])
    report = simulator.Answering._report({"patents": [{"number": patent.number}]})
    return agency.receive(asked.pk, provider.parse(report), now=now)


def _request(by: Person, product: Product, patents: list[Patent], **wish: Any) -> Application:
    return factories.application(by, product, patents=patents, **wish)


def _offer(case: Application, by: Person) -> Offer:
    terms = responses.Terms(
        amount=Decimal(8_000_000),
        term_months=24,
        annual_rate=Decimal(MARK["rate"]),
        conditions=MARK["conditions"],
        valid_until=FAR,
    )
    return responses.offer(_of(case, by).pk, terms, actor=by.actor, now=moments.now())


def _of(case: Application, person: Person) -> Referral:
    return case.referrals.get(institution_id=person.organisation.pk)


def answer(world: World) -> None:
    """Ling answers Bo's question, with a paper."""
    choices.answer(
        world.question.pk,
        text=MARK["answer"],
        uploads=[upload(MARK["file"] + "答复.pdf")],
        actor=world.ling.actor,
        now=moments.now(),
    )
