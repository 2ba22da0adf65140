"""What is kept how long, and the task that lets go of what has passed. Each run is journalled with its counts.

The lengths are ours unless a rule names one; what proves a deed (the journal, papers, registrations, contracts) is kept without
end and is not in this table. A journal entry keeps the label of who acted, as the law of archives wants; the account behind it
is emptied here.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from applications.actions.drafts import discard
from applications.models import Draft
from portal.foundation.accounts.identity.models import PasswordRecord, ResetLink, SsoBinding
from portal.foundation.accounts.models import Attempt, Invitation, Membership, User
from portal.foundation.core import once, rates, tidying
from portal.foundation.core.actor import SYSTEM, Actor
from portal.foundation.core.moments import local_date
from portal.foundation.journal.models import Entry, Look, Refusal
from portal.foundation.journal.record import record

BATCH = 1000  # rows of one rule and transaction, so that none holds locks for long; the next goes on at once
MOST_BATCHES = 1000  # a day's run ends some time
GONE = "已注销用户"


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of data: how long it is kept after what, why so long, and what becomes of it."""

    code: str
    what: str
    keep: timedelta
    ground: str
    let_go: Callable[[datetime, datetime], int]  # what is older than the moment; how many


def _sessions(before: datetime, _: datetime) -> int:
    return Session.objects.filter(expire_date__lt=before).delete()[0]


def _devices(before: datetime, now: datetime) -> int:
    """Address and browser of a log-in whose session is over."""
    lives = Session.objects.filter(session_key=OuterRef("session_key"), expire_date__gt=now)
    return int(UserSession.objects.filter(~Exists(lives), created_at__lt=before).delete()[0])


def _rates(_: datetime, now: datetime) -> int:
    return rates.tidy(now=now)


def _answers(_: datetime, now: datetime) -> int:
    return once.tidy(now=now)


def _files(_: datetime, __: datetime) -> int:
    return tidying.tidy()


def _attempts(before: datetime, _: datetime) -> int:
    return Attempt.objects.filter(at__lt=before).delete()[0]


def _refusals(before: datetime, _: datetime) -> int:
    return _deleted(Refusal, before)


def _looks(before: datetime, _: datetime) -> int:
    return _deleted(Look, before)


def _deleted(model: type[Refusal] | type[Look], before: datetime) -> int:
    old = list(model.objects.filter(at__lt=before).order_by("pk").values_list("pk", flat=True)[:BATCH])
    return model.objects.filter(pk__in=old).delete()[0]


def _invitations(before: datetime, _: datetime) -> int:
    """The phone of somebody who never came is none of our business any more."""
    old = Invitation.objects.filter(expires_at__lt=before, accepted_at=None).exclude(phone="")
    return old.update(phone="")


def _drafts(before: datetime, now: datetime) -> int:
    """With their files, by the verb that the enterprise itself would use."""
    old = list(Draft.objects.filter(updated_at__lt=before).select_related("organisation").order_by("pk")[:BATCH])
    for draft in old:
        of = draft.organisation
        discard(draft.pk, actor=Actor(0, SYSTEM.name, SYSTEM.role, of.pk, of.title, of.kind), now=now)
    return len(old)


def _people(before: datetime, _: datetime) -> int:
    """Accounts without a chair that nobody has used since: name, phone and mail go, and every way in with its name for a key
    or an identity elsewhere; the number stays for the journal."""
    sits = Membership.objects.filter(user=OuterRef("pk"), active=True)
    used = Q(last_login__lt=before) | Q(last_login=None, date_joined__lt=before)
    old = list(User.objects.filter(used, ~Exists(sits)).exclude(name=GONE).order_by("pk")[:BATCH])
    for user in old:
        user.username, user.name, user.phone, user.email = f"gone-{user.pk}", GONE, "", ""
        user.is_active = False
        user.set_unusable_password()
        user.save(update_fields=["username", "name", "phone", "email", "is_active", "password"])
        for model in (SsoBinding, PasswordRecord, ResetLink, Authenticator, UserSession):
            model._base_manager.filter(user=user).delete()
    return len(old)


OURS = "平台规定"
RULES = (
    Rule("sessions", "已过期的登录会话", timedelta(days=1), OURS, _sessions),
    Rule("devices", "已结束的登录的地址和浏览器", timedelta(days=1), OURS, _devices),
    Rule("rates", "已过期的频率计数", timedelta(days=1), OURS, _rates),
    Rule("answers", "重复提交时交还的答复", timedelta(days=1), OURS, _answers),
    Rule("files", "没有记录指向的文件", timedelta(days=1), OURS, _files),
    Rule("attempts", "输错密码的计数", timedelta(days=1), OURS, _attempts),
    Rule("invitations", "没有接受的邀请里的手机号", timedelta(days=30), OURS, _invitations),
    Rule("drafts", "没有提交的需求草稿和附件", timedelta(days=365), OURS, _drafts),
    Rule("refusals", "拒绝记录", timedelta(days=366), "网络日志不少于六个月", _refusals),
    Rule("looks", "查看记录", timedelta(days=3 * 366), OURS, _looks),
    Rule("people", "没有身份且长期不登录的账号里的姓名、手机、邮箱、登录方式", timedelta(days=3 * 366), OURS, _people),
)


def due(*, now: datetime) -> bool:
    """Whether it has not run today (in Asia/Shanghai)."""
    return not Entry.objects.filter(subject=_subject(now)).exists()


def apply(*, now: datetime) -> dict[str, int]:
    """Let go of what has passed; what each rule let go of. Runs outside a transaction; safe to repeat."""
    done: dict[str, int] = {}
    for rule in RULES:
        done[rule.code] = 0
        for _ in range(MOST_BATCHES):
            gone = rule.let_go(now - rule.keep, now)
            done[rule.code] += gone
            if gone < BATCH:
                break
    with transaction.atomic():
        some = {code: count for code, count in done.items() if count}
        text = "，".join(f"{rule.what} {done[rule.code]}" for rule in RULES if done[rule.code]) or "没有到期的数据"
        record(
            "retention.applied", actor=SYSTEM, now=now, subject=_subject(now), text=f"清理到期数据：{text}", data=some
        )
    return done


def _subject(now: datetime) -> str:
    return f"retention:{local_date(now)}"
