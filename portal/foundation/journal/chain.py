"""The chain of the journal, pure: an entry as a plain dict (from a row or from an exported line) and its digest.

digest = SHA-256(previous digest in hexadecimal + canonical bytes of the entry). Whoever holds an exported line can work it
out again with any language's SHA-256; nothing of the portal is needed.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

GENESIS = "0" * 64
FIELDS = (
    "id", "at", "verb", "actor_id", "actor_label", "organisation_id", "subject", "case_number", "text", "data", "parties",
)  # fmt: skip


def canonical(entry: Mapping[str, Any]) -> bytes:
    """The exact bytes that are hashed: the FIELDS in order as JSON, sorted keys, no spaces, UTC microseconds, UTF-8."""
    return json.dumps(
        [entry[name] for name in FIELDS], ensure_ascii=False, sort_keys=True, separators=(",", ":")
    ).encode()


def link(previous: str, entry: Mapping[str, Any]) -> str:
    """The digest (64 hexadecimal digits) of an entry that follows the one with digest `previous`."""
    return hashlib.sha256(previous.encode() + canonical(entry)).hexdigest()


@dataclass(slots=True)
class Links:
    """The links of some entries worked out again, in whatever order they come: ids of those that do not hold, or cannot be told."""

    intact: int = 0
    broken: list[int] = field(default_factory=list)  # the content no longer gives the digest
    waiting: list[int] = field(default_factory=list)  # written, not sealed yet
    hidden: list[int] = field(
        default_factory=list
    )  # parts were left out for this reader, so the digest cannot be worked out
    _seen: dict[int, tuple[str, str, int]] = field(default_factory=dict)  # link's number → previous, digest, entry

    def take(self, row: Mapping[str, Any]) -> None:
        """One row as `extract` gives it; `hidden` in a row names what was left out of it."""
        seal = row["seal"]
        if not seal:
            self.waiting.append(row["id"])
            return
        self._seen[seal["number"]] = (seal["previous"], seal["digest"], row["id"])
        if row.get("hidden"):
            self.hidden.append(row["id"])
        elif link(seal["previous"], row) != seal["digest"]:
            self.broken.append(row["id"])
        else:
            self.intact += 1

    def torn(self) -> list[int]:
        """Entries whose link does not stand on the digest of its neighbour before; only neighbours that were taken can tell."""
        return [
            entry
            for number, (previous, _, entry) in self._seen.items()
            if (before := self._seen.get(number - 1)) is not None and before[1] != previous
        ]

    @property
    def first(self) -> int | None:
        """The number of the first link that was taken."""
        return min(self._seen, default=None)
