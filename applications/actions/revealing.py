"""An institution sees whom to call before it has answered: for a reason, which the enterprise reads."""

from datetime import datetime

from django.db import transaction

from applications.models import Consent, Referral
from portal.foundation.core.actor import Actor
from portal.foundation.core.errors import WrongState
from portal.foundation.journal.record import record


@transaction.atomic(durable=True)
def reveal(referral_id: int, *, reason: str, actor: Actor, now: datetime) -> None:
    """Record that the contact was shown to the actor, and why. Raises WrongState once there is nothing to reveal any more.

    Raises Referral.DoesNotExist for a referral the actor may not see.
    """
    referral = Referral.objects.visible_to(actor).select_related("application").get(pk=referral_id)
    live = Consent.objects.filter(
        application=referral.application_id, institution=referral.institution_id, revoked_at=None
    )
    if referral.state != Referral.State.WAITING or not live.exists():
        raise WrongState("state", "这一件不在待响应状态，联系方式按现在的状态显示，不需要单独调阅。")
    record(
        "contact.revealed",
        actor=actor,
        now=now,
        subject=f"referral:{referral.pk}",
        case_number=referral.application.number,
        text=f"响应前调阅企业联系方式：{reason}",
        data={"referral": str(referral.ref)},
        parties=[referral.application.organisation_id, referral.institution_id],
    )
