"""`bin/portal prove --quick`, as anybody would run it: a whole portal under load, every kind of fault once, and what must hold.

Alone, before all other tests: it uses both cores.
"""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from portal.proof.faults import KINDS
from portal.proof.prove import QUICK_SUBMISSIONS
from portal.run import binaries
from portal.run.places import ROOT
from tests.servers import newcomer_environment

pytestmark = [pytest.mark.processes, pytest.mark.prove, pytest.mark.timeout(900)]
# Some of the invariants, by name: a list that lost them would prove less, however green.
AMONG = {
    "request.one_per_token",
    "referral.one_claim",
    "clock.obligation",
    "escalation.early_by_commit",
    "escalation.missed",
    "escalation.doubled",
    "journal.chain",
    "journal.replay",
    "notice.missing",
    "pledge.one_effective",
    "paper.printed",
    "history.submitted",
    "mail.received",
}


@pytest.fixture(scope="module")
def proof(tmp_path_factory: pytest.TempPathFactory) -> tuple[subprocess.CompletedProcess[str], dict[str, Any], Path]:
    """The run: what was printed, its report, and where the evidence lies."""
    kept = tmp_path_factory.mktemp("prove")
    done = subprocess.run(
        [ROOT / "bin/portal", "prove", "--quick", "--seed", "58", "--keep", str(kept)],
        capture_output=True,
        text=True,
        check=False,
        env=newcomer_environment(),
        timeout=800,
    )
    report = kept / "report.json"
    assert report.exists(), done.stdout[-3000:] + done.stderr[-3000:]
    return done, json.loads(report.read_text("utf-8")), kept


def test_nothing_was_lost_doubled_early_or_missed(
    proof: tuple[subprocess.CompletedProcess[str], dict[str, Any], Path],
) -> None:
    done, report, _ = proof
    assert report["missed"] == []
    # Its times depend on what else the machine is doing; figures come from a quiet one.
    kept = not report["slow"]
    assert (done.returncode == 0) is kept, done.stdout[-3000:]
    assert done.stdout.strip().endswith("证明成立。" if kept else "项时间没有达到。")
    found = {row["name"]: row["count"] for row in report["invariants"]}
    assert set(found.values()) == {0}
    assert set(found) >= AMONG


def test_it_was_a_real_load_under_every_kind_of_fault(
    proof: tuple[subprocess.CompletedProcess[str], dict[str, Any], Path],
) -> None:
    done, report, kept = proof
    kinds = {fault["kind"] for fault in report["faults"]}
    assert kinds == set(KINDS) - set(report["skipped"])
    assert len(kinds) >= 19
    assert binaries.faketime() is None or not report["skipped"]
    lines = [json.loads(line) for line in (kept / "history.jsonl").read_text("utf-8").splitlines()]
    counts = {what: sum(line["what"] == what for line in lines) for what in {line["what"] for line in lines}}
    assert counts["submitted"] == report["submissions"] == QUICK_SUBMISSIONS
    assert min(counts[what] for what in ("claimed", "refused", "declined", "offered", "pooled", "withdrawn")) > 5
    assert counts["registered"] > 0
    assert "种子 58" in done.stdout


def test_it_leaves_nothing_running(proof: tuple[subprocess.CompletedProcess[str], dict[str, Any], Path]) -> None:
    """Its temporary folder is named in each process' command line or environment; nobody has it any more."""
    left = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            said = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
        except OSError:
            continue
        if b"PROOF_LADDER=6,10,14" in said and b"portal-prove-" in said:
            left.append((entry / "cmdline").read_text())
    assert left == []
