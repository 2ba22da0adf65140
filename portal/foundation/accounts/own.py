"""What a person corrects about themselves: name, mail address, phone. Each change stands in the journal, without the values."""

from datetime import datetime

from django.db import transaction

from portal.foundation.core.actor import Actor
from portal.foundation.core.db import lock
from portal.foundation.core.errors import Invalid
from portal.foundation.journal.record import record

from .models import User
from .registering import PHONE_TAKEN, ask_mail


@transaction.atomic(durable=True)
def correct(name: str, email: str, *, actor: Actor, now: datetime) -> User:
    """The own name, and a mail address that counts once its link was opened; an empty one is taken away at once."""
    user = lock(User.objects.filter(pk=actor.user_id))
    if user.name != name:
        user.name = name
        record("person.corrected", actor=actor, now=now, subject=f"user:{user.pk}", text="更正本人姓名")
    if email != user.email:
        user.mail_wanted = email
        if email:
            ask_mail(user, actor=actor, now=now)
        else:
            user.email = ""
            record("person.corrected", actor=actor, now=now, subject=f"user:{user.pk}", text="删除本人邮箱")
    user.save(update_fields=["name", "email", "mail_wanted"])
    return user


@transaction.atomic(durable=True)
def change_phone(phone: str, *, actor: Actor, now: datetime) -> User:
    """Another phone. Who logs in by the old number as a user name does so by the new one. Raises Invalid for a known number."""
    user = lock(User.objects.filter(pk=actor.user_id))
    if User.objects.filter(phone=phone).exclude(pk=user.pk).exists():
        raise Invalid("taken", PHONE_TAKEN, fields={"phone": PHONE_TAKEN})
    if user.username == user.phone and not User.objects.filter(username=phone).exists():
        user.username = phone
    user.phone = phone
    user.save(update_fields=["username", "phone"])
    record("person.phone_changed", actor=actor, now=now, subject=f"user:{user.pk}", text="更换本人手机号")
    return user
