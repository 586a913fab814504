"""Gauges and car parks as layers: states in the order of the points, faults apart, readings for the tooltip."""

from __future__ import annotations

from typing import Any

from dashboard.nouns.noun import Document
from dashboard.nouns.sensorlayers import GAUGES, LAYERS, PARKS
from dashboard.nouns.sensors import SensorReading, Sensors
from dashboard.nouns.sensorthings import THINGS
from dashboard.nouns.sensorviews import view_gauge_faults, view_water
from dashboard.nouns.thresholds import SensorTable, Thresholds
from dashboard.screens.layer import all_layers
from tests.dashboard.nouns.test_sensors import after, reading, sensors

TABLE = SensorTable(silent_minutes=30, filling=0.8, full=0.9, quantities={"level": Thresholds(warn=1, alarm=2)})


def park(sensor: str, cars: float, spaces: float | None = 10, **more: Any) -> SensorReading:
    given = {"quantity": "occupied", "unit": "spaces", "capacity": spaces, "point": (113.0, 23.0), **more}
    return reading(0, cars, sensor, **given)


def layer(board: Sensors, name: str, place: str = "T", minute: float = 1) -> tuple[Document, dict[str, str]]:
    """The states of a layer, and each point's by its name."""
    names = {"gauge": GAUGES, "park": PARKS}[name]
    points, states = (LAYERS[f"{name}_{what}"](board, place, after(minute)) for what in ("points", "states"))
    assert points["version"] == states["version"]
    runs = zip(*[iter(states["states"])] * 2, strict=True)
    found = [names[state] for state, many in runs for _ in range(many)]
    return states, dict(zip((row[3] for row in points["points"]), found, strict=True))


def test_a_park_is_free_filling_full_or_holds_more_than_it_can() -> None:
    board = sensors(*[park(str(cars), cars) for cars in (7, 8, 9, 11)], park("sizeless", 3, None), table=TABLE)
    states, found = layer(board, "park")
    assert found == {"7": "free", "8": "filling", "9": "full", "11": "over", "sizeless": "fault"}
    assert states["counts"] == [1, 1, 1, 1, 1]
    assert states["places"] == {"A": [6, 40]}, "three, two, one and none are free, of those that say their size"
    assert [8.0, "spaces", 10.0, after(0), None] in states["said"]
    assert layer(board, "park", minute=40)[1] == dict.fromkeys(found, "fault"), "nobody has heard of them for long"


def test_a_gauge_warns_only_while_it_is_believed_and_one_without_a_point_is_counted() -> None:
    spot = {"point": (113.0, 23.0)}
    board = sensors(
        reading(0, 0.5, "calm", **spot), reading(0, 1.0, "warn", **spot), reading(0, 2.5, "alarm", **spot),
        reading(0, 3.0, "nowhere"), park("cars", 3), reading(0, 9.0, "mood", quantity="mood", unit="x", **spot),
        table=TABLE,
    )  # fmt: skip
    states, found = layer(board, "gauge")
    assert found == {"calm": "normal", "warn": "warn", "alarm": "alarm", "mood": "none"}
    assert (states["unlocated"], states["places"]) == (1, {"A": [5, 5]})
    board.fold(reading(50, 2.5, "alarm", **spot))
    states, found = layer(board, "gauge", minute=51)
    assert found == {"calm": "fault", "warn": "fault", "alarm": "alarm", "mood": "fault"}
    assert states["places"] == {"A": [1, 5]}


def test_one_gauge_tells_its_state_since_when_its_reading_and_its_limits() -> None:
    ask = THINGS["gauge_thing"]
    board = sensors(*[reading(15 * n, 0.5 if n < 4 else 1.5, "g", name="<b>桥") for n in range(6)], table=TABLE)
    found = ask(board, f"gauge|{next(iter(board.gauges))}", after(80))
    assert (found["name"], GAUGES[found["state"]], found["reading"]) == ("<b>桥", "warn", [1.5, "m", None])
    assert (found["since"], found["long"], found["at"]) == (after(60), False, after(75))
    assert ["警戒值", "Warns at", "1.00 m", "1.00 m"] in found["about"]
    silent = ask(board, f"gauge|{next(iter(board.gauges))}", after(200))
    assert (GAUGES[silent["state"]], silent["since"], silent["about"][0][1]) == ("fault", after(75), "Fault")
    day = sensors(*[reading(15 * n, 1.5 + n % 2 / 9, "g") for n in range(96)], table=TABLE)
    assert ask(day, f"gauge|{next(iter(day.gauges))}", after(96 * 15))["long"] is True
    assert ask(board, "gauge|nothing", after(80)) == ask(board, "", after(80)) == {}
    parks = sensors(park("p", 11), table=TABLE)
    cars = THINGS["park_thing"](parks, f"gauge|{next(iter(parks.gauges))}", after(1))
    assert (PARKS[cars["state"]], cars["reading"], cars["since"]) == ("over", [11.0, "spaces", 10.0], None)


def test_the_layers_have_a_look_for_each_of_their_states() -> None:
    assert len(all_layers()["sensors"].looks) == len(GAUGES)
    assert len(all_layers()["parking"].looks) == len(PARKS)
    frames = [layer.frame for layer in all_layers().values()]
    assert len(set(frames)) == len(frames), "each layer's points are told from every other's"


def test_water_shows_the_worst_first_with_a_day_in_which_gaps_stay_gaps() -> None:
    rain = {"quantity": "rain", "unit": "mm"}
    board = sensors(
        *[reading(minute, 0.2 + minute / 60, "rises") for minute in range(0, 61, 15)], reading(60, 2.5, "alarm"),
        reading(0, 0.1, "silent"), reading(0, 4.0, "r", **rain), reading(60, 12.0, "r", **rain), table=TABLE,
    )  # fmt: skip
    view = view_water(board, "T", after(61))
    assert [row["sensor"] for row in view["levels"]] == ["alarm", "rises", "silent"]
    assert [row["fault"] for row in view["levels"]] == ["", "", "silent"]
    assert (view["total"], view["working"], view["over"], view["rising"]) == (3, 2, {"warn": 1, "alarm": 1}, 1)
    assert view["levels"][1]["day"][-5:] == [0.2, 0.45, 0.7, 0.95, 1.2]
    assert view["rains"][0]["day"][-5:] == [4.0, None, None, None, 12.0]
    assert view["hours"][-2:] == [4.0, 12.0]
    assert "age" not in view["levels"][0], "a view that changes by itself each second would be sent each second"


def test_what_cannot_be_believed_is_named_with_its_reason_and_its_last_word() -> None:
    board = sensors(
        *[reading(minute, 0.4, "stuck") for minute in range(0, 13 * 60, 15)], reading(0, 0.3, "silent"),
        reading(13 * 60 - 15, 7.0, "unit", unit="kg"), reading(13 * 60 - 15, 0.5, "well"), table=TABLE,
    )  # fmt: skip
    view = view_gauge_faults(board, "T", after(13 * 60 - 10))
    found = {row["name"]: (row["fault"], row["since"], row["odd_unit"]) for row in view["faults"]}
    assert found["stuck"] == ("stuck", after(0), "")
    assert found["silent"] == ("silent", after(0), "")
    assert found["unit"][0] == "wrong_unit"
    assert found["unit"][2] == "kg"
    assert "well" not in found
    assert sum(view["counts"].values()) == 3
