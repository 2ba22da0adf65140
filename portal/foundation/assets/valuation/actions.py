"""The verbs of valuations. The journal says that something was valued, never how much: entries travel further than values."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Count, Exists, OuterRef

from portal.foundation.accounts.models import Role
from portal.foundation.assets.models import Patent
from portal.foundation.core.actor import Actor
from portal.foundation.core.db import lock
from portal.foundation.core.errors import Invalid, WrongState
from portal.foundation.core.models import take
from portal.foundation.core.moments import local_date
from portal.foundation.core.numbering import compose
from portal.foundation.journal.record import record

from . import approaches, indicators, inputs, rules, scoring, weights
from .models import MAX_VALUE, Scene, Valuation, ValuedPatent

HUNDRED = Decimal(100)
STALE = "同事刚刚保存过这份估值。您填写的内容还在页面上，请核对后再保存一次。"


@transaction.atomic(durable=True)
def start(
    patent_ids: Sequence[int],
    *,
    scene: str,
    purpose: str = "",
    lent: "Sequence[Patent]" = (),
    case_number: str = "",
    actor: Actor,
    now: datetime,
) -> Valuation:
    """A draft over own patents (`patent_ids`), or over those of a request an institution works on (`lent`, already
    found by the caller among what that institution may read). Raises Invalid with the reason a patent cannot be valued.
    """
    rules.can_value(actor).require()
    own = Patent.objects.visible_to(actor).filter(pk__in=list(patent_ids), removed_at=None)
    chosen = sorted([*own, *lent], key=lambda p: p.pk)
    return _begin(chosen, scene=scene, purpose=purpose, case_number=case_number, actor=actor, now=now)


def _begin(
    chosen: Sequence[Patent], *, scene: str, purpose: str, case_number: str, actor: Actor, now: datetime
) -> Valuation:
    today = local_date(now)
    verdict = rules.can_be_valued(chosen, today=today)
    if not verdict:
        raise Invalid(verdict.code, verdict.reason, fields={"patents": verdict.reason})
    made = Valuation.objects.create(
        number=compose("PGZ", today, take(f"valuation:{today:%Y%m%d}")),
        organisation_id=actor.organisation_id,
        kind=Valuation.Kind.SELF if actor.role == Role.ENTERPRISE else Valuation.Kind.INTERNAL,
        scene=Scene(scene),
        weights=weights.in_force(scene),
        purpose=purpose.strip(),
        case_number=case_number,
        created_at=now,
        created_by=actor.label,
    )
    put_patents(made, chosen, today=today, now=now)
    tell("valuation.started", made, actor=actor, now=now, text=f"开始编制估值 {made.number}")
    return made


def put_patents(valuation: Valuation, chosen: Sequence[Patent], *, today: date, now: datetime) -> None:
    """The patents with their facts of today and the scores their data gives."""
    pledged = Patent.objects.filter(number=OuterRef("number"), pledges__effective__contains=now)
    facts = Patent.objects.filter(pk__in=[p.pk for p in chosen]).annotate(
        owners=Count("co_owners"), pledged=Exists(pledged)
    )
    counted = {pk: (owners, bound) for pk, owners, bound in facts.values_list("pk", "owners", "pledged")}
    ValuedPatent.objects.bulk_create(
        ValuedPatent(
            valuation=valuation,
            patent=p,
            number=p.number,
            kind=p.kind,
            title=p.title,
            expires_on=p.expires_on,
            scores={
                code: score.stored()
                for code, score in scoring.automatic(
                    p, co_owners=counted[p.pk][0], pledged=counted[p.pk][1], today=today
                ).items()
            },
        )
        for p in chosen
    )


def tell(verb: str, valuation: Valuation, *, actor: Actor, now: datetime, text: str, **data: Any) -> None:
    """One fact for the owner alone: no amount, and not in the time line of a request that others read."""
    record(verb, actor=actor, now=now, subject=valuation.subject, text=text, data={"number": valuation.number, **data})


@transaction.atomic(durable=True)
def set_inputs(
    valuation_id: int, kind: str, given: inputs.Given | None, *, version: int, actor: Actor, now: datetime
) -> Valuation:
    """Keep the inputs of one approach and count it at once; None takes the approach out.

    Raises WrongState when somebody saved since `version` or the draft is final, Invalid when the result cannot be right.
    """
    valuation = _editable(valuation_id, version=version, actor=actor)
    kept = dict(valuation.inputs)
    if given is None:
        kept.pop(kind, None)
    else:
        if isinstance(given, approaches.Income):
            _require_life(valuation, given, today=local_date(now))
        kept[kind] = inputs.stored(given)
    valuation.inputs = kept
    used = _count(valuation)
    if len(used) == 1:
        valuation.shares_of_value = {next(iter(used)): "100"}
    elif set(valuation.shares_of_value) != set(used):
        valuation.shares_of_value = {}  # what they come to together has to be said again
    _sum_up(valuation, used)
    valuation.version += 1
    valuation.save()
    tell(
        "valuation.inputs", valuation, actor=actor, now=now, text=f"填写估值 {valuation.number} 的{inputs.KINDS[kind]}"
    )
    return valuation


@transaction.atomic(durable=True)
def set_shares(
    valuation_id: int, shares: Mapping[str, Decimal], *, version: int, actor: Actor, now: datetime
) -> Valuation:
    """The weight of each approach used, percent, together 100: they give the one value and its range."""
    valuation = _editable(valuation_id, version=version, actor=actor)
    used = _count(valuation)
    if set(shares) != set(used) or any(s < 0 for s in shares.values()):
        raise Invalid("shares", "每种已填写的方法都要有 0 或以上的权重。")
    total = sum(shares.values(), Decimal(0))
    if total != HUNDRED:
        raise Invalid("sum", f"各方法的权重合计应为 100%，现在是 {total}%。")
    valuation.shares_of_value = {kind: str(share) for kind, share in shares.items()}
    _sum_up(valuation, used)
    valuation.version += 1
    valuation.save()
    tell("valuation.inputs", valuation, actor=actor, now=now, text=f"调整估值 {valuation.number} 的方法权重")
    return valuation


@transaction.atomic(durable=True)
def set_scores(
    valuation_id: int,
    patent_row: int,
    given: Mapping[str, tuple[int | None, str]],
    *,
    version: int,
    actor: Actor,
    now: datetime,
) -> Valuation:
    """Scores 0–100 with evidence for the indicators a person judges; automatic ones stay as read. None takes one out.

    Raises Invalid for evidence without a score, which would be lost.
    """
    valuation = _editable(valuation_id, version=version, actor=actor)
    row = valuation.patents.get(pk=patent_row)
    kept = dict(row.scores)
    for code, (score, evidence) in given.items():
        if code not in indicators.BY_CODE or indicators.BY_CODE[code].automatic:
            continue
        if score is None and evidence.strip():
            raise Invalid("unscored", scoring.UNSCORED, fields={code: scoring.UNSCORED})
        if score is None:
            kept.pop(code, None)
        elif not 0 <= score <= 100:
            raise Invalid("score", "得分应在 0 到 100 之间。")
        else:
            kept[code] = scoring.Score(score, evidence.strip()[: scoring.LONGEST_EVIDENCE]).stored()
    row.scores = kept
    row.score = scoring.total(kept, valuation.weights.weights) if valuation.weights else None
    row.save(update_fields=["scores", "score"])
    each = list(valuation.patents.values_list("score", flat=True))
    known = [s for s in each if s is not None]
    whole = len(known) == len(each)
    valuation.score = (sum(known, Decimal(0)) / len(known)).quantize(scoring.CENT) if whole else None
    valuation.version += 1
    valuation.save(update_fields=["score", "version"])
    tell("valuation.scored", valuation, actor=actor, now=now, text=f"为估值 {valuation.number} 打分")
    return valuation


@transaction.atomic(durable=True)
def finalise(valuation_id: int, *, valid_until: date, version: int, actor: Actor, now: datetime) -> Valuation:
    """Close the draft for ever; the one it replaces, if any, becomes superseded in the same moment."""
    valuation = _editable(valuation_id, version=version, actor=actor)
    today = local_date(now)
    if valuation.value is None or valuation.value <= 0:
        raise WrongState("value", "还没有评估值。请至少填写一种方法；用了多种方法的，再填写各方法的权重。")
    income = inputs.computed(valuation.inputs).get("income")
    if income is not None and isinstance(income.given, approaches.Income):  # a renewed draft brought old years along
        _require_life(valuation, income.given, today=today)
    if not today < valid_until <= today + timedelta(days=rules.VALID_DAYS):
        wrong = "有效期至应在明天起一年之内。"
        raise Invalid("valid_until", wrong, fields={"valid_until": wrong})
    valuation.finalise(by=actor.label, now=now, valid_until=valid_until)
    valuation.version += 1
    valuation.save(update_fields=["state", "final_by", "final_at", "valid_until", "version"])
    if valuation.replaces_id is not None:
        before = lock(Valuation.objects.filter(pk=valuation.replaces_id))
        before.supersede()
        before.save(update_fields=["state"])
    tell("valuation.finalised", valuation, actor=actor, now=now, text=f"估值 {valuation.number} 定稿")
    return valuation


@transaction.atomic(durable=True)
def renew(valuation_id: int, *, lent: "Sequence[Patent] | None" = None, actor: Actor, now: datetime) -> Valuation:
    """A new draft over the same patents that will replace a final one; inputs are taken along, scores from data anew.

    An enterprise's is over those that are still in its list. An institution's own is over `lent`, which the caller found
    among what that institution may read now; without it (None) it is refused: an authorisation may have ended.
    """
    before = lock(Valuation.objects.filter(pk=valuation_id, organisation_id=actor.organisation_id))
    rules.can_renew(actor, before).require()
    same = Patent.objects.filter(valued__valuation=before)
    if before.kind == Valuation.Kind.INTERNAL:
        if lent is None:
            raise WrongState("authorisation", "内部评估的更新要核对企业的授权，请打开这份估值，点“更新估值”。")
        chosen = list(same.filter(pk__in=[p.pk for p in lent]).order_by("pk"))
    else:
        chosen = list(same.filter(pk__in=Patent.objects.visible_to(actor), removed_at=None).order_by("pk"))
    if not chosen:
        raise WrongState("gone", "这份估值的专利已不在清单里，不能更新。")
    made = _begin(
        chosen, scene=before.scene, purpose=before.purpose, case_number=before.case_number, actor=actor, now=now
    )
    made.replaces, made.inputs, made.shares_of_value = before, before.inputs, before.shares_of_value
    _sum_up(made, _count(made))
    made.save()
    return made


@transaction.atomic(durable=True)
def discard(valuation_id: int, *, version: int, actor: Actor, now: datetime) -> None:
    """Throw a draft away. The journal keeps that it was there; what one began to replace is as before."""
    valuation = _editable(valuation_id, version=version, actor=actor)
    tell("valuation.discarded", valuation, actor=actor, now=now, text=f"删除未定稿的估值 {valuation.number}")
    valuation.delete()


def _editable(valuation_id: int, *, version: int, actor: Actor) -> Valuation:
    valuation = lock(Valuation.objects.owned(actor).filter(pk=valuation_id))
    rules.can_edit(actor, valuation).require()
    if valuation.version != version:
        raise WrongState("stale", STALE)
    return valuation


def _require_life(valuation: Valuation, given: approaches.Income, *, today: date) -> None:
    """Income cannot be counted beyond the first patent's end."""
    ends = min(valuation.patents.values_list("expires_on", flat=True))
    left = max((ends - today).days // 365, 0) + (1 if (ends - today).days % 365 else 0)
    if given.years > left:
        said = f"收益年限不能超过最早届满专利的剩余保护期（{ends:%Y-%m-%d} 届满，最多 {left} 年）。"
        raise Invalid("years", said, fields={"years": said})


def _count(valuation: Valuation) -> dict[str, inputs.Computed]:
    used = inputs.computed(valuation.inputs)
    for kind in inputs.KINDS:
        found = used.get(kind)
        if found is not None and found.outcome.high > MAX_VALUE - 1:
            raise Invalid("large", f"{found.name}的结果超过 1 万亿元，请核对金额单位和增长率。")
        setattr(valuation, f"{kind}_value", found.value if found else None)
    return used


def _sum_up(valuation: Valuation, used: Mapping[str, inputs.Computed]) -> None:
    """The one value and range, or none while the weights of several approaches are not said."""
    shares = valuation.shares_of_value
    if not used or set(shares) != set(used):
        valuation.value = valuation.low = valuation.high = None
        return
    found = approaches.reconcile([(used[kind].outcome, Decimal(shares[kind])) for kind in used])
    valuation.value, valuation.low, valuation.high = found.value, found.low, found.high
