"""`bin/portal manage <command>`: a Django command with the database it needs."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from portal.run import lock
from portal.run.environment import environment, temporary_servers, with_pdf_libraries
from portal.run.places import ROOT, Places, places

# Commands that never open the database: no server is started for them.
WITHOUT_DATABASE = frozenset(
    {
        *("deadline", "identify", "help", "version", "check", "collectstatic", "findstatic", "diffsettings"),
        *("compilemessages", "makemessages", "graph_transitions", "spectacular", "startapp"),
    }
)


def manage(arguments: list[str], where: Places | None = None) -> int:
    """Run `manage.py *arguments`; its exit code.

    The database is DATABASE_URL's, else that of the `up` running on this data directory, else an embedded PostgreSQL
    for the time of the command.
    """
    where = where or places()
    argv = [sys.executable, str(ROOT / "manage.py"), *arguments]
    name = next((word for word in arguments if not word.startswith("-")), "help")
    from_file = name == "replay" and any(word.partition("=")[0] == "--journal" for word in arguments)
    # An exported journal is checked by itself: the database it came from may be the one that is doubted.
    from_file |= name == "verify_journal" and any(Path(word).is_file() for word in arguments[1:])
    if name in WITHOUT_DATABASE or from_file or os.environ.get("DATABASE_URL") or "--help" in arguments:
        _become(argv, environment(where))
    if running := lock.running_addresses(where):
        _become(argv, environment(where, DATABASE_URL=running["DATABASE_URL"], REDIS_URL=running["REDIS_URL"]))
    with (
        lock.held(where, f"manage {name}", wait=120),
        temporary_servers(where, "trial", broker=False) as addresses,
    ):
        variables = with_pdf_libraries(environment(where, **addresses), where)
        # A Ctrl-C in the terminal reaches the command itself; we only wait for it, then stop the server.
        previous = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            return subprocess.call(argv, env=variables, preexec_fn=_restore_interrupt)
        finally:
            signal.signal(signal.SIGINT, previous)


def _become(argv: list[str], variables: dict[str, str]) -> None:
    sys.stdout.flush()
    os.execve(argv[0], argv, variables)  # noqa: S606 - our own interpreter


def _restore_interrupt() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
