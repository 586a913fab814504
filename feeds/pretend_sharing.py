"""A simulated district's data sharing: catalogue, requests and API calls by seed, and what breaks as time passes.

Nothing here is measured. Departments keep their entries up to date well or less well, a few entries have died
quietly, once or twice a day one that much rests on breaks for an hour, and now and then an API fails. The same seed
and moment always give the same state, whatever was asked before.
"""

from __future__ import annotations

import asyncio
import csv
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, date, datetime, timedelta
from hashlib import blake2b
from heapq import heapify, heapreplace
from math import cos, pi
from typing import Annotated, Any, Literal, NamedTuple
from zoneinfo import ZoneInfo

from pydantic import Field

from dashboard.events import Event
from dashboard.nouns.sharing import HOUR, ApiCalls, CatalogueEntry, DataRequest
from dashboard.sources.feed import Context, Delivery, Feed, SourceFailed
from dashboard.sources.feed import Settings as Common

DAY = 86400.0
CHUNK = 1000  # Events of one delivery.
NAP = 1.0  # Seconds after which the wall clock is looked at again.
AHEAD_OF = 0.9  # An entry is updated each nine tenths of its cycle, so that it is on time unless one is missed.
ERA = 90 * DAY  # In each of which an entry may die quietly, until its end.
DEAD, FAILING = 0.006, 0.0012  # Shares of entries in an era, and of the hours of an API.
REASONS = ("前置机连接中断", "源库表结构变更", "网闸策略变更", "数据质量校验不通过")
WHY_REFUSED = ("涉及个人隐私", "申请依据不足", "源部门系统改造中")


class Settings(Common):
    """What sharing to pretend. Another seed or catalogue is another district: begin with an empty folder."""

    seed: int = 1
    catalogue: str  # A CSV beside the city file: what (topic, entry, api),name,department,cycle_hours,weight,records.
    requests: Annotated[float, Field(gt=0)] = 7.9  # Requests for data on a working day.
    calls: Annotated[float, Field(gt=0)] = 1_300_000  # Calls on a working day.
    poll: Annotated[float, Field(ge=5, le=3600)] = 60.0  # Seconds between two counts of an API.
    quality: dict[str, Annotated[float, Field(ge=0, le=1)]] = {}  # noqa: RUF012 - department → share of updates made.


class Row(NamedTuple):
    """A row of the catalogue's file."""

    what: str
    name: str
    department: str
    cycle: float | None
    weight: float
    records: float


class Kept(NamedTuple):
    """An entry that is kept: ``missed`` is the share of its updates that are not made."""

    code: str
    name: str
    department: str
    cycle: float | None
    place: str
    missed: float
    linked: bool


class Outage(NamedTuple):
    """An entry that is broken from one moment to another."""

    entry: int
    start: float
    end: float
    reason: str


def unit(*key: object) -> float:
    """A number from 0 to 1 that is as good as chance, and always the same for the same key."""
    return int.from_bytes(blake2b(repr(key).encode(), digest_size=8).digest(), "big") / 2**64


