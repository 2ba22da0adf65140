"""The stage of the failpoint proof: web, worker, clock and receiver as real processes whose points are armed through a file."""

import http.client
import json
import os
import signal
import sys
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from urllib.parse import urlencode

from portal.proof.processes import free_ports
from portal.run.places import RunError
from portal.run.processes import Process, portal_processes
from portal.run.supervisor import Supervisor

HOST = "127.0.0.1"
CSRF = "c" * 32  # cookie and form carry the same secret, as a browser's would
ANSWER = 20.0  # seconds a client waits for an answer


class Stage:
    """A context manager. The environment is the caller's: DATABASE_URL, REDIS_URL, PORTAL_DATA, DJANGO_SETTINGS_MODULE, PROOF_LADDER."""

    def __init__(self, logs: Path, work: Path) -> None:
        """`logs` and `work` are directories of ours; `work` holds the rules, the log of hits and the received mail."""
        self.rules, self.log, self.mails = work / "failpoints", work / "hits", work / "mails"
        self.port, smtp = free_ports(2)
        self._killed = 0
        self.variables = {
            "PORTAL_FAILPOINTS": f"file:{self.rules}",
            "PORTAL_FAILPOINTS_LOG": str(self.log),
            "PROOF_SMTP": f"{HOST}:{smtp}",
            "PYTHONWARNINGS": "ignore",
        }
        self.supervisor = Supervisor({**os.environ, **self.variables}, logs, longest_back_off=0.05)
        self.supervisor.console = False
        receiver = (sys.executable, "-m", "portal.proof.receiver", str(smtp), str(self.mails), str(work / "mode"))
        self.receiver = Process("receiver", receiver)
        # Without beat: the scenes send its tasks themselves.
        self.processes = [p for p in portal_processes(bind=f"{HOST}:{self.port}", beat_schedule="") if p.name != "beat"]
        self.loops = [p.name for p in self.processes if "clock" in p.argv]

    def __enter__(self) -> "Stage":
        for process in (self.receiver, *self.processes):
            self.supervisor.start(process)
        if not self.until(self.answers, 60):
            self.__exit__(None, None, None)
            raise RunError(f"网站没有启动。请看 {self.supervisor.logs / 'web.log'}。")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.disarm()
        self.release()
        self.supervisor.stop(([p.name for p in self.processes], (self.receiver.name,)))

    # --- time -------------------------------------------------------------------------------------------------------

    def until(self, condition: Callable[[], bool], seconds: float) -> bool:
        """Wait for `condition()` at most `seconds`, while whoever died is started again; says whether it came true."""
        return self.supervisor.until(condition, seconds)

    # --- failpoints -------------------------------------------------------------------------------------------------

    def arm(self, rules: str) -> None:
        """From now on, in every process; what was hit before is only counted."""
        self._killed += len(self.hits())
        self.log.write_text("", "utf-8")
        _replace(self.rules, rules)

    def disarm(self) -> None:
        _replace(self.rules, "")

    def hits(self) -> list[tuple[str, int]]:
        """Name and process of each point that was hit since `arm`, in order."""
        with suppress(FileNotFoundError):
            lines = (line.split() for line in self.log.read_text("utf-8").splitlines())
            return [(parts[0], int(parts[1])) for parts in lines if len(parts) == 3]
        return []

    @property
    def killed(self) -> int:
        """How many processes a point has broken since the beginning."""
        return self._killed + len(self.hits())

    def gone(self, pid: int, seconds: float = 5.0) -> bool:
        """Whether this process is dead: no more there, or a corpse that nobody has buried yet."""
        return self.until(lambda: _dead(pid), seconds)

    # --- processes --------------------------------------------------------------------------------------------------

    def hold(self) -> None:
        """Freeze the loops that need no broker; `release` lets them go on."""
        self._signal(signal.SIGSTOP)

    def release(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        for name in self.loops:
            child = self.supervisor.children[name].popen if name in self.supervisor.children else None
            if child is not None and child.poll() is None:
                child.send_signal(number)

    # --- what a client does -----------------------------------------------------------------------------------------

    def answers(self) -> bool:
        try:
            return self._ask("GET", "/healthz", {}, b"", 2.0) == 200
        except (OSError, http.client.HTTPException):
            return False

    def post(
        self,
        path: str,
        fields: Mapping[str, str | Sequence[str]],
        *,
        session: str,
        papers: Mapping[str, tuple[str, bytes]] | None = None,
    ) -> int | None:
        """Send a form as a browser would, with `papers` (field: name and bytes) as multipart; the status, None without an answer."""
        fields = {**fields, "csrfmiddlewaretoken": CSRF}
        headers = {"Cookie": f"session={session}; csrf={CSRF}"}
        if papers is None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            body = urlencode(fields, doseq=True).encode()
        else:
            headers["Content-Type"], body = _multipart(fields, papers)
        try:
            return self._ask("POST", path, headers, body, ANSWER)
        except (OSError, http.client.HTTPException):
            return None

    def get(self, path: str, *, session: str) -> int | None:
        """Read a page; the status, None without an answer."""
        try:
            return self._ask("GET", path, {"Cookie": f"session={session}; csrf={CSRF}"}, b"", ANSWER)
        except (OSError, http.client.HTTPException):
            return None

    def _ask(self, method: str, path: str, headers: dict[str, str], body: bytes, seconds: float) -> int:
        line = http.client.HTTPConnection(HOST, self.port, timeout=seconds)
        try:
            line.request(method, path, body, headers)
            response = line.getresponse()
            response.read()
            return response.status
        finally:
            line.close()

    def letters(self) -> list[str]:
        """The key of each mail the receiver has kept, repeats included."""
        with suppress(FileNotFoundError):
            return [json.loads(line)["id"] for line in self.mails.read_text("utf-8").splitlines()]
        return []


def _multipart(fields: Mapping[str, str | Sequence[str]], papers: Mapping[str, tuple[str, bytes]]) -> tuple[str, bytes]:
    boundary = uuid.uuid4().hex
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, values in fields.items()
        for value in ([values] if isinstance(values, str) else values)
    ]
    for name, (filename, body) in papers.items():
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"; filename="{filename}"\r\n'
        parts.append(f"{head}Content-Type: application/octet-stream\r\n\r\n".encode() + body + b"\r\n")
    return f"multipart/form-data; boundary={boundary}", b"".join(parts) + f"--{boundary}--\r\n".encode()


def _replace(path: Path, text: str) -> None:
    """In one step, so that nobody reads half of it."""
    fresh = path.with_suffix(".new")
    fresh.write_text(text, "utf-8")
    fresh.replace(path)


def _dead(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return True
    return state == "Z"
