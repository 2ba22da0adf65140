"""What the enterprise does after submitting: answer a question, accept an offer, withdraw, address further institutions."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from django.core.files.base import File
from django.db import transaction

from applications import rules
from applications.actions import cover_ends, next_lenders
from applications.actions.responses import lock_open_offers, locked
from applications.actions.submit import choose, refer
from applications.models import Application, Attachment, Consent, InformationRequest, NextRound, Offer, Referral
from portal.foundation.core.actor import Actor
from portal.foundation.core.db import lock
from portal.foundation.core.errors import Invalid, WrongState
from portal.foundation.core.failpoints import failpoint
from portal.foundation.core.intake.gate import admit, looked_at
from portal.foundation.core.moments import local_date
from portal.foundation.journal.record import record
from portal.foundation.sla import clocks, facts


@looked_at("uploads", field="papers")
@transaction.atomic(durable=True)
def answer(
    question_id: int, *, text: str, uploads: "Sequence[File[Any]]" = (), actor: Actor, now: datetime
) -> InformationRequest:
    """Answer an institution's question, with files if asked for."""
    referral = locked(InformationRequest.objects.values_list("referral_id", flat=True).get(pk=question_id))
    rules.can_answer(actor, referral).require()
    if not text.strip() and not uploads:
        raise Invalid("answer", "写明答复，或上传要求的材料。", fields={"answer": "写明答复，或上传要求的材料。"})
    question = lock(InformationRequest.objects.filter(pk=question_id, referral=referral))
    if question.answered_at is not None:
        raise WrongState("answered", f"这个问题已由 {question.answered_by} 答复，请刷新后查看。")
    # All before the first is stored: a refused one leaves nothing behind.
    checked = [admit(upload, actor=actor, now=now, field="papers") for upload in uploads]
    question.answer, question.answered_by, question.answered_at = text.strip(), actor.label, now
    question.save(update_fields=["answer", "answered_by", "answered_at"])
    for paper in checked:
        Attachment.objects.create(
            application=referral.application,
            question=question,
            uploaded_by=actor.label,
            uploaded_at=now,
            **paper.fields(),
        )
    referral.answer(next_step="企业已补充资料，等待机构继续办理")
    if not referral.contact_name:  # asked before claiming: the asker is the contact
        referral.contact_name, referral.contact_phone = (
            question.asked_by[:40],
            referral.institution.service_phone or "见机构",
        )
    referral.save(update_fields=["state", "next_step", "contact_name", "contact_phone"])
    failpoint("answer.before_journal")
    record(
        "referral.answered",
        actor=actor,
        now=now,
        subject=f"referral:{referral.pk}",
        case_number=referral.application.number,
        text=f"企业已补充资料（{referral.institution}）",
        data={"institution": referral.institution_id, "referral": str(referral.ref), "files": len(checked)},
        parties=[referral.application.organisation_id, referral.institution_id],
    )
    return question


