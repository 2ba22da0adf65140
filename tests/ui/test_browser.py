"""The frame in a real Chromium, under the real content security policy: legible, operable by keyboard, and usable without scripts."""

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.test.testcases import LiveServerThread
from playwright.sync_api import Browser, BrowserContext, FilePayload, Page, Response, Route, expect

from tests.made_files import PDF

pytestmark = pytest.mark.browser

ADDRESSES = ["/", "/policy/", "/guide/", "/accessibility/", "/privacy/", "/styleguide/", "/no-such-page/"]
PATIENCE = 90_000  # milliseconds
expect.set_options(timeout=20_000)
PAPER = FilePayload(name="合同.pdf", mimeType="application/pdf", buffer=PDF)


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    """The site on a free port. No database: public pages must not need one."""
    server = LiveServerThread("127.0.0.1", StaticFilesHandler, connections_override={}, port=0)
    server.daemon = True
    server.start()
    server.is_ready.wait()
    assert server.error is None
    yield f"http://127.0.0.1:{server.port}"
    server.terminate()
    server.join()


def visitor(chromium: Browser, *, width: int = 1280, scripts: bool = True) -> BrowserContext:
    """A browser of its own. Patient, because the machine may be running every other test at the same time."""
    context = chromium.new_context(viewport={"width": width, "height": 900}, java_script_enabled=scripts)
    context.set_default_timeout(PATIENCE)
    return context


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    context = visitor(chromium)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()


def complaints(page: Page) -> list[str]:
    """What the browser reports from now on: refused resources, script errors."""
    found: list[str] = []
    page.on("console", lambda message: found.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: found.append(str(error)))
    return found


@pytest.mark.parametrize("mode", ["", "display_text=large", "display_contrast=high"])
@pytest.mark.parametrize("width", [1280, 390, 320])
def test_every_public_page_is_accessible_and_fits(site: str, chromium: Browser, width: int, mode: str) -> None:
    context = visitor(chromium, width=width)
    if mode:
        name, value = mode.split("=")
        context.add_cookies([{"name": name, "value": value, "url": site}])
    for address in ADDRESSES:
        page = context.new_page()
        found = complaints(page)
        page.goto(site + address)
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, f"{address} scrolls sideways by {wide} px"
        assert [line for line in found if "404" not in line] == [], address
        violations = Axe().run(page).response["violations"]
        assert [(v["id"], v["nodes"][0]["html"]) for v in violations] == [], address
        page.close()
    context.close()


def test_a_page_weighs_little(site: str, page: Page) -> None:
    weight = 0

    def add(response: Response) -> None:
        nonlocal weight
        weight += len(response.body())

    page.on("response", add)
    page.goto(site + "/", wait_until="networkidle")
    assert weight <= 120 * 1024


def test_large_text_without_leaving_the_page(site: str, page: Page) -> None:
    page.goto(site + "/guide/#pledge")
    page.get_by_role("button", name="大字版").click()
    expect(page.locator("html")).to_have_attribute("data-text", "large")
    expect(page.get_by_role("button", name="大字版")).to_have_attribute("aria-pressed", "true")
    assert page.url.endswith("#pledge")
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-text", "large")
    page.get_by_role("button", name="大字版").click()
    page.reload()
    assert page.locator("html").get_attribute("data-text") is None


def test_large_text_without_scripts(site: str, chromium: Browser) -> None:
    context = visitor(chromium, scripts=False)
    page = context.new_page()
    page.goto(site + "/guide/")
    page.get_by_role("button", name="高对比").click()
    assert page.url.endswith("/guide/")
    assert page.locator("html").get_attribute("data-contrast") == "high"
    assert page.get_by_role("button", name="打印").count() == 0  # needs a script, so it is not offered
    context.close()


def test_the_keyboard_opens_the_sheet_and_can_be_switched_off(site: str, page: Page) -> None:
    page.goto(site + "/styleguide/")
    page.keyboard.press("?")
    sheet = page.get_by_role("dialog", name="快捷键")
    expect(sheet).to_be_visible()
    sheet.get_by_role("button", name="停用单键快捷键").click()
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(sheet).to_be_hidden()


