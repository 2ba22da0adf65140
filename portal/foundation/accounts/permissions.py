"""The API's question «who asks»: the same chair as on the pages."""

from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from .models import Role


class Answering(BasePermission):
    """Officers and managers of a financial institution; and its keys, as far as their scopes go."""

    roles = (Role.OFFICER, Role.MANAGER)  # read by the matrix of routes and roles, too
    message = "只有金融机构的经办人或负责人可以调用。"

    def has_permission(self, request: Request, view: APIView) -> bool:
        actor = getattr(request._request, "actor", None)
        if actor is None or actor.role not in self.roles:
            return False
        scopes = getattr(request.auth, "scopes", None)  # of a key; a person's session has none
        needed = "referrals:read" if request.method in SAFE_METHODS else "referrals:write"
        return scopes is None or needed in scopes
