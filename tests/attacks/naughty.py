"""A confined child that does what a hostile file might make one do."""

import os
import socket
import subprocess
import sys
import tempfile
import time
from typing import Any

from portal.foundation.core.confined import worker

Answer = tuple[dict[str, Any], bytes]


def _echo(job: worker.Job, body: bytes) -> Answer:
    return dict(job), body


def _loop(_job: worker.Job, _body: bytes) -> Answer:
    while True:
        pass


def _sleep(_job: worker.Job, _body: bytes) -> Answer:
    time.sleep(600)
    return {}, b""


def _eat(_job: worker.Job, _body: bytes) -> Answer:
    return {}, bytes(bytearray(2 << 30))[:1]


def _die(_job: worker.Job, _body: bytes) -> Answer:
    os._exit(3)


def _lie(_job: worker.Job, body: bytes) -> Answer:
    os.write(told, body)
    time.sleep(600)
    return {}, b""


def _fail(_job: worker.Job, _body: bytes) -> Answer:
    raise ValueError("no")


def _deep(job: worker.Job, body: bytes) -> Answer:
    return _deep(job, body)


def _look(_job: worker.Job, _body: bytes) -> Answer:
    return {"environment": sorted(os.environ), "modules": sorted(sys.modules)}, b""


def _connect(_job: worker.Job, _body: bytes) -> Answer:
    socket.create_connection(("127.0.0.1", 9), timeout=1)
    return {}, b""


def _run(_job: worker.Job, _body: bytes) -> Answer:
    subprocess.run(["/bin/true"], check=False)
    return {}, b""


def _fork(_job: worker.Job, _body: bytes) -> Answer:
    return {"pid": os.fork()}, b""


def _peek(_job: worker.Job, body: bytes) -> Answer:
    with open(body.decode()) as file:
        return {"said": file.read(9)}, b""


def _scribble(_job: worker.Job, body: bytes) -> Answer:
    with open(body.decode(), "w") as file:
        file.write("x")
    return {}, b""


def _own(_job: worker.Job, _body: bytes) -> Answer:
    with tempfile.TemporaryFile("w") as file:
        file.write("x")
    return {"done": True}, b""


def _fill(_job: worker.Job, _body: bytes) -> Answer:
    with tempfile.TemporaryFile() as file:
        for _ in range(300):
            file.write(bytes(1 << 20))
    return {}, b""


def _native(_job: worker.Job, _body: bytes) -> Answer:
    import ctypes

    ctypes.CDLL(None)
    return {}, b""


if __name__ == "__main__":
    told = os.dup(1)
    worker.serve(
        {
            "echo": _echo, "loop": _loop, "sleep": _sleep, "eat": _eat, "die": _die, "fail": _fail, "deep": _deep, "look": _look, "lie": _lie,
            "connect": _connect, "run": _run, "fork": _fork, "peek": _peek, "scribble": _scribble, "own": _own, "fill": _fill, "native": _native,
        }
    )  # fmt: skip
