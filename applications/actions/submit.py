"""Submitting a request: one transaction, one application however often it is sent, one clock per addressed institution."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from django.db import transaction

from applications.actions import submit_sql
from applications.actions.drafts import StaleDraft
from applications.matching import rank
from applications.models import Application, Consent, Draft, Referral
from banks.models import Institution
from portal.foundation.accounts.models import Role
from portal.foundation.assets.models import Patent
from portal.foundation.core.actor import Actor
from portal.foundation.core.errors import Forbidden, Invalid, WrongState
from portal.foundation.core.failpoints import failpoint
from portal.foundation.core.models import take
from portal.foundation.core.moments import local_date
from portal.foundation.core.numbering import compose
from portal.foundation.core.prepared import Among, Prepared, Slot
from portal.foundation.journal.record import record
from portal.foundation.sla import clocks, facts
from portal.foundation.sla.models import Kind
from products.company import profile_of, whole_months
from products.models import Product

OPEN_CALL_REACH = 3  # institutions an open call is addressed to at once; the others may come from the pool
MAX_PRODUCTS = 5

# Prepared and with the columns that the rules read: a submission holds the draft meanwhile.
_OWN_DRAFT = Prepared(
    lambda: (
        Draft.objects.filter(pk=Slot("pk"), organisation_id=Slot("organisation"))
        .only("organisation_id", "token", "version")
        .select_for_update(of=("self",))
    )
)
_OWN_PATENTS = Prepared(
    lambda: (
        Patent.objects.filter(Among("pk", Slot("ids")), organisation_id=Slot("organisation"), removed_at=None)
        .only("number", "kind", "title", "status", "expires_on")
        .order_by("pk")
    )
)
_ON_OFFER = Prepared(
    lambda: (
        Product.objects.published()
        .filter(Among("pk", Slot("ids")))
        .select_related("institution__organisation")
        .only("name", "institution__organisation__name", "institution__organisation__short_name")
        .order_by("pk")
    )
)


@dataclass(frozen=True, slots=True)
class Wish:
    """What the enterprise asks for, validated by the forms. Amount in yuan, term in months."""

    amount: Decimal
    term_months: int
    purpose: str
    contact_name: str
    contact_phone: str
    patent_ids: Sequence[int]
    product_ids: Sequence[int] = field(default_factory=tuple)
    open_call: bool = False
    purpose_note: str = ""


@dataclass(frozen=True, slots=True)
class Address:
    """One institution the request goes to."""

    institution_id: int
    product: Product | None
    score: int
    origin: str


@transaction.atomic(durable=True)
def submit(draft_id: int, wish: Wish, *, actor: Actor, now: datetime, version: int | None = None) -> Application:
    """Turn a draft into an application and start every addressed institution's response clock.

    `version` is the draft as it was read and checked; StaleDraft when a colleague has changed it since. A second submit
    finds the draft gone and gets WrongState: `submitted_as(token)` then names the application of the first. Raises Invalid
    with field sentences when the wish cannot be (a patent that ends before the debt, a product that is gone).
    """
    failpoint("submit.begin")
    if actor.role != Role.ENTERPRISE:
        raise Forbidden("role", "只有企业经办人可以提交融资需求。")
    try:
        draft = _OWN_DRAFT.one(pk=draft_id, organisation=actor.organisation_id)
    except Draft.DoesNotExist as error:
        raise WrongState("submitted", "这份草稿已经提交或删除，请到“我的办件”查看。") from error
    if version is not None and draft.version != version:
        raise StaleDraft(draft)
    patents = _patents(wish, actor=actor, today=local_date(now))
    addresses = _addresses(wish, patents, actor=actor, today=local_date(now))
    application = submit_sql.insert_case(_numbered(wish, draft, actor=actor, now=now), patents, draft=draft)
    failpoint("submit.case_written")
    _, started = refer(application, addresses, actor=actor, now=now)
    failpoint("submit.clocks_running")
    if wish.open_call:  # the consent under which others may claim it from the pool
        Consent.objects.create(application=application, institution=None, granted_by=actor.label, granted_at=now)
    failpoint("submit.before_journal")
    record(
        "application.submitted",
        actor=actor,
        now=now,
        subject=f"application:{application.pk}",
        case_number=application.number,
        text=f"提交融资需求 {application.number}",
        data={
            "amount": str(wish.amount),
            "term_months": wish.term_months,
            "open_call": wish.open_call,
            "institutions": [a.institution_id for a in addresses],
            "clocks": started,
        },
        parties=[a.institution_id for a in addresses],
    )
    failpoint("submit.before_commit")
    return application


def submitted_as(token: str) -> Application | None:
    """The application a draft's token became, for a repeated click that arrives after the draft is gone; None for nonsense."""
    try:
        return Application.objects.filter(token=uuid.UUID(token)).first()
    except ValueError:
        return None


def _numbered(wish: Wish, draft: Draft, *, actor: Actor, now: datetime) -> Application:
    """The application, not saved yet, with the day's next number, which stays locked until the transaction ends."""
    today = local_date(now)
    return Application(
        number=compose("YZD", today, take(f"case:{today:%Y%m%d}")),
        token=draft.token,
        organisation_id=draft.organisation_id,
        amount=wish.amount,
        term_months=wish.term_months,
        purpose=wish.purpose,
        purpose_note=wish.purpose_note,
        open_call=wish.open_call,
        contact_name=wish.contact_name,
        contact_phone=wish.contact_phone,
        submitted_by_id=actor.user_id,
        submitted_at=now,
    )


