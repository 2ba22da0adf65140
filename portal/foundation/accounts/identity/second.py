"""The second factor: an authenticator's code, a passkey, or a recovery code. Stored by allauth, counted and locked by us.

allauth remembers a used code in the cache of one process. Here the step of the last accepted code stands beside its secret
and only later ones are taken (RFC 6238 §5.2), under a lock: a code works once in all processes, and two at once are one.
"""

import hmac
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal import auth as totp
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.db import OperationalError, transaction

from portal.foundation.accounts import attempts, queries
from portal.foundation.accounts.models import User
from portal.foundation.core.actor import Actor
from portal.foundation.core.errors import Invalid, WrongState
from portal.foundation.core.identifiers import compact
from portal.foundation.journal.record import record

from . import sessions

STEP = 30  # seconds
DRIFT = 1  # steps a clock may be off, either way
MOST_PASSKEYS = 5
TOTP, PASSKEY, RECOVERY = Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN, Authenticator.Type.RECOVERY_CODES
NAMES = {TOTP: "身份验证器", PASSKEY: "通行密钥", RECOVERY: "恢复码"}


@dataclass(frozen=True, slots=True)
class Ways:
    """What a person has set up."""

    code: bool
    passkeys: tuple[Authenticator, ...]
    codes_left: int

    def __bool__(self) -> bool:
        return self.code or bool(self.passkeys)


def ways(user_id: int) -> Ways:
    found = list(Authenticator.objects.filter(user_id=user_id).order_by("created_at", "pk"))
    left = [len(RecoveryCodes(a).get_unused_codes()) for a in found if a.type == RECOVERY]
    return Ways(
        code=any(a.type == TOTP for a in found),
        passkeys=tuple(a for a in found if a.type == PASSKEY),
        codes_left=sum(left),
    )


def needed(user_id: int) -> bool:
    """Whether any chair of this person demands a second factor."""
    return any(sessions.needs_second(seat.role) for seat in queries.seats_of(user_id))


# --- codes -----------------------------------------------------------------------------------------------------------
def new_secret() -> str:
    return str(totp.generate_totp_secret())


