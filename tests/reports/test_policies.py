"""Rui sets a new version of a promise; clocks that run keep theirs. Everybody counts with the published calendar."""

import re
from dataclasses import replace
from datetime import date, datetime, time

import pytest
import time_machine

from portal.foundation.accounts.models import Role
from portal.foundation.core.errors import Forbidden, Invalid, WrongState
from portal.foundation.journal.models import Entry
from portal.foundation.sla import clocks, policies, reference_data
from portal.foundation.sla.models import CalendarYear, Clock, Kind, Policy
from tests.factories import Person
from tests.reports.seed import Seed, at

pytestmark = pytest.mark.django_db
NOW = at("2026-11-20 10:00")
SOON = policies.Step("due_soon", "即将到期", "before", 120, [Role.OFFICER])
LATE = policies.Step("overdue", "已超期", "after", 0, [Role.MANAGER])
ABOVE = policies.Step("supervise", "超期 2 个工作日", "after", 2, [Role.MANAGER, Role.REGULATOR])
LADDER = [SOON, LATE, ABOVE]
RULE = {"days": 1, "day_zero": "next_open", "closes": time(18), "ground": "示例文件〔2026〕1号", "levels": LADDER}


def start(bo: Person, moment: str) -> Clock:
    return clocks.start(
        Kind.RESPONSE,
        organisation_id=bo.organisation.pk,
        case_number="YZD",
        subject=moment,
        watchers=[],
        now=at(moment),
    )


def test_a_running_clock_keeps_the_rule_it_started_under(rui: Person, bo: Person) -> None:
    running = start(bo, "2026-11-30 23:00")
    made = policies.set_policy(Kind.RESPONSE, valid_on=date(2026, 12, 1), actor=rui.actor, now=NOW, **RULE)
    assert made.valid_from == at("2026-12-01 00:00")
    running.refresh_from_db()
    assert (running.days, running.due_at) == (2, at("2026-12-03 00:00"))
    last_of_old = start(bo, "2026-11-30 23:59")
    first_of_new = start(bo, "2026-12-01 00:00")
    assert (last_of_old.days, last_of_old.due_at) == (2, at("2026-12-03 00:00"))
    assert (first_of_new.days, first_of_new.due_at) == (1, at("2026-12-02 18:00"))
    assert first_of_new.levels == ["due_soon", "overdue", "supervise"]
    assert first_of_new.moments[2] == at("2026-12-05 00:00")  # two working days after the 2nd end with the 4th
    entry = Entry.objects.get(verb="policy.set", subject=f"policy:{made.pk}")
    assert entry.data["ground"] == "示例文件〔2026〕1号"
    assert entry.data["levels"][1]["recipients"] == ["manager"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"valid_on": date(2026, 11, 20)}, "valid_on"),
        ({"valid_on": date(2036, 1, 1)}, "valid_on"),
        ({"days": 0}, "days"),
        ({"days": 61}, "days"),
        ({"ground": "  "}, "ground"),
        ({"day_zero": "sometimes"}, "day_zero"),
        ({"levels": [replace(SOON, offset=0), LATE]}, "levels-0-offset"),
        ({"levels": [SOON, replace(LATE, recipients=[])]}, "levels-1-recipients"),
        ({"levels": [replace(SOON, recipients=["clerk"]), LATE]}, "levels-0-recipients"),
        ({"levels": [SOON, LATE, replace(ABOVE, offset=21)]}, "levels-2-offset"),
        ({"levels": [SOON, LATE, replace(ABOVE, offset=0)]}, "levels-2-offset"),  # one of the two would never be heard
        ({"levels": [SOON, LATE, replace(ABOVE, code="overdue")]}, "levels-2-code"),
        ({"levels": [SOON, replace(LATE, code="Über due")]}, "levels-1-code"),
        ({"levels": [SOON, replace(LATE, label=" ")]}, "levels-1-label"),
        ({"levels": [replace(SOON, code="next_lender"), LATE]}, "levels-0-code"),  # moved on before it is even late
        ({"levels": [SOON]}, "levels"),  # nobody would hear of a broken promise
        ({"levels": []}, "levels"),
        ({"levels": [replace(LATE, code=f"l{n}", offset=n) for n in range(9)]}, "levels"),
    ],
)
def test_a_rule_that_cannot_be_is_refused_at_its_field(rui: Person, change: dict[str, object], field: str) -> None:
    wish: dict[str, object] = {**RULE, "valid_on": date(2026, 12, 1), **change}
    with pytest.raises(Invalid) as refusal:
        policies.set_policy(Kind.RESPONSE, actor=rui.actor, now=NOW, **wish)  # type: ignore[arg-type]
    assert set(refusal.value.fields) == {field}
    assert Policy.objects.filter(kind=Kind.RESPONSE).count() == 1


