"""The tickets of a simulated district: what happens on a day, by seed, with peaks, rain and hot spots.

Nothing here is measured. The shapes are invented to be believable: a morning peak from nine to eleven and a
smaller one in the afternoon, quiet nights and week-ends, more water when it rains, a few places with several
times the usual number, and units that keep their deadlines more or less well. The same seed and day always
give the same tickets, whatever day was asked for before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import shapely
from shapely.geometry.base import BaseGeometry

from dashboard.places import PlaceTree

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

HOUR = 3_600_000  # In milliseconds, as all moments here are.
DAY = 24 * HOUR
LONGEST = 3.5  # No ticket lives longer than this many of its limits.
WEEKEND = 0.72  # Tickets on a Saturday or Sunday, as a share of a weekday's.
HOT_SPOTS, HEAT = 9, 4.0  # So many villages have so many times the usual number.
LOCAL = "镇街"  # The unit of a matter that is the town's own.

# How the day's tickets spread over its 24 hours.
RHYTHMS: dict[str, tuple[float, ...]] = {
    "day": (6, 4, 3, 3, 3, 6, 15, 36, 72, 102, 104, 80, 44, 50, 76, 80, 64, 44, 32, 26, 22, 18, 13, 9),
    "evening": (14, 7, 4, 3, 3, 5, 12, 22, 40, 54, 56, 48, 40, 36, 42, 44, 46, 56, 74, 84, 78, 62, 40, 24),
    "night": (50, 34, 20, 12, 8, 9, 13, 20, 26, 32, 32, 26, 26, 25, 26, 27, 30, 36, 52, 74, 94, 106, 100, 76),
    "road": (8, 5, 4, 4, 6, 16, 40, 92, 98, 76, 70, 58, 46, 46, 58, 62, 68, 86, 80, 50, 34, 26, 18, 12),
    "flat": (28, 26, 24, 24, 26, 30, 36, 44, 52, 56, 56, 52, 46, 48, 52, 54, 52, 50, 46, 42, 38, 36, 32, 30),
}
CHANNELS = ("12345热线", "网格巡查", "视频AI", "微信小程序", "数字城管", "领导交办")
SEEN = (0.30, 0.28, 0.17, 0.13, 0.105, 0.015)  # Shares of the channels, for what a camera can see …
UNSEEN = (0.50, 0.20, 0.0, 0.19, 0.09, 0.02)  # … and for what it cannot.
SPOTS = ("市场门口", "小学旁", "公交站旁", "小区东门", "工业区路口", "公园北侧", "卫生站旁", "桥底")


class Matter(NamedTuple):
    """A category: its ``hours`` until it is due (named by the source if ``own_due``), who handles it, and how it comes.

    ``weight`` is its share among all, ``rhythm`` a key of ``RHYTHMS``, ``rain`` by how much a rainy day
    multiplies it, ``video`` whether a camera can see it, ``matters`` what its titles say, ``grid`` whether a village
    or a town may settle it without the department. ``conditions`` are the filing conditions of these titles, and
    ``paces`` the shares of the hours that these leave, where they are shorter.
    """

    name: str
    weight: float
    hours: float
    own_due: bool
    unit: str
    rhythm: str
    rain: float
    video: bool
    matters: tuple[str, ...]
    grid: bool = False
    conditions: tuple[str, ...] = ()
    paces: tuple[float, ...] = ()


class Pretended(NamedTuple):
    """One ticket with its whole life. Moments are milliseconds since 1970 UTC; ``due`` is None where only the city
    has a limit for it; ``limit`` is the span it should be settled in, ``on_time`` the source's own verdict once it is
    closed.
    """

    number: str
    title: str
    category: str
    unit: str
    channel: str
    place: str
    point: tuple[float, float] | None
    reported: int
    due: int | None
    closed: int
    on_time: bool
    limit: int
    condition: str = ""


@dataclass(frozen=True)
class World:
    """A district ready to have days. The arrays run over its smallest places."""

    seed: int
    per_day: float
    zone: ZoneInfo
    matters: tuple[Matter, ...]
    codes: tuple[str, ...]
    towns: tuple[str, ...]  # The name of each place's town.
    units: tuple[str, ...]  # The town's own unit at each place.
    grids: tuple[str, ...]  # The unit of its villages at each place; empty where there is none.
    weights: Floats
    favourite: Ints  # The matter a hot spot is known for; −1 elsewhere.
    burden: Floats  # Multiplies the share of late tickets.
    shapes: npt.NDArray[np.object_] | None
    quality: Mapping[str, float]  # The share of its deadlines a unit keeps.
    roads: Mapping[str, Sequence[str]]
    settled: tuple[float, float]  # Shares of what may be settled below that villages settle, and then towns.

    def offset(self, moment: int) -> int:
        """How far the zone is ahead of UTC at a moment, both in milliseconds."""
        return _offset(self.zone, moment // (HOUR // 4))

    @property
    def longest(self) -> timedelta:
        """No ticket is open longer than this."""
        return timedelta(hours=LONGEST * max(matter.hours for matter in self.matters), days=1)


def world_of(
    places: PlaceTree,
    shapes: Mapping[str, BaseGeometry],
    zone: ZoneInfo,
    matters: Sequence[Matter],
    *,
    seed: int,
    per_day: float,
    quality: Mapping[str, float],
    burden: Mapping[str, float],
    roads: Mapping[str, Sequence[str]],
    town_unit: str,
    grid_unit: str = "",
    settled: tuple[float, float] = (0.0, 0.0),
) -> World:
    """The district of a tree of places; ``town_unit`` names a town's own unit, ``{town}`` being its short name.

    ``grid_unit`` names the unit of a town's villages in the same way. Of the matters that may be settled below, the
    shares ``settled`` are settled by villages, and of what is left by towns.

    Raises:
        ValueError: if there are no matters, or one has an unknown rhythm.
    """
    if not matters:
        raise ValueError("there is no category of tickets")
    for matter in matters:
        if matter.rhythm not in RHYTHMS:
            raise ValueError(f"{matter.name}: there is no rhythm {matter.rhythm!r}; known are {', '.join(RHYTHMS)}")
    random = np.random.default_rng([seed, 0])
    leaves = [place for place in places if not places.children(place.code)]
    paths = [[places[code] for code in places.path(leaf.code)] for leaf in leaves]
    towns = [path[min(1, len(path) - 1)] for path in paths]
    near = [path[max(0, len(path) - 2)] for path in paths]
    weights = np.array([float(leaf.population or 1000) ** 0.8 for leaf in leaves])
    weights *= random.lognormal(0, 0.25, len(leaves))
    favourite = np.full(len(leaves), -1, dtype=np.int64)
    around = sorted({place.code for place in near})
    shares = np.array([matter.weight * (matter.hours <= 72) + 1e-9 for matter in matters])  # Never a slow one.
    for code in random.choice(around, min(HOT_SPOTS, len(around)), replace=False):
        mine = np.array([place.code == code for place in near])
        weights[mine] *= HEAT
        favourite[mine] = random.choice(len(matters), p=shares / shares.sum())
    outlines = [shapes.get(leaf.code) for leaf in leaves]
    held = None if None in outlines else np.array(outlines, dtype=object)
    if held is not None:
        shapely.prepare(held)
    return World(
        seed, per_day, zone, tuple(matters), tuple(leaf.code for leaf in leaves), tuple(town.name for town in towns),
        tuple(town_unit.format(town=short(town.name)) for town in towns),
        tuple(grid_unit.format(town=short(town.name)) for town in towns),
        weights / weights.sum(), favourite,
        np.array([burden.get(town.name, burden.get(town.code, 1.0)) for town in towns]),
        held, quality, roads, settled if grid_unit else (0.0, settled[1]),
    )  # fmt: skip


def short(town: str) -> str:
    """A town's name as its units bear it."""
    return town.removesuffix("镇").removesuffix("街道")


