"""Rates on panels: what is nearly all is not all, what is nearly none is not none; what is beyond is written so."""

from __future__ import annotations

import pytest

from dashboard.words import in_percent, percent
from panels.cloud_pools import PANEL as POOLS
from panels.decide import PANEL as DECIDE
from panels.forecast import PANEL as FORECAST
from panels.parking import PANEL as PARKING
from panels.rates import PANEL as RATES
from tests.contracts.test_panels import context
from tests.panels.test_decide import said


@pytest.mark.parametrize("digits", [0, 1, 2])
def test_what_lies_between_none_and_all_is_written_between_them(digits: int) -> None:
    step = 10.0**-digits
    for whole in (2, 3, 7, 999, 26_000, 2_000_000):
        for part in {0, 1, 2, whole // 2, whole - 2, whole - 1, whole, whole + 1} - {-1}:
            shown = float(percent(part, whole, digits).replace(",", ""))
            exact = 100 * part / whole
            assert (shown == 0) == (part == 0)
            assert 0 < part < whole or (shown >= 100) == (part >= whole)
            assert not 0 < part < whole or step * 0.999 <= shown <= 100 - step * 0.999
            assert abs(shown - exact) <= step, "and never a whole step from what it is"


def test_growth_and_what_is_below_zero_are_not_bound() -> None:
    assert (in_percent(100.04), in_percent(-0.04, 2), in_percent(250.0, 0)) == ("100.0", "-0.04", "250")


@pytest.mark.parametrize(
    ("cars", "spaces", "shown"),
    [(398.0, 399.0, "99"), (1.0, 399.0, "1"), (399.0, 399.0, "100"), (399.4, 399.0, "100"), (0.0, 9.0, "0"),
     (140.0, 100.0, "140")],
)  # fmt: skip
def test_a_car_park_with_a_space_left_is_not_full(cars: float, spaces: float, shown: str) -> None:
    view = {**PARKING.example["parking"], "parks": [["k", "P", cars, spaces, 1.0]]}
    assert said(PARKING.paint({"parking": view}, context()), "parking-rows.children").endswith(f"{shown} %")


def test_a_rate_on_a_tile_is_not_all_while_one_is_late() -> None:
    for late, shown in ((5, "99.9%"), (0, "100%"), (25_999, "0.1%"), (26_000, "0.0%")):
        painted = DECIDE.paint({"tickets": {"month_so_far": [26_000, 26_000 - late]}}, context())
        assert said(painted, "decide-rate.children") == shown


def test_shares_that_are_no_counts_keep_to_the_same_rule() -> None:
    view = {**FORECAST.example["forecast"], "mid": 0.9998}
    assert said(FORECAST.paint({"forecast": view}, context()), "forecast-mid.children") == "99.9%"
    rates = {**RATES.example["rates"], "composite": 0.9998}
    assert said(RATES.paint({**RATES.example, "rates": rates}, context()), "rates-composite.children") == "99.9%"
    pools = POOLS.example["pools"]
    name, found = next((name, found) for name, found in pools["allocation"].items() if found and found["limit"])
    nearly = {**pools, "allocation": {**pools["allocation"], name: {**found, "used": 9999, "limit": 10_000}}}
    assert said(POOLS.paint({"pools": nearly}, context()), f"cloud_pools-{name}.children") == "99.9%"
