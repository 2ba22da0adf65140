"""Checking an exported journal without the portal: standard library only, one pass, constant memory.

The export (`export_journal`) is lines of UTF-8. The first is a header, then one line for each sealed entry,
`number digest entry`, where `number` counts from 1 without a gap and `entry` is the canonical JSON that was hashed; then one
line `- - entry` for each that waits to be sealed; the last is a trailer. What is checked:

- each digest is SHA-256(previous digest + entry): nothing altered, removed, inserted or put elsewhere;
- numbers run on, and the trailer's counts, last digest and SHA-256 hold: nothing lost on the way. No key is in the trailer:
  whoever changes the file on purpose writes another;
- each anchor (anchors.py), kept elsewhere, stands where it stood, carries the digest of the one before, and is the file of
  which the journal tells: up to the last anchor nobody wrote the chain anew or cut it off;
- a head that was noted once (`--head`, the first 16 digits do) stands somewhere in the chain: nobody did so after the last
  anchor either, up to that head.

What waits to be sealed is not bound by anything.

Runs alone too: `python -m portal.foundation.journal.verifying journal.jsonl --anchors anchors/ --head DIGEST`.
"""

import argparse
import hashlib
import json
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .chain import FIELDS, GENESIS

FORMAT = "portal-journal/1"
WAITING = b"-"
_ANCHORED = b'"journal.anchored"'
HEAD_DIGITS = 16  # of a noted head; the page shows as many
_MOST = 1000  # findings kept; more are only counted


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that does not hold: `kind` for machines, the place, and a sentence."""

    kind: str
    place: int  # the number in the chain; 0: the file as a whole
    said: str


@dataclass(slots=True)
class Report:
    """What one pass found; `ok` when nothing. `told`: of which anchor files the journal tells, name → SHA-256."""

    sealed: int = 0
    waiting: int = 0
    head: str = GENESIS
    anchors: int = 0
    seconds: float = 0.0
    count: int = 0
    findings: list[Finding] = field(default_factory=list)
    told: dict[str, str] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        return self.count == 0

    def add(self, kind: str, place: int, said: str) -> None:
        self.count += 1
        if len(self.findings) < _MOST:
            self.findings.append(Finding(kind, place, said))


def header(**about: Any) -> bytes:
    """The first line of an export."""
    return _line({"format": FORMAT, **about})


def trailer(*, sealed: int, waiting: int, head: str, sha256: str) -> bytes:
    """The last line; `sha256` is of every byte before it."""
    return _line({"sealed": sealed, "waiting": waiting, "head": head, "sha256": sha256})


def _line(content: Mapping[str, Any]) -> bytes:
    return json.dumps(content, ensure_ascii=False, sort_keys=True).encode() + b"\n"


def check(lines: Iterable[bytes], *, anchors: Mapping[int, str] | None = None, head: str = "") -> Report:
    """One pass over an export's lines. `anchors` gives the digest that stood at a number of the chain, `head` one that stood
    somewhere (its first digits, at least HEAD_DIGITS)."""
    report, began = Report(), time.perf_counter()
    expected = dict(anchors or {})
    sha256, whole = hashlib.sha256, hashlib.sha256()
    previous, number, last = GENESIS.encode(), 0, b""
    noted, seen = head.encode(), len(head) < HEAD_DIGITS
    stream = iter(lines)
    first = next(stream, b"")
    if _parsed(first).get("format") != FORMAT:
        report.add("header", 0, "文件开头不是日志导出的格式。")
    whole.update(first)
    for line in stream:
        if line.startswith(b"{"):
            last = line
            break
        whole.update(line)
        stated, _, rest = line.partition(b" ")
        digest, _, entry = rest.partition(b" ")
        entry = entry.rstrip(b"\n")
        if _ANCHORED in entry:
            _hear(entry, report.told)
        if stated == WAITING:
            report.waiting += 1
            continue
        number += 1
        if report.waiting:
            report.add("order", number, f"第 {number} 条排在待封存的记录之后。")
        if stated != b"%d" % number:
            report.add("number", number, f"第 {number} 条的序号写成了 {_short(stated)}。")
        if sha256(previous + entry).hexdigest().encode() != digest:
            report.add("link", number, f"第 {number} 条（日志 {_id(entry)}）与前一条接不上：被改动，或者它之前有增删。")
        if number in expected and expected.pop(number) != digest.decode(errors="replace"):
            report.add("anchor", number, f"第 {number} 条与锚点不一致：它或它之前的记录被重写过。")
        seen = seen or digest.startswith(noted)
        previous = digest
    if not seen:
        report.add("head", number, "记下的摘要不在链里：末尾被截去或改写过，或者摘要抄错了。")
    report.sealed, report.head = number, previous.decode(errors="replace")
    for lost in sorted(expected):
        report.add("anchor", lost, f"锚点记着第 {lost} 条，这里没有：末尾被截去，或者文件导出于这个锚点之前。")
    report.anchors = len(anchors or {})
    _check_end(report, last, whole.hexdigest())
    if next(stream, None) is not None:
        report.add("trailer", 0, "结尾之后还有内容。")
    report.seconds = time.perf_counter() - began
    return report


def _hear(entry: bytes, told: dict[str, str]) -> None:
    """The digest of an anchor file, where this entry tells of one."""
    try:
        row = dict(zip(FIELDS, json.loads(entry), strict=True))
        if row["verb"] == "journal.anchored":
            told[str(row["subject"]).removeprefix("anchor:")] = str(row["data"].get("digest"))
    except (ValueError, TypeError, AttributeError):
        return  # not an entry: its digest does not hold either


def _check_end(report: Report, line: bytes, sha256: str) -> None:
    end = _parsed(line)
    if not end:
        report.add("trailer", 0, "没有结尾：文件不完整。")
        return
    if (end.get("sealed"), end.get("waiting")) != (report.sealed, report.waiting):
        report.add("trailer", 0, f"结尾说有 {end.get('sealed')} 条已封存、{end.get('waiting')} 条待封存，实际不同。")
    if end.get("head") != report.head:
        report.add("trailer", 0, "结尾的摘要不是最后一条的摘要。")
    if line != trailer(sealed=report.sealed, waiting=report.waiting, head=report.head, sha256=sha256):
        report.add("trailer", 0, "文件的摘要对不上：某处的字节被改过。")


def _parsed(line: bytes) -> dict[str, Any]:
    try:
        content = json.loads(line)
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def _id(entry: bytes) -> str:
    return _short(entry[1:].partition(b",")[0])


def _short(text: bytes) -> str:
    return text[:20].decode(errors="replace")


@dataclass(slots=True)
class Anchors:
    """The anchor files of a folder: the digest that stood at a number of the chain, and each file's own digest by its name."""

    heads: dict[int, str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)