def add_months(day: date, months: int) -> date:
    """The same day of a later month, or the last day of that month."""
    month = day.month - 1 + months
    year, month = day.year + month // 12, month % 12 + 1
    for last in (day.day, 30, 29, 28):
        try:
            return date(year, month, last)
        except ValueError:
            continue
    raise ValueError(day)


def require_life(patents: Sequence[Patent], *, term_months: int, today: date) -> None:
    """Every patent is in force and outlives the wished term. Raises Invalid for `patents` or `term_months` (R02, R03, R06)."""
    dead = [p for p in patents if not p.in_force(on=today)]
    if dead:
        said = f"{dead[0].dotted} 现在不是有效专利，不能用于质押融资，请取消选择。"
        raise Invalid("dead_patent", said, fields={"patents": said})
    short = min(patents, key=lambda p: p.expires_on)
    if short.expires_on < add_months(today, term_months):
        months = whole_months(today, short.expires_on)
        ends = f"{short.dotted} 于 {short.expires_on.year}年{short.expires_on.month}月{short.expires_on.day}日届满"
        said = (
            f"{ends}，短于所填期限。请把期限改为 {months} 个月以内，或换一件专利。"
            if months
            else f"{ends}，不足一个月，不能用于质押融资。请换一件专利。"
        )
        raise Invalid("patent_life", said, fields={"term_months": said})


def _patents(wish: Wish, *, actor: Actor, today: date) -> list[Patent]:
    """The chosen patents, all the enterprise's own, in force, and outliving the wished term (R02, R03, R06)."""
    patents = _OWN_PATENTS(ids=list(wish.patent_ids), organisation=actor.organisation_id)
    if not patents or len(patents) != len(set(wish.patent_ids)):
        raise Invalid("patents", "请至少选择一件本企业的专利。", fields={"patents": "请至少选择一件本企业的专利。"})
    require_life(patents, term_months=wish.term_months, today=today)
    return patents


def _addresses(wish: Wish, patents: Sequence[Patent], *, actor: Actor, today: date) -> list[Address]:
    """Whom the request goes to: the chosen products' institutions, or the best matches of an open call, or the dispatcher."""
    if wish.open_call:
        firm = profile_of(actor.organisation_id, today=today)
        kinds = sorted({p.kind for p in patents})
        best = [
            m
            for m in rank(amount=wish.amount, term_months=wish.term_months, kinds=kinds, firm=firm)
            if m.product.institution.takes_open_calls
        ]
        # A guarantor or an insurer alone cannot end a request for money: lenders first, each group best first.
        best.sort(key=lambda m: not m.product.institution.lends)
        if best:
            return [
                Address(m.institution_id, m.product, m.score, Referral.Origin.OPEN_CALL) for m in best[:OPEN_CALL_REACH]
            ]
        desk = Institution.objects.filter(dispatcher=True, organisation__active=True).first()
        if desk is None:
            raise Invalid(
                "no_match",
                "暂时没有匹配的机构，请调整金额或期限，或直接选择产品。",
                fields={"products": "暂时没有匹配的机构。"},
            )
        return [Address(desk.pk, None, 0, Referral.Origin.DISPATCH)]
    return choose(wish.product_ids)


def on_offer(product_ids: Sequence[int]) -> list[Product]:
    """Those of the products that can be asked for now, by primary key, with name and institution (the rest is deferred)."""
    return _ON_OFFER(ids=list(product_ids))


def choose(product_ids: Sequence[int]) -> list[Address]:
    """Published products as addresses, one an institution. Raises Invalid naming what is wrong."""
    products = on_offer(product_ids)
    if not products or len(products) != len(set(product_ids)):
        said = "请至少选择一款在售产品，或选择公开征集。" if not products else "所选产品中有的已停售，请重新选择。"
        raise Invalid("products", said, fields={"products": said})
    if len(products) > MAX_PRODUCTS:
        raise Invalid(
            "products",
            f"一次最多选 {MAX_PRODUCTS} 款产品。",
            fields={"products": f"一次最多选 {MAX_PRODUCTS} 款产品。"},
        )
    seen: dict[int, Address] = {}
    for product in products:
        if product.institution_id in seen:
            said = f"{product.institution} 选了不止一款产品，一家机构请只选一款。"
            raise Invalid("products", said, fields={"products": said})
        seen[product.institution_id] = Address(product.institution_id, product, 0, Referral.Origin.CHOSEN)
    return list(seen.values())


def refer(
    application: Application, addresses: Sequence[Address], *, actor: Actor, now: datetime
) -> tuple[list[Referral], list[facts.Fact]]:
    """Address the request to institutions, each with consent and its own response clock. Inside the caller's transaction.

    Returns the referrals and, for the caller's journal entry, the clocks that started with them.
    """
    if not addresses:
        return [], []
    clock = clocks.prepare(
        Kind.RESPONSE,
        organisation_id=addresses[0].institution_id,
        case_number=application.number,
        subject="",
        watchers=[application.organisation_id],
        now=now,
    )
    made = submit_sql.insert_referrals(
        application,
        [(a.institution_id, a.product.pk if a.product else None, a.score, str(a.origin)) for a in addresses],
        like=clock,
        label=actor.label,
        now=now,
    )
    whose = [
        (r.clock_id, submit_sql.subject(application, r.institution_id), r.institution_id) for r in made if r.clock_id
    ]
    return made, facts.started_alike(clock, whose)
