"""Who is told about pledge files, what comes after a registration, and the watch over pledges."""

from collections.abc import Callable

from django.urls import reverse

from pledges.models import Alert, Matter, Registration, UseConsent
from pledges.particulars.rules import signatories
from portal.foundation.accounts.models import Role
from portal.foundation.journal.models import Entry

from .about_requests import promised
from .letters import ANSWERING, OFFICE, A, Letter, R


def pledge_of(entry: Entry) -> Registration | None:
    return (
        Registration.objects.filter(application__number=entry.case_number, pk=entry.subject.partition(":")[2])
        .select_related("clock")
        .first()
    )


def parties(kind: str, title: str, *, but_actor: bool = False) -> Callable[[Entry], list[Letter]]:
    """To pledgor and pledgee of a pledge file (without the acting one, who knows)."""

    def letters(entry: Entry) -> list[Letter]:
        file = pledge_of(entry)
        if file is None:
            return []
        parties = [p for p in file.parties if not (but_actor and p == entry.organisation_id)]
        url = reverse("pledges:detail", args=[file.number])
        return [Letter(parties, (Role.ENTERPRISE, *ANSWERING), kind, title, url, entry.text)]

    return letters


def amended(entry: Entry) -> list[Letter]:
    """To whoever has not signed what a correction changed."""
    file = pledge_of(entry)
    if file is None:
        return []
    url = reverse("pledges:correct", args=[file.number])
    title = "补正改动了申请内容，请核对并确认"
    return [Letter(entry.data["waits"], (Role.ENTERPRISE, *ANSWERING), A, title, url, entry.text)]


def office(kind: str, title: str) -> Callable[[Entry], list[Letter]]:
    def letters(entry: Entry) -> list[Letter]:
        file = pledge_of(entry)
        if file is None or (entry.verb == "pledge.assigned" and entry.data["clerk"] == entry.actor_id):
            return []  # a chief who takes a file knows
        url = reverse("office-file", args=[file.number])
        return [Letter([file.office_id], OFFICE, kind, promised(title, file.clock), url, entry.text, file.clerk_id)]

    return letters


def matter(kind: str, title: str, *, to: str) -> Callable[[Entry], list[Letter]]:
    """Of a change, cancellation or release. `to`: letters of p(arties but who acts), o(ffice)."""

    def letters(entry: Entry) -> list[Letter]:
        found = Matter.objects.select_related("registration", "clock").filter(number=entry.data["matter"]).first()
        if found is None:
            return []
        file, said = found.registration, promised(title, found.clock).replace("{matter}", found.title)
        told = []
        if "p" in to:
            parties = [p for p in file.parties if p != entry.organisation_id]
            url = reverse("pledges:matter", args=[found.number])
            told.append(Letter(parties, (Role.ENTERPRISE, *ANSWERING), kind, said, url, entry.text))
        if "o" in to and found.submitted_at is not None:
            url = reverse("office-matter", args=[found.number])
            told.append(Letter([file.office_id], OFFICE, kind, said, url, entry.text, found.clerk_id))
        return told

    return letters


def assigned(entry: Entry) -> list[Letter]:
    """To the clerk who is given a matter; a chief who takes it knows."""
    return [] if entry.data["clerk"] == entry.actor_id else matter(A, "一件{matter}申请转派给您", to="o")(entry)


def revocation(kind: str, title: str, *roles: Role) -> Callable[[Entry], list[Letter]]:
    """Within the office that keeps the file."""

    def letters(entry: Entry) -> list[Letter]:
        file = pledge_of(entry)
        if file is None:
            return []
        return [Letter([file.office_id], roles, kind, title, reverse("office-revoke", args=[file.number]), entry.text)]

    return letters


def revocation_told(entry: Entry) -> list[Letter]:
    """To both parties, with the page on which they can speak."""
    file = pledge_of(entry)
    if file is None:
        return []
    url = reverse("pledges:after", args=[file.number])
    title = "登记机构拟撤销质押登记，请在期限内陈述意见"
    return [Letter(file.parties, (Role.ENTERPRISE, *ANSWERING), A, title, url, entry.text)]


def revocation_dropped(entry: Entry) -> list[Letter]:
    """To the clerks of the office, and to the parties when they had been told of the proposal."""
    made = revocation(R, "撤销建议未被采纳", Role.CLERK)(entry)
    file = pledge_of(entry)
    if file is not None and file.pledgor_id in entry.parties:
        url = reverse("pledges:after", args=[file.number])
        made.append(
            Letter(file.parties, (Role.ENTERPRISE, *ANSWERING), R, "质押登记不予撤销，继续有效", url, entry.text)
        )
    return made


def use_of_patents(kind: str, title: str, *, to: str) -> Callable[[Entry], list[Letter]]:
    """Of a consent to use a pledged patent: to the p(ledgee), or to the pledg(o)r or who speaks for it."""

    def letters(entry: Entry) -> list[Letter]:
        found = UseConsent.objects.select_related("registration__pledgor").filter(ref=entry.data["consent"]).first()
        if found is None:
            return []
        file, url = found.registration, reverse("pledges:consent", args=[found.ref])
        if to == "p":
            return [Letter([file.pledgee_id], ANSWERING, kind, title, url, entry.text)]
        return [Letter([signatories(file)[0]], (Role.ENTERPRISE,), kind, title, url, entry.text)]

    return letters


def alert(kind: str, ended: bool = False) -> Callable[[Entry], list[Letter]]:
    """What the watch over pledges found, to everybody who reads along. The sentence with its names stands on the page only."""

    def letters(entry: Entry) -> list[Letter]:
        file = pledge_of(entry)
        if file is None:
            return []
        about, count = str(Alert.Kind(entry.data["kind"]).label), len(entry.data["alerts"])
        title = f"质押提醒已消除：{about}" if ended else f"质押提醒：{about}"
        body = f"质押登记 {file.number}" + (f"，{count} 件专利" if count > 1 else "")
        url = reverse("pledges:alerts") + ("?tab=all" if ended else "")
        return [Letter(file.parties, (Role.ENTERPRISE, *ANSWERING), kind, title, url, body)]

    return letters


def register_changed(entry: Entry) -> list[Letter]:
    """To whoever entered the patent; what differs stands in the journal, with names that mail must not carry."""
    if entry.data["first"]:
        title = "登记簿记载与您填报的专利资料不一致，请核对"
    else:
        title = "登记簿对您的专利有新的记载，请核对"
    body = f"专利 {entry.data['number'][:-1]}.{entry.data['number'][-1]}"
    return [Letter([entry.data["organisation"]], (Role.ENTERPRISE,), R, title, reverse("assets:list"), body)]


def recused(entry: Entry) -> list[Letter]:
    """The chief sees to it that somebody else takes the file."""
    file = pledge_of(entry)
    if file is None:
        return []
    url = reverse("office-file", args=[file.number])
    return [Letter([file.office_id], (Role.CHIEF,), A, "审查员申请回避，请安排他人办理", url, entry.text)]


def away(entry: Entry) -> list[Letter]:
    """Colleagues may take over what lies on an absent clerk's desk."""
    url = reverse("office-duty")
    return [Letter([entry.data["organisation"]], OFFICE, R, "同事请假，名下登记件可接手", url, entry.text)]
