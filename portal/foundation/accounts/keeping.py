"""What the security administrator does with other people's accounts: unlock, close, open again, end a chair.

Each is journalled with its reason, and none can be done to oneself. Nobody takes another's place: there is no log-in as
somebody else, and no password is ever set for anybody.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Q, QuerySet

from portal.foundation.core.actor import Actor
from portal.foundation.core.db import lock
from portal.foundation.core.errors import Invalid, WrongState
from portal.foundation.core.verdict import YES, Verdict, not_you
from portal.foundation.journal.record import record

from . import attempts, inviting
from .identity import second, sessions
from .models import Membership, Role, User

PAGE = 50
_STEPS = (attempts.LOGIN, attempts.SECOND)


def can_keep(actor: Actor, user_id: int) -> Verdict:
    if actor.role != Role.SECURITY:
        return not_you("role", "账号由安全管理员管理。")
    if actor.user_id == user_id:
        return not_you("self", "不能处理自己的账号，请由另一位安全管理员办理。")
    return YES


def people(words: str, *, state: str = "", before: int | None = None) -> "QuerySet[User]":
    """Accounts, the newest first, with their chairs; `words` is part of a name, a user name or an organisation's name."""
    found = User.objects.prefetch_related("memberships__organisation").order_by("-pk")
    if words:
        found = found.filter(
            Q(name__icontains=words)
            | Q(username__icontains=words)
            | Q(pk__in=Membership.objects.filter(organisation__name__icontains=words).values("user"))
        )
    if state:
        found = found.filter(is_active=state == "open")
    return found.filter(pk__lt=before) if before else found


def locked_out(user: User, *, now: datetime) -> bool:
    """Whether wrong passwords or wrong codes keep this account waiting at the moment."""
    return any(attempts.refused(limit, _key(user.pk), now=now) for limit in _STEPS)


def _key(user_id: int) -> str:
    return f"user:{user_id}"


@transaction.atomic(durable=True)
def unlock(user_id: int, *, reason: str, actor: Actor, now: datetime) -> User:
    """Forget the wrong passwords and codes of an account, so that its owner may try again at once."""
    user = _kept(user_id, actor)
    for limit in _STEPS:
        attempts.forget(limit, _key(user.pk))
    record(
        "account.unlocked",
        actor=actor,
        now=now,
        subject=f"user:{user.pk}",
        text=f"解除 {user.name} 的登录锁定：{reason}",
    )
    return user


@transaction.atomic(durable=True)
def clear_second(user_id: int, *, reason: str, actor: Actor, now: datetime) -> User:
    """For who lost phone, passkeys and recovery codes: the next log-in, by the password, leads to setting up anew.

    The person is told by mail (identity.mailing), every session ends, and the journal names who did it and why.
    """
    user = _kept(user_id, actor)
    if not second.ways(user.pk):
        raise WrongState("none", "这个账号没有第二重验证，请刷新后查看。")
    second.clear(user)
    attempts.forget(attempts.SECOND, _key(user.pk))
    sessions.end_others(user, key=None)
    record(
        "person.second_reset",
        actor=actor,
        now=now,
        subject=f"user:{user.pk}",
        text=f"核对身份后清除 {user.name} 的第二重验证：{reason}",
    )
    return user


@transaction.atomic(durable=True)
def close(user_id: int, *, reason: str, actor: Actor, now: datetime) -> User:
    """Nobody logs in with this account any more; its sessions end at their next request."""
    user = _kept(user_id, actor)
    if not user.is_active:
        raise WrongState("closed", "这个账号已经停用，请刷新后查看。")
    user.is_active = False
    user.save(update_fields=["is_active"])
    record("account.closed", actor=actor, now=now, subject=f"user:{user.pk}", text=f"停用 {user.name} 的账号：{reason}")
    return user


@transaction.atomic(durable=True)
def reopen(user_id: int, *, reason: str, actor: Actor, now: datetime) -> User:
    user = _kept(user_id, actor)
    if user.is_active:
        raise WrongState("open", "这个账号没有停用，请刷新后查看。")
    user.is_active = True
    user.save(update_fields=["is_active"])
    record(
        "account.reopened", actor=actor, now=now, subject=f"user:{user.pk}", text=f"恢复 {user.name} 的账号：{reason}"
    )
    return user


@transaction.atomic(durable=True)
def end_chairs(user_id: int, *, reason: str, actor: Actor, now: datetime) -> User:
    """End every chair of a person who has left: whatever is open in them stays with the organisations."""
    user = _kept(user_id, actor)
    chairs = list(Membership.objects.select_for_update().filter(user=user, active=True).order_by("pk"))
    if not chairs:
        raise WrongState("ended", "这个人已经没有身份，请刷新后查看。")
    for chair in chairs:
        inviting.close(chair, text=f"安全管理员结束 {user.name} 的身份：{reason}", actor=actor, now=now)
    return user


def _kept(user_id: int, actor: Actor) -> User:
    can_keep(actor, user_id).require()
    return lock(User.objects.filter(pk=user_id))


@dataclass(frozen=True, slots=True)
class Deed:
    """One thing that may be done to an account now; `ask` is the sentence on the page."""

    code: str
    label: str
    ask: str
    do: Callable[..., User]
    grave: bool = False  # told in red


_DEEDS = (
    Deed("unlock", "解除锁定", "密码或验证码输错次数过多而被锁定，核实本人后可以提前解除。", unlock),
    Deed(
        "second",
        "清除第二重验证",
        "手机、通行密钥和恢复码都丢失时，当面核实本人后清除；对方登录退出，收到邮件，下次用密码登录后重新绑定。",
        clear_second,
        grave=True,
    ),
    Deed("close", "停用账号", "停用后不能登录，已登录的下一次点击就会退出。办过的事和记录都保留。", close, grave=True),
    Deed("reopen", "恢复账号", "恢复后可以用原来的密码登录。", reopen),
    Deed(
        "end", "结束全部身份", "离职等情况下，结束此人在所有单位的身份。单位的在办件不受影响。", end_chairs, grave=True
    ),
)


def deeds(user: User, *, now: datetime) -> list[Deed]:
    """What the page offers for this account; the verbs check once more."""
    wanted = {"close" if user.is_active else "reopen"}
    if locked_out(user, now=now):
        wanted.add("unlock")
    if second.ways(user.pk):
        wanted.add("second")
    if any(chair.active for chair in user.memberships.all()):
        wanted.add("end")
    return [deed for deed in _DEEDS if deed.code in wanted]


def deed(code: str) -> Deed:
    """Raises Invalid for a code that is none."""
    found = next((deed for deed in _DEEDS if deed.code == code), None)
    if found is None:
        raise Invalid("deed", "没有这一项操作，请从页面上的按钮进入。")
    return found
