"""Settings of the portal: one file, environment only, loud when something is wrong.

`PORTAL_ENV` is `demo` (default: trial on embedded servers), `test` or `production`. Production refuses to start with a
missing secret, a missing database address or a wildcard host.
"""

from pathlib import Path
from typing import Any

import environ
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from portal.foundation.core import logs

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()

PORTAL_ENV: str = env.str("PORTAL_ENV", default="demo")
if PORTAL_ENV not in {"demo", "test", "production"}:
    raise ImproperlyConfigured(f"PORTAL_ENV must be demo, test or production, not {PORTAL_ENV!r}")
PRODUCTION = PORTAL_ENV == "production"
DEMO = PORTAL_ENV == "demo"
DATA_DIR = Path(env.str("PORTAL_DATA", default=str(BASE_DIR / ".data"))).resolve()

DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY: str = env.str("SECRET_KEY", default="" if PRODUCTION else "demonstration-only-not-a-secret")
if not SECRET_KEY:
    raise ImproperlyConfigured("SECRET_KEY is required in production")
# Secrets that this one replaced: what they closed or signed stays good (sessions, second factors, keys of institutions).
SECRET_KEY_FALLBACKS: list[str] = env.list("SECRET_KEY_FALLBACKS", default=[])
ALLOWED_HOSTS: list[str] = env.list(
    "ALLOWED_HOSTS", default=[] if PRODUCTION else ["127.0.0.1", "localhost", "testserver"]
)
if PRODUCTION and (not ALLOWED_HOSTS or "*" in ALLOWED_HOSTS):
    raise ImproperlyConfigured("ALLOWED_HOSTS must name the portal's hosts in production")
# The address printed in notices and their QR codes.
PUBLIC_URL: str = env.str("PUBLIC_URL", default="http://127.0.0.1:8000").rstrip("/")
if PRODUCTION:
    if DEBUG:
        raise ImproperlyConfigured("DEBUG shows what people typed: never in production")
    if "demonstration" in SECRET_KEY:
        raise ImproperlyConfigured("SECRET_KEY is the demonstration's, which everybody knows")
    if not PUBLIC_URL.startswith("https://"):
        raise ImproperlyConfigured("PUBLIC_URL must be the portal's https address in production")
CSRF_TRUSTED_ORIGINS: list[str] = env.list("CSRF_TRUSTED_ORIGINS", default=[])

INSTALLED_APPS = [
    "portal.foundation.core",
    "portal.foundation.journal",
    "portal.foundation.accounts",
    "portal.foundation.sla",
    "portal.foundation.assets",
    "banks",
    "products",
    "applications",
    "pledges",
    "portal.notifications",
    "portal.reports",
    "portal.content",
    "portal.oversight",
    "portal.integrations",
    "portal",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "allauth.account",  # allauth.mfa stands on it; none of its pages, addresses or tables of mail addresses is used
    "allauth.mfa",
    "allauth.usersessions",
    "django.forms",
    "django_htmx",
    "template_partials",
    "rest_framework",
    "drf_spectacular",
    "pgtrigger",
    "csp",
    "django_fsm",
]

MIDDLEWARE = [
    "portal.foundation.core.request_log.RequestLogMiddleware",  # first: whatever refuses is numbered, counted and logged
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "portal.foundation.journal.refusals.RefusalMiddleware",
    "portal.foundation.core.door.DoorMiddleware",
    "portal.foundation.journal.looks.LookMiddleware",
    "portal.foundation.core.middleware.ReadableRequestMiddleware",
    "portal.foundation.accounts.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "allauth.account.middleware.AccountMiddleware",  # tells allauth.mfa which request it is; nothing else
    "portal.foundation.accounts.middleware.CurrentSeatMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "portal.foundation.core.middleware.DomainErrorMiddleware",
]

ROOT_URLCONF = "portal.urls"
WSGI_APPLICATION = "portal.wsgi.application"
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "portal.navigation.frame",
            ],
        },
    }
]
FORM_RENDERER = "portal.foundation.core.forms.PortalRenderer"

# --- data ---------------------------------------------------------------------------------------------------------
DATABASE_URL: str = env.str("DATABASE_URL", default="")
if PRODUCTION and not DATABASE_URL:
    raise ImproperlyConfigured("DATABASE_URL is required in production")
