"""A network that can be made bad: `python -m portal.proof.proxy LINKS MODE`, one link from each process to each server.

LINKS is a JSON file {name: [port, target]}; the target is a Unix socket's path or a port on loopback. MODE is a JSON file
{name: mode}, read again when it changes; a name may end in `*`. What is not named is `ok`.

    ok            hand everything on
    slow:0.2      hand everything on, 0.2 s late in each direction
    narrow:1024   at most that many bytes a second and direction
    swallow       half open: connections are taken and stay, nothing that is said arrives
    reset         every connection is reset (RST) at once, and so is every new one

One thread and one loop, plain sockets: with everything `ok` a message costs some ten microseconds.
"""

import heapq
import json
import selectors
import socket
import struct
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

CHUNK = 65536
LOOK = 0.1  # seconds between two looks at the mode
FULL = 1 << 20  # bytes that wait for a reader before we stop reading from the other side


@dataclass(eq=False)
class End:
    """One side of a connection; `waiting` are chunks for it, each with the moment from which it may go out."""

    line: socket.socket
    link: str
    other: "End | None" = None
    waiting: list[tuple[float, bytes]] = field(default_factory=list)
    held: int = 0
    silent: bool = False  # it says no more
    blocked: bool = False  # the kernel takes no more for it
    allowed: float = 0.0  # from when on a narrow line takes the next bytes
    events: int = 0


