"""What a password must be (等保 and ASVS, docs/security/identity.md), how old it may grow and which ones were had before."""

import hashlib
import os
import re
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

from django.conf import settings
from django.contrib.auth.hashers import check_password, make_password
from django.core.exceptions import ValidationError

from portal.foundation.accounts import attempts
from portal.foundation.accounts.models import Membership, PasswordRecord, Role, User

from . import sessions

LONGEST_LIFE = timedelta(days=90)  # of those who decide about others; enterprises are not asked to change
KEPT = 5
_HABITS = Path(__file__).resolve().parent.parent / "reference" / "password_habits.txt"
# How people write letters when asked for digits and signs.
_UNMASKED = str.maketrans({"@": "a", "0": "o", "1": "i", "!": "i", "3": "e", "$": "s", "5": "s", "7": "t", "|": "l"})
_SIGNS = re.compile(r"[^0-9a-z\u4e00-\u9fff]")
_FEWEST_OF_ONES_OWN = 6  # characters that must remain beside words everybody tries, or beside one's own name


class ThreeClasses:
    """Capital letters, small letters, digits, everything else: three of these four."""

    def validate(self, password: str, user: User | None = None) -> None:
        kinds = {
            "upper" if c.isascii() and c.isupper() else
            "lower" if c.isascii() and c.islower() else
            "digit" if c.isascii() and c.isdigit() else "other"
            for c in password
        }  # fmt: skip
        if len(kinds) < 3:
            raise ValidationError(
                "密码只用了一两类字符。大写字母、小写字母、数字、符号（空格和汉字也算）四类里至少要有三类。",
                code="classes",
            )

    def get_help_text(self) -> str:
        return "大写字母、小写字母、数字、符号四类里至少有三类。"


class NoHabit:
    """Refuses what is put together from the bits that guessers try first here: pinyin phrases, lucky numbers, keyboard rows, years."""

    def validate(self, password: str, user: User | None = None) -> None:
        left = _without_habits(password.lower())
        unmasked = _without_habits(left.translate(_UNMASKED))
        if min(len(_SIGNS.sub("", text)) for text in (left, unmasked)) < _FEWEST_OF_ONES_OWN:
            raise ValidationError(
                "这个密码由常见的拼音、数字或键盘顺序拼成，容易被猜中，请换一个，例如几个不相关的词。", code="habit"
            )

    def get_help_text(self) -> str:
        return "不要用常见的拼音、数字或键盘顺序。"


class NotTheOwner:
    """Refuses what is little more than the person's or the company's own name."""

    def validate(self, password: str, user: User | None = None) -> None:
        if user is None:
            return
        plain = _SIGNS.sub("", password.lower())
        for word in _own_words(user):
            if word in plain and len(plain.replace(word, "")) < _FEWEST_OF_ONES_OWN:
                raise ValidationError("密码和您的姓名、用户名、手机号或单位名称太像，请换一个。", code="owner")

    def get_help_text(self) -> str:
        return "不要用姓名、用户名、手机号或单位名称。"


class NotBreached:
    """Refuses what stands in the list of breached passwords that this installation brought along (PASSWORD_BREACHED_FILE)."""

    def validate(self, password: str, user: User | None = None) -> None:
        if settings.PASSWORD_BREACHED_FILE and _listed(password, Path(settings.PASSWORD_BREACHED_FILE)):
            raise ValidationError("这个密码在已经泄露的密码名单里，请换一个。", code="breached")

    def get_help_text(self) -> str:
        return "不要用已经泄露过的密码。"


class NotAgain:
    """Refuses the last five, the present one among them."""

    def validate(self, password: str, user: User | None = None) -> None:
        if user is None or not user.pk:
            return
        before = user.passwords.order_by("-set_at", "-pk").values_list("encoded", flat=True)[:KEPT]
        if any(check_password(password, encoded) for encoded in {user.password, *before}):
            raise ValidationError(f"这是您最近 {KEPT} 次用过的密码之一，请换一个新的。", code="again")

    def get_help_text(self) -> str:
        return f"不能与最近 {KEPT} 次的密码相同。"


