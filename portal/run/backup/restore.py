"""`bin/portal restore FOLDER --to MOMENT --data NEW`: the portal as it was at a moment, in a new data directory.

Every change that was acknowledged up to the moment is there and none that began after it. The old data directory is not
touched, so a restore can be tried, looked at and thrown away.
"""

import hmac
import json
import os
import pwd
import re
import shutil
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psycopg2

from portal.run import lock
from portal.run.backup.folder import Base, Folder, mac
from portal.run.backup.mirror import sha256
from portal.run.binaries import find_postgres, number, run_as
from portal.run.embedded import DATABASE, ROLE, Postgres
from portal.run.environment import environment, production, running
from portal.run.places import ROOT, Places, RunError

SHANGHAI = ZoneInfo("Asia/Shanghai")
LONGEST = 3600.0  # seconds of replaying


def moment(text: str) -> datetime:
    """“2026-11-23 10:15:00+08:00” as an aware moment; without an offset it is Asia/Shanghai's. RunError for anything else."""
    try:
        read = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise RunError(f"看不懂时刻“{text}”。请写成 2026-11-23 10:15:00+08:00 的样子。") from error
    return read if read.tzinfo else read.replace(tzinfo=SHANGHAI)


def restore(path: Path, *, to: datetime | None, where: Places) -> int:
    """Bring the state of `to` (None: the last that the backup holds) into the empty directory `where`; 0 when all of it verified.

    RunError when that moment is not in the backup, or the directory is not empty. What was begun is removed again then.
    """
    os.umask(0o077)
    if production():
        raise RunError("PORTAL_ENV=production 使用外部 PostgreSQL：恢复步骤见 docs/operations.md。")
    source = Folder(path.resolve())
    source.owner()
    if where.data.exists() and any(where.data.iterdir()):
        raise RunError(f"{where.data} 不是空目录。恢复只写入新的目录，请换一个。")
    began = time.monotonic()
    if links := source.links():
        raise RunError(f"备份里有符号链接 {links[0]}：平台不会建立，可能有人动过备份，没有恢复。")
    with source.locked():
        base = _base(source, to)
        _verify_base(base)
        try:
            with lock.held(where, "restore"):
                server = _lay_out(source, base, where)
                reached = _replay(server, where, to)
                found = _verify(source, where)
        except RunError:
            _remove(where)
            raise
    for line in _told(found, reached, to, where, time.monotonic() - began):
        print(line)
    return 1 if found["chain_findings"] or found["files_missing"] or found["files_changed"] else 0


def _base(source: Folder, to: datetime | None) -> Base:
    """The latest copy that was whole by then."""
    bases = source.bases()
    fitting = [base for base in bases if to is None or base.ended <= to]
    if not fitting:
        first = _shown(bases[0].ended) if bases else "（没有完整的备份）"
        raise RunError(f"这个备份最早只能恢复到 {first}，早于它的时刻不在其中。")
    return fitting[-1]


def _verify_base(base: Base) -> None:
    """Every file of the copy against its digest, and with a key the manifest too, before anything is built on it."""
    expected = mac(base.facts)
    if expected and not hmac.compare_digest(expected, str(base.facts.get("mac", ""))):
        raise RunError(f"{base.path} 的清单与备份密钥不符（被改动过，或备份时没有设 BACKUP_KEY_FILE），没有恢复。")
    if sha256(base.cluster / "backup_manifest") != base.facts["cluster_manifest_sha256"]:
        raise RunError(f"{base.path} 的清单被改动过，没有恢复。请换用另一份备份。")
    tool = find_postgres() / "pg_verifybackup"
    if tool.exists():
        done = run_as([str(tool), "--quiet", str(base.cluster)], user=None, env={"PATH": os.defpath, "LC_ALL": "C"})
        if done.returncode:
            raise RunError(f"{base.path} 已损坏，没有恢复：{done.stderr.strip()[:500]}")


def _lay_out(source: Folder, base: Base, where: Places) -> Postgres:
    """The copy and every change since then in the place of a new cluster."""
    server = Postgres(where)
    server.home.parent.mkdir(parents=True, exist_ok=True)
    shutil.copytree(base.cluster, server.home)  # without links (see above)
    # Not taken from the backup: what a server runs at its start (archive_command, preloaded libraries) is said by `Postgres` alone.
    # pg_verifybackup does not look at the first of these.
    for name, text in (
        ("postgresql.auto.conf", ""),
        ("postgresql.conf", ""),
        ("pg_ident.conf", ""),
        ("pg_hba.conf", "local all all trust\nlocal replication all trust\n"),
    ):
        (server.home / name).write_text(text)
    changes = server.home / "pg_wal"
    for segment in sorted(source.wal.iterdir()):
        name = segment.name.removesuffix(".partial")
        if not re.fullmatch(r"[0-9A-F]{24}|[0-9A-F]{8}\.history", name):
            continue
        # A segment that is still being filled is taken as far as it goes, unless it is there whole as well.
        whole = segment.suffix != ".partial" or not (source.wal / name).exists()
        if whole and (len(name) == 16 or name[8:] >= base.wal_from[8:]):
            shutil.copyfile(segment, changes / name)
    (server.home / "recovery.signal").touch(mode=0o600)
    for directory, _, names in os.walk(server.home):
        os.chmod(directory, 0o700)
        for name in names:
            os.chmod(os.path.join(directory, name), 0o600)
            _give(os.path.join(directory, name), server.user)
        _give(directory, server.user)
    return server


