"""Settings of processes under proof: the portal's own, plus compressed time, armed failpoints and at most one mutant.

Read from the environment: PROOF_LADDER (seconds after a clock's start at which its levels fall due, e.g. `10,20,30`),
PROOF_SMTP (`host:port` of the receiver), PROOF_LEASE (seconds of a delivery's lease), PROOF_MUTANT (a name of `portal.proof.mutants`),
PORTAL_FAILPOINTS and PORTAL_FAILPOINTS_LOG (see core.failpoints). Nothing of this exists in `portal.settings`.
"""

from django.core.exceptions import ImproperlyConfigured

from portal.settings import *  # noqa: F403 — everything the portal has
from portal.settings import INSTALLED_APPS, PORTAL_ENV, env

if PORTAL_ENV == "production":
    raise ImproperlyConfigured("the proof breaks the portal on purpose: never with PORTAL_ENV=production")

INSTALLED_APPS = [*INSTALLED_APPS, "portal.proof"]  # last: it changes what the others have made ready

RATE_FACTOR = 0  # hundreds of people of the proof sit at one machine
PROOF_LADDER: list[float] = [float(part) for part in env.list("PROOF_LADDER", default=[])]
PROOF_LEASE: float = env.float("PROOF_LEASE", default=0.0)
PROOF_MUTANT: str = env.str("PROOF_MUTANT", default="")
FAILPOINTS: str = env.str("PORTAL_FAILPOINTS", default="")
FAILPOINTS_LOG: str = env.str("PORTAL_FAILPOINTS_LOG", default="")

if smtp := env.str("PROOF_SMTP", default=""):
    EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    EMAIL_HOST, _, _port = smtp.rpartition(":")
    EMAIL_PORT = int(_port)
