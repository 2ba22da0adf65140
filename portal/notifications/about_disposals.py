"""Who is told about defaults, disposals, claims of compensation, and followed rights."""

from collections.abc import Callable
from decimal import Decimal

from django.urls import reverse

from applications.models import Cover
from pledges.models import Compensation, Default, Disposal, OtherRight, Registration
from pledges.particulars.rules import signatories
from portal.foundation.accounts.models import Organisation, OrganisationKind, Role
from portal.foundation.journal.models import Entry

from .letters import Letter
from .models import Notice

ANSWERING = (Role.OFFICER, Role.MANAGER)
EVERYBODY = (Role.ENTERPRISE, *ANSWERING)
A, R = Notice.Kind.ACTION, Notice.Kind.RESULT
Maker = Callable[[Entry], list[Letter]]


def _pk(entry: Entry) -> str:
    return entry.subject.partition(":")[2]


def _speaks(file: Registration) -> int:
    """The enterprise that acts for the pledgor: itself, or that of the request for one without a seat here."""
    return signatories(file)[0]


def _regulators() -> list[int]:
    return list(Organisation.objects.filter(kind=OrganisationKind.REGULATOR, active=True).values_list("pk", flat=True))


def _default(kind: str, title: str) -> Maker:
    """To the pledgor, to who guarantees the loan, and to the regulator."""

    def letters(entry: Entry) -> list[Letter]:
        found = (
            Default.objects.filter(pk=_pk(entry)).select_related("registration__offer", "registration__pledgor").first()
        )
        if found is None:
            return []
        file, url = found.registration, reverse("disposals:default", args=[found.ref])
        covers = Cover.objects.filter(
            referral_id=file.offer.referral_id, state=Cover.State.COMMITTED, accepted_at__isnull=False
        )
        return [
            Letter([_speaks(file)], (Role.ENTERPRISE,), kind, title, url, entry.text),
            Letter(_regulators(), (Role.REGULATOR,), R, title, url, entry.text),
            *(
                Letter([c.institution_id], ANSWERING, R, title, reverse("desk-cover", args=[c.ref]), entry.text)
                for c in covers.order_by("pk")
            ),
        ]

    return letters


def _disposal(entry: Entry) -> Disposal | None:
    return Disposal.objects.filter(pk=_pk(entry)).select_related("registration__pledgor").first()


def _told(kind: str, title: str, *, to: str) -> Maker:
    """Of a disposal: e(nterprise that pledged), b(ank), m(anager of the bank), r(egulator); never the one who acts."""

    def letters(entry: Entry) -> list[Letter]:
        found = _disposal(entry)
        if found is None:
            return []
        file, url, text = found.registration, reverse("disposals:case", args=[found.number]), entry.text
        made = []
        if "e" in to:
            made.append(Letter([_speaks(file)], (Role.ENTERPRISE,), kind, title, url, text))
        if "b" in to:
            made.append(Letter([file.pledgee_id], ANSWERING, kind, title, url, text))
        if "r" in to:
            made.append(Letter(_regulators(), (Role.REGULATOR,), R, title, url, text))
        made = [letter for letter in made if entry.organisation_id not in letter.organisations]
        if "m" in to:
            made.append(Letter([file.pledgee_id], (Role.MANAGER,), kind, title, url, text))
        return made

    return letters


def _returned(entry: Entry) -> list[Letter]:
    """To who drafted it."""
    found = _disposal(entry)
    if found is None:
        return []
    url, title = reverse("disposals:case", args=[found.number]), "处置公告被退回，请按说明修改"
    return [Letter([found.registration.pledgee_id], ANSWERING, A, title, url, entry.text, entry.data["user"])]


def _bidders(title: str, *, whom: str) -> Maker:
    """To those who had offered; `whom` is the entry's list of organisations. The public page is all they may read."""

    def letters(entry: Entry) -> list[Letter]:
        there = entry.data.get(whom, [])
        there = there if isinstance(there, list) else [there]
        if not there:
            return []
        url = reverse("disposals:offer", args=[entry.data["disposal"]])
        # The sentence of the entry names the buyer: the others read only how it ended for them.
        body = entry.text if whom != "others" else f"处置 {entry.data['disposal']} 已成交"
        return [Letter(there, EVERYBODY, R, title, url, body)]

    return letters