DATABASES = {"default": env.db_url_config(DATABASE_URL or "postgres:///portal")}
DATABASES["default"] |= {
    "ENGINE": "django.db.backends.postgresql",
    "CONN_MAX_AGE": 60,
    "CONN_HEALTH_CHECKS": True,
    "ATOMIC_REQUESTS": False,  # an action owns its transaction (docs: README, decision 3)
    "OPTIONS": {
        **DATABASES["default"].get("OPTIONS", {}),  # e.g. sslmode from DATABASE_URL
        # A paused client must not hold a lock for ever. Migrations and long reports override this.
        "options": "-c statement_timeout=20s -c lock_timeout=5s -c idle_in_transaction_session_timeout=15s",
    },
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- people -------------------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "landing"
LOGOUT_REDIRECT_URL = "home"
PASSWORD_HASHERS = [
    "portal.foundation.accounts.hashers.PortalArgon2Hasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "portal.foundation.accounts.identity.passwords.ThreeClasses"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "portal.foundation.accounts.identity.passwords.NoHabit"},
    {"NAME": "portal.foundation.accounts.identity.passwords.NotTheOwner"},
    {"NAME": "portal.foundation.accounts.identity.passwords.NotBreached"},
    {"NAME": "portal.foundation.accounts.identity.passwords.NotAgain"},
]
# Passwords known from breaches: a file of upper-case SHA-1 digests, one a line, sorted (a count after a colon is ignored).
PASSWORD_BREACHED_FILE: str = env.str("PASSWORD_BREACHED_FILE", default="")
# The second factor (portal/foundation/accounts/identity): allauth's tables and ceremonies behind our own pages.
MFA_ADAPTER = "portal.foundation.accounts.identity.adapter.Adapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_WEBAUTHN_USER_VERIFICATION = "preferred"
MFA_RECOVERY_CODE_DIGITS = 10  # told from a code of an app by its length
# A session that our own log-in did not open is none. Tests log in by Django's force_login, so there it counts as complete;
# those about sessions switch this off.
TRUST_OTHER_LOGINS = PORTAL_ENV == "test"
# Codes and links by text message (docs/contracts/sms.md): «http», «file» (the trial writes them to the data folder) or «none».
SMS_PROVIDER: str = env.str("SMS_PROVIDER", default="none" if PRODUCTION else "file")
SMS_URL: str = env.str("SMS_URL", default="")
SMS_TOKEN: str = env.str("SMS_TOKEN", default="")
if SMS_PROVIDER not in {"http", "file", "none"} or (PRODUCTION and SMS_PROVIDER == "file"):
    raise ImproperlyConfigured(f"SMS_PROVIDER must be http or none here, not {SMS_PROVIDER!r}")
if SMS_PROVIDER == "http" and not SMS_URL:
    raise ImproperlyConfigured("SMS_PROVIDER http needs SMS_URL")
# Making an account asks for a code first, sent to the phone or, without text messages, to the mail address. Tests of the
# forms switch it on where they mean it.
REGISTRATION_BY_CODE = PORTAL_ENV != "test"
# The government's single sign-on (docs/contracts/sso.md): OpenID Connect. Without an issuer there is none.
SSO_ISSUER: str = env.str("SSO_ISSUER", default="").rstrip("/")
SSO_CLIENT_ID: str = env.str("SSO_CLIENT_ID", default="portal" if DEMO else "")
SSO_CLIENT_SECRET: str = env.str("SSO_CLIENT_SECRET", default="")
SSO_NAME: str = env.str("SSO_NAME", default="渝快办（模拟）" if DEMO else "渝快办")
SESSION_ENGINE = "django.contrib.sessions.backends.db"  # in PostgreSQL: the portal works with the broker dead
SESSION_COOKIE_AGE = 12 * 3600
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PRODUCTION
SESSION_COOKIE_NAME = "__Host-session" if PRODUCTION else "session"
CSRF_COOKIE_NAME = "__Host-csrf" if PRODUCTION else "csrf"
CSRF_FAILURE_VIEW = "portal.errors.csrf_failure"

# --- language and time --------------------------------------------------------------------------------------------
LANGUAGE_CODE = "zh-hans"
USE_I18N = True
TIME_ZONE = "Asia/Shanghai"
USE_TZ = True

# --- files --------------------------------------------------------------------------------------------------------
STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = Path(env.str("STATIC_ROOT", default=str(BASE_DIR / "staticfiles")))
MEDIA_ROOT = DATA_DIR / "files"  # private: only ever sent through a view that asks who is looking
STORAGES = {
    "default": {"BACKEND": "portal.foundation.core.files.PrivateStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if PRODUCTION
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = not PRODUCTION
WHITENOISE_AUTOREFRESH = False
# Who signs the application form for its parties: local (a key of this installation) or account (no signature service).
SIGNING_PROVIDER: str = env.str("SIGNING_PROVIDER", default="account" if PRODUCTION else "local")
# What does SM3, SM4 and SM2 (core/crypto.py): a class without arguments. A certified module's takes this one's place.
CRYPTO_PROVIDER = env.str("CRYPTO_PROVIDER", default="portal.foundation.core.crypto.SoftwareCrypto")
SIGNING_KEY_FILE: str = env.str("SIGNING_KEY_FILE", default=str(DATA_DIR / "keys" / "signing.pem"))
UPLOAD_MAX_BYTES = 20 * 1024 * 1024
# What one organisation may send: a day, and in all (portal/foundation/core/intake/quota.py).
UPLOAD_QUOTA = {
    "day_files": env.int("UPLOAD_DAY_FILES", default=2_000),
    "day_bytes": env.int("UPLOAD_DAY_MB", default=1_024) << 20,
    "files": env.int("UPLOAD_FILES", default=10_000),
    "bytes": env.int("UPLOAD_GB", default=5) << 30,
}
# ClamAV's daemon: unix:/run/clamav/clamd.ctl or tcp:127.0.0.1:3310 (loopback only). Without one nothing is scanned, and every
# list of files says so.
CLAMD: str = env.str("CLAMD", default="")
if CLAMD and not CLAMD.startswith(("unix:/", "tcp:127.0.0.1:", "tcp:[::1]:", "tcp:localhost:")):
    raise ImproperlyConfigured("CLAMD must be unix:/… or tcp:127.0.0.1:port; a daemon elsewhere needs a tunnel")
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2000
BODY_MAX_BYTES = 10 * UPLOAD_MAX_BYTES + DATA_UPLOAD_MAX_MEMORY_SIZE  # a form with its files (core.door)

# --- web security -------------------------------------------------------------------------------------------------
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "connect-src": [SELF],
        "font-src": [SELF],
        "frame-src": [SELF],  # the clerk reads uploaded papers beside the check list
        "object-src": [NONE],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],  # a paper for the clerk's frame says otherwise (core.files.send)
        "manifest-src": [SELF],
    },
}
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_SSL_REDIRECT = PRODUCTION and env.bool("SECURE_SSL_REDIRECT", default=True)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if env.bool("BEHIND_PROXY", default=False) else None
SECURE_HSTS_SECONDS = 31_536_000 if PRODUCTION else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = PRODUCTION
SECURE_HSTS_PRELOAD = PRODUCTION

