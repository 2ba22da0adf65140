"""The chain of the journal, pure: an entry as a plain dict (from a row or from an exported line) and its digest.

digest = SHA-256(previous digest in hexadecimal + canonical bytes of the entry). Whoever holds an exported line can work it
out again with any language's SHA-256; nothing of the portal is needed.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
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
class Checked:
    """What became of the links of some entries: ids whose content no longer gives its digest, and what could not be checked."""

    intact: int = 0
    broken: list[int] = field(default_factory=list)
    torn: list[int] = field(default_factory=list)  # the link before says another digest than this one was built on
    waiting: list[int] = field(default_factory=list)  # written, not sealed yet
    hidden: list[int] = field(
        default_factory=list
    )  # parts were left out for this reader, so the digest cannot be worked out


def check(rows: Iterable[Mapping[str, Any]]) -> Checked:
    """Work out every link again, and where two rows are neighbours in the chain, that the second stands on the first.

    Rows are those of `extract`, in any order; `hidden` in a row names what was left out of it.
    """
    done = Checked()
    digests: dict[int, str] = {}
    for row in sorted(rows, key=lambda each: (each["seal"] or {}).get("number", 0)):
        seal = row["seal"]
        if not seal:
            done.waiting.append(row["id"])
            continue
        before = digests.get(seal["number"] - 1, seal["previous"])
        digests = {seal["number"]: seal["digest"]}
        if before != seal["previous"]:
            done.torn.append(row["id"])
        elif row.get("hidden"):
            done.hidden.append(row["id"])
        elif link(seal["previous"], row) != seal["digest"]:
            done.broken.append(row["id"])
        else:
            done.intact += 1
    return done
