"""Numbers people quote: a slip of the finger is caught, and no number is given out twice or skipped."""

from datetime import date

import pytest
from django.db import transaction
from hypothesis import given
from hypothesis import strategies as st

from portal.foundation.core.models import Counter, take
from portal.foundation.core.numbering import LETTERS, compose, normalise
from tests.threads import together

DAY = date(2026, 11, 23)
numbers = st.builds(
    compose,
    st.sampled_from(["YZD", "ZYDJ", "DBD"]),
    st.dates(date(2025, 8, 18), date(2099, 12, 31)),
    st.integers(1, 9_999_999),
)


def test_a_number_reads_as_day_and_serial() -> None:
    number = compose("YZD", DAY, 7)
    assert number[:-1] == "YZD202611230007"
    assert number[-1] in LETTERS
    assert compose("YZD", DAY, 12345)[:-1] == "YZD2026112312345"


@given(numbers)
def test_every_number_is_its_own_canonical_form(number: str) -> None:
    assert normalise(number) == number


@given(numbers, st.data())
def test_one_wrong_digit_is_always_noticed(number: str, data: st.DataObject) -> None:
    place = data.draw(st.sampled_from([i for i, c in enumerate(number) if c.isdigit()]))
    wrong = data.draw(st.sampled_from([d for d in "0123456789" if d != number[place]]))
    assert normalise(number[:place] + wrong + number[place + 1 :]) is None


@given(numbers, st.data())
def test_two_swapped_digits_are_always_noticed(number: str, data: st.DataObject) -> None:
    places = [i for i in range(len(number) - 2) if number[i : i + 2].isdigit() and number[i] != number[i + 1]]
    at = data.draw(st.sampled_from(places))
    assert normalise(number[:at] + number[at + 1] + number[at] + number[at + 2 :]) is None


@given(numbers, st.sampled_from(LETTERS))
def test_a_wrong_check_letter_is_noticed(number: str, letter: str) -> None:
    assert (normalise(number[:-1] + letter) is None) == (letter != number[-1])


@pytest.mark.parametrize(
    "typed",
    [
        lambda n: n.lower(),
        lambda n: f"  {n}\n",
        lambda n: f"{n[:3]}-{n[3:11]}-{n[11:]}",
        lambda n: f"{n[:3]} {n[3:11]} {n[11:]}",
        lambda n: "".join(chr(ord(c) + 0xFEE0) for c in n),  # full width, as an input method types it
        lambda n: f"{n[:3]}－{n[3:]}　",
    ],
)
def test_it_is_found_however_people_type_it(typed) -> None:  # type: ignore[no-untyped-def]
    number = compose("YZD", DAY, 1)
    assert normalise(typed(number)) == number


@pytest.mark.parametrize(
    "nonsense",
    [
        "",
        "YZD",
        "YZD20261123",
        "２",
        "٢٠٢٦",
        "YZD" + "9" * 40,
        "Y" * 1000,
        "'; DROP TABLE x",
        "YZD²0261123000１X",
        "\x00",
    ],
)
def test_nonsense_is_no_number(nonsense: str) -> None:
    assert normalise(nonsense) is None


def test_digits_of_other_scripts_are_no_digits() -> None:
    number = compose("YZD", DAY, 1)
    arabic = "".join(chr(0x0660 + int(c)) if c.isdigit() else c for c in number)
    assert normalise(arabic) is None


@pytest.mark.django_db
def test_each_name_counts_for_itself_from_one() -> None:
    assert [take("case:20261123"), take("case:20261123"), take("case:20261124")] == [1, 2, 1]


@pytest.mark.django_db(transaction=True)
def test_an_action_that_fails_leaves_no_gap() -> None:
    take("notice:2026")
    with transaction.atomic():
        assert take("notice:2026") == 2
        transaction.set_rollback(True)
    assert take("notice:2026") == 2


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_eight_at_once_get_eight_rows_of_numbers_without_doubles_or_gaps() -> None:
    def fifteen() -> list[int]:
        return [take("case:20261123") for _ in range(15)]

    got = sorted(n for row in together(*[fifteen] * 8) for n in row)
    assert got == list(range(1, 121))
    assert Counter.objects.get().value == 120
