"""A simulated district's service halls: cases, queues and ratings by seed, with a morning peak and a hall too small.

Nothing here is measured. Counters keep the city's working hours, with a smaller service on Saturdays; what is asked
for on line goes on at night. Days long past are told as each hall's own totals, the last days case by case.
"""

from __future__ import annotations

import asyncio
import csv
from collections import deque
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Annotated, Any, NamedTuple

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from dashboard.daysoff import calendar_of
from dashboard.events import Event
from dashboard.nouns.service import CaseAccepted, CaseFinished, DayReported, QueueSeen, Rated, Redressed
from dashboard.nouns.worktime import WorkCalendar
from dashboard.sources.feed import Context, Delivery, Feed, SourceFailed
from dashboard.sources.feed import Settings as Common
from dashboard.sources.telling import Told, begun, day_by_day, events_of, midnight

PAST, CLOSED = 15, 5  # Minutes between two looks at a queue while the past is told, and while a hall is closed.
LATELY = 1200.0  # Seconds before now from which on every minute is told.
LONGEST = 45  # Days after which nothing of a case is still to come.
CHANNELS = ("窗口", "网上", "粤省事", "自助机")
ELSEWHERE = (0.42, 0.38, 0.20)  # How what is not brought to a counter comes: on line, by app, at a kiosk.
STARS = (0.870, 0.095, 0.026, 0.006, 0.003)  # From five to one.
RATED = 0.24  # The share of finished cases that are rated.
SATURDAY, SUNDAY = 0.34, 0.0  # How much of a working day's counter is open.
BUSY = (0.9, 1.8, 1.5, 0.7, 0.0, 0.1, 1.2, 1.2, 0.8, 0.15)  # Who comes to a hall, by hour from eight in the morning.
NIGHT = (2, 1, 1, 1, 1, 2, 4, 8, 14, 18, 17, 14, 12, 13, 16, 16, 14, 12, 10, 10, 11, 10, 7, 4)  # On line, by hour.
ABOUT = ("等候时间过长", "一次未说清材料", "窗口态度生硬", "系统多次报错", "超过承诺时限")
KINDS: dict[str, Any] = {
    "accepted": CaseAccepted, "finished": CaseFinished, "rated": Rated, "redressed": Redressed, "day": DayReported,
    "queue": QueueSeen,
}  # fmt: skip


class Hall(BaseModel):
    """A hall: its place, how much of the business it has, its windows, and the share of promises it keeps."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    place: str
    weight: Annotated[float, Field(gt=0)]
    windows: Annotated[int, Field(gt=0)]
    kept: Annotated[float, Field(gt=0, le=1)] = 0.985


class Settings(Common):
    """What service to pretend. Another seed or other halls are another district: begin with an empty folder."""

    seed: int = 1
    items: str  # A CSV beside the city file: item,weight,promised_days,legal_days,counter.
    halls: Annotated[dict[str, Hall], Field(min_length=1)]
    per_day: Annotated[float, Field(gt=0)] = 1000.0  # Cases on a working day.
    days: Annotated[int, Field(ge=0, le=60)] = 35  # How many past days are told at the first start …
    lives: Annotated[int, Field(ge=0, le=10)] = 8  # … and how many of them case by case.
    poll: Annotated[int, Field(ge=1, le=60)] = 1  # Minutes between two looks at a queue.


class Item(NamedTuple):
    """What may be asked for; ``counter`` is the share that comes to a counter."""

    name: str
    weight: float
    promised: float
    legal: float
    counter: float


@dataclass
class District:
    """Halls, items and calendar, with the days that have been worked out."""

    settings: Settings
    items: list[Item]
    calendar: WorkCalendar
    halls: dict[str, tuple[str, tuple[str, ...]]]  # Hall → its town and the villages of it.
    _days: dict[int, list[Told]] = field(default_factory=dict)
    _bad: dict[int, list[Told]] = field(default_factory=dict)
    _queues: dict[int, dict[str, list[tuple[int, int, float, float, int]]]] = field(default_factory=dict)

    def midnight(self, day: int) -> float:
        """The moment at which a local day (``date.toordinal``) begins."""
        return midnight(day, self.calendar.zone)

    def open_share(self, day: int) -> float:
        """How much of a working day's counter is open."""
        if self.calendar.is_workday(day):
            return 1.0
        saturday = (day + 6) % 7 == 5 and day not in self.calendar.days_off
        return SATURDAY if saturday else SUNDAY

    def cases(self, day: int) -> list[Told]:
        """All that happens to the cases that are accepted on a day, also later."""
        if day not in self._days:
            while len(self._days) > LONGEST + 5:
                del self._days[min(self._days)]
            self._days[day] = list(_cases(self, day))
        return self._days[day]

    def bad(self, day: int) -> list[Told]:
        """The bad ratings of those cases, and their redress: they are told one by one however long ago they were."""
        if day not in self._bad:
            self._bad[day] = [
                told for told in self.cases(day)
                if told.kind == "redressed" or (told.kind == "rated" and told.about["stars"] <= 2)
            ]  # fmt: skip
        return self._bad[day]

    def queues(self, day: int) -> dict[str, list[tuple[int, int, float, float, int]]]:
        """Of each hall, minute by minute: waiting, windows, longest and mean wait in minutes, people called."""
        if day not in self._queues:
            while len(self._queues) > 3:
                del self._queues[min(self._queues)]
            self._queues[day] = {name: _queue(self, name, at, day) for at, name in enumerate(self.halls)}
        return self._queues[day]


