"""One request from product choice to the downloaded notice and the money, through the real portal in a real browser."""

import hashlib
import io
import re
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeout
from pypdf import PdfReader

from portal.foundation.core.identifiers import patent_check
from tests.made_files import PDF

pytestmark = [pytest.mark.browser, pytest.mark.processes, pytest.mark.xdist_group("portal")]
Visit = Callable[..., Page]
expect.set_options(timeout=20_000)  # the machine may be busy; nothing here is a measurement
CONTRACT = {"name": "质押合同.pdf", "mimeType": "application/pdf", "buffer": PDF}


def eventually_visible(place: Locator, milliseconds: int = 3000) -> bool:
    try:
        place.wait_for(state="visible", timeout=milliseconds)
    except PlaywrightTimeout:
        return False
    return True


def unused_patent() -> str:
    """A patent number with the right check digit, in its dotted form, different on every run of the same portal."""
    serial = int(hashlib.sha256(str(Path.cwd()).encode() + str(id(object())).encode()).hexdigest(), 16) % 9000
    body = f"20211999{serial + 500:04d}"
    return f"{body}.{patent_check(body)}"


def primary(page: Page) -> None:
    """Press the one filled button of the page's form."""
    page.locator("main form button.primary:visible").first.click()


def test_one_request_from_product_choice_to_the_money(visit: Visit) -> None:
    ling, bo, chen, visitor, rui = visit("enterprise"), visit("officer"), visit("clerk"), visit(), visit("regulator")
    patent = unused_patent()

    # Ling records a patent, the way it is printed: prefix, full-width dot.
    ling.goto("/patents/add/")
    ling.get_by_label("专利号", exact=True).fill("ZL" + patent.replace(".", "．"))
    ling.get_by_label("申请日", exact=True).fill("2021-05-10")
    ling.get_by_label("专利名称").fill("一种示例散热装置")
    ling.get_by_label("授权公告日").fill("2023-06-01")
    ling.get_by_label("年费缴至").fill("2028-05-10")
    ling.get_by_role("button", name="录入", exact=True).click()
    expect(ling.get_by_text(f"已录入 {patent}")).to_be_visible()

    # 产品选择
    ling.goto("/products/?q=示例山城银行")
    ling.locator("main").get_by_role("link", name=re.compile("专利质押贷")).first.click()
    ling.get_by_role("link", name="申请这款").click()
    ling.get_by_role("button", name="开始填写").click()
    # 需求提交
    ling.get_by_label(patent).check()
    primary(ling)
    ling.get_by_label("融资金额").fill("３20")  # a full-width digit, as an input method makes it
    ling.get_by_label("2 年", exact=True).check()
    ling.get_by_label("研发投入").check()
    primary(ling)
    expect(ling).to_have_title(re.compile("^错误"))
    expect(ling.get_by_label("融资金额")).to_have_value("３20")
    ling.get_by_label("融资金额").fill("320")
    primary(ling)
    ling.get_by_label("同意 示例山城银行").check()
    primary(ling)
    expect(ling.get_by_role("heading", name="核对并提交")).to_be_visible()
    ling.get_by_role("button", name="提交", exact=True).dblclick()
    ling.wait_for_url(re.compile(r"/cases/YZD"))
    number = ling.url.rstrip("/").rsplit("/", 1)[-1]

    # Bo answers: contact and next step, then an offer.
    bo.goto(f"/desk/?q={number}")
    rows = bo.locator("main table").get_by_role("link", name=re.compile("响应"))
    expect(rows).to_have_count(1)
    rows.click()
    claim = bo.locator("form[action$='/claim/']")
    claim.get_by_label("下一步").fill("明天上午上门了解研发项目")
    claim.get_by_role("button", name="接单", exact=True).click()
    expect(bo.get_by_text("已接单，响应时限停止")).to_be_visible()
    offer = bo.locator("form[action$='/offer/']")
    if not offer.get_by_label("年利率").is_visible():
        bo.get_by_text("出方案", exact=False).first.click()
    offer.get_by_label("年利率").fill("3.45")
    offer.get_by_role("button", name="发出方案").click()
    expect(bo.locator("main .note").first).to_contain_text("方案")

    # Ling chooses.
    ling.goto(f"/cases/{number}/")
    ling.get_by_role("link", name="查看并选择方案").first.click()
    ling.get_by_role("link", name=re.compile("选")).first.click()
    primary(ling)
    ling.wait_for_url(re.compile(rf"/cases/{number}/"))

    # 申请质押: Bo fills in what the portal does not know yet, Ling confirms, both apply together.
    bo.goto(f"/pledges/start/{number}/")
    bo.get_by_role("button", name="开始填写").click()
    bo.get_by_label("质押合同编号").fill("SL-2026-101")
    bo.get_by_label("合同签订日期").fill(f"{date.today():%Y-%m-%d}")  # noqa: DTZ011 - what a person types
    bo.locator("[name=contract_file]").set_input_files(CONTRACT)
    bo.locator("[name=valued_at]").fill("800")
    bo.locator("[name=identity_promise]").check()
    bo.get_by_role("button", name="保存并预检").click()
    expect(bo.get_by_role("heading", name="没有不予登记的情形")).to_be_visible()
    bo.get_by_role("button", name="送对方确认").click()
    expect(bo.get_by_role("heading", name="等待对方确认")).to_be_visible()
    file = re.search(r"ZYDJ\w+", bo.url)[0]  # type: ignore[index]
    ling.goto(f"/cases/{number}/")
    ling.get_by_role("link", name=re.compile("确认")).first.click()
    if not ling.url.endswith("/confirm/"):
        ling.get_by_role("link", name="核对并确认").click()
    ling.locator("[name=read]").check()
    ling.get_by_role("button", name="确认并提交").click()
    expect(ling.get_by_text("已共同提交")).to_be_visible()

    # Chen examines: accepts, looks at what only a person can, registers with the keyboard.
    chen.goto(f"/office/{file}/")
    chen.locator("form[action$='/accept/'] button").click()
    expect(chen.locator("main").get_by_text("审查中").first).to_be_visible()
    while (unticked := chen.locator("[name=tick]:not(:checked)")).count():
        left = unticked.count()
        unticked.first.check()
        expect(unticked).to_have_count(left - 1)
    expect(chen.get_by_text("全部核对完毕")).to_be_visible()
    register = chen.get_by_role("button", name=re.compile("确认登记"))
    for _ in range(
        5
    ):  # the browser's PDF reader takes the focus while it loads; then a person clicks and presses again
        chen.locator("h1").click()
        chen.keyboard.press("a")  # opens the panel, decides nothing
        if not eventually_visible(register):
            continue
        register.focus()
        chen.keyboard.press("Control+Enter")
        break
    expect(register).to_have_count(0)

    # Ling downloads the notice, anybody verifies it, a changed byte is found.
    ling.goto(f"/pledges/{file}/")
    with ling.expect_download() as download:
        ling.get_by_role("link", name=re.compile("下载")).first.click()
    paper = Path(download.value.path()).read_bytes()
    assert paper.startswith(b"%PDF-")
    assert len(paper) <= 80_000
    text = " ".join(page.extract_text() for page in PdfReader(io.BytesIO(paper)).pages)
    assert patent.replace(".", "") in text.replace(" ", "")
    code = re.search(r"/v/(\w+)", text.replace("\n", "").replace(" ", ""))[1]  # type: ignore[index]
    visitor.goto(f"/v/{code[:12]}/")
    expect(visitor.get_by_text(hashlib.sha256(paper).hexdigest())).to_be_visible()
    for content, verdict in ((paper, "一致"), (paper[:-9] + b"x" + paper[-8:], "不一致")):
        visitor.locator("input[type=file]").set_input_files(
            {"name": "通知书.pdf", "mimeType": "application/pdf", "buffer": content}
        )
        visitor.locator("main form:has(input[type=file]) button").last.click()
        expect(visitor.locator("main")).to_contain_text(verdict)

    # 获得贷款: Bo records the money; the case counts its working days.
    bo.goto(f"/pledges/{file}/loan/")
    bo.get_by_label("年利率").fill("3.45")
    bo.get_by_label("借据号").fill("SL-101")
    primary(bo)
    ling.goto(f"/cases/{number}/")
    expect(ling.locator("main")).to_contain_text("已放款")
    expect(ling.locator("main")).to_contain_text(re.compile(r"\d+ 个工作日"))

    # The visitor's look-up says the state and nothing more; Rui sees the case behind the figures.
    visitor.goto(f"/track/?number={number}")
    visitor.locator("main input:visible").last.fill("0000")
    visitor.locator("main form button:visible").last.click()
    expect(visitor.locator("main")).to_contain_text("已放款")
    expect(visitor.locator("main")).not_to_contain_text("示例智造")
    rui.goto(f"/supervision/cases/{number}/")
    rui.get_by_label("调阅事由").fill("核对放款")
    rui.get_by_role("button", name="记录并打开").click()
    expect(rui.locator("main")).to_contain_text("示例山城银行")