# How often something may be done (core.rates) is multiplied by this; 0 counts nothing: measuring and the proof need that.
RATE_FACTOR: int = env.int("RATE_FACTOR", default=1)
if PRODUCTION and RATE_FACTOR < 1:
    raise ImproperlyConfigured("RATE_FACTOR 0 switches the limits off: never in production")

# Whom the portal may call (core.outgoing): the public internet, and of other networks only these. A government network's
# addresses are private ones, so they must be named; the simulators sit on this machine.
OUTGOING_NETWORKS: list[str] = env.list("OUTGOING_NETWORKS", default=[] if PRODUCTION else ["127.0.0.0/8", "::1/128"])
OUTGOING_CA_FILE: str = env.str("OUTGOING_CA_FILE", default="")  # PEM; without it the system's authorities

# --- background work ----------------------------------------------------------------------------------------------
METRICS_TOKEN: str = env.str("METRICS_TOKEN", default="")  # without it /metrics does not exist
REDIS_URL: str = env.str("REDIS_URL", default="redis://127.0.0.1:6379/0")
CELERY_BROKER_URL = REDIS_URL.replace("unix://", "redis+socket://")
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_TIME_LIMIT = 300
CELERY_TASK_SOFT_TIME_LIMIT = 240
CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 1, "interval_start": 0.2, "interval_max": 0.5}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 900, "socket_timeout": 5, "socket_connect_timeout": 2}
CELERY_TIMEZONE = TIME_ZONE
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
# No deadline rides on a Celery ETA: these ticks only call idempotent sweeps (design §3).
CELERY_BEAT_SCHEDULE = {
    "sweep-clocks": {"task": "sla.sweep", "schedule": 5.0, "options": {"expires": 10}},
    "remind-orders": {"task": "reports.remind", "schedule": 30.0, "options": {"expires": 30}},
    "deliver-journal": {"task": "notifications.deliver", "schedule": 5.0, "options": {"expires": 10}},
    "seal-journal": {"task": "journal.seal", "schedule": 10.0, "options": {"expires": 20}},
    "print-notices": {"task": "pledges.render_notice", "schedule": 60.0, "options": {"expires": 60}},
    "work-imports": {"task": "products.work_imports", "schedule": 5.0, "options": {"expires": 10}},
    "check-register": {"task": "pledges.work_register", "schedule": 5.0, "options": {"expires": 10}},
    "watch-pledges": {"task": "pledges.watch", "schedule": 1800.0, "options": {"expires": 1800}},
    "watch-library": {"task": "products.watch", "schedule": 60.0, "options": {"expires": 60}},
    "scan-files": {"task": "journal.scan_files", "schedule": 5.0, "options": {"expires": 10}},
    "watch-incidents": {"task": "oversight.watch_incidents", "schedule": 60.0, "options": {"expires": 60}},
    "keep-no-longer": {"task": "oversight.keep_no_longer", "schedule": 3600.0, "options": {"expires": 3600}},
}

