"""What somebody typed is not lost with the session."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Page

from .conftest import PASSWORD, Portal

pytestmark = [pytest.mark.browser, pytest.mark.processes, pytest.mark.xdist_group("portal"), pytest.mark.timeout(300)]


def log_in(page: Page, name: str) -> None:
    page.get_by_label("用户名或手机号").fill(name)
    page.locator("#id_password").fill(PASSWORD)
    page.locator("main").get_by_role("button", name="登录", exact=True).click()


def test_ling_finds_what_she_typed_after_her_session_was_over(visit: Callable[..., Page]) -> None:
    """She logs in again and stands before the same form with her words in it; once it is taken nothing is kept."""
    page = visit("enterprise", width=390)
    page.goto("/profile/edit/")
    before = page.get_by_label("联系人").input_value()
    page.get_by_label("联系人").fill("林新示例")
    page.context.clear_cookies(name="session")
    page.locator("main form button.primary").click()
    page.wait_for_url("**/login/**")
    log_in(page, "enterprise")
    page.wait_for_url("**/profile/edit/")
    assert page.get_by_label("联系人").input_value() == "林新示例"
    assert page.get_by_text("已放回下面的表格").is_visible()
    page.get_by_label("联系人").fill(before)
    page.locator("main form button.primary").click()
    page.wait_for_url("**/profile/")
    assert page.evaluate("sessionStorage.getItem('typed')") is None


def test_the_next_person_in_the_same_tab_finds_nothing(chromium: Browser, portal: Portal) -> None:
    context = chromium.new_context(base_url=portal.url, locale="zh-CN")
    page = context.new_page()
    page.set_default_timeout(15_000)
    try:
        page.goto("/login/?next=/profile/edit/")
        log_in(page, "enterprise")
        page.wait_for_url("**/profile/edit/")
        page.get_by_label("联系人").fill("只给林看")
        context.clear_cookies(name="session")
        page.locator("main form button.primary").click()
        page.wait_for_url("**/login/**")
        assert "只给林看" in str(page.evaluate("sessionStorage.getItem('typed')"))
        log_in(page, "officer")
        page.get_by_role("button", name="用演示验证码继续").click()
        page.wait_for_url(lambda url: "/login/" not in url)
        assert page.evaluate("sessionStorage.getItem('typed')") is None
    finally:
        context.close()
