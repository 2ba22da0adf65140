"""What the account pages show."""

import hashlib
from datetime import datetime

from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet

from portal.foundation.core.actor import Actor
from portal.foundation.core.forms import PhoneField

from .models import KEEPERS, District, Industry, Invitation, Membership, Organisation, User

# What an enterprise may change about itself. The 统一社会信用代码 is its identity and stays.
EDITABLE = (
    "name",
    "district_id",
    "industry_id",
    "address",
    "contact_name",
    "contact_phone",
    "founded_on",
    "tiers",
    "pledged_before",
)
# Demonstration log-ins and who they are; they exist only with the demonstration data.
DEMO_LOGINS = (
    "enterprise",
    "officer",
    "manager",
    "guarantor",
    "clerk",
    "chief",
    "regulator",
    "admin",
    "security",
    "audit",
)
DEMO_PASSWORD = "Demo-2026-portal"  # noqa: S105 — printed on the log-in page of the demonstration


def by_login(typed: str) -> User | None:
    """The person behind what was typed into the log-in field: a user name, or a phone that exactly one person has."""
    typed = typed.strip()
    names = {typed, typed.lower()}
    phone = _phone(typed)
    found = list(User.objects.filter(Q(username__in=names) | (Q(phone=phone) if phone else Q(pk__in=[])))[:10])
    named = [u for u in found if u.username in names]
    if named:
        return named[0]
    return found[0] if len(found) == 1 else None


def _phone(typed: str) -> str:
    try:
        return str(PhoneField(required=False).clean(typed[:40]))
    except ValidationError:
        return ""


def seats_of(user_id: int) -> "QuerySet[Membership]":
    """The chairs a person may sit in now."""
    return (
        Membership.objects.filter(user_id=user_id, active=True, organisation__active=True)
        .select_related("organisation", "user")
        .order_by("organisation__sort_key", "pk")
    )


def members_of(actor: Actor) -> "QuerySet[Membership]":
    """The actor's colleagues, the actor included; machines have their own page."""
    return (
        Membership.objects.filter(organisation_id=actor.organisation_id, active=True, machine=False)
        .select_related("user", "organisation")
        .order_by("created_at", "pk")
    )


def open_invitations(actor: Actor, *, now: datetime) -> "QuerySet[Invitation]":
    """Sent by the actor's organisation and not yet answered."""
    return (
        Invitation.objects.filter(
            organisation_id=actor.organisation_id, accepted_at=None, revoked_at=None, expires_at__gt=now
        )
        .select_related("invited_by")
        .order_by("-created_at")
    )


def waiting_keepers(actor: Actor) -> "QuerySet[Invitation]":
    """Administrators-to-be of the actor's organisation who have accepted, and whom a second administrator must confirm."""
    if actor.role not in KEEPERS:
        return Invitation.objects.none()
    return (
        Invitation.objects.filter(
            organisation_id=actor.organisation_id,
            role__in=KEEPERS,
            accepted_at__isnull=False,
            confirmed_at=None,
            revoked_at=None,
        )
        .filter(
            accepted_by__memberships__in=Membership.objects.filter(organisation_id=actor.organisation_id, active=False)
        )
        .select_related("invited_by", "accepted_by")
        .order_by("accepted_at", "pk")
    )


def invitation_by(token: str) -> Invitation | None:
    """The invitation of a link; only its digest is stored."""
    return Invitation.objects.select_related("organisation", "invited_by").filter(token_digest=digest_of(token)).first()


def digest_of(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def state_of(organisation: Organisation) -> str:
    """A fingerprint of the editable facts: a form carries it, so that a colleague's change in between is noticed."""
    values = (getattr(organisation, name) for name in EDITABLE)
    facts = "\x1f".join("" if value is None else str(value) for value in values)
    return hashlib.sha256(facts.encode()).hexdigest()[:16]


def district_choices() -> list[tuple[str, str | list[tuple[str, str]]]]:
    """Districts of today in groups (区, 县, 自治县, 功能区); abolished ones are not offered."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for district in District.objects.filter(current=True):
        groups.setdefault(district.kind, []).append((district.code, district.name))
    return [("", "请选择"), *groups.items()]


def industry_choices() -> list[tuple[str, str]]:
    return [("", "请选择"), *((i.letter, str(i)) for i in Industry.objects.all())]


def demo_accounts() -> list[Membership]:
    """The demonstration log-ins that really exist here, in the order of the story."""
    found = {
        m.user.username: m
        for m in Membership.objects.filter(user__username__in=DEMO_LOGINS, active=True)
        .select_related("user", "organisation")
        .order_by("-pk")  # the first chair of each wins
    }
    return [found[name] for name in DEMO_LOGINS if name in found]
