"""Dates, moments, amounts, names, lamps and charts as readers see them."""

from datetime import UTC, date, datetime
from decimal import Decimal
from xml.etree import ElementTree

import pytest
from django.template import Context, Template

from portal.foundation.core import charts, display

TODAY = date(2026, 11, 23)
LAMP = {"code": "r", "text": "超期 3 小时", "title": "截止 11月20日（周五）24:00"}


def render(source: str, **context: object) -> str:
    return Template("{% load portal_ui %}" + source).render(Context(context))


def test_a_date_says_its_weekday_and_its_year_only_when_it_is_another() -> None:
    assert display.date_cn(date(2026, 11, 26), today=TODAY) == "11月26日（周四）"
    assert display.date_cn(date(2027, 1, 4), today=TODAY) == "2027年1月4日（周一）"


def test_a_moment_is_on_the_chongqing_clock() -> None:
    assert display.moment_cn(datetime(2026, 11, 26, 10, 0, tzinfo=UTC), today=TODAY) == "11月26日（周四）18:00"
    assert display.moment_cn(datetime(2026, 11, 25, 17, 5, tzinfo=UTC), today=TODAY) == "11月26日（周四）01:05"


def test_a_limit_at_midnight_is_24_00_of_the_day_before() -> None:
    assert display.moment_cn(datetime(2026, 11, 25, 16, 0, tzinfo=UTC), today=TODAY) == "11月25日（周三）24:00"
    assert display.moment_cn(datetime(2026, 12, 31, 16, 0, tzinfo=UTC), today=TODAY) == "12月31日（周四）24:00"


def test_a_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="naive"):
        display.moment_cn(datetime(2026, 11, 26, 10, 0), today=TODAY)  # noqa: DTZ001


def test_amounts_keep_every_fen() -> None:
    assert display.money_wan(Decimal("8000000.00")) == "800 万元"
    assert display.money_wan(Decimal("8005000.01")) == "800.500001 万元"
    assert display.money_wan(None) == "—"


def test_a_stranger_cannot_read_a_phone_or_a_name() -> None:
    assert display.mask_phone("13800130012") == "138****0012"
    assert display.mask_phone("023-67961234") == "****1234"
    assert display.mask_phone("12") == "****"
    assert display.mask_name("李四") == "李*"
    assert display.mask_name("王小明") == "王**"
    assert display.mask_name("示例智造科技有限公司") == "示例****有限公司"
    assert "*" in display.mask_name("示例工厂店")


def test_filters_take_none() -> None:
    assert render("{{ x|date_cn }}{{ x|moment_cn }}{{ x|money_wan }}{{ x|wan }}", x=None) == "————"


def test_a_lamp_is_shape_word_and_colour() -> None:
    html = render("{% lamp state %}", state=LAMP)
    assert 'class="lamp r"' in html
    assert "<svg" in html
    assert "红灯：" in html
    assert "超期 3 小时" in html
    assert html.count("截止 11月20日（周五）24:00") == 2  # for the pointer and for the screen reader


@pytest.mark.parametrize("code", ["g", "y", "r", "p", "done", "late"])
def test_no_two_lamps_share_a_shape(code: str) -> None:
    def shape(lamp: str) -> str:
        html = render("{% lamp state %}", state={"code": lamp, "text": "字"})
        return html[html.index("<svg") : html.index("</svg>")]

    assert all(shape(code) != shape(other) for other in ("g", "y", "r", "p", "done", "late") if other != code)


def test_a_lamp_of_no_state_is_nothing() -> None:
    assert render("{% lamp state %}", state=None) == ""


def test_the_step_being_filled_in_is_marked() -> None:
    html = render("{% progress_steps names 2 %}", names=["企业", "需要", "核对"])
    assert html.count('aria-current="step"') == 1
    assert "已完成：" in html
    assert "2. 需要" in html


def test_a_case_at_stage_three_has_two_behind_it() -> None:
    html = render("{% stages names current=3 %}", names=["甲", "乙", "丙", "丁"])
    assert html.count("已完成：") == 2
    assert html.count("正在办：") == 1
    assert html.count("未开始：") == 1


def test_a_plan_has_no_states() -> None:
    html = render("{% stages names %}", names=["甲", "乙"])
    assert "已完成" not in html
    assert "aria-current" not in html


DATA = charts.Data(["6月", "<b>"], [charts.Series("受理", [31, 36]), charts.Series("办结 & 退回", [28, None])], "件")


@pytest.mark.parametrize("draw", [charts.bar, charts.stack, charts.line])
def test_a_chart_is_valid_names_every_figure_and_has_no_style(draw: object) -> None:
    svg = draw(DATA, title="受理 <件>")  # type: ignore[operator]
    root = ElementTree.fromstring(svg)  # noqa: S314 — our own output
    assert root.attrib["role"] == "img"
    described = root.findtext("desc") or ""
    assert "6月 31件" in described
    assert "<b> —" in described
    assert "style=" not in svg
    assert "<b>" not in svg


def test_a_missing_value_is_a_gap_in_a_line() -> None:
    svg = charts.line(charts.Data(["1", "2", "3"], [charts.Series("率", [1, None, 3])]), title="率")
    path = ElementTree.fromstring(svg).find("path[@class='l1']")  # noqa: S314
    assert path is not None
    assert path.attrib["d"].count("M") == 2


def test_the_tallest_bar_stays_below_its_axis_end() -> None:
    for highest in (0, 1, 7, 63, 99.9, 1234567):
        svg = charts.bar(charts.Data(["1"], [charts.Series("数", [highest])]), title="数")
        bar = ElementTree.fromstring(svg).find("rect")  # noqa: S314
        assert bar is not None
        assert float(bar.attrib["y"]) >= 20


def test_a_chart_refuses_what_it_cannot_draw() -> None:
    with pytest.raises(ValueError, match="values for"):
        charts.Data(["1", "2"], [charts.Series("数", [1])])
    with pytest.raises(ValueError, match="negative"):
        charts.Data(["1"], [charts.Series("数", [-1])])
    with pytest.raises(ValueError, match="negative"):
        charts.Data(["1"], [charts.Series("数", [float("nan")])])
