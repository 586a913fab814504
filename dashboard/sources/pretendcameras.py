"""The cameras of a simulated district: where they stand, on which platform and switch, and what ails each and when.

Nothing here is measured. A few cameras are always broken; on any day single ones fail for minutes or hours, a
switch or a street's power takes several with it, a platform is restarted at night, road works are announced, and
now and then one comes and goes. The same seed and moment always give the same state, whatever was asked before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import shapely

from dashboard.nouns.video import CLOCK, DOWN, LOSS, PICTURE, RECORDER, Camera
from dashboard.places import PlaceTree
from dashboard.sources.telling import midnight

Ints = npt.NDArray[np.int64]

BEHIND = 24  # Cameras on one switch.
ALONG = 9  # Cameras in one street, about.
HOUR = 3600.0
CHRONIC = ((0.010, DOWN), (0.009, PICTURE), (0.006, CLOCK), (0.003, RECORDER))  # Shares that are always so.
# How single cameras fail on a day: so many of a thousand, with what, for how long (median minutes, spread).
SINGLE = (
    (14, DOWN, 45, 1.1),
    (5, PICTURE, 120, 0.9),
    (2, CLOCK, 300, 0.6),
    (45, LOSS, 6, 0.7),
    (3, RECORDER, 150, 0.8),
)
SWITCHES, STREETS, RESTLESS, PLANNED = 20, 8, 5, 2  # A day, in a district of 10,000.


class Span(NamedTuple):
    """Cameras (by number) that have a status from one moment to another."""

    start: float
    end: float
    cameras: Ints
    status: int


@dataclass(frozen=True)
class District:
    """The cameras with their numbers: ``platform``, ``switch`` and ``street`` of each are numbers too."""

    seed: int
    zone: ZoneInfo
    names: tuple[str, ...]  # Of the platforms.
    cameras: tuple[Camera, ...]
    platform: Ints
    switch: Ints
    street: Ints

    def midnight(self, day: int) -> float:
        """The moment at which a local day (``date.toordinal``) begins."""
        return midnight(day, self.zone)


# -- the district ----------------------------------------------------------------------------------------------


def district_of(
    places: PlaceTree,
    shapes: Mapping[str, shapely.Geometry],
    zone: ZoneInfo,
    *,
    seed: int,
    platforms: Mapping[str, int],
    roads: Mapping[str, Sequence[str]],
) -> District:
    """So many cameras of each platform, spread over the smallest places by their people, in streets.

    ``shapes`` are outlines by the place's code, ``roads`` are the names of streets by town.

    Raises:
        ValueError: if there are no outlines to put cameras into.
    """
    leaves = [place for place in places if not places.children(place.code) and place.code in shapes]
    if not leaves:
        raise ValueError("the city has no outlines to put cameras into; give [places] outlines")
    random = np.random.default_rng([seed, 7])
    total = sum(platforms.values())
    people = np.array([float(place.population or 1000) ** 0.8 for place in leaves]) * random.lognormal(
        0, 0.3, len(leaves)
    )
    ideal = total * people / people.sum()
    numbers = np.floor(ideal).astype(np.int64)
    numbers[np.argsort(numbers - ideal)[: total - int(numbers.sum())]] += 1
    owners = np.repeat(np.arange(len(platforms)), list(platforms.values()))
    random.shuffle(owners)
    cameras: list[Camera] = []
    streets: list[int] = []
    switches: list[int] = []
    behind: dict[tuple[int, str], tuple[int, int]] = {}  # platform and town → (the switch in use, cameras on it)
    wires = street = 0
    for place, number in zip(leaves, numbers.tolist(), strict=True):
        town = places[places.path(place.code)[min(1, len(places.path(place.code)) - 1)]].name
        known = roads.get(town, ())
        near = places[places.path(place.code)[max(0, len(places.path(place.code)) - 2)]].name
        for part in np.array_split(np.arange(number), max(1, round(number / ALONG))):
            if not len(part):
                continue
            name = known[int(random.integers(len(known)))] if known else f"{place.name}大街"
            street += 1
            for spot, (lon, lat) in enumerate(_along(shapes[place.code], len(part), random), 1):
                owner = int(owners[len(cameras)])
                wire, used = behind.get((owner, town), (-1, BEHIND))
                if used >= BEHIND:
                    wires += 1
                    wire, used = wires, 0
                behind[owner, town] = wire, used + 1
                streets.append(street)
                switches.append(wire)
                cameras.append(Camera(
                    id=f"{place.code}{len(cameras):06d}", name=f"{name}·{near} {spot:02d}", place=place.code,
                    street=name, switch=f"SW-{wire:04d}", lon=round(lon, 6), lat=round(lat, 6),
                ))  # fmt: skip
    return District(
        seed, zone, tuple(platforms), tuple(cameras), owners,
        np.array(switches), np.array(streets),
    )  # fmt: skip


def _along(shape: shapely.Geometry, number: int, random: np.random.Generator) -> list[tuple[float, float]]:
    """Points along a street somewhere inside a shape."""
    west, south, east, north = shapely.bounds(shape)
    middle = shapely.get_coordinates(shapely.point_on_surface(shape))[0]
    for _ in range(40):
        try_ = np.array([random.uniform(west, east), random.uniform(south, north)])
        if shapely.contains_xy(shape, *try_):
            middle = try_
            break
    angle = random.uniform(0, np.pi)
    half = 0.42 * float(np.sqrt(shapely.area(shape)))
    steps = np.linspace(-half, half, number) + random.normal(0, 0.05 * half, number)
    points = middle + np.outer(steps, [np.cos(angle), np.sin(angle)]) + random.normal(0, 0.015 * half, (number, 2))
    inside = shapely.contains_xy(shape, points[:, 0], points[:, 1])
    points[~inside] = middle + random.normal(0, 0.05 * half, (int((~inside).sum()), 2))
    still = ~shapely.contains_xy(shape, points[:, 0], points[:, 1])
    points[still] = middle
    return [(float(x), float(y)) for x, y in points]


# -- what ails them ----------------------------------------------------------------------------------------------


def spans_of(district: District, day: int) -> tuple[list[Span], dict[int, float], list[tuple[Ints, float, float]]]:
    """What begins to ail on a local day, platform → moment of its restart, and planned outages (cameras, from, to)."""
    random = np.random.default_rng([district.seed, 8, day])
    count, midnight = len(district.cameras), district.midnight(day)
    scale = count / 10_000
    spans: list[Span] = []

    def lasting(median: float, spread: float) -> float:
        return float(min(60 * median * random.lognormal(0, spread), 20 * HOUR))

    for share, status, median, spread in SINGLE:
        for camera in random.integers(count, size=int(random.poisson(share * count / 1000))):
            start = midnight + float(random.uniform(0, 24)) * HOUR
            spans.append(Span(start, start + lasting(median, spread), np.array([camera]), status))
    for numbers, often in ((district.switch, SWITCHES), (district.street, STREETS)):
        for _ in range(int(random.poisson(often * scale))):
            start = midnight + float(random.triangular(0, 15, 24)) * HOUR
            hit = np.flatnonzero(numbers == numbers[random.integers(count)])
            spans.append(Span(start, start + lasting(70, 0.6), hit, DOWN))
    for _ in range(int(random.poisson(RESTLESS * scale))):
        camera = np.array([random.integers(count)])
        moment = midnight + float(random.uniform(6, 22)) * HOUR
        for _ in range(int(random.integers(12, 40))):
            spans.append(Span(moment, moment + 60, camera, DOWN))
            moment += 60 + float(random.uniform(45, 150))
    restarts: dict[int, float] = {}
    if random.random() < 0.5:
        owner = int(random.integers(len(district.names)))
        restarts[owner] = boot = midnight + 3.2 * HOUR
        back = boot + random.uniform(0, 100, count)
        mine = np.flatnonzero(district.platform == owner)
        spans += [Span(boot - 240, float(back[camera]), np.array([camera]), DOWN) for camera in mine.tolist()]
    planned = []
    for _ in range(max(1, int(random.poisson(PLANNED * scale)))):
        street = district.street[random.integers(count)]
        planned.append((np.flatnonzero(district.street == street), midnight + 9 * HOUR, midnight + 17 * HOUR))
        spans.append(Span(midnight + 9 * HOUR, midnight + 17 * HOUR - 600, planned[-1][0], DOWN))
    return spans, restarts, planned


class Life:
    """The district as time passes; it remembers the days it has worked out."""

    def __init__(self, district: District) -> None:
        self.district = district
        random = np.random.default_rng([district.seed, 9])
        self.always = np.zeros(len(district.cameras), dtype=np.int64)
        shares = random.random(len(district.cameras))
        for share, status in CHRONIC:
            self.always[(shares >= 0) & (shares < share)] = status
            shares -= share
        self._days: dict[int, tuple[list[Span], dict[int, float], list[tuple[Ints, float, float]]]] = {}

    def day(self, day: int) -> tuple[list[Span], dict[int, float], list[tuple[Ints, float, float]]]:
        """As ``spans_of``."""
        if day not in self._days:
            if len(self._days) > 6:
                del self._days[min(self._days)]
            self._days[day] = spans_of(self.district, day)
        return self._days[day]

    def local(self, moment: float) -> int:
        """The local day of a moment."""
        return datetime.fromtimestamp(moment, self.district.zone).toordinal()

    def status(self, moment: float) -> Ints:
        """The status of each camera at a moment."""
        found = self.always.copy()
        today = self.local(moment)
        for day in (today - 1, today):
            for span in self.day(day)[0]:
                if span.start <= moment < span.end:
                    found[span.cameras] |= span.status
        return found

    def restart(self, platform: int, moment: float) -> float:
        """When a platform came up last, on this day or the one before; 0 if it did not."""
        today = self.local(moment)
        boots = [self.day(day)[1].get(platform, 0.0) for day in (today - 1, today)]
        return max([boot for boot in boots if boot <= moment], default=0.0)

    def silent(self, platform: int, moment: float) -> bool:
        """Whether a platform is just being restarted."""
        boot = self.day(self.local(moment))[1].get(platform)
        return boot is not None and boot - 240 <= moment < boot

    def recorded(self, moment: float) -> tuple[int, Ints]:
        """How many seconds of the local day should have been recorded by a moment, and how many each camera has."""
        today = self.local(moment)
        midnight = self.district.midnight(today)
        due = int(moment - midnight)
        lost = np.where(self.always & (DOWN | RECORDER), float(due), 0.0)
        for day in (today - 1, today):
            for span in self.day(day)[0]:
                if span.status & (DOWN | RECORDER):
                    lost[span.cameras] += max(0.0, min(span.end, moment) - max(span.start, midnight))
        return due, np.maximum(0, due - lost).astype(np.int64)

    def planned(self, day: int) -> dict[int, list[tuple[float, float]]]:
        """The planned outages of a day by camera."""
        found: dict[int, list[tuple[float, float]]] = {}
        for cameras, start, end in self.day(day)[2]:
            for camera in cameras.tolist():
                found.setdefault(camera, []).append((start, end))
        return found
