"""The verbs of accounts: sign in, register a company, invite, join, leave, edit. The only writers besides reference data."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.contrib.auth import authenticate
from django.contrib.auth.hashers import make_password
from django.db import IntegrityError, OperationalError, transaction

from portal.foundation.core.actor import Actor
from portal.foundation.core.db import lock
from portal.foundation.core.errors import Invalid, WrongState
from portal.foundation.journal.record import record

from . import attempts, queries, rules
from .identity import passwords, second, sessions
from .models import Invitation, Membership, Organisation, OrganisationKind, Role, User

INVITATION_LIFE = timedelta(days=7)
KNOWN_COMPANY = (
    "这家企业已在本平台注册。请联系企业里已有账号的同事，在“成员”页向您发出邀请；同事已离职的，请联系平台运维人员。"
)
KEEPERS_APART = "系统管理员、安全管理员、审计管理员和监管人员不能由同一人兼任，也不能兼任业务岗位。请另选一位，或先移除其现有身份后再邀请。"
TWO_PEOPLE = "发出邀请的人不能自己接受邀请，请由对方本人接受。"
USERNAME_TAKEN = "这个用户名已有人使用，请换一个。"
PHONE_TAKEN = "这个手机号已有账号，请先登录；忘记密码请联系本单位负责人或平台运维人员。"


@dataclass(frozen=True, slots=True)
class Company:
    """What an enterprise says about itself, checked by the form; `uscc` is canonical."""

    uscc: str
    name: str
    district_code: str
    industry_letter: str
    address: str
    contact_name: str
    contact_phone: str


@dataclass(frozen=True, slots=True)
class Newcomer:
    """A person without an account yet."""

    name: str
    phone: str
    username: str
    password: str
    encoded: str = ""  # its hash, when the person waits for a code meanwhile and the password itself is not kept


@dataclass(frozen=True, slots=True)
class Issued:
    """An invitation and its token. The token is shown once and stored only as a digest."""

    invitation: Invitation
    token: str


def sign_in(login: str, password: str, *, now: datetime, address: str = "") -> User | None:
    """The person, or None for whatever is wrong: no such account, wrong password, or too many wrong ones just before.

    The caller cannot tell which, and so cannot tell a guesser. The session is the caller's business. Raises TooMany when one
    address has guessed at many accounts: that says nothing about any of them.
    """
    try:
        return _sign_in(login.strip(), password, now=now, address=address)
    except OperationalError as error:
        if not attempts.queue_too_long(error):
            raise
        return None


@transaction.atomic(durable=True)
def _sign_in(login: str, password: str, *, now: datetime, address: str) -> User | None:
    known = queries.by_login(login)
    key = f"user:{known.pk}" if known else f"name:{login.lower()}"
    attempts.take_turn(attempts.LOGIN, key)
    if address:
        attempts.require(attempts.LOGIN_ADDRESS, address, now=now)
    if attempts.refused(attempts.LOGIN, key, now=now):
        return None
    attempts.take_slot()
    user = authenticate(username=known.username if known else login, password=password)
    if not isinstance(user, User):
        attempts.miss(attempts.LOGIN, key, now=now)
        if address:
            attempts.miss(attempts.LOGIN_ADDRESS, address, now=now)
        return None
    attempts.forget(attempts.LOGIN, key)
    return user


def register_enterprise(company: Company, person: Newcomer, *, now: datetime) -> Membership:
    """A new enterprise with its first member. Raises Invalid when the code, the user name or the phone is known already."""
    try:
        return _register_enterprise(company, person, now=now)
    except IntegrityError as error:  # two people registered in the same moment
        raise _taken(error) from error


def require_new(company: Company) -> None:
    """Raises Invalid for a company that is here already; who registers may know that, companies are public."""
    known = Organisation.objects.filter(uscc=company.uscc).exclude(kind=OrganisationKind.OUTSIDE)
    if known.exists():
        raise Invalid("known", KNOWN_COMPANY, fields={"uscc": KNOWN_COMPANY})


@transaction.atomic(durable=True)
def _register_enterprise(company: Company, person: Newcomer, *, now: datetime) -> Membership:
    # Files that named this company before it came stay with their own entry: nobody has proved that this is the same one.
    Organisation.objects.filter(uscc=company.uscc, kind=OrganisationKind.OUTSIDE).update(uscc=None)
    require_new(company)
    organisation = Organisation.objects.create(
        kind=OrganisationKind.ENTERPRISE,
        name=company.name,
        uscc=company.uscc,
        district_id=company.district_code,
        industry_id=company.industry_letter,
        address=company.address,
        contact_name=company.contact_name,
        contact_phone=company.contact_phone,
    )
    made = Membership.objects.create(user=_create(person, now=now), organisation=organisation, role=Role.ENTERPRISE)
    record(
        "enterprise.registered",
        actor=made.actor,
        now=now,
        subject=f"organisation:{organisation.pk}",
        text=f"注册企业 {organisation.name}",
        data={"uscc": company.uscc, "district": company.district_code, "privacy_accepted": True},
    )
    return made


def _create(person: Newcomer, *, now: datetime) -> User:
    if User.objects.filter(username=person.username).exists():
        field, said = ("phone", PHONE_TAKEN) if person.username == person.phone else ("username", USERNAME_TAKEN)
        raise Invalid("taken", said, fields={field: said})
    if User.objects.filter(phone=person.phone).exists():
        raise Invalid("taken", PHONE_TAKEN, fields={"phone": PHONE_TAKEN})
    made = User(username=person.username, name=person.name, phone=person.phone)
    made.password = person.encoded or hashed(person.password)
    made.save(force_insert=True)
    passwords.remember(made, now=now)
    return made


def hashed(password: str) -> str:
    """Its hash, made in one of the slots; inside a transaction."""
    attempts.take_slot()
    return make_password(password)


def _taken(error: IntegrityError) -> Exception:
    name = getattr(getattr(error.__cause__, "diag", None), "constraint_name", "") or ""
    if "uscc" in name:
        return Invalid("known", KNOWN_COMPANY, fields={"uscc": KNOWN_COMPANY})
    if name == "membership_keepers_apart":
        return WrongState("keepers", KEEPERS_APART)
    if name == "invitation_two_people":
        return WrongState("same-person", TWO_PEOPLE)
    if "username" in name:
        return Invalid("taken", USERNAME_TAKEN, fields={"username": USERNAME_TAKEN})
    return error


@transaction.atomic(durable=True)
def update_enterprise(changes: Mapping[str, Any], *, seen: str, actor: Actor, now: datetime) -> Organisation:
    """Change the actor's own enterprise; `seen` is queries.state_of() of what the form showed.

    Raises WrongState when a colleague saved something else meanwhile. Nothing changed means nothing written.
    """
    rules.can_edit_organisation(actor).require()
    organisation = lock(Organisation.objects.filter(pk=actor.organisation_id))
    if queries.state_of(organisation) != seen:
        raise WrongState("stale", "同事刚刚改过企业资料。下面是您填写的内容，请与现在的资料核对后再保存一次。")
    before = {name: getattr(organisation, name) for name in queries.EDITABLE}
    changed = {
        name: value for name, value in changes.items() if name in before and _plain(value) != _plain(before[name])
    }
    if not changed:
        return organisation
    for name, value in changed.items():
        setattr(organisation, name, value)
    organisation.save(update_fields=[*changed, "sort_key"])
    record(
        "organisation.updated",
        actor=actor,
        now=now,
        subject=f"organisation:{organisation.pk}",
        text="修改企业资料",
        data={name: [_plain(before[name]), _plain(value)] for name, value in changed.items()},
    )
    return organisation


def _plain(value: Any) -> Any:
    """A fact as the journal keeps it; nothing is one thing, whether it is an empty text or no date."""
    return value.isoformat() if isinstance(value, date) else "" if value is None else value


@transaction.atomic(durable=True)
def change_password(user_id: int, old: str, new: str, *, actor: Actor, now: datetime) -> User | None:
    """Set a new password; None when the old one is wrong (counted like a wrong log-in, so it cannot be guessed here)."""
    user = _whose_password(user_id, old, now=now)
    if user is not None:
        set_password(user, new, now=now)
        record("person.password_changed", actor=actor, now=now, subject=f"user:{user_id}", text="修改登录密码")
    return user


@transaction.atomic(durable=True)
def replace_old_password(user_id: int, new: str, *, now: datetime) -> User:
    """A new password for who has just shown the old one at the log-in, because that one has grown too old."""
    user = lock(User.objects.filter(pk=user_id))
    actor = queries.seats_of(user_id)[0].actor
    set_password(user, new, now=now)
    record("person.password_changed", actor=actor, now=now, subject=f"user:{user_id}", text="密码到期，修改登录密码")
    return user


def set_password(user: User, new: str, *, now: datetime) -> None:
    """Inside the transaction of whoever asks for it. The person's other sessions end with the old password."""
    attempts.take_slot()
    before = user.password
    user.set_password(new)
    user.save(update_fields=["password"])
    passwords.remember(user, now=now, before=before)
    sessions.end_others(user, key=None)  # their hash no longer fits anyway; this takes them off the list


