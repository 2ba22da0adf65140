"""The quotas for the banks that use them and the regulator who allots them."""

from datetime import datetime

from django import forms
from django.contrib import messages
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from banks.models import Institution
from portal.foundation.accounts.guards import allow
from portal.foundation.accounts.middleware import actor_of
from portal.foundation.accounts.models import Role
from portal.foundation.core import confirming, moments
from portal.foundation.core.actor import Actor
from portal.foundation.core.confirming import Question
from portal.foundation.core.errors import DomainError
from portal.foundation.core.forms import place
from portal.foundation.core.numbers import whole
from portal.foundation.core.templatetags.portal_ui import money_wan

from . import actions
from .forms import AllotForm, ReduceForm, UseForm
from .models import Quota, QuotaEntry, QuotaTool

ROLES = (Role.OFFICER, Role.MANAGER, Role.REGULATOR)
PAGE = 50
TABS = {"open": "未归还", "all": "全部变动"}


def banks() -> list[tuple[int, str]]:
    """The connected banks by name; one query."""
    found = Institution.objects.active().banks().order_by("organisation__sort_key")
    return [(bank.pk, str(bank)) for bank in found]


@allow(*ROLES)
@require_http_methods(["GET", "HEAD", "POST"])
def quotas(request: HttpRequest) -> HttpResponse:
    """The tools, and each quota this reader may see; the regulator allots."""
    actor, now = actor_of(request), moments.now()
    posted, may = request.method == "POST", actions.can_allot(actor)
    tools = list(QuotaTool.objects.order_by("pk"))
    form, status = None, 200
    if may:
        form = AllotForm(
            request.POST if posted else None,
            tools=[(tool.pk, tool.name) for tool in tools],
            banks=banks(),
        )
    if posted:
        may.require()
    if posted and form is not None and not form.is_valid():
        status = 400
    elif posted and form is not None and not confirming.sure(request):
        return confirming.ask(request, _allotting(form))
    elif posted and form is not None:
        given = form.cleaned_data
        try:
            made = actions.allot(
                int(given["tool"]),
                institution_id=int(given["institution"]),
                amount=given["amount"],
                actor=actor,
                now=now,
            )
        except DomainError as error:
            place(form, error)
            status = error.status
        else:
            messages.success(request, f"已分配 {money_wan(made.amount)}。")
            return redirect("quotas")
    visible, after = Quota.objects.visible_to(actor), whole(request.GET.get("after"))
    found = visible.select_related("tool", "institution__organisation").order_by("tool_id", "pk")
    if (anchor := visible.filter(pk=after).first() if after else None) is not None:
        found = found.filter(Q(tool__gt=anchor.tool_id) | Q(tool=anchor.tool_id, pk__gt=anchor.pk))
    rows = list(found[: PAGE + 1])
    context = {
        "tools": tools,
        "quotas": rows[:PAGE],
        "first": anchor is None,
        "after": rows[PAGE - 1].pk if len(rows) > PAGE else "",
        "form": form,
    }
    return render(request, "quotas/list.html", context, status=status)


