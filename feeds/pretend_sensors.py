"""A simulated district's gauges: rain by town, water where it collects, the air, and cars in the car parks, by seed.

Nothing here is measured. It rains on the days on which the simulated tickets say so, in showers that pass over some
towns more than over others; on other days a short one may stay over a single town. Water rises with the rain that fell
in the hours before, most in the underpasses, and runs off. One gauge of them is stuck, one falls silent every morning.
Where an hour's rain passes the city's limits a warning is issued, and lifted two hours after it last did.
"""

from __future__ import annotations

import asyncio
import csv
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import shapely
from pydantic import Field

from dashboard.events import Event
from dashboard.nouns.sensors import SensorReading
from dashboard.nouns.warned import WarningIssued, WarningLifted
from dashboard.sources.feed import Context, Delivery, Feed, SourceFailed
from dashboard.sources.feed import Settings as Common
from dashboard.sources.pretence import rain_on

Floats = npt.NDArray[np.float64]

HOUR = 3600.0
PAST = 900.0  # Seconds between two rounds while the past is told …
CHUNK = 400  # … of which so many readings are one delivery.
NAP = 1.0  # Seconds after which the wall clock is looked at again.
MINUTES = 5  # The rain is summed in steps of so many minutes …
MEMORY = 6 * 60 // MINUTES  # … over the last six hours.
# How many metres a millimetre of standing rain raises the water, and in how many minutes most of it has run off.
DEEP = {"underpass": (0.0105, 95.0), "road": (0.0048, 70.0), "junction": (0.0036, 55.0)}
# The share of spaces taken at each hour of a working day and of a day off, by what a car park lies at.
TAKEN = {
    "office": ("01 01 01 01 01 02 10 35 78 92 95 92 80 78 88 92 88 70 40 20 10 05 02 01", 0.25),
    "hospital": ("22 20 19 18 18 22 38 70 95 103 104 99 84 80 92 96 90 72 55 48 42 36 30 26", 0.85),
    "mall": ("06 05 04 04 04 05 08 14 24 38 50 62 70 66 60 60 64 74 86 92 90 74 42 16", 1.12),
    "market": ("12 10 10 14 34 62 84 92 90 84 74 60 46 34 32 38 56 72 64 44 30 22 18 14", 1.05),
    "park": ("05 04 04 04 06 14 26 34 38 42 44 38 30 30 36 42 48 52 54 50 38 24 12 08", 1.7),
    "street": ("64 66 66 66 64 60 52 56 68 76 80 78 72 70 74 78 80 84 88 86 82 76 72 68", 0.95),
}
RAINSTORM = ((1, 45.0), (2, 28.0), (3, 15.0), (4, 7.0))  # Millimetres within an hour from which on which level holds.
WORDS = {1: "红色", 2: "橙色", 3: "黄色", 4: "蓝色"}
HOLDS = 2 * 60 // MINUTES  # Steps for which a warning is kept after its limit was last passed.
STUCK, SILENT = "stuck", "silent"


class Settings(Common):
    """What gauges to pretend. Another seed or table is another district: begin with an empty folder."""

    seed: int = 1
    sensors: str  # A CSV beside the city file: sensor,name,kind,town,spaces; a town is a code or a name.
    step: Annotated[float, Field(ge=10, le=3600)] = 300.0  # Seconds between two readings of a gauge.
    days: Annotated[int, Field(ge=0, le=2)] = 1  # How many past days are told at the first start.
    stuck: str = ""  # The sensor whose reading never changes.
    silent: str = ""  # The sensor that says nothing between twenty to six and eleven at night.


@dataclass(frozen=True)
class Gauge:
    """One sensor, where it stands; ``kind`` is a key of ``DEEP`` or ``TAKEN``, or rain or air."""

    id: str
    name: str
    kind: str
    town: int
    place: str
    point: tuple[float, float]
    spaces: int


