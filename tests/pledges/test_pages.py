"""From the accepted offer to the notice in the browser; Wai sees nothing of it; every page stays within its budget."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from applications.models import Application
from pledges.actions import examination, joining
from pledges.models import Loan, Notice, Registration
from portal.foundation.accounts.models import Membership, Role
from portal.foundation.assets.models import CoOwner, Patent
from portal.foundation.core import moments
from tests.budget import budget
from tests.factories import Person

from .conftest import PDF, paper

pytestmark = pytest.mark.django_db


def typed(file: Registration, **changes: object) -> dict[str, object]:
    """What a browser would send from the filled-in form."""
    yesterday = moments.local_date(moments.now()) - timedelta(days=1)
    return {
        "version": file.version,
        "page": "page-of-bo",
        "contract_number": "示例质字 1 号",
        "contract_signed_on": f"{yesterday:%Y-%m-%d}",
        "debtor_name": file.debtor_name,
        "debt_kind": file.debt_kind,
        "debt_amount": "800",
        "debt_from": f"{file.debt_from:%Y-%m-%d}",
        "debt_to": f"{file.debt_to:%Y-%m-%d}",
        "scope": "all",
        "valuation": "negotiated",
        "valued_at": "",
        "patents": [str(p.patent_id) for p in file.patents.all()],
        "identity_promise": "on",
        "check": "1",
        **changes,
    }


def url(name: str, file: Registration, *rest: object) -> str:
    return reverse(name if name.startswith("office") else f"pledges:{name}", args=[file.number, *rest])


def test_from_the_accepted_offer_to_the_money(case: Application, ling: Person, bo: Person, chen: Person) -> None:
    start = reverse("pledges:start", args=[case.number])
    assert bo.client.get(start).status_code == 200
    assert Registration.objects.count() == 0  # nothing begins by looking
    bo.client.post(start)
    file = Registration.objects.get()
    assert bo.client.get(start).headers["Location"] == url("edit", file)
    with budget():
        page = bo.client.get(url("edit", file)).content.decode()
    assert "来自选定的方案（第 1 版）：800 万元" in page
    assert "需您填写 3 项" in page
    sent = bo.client.post(url("edit", file), {**typed(file), "contract_file": paper()})
    assert sent.headers["Location"] == url("precheck", file)
    with budget():
        page = bo.client.get(url("precheck", file)).content.decode()
    assert "送对方确认" in page
    assert bo.client.post(url("propose", file)).headers["Location"] == url("detail", file)
    with budget():
        assert "共同提交" in ling.client.get(url("confirm", file)).content.decode()
    file.refresh_from_db()
    assert ling.client.post(url("confirm", file), {"version": file.version}).status_code == 400  # not ticked
    ling.client.post(url("confirm", file), {"version": file.version, "read": "on"})
    file.refresh_from_db()
    assert file.state == Registration.State.SUBMITTED
    with budget():
        assert "受理" in chen.client.get(reverse("office")).content.decode()
    chen.client.post(url("office-accept", file))
    shown = [f"{c.ground}:{c.point}" for c in file.checks.all() if c.point]
    chen.client.post(url("office-check", file), {"shown": shown, "tick": shown})
    with budget():
        assert "确认登记" in chen.client.get(url("office-register", file)).content.decode()
    assert chen.client.post(url("office-register", file), {"national_number": ""}).headers["Location"] == "/office/"
    notice = Notice.objects.get()
    with budget():
        page = ling.client.get(url("notice", file, notice.pk)).content.decode()
    assert notice.number in page
    pdf = b"".join(ling.client.get(url("notice-pdf", file, notice.pk)).streaming_content)  # type: ignore[attr-defined]
    assert pdf.startswith(b"%PDF-")
    today = f"{moments.local_date(moments.now()):%Y-%m-%d}"
    money = {"amount": "800", "annual_rate": "3.45", "disbursed_on": today, "loan_number": "示例借据 1"}
    assert bo.client.get(url("loan", file)).status_code == 200
    bo.client.post(url("loan", file), money)
    assert Loan.objects.count() == 1
    with budget():
        assert "15 天压缩到 7 天" in ling.client.get(url("detail", file)).content.decode()


def test_wrong_entries_come_back_with_sentences_and_stay_typed(draft: Registration, bo: Person) -> None:
    tomorrow = moments.local_date(moments.now()) + timedelta(days=1)
    wrong = typed(
        draft, debt_amount="８００", debt_to=f"{draft.debt_from:%Y-%m-%d}", contract_signed_on=f"{tomorrow:%Y-%m-%d}"
    )
    answer = bo.client.post(url("edit", draft), wrong)
    page = answer.content.decode()
    assert answer.status_code == 400
    assert "全角数字" in page
    assert "届满日要晚于起始日" in page
    assert "签订日期不能晚于今天" in page
    assert 'value="８００"' in page
    assert "<title>错误：" in page
    draft.refresh_from_db()
    assert draft.typed["debt_amount"] == "８００"
    assert 'value="８００"' in bo.client.get(url("edit", draft)).content.decode()  # on another device too


def test_a_colleagues_save_is_noticed_and_the_own_page_never_is(draft: Registration, bo: Person) -> None:
    first = bo.client.post(url("edit", draft), typed(draft, contract_number="甲"), headers={"HX-Request": "true"})
    assert "草稿已自动保存" in first.content.decode()
    again = bo.client.post(url("edit", draft), typed(draft, contract_number="乙"), headers={"HX-Request": "true"})
    assert again.status_code == 200
    stale = bo.client.post(url("edit", draft), typed(draft, contract_number="丙", page="another"))
    assert stale.status_code == 409
    page = stale.content.decode()
    assert "薄示例（示例甲银行） 刚刚保存了这份申请" in page
    assert 'value="丙"' in page
    draft.refresh_from_db()
    assert draft.contract_number == "乙"


@pytest.mark.parametrize(
    ("name", "body", "status"),
    [("合同.pdf", b"MZ lies", 415), ("合同.exe", b"MZ", 415), ("合同.pdf", b"", 415)],
)
def test_a_file_that_lies_is_told_at_its_place(
    draft: Registration, bo: Person, name: str, body: bytes, status: int
) -> None:
    answer = bo.client.post(url("edit", draft), {**typed(draft), "contract_file": paper(name, body)})
    assert answer.status_code == status
    assert 'id="id_contract_file_error"' in answer.content.decode()


def test_a_twin_is_declared_on_the_precheck_page(draft: Registration, bo: Person) -> None:
    Patent.objects.update(invalidation_pending=True)
    page = bo.client.get(url("precheck", draft)).content.decode()
    assert "可以声明后继续办理" in page
    assert bo.client.post(url("propose", draft)).status_code == 409
    bo.client.post(url("declare", draft), {"invalidation": "1"})
    assert bo.client.post(url("propose", draft)).status_code == 302


def test_ling_sends_back_and_bo_reads_why(draft: Registration, bo: Person, ling: Person) -> None:
    joining.propose(draft.pk, actor=bo.actor, now=moments.now())
    assert ling.client.post(url("send-back", draft), {"note": ""}).status_code == 400
    ling.client.post(url("send-back", draft), {"note": "金额应为 780 万元"})
    assert "金额应为 780 万元" in bo.client.get(url("edit", draft)).content.decode()


def test_a_co_owners_consent_has_its_own_place(draft: Registration, bo: Person) -> None:
    CoOwner.objects.create(patent=Patent.objects.get(), name="重庆示例大学")
    assert "重庆示例大学的同意书" in bo.client.get(url("edit", draft)).content.decode()
    bo.client.post(url("edit", draft), {**typed(draft), "consent_1": paper("同意书.pdf")})
    assert draft.documents.get(kind="co_owner").co_owner == "重庆示例大学"


def test_a_correction_is_answered_in_the_browser(ready: Registration, chen: Person, bo: Person, ling: Person) -> None:
    page = chen.client.post(
        url("office-correct", ready),
        {"common": ["0"], "place_1": "debt_amount", "defect_1": "数额不符", "preview": "1"},
    ).content.decode()
    assert "预览，尚未发出" in page
    assert ready.corrections.count() == 0
    half = chen.client.post(url("office-correct", ready), {"place_1": "", "defect_1": "数额不符", "send": "1"})
    assert half.status_code == 400
    assert "选择这处问题在哪里" in half.content.decode()
    chen.client.post(
        url("office-correct", ready), {"common": ["0"], "place_1": "debt_amount", "defect_1": "数额不符", "send": "1"}
    )
    contract, amount = ready.corrections.all()
    with budget():
        page = bo.client.get(url("correct", ready)).content.decode()
    assert contract.defect in page
    assert "数额不符" in page
    assert bo.client.post(url("correct", ready), {"correction": contract.pk}).status_code == 400  # nothing given
    bo.client.post(url("correct", ready), {"correction": contract.pk, "c1-paper": paper("补签.pdf", PDF + b"% signed")})
    done = ling.client.post(
        url("correct", ready),
        {"correction": amount.pk, "c2-debt_kind": "working_capital", "c2-debt_amount": "780", "c2-text": ""},
    )
    assert done.headers["Location"] == url("correct", ready) + f"#correction-{amount.position}"
    ready.refresh_from_db()
    assert (ready.state, ready.debt_amount) == (Registration.State.CORRECTING, 7_800_000)
    for person in (bo, ling):  # each has changed what the other signed
        with budget():
            assert "已核对，确认并签名" in person.client.get(url("correct", ready)).content.decode()
        joined = person.client.post(url("correct", ready), {"confirm": "1", "version": ready.version})
        assert joined.headers["Location"] == url("detail", ready)
    ready.refresh_from_db()
    assert ready.state == Registration.State.EXAMINING
    assert "登记时限重新起算" in ling.client.get(url("detail", ready)).content.decode()


def test_a_second_clerk_gets_409_and_takes_over_in_so_many_words(
    with_office: Registration, chen: Person, chief: Person
) -> None:
    chen.client.post(url("office-accept", with_office))
    refused = chief.client.post(url("office-accept", with_office))
    assert refused.status_code == 409
    assert re.search(r"陈示例 正在办理（\d\d:\d\d 起）", refused.content.decode())
    assert chief.client.post(url("office-refuse", with_office), {"ground": "R12", "note": "x"}).status_code == 409
    with budget():
        assert "由我接手" in chief.client.get(url("office-file", with_office)).content.decode()
    chief.client.post(url("office-take-over", with_office), {"from": chen.user.pk})
    with_office.refresh_from_db()
    assert with_office.clerk_id == chief.user.pk
    chief.client.post(url("office-assign", with_office), {"clerk": chen.user.pk})
    with_office.refresh_from_db()
    assert with_office.clerk_id == chen.user.pk


def test_a_clerk_in_conflict_gets_403(with_office: Registration, chen: Person, bo: Person) -> None:
    Membership.objects.create(user=chen.user, organisation=bo.organisation, role=Role.OFFICER)
    assert "应当回避" in chen.client.get(url("office-file", with_office)).content.decode()
    assert chen.client.post(url("office-accept", with_office)).status_code == 403


def test_the_refusal_page_wants_its_ground(ready: Registration, chen: Person, ling: Person) -> None:
    assert chen.client.post(url("office-refuse", ready), {"ground": "", "note": ""}).status_code == 400
    assert chen.client.post(url("office-refuse", ready), {"ground": "R12", "note": ""}).status_code == 400
    chen.client.post(url("office-refuse", ready), {"ground": "R05", "note": "法院保全"})
    page = ling.client.get(url("detail", ready)).content.decode()
    assert "不予登记：R05" in page
    assert "法院保全" in page


def test_the_next_file_opens_after_a_decision(
    ready: Registration, chen: Person, cui: Person, ling: Person, another_case: object
) -> None:
    Patent.objects.update(same_day_twin="")
    other = Registration.objects.get(pk=ready.pk)
    answer = chen.client.post(url("office-refuse", other), {"ground": "R05", "note": ""})
    assert answer.headers["Location"] == reverse("office")
    assert "全部办完" in chen.client.get(reverse("office")).content.decode()


@pytest.mark.parametrize("tab", ["contract", "form", "patents", "papers", "history", "nonsense"])
def test_every_tab_of_the_office_stays_within_the_budget(ready: Registration, chen: Person, tab: str) -> None:
    with budget():
        assert chen.client.get(url("office-file", ready) + f"?tab={tab}").status_code == 200
    with budget():
        assert chen.client.get(reverse("office") + "?rows=1").status_code == 200


def test_done_files_are_found_by_number_notice_and_name(registered: Registration, chen: Person, ling: Person) -> None:
    notice = registered.notices.get()
    for search in ("", registered.number, notice.number, "[2026]1".replace("2026", notice.number[4:8]), "智造"):
        with budget():
            page = chen.client.get(reverse("office-done"), {"q": search}).content.decode()
        assert registered.number in page, search
    assert "没有找到" in chen.client.get(reverse("office-done"), {"q": "不存在"}).content.decode()


def test_lists_stay_within_the_budget_however_many(registered: Registration, bo: Person, ling: Person) -> None:
    for person in (bo, ling):
        for group in ("open", "registered", "ended"):
            with budget():
                assert person.client.get(reverse("pledges:list"), {"group": group}).status_code == 200


def test_a_stranger_sees_nothing(registered: Registration, wai: Person, cui: Person, gu: Person, chen: Person) -> None:
    notice, document = registered.notices.get(), registered.documents.first()
    assert document is not None
    pages = [
        url("detail", registered),
        url("notice", registered, notice.pk),
        url("notice-pdf", registered, notice.pk),
        url("document", registered, document.ref),
        *(url(n, registered) for n in ("edit", "precheck", "confirm", "withdraw", "correct")),
    ]
    for person in (wai, cui, gu):
        for page in pages:
            assert person.client.get(page).status_code == 404, page
        for name in ("edit", "propose", "confirm", "send-back", "withdraw", "correct", "declare", "take-back"):
            assert person.client.post(url(name, registered)).status_code == 404, name
        assert registered.number not in person.client.get(reverse("pledges:list")).content.decode()
    for page in pages:
        assert Client().get(page).status_code == 302


def test_the_office_sees_no_drafts(case: Application, bo: Person, chen: Person, draft: Registration) -> None:
    assert chen.client.get(url("office-file", draft)).status_code == 404
    assert draft.number not in chen.client.get(reverse("office")).content.decode()


def test_another_office_sees_nothing(registered: Registration, rui: Person) -> None:
    assert rui.client.get(url("detail", registered)).status_code == 200  # the regulator reads
    document = registered.documents.first()
    assert document is not None
    assert rui.client.get(url("document", registered, document.ref)).status_code == 403  # but no papers


def test_a_paper_is_shown_beside_the_list_and_downloaded_otherwise(with_office: Registration, chen: Person) -> None:
    document = with_office.documents.get()
    inside = chen.client.get(url("document", with_office, document.ref) + "?inline=1")
    assert inside.headers["Content-Disposition"].startswith("inline")
    assert inside.headers["X-Frame-Options"] == "SAMEORIGIN"
    assert (
        chen.client.get(url("document", with_office, document.ref))
        .headers["Content-Disposition"]
        .startswith("attachment")
    )


def test_withdrawing_asks_first(with_office: Registration, ling: Person) -> None:
    assert "确认撤回" in ling.client.get(url("withdraw", with_office)).content.decode()
    with_office.refresh_from_db()
    assert with_office.state == Registration.State.SUBMITTED
    ling.client.post(url("withdraw", with_office), {"reason": "条件有变"})
    with_office.refresh_from_db()
    assert with_office.state == Registration.State.WITHDRAWN


def test_a_decision_too_late_is_a_sentence(ready: Registration, chen: Person, bo: Person) -> None:
    joining.withdraw(ready.pk, reason="", actor=bo.actor, now=moments.now())
    answer = chen.client.post(url("office-register", ready), {})
    assert answer.status_code == 409
    assert "已撤回" in answer.content.decode()


def test_a_loan_is_checked_against_the_pledge(registered: Registration, bo: Person, ling: Person) -> None:
    tomorrow = moments.local_date(moments.now()) + timedelta(days=1)
    wrong = {"amount": "801", "annual_rate": "3.45", "disbursed_on": f"{tomorrow:%Y-%m-%d}", "loan_number": "1"}
    answer = bo.client.post(url("loan", registered), wrong)
    page = answer.content.decode()
    assert answer.status_code == 400
    assert "不能超过被担保债权数额 800 万元" in page
    assert "不能晚于今天" in page
    early = moments.local_date(moments.now()) - timedelta(days=3)
    answer = bo.client.post(url("loan", registered), {**wrong, "amount": "800", "disbursed_on": f"{early:%Y-%m-%d}"})
    assert "不能早于登记日期" in answer.content.decode()
    assert ling.client.get(url("loan", registered)).status_code == 403


def test_working_days_are_counted_by_the_calendar(registered: Registration, bo: Person) -> None:
    # Received on a Friday before a make-up Sunday: Friday is day 0, Sunday counts.
    submitted = moments.datetime.fromisoformat("2026-09-18T10:00:00+08:00")
    Application.objects.update(submitted_at=submitted)
    Registration.objects.update(decided_at=moments.datetime.fromisoformat("2026-09-21T10:00:00+08:00"))
    money = {"amount": "800", "annual_rate": "3.45", "disbursed_on": "2026-09-22", "loan_number": "示例 1"}
    bo.client.post(url("loan", registered), money)
    assert Application.objects.get().working_days == 3  # Sunday 20, Monday 21, Tuesday 22
    again = bo.client.post(url("loan", registered), money)
    assert again.status_code == 409


def test_tabs_and_panels_work_without_javascript(ready: Registration, chen: Person) -> None:
    page = chen.client.get(url("office-correct", ready) + "?tab=patents").content.decode()
    assert "要求补正" in page
    assert Patent.objects.get().dotted in page
    more = chen.client.post(
        url("office-correct", ready), {"defect_1": "写了一半", "rows": "3", "more": "1"}
    ).content.decode()
    assert "写了一半" in more
    assert 'name="defect_6"' in more
    assert examination.MAX_DEFECTS >= 6
