"""A handful of points, with real processes; `bin/portal prove --failpoints` breaks at all of them."""

import subprocess
import sys

import pytest

from portal.foundation.core.failpoints import POINTS
from portal.proof.breaking import TRIALS
from portal.proof.mutants import MUTANTS
from portal.run.places import ROOT
from tests.servers import newcomer_environment

# A request, an answer that is lost, a paper, the sweep, the mail in between, Celery.
SOME = (
    "submit.before_journal",
    "web.answer_lost",
    "file.written",
    "claim.committed",
    "sweep.swept",
    "mail.sent",
    "task.end",
)


def test_every_point_has_a_scene_that_crosses_it() -> None:
    assert set(TRIALS) == set(POINTS)
    assert len(POINTS) >= 30


@pytest.mark.processes
@pytest.mark.timeout(240)
def test_a_process_killed_at_a_point_dies_there_and_everything_happens_once() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "portal.proof.failpoints", *SOME],
        cwd=ROOT,
        env=newcomer_environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=220,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(SOME)} of {len(SOME)} survived" in done.stdout


def test_the_document_names_every_mutant() -> None:
    """Each row as MUTANTS has it: | `name` | about |."""
    document = (ROOT / "docs/reliability.md").read_text("utf-8")
    assert [name for name, mutant in MUTANTS.items() if f"| `{name}` | {mutant.about} |" not in document] == []
