"""Every main page of every role, on desktop and phone: no axe violation, no sideways scroll, no CSP report, light enough.

`PORTAL_SCREENSHOTS=docs/screenshots bin/portal test tests/e2e/test_pages.py` takes the pictures of the README anew.
"""

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.processes, pytest.mark.xdist_group("portal"), pytest.mark.timeout(300)]
Visit = Callable[..., Page]
LIMIT = 120 * 1024  # bytes, uncompressed: the page with its own CSS, JavaScript and images, without charts

PAGES = {
    "": [
        "/",
        "/products/",
        "/products/?c=5&c=7",
        "/products/?c=5&c=7&show=all",
        "/products/5/",
        "/products/5/versions/1/",
        "/products/changes/",
        "/match/",
        "/match/?invention=3&utility=1&amount=300&term=24&district=500157&tier=high_tech&wish=both",
        "/track/",
        "/verify/",
        "/search/",
        "/search/?q=ZL202110049384.6",
        "/disposals/",
        "/disposals/?show=ended",
        "/login/",
        "/register/",
        "/password/forgotten/",
        "/policy/",
        "/guide/",
    ],
    "enterprise": [
        "/cases/",
        "/apply/",
        "/patents/",
        "/patents/add/",
        "/valuations/",
        "/valuations/start/",
        "/valuations/agency/",
        "/pledges/",
        "/pledges/alerts/",
        "/notices/",
        "/profile/",
        "/profile/edit/",
        "/members/",
        "/profile/looks/",
        "/safety/",
        "/safety/code/",
        "/safety/passkey/",
        "/subsidies/",
        "/subsidies/interest-500157/apply/",
        "/disposals/cases/",
    ],
    "officer": [
        "/desk/",
        "/desk/covers/",
        "/quotas/",
        "/desk/?tab=late",
        "/desk/pool/",
        "/pledges/",
        "/pledges/alerts/?tab=all",
        "/orders/",
        "/valuations/",
        "/products/own/",
        "/products/own/new/",
        "/products/import/",
        "/disposals/cases/",
    ],
    "manager": ["/safety/", "/profile/me/", "/profile/me/phone/", "/desk/", "/desk/team/", "/orders/", "/keys/"],
    "guarantor": ["/desk/", "/desk/covers/", "/disposals/cases/"],
    "clerk": ["/office/", "/office/done/", "/office/after/", "/office/duty/", "/office/extracts/", "/pledges/alerts/"],
    "chief": ["/office/", "/office/after/", "/office/duty/", "/orders/", "/closures/"],
    "regulator": [
        "/supervision/",
        "/supervision/report/",
        "/supervision/lamps/",
        "/supervision/risk/",
        "/pledges/alerts/",
        "/subsidies/",
        "/quotas/",
        "/quotas/eligible/sci-tech/",
        "/quotas/tools/new/",
        "/quotas/tools/special/",
        "/subsidies/schemes/new/",
        "/subsidies/schemes/fee-award/",
        "/supervision/risk/schemes/national-a/",
        "/supervision/risk/schemes/new/",
        "/supervision/tiers/",
        "/supervision/tiers/import/",
        "/supervision/policy/",
        "/supervision/calendar/",
        "/supervision/calendar/provisional/",
        "/closures/",
        "/products/review/",
        "/products/review/?tab=all",
        "/products/review/?tab=stale",
        "/products/review/policy/",
        "/products/import/",
        "/valuations/weights/",
        "/valuations/weights/finance/",
        "/disposals/cases/",
    ],
    "admin": [
        "/valuations/weights/",
        "/supervision/calendar/",
        "/supervision/calendar/import/",
        "/supervision/calendar/provisional/",
        "/incidents/",
    ],
    "security": ["/security/", "/members/", "/incidents/"],
    "audit": ["/audit/", "/audit/refusals/", "/audit/looks/", "/audit/chain/", "/incidents/"],
}
# Pages reached by following the first link of a list: (role, list, selector).
FOLLOWED = [
    ("enterprise", "/cases/", "main table a[href^='/cases/YZD']"),
    ("enterprise", "/cases/", "main a[href$='/offers/']"),
    ("enterprise", "/valuations/", "main table a[href^='/valuations/PGZ']"),
    ("officer", "/valuations/", "main table a[href^='/valuations/PGZ']"),
    ("officer", "/desk/", "main table a[href*='/desk/referrals/']"),
    ("guarantor", "/desk/covers/", "main table a[href^='/desk/covers/']"),
    ("enterprise", "/pledges/", "main a[href^='/pledges/ZYDJ']"),
    ("clerk", "/office/done/", "main a[href$='/forward/']"),
    ("enterprise", "/pledges/?group=registered", "main a[href^='/pledges/ZYDJ']"),
    ("clerk", "/office/after/", "main a[href^='/office/after/ZYSX']"),
    ("chief", "/office/after/", "main a[href^='/office/after/revoke/']"),
    ("regulator", "/supervision/", "main a[href*='/supervision/cases/']"),
    ("regulator", "/supervision/tiers/", "main table a[href*='/supervision/tiers/']"),
    ("regulator", "/quotas/", "main table a[href^='/quotas/'][href$='/']:not([href*='tools']):not([href*='eligible'])"),
    ("officer", "/products/own/", "main table a[href^='/products/own/']"),
    ("", "/disposals/", "main table a[href^='/disposals/ZYCZ']"),
    ("officer", "/disposals/cases/", "main table a[href^='/disposals/cases/ZYCZ']"),
    ("guarantor", "/disposals/cases/", "main table a[href^='/disposals/claims/']"),
    ("regulator", "/disposals/cases/", "main table a[href^='/disposals/cases/ZYCZ']"),
    ("regulator", "/products/review/", "main table a[href^='/products/review/']"),
    ("security", "/security/", "main table a[href^='/security/people/']"),
]
SHOWN = {"/": "home", "/cases/": "enterprise", "/desk/": "desk", "/office/": "office", "/supervision/": "supervision"}