def remember(user: User, *, now: datetime, before: str = "") -> None:
    """Keep the password just set; `before` is the hash of the one it replaces, kept too when nothing was kept so far."""
    if before and not user.passwords.exists():
        PasswordRecord.objects.create(user=user, encoded=before, set_at=user.date_joined)
    PasswordRecord.objects.create(user=user, encoded=user.password, set_at=now)
    kept = user.passwords.order_by("-set_at", "-pk").values_list("pk", flat=True)[:KEPT]
    user.passwords.exclude(pk__in=list(kept)).delete()


def hashed(password: str) -> str:
    """Its hash, made in one of the slots; inside a transaction."""
    attempts.take_slot()
    return make_password(password)


def set_password(user: User, new: str, *, now: datetime) -> None:
    """Inside the transaction of whoever asks for it. The person's other sessions end with the old password."""
    attempts.take_slot()
    before = user.password
    user.set_password(new)
    user.save(update_fields=["password"])
    remember(user, now=now, before=before)
    sessions.end_others(user, key=None)  # their hash no longer fits anyway; this takes them off the list


def too_old(user: User, roles: set[str], *, now: datetime) -> bool:
    """Whether this person, in one of these roles, must take a new password now. In the demonstration they are printed."""
    if settings.DEMO or not roles - {Role.ENTERPRISE}:
        return False
    last = user.passwords.order_by("-set_at").values_list("set_at", flat=True).first()
    return now > (last or user.date_joined) + LONGEST_LIFE


@cache
def _habits() -> tuple[str, ...]:
    """Longest first, so that `woaini` goes before `woai`."""
    lines = (line.strip().lower() for line in _HABITS.read_text("utf-8").splitlines())
    return tuple(sorted({line for line in lines if line and not line.startswith("#")}, key=lambda w: (-len(w), w)))


def _without_habits(text: str) -> str:
    """What is left of a text without the habits, years, and the repetitions of one sign."""
    for word in _habits():
        text = text.replace(word, "")
    return re.sub(r"(.)\1{2,}", r"\1", re.sub(r"(19|20)[0-9]{2}", "", text))


def _own_words(user: User) -> set[str]:
    """The person's and the company's names as they may stand in a password: as written and in pinyin, four signs or more."""
    # Loaded only here, as in Organisation.save: its tables take 55 MB.
    from pypinyin import lazy_pinyin

    companies = getattr(user, "companies", None)
    if companies is None:
        companies = _companies(user) if user.pk else ()
    names = [user.username, user.name, user.phone, user.email.partition("@")[0]]
    for company in companies:
        names += [company, re.sub(r"^(重庆市?|中国)|(科技|技术)?(股份)?有限(责任)?公司$", "", company)]
    spelled = ["".join(lazy_pinyin(name)) for name in names]
    words = {_SIGNS.sub("", name.lower()) for name in (*names, *spelled)}
    return {word for word in words if len(word) >= 4 or (len(word) >= 2 and not word.isascii())}


def _companies(user: User) -> list[str]:
    rows = Membership.objects.filter(user_id=user.pk, active=True).values_list(
        "organisation__name", "organisation__short_name"
    )
    return [name for row in rows for name in row if name]


def _listed(password: str, file: Path) -> bool:
    """Whether the password's SHA-1 stands in a sorted file of them: a search by halves, whatever the file's size."""
    wanted = hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper().encode()
    with file.open("rb") as lines:
        low, high = 0, lines.seek(0, os.SEEK_END)
        while low < high:
            middle = (low + high) // 2
            lines.seek(max(0, middle - 1))
            if middle:
                lines.readline()  # to the beginning of the next line
            start = lines.tell()
            found = lines.readline().strip().partition(b":")[0].upper()
            if found == wanted:
                return True
            if not found or found > wanted:
                high = middle
            else:
                low = max(start + 1, middle + 1)
    return False
