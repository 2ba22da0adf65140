"""What a person does with the own account, and an enterprise with its data: sign in, change the password, prove, edit."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from django.contrib.auth import authenticate
from django.db import OperationalError, transaction

from portal.foundation.core.actor import Actor
from portal.foundation.core.db import lock
from portal.foundation.core.errors import WrongState
from portal.foundation.journal.record import record

from . import attempts, queries, rules
from .identity import passwords, second, sessions
from .models import Organisation, User


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
        passwords.set_password(user, new, now=now)
        record("person.password_changed", actor=actor, now=now, subject=f"user:{user_id}", text="修改登录密码")
    return user


@transaction.atomic(durable=True)
def replace_old_password(user_id: int, new: str, *, now: datetime) -> User:
    """A new password for who has just shown the old one at the log-in, because that one has grown too old."""
    user = lock(User.objects.filter(pk=user_id))
    actor = queries.seats_of(user_id)[0].actor
    passwords.set_password(user, new, now=now)
    record("person.password_changed", actor=actor, now=now, subject=f"user:{user_id}", text="密码到期，修改登录密码")
    return user


@transaction.atomic(durable=True)
def end_other_sessions(user: User, *, key: str | None, actor: Actor, now: datetime) -> int:
    """End every session of the person but the one with this key; how many there were."""
    count = sessions.end_others(user, key=key)
    record(
        "person.sessions_ended",
        actor=actor,
        now=now,
        subject=f"user:{user.pk}",
        text=f"退出其他设备上的登录，{count} 处",
    )
    return count


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
