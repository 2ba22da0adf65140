"""The parent's side: a few children kept ready, each asked one job at a time, replaced when they die, tire or dawdle.

A cold child costs a second (imports), so it is kept. It gets an empty environment but for what the loader needs: no database
address, no key. It dies with us by a pipe whose other end we hold (orphans.end_with_parent would end it with the *thread* that
started it). After a fork the new process forgets the children of the old one.
"""

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Mapping
from typing import Any

# What the loader, Fontconfig and a temporary directory need; nothing of ours.
_PASSED = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "SYSTEMROOT")
_PIECE = 1 << 16


class Lost(Exception):
    """No answer: `why` is «slow» (ended by us or by its limit of time), «died», or «busy» (none was free in time)."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class Crew:
    """Up to `size` children that run a module of ours. `memory` in MB each; one retires after `retire` jobs."""

    def __init__(self, module: str, *, size: int, memory: int, retire: int) -> None:
        self.module, self.size, self.memory, self.retire = module, size, memory, retire
        self._reset()
        _crews.add(self)

    def _reset(self) -> None:
        self._turns = threading.BoundedSemaphore(self.size)
        self._guard = threading.Lock()
        self._free: list[_Child] = []
        self._all: list[_Child] = []

    def ask(
        self, work: str, body: bytes, *, seconds: float, patience: float = 30, **job: Any
    ) -> tuple[dict[str, Any], bytes]:
        """The answer to one job: its fields and its bytes. `seconds` of time for it, `patience` seconds for a free child.

        The fields have `failed` (the name of an exception, `said` its text) when the work raised. Raises Lost.
        """
        if not self._turns.acquire(timeout=patience):
            raise Lost("busy")
        try:
            child = self._one()
            try:
                fields, out = child.ask({"work": work, "seconds": seconds, **job}, body, seconds=seconds)
            except BaseException:
                self._dismiss(child)
                raise
            if child.jobs >= self.retire or fields.get("failed") == "MemoryError":
                self._dismiss(child)
            else:
                with self._guard:
                    self._free.append(child)
            return fields, out
        finally:
            self._turns.release()

    def _one(self) -> "_Child":
        with self._guard:
            while self._free:
                child = self._free.pop()
                if child.alive:
                    return child
                self._all.remove(child)
                child.end()
        child = _Child(self.module, self.memory)
        with self._guard:
            self._all.append(child)
        try:
            child.ready()
        except Lost as lost:  # the machine's fault, not the job's
            self._dismiss(child)
            raise Lost("busy") from lost
        return child

    def _dismiss(self, child: "_Child") -> None:
        child.end()
        with self._guard, contextlib.suppress(ValueError):
            self._all.remove(child)

    def pids(self) -> list[int]:
        """The children there are now."""
        with self._guard:
            return [child.pid for child in self._all if child.alive]

    def forget(self) -> None:
        """In a forked process: the children are the parent's. Only our copies of the pipes go."""
        for child in self._all:
            child.let_go()
        self._reset()


class _Child:
    """One process and its two pipes."""

    def __init__(self, module: str, memory: int) -> None:
        lifeline, self._held = os.pipe()
        environment = {name: os.environ[name] for name in _PASSED if name in os.environ}
        try:
            self._process = subprocess.Popen(  # noqa: S603 - our own module
                [sys.executable, "-m", module, str(memory), str(lifeline)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                pass_fds=(lifeline,),
                env=environment,
                cwd=_ROOT,
            )
        finally:
            os.close(lifeline)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._in, self._out = self._process.stdin.fileno(), self._process.stdout.fileno()
        os.set_blocking(self._in, False)
        os.set_blocking(self._out, False)
        self.jobs, self.pid = 0, self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def ready(self) -> None:
        """Wait until it has imported what it needs. Raises Lost."""
        self._exchange(memoryview(b""), seconds=_COLD)

    def ask(self, job: Mapping[str, Any], body: bytes, *, seconds: float) -> tuple[dict[str, Any], bytes]:
        """One job there and back. Raises Lost."""
        self.jobs += 1
        head = json.dumps({**job, "length": len(body)}).encode()
        return self._exchange(memoryview(head + b"\n" + body), seconds=seconds)

    def _exchange(self, sending: memoryview, *, seconds: float) -> tuple[dict[str, Any], bytes]:
        until = time.monotonic() + seconds
        answer, head, wanted = bytearray(), None, None
        with selectors.DefaultSelector() as pipes:
            if sending:
                pipes.register(self._in, selectors.EVENT_WRITE)
            pipes.register(self._out, selectors.EVENT_READ)
            while wanted is None or len(answer) < wanted:
                ready = pipes.select(until - time.monotonic()) if until > time.monotonic() else []
                if not ready:
                    raise Lost("slow")
                for key, _ in ready:
                    if key.fd == self._in:
                        with contextlib.suppress(BrokenPipeError):  # it answers or has died: the other pipe says which
                            sending = sending[os.write(self._in, sending[:_PIECE]) :]
                            if sending:
                                continue
                        pipes.unregister(self._in)
                    elif piece := os.read(self._out, _PIECE):
                        answer += piece
                        if head is None and (line := answer.find(b"\n")) >= 0:
                            head, wanted = _head(bytes(answer[:line]))
                            del answer[: line + 1]
                        if len(answer) > _LONGEST:
                            raise Lost("died")
                    else:
                        raise Lost("slow" if self._process.wait(5) == -_SIGXCPU else "died")
        assert head is not None
        return head, bytes(answer)

    def end(self) -> None:
        """Over, whatever it does: it may tidy up for a moment, then it is killed."""
        self.let_go()
        try:
            self._process.wait(0.5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def let_go(self) -> None:
        """Close our ends of its pipes."""
        for pipe in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError, AttributeError):
                pipe.close()  # type: ignore[union-attr]
        if self._held >= 0:
            os.close(self._held)
            self._held = -1


def _head(line: bytes) -> tuple[dict[str, Any], int]:
    """The fields of an answer and the length of what follows. One that has been taken over may write anything."""
    try:
        head = json.loads(line)
        wanted = int(head.pop("length"))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Lost("died") from error
    if not 0 <= wanted <= _LONGEST:
        raise Lost("died")
    return head, wanted


_LONGEST = 256 << 20  # bytes of an answer: a drawing of 25 megapixels at its worst has a hundred million
_COLD = 30.0  # seconds that imports may take on a busy machine
_SIGXCPU = int(signal.SIGXCPU)
_ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))))
_crews: "weakref.WeakSet[Crew]" = weakref.WeakSet()


def _forget_all() -> None:
    for crew in _crews:
        crew.forget()


os.register_at_fork(after_in_child=_forget_all)
