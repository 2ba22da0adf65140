"""A mail address is shown to be one's own by a link sent there; until then nothing of the account goes to it.

The asking writes a journal entry; the dispatcher signs the link and sends it. Nothing of the link is stored: it says whose
account and (by a digest) which address, and works while exactly that address waits, so once and for the latest asking only.
"""

from datetime import datetime, timedelta

from django.conf import settings
from django.core import signing
from django.core.mail import EmailMessage
from django.db import transaction
from django.urls import reverse
from django.utils.crypto import constant_time_compare

from portal.foundation.accounts import queries
from portal.foundation.accounts.models import User
from portal.foundation.core import addresses
from portal.foundation.core.actor import Actor
from portal.foundation.core.db import lock
from portal.foundation.core.errors import WrongState
from portal.foundation.journal.models import Entry
from portal.foundation.journal.record import record

from . import mailing

LIFE = timedelta(days=1)
GONE = "这个链接已经用过、已过期，或者您后来又填了别的邮箱。请登录后在“我的资料”里重新填写。"
_SALT = "portal.own_mail"


def token(user: User) -> str:
    """Whose, and a digest of which address: a link that ends up in a log names nobody."""
    return signing.dumps([user.pk, _which(user)], salt=_SALT)


def _which(user: User) -> str:
    return addresses.digest("own_mail", user.mail_wanted)[:32]


def send(entry: Entry, now: datetime) -> None:
    """The journal's subscriber: the link to the new address, a word to the present one. Raises subscribers.Down."""
    user = User.objects.get(pk=int(entry.subject.partition(":")[2]))
    if not user.mail_wanted or now >= entry.at + LIFE:
        return
    link = settings.PUBLIC_URL + reverse("mail-confirm", args=[token(user)])
    text = (
        f"{user.name}：\n\n您在平台填写了这个邮箱。请在 24 小时内打开下面的链接确认，之后用它找回密码、接收账号提醒：\n\n{link}\n\n"
        "如果不是您本人填写的，请不要理会。\n"
    )
    mailing.send(EmailMessage(subject="确认邮箱", body=text, to=[user.mail_wanted]), now=now)
    if user.email and user.email != user.mail_wanted:
        mailing.send(
            EmailMessage(
                subject="邮箱将要更换",
                body=f"{user.name}：\n\n有人登录您的账号，填写了另一个邮箱，等待确认。如果不是您本人，请马上修改密码：{settings.PUBLIC_URL}\n",
                to=[user.email],
            ),
            now=now,
        )


def find(given: str) -> User | None:
    """Whose waiting address this link shows; None for a link that is no longer any good."""
    try:
        pk, which = signing.loads(given, salt=_SALT, max_age=LIFE)
    except (signing.BadSignature, ValueError, TypeError):
        return None
    user = User.objects.filter(pk=pk, is_active=True).exclude(mail_wanted="").first()
    return user if user and constant_time_compare(_which(user), str(which)) else None


@transaction.atomic(durable=True)
def confirm(given: str, *, now: datetime) -> User:
    """Raises WrongState for a link that is no longer any good."""
    found = find(given)
    user = lock(User.objects.filter(pk=found.pk)) if found else None
    if found is None or user is None or user.mail_wanted != found.mail_wanted:
        raise WrongState("gone", GONE)
    user.email, user.mail_wanted = user.mail_wanted, ""
    user.save(update_fields=["email", "mail_wanted"])
    seat = queries.seats_of(user.pk).first()
    actor = seat.actor if seat else Actor(user.pk, user.name, "", 0, "", "")
    record("person.mail_confirmed", actor=actor, now=now, subject=f"user:{user.pk}", text="确认邮箱")
    return user
