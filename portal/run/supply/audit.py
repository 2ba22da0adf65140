"""`bin/portal audit [--database FILE]`: the locks against advisories that the operator brings, without any network.

The file is in the OSV format: one advisory, a list of them, a directory of such files, or a ZIP of them.
"""

import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.version import InvalidVersion, Version

from portal.run.places import RunError
from portal.run.supply.locked import Part, normal, parts

NOTHING = (
    "没有给出漏洞库，什么也没有核对。请从可信的来源取得 OSV 格式的漏洞库（JSON、目录或 ZIP），"
    "再运行 bin/portal audit --database 文件。"
)


@dataclass(frozen=True)
class Hit:
    """One advisory that concerns one part."""

    part: Part
    number: str
    summary: str
    fixed: tuple[str, ...]


def audit(database: Path | None) -> int:
    """Print what was found: 0 nothing, 1 something, 2 nothing was looked at. RunError for a file that is no such database."""
    if database is None:
        print(NOTHING)
        return 2
    advisories = list(read(database))
    if not advisories:
        raise RunError(f"{database} 中没有一条 OSV 格式的漏洞记录，什么也没有核对。")
    locked = parts()
    hits = list(find(locked, advisories))
    for hit in hits:
        cure = f"，修复于 {'、'.join(hit.fixed)}" if hit.fixed else "，尚无修复版本"
        print(f"{hit.part.name} {hit.part.version}（{hit.part.scope}）：{hit.number} {hit.summary}{cure}")
    newest = max((str(one.get("modified", "")) for one in advisories), default="")
    print(
        f"核对了 {len(locked)} 个部件、{len(advisories)} 条记录（最近更新 {newest or '未注明'}）：{len(hits)} 处命中。"
    )
    return 1 if hits else 0


def find(locked: list[Part], advisories: list[dict[str, Any]]) -> Iterator[Hit]:
    """Every advisory that names a locked version; withdrawn ones do not count."""
    by_name: dict[tuple[str, str], list[Part]] = {}
    for part in locked:
        by_name.setdefault((part.ecosystem, part.name), []).append(part)
    for one in advisories:
        if one.get("withdrawn"):
            continue
        for affected in one.get("affected", []):
            package = affected.get("package", {})
            name = str(package.get("name", ""))
            ecosystem = str(package.get("ecosystem", ""))
            for part in by_name.get((ecosystem, normal(name) if ecosystem == "PyPI" else name), []):
                if concerns(affected, part.version):
                    yield Hit(
                        part, str(one["id"]), " ".join(str(one.get("summary", "")).split())[:120], _fixed(affected)
                    )


def concerns(affected: dict[str, Any], version: str) -> bool:
    """Whether this version is listed, or lies in one of the ranges. One that cannot be compared counts as concerned."""
    if version in affected.get("versions", []):
        return True
    ranges = [one for one in affected.get("ranges", []) if one.get("type") in ("ECOSYSTEM", "SEMVER")]
    return any(_within(one.get("events", []), version) for one in ranges)


def _within(events: list[dict[str, str]], version: str) -> bool:
    try:
        here = Version(version)
        marks = sorted(((_place(value), kind) for event in events for kind, value in event.items()), key=lambda m: m[0])
        inside = False
        for place, kind in marks:
            if kind == "introduced" and here >= place:
                inside = True
            elif (kind == "fixed" and here >= place) or (kind == "last_affected" and here > place):
                inside = False
    except InvalidVersion:
        return True
    return inside


def _place(text: str) -> Version:
    return Version("0.dev0" if text == "0" else text)


def _fixed(affected: dict[str, Any]) -> tuple[str, ...]:
    events = (
        event for one in affected.get("ranges", []) if one.get("type") != "GIT" for event in one.get("events", [])
    )
    return tuple(sorted({event["fixed"] for event in events if "fixed" in event}))


def read(database: Path) -> Iterator[dict[str, Any]]:
    """The advisories of a file, a directory or a ZIP. RunError for what cannot be read."""
    try:
        if database.is_dir():
            for file in sorted(database.rglob("*.json")):
                yield from _advisories(file.read_bytes())
        elif zipfile.is_zipfile(database):
            with zipfile.ZipFile(database) as package:
                for name in sorted(package.namelist()):
                    if name.endswith(".json"):
                        yield from _advisories(package.read(name))
        else:
            yield from _advisories(database.read_bytes())
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise RunError(f"读不了漏洞库 {database}：{error}") from error


def _advisories(body: bytes) -> Iterator[dict[str, Any]]:
    said = json.loads(body)
    for one in said if isinstance(said, list) else [said]:
        if isinstance(one, dict) and "id" in one and "affected" in one:
            yield one
