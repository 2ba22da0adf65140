"""Timing side by side: contenders take turns in every round, so that a busy neighbour slows all of them alike."""

import gc
import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any

Step = Callable[[], Any]


class Watch:
    """Adds up the time spent inside `with watch:`."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __enter__(self) -> None:
        self._start = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        self.seconds += time.perf_counter() - self._start


def interleaved(contenders: Mapping[str, Step], *, rounds: int, warm: int = 1) -> dict[str, float]:
    """Median seconds of one call of each contender over `rounds` rounds, after `warm` rounds that are not counted."""
    return medians(
        {name: (lambda: None, lambda _, step=step: step()) for name, step in contenders.items()}, rounds, warm
    )


def medians(
    contenders: Mapping[str, tuple[Callable[[], Any], Callable[[Any], Any]]], rounds: int, warm: int = 1
) -> dict[str, float]:
    """The same for contenders that need something prepared: (prepare, step), where only step(prepared) is timed.

    A step that returns a Watch has timed itself, leaving out what lies between its parts.
    """
    timings: dict[str, list[float]] = {name: [] for name in contenders}
    order = list(contenders)
    gc.collect()
    gc.disable()  # a collection falls on whoever is running; everybody gets one between rounds instead
    try:
        for turn in range(-warm, rounds):
            for name in order:
                prepare, step = contenders[name]
                prepared = prepare()
                start = time.perf_counter()
                done = step(prepared)
                spent = done.seconds if isinstance(done, Watch) else time.perf_counter() - start
                if turn >= 0:
                    timings[name].append(spent)
            order.append(order.pop(0))  # nobody always runs after the same neighbour
            if turn % 25 == 0:
                gc.collect()
    finally:
        gc.enable()
    return {name: statistics.median(values) for name, values in timings.items()}
