"""Reading: what came after one registration, one matter, its papers, and the pledge history of a patent."""

from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from pledges import presenting as files_presenting
from pledges.after import names, presenting, queries, rules
from pledges.after.forms import AgreeForm, StatementForm
from pledges.after.kinds import MatterKind
from pledges.after.models import AfterPaper, Matter, UseConsent
from pledges.forms.party import SendBackForm
from pledges.models import Registration
from pledges.views.common import PARTIES, looked, owner_for
from portal.foundation.accounts.guards import allow
from portal.foundation.accounts.middleware import actor_of
from portal.foundation.accounts.models import Role
from portal.foundation.core import moments
from portal.foundation.journal.sending import send

from .common import OFFICE, file_of, matter_of, matter_page, trail

ENDED_OR_STANDING = (Registration.State.REGISTERED, Registration.State.CANCELLED, Registration.State.REVOKED)


@allow(*PARTIES, Role.REGULATOR)
@never_cache
@require_safe
def hub(request: HttpRequest, number: str) -> HttpResponse:
    """What can be done with a registered pledge, and what was done."""
    return hub_with(request, file_of(request, number))


def hub_with(
    request: HttpRequest, file: Registration, *, statement: StatementForm | None = None, status: int = 200
) -> HttpResponse:
    """The page, with the statement as it was sent when something in it is wrong."""
    actor, now = actor_of(request), moments.now()
    if file.decided_at is None or file.state not in ENDED_OR_STANDING:
        return redirect("pledges:detail", file.number)
    looked(request, file)
    matters = Matter.objects.visible_to(actor).filter(registration=file).select_related("clock").order_by("-pk")
    consents = UseConsent.objects.visible_to(actor).filter(registration=file).order_by("-pk")
    told = file.revocations.exclude(told_at=None).prefetch_related("statements").order_by("-pk").first()
    shown = list(file.patents.order_by("number")[: files_presenting.MOST_PATENTS])
    context = {
        "file": file,
        "tag": files_presenting.TAGS[file.state],
        "trail": trail(file)[:2],
        "matters": [(m, presenting.TAGS[m.state], presenting.lamp(m, now=now)) for m in matters],
        "consents": [(c, presenting.USE_TAGS[c.state]) for c in consents],
        "patents": shown,
        "pieces": len(files_presenting.numbers(file, shown)),
        "told": told,
        "may_state": told is not None and bool(rules.can_state(actor, told, file)),
        "statement": statement or StatementForm(),
        "mismatches": names.mismatches(file),
        "may_begin": bool(rules.can_begin(actor, file)),
        "may_ask": bool(rules.can_ask_consent(actor, file)),
        "kinds": MatterKind,
    }
    return render(request, "pledges/after/hub.html", context, status=status)


@allow(*PARTIES, Role.REGULATOR)
@never_cache
@require_safe
def matter(request: HttpRequest, number: str) -> HttpResponse:
    return matter_with(request, matter_of(request, number))


def matter_with(
    request: HttpRequest,
    found: Matter,
    *,
    agree: AgreeForm | None = None,
    note: SendBackForm | None = None,
    status: int = 200,
) -> HttpResponse:
    """The page of a matter with its forms, for whoever is to act."""
    actor = actor_of(request)
    looked(request, found.registration, subject=found.subject)
    context = {
        **presenting.may(actor, found, found.registration),
        "agree": agree or AgreeForm(),
        "note": note or SendBackForm(),
        "reads_papers": actor.role in PARTIES,
    }
    return matter_page(request, "pledges/after/matter.html", found, status=status, **context)


@allow(*PARTIES, *OFFICE)
@never_cache
@require_safe
def paper(request: HttpRequest, number: str, ref: str) -> HttpResponse | FileResponse:
    """A paper of a matter, a consent or, within the office, of a revocation."""
    actor = actor_of(request)
    file = get_object_or_404(Registration.objects.visible_to(actor), number=number)
    stored = AfterPaper.objects.filter(registration=file, ref=ref).first()
    seen = stored is not None and (
        (stored.revocation_id is not None and actor.role in OFFICE)
        or Matter.objects.visible_to(actor).filter(pk=stored.matter_id or 0).exists()
        or UseConsent.objects.visible_to(actor).filter(pk=stored.consent_id or 0).exists()
    )
    if stored is None or not seen:
        raise Http404
    return send(request, stored, reader=actor, owner_id=owner_for(file, actor), inline="inline" in request.GET)


@allow(Role.ENTERPRISE, *OFFICE)
@never_cache
@require_safe
def history(request: HttpRequest, number: str) -> HttpResponse:
    """Every pledge of one patent, for its owner and the office."""
    actor = actor_of(request)
    patent = queries.knows(actor, number)
    if patent is None:
        raise Http404
    context = {
        "patent": patent,
        "periods": queries.history(actor, number),
        "office": actor.role in OFFICE,
    }
    return render(request, "pledges/after/history.html", context)
