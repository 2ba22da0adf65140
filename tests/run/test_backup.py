"""The disk of the portal burns. Everything that was acknowledged up to a moment is back, and nothing that came after it.

All of it is real: the launcher, PostgreSQL, its backup and its changes carried over, `kill -9`, the restore.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import psycopg2
import pytest

from portal.run import lock
from portal.run.backup import folder
from portal.run.backup.mirror import Mirror
from portal.run.backup.restore import _verify_base, moment, restore
from portal.run.environment import connection_parameters, temporary_servers
from portal.run.lock import running_addresses
from portal.run.places import ROOT, Places, RunError
from portal.run.testing import share_typefaces
from tests.run.test_up import Portal, alive, descendants, free_port, wait_for
from tests.servers import newcomer_environment

pytestmark = [pytest.mark.processes, pytest.mark.xdist_group("processes"), pytest.mark.timeout(600)]
UPLOADED = ("00", "40", "80", "c0")  # how the keys begin that have a file


@pytest.fixture(autouse=True)
def _like_a_newcomer(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE_URL", "REDIS_URL", "PORTAL_ENV", "PORTAL_DATA", "SECRET_KEY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def parent() -> Iterator[Path]:
    directory = Path(tempfile.mkdtemp(prefix="portal-backup-"))
    directory.chmod(0o711)
    yield directory
    shutil.rmtree(directory, ignore_errors=True)


def run(*arguments: object) -> "subprocess.CompletedProcess[str]":
    command = [str(ROOT / "bin/portal"), *(str(argument) for argument in arguments)]
    return subprocess.run(
        command, env=newcomer_environment(), cwd="/", capture_output=True, text=True, timeout=300, check=False
    )


@dataclass
class Writer:
    """Ling and Bo at work: each row is a fact of its own, with the moments before it was sent and after it was acknowledged.

    Each also writes to the journal, and one in 64 stores a file first, as an upload does: some twenty a second.
    """

    url: str
    files: Path
    running: bool = True
    written: list[tuple[str, datetime, datetime]] = field(default_factory=list)  # key, sent, acknowledged
    threads: list[threading.Thread] = field(default_factory=list)

    def start(self, count: int = 3) -> "Writer":
        self.threads = [threading.Thread(target=self._write) for _ in range(count)]
        for thread in self.threads:
            thread.start()
        return self

    def stop(self) -> None:
        self.running = False
        for thread in self.threads:
            thread.join(10)

    def _write(self) -> None:
        try:
            line = psycopg2.connect(**connection_parameters(self.url))
            while self.running:
                key = uuid.uuid4().hex
                if key.startswith(UPLOADED):
                    (self.files / key).write_bytes(key.encode() * 100)
                sent = datetime.now(UTC)  # noqa: TID251 — the test compares the machine's moments with the server's commits
                with line, line.cursor() as cursor:
                    cursor.execute("INSERT INTO kept (key) VALUES (%s)", [key])
                    cursor.execute(
                        "INSERT INTO journal_entry (at, verb, actor_label, subject, case_number, text, data, parties)"
                        " VALUES (clock_timestamp(), 'test.kept', '林示例', %s, '', '', '{}', '{}')",
                        [f"kept:{key[:8]}"],
                    )
                self.written.append((key, sent, datetime.now(UTC)))  # noqa: TID251
                time.sleep(0.002)
        except psycopg2.Error:
            return  # the server was killed

    def acknowledged_by(self, at: datetime) -> set[str]:
        return {key for key, _, acknowledged in list(self.written) if acknowledged <= at}

    def sent_after(self, at: datetime) -> set[str]:
        return {key for key, sent, _ in list(self.written) if sent > at}


def present(where: Places) -> set[str]:
    """The keys in a restored data directory."""
    with lock.held(where, "test"), temporary_servers(where, "trial", broker=False) as addresses:
        line = psycopg2.connect(**connection_parameters(addresses["DATABASE_URL"]))
        try:
            with line.cursor() as cursor:
                cursor.execute("SELECT key FROM kept")
                return {key for (key,) in cursor.fetchall()}
        finally:
            line.close()


def test_a_restore_to_a_moment_has_everything_acknowledged_by_then_and_nothing_sent_later(parent: Path) -> None:
    """Ling and Bo write, the portal is backed up, they write on, the machine dies; two moments of that are brought back."""
    data, target = parent / "data", parent / "backup"
    share_typefaces(data)
    portal = Portal.start(data, free_port(), "--no-demo")
    try:
        portal.wait_until_ready()
        url = (running_addresses(Places(data)) or {})["DATABASE_URL"]
        portal.query("create table kept (key text primary key)")
        (data / "files").mkdir(exist_ok=True)
        writer = Writer(url, data / "files").start()
        # On a busy machine the first seal and its anchor come later than both moments below.
        wait_for(lambda: any((data / "anchors").glob("*.json")), 60, "the first anchor of the journal")
        time.sleep(1)
        made = run("backup", target, "--data", data)
        assert made.returncode == 0, made.stderr
        assert "密钥不在备份中" in made.stdout
        earliest = re.search(r'--to "([^"]+)"', made.stdout)
        assert earliest
        wait_for(lambda: datetime.now(UTC) > moment(earliest[1]), 10, "the first restorable moment")  # noqa: TID251
        time.sleep(2)
        first = datetime.now(UTC)  # noqa: TID251
        time.sleep(3)
        second = datetime.now(UTC)  # noqa: TID251
        time.sleep(1.5)
        last_acknowledged = len(writer.written)
        died = datetime.now(UTC)  # noqa: TID251
        for pid in (portal.process.pid, *descendants(portal.process.pid)):
            if alive(pid):
                os.kill(pid, signal.SIGKILL)
        writer.stop()
    finally:
        if portal.process.poll() is None:
            portal.stop()
    assert last_acknowledged > 300
    mirrored = {path.name for path in (target / "files").iterdir()}
    uploaded = {key for key in writer.acknowledged_by(first) if key.startswith(UPLOADED)}
    assert len(uploaded) > 5
    assert uploaded <= mirrored, "files lag behind the rows by more than four seconds"
    home = (data / "postgres").resolve()
    shutil.rmtree(home)
    shutil.rmtree(data)

    for planted in (target / "base").glob("*/cluster/postgresql.auto.conf"):  # which pg_verifybackup does not look at
        planted.write_text("shared_preload_libraries = 'nothing_of_ours'\n")
    for number, at in enumerate((first, second)):
        new = parent / f"restored-{number}"
        began = time.monotonic()
        done = run("restore", target, "--to", at.isoformat(" "), "--data", new)
        took = time.monotonic() - began
        assert done.returncode == 0, done.stderr
        assert "封存链完整" in done.stdout
        kept = sorted(path.name for path in (new / "anchors").glob("*.json"))
        assert kept, "the anchors of which the restored journal tells are there again"
        assert set(kept) <= {path.name for path in (target / "anchors").glob("*.json")}
        assert f"锚点 {len(kept)} 个" in done.stdout
        there = present(Places(new))
        missing, later = writer.acknowledged_by(at) - there, there & writer.sent_after(at)
        assert (missing, later) == (set(), set())
        assert len(there) > 100
        print(f"restored {len(there)} rows in {took:.1f} s: 0 missing, 0 later")

    # The machine's death itself: at most what was acknowledged in its last second may be lost, told as figures.
    end = parent / "restored-end"
    done = run("restore", target, "--data", end)
    assert done.returncode == 0, done.stderr
    there = present(Places(end))
    lost = sorted(acknowledged for key, _, acknowledged in writer.written if key not in there)
    print(f"at the end: {len(lost)} of {len(writer.written)} acknowledged rows lost")
    assert all((died - acknowledged).total_seconds() < 1 for acknowledged in lost)

    # A moment that is not in the backup is refused rather than guessed.
    late = run("restore", target, "--to", "2099-01-01 00:00:00+08:00", "--data", parent / "late")
    assert late.returncode == 1
    assert "没有恢复" in late.stderr
    assert not (parent / "late").exists()
    early = run("restore", target, "--to", "2020-01-01", "--data", parent / "early")
    assert early.returncode == 1
    assert "最早只能恢复到" in early.stderr

    # A byte of the copy is changed: it is found before anything is built on it.
    control = next((target / "base").glob("*/cluster/global/pg_control"))
    kept = control.read_bytes()
    control.write_bytes(kept[:100] + bytes([kept[100] ^ 1]) + kept[101:])
    spoilt = run("restore", target, "--to", first.isoformat(" "), "--data", parent / "spoilt")
    assert spoilt.returncode == 1
    assert "已损坏" in spoilt.stderr
    control.write_bytes(kept)

    # What was restored is another portal from now on: its changes do not go into the old backup.
    again = run("backup", target, "--data", parent / "restored-0")
    assert again.returncode == 1
    assert "另一个平台" in again.stderr


def test_no_key_and_no_secret_is_in_the_backup(parent: Path) -> None:
    """Whoever finds the backup disk can read it, but cannot seal papers in the portal's name."""
    data, target = parent / "small", parent / "small-backup"
    where = Places(data)
    with lock.held(where, "test"), temporary_servers(where, "trial", broker=False):
        pass
    secrets = {
        "secret_key": "s3cret-of-this-portal",
        "seal/key.pem": "SEAL-PRIVATE-KEY",
        "keys/signing.pem": "SIGN-KEY",
    }
    for name, text in secrets.items():
        (data / name).parent.mkdir(exist_ok=True)
        (data / name).write_text(text)
    (data / "files/assets").mkdir(parents=True)
    (data / "files/assets/paper").write_bytes(b"%PDF- a paper of Ling")
    (data / "anchors").mkdir()
    (data / "anchors/2026-11-23T09.json").write_bytes(b"{}")
    made = run("backup", target, "--data", data)
    assert made.returncode == 0, made.stderr
    for path in target.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert not [text for text in secrets.values() if text.encode() in content], path
    base = folder.Folder(target).bases()[-1]
    assert "密钥不在备份中" in base.facts["left_out"]
    assert base.facts["files"]["assets/paper"][0] == len(b"%PDF- a paper of Ling")
    assert (target / "anchors/2026-11-23T09.json").read_bytes() == b"{}"
    for path in (target, *target.rglob("*")):
        assert path.stat().st_mode & 0o077 == 0, f"{path} is open to others"
    # Another copy later: the older one goes, and the changes that only it needed.
    assert run("backup", target, "--data", data, "--keep", "1").returncode == 0
    assert [base.path for base in folder.Folder(target).bases()] != [base.path]
    assert len(folder.Folder(target).bases()) == 1


