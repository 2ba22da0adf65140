"""Chen compares a file with the register: one key for all its patents, and every line says whose word it is and when."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import transaction
from django.urls import reverse

from applications.models import Application
from pledges.actions import corrections, examination
from pledges.checking import actions as checking
from pledges.checking import work
from pledges.models import Check, Ground, PledgedPatent, RegisterJob, Registration
from portal.foundation.accounts.models import Membership, Role
from portal.foundation.assets.models import RegisterAnswer, RegisterLookup
from portal.foundation.assets.register import actions as register
from portal.foundation.assets.register.interface import Extract
from portal.foundation.core import moments
from portal.foundation.core.errors import Forbidden, WrongState
from portal.foundation.core.identifiers import patent_check
from portal.foundation.journal.models import Entry
from tests import factories
from tests.budget import budget
from tests.factories import Person
from tests.registers import GRANTED, Says

from .conftest import accepted, examined, submitted, tick_all

pytestmark = pytest.mark.django_db
Result = Check.Result
FROM_REGISTER = {"R01", "R02", "R03", "R04", "R05", "R06", "R08", "R11"}  # R10: the file has no utility model


def line(file: Registration, ground: str) -> Check:
    return file.checks.get(ground=ground, point="")


def look(file: Registration, clerk: Person) -> RegisterJob:
    return checking.check_register(file.pk, actor=clerk.actor, now=moments.now())


@pytest.fixture
def under_examination(with_office: Registration, chen: Person) -> Registration:
    return examination.accept(with_office.pk, actor=chen.actor, now=moments.now())


def test_a_connected_register_that_nobody_asked_leaves_its_lines_to_chen(
    register_says: Says, with_office: Registration, chen: Person
) -> None:
    register_says(GRANTED)
    examination.accept(with_office.pk, actor=chen.actor, now=moments.now())
    manual = set(with_office.checks.filter(point="", result=Result.MANUAL).values_list("ground", flat=True))
    assert manual == FROM_REGISTER
    assert "尚未核对登记簿：201710601862.3" in line(with_office, Ground.R04).evidence


def test_one_key_settles_them_and_each_line_says_whose_word_it_is_and_when(
    register_says: Says, under_examination: Registration, chen: Person
) -> None:
    file = under_examination
    assert line(file, Ground.R01).source == "企业填报"  # without a register
    register_says(GRANTED)
    job = look(file, chen)
    assert (job.done, job.found, job.problem) == (1, 1, "")
    assert set(file.checks.filter(result=Result.MANUAL).values_list("point", flat=True)) == {
        "match",
        "forfeiture",
        "other",
    }
    asked_at = RegisterLookup.objects.get().asked_at
    for ground in FROM_REGISTER:
        check = line(file, ground)
        assert (check.result, check.source, check.source_at) == (
            Result.CLEAR,
            "登记簿接口“示例登记簿”",
            asked_at,
        )
    assert line(file, Ground.R07).source == "申请表和合同"
    assert line(file, Ground.R09).source == "本系统质押登记、登记簿接口“示例登记簿”"
    page = chen.client.get(reverse("office-file", args=[file.number])).content.decode()
    assert "来源：登记簿接口“示例登记簿”" in page
    assert Entry.objects.filter(verb="pledge.register_checked", text="核对登记簿 1 件，0 件的记载有变化").exists()


@pytest.mark.parametrize(
    ("said", "ground", "told"),
    [
        ({"patentees": ("重庆另一家有限公司",)}, Ground.R01, "专利权人为“重庆另一家有限公司”"),
        ({"status": "lapsed"}, Ground.R02, "已终止"),
        ({"status": "pending", "grant_date": None}, Ground.R03, "尚未被授予专利权"),
        ({"fee_paid_until": date(2026, 1, 1)}, Ground.R04, "缴至 2026年1月1日"),
        ({"preserved": True}, Ground.R05, "保全"),
        ({"suspended": True}, Ground.R05, "中止"),
        ({"expires_on": date(2027, 1, 1)}, Ground.R06, "届满日2027年1月1日"),
        ({"patentees": ("重庆示例智造有限公司", "重庆示例大学")}, Ground.R08, "缺 重庆示例大学"),
        ({"pledge": "Y2025500000001"}, Ground.R09, "登记号 Y2025500000001"),
        ({"invalidation_pending": True}, Ground.R11, "无效宣告请求"),
    ],
)
def test_the_register_weighs_more_than_lings_own_entry(
    register_says: Says,
    under_examination: Registration,
    chen: Person,
    said: dict[str, Any],
    ground: Ground,
    told: str,
) -> None:
    """She entered a sound patent, and the register knows better."""
    assert line(under_examination, ground).result == Result.CLEAR
    register_says(replace(GRANTED, **said))
    look(under_examination, chen)
    check = line(under_examination, ground)
    assert check.result == Result.FOUND
    assert told in check.evidence
    tick_all(under_examination, chen)
    with pytest.raises(WrongState, match=str(ground)):
        examination.register(under_examination.pk, actor=chen.actor, now=moments.now())


def test_a_register_that_fails_hands_its_lines_to_chen_with_the_reason(
    register_says: Says, settings: Any, under_examination: Registration, chen: Person
) -> None:
    register_says(GRANTED)
    look(under_examination, chen)
    settings.PATENT_REGISTER_URL = "http://127.0.0.1:9"
    job = look(under_examination, chen)
    assert "登记簿接口连接不上" in checking.summary(job)
    check = line(under_examination, Ground.R02)
    assert check.result == Result.MANUAL
    assert "登记簿没有查到结果（登记簿接口连接不上）" in check.evidence
    tick_all(under_examination, chen)  # she looked it up herself
    examination.register(under_examination.pk, actor=chen.actor, now=moments.now())


def test_a_number_the_register_does_not_know_is_for_chen(
    register_says: Says, under_examination: Registration, chen: Person
) -> None:
    register_says()
    look(under_examination, chen)
    assert "登记簿查无此号：201710601862.3" in line(under_examination, Ground.R01).evidence
    assert line(under_examination, Ground.R01).result == Result.MANUAL


def test_an_old_look_up_does_not_count(register_says: Says, under_examination: Registration, chen: Person) -> None:
    register_says(GRANTED)
    look(under_examination, chen)
    tick_all(under_examination, chen)
    with pytest.raises(WrongState, match="已超过 7 天"):
        examination.register(under_examination.pk, actor=chen.actor, now=moments.now() + timedelta(days=9))


def test_edge_case_24_a_patent_bought_just_before_is_pointed_out(
    register_says: Says, under_examination: Registration, chen: Person
) -> None:
    """Ling bought the patent two months ago: no ground of refusal, but Chen sees the day and a flag."""
    today = moments.local_date(moments.now())
    bought = today - timedelta(days=60)
    register_says(replace(GRANTED, transferred_on=bought))
    look(under_examination, chen)
    check = line(under_examination, Ground.R01)
    assert (check.result, check.warning) == (Result.CLEAR, True)
    day = f"{bought.year}年{bought.month}月{bought.day}日"
    assert f"近期受让 1 件，请留意是否为质押而购入：201710601862.3 {day}转让登记" in check.evidence
    page = chen.client.get(reverse("office-file", args=[under_examination.number]) + "?tab=patents").content.decode()
    assert day in page
    assert "近期受让" in page
    register_says(replace(GRANTED, transferred_on=today - timedelta(days=800)))
    look(under_examination, chen)
    check = line(under_examination, Ground.R01)
    assert not check.warning
    page = chen.client.get(reverse("office-file", args=[under_examination.number]) + "?tab=patents").content.decode()
    assert "近期受让" not in page


def fourteen(ling: Person) -> list[Extract]:
    made = []
    for n in range(14):
        body = f"20171{1_000_000 + n:07d}"
        number = body + patent_check(body)
        factories.patent(ling.organisation, number)
        made.append(replace(GRANTED, number=number, patentees=(ling.organisation.name,)))
    return made


def test_fourteen_patents_are_asked_about_at_once_from_the_page(
    register_says: Says, ling: Person, bo: Person, product: Any, chen: Person
) -> None:
    said = fourteen(ling)
    file = examination.accept(submitted(accepted(ling, bo, product), bo, ling).pk, actor=chen.actor, now=moments.now())
    register_says(*said)
    page = reverse("office-file", args=[file.number])
    assert "核对登记簿（14 件）" in chen.client.get(page).content.decode()
    assert chen.client.post(reverse("office-registry", args=[file.number])).headers["Location"] == page
    assert RegisterAnswer.objects.count() == 1
    assert RegisterLookup.objects.filter(outcome="found").count() == 14
    assert "核对登记簿 14 件，0 件的记载有变化" in chen.client.get(page).content.decode()
    tick_all(file, chen)
    assert examination.register(file.pk, actor=chen.actor, now=moments.now())


@pytest.fixture
def large(ling: Person, under_examination: Registration) -> list[Extract]:
    """The file grown to 120 patents, as an import would leave it."""
    row = under_examination.patents.get()
    said = [replace(GRANTED, number=row.number)]
    made = []
    for n in range(119):
        body = f"20171{2_000_000 + n:07d}"
        number = body + patent_check(body)
        patent = factories.patent(ling.organisation, number)
        made.append(PledgedPatent(
            registration=under_examination, patent=patent, number=number, kind=row.kind, title="示例", filing_date=row.filing_date,
            grant_date=row.grant_date, expires_on=row.expires_on,
        ))  # fmt: skip
        said.append(replace(GRANTED, number=number))
    PledgedPatent.objects.bulk_create(made)
    return said


def test_a_large_file_goes_on_in_the_background_and_shows_how_far(
    register_says: Says, under_examination: Registration, large: list[Extract], chen: Person
) -> None:
    register_says(*large)
    file = under_examination
    page = reverse("office-file", args=[file.number])
    chen.client.post(reverse("office-registry", args=[file.number]))
    assert not RegisterAnswer.objects.exists()  # the page itself asks nobody
    assert "正在核对登记簿，0/120 件" in chen.client.get(page).content.decode()
    assert work.work()
    progress = chen.client.get(reverse("office-registry-progress", args=[file.number])).content.decode()
    assert "50/120" in progress
    assert line(file, Ground.R01).source == "企业填报"  # the list changes when all is known
    while work.work():
        pass
    assert RegisterLookup.objects.filter(outcome="found").count() == 120
    assert line(file, Ground.R01).source.startswith("登记簿接口")
    assert RegisterJob.objects.get().found == 120
    assert (
        "查看新的审查要点" in chen.client.get(reverse("office-registry-progress", args=[file.number])).content.decode()
    )


def test_a_worker_that_dies_is_followed_by_another(
    register_says: Says, under_examination: Registration, large: list[Extract], chen: Person
) -> None:
    register_says(*large)
    look(under_examination, chen)
    assert work.work()
    RegisterJob.objects.update(leased_until=moments.now() + timedelta(minutes=1))  # taken, and not heard of since
    assert not work.work()
    RegisterJob.objects.update(leased_until=moments.now() - timedelta(seconds=1))
    while work.work():
        pass
    job = RegisterJob.objects.get()
    assert (job.done, job.found, job.finished_at is not None) == (120, 120, True)
    assert Entry.objects.filter(verb="pledge.register_checked").count() == 1


def test_a_background_round_that_fails_ends_with_its_sentence(
    register_says: Says, settings: Any, under_examination: Registration, large: list[Extract], chen: Person
) -> None:
    register_says(*large)
    look(under_examination, chen)
    work.work()
    settings.PATENT_REGISTER_URL = "http://127.0.0.1:9"
    while work.work():
        pass
    job = RegisterJob.objects.get()
    assert job.problem == "登记簿接口连接不上"
    assert job.found == 50
    assert "登记簿没有查到结果" in line(under_examination, Ground.R01).evidence


def test_large_files_are_leafed_through_fifty_patents_at_a_time(
    under_examination: Registration, large: list[Extract], chen: Person
) -> None:
    page = reverse("office-file", args=[under_examination.number]) + "?tab=patents"
    first = chen.client.get(page).content.decode()
    assert first.count('data-label="日期"') == 50
    assert len(first) < 120 * 1024
    assert "下一页" in first


def test_who_may_ask(
    register_says: Says, under_examination: Registration, chen: Person, chief: Person, ling: Person, bo: Person
) -> None:
    register_says(GRANTED)
    with pytest.raises(WrongState, match="陈示例 正在办理"):
        look(under_examination, chief)
    with pytest.raises(Forbidden):
        look(under_examination, ling)
    Membership.objects.create(user=chen.user, organisation=bo.organisation, role=Role.OFFICER)
    with pytest.raises(Forbidden, match="回避"):
        look(under_examination, chen)
    assert not RegisterAnswer.objects.exists()


def test_asking_never_happens_inside_somebodys_transaction(
    register_says: Says, under_examination: Registration, chen: Person
) -> None:
    register_says(GRANTED)
    with transaction.atomic(), pytest.raises(RuntimeError):
        look(under_examination, chen)


def test_the_parties_precheck_goes_by_their_own_entry(
    register_says: Says, case: Application, bo: Person, ling: Person, chen: Person
) -> None:
    """Whether the register agrees is the office's to see; an old look-up does not stop a filing."""
    register_says(replace(GRANTED, preserved=True))
    register.refresh([GRANTED.number], actor=chen.actor, now=moments.now())
    file = examined(submitted(case, bo, ling), chen)
    assert line(file, Ground.R05).result == Result.FOUND


def test_the_office_page_stays_within_the_budget_in_a_second_correction(
    register_says: Says, under_examination: Registration, chen: Person, chief: Person, bo: Person
) -> None:
    register_says(GRANTED)
    for _ in range(2):
        look(under_examination, chen)
        defect = examination.Defect("contract", "合同缺少签字或盖章页。")
        examination.ask_correction(under_examination.pk, [defect], actor=chen.actor, now=moments.now())
        row = under_examination.corrections.get(answered_at=None)
        corrections.answer(row.pk, text="已更正。", actor=bo.actor, now=moments.now())
    for who, tab in ((chen, "contract"), (chen, "patents"), (chen, "history"), (chief, "contract")):
        with budget():
            who.client.get(reverse("office-file", args=[under_examination.number]) + f"?tab={tab}")
