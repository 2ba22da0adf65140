"""The judge himself is judged: a bad network, a mail server and a late announcement are what the report says they are."""

import json
import smtplib
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest

from portal.proof import processes
from portal.proof.faults import Fault
from portal.proof.history import History
from portal.proof.report import Spread, lateness
from portal.run.places import ROOT
from portal.run.watchdog import Watchdog

# --- lateness ----------------------------------------------------------------------------------------------------------


def test_an_announcement_in_an_outage_is_late_from_its_end_on() -> None:
    outage = Fault("kill-postgres", "", began=100.0, lifted=101.0, recovered=104.0)
    late = lateness([(50.0, 50.1), (102.0, 105.5), (103.9, 104.0), (110.0, 110.2)], [outage])
    assert (late.quiet.count, late.quiet.most) == (2, pytest.approx(0.2))
    assert (late.faults.count, late.faults.most) == (2, pytest.approx(3.5))
    assert late.after.most == pytest.approx(1.5)
    assert late.missed() == []


def test_every_promised_figure_that_is_missed_is_named() -> None:
    outage = Fault("kill-postgres", "", began=100.0, lifted=101.0, recovered=104.0)
    late = lateness([(50.0, 53.0), (102.0, 120.0)], [outage])
    assert len(late.missed()) == 3


def test_the_99th_percentile_of_a_hundred_leaves_one_out() -> None:
    assert Spread.of([0.0] * 98 + [1.0, 9.0]).p99 == 9.0
    assert Spread.of([]).count == 0


# --- history -----------------------------------------------------------------------------------------------------------


def test_several_writers_never_mix_their_lines(tmp_path: Path) -> None:
    history = History(tmp_path / "h.jsonl")

    def write() -> None:
        own = History(tmp_path / "h.jsonl")
        for n in range(200):
            own.note("submitted", text="提交" * 200, n=n)

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert history.count("submitted") == len(list(history.rows())) == 800


# --- network -----------------------------------------------------------------------------------------------------------


class Network:
    def __init__(self, folder: Path, port: int) -> None:
        self.folder, self.port = folder, port

    def becomes(self, **modes: str) -> None:
        (self.folder / "new").write_text(json.dumps({"a>b": modes["link"]} if modes else {}))
        (self.folder / "new").replace(self.folder / "mode")
        time.sleep(0.4)

    def call(self) -> socket.socket:
        line = socket.create_connection(("127.0.0.1", self.port))
        line.settimeout(0.6)
        return line


@pytest.fixture
def network(tmp_path: Path) -> Iterator[Network]:
    """A proxy before a server that says everything again."""
    server = socket.create_server(("127.0.0.1", 0))

    def echo(line: socket.socket) -> None:
        with line:
            try:
                while data := line.recv(4096):
                    line.sendall(data)
            except OSError:
                return

    def serve() -> None:
        while True:
            try:
                line, _ = server.accept()
            except OSError:
                return
            threading.Thread(target=echo, args=(line,), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    (port,) = processes.free_ports(1)
    (tmp_path / "links").write_text(json.dumps({"a>b": [port, str(server.getsockname()[1])]}))
    child = subprocess.Popen(
        [sys.executable, "-m", "portal.proof.proxy", tmp_path / "links", tmp_path / "mode"], cwd=ROOT
    )
    try:
        _until(lambda: _listens(port))
        yield Network(tmp_path, port)
    finally:
        child.kill()
        child.wait()
        server.close()


def _until(true: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_a_good_network_hands_everything_on(network: Network) -> None:
    with network.call() as line:
        line.settimeout(20)
        sent = bytes(range(256)) * 8000
        threading.Thread(target=line.sendall, args=(sent,), daemon=True).start()
        got = b""
        while len(got) < len(sent):
            got += line.recv(65536)
        assert got == sent


def test_a_slow_network_is_late_and_a_narrow_one_long(network: Network) -> None:
    with network.call() as line:
        line.settimeout(20)
        network.becomes(link="slow:0.2")
        began = time.monotonic()
        line.sendall(b"hallo")
        assert line.recv(100) == b"hallo"
        assert time.monotonic() - began > 0.39
        network.becomes(link="narrow:1000")
        began, got = time.monotonic(), 0
        line.sendall(b"x" * 1000)
        while got < 1000:
            got += len(line.recv(1000))
        assert time.monotonic() - began > 0.7


def test_a_half_open_line_says_nothing_until_it_is_reset(network: Network) -> None:
    with network.call() as old:
        old.sendall(b"1")
        assert old.recv(1) == b"1"
        network.becomes(link="swallow")
        old.sendall(b"2")
        with network.call() as new, pytest.raises(TimeoutError):
            new.recv(1)
        with pytest.raises(TimeoutError):
            old.recv(1)
        network.becomes()
        with pytest.raises(ConnectionResetError):
            old.recv(1)


def test_a_reset_network_takes_nobody_and_is_good_again_afterwards(network: Network) -> None:
    network.becomes(link="reset")
    with pytest.raises(ConnectionResetError), network.call() as line:  # noqa: PT012
        line.sendall(b"1")
        if line.recv(1) == b"":
            raise ConnectionResetError
    network.becomes()
    with network.call() as line:
        line.sendall(b"1")
        assert line.recv(1) == b"1"


# --- mail server -------------------------------------------------------------------------------------------------------


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[tuple[int, Path, Path]]:
    (port,) = processes.free_ports(1)
    mails, mode = tmp_path / "mails", tmp_path / "mode"
    child = subprocess.Popen([sys.executable, "-m", "portal.proof.receiver", str(port), mails, mode], cwd=ROOT)
    try:
        _until(lambda: _listens(port))
        yield port, mails, mode
    finally:
        child.kill()
        child.wait()


def test_the_receiver_keeps_the_key_and_refuses_when_told(receiver: tuple[int, Path, Path]) -> None:
    port, mails, mode = receiver
    message = EmailMessage()
    message["Message-ID"], message["From"], message["To"] = (
        "<notice-7@portal>",
        "a@example.invalid",
        "b@example.invalid",
    )
    message["X-Portal-Notices"] = " ".join(map(str, range(1000, 1040)))  # a digest's: too long for one line
    message.set_content(".\n即将到期\n")
    with smtplib.SMTP("127.0.0.1", port, timeout=10) as line:
        line.send_message(message)
        line.send_message(message)
        mode.write_text("refuse")
        time.sleep(0.3)
        with pytest.raises(smtplib.SMTPSenderRefused):
            line.send_message(message)
    rows = [json.loads(line) for line in mails.read_text().splitlines()]
    assert [row["id"] for row in rows] == ["<notice-7@portal>"] * 2
    assert rows[0]["notices"] == [str(n) for n in range(1000, 1040)]


# --- watchdog ----------------------------------------------------------------------------------------------------------


def test_who_makes_no_progress_is_named_and_who_cannot_be_judged_is_not() -> None:
    looks = {"clock": (lambda: False, 0.5), "worker": (lambda: None, 0.5), "web": (lambda: True, 0.5)}
    dog = Watchdog(looks).start()
    try:
        _until(lambda: dog.stuck() == ["clock"])
        dog.forgive("clock")
        assert dog.stuck() == []
    finally:
        dog.stop()


def test_the_tree_of_a_process_has_its_grandchildren() -> None:
    code = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; time.sleep(30)'])"
    child = subprocess.Popen([sys.executable, "-c", code])
    try:
        _until(lambda: len(processes.tree(child.pid)) == 2)
    finally:
        processes.send(processes.tree(child.pid), processes.signal.SIGKILL)
        child.wait()
