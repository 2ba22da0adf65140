"""What people are told about each thing that happens: to whom, in which words, and where the link leads.

Sentences carry no personal data and no amounts: mail repeats them outside the portal.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

from django.urls import reverse

from applications.cover_models import Cover
from applications.models import Application, NextRound, Referral
from pledges.models import Alert, Matter, Registration, UseConsent
from portal.foundation.accounts.models import Organisation, OrganisationKind, Role
from portal.foundation.journal.models import Entry
from portal.foundation.sla.lamps import due_text
from portal.foundation.sla.models import Clock, Kind, PolicyLevel
from products.quotas.models import Quota, QuotaTool
from products.subsidies.models import SubsidyClaim

from .catalogue_disposal import DISPOSAL
from .letters import Letter as Letter
from .models import Notice

ANSWERING = (Role.OFFICER, Role.MANAGER)
OFFICE = (Role.CLERK, Role.CHIEF)
A, D, R = Notice.Kind.ACTION, Notice.Kind.DEADLINE, Notice.Kind.RESULT


def _case(entry: Entry) -> str:
    return reverse("case", args=[entry.case_number])


def _enterprise(entry: Entry, kind: str, title: str) -> list[Letter]:
    owner = Application.objects.filter(number=entry.case_number).values_list("organisation_id", flat=True)
    return [Letter(list(owner), (Role.ENTERPRISE,), kind, title, _case(entry), entry.text)]


def _referrals(entry: Entry, institutions: Iterable[int], kind: str, title: str) -> list[Letter]:
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
            _promised(title, r.clock),
            reverse("desk-referral", args=[r.ref]),
            entry.text,
            r.officer_id,
        )
        for r in latest.values()
    ]


def _promised(title: str, clock: Clock | None) -> str:
    if clock is None:  # without a clock nothing was promised
        return title.partition("，")[0] if "{days}" in title else title
    return title.replace("{days}", str(clock.days))


def _submitted(entry: Entry) -> list[Letter]:
    return _referrals(entry, entry.data["institutions"], A, "新的融资需求，请在 {days} 个工作日内响应")


def _dispatched(entry: Entry) -> list[Letter]:
    return _submitted(entry) + _enterprise(entry, R, "调度台已为您的需求推送机构")


def _to_enterprise(kind: str, title: str) -> Callable[[Entry], list[Letter]]:
    return lambda entry: _enterprise(entry, kind, title)


def _to_institution(kind: str, title: str) -> Callable[[Entry], list[Letter]]:
    return lambda entry: _referrals(entry, [entry.data["institution"]], kind, title)


def _withdrawn(entry: Entry) -> list[Letter]:
    return _referrals(entry, entry.data["institutions"], R, "企业已撤回融资需求，不必再答复")


def _assigned(entry: Entry) -> list[Letter]:
    """Who took it himself (领取) knows."""
    if entry.data["officer"] == entry.actor_id:
        return []
    return _referrals(entry, [entry.organisation_id or 0], A, "一件融资需求转派给您")


def _pledge(entry: Entry) -> Registration | None:
    return (
        Registration.objects.filter(application__number=entry.case_number, pk=entry.subject.partition(":")[2])
        .select_related("clock")
        .first()
    )


def _parties(kind: str, title: str, *, but_actor: bool = False) -> Callable[[Entry], list[Letter]]:
    """To pledgor and pledgee of a pledge file (without the acting one, who knows)."""

    def letters(entry: Entry) -> list[Letter]:
        file = _pledge(entry)
        if file is None:
            return []
        parties = [p for p in file.parties if not (but_actor and p == entry.organisation_id)]
        url = reverse("pledges:detail", args=[file.number])
        return [Letter(parties, (Role.ENTERPRISE, *ANSWERING), kind, title, url, entry.text)]

    return letters


def _office(kind: str, title: str) -> Callable[[Entry], list[Letter]]:
    def letters(entry: Entry) -> list[Letter]:
        file = _pledge(entry)
        if file is None or (entry.verb == "pledge.assigned" and entry.data["clerk"] == entry.actor_id):
            return []  # a chief who takes a file knows
        url = reverse("office-file", args=[file.number])
        return [Letter([file.office_id], OFFICE, kind, _promised(title, file.clock), url, entry.text, file.clerk_id)]

    return letters


def _matter(kind: str, title: str, *, to: str) -> Callable[[Entry], list[Letter]]:
    """Of a change, cancellation or release. `to`: letters of p(arties but who acts), o(ffice)."""

    def letters(entry: Entry) -> list[Letter]:
        found = Matter.objects.select_related("registration", "clock").filter(number=entry.data["matter"]).first()
        if found is None:
            return []
        file, said = found.registration, _promised(title, found.clock).replace("{matter}", found.title)
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


def _revocation(kind: str, title: str, *roles: Role) -> Callable[[Entry], list[Letter]]:
    """Within the office that keeps the file."""

    def letters(entry: Entry) -> list[Letter]:
        file = _pledge(entry)
        if file is None:
            return []
        return [Letter([file.office_id], roles, kind, title, reverse("office-revoke", args=[file.number]), entry.text)]

    return letters


def _use(kind: str, title: str, *, to: str) -> Callable[[Entry], list[Letter]]:
    """Of a consent to use a pledged patent: to the p(ledgee) or the pledg(o)r."""

    def letters(entry: Entry) -> list[Letter]:
        found = UseConsent.objects.select_related("registration").filter(ref=entry.data["consent"]).first()
        if found is None:
            return []
        file, url = found.registration, reverse("pledges:consent", args=[found.ref])
        if to == "p":
            return [Letter([file.pledgee_id], ANSWERING, kind, title, url, entry.text)]
        return [Letter([file.pledgor_id], (Role.ENTERPRISE,), kind, title, url, entry.text)]

    return letters


def _round(entry: Entry) -> NextRound | None:
    return NextRound.objects.select_related("clock").filter(pk=entry.data["round"]).first()


def _next_offered(entry: Entry) -> list[Letter]:
    """Who was silent and why others said no stands on the page; here only how many can be chosen."""
    n = len(entry.data["institutions"])
    owner = Application.objects.filter(number=entry.case_number).values_list("organisation_id", flat=True)
    title = f"机构婉拒或未答复，为您推荐 {n} 家，请授权"
    return [Letter(list(owner), (Role.ENTERPRISE,), A, title, _case(entry) + "#next", entry.text)]


def _next_owed(entry: Entry) -> list[Letter]:
    """To the desk that has to find somebody."""
    found = _round(entry)
    if found is None or found.clock is None:
        return []
    url = reverse("desk-owed", args=[found.pk])
    title = "没有匹配的下一家机构，请在下一工作日结束前答复企业"
    return [Letter([found.clock.organisation_id], ANSWERING, A, title, url, entry.text)]


def _cover(entry: Entry) -> Cover | None:
    return (
        Cover.objects.filter(pk=entry.subject.partition(":")[2])
        .select_related("application", "referral", "clock", "institution__organisation")
        .first()
    )


def _covered(kind: str, title: str, *, to: str) -> Callable[[Entry], list[Letter]]:
    """Of a guarantee or an insurance. `to`: letters of i(nstitution asked), b(ank), e(nterprise); never the one who acts."""

    def letters(entry: Entry) -> list[Letter]:
        cover = _cover(entry)
        if cover is None:
            return []
        said = _promised(title, cover.clock)
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


def _carried(entry: Entry) -> list[Letter]:
    """Whose commitment was taken together with the bank's offer."""
    covers = Cover.objects.filter(ref__in=entry.data.get("covers", ())).order_by("pk")
    title = "企业已选定银行方案，连同本机构的承诺"
    return [
        Letter([c.institution_id], ANSWERING, R, title, reverse("desk-cover", args=[c.ref]), entry.text, c.officer_id)
        for c in covers
    ]


