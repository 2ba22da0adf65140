"""改派下一家: an institution declined or stays silent, and the enterprise gets others to choose from.

Until the end of the next working day somebody owes it that choice: a round with one clock, whose responsible organisation is
the dispatcher's desk. The portal itself works out the matches when it hears the journal (`next_heard`, at least once, so the second
time changes nothing) and that ends the clock within seconds; only what nobody matches stays with the desk. Nothing is sent
anywhere before the enterprise has authorised that very institution (`take`).
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from applications import rules
from applications.actions.submit import Address, choose, refer
from applications.matching import Match, rank_for
from applications.models import Application, Consent, DeclineReason, NextLender, NextRound, Referral
from banks.models import Institution
from portal.foundation.accounts.models import Organisation, OrganisationKind
from portal.foundation.core.actor import Actor
from portal.foundation.core.db import lock
from portal.foundation.core.errors import Invalid, WrongState
from portal.foundation.journal.record import record
from portal.foundation.sla import clocks, facts
from portal.foundation.sla.models import Kind

MOST = 5  # institutions offered at once
_Cause, _Outcome = NextRound.Cause, NextRound.Outcome


# --- raised inside other verbs' transactions, the application locked --------------------------------------------------


def owe(
    application: Application, *, cause: str, silent: Iterable[int] = (), since: datetime, entry_id: int | None = None
) -> tuple[NextRound | None, list[facts.Fact]]:
    """From `since` on the portal owes this request its next lenders. Returns the live round and what happened to clocks.

    One that is owed already takes the new silent institutions in; one that was offered is replaced, as what it said is no
    longer the whole story. None when no organisation could be responsible: then nothing is promised.
    """
    live = live_round(application)
    if live is not None and live.state == NextRound.State.OWED:
        live.silent, live.cause = sorted({*live.silent, *silent}), cause
        live.save(update_fields=["silent", "cause"])
        return live, []
    happened: list[facts.Fact] = []
    if live is not None:
        silent = {*silent, *live.silent}
        happened += close(live, outcome=_Outcome.REPLACED, now=since)
    organisation_id = responsible()
    if organisation_id is None:
        return None, happened
    position = application.next_rounds.count() + 1
    clock = clocks.start(
        Kind.NEXT_LENDERS,
        organisation_id=organisation_id,
        case_number=application.number,
        subject=f"next_round:{application.number}:{position}",
        watchers=[application.organisation_id],
        now=since,
    )
    made = NextRound.objects.create(
        application=application,
        position=position,
        cause=cause,
        silent=sorted(set(silent)),
        raised_by=entry_id,
        clock=clock,
        owed_at=since,
    )
    return made, [*happened, *clock.facts]


def settle(application: Application, *, outcome: str, now: datetime) -> Sequence[facts.Fact]:
    """The request no longer needs next lenders (chosen, withdrawn, answered): its live round ends. Returns the facts."""
    live = live_round(application)
    return close(live, outcome=outcome, now=now) if live is not None else ()


def move_on(application: Application, *, actor: Actor, now: datetime) -> None:
    """The enterprise has asked others instead: who was silent in the live round lapses, late, and is told."""
    live = live_round(application)
    if live is None:
        return
    silent = (
        Referral.objects.select_for_update(of=("self",), no_key=True)
        .filter(application=application, institution_id__in=live.silent, state=Referral.State.WAITING)
        .order_by("pk")
    )
    for referral in silent:
        referral.lapse(now=now)
        referral.save(update_fields=["state", "closed_at"])
        stopped = clocks.stop(referral.clock_id, now=now, reason="lapsed").facts if referral.clock_id else ()
        Consent.objects.filter(application=application, institution_id=referral.institution_id, revoked_at=None).update(
            revoked_at=now
        )
        record(
            "referral.lapsed",
            actor=actor,
            now=now,
            subject=f"referral:{referral.pk}",
            case_number=application.number,
            text="超过时限一直没有答复，企业已改选其他机构",
            data={"institution": referral.institution_id, "referral": str(referral.ref), "clocks": stopped},
            parties=[referral.institution_id],
        )


def live_round(application: Application) -> NextRound | None:
    """The round that is owed or offered now, locked; there is at most one."""
    live = application.next_rounds.select_for_update(of=("self",), no_key=True)
    return live.filter(state__in=NextRound.LIVE_STATES).first()


def responsible() -> int | None:
    """Who owes the next lenders: the dispatcher's desk; without one whoever runs the platform, else the regulator."""
    desk = Institution.objects.filter(dispatcher=True, organisation__active=True).values_list("pk", flat=True).first()
    if desk is not None:
        return desk
    others = Organisation.objects.filter(kind__in=(OrganisationKind.PLATFORM, OrganisationKind.REGULATOR), active=True)
    return others.order_by("kind", "pk").values_list("pk", flat=True).first()  # «platform» before «regulator»


