"""A simulated district's cameras: platforms, switches and streets by seed, and what ails them as time passes.

Nothing here is measured. A few cameras are always broken; on any day single ones fail for minutes or hours, a
switch or a street's power takes several with it, a platform is restarted at night, road works are announced, and
now and then one comes and goes. The same seed and moment always give the same state, whatever was asked before.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import shapely
from pydantic import Field

from dashboard.events import Event
from dashboard.nouns.video import (
    CLOCK,
    DOWN,
    LOSS,
    PICTURE,
    RECORDER,
    Camera,
    CamerasListed,
    CamerasPolled,
    CamerasRecorded,
)
from dashboard.sources.feed import Context, Delivery, Feed, SourceFailed
from dashboard.sources.feed import Settings as Common

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

BEHIND = 24  # Cameras on one switch.
ALONG = 9  # Cameras in one street, about.
PART = 400  # Cameras in one list.
PAST = 300.0  # Seconds between two polls while the past is told …
CHUNK = 200  # … of which so many are one delivery.
NAP = 1.0  # Seconds after which the wall clock is looked at again.
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


class Settings(Common):
    """What cameras to pretend. Another seed or number is another district: begin with an empty folder."""

    seed: int = 1
    platforms: dict[str, Annotated[int, Field(gt=0)]]  # Platform → how many cameras it has.
    roads: dict[str, list[str]] = {}  # noqa: RUF012 - town → roads that its cameras stand in.
    poll: Annotated[float, Field(ge=1, le=3600)] = 30.0  # Seconds between two polls of a platform.
    days: Annotated[int, Field(ge=0, le=2)] = 1  # How many past days are told at the first start.


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
        return datetime.combine(date.fromordinal(day), datetime.min.time(), self.zone).timestamp()


# -- the district ----------------------------------------------------------------------------------------------


def district_of(settings: Settings, context: Context) -> District:
    """The cameras of these settings, spread over the smallest places by their people, in streets.

    Raises:
        SourceFailed: if the city has no outlines to put cameras into.
    """
    places, shapes = context.places, context.gazetteer.outlines
    leaves = [place for place in places if not places.children(place.code) and place.code in shapes]
    if not leaves:
        raise SourceFailed("the city has no outlines to put cameras into; give [places] outlines")
    random = np.random.default_rng([settings.seed, 7])
    total = sum(settings.platforms.values())
    people = np.array([float(place.population or 1000) ** 0.8 for place in leaves]) * random.lognormal(
        0, 0.3, len(leaves)
    )
    ideal = total * people / people.sum()
    numbers = np.floor(ideal).astype(np.int64)
    numbers[np.argsort(numbers - ideal)[: total - int(numbers.sum())]] += 1
    owners = np.repeat(np.arange(len(settings.platforms)), list(settings.platforms.values()))
    random.shuffle(owners)
    cameras: list[Camera] = []
    streets: list[int] = []
    switches: list[int] = []
    behind: dict[tuple[int, str], tuple[int, int]] = {}  # platform and town → (the switch in use, cameras on it)
    wires = roads = 0
    for place, number in zip(leaves, numbers.tolist(), strict=True):
        town = places[places.path(place.code)[min(1, len(places.path(place.code)) - 1)]].name
        known = settings.roads.get(town, [])
        near = places[places.path(place.code)[max(0, len(places.path(place.code)) - 2)]].name
        for part in np.array_split(np.arange(number), max(1, round(number / ALONG))):
            if not len(part):
                continue
            name = known[int(random.integers(len(known)))] if known else f"{place.name}大街"
            roads += 1
            for spot, (lon, lat) in enumerate(_along(shapes[place.code], len(part), random), 1):
                owner = int(owners[len(cameras)])
                wire, used = behind.get((owner, town), (-1, BEHIND))
                if used >= BEHIND:
                    wires += 1
                    wire, used = wires, 0
                behind[owner, town] = wire, used + 1
                streets.append(roads)
                switches.append(wire)
                cameras.append(Camera(
                    id=f"{place.code}{len(cameras):06d}", name=f"{name}·{near} {spot:02d}", place=place.code,
                    street=name, switch=f"SW-{wire:04d}", lon=round(lon, 6), lat=round(lat, 6),
                ))  # fmt: skip
    return District(
        settings.seed, context.city.tz, tuple(settings.platforms), tuple(cameras), owners,
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


# -- the feed ----------------------------------------------------------------------------------------------------


async def open(settings: Settings, context: Context) -> AsyncIterator[Delivery]:  # noqa: A001
    """The lists of each day, the polls of the past at first every five minutes, then each as it is due.

    The cursor is the moment of the last poll that was told.

    Raises:
        SourceFailed: if the city has no outlines.
    """
    life = await asyncio.to_thread(lambda: Life(district_of(settings, context)))
    zone = context.city.tz
    if context.cursor is None:
        first = (context.now().astimezone(zone) - timedelta(days=settings.days)).date()
        reached = datetime.combine(first, datetime.min.time(), zone).timestamp()
    else:
        reached = float(context.cursor)
    listed, count = 0, len(life.district.names)
    waiting: list[dict[str, Any]] = []
    while True:
        now = context.now().timestamp()
        if reached > now + HOUR:  # The clock was set back; what was told stays told.
            reached = now
        step = (PAST if now - reached > 2 * PAST else settings.poll) / count
        turn = int(reached / step + 1e-6) + 1  # Each platform is polled in a moment of its own.
        moment = turn * step
        if moment > now or len(waiting) >= CHUNK:
            if waiting:
                yield Delivery(waiting, f"{reached:.3f}")
                waiting = []
            if moment > now:
                await asyncio.sleep(min(moment - now, NAP))
            continue
        if life.local(moment) != listed:
            listed = life.local(moment)
            waiting += lists(life, listed)
        if int(moment // HOUR) != int(reached // HOUR):
            waiting += recordings(life, moment)
        reached = moment
        if not life.silent(turn % count, moment):
            waiting.append(await asyncio.to_thread(poll, life, turn % count, moment, step * count))


def lists(life: Life, day: int) -> list[dict[str, Any]]:
    """The lists of all platforms as they stand at a day's beginning."""
    district, planned = life.district, life.planned(day)
    found = []
    for owner, name in enumerate(district.names):
        mine = np.flatnonzero(district.platform == owner).tolist()
        for part, start in enumerate(range(0, len(mine), PART)):
            found.append({
                "what": "listed", "platform": name, "moment": district.midnight(day), "part": str(part),
                "cameras": [
                    (district.cameras[camera], tuple(planned.get(camera, ()))) for camera in mine[start : start + PART]
                ],
            })  # fmt: skip
    return found


