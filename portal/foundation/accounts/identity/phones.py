"""A phone number is shown to be one's own before an account hangs on it, and nobody else learns whether one does.

A number that has an account gets a message that says so instead of a code; the page is the same, and no code is right.
"""

import secrets
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase
from django.db import transaction
from django.utils.crypto import constant_time_compare, salted_hmac

from portal.foundation.accounts import actions, attempts
from portal.foundation.accounts.actions import Company, Newcomer
from portal.foundation.accounts.models import User
from portal.foundation.core.errors import Invalid

from . import texts

KEY = "registering"
LIFE = timedelta(minutes=10)
TRIES = 5
WRONG = "验证码不对。请核对短信里的 6 位数字；输错 5 次后要重新填写。"


def begin(session: SessionBase, company: Company, person: Newcomer, *, address: str, now: datetime) -> None:
    """Send a code and keep what was filled in, the password as its hash. Raises Invalid for a known company, TooMany."""
    actions.require_new(company)
    encoded = _allowed(person, address=address, now=now)
    code = f"{secrets.randbelow(1_000_000):06d}"
    known = User.objects.filter(phone=person.phone).exists()
    if known:
        texts.send(
            person.phone, "有人用您的手机号注册企业账号，但这个手机号已有账号。如果是您本人，请直接登录或点“忘记密码”。"
        )
    else:
        texts.send(person.phone, f"注册验证码 {code}，10 分钟内有效。不要告诉任何人。")
    session[KEY] = {
        "company": asdict(company),
        "person": {**asdict(person), "password": "", "encoded": encoded},
        "code": "" if known else _digest(code),
        "at": int(now.timestamp()),
        "tries": 0,
        "shown": code if settings.DEMO else "",
    }


@transaction.atomic(durable=True)
def _allowed(person: Newcomer, *, address: str, now: datetime) -> str:
    """Count the message; the hash of the password."""
    for limit, key in ((attempts.PHONE_ADDRESS, address), (attempts.PHONE, person.phone)):
        attempts.take_turn(limit, key)
        attempts.require(limit, key, now=now)
        attempts.miss(limit, key, now=now)
    return actions.hashed(person.password)


def waiting(session: SessionBase, *, now: datetime) -> dict[str, Any] | None:
    """What waits for its code in this session; None when nothing does, or no longer."""
    kept: dict[str, Any] | None = session.get(KEY)
    if kept is None or kept["tries"] >= TRIES or now >= datetime.fromtimestamp(kept["at"], UTC) + LIFE:
        return None
    return kept


def confirm(session: SessionBase, typed: str, *, now: datetime) -> tuple[Company, Newcomer]:
    """What was filled in, once the code is right. Raises Invalid for a wrong code, counted."""
    kept = waiting(session, now=now)
    if kept is None or not kept["code"] or not constant_time_compare(_digest(typed.strip()), kept["code"]):
        if kept is not None:
            session[KEY] = {**kept, "tries": kept["tries"] + 1}
        raise Invalid("code", WRONG, fields={"code": WRONG})
    return Company(**kept["company"]), Newcomer(**kept["person"])


def _digest(code: str) -> str:
    return salted_hmac("portal.phones", code, algorithm="sha256").hexdigest()
