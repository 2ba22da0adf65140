"""A verdict is derived again from the journal alone, and whoever changed something afterwards is found out."""

import io
import json
import re
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from applications.actions import choices, claiming
from applications.models import Application
from pledges.actions import corrections, examination
from pledges.models import Registration
from portal.demo.story import Story
from portal.foundation.core import moments
from portal.foundation.core.actor import SYSTEM
from portal.foundation.journal.models import Entry
from portal.foundation.sla import calendar_imports, closures, package, policies, replaying
from portal.foundation.sla.calendar_files import CALENDARS, parse_year
from portal.foundation.sla.models import Clock, Kind
from portal.foundation.sla.replayed import Replayed, Verdict
from portal.foundation.sla.sweep import sweep
from products.models import Product
from tests import factories
from tests.factories import Person
from tests.pledges.conftest import accepted, examined, submitted

from .conftest import asked, at, seal_all

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("journalled")]
CONTACT = {"contact_name": "薄示例", "contact_phone": "023-67961234", "next_step": "明天上午上门尽调"}
Tamper = Callable[..., None]


def told(number: str) -> Replayed:
    """The only clock of a case."""
    [clock] = replaying.derived(number, as_of=moments.now()).replay.clocks.values()
    return clock


def differences(number: str) -> list[str]:
    outcome = replaying.derived(number, as_of=moments.now())
    replaying.compare(outcome, number=number)
    return [said for _, said in outcome.differences]


def replay(*arguments: Any, code: int = 0) -> str:
    """Run the command as the administrator does; what it prints."""
    printed = io.StringIO()
    if code == 0:
        call_command("replay", *arguments, stdout=printed)
    else:
        with pytest.raises(CommandError) as refused:
            call_command("replay", *arguments, stdout=printed)
        assert refused.value.returncode == code
    return printed.getvalue()


@pytest.fixture
def case(ling: Person, bo: Person, product: Product) -> Application:
    """Ling asked on Thursday 19 November 2026, Bo answered on Monday 23, 15:00."""
    made = asked(ling, product, on=at("2026-11-19 10:00"))
    claiming.claim_this(made.referrals.get().pk, **CONTACT, actor=bo.actor, now=at("2026-11-23 15:00"))
    seal_all()
    return made


def test_an_answer_on_the_second_working_day_is_in_time_by_the_journal_alone(case: Application) -> None:
    clock = told(case.number)
    assert clock.verdict is Verdict.ON_TIME
    assert (clock.due_at, clock.stopped_at) == (at("2026-11-24 00:00"), at("2026-11-23 15:00"))
    assert clock.working_minutes == (18 - 10) * 60 + 9 * 60 + (15 - 9) * 60
    assert differences(case.number) == []


def test_one_microsecond_decides_and_the_journal_keeps_it(ling: Person, bo: Person, product: Product) -> None:
    in_time, late = (asked(ling, product, on=at("2026-11-19 10:00")) for _ in range(2))
    due = at("2026-11-24 00:00")
    for case, when in ((in_time, due - timedelta(microseconds=1)), (late, due)):
        claiming.claim_this(case.referrals.get().pk, **CONTACT, actor=bo.actor, now=when)
    assert told(in_time.number).verdict is Verdict.ON_TIME
    assert told(late.number).verdict is Verdict.LATE


def test_the_replay_reads_the_journal_and_nothing_else(case: Application) -> None:
    with CaptureQueriesContext(connection) as asked_for:
        replaying.derived(case.number, as_of=moments.now())
        replaying.everything(as_of=moments.now())
    read = {table for query in asked_for for table in re.findall(r"(?:FROM|JOIN|UPDATE|INTO) (\w+_\w+)", query["sql"])}
    assert read == {"journal_entry", "journal_seal"}


def test_a_due_moment_changed_in_the_table_is_found(case: Application, behind_our_back: Tamper) -> None:
    behind_our_back("UPDATE sla_clock SET due_at = due_at + interval '1 day' WHERE case_number = %s", case.number)
    assert [said.partition("：")[2] for said in differences(case.number)] == [
        "截止：按日志推算为 2026年11月23日（周一）24:00，库中为 2026年11月24日（周二）24:00"
    ]
    assert "不一致 1 处" in replay(case.number, code=1)


def test_a_changed_text_is_found_by_its_seal(case: Application, behind_our_back: Tamper) -> None:
    entry = Entry.objects.get(verb="referral.claimed")
    behind_our_back("UPDATE journal_entry SET text = '没有这回事' WHERE id = %s", entry.pk)
    assert differences(case.number) == [f"日志第 {entry.pk} 条的内容与封存摘要不符：封存之后被改动过"]


