"""What must not go live: a demonstration's conveniences, sessions without an end, a list that is not there."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error

from .sessions import TOTAL


def identity(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """Errors of settings about people and log-in."""
    found: list[CheckMessage] = []
    if settings.PRODUCTION and settings.DEMO:
        found.append(Error("DEMO prints passwords and second factors: never in production", id="accounts.E001"))
    if settings.PRODUCTION and settings.TRUST_OTHER_LOGINS:
        found.append(Error("TRUST_OTHER_LOGINS is for tests", id="accounts.E002"))
    if getattr(settings, "MFA_TOTP_INSECURE_BYPASS_CODE", None):
        found.append(Error("MFA_TOTP_INSECURE_BYPASS_CODE opens every account", id="accounts.E003"))
    if TOTAL.total_seconds() < settings.SESSION_COOKIE_AGE:
        found.append(Error("SESSION_COOKIE_AGE is longer than a session may live (12 h)", id="accounts.E004"))
    if settings.PASSWORD_BREACHED_FILE and not Path(settings.PASSWORD_BREACHED_FILE).is_file():
        found.append(Error("PASSWORD_BREACHED_FILE names no file", id="accounts.E005"))
    if settings.SSO_ISSUER and not settings.SSO_CLIENT_ID:
        found.append(Error("SSO_ISSUER needs SSO_CLIENT_ID", id="accounts.E006"))
    if settings.PRODUCTION and settings.SSO_ISSUER and not settings.SSO_ISSUER.startswith("https://"):
        found.append(Error("SSO_ISSUER must be an https address", id="accounts.E007"))
    return found
