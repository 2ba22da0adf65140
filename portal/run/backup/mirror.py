"""A second copy of the private files. They are written once under a random name and never changed, so only new ones are copied."""

import hashlib
import os
import shutil
import time
from pathlib import Path

SETTLES = 2.0  # seconds; a directory in which something was written so recently is looked through again


class Mirror:
    """Copies what is new under `source` to `target`; nothing is ever deleted there, an older moment may still need it."""

    def __init__(self, source: Path, target: Path, *, once: bool = False) -> None:
        """`once`: what was copied is never copied again, whatever became of the original (the anchors, which it must outlive)."""
        self.source, self.target, self.once = source, target, once
        self.quiet: dict[str, int] = {}  # directory → its change time when everything in it had been copied

    def copy(self) -> int:
        """One look; returns how many files were copied. A directory without a change since the last look costs one stat."""
        copied = 0
        for directory, _, names in os.walk(self.source):
            changed = os.stat(directory).st_mtime_ns
            if self.quiet.get(directory) == changed:
                continue
            there = self.target / os.path.relpath(directory, self.source)
            there.mkdir(mode=0o700, parents=True, exist_ok=True)
            before = time.time()
            copied += sum(_copied(Path(directory) / name, there / name, once=self.once) for name in names)
            # A file may still have been growing: only a directory that has been left alone for a while is done with.
            if before - changed / 1e9 > SETTLES:
                self.quiet[directory] = changed
        return copied


def _copied(file: Path, copy: Path, *, once: bool) -> bool:
    try:
        size = file.stat().st_size
        if copy.exists() and (once or copy.stat().st_size == size):
            return False
        half = copy.with_name(f".{copy.name}.half")
        shutil.copyfile(file, half)
        half.chmod(0o600)
        descriptor = os.open(half, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        half.replace(copy)
    except FileNotFoundError:  # discarded meanwhile
        return False
    return True


def digests(folder: Path, known: dict[str, tuple[int, str]]) -> dict[str, tuple[int, str]]:
    """Path below `folder` → size in bytes and SHA-256 of every file; `known` is what an earlier manifest says."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.name.endswith(".half"):
            name, size = path.relative_to(folder).as_posix(), path.stat().st_size
            before = known.get(name)
            found[name] = before if before and before[0] == size else (size, sha256(path))
    return found


def sha256(path: Path) -> str:
    """The file's SHA-256 in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