@cache
def _offset(zone: ZoneInfo, quarter: int) -> int:
    moment = datetime.fromtimestamp(900 * quarter, UTC).astimezone(zone)
    return round((moment.utcoffset() or timedelta()).total_seconds() * 1000)


def tickets_of(day: date, world: World) -> list[Pretended]:
    """All tickets reported on a local day, in order, with their lives."""
    random = _day(world.seed, day)
    midnight = round(datetime.combine(day, time(), world.zone).timestamp() * 1000)
    shares, rain = _weather(world, random)
    expected = world.per_day * shares.sum() * random.normal(1, 0.03) * (WEEKEND if day.weekday() >= 5 else 1)
    count = int(random.poisson(max(0.0, expected)))
    place = random.choice(len(world.codes), count, p=world.weights)
    matter = random.choice(len(shares), count, p=shares / shares.sum())
    known = world.favourite[place]
    matter = np.where((known >= 0) & (random.random(count) < 0.35), known, matter)
    reported = _moments(world, matter, random)
    order = np.argsort(reported, kind="stable")
    place, matter, reported = place[order], matter[order], midnight + reported[order]
    drawn = zip(place.tolist(), matter.tolist(), random.random(count).tolist(), strict=True)
    units = [_unit(world, at, what, draw) for at, what, draw in drawn]
    quick = np.array([bool(unit) and unit == world.grids[at] for unit, at in zip(units, place.tolist(), strict=True)])
    skill = np.array([world.quality.get(unit, 0.96) for unit in units])
    late = random.random(count) < np.clip((1 - skill) * world.burden[place] * (1 + 0.3 * rain), 0, 0.6)
    limits = np.array([round(m.hours * HOUR) for m in world.matters], dtype=np.int64)[matter]
    closed = _closings(reported, limits, late, quick, midnight, random)
    channels = _channels(world, matter, random)
    points = _points(world, place, random)
    titles, phrases = _titles(world, place, matter, random)
    # What its condition leaves less time for goes faster by as much, and is as early or late as it was.
    paces = [
        min(1.0, world.matters[what].paces[phrase]) if world.matters[what].paces else 1.0
        for what, phrase in zip(matter.tolist(), phrases, strict=True)
    ]
    limits = (limits * paces).astype(np.int64)
    closed = reported + ((closed - reported) * paces).astype(np.int64)
    stamp = f"{day:%Y%m%d}"
    rows = zip(
        place.tolist(), matter.tolist(), units, channels, points, titles, reported.tolist(), limits.tolist(),
        closed.tolist(), phrases, strict=True,
    )  # fmt: skip
    return [
        Pretended(
            f"{stamp}{number:05d}", title, world.matters[what].name, unit, channel, world.codes[at], point, moment,
            moment + limit if world.matters[what].own_due else None, end, end <= moment + limit, limit,
            world.matters[what].conditions[phrase] if world.matters[what].conditions else "",
        )
        for number, (at, what, unit, channel, point, title, moment, limit, end, phrase) in enumerate(rows, 1)
    ]  # fmt: skip


