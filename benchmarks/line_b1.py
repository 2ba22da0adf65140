"""B1: one deadline, aware moment in, aware moment out; and a million of them in SQL.

The limit of the first half is the least a Python function can do: a list look-up by the day's number, for two days only,
with no range check and no choice of rule. The peers answer from their own data with their own verb for «the second working day
after»; `right` says how many of the sampled starts they answer as the notices do. The second half runs the portal's own
statement (sla/deadlines_sql.py) over a copy of sla_clock; the limit is a scan of the same rows under the same conditions
with the same aggregates.
"""

import random
import warnings
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from time import perf_counter as time_now
from typing import Any
from zoneinfo import ZoneInfo

import businesstimedelta
import chinese_calendar
import holidays
import pytz
from django.db import connection
from workalendar.asia import China

from benchmarks.rounds import interleaved
from portal.foundation.sla import deadlines_sql
from portal.foundation.sla.calendars_in_use import current
from portal.foundation.sla.models import Kind, Policy

SHANGHAI = ZoneInfo("Asia/Shanghai")
DAYS = 2
FIRST, LAST = date(2018, 1, 1), date(2023, 12, 20)  # the years every peer knows
STARTS = 200
ROUNDS, SQL_ROUNDS = 15, 7
ROWS = 1_000_000
SCHEMA = "bench_b1"
MIDNIGHT = time()
DAY = timedelta(days=1)

Deadline = Callable[[datetime], datetime]


def sampled() -> list[datetime]:
    dice = random.Random(1)
    first = datetime.combine(FIRST, MIDNIGHT, tzinfo=UTC)
    return [first + timedelta(seconds=dice.randrange((LAST - FIRST).days * 86_400)) for _ in range(STARTS)]


def through_dates(second_workday: Callable[[date], date]) -> Deadline:
    """What a user of a library of dates has to write around it: into Chongqing's day, and out at the day's end."""

    def deadline(started_at: datetime) -> datetime:
        last = second_workday(started_at.astimezone(SHANGHAI).date())
        return datetime.combine(last + DAY, MIDNIGHT, tzinfo=SHANGHAI).astimezone(UTC)

    return deadline


def chinesecalendar_loop(day: date) -> date:
    left = DAYS
    while left:
        day += DAY
        left -= chinese_calendar.is_workday(day)
    return day


def contenders() -> dict[str, Deadline]:
    """Ours, the limit and the peers, all warm: every table is built before the first call."""
    calendar = current()
    deadline = calendar.deadline
    origin = datetime.combine(FIRST - DAY, MIDNIGHT, tzinfo=SHANGHAI).astimezone(UTC)
    ends = [deadline(origin + DAY * n, days=DAYS).due_at for n in range((LAST - FIRST).days + 3)]
    china = holidays.country_holidays("CN", years=range(2017, 2025))
    workalendar = China()
    # It counts hours, so a working day is one of (nearly) 24; it knows no make-up workdays and wants pytz.
    zone, tick = pytz.timezone("Asia/Shanghai"), timedelta(microseconds=1)
    whole_days = businesstimedelta.WorkDayRule(
        start_time=time(0), end_time=time(23, 59, 59, 999_999), working_days=[0, 1, 2, 3, 4], tz=zone
    )
    rules = businesstimedelta.Rules([whole_days, businesstimedelta.HolidayRule(china, tz=zone)])
    two_days = businesstimedelta.BusinessTimeDelta(rules, timedelta=DAYS * (DAY - tick))

    def from_the_next_midnight(started_at: datetime) -> datetime:
        day = started_at.astimezone(SHANGHAI).date() + DAY
        return (datetime.combine(day, MIDNIGHT, tzinfo=SHANGHAI) + two_days + tick).astimezone(UTC)

    return {
        "ours": lambda moment: deadline(moment, days=DAYS).due_at,
        "limit": lambda moment: ends[(moment - origin).days],
        "holidays": through_dates(lambda day: china.get_nth_working_day(day, DAYS)),
        "chinesecalendar": through_dates(lambda day: chinese_calendar.find_workday(DAYS, day)),
        "chinesecalendar, is_workday loop": through_dates(chinesecalendar_loop),
        "workalendar": through_dates(lambda day: workalendar.add_working_days(day, DAYS)),
        "businesstimedelta": from_the_next_midnight,
    }


def calibrate(ask: Deadline, starts: list[datetime]) -> int:
    """How many passes over the sample take some 10 ms: a shorter turn would measure the caches its neighbours emptied."""
    began = time_now()
    for start in starts:
        ask(start)
    return max(1, round(0.01 / (time_now() - began)))


