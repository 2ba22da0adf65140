"""Parts of other apps' and rooms' pages about pledges: the list of all registrations of a financing, and a default."""

from typing import Any

from django import template
from django.template.context import Context

from applications.models import Application
from pledges.disposal import rules
from pledges.disposal.models import Default
from pledges.disposal.presenting import yuan
from pledges.models import Registration
from pledges.other_rights import listing
from pledges.other_rights import rules as right_rules
from pledges.presenting import loan_of
from portal.foundation.accounts.models import Role
from portal.foundation.core import moments

register = template.Library()
register.filter("yuan", yuan)


def _actor(context: Context) -> Any:
    return getattr(context.get("request"), "actor", None)


@register.inclusion_tag("other_rights/_list.html", takes_context=True)
def all_pledges(context: Context, case: Application, file: Registration | None = None) -> dict[str, Any]:
    """«本次融资的全部质押登记» on the page of a request, or of one of its files (which is then not asked for again).

    Nothing before an offer was accepted; two queries, one with `file`.
    """
    actor = _actor(context)
    if actor is None or case.accepted_offer_id is None:
        return {"rows": []}
    files = [file] if file is not None else listing.files_of(case, actor)
    rights = listing.rights_of(case, actor)
    editing = actor.role in (Role.ENTERPRISE, Role.OFFICER, Role.MANAGER) and case.state in right_rules.OPEN
    return {
        "rows": listing.rows(files, rights, number=case.number, now=moments.now()),
        "combined": bool(rights),
        "case": case,
        "may_add": editing,
        "no_promise": listing.NO_PROMISE,
    }


@register.inclusion_tag("disposal/_of_pledge.html", takes_context=True)
def default_of(context: Context, file: Registration) -> dict[str, Any]:
    """What became of the loan of a file: a default and its disposal, or where to record one. One query, none before a loan."""
    actor = _actor(context)
    if actor is None or loan_of(file) is None:
        return {}
    found = Default.objects.visible_to(actor).filter(registration=file).order_by("-pk").first()
    open_ = found is not None and found.cured_at is None
    return {
        "file": file,
        "default": found,
        "may_record": bool(rules.can_record_default(actor, file, paid_out=True, open_default=open_)),
    }