class District:
    """The departments of a city with their entries and APIs."""

    def __init__(self, settings: Settings, context: Context) -> None:
        self.settings, self.zone = settings, context.city.tz
        self.seed = settings.seed
        departments = context.city.sharing.departments
        if not departments:
            raise SourceFailed("the city names no departments; list them in [sharing] departments")
        rows = _rows(context, settings.catalogue)
        places = {name: context.places.named(name) or context.places.root.code for name in departments}
        entries: list[Kept] = []
        for number, department in enumerate(departments):
            missed = 1 - settings.quality.get(department, 0.985 + 0.012 * unit(self.seed, department))
            named = [row for row in rows if row.what == "entry" and row.department == department]
            for at, row in enumerate([*named, *(row for row in rows if row.what == "topic")]):
                entries.append(Kept(
                    f"{context.city.name.upper()}-{number + 1:03d}-{at + 1:03d}", row.name, department,
                    None if row.cycle is None else HOUR * row.cycle, places[department],
                    missed * (0.3 if row.what == "entry" else 1.0),
                    row.what == "entry" or unit(self.seed, department, row.name, "linked") < 0.935,
                ))  # fmt: skip
        self.entries = tuple(entries)
        names = {row.name for row in rows if row.what == "entry"}
        self.backbone = tuple(at for at, entry in enumerate(entries) if entry.name in names and entry.cycle)
        self.apis = tuple(row for row in rows if row.what == "api")
        self.places = places
        self.departments = departments
        self._weights = sum(row.weight for row in self.apis) or 1.0
        self._outages: dict[int, list[Outage]] = {}
        self._asked: dict[int, list[DataRequest]] = {}

    # -- entries -------------------------------------------------------------------------------------------

    def moment(self, at: int, turn: int) -> float:
        """When the turn-th update of an entry is made, or would be."""
        period = AHEAD_OF * (self.entries[at].cycle or 0.0)
        return (turn + unit(self.seed, at) + 0.05 * unit(self.seed, at, turn, "late")) * period

    def made(self, at: int, turn: int) -> bool:
        """Whether that update is made: not missed, its entry not dead and not broken."""
        entry, moment = self.entries[at], self.moment(at, turn)
        if unit(self.seed, at, turn) < entry.missed or not entry.linked:
            return False
        era = int(moment // ERA)
        if unit(self.seed, at, era, "dead") < DEAD and moment > (era + unit(self.seed, at, era, "dies")) * ERA:
            return False
        return not any(out.entry == at and out.start <= moment < out.end for out in self.around(moment))

    def last(self, at: int, moment: float) -> int:
        """The last turn of an entry that was made by a moment; one that is far gone if none was for long."""
        period = AHEAD_OF * (self.entries[at].cycle or 0.0)
        turn = int(moment // period)
        for back in range(120):
            if self.moment(at, turn - back) <= moment and self.made(at, turn - back):
                return turn - back
        return turn - 120

    def outages(self, day: int) -> list[Outage]:
        """What breaks on a local day (``date.toordinal``)."""
        found = self._outages.get(day)
        if found is None:
            if len(self._outages) > 400:
                self._outages.clear()
            midnight = datetime.combine(date.fromordinal(day), datetime.min.time(), self.zone).timestamp()
            found = self._outages[day] = []
            for turn in range(1 + (unit(self.seed, day, "twice") < 0.4) if self.backbone else 0):
                key = (self.seed, day, turn)
                start = midnight + round((7 + 12 * unit(*key, "start")) * HOUR)
                end = start + round((25 + 65 * unit(*key, "for")) * 60)
                entry = self.backbone[int(unit(*key, "entry") * len(self.backbone))]
                found.append(Outage(entry, start, end, REASONS[int(unit(*key, "why") * len(REASONS))]))
        return found

    def around(self, moment: float) -> list[Outage]:
        """What breaks on the local day of a moment."""
        return self.outages(datetime.fromtimestamp(moment, self.zone).toordinal())

    # -- requests ------------------------------------------------------------------------------------------

    def asked(self, day: int) -> list[DataRequest]:
        """The requests of a local day, each as it stands when it is asked and when it is answered."""
        found = self._asked.get(day)
        if found is None:
            if len(self._asked) > 80:
                del self._asked[min(self._asked)]
            found = self._asked[day] = list(self._requests(day))
        return found

    def _requests(self, day: int) -> Iterator[DataRequest]:
        weekday = date.fromordinal(day).weekday()
        midnight = datetime.combine(date.fromordinal(day), datetime.min.time(), self.zone).timestamp()
        often = self.settings.requests * (1.0 if weekday < 5 else 0.03)
        number = int(
            often + 2.4 * (unit(self.seed, day, "asked") + unit(self.seed, day, "again") - 1) * often**0.5 + 0.5
        )
        for turn in range(max(0, number)):
            key = (self.seed, day, turn)
            asked = midnight + (8.5 + 9 * unit(*key, "at")) * HOUR
            what, often_asked = unit(*key, "what"), unit(*key, "known") < 0.4 and bool(self.backbone)
            at = self.backbone[int(what * len(self.backbone))] if often_asked else int(what * len(self.entries))
            entry = self.entries[at]
            who = self.departments[int(unit(*key, "who") * len(self.departments))]
            fate = unit(*key, "fate")
            state: Literal["granted", "refused"] = "granted" if fate < 0.745 else "refused"
            slow = unit(*key, "slow")
            days = 0.2 + 9 * unit(*key, "days") ** 1.7 + (20 * unit(*key, "long") if slow < 0.07 else 0.0)
            decided = asked + days * 1.4 * DAY
            common: dict[str, Any] = {
                "subject": f"{date.fromordinal(day):%Y%m%d}-{turn + 1:02d}", "asked": _utc(asked), "department": who,
                "owner": entry.department, "entry": entry.name, "place": self.places[who],
                "source": self.settings.source or self.settings.name,
            }  # fmt: skip
            yield DataRequest(id=f"{common['subject']}:asked", time=_utc(asked), **common)
            yield DataRequest(
                id=f"{common['subject']}:{state}", time=_utc(decided), state=state, decided=_utc(decided),
                reason=WHY_REFUSED[int(fate * 997) % len(WHY_REFUSED)] if state == "refused" else "", **common,
            )  # fmt: skip

    # -- calls ---------------------------------------------------------------------------------------------

    def hourly(self, at: int, hour: int) -> tuple[int, float]:
        """How often an API is called in an hour (since 1970 UTC), and the share that fails."""
        local = datetime.fromtimestamp(hour * HOUR, self.zone)
        api = self.apis[at]
        busy = 0.12 + 0.88 * max(0.0, 0.5 - 0.5 * cos(2 * pi * min(1.0, max(0.0, (local.hour - 6) / 15)))) ** 0.8
        busy *= 0.72 if local.hour in (12, 13) else 1.0
        busy *= 0.38 if local.weekday() >= 5 else 1.0
        often = self.settings.calls * api.weight / self._weights / 12.2 * busy * (0.9 + 0.2 * unit(self.seed, at, hour))
        often *= 0.92 + 0.16 * unit(self.seed, local.toordinal(), "busy")
        failing = unit(self.seed, at, hour // 2, "fails") < FAILING
        share = (
            0.55 + 0.4 * unit(self.seed, at, hour, "bad")
            if failing
            else 0.0016 * unit(self.seed, at, hour, "share") ** 2
        )
        return int(often), share

    def count(self, at: int, moment: float) -> ApiCalls:
        """The calls of an API as counted at a moment, in the hour that goes on then."""
        hour = int((moment - 1e-3) // HOUR)
        whole, share = self.hourly(at, hour)
        api = self.apis[at]
        calls = int(whole * (moment - hour * HOUR) / HOUR)
        return ApiCalls(
            id=f"api-{at + 1:02d}:{round(moment)}", source=self.settings.source or self.settings.name,
            subject=f"API-{at + 1:03d}", time=_utc(moment), since=_utc(hour * HOUR), calls=calls,
            failures=int(calls * share), records=int(calls * api.records), name=api.name, department=api.department,
            place=self.places.get(api.department, ""),
        )  # fmt: skip

    # -- as events -----------------------------------------------------------------------------------------

    def told(self, at: int, moment: float, updated: float | None, outage: Outage | None = None) -> CatalogueEntry:
        """What is said of an entry at a moment."""
        entry = self.entries[at]
        state: Literal["open", "broken"] = "open" if outage is None else "broken"
        return CatalogueEntry(
            id=f"{entry.code}:{state}:{round(moment)}", source=self.settings.source or self.settings.name,
            subject=entry.code, time=_utc(moment), name=entry.name, department=entry.department,
            cycle=None if entry.cycle is None else entry.cycle / HOUR, state=state,
            updated=None if updated is None else _utc(updated), linked=entry.linked, place=entry.place,
            since=None if outage is None else _utc(outage.start), reason="" if outage is None else outage.reason,
        )  # fmt: skip


def _rows(context: Context, name: str) -> list[Row]:
    """The rows of the catalogue's file.

    Raises:
        SourceFailed: naming the file and what is wrong with it.
    """
    file = context.city.path(name)
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            return [
                Row(
                    row["what"], row["name"], row["department"],
                    float(row["cycle_hours"]) if row["cycle_hours"] else None,
                    float(row["weight"] or 1), float(row["records"] or 1),
                )
                for row in csv.DictReader(stream)
            ]  # fmt: skip
    except (OSError, ValueError, KeyError) as error:
        raise SourceFailed(f"{file}: {error}") from error


def _utc(moment: float) -> datetime:
    return datetime.fromtimestamp(round(moment, 3), UTC)


class Story:
    """All that happens, in order, from a moment on."""

    def __init__(self, district: District, reached: float) -> None:
        self.district, self.reached = district, reached
        entries = enumerate(district.entries)
        self._turns = [(0.0, at, district.last(at, reached)) for at, entry in entries if entry.cycle and entry.linked]
        self._turns = [(district.moment(at, turn + 1), at, turn + 1) for _, at, turn in self._turns]
        heapify(self._turns)

    def before(self) -> Iterator[Event]:
        """How everything stands at the moment from which on it is told; the requests of a year with it."""
        district, now = self.district, self.reached
        for at, entry in enumerate(district.entries):
            if entry.cycle is None or not entry.linked:
                born = now - (20 + 300 * unit(district.seed, at, "born")) * DAY
                yield district.told(at, born, born if entry.linked else None)
                continue
            made = district.moment(at, district.last(at, now))
            yield district.told(at, made, made)
            for out in district.around(now):
                if out.entry == at and out.start <= now < out.end:
                    yield district.told(at, out.start, made, out)
        today = datetime.fromtimestamp(now, district.zone).toordinal()
        for day in range(today - 366, today + 1):
            yield from (event for event in district.asked(day) if event.time.timestamp() <= now)

    def until(self, now: float) -> list[Event]:
        """What happens after what was told, up to a moment, in order."""
        district, start = self.district, self.reached
        found: list[Event] = []
        while self._turns and self._turns[0][0] <= now:
            moment, at, turn = self._turns[0]
            if district.made(at, turn):
                found.append(district.told(at, moment, moment))
            heapreplace(self._turns, (district.moment(at, turn + 1), at, turn + 1))
        first, last = (datetime.fromtimestamp(moment, district.zone).toordinal() for moment in (start, now))
        for day in range(first, last + 1):
            for out in district.outages(day):
                if start < out.start <= now:
                    updated = district.moment(out.entry, district.last(out.entry, out.start))
                    found.append(district.told(out.entry, out.start, updated, out))
                if start < out.end <= now:
                    found.append(district.told(out.entry, out.end, out.end))
        for day in range(first - 60, last + 1):
            found += [event for event in district.asked(day) if start < event.time.timestamp() <= now]
        for at in range(len(district.apis)):
            found += [district.count(at, moment) for moment in self._counts(at, start, now)]
        self.reached = now
        return sorted(found, key=lambda event: (event.time, event.id))

    def _counts(self, at: int, start: float, now: float) -> Iterator[float]:
        """The moments at which an API is counted: at the end of each hour, and in the latest hour at each poll."""
        for hour in range(int(start // HOUR) + 1, int(now // HOUR) + 1):
            yield hour * HOUR
        poll = self.district.settings.poll
        first = max(start, now - now % HOUR, now - 2 * poll)
        turn = int(first / poll) - 1
        while (moment := (turn + unit(self.district.seed, at, "poll")) * poll) <= now:
            if moment > first:
                yield moment
            turn += 1


async def open(settings: Settings, context: Context) -> AsyncIterator[Delivery]:  # noqa: A001
    """How everything stands at the beginning of the day before, then what has happened since, then what happens.

    The cursor is the moment up to which was told.

    Raises:
        SourceFailed: if the catalogue cannot be used, or the city names no departments.
    """
    district = await asyncio.to_thread(District, settings, context)
    waiting: list[Event] = []
    if context.cursor is None:
        begin = _midnight(context.now() - timedelta(days=1), district.zone)
        story = await asyncio.to_thread(Story, district, begin)
        waiting = await asyncio.to_thread(lambda: list(story.before()))
        for at in range(0, len(waiting), CHUNK):
            done = at + CHUNK >= len(waiting)
            yield Delivery(waiting[at : at + CHUNK], f"{begin:.3f}" if done else None)
    else:
        story = await asyncio.to_thread(Story, district, float(context.cursor))
    while True:
        now = context.now().timestamp()
        if story.reached > now + HOUR:  # The clock was set back; what was told stays told.
            story = await asyncio.to_thread(Story, district, now)
        if now > story.reached:
            # A long pause is told hour by hour, so that a stop in between loses nothing.
            upto = min(now, story.reached - story.reached % HOUR + HOUR)
            waiting = await asyncio.to_thread(story.until, upto)
            yield Delivery(waiting, f"{upto:.3f}")
            if upto < now:
                continue
        await asyncio.sleep(NAP)


def _midnight(moment: datetime, zone: ZoneInfo) -> float:
    return moment.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0).timestamp()


def parse(payload: list[Event], settings: Settings, context: Context) -> Iterator[Event]:
    """What was made up is an event already."""
    yield from payload


FEED = Feed(
    kind="pretend_sharing",
    caption="A simulated district's data sharing, by seed",
    open=open,
    parse=parse,
    Settings=Settings,
    nouns=("sharing",),
    interval=10.0,
    mapped="entries of all `departments` by `catalogue` and `seed`, requests for data, and calls each `poll` seconds.",
    refused="nothing: it is made up here; a faulty `catalogue` is a failed source that names the file.",
    example='[[feeds]]\nkind = "pretend_sharing"\nname = "sharing"\ncatalogue = "nanhai_catalogue.csv"\n',
)
