"""`bin/portal backup FOLDER`: copy the running embedded server and the private files, and begin to follow every change."""

import os
import shutil
import subprocess
import time
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psycopg2

from portal.run import lock
from portal.run.backup import folder, follow
from portal.run.backup.mirror import Mirror, digests, sha256
from portal.run.binaries import find_postgres, run_as
from portal.run.embedded import DATABASE, ROLE
from portal.run.environment import production, temporary_servers
from portal.run.places import Places, RunError

CAUGHT_UP = 60.0  # seconds that the stream may take to pass the end of the copy
OUTSIDE = (
    "数据库不是内置的（DATABASE_URL 指向另外的服务器），本命令不能备份它。请在数据库服务器上开启 archive_mode 和 "
    "archive_command（或 pg_receivewal），定期 pg_basebackup，并把 PORTAL_DATA/files 一并复制：步骤见 docs/operations.md。"
    "bin/portal doctor 会检查归档是否开启、是否在前进。"
)


def backup(where: Places, path: Path, *, keep: int) -> int:
    """Make one more copy in the folder at `path`, keep the latest `keep`; 0 when it can be restored. RunError otherwise."""
    os.umask(0o077)
    if production() or os.environ.get("DATABASE_URL"):
        raise RunError(OUTSIDE)
    target = folder.Folder(path.resolve())
    if not where.postgres.exists():
        raise RunError(f"{where.data} 中还没有数据库，没有可以备份的内容。")
    if target.path == where.data or where.data in target.path.parents:
        raise RunError("备份不能放在数据目录里面：请指定另一块磁盘上的目录。")
    with ExitStack() as stack:
        running = lock.running_addresses(where)
        if running is None:
            stack.enter_context(lock.held(where, "backup", wait=120))
            stack.enter_context(temporary_servers(where, "trial", broker=False))
        elif str(where.socket_directory("pg")) not in running["DATABASE_URL"]:
            raise RunError(OUTSIDE)
        target.create(folder.owner(where))
        stack.enter_context(target.locked())
        began = time.monotonic()
        base = _copy(where, target, followed=running is not None)
        _drop_older(target, keep)
    for line in _told(target, base, time.monotonic() - began, followed=running is not None):
        print(line)
    return 0


def _copy(where: Places, target: folder.Folder, *, followed: bool) -> folder.Base:
    connection = psycopg2.connect(host=str(where.socket_directory("pg")), user=ROLE, dbname=DATABASE, connect_timeout=5)
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            _prepare_slot(cursor, where, target)
            folder.choose(where, target)
            if followed:  # a running `up` begins to
                _wait_for_follower(cursor, target)
            cursor.execute(
                "SELECT clock_timestamp(), pg_walfile_name(pg_current_wal_lsn()), current_setting('server_version')"
            )
            began, wal_from, version = cursor.fetchone() or (None, "", "")
            half = target.base / f"{_name(began)}.half"
            _base_backup(where, half / "cluster")
            Mirror(where.files, target.files).copy()
            Mirror(where.anchors, target.anchors, once=True).copy()
            cursor.execute(
                "SELECT clock_timestamp(), pg_switch_wal()::text, system_identifier::text FROM pg_control_system()"
            )
            ended, until, identity = cursor.fetchone() or (None, "", "")
            facts: dict[str, Any] = {
                "began_at": _iso(began),
                "ended_at": _iso(ended),
                "wal_from": wal_from,
                "wal_until": until,
                "postgres": version,
                "system_identifier": identity,
                "left_out": folder.LEFT_OUT,
                "migrations": _migrations(cursor),
                "cluster_manifest_sha256": sha256(half / "cluster" / "backup_manifest"),
                "files": digests(target.files, _known(target)),
            }
            if code := folder.mac(facts):
                facts["mac"] = code
            folder.write(half / "manifest.json", facts)
            path = half.with_suffix("")
            half.rename(path)
            base = folder.Base(path, began, ended, wal_from, facts)
            if followed:
                _wait_for_stream(cursor, until)
            else:
                _catch_up(where, target, until)
            folder.finished(where, base)
            return base
    finally:
        connection.close()


def _prepare_slot(cursor: Any, where: Places, target: folder.Folder) -> None:
    """The server keeps every change from here on until the backup has it. A folder never holds a gap: what was interrupted
    for too long goes on in another one."""
    cursor.execute("SELECT wal_status FROM pg_replication_slots WHERE slot_name = %s", [folder.SLOT])
    slot = (cursor.fetchone() or (None,))[0]
    if any(target.wal.iterdir()) and (slot in (None, "lost") or folder.chosen(where) != target):
        raise RunError(
            f"{target.path} 停止跟随的时间太长（或改用过别的目录），中间的变更已经没有了。"
            "它仍可恢复到停止之前的时刻；新的备份请用一个空目录。"
        )
    if slot == "lost":
        cursor.execute("SELECT pg_drop_replication_slot(%s)", [folder.SLOT])
    if slot in (None, "lost"):
        cursor.execute("SELECT pg_create_physical_replication_slot(%s, true)", [folder.SLOT])


