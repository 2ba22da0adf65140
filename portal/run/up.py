"""`bin/portal up`: from nothing to an address that answers, and back to nothing on SIGTERM."""

import http.client
import json
import os
import socket
import sys
import time

from portal.run import embedded
from portal.run.backup import folder, follow
from portal.run.environment import (
    connection_parameters,
    environment,
    production,
    refuse_in_production,
    with_pdf_libraries,
)
from portal.run.lock import held, write_addresses
from portal.run.outside import stand_in
from portal.run.places import Places, RunError
from portal.run.processes import Process, portal_processes, with_role
from portal.run.supervisor import Stopped, Supervisor
from portal.run.watchdog import Signs, Watchdog, answers

HOST = "127.0.0.1"
# Web first, so that nobody gets half a page; the servers last. What may stop together does: all of it within 15 s.
# PostgreSQL waits until its last change is carried over, so who carries it is asked after it.
STOP_ORDER = (
    *(("prepare", "fonts", "web"), ("worker", "beat", "clock", "dispatch")),
    *(("valkey",), ("postgres",), ("backup",)),
)
# Seconds without progress after which a process is started anew. A mail server may hold a dispatcher for ten seconds a mail;
# the worker's sign of life also hangs on beat and broker, so neither is accused before long.
PATIENCE = {"web": 30.0, "clock": 20.0, "dispatch": 120.0, "worker": 180.0, "beat": 180.0}
DEMONSTRATION_PASSWORD = "Demo-2026-portal"  # noqa: S105 - printed on purpose; exists only with demonstration data
DEMONSTRATION_LOGINS = {
    "enterprise": "企业",
    "officer": "银行客户经理",
    "manager": "银行负责人",
    "guarantor": "担保机构",
    "clerk": "登记窗口人员",
    "chief": "登记科室负责人",
    "regulator": "监管人员",
    "admin": "系统管理员",
    "security": "安全管理员",
    "audit": "审计管理员",
}
# Known and harmless in a trial: a container's root runs the worker, and static files are served from their sources.
QUIET = "ignore:You're running the worker,ignore:No directory at"


def up(places: Places, *, port: int, demo: bool) -> int:
    """Run the portal on 127.0.0.1:`port` until a signal comes; the exit code. RunError when it can't start."""
    os.umask(0o077)  # uploads, notices and logs hold personal data
    with held(places, f"up，http://{HOST}:{port}"):
        places.addresses.unlink(missing_ok=True)
        _wait_for_port(port)
        variables = environment(places)
        variables.setdefault("PUBLIC_URL", f"http://{HOST}:{port}")
        variables.setdefault("PYTHONWARNINGS", QUIET)
        supervisor = Supervisor(variables, places.logs)
        try:
            _start(supervisor, places, port=port, demo=demo)
            while True:
                _follow(supervisor, places)
                supervisor.tick(1.0)
        except Stopped:
            supervisor.say("正在停止……")
            return 0
        finally:
            supervisor.stop(STOP_ORDER)
            supervisor.say("已停止。")


def _start(supervisor: Supervisor, places: Places, *, port: int, demo: bool) -> None:
    began = time.monotonic()
    postgres = _start_servers(supervisor, places)
    write_addresses(
        places, {name: supervisor.environment[name] for name in ("DATABASE_URL", "REDIS_URL")} | {"port": port}
    )
    # The papers' typefaces are cut once (13 s), beside the rest; whoever prints earlier waits for it.
    cut = (sys.executable, "-m", "portal.foundation.core.pdf.fonts", str(places.data / "pdf-fonts"))
    supervisor.start(Process("fonts", cut, console=False), restart=False)
    supervisor.environment.update(with_pdf_libraries(supervisor.environment, places, supervisor.tick))
    demonstration, roles = _prepare(supervisor, places, demo=demo)
    if demonstration:
        supervisor.environment.update(stand_in(supervisor.environment))
    beat_schedule = str(places.run / "beat-schedule")
    processes = portal_processes(bind=f"{HOST}:{port}", beat_schedule=beat_schedule)
    if (
        postgres and roles
    ):  # Each uses only the log-in it needs. The socket trusts its account, so this keeps order and holds nobody back who runs
        # code of their own there (docs/security/roles-and-journal.md); production has passwords instead.
        processes = tuple(with_role(process, postgres.url_of) for process in processes)
    first, *others = processes
    web = supervisor.start(first)
    answers = _Answers(port)
    if not supervisor.until(lambda: answers() or web.deaths >= 3, 90) or web.deaths >= 3:
        raise RunError(f"网站没有启动。请看 {places.logs / 'web.log'}。")
    # Started last so that the site has both cores until it answers.
    for process in others:
        supervisor.start(process)
    supervisor.watchdog = _watchdog(supervisor.environment["DATABASE_URL"], port)
    supervisor.say(f"ready http://{HOST}:{port}")
    supervisor.say(f"（用时 {time.monotonic() - began:.1f} 秒；数据在 {places.data}；按 Ctrl-C 停止）")
    if demonstration:
        supervisor.say(f"示例账号，密码都是 {DEMONSTRATION_PASSWORD}：")
        for name, role in DEMONSTRATION_LOGINS.items():
            supervisor.say(f"  {name:11} {role}")


