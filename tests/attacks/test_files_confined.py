"""The processes that look into what strangers wrote: they have limits, no secrets and no network, and nobody waits for them."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from portal.foundation.core import moments
from portal.foundation.core.actor import SYSTEM
from portal.foundation.core.confined.crew import Crew, Lost
from portal.foundation.core.errors import TooLarge
from portal.foundation.core.pdf import engine

ROOT = Path(engine.__file__).parents[4]
NAUGHTY = "tests.attacks.naughty"
needs_pango = pytest.mark.skipif(not engine.available().ok, reason=engine.available().reason)


@pytest.fixture
def crew() -> Any:
    made = Crew(NAUGHTY, size=2, memory=256, retire=5)
    yield made
    for child in list(made._all):
        made._dismiss(child)


def test_it_works_and_is_kept(crew: Crew) -> None:
    assert crew.ask("echo", b"abc" * 500_000, seconds=5) == ({}, b"abc" * 500_000)
    first = crew.pids()
    assert crew.ask("echo", b"", seconds=5, a=1) == ({"a": 1}, b"")
    assert crew.pids() == first
    for _ in range(6):
        crew.ask("echo", b"", seconds=5)
    assert crew.pids() != first, "after five jobs it is replaced"


@pytest.mark.parametrize("work", ["loop", "sleep"])
def test_attack_43_a_file_that_never_ends_is_ended(crew: Crew, work: str) -> None:
    """A hostile file holds its child for the time allowed, and the next one gets a new child."""
    crew.ask("echo", b"", seconds=5)
    begun = time.monotonic()
    with pytest.raises(Lost, match="slow"):
        crew.ask(work, b"", seconds=1)
    assert time.monotonic() - begun < 4
    assert crew.ask("echo", b"x", seconds=5)[1] == b"x"


def test_attack_43_memory_is_bounded(crew: Crew) -> None:
    """Two gigabytes are refused inside, and whoever used up the memory is not asked again."""
    assert crew.ask("eat", b"", seconds=5)[0]["failed"] == "MemoryError"
    assert crew.pids() == []
    assert crew.ask("echo", b"x", seconds=5)[1] == b"x"


def test_a_child_that_dies_is_told_and_replaced(crew: Crew) -> None:
    with pytest.raises(Lost, match="died"):
        crew.ask("die", b"x" * 5_000_000, seconds=5)
    assert crew.ask("echo", b"x", seconds=5)[1] == b"x"


@pytest.mark.parametrize(
    "said", [b"no json\n", b"[]\n", b'{"length": -1}\n', b'{"length": 99999999999}\n', b'{"length": "x"}\n']
)
def test_what_a_child_that_was_taken_over_writes_is_not_believed(crew: Crew, said: bytes) -> None:
    with pytest.raises(Lost, match="died"):
        crew.ask("lie", said, seconds=5)
    assert crew.ask("echo", b"x", seconds=5)[1] == b"x"


def test_a_fault_inside_is_an_answer(crew: Crew) -> None:
    assert crew.ask("fail", b"", seconds=5)[0] == {"failed": "ValueError", "said": "no"}
    assert crew.ask("deep", b"", seconds=5)[0]["failed"] == "RecursionError"


def test_attack_49_no_secret_and_no_network_inside(crew: Crew, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever takes the child over finds neither the database's address nor a key, nor a way out."""
    monkeypatch.setenv("DATABASE_URL", "postgres://secret")
    monkeypatch.setenv("SECRET_KEY", "secret")
    seen = crew.ask("look", b"", seconds=5)[0]
    assert "DATABASE_URL" not in seen["environment"]
    assert "SECRET_KEY" not in seen["environment"]
    assert "django" not in seen["modules"]
    for way in ("connect", "run", "fork"):
        assert crew.ask(way, b"", seconds=5)[0]["failed"] == "PermissionError", way


def test_attack_49_no_file_of_the_portal_is_opened_inside(crew: Crew, tmp_path: Path) -> None:
    """Whoever leads a library astray reads neither a key nor somebody's paper, writes nothing outside, and fills no disk."""
    (tmp_path / "secret_key").write_text("secret")
    for path in (
        str(tmp_path / "secret_key"),
        "/etc/passwd",
        "/proc/self/environ",
        str(ROOT / ".git/config"),
        "../.data",
    ):
        assert crew.ask("peek", path.encode(), seconds=5)[0]["failed"] == "PermissionError", path
    for path in (str(tmp_path / "planted"), str(ROOT / "portal/planted.py")):
        assert crew.ask("scribble", path.encode(), seconds=5)[0]["failed"] == "PermissionError", path
    assert crew.ask("native", b"", seconds=5)[0]["failed"] == "PermissionError"
    assert crew.ask("own", b"", seconds=5)[0] == {"done": True}, "its own temporary files it may have"
    assert crew.ask("fill", b"", seconds=9)[0]["failed"] == "OSError", "too long a file"