def district_of(settings: Settings, context: Context) -> District:
    """The district of these settings.

    Raises:
        SourceFailed: if the catalogue of items cannot be used, or a hall stands nowhere in the city.
    """
    file = context.city.path(settings.items)
    lost = sorted(name for name, hall in settings.halls.items() if hall.place not in context.places)
    if lost:
        raise SourceFailed(f"halls.{lost[0]}: the place {settings.halls[lost[0]].place!r} is none of the city's")
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            items = [
                Item(row["item"], *(float(row[name]) for name in ("weight", "promised_days", "legal_days", "counter")))
                for row in csv.DictReader(stream)
            ]
    except (OSError, ValueError, KeyError) as error:
        raise SourceFailed(f"{file}: {error}") from error
    if not items:
        raise SourceFailed(f"{file}: there is no item in it")
    halls = {
        name: (hall.place, tuple(place.code for place in context.places.children(hall.place)))
        for name, hall in settings.halls.items()
    }
    return District(settings, items, calendar_of(context.city), halls)


# -- cases -------------------------------------------------------------------------------------------------------


def _cases(district: District, day: int) -> Iterator[Told]:
    """The lives of the cases that are accepted on a day."""
    settings, calendar = district.settings, district.calendar
    random = np.random.default_rng([settings.seed, 21, day])
    share, midnight = district.open_share(day), district.midnight(day)
    names = list(district.halls)
    weights = np.array([settings.halls[name].weight for name in names])
    items = np.array([item.weight for item in district.items])
    number = int(random.poisson(settings.per_day))
    for at in range(number):
        item = district.items[int(random.choice(len(items), p=items / items.sum()))]
        hall = names[int(random.choice(len(names), p=weights / weights.sum()))]
        counter = bool(random.random() < item.counter)
        if random.random() > (share if counter else 0.45 + 0.55 * share):
            continue
        start = midnight + (_at_counter(random) if counter else _at_night(random))
        channel = CHANNELS[0] if counter else CHANNELS[1 + int(random.choice(3, p=ELSEWHERE))]
        town, villages = district.halls[hall]
        kiosk = channel == "自助机" and bool(villages)
        place = villages[int(random.integers(len(villages)))] if kiosk else town
        case = f"NH{date.fromordinal(day):%y%m%d}-{at:04d}"
        about = {
            "item": item.name, "channel": channel, "hall": hall, "place": place, "promised_days": item.promised,
            "legal_days": item.legal,
        }  # fmt: skip
        yield Told.at(start, f"{case}:a", case, "accepted", **about)
        late = random.random() > settings.halls[hall].kept
        if item.promised <= 1 and not late:
            end = start + 60 * float(random.lognormal(2.6, 0.8)) if counter or random.random() < 0.7 else None
            end = calendar.after(start, float(random.uniform(0.1, 0.8)), "work_hour") if end is None else end
        else:
            used = item.promised * (1 + float(random.lognormal(-1.2, 0.9)) if late else float(random.beta(2.2, 1.6)))
            end = calendar.after(start, used + (0.3 if late else 0), "work_day")
        end = min(end, start + (LONGEST - 25) * 86400)
        yield Told.at(end, f"{case}:f", case, "finished")
        if random.random() < RATED:
            yield from _rating(district, random, case, end + 60 * float(random.exponential(35)), about, late=late)