class Proxy:
    def __init__(self, links: dict[str, tuple[int, str]], mode: Path) -> None:
        self.links, self.mode = links, mode
        self.modes: dict[str, str] = {}
        self.stamp = 0.0
        self.selector = selectors.DefaultSelector()
        self.ends: set[End] = set()
        self.timers: list[tuple[float, int, End]] = []
        self.count = 0
        for name, (port, target) in links.items():
            line = socket.create_server(("127.0.0.1", port), backlog=128)
            line.setblocking(False)
            self.selector.register(line, selectors.EVENT_READ, (name, target))

    def behaves(self, link: str) -> tuple[str, float]:
        """The mode of a link and its number."""
        said = next((m for pattern, m in self.modes.items() if fnmatchcase(link, pattern)), "ok")
        mode, _, number = said.partition(":")
        return mode, float(number or 0)

    def run(self) -> None:
        looked = 0.0
        while True:
            pause = LOOK
            if self.timers:
                pause = min(pause, max(self.timers[0][0] - time.monotonic(), 0))
            for key, mask in self.selector.select(pause):
                if isinstance(key.data, tuple):
                    self.accept(key.fileobj, *key.data)  # type: ignore[arg-type]
                elif key.data in self.ends:
                    self.serve(key.data, mask)
            now = time.monotonic()
            while self.timers and self.timers[0][0] <= now:
                end = heapq.heappop(self.timers)[2]
                if end in self.ends:
                    self.flush(end)
            if now - looked > LOOK:
                looked = now
                self.look()

    def look(self) -> None:
        """Read the mode when its file is new; a reset is done at once, what was swallowed is never said later."""
        with suppress(OSError, ValueError):
            stamp = self.mode.stat().st_mtime
            if stamp == self.stamp:
                return
            modes = json.loads(self.mode.read_text())
            was, self.modes, self.stamp = self.modes, modes, stamp
            for end in list(self.ends):
                before = next((m for p, m in was.items() if fnmatchcase(end.link, p)), "ok")
                # A line that was half open is of no use any more: half of a message is missing.
                if self.behaves(end.link)[0] == "reset" or (before == "swallow" and self.behaves(end.link)[0] == "ok"):
                    self.drop(end, reset=True)

    def accept(self, listener: socket.socket, link: str, target: str) -> None:
        with suppress(OSError):
            line, _ = listener.accept()
            if self.behaves(link)[0] == "reset":
                _reset(line)
                return
            line.setblocking(False)
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            client = End(line, link)
            if self.behaves(link)[0] == "swallow":
                self.add(client)
                return
            server = self.connect(target, link)
            if server is None:
                _reset(line)
                return
            client.other, server.other = server, client
            self.add(client)
            self.add(server)

    def connect(self, target: str, link: str) -> End | None:
        """The line to the server, which is on this machine and answers at once or is not there."""
        port = target.isdigit()
        line = socket.socket(socket.AF_INET if port else socket.AF_UNIX)
        line.settimeout(0.5)
        try:
            line.connect(("127.0.0.1", int(target)) if port else target)
        except OSError:
            line.close()
            return None
        line.setblocking(False)
        if port:
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return End(line, link)

    def add(self, end: End) -> None:
        self.ends.add(end)
        self.watch(end)

    def watch(self, end: End) -> None:
        """Listen for what can be dealt with now: its words while the other side has room, its readiness while it is full."""
        if end not in self.ends:
            return
        full = end.other is not None and end.other.held > FULL
        events = (0 if end.silent or full else selectors.EVENT_READ) | (selectors.EVENT_WRITE if end.blocked else 0)
        if events == end.events:
            return
        if not end.events:
            self.selector.register(end.line, events, end)
        elif events:
            self.selector.modify(end.line, events, end)
        else:
            self.selector.unregister(end.line)
        end.events = events

    def serve(self, end: End, mask: int) -> None:
        if mask & selectors.EVENT_WRITE:
            end.blocked = False
            self.flush(end)
        if mask & selectors.EVENT_READ and end in self.ends:
            self.read(end)

    def read(self, end: End) -> None:
        try:
            data = end.line.recv(CHUNK)
        except BlockingIOError:
            return
        except OSError:
            self.drop(end, reset=True)
            return
        other = end.other
        if not self.modes and data and other is not None and not other.waiting:  # as nearly always: straight on
            try:
                sent = other.line.send(data)
            except BlockingIOError:
                sent, other.blocked = 0, True
            except OSError:
                self.drop(end, reset=True)
                return
            if sent < len(data):
                other.waiting.append((0.0, data[sent:]))
                other.held += len(data) - sent
                other.blocked = True
                self.watch(other)
                self.watch(end)
            return
        mode, number = self.behaves(end.link)
        if mode == "swallow" or other is None:  # None: it was taken while the line was half open
            if not data or mode != "swallow":
                self.drop(end, reset=bool(data))
            return
        if data:
            other.waiting.append((time.monotonic() + number if mode == "slow" else 0.0, data))
            other.held += len(data)
        else:
            end.silent = True
        self.flush(other)

    def flush(self, end: End) -> None:
        """Write what may be written now; what may not yet gets a timer. A connection ends when one side has and all is said."""
        while end.waiting and not end.blocked:
            mode, number = self.behaves(end.link)
            due, data = end.waiting[0]
            now = time.monotonic()
            whole = len(data)
            if mode == "narrow":
                due, data = max(due, end.allowed), data[: max(int(number / 10), 1)]
            if due > now:
                self.later(due, end)
                break
            try:
                sent = end.line.send(data)
            except BlockingIOError:
                end.blocked = True
                break
            except OSError:
                self.drop(end, reset=True)
                return
            if mode == "narrow":
                end.allowed = now + sent / number
            end.held -= sent
            if sent < whole:
                end.waiting[0] = (0.0, end.waiting[0][1][sent:])
            else:
                end.waiting.pop(0)
        if end.other is not None and end.other.silent and not end.waiting:
            self.drop(end, reset=False)
            return
        self.watch(end)
        if end.other is not None:
            self.watch(end.other)

    def later(self, moment: float, end: End) -> None:
        self.count += 1
        heapq.heappush(self.timers, (moment, self.count, end))

    def drop(self, end: End, *, reset: bool) -> None:
        for one in (end, end.other):
            if one is None or one not in self.ends:
                continue
            self.ends.discard(one)
            if one.events:
                self.selector.unregister(one.line)
            if reset:
                _reset(one.line)
            else:
                one.line.close()


def _reset(line: socket.socket) -> None:
    """Close with RST instead of FIN, where the kind of socket has one."""
    with suppress(OSError):
        line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    line.close()


if __name__ == "__main__":
    Proxy(json.loads(Path(sys.argv[1]).read_text()), Path(sys.argv[2])).run()
