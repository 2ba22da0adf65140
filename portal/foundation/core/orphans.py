"""On Linux the kernel can end a process when its parent dies, so that a killed supervisor or worker leaves nobody behind."""

import ctypes
import os
import signal
import sys
from collections.abc import Callable

_SET_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG, see prctl(2)


def end_with_parent(number: signal.Signals, *, parent: int) -> Callable[[], None]:
    """A function for the child to call first: the kernel will send it `number` when `parent` ends. Elsewhere it does nothing.

    Made before the fork, because a library must not be loaded between fork and exec.
    """
    if sys.platform != "linux":
        return lambda: None
    libc = ctypes.CDLL(None, use_errno=True)

    def arrange() -> None:
        libc.prctl(_SET_DEATH_SIGNAL, int(number))
        if os.getppid() != parent:  # it died before we asked
            os._exit(1)

    return arrange