def poll(life: Life, owner: int, moment: float, interval: float) -> dict[str, Any]:
    """One platform's poll."""
    status = life.status(moment)
    hit = np.flatnonzero((life.district.platform == owner) & (status > 0)).tolist()
    return {
        "what": "polled", "platform": life.district.names[owner], "moment": moment, "interval": interval,
        "others": {life.district.cameras[camera].id: int(status[camera]) for camera in hit},
        "restarted": life.restart(owner, moment),
    }  # fmt: skip


def recordings(life: Life, moment: float) -> list[dict[str, Any]]:
    """What every camera has recorded of the day so far, platform by platform."""
    district = life.district
    due, done = life.recorded(moment)
    day = date.fromordinal(life.local(moment)).isoformat()
    if due <= 0:
        return []
    found = []
    for owner, name in enumerate(district.names):
        mine = np.flatnonzero(district.platform == owner).tolist()
        seconds = {district.cameras[camera].id: int(done[camera]) for camera in mine}
        found.append({
            "what": "recorded", "platform": name, "moment": moment, "day": day, "due": due, "done": seconds,
        })  # fmt: skip
    return found


def parse(payload: list[Mapping[str, Any]], settings: Settings, context: Context) -> Iterator[Event]:
    """One event for each list, poll or day's recordings."""
    source = settings.source or settings.name
    for told in payload:
        platform, moment = told["platform"], told["moment"]
        name = f"{platform}:{told['what']}:{told.get('part', '')}:{round(moment * 1000)}"
        time = datetime.fromtimestamp(moment, UTC)
        if told["what"] == "polled":
            yield CamerasPolled(
                id=name, source=source, subject=platform, time=time, interval=told["interval"],
                others=told["others"], restarted=told["restarted"],
            )  # fmt: skip
        elif told["what"] == "listed":
            cameras = tuple(
                Camera(
                    id=camera.id, name=camera.name, place=camera.place, street=camera.street, switch=camera.switch,
                    lon=camera.lon, lat=camera.lat, planned=planned,
                )
                for camera, planned in told["cameras"]
            )  # fmt: skip
            yield CamerasListed(id=name, source=source, subject=platform, time=time, part=told["part"], cameras=cameras)
        else:
            seconds = {camera: (done, told["due"]) for camera, done in told["done"].items()}
            yield CamerasRecorded(id=name, source=source, subject=platform, time=time, day=told["day"], seconds=seconds)


FEED = Feed(
    kind="pretend_video",
    caption="A simulated district's cameras, by seed",
    open=open,
    parse=parse,
    Settings=Settings,
    nouns=("camera",),
    interval=30.0,
    mapped="cameras of `platforms` by `seed`, polled each `poll` seconds, with faults that come and go.",
    refused="nothing: it is made up here.",
    example='[[feeds]]\nkind = "pretend_video"\nname = "cameras"\nplatforms = { "雪亮工程" = 400, "城管视频" = 200 }\n',
)
