"""The code on a paper: what Ling mistypes is told as mistyped, not as forged."""

import random

from portal.foundation.core import check_codes
from portal.foundation.core.check_codes import LETTERS

SEED = 20261123


def test_every_single_slip_and_every_swap_is_seen() -> None:
    for _ in range(50):
        code = check_codes.make()
        assert check_codes.is_sound(code)
        assert check_codes.mistake(code) == ""
        for place, right in enumerate(code):
            for wrong in LETTERS:
                if wrong != right:
                    assert not check_codes.is_sound(code[:place] + wrong + code[place + 1 :])
        for left in range(12):
            for right_place in range(left + 1, 12):
                swapped = list(code)
                swapped[left], swapped[right_place] = swapped[right_place], swapped[left]
                if "".join(swapped) != code:
                    assert not check_codes.is_sound("".join(swapped))


def test_a_random_code_is_almost_never_sound() -> None:
    """One in 32: the checksum costs five of the sixty bits, not more."""
    chance = random.Random(SEED)
    sound = sum(check_codes.is_sound("".join(chance.choices(LETTERS, k=12))) for _ in range(32_000))
    assert 800 < sound < 1_200


def test_codes_differ() -> None:
    assert len({check_codes.make() for _ in range(2_000)}) == 2_000


def test_ling_types_it_in_any_usual_way() -> None:
    for typed in ("k7pm-3qxr-9twa", "K7PM 3QXR 9TWA", "Ｋ７ＰＭ－３ＱＸＲ－９ＴＷＡ", "K7PM–3QXR–9TWA\u200b"):
        assert check_codes.normalise(typed) == "K7PM3QXR9TWA", typed
    assert check_codes.spaced("K7PM3QXR9TWA") == "K7PM-3QXR-9TWA"


def test_each_mistake_has_its_own_sentence() -> None:
    code = check_codes.make()
    assert "共 12 位，现在是 11 位" in check_codes.mistake(code[:-1])
    assert "不含“0”，第 1 位" in check_codes.mistake("0" + code[1:])
    assert "第 3 位是“中”" in check_codes.mistake(code[:2] + "中" + code[3:])
    other = LETTERS[(LETTERS.index(code[5]) + 1) % 32]
    assert "校验位不符" in check_codes.mistake(code[:5] + other + code[6:])
