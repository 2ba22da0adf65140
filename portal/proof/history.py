"""What was acknowledged, one JSON object a line: the outside's memory, against which the database is held.

Several processes append to one file; a line is one write, so lines never mix. `at` is Unix time by the harness' clock.
"""

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any


class History:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self.position = 0
        self.counts: dict[str, int] = {}

    def note(self, what: str, **facts: Any) -> None:
        """Append one fact. It is in the kernel when this returns: killing us afterwards loses nothing."""
        row = {"at": round(time.time(), 4), "what": what, **facts}
        os.write(self.file, json.dumps(row, ensure_ascii=False).encode() + b"\n")

    def rows(self) -> Iterator[dict[str, Any]]:
        """Everything so far."""
        with self.path.open(encoding="utf-8") as file:
            yield from (json.loads(line) for line in file)

    def count(self, what: str) -> int:
        """How many facts of a kind there are; reads only what is new since the last call."""
        with self.path.open("rb") as file:
            file.seek(self.position)
            for line in file:
                if not line.endswith(b"\n"):
                    break
                self.position += len(line)
                kind = json.loads(line)["what"]
                self.counts[kind] = self.counts.get(kind, 0) + 1
        return self.counts.get(what, 0)
