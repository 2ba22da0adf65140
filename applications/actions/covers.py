"""Asking for a guarantee or an insurance, agreeing to it, taking it back.

Lock order: application → referral → cover → the household's ledger → clock.
"""

from datetime import datetime
from decimal import Decimal

from django.db import transaction

from applications import cover_rules as rules
from applications.actions.cover_ends import end, tell
from applications.actions.responses import locked
from applications.cover_models import Cover
from applications.models import Consent
from banks.models import Institution
from portal.foundation.accounts.models import Role
from portal.foundation.core.actor import Actor
from portal.foundation.core.db import lock
from portal.foundation.core.errors import Invalid
from portal.foundation.core.money import MAX_YUAN
from portal.foundation.sla import clocks
from portal.foundation.sla.models import Kind


def own_locked(cover_id: int) -> Cover:
    """The cover with its application and the bank's referral, all locked in the house's order."""
    referral = locked(Cover.objects.values_list("referral_id", flat=True).get(pk=cover_id))
    cover = lock(Cover.objects.filter(pk=cover_id).select_related("institution__organisation", "scheme"))
    cover.referral, cover.application = referral, referral.application
    return cover


@transaction.atomic(durable=True)
def ask(
    referral_id: int, *, institution_id: int, amount: Decimal, note: str = "", actor: Actor, now: datetime
) -> Cover:
    """Ask an institution to cover the loan of this bank's referral, for so many yuan.

    From the enterprise it is the consent too, and the clock starts; from the bank it waits for the enterprise.
    """
    referral = locked(referral_id)
    rules.can_ask(actor, referral).require()
    institution = (
        Institution.objects.active()
        .filter(pk=institution_id, organisation__kind__in=rules.COVERING)
        .select_related("organisation")
        .first()
    )
    if institution is None:
        said = "选择一家已接入的担保或保险机构。"
        raise Invalid("institution", said, fields={"institution": said})
    if not Decimal(0) < amount <= min(MAX_YUAN, referral.application.amount):
        said = "金额要大于 0，不超过融资金额。"
        raise Invalid("amount", said, fields={"amount": said})
    if Cover.objects.live().filter(referral=referral, institution=institution).exists():
        said = f"已向 {institution} 申请过，不用再申请。"
        raise Invalid("institution", said, fields={"institution": said})
    cover = Cover(
        application=referral.application,
        referral=referral,
        institution=institution,
        amount=amount,
        note=note.strip(),
        asked_by=actor.label,
        asked_at=now,
        state=Cover.State.PROPOSED,
    )
    cover.save(force_insert=True)
    if actor.role == Role.ENTERPRISE:
        _send(
            cover, actor=actor, now=now, text=f"企业向 {institution} 申请{cover.word}（{referral.institution} 的贷款）"
        )
    else:
        tell(
            "cover.proposed",
            cover,
            actor=actor,
            now=now,
            text=f"{referral.institution} 建议向 {institution} 申请{cover.word}，待企业同意",
        )
    return cover


def _send(cover: Cover, *, actor: Actor, now: datetime, text: str) -> None:
    """With the enterprise's agreement: the institution may read, and its two working days begin."""
    clock = clocks.start(
        Kind.COVER,
        organisation_id=cover.institution_id,
        case_number=cover.application.number,
        subject=cover.subject,
        watchers=[cover.application.organisation_id, cover.referral.institution_id],
        now=now,
    )
    cover.consent(clock=clock, now=now)
    cover.save(update_fields=["state", "clock", "consented_at"])
    Consent.objects.get_or_create(
        application=cover.application,
        institution=cover.institution,
        revoked_at=None,
        defaults={"granted_by": actor.label, "granted_at": now},
    )
    tell("cover.asked", cover, actor=actor, now=now, text=text, data={"clocks": clock.facts})


@transaction.atomic(durable=True)
def consent(cover_id: int, *, actor: Actor, now: datetime) -> Cover:
    """The enterprise agrees to what its bank proposed."""
    cover = own_locked(cover_id)
    rules.can_consent(actor, cover).require()
    _send(cover, actor=actor, now=now, text=f"企业同意向 {cover.institution} 申请{cover.word}")
    return cover


@transaction.atomic(durable=True)
def withdraw(cover_id: int, *, note: str = "", actor: Actor, now: datetime) -> Cover:
    """Take it back; a commitment that nobody has accepted is given back to the household's ledger."""
    cover = own_locked(cover_id)
    rules.can_withdraw(actor, cover).require()
    said = f"已撤回向 {cover.institution} 的{cover.word}申请" + (f"：{note.strip()}" if note.strip() else "")
    end(cover, note=note.strip(), reason="withdrawn", text=said, actor=actor, now=now)
    return cover