def close(live: NextRound, *, outcome: str, now: datetime, note: str = "") -> Sequence[facts.Fact]:
    """End a round. A clock that still runs stops; it is excused before its due moment, unless the desk itself answered."""
    was_owed = live.state == NextRound.State.OWED
    live.close(outcome=outcome, note=note, now=now)
    live.save(update_fields=["state", "outcome", "note", "closed_at"])
    if not was_owed or live.clock_id is None:
        return ()
    return clocks.stop(live.clock_id, now=now, reason=outcome, excused=outcome != _Outcome.NONE_LEFT).facts


# --- offered ----------------------------------------------------------------------------------------------------------


def next_matches(application: Application) -> list[Match]:
    """The best institutions that have not had this request, lenders first."""
    had = set(application.referrals.values_list("institution_id", flat=True))
    found = [m for m in rank_for(application) if m.institution_id not in had]
    # A guarantor or an insurer alone cannot end a request for money.
    return sorted(found, key=lambda m: not m.product.institution.lends)[:MOST]


SILENT_LABEL = "未答复"


def summary(application: Application, *, silent: Iterable[int]) -> list[dict[str, Any]]:
    """Why it went no further so far: [{"label": «金额超出可办理范围», "count": 2}, …, {"label": «未答复», …}].

    Of those that still could answer only the `silent` ones count: the others have time.
    """
    found = application.referrals.values_list("state", "decline_code", "institution_id")
    counted: Counter[str] = Counter()
    silent = set(silent)
    for state, code, institution_id in found:
        if state == Referral.State.DECLINED:
            counted[str(DeclineReason(code).label) if code in DeclineReason.values else code] += 1
        elif state == Referral.State.LAPSED or (state == Referral.State.WAITING and institution_id in silent):
            counted[SILENT_LABEL] += 1
    return [
        {"label": label, "count": n}
        for label, n in sorted(counted.items(), key=lambda i: (i[0] == SILENT_LABEL, -i[1]))
    ]


def offer(
    application: Application,
    live: NextRound,
    lenders: Sequence[Address],
    *,
    begun: Sequence[facts.Fact],
    actor: Actor,
    now: datetime,
) -> NextRound:
    """Put the next lenders before the enterprise, and the promise is kept."""
    live.offer(reasons=summary(application, silent=live.silent), by=actor.label, now=now)
    live.save()
    NextLender.objects.bulk_create(
        NextLender(round=live, institution_id=a.institution_id, product=a.product, score=a.score) for a in lenders
    )
    stopped = clocks.stop(live.clock_id, now=now, reason="offered").facts if live.clock_id is not None else ()
    tell(
        "next.offered",
        live,
        application,
        actor=actor,
        now=now,
        text=f"为企业推荐 {len(lenders)} 家可改选的机构",
        data={"institutions": [a.institution_id for a in lenders], "clocks": [*begun, *stopped]},
    )
    return live


def tell(
    verb: str,
    round_: NextRound,
    application: Application,
    *,
    actor: Actor,
    now: datetime,
    text: str,
    data: dict[str, Any],
) -> None:
    record(
        verb,
        actor=actor,
        now=now,
        subject=round_.subject,
        case_number=application.number,
        text=text,
        data={"round": round_.pk, **data},
        parties=[application.organisation_id, *([round_.clock.organisation_id] if round_.clock else [])],
    )


# --- by the dispatcher's desk -----------------------------------------------------------------------------------------


