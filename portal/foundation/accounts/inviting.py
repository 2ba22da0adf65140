"""Colleagues come and go: invite, take back, join, confirm, end."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction

from portal.foundation.core.actor import Actor
from portal.foundation.core.db import lock
from portal.foundation.core.errors import Forbidden, Invalid, WrongState
from portal.foundation.journal.record import record

from . import queries, rules
from .models import KEEPERS, Invitation, Membership, Organisation, Role, User
from .registering import KEEPERS_APART, Newcomer, ask_mail, made_account, taken

INVITATION_LIFE = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Issued:
    """An invitation and its token. The token is shown once and stored only as a digest."""

    invitation: Invitation
    token: str


@transaction.atomic(durable=True)
def invite(phone: str, role: str, *, actor: Actor, now: datetime) -> Issued:
    """Invite the owner of a phone number into the actor's organisation. A newer invitation ends the older one."""
    rules.can_invite(actor, role).require()
    organisation = lock(Organisation.objects.filter(pk=actor.organisation_id))
    if Membership.objects.filter(organisation=organisation, active=True, user__phone=phone).exists():
        said = "这个手机号的主人已经是本单位成员，不必再邀请。"
        raise Invalid("member", said, fields={"phone": said})
    Invitation.objects.filter(organisation=organisation, phone=phone, accepted_at=None, revoked_at=None).update(
        revoked_at=now
    )
    token = secrets.token_urlsafe(24)
    invitation = Invitation.objects.create(
        organisation=organisation,
        role=role,
        phone=phone,
        token_digest=queries.digest_of(token),
        invited_by_id=actor.user_id,
        created_at=now,
        expires_at=now + INVITATION_LIFE,
    )
    record(
        "member.invited",
        actor=actor,
        now=now,
        subject=f"invitation:{invitation.pk}",
        text=f"邀请尾号 {phone[-4:]} 的手机号加入，角色：{Role(role).label}",
        data={"role": role, "phone_tail": phone[-4:]},
    )
    return Issued(invitation, token)


@transaction.atomic(durable=True)
def revoke(invitation_id: int, *, actor: Actor, now: datetime) -> Invitation:
    invitation = lock(Invitation.objects.filter(pk=invitation_id, organisation_id=actor.organisation_id))
    rules.can_revoke(actor, invitation).require()
    invitation.revoked_at = now
    invitation.save(update_fields=["revoked_at"])
    record(
        "member.invitation_revoked",
        actor=actor,
        now=now,
        subject=f"invitation:{invitation.pk}",
        text=f"撤回发给尾号 {invitation.phone[-4:]} 的邀请",
    )
    return invitation


def join_as_newcomer(digest: str, person: Newcomer, *, now: datetime) -> Membership:
    """Accept an invitation (by the digest of its token) by making an account for the invited phone."""
    try:
        return _join_as_newcomer(digest, person, now=now)
    except IntegrityError as error:
        raise taken(error) from error


@transaction.atomic(durable=True)
def _join_as_newcomer(digest: str, person: Newcomer, *, now: datetime) -> Membership:
    invitation = _open_invitation(digest, now=now)
    return _join(invitation, made_account(person, now=now), now=now)


def join(digest: str, user_id: int, *, now: datetime) -> Membership:
    """Accept an invitation as somebody who has an account; a former member comes back with the invited role.

    Raises WrongState when the person has a chair that this one cannot stand beside (the database says so), Forbidden when the
    invitation was sent to another phone than the account's.
    """
    try:
        return _join_again(digest, user_id, now=now)
    except IntegrityError as error:
        raise taken(error) from error


@transaction.atomic(durable=True)
def _join_again(digest: str, user_id: int, *, now: datetime) -> Membership:
    invitation = _open_invitation(digest, now=now)
    user = lock(User.objects.filter(pk=user_id), no_key=True)  # one chair of a person at a time: see _confirm
    if user.phone != invitation.phone:
        tail = invitation.phone[-4:]
        raise Forbidden(
            "phone", f"这个邀请发给尾号 {tail} 的手机号，不是您账号的手机号。请邀请人按您账号的手机号重新邀请。"
        )
    return _join(invitation, user, now=now)


def _open_invitation(digest: str, *, now: datetime) -> Invitation:
    """The locked invitation of a link, by the digest of its token. Raises Invitation.DoesNotExist, or WrongState when it no longer works."""
    invitation = lock(Invitation.objects.filter(token_digest=digest).select_related("organisation"))
    rules.can_join(invitation, now=now).require()
    return invitation


