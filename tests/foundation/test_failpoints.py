"""Failpoints: declared and used alike, free in normal life, loud where they must not be."""

import re
import timeit
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import OperationalError, connection
from django.test import override_settings

from portal.foundation.core import failpoints
from portal.foundation.core.failpoints import POINTS, Broken, arm, failpoint, parse

ROOT = Path(__file__).resolve().parent.parent.parent
CALL = re.compile(r'(?<![\w.])failpoint\(\s*"([^"]+)"\s*\)')


@pytest.fixture(autouse=True)
def _disarmed_afterwards() -> Iterator[None]:
    yield
    arm("")


def test_every_declared_point_is_in_the_code_once_and_every_point_in_the_code_is_declared() -> None:
    used: Counter[str] = Counter()
    for app in ("portal", "applications", "pledges", "products", "banks"):
        for path in (ROOT / app).rglob("*.py"):
            if path != Path(failpoints.__file__) and ROOT / "portal/proof" not in path.parents:  # mutants quote them
                used.update(CALL.findall(path.read_text("utf-8")))
    assert used == Counter(POINTS.keys())


def test_the_document_prints_the_points_as_they_are() -> None:
    """Redraw with: python -c "…; print(failpoints.table())" between the two marks of docs/reliability.md."""
    assert failpoints.table() in (ROOT / "docs/reliability.md").read_text("utf-8")


def test_a_disarmed_point_costs_next_to_nothing() -> None:
    """The submit path crosses five and is measured to the millisecond."""
    best = min(timeit.repeat('failpoint("submit.begin")', globals={"failpoint": failpoint}, number=20_000, repeat=7))
    assert best / 20_000 < 0.5e-6, f"{best / 20_000 * 1e9:.0f} ns"


def test_production_refuses_failpoints() -> None:
    with override_settings(PRODUCTION=True, FAILPOINTS="submit.begin=kill"):
        with pytest.raises(SystemCheckError, match=r"core\.E001"):
            call_command("check")
        with pytest.raises(ImproperlyConfigured, match="never with PORTAL_ENV=production"):
            arm("submit.begin=kill")


@pytest.mark.parametrize(
    "rule", ["submit.beginn=kill", "submit.begin=explode", "submit.begin", "submit.begin=kill@often"]
)
def test_a_rule_that_would_never_fire_is_refused(rule: str) -> None:
    with pytest.raises(ValueError, match=r"no failpoint is named|a failpoint can|could not convert"):
        arm(rule)


def test_a_point_can_break_at_its_nth_hit_only(tmp_path: Path) -> None:
    log = tmp_path / "log"
    arm("draft.saved=raise#3", log=str(log))
    failpoint("draft.saved")
    failpoint("draft.before_save")
    failpoint("draft.saved")
    with pytest.raises(Broken, match=r"draft\.saved"):
        failpoint("draft.saved")
    failpoint("draft.saved")
    assert [line.split()[0] for line in log.read_text("utf-8").splitlines()] == ["draft.saved"]


def test_a_star_arms_every_point_and_a_name_of_its_own_wins() -> None:
    arm("*=raise,draft.saved=sleep:0")
    failpoint("draft.saved")
    with pytest.raises(Broken):
        failpoint("mail.sent")
    assert parse("mail.sent=kill@0.05")["mail.sent"].probability == 0.05


def test_a_running_process_is_armed_and_disarmed_by_a_file(tmp_path: Path) -> None:
    rules = tmp_path / "rules"
    arm(f"file:{rules}")
    failpoint("mail.sent")
    rules.write_text("mail.sent=raise", "utf-8")
    with pytest.raises(Broken):
        failpoint("mail.sent")
    rules.write_text("", "utf-8")
    failpoint("mail.sent")


@pytest.mark.django_db(transaction=True)
def test_a_dropped_line_is_an_error_of_the_database_and_the_next_request_gets_a_new_one() -> None:
    connection.ensure_connection()
    arm("mail.sent=drop_connection")
    failpoint("mail.sent")
    with pytest.raises(OperationalError), connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    connection.close()
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        assert cursor.fetchone() == (1,)