# --- mail ---------------------------------------------------------------------------------------------------------
# Production sends by SMTP; the trial writes files (with living links in them, so production refuses that: portal.E012).
EMAIL_BACKEND = env.str(
    "EMAIL_BACKEND", default=f"django.core.mail.backends.{'smtp' if PRODUCTION else 'filebased'}.EmailBackend"
)
EMAIL_HOST: str = env.str("EMAIL_HOST", default="localhost")
EMAIL_PORT: int = env.int("EMAIL_PORT", default=25)
EMAIL_HOST_USER: str = env.str("EMAIL_HOST_USER", default="")
EMAIL_HOST_PASSWORD: str = env.str("EMAIL_HOST_PASSWORD", default="")
EMAIL_USE_TLS: bool = env.bool("EMAIL_USE_TLS", default=False)  # STARTTLS, usually port 587
EMAIL_USE_SSL: bool = env.bool("EMAIL_USE_SSL", default=False)  # TLS from the first byte, usually port 465
EMAIL_FILE_PATH = DATA_DIR / "mail"
EMAIL_TIMEOUT = 10  # seconds: a mail server that does not answer must not hold the loop that also watches the deadlines
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="portal@localhost")

# --- API ----------------------------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "portal.integrations.authentication.SignedAuthentication",
        "portal.foundation.core.authentication.Session",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["portal.foundation.core.parsing.BoundedJSONParser"],
    "DEFAULT_THROTTLE_CLASSES": ["portal.foundation.core.throttling.CallThrottle"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "portal.api.handle_exception",
    "COERCE_DECIMAL_TO_STRING": True,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "知识产权质押融资快速通道",
    "DESCRIPTION": "机构与监管系统使用的接口。金额为人民币元，时间为带时区的 ISO 8601。",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "POSTPROCESSING_HOOKS": ["drf_spectacular.hooks.postprocess_schema_enums", "portal.api.with_refusals"],
}

# --- logs ---------------------------------------------------------------------------------------------------------
# One JSON object a line in production, text beside the trial (docs/operations.md says what stands in a line and what never).
LOG_FORMAT: str = env.str("LOG_FORMAT", default="json" if PRODUCTION else "plain")
if LOG_FORMAT not in {"json", "plain"}:
    raise ImproperlyConfigured(f"LOG_FORMAT must be json or plain, not {LOG_FORMAT!r}")
LOG_REQUESTS: bool = env.bool("LOG_REQUESTS", default=PRODUCTION)  # a line for every answer
COUNT_REQUESTS = PORTAL_ENV != "test"  # a thread adds them up in the database; a test does so itself
LOGGING = logs.configuration(LOG_FORMAT, level=env.str("LOG_LEVEL", default="INFO"))
SILENCED_SYSTEM_CHECKS: list[str] = []