def _offered(entry: Entry) -> list[Letter]:
    """To the pledgee, that there is an offer; not from whom nor how much. Of an auction nothing: how many offers there are and
    when they came is sealed too, because it is what a seller could tell a bidder."""
    found = _disposal(entry)
    if found is None or found.sealed:
        return []
    url = reverse("disposals:case", args=[found.number])
    return [Letter([found.registration.pledgee_id], ANSWERING, R, "质押处置收到报价", url, entry.text)]


def _claim(kind: str, title: str, *, to: str) -> Maker:
    """Of a claim: g(uarantor), b(ank), e(nterprise); never the one who acts."""

    def letters(entry: Entry) -> list[Letter]:
        found = (
            Compensation.objects.filter(pk=_pk(entry))
            .select_related("cover", "disposal__registration__pledgor")
            .first()
        )
        if found is None:
            return []
        file, url = found.disposal.registration, reverse("disposals:claim", args=[found.ref])
        whom = {
            "g": (found.cover.institution_id, ANSWERING),
            "b": (file.pledgee_id, ANSWERING),
            "e": (_speaks(file), (Role.ENTERPRISE,)),
        }
        return [
            Letter([whom[each][0]], whom[each][1], kind, title, url, entry.text)
            for each in to
            if whom[each][0] != entry.organisation_id
        ]

    return letters


def _right(entry: Entry) -> list[Letter]:
    """To the other side of the financing."""
    found = OtherRight.objects.filter(pk=_pk(entry)).select_related("application__accepted_offer__referral").first()
    offer = found.application.accepted_offer if found is not None else None
    if found is None or offer is None:
        return []
    case = found.application
    url = reverse("other-rights:right", args=[case.number, found.ref])
    sides = [(case.organisation_id, (Role.ENTERPRISE,)), (offer.referral.institution_id, ANSWERING)]
    return [
        Letter([side], roles, R, "一项其他权利的质押有进展", url, entry.text)
        for side, roles in sides
        if side != entry.organisation_id
    ]


def _guarantors(entry: Entry) -> list[Letter]:
    """To who paid the bank before, what comes back to it; its own page of the guarantee is all it may read."""
    return [
        Letter(
            [each["institution"]],
            ANSWERING,
            R,
            "处置价款分配已确认，本机构在代偿范围内受偿",
            reverse("desk-cover", args=[each["cover"]]),
            f"{entry.text}，本机构分得 {Decimal(each['amount']):,.2f} 元",
        )
        for each in entry.data.get("guarantors", [])
        if Decimal(each["amount"])
    ]


def _both(*makers: Maker) -> Maker:
    return lambda entry: [letter for make in makers for letter in make(entry)]


DISPOSAL: dict[str, Maker] = {
    "default.recorded": _default(A, "质押贷款被记录违约"),
    "default.cured": _default(R, "违约已清偿"),
    "disposal.started": _told(R, "质押专利开始处置", to="e"),
    "disposal.submitted": _told(A, "处置公告待您复核", to="m"),
    "disposal.returned": _returned,
    "disposal.published": _told(R, "质押专利的处置公告已发布", to="er"),
    "disposal.offered": _offered,
    "disposal.awarded": _both(
        _told(R, "质押专利的处置已成交", to="ebr"),
        _bidders("您的报价成交，请按约定付款", whom="buyer"),
        _bidders("您报价的处置已成交，本单位未成交", whom="others"),
    ),
    "disposal.failed": _both(_told(R, "质押专利的处置流拍", to="er"), _bidders("您报价的处置已流拍", whom="bidders")),
    "disposal.withdrawn": _both(
        _told(R, "质押专利的处置已撤回", to="er"), _bidders("您报价的处置已撤回", whom="bidders")
    ),
    "disposal.takeover_proposed": _told(A, "质权人提出折价，请您决定", to="e"),
    "disposal.takeover_agreed": _told(R, "出质人同意折价", to="br"),
    "disposal.takeover_refused": _told(R, "出质人不同意折价", to="b"),
    "disposal.distributed": _both(_told(R, "处置价款分配已确认", to="er"), _guarantors),
    "compensation.claimed": _claim(A, "银行申请代偿，请答复", to="g"),
    "compensation.paid": _claim(R, "已代偿", to="be"),
    "compensation.refused": _claim(R, "代偿申请未获代偿", to="b"),
    "right.added": _right,
    "right.advanced": _right,
}
