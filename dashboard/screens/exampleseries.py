"""Series of indicators as their view tells them, for the examples of the panels that show figures."""

from __future__ import annotations

from typing import Any

GDP: dict[str, Any] = {
    "key": "f|gdp|x|cumulative", "code": "gdp", "name": "地区生产总值", "span": "cumulative", "good": "up",
    "state": "current", "coming": "2026Q4", "due": 1_800_583_200.0, "period": "2026Q3", "value": 3238.1,
    "unit": "亿元", "said": 1_792_634_400.0, "change": 4.8, "change_unit": "%", "official": True, "single": 1110.7,
    "first": 3238.1, "revised": None, "history": [],
    "target": {"target": 4330.0, "unit": "亿元", "reached": 3238.1, "share": 0.7478, "gap": None, "time": 0.75},
}  # fmt: skip


def two_years(first: float) -> list[list[Any]]:
    """The history of a figure that counts from January on, without its Januaries."""
    found: list[list[Any]] = []
    for n in range(25):
        year, month = divmod(12 * 2024 + 9 + n, 12)
        found.append([f"{year}-{month + 1:02d}", None if month == 0 else round(first * (month + 1) * (1 + n / 400), 1)])
    return found


def sales(name: str, value: float, single: float, change: float, share: float) -> dict[str, Any]:
    """A monthly figure that counts from January on, with its history and a target."""
    return {
        "key": "f|sales|x|cumulative", "code": "sales", "name": name, "span": "cumulative", "good": "up",
        "state": "current", "coming": "2026-11", "due": 1_797_645_600.0, "period": "2026-10", "value": value,
        "unit": "亿元", "said": 1_795_053_600.0, "change": change, "change_unit": "%", "official": False,
        "single": single, "first": value, "revised": None, "history": two_years(115.0),
        "target": {"target": 1400.0, "unit": "亿元", "reached": value, "share": share, "gap": None, "time": 0.83},
    }  # fmt: skip
