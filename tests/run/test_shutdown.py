"""The portal is stopped and restarted while people work: what was acknowledged stands, nobody gets half an answer.

Real processes, real signals: gunicorn, the clock, Celery's worker, PostgreSQL, under a load that does not pause.
"""

import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

import pytest

from portal.foundation.core.identifiers import patent_check
from portal.run.places import ROOT
from portal.run.testing import share_typefaces
from tests.run.test_up import Portal, alive, descendants, free_port, wait_for
from tests.servers import newcomer_environment

pytestmark = [pytest.mark.processes, pytest.mark.xdist_group("processes"), pytest.mark.timeout(600)]
TOKEN = "a" * 32  # the pages' token, in cookie and form alike
PEOPLE = 4
# Ling and her like, each with a company of her own and a session, made as the tests make people.
SEED = """
import json
from django.test import Client
from portal.foundation.accounts.identity import sessions
from portal.foundation.accounts.models import Membership, Organisation, OrganisationKind, Role, User
from portal.foundation.core import moments
keys = []
for n in range({people}):
    org = Organisation.objects.create(kind=OrganisationKind.ENTERPRISE, name=f"重庆示例{{n}}有限公司", district_id="500157",
                                      industry_id="C", contact_name="林示例", contact_phone="13800000000")
    user = User.objects.create_user(f"ling{{n}}", password=None, name="林示例", phone=f"1380000000{{n}}")
    Membership.objects.create(user=user, organisation=org, role=Role.ENTERPRISE)
    client = Client()
    client.force_login(user)
    opened = client.session
    sessions.mark(opened, now=moments.now(), second=True)
    opened.save()
    keys.append(client.cookies["session"].value)
print("KEYS" + json.dumps(keys))
"""


@pytest.fixture(scope="module")
def data() -> Iterator[Path]:
    parent = Path(tempfile.mkdtemp(prefix="portal-shutdown-"))
    parent.chmod(0o711)
    share_typefaces(parent / "data")
    yield parent / "data"
    shutil.rmtree(parent, ignore_errors=True)


@dataclass
class Person:
    """Adds patents one after the other, each request on a line of its own."""

    port: int
    session: str
    number: int
    running: bool = True
    acknowledged: list[str] = field(default_factory=list)
    torn: list[str] = field(default_factory=list)  # an answer that began and did not end
    odd: list[int] = field(default_factory=list)

    def work(self) -> None:
        serial = self.number * 100_000
        while self.running:
            serial += 1
            digits = f"20171{serial:07d}"
            self.add(digits + patent_check(digits))

    def add(self, number: str) -> None:
        form = {"number": number, "title": "一种示例装置", "patentee": "重庆示例智造有限公司", "status": "granted"}
        form |= {"filing_date": "2017-07-21", "grant_date": "2019-06-14", "fee_paid_until": "2027-07-21"}
        form |= {"co-TOTAL_FORMS": "0", "co-INITIAL_FORMS": "0", "csrfmiddlewaretoken": TOKEN}
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        head = {"Cookie": f"session={self.session}; csrf={TOKEN}", "Content-Type": "application/x-www-form-urlencoded"}
        try:
            line.request("POST", "/patents/add/", urlencode(form), head)
            answer = line.getresponse()
        except (OSError, http.client.HTTPException):
            time.sleep(0.05)  # not accepted, or gone before an answer: nothing was promised
            return
        try:
            answer.read()
        except (OSError, http.client.HTTPException):
            self.torn.append(number)
            return
        finally:
            line.close()
        if answer.status == 302 and answer.headers["Location"].startswith("/patents/"):
            self.acknowledged.append(number)
        else:
            self.odd.append(answer.status)


def test_nothing_acknowledged_is_lost_when_the_web_is_restarted_under_load_and_the_portal_stopped(data: Path) -> None:
    """Ling's clicks go on while the operator restarts the web three times and then stops everything."""
    portal = Portal.start(data, free_port(), "--no-demo")
    people: list[Person] = []
    try:
        portal.wait_until_ready()
        seeded = subprocess.run(
            [ROOT / "bin/portal", "manage", "shell", "-c", SEED.format(people=PEOPLE)],
            env=newcomer_environment(PORTAL_DATA=str(data)),
            capture_output=True,
            text=True,
            check=True,
        )
        found = re.search(r"KEYS(\[.*\])", seeded.stdout)
        assert found, seeded.stderr
        people = [Person(portal.port, key, n + 1) for n, key in enumerate(json.loads(found[1]))]
        threads = [threading.Thread(target=person.work) for person in people]
        for thread in threads:
            thread.start()
        for _ in range(3):
            done = sum(len(person.acknowledged) for person in people)
            wait_for(lambda done=done: sum(len(p.acknowledged) for p in people) > done + 20, 60, "work")  # type: ignore[misc]
            web = portal.one("gunicorn")
            os.kill(web, signal.SIGTERM)
            wait_for(lambda web=web: not alive(web), 10, "gunicorn ends")  # type: ignore[misc]
        wait_for(portal.answers, 30, "the web is back")
        time.sleep(1)
        children = descendants(portal.process.pid)
        assert portal.stop() <= 15
        assert [command for pid, command in children.items() if alive(pid)] == []
        for person in people:
            person.running = False
        for thread in threads:
            thread.join(30)
    finally:
        for person in people:
            person.running = False
        if portal.process.poll() is None:
            portal.stop()
    # Nobody had to be killed: each ended by itself in its grace.
    assert "强制结束" not in portal.text()
    again = Portal.start(data, portal.port, "--no-demo")
    try:
        again.wait_until_ready()
        kept = [number for (number,) in again.query("select number from assets_patent")]
    finally:
        again.stop()
    acknowledged = [number for person in people for number in person.acknowledged]
    print(f"{len(acknowledged)} acknowledged over four stops, {len(kept)} kept")
    assert len(acknowledged) > 80
    assert set(acknowledged) - set(kept) == set()
    assert len(kept) == len(set(kept))
    assert [status for person in people for status in person.odd if status >= 500] == []
    assert [number for person in people for number in person.torn] == []


def test_a_dispatcher_asked_to_stop_finishes_what_it_holds_and_gives_back_the_rest(data: Path) -> None:
    """See tests/foundation/test_dispatcher.py for the same in one process; here the loop itself is asked, by a signal."""
    portal = Portal.start(data, free_port(), "--no-demo")
    try:
        portal.wait_until_ready()
        loops = {name: portal.one(name) for name in ("--name dispatch", "sweep,seal")}
        for pid in loops.values():
            began = time.monotonic()
            os.kill(pid, signal.SIGTERM)
            wait_for(lambda pid=pid: not alive(pid), 4, "the loop ends between its rounds")  # type: ignore[misc]
            assert time.monotonic() - began < 4
        leased = "select count(*) from journal_delivery where state = 'waiting' and leased_until > clock_timestamp()"
        assert portal.query(leased) == [(0,)]
        worker = portal.one("celery --quiet -A portal.celery worker")
        os.kill(worker, signal.SIGTERM)
        wait_for(lambda: not alive(worker), 10, "the worker finishes its task")
    finally:
        portal.stop()
