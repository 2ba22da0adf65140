"""Claiming a subsidy, approving it by two people, paying it. Lock order: claim → scheme."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.core.files.base import File
from django.db import transaction
from django_fsm import can_proceed

from portal.foundation.accounts.models import Role
from portal.foundation.core.actor import Actor
from portal.foundation.core.db import lock
from portal.foundation.core.errors import Invalid, WrongState
from portal.foundation.core.intake.gate import Checked, admit, looked_at
from portal.foundation.core.moments import local_date
from portal.foundation.core.money import MAX_YUAN, format_wan
from portal.foundation.core.numbering import normalise
from portal.foundation.core.verdict import YES, Verdict, no, not_you
from portal.foundation.journal.record import record
from products import lending

from .models import SubsidyClaim, SubsidyPaper, SubsidyScheme

MOST_PAPERS = 30  # pieces of evidence of one claim
OFFLINE = "运营机构没有接入本平台，这项补助由运营机构在线下申请。"


def can_apply(actor: Actor, scheme: SubsidyScheme, *, today: date, district: str | None) -> Verdict:
    """Its kind of organisation, in its district, within its period."""
    if scheme.applicant is None:
        return not_you("offline", OFFLINE)
    if actor.organisation_kind != scheme.applicant or actor.role == Role.REGULATOR:
        return not_you("role", "这项补贴不由本单位申请。")
    if scheme.district_id is not None and scheme.district_id != district:
        return no("district", f"这项补贴只面向{scheme.district}的单位。")
    if not scheme.open_on(today):
        return no("period", f"申请期为 {scheme.valid_from} 至 {scheme.valid_until}。")
    return YES


def can_check(actor: Actor, claim: SubsidyClaim) -> Verdict:
    return _regulator(actor, can_proceed(claim.check_first), claim, "初审")


def can_approve(actor: Actor, claim: SubsidyClaim) -> Verdict:
    verdict = _regulator(actor, can_proceed(claim.approve), claim, "复核")
    if verdict and claim.checked_by_id == actor.user_id:
        return not_you("same", "复核要由初审人以外的另一人办理。")
    return verdict


def can_refuse(actor: Actor, claim: SubsidyClaim) -> Verdict:
    return _regulator(actor, can_proceed(claim.refuse), claim, "不予补贴")


def can_pay(actor: Actor, claim: SubsidyClaim) -> Verdict:
    return _regulator(actor, can_proceed(claim.pay), claim, "记录拨付")


def can_withdraw(actor: Actor, claim: SubsidyClaim) -> Verdict:
    if actor.role == Role.REGULATOR or actor.organisation_id != claim.organisation_id:
        return not_you("role", "只有申请单位可以撤回。")
    if not can_proceed(claim.withdraw):
        return no("state", f"这份申请现在是“{SubsidyClaim.State(claim.state).label}”，不能撤回。")
    return YES


def can_supplement(actor: Actor, claim: SubsidyClaim) -> Verdict:
    """Until the first of the two has looked: what was examined stays what was handed in."""
    if actor.role == Role.REGULATOR or actor.organisation_id != claim.organisation_id:
        return not_you("role", "只有申请单位可以补充材料。")
    if claim.state != SubsidyClaim.State.APPLIED:
        return no("state", f"这份申请现在是“{SubsidyClaim.State(claim.state).label}”，不能再补充材料。")
    return YES


def _regulator(actor: Actor, proceeds: bool, claim: SubsidyClaim, verb: str) -> Verdict:
    if actor.role != Role.REGULATOR:
        return not_you("role", f"只有监管部门可以{verb}。")
    if not proceeds:
        return no("state", f"这份申请现在是“{SubsidyClaim.State(claim.state).label}”，不能{verb}。")
    return YES


def _tell(verb: str, claim: SubsidyClaim, *, actor: Actor, now: datetime, text: str) -> None:
    record(
        verb,
        actor=actor,
        now=now,
        subject=claim.subject,
        text=text,
        data={"claim": str(claim.ref), "scheme": claim.scheme_id, "amount": str(claim.amount)},
        parties=[claim.organisation_id],
    )


def _locked(claim_id: int) -> SubsidyClaim:
    return lock(SubsidyClaim.objects.filter(pk=claim_id).select_related("scheme", "organisation"))


@looked_at("papers", field="papers")
@transaction.atomic(durable=True)
def apply(
    scheme_id: int,
    *,
    case_number: str,
    base: Decimal,
    note: str = "",
    papers: "Sequence[File[Any]]" = (),
    district: str | None,
    actor: Actor,
    now: datetime,
) -> SubsidyClaim:
    """Claim a share of `base` yuan, with evidence, for a loan that was paid out to the claimant or that it covers. Each case
    counts once a scheme."""
    scheme = lock(SubsidyScheme.objects.filter(pk=scheme_id))
    can_apply(actor, scheme, today=local_date(now), district=district).require()
    said: dict[str, str] = {}
    number = normalise(case_number)
    if number is None:
        said["case_number"] = "办件编号不对，请照办件页面上的编号填写。"
    else:
        said |= _not_for(scheme, number, base, actor)
    if not Decimal(0) < base <= MAX_YUAN:
        said["base"] = f"{scheme.base_label}要大于 0。"
    if not papers:
        said["papers"] = "请上传至少一份证明材料。"
    if said or number is None:
        raise Invalid("claim", "；".join(said.values()), fields=said)
    amount = scheme.amount(base)
    if amount <= 0:
        raise Invalid("base", "按比例算出的金额不足一分。", fields={"base": "按比例算出的金额不足一分。"})
    live = SubsidyClaim.objects.exclude(state__in=(SubsidyClaim.State.REFUSED, SubsidyClaim.State.WITHDRAWN))
    if live.filter(scheme=scheme, organisation_id=actor.organisation_id, case_number=number).exists():
        twice = "这一办件已经申请过这项补贴。"
        raise Invalid("case_number", twice, fields={"case_number": twice})
    whole = _checked(papers, actor=actor, now=now)
    claim = SubsidyClaim.objects.create(
        scheme=scheme,
        organisation_id=actor.organisation_id,
        case_number=number,
        base=base,
        amount=amount,
        note=note.strip(),
        applied_by=actor.label,
        applied_at=now,
    )
    _keep(claim, whole, actor=actor, now=now)
    _tell("subsidy.applied", claim, actor=actor, now=now, text=f"申请{scheme.name} {claim.amount} 元")
    return claim


def _not_for(scheme: SubsidyScheme, number: str, base: Decimal, actor: Actor) -> dict[str, str]:
    """Why this loan gives the claimant nothing, by field: it must be its own, and an award is for what it covers."""
    lent = lending.loan_of(number)
    if scheme.kind != SubsidyScheme.Kind.FEE_AWARD:
        own = lent is not None and lent.enterprise_id == actor.organisation_id
        return {} if own else {"case_number": lending.NOT_YOURS}
    covered = lent.covered.get(actor.organisation_id) if lent is not None else None
    if covered is None:
        return {"case_number": lending.NOT_YOURS}
    if base > covered:
        return {"base": f"{scheme.base_label}不超过本单位对这笔贷款的承诺 {format_wan(covered)} 万元。"}
    return {}


@looked_at("papers", field="papers")
@transaction.atomic(durable=True)
def supplement(claim_id: int, *, papers: "Sequence[File[Any]]", actor: Actor, now: datetime) -> SubsidyClaim:
    """补充材料: further evidence, at most MOST_PAPERS in all, before anybody has examined the claim."""
    claim = _locked(claim_id)
    can_supplement(actor, claim).require()
    whole = _checked(papers, actor=actor, now=now)
    if not whole:
        said = "请选择要补充的材料。"
        raise Invalid("papers", said, fields={"papers": said})
    there = claim.papers.count()
    if there + len(whole) > MOST_PAPERS:
        said = f"一份申请最多 {MOST_PAPERS} 个文件，已有 {there} 个。请合并后再上传。"
        raise Invalid("papers", said, fields={"papers": said})
    _keep(claim, whole, actor=actor, now=now)
    text = f"{claim.scheme.name}：补充证明材料 {len(whole)} 份"
    _tell("subsidy.supplemented", claim, actor=actor, now=now, text=text)
    return claim


def _checked(papers: "Sequence[File[Any]]", *, actor: Actor, now: datetime) -> list[Checked]:
    """All looked at before the first is stored."""
    return [admit(paper, actor=actor, now=now, field="papers") for paper in papers]


def _keep(claim: SubsidyClaim, papers: Sequence[Checked], *, actor: Actor, now: datetime) -> None:
    for paper in papers:
        SubsidyPaper.objects.create(claim=claim, uploaded_by=actor.label, uploaded_at=now, **paper.fields())


@transaction.atomic(durable=True)
def check(claim_id: int, *, actor: Actor, now: datetime) -> SubsidyClaim:
    """初审: the first of two people has looked at the evidence."""
    claim = _locked(claim_id)
    can_check(actor, claim).require()
    claim.check_first(by=actor.user_id, now=now)
    claim.save(update_fields=["state", "checked_by", "checked_at"])
    _tell("subsidy.checked", claim, actor=actor, now=now, text=f"{claim.scheme.name}：初审通过")
    return claim


@transaction.atomic(durable=True)
def approve(claim_id: int, *, actor: Actor, now: datetime) -> SubsidyClaim:
    """复核 by another person: the amount is taken from the budget under its lock, and never more than is left."""
    claim = _locked(claim_id)
    can_approve(actor, claim).require()
    scheme = lock(SubsidyScheme.objects.filter(pk=claim.scheme_id))
    if claim.amount > scheme.left:
        raise WrongState(
            "budget", f"预算只剩 {format_wan(scheme.left)} 万元，不够核定 {format_wan(claim.amount)} 万元。"
        )
    scheme.reserved += claim.amount
    scheme.save(update_fields=["reserved"])
    claim.approve(by=actor.user_id, now=now)
    claim.save(update_fields=["state", "approved_by", "approved_at"])
    _tell("subsidy.approved", claim, actor=actor, now=now, text=f"{scheme.name}：已核定 {claim.amount} 元")
    return claim


@transaction.atomic(durable=True)
def refuse(claim_id: int, *, note: str, actor: Actor, now: datetime) -> SubsidyClaim:
    """不予补贴, with the reason."""
    claim = _locked(claim_id)
    can_refuse(actor, claim).require()
    if not note.strip():
        raise Invalid("note", "写明不予补贴的理由。", fields={"note": "写明不予补贴的理由。"})
    claim.refuse(note=note.strip(), now=now)
    claim.save(update_fields=["state", "refused_note", "closed_at"])
    _tell("subsidy.refused", claim, actor=actor, now=now, text=f"{claim.scheme.name}：不予补贴，{claim.refused_note}")
    return claim


@transaction.atomic(durable=True)
def withdraw(claim_id: int, *, actor: Actor, now: datetime) -> SubsidyClaim:
    """The applicant takes it back before it is approved."""
    claim = _locked(claim_id)
    can_withdraw(actor, claim).require()
    claim.withdraw(now=now)
    claim.save(update_fields=["state", "closed_at"])
    _tell("subsidy.withdrawn", claim, actor=actor, now=now, text=f"{claim.scheme.name}：申请单位撤回")
    return claim


@transaction.atomic(durable=True)
def pay(claim_id: int, *, paid_on: date, voucher: str, actor: Actor, now: datetime) -> SubsidyClaim:
    """拨付: on which day, by which voucher; the whole approved amount at once."""
    claim = _locked(claim_id)
    can_pay(actor, claim).require()
    said: dict[str, str] = {}
    if not voucher.strip():
        said["voucher"] = "填写拨付凭证号。"
    if paid_on > local_date(now):
        said["paid_on"] = "拨付日期不能晚于今天。"
    if said:
        raise Invalid("payment", "；".join(said.values()), fields=said)
    scheme = lock(SubsidyScheme.objects.filter(pk=claim.scheme_id))
    scheme.paid += claim.amount
    scheme.save(update_fields=["paid"])
    claim.pay(paid_on=paid_on, voucher=voucher.strip(), now=now)
    claim.save(update_fields=["state", "paid_on", "voucher", "closed_at"])
    _tell("subsidy.paid", claim, actor=actor, now=now, text=f"{scheme.name}：已拨付 {claim.amount} 元")
    return claim
