"""An auditor opens the two matrices: every row says what holds, and every piece of evidence it names can be opened."""

import ast
import csv
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from portal.run.places import ROOT

FOLDER = ROOT / "docs" / "compliance"
STATUSES = {"met", "partly", "not applicable", "open", "hosting"}
PROVEN = {"met", "partly"}
# ASVS 5.0.0: requirements of level 1 and 2 in each chapter, 253 together.
ASVS = {
    1: 27,
    2: 11,
    3: 19,
    4: 10,
    5: 9,
    6: 35,
    7: 18,
    8: 7,
    9: 7,
    10: 29,
    11: 14,
    12: 9,
    13: 13,
    14: 9,
    15: 13,
    16: 16,
    17: 7,
}
# GB/T 22239-2019, third level, 8.1.4 and 8.1.5: items of each clause.
DJBH = {
    "8.1.4.1": 4,
    "8.1.4.2": 7,
    "8.1.4.3": 4,
    "8.1.4.4": 6,
    "8.1.4.5": 1,
    "8.1.4.6": 1,
    "8.1.4.7": 2,
    "8.1.4.8": 2,
    "8.1.4.9": 3,
    "8.1.4.10": 2,
    "8.1.4.11": 2,
    "8.1.5.1": 2,
    "8.1.5.2": 2,
    "8.1.5.3": 2,
    "8.1.5.4": 6,
}


def rows(name: str) -> list[dict[str, str]]:
    with (FOLDER / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@cache
def functions_of(path: Path) -> frozenset[str]:
    return frozenset(
        node.name for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.FunctionDef)
    )


def wrong(row: dict[str, str]) -> list[str]:
    """What an auditor would object to in a row, in words; empty when nothing."""
    found = [
        f"{row['id']}: {name} is empty" for name in ("id", "level", "requirement", "status") if not row[name].strip()
    ]
    if row["status"] not in STATUSES:
        found.append(f"{row['id']}: no such status as {row['status']!r}")
    evidence = [item.strip() for item in row["evidence"].split(";") if item.strip()]
    if row["status"] in PROVEN and not evidence:
        found.append(f"{row['id']}: {row['status']} without evidence")
    if row["status"] != "met" and not row["note"].strip():
        found.append(f"{row['id']}: {row['status']} without a reason")
    if "在建" in row["note"]:  # what is being built is done or not done when somebody reads this
        found.append(f"{row['id']}: the note speaks of building")
    for item in evidence:
        name, _, test = item.partition("::")
        path = ROOT / name
        if not path.exists():
            found.append(f"{row['id']}: {name} does not exist")
        elif test and test not in functions_of(path):
            found.append(f"{row['id']}: {name} has no {test}")
    return found


@pytest.mark.parametrize("name", ["asvs.csv", "djbh.csv"])
def test_every_row_is_filled_and_every_evidence_exists(name: str) -> None:
    assert [objection for row in rows(name) for objection in wrong(row)] == []


def test_every_requirement_of_asvs_level_two_has_its_row() -> None:
    found = rows("asvs.csv")
    assert len(found) == len({row["id"] for row in found}) == sum(ASVS.values()) == 253
    assert Counter(int(row["id"].partition(".")[0]) for row in found) == ASVS
    assert {row["level"] for row in found} == {"L1", "L2"}
    assert Counter(row["level"] for row in found) == {"L1": 70, "L2": 183}


def test_every_item_of_the_third_level_has_its_row() -> None:
    found = rows("djbh.csv")
    assert len(found) == len({row["id"] for row in found})
    assert Counter(row["id"].partition(" ")[0] for row in found) == DJBH


@pytest.mark.parametrize(
    ("change", "objection"),
    [
        ({"status": ""}, "is empty"),
        ({"status": "fine"}, "no such status"),
        ({"evidence": ""}, "without evidence"),
        ({"evidence": "docs/there-is-no-such-file.md"}, "does not exist"),
        ({"evidence": "tests/compliance/test_matrices.py::test_nobody_wrote_this"}, "has no test_nobody_wrote_this"),
        ({"status": "open", "note": ""}, "without a reason"),
        ({"status": "hosting", "note": " "}, "without a reason"),
        ({"status": "partly", "note": "文件部分在建"}, "speaks of building"),
    ],
)
def test_a_row_that_promises_too_much_is_objected_to(change: dict[str, str], objection: str) -> None:
    good = {
        "id": "1.1.1",
        "level": "L1",
        "requirement": "要求",
        "status": "met",
        "note": "",
        "evidence": "tests/compliance/test_matrices.py::test_every_item_of_the_third_level_has_its_row",
    }
    assert wrong(good) == []
    assert any(objection in said for said in wrong(good | change))


def test_the_readme_counts_as_the_rows_do() -> None:
    """The numbers an auditor reads first are those of the rows."""
    text = (FOLDER / "README.md").read_text("utf-8")
    for name in ("asvs.csv", "djbh.csv"):
        counted = Counter(row["status"] for row in rows(name))
        line = f"| `{name}` | " + " | ".join(
            str(counted[status]) for status in ("met", "partly", "not applicable", "open", "hosting")
        )
        assert line in text, f"docs/compliance/README.md should say: {line}"
