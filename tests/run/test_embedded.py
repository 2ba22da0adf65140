"""The embedded servers on awkward machines: long paths, leftovers of a crash, strangers in the way; and what reset deletes."""

import json
import os
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest

from portal.run import embedded, lock
from portal.run.doctor import connection_parameters
from portal.run.environment import environment, secret_key, temporary_servers, throw_away
from portal.run.places import LONGEST_SOCKET_PATH, ROOT, Places, RunError
from portal.run.reset import reset
from tests.servers import newcomer_environment


@pytest.fixture(autouse=True)
def _like_a_newcomer(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE_URL", "REDIS_URL", "PORTAL_ENV", "PORTAL_DATA", "SECRET_KEY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def where() -> Iterator[Places]:
    with throw_away("embedded") as places:
        yield places


@pytest.fixture
def free_directory() -> Iterator[Path]:
    """A directory that is nobody's data directory yet."""
    directory = Path(tempfile.mkdtemp(prefix="portal-free-"))
    directory.chmod(0o711)
    yield directory
    shutil.rmtree(directory, ignore_errors=True)


def ask(url: str, sql: str) -> object:
    connection = psycopg2.connect(**connection_parameters(url))
    try:
        with connection.cursor() as cursor:
            cursor.execute(sql)
            row = cursor.fetchone()
            assert row is not None
            return row[0]
    finally:
        connection.close()


def test_the_database_finds_chinese_words_and_listens_on_no_port(where: Places) -> None:
    with temporary_servers(where, "test", broker=False) as addresses:
        url = addresses["DATABASE_URL"]
        assert ask(url, "select current_setting('listen_addresses')") == ""
        assert ask(url, "select current_setting('data_checksums')") == "on"
        # Under --locale=C no Chinese character is a letter, and a trigram index finds nothing.
        assert ask(url, "select '知' ~ '^[[:alpha:]]$'") is True
        sockets = Path(connection_parameters(url)["host"])
        assert stat.S_IMODE(sockets.stat().st_mode) == 0o700
    assert not list(sockets.iterdir())


def test_a_trial_gives_no_durability_away_and_a_test_run_does(where: Places) -> None:
    with temporary_servers(where, "trial", broker=False) as addresses:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            assert ask(addresses["DATABASE_URL"], f"select current_setting('{setting}')") == "on"
    with temporary_servers(where, "test", broker=False) as addresses:
        assert ask(addresses["DATABASE_URL"], "select current_setting('fsync')") == "off"


def test_a_number_left_by_a_crash_that_now_belongs_to_somebody_else_is_no_obstacle(where: Places) -> None:
    with temporary_servers(where, "test", broker=False):
        pass
    note = where.postgres / "postmaster.pid"
    note.write_text(f"{os.getpid()}\n{where.postgres}\n1\n5432\n\n\n")
    with temporary_servers(where, "test", broker=False) as addresses:
        assert ask(addresses["DATABASE_URL"], "select 1") == 1
    assert not note.exists()


def test_an_orphaned_server_is_stopped_before_its_successor_starts(where: Places) -> None:
    postgres = embedded.Postgres(where, "test")
    postgres.initialise()
    process = postgres.process()
    orphan = subprocess.Popen(
        process.argv, cwd="/", user=process.user, stderr=subprocess.DEVNULL, start_new_session=True
    )
    postgres.wait_until_ready(lambda: orphan.poll() is None)
    with temporary_servers(where, "test", broker=False) as addresses:
        assert orphan.wait(10) == 0
        assert ask(addresses["DATABASE_URL"], "select 1") == 1


def test_a_very_long_data_path_still_gets_sockets(free_directory: Path) -> None:
    data = free_directory / "很长的目录" / ("x" * 120)
    data.parent.mkdir(mode=0o711)
    where = Places(data)
    with lock.held(where, "test"), temporary_servers(where, "test") as addresses:
        assert ask(addresses["DATABASE_URL"], "select 1") == 1
        for address in (connection_parameters(addresses["DATABASE_URL"])["host"], addresses["REDIS_URL"]):
            assert len(address) < LONGEST_SOCKET_PATH
        assert embedded.Valkey(where).answers()
    assert not embedded.Valkey(where).answers()


@pytest.mark.skipif(os.getuid() != 0, reason="only root can leave a directory that belongs to somebody else")
def test_a_strangers_socket_directory_is_refused(where: Places) -> None:
    mine = where.socket_directory("pg").parent
    os.chown(mine, 65534, 65534)
    try:
        with pytest.raises(RunError, match="属于其他用户"):
            where.socket_directory("pg")
    finally:
        os.chown(mine, 0, 0)


def test_data_of_another_postgresql_version_are_left_alone(where: Places) -> None:
    where.postgres.mkdir()
    (where.postgres / "PG_VERSION").write_text("9\n")
    with pytest.raises(RunError, match="由 PostgreSQL 9 建立"):
        embedded.Postgres(where, "test").initialise()
    assert (where.postgres / "PG_VERSION").read_text() == "9\n"


def test_production_gets_no_embedded_server_and_no_made_up_secret(
    where: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PORTAL_ENV", "production")
    with pytest.raises(RunError, match="必须设置 DATABASE_URL"), temporary_servers(where, "trial"):
        pass
    assert "SECRET_KEY" not in environment(where)


def test_the_trials_secret_outlives_a_restart_and_is_its_owners_alone(where: Places) -> None:
    first = secret_key(where)
    assert len(first) >= 50
    assert secret_key(where) == first
    assert stat.S_IMODE((where.data / "secret_key").stat().st_mode) == 0o600


def test_reset_wants_the_word_typed(free_directory: Path) -> None:
    where = Places(free_directory / "data")
    with lock.held(where, "test"), temporary_servers(where, "test", broker=False):
        pass
    command = [ROOT / "bin/portal", "reset", "--data", where.data]
    refused = subprocess.run(
        command, input="yes\n", capture_output=True, text=True, env=newcomer_environment(), check=False
    )
    assert refused.returncode == 1
    assert where.postgres.exists()
    agreed = subprocess.run(
        command, input="reset\n", capture_output=True, text=True, env=newcomer_environment(), check=False
    )
    assert agreed.returncode == 0
    assert not where.data.exists()


def test_reset_refuses_a_directory_that_is_not_the_portals(free_directory: Path) -> None:
    (free_directory / "thesis.txt").write_text("years of work")
    for directory in (free_directory, ROOT, ROOT.parent):
        with pytest.raises(RunError, match="没有删除任何内容"):
            reset(Places(directory), confirmed=True)
    assert (free_directory / "thesis.txt").exists()


def test_reset_refuses_while_the_portal_runs(where: Places) -> None:
    with pytest.raises(RunError, match="正被另一个 bin/portal 使用"):
        reset(where, confirmed=True)
    assert where.data.exists()


def test_doctor_reports_as_json_and_says_when_the_database_is_out_of_reach(free_directory: Path) -> None:
    command = [ROOT / "bin/portal", "doctor", "--json", "--data", free_directory / "none"]
    well = subprocess.run(command, capture_output=True, text=True, env=newcomer_environment(), check=False)
    findings = {finding["name"]: finding for finding in json.loads(well.stdout)}
    assert findings["postgres"]["level"] == "ok"
    assert "2026-12-31" in findings["calendar"]["text"]
    assert well.returncode == 0
    assert not (free_directory / "none").exists()

    nowhere = newcomer_environment(DATABASE_URL="postgres://portal@127.0.0.1:1/portal")
    ill = subprocess.run(command, capture_output=True, text=True, env=nowhere, check=False)
    assert ill.returncode == 1
    assert {f["name"]: f["level"] for f in json.loads(ill.stdout)}["postgres"] == "error"


def test_the_pure_commands_need_no_database(free_directory: Path) -> None:
    nowhere = newcomer_environment(PORTAL_DATA=str(free_directory / "none"))
    command = [ROOT / "bin/portal", "manage", "deadline", "2026-09-25T23:59", "--days", "2"]
    done = subprocess.run(command, capture_output=True, text=True, env=nowhere, cwd="/", check=True)
    assert "+08:00" in done.stdout
    assert not (free_directory / "none" / "postgres").exists()