def _subsidy(kind: str, title: str, *, regulators: bool = False) -> Callable[[Entry], list[Letter]]:
    """To who claimed it, or to those who approve it."""

    def letters(entry: Entry) -> list[Letter]:
        claim = SubsidyClaim.objects.filter(ref=entry.data["claim"]).first()
        if claim is None:
            return []
        url = reverse("subsidy-claim", args=[claim.ref])
        if regulators:
            return [Letter(_keepers((Role.REGULATOR,)), (Role.REGULATOR,), kind, title, url, claim.scheme.name)]
        roles = (Role.ENTERPRISE, *ANSWERING)
        return [Letter([claim.organisation_id], roles, kind, title, url, claim.scheme.name)]

    return letters


def _quota(title: str) -> Callable[[Entry], list[Letter]]:
    """To the bank whose quota it is."""

    def letters(entry: Entry) -> list[Letter]:
        quota = Quota.objects.filter(pk=entry.data["quota"]).select_related("tool").first()
        if quota is None:
            return []
        url = reverse("quota", args=[quota.pk])
        return [Letter([quota.institution_id], ANSWERING, R, title, url, quota.tool.name)]

    return letters


def _tier(title: str) -> Callable[[Entry], list[Letter]]:
    """To the enterprise that a list names."""

    def letters(entry: Entry) -> list[Letter]:
        return [Letter([entry.data["organisation"]], (Role.ENTERPRISE,), R, title, reverse("profile"), entry.text)]

    return letters


