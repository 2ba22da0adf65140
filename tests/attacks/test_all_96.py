"""The 96 attacks of the plan (docs/security/web.md says which is which): which of them a test proves, read from the names.

`pytest tests/attacks/test_all_96.py -s` prints the list.
"""

import ast
import re

from portal.run.places import ROOT

TESTS = ROOT / "tests"
ALL = range(1, 97)
# Not yet, and why not. A number here that has a test fails.
NOT_YET: dict[int, str] = {}


def proven() -> dict[int, list[str]]:
    """attack → the tests that name it, as `file::test`."""
    found: dict[int, list[str]] = {number: [] for number in ALL}
    for path in sorted(TESTS.rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef) and (name := re.match(r"test_attack_(\d{1,2})_\w", node.name)):
                found.setdefault(int(name[1]), []).append(f"{path.relative_to(TESTS)}::{node.name}")
    return found


def test_each_of_the_96_attacks_has_a_test_or_a_reason() -> None:
    found = proven()
    assert set(found) == set(ALL), f"no such attack: {sorted(set(found) - set(ALL))}"
    done = [number for number in ALL if found[number]]
    print(f"\n{len(done)} of 96 attacks are proven by a test:")
    for number in ALL:
        print(f"  {number:2}  {', '.join(found[number]) or NOT_YET.get(number, 'MISSING')}")
    assert [number for number in ALL if not found[number] and number not in NOT_YET] == []
    assert [number for number in NOT_YET if found[number]] == [], "proven by now: take it out of NOT_YET"


def test_every_such_test_here_says_in_a_sentence_who_does_what() -> None:
    silent = [
        f"{path.name}::{node.name}"
        for path in sorted((TESTS / "attacks").glob("test_*.py"))
        for node in ast.parse(path.read_text("utf-8")).body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_attack_") and not ast.get_docstring(node)
    ]
    assert silent == []