def measure(rows: int = ROWS) -> dict[str, Any]:
    """Both halves as one line: seconds for one deadline (medians), and of the SQL in `sql`."""
    warnings.simplefilter("ignore")  # workalendar warns at every new year it is asked about
    starts = sampled()
    asked = contenders()
    right = {name: round(sum(ask(s) == asked["ours"](s) for s in starts) / STARTS, 3) for name, ask in asked.items()}
    passes = {name: calibrate(ask, starts) for name, ask in asked.items()}
    turns = {
        name: (lambda ask=ask, often=passes[name]: [ask(s) for _ in range(often) for s in starts])
        for name, ask in asked.items()
    }
    seconds = {name: turn / passes[name] / STARTS for name, turn in interleaved(turns, rounds=ROUNDS).items()}
    ours, limit = seconds.pop("ours"), seconds.pop("limit")
    sql = measure_sql(rows)
    ratios = {
        "over limit": ours / limit,
        **{f"{name} to ours": value / ours for name, value in seconds.items()},
        "SQL over scan": sql["ours"] / sql["scan"],
    }
    return {
        "line": "B1",
        "ours": ours,
        "limit": limit,
        "peers": seconds,
        "unit": "s",
        "rows": sql["rows"],
        "right": right,
        "sql": sql,
        "ratios": {name: round(value, 2) for name, value in ratios.items()},
        "goal": "≤ 1.5 µs, ≥ 8× holidays warm, ≥ 70× chinesecalendar; a million in SQL ≤ 2.5× a scan",
        "met": ours <= 1.5e-6
        and ratios["holidays to ours"] >= 8
        and ratios["chinesecalendar to ours"] >= 70
        and ratios["SQL over scan"] <= 2.5,
    }


def measure_sql(rows: int) -> dict[str, Any]:
    """The portal's statement over `rows` clocks against a scan of them, and a correlated sub-query as the naive way."""
    policy = Policy.objects.get(kind=Kind.RESPONSE)
    load(rows, policy)
    scan = f"""
        SELECT count(*), count(*) FILTER (WHERE clock.due_at <> clock.started_at OR clock.provisional <> clock.excused),
               max(clock.due_at)
          FROM sla_clock AS clock {deadlines_sql.CHOSEN}"""
    counted_again = """
        SELECT max((SELECT (day.day + time '24:00') AT TIME ZONE 'Asia/Shanghai' FROM sla_calendarday AS day
                     WHERE day.works AND day.day > (clock.started_at AT TIME ZONE 'Asia/Shanghai')::date
                     ORDER BY day.day OFFSET clock.days - 1 LIMIT 1))
          FROM (SELECT * FROM sla_clock LIMIT %(rows)s) AS clock"""

    def run(statement: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(statement, {"policy": policy.pk, "rows": rows // 100})
            cursor.fetchone()

    with connection.cursor() as cursor:
        cursor.execute(f"SET search_path = {SCHEMA}, public; SET max_parallel_workers_per_gather = 0; SET jit = off")
    try:
        checked = deadlines_sql.summary(policy)
        assert checked[:2] == (rows, 0), checked
        seconds = interleaved(
            {
                "ours": lambda: deadlines_sql.summary(policy),
                "scan": lambda: run(scan),
                "sub-query": lambda: run(counted_again),
            },
            rounds=SQL_ROUNDS,
        )
    finally:
        with connection.cursor() as cursor:
            cursor.execute("RESET search_path; RESET max_parallel_workers_per_gather; RESET jit")
    return {**seconds, "sub-query": seconds["sub-query"] * 100, "rows": rows}


def load(rows: int, policy: Policy) -> None:
    """A copy of sla_clock with that many running clocks over all published years, made once."""
    calendar = current()
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
        cursor.execute("SELECT to_regclass(%s)", [f"{SCHEMA}.sla_clock"])
        if cursor.fetchone()[0] is not None:
            cursor.execute(f"SELECT count(*) FROM {SCHEMA}.sla_clock")
            if cursor.fetchone()[0] == rows:
                return
        cursor.execute("SET statement_timeout = 0")
        cursor.execute(
            f"""
            DROP TABLE IF EXISTS {SCHEMA}.sla_clock;
            CREATE TABLE {SCHEMA}.sla_clock (LIKE public.sla_clock);
            WITH {deadlines_sql.DUE}, started AS (
                SELECT n, (n::bigint * 7919 %% %(days)s)::int + 1 AS place, %(first)s::date + (n::bigint * 7919 %% %(days)s)::int AS day,
                       interval '1 second' * (n::bigint * 104729 %% 86400) AS clock
                  FROM generate_series(1, %(rows)s) AS n
            )
            INSERT INTO {SCHEMA}.sla_clock (id, kind, policy_id, organisation_id, case_number, subject, watchers, days,
                   started_at, due_at, provisional, stop_reason, excused, levels, moments, level, next_at)
            SELECT n, 'response', %(policy)s, 1 + n %% 50, 'YZD20260101' || n, 'referral:' || n, ARRAY[1 + n %% 50, n],
                   %(policy_days)s, (day + clock) AT TIME ZONE interval '8 hours', due_at, provisional, '', false,
                   ARRAY['due_soon', 'overdue', 'supervise'],
                   ARRAY[due_at - interval '1 hour', due_at, due_at + interval '1 day'], 0, due_at - interval '1 hour'
              FROM (SELECT *, (SELECT ends FROM due)[place] AS due_at,
                           (SELECT ends FROM due)[place] > (SELECT published_until FROM calendar) AS provisional
                      FROM started) AS clock
             ORDER BY n
            """,
            {
                "first": calendar.first_day,
                "days": (calendar.last_published - calendar.first_day).days + 1,
                "rows": rows,
                "policy": policy.pk,
                "policy_days": policy.days,
            },
        )
        cursor.execute(f"VACUUM (ANALYZE) {SCHEMA}.sla_clock")
        cursor.execute("RESET statement_timeout")