def _rating(
    district: District, random: np.random.Generator, case: str, moment: float, about: Mapping[str, Any], *, late: bool
) -> Iterator[Told]:
    """A rating and, if it is a bad one, what becomes of it. Crowded halls and late cases get more bad ones."""
    hall = district.settings.halls[about["hall"]]
    worse = 1 + 12 * (1 - hall.kept) / 0.06 * 0.15 + (9 if late else 0)
    shares = np.array(STARS)
    shares[3:] *= worse
    stars = 5 - int(random.choice(5, p=shares / shares.sum()))
    said = {"stars": stars, **{name: about[name] for name in ("item", "channel", "hall", "place")}}
    if stars <= 2:
        said["about"] = ABOUT[4] if late else ABOUT[int(random.choice(4, p=(0.45, 0.25, 0.15, 0.15)))]
    yield Told.at(moment, f"{case}:r", f"{case}-R", "rated", **said)
    if stars <= 2:
        days = float(min(random.lognormal(1.75, 0.55), 28)) if random.random() > 0.05 else 40.0
        done = min(district.calendar.after(moment, days, "work_day"), moment + LONGEST * 86400)
        yield Told.at(done, f"{case}:d", f"{case}-R", "redressed", how="已回访并整改")


def _at_counter(random: np.random.Generator) -> float:
    """Seconds from midnight at which a counter takes a case, within the hours of the halls."""
    weights = np.array(BUSY) * (np.array(BUSY) > 0.12)
    hour = 8 + int(random.choice(len(weights), p=weights / weights.sum()))
    low, high = (0.55 if hour == 8 else 0.0), (0.45 if hour == 17 else 1.0)
    return 3600 * (hour + float(random.uniform(low, high)))


def _at_night(random: np.random.Generator) -> float:
    weights = np.array(NIGHT, dtype=float)
    return 3600 * (int(random.choice(24, p=weights / weights.sum())) + float(random.random()))


# -- queues ------------------------------------------------------------------------------------------------------


def _queue(district: District, name: str, at: int, day: int) -> list[tuple[int, int, float, float, int]]:
    """A hall's queue, minute by minute: who has come first is called first, as windows become free."""
    settings, hall = district.settings, district.settings.halls[name]
    random = np.random.default_rng([settings.seed, 22, day, at])
    share = district.open_share(day)
    spans = district.calendar.hours
    weight = hall.weight / sum(one.weight for one in settings.halls.values())
    people = settings.per_day * weight * share * 1.9  # Who only asks something draws a ticket too.
    weights = np.array(BUSY)
    waiting: deque[list[float]] = deque()  # [minute of coming, how many]
    waited, called, credit = 0.0, 0, 0.0
    line: list[tuple[int, int, float, float, int]] = []
    for minute in range(24 * 60):
        opened = share > 0 and any(start <= minute < end for start, end in spans)
        windows = round(hall.windows * (share**0.5) * (0.85 if minute < 9 * 60 else 1.0)) if opened else 0
        hour = minute // 60 - 8
        if share > 0 and 0 <= hour < len(BUSY) and minute >= 8 * 60 + 10 and minute < spans[-1][1] - 15:
            come = int(random.poisson(people * weights[hour] / weights.sum() / 60))
            if come:
                waiting.append([minute, come])
        credit = min(credit + windows * float(random.uniform(0.85, 1.15)) / 7.2, 1.0 + windows / 7.2) if opened else 0.0
        while waiting and credit >= 1:
            waiting[0][1] -= 1
            credit -= 1
            waited, called = waited + minute - waiting[0][0], called + 1
            if waiting[0][1] <= 0:
                waiting.popleft()
        if not opened and minute >= spans[-1][1] + 25:
            waiting.clear()  # Whoever was in the hall has been served after hours.
        longest = minute - waiting[0][0] if waiting else 0.0
        line.append((int(sum(n for _, n in waiting)), windows, longest, waited / called if called else 0.0, called))
    return line


