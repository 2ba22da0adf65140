"""`python -m portal.run.backup.follow`: beside a running portal, carry every change of the database and every new file to the backup.

`up` starts it once a backup exists and starts it anew when it dies. The server keeps for it what it has not yet carried over
(a replication slot), so a pause loses nothing.
"""

import os
import signal
import sys
import time
from types import FrameType

from portal.run.backup import folder
from portal.run.backup.mirror import Mirror
from portal.run.binaries import find_postgres
from portal.run.embedded import ROLE
from portal.run.places import Places, places
from portal.run.processes import Process, end, start

EVERY = 1.0  # seconds between two looks at the files


def receiver(where: Places, target: folder.Folder, *more: str) -> Process:
    """pg_receivewal from this data directory's server to the folder; every change is on the backup's disk before it is confirmed."""
    argv = (
        *(str(find_postgres() / "pg_receivewal"), "-h", str(where.socket_directory("pg")), "-U", ROLE),
        *("-D", str(target.wal), "--slot", folder.SLOT, "--synchronous", "--status-interval", "1", *more),
    )
    return Process("pg_receivewal", argv, stop=signal.SIGINT, console=False)


def process() -> Process:
    """What `up` runs; it outlives the server by a moment, because that waits until the last change is carried over."""
    return Process("backup", (sys.executable, "-m", "portal.run.backup.follow"), grace=3.0, console=False)


def main() -> int:
    where = places()
    target = folder.chosen(where)
    if target is None:
        return 1
    stopping = False

    def stop(number: int, frame: FrameType | None) -> None:
        nonlocal stopping
        stopping = True

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    receiving = receiver(where, target)
    child = start(receiving, {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"}, sys.stdout.fileno())
    mirrors = [Mirror(where.files, target.files), Mirror(where.anchors, target.anchors, once=True)]
    try:
        while not stopping and child.poll() is None and folder.chosen(where) == target:
            for mirror in mirrors:
                mirror.copy()
            time.sleep(EVERY)
        for mirror in mirrors:
            mirror.copy()
    finally:
        end(child, receiving)
    return 0 if stopping else 1


if __name__ == "__main__":
    sys.exit(main())
