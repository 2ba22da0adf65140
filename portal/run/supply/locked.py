"""The lock files as data. Nothing is asked of any index, and no address of one is written anywhere."""

import json
import re
import tomllib
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from portal.run.places import ROOT, RunError

# Lock file → what CycloneDX calls it: needed in production, for a trial on one machine, for tests only.
LOCKS = {"base": "required", "embedded": "optional", "test": "excluded"}
_PIN = re.compile(
    r"^(?P<name>[A-Za-z0-9][\w.-]*)(?:\[[^\]]*\])?==(?P<version>[^\s;\\]+)(?:\s*;\s*(?P<marker>[^\\]+?))?\s*\\?$"
)
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")

# Read from the package's own licence file where its metadata says nothing, or where this machine does not install it.
REVIEWED = {
    "async-timeout": "Apache-2.0",
    "axe-playwright-python": "MIT",
    "brotlicffi": "MIT",
    "colorama": "BSD-3-Clause",
    "tzdata": "Apache-2.0",
}
# What metadata calls a licence → its SPDX identifier, where that is beyond doubt («BSD» alone is not).
_SPDX = {
    **dict.fromkeys(("MIT", "MIT License"), "MIT"),
    **dict.fromkeys(("Apache 2.0", "Apache-2.0", "Apache Software License"), "Apache-2.0"),
    **dict.fromkeys(("BSD-3-Clause", "New BSD"), "BSD-3-Clause"),
    **dict.fromkeys(("BSD 2-Clause License", "BSD-2-Clause"), "BSD-2-Clause"),
    **dict.fromkeys(("MPL-2.0", "Mozilla Public License 2.0 (MPL 2.0)"), "MPL-2.0"),
    **dict.fromkeys(("PSF-2.0", "PSFL", "Python Software Foundation License"), "PSF-2.0"),
    **dict.fromkeys(("SIL Open Font License 1.1 (OFL-1.1)", "OFL-1.1"), "OFL-1.1"),
    "BSD 3-Clause OR Apache-2.0": "BSD-3-Clause OR Apache-2.0",
}


@dataclass(frozen=True)
class Part:
    """One package or browser file. `licence` is an SPDX expression where `spdx`, else the name its author gave."""

    ecosystem: str  # PyPI or npm, as advisories name them
    name: str
    version: str
    scope: str
    hashes: tuple[str, ...]  # SHA-256 of each file the lock allows
    licence: str
    spdx: bool
    wanted_by: tuple[str, ...] = ()  # names, "" for ourselves

    @property
    def ref(self) -> str:
        """The package URL: a name, no address."""
        return f"pkg:{self.ecosystem.lower()}/{self.name}@{self.version}"


def parts() -> list[Part]:
    """Every locked package and every vendored browser file, ordered by reference. RunError where a lock is not whole."""
    found: dict[tuple[str, str], Part] = {}
    for lock, scope in LOCKS.items():
        for part in requirements(ROOT / "requirements" / f"{lock}.txt", scope):
            found.setdefault((part.name, part.version), part)
    return sorted([*found.values(), *vendored()], key=lambda part: part.ref)


def requirements(file: Path, scope: str) -> list[Part]:
    """The packages of one lock file. RunError for a line without a version, a hash or a known licence."""
    found = []
    for block in _blocks(file.read_text("utf-8")):
        pin = _PIN.match(block[0])
        if not pin:
            raise RunError(f"{file.name} 中这一行没有锁定版本：{block[0].strip()}")
        name = normal(pin["name"])
        hashes = tuple(sorted(_HASH.findall("\n".join(block))))
        if not hashes:
            raise RunError(f"{file.name} 中 {name} 没有摘要（--hash）。请用 --generate-hashes 重新锁定。")
        licence, spdx = licence_of(name, pin["version"])
        found.append(Part("PyPI", name, pin["version"], scope, hashes, licence, spdx, _via(block)))
    return found


def _blocks(text: str) -> list[list[str]]:
    """The lines of each requirement: its pin, its hashes and who wants it."""
    blocks: list[list[str]] = []
    for line in text.splitlines():
        if line and not line[0].isspace() and not line.startswith("#"):
            blocks.append([line])
        elif blocks:
            blocks[-1].append(line)
    return blocks


def _via(block: list[str]) -> tuple[str, ...]:
    words = [line.strip().removeprefix("#").strip().removeprefix("via").strip() for line in block if "#" in line]
    names = ("" if word.startswith("-r ") else normal(word) for word in words if word and not word.startswith("-c "))
    return tuple(sorted(set(names)))


def vendored() -> list[Part]:
    """The browser files of static/vendor, with the digests of what is served."""
    lock: dict[str, Any] = json.loads((ROOT / "static/vendor/vendor.lock.json").read_text("utf-8"))
    return [
        Part("npm", name, one["version"], "required", tuple(sorted(one["files"].values())), one["licence"], True, ("",))
        for name, one in lock.items()
    ]


def licence_of(name: str, version: str) -> tuple[str, bool]:
    """The licence, and whether it is an SPDX expression. RunError when nobody knows it: then somebody has to read it."""
    if name in REVIEWED:
        return REVIEWED[name], True
    try:
        about = metadata.metadata(name)
    except metadata.PackageNotFoundError:
        raise RunError(
            f"{name} {version} 没有安装，不知道它的许可证。请先运行 bin/portal test 安装全部依赖。"
        ) from None
    if about["Version"] != version:
        raise RunError(f"{name} 锁定的是 {version}，安装的是 {about['Version']}。请重新安装依赖。")
    if said := _said(about, "License-Expression"):
        return said, True
    text = _said(about, "License").strip()
    named = [
        one.rpartition("::")[2].strip() for one in about.get_all("Classifier") or [] if one.startswith("License ::")
    ]
    for word in (text, *named[:1]):
        if word in _SPDX:
            return _SPDX[word], True
    names = sorted(set(named) - {"DFSG approved", "Other/Proprietary License"})
    if names:
        return " / ".join(names), False
    if text and "\n" not in text:
        return text, False
    raise RunError(
        f"{name} {version} 的元数据没有写明许可证。请查看它的许可证文件，填入 portal/run/supply/locked.py 的 REVIEWED。"
    )


def _said(about: "metadata.PackageMetadata", field: str) -> str:
    return str(about[field]) if field in about else ""


def normal(name: str) -> str:
    """A package's name as every tool writes it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def ourselves() -> tuple[str, str]:
    """Name and version of the portal."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    return project["name"], project["version"]
