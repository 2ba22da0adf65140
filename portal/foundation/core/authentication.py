"""How a caller of the machine interface says who it is: as on the pages, by its session."""

from rest_framework.authentication import SessionAuthentication
from rest_framework.request import Request


class Session(SessionAuthentication):
    """Whoever comes without one is told to come with one (401), not that they may not (403)."""

    def authenticate_header(self, request: Request) -> str:
        return "Session"