@transaction.atomic(durable=True)
def accept(offer_id: int, *, covers_seen: Collection[str] | None = None, actor: Actor, now: datetime) -> Application:
    """Take a bank's offer with what was committed for it: the request is settled and the other banks are told.

    `covers_seen` are the guarantees and insurances the page showed (`Cover.seen`). Raises WrongState when they changed.
    """
    application_id = Offer.objects.values_list("referral__application_id", flat=True).get(pk=offer_id)
    application = lock(Application.objects.filter(pk=application_id))
    referrals = list(
        Referral.objects.select_for_update(of=("self",))
        .filter(application=application)
        .select_related("institution__organisation")
        .order_by("pk")
    )
    chosen = lock(Offer.objects.filter(pk=offer_id).select_related("referral__institution__organisation"))
    rules.can_accept(actor, chosen, application, now=now, today=local_date(now)).require()
    mine = next(r for r in referrals if r.pk == chosen.referral_id)
    kind = mine.institution.organisation.kind
    rivals = [
        r
        for r in referrals
        if r.pk != mine.pk and r.institution.organisation.kind == kind and r.state in Referral.OPEN_STATES
    ]
    carried = cover_ends.carry(chosen, seen=covers_seen, now=now)  # before any clock is touched
    others = [r for r in referrals if r.pk != mine.pk]
    why = "企业已选定其他银行的方案"
    cover_ends.end_all(application, referrals=others, reason="not_selected", why=why, actor=actor, now=now)
    stopped: dict[int, Sequence[facts.Fact]] = {}
    chosen.accept()
    chosen.save(update_fields=["state"])
    mine.choose()
    mine.save(update_fields=["state"])
    for rival in rivals:
        _close_offers(rival)
        rival.pass_over(now=now)
        rival.save(update_fields=["state", "closed_at"])
        if rival.clock_id is not None:
            stopped[rival.pk] = clocks.stop(rival.clock_id, now=now, reason="not_selected", excused=True).facts
    failpoint("accept.rivals_closed")
    settled = next_lenders.settle(application, outcome=NextRound.Outcome.SETTLED, now=now)
    application.accept(offer=chosen, now=now)
    application.save(update_fields=["state", "accepted_offer", "accepted_at"])
    record(
        "offer.accepted",
        actor=actor,
        now=now,
        subject=f"offer:{chosen.pk}",
        case_number=application.number,
        text=f"企业选定 {mine.institution} 的方案",
        data={
            "institution": mine.institution_id,
            "offer": chosen.pk,
            "referral": str(mine.ref),
            "covers": [str(cover.ref) for cover in carried],
            "clocks": settled,
        },
        parties=[mine.institution_id, *(cover.institution_id for cover in carried)],
    )
    for rival in rivals:
        record(
            "referral.not_selected",
            actor=actor,
            now=now,
            subject=f"referral:{rival.pk}",
            case_number=application.number,
            text="企业已选定其他机构的方案",
            data={
                "institution": rival.institution_id,
                "referral": str(rival.ref),
                "clocks": stopped.get(rival.pk, ()),
            },
            parties=[rival.institution_id],
        )
    failpoint("accept.before_commit")
    return application


def _close_offers(referral: Referral) -> None:
    for offer in lock_open_offers(referral):
        offer.close()
        offer.save(update_fields=["state"])


@transaction.atomic(durable=True)
def withdraw(application_id: int, *, reason: str, actor: Actor, now: datetime) -> Application:
    """撤回: every clock stops (excused if it was not due yet), every consent ends, every institution is told."""
    application = lock(Application.objects.filter(pk=application_id, organisation_id=actor.organisation_id))
    rules.can_withdraw(actor, application).require()
    referrals = list(Referral.objects.select_for_update(of=("self",)).filter(application=application).order_by("pk"))
    cover_ends.end_all(application, reason="withdrawn", why="企业撤回融资需求", actor=actor, now=now)
    told: list[int] = []
    stopped: list[facts.Fact] = []
    for referral in referrals:
        if referral.state not in (*Referral.OPEN_STATES, Referral.State.ACCEPTED):
            continue
        _close_offers(referral)
        referral.withdraw(now=now)
        referral.save(update_fields=["state", "closed_at"])
        if referral.clock_id is not None:
            stopped += clocks.stop(referral.clock_id, now=now, reason="withdrawn", excused=True).facts
        told.append(referral.institution_id)
    stopped += next_lenders.settle(application, outcome=NextRound.Outcome.ENDED, now=now)
    failpoint("withdraw.clocks_stopped")
    Consent.objects.filter(application=application, revoked_at=None).update(revoked_at=now)
    application.withdraw(reason=reason.strip(), now=now)
    application.save(update_fields=["state", "close_reason", "closed_at"])
    record(
        "application.withdrawn",
        actor=actor,
        now=now,
        subject=f"application:{application.pk}",
        case_number=application.number,
        text="企业撤回融资需求" + (f"：{reason.strip()}" if reason.strip() else ""),
        data={"institutions": told, "clocks": stopped},
        parties=told,
    )
    failpoint("withdraw.before_commit")
    return application


