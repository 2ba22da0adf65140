"""The public pages: they need no database, and the display settings work without JavaScript and only from this site."""

import re
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse

PAGES = ["home", "content:policy", "content:guide", "content:accessibility", "content:privacy", "styleguide"]
POLICY = Path(__file__).resolve().parents[2] / "templates" / "content" / "policy.html"


# No db fixture anywhere in this file: a query would fail the test.
@pytest.mark.parametrize("name", PAGES)
def test_a_visitor_reads_a_page_without_one_query(client: Client, name: str) -> None:
    page = client.get(reverse(name))
    assert page.status_code == 200
    html = page.content.decode()
    assert html.count("<h1") == 1
    assert re.search(r"<title>[^<]+ - 知识产权质押融资快速通道</title>", html)
    assert "csrfmiddlewaretoken" not in html  # the same bytes for every visitor
    assert "style=" not in html


@pytest.mark.parametrize("name", PAGES)
def test_nothing_can_be_changed_by_reading(client: Client, name: str) -> None:
    assert client.post(reverse(name)).status_code == 405


def test_home_promises_what_the_policy_says_and_no_more(client: Client) -> None:
    html = re.sub(r"<[^>]+>|\s+", "", client.get(reverse("home")).content.decode())
    assert "金融机构2个工作日内响应" in html
    assert "力争1个工作日" in html
    stages = ["产品选择", "需求提交", "评估价值", "申请质押", "获得贷款"]
    assert [html.index(stage) for stage in stages] == sorted(html.index(stage) for stage in stages)


def test_the_policy_page_has_all_ten_measures_under_their_anchors(client: Client) -> None:
    html = client.get(reverse("content:policy")).content.decode()
    for number, sign in enumerate("一二三四五六七八九十", start=1):
        assert f'id="measure-{number}"' in html
        assert html.count(f"（{sign}）") == 2  # in the contents and at its place
    assert "对通过快速通道提交且符合要求的专利质押登记，力争1个工作日内办结。" in html


def test_nobody_calls_the_registration_target_a_right(client: Client) -> None:
    """力争 is an aim: wherever one working day is promised, the word stands before it."""
    for name in PAGES:
        text = re.sub(r"<[^>]+>|\s+", "", client.get(reverse(name)).content.decode())
        for found in re.finditer(r"1个工作日内?办结", text):
            assert text[max(0, found.start() - 4) : found.start()].endswith("力争"), (
                name,
                text[found.start() - 20 : found.end()],
            )


def test_large_text_is_there_from_the_first_byte(client: Client) -> None:
    answer = client.post(reverse("content:display"), {"text": "large", "next": "/guide/"})
    assert (answer.status_code, answer["Location"]) == (302, "/guide/")
    assert answer.cookies["display_text"]["samesite"] == "Lax"
    html = client.get("/guide/").content.decode()
    assert '<html lang="zh-CN" data-text="large">' in html
    assert 'name="text" value="" aria-pressed="true"' in html
    client.post(reverse("content:display"), {"text": "", "next": "/guide/"})
    assert '<html lang="zh-CN">' in client.get("/guide/").content.decode()


def test_two_settings_live_side_by_side(client: Client) -> None:
    client.post(reverse("content:display"), {"text": "large"})
    client.post(reverse("content:display"), {"contrast": "high"})
    assert 'data-text="large" data-contrast="high"' in client.get("/").content.decode()


def test_reading_never_sets_a_display_cookie(client: Client) -> None:
    assert client.get(reverse("content:display")).status_code == 405
    assert not client.get("/", {"text": "large"}).cookies


@pytest.mark.parametrize(
    "headers", [{"Origin": "https://wai.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}]
)
def test_wai_cannot_switch_it_from_another_site(client: Client, headers: dict[str, str]) -> None:
    answer = client.post(reverse("content:display"), {"text": "large"}, headers=headers)
    assert answer.status_code == 403
    assert not answer.cookies


@pytest.mark.parametrize("target", ["https://wai.example/", "//wai.example", "javascript:alert(1)", ""])
def test_wai_cannot_use_it_to_send_people_elsewhere(client: Client, target: str) -> None:
    assert client.post(reverse("content:display"), {"text": "large", "next": target})["Location"] == "/"


def test_a_cookie_wai_made_up_never_reaches_the_page(client: Client) -> None:
    client.cookies["display_text"] = '"><script>alert(1)</script>'
    html = client.get("/").content.decode()
    assert "alert(1)" not in html
    assert '<html lang="zh-CN">' in html


def test_a_wrong_address_says_what_to_do(client: Client) -> None:
    page = client.get("/no-such-page/")
    assert page.status_code == 404
    assert "没有找到这个页面" in page.content.decode()
