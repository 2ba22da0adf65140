"""What the attacks through the web lean on: the trace they leave, and a web server as `bin/portal up` runs it."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from django.db import connection

from portal.foundation.journal.models import Refusal
from portal.run.places import ROOT
from portal.run.processes import portal_processes
from tests.factories import Person


def traces(kind: str, by: Person | None = None) -> int:
    """How many refusals of this kind there are, of this person when one is given."""
    rows = Refusal.objects.filter(kind=kind)
    return (rows.filter(actor_id=by.user.pk) if by else rows).count()


def database_url(name: str = "") -> str:
    """The database of this test, as an address."""
    found = connection.settings_dict | ({"NAME": name} if name else {})
    if str(found["HOST"]).startswith("/"):
        return "postgres://{USER}:{PASSWORD}@/{NAME}?host={HOST}&port={PORT}".format(**found)
    return "postgres://{USER}:{PASSWORD}@{HOST}:{PORT}/{NAME}".format(**found)


@contextmanager
def web_server() -> Iterator[int]:
    """The port of a web server with the very command line of `bin/portal up`."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    web = portal_processes(bind=f"127.0.0.1:{port}", beat_schedule="", python=sys.executable)[0]
    assert web.name == "web"
    variables = os.environ | {
        "DATABASE_URL": database_url(),
        "PORTAL_ENV": "test",
        "DJANGO_SETTINGS_MODULE": "portal.settings",
    }
    child = subprocess.Popen(web.argv, cwd=ROOT, env=variables, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 60
        while time.monotonic() < until:
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            assert child.poll() is None, "the web server did not start"
            time.sleep(0.2)
        yield port
    finally:
        child.terminate()
        try:
            child.wait(15)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def raw(port: int, request: bytes, *, seconds: float = 40) -> tuple[bytes, float]:
    """Send these bytes and read until the other side closes: what it said, and after how many seconds."""
    began = time.monotonic()
    with socket.create_connection(("127.0.0.1", port), timeout=seconds) as line:
        line.sendall(request)
        return _rest(line), time.monotonic() - began


def _rest(line: socket.socket) -> bytes:
    said = b""
    with suppress(OSError):
        while piece := line.recv(65536):
            said += piece
    return said


def dripping(port: int, head: bytes, *, every: float, most: float = 60) -> float:
    """Send the head and then one byte every so often; after how many seconds the other side ends it."""
    began = time.monotonic()
    with socket.create_connection(("127.0.0.1", port), timeout=every) as line:
        line.sendall(head)
        while time.monotonic() - began < most:
            try:
                if not line.recv(65536):
                    break
            except TimeoutError:
                pass
            except OSError:
                break
            try:
                line.sendall(b"a")
            except OSError:
                break
    return time.monotonic() - began
