"""Chen examines and registers a complete file of fourteen patents without touching the mouse."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.processes, pytest.mark.xdist_group("portal"), pytest.mark.timeout(300)]
FIRM = "示例轨道"
MOST_STEPS = 40


def focused(page: Page) -> str:
    """The words of the link or button that has the focus, or the name of the control."""
    script = "(e) => e.matches('a,button') ? e.textContent : e.matches('input') ? e.name : ''"
    return str(page.evaluate(f"({script})(document.activeElement || document.body)"))


def press(page: Page, key: str, *, until: Callable[[], bool], tries: int = 10) -> None:
    """A key, again while a browser's PDF reader has the focus: a person would do the same."""
    for _ in range(tries):
        page.keyboard.press(key)
        for _ in range(10):
            if until():
                return
            page.wait_for_timeout(100)
        page.keyboard.press("Escape")
    raise AssertionError(f"{key!r} did nothing on {page.url}")


def test_a_file_of_fourteen_patents_is_examined_and_registered_by_keyboard_alone(visit: Callable[..., Page]) -> None:
    page = visit("clerk2", width=1440)
    page.goto("/office/")
    page.mouse.move(0, 0)

    # j to the file in the queue, Enter opens it.
    for _ in range(MOST_STEPS):
        if FIRM in focused(page):
            break
        page.keyboard.press("j")
    assert FIRM in focused(page)
    page.keyboard.press("Enter")
    expect(page.locator(".queue a[aria-current]")).to_contain_text(FIRM)
    number = re.search(r"ZYDJ\w+", page.url)
    assert number is not None

    # a goes to 受理, and only a second key sends it.
    press(page, "a", until=lambda: "受理" in focused(page))
    expect(page.locator("main").get_by_text("待受理").first).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.locator(".card.head .tag").first).to_have_text("审查中")

    # c and Enter: the register is asked about all fourteen at once.
    press(page, "c", until=lambda: "核对登记簿" in focused(page))
    page.keyboard.press("Enter")
    expect(page.get_by_text("核对登记簿 14 件").first).to_be_visible()

    # 1 to 5: the papers; the patents with what the register says.
    press(page, "3", until=lambda: "tab=patents" in page.url or page.locator("td[data-label=日期]").count() == 14)
    expect(page.locator("#reading td[data-label=日期]")).to_have_count(14)

    # m to the first line that waits, Space ticks it, until none is left.
    for _ in range(MOST_STEPS):
        left = page.locator("[name=tick]:not(:checked)").count()
        if not left:
            break
        press(page, "m", until=lambda: focused(page) == "tick")
        page.keyboard.press("Space")
        expect(page.locator("[name=tick]:not(:checked)")).to_have_count(left - 1)
    expect(page.get_by_text("全部核对完毕")).to_be_visible()

    # a opens the panel and decides nothing; Ctrl+Enter confirms, and the next file opens by itself.
    confirm = page.get_by_role("button", name=re.compile("确认登记"))
    press(page, "a", until=lambda: confirm.count() == 1)
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text(re.compile(f"已登记 {number[0]}"))).to_be_visible()
    assert number[0] not in page.url