def _owed(round_id: int, actor: Actor) -> tuple[NextRound, Application]:
    application_id = NextRound.objects.values_list("application_id", flat=True).get(pk=round_id)
    application = lock(Application.objects.filter(pk=application_id))
    found = lock(NextRound.objects.filter(pk=round_id).select_related("clock"))
    rules.can_propose_lenders(actor, found).require()
    return found, application


@transaction.atomic(durable=True)
def propose(round_id: int, *, institution_ids: Sequence[int], actor: Actor, now: datetime) -> NextRound:
    """The desk has found institutions itself; the enterprise still authorises each. Raises NextRound.DoesNotExist."""
    found, application = _owed(round_id, actor)
    chosen = list(Institution.objects.active().filter(pk__in=institution_ids).order_by("pk"))
    had = set(application.referrals.values_list("institution_id", flat=True))
    if not chosen or len(chosen) != len(set(institution_ids)) or had & {i.pk for i in chosen}:
        said = "选择至少一家还没有收到这笔需求的机构。"
        raise Invalid("institutions", said, fields={"institutions": said})
    best = {m.institution_id: m for m in rank_for(application)}
    lenders = [
        Address(i.pk, best[i.pk].product if i.pk in best else None, best[i.pk].score if i.pk in best else 0, "next")
        for i in chosen
    ]
    return offer(application, found, lenders, begun=(), actor=actor, now=now)


@transaction.atomic(durable=True)
def none_left(round_id: int, *, note: str, actor: Actor, now: datetime) -> NextRound:
    """The desk has looked and there is nobody: an answer too, with what the enterprise can do. Raises NextRound.DoesNotExist."""
    found, application = _owed(round_id, actor)
    if not note.strip():
        said = "写明联系了哪些机构、企业可以怎样调整。"
        raise Invalid("note", said, fields={"note": said})
    stopped = close(found, outcome=_Outcome.NONE_LEFT, note=note.strip()[:300], now=now)
    tell(
        "next.none", found, application, actor=actor, now=now, text=f"调度台答复：暂无其他机构。{found.note}",
        data={"clocks": stopped},
    )  # fmt: skip
    return found


# --- by the enterprise ------------------------------------------------------------------------------------------------


@transaction.atomic(durable=True)
def take(application_id: int, *, institution_id: int, actor: Actor, now: datetime) -> Referral:
    """One click, one institution: the enterprise authorises it, it gets the request with its own new clock, and whoever was
    silent lapses. Raises Application.DoesNotExist, Forbidden, WrongState, Invalid when its product is gone."""
    application = lock(Application.objects.filter(pk=application_id, organisation_id=actor.organisation_id))
    rules.can_extend(actor, application).require()
    offered = NextLender.objects.filter(
        round__application=application, round__state=NextRound.State.OFFERED, institution_id=institution_id
    )
    lender = offered.select_related("institution__organisation").first()
    if lender is None:
        raise WrongState("gone", "这家机构已不在推荐之列，请刷新后按最新的推荐选择。")
    if application.referrals.filter(institution_id=institution_id).exists():
        raise WrongState("taken", f"{lender.institution} 已收到这笔需求，请刷新后查看。")
    if not Institution.objects.active().filter(pk=institution_id).exists():
        raise WrongState("gone", f"{lender.institution} 已停止受理，请选择其他机构。")
    product = choose([lender.product_id])[0].product if lender.product_id is not None else None
    move_on(application, actor=actor, now=now)
    made, started = refer(
        application, [Address(institution_id, product, lender.score, Referral.Origin.NEXT)], actor=actor, now=now
    )
    lender.taken_at = now
    lender.save(update_fields=["taken_at"])
    application.all_declined_at = None
    application.save(update_fields=["all_declined_at"])
    record(
        "application.extended",
        actor=actor,
        now=now,
        subject=f"application:{application.pk}",
        case_number=application.number,
        text="企业改选，授权 1 家机构",  # the institution reads it: it does not learn who the others were
        data={"institutions": [institution_id], "round": lender.round_id, "clocks": started},
        parties=[institution_id],
    )
    return made[0]
