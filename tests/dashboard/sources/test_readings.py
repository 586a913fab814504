"""Readings out of recorded data: river stages in feet, the USGS' own reply, and car parks that are more than full."""

from __future__ import annotations

import csv
import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from dashboard.board import CODEC
from dashboard.nouns.sensors import SensorReading, Sensors
from dashboard.nouns.sensorviews import view_parking, view_sensors
from dashboard.sources.feed import Rejected
from dashboard.sources.readings import Reader, Reading, ReadingSettings, Record, find
from tests.flow import packed, rules
from tests.town import DATA, NOW, context, town

SENSORS = DATA / "sensors"
recorded = pytest.mark.skipif(
    not SENSORS.exists(), reason="the recorded sensors are not there (../shared/data/sensors)"
)


def read(folder: Path, rows: list[Any], *readings: Reading, **more: Any) -> tuple[list[SensorReading], list[Rejected]]:
    settings = ReadingSettings(name="gauges", kind="sql", readings=readings, **more)
    reader = Reader(settings, context(town(folder), now=NOW))
    found = list(reader.read((Record(row, f"row {at}"), one) for at, row in enumerate(rows, 1) for one in readings))
    refused = [item for item in found if isinstance(item, Rejected)]
    return [item for item in found if isinstance(item, SensorReading)], refused


def rows_of(name: str) -> list[dict[str, str]]:
    with (SENSORS / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@recorded
def test_a_month_of_river_stage_in_feet_is_metres(tmp_path: Path) -> None:
    rows = [{**row, "site": "01589330"} for row in rows_of("DeadRun_Instant.csv")]
    stage = Reading(
        quantity="level",
        unit="ft",
        sensor="site",
        time="datetimeUTC",
        value="USGS:01589330:00065:00000",
        range=(-5, 60),
    )
    flow = Reading(quantity="flow", unit="cfs", sensor="site", time="datetimeUTC", value="USGS:01589330:00060:00000")
    events, refused = read(tmp_path, rows, stage, flow)
    said = [one.reason for one in refused if not one.kept]
    levels = [event for event in events if event.quantity == "level"]
    assert len(rows) == 8928
    assert len(events) + len(said) == 2 * len(rows)
    assert set(said) <= {"no_value"}  # What the gauge did not say is a dash, and no zero.
    assert levels[0].value == pytest.approx(0.93 * 0.3048)
    assert (levels[0].time, levels[0].unit) == (datetime(2018, 6, 1, 4, tzinfo=UTC), "m")
    board = Sensors(rules())
    for event in events:
        board.fold(event)
    gauge = board.gauges["gauges|01589330|level"]
    assert gauge.at == levels[-1].time.timestamp()
    assert gauge.value == levels[-1].value
    assert view_sensors(board, "T", gauge.at + 60)["total"] == 2


@recorded
def test_the_reply_of_the_usgs_is_read_by_paths(tmp_path: Path) -> None:
    reply = json.loads((SENSORS / "usgs_iv_response.json").read_text(encoding="utf-8"))
    records = []
    for series in find(reply, "value.timeSeries"):
        about = {"site": find(series, "sourceInfo.siteCode[0].value"), "name": find(series, "sourceInfo.siteName"),
                 "unit": find(series, "variable.unit.unitCode"), "code": find(series, "variable.variableCode[0].value"),
                 "lat": find(series, "sourceInfo.geoLocation.geogLocation.latitude"),
                 "lon": find(series, "sourceInfo.geoLocation.geogLocation.longitude")}  # fmt: skip
        records += [{**about, **value} for value in find(series, "values[].value[]")]
    assert records
    by_code = Counter(record["code"] for record in records)
    assert set(by_code) <= {"00060", "00065", "00010"}, by_code
    known = {"00060": ("flow", "ft3/s"), "00065": ("level", "ft"), "00010": ("temperature", "°C")}
    for code, (quantity, unit) in known.items():
        mine = [record for record in records if record["code"] == code]
        one = Reading(
            quantity=quantity,
            unit=unit,
            sensor="site",
            time="dateTime",
            value="value",
            name="name",
            lon="lon",
            lat="lat",
        )
        events, refused = read(tmp_path, mine, one)
        reasons = Counter(letter.reason for letter in refused if not letter.kept)
        assert len(events) + sum(reasons.values()) == len(mine)
        assert set(reasons) <= {"no_value"}
        assert all(event.subject.isdigit() and event.name for event in events)


@recorded
def test_car_parks_over_their_capacity_are_named_and_counted(tmp_path: Path) -> None:
    rows = rows_of("birmingham_occupancy_2016.csv")
    one = Reading(
        quantity="occupied",
        unit="spaces",
        sensor="system_code",
        time="timestamp",
        value="occupancy",
        capacity="capacity",
    )
    events, refused = read(tmp_path, rows, one, zone="Europe/London")
    assert len(rows) == 18368
    over = [letter for letter in refused if letter.reason == "over_capacity"]
    said = Counter(letter.reason for letter in refused if not letter.kept)
    assert len(over) == 241
    assert all(letter.kept for letter in over)
    assert len(events) + sum(said.values()) == len(rows)
    below = [row for row in rows if int(row["occupancy"]) < 0]
    assert said == ({"impossible_value": len(below)} if below else {})
    board = Sensors(rules())
    for event in events:
        board.fold(event)
    newest = max(gauge.at for gauge in board.gauges.values())
    parking = view_parking(board, "T", newest)
    assert parking["total"] == len({row["system_code"] for row in rows})
    assert parking["taken"] <= parking["spaces"]


@pytest.mark.parametrize("time", ["0000-01-01", "9999-12-31", "2026-02-30", "yesterday", "1e18", "-1"])
def test_times_that_cannot_be_are_refused(tmp_path: Path, time: str) -> None:
    one = Reading(quantity="level", unit="m")
    _, refused = read(tmp_path, [{"sensor": "g", "value": 1, "time": time}], one, time_formats=("iso", "unix_ms"))
    assert [letter.reason for letter in refused] in (["impossible_date"], ["time_in_future"])


def test_what_passes_can_be_read_again(tmp_path: Path) -> None:
    one = Reading(quantity="level", unit="km", capacity="size")
    values = [(1e14, 1), (1e12, -1), (1e11, 1), ("1,000", None), (-3, 0)]
    rows = [
        {"sensor": "g", "value": v, "size": s, "time": f"2026-02-01T00:00:0{n}Z"} for n, (v, s) in enumerate(values)
    ]
    events, refused = read(tmp_path, rows, one)
    assert [letter.reason for letter in refused if not letter.kept] == ["impossible_value", "impossible_value"]
    assert CODEC.unpack(packed(events)) == events


def test_a_phone_number_appears_nowhere(tmp_path: Path) -> None:
    one = Reading(quantity="level", unit="m", name="who")
    rows = [{"sensor": "g", "value": value, "time": NOW.isoformat(), "who": "张 13800138000"} for value in (1, "x")]
    events, refused = read(tmp_path, rows, one)
    assert "13800138000" not in repr(events) + repr(refused)
    assert events[0].name == "张 138******00"