def test_a_stop_moved_forward_in_journal_and_table_is_still_found(case: Application, behind_our_back: Tamper) -> None:
    """Whoever makes both agree has not made the chain agree."""
    entry = Entry.objects.get(verb="referral.claimed")
    behind_our_back(
        "UPDATE journal_entry SET data = jsonb_set(data, '{clocks,0,working_minutes}', '5') WHERE id = %s", entry.pk
    )
    behind_our_back("UPDATE sla_clock SET working_minutes = 5 WHERE case_number = %s", case.number)
    found = " ".join(differences(case.number))
    assert "被改动过" in found
    assert "所用工作时间推算为 1380 分钟，记录为 5 分钟" in found


def test_a_missing_entry_is_found_by_what_it_told_and_by_its_link(case: Application, behind_our_back: Tamper) -> None:
    entry = Entry.objects.get(verb="referral.claimed")
    behind_our_back("DELETE FROM journal_entry WHERE id = %s", entry.pk)
    found = " ".join(differences(case.number))
    assert f"对应的日志第 {entry.pk} 条不见了" in found
    assert "停止：按日志推算为 无，库中为 2026年11月23日（周一）15:00:00" in found


def test_a_clock_the_journal_never_heard_of_is_found(case: Application, behind_our_back: Tamper) -> None:
    behind_our_back("DELETE FROM journal_entry WHERE verb = 'application.submitted'")
    found = " ".join(differences(case.number))
    assert "日志里没有它开始的记录" in found
    assert "没有它开始的记录" in replay("--all", code=1)


def test_a_withdrawn_request_is_not_counted(ling: Person, product: Product) -> None:
    case = asked(ling, product, on=at("2026-11-19 10:00"))
    choices.withdraw(case.pk, reason="示例", actor=ling.actor, now=at("2026-11-20 10:00"))
    assert told(case.number).verdict is Verdict.EXCUSED
    assert differences(case.number) == []


def test_what_the_sweep_announced_is_told_with_its_lateness(ling: Person, product: Product) -> None:
    case = asked(ling, product, on=at("2026-11-10 10:00"))
    sweep()
    clock = told(case.number)
    [announced] = clock.announced
    steps = [level for level, due in clock.term.ladder if due <= announced.at]
    assert (announced.overtaken, announced.level) == (steps[:-1], steps[-1])
    assert len(steps) >= 3
    assert announced.lateness > timedelta(days=1)
    assert announced.recipients == clock.rule.recipients(announced.level) != []
    assert differences(case.number) == []


def test_a_running_clock_nobody_announced_is_a_difference(ling: Person, product: Product) -> None:
    case = asked(ling, product, on=at("2026-11-10 10:00"))
    found = differences(case.number)
    assert len(found) == len(told(case.number).term.ladder)
    assert [said for said in found if "没有提醒" not in said] == []
    assert "“即将到期”应于 2026年11月12日（周四）14:00:00 提醒" in found[0]


def test_a_file_that_was_corrected_gets_its_term_anew(ling: Person, bo: Person, product: Product, chen: Person) -> None:
    file = examined(submitted(accepted(ling, bo, product), bo, ling), chen)
    defects = [examination.Defect("contract", "合同未加盖骑缝章。")]
    examination.ask_correction(file.pk, defects, actor=chen.actor, now=moments.now())
    number = file.application.number
    assert next(c for c in _clocks(number) if c.kind == Kind.REGISTRATION).paused_at is not None
    corrections.answer(file.corrections.get().pk, text="已补章", actor=bo.actor, now=moments.now())
    for check in Registration.objects.get(pk=file.pk).checks.all():
        key = f"{check.ground}:{check.point}"
        examination.tick(file.pk, ticked=[key], shown=[key], actor=chen.actor, now=moments.now())
    examination.register(file.pk, actor=chen.actor, now=moments.now())
    clock = next(c for c in _clocks(number) if c.kind == Kind.REGISTRATION)
    assert clock.verdict is Verdict.ON_TIME
    assert [term.why for term in clock.terms] == ["开始", "恢复，时限重新起算"]
    assert [rest.reason for rest in clock.pauses] == ["第 1 次补正，共 1 项"]
    assert differences(number) == []


def _clocks(number: str) -> list[Replayed]:
    return list(replaying.derived(number, as_of=moments.now()).replay.clocks.values())


