"""Everything the portal keeps about an enterprise and about the person who asks: plain data, nothing of other parties, and of
colleagues only that they have a chair (their phones and addresses are theirs, also when they have left).

The request's own facts, not the banks' offers: an offer is the bank's, and stands on the page of the case.
"""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from applications.models import Application, Consent
from portal.foundation.accounts.models import Membership, Organisation, User
from portal.foundation.assets.models import Patent
from portal.foundation.core.actor import Actor
from portal.foundation.core.moments import iso, local
from portal.foundation.journal.models import Look

FORMAT = "portal-own-data/1"
_COMPANY = (
    "name",
    "uscc",
    "district_id",
    "industry_id",
    "address",
    "contact_name",
    "contact_phone",
    "founded_on",
    "tiers",
)
_CASE = (
    "number", "state", "amount", "term_months", "purpose", "purpose_note", "contact_name", "contact_phone", "submitted_at",
)  # fmt: skip
_PATENT = ("number", "kind", "title", "patentee", "filing_date", "grant_date", "expires_on", "fee_paid_until")
_LOOK = ("at", "who", "what", "case_number", "reason")


def collect(actor: Actor, *, now: datetime) -> dict[str, Any]:
    """The data of the actor's enterprise, ready for JSON: amounts and dates as text."""
    company = Organisation.objects.get(pk=actor.organisation_id)
    members = Membership.objects.filter(organisation=company).select_related("user").order_by("pk")
    consents = Consent.objects.filter(application__organisation=company).select_related("institution__organisation")
    return {
        "format": FORMAT,
        "made_at": iso(now),
        "enterprise": _plain(company, _COMPANY),
        "people": [
            {"name": m.user.name, "role": m.role, "active": m.active, "since": iso(m.created_at), **_own(m.user, actor)}
            for m in members
        ],
        "patents": [_plain(p, _PATENT) for p in Patent.objects.filter(organisation=company).order_by("pk")],
        "requests": [_plain(a, _CASE) for a in Application.objects.filter(organisation=company).order_by("pk")],
        "consents": [
            {
                "case": c.application.number, "institution": str(c.institution or "公开征集"), "granted_at": iso(c.granted_at),
                "revoked_at": iso(c.revoked_at) if c.revoked_at else "",
            }
            for c in consents.select_related("application").order_by("pk")
        ],
        "looked_at": [_plain(row, _LOOK) for row in Look.objects.at_data_of(company.pk)[:10_000]],
    }  # fmt: skip


def _own(user: User, actor: Actor) -> dict[str, Any]:
    mine = user.pk == actor.user_id
    if not mine:
        return {}
    return {"username": user.username, "phone": user.phone, "email": user.email, "email_waiting": user.mail_wanted}


def _plain(row: Any, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: _text(getattr(row, name)) for name in names}


def _text(value: Any) -> Any:
    if isinstance(value, datetime):
        return iso(value)
    if isinstance(value, date | Decimal):
        return str(value)
    return value


def file_name(actor: Actor, *, now: datetime) -> str:
    return f"本单位数据-{local(now):%Y%m%d}.json"
