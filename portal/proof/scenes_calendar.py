"""A scene of the calendar: a day off is announced late, and the due moment of an open request moves. The real command does it.

Only in a world whose terms are not compressed: there the calendar decides when something is due.
"""

import itertools
import re
import subprocess
import sys
from datetime import timedelta

from portal.foundation.core.moments import local_date
from portal.foundation.journal.models import Entry
from portal.foundation.sla.calendar_files import CALENDARS
from portal.foundation.sla.models import CalendarChange, Clock
from portal.proof.scene import Scene, World
from portal.run.places import ROOT

_numbers = itertools.count(1)


def late_holiday(world: World) -> Scene:
    """The last day of the term of a request becomes a day off."""
    firm, patent = world.firm()
    case = world.case(firm, patent, world.banks[0])
    clock = Clock.objects.get(case_number=case.number)
    day = local_date(clock.due_at - timedelta(microseconds=1))
    ground = f"示例 {next(_numbers)}"
    file = world.stage.rules.with_name(f"{day.year}.toml")
    known = (file if file.exists() else CALENDARS / f"{day.year}.toml").read_text("utf-8")
    row = f'  {{ date = {day:%Y-%m-%d}, name = "示例" }},\n'
    file.write_text(re.sub(r"(?m)^holidays = \[\n", lambda found: found[0] + row, known), "utf-8")
    command = [sys.executable, "manage.py", "import_holidays", str(file), "--ground", ground, "--apply"]

    def act() -> int | None:
        done = subprocess.run(
            command, cwd=ROOT, env=world.stage.supervisor.environment, capture_output=True, check=False
        )
        # A second import of the same changes nothing and says so: exit code 1, as a page would say 409.
        return None if done.returncode < 0 else {0: 200, 1: 409}.get(done.returncode, 500)

    def facts() -> int:
        changes = CalendarChange.objects.filter(ground=ground).count()
        told = Entry.objects.filter(verb="clock.recomputed", case_number=case.number).count()
        moved = Clock.objects.filter(pk=clock.pk, due_at__gt=clock.due_at).count()
        return changes if changes == told == moved else -1

    return Scene(act, facts, lambda: not CalendarChange.objects.filter(settled_at=None).exists())
