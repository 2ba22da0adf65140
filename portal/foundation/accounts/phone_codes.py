"""A phone (or where no text can be sent, a mail address) is shown to be one's own before an account hangs on it.

A number that has an account gets a message that says so instead of a code; the page is the same, and no code is right. A mail
goes to an address that its reader has just typed, so there it cannot hide anything: what is known is told after the code.
"""

import secrets
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase
from django.core.mail import EmailMessage
from django.db import transaction
from django.utils.crypto import constant_time_compare

from portal.foundation.core import addresses, rates
from portal.foundation.core.errors import Invalid, Unready
from portal.foundation.core.rates import Rate
from portal.foundation.journal.subscribers import Down

from . import attempts
from .identity import mailing, passwords, texts
from .models import User
from .registering import Company, Newcomer, require_new

KEY = "phone_code"
LIFE = timedelta(minutes=10)
WRONG = "验证码不对。请核对收到的 6 位数字；输错 5 次后要重新填写。"
# Codes to one phone or mailbox, and askings from one address: each sends a message to somebody.
TO_ONE = Rate("code-phone", 3, timedelta(hours=1))
FROM_ONE = Rate("code-line", 10, timedelta(minutes=15))


def by_text() -> bool:
    """Whether codes go to phones here; else they go by mail."""
    return bool(settings.SMS_PROVIDER != "none")


def register(session: SessionBase, company: Company, person: Newcomer, *, address: str, now: datetime) -> None:
    """Send a code and keep what was filled in, the password as its hash. Raises Invalid for a known company, TooMany, Unready."""
    require_new(company)
    _newcomer(session, person, {"company": asdict(company)}, what="注册企业账号", address=address, now=now)


def join(session: SessionBase, digest: str, person: Newcomer, *, address: str, now: datetime) -> None:
    """The same for who has an invitation (by the digest of its token)."""
    _newcomer(session, person, {"invitation": digest}, what="加入单位", address=address, now=now)


def change(session: SessionBase, user: User, phone: str, *, address: str, now: datetime) -> None:
    """A code to the phone that a person wants to have from now on; only where texts can be sent."""
    known = User.objects.filter(phone=phone).exclude(pk=user.pk).exists()
    _begin(session, phone, {"user": user.pk, "phone": phone}, what="更换手机号", known=known, address=address, now=now)


def _newcomer(
    session: SessionBase, person: Newcomer, kept: dict[str, Any], *, what: str, address: str, now: datetime
) -> None:
    if not by_text() and not person.email:
        raise Invalid("email", "请填写邮箱，验证码会发到这里。", fields={"email": "请填写邮箱，验证码会发到这里。"})
    to = person.phone if by_text() else person.email
    known = by_text() and User.objects.filter(phone=person.phone).exists()
    kept = {**kept, "person": {**asdict(person), "password": "", "encoded": "", "email_shown": not by_text()}}
    _begin(session, to, kept, what=what, known=known, address=address, now=now)
    kept["person"]["encoded"] = _hashed(person.password)
    session[KEY] = {**session[KEY], "person": kept["person"]}


@transaction.atomic(durable=True)
def _hashed(password: str) -> str:
    return passwords.hashed(password)


def _begin(
    session: SessionBase, to: str, kept: dict[str, Any], *, what: str, known: bool, address: str, now: datetime
) -> None:
    rates.require(FROM_ONE, address, "这个网络地址要的验证码过多", now=now)
    rates.require(TO_ONE, to, "发往这个号码或邮箱的验证码过多", now=now)
    code = f"{secrets.randbelow(1_000_000):06d}"
    said = f"{what}的验证码 {code}，10 分钟内有效。不要告诉任何人。"
    if known:
        said = f"有人用您的手机号{what}，但这个手机号已有账号。如果是您本人，请直接登录或点“忘记密码”。"
    _send(to, said, now=now)
    session[KEY] = {
        **kept,
        "to": to,
        "code": "" if known else _digest(code),
        "asking": secrets.token_urlsafe(12),
        "at": int(now.timestamp()),
        "shown": code if settings.DEMO else "",
    }


def _send(to: str, said: str, *, now: datetime) -> None:
    try:
        if "@" in to:
            mailing.send(EmailMessage(subject="验证码", body=f"{said}\n", to=[to]), now=now)
        else:
            texts.send(to, said)
    except (Down, OSError) as error:  # an SMTP refusal is an OSError too
        raise Unready("message", "验证码现在发不出去，请过几分钟再试。") from error


def waiting(session: SessionBase, *, now: datetime, what: str = "") -> dict[str, Any] | None:
    """What waits for its code in this session; None when nothing (of the kind that has `what`) does, or no longer."""
    kept: dict[str, Any] | None = session.get(KEY)
    if kept is None or what not in ("", *kept) or now >= datetime.fromtimestamp(kept["at"], UTC) + LIFE:
        return None
    return None if attempts.refused(attempts.CODE, kept["asking"], now=now) else kept


def confirm(session: SessionBase, typed: str, *, now: datetime) -> dict[str, Any]:
    """What was filled in, once the code is right. Raises Invalid for a wrong code, counted in the database: a hundred at once are five."""
    kept = waiting(session, now=now)
    if kept is None or not _right(kept, typed.strip(), now=now):
        raise Invalid("code", WRONG, fields={"code": WRONG})
    return kept


@transaction.atomic(durable=True)
def _right(kept: dict[str, Any], typed: str, *, now: datetime) -> bool:
    attempts.take_turn(attempts.CODE, kept["asking"])
    if attempts.refused(attempts.CODE, kept["asking"], now=now):
        return False
    if kept["code"] and constant_time_compare(_digest(typed), kept["code"]):
        return True
    attempts.miss(attempts.CODE, kept["asking"], now=now)
    return False


def newcomer(kept: dict[str, Any]) -> Newcomer:
    return Newcomer(**kept["person"])


def company(kept: dict[str, Any]) -> Company:
    return Company(**kept["company"])


def _digest(code: str) -> str:
    return addresses.digest("phones", code)