def _join(invitation: Invitation, user: User, *, now: datetime) -> Membership:
    """The chair; a keeper's is not active before another keeper has confirmed it."""
    keeper = invitation.role in KEEPERS
    member, fresh = Membership.objects.get_or_create(
        user=user, organisation=invitation.organisation, defaults={"role": invitation.role, "active": not keeper}
    )
    if not fresh:
        if member.active:
            raise WrongState("member", f"您已经是“{invitation.organisation}”的成员，不必再接受邀请。")
        member.active, member.role = not keeper, invitation.role
        member.save(update_fields=["active", "role"])
    if keeper and Membership.objects.filter(user=user, active=True).exists():
        raise WrongState("keepers", KEEPERS_APART)
    invitation.accepted_at, invitation.accepted_by = now, user
    invitation.save(update_fields=["accepted_at", "accepted_by"])
    record(
        "member.joined",
        actor=member.actor,
        now=now,
        subject=f"membership:{member.pk}",
        text=f"{user.name} 接受邀请{'，等待另一位管理员确认' if keeper else '加入'}，角色：{Role(member.role).label}",
        data={"invitation": invitation.pk, "role": member.role},
    )
    ask_mail(user, actor=member.actor, now=now)
    return member


def confirm(invitation_id: int, *, actor: Actor, now: datetime) -> Membership:
    """A second keeper has checked who accepted, and lets the chair count. Raises WrongState when the two cannot be one person."""
    try:
        return _confirm(invitation_id, actor=actor, now=now)
    except IntegrityError as error:
        raise taken(error) from error


@transaction.atomic(durable=True)
def _confirm(invitation_id: int, *, actor: Actor, now: datetime) -> Membership:
    invitation = lock(Invitation.objects.filter(pk=invitation_id, organisation_id=actor.organisation_id))
    rules.can_confirm(actor, invitation).require()
    assert invitation.accepted_by_id is not None  # can_confirm has looked
    # The person first: two chairs of one person, filled at once, would otherwise wait for each other inside the exclusion
    # constraint, and PostgreSQL would end one of them as a deadlock instead of telling it that the chairs cannot be one person's.
    lock(User.objects.filter(pk=invitation.accepted_by_id), no_key=True)
    member = lock(
        Membership.objects.filter(
            user_id=invitation.accepted_by_id, organisation_id=invitation.organisation_id
        ).select_related("user")
    )
    if member.active or member.role != invitation.role:
        raise WrongState("other", "这个人的身份已经变了，请撤回这个邀请后重新发出。")
    member.active = True
    member.save(update_fields=["active"])
    invitation.confirmed_at, invitation.confirmed_by_id = now, actor.user_id
    invitation.save(update_fields=["confirmed_at", "confirmed_by"])
    record(
        "member.confirmed",
        actor=actor,
        now=now,
        subject=f"membership:{member.pk}",
        text=f"核实本人后确认 {member.user.name} 任{Role(member.role).label}",
        data={"invitation": invitation.pk, "role": member.role, "user": member.user_id},
    )
    return member


@transaction.atomic(durable=True)
def end(membership_id: int, *, actor: Actor, now: datetime) -> Membership:
    """End a colleague's membership; every session in that chair ends at its next request.

    The organisation's row is locked first, so that the last two members cannot remove each other.
    """
    lock(Organisation.objects.filter(pk=actor.organisation_id))
    member = lock(
        Membership.objects.filter(pk=membership_id, organisation_id=actor.organisation_id).select_related("user")
    )
    remaining = Membership.objects.filter(organisation_id=actor.organisation_id, active=True, machine=False).count()
    rules.can_end(actor, member, remaining=remaining).require()
    close(member, text=f"移除成员 {member.user.name}", actor=actor, now=now)
    return member


def close(member: Membership, *, text: str, actor: Actor, now: datetime) -> None:
    """The chair is empty from now on, and its organisation reads why. In the caller's transaction, the row locked."""
    member.active = False
    member.save(update_fields=["active"])
    record(
        "member.ended",
        actor=actor,
        now=now,
        subject=f"membership:{member.pk}",
        text=text,
        data={"user": member.user_id, "role": member.role},
        parties=[member.organisation_id],
    )