def test_only_a_regulator_sets_a_rule_and_one_a_day(rui: Person, bo: Person, ada: Person) -> None:
    for other in (bo, ada):
        with pytest.raises(Forbidden):
            policies.set_policy(Kind.RESPONSE, valid_on=date(2026, 12, 1), actor=other.actor, now=NOW, **RULE)
    policies.set_policy(Kind.RESPONSE, valid_on=date(2026, 12, 1), actor=rui.actor, now=NOW, **RULE)
    with pytest.raises(WrongState, match="已有一个版本"):
        policies.set_policy(Kind.RESPONSE, valid_on=date(2026, 12, 1), actor=rui.actor, now=NOW, **RULE)


def typed(*levels: policies.Step, **more: str) -> dict[str, object]:
    """The form as a browser sends it."""
    rows = {
        f"levels-{place}-{name}": getattr(step, name)
        for place, step in enumerate(levels)
        for name in ("label", "anchor", "offset", "code", "recipients")
    }
    fixed = {"days": "3", "day_zero": "strict", "closes": "", "valid_on": "2027-01-04", "ground": "示例文件〔2026〕1号"}
    return {**fixed, **rows, "levels-TOTAL_FORMS": str(len(levels)), "levels-INITIAL_FORMS": "0", **more}


PAGE = "/supervision/policy/response/new/"


def test_rui_looks_at_old_and_new_side_by_side_before_setting_a_rule(rui: Person) -> None:
    assert 'value="240"' in rui.client.get(PAGE).content.decode()  # starts from the version in force
    far = rui.client.post(PAGE, typed(*LADDER, valid_on="2099-01-01", step="confirm"))
    assert far.status_code == 400
    assert "请核对年份" in far.content.decode()
    missing = rui.client.post(PAGE, typed(*LADDER, ground="", step="check"))
    assert missing.status_code == 400
    assert "请填写依据" in missing.content.decode()
    looked = rui.client.post(PAGE, typed(*LADDER, step="check")).content.decode()
    assert "2 个工作日" in looked
    assert "有变化" in looked
    assert "没有这一级" in looked  # next_lender, which falls away
    assert Policy.objects.filter(kind=Kind.RESPONSE).count() == 1
    carried = dict(re.findall(r'<input type="hidden" name="(levels-[^"]+)" value="([^"]*)"', looked))
    assert carried["levels-2-code"] == "supervise"
    assert rui.client.post(PAGE, typed(*LADDER, step="confirm")).status_code == 302
    shown = rui.client.get("/supervision/policy/").content.decode()
    assert "将生效" in shown
    assert "芮示例" in shown
    assert rui.client.get("/supervision/policy/nothing/new/").status_code == 404


def test_rui_adds_a_level_and_takes_one_away_before_anything_is_checked(rui: Person) -> None:
    more = rui.client.post(PAGE, typed(*LADDER, ground="", step="add")).content.decode()
    assert 'name="levels-3-code"' in more
    assert "请填写" not in more
    assert 'value="超期 2 个工作日"' in more  # what was typed stays
    less = rui.client.post(PAGE, typed(*LADDER, step="drop-1")).content.decode()
    assert 'value="overdue"' not in less
    assert 'name="levels-2-code"' not in less
    assert 'name="levels-0-code"' in rui.client.post(PAGE, typed(SOON, step="drop-0")).content.decode()  # never none


