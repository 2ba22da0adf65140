"""The house stays as drawn: imports run one way, diagrams match the code, the dead django-fsm is not installed."""

import ast
import io
import re
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest
from django.core.management import call_command

ROOT = Path(__file__).resolve().parent.parent
DIAGRAMS = [
    "applications.Application",
    "applications.Referral",
    "applications.NextRound",
    "applications.Cover",
    "pledges.Registration",
    "pledges.Matter",
    "pledges.Revocation",
    "pledges.UseConsent",
    "pledges.Disposal",
    "pledges.Compensation",
    "pledges.OtherRight",
    "products.Product",
    "products.ProductVersion",
    "products.ProductImport",
    "assets.Valuation",
]


def test_imports_run_one_way() -> None:
    checked = subprocess.run(
        [Path(sys.executable).with_name("lint-imports")], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize("model", DIAGRAMS)
def test_the_state_diagram_in_the_docs_is_the_one_the_code_draws(model: str) -> None:
    """Redraw with: manage.py graph_transitions <model> > docs/states/<name>.dot, then dot -Tsvg."""
    drawn = io.StringIO()
    call_command("graph_transitions", model, stdout=drawn)
    kept = (ROOT / "docs/states" / f"{model.split('.')[1].lower()}.dot").read_text("utf-8")
    assert sorted(drawn.getvalue().split("\n")) == sorted(kept.split("\n"))


def test_only_the_maintained_state_machine_is_installed() -> None:
    """django-fsm and django-fsm-2 share one import name; having both silently runs whichever came last."""
    assert distribution("django-fsm-2").version.startswith("4.")
    with pytest.raises(PackageNotFoundError):
        distribution("django-fsm")


def test_no_float_touches_money() -> None:
    """Money is Decimal; a float call in the lines of business would be the first crack."""
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for app in ("applications", "pledges", "products", "banks")
        for path in (ROOT / app).rglob("*.py")
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if "float(" in line
    ]
    assert found == []


def test_no_two_parts_share_an_advisory_lock() -> None:
    """A lock's number is database-wide: two parts with one number wait for each other, for no reason anybody could find."""
    rooms: dict[int, set[str]] = {}
    for top in ("applications", "banks", "pledges", "portal", "products"):
        for path in (ROOT / top).rglob("*.py"):
            text = path.read_text(encoding="utf-8")
            room = path.parent.parent if path.parent.name == "migrations" else path.parent
            if "advisory" not in text or "proof" in path.parts:
                continue
            numbers = {int(n) for n in re.findall(r"advisory\w*\((\d+)\)", text)}
            for node in ast.parse(text).body:
                if isinstance(node, ast.Assign):
                    found = [n.value for n in ast.walk(node.value) if isinstance(n, ast.Constant)]
                    numbers |= {n for n in found if isinstance(n, int) and n > 9_999}
            for number in numbers:
                rooms.setdefault(number, set()).add(str(room.relative_to(ROOT)))
    assert len(rooms) > 5
    assert {number: where for number, where in rooms.items() if len(where) > 1} == {}