def _quota_list(title: str) -> Callable[[Entry], list[Letter]]:
    """To the bank that was put on a tool's list or taken off it."""

    def letters(entry: Entry) -> list[Letter]:
        tool = QuotaTool.objects.filter(pk=entry.data["tool"]).first()
        url = reverse("quotas")
        return [Letter([entry.data["institution"]], ANSWERING, R, title, url, tool.name)] if tool else []

    return letters


def _both(*makers: Callable[[Entry], list[Letter]]) -> Callable[[Entry], list[Letter]]:
    return lambda entry: [letter for make in makers for letter in make(entry)]


def _escalated(entry: Entry) -> list[Letter]:
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
            own = _referrals(entry, [responsible.pk], D, title)
            url = own[0].url if own else reverse("desk")
        else:
            file = _pledge(entry)
            url = reverse("office-file", args=[file.number]) if file else reverse("office")
        letters.append(Letter([responsible.pk], within, D, title, url, entry.text))
    if above:
        offices = Organisation.objects.filter(kind=OrganisationKind.REGULATOR, active=True).values_list("pk", flat=True)
        letters.append(Letter(list(offices), above, D, title, reverse("supervision-lamps"), entry.text))
    return letters


def _ordered(entry: Entry) -> list[Letter]:
    roles = (*ANSWERING, *OFFICE)
    url = reverse("order-reply", args=[entry.data["order"]])
    return [Letter([entry.data["organisation"]], roles, A, "收到督办单，请按时答复", url, entry.text)]


def _late_answer(entry: Entry) -> list[Letter]:
    """The organisation asked has let the time pass: it and the regulator hear of it once."""
    offices = Organisation.objects.filter(kind=OrganisationKind.REGULATOR, active=True).values_list("pk", flat=True)
    url = reverse("order-reply", args=[entry.data["order"]])
    return [
        Letter(
            [entry.data["organisation"]], (*ANSWERING, *OFFICE), D, "督办单已过答复时限，请立即答复", url, entry.text
        ),
        Letter(list(offices), (Role.REGULATOR,), D, "督办单逾期未答复", url, entry.text),
    ]


def _replied(entry: Entry) -> list[Letter]:
    offices = Organisation.objects.filter(kind=OrganisationKind.REGULATOR, active=True).values_list("pk", flat=True)
    return [Letter(list(offices), (Role.REGULATOR,), R, "督办单已答复", reverse("supervision-lamps"), entry.text)]


def _moved(entry: Entry) -> list[Letter]:
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
            letters += _referrals(entry, [fact["organisation"] for fact in mine], D, title)
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
        letters += _enterprise(entry, D, title)
    return letters


def _keepers(roles: Sequence[Role]) -> list[int]:
    kinds = {Role.REGULATOR: OrganisationKind.REGULATOR, Role.ADMIN: OrganisationKind.PLATFORM}
    wanted = Organisation.objects.filter(kind__in=[kinds[role] for role in roles], active=True)
    return list(wanted.values_list("pk", flat=True))


def _calendar_ends(entry: Entry) -> list[Letter]:
    roles = (Role.ADMIN, Role.REGULATOR)
    title = f"{entry.data['year']} 年工作日历尚未导入"
    return [Letter(_keepers(roles), roles, A, title, reverse("supervision-calendar"), entry.text)]


def _calendar_loaded(entry: Entry) -> list[Letter]:
    if entry.actor_id is None:  # at the installation, or by command
        return []
    roles = (Role.REGULATOR,)
    return [Letter(_keepers(roles), roles, R, "工作日历已更新", reverse("supervision-calendar"), entry.text)]


def _closed(title: str) -> Callable[[Entry], list[Letter]]:
    """To the office's own people and to the regulators."""

    def letters(entry: Entry) -> list[Letter]:
        url = reverse("closures")
        office = Letter([entry.data["organisation"]], (Role.CHIEF,), R, title, url, entry.text)
        clerks = Letter([entry.data["organisation"]], (Role.CLERK,), R, title, reverse("office"), entry.text)
        return [office, clerks, Letter(_keepers((Role.REGULATOR,)), (Role.REGULATOR,), R, title, url, entry.text)]

    return letters