def look(page: Page) -> None:
    """The page as it stands now must pass."""
    where = f"{page.url} at {page.viewport_size}"
    found = Axe().run(page)
    assert found.violations_count == 0, f"{where}\n{found.generate_report()}"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{where} scrolls sideways"


def keep(page: Page, name: str) -> None:
    """Take the README's picture when asked to."""
    if folder := os.environ.get("PORTAL_SCREENSHOTS"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=f"{folder}/{name}.png")


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("who", PAGES)
def test_every_page_is_accessible_and_fits(visit: Visit, who: str, width: int) -> None:
    page = visit(who, width=width, height=900 if width > 600 else 844)
    for address in PAGES[who]:
        answer = page.goto(address)
        assert answer is not None
        assert answer.status == 200, address
        look(page)
        if address in SHOWN and who not in ("manager", "guarantor", "chief"):
            keep(page, f"{SHOWN[address]}-{'phone' if width < 600 else 'desktop'}")
    for role, start, link in FOLLOWED:
        if role == who:
            page.goto(start)
            page.locator(link).first.click()
            page.wait_for_load_state()
            look(page)
            if re.search(r"/cases/YZD\w+/$", page.url):
                keep(page, f"case-{'phone' if width < 600 else 'desktop'}")


@pytest.mark.parametrize("who", [w for w in PAGES if w != "admin"])
def test_every_page_is_light(visit: Visit, who: str) -> None:
    """What the browser decodes for one page, everything of ours counted, must stay under the limit (charts aside)."""
    page = visit(who)
    for address in PAGES[who]:
        page.goto(address)
        page.wait_for_load_state("networkidle")
        weight = page.evaluate(
            "performance.getEntriesByType('navigation').concat(performance.getEntriesByType('resource'))"
            ".filter(e => !/documents|\\.pdf/.test(e.name)).reduce((sum, e) => sum + (e.decodedBodySize || 0), 0)"
        )
        charts = page.evaluate(
            "[...document.querySelectorAll('main svg.chart')].reduce((n, e) => n + e.outerHTML.length, 0)"
        )
        assert weight - charts <= LIMIT, f"{address}: {weight} bytes, {charts} of them charts"
