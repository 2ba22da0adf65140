"""The API's question «who asks»: the same chair as on the pages."""

from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from .models import Role


class Answering(BasePermission):
    """Officers and managers of a financial institution."""

    roles = (Role.OFFICER, Role.MANAGER)  # read by the matrix of routes and roles, too
    message = "只有金融机构的经办人或负责人可以调用。"

    def has_permission(self, request: Request, view: APIView) -> bool:
        actor = getattr(request._request, "actor", None)
        return actor is not None and actor.role in self.roles
