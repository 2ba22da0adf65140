"""A way back in for who forgot the password.

Asking writes a journal entry and nothing else, in the same time and with the same answer whether there is such an account or
not. The dispatcher then makes the link and sends it: the token exists in the message alone, never in a row or a log.
"""

import secrets
from datetime import datetime, timedelta

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.urls import reverse

from portal.foundation.accounts import attempts, queries
from portal.foundation.accounts.models import ResetLink, User
from portal.foundation.core import rates
from portal.foundation.core.actor import Actor
from portal.foundation.core.db import lock
from portal.foundation.core.errors import WrongState
from portal.foundation.core.rates import Rate
from portal.foundation.journal.models import Entry
from portal.foundation.journal.record import record
from portal.foundation.journal.subscribers import Down

from . import mailing, passwords, texts

LIFE = timedelta(minutes=30)
# Askings for a way back in, right or wrong: each may send a message to somebody.
FROM_ONE = Rate("reset-line", 10, timedelta(minutes=15))
FOR_ONE = Rate("reset-person", 3, timedelta(hours=1))
GONE = "这个链接已经用过或者过期了。请回到登录页，重新点“忘记密码”。"


def ask(login: str, *, address: str, now: datetime) -> None:
    """Somebody forgot the password of the account behind `login`. Raises TooMany by address; says nothing else to anybody."""
    rates.require(FROM_ONE, address, "这个网络地址申请找回密码的次数过多", now=now)
    user = queries.by_login(login)
    if rates.take(FOR_ONE, f"user:{user.pk}" if user else f"name:{login.strip().lower()}", now=now):
        return
    _asked(user, now=now)


@transaction.atomic(durable=True)
def _asked(user: User | None, *, now: datetime) -> None:
    seat = queries.seats_of(user.pk).first() if user and user.is_active else None
    if seat is not None:
        record("person.reset_asked", actor=seat.actor, now=now, subject=f"user:{seat.user_id}", text="申请重设密码")


def send(entry: Entry, now: datetime) -> None:
    """The journal's subscriber: a fresh link by mail to who has an address, else by text message. An older one ends with it.

    Raises subscribers.Down without a mail server.
    """
    if now >= entry.at + LIFE:
        return
    user = User.objects.get(pk=int(entry.subject.partition(":")[2]))
    token = _made(user, now=now)
    link = settings.PUBLIC_URL + reverse("password-reset", args=[token])
    if user.email:
        text = (
            f"{user.name}：\n\n有人为您的账号申请重设密码。如果是您本人，请在 30 分钟内打开下面的链接设置新密码，链接只能用一次：\n\n"
            f"{link}\n\n如果不是您本人，请不要理会，密码不会变。\n"
        )
        mailing.send(EmailMessage(subject="重设登录密码", body=text, to=[user.email]), now=now)
    elif user.phone:
        said = f"重设密码：30 分钟内打开 {link} 设置新密码，链接只能用一次。不是您本人申请的，请不要理会。"
        try:
            texts.send(user.phone, said)
        except OSError as error:
            raise Down(now + mailing.TRY_AGAIN) from error


@transaction.atomic(durable=True)
def _made(user: User, *, now: datetime) -> str:
    token = secrets.token_urlsafe(32)
    lock(User.objects.filter(pk=user.pk))
    ResetLink.objects.filter(user=user).delete()
    ResetLink.objects.create(
        user=user,
        token_digest=queries.digest_of(token),
        made_for=queries.digest_of(user.password),
        created_at=now,
        expires_at=now + LIFE,
    )
    return token


def find(token: str) -> ResetLink | None:
    return ResetLink.objects.select_related("user").filter(token_digest=queries.digest_of(token)).first()


def works(link: ResetLink, *, now: datetime) -> bool:
    """Unused, not half an hour old, and the password is still the one it was made for."""
    return link.used_at is None and now < link.expires_at and queries.digest_of(link.user.password) == link.made_for


@transaction.atomic(durable=True)
def use(pk: int, new: str, *, now: datetime) -> User:
    """Set a new password by a link, once. Ends every session of the person and what slowed down their log-in.

    Raises WrongState when the link no longer works. Nobody is logged in by it: a second factor is still asked for.
    """
    held = lock(ResetLink.objects.filter(pk=pk))
    user = lock(User.objects.filter(pk=held.user_id))
    held.user = user
    if not works(held, now=now):
        raise WrongState("gone", GONE)
    held.used_at = now
    held.save(update_fields=["used_at"])
    passwords.set_password(user, new, now=now)
    attempts.forget(attempts.LOGIN, f"user:{user.pk}")
    record(
        "person.password_reset", actor=_themselves(user), now=now, subject=f"user:{user.pk}", text="通过链接重设密码"
    )
    return user


def _themselves(user: User) -> Actor:
    seat = queries.seats_of(user.pk).first()
    if seat is None:
        return Actor(user.pk, user.name, "", 0, "", "")
    return seat.actor