@transaction.atomic(durable=True)
def extend(application_id: int, *, product_ids: Sequence[int], actor: Actor, now: datetime) -> list[Referral]:
    """Address further institutions with fresh consent; an institution that declined before is not asked again."""
    application = lock(Application.objects.filter(pk=application_id, organisation_id=actor.organisation_id))
    rules.can_extend(actor, application).require()
    addresses = choose(product_ids)
    taken = set(application.referrals.values_list("institution_id", flat=True))
    if again := [a for a in addresses if a.institution_id in taken]:
        said = f"{again[0].product.institution if again[0].product else '这家机构'} 已收到过这笔需求，请选择其他机构。"
        raise Invalid("products", said, fields={"products": said})
    next_lenders.move_on(application, actor=actor, now=now)
    settled = next_lenders.settle(application, outcome=NextRound.Outcome.TAKEN, now=now)
    made, started = refer(application, addresses, actor=actor, now=now)
    application.all_declined_at = None
    application.save(update_fields=["all_declined_at"])
    record(
        "application.extended",
        actor=actor,
        now=now,
        subject=f"application:{application.pk}",
        case_number=application.number,
        text=f"另选 {len(addresses)} 家机构",  # every one of them reads it: none learns who the others are
        data={"institutions": [a.institution_id for a in addresses], "clocks": [*settled, *started]},
        parties=[a.institution_id for a in addresses],
    )
    return made


@transaction.atomic(durable=True)
def close_unmet(application_id: int, *, reason: str, actor: Actor, now: datetime) -> Application:
    """Close a request that found no institution; only when nobody is working on it any more."""
    application = lock(Application.objects.filter(pk=application_id, organisation_id=actor.organisation_id))
    rules.can_close_unmet(actor, application, busy=application.referrals.open().exists()).require()
    settled = next_lenders.settle(application, outcome=NextRound.Outcome.ENDED, now=now)
    application.close_unmet(reason=reason.strip(), now=now)
    application.save(update_fields=["state", "close_reason", "closed_at"])
    record(
        "application.unmet",
        actor=actor,
        now=now,
        subject=f"application:{application.pk}",
        case_number=application.number,
        text="需求未成交，已结束" + (f"：{reason.strip()}" if reason.strip() else ""),
        data={"clocks": settled},
        parties=[],
    )
    return application


@transaction.atomic(durable=True)
def revoke(referral_id: int, *, actor: Actor, now: datetime) -> Referral:
    """Take one institution's authorisation back: it is told, its offer closes, and it reads no further; the others go on."""
    referral = locked(referral_id)
    rules.can_revoke(actor, referral).require()
    why = f"企业收回对 {referral.institution} 的授权"
    cover_ends.end_all(
        referral.application, referrals=[referral], institution_id=referral.institution_id, reason="revoked", why=why,
        actor=actor, now=now,
    )  # fmt: skip
    _close_offers(referral)
    referral.withdraw(now=now)
    referral.save(update_fields=["state", "closed_at"])
    stopped: Sequence[facts.Fact] = ()
    if referral.clock_id is not None:
        stopped = clocks.stop(referral.clock_id, now=now, reason="revoked", excused=True).facts
    Consent.objects.filter(
        application=referral.application, institution_id=referral.institution_id, revoked_at=None
    ).update(revoked_at=now)
    record(
        "consent.revoked",
        actor=actor,
        now=now,
        subject=f"referral:{referral.pk}",
        case_number=referral.application.number,
        text=f"企业收回对 {referral.institution} 的授权",
        data={"institution": referral.institution_id, "referral": str(referral.ref), "clocks": stopped},
        parties=[referral.institution_id],
    )
    return referral