def test_a_backup_is_refused_where_it_would_mislead(parent: Path) -> None:
    """Into the data directory itself, over somebody's thesis, or of a database that is not the portal's own."""
    data = parent / "refused"
    where = Places(data)
    with lock.held(where, "test"), temporary_servers(where, "trial", broker=False):
        pass
    inside = run("backup", data / "backup", "--data", data)
    assert "不能放在数据目录里面" in inside.stderr
    thesis = parent / "thesis"
    thesis.mkdir()
    (thesis / "thesis.txt").write_text("years of work")
    assert "不是空目录" in run("backup", thesis, "--data", data).stderr
    outside = subprocess.run(
        [ROOT / "bin/portal", "backup", parent / "elsewhere", "--data", data],
        env=newcomer_environment(DATABASE_URL="postgres://portal@127.0.0.1:1/portal"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert outside.returncode == 1
    assert "archive_mode" in outside.stderr
    full = run("restore", thesis, "--data", data)
    assert full.returncode == 1


def test_a_moment_without_an_offset_is_chongqings_and_nonsense_is_refused() -> None:
    assert moment("2026-11-23 10:15:00") == moment("2026-11-23 10:15:00+08:00") == moment("2026-11-23T02:15:00Z")
    with pytest.raises(RunError, match="看不懂时刻"):
        moment("昨天")


def test_the_mirror_copies_new_files_once_and_half_written_ones_again(tmp_path: Path) -> None:
    source, copy = tmp_path / "files", tmp_path / "copy"
    (source / "a").mkdir(parents=True)
    (source / "a/one").write_bytes(b"1")
    mirror = Mirror(source, copy)
    assert mirror.copy() == 1
    assert mirror.copy() == 0
    (source / "a/one").write_bytes(b"1234")  # it had been half written
    (source / "a/two").write_bytes(b"2")
    assert mirror.copy() == 2
    assert (copy / "a/one").read_bytes() == b"1234"
    (source / "a/one").unlink()  # Ling discards it; an older moment may still need it
    assert mirror.copy() == 0
    assert (copy / "a/one").exists()


def test_an_anchor_that_was_copied_is_never_replaced(tmp_path: Path) -> None:
    """Whoever rewrites an anchor on the portal's machine does not reach the copy."""
    (tmp_path / "anchors").mkdir()
    anchor = tmp_path / "anchors" / "2026-11-23T09.json"
    anchor.write_bytes(b"right")
    Mirror(tmp_path / "anchors", tmp_path / "copy", once=True).copy()
    anchor.write_bytes(b"rewritten")
    Mirror(tmp_path / "anchors", tmp_path / "copy", once=True).copy()
    assert (tmp_path / "copy" / anchor.name).read_bytes() == b"right"


def test_a_manifest_that_was_interrupted_is_no_backup(tmp_path: Path) -> None:
    target = folder.Folder(tmp_path / "backup")
    target.create("us")
    (target.base / "20261123T020000-0Z.half" / "cluster").mkdir(parents=True)
    assert target.bases() == []
    assert json.loads(target.note.read_text("utf-8"))["owner"] == "us"
    with pytest.raises(RunError, match="另一个平台"):
        target.create("them")


def test_a_link_in_the_backup_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    """Somebody with the backup disk plants a link to a file of the machine."""
    target = folder.Folder(tmp_path / "backup")
    target.create("us")
    (target.wal / ("0" * 24)).symlink_to("/etc/hostname")
    assert target.links() == [target.wal / ("0" * 24)]
    with pytest.raises(RunError, match="符号链接"):
        restore(target.path, to=None, where=Places(tmp_path / "new"))
    assert not (tmp_path / "new").exists()


def test_with_a_key_kept_apart_a_rewritten_manifest_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key = tmp_path / "key"
    key.write_text("k" * 64)
    facts = {"wal_from": "0", "files": {"a": [1, "x"]}}
    assert folder.mac(facts) == "", "without a key nothing is said"
    monkeypatch.setenv("BACKUP_KEY_FILE", str(key))
    right = folder.mac(facts)
    assert folder.mac({**facts, "mac": right}) == right
    assert folder.mac({**facts, "files": {"a": [1, "y"]}}) != right
    (tmp_path / "cluster").mkdir()
    now = datetime(2026, 11, 23, tzinfo=UTC)
    with pytest.raises(RunError, match="备份密钥不符"):
        _verify_base(folder.Base(tmp_path, now, now, "0", {**facts, "mac": "0" * 64}))
    key.write_text("short")
    with pytest.raises(RunError, match="32"):
        folder.mac(facts)