def _unit(world: World, place: int, matter: int, draw: float) -> str:
    """Who handles a matter: the village or the town where these may settle it, else whose task it is."""
    found = world.matters[matter]
    village, town = world.settled
    if found.grid and draw < village:
        return world.grids[place]
    if found.unit == LOCAL or (found.grid and draw < village + (1 - village) * town):
        return world.units[place]
    return found.unit


def _weather(world: World, random: np.random.Generator) -> tuple[Floats, float]:
    """The matters' shares on this day (adding up to 1 on a dry one), and how much it rains, 0 to 1."""
    rain = _rain(random)
    weights = np.array([matter.weight for matter in world.matters])
    wet = np.array([matter.rain for matter in world.matters])
    return weights * (1 + rain * (wet - 1)) / weights.sum(), rain


def rain_on(seed: int, day: date) -> float:
    """How much it rains on a day, 0 to 1: the same for the tickets and for whoever else pretends by the same seed."""
    return _rain(_day(seed, day))


def _day(seed: int, day: date) -> np.random.Generator:
    return np.random.default_rng([seed, 1, day.toordinal()])


def _rain(random: np.random.Generator) -> float:
    """The first that is drawn for a day."""
    return float(random.uniform(0.2, 1)) if random.random() < 0.3 else 0.0


def _moments(world: World, matter: Ints, random: np.random.Generator) -> Ints:
    """When each ticket is reported, in milliseconds after midnight."""
    hours = np.zeros(len(matter))
    rhythms = np.array([list(RHYTHMS).index(m.rhythm) for m in world.matters])[matter]
    for number, shares in enumerate(RHYTHMS.values()):
        mine = np.flatnonzero(rhythms == number)
        hours[mine] = random.choice(24, len(mine), p=np.array(shares) / sum(shares))
    moments: Ints = ((hours + random.random(len(matter))) * HOUR).astype(np.int64)
    return moments


