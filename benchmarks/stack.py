"""The whole HTTP stack without a socket: the portal's WSGI handler and middleware, a real session and a checked CSRF token."""

import io
from collections.abc import Mapping
from urllib.parse import urlencode

from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.core.handlers.wsgi import WSGIHandler
from django.middleware.csrf import _get_new_csrf_string, _mask_cipher_secret

from portal.foundation.accounts.identity import sessions
from portal.foundation.accounts.middleware import SESSION_KEY as SEAT_KEY
from portal.foundation.accounts.models import Membership, User
from portal.foundation.core import moments


class Browser:
    """One logged-in person. `post` sends a form as a browser would and returns the status."""

    def __init__(self, user_id: int) -> None:
        user = User.objects.get(pk=user_id)
        session = SessionStore()
        session[SESSION_KEY] = str(user.pk)
        session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
        session[HASH_SESSION_KEY] = user.get_session_auth_hash()
        session[SEAT_KEY] = Membership.objects.get(user=user).pk
        sessions.mark(session, now=moments.now(), second=True)
        session.create()
        self.secret = _get_new_csrf_string()
        self.cookies = f"session={session.session_key}; csrf={self.secret}"
        self.handler = WSGIHandler()

    def post(self, path: str, fields: Mapping[str, object]) -> tuple[str, bytes]:
        """Status line and body. Includes everything a request costs behind the socket, closing of the response too."""
        body = urlencode({**fields, "csrfmiddlewaretoken": _mask_cipher_secret(self.secret)}, doseq=True).encode()
        status: list[str] = []
        response = self.handler(
            {
                "REQUEST_METHOD": "POST",
                "PATH_INFO": path,
                "SCRIPT_NAME": "",
                "QUERY_STRING": "",
                "SERVER_NAME": "testserver",
                "SERVER_PORT": "80",
                "SERVER_PROTOCOL": "HTTP/1.1",
                "REMOTE_ADDR": "127.0.0.1",
                "HTTP_HOST": "testserver",
                "HTTP_COOKIE": self.cookies,
                "CONTENT_TYPE": "application/x-www-form-urlencoded",
                "CONTENT_LENGTH": str(len(body)),
                "wsgi.url_scheme": "http",
                "wsgi.input": io.BytesIO(body),
                "wsgi.errors": io.StringIO(),
            },
            lambda line, headers, error=None: status.append(line),
        )
        try:
            answer = b"".join(response)
        finally:
            response.close()
        return status[0], answer
