"""The listing: drafted by the pledgee, checked by its manager, published; drawn up again after a failure; withdrawn."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.db import transaction

from pledges.disposal import rules
from pledges.disposal.locking import locked, locked_default, tell
from pledges.disposal.models import Bid, Disposal, Path
from portal.foundation.core.actor import Actor
from portal.foundation.core.errors import Invalid, WrongState
from portal.foundation.core.models import take
from portal.foundation.core.moments import local_date
from portal.foundation.core.numbering import compose

NOTICE = timedelta(hours=24)  # from publication to the closing moment, at least: this portal's own rule
LONGEST = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class Listing:
    """What the page will say; validated by the form. `reserve` in yuan, `closes_at` aware."""

    path: str
    statement: str
    reserve: Decimal | None
    reserve_public: bool
    closes_at: datetime
    contact_name: str
    contact_phone: str


FIELDS = ["path", "statement", "reserve", "reserve_public", "closes_at", "contact_name", "contact_phone"]


@transaction.atomic(durable=True)
def start(default_id: int, *, actor: Actor, now: datetime) -> Disposal:
    """A disposal of this default, to be drafted. A second call gives the live one."""
    default, live = locked_default(default_id)
    if live is not None and actor.organisation_id == live.registration.pledgee_id:
        return live
    rules.can_start(actor, default, live).require()
    today = local_date(now)
    made = Disposal(
        number=compose("ZYCZ", today, take(f"disposal:{today:%Y%m%d}")),
        registration=default.registration,
        default=default,
        drafted_by_id=actor.user_id,
        created_at=now,
    )
    made.save(force_insert=True)
    tell(
        "disposal.started",
        made,
        actor=actor,
        now=now,
        text=f"{actor.organisation_name} 开始处置质押专利，{made.number}",
    )
    return made


@transaction.atomic(durable=True)
def save(disposal_id: int, listing: Listing, *, version: int, actor: Actor, now: datetime) -> Disposal:
    """Keep the draft; whoever saves it has drafted it. Raises WrongState when a colleague saved since `version`."""
    disposal = locked(disposal_id)
    rules.can_edit(actor, disposal).require()
    if disposal.version != version:
        raise WrongState("stale", "同事刚刚保存过这份公告，请核对后再保存。")
    _checked(listing, now=now)
    for name in FIELDS:
        setattr(disposal, name, getattr(listing, name))
    disposal.version += 1
    disposal.drafted_by_id = actor.user_id
    disposal.save(update_fields=[*FIELDS, "version", "drafted_by"])
    return disposal


def _checked(listing: Listing, *, now: datetime) -> None:
    wrong: dict[str, str] = {}
    if listing.path not in Path.values:
        wrong["path"] = "选择处置方式。"
    if listing.reserve_public and listing.reserve is None:
        wrong["reserve"] = "要公布保留价，请先填写保留价。"
    if listing.closes_at < now + NOTICE:
        wrong["closes_on"] = "报价截止至少在 24 小时以后，请改晚。"
    elif listing.closes_at > now + LONGEST:
        wrong["closes_on"] = "报价截止不能晚于一年以后。"
    if wrong:
        raise Invalid("listing", "；".join(wrong.values()), fields=wrong)


@transaction.atomic(durable=True)
def submit(disposal_id: int, *, actor: Actor, now: datetime) -> Disposal:
    """To the manager. Raises WrongState while the draft is not filled in or its closing moment has come too near."""
    disposal = locked(disposal_id)
    rules.can_submit(actor, disposal).require()
    if disposal.closes_at is None or not disposal.contact_name or not disposal.contact_phone:
        raise WrongState("empty", "公告还没有填完：处置方式、截止时间和联系人都要填写。")
    _still_time(disposal, now=now)
    disposal.submit()
    disposal.save(update_fields=["state", "return_note"])
    tell("disposal.submitted", disposal, actor=actor, now=now, text=f"处置公告 {disposal.number} 送负责人复核")
    return disposal


def _still_time(disposal: Disposal, *, now: datetime) -> None:
    if disposal.closes_at is None or disposal.closes_at < now + NOTICE:
        raise WrongState("late", "离报价截止已不足 24 小时，请先改晚截止时间。")


@transaction.atomic(durable=True)
def send_back(disposal_id: int, *, note: str, actor: Actor, now: datetime) -> Disposal:
    """The manager wants a change, with a reason."""
    disposal = locked(disposal_id)
    rules.can_check(actor, disposal).require()
    if not note.strip():
        raise Invalid("note", "写明要改什么。", fields={"note": "写明要改什么。"})
    disposal.send_back(note=note.strip()[:300])
    disposal.save(update_fields=["state", "return_note"])
    text = f"处置公告 {disposal.number} 退回修改：{disposal.return_note}"
    tell("disposal.returned", disposal, actor=actor, now=now, text=text, user=disposal.drafted_by_id)
    return disposal


@transaction.atomic(durable=True)
def publish(disposal_id: int, *, version: int, actor: Actor, now: datetime) -> Disposal:
    """The second person publishes the version that was shown."""
    disposal = locked(disposal_id)
    rules.can_publish(actor, disposal).require()
    if disposal.version != version:
        raise WrongState("stale", "公告内容已经改动，请重新核对后再发布。")
    _still_time(disposal, now=now)
    disposal.publish(by=actor.user_id, now=now)
    disposal.save(update_fields=["state", "checked_by", "published_at"])
    text = f"处置公告 {disposal.number} 发布（{disposal.get_path_display()}）"
    tell("disposal.published", disposal, actor=actor, now=now, text=text)
    return disposal


@transaction.atomic(durable=True)
def relist(disposal_id: int, *, actor: Actor, now: datetime) -> Disposal:
    """重新公告 after a failure: the next round is drafted, and checked by two people again."""
    disposal = locked(disposal_id)
    rules.can_relist(actor, disposal).require()
    disposal.relist()
    disposal.drafted_by_id = actor.user_id
    disposal.version += 1
    disposal.save(update_fields=["state", "round", "closes_at", "checked_by", "return_note", "drafted_by", "version"])
    text = f"重新起草处置公告 {disposal.number}（第 {disposal.round} 次）"
    tell("disposal.relisted", disposal, actor=actor, now=now, text=text)
    return disposal


@transaction.atomic(durable=True)
def withdraw(disposal_id: int, *, note: str, actor: Actor, now: datetime) -> Disposal:
    """撤回, for another reason than that the debt was paid (that is `defaults.cure`)."""
    disposal = locked(disposal_id)
    rules.can_withdraw(actor, disposal, now=now, winning=Bid.objects.valid(disposal).exists()).require()
    if not note.strip():
        raise Invalid("note", "写明撤回的原因。", fields={"note": "写明撤回的原因。"})
    end(disposal, note=note.strip()[:300], actor=actor, now=now)
    return disposal


def end(disposal: Disposal, *, note: str, actor: Actor, now: datetime) -> None:
    """Withdraw a locked disposal inside the caller's transaction; who has an offer in it is told."""
    standing = Bid.objects.standing().filter(disposal=disposal, round=disposal.round)
    bidders = sorted(set(standing.values_list("organisation_id", flat=True)))
    disposal.withdraw(note=note, now=now)
    disposal.save(update_fields=["state", "close_note", "closed_at"])
    text = f"处置 {disposal.number} 撤回：{note}"
    tell("disposal.withdrawn", disposal, actor=actor, now=now, text=text, bidders=bidders)
