"""The second half of the story: pledge files, from the form to the notice and the money."""

from datetime import date, datetime, timedelta
from decimal import Decimal

from django.core.files.base import ContentFile

from applications.models import Application
from pledges.actions import examination, filing, forwarding, joining, loans
from pledges.checking import actions as checking
from pledges.contract_text import actions as contract_text
from pledges.models import DebtKind, Document, Notice, Registration, Scope, Valuation
from pledges.particulars.entries import AgentEntry, MaximumEntry
from pledges.particulars.identity import identity_check
from pledges.particulars.models import Power, Side
from portal.foundation.accounts.models import Membership
from portal.foundation.assets.register import choice
from portal.foundation.core.moments import local_date
from portal.foundation.core.pdf import engine

# The smallest PDF a viewer opens: where Pango is missing the story still has its papers.
BLANK = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
    b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
)


def contract(
    file: Registration, *, number: str, signed: date, debt_from: date, debt_to: date, at: datetime
) -> "ContentFile[bytes]":
    """The pledge contract as a PDF with every item the law asks for."""
    context = {
        "title": "专利权质押合同",
        "channel": "示例合同",
        "number": number,
        "demo": True,
        "pledgor": file.pledgor.name,
        "pledgee": file.pledgee.name,
        "debtor": file.debtor_name,
        "debt_kind": DebtKind(file.debt_kind).label,
        "amount": f"{file.debt_amount:,.2f}",
        "debt_from": f"{debt_from:%Y年%m月%d日}",
        "debt_to": f"{debt_to:%Y年%m月%d日}",
        "scope": Scope(file.scope).label,
        "patents": [
            {"title": p.title, "number": p.number, "filing_date": f"{p.filing_date}", "grant_date": f"{p.grant_date}"}
            for p in file.patents.all()
        ],
    }
    body = engine.render_template("pdf/demo_contract.html", context, created=at) if engine.available().ok else BLANK
    return ContentFile(body, name="专利权质押合同（示例）.pdf")


def _agency() -> AgentEntry:
    """A patent agency that acts for the pledgor, with a number no card has (its holder would be born in 1900)."""
    body = "50010119000101001"
    return AgentEntry(
        acts_for=Side.PLEDGOR,
        abroad="",
        agency="重庆示例专利代理事务所",
        person="代示例",
        identity=body + identity_check(body),
        phone="",
        powers=[Power.FILE, Power.CORRECT, Power.RECEIVE],
    )


def filled(
    case: Application,
    by: Membership,
    *,
    at: datetime,
    serial: int,
    with_contract: bool = True,
    maximum: bool = False,
    agent: bool = False,
) -> Registration:
    """A form filled in and saved by one side; `maximum`: debts of a year, each due within another; `agent`: with an agency."""
    file = filing.start(case.pk, actor=by.actor, now=at)
    day = local_date(at)
    assert file.debt_from is not None
    assert file.debt_to is not None
    number = f"SL-{day:%Y}-ZY-{serial:03d}"
    content = filing.Content(
        debtor_name=file.debtor_name,
        contract_number=number,
        contract_signed_on=day,
        debt_kind=file.debt_kind,
        debt_amount=file.debt_amount,
        debt_from=file.debt_from,
        debt_to=file.debt_to,
        scope=Scope.ALL,
        valuation=Valuation.NEGOTIATED,
        valued_at=(file.debt_amount * Decimal("2.5")).quantize(Decimal("0.01")),
        identity_promise=True,
        twin_declared=False,
        invalidation_declared=False,
        co_owner_agreement=False,
        patent_ids=list(file.patents.values_list("patent_id", flat=True)),
        maximum=MaximumEntry(file.debt_from, file.debt_from + timedelta(days=365), 12) if maximum else None,
        agent=_agency() if agent else None,
    )
    uploads = []
    if agent:
        uploads += [
            filing.Upload(kind, ContentFile(BLANK, name=f"{kind.label}（示例）.pdf"), "other_file")
            for kind in (Document.Kind.MANDATE, Document.Kind.AGENT)
        ]
    if with_contract:
        paper = contract(file, number=number, signed=day, debt_from=file.debt_from, debt_to=file.debt_to, at=at)
        uploads.append(filing.Upload(Document.Kind.CONTRACT, paper, "contract"))
    uploads += [
        filing.Upload(
            Document.Kind.CO_OWNER,
            ContentFile(BLANK, name="共有人同意书（示例）.pdf"),
            "co_owner",
            owner.name,
            row.number,
        )
        for row in file.patents.all()
        for owner in row.patent.co_owners.all()
    ]
    return filing.save(
        file.pk, typed={}, content=content, uploads=uploads, version=file.version, actor=by.actor, now=at
    )


def filed(
    case: Application,
    by: Membership,
    other: Membership,
    *,
    at: datetime,
    serial: int,
    maximum: bool = False,
    agent: bool = False,
) -> Registration:
    """A file both parties have submitted to the office at `at`."""
    file = filled(case, by, at=at, serial=serial, maximum=maximum, agent=agent)
    joining.propose(file.pk, actor=by.actor, now=at)
    file.refresh_from_db()
    return joining.confirm(file.pk, version=file.version, actor=other.actor, now=at)


def examined(file: Registration, clerk: Membership, *, at: datetime) -> Registration:
    """Accepted, compared with the register where there is one, with every manual line looked at."""
    examination.accept(file.pk, actor=clerk.actor, now=at)
    if choice.can_be_asked():
        checking.check_register(file.pk, actor=clerk.actor, now=at)
    lines = [f"{c.ground}:{c.point}" for c in file.checks.all()]
    return examination.tick(file.pk, ticked=lines, shown=lines, actor=clerk.actor, now=at)


def registered(file: Registration, clerk: Membership, *, at: datetime) -> Notice:
    """Registered by the clerk; the notice is printed when somebody asks for it."""
    examined(file, clerk, at=at)
    return examination.register(file.pk, actor=clerk.actor, now=at)


def forwarded(file: Registration, clerk: Membership, *, at: datetime, number: str) -> None:
    """What the national office answered, recorded by the clerk."""
    forwarding.record_national(file.pk, number=number, registered_on=local_date(at), actor=clerk.actor, now=at)


def contract_read(file: Registration, by: Membership, *, at: datetime) -> None:
    """The contract's words looked through: the officer's draft lacks two items and has a clause that must not be in it."""
    patents = "；".join(f"{p.title} ZL{p.dotted} {p.filing_date} {p.grant_date}" for p in file.patents.all())
    words = (
        f"专利权质押合同（示例）\n出质人（甲方）：{file.pledgor.name}\n质权人（乙方）：{file.pledgee.name}\n"
        f"第一条 主债权的种类为流动资金借款，本金数额为人民币 {file.debt_amount:,.2f} 元。\n"
        f"第二条 债务履行期限自 {file.debt_from} 起至 {file.debt_to} 止。\n第三条 出质专利：{patents}。\n"
        "第四条 质押担保的范围包括主债权本金、利息和实现质权的费用。\n第五条 甲方逾期不还的，上述专利权自动归乙方所有。\n"
    )
    contract_text.read_pasted(file.pk, words, actor=by.actor, now=at)


def paid(file: Registration, bank: Membership, *, at: datetime, rate: str, number: str) -> None:
    """The bank reports the money."""
    payment = loans.Payment(
        amount=file.debt_amount, annual_rate=Decimal(rate), disbursed_on=local_date(at), loan_number=number
    )
    loans.record_loan(file.pk, payment, actor=bank.actor, now=at)
