"""The child's side: read a job, do it, answer, again. Standard library only, so that a child starts fast and knows nothing.

A job and an answer are one line of JSON with the length of the bytes that follow it. The parent never unpickles anything, so
a child that a hostile file has taken over can only lie, not act.
"""

import contextlib
import json
import os
import resource
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping
from typing import Any

Job = Mapping[str, Any]
Work = Callable[[Job, bytes], tuple[dict[str, Any], bytes]]

# What no paper needs. The hook cannot be taken off again (PEP 578), but it only hears what Python's own functions do: it stops
# a library that is led astray, not machine code that a file has brought to run. For that there are the limits, the empty
# environment, and whatever the deployment puts around the portal (its own account, seccomp, a container).
_NEVER = (
    "os.kill",
    "socket.",
    "subprocess.",
    "os.system",
    "os.exec",
    "os.posix_spawn",
    "os.spawn",
    "os.fork",
    "pty.",
    "ftplib.",
    "smtplib.",
)
_CODE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
# Of a child that reads strangers' files: it opens programs and libraries, nothing of the data folder, of /etc or of a home.
_READS = tuple(
    os.path.realpath(place)
    for place in (
        *(sys.prefix, sys.base_prefix, sys.base_exec_prefix, "/usr", "/lib", "/lib64", "/dev/null", "/dev/urandom"),
        *(_CODE, os.path.join(os.path.dirname(_CODE), "pledges"), "/etc/mime.types", "/System/Library", "/Library"),
    )
)
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_MOST_WRITTEN, _MOST_FILES = 256 << 20, 256  # bytes of one file; open files at once


def serve(works: Mapping[str, Work], *, closed: bool = True) -> None:
    """Answer jobs from standard input until it ends. Arguments: megabytes of memory, descriptor of the lifeline.

    `closed`: it opens no files but programs and its own temporary ones, and loads no library (the press needs its typefaces).
    """
    megabytes, lifeline = int(sys.argv[1]), int(sys.argv[2])
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is meant for the parent, which then lets us go
    tempfile.tempdir = tempfile.mkdtemp(prefix="portal-confined-")
    threading.Thread(target=_end_with_parent, args=(lifeline,), daemon=True).start()
    asked, told = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints must not end up between the answers
    _limit(resource.RLIMIT_AS, megabytes << 20)
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_FSIZE, _MOST_WRITTEN)
    _limit(resource.RLIMIT_NOFILE, _MOST_FILES)
    sys.addaudithook(_refuse)
    if closed:
        sys.addaudithook(_keep_inside(os.path.realpath(tempfile.tempdir)))
    told.write(b'{"length": 0}\n')  # ready: what importing took is not the first job's time
    told.flush()
    while line := asked.readline():
        job = json.loads(line)
        body = asked.read(job.pop("length"))
        fields, out, over = _done(works[job.pop("work")], job, body)
        told.write(json.dumps(fields | {"length": len(out)}).encode() + b"\n" + out)
        told.flush()
        if over:  # a process that ran out of memory is not asked again
            break
    _end()


def _done(work: Work, job: dict[str, Any], body: bytes) -> tuple[dict[str, Any], bytes, bool]:
    used = resource.getrusage(resource.RUSAGE_SELF)
    # The limit counts from the start of the process. The kernel ends it without a word; the parent knows what that means.
    _limit(resource.RLIMIT_CPU, int(used.ru_utime + used.ru_stime) + 1 + int(job.pop("seconds")), soft_only=True)
    try:
        fields, out = work(job, body)
    except (MemoryError, RecursionError) as error:
        return {"failed": type(error).__name__}, b"", isinstance(error, MemoryError)
    except Exception as error:
        return {"failed": type(error).__name__, "said": str(error)[:300]}, b"", False
    return fields, out, False


def _limit(which: int, value: int, *, soft_only: bool = False) -> None:
    _, most = resource.getrlimit(which)
    with contextlib.suppress(ValueError, OSError):  # macOS knows no limit of the address space
        resource.setrlimit(which, (value, most if soft_only else value))


def _refuse(event: str, _arguments: object) -> None:
    if event.startswith(_NEVER):
        raise PermissionError(f"{event} in a confined process")


def _keep_inside(own: str) -> Callable[[str, tuple[Any, ...]], None]:
    """A hook that refuses to open what is neither a program nor in the folder `own`, and to load libraries by ctypes."""

    def refuse(event: str, arguments: tuple[Any, ...]) -> None:
        if event.startswith("ctypes."):
            raise PermissionError(f"{event} in a confined process")
        if event != "open" or isinstance(arguments[0], int):  # an open descriptor
            return
        path, flags = os.path.realpath(os.fsdecode(arguments[0])), int(arguments[2] or 0)
        allowed = (own, "/dev/null") if flags & _WRITING else (own, *_READS)
        if not any(path == place or path.startswith(place + os.sep) for place in allowed):
            raise PermissionError("open in a confined process")

    return refuse


def _end_with_parent(lifeline: int) -> None:
    """The parent holds the other end and never writes: reading ends when it does, however it ends."""
    os.read(lifeline, 1)
    _end()


def _end() -> None:
    shutil.rmtree(tempfile.gettempdir(), ignore_errors=True)
    os._exit(0)
