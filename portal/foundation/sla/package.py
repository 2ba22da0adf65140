"""证据包: journal entries as lines of JSON, which `manage.py replay --journal` and any other program can work through. Pure.

The first line says what the file is; each further line is one entry as the chain hashes it, with its seal.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from portal.foundation.core.moments import iso
from portal.foundation.journal.chain import FIELDS

FORMAT = "clock-evidence/1"
LONGEST_LINE = 2_000_000  # characters
README = (
    "本文件是时限证据包，每行一个 JSON。第一行是说明，其后每行是一条日志和它的封存环节。"
    f"核对一条：把 {'、'.join(FIELDS)} 的值依次排成 JSON 数组（键按字母排序，不留空格，UTF-8），接在 seal.previous 之后取 SHA-256，"
    "应等于 seal.digest；hidden 列出为保护其他当事人而略去的部分，这样的一条不能在此核对。"
    "重新推算：bin/portal manage replay --journal 本文件。"
)
_SEAL = ("number", "digest", "previous", "sealed_at")


class BadPackage(ValueError):
    """The file cannot be used; str() is a Chinese sentence naming the line and what is wrong."""


@dataclass(frozen=True, slots=True)
class Package:
    """What a file holds. `clocks`: those it is about (others may be mentioned); `missing`: entries it should have and has not."""

    case_number: str
    as_of: datetime
    clocks: frozenset[int]
    rows: list[dict[str, Any]]
    missing: list[int]


def lines(
    rows: Sequence[Mapping[str, Any]], *, case_number: str, clocks: Iterable[int], as_of: datetime, taken: str = ""
) -> Iterator[str]:
    """The file's lines, each ending with a line feed; rows as `journal.extract` gives them. `taken`: by whom and when."""
    header = {
        "record": "header",
        "format": FORMAT,
        "readme": README,
        "case_number": case_number,
        "as_of": iso(as_of),
        "clocks": sorted(clocks),
        "taken": taken,
        "entries": [row["id"] for row in rows],
    }
    yield json.dumps(header, ensure_ascii=False) + "\n"
    for row in rows:
        yield json.dumps({"record": "entry", **row}, ensure_ascii=False, sort_keys=True) + "\n"


def read(text: Iterable[str]) -> Package:
    """A file's lines back into rows. Raises BadPackage."""
    found = [_line(number, line) for number, line in enumerate(text, start=1) if line.strip()]
    if not found or found[0].get("record") != "header" or found[0].get("format") != FORMAT:
        raise BadPackage("这不是时限证据包：第一行应是说明（record 为 header）。")
    header, rows = found[0], found[1:]
    for number, row in enumerate(rows, start=2):
        _require_entry(number, row)
    try:
        have = {row["id"] for row in rows}
        return Package(
            case_number=str(header["case_number"]),
            as_of=datetime.fromisoformat(header["as_of"]),
            clocks=frozenset(int(pk) for pk in header["clocks"]),
            rows=[{key: value for key, value in row.items() if key != "record"} for row in rows],
            missing=sorted({int(pk) for pk in header["entries"]} - have),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise BadPackage(f"第 1 行的说明不完整：{error}。") from error


def _line(number: int, line: str) -> dict[str, Any]:
    if len(line) > LONGEST_LINE:
        raise BadPackage(f"第 {number} 行过长。")
    try:
        found = json.loads(line)
    except json.JSONDecodeError as error:
        raise BadPackage(f"第 {number} 行不是有效的 JSON，文件可能不完整。") from error
    if not isinstance(found, dict):
        raise BadPackage(f"第 {number} 行应是一个 JSON 对象。")
    return found


def _require_entry(number: int, row: Mapping[str, Any]) -> None:
    seal = row.get("seal", "")
    good = (
        row.get("record") == "entry"
        and all(name in row for name in FIELDS)
        and isinstance(row["id"], int)
        and isinstance(row["data"], dict)
        and (seal is None or (isinstance(seal, dict) and all(name in seal for name in _SEAL)))
    )
    if not good:
        raise BadPackage(f"第 {number} 行不是一条完整的日志。")
