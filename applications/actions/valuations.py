"""Showing a valuation to the institutions of a request, and an institution's own valuation of a request's patents."""

from collections.abc import Collection
from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from applications.models import Application, Consent, Referral, ValuationShare
from portal.foundation.assets.models import Patent, Valuation
from portal.foundation.assets.valuation import actions as valuing
from portal.foundation.core.actor import Actor
from portal.foundation.core.db import lock
from portal.foundation.core.errors import Forbidden, Invalid, WrongState
from portal.foundation.core.identifiers import PatentKind
from portal.foundation.journal.record import record

IN_HAND = (*Referral.OPEN_STATES, Referral.State.ACCEPTED)


def with_consent(referrals: "QuerySet[Referral]") -> "QuerySet[Referral]":
    """Those whose institution still works on the request with the enterprise's authorisation."""
    live = Consent.objects.filter(
        application=OuterRef("application"), institution=OuterRef("institution"), revoked_at=None
    )
    return referrals.filter(Exists(live), state__in=IN_HAND)


def addressees(valuation: Valuation, actor: Actor) -> "QuerySet[Referral]":
    """To whom an enterprise may show this valuation: institutions working on a request with one of its patents."""
    of_it = valuation.patents.values("patent_id")
    asked = Application.objects.visible_to(actor).filter(
        organisation_id=valuation.organisation_id, patents__patent_id__in=of_it
    )
    return with_consent(Referral.objects.visible_to(actor).filter(application__in=asked.values("pk")))


@transaction.atomic(durable=True)
def show(valuation_id: int, chosen: Collection[int], *, actor: Actor, now: datetime) -> tuple[int, int]:
    """Show a final own valuation to exactly these referrals' institutions; returns (added, taken back).

    The journal says to both sides that it was shown or taken back, never what it says. Raises WrongState for a draft,
    Invalid for an institution that is not asked.
    """
    valuation = lock(Valuation.objects.owned(actor).filter(pk=valuation_id))
    if valuation.kind == Valuation.Kind.INTERNAL:  # institutions have no addressees; said for whoever changes that
        raise Forbidden("internal", "内部评估不能出示给其他单位。")
    if valuation.state != Valuation.State.FINAL:
        raise WrongState("state", "定稿的估值才能出示给机构。")
    there = {r.pk: r for r in addressees(valuation, actor).select_related("application", "institution__organisation")}
    if not set(chosen) <= set(there):
        raise Invalid("institution", "只能出示给正在办理本企业需求的机构，请刷新后重选。")
    had = {(s.application_id, s.institution_id): s for s in ValuationShare.objects.filter(valuation=valuation)}
    wanted = {(there[pk].application_id, there[pk].institution_id): there[pk] for pk in chosen}
    offered = {(r.application_id, r.institution_id): r for r in there.values()}
    gone = [key for key in had if key in offered and key not in wanted]
    new = [key for key in wanted if key not in had]
    for key in gone:
        had[key].delete()
        _tell("valuation.hidden", valuation, offered[key], "收回", actor=actor, now=now)
    for key in new:
        ValuationShare.objects.create(
            application_id=key[0], institution_id=key[1], valuation=valuation, agreed_by=actor.label, agreed_at=now
        )
        _tell("valuation.shown", valuation, wanted[key], "出示", actor=actor, now=now)
    return len(new), len(gone)


def _tell(verb: str, valuation: Valuation, to: Referral, done: str, *, actor: Actor, now: datetime) -> None:
    record(
        verb,
        actor=actor,
        now=now,
        subject=valuation.subject,
        case_number=to.application.number,
        text=f"向{to.institution.organisation.name}{done}专利估值 {valuation.number}",
        data={"institution": to.institution_id, "number": valuation.number},
        parties=[to.institution_id],
    )


def value_privately(referral: Referral, *, scene: str, purpose: str, actor: Actor, now: datetime) -> Valuation:
    """Begin an institution's own valuation of the patents of a request it works on. Only that institution ever reads it.

    Designs among the patents are left out. Raises WrongState when it no longer works on the request.
    """
    readable = with_consent(Referral.objects.visible_to(actor).filter(pk=referral.pk)).first()
    if readable is None:
        raise WrongState("state", "这一件已结束或企业已收回授权，不能再开始内部评估。")
    return valuing.start(
        [],
        scene=scene,
        purpose=purpose,
        lent=_lent(readable),
        case_number=readable.application.number,
        actor=actor,
        now=now,
    )


def renew_privately(valuation_id: int, *, actor: Actor, now: datetime) -> Valuation:
    """Begin the valuation that will replace an institution's own one, of what of its patents the request still has.

    Raises WrongState when the institution no longer works on the request or its authorisation has ended.
    """
    before = Valuation.objects.owned(actor).get(pk=valuation_id, kind=Valuation.Kind.INTERNAL)
    of_it = Referral.objects.visible_to(actor).filter(application__number=before.case_number)
    readable = with_consent(of_it).select_related("application").first()
    if readable is None:
        raise WrongState("state", "这一件已结束或企业已收回授权，不能更新内部评估。")
    return valuing.renew(before.pk, lent=_lent(readable), actor=actor, now=now)


def _lent(referral: Referral) -> list[Patent]:
    """The patents of its request that can be valued."""
    own = referral.application.patents.values("patent_id")
    return list(Patent.objects.filter(pk__in=own).exclude(kind=PatentKind.DESIGN))
