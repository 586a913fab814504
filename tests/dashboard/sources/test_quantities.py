"""The one reader of numbers: what is exactly one number is read, and all else is refused by a name."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.sources.quantities import number, quantity_of, scale_of
from dashboard.sources.values import Refusal, point_of

ROOT = Path(__file__).resolve().parents[3]


# What is written: the unit that is wanted, and what is read.
READ: dict[object, tuple[str, float]] = {
    7: ("", 7.0), -0.0: ("", 0.0), "-0": ("", 0.0), "007": ("", 7.0), "+5": ("", 5.0), "5.": ("", 5.0), ".5": ("", 0.5),
    " -0.5 ": ("m", -0.5), "1e3": ("", 1000.0), "1.1E+17": ("元", 1.1e17), Decimal("2.50"): ("", 2.5),
    "1,234.5": ("", 1234.5), "12,345,678": ("", 12345678.0), "１２３": ("", 123.0), "１，２３４．５": ("", 1234.5),
    "−3": ("", -3.0), "－3": ("", -3.0), "1.2万": ("", 12000.0), "3亿": ("", 3e8), "1.2万元": ("元", 12000.0),
    "12000元": ("万元", 1.2), "3.5千万": ("", 3.5e7), "12%": ("%", 12.0), "12％": ("%", 12.0), "3 ft": ("ft", 3.0),
    "3 feet": ("ft", 3.0), "1.5米": ("m", 1.5), "5 m³/s": ("m3/s", 5.0), "36.6℃": ("°C", 36.6),
    "3个百分点": ("pp", 3.0), "7 kW h": ("kW h", 7.0), "2千瓦": ("千瓦", 2.0), "3 p.p.": ("pp", 3.0),
}  # fmt: skip
# Why it is refused, where a mere number is wanted: what is written.
REFUSED: dict[str, list[object]] = {
    "no_value": ["", "—", None, "NaN", "nan", "#N/A", "暂无"],
    "not_finite": [float("nan"), float("inf"), "Infinity", "-inf", "1e400", "-1e400", Decimal("NaN"), Decimal("1e400")],
    "ambiguous_number": ["1,23", "1.234,5", "1,2345", "1,23,456.7"],
    "wrong_unit": ["12%", "5 m", "3 ft", "12万元"],
    "bad_number": [
        1e19, 2**63, 10**400, 10**5000, "9" * 400, "9" * 30, "0x1F", "0x10", "0xFACE", "0b11", "0o17", "1e", "１e",
        "1e5e5", "1_000", "1 000", "1'000", "5²", "½", "1½", "①", "1/2", "12:30", "2026-03-01", "3-4", "5~6", "<5",
        "约5", "5*", "5英尺3英寸", "٣", "五", "--5", "1.2.3",
        "5\u202e", "5\x005", "5\ud800", "x", True, [], {}, b"5", "合计",
    ],
}  # fmt: skip


@pytest.mark.parametrize("value", READ, ids=repr)
def test_numbers_as_sources_write_them(value: object) -> None:
    unit, found = READ[value]
    assert number(value, unit) == found


@pytest.mark.parametrize("reason", REFUSED)
def test_what_is_not_exactly_one_number_is_refused_by_name(reason: str) -> None:
    for value in REFUSED[reason]:
        with pytest.raises(Refusal) as refusal:
            number(value)
        assert refusal.value.reason == reason, value if isinstance(value, str) else type(value)
        assert refusal.value.detail


@pytest.mark.parametrize(
    ("value", "unit", "reason"),
    [("1.2万", "万元", "ambiguous_number"), ("12%", "m", "wrong_unit"), ("3 m", "ft", "wrong_unit"),
     ("3 ft", "m", "wrong_unit"), ("3英尺", "m", "wrong_unit"), ("5 kW", "kW h", "wrong_unit")],
)  # fmt: skip
def test_a_number_in_another_unit_is_never_taken_for_one_in_ours(value: str, unit: str, reason: str) -> None:
    with pytest.raises(Refusal) as refusal:
        number(value, unit)
    assert refusal.value.reason == reason


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e15, max_value=1e15))
def test_a_number_that_was_written_is_the_number_that_is_read(value: float) -> None:
    assert number(repr(value)) == value
    assert number(value) == value


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**12), max_value=10**12, places=3))
def test_groups_and_scales_change_nothing(value: Decimal) -> None:
    assert number(f"{value:,}") == float(value)
    assert number(f"{value}万") == float(value * 10**4)
    assert number(f"{value} 元", "万元") == float(value / 10**4)


@given(st.text(max_size=12))
def test_any_text_is_a_finite_number_or_is_refused(text: str) -> None:
    try:
        found, _ = quantity_of(text)
    except Refusal:
        return
    assert found is None or abs(found) <= 1e18


def test_scales() -> None:
    assert scale_of("万元") == (10**4, "元")
    assert scale_of("千克") == (1, "千克")


@pytest.mark.parametrize("text", ["1_13", "nan", "inf", "1e400", "0x10", "113,1", "１e", "1e9", "5²"])
def test_degrees_are_read_as_strictly(text: str) -> None:
    with pytest.raises(Refusal, match="bad_coordinates"):
        point_of(text, "23")


def test_degrees_as_sources_write_them() -> None:
    assert point_of("113.15", " 23.03") == (113.15, 23.03)
    assert point_of("１１３．１５", "+23") == (113.15, 23.0)
    assert point_of("1.1315E+02", "2.3e1") == (113.15, 23.0)


def test_nobody_reads_numbers_by_another_reader() -> None:
    """No feed and no reader of records makes a number of a text by itself."""
    records = ("readings", "mapped", "mapping", "figures", "rows", "tables", "tablemap", "sheets", "platforms", "rtsp")
    files = [*(ROOT / "feeds").glob("*.py"), *(ROOT / "dashboard" / "sources" / f"{name}.py" for name in records)]
    found = {
        f"{file.parent.name}/{file.name}: {line.strip()}"
        for file in files
        if not file.name.startswith("pretend")
        for line in file.read_text(encoding="utf-8").splitlines()
        if "float(" in line and 'float("' not in line and "# A number already" not in line
    }
    assert found == set()