def code_at(secret: str, now: datetime, *, steps: int = 0) -> str:
    """The code of a secret at a moment, `steps` × 30 s later."""
    return str(totp.format_hotp_value(totp.hotp_value(secret, int(now.timestamp()) // STEP + steps)))


def secret_address(user: User, secret: str) -> str:
    """What the authenticator reads from the square."""
    return str(get_adapter().build_totp_url(user, secret))


def shown_code(user: User, *, now: datetime) -> str:
    """The present code of a demonstration account, for the page; empty for everybody else. Never in production."""
    if settings.PRODUCTION:
        raise ImproperlyConfigured("a second factor is never shown in production")
    row = Authenticator.objects.filter(user=user, type=TOTP).first()
    if not settings.DEMO or row is None or not row.data.get("demonstration"):
        return ""
    secret = get_adapter().decrypt(row.data["secret"])
    last = row.data.get("last_step", 0)
    # The code of this half minute may have been used by the last visitor, then the next one is as good.
    return code_at(secret, now, steps=0 if int(now.timestamp()) // STEP > last else 1)


def _step_of(secret: str, code: str, *, now: datetime, after: int) -> int | None:
    """The step whose code this is, when it lies within the drift and after the last accepted one."""
    present = int(now.timestamp()) // STEP
    for step in range(present - DRIFT, present + DRIFT + 1):
        expected = totp.format_hotp_value(totp.hotp_value(secret, step))
        if step > after and hmac.compare_digest(expected.encode(), code.encode()):
            return step
    return None


def check(user_id: int, typed: str, *, now: datetime) -> str | None:
    """The kind of factor that a typed code shows, or None: wrong, used before, or too many wrong ones just before."""
    try:
        return _check(user_id, compact(typed).replace("-", ""), now=now)
    except OperationalError as error:
        if not attempts.queue_too_long(error):
            raise
        return None


@transaction.atomic(durable=True)
def _check(user_id: int, code: str, *, now: datetime) -> str | None:
    key = f"user:{user_id}"
    attempts.take_turn(attempts.SECOND, key)
    if attempts.refused(attempts.SECOND, key, now=now):
        return None
    kind = _matching(user_id, code, now=now) if code.isascii() else None
    if kind is None:
        attempts.miss(attempts.SECOND, key, now=now)
    else:
        attempts.forget(attempts.SECOND, key)
    return kind


def _matching(user_id: int, code: str, *, now: datetime) -> str | None:
    for row in Authenticator.objects.select_for_update().filter(user_id=user_id, type__in=[TOTP, RECOVERY]):
        if row.type == TOTP and len(code) == 6:
            secret = get_adapter().decrypt(row.data["secret"])
            step = _step_of(secret, code, now=now, after=row.data.get("last_step", 0))
            if step is None:
                continue
            row.data["last_step"] = step
        elif row.type != RECOVERY or not RecoveryCodes(row).validate_code(code):
            continue
        else:
            row.refresh_from_db()
        row.last_used_at = now
        row.save(update_fields=["data", "last_used_at"])
        return str(row.type)
    return None


def locked(user_id: int, *, now: datetime) -> bool:
    """Whether wrong codes have closed this step for a while."""
    return attempts.refused(attempts.SECOND, f"user:{user_id}", now=now)


# --- setting up and taking away --------------------------------------------------------------------------------------
@transaction.atomic(durable=True)
def add_code(user: User, secret: str, typed: str, *, actor: Actor, now: datetime) -> list[str]:
    """Keep an authenticator's secret once it has shown a right code; new recovery codes when there were none.

    Raises Invalid for a wrong code (not counted: who sets up sees the secret), WrongState when there is one already.
    """
    User.objects.select_for_update().get(pk=user.pk)
    if Authenticator.objects.filter(user=user, type=TOTP).exists():
        raise WrongState("there", "您已经绑定了身份验证器。要换一个，请先移除现在的。")
    code = compact(typed)
    step = _step_of(secret, code, now=now, after=0) if code.isascii() else None
    if step is None:
        said = "验证码不对。请核对手机时间是否准确，再输入身份验证器里现在显示的 6 位数字。"
        raise Invalid("code", said, fields={"code": said})
    enrol(user, secret, step=step)
    return _told(user, TOTP, actor=actor, now=now)


def enrol(user: User, secret: str, *, step: int = 0, demonstration: bool = False) -> None:
    """The row of an authenticator, without asking; a demonstration's account comes with one whose code is shown."""
    data = {"secret": get_adapter().encrypt(secret), "last_step": step}
    Authenticator.objects.create(user=user, type=TOTP, data=data | ({"demonstration": True} if demonstration else {}))


def _told(user: User, kind: Authenticator.Type, *, actor: Actor, now: datetime) -> list[str]:
    fresh: list[str] = []
    if not Authenticator.objects.filter(user=user, type=RECOVERY).exists():
        fresh = RecoveryCodes.activate(user).generate_codes()
    record(
        "person.second_added", actor=actor, now=now, subject=f"user:{user.pk}", text=f"启用第二重验证：{NAMES[kind]}"
    )
    return fresh


@transaction.atomic(durable=True)
def remove(user: User, pk: int, *, actor: Actor, now: datetime) -> None:
    """Take one factor away. Raises Authenticator.DoesNotExist, or WrongState when it is the last and the role demands one."""
    User.objects.select_for_update().get(pk=user.pk)
    row = Authenticator.objects.exclude(type=RECOVERY).get(user=user, pk=pk)
    others = Authenticator.objects.filter(user=user).exclude(type=RECOVERY).exclude(pk=pk)
    if not others.exists():
        if needed(user.pk):
            raise WrongState("last", "您的身份必须有第二重验证。请先添加另一种，再移除这一种。")
        Authenticator.objects.filter(user=user, type=RECOVERY).delete()
    row.delete()
    record(
        "person.second_removed",
        actor=actor,
        now=now,
        subject=f"user:{user.pk}",
        text=f"移除第二重验证：{NAMES[Authenticator.Type(row.type)]}",
    )


@transaction.atomic(durable=True)
def new_recovery_codes(user: User, *, actor: Actor, now: datetime) -> list[str]:
    """Ten new codes; the old ones end. Raises WrongState without a factor that they could stand in for."""
    User.objects.select_for_update().get(pk=user.pk)
    if not ways(user.pk):
        raise WrongState("none", "恢复码在手机丢失时代替验证码。请先绑定身份验证器或通行密钥。")
    Authenticator.objects.filter(user=user, type=RECOVERY).delete()
    codes: list[str] = RecoveryCodes.activate(user).generate_codes()
    record("person.recovery_renewed", actor=actor, now=now, subject=f"user:{user.pk}", text="重新生成恢复码")
    return codes


def clear(user: User) -> None:
    """Every factor, inside the transaction of whoever tells it to the journal."""
    Authenticator.objects.filter(user=user).delete()


@transaction.atomic(durable=True)
def take_away_all(user: User, *, actor: Actor, now: datetime) -> int:
    """For who lost everything, after an operator has checked who it is; how many sessions ended. The next log-in leads to setting up anew."""
    clear(user)
    ended = sessions.end_others(user, key=None)
    record(
        "person.second_reset",
        actor=actor,
        now=now,
        subject=f"user:{user.pk}",
        text="核对身份后清除第二重验证，登录时重新绑定",
    )
    return ended


# --- passkeys --------------------------------------------------------------------------------------------------------
def begin_adding(user: User) -> dict[str, Any]:
    """What the browser needs to make a passkey; the challenge waits in the session."""
    from allauth.mfa.webauthn.internal import auth  # its tables of public suffixes are loaded by who uses passkeys

    return dict(auth.begin_registration(user, passwordless=False))


def begin_asking(user: User) -> dict[str, Any]:
    from allauth.mfa.webauthn.internal import auth

    return dict(auth.begin_authentication(user))


@transaction.atomic(durable=True)
def add_passkey(user: User, name: str, answer: Any, *, actor: Actor, now: datetime) -> list[str]:
    """Keep a passkey that answered the session's challenge; new recovery codes when there were none. Raises Invalid."""
    from allauth.mfa.webauthn.internal import auth

    User.objects.select_for_update().get(pk=user.pk)
    if Authenticator.objects.filter(user=user, type=PASSKEY).count() >= MOST_PASSKEYS:
        raise WrongState("many", f"最多 {MOST_PASSKEYS} 个通行密钥。请先移除不用的。")
    try:
        auth.parse_registration_response(answer)
        auth.complete_registration(answer)
    except (ValidationError, ValueError, TypeError, KeyError, AttributeError) as error:
        auth.clear_state()
        raise Invalid("passkey", "通行密钥没有添加成功，请再试一次。") from error
    auth.WebAuthn.add(user, name, answer)
    return _told(user, PASSKEY, actor=actor, now=now)


def check_passkey(user: User, answer: Any, *, now: datetime) -> bool:
    """Whether one of the person's passkeys signed the session's challenge, which works once."""
    from allauth.mfa.webauthn.internal import auth

    if locked(user.pk, now=now):
        return False
    try:
        auth.parse_authentication_response(answer)
        row = auth.complete_authentication(user, answer)
    except (ValidationError, ValueError, TypeError, KeyError, AttributeError):
        with transaction.atomic():
            attempts.miss(attempts.SECOND, f"user:{user.pk}", now=now)
        return False
    finally:
        auth.clear_state()
    Authenticator.objects.filter(pk=row.pk).update(last_used_at=now)
    return True
