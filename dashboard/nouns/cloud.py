"""The cloud and the network: pools and what is taken of them, links, hosts and services, certificates."""

from __future__ import annotations

from math import isfinite
from typing import Annotated, Literal

import msgspec

from dashboard.events import Event
from dashboard.nouns.noun import Rules, SetBack
from dashboard.nouns.standing import Standing

SLOT = 300  # Seconds; for each slot it is kept whether the thing was up in all samples of it.
SLOTS = 288  # A day.
HALF_HOUR = 1800  # Seconds; for each it is kept how much of a thing was used at most.
LOADS = 48  # A day of them.
Resource = Literal["pool", "host", "link", "service", "certificate"]


class CloudSample(Event, frozen=True, kw_only=True, omit_defaults=True, tag="cloud.sample"):
    """A thing (``subject``) of a kind (``resource``) had ``value`` of ``metric`` at ``time``.

    ``up`` is 1 or 0. ``latency`` is in seconds, ``loss`` and ``load`` in percent. Of a pool the metric is what is
    allocated (``cpu``, ``memory``, ``storage``…) and ``limit`` what there is of it in the same ``unit``. Of a
    certificate ``expires`` is in seconds since 1970 UTC. A link joins ``start`` and ``end``, which are names of nodes.
    """

    of_the_city = True

    resource: Resource
    metric: Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
    value: Annotated[float, msgspec.Meta(ge=-1e15, le=1e15)]
    unit: str = ""
    limit: Annotated[float, msgspec.Meta(ge=0, le=1e15)] | None = None
    name: str = ""
    start: str = ""
    end: str = ""
    place: str = ""
    point: tuple[float, float] | None = None
    flaw: str = ""


class Sample(msgspec.Struct, gc=False, array_like=True):
    """The latest sample of one metric."""

    at: float
    id: str
    value: float
    unit: str
    limit: float | None


class Thing(msgspec.Struct, array_like=True):
    """What is known of one host, link, service, pool or certificate. ``at`` and ``id`` are the latest sample's."""

    source: str
    resource: str
    subject: str
    at: float = 0.0
    id: str = ""
    name: str = ""
    place: str = ""
    metrics: dict[str, Sample] = {}
    slots: dict[int, bool] = {}
    start: str = ""
    end: str = ""
    seen_up: float = 0.0  # When it was seen up last; 0 if never.
    loads: dict[int, float] = {}

    @property
    def key(self) -> str:
        """The thing's name across all sources; a source holds no ``|``."""
        return f"{self.source}|{self.resource}|{self.subject}"

    def take(self, event: CloudSample) -> None:
        """Take in a sample; the same samples in any order, any number of times, end in the same thing."""
        moment = event.time.timestamp()
        known = self.metrics.get(event.metric)
        if known is None or (moment, event.id) > (known.at, known.id):
            self.metrics[event.metric] = Sample(moment, event.id, event.value, event.unit, event.limit)
        if event.metric == "load":
            self._load(int(moment // HALF_HOUR), event.value)
        if event.metric == "up":
            if event.value >= 1:
                self.seen_up = max(self.seen_up, moment)
            number, newest = int(moment // SLOT), max(self.slots, default=0)
            if number > newest - SLOTS:
                self.slots[number] = self.slots.get(number, True) and event.value >= 1
            if number > newest:
                self.slots = {at: up for at, up in self.slots.items() if at > number - SLOTS}
        if (moment, event.id) > (self.at, self.id):
            self.at, self.id, self.name, self.place = moment, event.id, event.name, event.place
            self.start, self.end = event.start, event.end

    def _load(self, number: int, value: float) -> None:
        newest = max(self.loads, default=0)
        if number > newest - LOADS:
            self.loads[number] = max(self.loads.get(number, value), value)
        if number > newest:
            self.loads = {at: load for at, load in self.loads.items() if at > number - LOADS}

    def set_back(self, now: float) -> None:
        """Hold what was sampled at moments after ``now`` to be of now: it was stamped by a clock that ran ahead."""
        for sample in self.metrics.values():
            sample.at = min(sample.at, now)
        self.at, self.seen_up = min(self.at, now), min(self.seen_up, now)
        last = int(now // SLOT)
        self.slots = {number: up for number, up in self.slots.items() if number <= last}
        self.loads = {number: load for number, load in self.loads.items() if number <= now // HALF_HOUR}

    def state(self, now: float, silent: float) -> str:
        """``up``, ``down``, or ``unknown`` where its state was not sampled within ``silent`` seconds.

        Unknown is not down: nobody has seen it fail.
        """
        up = self.metrics.get("up")
        if up is None or now - up.at > silent:
            return "unknown"
        return "up" if up.value >= 1 else "down"

    def availability(self, now: float) -> tuple[int, int]:
        """Slots of the last day in which it was up throughout, of those in which it was sampled at all."""
        first = int(now // SLOT) - SLOTS
        seen = [up for at, up in self.slots.items() if at > first]
        return sum(seen), len(seen)

    def falls(self, now: float) -> int:
        """How often it went down in the last day: runs of slots that were not up throughout."""
        first = int(now // SLOT) - SLOTS
        seen = [self.slots[at] for at in sorted(self.slots) if at > first]
        return sum(not up and (at == 0 or seen[at - 1]) for at, up in enumerate(seen))

    def day(self, now: float) -> list[list[float]]:
        """What was used of it at most, as ``[moment, load]`` of the half hours of the last day in which it was told."""
        first = int(now // HALF_HOUR) - LOADS
        return [[float(at * HALF_HOUR), self.loads[at]] for at in sorted(self.loads) if at > first]


class Cloud:
    """The slice of the cloud and the network: every thing, and which of them stand at or below each place."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.things: dict[str, Thing] = {}
        self.standing = Standing(rules.places)
        self._time = SetBack()

    def fold(self, event: Event) -> None:
        """Take in a sample. One that is no finite number cannot come by a feed, and is left out here."""
        if not isinstance(event, CloudSample) or not isfinite(event.value):
            return
        event = self._time.held(event)
        key = f"{event.source}|{event.resource}|{event.subject}"
        thing = self.things.get(key)
        if thing is None:
            thing = self.things[key] = Thing(event.source, event.resource, event.subject)
            self.standing.put(key, thing.place)
        before = thing.place
        thing.take(event)
        self.standing.move(key, before, thing.place)

    def at(self, place: str, *resources: str) -> list[Thing]:
        """The things at or below a place, of some kinds or of all, by key."""
        found = (self.things[key] for key in self.standing.at(place))
        return [thing for thing in found if not resources or thing.resource in resources]

    def advance(self, now: float) -> None:
        """Ages are worked out when a view is asked for; only a clock that is put right changes anything."""
        if self._time.to(now):
            for thing in self.things.values():
                thing.set_back(now)

    def dump(self) -> object:
        """The things."""
        return list(self.things.values())

    def load(self, dumped: object) -> None:
        """Take the things back."""
        self.things, self.standing = {}, Standing(self.rules.places)
        for thing in msgspec.convert(dumped, list[Thing]):
            self.things[thing.key] = thing
            self.standing.put(thing.key, thing.place)
