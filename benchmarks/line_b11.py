"""B11: the encumbrance search among 1,000,000 registrations (1.4 million pledged patents).

Ours is the whole reading of the public page, `reading.of_patent`: a canonical number in, every pledge of it with parties, dates
and state out, as objects. The limit is the index probe itself on the bare driver: `SELECT` of the same patent's rows by number
from the one table, nothing joined, nothing made of them. The peer is what one writes first with the ORM: filter by number with
select_related, the same objects made of it. Numbers differ in every round, so nobody is served from a warm page alone. Beside them, for
information: a number that is free, a page of the pledgee with most pledges (first and far), and the whole page through the
portal's stack with its limit counted.
"""

import itertools
import json
import os
import random
from typing import Any

from django.db import connection
from django.test.utils import override_settings

from benchmarks.line_b4 import Reader
from benchmarks.load_pledges import ROWS, load, number_of
from benchmarks.rounds import interleaved
from pledges.models import PledgedPatent
from pledges.search import reading
from portal.foundation.core.moments import local_date

ROUNDS = 400
SEED = 20261123
_PROBE = "SELECT number, kind, grant_date, effective, registration_id FROM pledges_pledgedpatent WHERE number = %s"


def ordinary(number: str) -> list[reading.Pledge]:
    """The same answer by the ORM."""
    rows = (
        PledgedPatent.objects.filter(number=number)
        .exclude(registration__state__in=reading.NEVER)
        .select_related("registration__pledgor", "registration__pledgee")
        .order_by("-registration_id")[: reading.MOST]
    )
    return [
        reading.Pledge(
            row.number, row.kind_label, row.grant_date,
            local_date(row.registration.decided_at) if row.registration.decided_at else None,
            row.effective is not None and row.effective.upper is None,
            reading._words(row.registration.state, row.effective is not None, row.effective.upper if row.effective else None),
            local_date(row.effective.upper) if row.effective and row.effective.upper else None,
            row.registration.pledgor.name, row.registration.pledgee.name, row.registration.national_number,
        )
        for row in rows
    ]  # fmt: skip


def far_cursor(code: str) -> int:
    """The cursor of a page half a million registrations down."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT percentile_disc(0.01) WITHIN GROUP (ORDER BY id) FROM pledges_registration WHERE number LIKE 'L5%'"
        )
        return int(cursor.fetchone()[0])


@override_settings(ALLOWED_HOSTS=["testserver"])
def measure(rows: int = ROWS, rounds: int = ROUNDS) -> dict[str, Any]:
    """Seconds for one search, medians of interleaved calls."""
    loaded = load(rows)
    chance = random.Random(SEED)
    # u*10+1: pledged now and once before; every contender meets each kind as often.
    numbers = itertools.cycle(
        [number_of(chance.randrange(rows // 10) * 10 + chance.choice((1, 2, 5))) for _ in range(5_000)]
    )
    free = itertools.cycle([f"20193{chance.randrange(10**7):07d}0" for _ in range(5_000)])
    number = number_of(11)
    assert reading.of_patent(number) == ordinary(number)
    assert len(reading.of_patent(number)) == 2

    def probe() -> None:
        with connection.connection.cursor() as cursor:
            cursor.execute(_PROBE, [next(numbers)])
            cursor.fetchall()

    connection.ensure_connection()
    far = far_cursor(loaded.giant_code)
    seconds = interleaved(
        {
            "ours": lambda: reading.of_patent(next(numbers)),
            "limit": probe,
            "ORM": lambda: ordinary(next(numbers)),
            "a free number": lambda: reading.of_patent(next(free)),
            "party, first page": lambda: reading.of_party(loaded.giant_code),
            "party, far page": lambda: reading.of_party(loaded.giant_code, before=far),
        },
        rounds=rounds,
        warm=20,
    )
    seconds["whole page"] = _page(number)
    mine, limit = seconds.pop("ours"), seconds.pop("limit")
    ratios = {
        "over the index probe": mine / limit,
        "ORM to ours": seconds["ORM"] / mine,
        "far page to first": seconds["party, far page"] / seconds["party, first page"],
    }
    return {
        "line": "B11",
        "ours": mine,
        "limit": limit,
        "peers": seconds,
        "unit": "s",
        "rows": loaded.registrations,
        "loaded": {"rows": loaded.rows, "seconds": round(loaded.seconds, 1)},
        "ratios": {name: round(value, 2) for name, value in ratios.items()},
        "goal": "≤ 2× the index probe",
        "met": ratios["over the index probe"] <= 2,
    }


def _page(number: str) -> float:
    """The public page through the portal's stack, from a person's chair, below the limit of searches."""
    from benchmarks import world

    reader = Reader(world.people().banks[0].officer_id)
    return interleaved({"page": lambda: reader.get(f"/search/?q={_with_check(number)}")}, rounds=20)["page"]


def _with_check(number: str) -> str:
    """A number the search box takes: the loader's have a made-up check digit."""
    from portal.foundation.core.identifiers import patent_check

    return number[:-1] + patent_check(number[:-1])


if __name__ == "__main__":
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "benchmarks.settings")
    django.setup()
    print(json.dumps(measure(), ensure_ascii=False))
