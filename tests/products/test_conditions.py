"""Conditions as data: only what can be weighed is stored, a fault is named in words, and an editor gives back what it showed."""

from typing import Any

import pytest
from django import forms

from products import conditions as c

NAMES = c.Names(
    districts={"500157": "两江新区", "500106": "沙坪坝区"},
    industries={"C": "制造业", "I": "信息传输、软件和信息技术服务业"},
)
ALL: list[dict[str, Any]] = [
    {"kind": "tier", "any": ["high_tech", "tech_sme"]},
    {"kind": "holds", "of": "patent", "min": 5},
    {"kind": "holds", "of": "utility", "min": 2},
    {"kind": "invention"},
    {"kind": "years", "min": 2},
    {"kind": "districts", "any": ["500106", "500157"]},
    {"kind": "industries", "any": ["C", "I"]},
    {"kind": "carried", "any": ["guarantee", "insurance"]},
    {"kind": "first_pledge"},
]


def test_conditions_are_kept_in_one_written_form() -> None:
    shuffled = [
        *reversed(ALL[2:]),
        ALL[1],
        {"kind": "tier", "any": ["tech_sme", "high_tech", "tech_sme"]},
    ]
    assert c.validate(shuffled, names=NAMES) == ALL
    assert c.validate(c.validate(shuffled)) == ALL
    assert c.validate([]) == []


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("x", "列表"),
        ([{"kind": "moon"}], "不认识这种条件"),
        (["tier"], "不认识这种条件"),
        ([{"kind": "tier", "any": []}], "至少要选一项"),
        ([{"kind": "tier", "any": ["high_tech", "unheard"]}], "没有“unheard”"),
        ([{"kind": "tier", "any": [3]}], "应是代码"),
        ([{"kind": "districts", "any": ["990000"]}], "没有“990000”"),
        ([{"kind": "years", "min": 0}], "1 到 100 的整数（年）"),
        ([{"kind": "years", "min": True}], "1 到 100 的整数（年）"),
        ([{"kind": "years", "min": "2"}], "1 到 100 的整数（年）"),
        ([{"kind": "holds", "of": "idea", "min": 2}], "哪一类知识产权"),
        ([{"kind": "holds", "of": "invention", "min": 1000}], "1 到 999 的整数（件）"),
        ([{"kind": "invention", "min": 3}], "没有“min”这一项"),
        ([{"kind": "years", "min": 2}, {"kind": "years", "min": 3}], "不止一次"),
    ],
)
def test_a_fault_is_named_in_words(wrong: object, said: str) -> None:
    with pytest.raises(c.InvalidConditions) as caught:
        c.validate(wrong, names=NAMES)
    assert said in "".join(caught.value.errors)


def test_every_fault_is_named_at_once_with_its_number() -> None:
    with pytest.raises(c.InvalidConditions) as caught:
        c.validate([{"kind": "moon"}, {"kind": "years", "min": 2}, {"kind": "years"}], names=NAMES)
    assert [e[:6] for e in caught.value.errors] == ["第 1 条：", "第 3 条："]


def test_conditions_read_as_sentences() -> None:
    said = [c.words(condition, NAMES) for condition in ALL]
    assert said[0] == "属于高新技术企业、科技型中小企业之一"
    assert said[2] == "至少 2 件有效实用新型专利"
    assert said[5] == "在沙坪坝区、两江新区"
    assert said[7] == "接受担保或保险"


def test_the_editor_gives_back_what_it_showed() -> None:
    fields = c.form_fields(NAMES)
    form_class = type("Editor", (forms.Form,), dict(fields))
    shown = c.initial_of(ALL)
    assert set(shown) <= set(fields)
    form = form_class(data=shown)
    assert form.is_valid(), form.errors
    assert c.from_form(form.cleaned_data) == ALL
    empty = form_class(data={})
    assert empty.is_valid()
    assert c.from_form(empty.cleaned_data) == []
