"""A mail server on loopback that keeps what it is given: `python -m portal.proof.receiver PORT MAILS MODE`.

Each accepted mail is one JSON line in MAILS, written before the answer «250», so an acknowledged mail is a kept one. MODE is a
file that says how it behaves from the next command on: `ok`, `refuse` (451), `hang` (says nothing more).
"""

import asyncio
import json
import os
import re
import sys
import time
from pathlib import Path

LOOK = 0.1  # seconds between two looks at the mode
_KEY = re.compile(rb"^Message-ID:\s*(\S+)", re.MULTILINE | re.IGNORECASE)
_TOLD = re.compile(
    rb"^X-Portal-Notices:((?:.|\n[ \t])*)", re.MULTILINE | re.IGNORECASE
)  # of a digest; a long one is folded
DATA_ENDS = b".\r\n"


class Receiver:
    """SMTP as far as a sender needs it (RFC 5321): one transaction after another, everything is accepted."""

    def __init__(self, mails: Path, mode: Path) -> None:
        self.mode, self.said, self.looked = mode, "ok", 0.0
        self.file = os.open(mails, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def behaves(self) -> str:
        if time.monotonic() - self.looked > LOOK:
            self.looked = time.monotonic()
            try:
                self.said = self.mode.read_text().strip() or "ok"
            except OSError:
                self.said = "ok"
        return self.said

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection; an end without QUIT is no error."""
        to: list[str] = []
        try:
            await self.say(writer, "220 receiver")
            while line := await reader.readline():
                word = line[:4].upper().strip()
                if (behaviour := self.behaves()) == "hang":
                    while self.behaves() == "hang":
                        await asyncio.sleep(0.2)
                    return  # it was restarted: whoever still waits is told so
                if word in (b"EHLO", b"HELO"):
                    await self.say(writer, "250 receiver")
                elif behaviour == "refuse" and word in (b"MAIL", b"DATA"):
                    await self.say(writer, "451 4.3.0 try again later")
                elif word == b"MAIL":
                    to = []
                    await self.say(writer, "250 OK")
                elif word == b"RCPT":
                    to.append(line.decode(errors="replace").partition(":")[2].strip(" <>\r\n"))
                    await self.say(writer, "250 OK")
                elif word == b"DATA":
                    await self.say(writer, "354 go ahead")
                    self.keep(await self.body(reader), to)
                    await self.say(writer, "250 kept")
                elif word == b"QUIT":
                    await self.say(writer, "221 bye")
                    return
                else:
                    await self.say(writer, "250 OK")
        except (ConnectionError, asyncio.IncompleteReadError):
            return
        finally:
            writer.close()

    @staticmethod
    async def say(writer: asyncio.StreamWriter, text: str) -> None:
        writer.write(text.encode() + b"\r\n")
        await writer.drain()

    @staticmethod
    async def body(reader: asyncio.StreamReader) -> bytes:
        lines = []
        while (line := await reader.readline()) != DATA_ENDS:
            if not line:
                raise asyncio.IncompleteReadError(b"", None)
            lines.append(line.removeprefix(b"."))
        return b"".join(lines)

    def keep(self, body: bytes, to: list[str]) -> None:
        """One write at the end of the file: it is in the kernel before the sender hears of it."""
        head = body.partition(b"\r\n\r\n")[0]
        key, told = _KEY.search(head), _TOLD.search(head)
        row = {
            "at": time.time(),
            "id": key[1].decode(errors="replace") if key else "",
            "to": to,
            "notices": told[1].decode("ascii").split() if told else [],
        }
        os.write(self.file, json.dumps(row, ensure_ascii=False).encode() + b"\n")


async def main(port: int, mails: Path, mode: Path) -> None:
    receiver = Receiver(mails, mode)
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", port)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3])))
