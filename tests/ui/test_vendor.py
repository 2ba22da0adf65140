"""The browser files we did not write are the reviewed ones."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def check(root: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(root / "scripts" / "vendor.py"), "--check"], capture_output=True, text=True, check=False
    )


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "static" / "vendor", tmp_path / "static" / "vendor")
    (tmp_path / "scripts").mkdir()
    shutil.copy(ROOT / "scripts" / "vendor.py", tmp_path / "scripts")
    shutil.copy(ROOT / "package-lock.json", tmp_path)
    return tmp_path


def test_the_checked_in_files_are_the_locked_ones() -> None:
    result = check(ROOT)
    assert result.returncode == 0, result.stderr


def test_one_changed_byte_is_found(copied: Path) -> None:
    script = copied / "static" / "vendor" / "htmx.min.js"
    script.write_bytes(script.read_bytes() + b" ")
    result = check(copied)
    assert result.returncode == 1
    assert "htmx.min.js: changed" in result.stderr


def test_an_added_file_and_another_version_are_found(copied: Path) -> None:
    (copied / "static" / "vendor" / "extra.js").write_text("alert(1)")
    lock = json.loads((copied / "package-lock.json").read_text())
    lock["packages"]["node_modules/htmx.org"]["version"] = "4.0.2"
    (copied / "package-lock.json").write_text(json.dumps(lock))
    result = check(copied)
    assert result.returncode == 1
    assert "extra.js: not in the lock" in result.stderr
    assert "htmx.org: lock says 4.0.1" in result.stderr


def test_no_lock_file_names_an_address() -> None:
    lock = json.loads((ROOT / "package-lock.json").read_text())
    for name, entry in lock["packages"].items():
        assert "resolved" not in entry, name
        assert name == "" or entry["integrity"].startswith("sha512-")


def test_licences_travel_with_the_files() -> None:
    listed = (ROOT / "THIRD_PARTY.md").read_text(encoding="utf-8")
    locked = json.loads((ROOT / "static" / "vendor" / "vendor.lock.json").read_text())
    for package, entry in locked.items():
        assert f"| {package} | {entry['version']} |" in listed
        assert any(name.endswith("LICENSE.txt") for name in entry["files"])