def test_threads_share_two_children_and_wait_their_turn(crew: Crew) -> None:
    got: list[bytes] = []
    threads = [
        threading.Thread(target=lambda n=n: got.append(crew.ask("echo", b"%d" % n, seconds=9)[1])) for n in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(got) == [b"%d" % n for n in range(8)]
    holding = [threading.Thread(target=_patiently, args=(crew,)) for _ in range(2)]
    for thread in holding:
        thread.start()
    time.sleep(0.5)
    with pytest.raises(Lost, match="busy"):
        crew.ask("echo", b"", seconds=1, patience=0.1)
    for thread in holding:
        thread.join()


def _patiently(crew: Crew) -> None:
    with pytest.raises(Lost):
        crew.ask("sleep", b"", seconds=1.5)


@pytest.mark.parametrize("busy", [False, True])
def test_it_ends_with_its_parent_however_that_ends(busy: bool) -> None:
    """A web worker killed with -9 leaves nobody behind, also when its child was in the middle of something."""
    program = (
        "import os, threading, time\n"
        "from portal.foundation.core.confined.crew import Crew\n"
        f"crew = Crew({NAUGHTY!r}, size=1, memory=256, retire=9)\n"
        "crew.ask('echo', b'', seconds=9)\n"
        f"if {busy}: threading.Thread(target=crew.ask, args=('loop', b''), kwargs={{'seconds': 60}}).start(); time.sleep(.3)\n"
        "print(crew.pids()[0], flush=True)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    pid = int(done.stdout)
    for _ in range(60):
        if not Path(f"/proc/{pid}").exists() or "State:\tZ" in Path(f"/proc/{pid}/status").read_text():
            return
        time.sleep(0.1)
    os.kill(pid, 9)
    pytest.fail("the child outlived its parent")


def test_a_forked_process_has_children_of_its_own(crew: Crew) -> None:
    """Celery forks: two processes must not talk to one child at once."""
    crew.ask("echo", b"", seconds=5)
    (theirs,) = crew.pids()
    reading, writing = os.pipe()
    if (pid := os.fork()) == 0:
        try:
            answer = crew.ask("echo", b"y", seconds=9)[1] + b"%d" % crew.pids()[0]
            for child in list(crew._all):
                crew._dismiss(child)
            os.write(writing, answer)
        finally:
            os._exit(0)
    os.waitpid(pid, 0)
    said = os.read(reading, 100)
    assert said.startswith(b"y")
    assert int(said[1:]) != theirs
    assert crew.ask("echo", b"z", seconds=5)[1] == b"z"
    assert crew.pids() == [theirs]


# --- the press -----------------------------------------------------------------------------------------------------------


def sheet(body: str) -> str:
    return f"<html lang='zh-CN'><head><title>样张</title></head><body>{body}</body></html>"


@needs_pango
def test_attack_43_a_paper_that_is_too_much_is_refused_and_the_next_is_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Deep nesting, a page that takes too long: 413, and printing goes on."""
    wanted = engine.render(sheet("<p>甲</p>"))
    with pytest.raises(TooLarge):
        engine.render(sheet("<div>" * 5_000))
    monkeypatch.setattr(engine, "LONGEST_SECONDS", 1)
    with pytest.raises(TooLarge):
        engine.render(sheet("<table>" + "<tr><td>甲<td>乙<td>丙</tr>" * 15_000))
    monkeypatch.undo()
    assert engine.render(sheet("<p>甲</p>")) == wanted


@needs_pango
def test_a_press_that_was_killed_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between two papers nobody notices; in the middle of one the paper is «not now» (503), and the outbox prints it later."""
    wanted = engine.render(sheet("<p>甲</p>"))
    (pid,) = engine._press.pids()
    os.kill(pid, 9)
    time.sleep(0.2)
    assert engine.render(sheet("<p>甲</p>")) == wanted
    (pid,) = engine._press.pids()
    threading.Timer(0.5, os.kill, (pid, 9)).start()
    with pytest.raises(engine.PdfUnavailable) as said:
        engine.render(sheet("<table>" + "<tr><td>甲<td>乙<td>丙</tr>" * 15_000))
    assert said.value.status == 503
    assert engine.render(sheet("<p>甲</p>")) == wanted


def test_an_inspector_that_is_lost_is_the_files_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    """A PDF that takes the reader down is refused as too much, in words."""
    from django.core.files.uploadedfile import SimpleUploadedFile

    from portal.foundation.core.intake import gate
    from tests.made_files import PDF

    def lost(*_: Any, **__: Any) -> None:
        raise Lost("died")

    monkeypatch.setattr(gate._inspectors, "ask", lost)
    with pytest.raises(TooLarge, match="过于复杂"):
        gate.admit(SimpleUploadedFile("a.pdf", PDF), actor=SYSTEM, now=moments.now())
