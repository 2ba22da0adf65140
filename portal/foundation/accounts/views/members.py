"""Who belongs to an organisation: list, invite, revoke, join, end."""

from datetime import timedelta

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from portal.foundation.accounts import inviting, phone_codes, queries, rules
from portal.foundation.accounts.forms import InviteForm, JoinForm
from portal.foundation.accounts.guards import allow, public
from portal.foundation.accounts.identity import sessions
from portal.foundation.accounts.middleware import SESSION_KEY, actor_of
from portal.foundation.accounts.models import KEEPERS, Invitation, Membership
from portal.foundation.accounts.proving import proven
from portal.foundation.core import addresses, moments
from portal.foundation.core.errors import DomainError
from portal.foundation.core.forms import place
from portal.foundation.core.rates import Rate, limited

from .registration import joined, welcome

JOINING = Rate("invitation", 60, timedelta(minutes=10))  # a token cannot be guessed; nobody need try


@allow()
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@proven
def members(request: HttpRequest) -> HttpResponse:
    """The list; a POST invites, and its answer is the only page that ever shows the link."""
    actor, now = actor_of(request), moments.now()
    roles = rules.manageable(actor)
    form = InviteForm(request.POST if request.method == "POST" else None, roles=roles)
    status, link, issued = 200, "", None
    if request.method == "POST":
        rules.can_manage(actor).require()
        status = 400
        if form.is_valid():
            try:
                issued = inviting.invite(form.cleaned_data["phone"], form.chosen_role(), actor=actor, now=now)
            except DomainError as error:
                place(form, error)
                status = error.status
            else:
                link = request.build_absolute_uri(reverse("invitation", args=[issued.token]))
                form, status = InviteForm(roles=roles), 200
    people = list(queries.members_of(actor))
    context = {
        "form": form if roles else None,
        "link": link,
        "issued": issued.invitation if issued else None,
        "people": [(m, bool(rules.can_end(actor, m, remaining=len(people)))) for m in people],
        "invitations": list(queries.open_invitations(actor, now=now)) if roles else [],
        "waiting": [(i, bool(rules.can_confirm(actor, i))) for i in queries.waiting_keepers(actor)],
        "me": actor.user_id,
    }
    return render(request, "accounts/members.html", context, status=status)


@allow(*rules.MANAGES)
@require_POST
@proven
def revoke(request: HttpRequest, pk: int) -> HttpResponse:
    actor = actor_of(request)
    try:
        inviting.revoke(pk, actor=actor, now=moments.now())
    except Invitation.DoesNotExist as error:
        raise Http404 from error
    messages.success(request, "邀请已撤回，那个链接不能再用。")
    return redirect("members")


@allow(*KEEPERS)
@require_POST
@proven
def confirm(request: HttpRequest, pk: int) -> HttpResponse:
    """A second administrator has checked who accepted."""
    try:
        made = inviting.confirm(pk, actor=actor_of(request), now=moments.now())
    except Invitation.DoesNotExist as error:
        raise Http404 from error
    messages.success(request, f"已确认 {made.user.name}，对方现在可以登录办理。")
    return redirect("members")


@allow(*rules.MANAGES)
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@proven
def end(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask, then end a membership."""
    actor = actor_of(request)
    people = queries.members_of(actor)
    member = get_object_or_404(people, pk=pk)
    if request.method == "POST":
        ended = inviting.end(pk, actor=actor, now=moments.now())
        messages.success(request, f"已移除 {ended.user.name}，对方的登录随即失效。")
        return redirect("members" if ended.user_id != actor.user_id else "login")
    verdict = rules.can_end(actor, member, remaining=people.count())
    context = {"member": member, "verdict": verdict, "me": actor.user_id, "trail": [(reverse("members"), "成员")]}
    return render(request, "accounts/member_end.html", context)


@public
@never_cache
@sensitive_post_parameters("password", "password_again")
@limited(JOINING)
@require_http_methods(["GET", "HEAD", "POST"])
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """Accept: somebody with an account with one press, a newcomer by making an account."""
    found = queries.invitation_by(token)
    if found is None:
        raise Http404
    now = moments.now()
    verdict = rules.can_join(found, now=now)
    if not verdict:
        return render(request, "accounts/invitation_gone.html", {"reason": verdict.reason}, status=409)
    me: Membership | None = getattr(request, "membership", None)
    if me is None:
        return _join_as_newcomer(request, found)
    if request.method != "POST":
        return _offer(request, found, None, 200)
    try:
        made = inviting.join(found.token_digest, me.user_id, now=now)
    except DomainError as error:
        return render(request, "accounts/invitation_gone.html", {"reason": error.reason}, status=error.status)
    if not made.active:
        return render(request, "accounts/invitation_waits.html", {"membership": made})
    request.session[SESSION_KEY] = made.pk
    sessions.new_key(request)
    welcome(request, made)
    return redirect("landing")


def _join_as_newcomer(request: HttpRequest, found: Invitation) -> HttpResponse:
    """By a code to the invited phone first, where texts can be sent: who invites cannot answer for somebody else's phone."""
    form = JoinForm(
        request.POST if request.method == "POST" else None, phone=found.phone, company=found.organisation.name
    )
    if request.method != "POST":
        return _offer(request, found, form, 200)
    if not form.is_valid():
        return _offer(request, found, form, 400)
    now, person = moments.now(), form.newcomer()
    try:
        if settings.REGISTRATION_BY_CODE:
            address = addresses.network(request)
            phone_codes.join(request.session, found.token_digest, person, address=address, now=now)
            return redirect("register-code")
        made = inviting.join_as_newcomer(found.token_digest, person, now=now)
    except DomainError as error:
        place(form, error)
        return _offer(request, found, form, error.status)
    return joined(request, made)


def _offer(request: HttpRequest, found: Invitation, form: JoinForm | None, status: int) -> HttpResponse:
    return render(request, "accounts/invitation.html", {"invitation": found, "form": form}, status=status)
