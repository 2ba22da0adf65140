"""ClamAV's daemon by its own protocol, INSTREAM (clamd(8)): no file of ours has to be readable for it."""

import contextlib
import socket
import struct
from typing import IO

PIECE = 64 * 1024
LONGEST_ANSWER = 4096
SECONDS = 60.0  # of one piece on its way, or of the answer


class ScannerDown(Exception):
    """No answer, or one that is none: the file stays unscanned and is asked about again."""


class NoVerdict(ScannerDown):
    """It answered, but not about this file: too long for it, or it stumbled over it."""


class Clamd:
    """A daemon at «unix:/path» or «tcp:127.0.0.1:3310»."""

    def __init__(self, address: str, *, seconds: float = SECONDS) -> None:
        self.address, self.seconds = address, seconds

    def scan(self, stream: IO[bytes]) -> str:
        """What it found, "" for nothing. Raises ScannerDown, also for a file that is longer than the daemon takes."""
        try:
            with self._connect() as line:
                line.sendall(b"zINSTREAM\0")
                # It may answer and hang up before it has everything (its own size limit): then the answer says why.
                with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                    while piece := stream.read(PIECE):
                        line.sendall(struct.pack("!L", len(piece)) + piece)
                    line.sendall(struct.pack("!L", 0))
                return self._found(self._answer(line))
        except (OSError, ValueError) as error:
            raise ScannerDown(str(error)[:200]) from error

    def _connect(self) -> socket.socket:
        kind, _, where = self.address.partition(":")
        if kind == "unix":
            line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            line.settimeout(self.seconds)
            try:
                line.connect(where)
            except OSError:
                line.close()
                raise
            return line
        host, _, port = where.rpartition(":")
        return socket.create_connection((host.strip("[]"), int(port)), timeout=self.seconds)

    @staticmethod
    def _answer(line: socket.socket) -> str:
        said = b""
        while not said.endswith(b"\0") and len(said) < LONGEST_ANSWER and (piece := line.recv(LONGEST_ANSWER)):
            said += piece
        return said.rstrip(b"\0\n").decode(errors="replace")

    @staticmethod
    def _found(answer: str) -> str:
        if answer == "stream: OK":
            return ""
        if answer.startswith("stream: ") and answer.endswith(" FOUND"):
            return answer.removeprefix("stream: ").removesuffix(" FOUND")[:120] or "unnamed"
        raise NoVerdict(f"clamd said {answer[:100]!r}") if answer else ScannerDown("no answer")
