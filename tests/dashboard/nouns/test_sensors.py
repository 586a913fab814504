"""Sensors: units, thresholds, trend; and the gauges that are not to be believed."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from dashboard.board import Board
from dashboard.nouns.sensorlayers import LAYERS
from dashboard.nouns.sensors import SLOTS, SensorReading, Sensors, standard
from dashboard.nouns.sensorviews import WATER, view_gauges, view_parking, view_sensors, view_water
from dashboard.nouns.thresholds import SensorTable, Thresholds
from tests.flow import rules

T0 = datetime(2026, 3, 1, 4, 0, tzinfo=UTC)
TABLE = SensorTable(
    silent_minutes=30,
    quantities={"level": Thresholds(warn=1.0, alarm=2.0)},
    points={"g2": Thresholds(alarm=3.0), "g3/temperature": Thresholds(warn=5, alarm=0, low=True), "g9": Thresholds()},
)


def reading(minute: float, value: float, sensor: str = "g1", **more: Any) -> SensorReading:
    given: dict[str, Any] = {
        "id": f"{sensor}:{minute}", "source": "gauges", "subject": sensor, "time": T0 + timedelta(minutes=minute),
        "quantity": "level", "value": value, "unit": "m", "place": "A1",
    }  # fmt: skip
    return SensorReading(**{**given, **more})


def sensors(*readings: SensorReading, table: SensorTable = TABLE) -> Sensors:
    board = Sensors(replace(rules(), sensors=table))
    for event in readings:
        board.fold(event)
    return board


def after(minutes: float) -> float:
    return (T0 + timedelta(minutes=minutes)).timestamp()


def row(board: Sensors, now: float, sensor: str = "g1") -> dict[str, Any]:
    return next(row for row in view_gauges(board, "T", now)["gauges"] if row["sensor"] == sensor)


@pytest.mark.parametrize(
    ("value", "unit", "quantity", "kept"),
    [
        (3.0, "ft", "level", (0.9144, "m")), (250.0, "cm", "level", (2.5, "m")), (2.0, "米", "level", (2.0, "m")),
        (1.0, "in", "rain", (25.4, "mm")), (1.0, "ft3/s", "flow", (0.028316846592, "m3/s")),
        (212.0, "°F", "temperature", (100.0, "°C")), (7.0, "bananas", "mood", (7.0, "bananas")),
    ],
)  # fmt: skip
def test_declared_units_convert(value: float, unit: str, quantity: str, kept: tuple[float, str]) -> None:
    found = standard(value, unit, quantity)
    assert found[0] == pytest.approx(kept[0])
    assert found[1] == kept[1]


@pytest.mark.parametrize(("unit", "quantity"), [("", "level"), ("bar", "level"), ("m", "temperature"), ("kg", "rain")])
def test_other_units_are_refused_and_never_guessed(unit: str, quantity: str) -> None:
    with pytest.raises(ValueError, match=f"is no unit of {quantity}; declare"):
        standard(1.0, unit, quantity)


@pytest.mark.parametrize(
    ("value", "grade"), [(0.99, "normal"), (1.0, "warn"), (1.99, "warn"), (2.0, "alarm"), (-5.0, "normal")]
)
def test_the_grade_turns_at_the_threshold(value: float, grade: str) -> None:
    board = sensors(reading(0, value))
    assert row(board, after(1))["grade"] == grade
    assert view_sensors(board, "A1", after(1))["grades"][grade] == 1


def test_thresholds_are_of_the_point_then_of_the_quantity() -> None:
    board = sensors(
        reading(0, 2.5, "g1"), reading(0, 2.5, "g2"),
        reading(0, 4.0, "g3", quantity="temperature", unit="°C"), reading(0, 9.0, "g4", quantity="mood", unit="x"),
    )  # fmt: skip
    grades = {r["sensor"]: r["grade"] for r in view_gauges(board, "T", after(1))["gauges"]}
    assert grades == {"g1": "alarm", "g2": "warn", "g3": "warn", "g4": "none"}


def test_a_points_own_threshold_beats_a_general_one_that_contradicts_it() -> None:
    table = SensorTable(
        quantities={"level": Thresholds(warn=1.5, alarm=2.0)},
        points={"g1": Thresholds(alarm=1.2), "g2": Thresholds(warn=3), "g3": Thresholds(low=True)},
    )
    found = [(limits.warn, limits.alarm) for limits in (table.of(name, "level") for name in ("g1", "g2", "g3", "g4"))]
    assert found == [(None, 1.2), (3, None), (None, None), (1.5, 2.0)]
    assert row(sensors(reading(0, 1.3), table=table), after(1))["grade"] == "alarm"


def test_a_silent_gauge_is_a_fault_and_no_calm_weather() -> None:
    board = sensors(reading(0, 0.2), reading(10, 0.3, "g2"))
    assert view_sensors(board, "T", after(30))["faults"] == {"never": 2, "wrong_unit": 0, "silent": 0, "stuck": 0}
    found = view_sensors(board, "T", after(31))
    assert found["faults"]["silent"] == 1
    assert (found["total"], found["working"], sum(found["grades"].values())) == (4, 1, 1)
    silent = row(board, after(31))
    assert (silent["fault"], silent["value"], silent["age"], silent["trend"]) == ("silent", 0.2, 31 * 60, "")


def test_a_gauge_that_stops_changing_is_stuck() -> None:
    moving = [reading(minute, minute / 1000) for minute in range(0, 780, 10)]
    standing = [reading(minute, 0.5, "g2") for minute in range(0, 780, 10)]
    board = sensors(*moving, *standing)
    found = row(board, after(775), "g2")
    assert (found["fault"], found["unchanged_since"]) == ("stuck", after(0) + 600)
    assert row(board, after(775))["fault"] == ""
    board.fold(reading(780, 0.51, "g2"))
    assert row(board, after(781), "g2")["fault"] == ""


def test_a_dry_rain_gauge_is_not_stuck() -> None:
    board = sensors(*[reading(minute, 0.0, quantity="rain", unit="mm") for minute in range(0, 1400, 10)])
    assert row(board, after(1391))["fault"] == ""


def test_the_trend_is_that_of_the_last_hour() -> None:
    rising = sensors(*[reading(minute, 0.1 + minute / 100) for minute in range(0, 121, 5)])
    found = row(rising, after(121))
    assert (found["trend"], round(found["change"], 2)) == ("rising", 0.6)
    steady = sensors(*[reading(minute, 0.1 + minute / 10000) for minute in range(0, 121, 5)])
    assert row(steady, after(121))["trend"] == "steady"
    assert row(sensors(reading(0, 1.0), reading(5, 2.0)), after(6))["trend"] == ""


def test_a_foreign_unit_is_a_fault_until_the_right_one_comes_again() -> None:
    board = sensors(reading(0, 1.5), reading(5, 2.0, unit="bar"))
    found = row(board, after(6))
    assert (found["fault"], found["odd_unit"], found["value"]) == ("wrong_unit", "bar", 1.5)
    board.fold(reading(10, 1.6))
    assert row(board, after(11))["fault"] == ""


def test_feet_are_converted_by_their_declared_unit() -> None:
    assert row(sensors(reading(0, 10.0, unit="ft")), after(1))["value"] == pytest.approx(3.048)


def test_what_the_city_expects_and_nobody_heard_of_is_named() -> None:
    board = sensors(reading(0, 1.0))
    assert view_gauges(board, "T", after(1))["never"] == ["g2", "g3/temperature", "g9"]
    assert view_gauges(board, "A1", after(1))["never"] == []


def test_the_order_of_arrival_never_decides() -> None:
    chance = random.Random(4)
    events = [
        reading(minute, chance.uniform(0, 2), f"g{minute % 3}", place=chance.choice(["A1", "B", ""]),
                unit=chance.choice(["m", "m", "cm", "bar"]))
        for minute in range(0, SLOTS * 15 + 300, 7)
    ]  # fmt: skip
    first = sensors(*events)
    for _ in range(5):
        chance.shuffle(events)
        other = sensors(*events, *events[:50])
        assert view_gauges(other, "T", after(2000)) == view_gauges(first, "T", after(2000))
        assert {gauge.key: gauge for gauge in other.gauges.values()} == first.gauges
        for code in ("T", "A", "A1", "B"):
            assert view_sensors(other, code, after(2000)) == view_sensors(first, code, after(2000))
            for name, view in LAYERS.items():
                assert view(other, code, after(2000)) == view(first, code, after(2000)), name


def test_a_day_is_kept_and_no_more() -> None:
    board = sensors(*[reading(minute, minute) for minute in range(0, 5 * 1440, 5)])
    (gauge,) = board.gauges.values()
    assert len(gauge.slots) == SLOTS
    assert len(gauge.series()) == SLOTS


def test_it_comes_back_from_a_snapshot_with_its_places() -> None:
    board = Board(replace(rules(), sensors=TABLE))
    board.take([reading(minute, 1.0, place="B") for minute in range(0, 200, 10)])
    again = Board.restore(replace(rules(), sensors=TABLE), board.dump())
    assert again.view("gauges", "B") == board.view("gauges", "B")
    assert again.view("sensors", "A")["data"]["total"] == 0


def test_levels_over_their_threshold_are_counted_by_place_beyond_those_that_are_listed() -> None:
    places = ["A1", "A", "B", ""]
    high = [reading(0, 1.5, f"high{number}", place=places[number % 4]) for number in range(4 * WATER)]
    board = sensors(*high, reading(0, 0.1, "low", place="B"), reading(-60, 3.0, "silent", place="B"))
    found = view_water(board, "T", after(1))
    assert len(found["levels"]) == WATER
    assert found["over"] == {"warn": 4 * WATER, "alarm": 0}
    assert found["places"] == {"A": 2 * WATER, "B": WATER}, "what is of no place below is in the whole alone"
    assert view_water(board, "A", after(1))["places"] == {"A1": WATER}, "what is of A itself is in none of its places"
    assert view_water(board, "B", after(1))["places"] == {}


def park(minute: float, value: float, sensor: str, capacity: float | None) -> SensorReading:
    return reading(minute, value, sensor, quantity="occupied", unit="spaces", capacity=capacity)


def test_car_parks_count_spaces_over_those_that_say_their_size() -> None:
    board = sensors(park(0, 50, "p1", 100), park(0, 120, "p2", 100), park(0, 7, "p3", None), park(-60, 9, "p4", 10))
    found = view_parking(board, "T", after(1))
    assert (found["taken"], found["spaces"], found["counted"], found["total"]) == (150, 200, 2, 4)
    assert found["over"] == ["p2"]
    assert view_sensors(board, "T", after(1))["over_capacity"] == 1


def test_thresholds_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(ValidationError, match="alarm lies before warn"):
        Thresholds(warn=2, alarm=1)
    assert Thresholds(warn=2, alarm=1, low=True).alarm == 1
