"""`manage.py clock`: the broker-free loop. Beside Celery beat it sweeps, delivers, prints and seals, so that no broker is
needed.

It sleeps until the next announcement is due or the journal is written to, at most a second. Two of it do no harm. Its duties
can be given to several processes (`--duties`), so that a slow mail server holds up nobody who watches deadlines.
"""

import logging
import signal
import threading
import time
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, InterfaceError, close_old_connections, connection

from pledges.checking import work as register_work
from pledges.printing import print_missing
from pledges.watch import daily
from portal.foundation.core import moments
from portal.foundation.core.failpoints import failpoint
from portal.foundation.core.files import scanned
from portal.foundation.journal import anchors, quarantine
from portal.foundation.journal.dispatcher import dispatch, wait_for_news
from portal.foundation.journal.sealer import seal
from portal.foundation.sla.horizon import watch
from portal.foundation.sla.sweep import beat, next_moment, sweep
from portal.oversight import incidents, retention
from portal.reports.reminders import remind
from products import imports, staleness

log = logging.getLogger(__name__)
SEAL_EVERY = 2.0  # seconds
BEAT_EVERY = 1.0
PRINT_EVERY, PRINT_AT_ONCE = 60.0, 10  # papers that a dying process left unprinted; each takes some tenths of a second
OVERSEE_EVERY = 30.0  # whether an incident's hours run out, and once a day what need not be kept any longer
LIBRARY_EVERY = 2.0  # a look whether a workbook waits; silent products need no more haste
DUTIES = ("sweep", "dispatch", "seal")
ROUND = 100  # deliveries; after so many the loop sees to its other duties and says that it lives
REST = 0.05  # a burst of news wakes the loop at most twenty times a second


class Command(BaseCommand):
    help = "不依赖消息队列的时钟：到期提醒、消息投递、日志封存"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--rounds", type=int, default=0, help="做几轮后结束（0：一直运行）")
        parser.add_argument("--name", default="clock", help="心跳的名字，几个进程各用一个")
        parser.add_argument(
            "--duties", default=",".join(DUTIES), help="只做其中几项，以逗号分隔：sweep 提醒，dispatch 投递，seal 封存"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        self.running = True
        duties = frozenset(options["duties"].split(","))
        if not duties <= set(DUTIES):
            raise CommandError(f"--duties 只能是 {'、'.join(DUTIES)}，以逗号分隔。")
        signal.signal(signal.SIGTERM, self.stop)
        signal.signal(signal.SIGINT, self.stop)
        sealed = beaten = printed = looked = overseen = float("-inf")
        self.importer: threading.Thread | None = None
        self.asker: threading.Thread | None = None
        self.scanner: threading.Thread | None = None
        rounds = 0
        while self.running:
            rounds += 1
            sent = 0
            try:
                if "sweep" in duties:
                    sweep()
                    watch(now=moments.now())
                    remind()
                    failpoint("clock.swept")
                if "dispatch" in duties:
                    sent = dispatch(now=moments.now(), limit=ROUND, stopping=lambda: not self.running)
                    failpoint("clock.dispatched")
                if "dispatch" in duties and time.monotonic() - printed > PRINT_EVERY:
                    self.print()
                    printed = time.monotonic()
                if "dispatch" in duties and time.monotonic() - looked > LIBRARY_EVERY:
                    self.library()
                    self.pledges()
                    self.files()
                    looked = time.monotonic()
                if "dispatch" in duties and time.monotonic() - overseen > OVERSEE_EVERY:
                    self.oversee()
                    overseen = time.monotonic()
                if "seal" in duties and time.monotonic() - sealed > SEAL_EVERY:
                    seal(now=moments.now())
                    anchors.write(now=moments.now())
                    sealed = time.monotonic()
                    failpoint("clock.sealed")
                if time.monotonic() - beaten > BEAT_EVERY:
                    beat(options["name"])
                    beaten = time.monotonic()
                if options["rounds"] and rounds >= options["rounds"]:
                    return
                if sent >= ROUND:  # there is more
                    continue
                wait_for_news(self.pause() if "sweep" in duties else 1.0)
                time.sleep(REST)
            except (DatabaseError, InterfaceError):  # the second is a connection that went away under our hands
                log.exception("the database did not answer; trying again")
                connection.close()
                close_old_connections()
                time.sleep(1)

    def print(self) -> None:
        """A paper that cannot be laid out must not stop who watches deadlines."""
        try:
            print_missing(limit=PRINT_AT_ONCE)
        except DatabaseError:
            raise
        except Exception:
            log.exception("papers were not printed")

    @staticmethod
    def oversee() -> None:
        incidents.watch(now=moments.now())
        if retention.due(now=moments.now()):
            retention.apply(now=moments.now())

    def library(self) -> None:
        """Products nobody has confirmed for long are told; workbooks are worked through beside the loop, which must not
        wait a minute for ten thousand rows."""
        staleness.watch(now=moments.now())
        if (self.importer is None or not self.importer.is_alive()) and imports.waiting():
            self.importer = threading.Thread(target=imports.work_all, daemon=True, name="product-imports")
            self.importer.start()

    def pledges(self) -> None:
        """A register may be slow, so who asks it does so beside the loop: large files, and the watch over pledges."""
        if (self.asker is None or not self.asker.is_alive()) and (daily.due() or register_work.waiting()):
            self.asker = threading.Thread(target=self.ask, daemon=True, name="patent-register")
            self.asker.start()

    def files(self) -> None:
        """A scanner takes its time over a large file: beside the loop too."""
        if scanned() and (self.scanner is None or not self.scanner.is_alive()):
            self.scanner = threading.Thread(target=self.scan, daemon=True, name="scanner")
            self.scanner.start()

    @staticmethod
    def scan() -> None:
        try:
            quarantine.scan_waiting(now=moments.now())
        finally:
            connection.close()

    @staticmethod
    def ask() -> None:
        try:
            register_work.work_all()
            if daily.due():
                daily.run_quietly(now=moments.now())
        finally:
            connection.close()

    def pause(self) -> float:
        """Seconds until something is due, between 20 ms and one second."""
        due = next_moment()
        if due is None:
            return 1.0
        return min(max((due - moments.now()).total_seconds(), 0.02), 1.0)

    def stop(self, number: int, frame: FrameType | None) -> None:
        self.running = False