def test_two_calendars_and_both_moments_stand_in_the_journal(ling: Person, product: Product) -> None:
    """A day off is announced while a clock runs: the clock moves, the journal says from when to when and why."""
    now = moments.now()
    case = factories.application(ling, product)
    before = Clock.objects.get().due_at
    day = moments.local_date(before - timedelta(microseconds=1))
    year = CALENDARS / f"{day.year}.toml"
    extra = f'holidays = [\n  {{ date = {day.isoformat()}, name = "示例假日" }},'
    changed = parse_year(year.read_text("utf-8").replace("holidays = [", extra, 1), name=year.name)
    calendar_imports.import_years([changed], ground="示例通知〔2026〕9号", actor=SYSTEM, now=now)
    clock = told(case.number)
    assert [term.due_at for term in clock.terms] == [before, Clock.objects.get().due_at]
    assert clock.due_at > before
    assert "示例通知〔2026〕9号" in clock.term.why
    assert differences(case.number) == []
    assert "示例假日" in replay(case.number)


def test_an_office_that_closes_for_a_day_moves_its_own_files_only(
    ling: Person, bo: Person, product: Product, chen: Person, chief: Person
) -> None:
    file = submitted(accepted(ling, bo, product), bo, ling)
    clock = Clock.objects.get(kind=Kind.REGISTRATION)
    before, day = clock.due_at, moments.local_date(clock.due_at - timedelta(microseconds=1))
    closures.close(chen.organisation, day, day, ground="示例停电通知", actor=chief.actor, now=moments.now())
    moved = next(c for c in _clocks(file.application.number) if c.kind == Kind.REGISTRATION)
    assert moved.due_at > before
    assert differences(file.application.number) == []
    assert "登记机构停办日" in replay(file.application.number)


def test_a_new_policy_counts_for_clocks_that_start_under_it(ling: Person, product: Product, rui: Person) -> None:
    levels = [
        policies.Step("due_soon", "即将到期", "before", 120, ["officer"]),
        policies.Step("overdue", "已超期", "after", 0, ["manager"]),
    ]
    policies.set_policy(
        Kind.RESPONSE,
        days=1,
        day_zero="next_open",
        closes=None,
        valid_on=date(2026, 11, 16),
        ground="示例文件〔2026〕1号",
        levels=levels,
        actor=rui.actor,
        now=at("2026-11-13 09:00"),
    )
    old = asked(ling, product, on=at("2026-11-13 10:00"))
    new = asked(ling, product, on=at("2026-11-21 10:00"))  # a Saturday
    sweep()
    assert told(old.number).due_at == at("2026-11-18 00:00")
    assert told(new.number).due_at == at("2026-11-25 00:00")
    assert differences(old.number) == differences(new.number) == []
    assert "视为下一工作日收到" in replay(new.number)


def test_the_whole_demonstration_replays_without_a_difference(reference: None, settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path
    Story(moments.now()).tell()
    said = replay("--all")
    assert "不一致 0 处" in said
    assert f"{Clock.objects.count()} 个时限" in said
    assert "不一致 0 处" in replay("--since", "2026-01-01")


def test_a_package_is_replayed_without_any_database(case: Application, tmp_path: Path) -> None:
    file = tmp_path / "证据包.jsonl"
    assert "结论：按时" in replay(case.number, "--export", str(file))
    with CaptureQueriesContext(connection) as asked_for:
        said = replay("--journal", str(file))
        plain = json.loads(replay("--journal", str(file), "--json"))
    assert len(asked_for) == 0
    assert "结论：按时" in said
    assert [clock["verdict"] for clock in plain["clocks"]] == ["按时"]


def test_a_package_with_a_changed_or_missing_line_is_found_out(case: Application, tmp_path: Path) -> None:
    file = tmp_path / "证据包.jsonl"
    replay(case.number, "--export", str(file))
    lines = file.read_text("utf-8").splitlines(keepends=True)
    assert "说明" in json.loads(lines[0])["readme"]
    file.write_text("".join(lines).replace("2026-11-23T07:00:00", "2026-11-23T06:00:00"), "utf-8")
    assert "被改动过" in replay("--journal", str(file), code=1)
    file.write_text("".join(lines[:-1]), "utf-8")
    assert "证据包缺少日志第" in replay("--journal", str(file), code=1)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[1]\n",
        '{"record": "header"}\n',
        "不是 JSON\n",
        '{"record": "header", "format": "clock-evidence/1"}\n{"record": "entry"}\n',
    ],
)
def test_nonsense_is_refused_in_a_sentence(text: str, tmp_path: Path) -> None:
    file = tmp_path / "x.jsonl"
    file.write_text(text, "utf-8")
    with pytest.raises(CommandError, match=r"。$"):
        call_command("replay", "--journal", str(file))
    with pytest.raises(package.BadPackage):
        package.read(text.splitlines())


def test_the_command_says_what_it_needs(reference: None) -> None:
    for arguments in ([], ["YZD1", "--all"], ["--all", "--export", "x"], ["YZD202611230001X"]):
        with pytest.raises(CommandError, match=r"。$"):
            call_command("replay", *arguments)