def read_anchors(folder: Path, report: Report) -> Anchors:
    """Every anchor file; what is wrong with the files themselves goes into `report`."""
    found, before = Anchors(), ""
    for path in sorted(folder.glob("*.json"), key=lambda path: path.stem):
        body = path.read_bytes()
        anchor = _parsed(body)
        if anchor.get("name") != path.stem or not isinstance(anchor.get("sealed"), int):
            report.add("anchor", 0, f"锚点文件 {path.name} 的内容不对。")
        elif anchor.get("previous") != before:
            report.add("anchor", anchor["sealed"], f"锚点文件 {path.name} 与前一个接不上：被改动，或者中间少了一个。")
        elif "sm3" in hashlib.algorithms_available and anchor.get("sm3") != _sm3(str(anchor.get("head"))):
            report.add("anchor", anchor["sealed"], f"锚点文件 {path.name} 的 SM3 摘要对不上。")
        before = found.files[path.stem] = hashlib.sha256(body).hexdigest()
        if isinstance(anchor.get("sealed"), int) and anchor["sealed"] > 0:
            found.heads[anchor["sealed"]] = str(anchor.get("head"))
    return found


def _sm3(text: str) -> str:
    return hashlib.new("sm3", text.encode()).hexdigest()


def check_with(lines: Iterable[bytes], folder: Path | None, *, head: str = "") -> Report:
    """The report on an export with the anchors of `folder` (None: without them) and a `head` that was noted once.

    The one way to check, for the command, the page and a restored portal. A folder without anchors is a finding: a mistyped
    name must not look like a check that passed.
    """
    early = Report()
    anchors = read_anchors(folder, early) if folder is not None else Anchors()
    report = check(lines, anchors=anchors.heads, head=head)
    if folder is not None:
        report.anchors = len(anchors.files)
        if report.sealed and not anchors.files:
            early.add("anchor", 0, "这个目录里没有锚点：目录写错了，或者锚点被删除了。没有锚点，看不出整条链被重写。")
        for name, digest in sorted(report.told.items()):
            kept = anchors.files.get(name)
            if kept is None:
                early.add("anchor", 0, f"日志记着锚点 {name}，目录里没有这个文件：被删除了，或者还没有复制过来。")
            elif kept != digest:
                early.add("anchor", 0, f"锚点文件 {name}.json 与日志记的摘要不一致：文件被换过。")
    if head and len(head) < HEAD_DIGITS:
        early.add("head", 0, f"记下的摘要太短：至少要前 {HEAD_DIGITS} 位。")
    report.findings[:0] = early.findings
    report.count += early.count
    return report


def check_file(path: Path, *, anchors: Path | None = None, head: str = "") -> Report:
    """The report on one exported file."""
    with path.open("rb", buffering=1 << 20) as file:
        return check_with(file, anchors, head=head)


def told(report: Report) -> Iterator[str]:
    """The report in lines for a terminal."""
    yield f"已封存 {report.sealed} 条，待封存 {report.waiting} 条，锚点 {report.anchors} 个，用时 {report.seconds:.1f} 秒。"
    yield f"最后的摘要 {report.head}"
    for finding in report.findings[:20]:
        yield f"异常：{finding.said}"
    if report.count > 20:
        yield f"……共 {report.count} 处异常。"
    yield "完整，没有发现改动。" if report.ok else f"不完整：{report.count} 处异常。"


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="离线核验导出的日志")
    parser.add_argument("file", type=Path)
    parser.add_argument("--anchors", type=Path)
    parser.add_argument("--head", default="")
    given = parser.parse_args(argv)
    report = check_file(given.file, anchors=given.anchors, head=given.head)
    print(*told(report), sep="\n")
    return 0 if report.ok else 1


if __name__ == "__main__":
    sys.exit(main())