@allow(*ROLES)
@require_http_methods(["GET", "HEAD", "POST"])
def quota(request: HttpRequest, pk: int) -> HttpResponse:
    """One bank's quota of one tool: what is not returned yet, every movement, and what is left."""
    actor, now = actor_of(request), moments.now()
    found = get_object_or_404(
        Quota.objects.visible_to(actor).select_related("tool", "institution__organisation"), pk=pk
    )
    may, step = actions.can_move(actor, found), request.POST.get("step", "")
    may_reduce = actions.can_reduce(actor)
    form = UseForm(request.POST if step == "use" else None)
    reduce = ReduceForm(request.POST if step == "reduce" else None, auto_id="reduce_%s")
    status, note = 200, ""
    if request.method == "POST":
        (may_reduce if step == "reduce" else may).require()
        if not confirming.sure(request) and (question := _question(found, step, reduce, request.POST.get("entry", ""))):
            return confirming.ask(request, question)
        sent = reduce if step == "reduce" else form
        done, status, note = _moved(found, step, sent, request.POST.get("entry", ""), actor=actor, now=now)
        if done:
            messages.success(request, done)
            return redirect("quota", pk=found.pk)
        found.refresh_from_db()
    tab, after = "all" if request.GET.get("tab") == "all" else "open", whole(request.GET.get("after"))
    unreturned = Q(kind=QuotaEntry.Kind.USED, returned_by=None)
    entries = found.entries.select_related("returned_by").order_by("-pk")
    if tab == "open":
        entries = entries.filter(unreturned)
    if after is not None:
        entries = entries.filter(pk__lt=after)
    rows = list(entries[: PAGE + 1])
    counts = found.entries.aggregate(open=Count("pk", filter=unreturned), all=Count("pk"))
    context = {
        "quota": found,
        "tab": tab,
        "tabs": [(code, label, counts[code]) for code, label in TABS.items()],
        "entries": rows[:PAGE],
        "first": after is None,
        "after": rows[PAGE - 1].pk if len(rows) > PAGE else "",
        "form": form,
        "may": may,
        "reduce": reduce if may_reduce else None,
        "sent": reduce if reduce.is_bound else form,
        "note": note,
    }
    return render(request, "quotas/quota.html", context, status=status)


def _allotting(form: forms.Form) -> Question:
    """What is asked before an allotment, of a valid form."""
    given = form.cleaned_data
    tool, bank = (dict(form.fields[name].choices)[given[name]] for name in ("tool", "institution"))  # type: ignore[attr-defined]
    effect = "分配以后银行即可使用；分错了只能由监管部门调减没有使用的部分。"
    told = [("银行", str(bank)), ("分配额度", money_wan(given["amount"]))]
    return Question("分配额度", str(tool), effect, reverse("quotas"), told)


def _drawn(found: Quota, entry: str) -> QuotaEntry:
    """The entry of this quota that is named."""
    return get_object_or_404(QuotaEntry, quota=found, pk=whole(entry) or 0)


def _question(found: Quota, step: str, reduce: ReduceForm, entry: str) -> Question | None:
    """What is asked before a return or a reduction; None for the rest and for a form that is not right yet."""
    about, back = f"{found.tool.name}，{found.institution}", reverse("quota", args=[found.pk])
    if step == "return" and entry:
        drawn = _drawn(found, entry)
        if drawn.kind != QuotaEntry.Kind.USED:
            return None
        told = [("办件编号", drawn.case_number), ("借据号", drawn.loan_number), ("金额", money_wan(drawn.amount))]
        return Question(
            "登记归还",
            about,
            "这笔使用全额归还，可用额度随之增加。登记以后不能撤回；登记错了，可以对同一借据重新登记使用。",
            back,
            told,
        )
    if step == "reduce" and reduce.is_valid():
        given = reduce.cleaned_data
        effect = "从这家银行没有使用的额度中调减，调减的部分回到工具的总额度，可以另行分配。"
        told = [
            ("可用额度", money_wan(found.left)),
            ("调减额度", money_wan(given["amount"])),
            ("依据", given["ground"]),
        ]
        return Question("调减额度", about, effect, back, told, dangerous=True)
    return None


def _moved(
    found: Quota, step: str, form: forms.Form, entry: str, *, actor: Actor, now: datetime
) -> tuple[str, int, str]:
    """Use, return or reduce: what is said when it is done, or the status and the sentence why not."""
    if step in ("use", "reduce"):
        if not form.is_valid():
            return "", 400, ""
        try:
            if step == "use":
                actions.use(found.pk, **form.cleaned_data, actor=actor, now=now)
            else:
                actions.reduce(found.pk, **form.cleaned_data, actor=actor, now=now)
        except DomainError as error:
            place(form, error)
            return "", error.status, ""
        return "已登记使用。" if step == "use" else "已调减。", 200, ""
    if step == "return" and entry:
        drawn = _drawn(found, entry)
        try:
            actions.give_back(drawn.pk, actor=actor, now=now)
        except DomainError as error:
            return "", error.status, error.reason
        return "已登记归还。", 200, ""
    return "", 400, "请用下面的按钮办理。"
