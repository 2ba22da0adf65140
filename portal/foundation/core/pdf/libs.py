"""Pango without an administrator: download its Debian packages and unpack them into the portal's own directory.

``python -m portal.foundation.core.pdf.libs DIRECTORY`` prints the value for LD_LIBRARY_PATH (nothing when the system
already has the libraries) and must run before the process that prints: the loader reads the variable only at start.
Needs only the standard library; about 10 MB and ten seconds, once.
"""

import ctypes
import os
import shutil
import subprocess
import sys
from pathlib import Path

PACKAGES = ("libpango-1.0-0", "libpangoft2-1.0-0", "libharfbuzz-subset0")
LIBRARIES = ("libgobject-2.0.so.0", "libpango-1.0.so.0", "libpangoft2-1.0.so.0", "libharfbuzz-subset.so.0")
BY_HAND = (
    f"请由管理员执行 apt-get install --no-install-recommends {' '.join(PACKAGES)}；没有这些库时，PDF 改由浏览器打印。"
)
SYSTEM_STATUS = Path("/var/lib/dpkg/status")
# The C library and its companions must come from the running system, never from a download.
NEVER = ("libc6", "libc-bin", "libgcc-s1", "gcc-", "libstdc++6", "libcrypt1")
PATIENCE = 300  # seconds for one apt-get


class LibrariesMissing(RuntimeError):
    """The libraries could not be had; the message is a Chinese sentence saying why and what to do."""


def missing() -> list[str]:
    """Return the libraries the loader does not find (Linux names; empty on other systems, which name them otherwise)."""
    absent = []
    for name in LIBRARIES if sys.platform == "linux" else ():
        try:
            ctypes.CDLL(name)
        except OSError:
            absent.append(name)
    return absent


def fetch_private(target: Path | str, *, status: Path = SYSTEM_STATUS) -> str | None:
    """Unpack the libraries below `target` and return the LD_LIBRARY_PATH to set; None when the system has them.

    Uses a private apt state, so no rights are needed and the system stays as it is. A second call returns at once.
    `status` is dpkg's list of installed packages, which decides what is missing. Raises LibrariesMissing.
    """
    if status == SYSTEM_STATUS and not missing():
        return None
    target = Path(target).resolve()
    root = target / "root"
    finished = target / "complete"
    if not finished.is_file():
        for tool in ("apt-get", "dpkg-deb"):
            if shutil.which(tool) is None:
                raise LibrariesMissing(f"缺少 Pango，且本机没有 {tool}，无法自动下载。{BY_HAND}")
        try:
            packages = _download(target, status)
            shutil.rmtree(root, ignore_errors=True)
            root.mkdir(parents=True)
            for package in packages:
                _run("dpkg-deb", "-x", str(package), str(root))
            for leftover in ("apt", "packages"):
                shutil.rmtree(target / leftover, ignore_errors=True)
            finished.write_text("\n".join(package.name for package in packages) + "\n", "utf-8")
        except OSError as error:
            raise LibrariesMissing(f"缺少 Pango，写入 {target} 失败：{error.strerror}。{BY_HAND}") from error
    folders = sorted({str(library.parent) for library in root.rglob("*.so.*")})
    return ":".join([*folders, *filter(None, [os.environ.get("LD_LIBRARY_PATH")])])


def _download(target: Path, status: Path) -> list[Path]:
    state = target / "apt"
    packages = target / "packages"
    for folder in (state / "lists" / "partial", state / "cache" / "archives" / "partial", packages):
        folder.mkdir(parents=True, exist_ok=True)
    apt = [
        "apt-get",
        "--quiet=2",
        *("-o", f"Dir::State={state}", "-o", f"Dir::State::lists={state / 'lists'}"),
        *("-o", f"Dir::Cache={state / 'cache'}", "-o", f"Dir::State::status={status}"),
        *("-o", "Debug::NoLocking=1", "-o", "APT::Sandbox::User=", "-o", "Acquire::Languages=none"),
    ]
    _run(*apt, "update")
    plan = _run(*apt, "--simulate", "--no-install-recommends", "install", *PACKAGES)
    needed = [line.split()[1] for line in plan.splitlines() if line.startswith("Inst ")]
    needed = [name for name in needed if not name.startswith(NEVER)]
    if not needed:
        raise LibrariesMissing(f"系统登记了 Pango，但无法加载。{BY_HAND}")
    _run(*apt, "download", *needed, folder=packages)
    return sorted(packages.glob("*.deb"))


def _run(*command: str, folder: Path | None = None) -> str:
    try:
        done = subprocess.run(  # noqa: S603 - fixed commands, no shell
            command,
            cwd=folder,
            env={**os.environ, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"},
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise LibrariesMissing(f"缺少 Pango，下载超过 {PATIENCE} 秒仍未完成。{BY_HAND}") from error
    if done.returncode:
        complaint = (done.stderr.strip().splitlines() or ["没有说明"])[-1]
        raise LibrariesMissing(f"缺少 Pango，自动下载没有成功（{command[0]}：{complaint}）。{BY_HAND}")
    return done.stdout


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("用法：python -m portal.foundation.core.pdf.libs 目录")
    try:
        found = fetch_private(sys.argv[1])
    except LibrariesMissing as error:
        sys.exit(str(error))
    if found:
        print(found)
