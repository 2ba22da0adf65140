"""Start the children, pass on what they print, restart what dies, stop all of them in order.

One thread and one loop: everything happens in `tick`. No Django in here.
"""

import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import IO

from portal.run.processes import Process, kill_group, start
from portal.run.watchdog import Watchdog

LOG_BYTES = 20_000_000
LONGEST_BACK_OFF = 30.0
SETTLED = 60.0
"""Seconds after which a child counts as healthy again, so its next death is restarted at once."""


class Stopped(Exception):
    """SIGTERM, SIGINT or SIGHUP came while something was awaited."""


@dataclass
class Child:
    process: Process
    log: IO[bytes]
    popen: "subprocess.Popen[bytes] | None" = None
    started: float = 0.0
    deaths: int = 0
    again_at: float | None = None
    rest: bytes = b""
    restart: bool = True
    codes: list[int] = field(default_factory=list)

    @property
    def alive(self) -> bool:
        return self.popen is not None and self.popen.poll() is None


class Supervisor:
    """Children in the order in which they are to stop is the caller's business: see `stop`."""

    def __init__(self, environment: dict[str, str], logs: Path, *, longest_back_off: float = LONGEST_BACK_OFF) -> None:
        """`longest_back_off`: seconds after which whoever keeps dying is started again at the latest."""
        self.environment = environment
        self.logs = logs
        self.longest_back_off = longest_back_off
        self.watchdog: Watchdog | None = None
        self.children: dict[str, Child] = {}
        self.stopping = 0
        self.console = True
        self.selector = selectors.DefaultSelector()
        receive, send = socket.socketpair()
        for end in (receive, send):
            end.setblocking(False)
        self._bell = (receive, send)
        self.selector.register(receive, selectors.EVENT_READ, None)
        signal.set_wakeup_fd(send.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._asked_to_stop)
        signal.signal(signal.SIGCHLD, lambda *_: None)  # only to ring the bell

    def _asked_to_stop(self, _number: int, _frame: FrameType | None) -> None:
        self.stopping += 1

    # --- starting ---------------------------------------------------------------------------------------------------

    def start(self, process: Process, *, restart: bool = True) -> Child:
        """Start `process`; with `restart` it is started again whenever it ends before `stop`."""
        child = Child(process, (self.logs / f"{process.name}.log").open("ab", buffering=0), restart=restart)
        self.children[process.name] = child
        self._launch(child)
        return child

    def _launch(self, child: Child) -> None:
        child.again_at = None
        child.started = time.monotonic()
        if self.watchdog is not None:
            self.watchdog.forgive(child.process.name)
        child.popen = start(child.process, self.environment, subprocess.PIPE)
        assert child.popen.stdout is not None
        os.set_blocking(child.popen.stdout.fileno(), False)
        self.selector.register(child.popen.stdout, selectors.EVENT_READ, child)

    # --- the loop ---------------------------------------------------------------------------------------------------

    def tick(self, seconds: float) -> None:
        """Wait at most `seconds` for something to happen and deal with it; raises Stopped when asked to stop."""
        self._pump(seconds)
        if self.watchdog is not None and not self.stopping:
            self._end_the_stuck(self.watchdog)
        now = time.monotonic()
        for child in self.children.values():
            if child.popen is not None and child.popen.poll() is not None:
                self._bury(child, now)
            if child.again_at is not None and now >= child.again_at and not self.stopping:
                self._launch(child)
        if self.stopping:
            raise Stopped

    def _end_the_stuck(self, watchdog: Watchdog) -> None:
        """Whoever makes no progress is killed, group and all; it is then started again like anybody who died."""
        for name in watchdog.stuck():
            child = self.children.get(name)
            watchdog.forgive(name)
            if child is not None and child.popen is not None and child.alive:
                self.say(f"{name} 没有进展，强制结束后重新启动。日志：{child.log.name}")
                kill_group(child.popen.pid)

    def until(self, condition: Callable[[], bool], seconds: float) -> bool:
        """Run the loop until `condition()` or for `seconds`; says whether it came true."""
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                return False
            self.tick(0.05)
        return True

    def _bury(self, child: Child, now: float) -> None:
        assert child.popen is not None
        code = child.popen.returncode
        self._drain(child)
        kill_group(child.popen.pid)
        child.popen = None
        child.codes.append(code)
        if not child.restart or self.stopping:
            return
        child.deaths = 1 if now - child.started > SETTLED else child.deaths + 1
        pause = min(0.5 * 2 ** (child.deaths - 1), self.longest_back_off)
        child.again_at = now + pause
        self.say(f"{child.process.name} 结束（{_reason(code)}），{pause:g} 秒后重新启动。日志：{child.log.name}")

    # --- stopping ---------------------------------------------------------------------------------------------------

    def stop(self, order: Sequence[Sequence[str]]) -> None:
        """End the children group by group; inside a group they are asked in turn and then awaited together.

        Whoever outlives its grace is killed. A second and third signal to us hurries everything.
        """
        self.stopping = max(self.stopping, 1)
        for group in order:
            asked = [self.children[name] for name in group if name in self.children]
            for child in asked:
                child.again_at = None
                if child.popen is not None:
                    with suppress(ProcessLookupError):
                        child.popen.send_signal(child.process.stop)
            began = time.monotonic()
            for child in asked:
                while child.alive and time.monotonic() < began + child.process.grace and self.stopping < 3:
                    self._pump(0.05)
                if child.popen is None:
                    continue
                if child.alive:
                    self.say(f"{child.process.name} 未在 {child.process.grace:g} 秒内结束，强制结束。")
                    child.popen.kill()
                    child.popen.wait()
                self._bury(child, time.monotonic())

    # --- what the children print ------------------------------------------------------------------------------------

    def _pump(self, seconds: float) -> None:
        for key, _ in self.selector.select(seconds):
            if key.data is None:
                with suppress(BlockingIOError):
                    while self._bell[0].recv(4096):
                        pass
            else:
                self._read(key.data)

    def _read(self, child: Child) -> bool:
        """Pass on one helping; False when there is nothing more."""
        pipe = child.popen.stdout if child.popen else None
        if pipe is None or pipe.closed:
            return False
        try:
            data = os.read(pipe.fileno(), 65536)
        except BlockingIOError:
            return False
        if not data:
            self.selector.unregister(pipe)
            pipe.close()
            return False
        child.log.write(data)
        if child.log.tell() > LOG_BYTES:
            self._turn_over(child)
        *lines, child.rest = (child.rest + data).split(b"\n")
        for line in lines:
            if child.process.console and line.strip():
                self._print(f"{child.process.name:8} | {line.decode(errors='replace').rstrip()}")
        return True

    def _drain(self, child: Child) -> None:
        while self._read(child):
            pass
        pipe = child.popen.stdout if child.popen else None
        if pipe is not None and not pipe.closed:  # a grandchild still holds the other end
            self.selector.unregister(pipe)
            pipe.close()

    def _turn_over(self, child: Child) -> None:
        path = Path(child.log.name)
        child.log.close()
        path.replace(path.with_suffix(".log.1"))
        child.log = path.open("ab", buffering=0)

    def say(self, text: str) -> None:
        """A sentence of our own to the console."""
        self._print(text)

    def _print(self, text: str) -> None:
        if not self.console:
            return
        try:
            print(text, flush=True)
        except (BrokenPipeError, ValueError):
            self.console = False  # whoever read us is gone (`up | head`); the logs go on
            with suppress(OSError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _reason(code: int) -> str:
    return f"信号 {signal.Signals(-code).name}" if code < 0 else f"退出码 {code}"
