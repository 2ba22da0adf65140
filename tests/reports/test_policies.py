"""Rui sets a new version of a promise; clocks that run keep theirs. Everybody counts with the published calendar."""

from datetime import date, datetime, time

import pytest
import time_machine

from portal.foundation.accounts.models import Role
from portal.foundation.core.errors import Forbidden, Invalid, WrongState
from portal.foundation.journal.models import Entry
from portal.foundation.sla import clocks, policies
from portal.foundation.sla.models import CalendarYear, Clock, Kind, Policy
from tests.factories import Person
from tests.reports.seed import Seed, at

pytestmark = pytest.mark.django_db
NOW = at("2026-11-20 10:00")
LADDER = policies.Ladder(120, [Role.OFFICER], [Role.MANAGER], 2, [Role.MANAGER, Role.REGULATOR])
RULE = {"days": 1, "day_zero": "next_open", "closes": time(18), "ground": "示例文件〔2026〕1号", "ladder": LADDER}


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
        ({"ladder": policies.Ladder(0, ["officer"], ["officer"], 1, ["officer"])}, "due_soon_minutes"),
        ({"ladder": policies.Ladder(10, ["officer"], [], 1, ["officer"])}, "overdue_roles"),
        ({"ladder": policies.Ladder(10, ["clerk"], ["officer"], 1, ["officer"])}, "due_soon_roles"),
        ({"ladder": policies.Ladder(10, ["officer"], ["officer"], 0, ["officer"])}, "supervise_days"),
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


def test_rui_looks_at_old_and_new_side_by_side_before_setting_a_rule(rui: Person) -> None:
    page = "/supervision/policy/response/new/"
    assert 'value="240"' in rui.client.get(page).content.decode()  # starts from the version in force
    typed = {
        "days": "3",
        "day_zero": "strict",
        "closes": "",
        "valid_on": "2099-01-01",
        "ground": "示例文件〔2026〕1号",
        "due_soon_minutes": "240",
        "due_soon_roles": ["officer"],
        "overdue_roles": ["officer", "manager"],
        "supervise_days": "1",
        "supervise_roles": ["regulator"],
    }
    far = rui.client.post(page, {**typed, "step": "confirm"})
    assert far.status_code == 400
    assert "请核对年份" in far.content.decode()
    soon = {**typed, "valid_on": "2027-01-04"}
    missing = rui.client.post(page, {**soon, "ground": "", "step": "check"})
    assert missing.status_code == 400
    assert "请填写依据" in missing.content.decode()
    looked = rui.client.post(page, {**soon, "step": "check"}).content.decode()
    assert "2 个工作日" in looked
    assert "有变化" in looked
    assert Policy.objects.filter(kind=Kind.RESPONSE).count() == 1
    assert rui.client.post(page, {**soon, "step": "confirm"}).status_code == 302
    shown = rui.client.get("/supervision/policy/").content.decode()
    assert "将生效" in shown
    assert "芮示例" in shown
    assert rui.client.get("/supervision/policy/nothing/new/").status_code == 404


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
