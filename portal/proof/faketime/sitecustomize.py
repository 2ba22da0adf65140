"""Loaded by Python itself in processes whose wall clock the proof sets; on their PYTHONPATH only.

Python sleeps until a moment of the steady clock (clock_nanosleep, TIMER_ABSTIME), which libfaketime 0.9.10 answers with
EINVAL when it is told to leave that clock alone. Waiting for nothing to become readable is as good a sleep.
"""

import os
import select
import time


def _sleep(seconds: float) -> None:
    if seconds < 0:
        raise ValueError("sleep length must be non-negative")
    select.select([], [], [], seconds)


if "FAKETIME_TIMESTAMP_FILE" in os.environ:
    time.sleep = _sleep  # type: ignore[assignment]  # it takes whatever select takes
