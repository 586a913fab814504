"""Points of other systems come back to where they were, and a layer in the wrong one is noticed by name."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.ground.coordinates import (
    READINGS,
    Point,
    System,
    bd09_to_gcj02,
    from_wgs84,
    gcj02_to_bd09,
    gcj02_to_wgs84,
    metres,
    sits_off,
    sits_off_pairs,
    to_wgs84,
    wgs84_to_gcj02,
)

SYSTEMS: tuple[System, ...] = ("wgs84", "cgcs2000", "gcj02", "bd09")
inside = st.tuples(st.floats(74.0, 134.0), st.floats(18.0, 53.0))
GRID = [(113.0 + 0.01 * x, 23.0 + 0.01 * y) for x in range(10) for y in range(10)]


@given(inside, st.sampled_from(SYSTEMS))
def test_there_and_back_is_within_a_metre(point: Point, system: System) -> None:
    assert metres(to_wgs84(from_wgs84(point, system), system), point) < 0.01
    assert metres(from_wgs84(to_wgs84(point, system), system), point) < 0.01


@pytest.mark.parametrize(
    ("wgs84", "gcj02", "bd09"),
    [
        # Published pairs: the test values of eviltransform and of coordtransform's README.
        ((116.404, 39.915), (116.41024449916938, 39.91640428150164), (116.41662724378733, 39.922699552216216)),
        ((121.4999, 31.23989), (121.50439, 31.23781), None),
    ],
)
def test_published_pairs_agree(wgs84: Point, gcj02: Point, bd09: Point | None) -> None:
    assert metres(wgs84_to_gcj02(wgs84), gcj02) < 10 if bd09 is None else metres(wgs84_to_gcj02(wgs84), gcj02) < 0.01
    if bd09 is not None:
        assert metres(gcj02_to_bd09(gcj02), bd09) < 0.01
        assert metres(bd09_to_gcj02(bd09), gcj02) < 0.01
        assert metres(to_wgs84(bd09, "bd09"), wgs84) < 0.01


@given(inside)
def test_the_shift_is_some_hundred_metres(point: Point) -> None:
    assert 20 < metres(wgs84_to_gcj02(point), point) < 900


@pytest.mark.parametrize("point", [(-71.06, 42.36), (2.35, 48.85), (0.0, 0.0), (151.2, -33.9)])
def test_abroad_nothing_is_shifted(point: Point) -> None:
    assert all(to_wgs84(point, system) == point == from_wgs84(point, system) for system in SYSTEMS)
    assert gcj02_to_wgs84(point) == point


@pytest.mark.parametrize(
    ("written", "read"), [(a, b) for a in ("wgs84", "gcj02", "bd09") for b in ("wgs84", "gcj02", "bd09") if a != b]
)
def test_a_layer_read_in_the_wrong_system_is_named(written: System, read: System) -> None:
    shown = [to_wgs84(from_wgs84(point, written), read) for point in GRID]
    assert sits_off_pairs(zip(shown, GRID, strict=True), read) == f"{written}_read_as_{read}"
    assert sits_off(shown, [block(point) for point in GRID], blocks, read) == f"{written}_read_as_{read}"


def block(point: Point) -> str:
    """A chequered city with blocks of about 400 m, the grid's points in their middles."""
    return f"{round(point[0] / 0.004)},{round(point[1] / 0.004)}"


def blocks(points: Sequence[Point]) -> list[str]:
    return [block(point) for point in points]


@pytest.mark.parametrize("read", SYSTEMS)
def test_a_layer_that_sits_right_is_left_in_peace(read: System) -> None:
    shown = [to_wgs84(from_wgs84(point, read), read) for point in GRID]
    assert sits_off_pairs(zip(shown, GRID, strict=True), read) is None
    assert sits_off(shown, [block(point) for point in GRID], blocks, read) is None


def test_few_points_or_a_layer_that_no_reading_puts_right_say_nothing() -> None:
    shown = [from_wgs84(point, "gcj02") for point in GRID]
    assert sits_off_pairs(list(zip(shown, GRID, strict=True))[:19], "wgs84") is None
    assert sits_off(shown[:19], ["x"] * 19, blocks, "wgs84") is None
    strewn = [(lon + 0.05 * (n % 7), lat) for n, (lon, lat) in enumerate(GRID)]
    assert sits_off_pairs(zip(strewn, GRID, strict=True), "wgs84") is None


def test_each_reading_names_what_it_puts_right() -> None:
    for read, names in READINGS.items():
        assert all(name.endswith(f"_read_as_{read}") for name in names)