def _product_page(entry: Entry) -> str:
    return reverse("products:manage", args=[entry.data["product"]])


def _to_its_institution(kind: str, title: str) -> Callable[[Entry], list[Letter]]:
    """To the institution of a product."""
    return lambda entry: [Letter([entry.data["institution"]], ANSWERING, kind, title, _product_page(entry), entry.text)]


def _product_submitted(entry: Entry) -> list[Letter]:
    url = reverse("products:review-item", args=[entry.data["version"]])
    return [Letter(_keepers((Role.REGULATOR,)), (Role.REGULATOR,), A, "机构提交产品，请审核", url, entry.text)]


def _products_submitted(entry: Entry) -> list[Letter]:
    url = reverse("products:review")
    return [Letter(_keepers((Role.REGULATOR,)), (Role.REGULATOR,), A, "机构提交多款产品，请审核", url, entry.text)]


def _other_side(title: str) -> Callable[[Entry], list[Letter]]:
    """What one side did to a public product, the other reads."""

    def letters(entry: Entry) -> list[Letter]:
        url = _product_page(entry)
        if entry.organisation_id == entry.data["institution"]:
            return [Letter(_keepers((Role.REGULATOR,)), (Role.REGULATOR,), R, title, url, entry.text)]
        return [Letter([entry.data["institution"]], ANSWERING, R, title, url, entry.text)]

    return letters


def _stale(entry: Entry) -> list[Letter]:
    url = _product_page(entry)
    return [
        Letter([entry.data["institution"]], ANSWERING, A, "产品久未确认，请确认仍然有效或修改", url, entry.text),
        Letter(_keepers((Role.REGULATOR,)), (Role.REGULATOR,), D, "产品久未确认", url, entry.text),
    ]


def _importer(kind: str, title: str) -> Callable[[Entry], list[Letter]]:
    """To the one person who handed the workbook in."""

    def letters(entry: Entry) -> list[Letter]:
        url = reverse("products:import-job", args=[entry.data["import"]])
        role = entry.data["role"]
        return [Letter([entry.data["organisation"]], (role,), kind, title, url, entry.text, entry.data["user"])]

    return letters


def _valued(kind: str, title: str, place: str) -> Callable[[Entry], list[Letter]]:
    """To the enterprise that asked the credit agency; the sentence names no value."""

    def letters(entry: Entry) -> list[Letter]:
        url = reverse("valuations:list") if place == "list" else reverse("valuations:agency")
        return [Letter([entry.data["organisation"]], (Role.ENTERPRISE,), kind, title, url, entry.text)]

    return letters


def _alert(kind: str, ended: bool = False) -> Callable[[Entry], list[Letter]]:
    """What the watch over pledges found, to both parties. The sentence with its names stands on the page only."""

    def letters(entry: Entry) -> list[Letter]:
        file = _pledge(entry)
        if file is None:
            return []
        about, count = str(Alert.Kind(entry.data["kind"]).label), len(entry.data["alerts"])
        title = f"质押提醒已消除：{about}" if ended else f"质押提醒：{about}"
        body = f"质押登记 {file.number}" + (f"，{count} 件专利" if count > 1 else "")
        url = reverse("pledges:alerts") + ("?tab=all" if ended else "")
        return [Letter([file.pledgor_id, file.pledgee_id], (Role.ENTERPRISE, *ANSWERING), kind, title, url, body)]

    return letters


def _register_changed(entry: Entry) -> list[Letter]:
    """To whoever entered the patent; what differs stands in the journal, with names that mail must not carry."""
    if entry.data["first"]:
        title = "登记簿记载与您填报的专利资料不一致，请核对"
    else:
        title = "登记簿对您的专利有新的记载，请核对"
    body = f"专利 {entry.data['number'][:-1]}.{entry.data['number'][-1]}"
    return [Letter([entry.data["organisation"]], (Role.ENTERPRISE,), R, title, reverse("assets:list"), body)]


def _recused(entry: Entry) -> list[Letter]:
    """The chief sees to it that somebody else takes the file."""
    file = _pledge(entry)
    if file is None:
        return []
    url = reverse("office-file", args=[file.number])
    return [Letter([file.office_id], (Role.CHIEF,), A, "审查员申请回避，请安排他人办理", url, entry.text)]