def test_a_ladder_of_five_levels_is_climbed_in_the_order_of_its_moments(rui: Person, bo: Person) -> None:
    wanted = typed(
        policies.Step("director", "报分管负责人", "after", 1, ["manager"]), LATE, SOON,
        policies.Step("halfway", "时限过半", "before", 540, ["officer"]),
        policies.Step("next_lender", "改派下一家", "after", 3, ["manager", "regulator"]),
        step="confirm",
    )  # fmt: skip
    with time_machine.travel(NOW, tick=False):
        rui.client.force_login(rui.user)
        assert rui.client.post(PAGE, wanted).status_code == 302
    made = Policy.objects.filter(kind=Kind.RESPONSE).latest("valid_from")
    assert [level.position for level in made.levels.all()] == [1, 2, 3, 4, 5]
    clock = start(bo, "2027-01-04 10:00")
    assert clock.levels == ["halfway", "due_soon", "overdue", "director", "next_lender"]
    assert clock.moments == sorted(clock.moments)


def test_a_level_that_cannot_be_is_refused_at_its_own_field(rui: Person) -> None:
    answer = rui.client.post(PAGE, typed(SOON, LATE, replace(LATE, label="再提醒"), step="check"))
    assert answer.status_code == 400
    page = answer.content.decode()
    assert "代码 overdue 用了两次" in page
    assert 'href="#id_levels-2-code"' in page
    beyond = rui.client.post(PAGE, typed(*[replace(LATE, code=f"l{n}", offset=n) for n in range(9)], step="check"))
    assert beyond.status_code == 400


def test_an_installation_from_before_gets_the_fourth_step_as_a_new_version_once(bo: Person, reference: None) -> None:
    only = Policy.objects.get(kind=Kind.RESPONSE)
    only.levels.filter(code="next_lender").delete()
    running = start(bo, "2026-11-20 09:00")
    assert reference_data.load(now=NOW) == 1
    assert reference_data.load(now=NOW) == 0
    running.refresh_from_db()
    assert running.policy_id == only.pk
    assert only.levels.count() == 3
    later = start(bo, "2026-11-20 11:00")
    assert later.policy_id != only.pk
    assert later.levels[-1] == "next_lender"
    assert later.moments[-1] == at("2026-11-27 00:00")  # due with the 24th, two working days later


def test_a_ladder_a_regulator_has_set_is_not_extended_behind_their_back(rui: Person) -> None:
    Policy.objects.get(kind=Kind.RESPONSE).levels.filter(code="next_lender").delete()
    policies.set_policy(Kind.RESPONSE, valid_on=date(2026, 12, 1), actor=rui.actor, now=NOW, **RULE)
    assert reference_data.load(now=NOW) == 0


def read_calendar(person: Person, moment: datetime, query: str = "") -> str:
    """The calendar page as this person sees it at that moment."""
    with time_machine.travel(moment, tick=False):
        person.client.force_login(person.user)  # a session of today may be over by then
        return person.client.get(f"/supervision/calendar/{query}").content.decode()


def test_the_calendar_says_how_far_it_reaches_and_what_is_provisional(
    rui: Person, ada: Person, ling: Person, bo: Person
) -> None:
    last = CalendarYear.objects.latest("year").year
    Seed(ling).referral(bo.organisation, started=at(f"{last}-12-31 10:00"))  # due in a year that is not published
    for reader in (rui, ada):
        page = read_calendar(reader, at(f"{last}-11-01 00:00"))
        assert f"{last + 1} 年的放假安排尚未载入" in page
        assert f"{last}-12-31" in page
        assert '<span class="value">1 件</span>' in page
    assert "尚未载入" not in read_calendar(rui, at(f"{last}-10-31 23:59"))
    assert f"{last}年12月31日 之后" in read_calendar(rui, at(f"{last + 1}-01-05 09:00"))


def test_the_calendar_shows_days_off_and_make_up_days_of_any_year(rui: Person) -> None:
    page = rui.client.get("/supervision/calendar/?year=2026").content.decode()
    assert "10月1日—10月7日（7 天）" in page
    assert '20班<span class="vh">，调休上班，国庆节</span>' in page  # Sunday 20 September
    assert '1休<span class="vh">，放假，元旦</span>' in page
    earlier = rui.client.get("/supervision/calendar/?year=2011").content.decode()
    assert '31班<span class="vh">，调休上班，元旦</span>' in earlier  # named by the notice for 2012
    assert rui.client.get("/supervision/calendar/?year=1999").status_code == 404
    assert rui.client.get("/supervision/calendar/?year=abc").status_code == 404