def _closings(
    reported: Ints, limits: Ints, late: npt.NDArray[np.bool_], quick: npt.NDArray[np.bool_], midnight: int, random: Any
) -> Ints:
    """When each ticket is closed: mostly by day; ``late`` ones some hours late, a few of these by a limit.

    ``quick`` ones take about half the time.
    """
    count = len(reported)
    used = np.maximum(
        random.beta(2.4, 0.95, count) * np.where(quick, 0.55, 1.0) * limits, np.minimum(0.05 * limits, HOUR / 3)
    )
    over = np.minimum(random.exponential(3.6 * HOUR, count) + HOUR / 30, 0.9 * limits)
    longer = random.random(count) < 0.02
    over = np.where(longer, limits * np.minimum(1.05 + random.exponential(0.5, count), 2.2), over)
    closed = np.where(late, reported + limits + over, reported + used)
    # Few close anything at night: most of those move to the morning, or, not to be late, to the evening before.
    clock = np.mod(closed - midnight, DAY)
    sleeps = ((clock > 21 * HOUR) | (clock < 7.5 * HOUR)) & (random.random(count) < 0.8) & (limits >= 8 * HOUR)
    morning = closed + np.mod(8 * HOUR - clock, DAY) + random.gamma(2.0, 1.4 * HOUR, count)
    evening = closed - np.mod(clock - 20.5 * HOUR, DAY) - random.gamma(2.0, 0.7 * HOUR, count)
    due = reported + limits
    awake = np.where(late | (morning < due), morning, np.where(evening > reported + 0.1 * HOUR, evening, closed))
    result: Ints = np.where(sleeps, awake, closed).astype(np.int64)
    return result


def _channels(world: World, matter: Ints, random: np.random.Generator) -> list[str]:
    video = np.array([m.video for m in world.matters])[matter]
    seen = random.choice(len(CHANNELS), len(matter), p=SEEN)
    unseen = random.choice(len(CHANNELS), len(matter), p=UNSEEN)
    return [CHANNELS[at] for at in np.where(video, seen, unseen).tolist()]


def _points(world: World, place: Ints, random: np.random.Generator) -> list[tuple[float, float] | None]:
    """A point inside the outline of each place, as (lon, lat); None where the places have no outlines."""
    if world.shapes is None:
        return [None] * len(place)
    shapes = world.shapes[place]
    west, south, east, north = shapely.bounds(world.shapes)[place].T
    where = np.full((len(place), 2), np.nan)
    missing = np.arange(len(place))
    for _ in range(12):
        tried = random.random((len(missing), 2))
        lon = np.round(west[missing] + tried[:, 0] * (east - west)[missing], 6)
        lat = np.round(south[missing] + tried[:, 1] * (north - south)[missing], 6)
        inside = shapely.contains_xy(shapes[missing], lon, lat)
        where[missing[inside]] = np.stack([lon, lat], axis=1)[inside]
        missing = missing[~inside]
        if not len(missing):
            break
    else:
        where[missing] = shapely.get_coordinates(shapely.point_on_surface(shapes[missing]))
    return [(lon, lat) for lon, lat in where.tolist()]


def _titles(world: World, place: Ints, matter: Ints, random: np.random.Generator) -> tuple[list[str], list[int]]:
    """What is the matter and where: the spot alone, for the place stands beside it, a crossing or an address.

    Beside each the number of its phrase among those of its matter.
    """
    draws = random.random((len(place), 4)).tolist()
    titles, chosen = list[str](), list[int]()
    for at, what, (kind, first, second, third) in zip(place.tolist(), matter.tolist(), draws, strict=True):
        phrases = world.matters[what].matters
        chosen.append(int(third * len(phrases)))
        phrase = phrases[chosen[-1]]
        roads = world.roads.get(world.towns[at], ())
        if len(roads) < 2 or kind < 0.4:
            titles.append(f"{SPOTS[int(first * len(SPOTS))]}{phrase}")
            continue
        one = int(first * len(roads))
        if kind < 0.75:
            other = (one + 1 + int(second * (len(roads) - 1))) % len(roads)
            titles.append(f"{roads[one]}与{roads[other]}交叉口{phrase}")
        else:
            titles.append(f"{roads[one]}{2 + int(second * 180)}号{phrase}")
    return titles, chosen
