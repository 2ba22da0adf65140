"""Who may open a page: visitors are sent to log in, the wrong role gets 403 with a sentence saying who may."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponseBase

from portal.foundation.core.errors import Forbidden

from .identity import login
from .models import Role

View = Callable[..., HttpResponseBase]


def allow(*roles: Role) -> Callable[[View], View]:
    """Only these roles. `allow()` means any person who is logged in. The roles are kept on the view for the access test."""

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            actor = getattr(request, "actor", None)
            if actor is None:
                return login.to_log_in(request)
            if roles and actor.role not in roles:
                names = "、".join(str(Role(r).label) for r in roles)
                raise Forbidden("role", f"这一页由{names}使用，您现在的身份是{Role(actor.role).label}。")
            return view(request, *args, **kwargs)

        guarded.allowed_roles = roles  # type: ignore[attr-defined]
        return guarded

    return decorate


def public(view: View) -> View:
    """Anyone may open this page; said explicitly, so that the access test can tell it from a forgotten guard."""
    view.allowed_roles = None  # type: ignore[attr-defined]
    return view
