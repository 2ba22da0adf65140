"""B14: log-ins a second with as many processes as cores, through the portal's whole stack.

A log-in is `POST /login/` with a right password: queue for the account, slot for hashing, Argon2id (46 MiB, t=1, p=1), a new
session, its place in the person's list, a line in the journal. Every process logs in people of its own, one after another. The
limit is the bare hash in the same processes; the peer is the bare hash as Django sets it up (100 MiB, t=2, p=8).
"""

import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

SECONDS = 5.0
GOAL = 10.0  # log-ins a second on two cores
PEOPLE = 8  # a process
PASSWORD = "Bench-2026-portal"  # of people who exist only in the benchmark's database


def _people(process: int) -> list[str]:
    """User names with a password and a chair, made once."""
    from django.contrib.auth.hashers import make_password

    from portal.foundation.accounts.models import Membership, Organisation, OrganisationKind, Role, User

    names = [f"bench-login-{process}-{n}" for n in range(PEOPLE)]
    firm, _ = Organisation.objects.get_or_create(name=f"示例登录企业{process}", kind=OrganisationKind.ENTERPRISE)
    for name in names:
        user, fresh = User.objects.get_or_create(username=name, defaults={"name": name[:40]})
        if fresh or not user.check_password(PASSWORD):
            user.password = make_password(PASSWORD)
            user.save(update_fields=["password"])
        Membership.objects.get_or_create(user=user, organisation=firm, defaults={"role": Role.ENTERPRISE})
    return names


def _log_in() -> Callable[[str], None]:
    from django.core.handlers.wsgi import WSGIHandler
    from django.middleware.csrf import _get_new_csrf_string, _mask_cipher_secret

    handler, secret = WSGIHandler(), _get_new_csrf_string()

    def go(name: str) -> None:
        fields = {"login": name, "password": PASSWORD, "csrfmiddlewaretoken": _mask_cipher_secret(secret)}
        body, status = urlencode(fields).encode(), []
        response = handler(
            {
                "REQUEST_METHOD": "POST", "PATH_INFO": "/login/", "SCRIPT_NAME": "", "QUERY_STRING": "",
                "SERVER_NAME": "testserver", "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1",
                "REMOTE_ADDR": "127.0.0.1", "HTTP_HOST": "testserver", "HTTP_COOKIE": f"csrf={secret}",
                "CONTENT_TYPE": "application/x-www-form-urlencoded", "CONTENT_LENGTH": str(len(body)),
                "wsgi.url_scheme": "http", "wsgi.input": io.BytesIO(body), "wsgi.errors": io.StringIO(),
            },
            lambda line, headers, error=None: status.append(line),
        )  # fmt: skip
        b"".join(response)
        response.close()
        assert status[0].startswith("302"), status

    return go


def work(kind: str, process: int) -> None:
    """One process: says «ready», starts at the next line, prints how often it got through in SECONDS."""
    from django.conf import settings
    from django.contrib.auth.hashers import Argon2PasswordHasher

    from portal.foundation.accounts.hashers import PortalArgon2Hasher

    if kind == "log in":
        # Servers of a benchmark are test servers, whose settings hash quickly; a log-in is measured with the real hash.
        settings.PASSWORD_HASHERS = ["portal.foundation.accounts.hashers.PortalArgon2Hasher"]
        names, go = _people(process), _log_in()
    else:
        hasher = PortalArgon2Hasher() if kind == "hash" else Argon2PasswordHasher()
        encoded = hasher.encode(PASSWORD, hasher.salt())
        names = [encoded]

        def go(name: str) -> None:
            assert hasher.verify(PASSWORD, name)

    go(names[0])
    print("ready", flush=True)
    sys.stdin.readline()
    done, end = 0, time.perf_counter() + SECONDS
    while time.perf_counter() < end:
        go(names[done % len(names)])
        done += 1
    print(done, flush=True)


def _rate(kind: str, processes: int) -> float:
    """How many a second all processes together get through."""
    command = [sys.executable, "-m", "benchmarks.line_b14", kind]
    children = [
        subprocess.Popen([*command, str(n)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for n in range(processes)
    ]
    try:
        for child in children:
            assert child.stdout is not None
            assert child.stdout.readline() == "ready\n"
        for child in children:
            assert child.stdin is not None
            child.stdin.write("go\n")
            child.stdin.flush()
        counts = [int(child.stdout.readline()) for child in children if child.stdout is not None]
    finally:
        for child in children:
            child.wait(30)
    return sum(counts) / SECONDS


def measure() -> dict[str, Any]:
    """Log-ins a second, beside the bare hash of ours and of Django's."""
    processes = os.cpu_count() or 1
    ours, limit, peer = (_rate(kind, processes) for kind in ("log in", "hash", "django"))
    return {
        "line": "B14",
        "ours": round(ours, 1),
        "limit": round(limit, 1),
        "peers": {"Django's Argon2, bare": round(peer, 1)},
        "unit": "/s",
        "rows": processes,
        "ratios": {"of the bare hash": round(ours / limit, 2), "one at a time (ms)": round(1000 * processes / ours, 1)},
        "goal": f"≥ {GOAL:.0f} log-ins a second on two cores",
        "met": ours >= GOAL * processes / 2,
    }


if __name__ == "__main__":
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "benchmarks.settings")
    django.setup()
    if len(sys.argv) == 3:
        work(sys.argv[1], int(sys.argv[2]))
    else:
        print(json.dumps(measure(), ensure_ascii=False))
