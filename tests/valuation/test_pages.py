"""Ling values a patent in the browser's way: choose, fill in, weigh, score, close, read the report. Rui decides the weights."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from applications.actions import valuations
from applications.models import Application
from portal.foundation.assets.models import Valuation, WeightVersion
from portal.foundation.assets.valuation import actions, indicators, presenting, weights
from portal.foundation.assets.valuation.models import Scene
from portal.foundation.core import moments
from portal.foundation.core.errors import Invalid, WrongState
from portal.foundation.core.identifiers import PatentKind
from portal.foundation.core.pdf import engine
from portal.foundation.journal.models import Entry
from tests import factories
from tests.factories import Person

from .conftest import INCOME, begun

pytestmark = pytest.mark.django_db
INCOME_TYPED = {"revenue": "765.4321", "growth": "5", "share": "6.5", "tax": "15", "discount": "12", "years": "5"}
COST_TYPED = {"labour": "100", "materials": "20", "equipment": "", "other": "5", "profit": "10", "obsolescence": "20"}


def post(person: Person, valuation: Valuation, place: str, typed: dict[str, Any]) -> Any:
    valuation.refresh_from_db()
    address = f"/valuations/{valuation.number}/{place}"
    return person.client.post(address, {"version": valuation.version, **typed})


def test_ling_values_a_patent_from_start_to_report(ling: Person) -> None:
    patent = factories.patent(ling.organisation)
    assert "?patent=" in ling.client.get("/patents/").content.decode()
    made = ling.client.post("/valuations/start/", {"patents": [patent.pk], "scene": "finance", "purpose": "质押贷款"})
    assert made.status_code == 302
    valuation = Valuation.objects.get()
    assert post(ling, valuation, "approach/income/", INCOME_TYPED).status_code == 302
    assert post(ling, valuation, "approach/cost/", COST_TYPED).status_code == 302
    valuation.refresh_from_db()
    assert valuation.value is None  # two approaches, and nobody said what each weighs
    assert "请在下面填写各方法的权重" in ling.client.get(made.url).content.decode()
    wrong = post(ling, valuation, "shares/", {"income": "70", "cost": "20"})
    assert wrong.status_code == 400
    assert "合计应为 100%" in wrong.content.decode()
    assert post(ling, valuation, "shares/", {"income": "70", "cost": "30"}).status_code == 302
    valuation.refresh_from_db()
    assert valuation.cost_value == Decimal("1100000.00")
    assert valuation.income_value is not None
    mean = (valuation.income_value * 70 + valuation.cost_value * 30) / 100
    assert valuation.value == mean.quantize(Decimal("0.01"), rounding="ROUND_HALF_UP")
    page = ling.client.get(made.url).content.decode()
    assert "折现率 14%" in page
    assert "<svg" in page
    assert "待确认" in page
    assert indicators.NAMES_NOTE in page
    until = moments.local_date(moments.now()) + timedelta(days=100)
    assert post(ling, valuation, "final/", {"valid_until": until.isoformat()}).status_code == 302
    valuation.refresh_from_db()
    assert valuation.state == "final"
    assert str(valuation.value) in ling.client.get(made.url).content.decode()


def test_scores_come_from_the_data_where_it_answers_and_need_evidence_elsewhere(ling: Person) -> None:
    draft = begun(ling)
    row = draft.patents.get()
    assert set(row.scores) == {i.code for i in indicators.INDICATORS if i.automatic}
    assert row.scores["L22"]["score"] == 100
    typed = {i.code: "70" for i in indicators.INDICATORS if not i.automatic}
    bare = post(ling, draft, f"scores/{row.pk}/", typed)
    assert bare.status_code == 400
    assert "打分的依据" in bare.content.decode()
    typed |= {f"{code}_why": "试制记录" for code in list(typed)}
    assert post(ling, draft, f"scores/{row.pk}/", {**typed, "L11": "3"}).status_code == 302
    row.refresh_from_db()
    draft.refresh_from_db()
    assert len(row.scores) == 27
    assert row.scores["L11"]["score"] == 100  # automatic ones are not typed over
    assert draft.score is not None
    assert 70 < draft.score < 100


def test_evidence_that_ling_typed_without_a_score_is_not_lost(ling: Person) -> None:
    """Ling writes why, forgets the number and saves: she was told «已保存», and her words were gone. Now the page says what
    is missing, her words stand in it, and nothing is written."""
    draft = begun(ling)
    row = draft.patents.get()
    code = next(i.code for i in indicators.INDICATORS if not i.automatic)
    answer = post(ling, draft, f"scores/{row.pk}/", {f"{code}_why": "三份检测报告"})
    assert answer.status_code == 400
    assert answer.context["form"].errors == {code: ["写了依据，请填得分；还不打分请先清空依据。"]}
    assert 'value="三份检测报告"' in answer.content.decode()
    wrong = post(ling, draft, f"scores/{row.pk}/", {code: "七十", f"{code}_why": "三份检测报告"})
    assert wrong.context["form"].errors == {code: ["请填写 0 到 100 的整数。"]}
    with pytest.raises(Invalid, match="请填得分"):
        actions.set_scores(draft.pk, row.pk, {code: (None, "依据")}, version=0, actor=ling.actor, now=moments.now())
    typed = {code: "70", f"{code}_why": "三份检测报告"}
    assert post(ling, draft, f"scores/{row.pk}/", typed).status_code == 302
    assert post(ling, draft, f"scores/{row.pk}/", {}).status_code == 302, "both emptied takes the score out"
    row.refresh_from_db()
    assert code not in row.scores


def test_a_design_is_refused_with_a_sentence(ling: Person) -> None:
    design = factories.patent(ling.organisation, factories.DESIGN, kind=PatentKind.DESIGN)
    answer = ling.client.post("/valuations/start/", {"patents": [design.pk], "scene": "finance"})
    assert answer.status_code == 400
    assert "外观设计专利不在" in answer.content.decode()
    assert not Valuation.objects.exists()


def test_income_ends_with_the_patent(ling: Person) -> None:
    draft = begun(ling)
    answer = post(ling, draft, "approach/income/", {**INCOME_TYPED, "years": "20"})
    assert answer.status_code == 400
    assert "剩余保护期" in answer.content.decode()
    assert 'value="765.4321"' in answer.content.decode()


def test_market_deals_have_to_weigh_a_hundred_and_an_approach_can_be_taken_out(ling: Person) -> None:
    draft = begun(ling)
    deal = {"name_1": "示例转让", "price_1": "200", "technology_1": "110", "rights_1": "90", "timing_1": "100"}
    answer = post(ling, draft, "approach/market/", {**deal, "weight_1": "90"})
    assert answer.status_code == 400
    assert post(ling, draft, "approach/market/", {**deal, "weight_1": "100"}).status_code == 302
    draft.refresh_from_db()
    assert draft.value == draft.market_value == Decimal("1980000.00")
    assert ling.client.get(f"/valuations/{draft.number}/approach/market/").status_code == 200
    asked = post(ling, draft, "approach/market/", {"away": "1"})
    assert asked.status_code == 200
    assert "198 万元" in asked.content.decode(), "what would be lost is said before it is"
    draft.refresh_from_db()
    assert draft.value == Decimal("1980000.00"), "nothing is done before it is confirmed"
    assert post(ling, draft, "approach/market/", {"away": "1", "sure": "1"}).status_code == 302
    draft.refresh_from_db()
    assert draft.value is None


@pytest.mark.parametrize("typed", [{"weight_2": "40"}, {"technology_2": "110"}, {"rights_2": "90"}, {"weight_2": "0"}])
def test_a_deal_without_name_and_price_is_not_dropped(ling: Person, typed: dict[str, str]) -> None:
    """Ling copies a second deal and misses its first two fields: the result was counted from the first deal alone."""
    draft = begun(ling)
    first = {"name_1": "示例转让", "price_1": "200", "technology_1": "100", "rights_1": "100", "timing_1": "100"}
    empty = {"name_2": "", "price_2": "", "technology_2": "100", "rights_2": "100", "timing_2": "100", "weight_2": ""}
    answer = post(ling, draft, "approach/market/", {**first, "weight_1": "100", **empty, **typed})
    assert answer.status_code == 400
    assert answer.context["form"].errors == {
        "name_2": ["填写交易和来源、成交价；不用这一笔的，请清空权重，修正都填 100。"]
    }
    assert post(ling, draft, "approach/market/", {**first, "weight_1": "100", **empty}).status_code == 302


def test_two_colleagues_do_not_overwrite_each_other(ling: Person) -> None:
    draft = begun(ling)
    actions.set_inputs(draft.pk, "income", INCOME, version=0, actor=ling.actor, now=moments.now())
    answer = ling.client.post(f"/valuations/{draft.number}/approach/cost/", {**COST_TYPED, "version": "0"})
    assert answer.status_code == 409
    assert "同事刚刚保存过" in answer.content.decode()


def test_ling_throws_a_draft_away_but_never_what_is_final(own: Valuation, ling: Person, wai: Person) -> None:
    draft = begun(ling, patents=list(own.patents.values_list("patent_id", flat=True)))
    page = f"/valuations/{draft.number}/discard/"
    assert wai.client.post(page, {"version": "0"}).status_code == 404
    assert "不能恢复" in ling.client.get(page).content.decode()
    assert ling.client.post(page, {"version": "7"}).status_code == 409, "a colleague has saved meanwhile"
    assert ling.client.post(page, {"version": "0"}).status_code == 302
    assert not Valuation.objects.filter(pk=draft.pk).exists()
    assert Entry.objects.filter(verb="valuation.discarded", data__number=draft.number).exists()
    assert ling.client.post(f"/valuations/{own.number}/discard/", {"version": str(own.version)}).status_code == 409
    assert Valuation.objects.filter(pk=own.pk).exists()


def test_nothing_is_closed_without_a_value_or_beyond_a_year(ling: Person) -> None:
    draft, now = begun(ling), moments.now()
    today = moments.local_date(now)
    with pytest.raises(WrongState):
        actions.finalise(draft.pk, valid_until=today + timedelta(days=9), version=0, actor=ling.actor, now=now)
    actions.set_inputs(draft.pk, "income", INCOME, version=0, actor=ling.actor, now=now)
    for days in (0, 366):
        with pytest.raises(Invalid):
            actions.finalise(draft.pk, valid_until=today + timedelta(days=days), version=1, actor=ling.actor, now=now)


def test_bo_values_privately_through_the_browser(case: Application, bo: Person) -> None:
    ref = case.referrals.get().ref
    assert bo.client.get(f"/desk/referrals/{ref}/valuation/").status_code == 200
    answer = bo.client.post(f"/desk/referrals/{ref}/valuation/", {"scene": "finance", "purpose": "授信审查"})
    assert answer.status_code == 302
    made = Valuation.objects.get(kind="internal")
    assert made.case_number == case.number
    assert made.patents.count() == 1
    assert bo.client.get(answer.url).status_code == 200
    assert made.number in bo.client.get("/valuations/").content.decode()


def test_older_valuations_and_those_shown_are_reached_each_in_its_list(
    own: Valuation, private: Valuation, case: Application, ling: Person, bo: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fifty newer valuations of Bo's bank hid the one Ling had shown it, and her own oldest were not to be reached."""
    monkeypatch.setattr(presenting, "LISTED", 1)
    valuations.show(own.pk, [case.referrals.get().pk], actor=ling.actor, now=moments.now())
    again = actions.renew(own.pk, actor=ling.actor, now=moments.now())
    later = ling.client.get("/valuations/")
    assert [v.pk for v, _ in later.context["own"].rows] == [again.pk]
    assert later.context["shown"] is None
    older = ling.client.get(f"/valuations/?after={later.context['own'].after}")
    assert [v.pk for v, _ in older.context["own"].rows] == [own.pk]
    assert older.context["own"].after == ""
    newer = valuations.renew_privately(private.pk, actor=bo.actor, now=moments.now())
    page = bo.client.get("/valuations/")
    assert [v.pk for v, _ in page.context["own"].rows] == [newer.pk]
    assert [v.pk for v, _ in page.context["shown"].rows] == [own.pk]
    older = bo.client.get(f"/valuations/?after={page.context['own'].after}")
    assert [v.pk for v, _ in older.context["own"].rows] == [private.pk]
    assert [v.pk for v, _ in older.context["shown"].rows] == [own.pk], "one list goes on without the other"