def _give(path: str, user: str | None) -> None:
    if user:
        os.chown(path, pwd.getpwnam(user).pw_uid, pwd.getpwnam(user).pw_gid, follow_symlinks=False)


def _replay(server: Postgres, where: Places, to: datetime | None) -> datetime | None:
    """Run the server over the changes until the moment; the time of the last change that was taken in (aware UTC)."""
    settings = {
        # All changes lie in pg_wal already; there is nowhere to ask for more.
        "restore_command": "false",
        "recovery_target_action": "promote",
        "log_checkpoints": "on",
    }
    if to is not None:
        settings["recovery_target_time"] = to.astimezone(UTC).isoformat(" ", "microseconds")
    log = where.logs / "postgres.log"
    with running(where, server.process(**settings)) as alive:
        deadline = time.monotonic() + LONGEST
        while True:
            try:
                connection = psycopg2.connect(host=str(server.sockets), user=ROLE, dbname=DATABASE, connect_timeout=2)
                with connection, connection.cursor() as cursor:
                    cursor.execute("SELECT pg_is_in_recovery()")
                    still = (cursor.fetchone() or (True,))[0]
                connection.close()
                if not still:
                    return _last(log)
            except psycopg2.Error:  # not there yet, or gone in the middle of the question
                if not alive():
                    _say_why(log, to)
            if time.monotonic() > deadline:
                raise RunError(f"重放变更超过 {LONGEST / 60:.0f} 分钟。请看 {log}。")
            time.sleep(0.05)


def _last(log: Path) -> datetime | None:
    """The commit that the server names as the last one in its log."""
    found = re.findall(
        r"last completed transaction was at log time (\S+ \S+?)(?: UTC|\+00)?$", log.read_text("utf-8"), re.M
    )
    return datetime.fromisoformat(found[-1]).replace(tzinfo=UTC) if found else None


def _say_why(log: Path, to: datetime | None) -> None:
    text, last = log.read_text("utf-8"), _last(log)
    if to is not None and "recovery ended before configured recovery target was reached" in text:
        until = f"只到 {_shown(last)}" if last else "里没有这么晚的变更"
        raise RunError(
            f"备份{until}，要恢复到的 {_shown(to)} 比它晚，其间的变更可能不在备份中，没有恢复。"
            "确实要恢复到备份的末尾，请不带 --to 再运行一次。"
        )
    raise RunError("数据库没有恢复成功：" + "；".join(text.strip().splitlines()[-4:]))


def _verify(source: Folder, where: Places) -> dict[str, Any]:
    """Fetch the files that the rows name, check them, the journal's chain and the counts: in a process with Django."""
    server = Postgres(where)
    with running(where, server.process()) as alive:
        server.wait_until_ready(alive)
        variables = environment(where, DATABASE_URL=server.url)
        command = [sys.executable, str(ROOT / "manage.py"), "verify_restored", "--files", str(source.files)]
        done = subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RunError("恢复后的核对没有完成：" + " ".join(done.stderr.split())[-600:])
        found: dict[str, Any] = json.loads(done.stdout)
        return found


def _remove(where: Places) -> None:
    if where.postgres.is_symlink():
        shutil.rmtree(where.postgres.resolve().parent, ignore_errors=True)
    shutil.rmtree(where.data, ignore_errors=True)


def _told(
    found: dict[str, Any], reached: datetime | None, to: datetime | None, where: Places, seconds: float
) -> list[str]:
    wanted = f"{_shown(to)} 的状态" if to else "备份末尾的状态"
    last = f"（最后一次变更在 {_shown(reached)}）" if reached else ""
    chain = (
        "完整"
        if not found["chain_findings"]
        else f"有 {found['chain_findings']} 处异常，第一处：{found['first_finding']}"
    )
    lines = [
        f"已恢复到 {wanted}{last}，用时 {seconds:.1f} 秒：{where.data}",
        f"日志 {found['entries']} 条，封存链{chain}；待封存 {found['unsealed']} 条，锚点 {found['anchors']} 个。",
        "数量：" + "，".join(f"{name} {count}" for name, count in found["counts"].items()) + "。",
        f"文件 {found['files']} 个，缺失 {found['files_missing']} 个，与登记摘要不符 {found['files_changed']} 个。",
        "密钥不在备份中，这个目录使用新的 SECRET_KEY：所有人需要重新登录。请把电子签章密钥放回后再启动。",
        f"启动：bin/portal up --data {where.data}",
    ]
    if number(str(found["sent_again"])):
        lines.insert(
            -1, f"有 {found['sent_again']} 条消息在恢复的时刻还没有送出，启动后会送出（其中一些可能已经送达过）。"
        )
    return lines


def _shown(moment: datetime) -> str:
    return moment.astimezone(SHANGHAI).isoformat(" ", "milliseconds")