def _follow(supervisor: Supervisor, places: Places) -> None:
    """Once the embedded server has a backup (`bin/portal backup`, also while we run), carry every change over to it."""
    if "backup" not in supervisor.children and "postgres" in supervisor.children and folder.chosen(places):
        supervisor.start(follow.process())


def _watchdog(database: str, port: int) -> Watchdog:
    """Who watches whom by which sign; worker and beat by the sweeps that one orders and the other does."""
    signs = Signs(connection_parameters(database))
    looks = {"web": answers(port, signs=signs), "clock": signs.of("clock"), "dispatch": signs.of("dispatch")}
    looks |= {name: Signs(connection_parameters(database)).of("celery") for name in ("worker", "beat")}
    return Watchdog({name: (look, PATIENCE[name]) for name, look in looks.items()}).start()


def _start_servers(supervisor: Supervisor, places: Places) -> embedded.Postgres | None:
    """Start what DATABASE_URL and REDIS_URL do not name, both at once, and wait for them; our own PostgreSQL, if we did."""
    postgres: embedded.Postgres | None = None
    valkey: embedded.Valkey | None = None
    if not supervisor.environment.get("DATABASE_URL"):
        refuse_in_production("DATABASE_URL")
        postgres = embedded.Postgres(places)
        if postgres.initialise():
            supervisor.say("已建立 PostgreSQL 数据目录。")
        supervisor.start(postgres.process())
        supervisor.environment["DATABASE_URL"] = postgres.url
    if not supervisor.environment.get("REDIS_URL"):
        refuse_in_production("REDIS_URL")
        valkey = embedded.Valkey(places)
        supervisor.start(valkey.process())
        supervisor.environment["REDIS_URL"] = valkey.url
    for server in (postgres, valkey):
        if server is not None:
            child = supervisor.children[server.process().name]

            def alive(child_name: str = child.process.name) -> bool:
                supervisor.tick(0)
                return not supervisor.children[child_name].deaths

            server.wait_until_ready(alive)
    return postgres


def _prepare(supervisor: Supervisor, places: Places, *, demo: bool) -> tuple[bool, bool]:
    """Migrations, reference and demonstration data in one process; whether demonstration data and the roles are there."""
    result = places.run / "prepared.json"
    argv = [sys.executable, "-m", "portal.run.prepare", *([] if demo else ["--no-demo"]), str(result)]
    child = supervisor.start(Process("prepare", tuple(argv)), restart=False)
    supervisor.until(lambda: bool(child.codes), 600)
    if child.codes != [0]:
        raise RunError(f"数据库没有准备好。请看 {places.logs / 'prepare.log'}。")
    there = json.loads(result.read_text())
    return bool(there["demo"]) and not production(), bool(there["roles"])


class _Answers:
    """Callable: does the site answer 200 on /healthz? Asks at most ten times a second, however often it is called."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.next = 0.0

    def __call__(self) -> bool:
        if time.monotonic() < self.next:
            return False
        self.next = time.monotonic() + 0.1
        try:
            connection = http.client.HTTPConnection(HOST, self.port, timeout=2)
            connection.request("GET", "/healthz")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False


def _wait_for_port(port: int, seconds: float = 5) -> None:
    """RunError when somebody else listens on `port`; a predecessor that is just ending gets a few seconds."""
    deadline = time.monotonic() + seconds
    while True:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
                return
            except OSError as error:
                if time.monotonic() > deadline:
                    raise RunError(
                        f"端口 {port} 已被其他程序占用。请用 --port 指定另一个端口，例如 --port {port + 1}。"
                    ) from error
        time.sleep(0.2)
