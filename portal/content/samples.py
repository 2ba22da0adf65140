"""Sample data of the style page. Every firm, person and number here is a demonstration."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django import forms

from portal.foundation.core import charts
from portal.foundation.core.forms import (
    AmountWanField,
    CheckboxCards,
    DateField,
    PatentNumberField,
    PhoneField,
    PortalForm,
    RadioCards,
    UploadField,
    UsccField,
)

LAMPS = (
    {"code": "g", "text": "剩 1.4 个工作日", "title": "截止 11月25日（周三）24:00"},
    {"code": "y", "text": "剩 2 小时 40 分", "title": "截止 11月23日（周一）24:00"},
    {"code": "r", "text": "超期 3 小时", "title": "截止 11月20日（周五）24:00"},
    {"code": "p", "text": "已暂停，等补正", "title": "11月20日（周五）10:12 起暂停"},
    {"code": "done", "text": "用时 0.8 个工作日", "title": "11月20日（周五）16:02 响应"},
    {"code": "late", "text": "超时 1 个工作日", "title": "11月20日（周五）16:02 响应"},
)
FIRMS = (
    ("示例智造科技有限公司", "YZD202611230001A", "两江新区", "8000000", 12, "发明专利 6 件", 2),
    ("示例微电子股份有限公司", "YZD202611230002B", "西部科学城重庆高新区", "15000000", 24, "发明专利 14 件", 1),
    ("示例光电技术有限公司", "YZD202611230003C", "沙坪坝区", "3000000", 12, "实用新型 4 件", 0),
    ("示例生物医药有限公司", "YZD202611230004D", "北碚区", "26005000", 36, "发明专利 9 件", 3),
)


class SampleForm(PortalForm):
    """Each field type once."""

    amount = AmountWanField(label="融资金额", help_text="单笔 1000 万元以下，银行可用内部评估或与您协商确定价值。")
    term = forms.ChoiceField(
        label="希望期限",
        choices=[("12", "1 年"), ("24", "2 年"), ("36", "3 年及以上")],
        widget=RadioCards(hints={"36": "政策鼓励提高中长期贷款比例"}),
    )
    kinds = forms.MultipleChoiceField(
        label="知识产权种类",
        choices=[("patent", "专利"), ("mark", "商标"), ("copyright", "著作权")],
        widget=CheckboxCards(attrs={"class": "side"}),
        required=False,
    )
    code = UsccField()
    patent = PatentNumberField()
    phone = PhoneField(help_text="机构用这个号码联系您。")
    use = forms.ChoiceField(label="资金用途", choices=[("", "请选择"), ("a", "生产经营周转"), ("b", "研发投入")])
    due = DateField(label="希望到账日期", required=False)
    story = forms.CharField(label="补充说明", widget=forms.Textarea(attrs={"rows": 3}), required=False, max_length=200)
    paper = UploadField(label="营业执照", help_text="PDF、JPG 或 PNG，不超过 20 MB。")
    consent = forms.BooleanField(label="同意把以上信息提供给所选机构")


def context() -> dict[str, Any]:
    """What templates/styleguide.html shows."""
    rows = [
        {
            "firm": firm,
            "number": number,
            "district": district,
            "amount": Decimal(yuan),
            "months": months,
            "assets": assets,
            "lamp": LAMPS[lamp],
        }
        for firm, number, district, yuan, months, assets, lamp in FIRMS
    ]
    months = ["6月", "7月", "8月", "9月", "10月", "11月"]
    bar = charts.Data(
        months,
        [charts.Series("受理", [31, 36, 42, 58, 63, 49]), charts.Series("按时办结", [28, 34, 39, 55, 60, 47])],
        "件",
    )
    stages = [("对接", [12, 18, 20, 26]), ("评估", [8, 9, 12, 15]), ("登记", [5, 7, 9, 11])]
    stack = charts.Data(months[2:], [charts.Series(name, values) for name, values in stages], "件")
    rate = charts.Data(months, [charts.Series("按时率", [91.2, 94, None, 95.5, 97, 96.8])], "%")
    return {
        "bar": charts.bar(bar, title="受理与按时办结"),
        "bar_data": bar,
        "stack": charts.stack(stack, title="各阶段件数"),
        "stack_data": stack,
        "line": charts.line(rate, title="按时率"),
        "line_data": rate,
        "spark": charts.spark(rate.series[0].values, title="近 6 个月按时率"),
        "lamps": LAMPS,
        "rows": rows,
        "blank": SampleForm(auto_id="blank_%s"),
        "wrong": SampleForm(
            {"amount": "八百", "code": "91500000MA5U", "phone": "1380013800", "term": "24"}, auto_id="wrong_%s"
        ),
        "step_names": ["企业与知识产权", "融资需要", "授权与材料", "核对并提交"],
        "stage_names": ["产品选择", "需求提交", "评估价值", "申请质押", "获得贷款"],
        "moment": datetime(2026, 11, 26, 10, 0, tzinfo=UTC),
        "midnight": datetime(2026, 11, 25, 16, 0, tzinfo=UTC),
        "yuan": Decimal("8005000.00"),
    }
