"""A company comes to the portal with its first member; and how an account is made."""

from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, transaction

from portal.foundation.core.actor import Actor
from portal.foundation.core.errors import Invalid, WrongState
from portal.foundation.journal.record import record

from .identity import passwords
from .models import Membership, Organisation, OrganisationKind, Role, User

KNOWN_COMPANY = (
    "这家企业已在本平台注册。请联系企业里已有账号的同事，在“成员”页向您发出邀请；同事已离职的，请联系平台运维人员。"
)
KEEPERS_APART = "系统管理员、安全管理员、审计管理员和监管人员不能由同一人兼任，也不能兼任业务岗位。请另选一位，或先移除其现有身份后再邀请。"
TWO_PEOPLE = "发出邀请的人不能自己接受邀请，请由对方本人接受。"
TWO_KEEPERS = "确认的人须是邀请人和被邀请人以外的另一位管理员。"
USERNAME_TAKEN = "这个用户名已有人使用，请换一个。"
PHONE_TAKEN = "这个手机号已有账号，请直接登录；忘记密码的，请在登录页点“忘记密码”。"


@dataclass(frozen=True, slots=True)
class Company:
    """What an enterprise says about itself, checked by the form; `uscc` is canonical."""

    uscc: str
    name: str
    district_code: str
    industry_letter: str
    address: str
    contact_name: str
    contact_phone: str


@dataclass(frozen=True, slots=True)
class Newcomer:
    """A person without an account yet."""

    name: str
    phone: str
    username: str
    password: str
    encoded: str = ""  # its hash, when the person waits for a code meanwhile and the password itself is not kept
    email: str = ""
    email_shown: bool = False  # a code was sent there and came back; else the address is asked by a link


def register_enterprise(company: Company, person: Newcomer, *, now: datetime) -> Membership:
    """A new enterprise with its first member. Raises Invalid when the code, the user name or the phone is known already."""
    try:
        return _register_enterprise(company, person, now=now)
    except IntegrityError as error:  # two people registered in the same moment
        raise taken(error) from error


def require_new(company: Company) -> None:
    """Raises Invalid for a company that is here already; who registers may know that, companies are public."""
    known = Organisation.objects.filter(uscc=company.uscc).exclude(kind=OrganisationKind.OUTSIDE)
    if known.exists():
        raise Invalid("known", KNOWN_COMPANY, fields={"uscc": KNOWN_COMPANY})


@transaction.atomic(durable=True)
def _register_enterprise(company: Company, person: Newcomer, *, now: datetime) -> Membership:
    # Files that named this company before it came stay with their own entry: nobody has proved that this is the same one.
    Organisation.objects.filter(uscc=company.uscc, kind=OrganisationKind.OUTSIDE).update(uscc=None)
    require_new(company)
    organisation = Organisation.objects.create(
        kind=OrganisationKind.ENTERPRISE,
        name=company.name,
        uscc=company.uscc,
        district_id=company.district_code,
        industry_id=company.industry_letter,
        address=company.address,
        contact_name=company.contact_name,
        contact_phone=company.contact_phone,
    )
    made = Membership.objects.create(
        user=made_account(person, now=now), organisation=organisation, role=Role.ENTERPRISE
    )
    record(
        "enterprise.registered",
        actor=made.actor,
        now=now,
        subject=f"organisation:{organisation.pk}",
        text=f"注册企业 {organisation.name}",
        data={"uscc": company.uscc, "district": company.district_code, "privacy_accepted": True},
    )
    ask_mail(made.user, actor=made.actor, now=now)
    return made


def made_account(person: Newcomer, *, now: datetime) -> User:
    """The account of a newcomer, inside the transaction of whoever makes one. Raises Invalid for a known phone or user name."""
    if User.objects.filter(username=person.username).exists():
        field, said = ("phone", PHONE_TAKEN) if person.username == person.phone else ("username", USERNAME_TAKEN)
        raise Invalid("taken", said, fields={field: said})
    if User.objects.filter(phone=person.phone).exists():
        raise Invalid("taken", PHONE_TAKEN, fields={"phone": PHONE_TAKEN})
    made = User(username=person.username, name=person.name, phone=person.phone)
    if person.email_shown:
        made.email = person.email
    else:
        made.mail_wanted = person.email
    made.password = person.encoded or passwords.hashed(person.password)
    made.save(force_insert=True)
    passwords.remember(made, now=now)
    return made


def ask_mail(user: User, *, actor: Actor, now: datetime) -> None:
    """Inside a transaction: the dispatcher sends a link to the address that waits to be shown (identity.own_mail)."""
    if user.mail_wanted:
        record("person.mail_asked", actor=actor, now=now, subject=f"user:{user.pk}", text="填写邮箱，等待确认")


def taken(error: IntegrityError) -> Exception:
    """The refusal that a broken constraint means; the error itself for any other."""
    name = getattr(getattr(error.__cause__, "diag", None), "constraint_name", "") or ""
    if "uscc" in name:
        return Invalid("known", KNOWN_COMPANY, fields={"uscc": KNOWN_COMPANY})
    if name == "membership_keepers_apart":
        return WrongState("keepers", KEEPERS_APART)
    if name == "invitation_two_people":
        return WrongState("same-person", TWO_PEOPLE)
    if name == "invitation_two_keepers":
        return WrongState("same-person", TWO_KEEPERS)
    if "username" in name:
        return Invalid("taken", USERNAME_TAKEN, fields={"username": USERNAME_TAKEN})
    return error