@dataclass(frozen=True)
class District:
    """The sensors, and the towns' codes in the order in which ``town`` numbers them."""

    seed: int
    zone: ZoneInfo
    towns: tuple[str, ...]
    names: tuple[str, ...]
    gauges: tuple[Gauge, ...]
    stuck: str
    silent: str


def district_of(settings: Settings, context: Context) -> District:
    """The sensors of the table, each at a spot of its own within its town.

    Raises:
        SourceFailed: if the table cannot be used or the city has no outlines.
    """
    places, shapes = context.places, context.gazetteer.outlines
    towns = [place for place in places.children(places.root.code) if place.code in shapes]
    if not towns:
        raise SourceFailed("the city has no outlines to put sensors into; give [places] outlines")
    file = context.city.path(settings.sensors)
    gauges = []
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            for row in csv.DictReader(stream):
                code = row["town"] if row["town"] in places else places.named(row["town"])
                number = next(at for at, town in enumerate(towns) if town.code == code)
                if row["kind"] not in {*DEEP, *TAKEN, "rain", "air"}:
                    raise ValueError(f"{row['sensor']}: kind {row['kind']!r} is none that can be pretended")
                seeds = [settings.seed, 21, *row["sensor"].encode()]
                point = _spot(shapes[towns[number].code], np.random.default_rng(seeds))
                gauges.append(Gauge(
                    row["sensor"], row["name"], row["kind"], number, context.gazetteer.locate(*point)[0] or str(code),
                    point, int(row["spaces"] or 0),
                ))  # fmt: skip
    except (OSError, KeyError, ValueError, StopIteration) as error:
        why = "names a town that the city does not have" if isinstance(error, StopIteration) else str(error)
        raise SourceFailed(f"{file}: {why}") from error
    return District(
        settings.seed, context.city.tz, tuple(town.code for town in towns), tuple(town.name for town in towns),
        tuple(gauges), settings.stuck, settings.silent,
    )  # fmt: skip


def _spot(shape: shapely.Geometry, random: np.random.Generator) -> tuple[float, float]:
    """A point well inside a shape."""
    inner = shapely.buffer(shape, -0.12 * float(np.sqrt(shapely.area(shape))))
    shape = shape if shapely.is_empty(inner) else inner
    west, south, east, north = shapely.bounds(shape)
    for _ in range(60):
        lon, lat = float(random.uniform(west, east)), float(random.uniform(south, north))
        if shapely.contains_xy(shape, lon, lat):
            return round(lon, 6), round(lat, 6)
    lon, lat = shapely.get_coordinates(shapely.point_on_surface(shape))[0].tolist()
    return round(lon, 6), round(lat, 6)


# -- the weather -------------------------------------------------------------------------------------------------


class Weather:
    """The rain over each town as time passes; it remembers the showers of the days it has worked out."""

    def __init__(self, district: District) -> None:
        self.district = district
        self._days: dict[int, list[tuple[float, float, Floats]]] = {}

    def showers(self, day: int) -> list[tuple[float, float, Floats]]:
        """The showers of a local day: when each is heaviest, how long (seconds), and mm an hour over each town."""
        if day not in self._days:
            if len(self._days) > 6:
                del self._days[min(self._days)]
            self._days[day] = list(self._drawn(date.fromordinal(day)))
        return self._days[day]

    def _drawn(self, day: date) -> Iterator[tuple[float, float, Floats]]:
        district = self.district
        random = np.random.default_rng([district.seed, 22, day.toordinal()])
        midnight = datetime.combine(day, datetime.min.time(), district.zone).timestamp()
        wet, count = rain_on(district.seed, day), len(district.towns)
        for _ in range(2 + int(random.poisson(3 * wet)) if wet else int(random.random() < 0.7)):
            middle = midnight + HOUR * float(random.triangular(3, 14.5, 23.5))
            long = 60 * float(random.uniform(22, 55) if wet else random.uniform(12, 25))
            most = float(random.uniform(14, 22 + 42 * wet) if wet else random.uniform(10, 22))
            heart = int(random.integers(count))
            shares = random.uniform(0.15, 0.8, count) if wet else np.zeros(count)
            shares[heart] = 1.0
            yield middle, long, most * shares

    def rain(self, moments: Floats) -> Floats:
        """Millimetres an hour, by moment and town."""
        found = np.zeros((len(moments), len(self.district.towns)))
        first, last = (
            datetime.fromtimestamp(float(at), self.district.zone).toordinal() for at in (moments[0], moments[-1])
        )
        for day in range(first - 1, last + 2):
            for middle, long, most in self.showers(day):
                found += np.exp(-(((moments - middle) / long) ** 2))[:, None] * most
        found[found < 0.1] = 0.0
        return found

    def fallen(self, moment: float, steps: int = MEMORY) -> Floats:
        """Millimetres in each of the last steps by town, the latest first."""
        moments = moment - 60.0 * MINUTES * np.arange(steps, dtype=np.float64)
        return self.rain(moments[::-1])[::-1] * (MINUTES / 60)

    def levels(self, moment: float) -> list[int]:
        """The level of the rainstorm warning that is in force in each town at a moment, 0 for none."""
        hour = 60 // MINUTES
        fallen = self.fallen(moment, HOLDS + hour)
        sums = np.array([fallen[at : at + hour].sum(axis=0) for at in range(HOLDS)]).max(axis=0)
        return [next((level for level, limit in RAINSTORM if most >= limit), 0) for most in sums.tolist()]


