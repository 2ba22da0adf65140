"""The doctor's look at keys, at what other accounts could see of them, and at backups."""

import os
import stat
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from portal.run.backup import folder
from portal.run.finding import Finding
from portal.run.places import Places

NAMED = ("SEAL_PKCS12", "SIGNING_KEY_FILE")  # settings that name a file with a private key
SECRETS = ("SECRET_KEY", "SEAL_PASSWORD", "METRICS_TOKEN", "VALUATION_AGENCY_TOKEN", "PATENT_REGISTER_TOKEN")
ADDRESSES = ("DATABASE_URL", "REDIS_URL")  # may hold a password
SHORTEST = 8  # characters; a shorter value is found everywhere by chance
OLD = timedelta(hours=26)


def keys(where: Places) -> list[Finding]:
    """Every file that holds a secret: readable by its owner alone?"""
    files = [where.data / "secret_key"]
    for directory in ("keys", "seal"):
        files += sorted((where.data / directory).rglob("*"))
    files += [Path(os.environ[name]) for name in NAMED if os.environ.get(name)]
    present = [file for file in files if file.is_file()]
    open_to_others = [file for file in present if stat.S_IMODE(file.stat().st_mode) & 0o077 and _private(file)]
    if open_to_others:
        names = " ".join(str(file) for file in open_to_others)
        return [Finding("keys", "error", f"其他用户可以读取密钥：请运行 chmod 600 {names}")]
    return [Finding("keys", "ok", f"{len(present)} 个密钥文件只有本用户可读")]


def _private(file: Path) -> bool:
    """A certificate is public; whatever is not known to be one counts as a key."""
    if file.suffix in (".crt", ".cer", ".pem"):
        return b"PRIVATE" in file.read_bytes()
    return True


def secrets_in_sight(environment: Mapping[str, str], commands: Sequence[str]) -> list[Finding]:
    """Secrets of the environment that stand in somebody's command line, where every account of the machine reads them."""
    found = []
    for name in (*SECRETS, *ADDRESSES):
        value = environment.get(name, "")
        secret = (urlsplit(value).password or "") if name in ADDRESSES else value
        if len(secret) >= SHORTEST and any(secret in command for command in commands):
            found.append(
                Finding(
                    "secrets", "error", f"{name} 出现在某个进程的命令行里，本机所有用户都能看到：请改用环境变量或文件。"
                )
            )
    return found


def visible(_where: Places) -> list[Finding]:
    """The command lines of this machine against our secrets."""
    found = secrets_in_sight(os.environ, list(_commands()))
    return found or [Finding("secrets", "ok", "命令行中没有密钥和口令")]


def _commands() -> list[str]:
    lines = []
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            lines.append(process.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
        except OSError:
            continue
    return lines


def backups(where: Places) -> list[Finding]:
    """When the embedded server was last copied as a whole."""
    age = folder.age(where.data, now=datetime.now(UTC))  # noqa: TID251 — this machine's clock is what is meant
    if age is None:
        return [Finding("backup", "warning", "还没有备份：bin/portal backup 目录（最好在另一块磁盘上）。")]
    hours = age.total_seconds() / 3600
    target = folder.chosen(where)
    if target is not None and not target.path.exists():
        return [Finding("backup", "error", f"备份目录 {target.path} 不在了：变更没有送出去。")]
    level = "ok" if age < OLD else "warning"
    return [Finding("backup", level, f"上一次完整备份在 {hours:.1f} 小时前（{target.path if target else ''}）")]


def archiving(cursor: Any) -> list[Finding]:
    """Whether an outside PostgreSQL carries its changes elsewhere, and whether that works. `cursor` is open on it."""
    cursor.execute(
        "select current_setting('archive_mode'), current_setting('wal_level'), archived_count, failed_count,"
        " last_failed_time > coalesce(last_archived_time, '-infinity'), last_failed_wal,"
        " (select count(*) from pg_stat_replication) from pg_stat_archiver"
    )
    mode, level, archived, failed, failing, segment, followers = cursor.fetchone()
    if mode == "off" and not followers:
        text = "数据库没有归档（archive_mode=off），也没有跟随者：磁盘坏了就回不到任何时刻。步骤见 docs/operations.md。"
        return [Finding("archive", "warning", text)]
    if failing:
        return [Finding("archive", "error", f"归档正在失败（最近是 {segment}，共 {failed} 次）：变更没有送出去。")]
    return [
        Finding("archive", "ok", f"archive_mode={mode}，wal_level={level}，已归档 {archived} 段，跟随者 {followers} 个")
    ]
