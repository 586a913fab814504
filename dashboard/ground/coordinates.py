"""Where a point really lies: WGS-84 and CGCS2000, GCJ-02 and BD-09, turned into each other to better than a metre.

All points are (longitude, latitude) in degrees. CGCS2000 differs from WGS-84 by centimetres and is taken for it.
GCJ-02 shifts points inside China by 300 to 700 m, BD-09 by about as much again; both are undone by iteration
over their published forward form (as in the open implementations eviltransform and coordtransform). Outside
the rectangle in which GCJ-02 is defined points are left as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from math import atan2, cos, hypot, pi, radians, sin, sqrt
from typing import Literal

Point = tuple[float, float]
System = Literal["wgs84", "cgcs2000", "gcj02", "bd09"]

SEMI_MAJOR, SQUARED = 6378245.0, 0.00669342162296594323  # Krasovsky's ellipsoid, which GCJ-02 is built on.
TURN = pi * 3000.0 / 180.0
METRES = 111_320.0  # Of one degree of latitude, near enough to tell 1 m from 500 m.
ENOUGH = 1e-9  # Degrees, a tenth of a millimetre.
FEW = 20  # Fewer points than this say nothing about their layer.
BETTER = 0.10  # By how large a share of its points another reading must fit better before a layer is suspected.


def in_china(lon: float, lat: float) -> bool:
    """Whether a point lies in the rectangle in which GCJ-02 is defined."""
    return 72.004 <= lon <= 137.8347 and 0.8293 <= lat <= 55.8271


def _waves(x: float, y: float) -> tuple[float, float]:
    """The two polynomials with sine waves that GCJ-02 is made of, in metres before scaling."""
    root = sqrt(abs(x))
    fast = (20 * sin(6 * x * pi) + 20 * sin(2 * x * pi)) * 2 / 3
    north = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root + fast
    north += (20 * sin(y * pi) + 40 * sin(y / 3 * pi)) * 2 / 3
    north += (160 * sin(y / 12 * pi) + 320 * sin(y * pi / 30)) * 2 / 3
    east = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root + fast
    east += (20 * sin(x * pi) + 40 * sin(x / 3 * pi)) * 2 / 3
    east += (150 * sin(x / 12 * pi) + 300 * sin(x / 30 * pi)) * 2 / 3
    return east, north


def wgs84_to_gcj02(point: Point) -> Point:
    """A point as Chinese maps show it.

    >>> lon, lat = wgs84_to_gcj02((116.404, 39.915))
    >>> round(lon, 6), round(lat, 6)
    (116.410244, 39.916404)
    """
    lon, lat = point
    if not in_china(lon, lat):
        return point
    east, north = _waves(lon - 105.0, lat - 35.0)
    down = radians(lat)
    flat = 1 - SQUARED * sin(down) ** 2
    north = north * 180 / ((SEMI_MAJOR * (1 - SQUARED)) / (flat * sqrt(flat)) * pi)
    east = east * 180 / (SEMI_MAJOR / sqrt(flat) * cos(down) * pi)
    return lon + east, lat + north


def gcj02_to_bd09(point: Point) -> Point:
    """A point of GCJ-02 as Baidu writes it."""
    lon, lat = point
    far = hypot(lon, lat) + 0.00002 * sin(lat * TURN)
    angle = atan2(lat, lon) + 0.000003 * cos(lon * TURN)
    return far * cos(angle) + 0.0065, far * sin(angle) + 0.006


def _undone(forward: Callable[[Point], Point], point: Point) -> Point:
    """The point that ``forward`` turns into this one: both shifts change so slowly that a few steps suffice."""
    lon, lat = point
    for _ in range(12):
        shown = forward((lon, lat))
        east, north = point[0] - shown[0], point[1] - shown[1]
        lon, lat = lon + east, lat + north
        if abs(east) < ENOUGH and abs(north) < ENOUGH:
            break
    return lon, lat


def gcj02_to_wgs84(point: Point) -> Point:
    """A point of GCJ-02 in WGS-84."""
    return _undone(wgs84_to_gcj02, point) if in_china(*point) else point


def bd09_to_gcj02(point: Point) -> Point:
    """A point of BD-09 in GCJ-02."""
    return _undone(gcj02_to_bd09, point)


def to_wgs84(point: Point, system: System) -> Point:
    """A point of any of the systems in WGS-84, the one everything in the house is kept in."""
    if system == "gcj02":
        return gcj02_to_wgs84(point)
    if system == "bd09":
        return gcj02_to_wgs84(bd09_to_gcj02(point)) if in_china(*point) else point
    return point


def from_wgs84(point: Point, system: System) -> Point:
    """A point of WGS-84 in any of the systems."""
    if system == "gcj02":
        return wgs84_to_gcj02(point)
    if system == "bd09":
        return gcj02_to_bd09(wgs84_to_gcj02(point)) if in_china(*point) else point
    return point


def metres(one: Point, other: Point) -> float:
    """How far two near points are apart."""
    east = (one[0] - other[0]) * cos(radians((one[1] + other[1]) / 2))
    return hypot(east, one[1] - other[1]) * METRES


# What a layer sits off by when it was written in one system and read in another, and the reading that puts it right.
# A point read as GCJ-02 that is WGS-84 was shifted the wrong way: written forward again it is where it belongs.
READINGS: dict[str, dict[str, Callable[[Point], Point]]] = {
    "wgs84": {
        "gcj02_read_as_wgs84": lambda point: to_wgs84(point, "gcj02"),
        "bd09_read_as_wgs84": lambda point: to_wgs84(point, "bd09"),
    },
    "gcj02": {
        "wgs84_read_as_gcj02": lambda point: from_wgs84(point, "gcj02"),
        "bd09_read_as_gcj02": lambda point: to_wgs84(from_wgs84(point, "gcj02"), "bd09"),
    },
    "bd09": {
        "wgs84_read_as_bd09": lambda point: from_wgs84(point, "bd09"),
        "gcj02_read_as_bd09": lambda point: to_wgs84(from_wgs84(point, "bd09"), "gcj02"),
    },
}


def sits_off_pairs(pairs: Iterable[tuple[Point, Point]], system: System) -> str | None:
    """The named warning for a layer read as ``system``, from (its points, where they really are), both in WGS-84.

    Half of the points must come within 100 m by another reading, and the layer must sit more than 200 m off as it
    is; else None. Fewer than 20 pairs say nothing.
    """
    known = list(pairs)
    if len(known) < FEW:
        return None
    off = _median([metres(*pair) for pair in known])
    if off <= 200:
        return None
    found = {
        name: _median([metres(reading(shown), real) for shown, real in known])
        for name, reading in READINGS["wgs84" if system == "cgcs2000" else system].items()
    }
    best = min(found, key=lambda name: found[name])
    return best if found[best] < 100 else None


def sits_off(
    points: Sequence[Point], places: Sequence[str], locate: Callable[[Sequence[Point]], Sequence[str]], system: System
) -> str | None:
    """The named warning for a layer read as ``system``, from its points and the place each says it lies in; or None.

    ``points`` are in WGS-84 as read; ``locate`` gives the place that really holds each. If another reading puts
    at least a tenth of all points more into their own place, the layer was read in the wrong system.
    """
    if len(points) < FEW:
        return None

    def fits(shown: Sequence[Point]) -> int:
        return sum(found == said for found, said in zip(locate(shown), places, strict=True))

    as_read = fits(points)
    found = {
        name: fits([reading(point) for point in points])
        for name, reading in READINGS["wgs84" if system == "cgcs2000" else system].items()
    }
    best = max(found, key=lambda name: found[name])
    return best if found[best] - as_read >= BETTER * len(points) else None


def _median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]
