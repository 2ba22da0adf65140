"""The environment a portal process gets, and the servers it talks to."""

import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from portal.foundation.core.pdf import libs
from portal.run import embedded
from portal.run.lock import held
from portal.run.places import ROOT, Places, RunError
from portal.run.processes import Process, end, start


def production() -> bool:
    return os.environ.get("PORTAL_ENV") == "production"


def environment(places: Places, **more: str) -> dict[str, str]:
    """Our environment plus what every portal process needs; `more` wins."""
    variables = dict(os.environ)
    variables["PORTAL_DATA"] = str(places.data)
    variables["PYTHONPATH"] = str(ROOT)
    variables["PYTHONUNBUFFERED"] = "1"
    variables.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    if not production():
        variables.setdefault("SECRET_KEY", secret_key(places))
    variables.update(more)
    return variables


def secret_key(places: Places) -> str:
    """The trial's own secret, made once per data directory so that sessions outlive a restart; readable by its owner only."""
    places.create()
    file = places.data / "secret_key"
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return file.read_text().strip()
    with os.fdopen(descriptor, "w") as target:
        secret = secrets.token_urlsafe(48)
        target.write(secret)
    return secret


def with_pdf_libraries(
    variables: dict[str, str], places: Places, wait: Callable[[float], None] = time.sleep
) -> dict[str, str]:
    """`variables` with LD_LIBRARY_PATH set to the private copy of Pango when the machine has none and one can be had.

    The first time this downloads some 10 MB; meanwhile `wait(seconds)` is called again and again and may raise.
    """
    if not libs.missing():
        return variables
    command = [sys.executable, "-m", "portal.foundation.core.pdf.libs", str(places.pdf_libraries)]
    deadline = time.monotonic() + 90
    with subprocess.Popen(command, cwd=ROOT, env=variables, stdout=subprocess.PIPE, text=True) as child:
        try:
            while child.poll() is None and time.monotonic() < deadline:
                wait(0.1)
        finally:
            child.kill()
        path = child.communicate()[0].strip()
    if child.returncode or not path:
        return variables
    found = variables | {"LD_LIBRARY_PATH": path}
    fontconfig = places.pdf_libraries / "root" / "etc" / "fonts"
    if fontconfig.is_dir() and not Path("/etc/fonts/fonts.conf").exists():
        found.setdefault("FONTCONFIG_PATH", str(fontconfig))  # else it complains in every paper's log
    return found


def connection_parameters(url: str) -> dict[str, Any]:
    """psycopg2's parameters from an address as settings read it; a path instead of a host names a socket directory."""
    parts = urlsplit(url)
    path = unquote(parts.path)[1:]
    host, _, database = path.rpartition("/") if path.startswith("/") else (parts.hostname or "", "", path)
    found = {
        "host": host,
        "port": parts.port,
        "user": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
        "dbname": database,
    }
    return {name: value for name, value in found.items() if value}


@contextmanager
def temporary_servers(places: Places, purpose: str, *, broker: bool = True) -> Iterator[dict[str, str]]:
    """Start what the environment does not name, yield the addresses (DATABASE_URL, REDIS_URL), stop it afterwards.

    The caller holds the data directory. Production never gets an embedded server: RunError.
    """
    addresses: dict[str, str] = {}
    with ExitStack() as stack:
        if os.environ.get("DATABASE_URL"):
            addresses["DATABASE_URL"] = os.environ["DATABASE_URL"]
        else:
            refuse_in_production("DATABASE_URL")
            postgres = embedded.Postgres(places, purpose)
            postgres.initialise()
            alive = stack.enter_context(running(places, postgres.process()))
            postgres.wait_until_ready(alive)
            addresses["DATABASE_URL"] = postgres.url
        if os.environ.get("REDIS_URL"):
            addresses["REDIS_URL"] = os.environ["REDIS_URL"]
        elif broker:
            refuse_in_production("REDIS_URL")
            valkey = embedded.Valkey(places)
            alive = stack.enter_context(running(places, valkey.process()))
            valkey.wait_until_ready(alive)
            addresses["REDIS_URL"] = valkey.url
        yield addresses


@contextmanager
def throw_away(purpose: str) -> Iterator[Places]:
    """A data directory for the block, held by us and deleted afterwards."""
    directory = Path(tempfile.mkdtemp(prefix=f"portal-{purpose}-"))
    directory.chmod(0o711)  # root's PostgreSQL runs as somebody else and must get in
    where = Places(directory)
    try:
        with held(where, purpose):
            yield where
    finally:
        shutil.rmtree(directory, ignore_errors=True)
        shutil.rmtree(where.socket_directory("pg").parent, ignore_errors=True)


def refuse_in_production(name: str) -> None:
    """RunError in production: embedded servers are for a trial, development and tests."""
    if production():
        raise RunError(f"PORTAL_ENV=production 时必须设置 {name}：内置的 PostgreSQL 和 Valkey 只用于试用、开发和测试。")


@contextmanager
def running(places: Places, process: Process) -> "Iterator[Alive]":
    """One process for the block, its output in its log; yields whether it lives."""
    with (places.logs / f"{process.name}.log").open("ab") as log:
        child = start(process, {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"}, log)
    try:
        yield Alive(child)
    finally:
        end(child, process, grace=15)


class Alive:
    """Callable: is the child still running?"""

    def __init__(self, child: "subprocess.Popen[bytes]") -> None:
        self.child = child

    def __call__(self) -> bool:
        return self.child.poll() is None