def test_ling_shows_and_takes_back_through_the_browser(own: Valuation, case: Application, ling: Person) -> None:
    place = f"/cases/valuations/{own.number}/"
    assert "示例甲银行" in ling.client.get(place).content.decode()
    assert ling.client.post(place, {"institutions": [case.referrals.get().pk]}).status_code == 302
    assert own.shares.count() == 1
    assert "checked" in ling.client.get(place).content.decode()
    assert ling.client.post(place, {}).status_code == 302
    assert own.shares.count() == 0


@pytest.mark.skipif(not engine.available().ok, reason="Pango is missing here")
def test_the_report_is_a_pdf_with_the_value(own: Valuation, ling: Person) -> None:
    import io

    from pypdf import PdfReader

    answer = ling.client.get(f"/valuations/{own.number}/report.pdf")
    assert answer.status_code == 200
    text = "".join(page.extract_text() for page in PdfReader(io.BytesIO(answer.content)).pages)
    assert str(own.value) in text.replace("\n", "").replace(" ", "")
    assert "待对照标准原文" in text.replace("\n", "")


def test_a_draft_has_no_report(ling: Person) -> None:
    assert ling.client.get(f"/valuations/{begun(ling).number}/report.pdf").status_code == 409


def test_rui_decides_weights_and_begun_valuations_keep_theirs(ling: Person, rui: Person) -> None:
    draft = begun(ling)
    first = weights.in_force(Scene.FINANCE)
    assert not first.confirmed
    typed = dict(first.weights) | {"seen": first.version, "note": "研究结论（示例）", "confirmed": "on"}
    assert rui.client.get("/valuations/weights/").status_code == 200
    assert rui.client.get("/valuations/weights/finance/").status_code == 200
    wrong = rui.client.post("/valuations/weights/finance/", typed | {"L11": "50"})
    assert wrong.status_code == 400
    assert "合计应为 100%" in wrong.content.decode()
    assert rui.client.post("/valuations/weights/finance/", typed).status_code == 302
    stale = rui.client.post("/valuations/weights/finance/", typed)
    assert stale.status_code == 409
    fresh = weights.in_force(Scene.FINANCE)
    assert (fresh.version, fresh.confirmed, fresh.decided_by) == (2, True, rui.actor.label)
    draft.refresh_from_db()
    assert draft.weights == first


def test_nobody_else_decides_weights(ling: Person, bo: Person) -> None:
    for person in (ling, bo):
        assert person.client.get("/valuations/weights/").status_code == 403
    assert WeightVersion.objects.count() == len(Scene.values)
