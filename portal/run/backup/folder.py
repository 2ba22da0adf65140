"""A backup's folder: what lies where in it, and whose it is.

portal-backup.json   whose backup this is
base/<UTC moment>/   one copy of the database each: cluster/ as pg_basebackup wrote it, manifest.json about it
wal/                 every change since the first copy, as the server streams it
files/               uploads and papers; they never change, so one copy serves every moment
anchors/             the anchors of the journal, likewise
"""

import fcntl
import hmac
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from portal.run.places import Places, RunError

SLOT = "portal_backup"
LEFT_OUT = (
    "密钥不在备份中：SECRET_KEY（secret_key 文件）、电子签章密钥（seal、keys 目录或令牌）和各项口令请另行保管；"
    "拿到备份的人不能冒充本平台签章。日志、字体缓存和消息队列也不在备份中，可以重新生成。"
)


@dataclass(frozen=True)
class Base:
    """One copy of the database. `began`, `ended`: aware UTC by the database's clock; only moments after `ended` can be restored."""

    path: Path
    began: datetime
    ended: datetime
    wal_from: str  # the first segment of WAL that it needs
    facts: dict[str, Any]

    @property
    def cluster(self) -> Path:
        return self.path / "cluster"


@dataclass(frozen=True)
class Folder:
    """The folder of one backup."""

    path: Path

    @property
    def note(self) -> Path:
        return self.path / "portal-backup.json"

    @property
    def base(self) -> Path:
        return self.path / "base"

    @property
    def wal(self) -> Path:
        return self.path / "wal"

    @property
    def files(self) -> Path:
        return self.path / "files"

    @property
    def anchors(self) -> Path:
        return self.path / "anchors"

    def create(self, owner: str) -> None:
        """Make it, closed to others, or recognise it. RunError when it belongs to another portal or to something else."""
        if self.note.exists():
            if self.owner() != owner:
                raise RunError(f"{self.path} 是另一个平台（或恢复之前的平台）的备份，请换一个空目录。")
        elif self.path.exists() and any(self.path.iterdir()):
            raise RunError(f"{self.path} 不是空目录，也不是备份目录，没有写入任何内容。请换一个目录。")
        try:
            for directory in (self.path, self.base, self.wal, self.files, self.anchors):
                directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise RunError(f"无法写入备份目录 {self.path}：{error.strerror}。") from error
        write(self.note, {"format": 1, "owner": owner, "left_out": LEFT_OUT})

    def owner(self) -> str:
        """The token of the data directory whose backup this is. RunError when this is no backup."""
        try:
            return str(json.loads(self.note.read_text("utf-8"))["owner"])
        except (OSError, ValueError, KeyError) as error:
            raise RunError(f"{self.path} 不是备份目录（没有可读的 {self.note.name}）。") from error

    def links(self) -> list[Path]:
        """Symbolic links anywhere in it: the portal makes none, and following one would read or change what lies outside."""
        return [
            Path(folder) / name
            for folder, folders, files in os.walk(self.path)
            for name in (*folders, *files)
            if (Path(folder) / name).is_symlink()
        ]

    def bases(self) -> list[Base]:
        """Every whole copy, oldest first; one without its manifest was interrupted and is none."""
        found = []
        for manifest in sorted(self.base.glob("*/manifest.json")):
            facts = json.loads(manifest.read_text("utf-8"))
            began, ended = (datetime.fromisoformat(facts[name]) for name in ("began_at", "ended_at"))
            found.append(Base(manifest.parent, began, ended, facts["wal_from"], facts))
        return sorted(found, key=lambda base: base.ended)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """One backup or restore at a time. RunError when another is at work."""
        with (self.path / "lock").open("a") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise RunError(f"另一个备份或恢复正在使用 {self.path}，请等它结束。") from error
            yield


def mac(facts: dict[str, Any]) -> str:
    """HMAC-SHA256 of a manifest under the key in the file BACKUP_KEY_FILE, which is kept apart from the backup; "" without one.

    RunError when the file cannot be read or holds fewer than 32 bytes.
    """
    name = os.environ.get("BACKUP_KEY_FILE", "")
    if not name:
        return ""
    try:
        key = Path(name).read_bytes().strip()
    except OSError as error:
        raise RunError(f"读不出备份密钥文件 BACKUP_KEY_FILE={name}：{error.strerror}。") from error
    if len(key) < 32:
        raise RunError(f"备份密钥文件 {name} 不足 32 字节。可以这样生成：openssl rand -hex 32。")
    said = {field: value for field, value in facts.items() if field != "mac"}
    return hmac.new(key, json.dumps(said, sort_keys=True).encode(), "sha256").hexdigest()


def chosen(where: Places) -> Folder | None:
    """Where this data directory is backed up to; None without a backup."""
    facts = _read(where)
    return Folder(Path(facts["folder"])) if facts.get("folder") else None


def owner(where: Places) -> str:
    """The token that tells this data directory from every other, also from one restored out of its backup."""
    facts = _read(where)
    if not facts.get("owner"):
        facts["owner"] = secrets.token_hex(16)
        write(where.backup, facts)
    return str(facts["owner"])


def choose(where: Places, folder: Folder) -> None:
    """From now on every change is streamed to this folder."""
    write(where.backup, _read(where) | {"folder": str(folder.path)})


def finished(where: Places, base: Base) -> None:
    """Remember the moment of the last copy; `/metrics` and `doctor` read it."""
    write(where.backup, _read(where) | {"last_base_at": base.ended.isoformat()})


def age(data: Path, *, now: datetime) -> timedelta | None:
    """How long ago the data directory was last copied as a whole; None without a backup."""
    try:
        last = _read(Places(data)).get("last_base_at")
    except (OSError, ValueError):
        return None
    return now - datetime.fromisoformat(last) if last else None


def write(file: Path, facts: dict[str, Any]) -> None:
    """JSON, whole or not at all, readable by its owner alone."""
    half = file.with_name(f".{file.name}.half")
    half.write_text(json.dumps(facts, ensure_ascii=False, indent=1), "utf-8")
    half.chmod(0o600)
    half.replace(file)


def _read(where: Places) -> dict[str, Any]:
    try:
        facts: dict[str, Any] = json.loads(where.backup.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    return facts