def _wait_for_follower(cursor: Any, target: folder.Folder) -> None:
    """Until the changes arrive in this folder: the copy must not be finished before."""
    deadline = time.monotonic() + CAUGHT_UP
    while not any(target.wal.iterdir()):
        if time.monotonic() > deadline:
            raise RunError("正在运行的平台没有开始向备份目录发送变更：请重新启动 bin/portal up，再备份一次。")
        cursor.execute("SELECT pg_logical_emit_message(true, 'portal', 'backup')")  # something to carry over
        time.sleep(0.2)


def _base_backup(where: Places, cluster: Path) -> None:
    shutil.rmtree(cluster.parent, ignore_errors=True)
    cluster.parent.mkdir(mode=0o700)
    done = run_as(
        [
            *(str(find_postgres() / "pg_basebackup"), "-h", str(where.socket_directory("pg")), "-U", ROLE),
            *("-D", str(cluster), "--checkpoint=fast", "--wal-method=stream", "--manifest-checksums=SHA256"),
        ],
        user=None,
        env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"},
    )
    if done.returncode:
        raise RunError(
            f"pg_basebackup 没有完成：{done.stderr.strip()}。如果这个 up 是在更新程序之前启动的，请重新启动它再备份。"
        )


def _catch_up(where: Places, target: folder.Folder, until: str) -> None:
    """Nobody follows while the portal is stopped: carry over what there is, once."""
    receiving = follow.receiver(where, target, "--endpos", until, "--no-loop")
    done = subprocess.run(receiving.argv, capture_output=True, text=True, check=False, timeout=CAUGHT_UP)
    if done.returncode:
        raise RunError(f"pg_receivewal 没有完成：{done.stderr.strip()}。")


def _wait_for_stream(cursor: Any, until: str) -> None:
    deadline = time.monotonic() + CAUGHT_UP
    while True:
        cursor.execute(
            "SELECT coalesce(restart_lsn >= %s::pg_lsn, false) FROM pg_replication_slots WHERE slot_name = %s",
            [until, folder.SLOT],
        )
        if (cursor.fetchone() or (False,))[0]:
            return
        if time.monotonic() > deadline:
            raise RunError("数据库的变更没有送到备份目录：请看数据目录 logs/backup.log，并确认备份目录可写、未满。")
        time.sleep(0.2)


def _migrations(cursor: Any) -> dict[str, str]:
    """The last migration of each app: the code that understands these tables."""
    cursor.execute("SELECT to_regclass('django_migrations') IS NOT NULL")
    if not cursor.fetchone()[0]:
        return {}
    cursor.execute("SELECT app, max(name) FROM django_migrations GROUP BY app ORDER BY app")
    return dict(cursor.fetchall())


def _known(target: folder.Folder) -> dict[str, tuple[int, str]]:
    bases = target.bases()
    return {name: (size, digest) for name, (size, digest) in bases[-1].facts["files"].items()} if bases else {}


def _drop_older(target: folder.Folder, keep: int) -> None:
    """Copies beyond the latest `keep`, attempts that were interrupted, and the changes that only those needed."""
    bases = target.bases()
    for base in bases[:-keep]:
        shutil.rmtree(base.path)
    for half in target.base.glob("*.half"):
        shutil.rmtree(half)
    oldest = bases[-keep:][0].wal_from
    for segment in target.wal.iterdir():
        # Timeline histories stay; a segment's place is all but its timeline.
        if len(segment.name) in (24, 32) and segment.name[8:24] < oldest[8:]:
            segment.unlink()


def _told(target: folder.Folder, base: folder.Base, seconds: float, *, followed: bool) -> list[str]:
    size = sum(path.stat().st_size for path in base.cluster.rglob("*") if path.is_file())
    files = base.facts["files"]
    shown = (base.ended + timedelta(seconds=1)).astimezone(ZoneInfo("Asia/Shanghai")).isoformat(" ", "seconds")
    going_on = (
        "平台正在运行，此后的每一次变更都会立即送到备份目录。"
        if followed
        else "平台没有运行；下次 bin/portal up 起接着记录每一次变更。"
    )
    return [
        f"已备份到 {base.path}：数据库 {size / 1e6:.1f} MB，文件 {len(files)} 个（{sum(f[0] for f in files.values()) / 1e6:.1f} MB），用时 {seconds:.1f} 秒。",
        f'可以恢复到 {shown} 起的任意时刻：bin/portal restore {target.path} --to "{shown}" --data 新目录',
        going_on,
        folder.LEFT_OUT,
    ]


def _name(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y%m%dT%H%M%S.%fZ").replace(".", "-")


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds")
