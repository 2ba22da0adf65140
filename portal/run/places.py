"""Where things lie on disk, and the one error type of the launcher."""

import hashlib
import os
import re
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# sun_path is 108 bytes on Linux and 104 on macOS, with the closing zero.
LONGEST_SOCKET_PATH = 103


class RunError(Exception):
    """Something a person has to put right before the portal can run; the text says how."""


@dataclass(frozen=True)
class Places:
    """The data directory of one portal and what lies in it. `data` is absolute."""

    data: Path

    @property
    def postgres(self) -> Path:
        return self.data / "postgres"

    @property
    def valkey(self) -> Path:
        return self.data / "valkey"

    @property
    def logs(self) -> Path:
        return self.data / "logs"

    @property
    def run(self) -> Path:
        """Lock, addresses, beat schedule: all of it can be lost."""
        return self.data / "run"

    @property
    def lock(self) -> Path:
        return self.run / "lock"

    @property
    def addresses(self) -> Path:
        return self.run / "addresses.json"

    @property
    def files(self) -> Path:
        """Uploads and papers (settings.MEDIA_ROOT)."""
        return self.data / "files"

    @property
    def anchors(self) -> Path:
        """The anchors of the journal (portal/foundation/journal/anchors.py)."""
        return self.data / "anchors"

    @property
    def backup(self) -> Path:
        """Where this data directory is backed up to (portal/run/backup.py); absent without a backup."""
        return self.data / "backup.json"

    @property
    def pdf_libraries(self) -> Path:
        return self.data / "pdf-libs"

    def create(self) -> None:
        """Make the directories; a data directory of ours is closed to others (it holds personal data)."""
        try:
            # Root's PostgreSQL runs as somebody else and must be able to pass through; nobody needs to look inside.
            self.data.mkdir(mode=0o700, parents=True, exist_ok=True)
            if os.getuid() == 0:
                self.data.chmod(self.data.stat().st_mode & 0o7777 | 0o011)
            for directory in (self.logs, self.run):
                directory.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise RunError(
                f"无法建立数据目录 {self.data}：{error.strerror}。请换一个可写的目录（--data 目录）。"
            ) from error

    def socket_directory(self, service: str) -> Path:
        """A short directory, 0700, for the sockets of `service`.

        Sockets can't lie in the data directory: its path may be longer than a socket address allows. The directory's
        name follows from the data directory, so `up`, `manage` and a second `up` agree on it. A directory of that name
        that belongs to somebody else is refused, because a stranger's socket there would receive our queries.
        """
        key = hashlib.sha256(os.fsencode(self.data)).hexdigest()[:10]
        directory = Path(tempfile.gettempdir()) / f"portal-{os.getuid()}-{key}"
        # Too long for a socket, or in need of quoting in an address: then the short place.
        too_long = len(os.fsencode(directory / service / ".s.PGSQL.5432")) > LONGEST_SOCKET_PATH
        if too_long or not re.fullmatch(r"[\w./-]+", str(directory), re.ASCII):
            directory = Path("/tmp") / directory.name  # noqa: S108 - checked below for owner and mode
        directory.mkdir(mode=0o711, exist_ok=True)
        facts = directory.lstat()
        if not stat.S_ISDIR(facts.st_mode) or facts.st_uid != os.getuid():
            raise RunError(
                f"{directory} 属于其他用户，不能存放数据库套接字。请删除它，或用 TMPDIR 指定另一个临时目录。"
            )
        directory.chmod(
            0o711
        )  # nobody may write here, so what lies inside is ours; root's PostgreSQL must pass through
        inside = directory / service
        inside.mkdir(mode=0o700, exist_ok=True)
        return inside


def places(data: str | os.PathLike[str] | None = None) -> Places:
    """The places under `data`, else `PORTAL_DATA`, else `.data` in the checkout. Relative paths start at the caller's directory."""
    chosen = data or os.environ.get("PORTAL_DATA") or ROOT / ".data"
    return Places(Path(os.path.realpath(os.path.expanduser(chosen))))