def prove(user_id: int, typed: str, *, now: datetime) -> str | None:
    """What a logged-in person shows to be still the same: «password», or the kind of second factor; None when it is wrong."""
    plain = typed.strip().replace("-", "").replace(" ", "")
    if plain.isascii() and plain.isdigit():  # no password is all digits
        return second.check(user_id, plain, now=now)
    return "password" if _has_password(user_id, typed, now=now) else None


@transaction.atomic(durable=True)
def _has_password(user_id: int, typed: str, *, now: datetime) -> bool:
    return _whose_password(user_id, typed, now=now) is not None


def _whose_password(user_id: int, typed: str, *, now: datetime) -> User | None:
    """The locked user, when the password is right; a wrong one is counted like a wrong log-in."""
    key = f"user:{user_id}"
    attempts.take_turn(attempts.LOGIN, key)
    user = lock(User.objects.filter(pk=user_id))
    if attempts.refused(attempts.LOGIN, key, now=now):
        return None
    attempts.take_slot()
    if not user.check_password(typed):
        attempts.miss(attempts.LOGIN, key, now=now)
        return None
    attempts.forget(attempts.LOGIN, key)
    return user


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
        raise _taken(error) from error


@transaction.atomic(durable=True)
def _join_as_newcomer(digest: str, person: Newcomer, *, now: datetime) -> Membership:
    invitation = _open_invitation(digest, now=now)
    return _join(invitation, _create(person, now=now), now=now)


