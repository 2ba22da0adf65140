"""Keys are their owner's alone; `doctor` says when they are not, and names no secret."""

import logging
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from django.conf import settings

from portal.run import embedded
from portal.run.doctor_keys import backups, keys, secrets_in_sight
from portal.run.environment import throw_away
from portal.run.places import Places
from portal.run.processes import Process, start


def test_a_key_that_others_may_read_is_an_error(tmp_path: Path) -> None:
    where = Places(tmp_path)
    assert [finding.level for finding in keys(where)] == ["ok"]
    (tmp_path / "secret_key").write_text("the-secret-itself")
    (tmp_path / "secret_key").chmod(0o600)
    (tmp_path / "keys").mkdir(mode=0o700)
    (tmp_path / "keys/signing.pem").write_text("PRIVATE")
    (tmp_path / "keys/signing.pem").chmod(0o600)
    assert [finding.level for finding in keys(where)] == ["ok"]
    (tmp_path / "keys/signing.pem").chmod(0o640)
    (finding,) = keys(where)
    assert finding.level == "error"
    assert "signing.pem" in finding.text
    assert "chmod 600" in finding.text
    assert "PRIVATE" not in finding.text


@pytest.mark.parametrize("name", ["SEAL_PKCS12", "SIGNING_KEY_FILE"])
def test_keys_named_by_settings_are_looked_at_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    key = tmp_path / "seal.p12"
    key.write_bytes(b"x")
    key.chmod(0o644)
    monkeypatch.setenv(name, str(key))
    (finding,) = keys(Places(tmp_path / "data"))
    assert (finding.level, "seal.p12" in finding.text) == ("error", True)


def test_a_password_in_the_command_line_is_seen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Everybody on the machine reads command lines; the environment only its owner and root."""
    assert secrets_in_sight({"SECRET_KEY": "abcdefghijkl"}, ["python manage.py clock"]) == []
    (finding,) = secrets_in_sight({"SECRET_KEY": "abcdefghijkl"}, ["python x --key abcdefghijkl"])
    assert finding.level == "error"
    assert "SECRET_KEY" in finding.text
    assert "abcdefghijkl" not in finding.text
    url = "postgres://portal:pass-word-1@db/portal"
    (finding,) = secrets_in_sight({"DATABASE_URL": url}, [f"psql {url}"])
    assert "pass-word-1" not in finding.text


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="only Linux shows it")
def test_another_account_cannot_read_our_environment() -> None:
    """What /proc says of a process of ours: its environment is its owner's alone."""
    assert os.stat("/proc/self/environ").st_mode & 0o077 == 0


def test_without_a_backup_doctor_says_so(tmp_path: Path) -> None:
    (finding,) = backups(Places(tmp_path))
    assert finding.level == "warning"
    assert "bin/portal backup" in finding.text


def test_the_servers_get_no_secret_of_ours(tmp_path: Path) -> None:
    """PostgreSQL runs under another account when we are root; what it was given, that account reads in /proc."""
    given = {"PATH": os.environ["PATH"], "LC_ALL": "C", "SECRET_KEY": "secret-1", "SEAL_PASSWORD": "secret-2"}
    env = str(shutil.which("env"))
    for bare, seen in ((True, False), (False, True)):
        child = start(Process("env", (env,), bare=bare, variables={"OWN": "1"}), given, subprocess.PIPE)
        said = child.communicate()[0].decode()
        assert ("secret-1" in said, "secret-2" in said, "OWN=1" in said) == (seen, seen, True)
    with throw_away("bare") as where:
        assert embedded.Postgres(where, "test").process().bare
        assert embedded.Valkey(where).process().bare


def test_no_error_is_mailed_to_anybody() -> None:
    """A traceback quotes what people typed; Django would mail it to ADMINS."""
    assert logging.getLogger("django").handlers == []
    assert settings.ADMINS == []
