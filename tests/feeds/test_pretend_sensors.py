"""Simulated gauges: the same by seed, water after the rain, one gauge stuck and one silent, nothing told twice."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from dashboard.board import Board
from dashboard.events import Event
from dashboard.nouns.clock import ClockTick
from dashboard.nouns.sensors import SensorReading
from dashboard.nouns.warned import WarningIssued, WarningLifted
from dashboard.sources.feed import Context, SourceFailed, rules_of
from dashboard.sources.pretence import rain_on
from feeds.pretend_sensors import DEEP, FEED, District, Settings, Weather, district_of, readings
from tests import pretended
from tests.pretended import nanhai, reaches, settings_of

WET = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)  # Four in the afternoon of the wettest day around.


@pytest.fixture(scope="module")
def context() -> Context:
    return nanhai(WET)


@pytest.fixture(scope="module")
def settings(context: Context) -> Settings:
    return settings_of(FEED, context, Settings)


@pytest.fixture(scope="module")
def district(settings: Settings, context: Context) -> District:
    return district_of(settings, context)


def told(settings: Settings, context: Context, until: float) -> list[Event]:
    return pretended.told(FEED, settings, context, reaches(until - settings.step))[0]


@pytest.fixture(scope="module")
def day(settings: Settings, context: Context) -> list[Event]:
    return told(settings, context, WET.timestamp())


def test_the_district_has_the_points_and_spaces_that_were_published(district: District, context: Context) -> None:
    kinds = Counter(gauge.kind for gauge in district.gauges)
    assert [kinds[kind] for kind in ("underpass", "road", "junction")] == [3, 4, 11]
    parks = [gauge for gauge in district.gauges if gauge.spaces]
    assert (len(parks), kinds["mall"], sum(gauge.spaces for gauge in parks)) == (32, 3, 3059)
    assert kinds["rain"] == kinds["air"] == len(district.towns) == 7
    for gauge in district.gauges:
        assert district.towns[gauge.town] in context.places.path(gauge.place), gauge.name
        assert context.gazetteer.locate(*gauge.point)[0] == gauge.place


def test_water_rises_with_the_rain_and_runs_off_deepest_in_the_underpasses(district: District) -> None:
    weather = Weather(district)
    noon = WET.timestamp() - 6 * 3600
    hours = [dict(levels(district, weather, noon + 900 * quarter)) for quarter in range(48)]
    most = {gauge.id: max(hour[gauge.id] for hour in hours if gauge.id in hour) for gauge in district.gauges
            if gauge.kind in DEEP and gauge.id not in (district.stuck, district.silent)}  # fmt: skip
    deep = np.mean([most[gauge.id] for gauge in district.gauges if gauge.kind == "underpass"])
    flat = np.mean([most[gauge.id] for gauge in district.gauges if gauge.id in most and gauge.kind == "junction"])
    assert deep > 1.5 * flat > 0.1
    assert all(hours[0][one] < 0.05 for one in most), "it was dry before"
    assert all(hours[-1][one] < 0.6 * most[one] for one in most if most[one] > 0.15), "and runs off after"


def levels(district: District, weather: Weather, moment: float) -> list[tuple[str, float]]:
    """The levels at a moment, by gauge."""
    return [(gauge.id, value) for gauge, what, value, _ in readings(district, weather, moment) if what == "level"]


def test_it_rains_hardest_on_the_days_on_which_the_simulated_tickets_say_so(district: District) -> None:
    weather = Weather(district)
    most = {}
    for back in range(24):
        day = WET.date() - timedelta(days=back)
        wet = rain_on(district.seed, day)
        most[day] = (wet > 0, max((float(rain.mean()) for _, _, rain in weather.showers(day.toordinal())), default=0.0))
    assert {wet for wet, _ in most.values()} == {True, False}
    assert min(rain for wet, rain in most.values() if wet) > max(rain for wet, rain in most.values() if not wet)


def test_the_same_moment_reads_the_same_whatever_was_asked_before(district: District) -> None:
    one, other = Weather(district), Weather(district)
    other.levels(WET.timestamp() - 3 * 86_400)
    assert list(readings(district, one, WET.timestamp())) == list(readings(district, other, WET.timestamp()))


def test_a_first_start_tells_a_day_and_the_board_finds_the_stuck_and_the_silent_gauge(
    day: list[Event], context: Context
) -> None:
    assert len(day) < 20_000
    assert len({event.id for event in day}) == len(day)
    board = Board(rules_of(context.city, context.places))
    board.take([*day, ClockTick(id="t", source="clock", time=WET, wall=WET)])
    root = context.places.root.code
    sensors = board.view("sensors", root)["data"]
    assert sensors["faults"] == {"never": 0, "wrong_unit": 0, "silent": 1, "stuck": 1}
    assert sensors["total"] == 18 + 7 + 7 + 32
    assert sensors["grades"]["alarm"] > 0
    parking = board.view("parking", root)["data"]
    assert (parking["total"], parking["spaces"]) == (32, 3059)
    water = board.view("water", root)["data"]
    assert water["levels"][0]["name"].endswith(("隧道", "桥底", "通道")), "an underpass floods first"
    assert water["levels"][0]["grade"] == "alarm"
    assert max(hour for hour in water["hours"] if hour is not None) > 20
    assert board.view("warnings", root)["data"]["level"] in (1, 2)


def test_warnings_are_issued_once_a_level_and_lifted_in_the_end(settings: Settings, context: Context) -> None:
    later = WET + timedelta(hours=15)
    events = told(settings, replace(context, now=lambda: later), later.timestamp())
    mine = [event for event in events if isinstance(event, WarningIssued | WarningLifted)]
    assert any(isinstance(event, WarningIssued) and event.level == 1 for event in mine)
    last: dict[str, Event] = {}
    for event in mine:
        before = last.get(event.subject)
        if isinstance(event, WarningIssued) and isinstance(before, WarningIssued):
            assert before.level != event.level
        last[event.subject] = event
    assert all(isinstance(event, WarningLifted) for event in last.values()), "it is dry again in the morning"


def test_after_a_pause_it_goes_on_where_it_was_and_says_nothing_twice(
    day: list[Event], settings: Settings, context: Context
) -> None:
    last = max(event.time for event in day).timestamp()
    later = WET + timedelta(minutes=20)
    again = told(settings, replace(context, cursor=f"{last:.3f}", now=lambda: later), later.timestamp())
    assert again
    assert not {event.id for event in day} & {event.id for event in again}
    assert min(event.time.timestamp() for event in again if isinstance(event, SensorReading)) > last


def test_a_faulty_table_is_a_failed_source_that_says_why(settings: Settings, context: Context, tmp_path: Path) -> None:
    for row, why in (
        ("a,甲,underpass,nowhere,", "names a town"),
        ("a,甲,lake,桂城街道,", "is none that can be pretended"),
    ):
        table = tmp_path / "gauges.csv"
        table.write_text(f"sensor,name,kind,town,spaces\n{row}\n", encoding="utf-8")
        with pytest.raises(SourceFailed, match=why):
            district_of(settings.model_copy(update={"sensors": str(table)}), context)
