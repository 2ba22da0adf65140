"""What Django's own `check --deploy` does not see: settings that are allowed and still wrong for this portal.

Those marked deploy run with `check --deploy`, those that ask the database with `check --database default`; both do in
`portal.run.prepare`, which every deployment runs (docs/security/web.md).
"""

from collections.abc import Iterator, Sequence
from ipaddress import ip_network
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import DatabaseError, connections
from django.urls import URLResolver, get_resolver

from portal.demo.people import LOGINS, PASSWORD
from portal.foundation.core import moments, outgoing
from portal.foundation.sla.horizon import horizon

SHORTEST_SECRET, SHORTEST_TOKEN = 50, 24
KNOWN = ("demonstration", "insecure", "changeme", "change-me", "example", "password", "secret-key")
# Each opens something or is sent to somebody, when it is set at all.
TOKENS = ("METRICS_TOKEN", "VALUATION_AGENCY_TOKEN", "PATENT_REGISTER_TOKEN", "SSO_CLIENT_SECRET", "SMS_TOKEN")
SYSTEMS = ("VALUATION_AGENCY_URL", "PATENT_REGISTER_URL", "SSO_ISSUER", "SMS_URL")
# No installation may open any part of these; core.outgoing refuses the first kind in any case.
FORBIDDEN_NETWORKS = (*outgoing.NEVER, ip_network("127.0.0.0/8"), ip_network("::1/128"), ip_network("0.0.0.0/8"))
WIDEST = {4: 8, 6: 16}  # a network of more addresses is no network of somebody's