def join(digest: str, user_id: int, *, now: datetime) -> Membership:
    """Accept an invitation as somebody who has an account; a former member comes back with the invited role.

    Raises WrongState when the person has a chair that this one cannot stand beside (the database says so).
    """
    try:
        return _join_again(digest, user_id, now=now)
    except IntegrityError as error:
        raise _taken(error) from error


@transaction.atomic(durable=True)
def _join_again(digest: str, user_id: int, *, now: datetime) -> Membership:
    invitation = _open_invitation(digest, now=now)
    return _join(invitation, User.objects.get(pk=user_id), now=now)


def _open_invitation(digest: str, *, now: datetime) -> Invitation:
    """The locked invitation of a link, by the digest of its token. Raises Invitation.DoesNotExist, or WrongState when it no longer works."""
    invitation = lock(Invitation.objects.filter(token_digest=digest).select_related("organisation"))
    rules.can_join(invitation, now=now).require()
    return invitation


def _join(invitation: Invitation, user: User, *, now: datetime) -> Membership:
    member, fresh = Membership.objects.get_or_create(
        user=user, organisation=invitation.organisation, defaults={"role": invitation.role}
    )
    if not fresh:
        if member.active:
            raise WrongState("member", f"您已经是“{invitation.organisation}”的成员，不必再接受邀请。")
        member.active, member.role = True, invitation.role
        member.save(update_fields=["active", "role"])
    invitation.accepted_at, invitation.accepted_by = now, user
    invitation.save(update_fields=["accepted_at", "accepted_by"])
    record(
        "member.joined",
        actor=member.actor,
        now=now,
        subject=f"membership:{member.pk}",
        text=f"{user.name} 接受邀请加入，角色：{Role(member.role).label}",
        data={"invitation": invitation.pk, "role": member.role},
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
    member.active = False
    member.save(update_fields=["active"])
    record(
        "member.ended",
        actor=actor,
        now=now,
        subject=f"membership:{member.pk}",
        text=f"移除成员 {member.user.name}",
        data={"user": member.user_id, "role": member.role},
    )
    return member
