"""Step two in a real browser: the demonstration's one press, and a passkey of the browser itself."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from .conftest import PASSWORD, Portal

pytestmark = [pytest.mark.browser, pytest.mark.processes, pytest.mark.xdist_group("portal"), pytest.mark.timeout(300)]
WHO = "admin"


def look(page: Page) -> None:
    found = Axe().run(page)
    assert found.violations_count == 0, f"{page.url}\n{found.generate_report()}"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), page.url


def first_step(page: Page) -> None:
    page.goto("/login/")
    page.get_by_label("用户名或手机号").fill(WHO)
    page.locator("#id_password").fill(PASSWORD)
    page.locator("main").get_by_role("button", name="登录", exact=True).click()
    page.wait_for_url("**/login/second/")


def test_an_administrator_adds_a_passkey_and_comes_in_with_it(chromium: Browser, portal: Portal) -> None:
    """On localhost, where browsers allow passkeys without https. The pages pass axe at 390 px."""
    context = chromium.new_context(
        base_url=portal.url.replace("127.0.0.1", "localhost"), viewport={"width": 390, "height": 844}, locale="zh-CN"
    )
    page = context.new_page()
    page.set_default_timeout(15_000)
    complaints: list[str] = []
    page.on("console", lambda m: complaints.append(m.text) if "Content Security Policy" in m.text else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    key = context.new_cdp_session(page)
    key.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
        "isUserVerified": True, "automaticPresenceSimulation": True,
    }  # fmt: skip
    key.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    try:
        first_step(page)
        look(page)
        page.get_by_role("button", name="用演示验证码继续").click()
        page.wait_for_url(lambda url: "/login/" not in url)
        page.goto("/safety/passkey/")
        look(page)
        page.get_by_label("名称").fill("测试电脑")
        page.get_by_role("button", name="添加").click()
        page.get_by_role("heading", name="请保存恢复码").wait_for()
        look(page)
        page.get_by_role("link", name="已保存").click()
        look(page)
        assert page.get_by_text("通行密钥：测试电脑").is_visible()

        context.clear_cookies()
        first_step(page)
        page.get_by_role("button", name="使用通行密钥").click()
        page.wait_for_url(lambda url: "/login/" not in url)
        page.goto("/safety/")
        page.get_by_role("button", name=re.compile("移除.*测试电脑")).click()
        assert page.get_by_text("已移除。").is_visible()
        assert complaints == []
    finally:
        context.close()