def looks(district: District, day: int, minute: int, *, lately: bool) -> Iterator[Told]:
    """The queues at a minute of a day: of halls that are open, and now and then of the others too."""
    moment = district.midnight(day) + 60 * minute
    for hall, line in district.queues(day).items():
        waiting, windows, longest, mean, called = line[min(minute, len(line) - 1)]
        if not windows and not waiting and not (lately and minute % CLOSED == 0):
            continue
        place = district.halls[hall][0]
        about: dict[str, Any] = {"waiting": waiting, "windows": windows, "called": called, "place": place}
        about |= {"longest": longest} if waiting else {}
        about |= {"mean": round(mean, 2)} if called else {}
        yield Told.at(moment, f"{hall}:q:{round(moment)}", hall, "queue", **about)


# -- days --------------------------------------------------------------------------------------------------------


def reports(district: District, day: int) -> Iterator[Told]:
    """A day as the halls tell it as a whole; its bad ratings are told one by one, as they are to be put right."""
    totals: dict[tuple[str, str], dict[str, int]] = {}
    whose: dict[str, tuple[str, str]] = {}
    limits: dict[str, float] = {}
    for told in district.cases(day):
        if told.kind == "accepted":
            whose[told.subject] = told.about["hall"], told.about["channel"]
            limits[told.subject] = district.calendar.after(told.moment / 1000, told.about["promised_days"], "work_day")
            _add(totals, whose[told.subject], "accepted", "due", "finished")
        elif told.kind == "finished" and told.moment <= 1000 * limits[told.subject]:
            _add(totals, whose[told.subject], "kept")
        elif told.kind == "rated" and told.about["stars"] > 2:
            _add(totals, (told.about["hall"], told.about["channel"]), f"stars{told.about['stars']}")
    moment, name = district.midnight(day + 1) + 600, date.fromordinal(day).isoformat()
    for (hall, channel), counts in sorted(totals.items()):
        about = {"day": name, "channel": channel, "place": district.halls[hall][0], **counts}
        yield Told.at(moment, f"{hall}:{channel}:{name}", hall, "day", **about)


def _add(totals: dict[tuple[str, str], dict[str, int]], key: tuple[str, str], *names: str) -> None:
    mine = totals.setdefault(key, {})
    for name in names:
        mine[name] = mine.get(name, 0) + 1


def happenings(district: District, first: int, day: int, now: float) -> list[Told]:
    """What is told on a local day, in order; days before the last ``lives`` are told as a whole.

    Queues are looked at every minute from shortly before ``now`` on, and every quarter of an hour before.
    """
    start, end = (1000 * district.midnight(at) for at in (day, day + 1))
    single = first + max(0, district.settings.days - district.settings.lives)
    found: list[Told] = []
    for born in range(max(first, day - LONGEST), day + 1):
        told = district.cases(born) if born >= single else district.bad(born)
        found += [one for one in told if start <= one.moment < end]
    if first < day <= single:
        found += [told for told in reports(district, day - 1) if start <= told.moment < end]
    if end > 1000 * now or day > single:
        for minute in range(24 * 60):
            lately = start + 60_000 * minute >= 1000 * (now - LATELY)
            if minute % (district.settings.poll if lately else PAST) == 0:
                found += looks(district, day, minute, lately=lately)
    return sorted(found)


# -- the feed ----------------------------------------------------------------------------------------------------


async def open(settings: Settings, context: Context) -> AsyncIterator[Delivery]:  # noqa: A001
    """What has happened since the cursor (at first: in the last ``days`` days), then what happens.

    The cursor holds the first day that was told, and moment and id of the last thing.

    Raises:
        SourceFailed: if the catalogue of items or a hall cannot be used.
    """
    district = await asyncio.to_thread(district_of, settings, context)
    start = begun(context, settings.days)

    def day_of(day: int) -> list[Told]:
        return happenings(district, start.first, day, context.now().timestamp())

    async for delivery in day_by_day(context, start, day_of):
        yield delivery


def parse(payload: list[Told], settings: Settings, context: Context) -> Iterator[Event]:
    """One event for each thing told."""
    return events_of(payload, KINDS, settings)


FEED = Feed(
    kind="pretend_service",
    caption="A simulated district's service halls, by seed",
    open=open,
    parse=parse,
    Settings=Settings,
    nouns=("service",),
    interval=60.0,
    mapped="cases, queues and ratings of `halls` by `seed`; days long past as totals, the last `lives` case by case.",
    refused="nothing: it is made up here; a faulty catalogue of `items` is a failed source that says so.",
    example="""\
[[feeds]]
kind = "pretend_service"
name = "halls"
items = "nanhai_items.csv"
halls = { "桂城政务服务中心" = { place = "440605011", weight = 2, windows = 14 } }
""",
)
