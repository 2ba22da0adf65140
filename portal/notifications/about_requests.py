"""Who is told about requests, referrals, offers, next lenders, guarantees and insurances."""

from collections.abc import Callable, Iterable

from django.urls import reverse

from applications.cover_models import Cover
from applications.models import Application, NextRound, Referral
from portal.foundation.accounts.models import Role
from portal.foundation.journal.models import Entry
from portal.foundation.sla.models import Clock

from .letters import ANSWERING, A, Letter, R, case_url


def enterprise(entry: Entry, kind: str, title: str) -> list[Letter]:
    """To the enterprise of the case."""
    owner = Application.objects.filter(number=entry.case_number).values_list("organisation_id", flat=True)
    return [Letter(list(owner), (Role.ENTERPRISE,), kind, title, case_url(entry), entry.text)]


def referrals(entry: Entry, institutions: Iterable[int], kind: str, title: str) -> list[Letter]:
    """To institutions, each with the link to its own referral; to the assigned officer alone once there is one.

    «{days}» in the title is the number of working days this referral was promised.
    """
    rows = (
        Referral.objects.filter(application__number=entry.case_number, institution_id__in=list(institutions))
        .select_related("clock")
        .order_by("pk")
    )
    latest = {r.institution_id: r for r in rows}
    return [
        Letter(
            [r.institution_id],
            ANSWERING,
            kind,
            promised(title, r.clock),
            reverse("desk-referral", args=[r.ref]),
            entry.text,
            r.officer_id,
        )
        for r in latest.values()
    ]


def promised(title: str, clock: Clock | None) -> str:
    if clock is None:  # without a clock nothing was promised
        return title.partition("，")[0] if "{days}" in title else title
    return title.replace("{days}", str(clock.days))


def submitted(entry: Entry) -> list[Letter]:
    """To every institution the request was addressed to."""
    return referrals(entry, entry.data["institutions"], A, "新的融资需求，请在 {days} 个工作日内响应")


def dispatched(entry: Entry) -> list[Letter]:
    """To the institutions the desk chose, and to the enterprise."""
    return submitted(entry) + enterprise(entry, R, "调度台已为您的需求推送机构")


def to_enterprise(kind: str, title: str) -> Callable[[Entry], list[Letter]]:
    """A maker for the enterprise of the case."""
    return lambda entry: enterprise(entry, kind, title)


def to_institution(kind: str, title: str) -> Callable[[Entry], list[Letter]]:
    """A maker for the institution that the entry names."""
    return lambda entry: referrals(entry, [entry.data["institution"]], kind, title)


def withdrawn(entry: Entry) -> list[Letter]:
    """To every institution that had it."""
    return referrals(entry, entry.data["institutions"], R, "企业已撤回融资需求，不必再答复")


def assigned(entry: Entry) -> list[Letter]:
    """Who took it himself (领取) knows."""
    if entry.data["officer"] == entry.actor_id:
        return []
    return referrals(entry, [entry.organisation_id or 0], A, "一件融资需求转派给您")


def round_of(entry: Entry) -> NextRound | None:
    """The round of next lenders an entry speaks of."""
    return NextRound.objects.select_related("clock").filter(pk=entry.data["round"]).first()


def next_offered(entry: Entry) -> list[Letter]:
    """Who was silent and why others said no stands on the page; here only how many can be chosen."""
    n = len(entry.data["institutions"])
    owner = Application.objects.filter(number=entry.case_number).values_list("organisation_id", flat=True)
    title = f"机构婉拒或未答复，为您推荐 {n} 家，请授权"
    return [Letter(list(owner), (Role.ENTERPRISE,), A, title, case_url(entry) + "#next", entry.text)]


def next_owed(entry: Entry) -> list[Letter]:
    """To the desk that has to find somebody."""
    found = round_of(entry)
    if found is None or found.clock is None:
        return []
    url = reverse("desk-owed", args=[found.pk])
    title = "没有匹配的下一家机构，请在下一工作日结束前答复企业"
    return [Letter([found.clock.organisation_id], ANSWERING, A, title, url, entry.text)]


def cover_of(entry: Entry) -> Cover | None:
    return (
        Cover.objects.filter(pk=entry.subject.partition(":")[2])
        .select_related("application", "referral", "clock", "institution__organisation")
        .first()
    )


def covered(kind: str, title: str, *, to: str) -> Callable[[Entry], list[Letter]]:
    """Of a guarantee or an insurance. `to`: letters of i(nstitution asked), b(ank), e(nterprise); never the one who acts."""

    def letters(entry: Entry) -> list[Letter]:
        cover = cover_of(entry)
        if cover is None:
            return []
        said = promised(title, cover.clock)
        desk = reverse("desk-cover", args=[cover.ref])
        own = reverse("case-cover", args=[cover.application.number, cover.ref])
        found = []
        if "i" in to and cover.consented_at is not None:
            found.append(Letter([cover.institution_id], ANSWERING, kind, said, desk, entry.text, cover.officer_id))
        if "b" in to:
            bank = cover.referral
            found.append(Letter([bank.institution_id], ANSWERING, kind, said, desk, entry.text, bank.officer_id))
        if "e" in to:
            found.append(Letter([cover.application.organisation_id], (Role.ENTERPRISE,), kind, said, own, entry.text))
        return [letter for letter in found if letter.organisations != [entry.organisation_id]]

    return letters


def carried(entry: Entry) -> list[Letter]:
    """Whose commitment was taken together with the bank's offer."""
    covers = Cover.objects.filter(ref__in=entry.data.get("covers", ())).order_by("pk")
    title = "企业已选定银行方案，连同本机构的承诺"
    return [
        Letter([c.institution_id], ANSWERING, R, title, reverse("desk-cover", args=[c.ref]), entry.text, c.officer_id)
        for c in covers
    ]