def test_bo_walks_the_rows_and_opens_one(site: str, page: Page) -> None:
    page.goto(site + "/styleguide/")
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(page.locator("tbody[data-rows] tr.here")).to_contain_text("YZD202611230002B")
    page.keyboard.press("k")
    expect(page.locator("tbody[data-rows] tr.here")).to_contain_text("YZD202611230001A")
    page.keyboard.press("x")
    expect(page.get_by_role("checkbox", name="选择 YZD202611230001A")).to_be_checked()
    page.keyboard.press("/")
    expect(page.get_by_label("企业或编号")).to_be_focused()
    page.keyboard.type("jk?b")  # letters typed into a field are letters
    expect(page.get_by_label("企业或编号")).to_have_value("jk?b")
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_a_key_opens_the_panel_but_never_decides(site: str, page: Page) -> None:
    page.goto(site + "/styleguide/")
    page.keyboard.press("b")
    expect(page.get_by_role("dialog", name="发出补正通知")).to_be_visible()
    page.keyboard.press("Escape")
    sent = complaints(page)
    page.evaluate(
        """() => { const f = document.createElement("form"); f.method = "post"; f.action = "/nowhere/";
        f.addEventListener("submit", () => console.error("sent"));
        const b = document.createElement("button"); b.dataset.key = "z"; b.textContent = "予以登记"; f.append(b);
        document.querySelector("main").append(f); }"""
    )
    page.keyboard.press("z")
    expect(page.get_by_role("button", name="予以登记", exact=True)).to_be_focused()
    assert sent == []


def test_a_second_click_sends_nothing(site: str, page: Page) -> None:
    page.goto(site + "/accessibility/")
    sent: list[str] = []

    def take(route: Route) -> None:
        sent.append(route.request.post_data or "")
        route.fulfill(status=204)  # no content: the page stays, as it does while a slow answer is awaited

    page.route("**/slow/", take)
    page.evaluate(
        """() => { const f = document.createElement("form"); f.method = "post"; f.action = "/slow/"; f.dataset.once = "";
        const b = document.createElement("button"); b.name = "go"; b.value = "1"; b.textContent = "提交"; f.append(b);
        document.querySelector("main").append(f); }"""
    )
    page.evaluate("() => { const b = document.querySelector('form[data-once] button'); b.click(); b.click(); }")
    expect(page.locator("form[data-once] button")).to_be_disabled()
    assert sent == ["go=1"]


def test_the_first_tab_stop_skips_to_the_content(site: str, page: Page) -> None:
    page.goto(site + "/guide/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="跳到主要内容")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()


def test_an_error_link_lands_on_its_field(site: str, page: Page) -> None:
    page.goto(site + "/styleguide/")
    page.get_by_role("link", name="请选择希望期限。").click()
    expect(page.locator("#wrong_term_0")).to_be_focused()


def test_a_refused_upload_shows_the_servers_page_and_keeps_the_reader_there(site: str, page: Page) -> None:
    page.goto(site + "/accessibility/")

    def refuse(route: Route) -> None:
        body = (
            '<!doctype html><title>错误：材料</title><main id="main"><div class="errors" role="alert" tabindex="-1">'
            "<h2>有 1 处需要修改</h2></div></main>"
        )
        route.fulfill(status=415, content_type="text/html; charset=utf-8", body=body)

    page.route("**/upload/", refuse)
    page.evaluate(
        """() => { const f = document.createElement("form"); f.method = "post"; f.action = "/upload/"; f.dataset.upload = "";
        const b = document.createElement("button"); b.textContent = "上传";
        const i = document.createElement("input"); i.type = "file"; i.name = "paper"; f.append(i, b);
        document.querySelector("main").append(f); }"""
    )
    page.locator("input[name=paper]").set_input_files(PAPER)
    page.get_by_role("button", name="上传", exact=True).click()
    expect(page.get_by_role("alert")).to_be_focused()
    expect(page).to_have_title("错误：材料")


def test_a_broken_connection_says_that_nothing_was_uploaded(site: str, page: Page) -> None:
    page.goto(site + "/styleguide/")
    page.route("**/styleguide/", lambda route: route.abort() if route.request.method == "POST" else route.continue_())
    page.evaluate(
        """() => { const b = document.createElement("button"); b.textContent = "上传";
        const f = document.querySelector("form.upload"); f.method = "post"; f.append(b); }"""
    )
    page.locator("form.upload input[type=file]").set_input_files(PAPER)
    page.get_by_role("button", name="上传", exact=True).click()
    expect(page.locator("form.upload output")).to_have_text("网络中断，文件没有上传。检查网络后再点一次上传。")
    expect(page.get_by_role("button", name="上传", exact=True)).to_be_enabled()