def _away(entry: Entry) -> list[Letter]:
    """Colleagues may take over what lies on an absent clerk's desk."""
    url = reverse("office-duty")
    return [Letter([entry.data["organisation"]], OFFICE, R, "同事请假，名下登记件可接手", url, entry.text)]


CATALOGUE: dict[str, Callable[[Entry], list[Letter]]] = {
    "application.submitted": _submitted,
    "application.extended": _submitted,
    "application.withdrawn": _withdrawn,
    "application.all_declined": _to_enterprise(R, "所有机构均已婉拒，正在为您推荐其他机构"),
    "referral.claimed": _to_enterprise(R, "机构已接单"),
    "referral.asked": _to_enterprise(A, "机构请您补充资料"),
    "referral.answered": _to_institution(A, "企业已补充资料"),
    "referral.offered": _to_enterprise(A, "收到融资方案，请查看并选择"),
    "referral.declined": _to_enterprise(R, "一家机构婉拒了您的需求"),
    "referral.assigned": _assigned,
    "referral.dispatched": _dispatched,
    "consent.revoked": _to_institution(R, "企业已收回对本机构的授权，不必再答复"),
    "valuation.received": _valued(R, "信用机构估值报告已收到", "list"),
    "valuation.agency_refused": _valued(R, "信用机构未能出具估值报告", "agency"),
    "valuation.shown": _to_institution(R, "企业向本机构出示了专利估值"),
    "referral.lapsed": _to_institution(R, "企业已改选其他机构，这一件不必再答复"),
    "next.offered": _next_offered,
    "next.owed": _next_owed,
    "next.none": _to_enterprise(A, "调度台答复：暂无其他机构，请调整需求或结束"),
    "referral.not_selected": _to_institution(R, "企业已选定其他机构的方案"),
    "offer.accepted": _both(_to_institution(A, "企业选定了本机构的方案，请办理签约和质押登记"), _carried),
    "quota.allotted": _quota("分配了货币政策工具额度"),
    "quota.reduced": _quota("货币政策工具额度被调减"),
    "quota.listed": _quota_list("本机构列入了货币政策工具的机构名单"),
    "quota.unlisted": _quota_list("本机构移出了货币政策工具的机构名单"),
    "subsidy.applied": _subsidy(A, "新的补贴申请，请初审", regulators=True),
    "subsidy.supplemented": _subsidy(R, "补贴申请补充了证明材料", regulators=True),
    "subsidy.checked": _subsidy(A, "一份补贴申请已初审，请另一人复核", regulators=True),
    "subsidy.approved": _subsidy(R, "补贴申请已核定"),
    "subsidy.refused": _subsidy(R, "补贴申请未通过，请查看理由"),
    "subsidy.withdrawn": _subsidy(R, "补贴申请已撤回", regulators=True),
    "subsidy.paid": _subsidy(R, "补贴已拨付"),
    "tier.listed": _tier("本企业列入了分档认定名单"),
    "tier.ended": _tier("本企业的分档认定已结束"),
    "cover.proposed": _covered(A, "银行建议申请担保、保险，请您决定", to="e"),
    "cover.asked": _both(
        _covered(A, "新的担保、保险申请，请在 {days} 个工作日内响应", to="i"),
        _covered(R, "已向担保、保险机构申请", to="b"),
    ),
    "cover.intent": _covered(R, "担保、保险机构有意向", to="be"),
    "cover.terms": _covered(R, "担保、保险机构提出了条件", to="be"),
    "cover.committed": _both(
        _covered(A, "担保、保险机构已承诺，可以选定方案", to="e"), _covered(R, "担保、保险机构已承诺", to="b")
    ),
    "cover.declined": _covered(R, "担保、保险机构婉拒了申请", to="be"),
    "cover.withdrawn": _covered(R, "担保、保险申请已撤回，不必再办理", to="ib"),
    "cover.released": _covered(R, "担保、保险责任已解除", to="be"),
    "cover.compensated": _covered(R, "已记录代偿", to="be"),
    "pledge.proposed": _parties(A, "请确认质押登记申请", but_actor=True),
    "pledge.returned": _parties(A, "质押登记申请被退回修改", but_actor=True),
    "pledge.taken_back": _parties(R, "对方取回修改质押登记申请，暂不必确认", but_actor=True),
    "pledge.submitted": _office(A, "新的质押登记件，力争 {days} 个工作日内办结"),
    "pledge.accepted": _parties(R, "质押登记件已受理"),
    "pledge.assigned": _office(A, "一件质押登记件转派给您"),
    "pledge.handed_over": _both(
        _office(A, "另一受理机构转来一件质押登记件，时限接着计算"), _parties(R, "质押登记件改由另一受理机构办理")
    ),
    "pledge.correction": _parties(A, "质押登记件需要补正"),
    "pledge.completed": _office(A, "补正已完成，请继续审查"),
    "pledge.registered": _parties(R, "专利权质押已登记，可下载通知书"),
    "pledge.refused": _parties(R, "专利权质押不予登记，请查看理由"),
    "pledge.withdrawn": _both(_parties(R, "质押登记申请已撤回", but_actor=True), _office(R, "质押登记申请已撤回")),
    "pledge.discarded": _parties(R, "质押登记草稿已撤回", but_actor=True),
    "pledge.forwarded": _parties(R, "国家登记号已登记，可在登记件中查看"),
    "pledge.alert": _alert(A),
    "pledge.alert_ended": _alert(R, ended=True),
    "pledge.recused": _recused,
    "patent.register_changed": _register_changed,
    "duty.absence_set": _away,
    "matter.proposed": _matter(A, "请确认{matter}申请", to="p"),
    "matter.returned": _matter(A, "{matter}申请被退回修改", to="p"),
    "matter.submitted": _matter(A, "新的{matter}申请，力争 {days} 个工作日内办结", to="o"),
    "matter.accepted": _matter(R, "{matter}申请已受理", to="p"),
    "matter.correction": _matter(A, "{matter}申请需要补正", to="p"),
    "matter.completed": _matter(A, "{matter}申请补正完成，请继续审查", to="o"),
    "matter.refused": _matter(R, "{matter}申请不予办理，请查看理由", to="p"),
    "matter.withdrawn": _matter(R, "{matter}申请已撤回", to="po"),
    "matter.ended": _matter(R, "质押已终止，{matter}申请随之终止", to="p"),
    "pledge.changed": _matter(R, "质押登记已变更，可下载通知书", to="p"),
    "pledge.released": _matter(R, "部分专利已解除质押，可下载通知书", to="p"),
    "pledge.cancelled": _matter(R, "质押登记已注销，可下载通知书", to="p"),
    "pledge.revocation_proposed": _revocation(A, "建议撤销一件质押登记，请决定", Role.CHIEF),
    "pledge.revocation_dropped": _revocation(R, "撤销建议未被采纳", Role.CLERK),
    "pledge.revoked": _parties(R, "质押登记已被撤销，自始无效，请查看通知书"),
    "use.asked": _use(A, "出质人请您同意处分质押专利", to="p"),
    "use.agreed": _use(R, "质权人已同意，请按所列条件办理", to="o"),
    "use.declined": _use(R, "质权人不同意处分质押专利", to="o"),
    "use.withdrawn": _use(R, "出质人撤回了处分质押专利的请求", to="p"),
    "loan.recorded": _to_enterprise(R, "贷款已发放"),
    **DISPOSAL,
    "product.submitted": _product_submitted,
    "product.submitted_together": _products_submitted,
    "product.returned": _to_its_institution(A, "产品被退回，请按理由修改"),
    "product.published": _to_its_institution(R, "产品已发布"),
    "product.suspended": _other_side("产品已暂停"),
    "product.resumed": _other_side("产品已恢复"),
    "product.withdrawn": _other_side("产品已下架"),
    "product.stale": _stale,
    "product.import_checked": _importer(A, "产品导入文件检查通过，请确认"),
    "product.import_failed": _importer(A, "产品导入文件有错误，未导入"),
    "product.imported": _importer(R, "产品已导入"),
    "clock.escalated": _escalated,
    "clock.recomputed": _moved,
    "calendar.alarm": _calendar_ends,
    "calendar.loaded": _calendar_loaded,
    "closure.set": _closed("登记处新设停办日"),
    "closure.removed": _closed("登记处撤销停办日"),
    "supervision.ordered": _ordered,
    "supervision.overdue": _late_answer,
    "supervision.replied": _replied,
}
VERBS = frozenset(CATALOGUE)


def letters(entry: Entry) -> list[Letter]:
    """Who is told what about this entry; empty for verbs nobody is told about."""
    make = CATALOGUE.get(entry.verb)
    return make(entry) if make else []