# --- the trade: numbers and outside systems ---------------------------------------------------------------------------
# Measure 3: up to this amount a loan (yuan), an internal or a negotiated value suffices; inclusive by 民法典 1259.
VALUATION_FREE_UP_TO = env.int("VALUATION_FREE_UP_TO", default=10_000_000)
VALUATION_FREE_INCLUSIVE = env.bool("VALUATION_FREE_INCLUSIVE", default=True)
# What the measure leaves open: whether a pledge file above that amount needs an asset valuation report. Off: the bank decides.
VALUATION_REPORT_BEYOND = env.bool("VALUATION_REPORT_BEYOND", default=False)
# The credit agency's free report (docs/contracts/valuation.md); without an address the service is «not connected».
VALUATION_AGENCY_URL = env.str("VALUATION_AGENCY_URL", default="")
VALUATION_AGENCY_TOKEN = env.str("VALUATION_AGENCY_TOKEN", default="")
VALUATION_AGENCY_TIMEOUT = env.int("VALUATION_AGENCY_TIMEOUT", default=10)
# Who seals the papers (portal/foundation/core/pdf/seal_keys.py): local, pkcs12, pkcs11, or nothing; then none is printed.
SEAL_KEY: str = env.str("SEAL_KEY", default="" if PRODUCTION else "local")
SEAL_PKCS12: str = env.str("SEAL_PKCS12", default="")  # a file
SEAL_PASSWORD: str = env.str("SEAL_PASSWORD", default="")  # of the file, or the PIN of the token
SEAL_PKCS11_MODULE: str = env.str("SEAL_PKCS11_MODULE", default="")  # the token's driver, a file
SEAL_PKCS11_TOKEN: str = env.str("SEAL_PKCS11_TOKEN", default="")
SEAL_PKCS11_LABEL: str = env.str("SEAL_PKCS11_LABEL", default="")
SEAL_CERTIFICATE: str = env.str("SEAL_CERTIFICATE", default="")  # PEM: the token's certificate, then its chain
SEAL_TRUSTED: str = env.str("SEAL_TRUSTED", default="")  # PEM: certificates that sealed earlier papers
if SEAL_KEY not in {"", "local", "pkcs12", "pkcs11"}:
    raise ImproperlyConfigured(f"SEAL_KEY must be local, pkcs12 or pkcs11, not {SEAL_KEY!r}")
# The patent register (docs/contracts/patent-register.md): «http», «workbook» (the office uploads extracts), «none», or
# outside production «simulated». A look-up counts for so many days; a patent bought within so many is pointed out. The two
# numbers are ours, no rule names them.
PATENT_REGISTER = env.str("PATENT_REGISTER", default="simulated" if DEMO else "none")
PATENT_REGISTER_URL = env.str("PATENT_REGISTER_URL", default="")
PATENT_REGISTER_TOKEN = env.str("PATENT_REGISTER_TOKEN", default="")
PATENT_REGISTER_TIMEOUT = env.int("PATENT_REGISTER_TIMEOUT", default=5)
PATENT_REGISTER_FRESH_DAYS = env.int("PATENT_REGISTER_FRESH_DAYS", default=7)
# Working days in which the parties may speak before a registration is revoked. Our number: no rule in hand names one.
REVOCATION_HEARING_DAYS = env.int("REVOCATION_HEARING_DAYS", default=5)
PATENT_RECENT_TRANSFER_DAYS = env.int("PATENT_RECENT_TRANSFER_DAYS", default=365)
if PATENT_REGISTER not in ("http", "simulated", "workbook", "none") or (PRODUCTION and PATENT_REGISTER == "simulated"):
    raise ImproperlyConfigured(f"PATENT_REGISTER must be http, workbook or none, not {PATENT_REGISTER!r}")
# Whose requests one person of an institution may open in a day, before it looks like copying the list (attack 61).
ENTERPRISES_A_DAY = env.int("ENTERPRISES_A_DAY", default=200)
# Moments come from the database's clock; tests travel in time with their own process, so there they do not.
DATABASE_TIME = PORTAL_ENV != "test"
if PORTAL_ENV == "test":
    # A test is one long transaction, and cutting typefaces for the first paper takes longer than a request may idle.
    DATABASES["default"]["OPTIONS"]["options"] = "-c statement_timeout=60s -c lock_timeout=5s"
    PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