def check_hosts(app_configs: Sequence[AppConfig] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """portal.E001: a wildcard in ALLOWED_HOSTS lets a forged Host into every address that the portal writes."""
    wild = [host for host in settings.ALLOWED_HOSTS if "*" in host or host.startswith(".")]
    if not wild:
        return []
    return [Error(f"ALLOWED_HOSTS has wildcards: {', '.join(wild)}", hint="Name each host.", id="portal.E001")]


def check_secrets(app_configs: Sequence[AppConfig] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """portal.E002: secrets that are short, known or hardly vary."""
    wrong = []
    if fault := _weak(settings.SECRET_KEY, SHORTEST_SECRET):
        wrong.append(f"SECRET_KEY {fault}")
    wrong += [
        f"{name} {fault}" for name in TOKENS if (fault := _weak(getattr(settings, name), SHORTEST_TOKEN, unset=True))
    ]
    hint = 'python -c "import secrets; print(secrets.token_urlsafe(48))" makes a good one.'
    return [Error(text, hint=hint, id="portal.E002") for text in wrong]


def _weak(secret: str, shortest: int, *, unset: bool = False) -> str:
    if not secret:
        return "" if unset else "is missing"
    if len(secret) < shortest:
        return f"has {len(secret)} characters, fewer than {shortest}"
    if any(word in secret.lower() for word in KNOWN):
        return "is one that everybody knows"
    return "hardly varies" if len(set(secret)) < 10 else ""


def check_sessions(app_configs: Sequence[AppConfig] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """portal.E003: cookies that another site or a script could set or read."""
    names = (settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME)
    wrong = [f"the cookie {name} lacks the prefix __Host-" for name in names if not name.startswith("__Host-")]
    if settings.SESSION_COOKIE_DOMAIN or settings.CSRF_COOKIE_DOMAIN or settings.SESSION_COOKIE_PATH != "/":
        wrong.append("a __Host- cookie has no domain and the path /")
    if settings.SESSION_COOKIE_SAMESITE not in ("Lax", "Strict") or not settings.SESSION_COOKIE_HTTPONLY:
        wrong.append("the session's cookie must be HttpOnly and SameSite")
    return [Error(text, id="portal.E003") for text in wrong]


def check_policy(app_configs: Sequence[AppConfig] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """portal.E004: a content policy with a hole, or none."""
    directives: dict[str, Any] = (getattr(settings, "CONTENT_SECURITY_POLICY", None) or {}).get("DIRECTIVES", {})
    words = {str(word) for values in directives.values() for word in values}
    wrong = sorted(word for word in words if "unsafe" in word or word in ("*", "http:", "https:"))
    if directives.get("default-src") != ["'none'"] or directives.get("frame-ancestors") != ["'none'"]:
        wrong.append("default-src and frame-ancestors must be 'none'")
    return [Error(f"CONTENT_SECURITY_POLICY: {', '.join(wrong)}", id="portal.E004")] if wrong else []


def check_limits(app_configs: Sequence[AppConfig] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """portal.E005: rates switched off, bodies without a bound."""
    wrong = []
    if settings.RATE_FACTOR < 1:
        wrong.append("RATE_FACTOR switches the limits off")
    elif settings.RATE_FACTOR > 10:
        wrong.append(f"RATE_FACTOR {settings.RATE_FACTOR} makes the limits none")
    if not settings.DATA_UPLOAD_MAX_MEMORY_SIZE or not settings.DATA_UPLOAD_MAX_NUMBER_FIELDS:
        wrong.append("a form may be of any length")
    return [Error(text, id="portal.E005") for text in wrong]


def check_admin(app_configs: Sequence[AppConfig] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """portal.E006: Django's admin writes past every rule of the portal, so it has no address."""
    found = [entry for entry in _resolvers(get_resolver()) if entry.app_name == "admin"]
    return [Error("Django's admin has an address", hint="Remove it from the urls.", id="portal.E006")] if found else []


def _resolvers(of: URLResolver) -> Iterator[URLResolver]:
    for entry in of.url_patterns:
        if isinstance(entry, URLResolver):
            yield entry
            yield from _resolvers(entry)


def check_outgoing(app_configs: Sequence[AppConfig] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """portal.E007: other systems at an address that must not be called, or a network that no installation may open."""
    wrong = []
    for name in SYSTEMS:
        if url := getattr(settings, name):
            try:
                outgoing.address(url)
            except ValueError as error:
                wrong.append(f"{name}: {error}")
    wrong += [f"OUTGOING_NETWORKS opens {net}" for net in settings.OUTGOING_NETWORKS if _forbidden(net)]
    return [Error(text, id="portal.E007") for text in wrong]


def _forbidden(named: str) -> bool:
    try:
        net = ip_network(named)
    except ValueError:
        return True
    return net.prefixlen < WIDEST[net.version] or any(
        net.version == other.version and net.overlaps(other) for other in FORBIDDEN_NETWORKS
    )


def check_mail(app_configs: Sequence[AppConfig] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """portal.E012: mail that goes nowhere, or into files: links for new passwords would lie there, living."""
    if settings.EMAIL_BACKEND.startswith("django.core.mail.backends.smtp."):
        return []
    hint = "Leave EMAIL_BACKEND out and set EMAIL_HOST."
    return [Error(f"EMAIL_BACKEND is {settings.EMAIL_BACKEND}", hint=hint, id="portal.E012")]


def check_owner(
    app_configs: Sequence[AppConfig] | None = None, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """portal.E011: a process of production that logs in as a superuser, or as the owner of the journal, could switch its triggers off.

    `portal.run.prepare` is the one that must, and passes over this.
    """
    found: list[CheckMessage] = []
    for alias in (databases or ()) if settings.PRODUCTION else ():
        with connections[alias].cursor() as cursor:
            cursor.execute(
                "SELECT current_user, (SELECT rolsuper FROM pg_roles WHERE rolname = current_user), "
                "coalesce((SELECT pg_has_role(relowner, 'MEMBER') FROM pg_class WHERE oid = to_regclass('journal_entry')), false)"
            )
            name, superuser, owner = cursor.fetchone()
        if superuser or owner:
            what = "a superuser" if superuser else "the owner of the journal"
            hint = "Give each process the log-in of its role (docs/security/roles-and-journal.md)."
            found.append(Error(f"{alias}: {name} is {what}", hint=hint, id="portal.E011"))
    return found


def check_database(
    app_configs: Sequence[AppConfig] | None = None, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """portal.E008: a database that does not know Chinese letters; portal.W002: one whose other sessions do not count in UTC.

    Django's own sessions always do; a dump, a report or an operator's psql would not.
    """
    found: list[CheckMessage] = []
    for alias in databases or ():
        with connections[alias].cursor() as cursor:
            cursor.execute(
                "SELECT pg_encoding_to_char(encoding), '知' ~ '^[[:alpha:]]$', "
                "(SELECT reset_val FROM pg_settings WHERE name = 'TimeZone') FROM pg_database "
                "WHERE datname = current_database()"
            )
            encoding, chinese, zone = cursor.fetchone()
        if encoding != "UTF8" or not chinese:
            hint = "initdb --encoding=UTF8 --locale=C.UTF-8, never --locale=C: searching would find nothing Chinese."
            found.append(Error(f"{alias}: {encoding}, Chinese letters {chinese}", hint=hint, id="portal.E008"))
        if zone not in ("UTC", "Etc/UTC", "GMT"):
            hint = "ALTER DATABASE … SET timezone TO 'UTC'"
            found.append(Warning(f"{alias}: its sessions begin in {zone}, not in UTC", hint=hint, id="portal.W002"))
    return found


def check_calendar(
    app_configs: Sequence[AppConfig] | None = None, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """portal.W001: the published calendar ends soon; portal.E009: there is none. Every deadline hangs on it."""
    if not databases:
        return []
    try:
        reach = horizon(now=moments.now())
    except LookupError:
        return [Error("no working-day calendar is loaded", hint="manage.py load_reference", id="portal.E009")]
    except DatabaseError:  # before the first migration
        return []
    if not reach.near:
        return []
    return [
        Warning(
            f"the published calendar ends on {reach.last}, in {reach.days_left} days",
            hint="Import the next year.",
            id="portal.W001",
        )
    ]


def check_people(
    app_configs: Sequence[AppConfig] | None = None, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """portal.E010: the demonstration's accounts, whose password is printed, in production."""
    if not databases or not settings.PRODUCTION:
        return []
    people = get_user_model().objects.filter(username__in=LOGINS, is_active=True)
    try:
        there = [person.get_username() for person in people if person.check_password(PASSWORD)]
    except DatabaseError:
        return []
    if not there:
        return []
    return [
        Error(f"accounts of the demonstration can log in: {', '.join(there)}", hint="Remove them.", id="portal.E010")
    ]


ON_DEPLOY = (
    check_hosts,
    check_secrets,
    check_sessions,
    check_policy,
    check_limits,
    check_admin,
    check_outgoing,
    check_mail,
)
OF_DATABASE = (check_database, check_calendar, check_people, check_owner)


def register_all() -> None:
    for check in ON_DEPLOY:
        register(check, Tags.security, deploy=True)
    for asking in OF_DATABASE:
        register(asking, Tags.database)
