"""Who is told when time runs out, a calendar moves it, or the regulator asks."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.urls import reverse

from applications.cover_models import Cover
from applications.models import NextRound
from pledges.models import Matter, Registration
from portal.foundation.accounts.models import Organisation, OrganisationKind, Role
from portal.foundation.journal.models import Entry
from portal.foundation.sla.lamps import due_text
from portal.foundation.sla.models import Clock, Kind, PolicyLevel

from .about_pledges import pledge_of
from .about_requests import enterprise, referrals
from .letters import ANSWERING, OFFICE, A, D, Letter, R, keepers


def escalated(entry: Entry) -> list[Letter]:
    """A level of the ladder was reached: tell the roles its policy row names, in the responsible organisation or above it.

    After an outage the levels it overtook are not announced, but whom they would have told hears of this one.
    """
    data: dict[str, Any] = entry.data
    # The clock's own version of the policy: a newer one has its own recipients.
    reached = PolicyLevel.objects.filter(policy__clocks=data["clock"], code__in=[data["level"], *data["overtaken"]])
    by_code = {level.code: level for level in reached}
    level = by_code.get(data["level"])
    if level is None:
        return []
    told = sorted({role for each in by_code.values() for role in each.recipients})
    responsible = Organisation.objects.get(pk=data["organisation"])
    if not Clock.objects.filter(pk=data["clock"], organisation=responsible).exists():
        told = [
            role for role in told if role == Role.REGULATOR
        ]  # handed over meanwhile: it is no longer theirs to hear
    promise = Kind(data["kind"]).label
    title = f"{promise}{level.label}：{entry.case_number}" + (
        f"（{responsible.title}）" if Role.REGULATOR in told else ""
    )
    above = [r for r in told if r == Role.REGULATOR]
    within = [r for r in told if r != Role.REGULATOR]
    letters = []
    if within:
        if data["kind"] == Kind.NEXT_LENDERS:
            round_ = NextRound.objects.filter(clock=data["clock"]).first()
            url = reverse("desk-owed", args=[round_.pk]) if round_ else reverse("desk")
        elif data["kind"] == Kind.COVER:
            cover = Cover.objects.filter(clock=data["clock"]).first()
            url = reverse("desk-cover", args=[cover.ref]) if cover else reverse("desk")
        elif data["kind"] == Kind.AMENDMENT:
            matter = Matter.objects.filter(clock=data["clock"]).first()
            url = reverse("office-matter", args=[matter.number]) if matter else reverse("office")
        elif data["kind"] == Kind.RESPONSE:
            own = referrals(entry, [responsible.pk], D, title)
            url = own[0].url if own else reverse("desk")
        else:
            file = pledge_of(entry)
            url = reverse("office-file", args=[file.number]) if file else reverse("office")
        letters.append(Letter([responsible.pk], within, D, title, url, entry.text))
    if above:
        offices = Organisation.objects.filter(kind=OrganisationKind.REGULATOR, active=True).values_list("pk", flat=True)
        letters.append(Letter(list(offices), above, D, title, reverse("supervision-lamps"), entry.text))
    return letters


def ordered(entry: Entry) -> list[Letter]:
    roles = (*ANSWERING, *OFFICE)
    url = reverse("order-reply", args=[entry.data["order"]])
    return [Letter([entry.data["organisation"]], roles, A, "收到督办单，请按时答复", url, entry.text)]


def late_answer(entry: Entry) -> list[Letter]:
    """The organisation asked has let the time pass: it and the regulator hear of it once."""
    offices = Organisation.objects.filter(kind=OrganisationKind.REGULATOR, active=True).values_list("pk", flat=True)
    url = reverse("order-reply", args=[entry.data["order"]])
    return [
        Letter(
            [entry.data["organisation"]], (*ANSWERING, *OFFICE), D, "督办单已过答复时限，请立即答复", url, entry.text
        ),
        Letter(list(offices), (Role.REGULATOR,), D, "督办单逾期未答复", url, entry.text),
    ]


def replied(entry: Entry) -> list[Letter]:
    offices = Organisation.objects.filter(kind=OrganisationKind.REGULATOR, active=True).values_list("pk", flat=True)
    return [Letter(list(offices), (Role.REGULATOR,), R, "督办单已答复", reverse("supervision-lamps"), entry.text)]


def moved(entry: Entry) -> list[Letter]:
    """A changed calendar moved due moments: each responsible organisation and the enterprise learn the new one."""
    facts = [f for f in entry.data["clocks"] if f["due_at"] != f["old_due_at"]]
    if not facts:
        return []  # only reminders moved, or 暂定 became final
    letters = []
    for kind in dict.fromkeys(fact["kind"] for fact in facts):
        mine = [fact for fact in facts if fact["kind"] == kind]
        moments = dict.fromkeys(due_text(datetime.fromisoformat(fact["due_at"])) for fact in mine)
        title = f"工作日历变更，{Kind(kind).label}时限改为 {'、'.join(moments)}"
        if kind == Kind.RESPONSE:
            letters += referrals(entry, [fact["organisation"] for fact in mine], D, title)
        elif kind == Kind.COVER:
            covers = Cover.objects.filter(clock__in=[fact["clock"] for fact in mine]).order_by("pk")
            letters += [
                Letter(
                    [c.institution_id],
                    ANSWERING,
                    D,
                    title,
                    reverse("desk-cover", args=[c.ref]),
                    entry.text,
                    c.officer_id,
                )
                for c in covers
            ]
        elif kind == Kind.AMENDMENT:
            moved = Matter.objects.filter(clock__in=[fact["clock"] for fact in mine]).select_related("registration")
            letters += [
                Letter(
                    [m.registration.office_id],
                    OFFICE,
                    D,
                    title,
                    reverse("office-matter", args=[m.number]),
                    entry.text,
                    m.clerk_id,
                )
                for m in moved.order_by("pk")
            ]
        else:
            files = Registration.objects.filter(clock__in=[fact["clock"] for fact in mine]).order_by("pk")
            letters += [
                Letter([f.office_id], OFFICE, D, title, reverse("office-file", args=[f.number]), entry.text, f.clerk_id)
                for f in files
            ]
        letters += enterprise(entry, D, title)
    return letters


def calendar_ends(entry: Entry) -> list[Letter]:
    roles = (Role.ADMIN, Role.REGULATOR)
    title = f"{entry.data['year']} 年工作日历尚未导入"
    return [Letter(keepers(roles), roles, A, title, reverse("supervision-calendar"), entry.text)]


def calendar_loaded(entry: Entry) -> list[Letter]:
    if entry.actor_id is None:  # at the installation, or by command
        return []
    roles = (Role.REGULATOR,)
    return [Letter(keepers(roles), roles, R, "工作日历已更新", reverse("supervision-calendar"), entry.text)]


def closed(title: str) -> Callable[[Entry], list[Letter]]:
    """To the office's own people and to the regulators."""

    def letters(entry: Entry) -> list[Letter]:
        url = reverse("closures")
        office = Letter([entry.data["organisation"]], (Role.CHIEF,), R, title, url, entry.text)
        clerks = Letter([entry.data["organisation"]], (Role.CLERK,), R, title, reverse("office"), entry.text)
        return [office, clerks, Letter(keepers((Role.REGULATOR,)), (Role.REGULATOR,), R, title, url, entry.text)]

    return letters


def incident(title: str) -> Callable[[Entry], list[Letter]]:
    """To the administrators who must act; the hours are those of the clock on the wall."""

    def letters(entry: Entry) -> list[Letter]:
        roles = (Role.ADMIN, Role.SECURITY)
        url = reverse("incident", args=[entry.data["incident"]])
        return [Letter(keepers((Role.ADMIN,)), roles, A, title, url, entry.text)]

    return letters


def scraping(entry: Entry) -> list[Letter]:
    """One person opens more requests than work explains: to the security administrator."""
    roles = (Role.SECURITY,)
    url = reverse("security-person", args=[entry.actor_id])
    return [Letter(keepers((Role.ADMIN,)), roles, A, "有人大量查看企业需求", url, entry.text)]
