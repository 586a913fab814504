"""What is masked in a text, and what is left alone."""

import pytest

from dashboard.masking import LONGEST_TITLE, clean, cut, mask, title

PERSONAL = [
    "13800138000",
    "138 0013 8000",
    "138-0013-8000",
    "1380-0138-000",
    "+8613800138000",
    "+86 138 0013 8000",
    "１３８００１３８０００",
    "0757-86332211",
    "075786332211",
    "(0757)86332211",
    "（0757）8633 2211",
    "010-62345678",
    "021 6234 5678",
    "440605199001011234",
    "44060519900101123X",
    "440605 19900101 1234",
    "4406-0519-9001-0112-34",
    "6222 0212 3456 7890 123",
    "617-555-0142",
    "(617) 555-0142",
    "+1 617 555 0142",
]


@pytest.mark.parametrize("number", PERSONAL)
@pytest.mark.parametrize("around", ["{}", "市民来电{}反映路灯不亮", "call {} please", "A,{};B"])
def test_a_personal_number_is_starred(number: str, around: str) -> None:
    shown = mask(around.format(number))
    assert number not in shown
    assert shown.count("*") >= 5
    assert len(shown) == len(around.format(number))
    before, after = around.split("{}")
    assert shown.startswith(before)
    assert shown.endswith(after)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Street Light Outages",
        "佛平路1388号3座1204房",
        "101000295613",
        "NH20260101000123",
        "工单 440605202601010013",
        "440605202601010013",
        "工单号13800138000",
        "case #13800138000",
        "桩号 K12+345.678",
        "2026-11-21 03:15:16",
        "20261121",
        "粤E12345 于 2026年1月2日 10:30",
        "Ticket 101004143000 at 618 E Sixth St 02127",
        "300 vehicles, 1200 m, 12345678",
        "point 113.185600, 23.036250",
    ],
)
def test_other_numbers_stay(text: str) -> None:
    assert mask(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("联系电话：86332211", "联系电话：863***11"),
        ("tel 8633-2211 now", "tel 863*-**11 now"),
        ("身份证号 440605900101123", "身份证号 440**********23"),
        ("13800138000 或 0757-86332211", "138******00 或 075*-******11"),
    ],
)
def test_the_word_before_tells(text: str, shown: str) -> None:
    assert mask(text) == shown


def test_a_late_birthday_needs_its_check_digit() -> None:
    digits = "44060520180101001"
    weights = [2 ** (17 - at) % 11 for at in range(17)]
    check = (12 - sum(weight * int(digit) for weight, digit in zip(weights, digits, strict=True))) % 11
    right = digits + ("X" if check == 10 else str(check))
    wrong = digits + ("0" if check != 0 else "1")
    assert mask(right) != right
    assert mask(wrong) == wrong


def test_markup_is_plain_text_and_stays() -> None:
    assert title("<script>alert(1)</script> & <b>") == ("<script>alert(1)</script> & <b>", False)


def test_control_and_direction_characters_go() -> None:
    assert clean(" a\x00b\r\nc\u202ed\ud800e\t ") == "a b c d e"
    assert clean("全角\u3000空格") == "全角\u3000空格"


def test_long_titles_are_cut_after_masking() -> None:
    assert title("x" * LONGEST_TITLE) == ("x" * LONGEST_TITLE, False)
    long, was_cut = title("x" * 200_000)
    assert was_cut
    assert (len(long), long[-1]) == (LONGEST_TITLE, "…")
    shown, _ = title("x" * (LONGEST_TITLE - 6) + " 13800138000 " + "y" * 99)
    assert "13800" not in shown
    assert cut("abc", 3) == "abc"
