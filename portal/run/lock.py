"""One launcher per data directory: two PostgreSQL servers on one cluster would destroy it."""

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from portal.run.places import Places, RunError


@contextmanager
def held(places: Places, purpose: str, *, wait: float = 0) -> Iterator[None]:
    """Hold the data directory for the block; `purpose` is what another launcher reads about us.

    Waits up to `wait` seconds for the present holder, then raises RunError that names it. The kernel frees the lock
    with the process, however it ends, so there is no stale lock.
    """
    places.create()
    deadline = time.monotonic() + wait
    with places.lock.open("a+") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as error:
                if time.monotonic() > deadline:
                    raise RunError(
                        f"数据目录 {places.data} 正被另一个 bin/portal 使用（{holder(places)}）。"
                        "请先停止它，或用 --data 指定另一个目录。"
                    ) from error
                time.sleep(0.1)
        file.truncate(0)
        file.write(f"{purpose}，进程 {os.getpid()}")
        file.flush()
        try:
            yield
        finally:
            file.truncate(0)


def holder(places: Places) -> str:
    """What the present holder says of itself; empty when it has not said anything yet."""
    try:
        return places.lock.read_text()
    except OSError:
        return ""


def is_held(places: Places) -> bool:
    """True while some launcher holds the data directory."""
    try:
        with places.lock.open("r") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return False
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True


def write_addresses(places: Places, addresses: dict[str, Any]) -> None:
    """Tell other launchers (`manage`, `doctor`) where the running servers are; written whole or not at all."""
    half = places.addresses.with_suffix(".new")
    half.write_text(json.dumps(addresses, ensure_ascii=False))
    half.replace(places.addresses)


def running_addresses(places: Places) -> dict[str, Any] | None:
    """What `write_addresses` said, while its launcher is still there; else None."""
    if not is_held(places):
        return None
    try:
        said: dict[str, Any] = json.loads(places.addresses.read_text())
    except (OSError, ValueError):
        return None
    return said
