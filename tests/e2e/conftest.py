"""One real portal for the whole browser session: `bin/portal up` with demonstration data, and people who log in to it."""

import json
import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest
from playwright.sync_api import Browser, Page

from tests.servers import newcomer_environment

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "Demo-2026-portal"


class Portal:
    """A running portal: its address, its data directory and its launcher's process."""

    def __init__(self, url: str, data: Path | None = None, pid: int | None = None) -> None:
        self.url, self.data, self.pid = url, data, pid

    def database_url(self) -> str:
        """The address of its database, for tests that move a moment or count rows."""
        assert self.data is not None
        return str(json.loads((self.data / "run" / "addresses.json").read_text())["DATABASE_URL"])


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def portal() -> Iterator[Portal]:
    """`bin/portal up` as a newcomer would run it, ready; or the portal at E2E_URL, to write tests by."""
    if address := os.environ.get("E2E_URL"):
        yield Portal(address)
        return
    data = Path(tempfile.mkdtemp(prefix="portal-e2e-"))
    port = free_port()
    log = data.with_suffix(".log")
    with log.open("wb") as output:
        child = subprocess.Popen(
            [ROOT / "bin/portal", "up", "--port", str(port), "--data", str(data)],
            stdout=output,
            stderr=subprocess.STDOUT,
            env=newcomer_environment(),
            start_new_session=True,
        )
    try:
        _wait_until_ready(child, log)
        yield Portal(f"http://127.0.0.1:{port}", data, child.pid)
    finally:
        child.send_signal(signal.SIGTERM)
        try:
            child.wait(20)
        finally:
            if child.poll() is None:
                os.killpg(child.pid, signal.SIGKILL)


def _wait_until_ready(child: "subprocess.Popen[bytes]", log: Path) -> None:
    end = time.monotonic() + 240
    while "ready http" not in log.read_text("utf-8", "replace"):
        assert child.poll() is None, log.read_text("utf-8", "replace")
        assert time.monotonic() < end, log.read_text("utf-8", "replace")
        time.sleep(0.2)


@pytest.fixture
def visit(chromium: Browser, portal: Portal) -> Iterator[Callable[..., Page]]:
    """`visit("officer")` opens a browser of their own, logged in; `visit()` is a visitor. CSP reports and script errors fail."""
    contexts, complaints = [], []

    def open_browser(who: str = "", *, width: int = 1280, height: int = 900) -> Page:
        context = chromium.new_context(
            base_url=portal.url, viewport={"width": width, "height": height}, accept_downloads=True, locale="zh-CN"
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.on(
            "console",
            lambda m: complaints.append(f"{page.url}: {m.text}") if "Content Security Policy" in m.text else None,
        )
        page.on("pageerror", lambda error: complaints.append(f"{page.url}: {error}"))
        if who:
            page.goto("/login/")
            page.get_by_label("用户名或手机号").fill(who)
            page.locator("#id_password").fill(PASSWORD)
            page.locator("main").get_by_role("button", name="登录", exact=True).click()
            page.wait_for_url(lambda url: not url.endswith("/login/"))
            if page.url.endswith("/login/second/"):
                page.get_by_role("button", name="用演示验证码继续").click()
                page.wait_for_url(lambda url: "/login/" not in url)
        return page

    yield open_browser
    for context in contexts:
        context.close()
    assert complaints == []


def healthy(portal: Portal) -> dict[str, object]:
    with urlopen(f"{portal.url}/healthz/deep") as answer:  # noqa: S310 - our own loopback address
        return dict(json.load(answer))
