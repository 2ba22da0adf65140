"""Several callers at the same moment, each with a database connection of its own."""

from collections.abc import Callable
from threading import Barrier, Thread
from typing import Any

from django.db import connection


def together(*calls: Callable[[], Any], seconds: float = 60) -> list[Any]:
    """Run each call in a thread, all starting at once; what each returned, in order. The first exception is raised here."""
    outcome: list[Any] = [None] * len(calls)
    failed: list[BaseException] = []
    ready = Barrier(len(calls))

    def run(at: int, call: Callable[[], Any]) -> None:
        try:
            ready.wait(10)
            outcome[at] = call()
        except BaseException as error:
            failed.append(error)
        finally:
            connection.close()

    threads = [Thread(target=run, args=(at, call), daemon=True) for at, call in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(seconds)
        assert not thread.is_alive(), "a caller hangs"
    if failed:
        raise failed[0]
    return outcome