def readings(district: District, weather: Weather, moment: float) -> Iterator[tuple[Gauge, str, float, str]]:
    """What each gauge reads at a moment, as (gauge, quantity, value, unit)."""
    fallen = weather.fallen(moment)
    local = datetime.fromtimestamp(moment, district.zone)
    clock = local.hour + local.minute / 60
    for gauge in district.gauges:
        noise = np.random.default_rng([district.seed, 23, int(moment), *gauge.id.encode()])
        if gauge.id == district.silent and 5 + 2 / 3 <= clock < 23:
            continue
        if gauge.kind in DEEP:
            metres, minutes = DEEP[gauge.kind]
            standing = float((fallen[:, gauge.town] * np.exp(-MINUTES * np.arange(MEMORY) / minutes)).sum())
            own = 0.7 + 0.6 * np.random.default_rng([district.seed, 24, *gauge.id.encode()]).random()
            level = 0.02 + metres * own * standing + float(noise.normal(0, 0.002))
            yield gauge, "level", 0.083 if gauge.id == district.stuck else round(max(0.0, level), 3), "m"
        elif gauge.kind == "rain":
            yield gauge, "rain", round(float(fallen[: 60 // MINUTES, gauge.town].sum()), 1), "mm"
        elif gauge.kind == "air":
            day = np.random.default_rng([district.seed, 25, local.toordinal()]).lognormal(3.3, 0.35)
            washed = 1 / (1 + 0.05 * float(fallen[:, gauge.town].sum()))
            busy = 1 + 0.25 * np.cos((clock - 8.5) / 24 * 4 * np.pi)
            yield gauge, "pm2_5", round(float(day * busy * washed + noise.normal(0, 1.5)) % 500, 0), "µg/m3"
        else:
            yield gauge, "occupied", _taken(district, gauge, local, clock), "spaces"


def _taken(district: District, gauge: Gauge, local: datetime, clock: float) -> float:
    """How many cars stand in a car park: a day's curve, a mood of the day, and some coming and going."""
    text, free = TAKEN[gauge.kind]
    curve = np.array([float(part) for part in text.split()]) / 100
    share = float(np.interp(clock, np.arange(25), np.append(curve, curve[0])))
    mood = np.random.default_rng([district.seed, 26, local.toordinal(), *gauge.id.encode()]).normal(1, 0.08)
    quarter = int(local.timestamp() // 900)
    wave = np.random.default_rng([district.seed, 27, quarter, *gauge.id.encode()]).normal(0, 0.025)
    share *= (free if local.weekday() >= 5 else 1.0) * mood
    return float(max(0, min(round(1.06 * gauge.spaces), round(gauge.spaces * (share + wave)))))


# -- the feed ----------------------------------------------------------------------------------------------------


async def open(settings: Settings, context: Context) -> AsyncIterator[Delivery]:  # noqa: A001
    """The readings of the past day each quarter of an hour, then each as it is due, and warnings as they change.

    The cursor is the moment of the last round that was told.

    Raises:
        SourceFailed: if the table cannot be used.
    """
    district = await asyncio.to_thread(district_of, settings, context)
    weather = Weather(district)
    if context.cursor is None:
        reached = (context.now() - timedelta(days=settings.days)).timestamp()
        levels = [0] * len(district.towns)
    else:
        reached = float(context.cursor)
        levels = weather.levels(reached)
    waiting: list[dict[str, Any]] = []
    if context.cursor is not None:
        yield Delivery([])  # It is there, though the next readings may be minutes away.
    while True:
        now = context.now().timestamp()
        if reached > now + HOUR:  # The clock was set back; what was told stays told.
            reached = now
        step = PAST if now - reached > 2 * PAST else settings.step
        moment = (int(reached / step + 1e-6) + 1) * step
        if moment > now or len(waiting) >= CHUNK:
            if waiting:
                yield Delivery(waiting, f"{reached:.3f}")
                waiting = []
            if moment > now:
                await asyncio.sleep(min(moment - now, NAP))
            continue
        waiting += await asyncio.to_thread(told, district, weather, moment, levels)
        levels = weather.levels(moment)
        reached = moment


def told(district: District, weather: Weather, moment: float, before: list[int]) -> list[dict[str, Any]]:
    """What one round tells: every gauge's reading, and each warning that is another than ``before``."""
    found = [
        {"what": "reading", "moment": moment, "gauge": gauge, "quantity": quantity, "value": value, "unit": unit}
        for gauge, quantity, value, unit in readings(district, weather, moment)
    ]  # fmt: skip
    for town, (old, new) in enumerate(zip(before, weather.levels(moment), strict=True)):
        if old != new:
            code, name = district.towns[town], district.names[town]
            found.append({"what": "warning", "moment": moment, "level": new, "place": code, "name": name})
    return found


def parse(payload: list[Mapping[str, Any]], settings: Settings, context: Context) -> Iterator[Event]:
    """One event for each reading and each warning that is issued or lifted."""
    source = settings.source or settings.name
    for one in payload:
        time = datetime.fromtimestamp(one["moment"], UTC)
        if one["what"] == "reading":
            gauge = one["gauge"]
            yield SensorReading(
                id=f"{gauge.id}:{one['quantity']}:{time.isoformat()}", source=source, subject=gauge.id, time=time,
                quantity=one["quantity"], value=one["value"], unit=one["unit"], name=gauge.name, place=gauge.place,
                point=gauge.point, capacity=float(gauge.spaces) if gauge.spaces else None,
            )  # fmt: skip
            continue
        subject, level = f"rainstorm-{one['place']}", one["level"]
        name = f"{subject}:{level}:{time.isoformat()}"
        if level:
            yield WarningIssued(
                id=name, source=source, subject=subject, time=time, what="rainstorm", level=level, place=one["place"],
                text=f"{one['name']}暴雨{WORDS[level]}预警",
            )  # fmt: skip
        else:
            yield WarningLifted(id=name, source=source, subject=subject, time=time)


FEED = Feed(
    kind="pretend_sensors",
    caption="A simulated district's gauges, car parks and rainstorm warnings, by seed",
    open=open,
    parse=parse,
    Settings=Settings,
    nouns=("sensor", "warning"),
    interval=600.0,
    mapped="the sensors of a table by `seed`, each every `step` seconds; rain falls when the simulated tickets say so.",
    refused="nothing: it is made up here; a faulty table of `sensors` is a failed source that says why.",
    example='[[feeds]]\nkind = "pretend_sensors"\nname = "gauges"\nsensors = "nanhai_sensors.csv"\n',
)
