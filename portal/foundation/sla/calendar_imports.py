"""Importing calendar years: look first (which days change, which open deadlines move), then do it in one transaction.

A year is never overwritten: each import adds a version, the newest is in force, and the journal keeps all its days.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction

from portal.foundation.accounts.models import Role
from portal.foundation.core.actor import SYSTEM, Actor
from portal.foundation.core.errors import Forbidden, Invalid, WrongState
from portal.foundation.core.failpoints import failpoint
from portal.foundation.journal.record import record

from . import calendars_in_use, recounting
from .calendar_files import BadCalendarFile, YearFile, all_years
from .calendar_models import CalendarChange, CalendarDay, CalendarVersion, CalendarYear, YearDays
from .calendars_in_use import Calendars
from .recounting import Move

LONGEST_GROUND = 200  # characters


@dataclass(frozen=True, slots=True)
class DayChange:
    """A day that changes its kind, e.g. from «上班» to «放假»; `name` is the festival, empty when none is named."""

    day: date
    before: str
    after: str
    name: str


@dataclass(frozen=True, slots=True)
class YearChange:
    """One year of an import beside the version in force; `old` is None for a year that was not published before."""

    file: YearFile
    old: CalendarYear | None
    days: list[DayChange]


@dataclass(frozen=True, slots=True)
class Preview:
    """What an import would do (or did). `token` is the same only while it would do exactly this."""

    years: list[YearChange]
    moves: list[Move]
    token: str

    @property
    def moved(self) -> list[Move]:
        """Those whose due moment is another one."""
        return [move for move in self.moves if move.moved]

    @property
    def confirmed(self) -> list[Move]:
        """Those whose due moment stays and is no longer 暂定."""
        return [move for move in self.moves if move.confirmed and not move.moved]

    @property
    def reminders(self) -> int:
        """How many clocks change nothing but when their reminders come."""
        return len(self.moves) - len(self.moved) - len(self.confirmed)


def may_import(actor: Actor) -> bool:
    """The administrator keeps the calendar; so does the system itself (load_reference, the command line)."""
    return actor is SYSTEM or actor.role == Role.ADMIN


def preview(files: Sequence[YearFile]) -> Preview:
    """What importing these years would change, without changing anything. Raises Invalid with a sentence."""
    return _look(files, before=calendars_in_use.read_now(), known=_known())


def _known() -> dict[int, CalendarYear]:
    return {year.year: year for year in CalendarYear.objects.order_by("year")}


def _look(files: Sequence[YearFile], *, before: Calendars, known: Mapping[int, CalendarYear]) -> Preview:
    changed = [file for file in files if file.year not in known or known[file.year].digest != file.digest]
    if not changed:
        raise Invalid(
            "same", "内容与现行版本完全相同，无需导入。", fields={"text": "内容与现行版本完全相同，无需导入。"}
        )
    after = _after(changed, before=before, known=known)
    found = recounting.moves(before, after)
    years = [YearChange(file, known.get(file.year), list(_days(file, before=before, after=after))) for file in changed]
    digests = sorted((file.year, file.digest) for file in changed)
    return Preview(years, found, recounting.token(found, before.national.number, digests))


def _after(files: Sequence[YearFile], *, before: Calendars, known: Mapping[int, CalendarYear]) -> Calendars:
    """The calendars as they would be. Raises Invalid when the years would not fit together."""
    years: dict[int, YearDays] = {**known, **{file.year: _row(file) for file in files}}
    try:
        national = calendars_in_use.of_days(years, number=before.national.number)
    except BadCalendarFile as error:
        raise Invalid("gap", str(error), fields={"text": str(error)}) from error
    except ValueError as error:
        said = "有一天在相邻两年的通知里一处放假、一处上班，请核对跨年的日期。"
        raise Invalid("both", said, fields={"text": said}) from error
    return Calendars(national=national, closed=before.closed, numbers=before.numbers)


def _row(file: YearFile) -> CalendarYear:
    return CalendarYear(year=file.year, **_facts(file))


def _facts(file: YearFile) -> dict[str, Any]:
    return {
        "digest": file.digest,
        "document": file.document,
        "source": file.source,
        "holidays": sorted(file.holidays),
        "makeup_workdays": sorted(file.makeup_workdays),
        "names": {day.isoformat(): name for day, name in file.names.items()},
    }


def _days(file: YearFile, *, before: Calendars, after: Calendars) -> Iterator[DayChange]:
    """The days of this year, and of the December before it, that change their kind."""
    old, new = before.national, after.national
    day = max(date(file.year - 1, 12, 1), new.first_day)
    while day <= date(file.year, 12, 31):
        inside = old.first_day <= day <= old.last_day
        was = _kind(day, old.is_workday(day)) if inside else "无日历"
        now = _kind(day, new.is_workday(day))
        if was != now:
            provisional = inside and old.is_provisional(day)
            yield DayChange(day, f"{was}（暂定）" if provisional else was, now, file.names.get(day, ""))
        day += timedelta(days=1)


def _kind(day: date, works: bool) -> str:
    if day.weekday() >= 5:
        return "调休上班" if works else "周末"
    return "上班" if works else "放假"


def import_years(
    files: Sequence[YearFile], *, ground: str, actor: Actor, now: datetime, token: str | None = None
) -> Preview:
    """Put these years in force and move the open deadlines they change, with old and new moment journalled.

    `token` is that of the preview a person confirmed: anything else that would happen now is refused (WrongState), so that
    nobody confirms what he has not seen. Raises Forbidden, Invalid with field sentences, Busy.
    """
    done = _import(files, ground=ground, actor=actor, now=now, token=token)
    failpoint("calendar.committed")
    calendars_in_use.forget()
    recounting.settle(now=now)
    return done


@transaction.atomic(durable=True)
def _import(files: Sequence[YearFile], *, ground: str, actor: Actor, now: datetime, token: str | None) -> Preview:
    if not may_import(actor):
        raise Forbidden("role", "只有系统管理员可以导入工作日历。")
    recounting.hold()
    before, known = (calendars_in_use.read_now(), _known()) if CalendarYear.objects.exists() else (None, {})
    seen = _look(files, before=before, known=known) if before is not None else None
    if token is not None and (seen is None or seen.token != token):
        raise WrongState("stale", "核对之后日历或在办时限有了变化，下面是最新的影响，请重新核对后再确认。")
    why = _ground(ground, seen.years if seen else (), files)
    changed = [year.file for year in seen.years] if seen else list(files)
    change = CalendarChange.objects.create(
        what=CalendarChange.What.YEARS, ground=why, made_by=actor.label, made_at=now,
        # Nobody can have counted with a calendar before there was one.
        settled_at=None if seen else now,
    )  # fmt: skip
    for file in changed:
        _put(file, change=change)
    _write_days()
    _tell(change, {file.year: _facts(file) for file in changed}, actor=actor, now=now)
    if seen is None or before is None:
        return Preview([YearChange(file, None, []) for file in changed], [], "")
    failpoint("calendar.before_recompute")
    moved = recounting.recount(
        [move.clock.pk for move in seen.moves],
        before=before,
        after=calendars_in_use.read_now(),
        ground=why,
        actor=actor,
        now=now,
    )
    failpoint("calendar.before_commit")
    return Preview(seen.years, moved, seen.token)


def _ground(typed: str, years: Sequence[YearChange], files: Sequence[YearFile]) -> str:
    """What the import rests on; a first version may rest on its own document, a change of a published year says why."""
    said = typed.strip()
    if not said and not any(year.old for year in years):
        said = "、".join(dict.fromkeys(file.document or file.source for file in files if file.document or file.source))
        said = said[:LONGEST_GROUND]
    if not said:
        raise Invalid(
            "ground", "请填写依据。", fields={"ground": "请填写依据的文件名称和文号，例如：国办发明电〔2019〕2号。"}
        )
    if len(said) > LONGEST_GROUND:
        raise Invalid("ground", "依据太长。", fields={"ground": f"依据最多 {LONGEST_GROUND} 个字，请删减。"})
    return said


def _put(file: YearFile, *, change: CalendarChange) -> None:
    CalendarVersion.objects.create(change=change, year=file.year, **_facts(file))
    CalendarYear.objects.update_or_create(year=file.year, defaults=_facts(file))


def _tell(change: CalendarChange, years: Mapping[int, Mapping[str, Any]], *, actor: Actor, now: datetime) -> None:
    """One entry an import, with all its days, so that any calendar can be built again from the journal alone."""
    named = "、".join(" ".join(filter(None, (f"{year} 年", said["document"]))) for year, said in years.items())
    record(
        "calendar.loaded",
        actor=actor,
        now=now,
        subject=f"calendar:{change.pk}",
        text=f"导入工作日历：{named if len(years) <= 3 else f'{min(years)}—{max(years)} 年'}。依据：{change.ground}",
        data={
            "change": change.pk,
            "version": calendars_in_use.read_now().national.version,
            "ground": change.ground,
            "years": [{"year": year, **said} for year, said in years.items()],
        },
    )


def _write_days() -> None:
    rows = calendars_in_use.read_now().national.rows()
    CalendarDay.objects.all().delete()
    CalendarDay.objects.bulk_create((CalendarDay(**row._asdict()) for row in rows), batch_size=5000)


# --- the files that come with the portal ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Packaged:
    """What load_reference did: how many years it loaded, and which it left alone because another version is in force."""

    loaded: int
    differing: list[int]


def load_packaged(*, now: datetime, files: Sequence[YearFile] | None = None) -> Packaged:
    """Load the years of the portal's own files that are not in force yet, in the name of the system; safe to repeat.

    A year that is in force in another version is never touched: whoever wants the file's version imports it by name.
    """
    _adopt(now=now)
    known = dict(CalendarYear.objects.values_list("year", "digest"))
    files = all_years() if files is None else files
    fresh = [file for file in files if file.year not in known]
    if fresh:
        import_years(fresh, ground="" if known else GROUND, actor=SYSTEM, now=now)
    earlier = set(CalendarVersion.objects.values_list("year", "digest"))
    return Packaged(
        len(fresh), [file.year for file in files if file.year in known and (file.year, file.digest) not in earlier]
    )


GROUND = "随系统提供的年度日历文件，文号和来源见各年文件"


@transaction.atomic(durable=True)
def _adopt(*, now: datetime) -> None:
    """Years that were loaded before versions were kept become the first version of themselves."""
    if not CalendarYear.objects.exists() or CalendarVersion.objects.exists():
        return
    recounting.hold()
    change = CalendarChange.objects.create(
        what=CalendarChange.What.YEARS, ground=GROUND, made_by=SYSTEM.label, made_at=now, settled_at=now
    )
    names = {file.digest: file.names for file in all_years()}
    told = {}
    for year in CalendarYear.objects.order_by("year"):
        year.names = {day.isoformat(): name for day, name in names.get(year.digest, {}).items()}
        year.save(update_fields=["names"])
        told[year.year] = {field.name: getattr(year, field.name) for field in YearDays._meta.fields}
        CalendarVersion.objects.create(change=change, year=year.year, **told[year.year])
    _tell(change, told, actor=SYSTEM, now=now)
