"""What Ling reads when she has typed something that cannot be right."""

from decimal import Decimal

import pytest
from django import forms
from django.template import Context, Template

from portal.content.samples import SampleForm
from portal.foundation.core.forms import AmountWanField, PatentNumberField, PhoneField, PortalForm, UsccField


class Request(PortalForm):
    amount = AmountWanField(label="融资金额", help_text="以万元计。")
    code = UsccField(required=False)
    patent = PatentNumberField(required=False)
    phone = PhoneField(required=False)
    use = forms.ChoiceField(label="资金用途", choices=[("a", "周转"), ("b", "研发")], widget=forms.RadioSelect)
    months = forms.IntegerField(label="期限", min_value=1, max_value=120, required=False)
    note = forms.CharField(label="说明", max_length=5, required=False)


def filled(**changed: str) -> Request:
    return Request({"amount": "800.5", "use": "a"} | changed)


def error(field: str, value: str) -> str:
    form = filled(**{field: value})
    assert not form.is_valid()
    return str(form.errors[field][0])


def test_an_amount_in_wan_becomes_yuan() -> None:
    form = filled()
    assert form.is_valid(), form.errors
    assert form.cleaned_data["amount"] == Decimal("8005000.00")


def test_a_stored_amount_is_shown_in_wan_again() -> None:
    assert 'value="800.5"' in str(Request(initial={"amount": Decimal("8005000.00")})["amount"])


def test_what_was_typed_comes_back_as_typed() -> None:
    assert 'value="八百"' in str(filled(amount="八百")["amount"])


@pytest.mark.parametrize("typed", ["八百", "1,000", "NaN", "-3", "0", "８００", "0.0000001"])
def test_an_amount_that_is_no_amount_is_refused_in_chinese(typed: str) -> None:
    assert any("\u4e00" <= char <= "\u9fff" for char in error("amount", typed))


def test_an_unchanged_amount_counts_as_unchanged() -> None:
    form = Request({"amount": "800.5", "use": "a"}, initial={"amount": Decimal("8005000.00"), "use": "a"})
    assert form.changed_data == []


def test_numbers_are_cleaned_to_their_canonical_form() -> None:
    form = filled(code="９１50000020286320x6", patent="zl 2017 1 0601862.3", phone="+86 138-0013-0012")
    assert form.is_valid(), form.errors
    assert form.cleaned_data["code"] == "9150000020286320X6"
    assert form.cleaned_data["patent"].with_zl == "ZL201710601862.3"
    assert form.cleaned_data["phone"] == "13800130012"


@pytest.mark.parametrize(("typed", "kept"), [("023 6796 1234", "023-67961234"), ("(0817)2345678", "0817-2345678")])
def test_a_landline_keeps_its_area_code(typed: str, kept: str) -> None:
    form = filled(phone=typed)
    assert form.is_valid(), form.errors
    assert form.cleaned_data["phone"] == kept


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("1380013001", "11 位"),
        ("67961234", "区号"),
        ("12345678901", "手机号"),
        ("abc", "手机号"),
        ("138001300１", "10 位"),
    ],
)
def test_a_wrong_phone_number_says_what_is_wrong(typed: str, says: str) -> None:
    assert says in error("phone", typed)


def test_messages_name_the_field_and_the_way_out() -> None:
    form = Request({})
    assert not form.is_valid()
    assert form.errors["amount"] == ["请填写融资金额。"]
    assert form.errors["use"] == ["请选择资金用途。"]
    assert error("use", "z") == "请从列出的选项里选择资金用途。"
    assert error("months", "abc") == "请填写整数，例如 12。"
    assert error("months", "121") == "不能大于 120。"
    assert error("note", "一二三四五六") == "最多 5 个字，现在是 6 个字，请删减。"


def test_a_message_the_form_words_itself_is_kept() -> None:
    class Own(PortalForm):
        name = forms.CharField(label="名称", error_messages={"required": "写上执照上的名称。"})

    assert Own({}).errors["name"] == ["写上执照上的名称。"]


def test_two_forms_do_not_share_messages() -> None:
    class One(PortalForm):
        name = forms.CharField(label="甲", max_length=3)

    class Two(One):
        name = forms.CharField(label="乙", max_length=3)

    assert One({}).errors["name"] == ["请填写甲。"]
    assert Two({}).errors["name"] == ["请填写乙。"]
    assert forms.CharField(max_length=3).validators[0].message != One().fields["name"].validators[0].message


def test_label_hint_error_control_in_this_order_and_tied_together() -> None:
    html = str(Request({"amount": "八百"})["amount"].as_field_group())
    places = [html.index(part) for part in ("<label", 'id="id_amount_helptext"', 'id="id_amount_error"', "<input")]
    assert places == sorted(places)
    assert 'aria-invalid="true"' in html
    assert 'aria-describedby="id_amount_helptext id_amount_error"' in html
    assert "<span>万元</span>" in html


def test_the_summary_uses_the_same_words_and_links_to_the_field() -> None:
    form = Request({"amount": "八百"})
    page = Template("{% load portal_ui %}{% error_summary form %}{{ form }}").render(Context({"form": form}))
    message = form.errors["amount"][0]
    assert page.count(message) == 2
    assert 'role="alert"' in page
    assert 'href="#id_amount"' in page
    assert 'href="#id_use"' in page
    assert 'id="id_use"' in page
    assert "请选择资金用途。</a>" in page  # not 资金用途：请选择资金用途


def test_no_summary_and_no_title_before_anything_was_sent() -> None:
    context = Context({"form": Request()})
    assert Template("{% load portal_ui %}{% error_summary form %}{% error_prefix %}").render(context).strip() == ""
    assert Template("{% load portal_ui %}{% error_prefix %}").render(Context({"form": Request({})})) == "错误："


def test_a_typed_script_stays_text() -> None:
    page = str(Request({"amount": "<script>alert(1)</script>"}))
    assert "<script>" not in page


def test_every_widget_of_the_style_page_renders() -> None:
    page = str(SampleForm())
    for piece in (
        'type="radio"',
        'type="checkbox"',
        'type="date"',
        'type="file"',
        'type="tel"',
        "<select",
        "<textarea",
    ):
        assert piece in page
    assert "<small>政策鼓励提高中长期贷款比例</small>" in page
    assert "（选填）" in page
    assert " required" not in page


def test_a_field_another_answer_calls_for_is_not_marked_as_optional() -> None:
    form = Request()
    assert "（选填）" in form["note"].as_field_group()
    form.fields["note"].depends = True  # type: ignore[attr-defined]
    assert "（选填）" not in form["note"].as_field_group()
