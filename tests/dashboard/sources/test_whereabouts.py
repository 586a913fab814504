"""Points are turned at the edge for tickets in files and for readings, and a layer in the wrong system is named."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from dashboard.ground.coordinates import Point, System, from_wgs84, metres
from dashboard.nouns.sensors import SensorReading
from dashboard.sources.readings import Reader, Reading, ReadingSettings, Record
from dashboard.sources.whereabouts import turned
from tests.town import HEADER, context, reasons, row, table, town

SYSTEMS: tuple[System, ...] = ("gcj02", "bd09")


def spots(system: System) -> tuple[list[Point], str]:
    """Sixty points within some hundred metres of the line at 113.1 where A meets B, on the side from which the
    system's shift moves them across it; and the code of that side's place.
    """
    east = from_wgs84((113.1, 23.05), system)[0] < 113.1
    sign = 1 if east else -1
    return [(113.1 + sign * (0.0002 + 0.0006 * (n % 5)), 23.01 + 0.0008 * n) for n in range(60)], "B" if east else "A"


@pytest.mark.parametrize("system", SYSTEMS)
async def test_tickets_of_a_file_in_another_system_come_to_their_streets_or_the_file_is_named(
    system: System, tmp_path: Path
) -> None:
    real, place = spots(system)
    lines = [HEADER]
    for n, spot in enumerate(real):
        lon, lat = from_wgs84(spot, system)
        lines.append(row(id=n, code=place, name="", lon=f"{lon:.7f}", lat=f"{lat:.7f}"))
    body = "\n".join([*lines, ""])
    events, rejected = await table(tmp_path, body, coordinates=system)
    found = [event.point for event in events if hasattr(event, "point")]
    assert max(metres(point, spot) for point, spot in zip(found, real, strict=True)) < 1
    assert reasons(rejected, kept=True) == []
    events, rejected = await table(tmp_path, body)
    assert len(events) == 2 * len(real), "a note refuses nothing"
    assert reasons(rejected, kept=True) == [f"{system}_read_as_wgs84"]
    assert f"set coordinates = '{system}'" in rejected[0].detail


@pytest.mark.parametrize("system", SYSTEMS)
def test_readings_in_another_system_come_to_their_gauges_or_the_feed_is_named(system: System, tmp_path: Path) -> None:
    real, place = spots(system)
    reading = Reading(quantity="level", unit="m", lon="lon", lat="lat", place="place")
    records = []
    for n, spot in enumerate(real):
        lon, lat = from_wgs84(spot, system)
        data = {"sensor": f"g{n}", "value": 1, "time": "2026-02-01T08:00:00Z", "place": place, "lon": lon, "lat": lat}
        records.append((Record(data, f"record {n}"), reading))
    ctx = context(town(tmp_path))

    def read(written: System) -> list[Any]:
        settings = ReadingSettings(name="gauges", kind="mqtt", readings=(reading,), coordinates=written)
        return list(Reader(settings, ctx).read(records))

    found = read(system)
    assert all(isinstance(one, SensorReading) for one in found)
    assert max(metres(cast(Any, one).point, spot) for one, spot in zip(found, real, strict=True)) < 1
    note, *rest = read("wgs84")
    assert (note.reason, note.kept, len(rest)) == (f"{system}_read_as_wgs84", True, len(real))
    few = ReadingSettings(name="gauges", kind="mqtt", readings=(reading,))
    assert all(isinstance(one, SensorReading) for one in Reader(few, ctx).read(records[:10])), "a few say nothing"


def test_a_point_of_zeros_is_none_in_any_system() -> None:
    everyone: tuple[System, ...] = (*SYSTEMS, "wgs84", "cgcs2000")
    for system in everyone:
        assert turned((0.0, 0.0), system) == (0.0, 0.0)
