"""A simulated district's cloud and network: pools, links from a core to towns and bureaus, services, certificates.

Nothing here is measured. Pools fill slowly, links carry the working day and at night the backups, one link comes and
goes in its bad hours, services and hosts fail now and then, and certificates are renewed late by those who forget.
The same seed and moment always give the same state, whatever was asked before.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from math import pi, sin
from typing import Annotated, Any, NamedTuple
from zoneinfo import ZoneInfo

from pydantic import Field

from dashboard.events import Event
from dashboard.nouns.cloud import CloudSample, Resource
from dashboard.sources.feed import Context, Delivery, Feed
from dashboard.sources.feed import Settings as Common

HOUR, DAY = 3600.0, 86400.0
PAST = 1800.0  # Seconds between two samples while the past is told.
CHUNK = 1000  # Events of one delivery.
NAP = 1.0  # Seconds after which the wall clock is looked at again.
YEAR, LIFE = 365 * DAY, 200 * DAY  # A certificate lives so long.
FRAIL = 0.025  # The share of things that are down for most of a day in three.
FAILS = {"link": 0.02, "service": 0.012, "host": 0.008}  # The share of them that fails on a day.
FLAPS, BAD = 900.0, (9, 10, 14, 15, 16, 20)  # The one that comes and goes: how often (seconds), in which hours.
LATE = (0.05, -6, 3)  # Who forgets to renew: the share, and the days before the end on which it is done.
METRICS = {"cpu": "cores", "memory": "GiB", "storage": "TiB", "gpu": "cards"}


class Settings(Common):
    """What cloud to pretend. Another seed or other lists are another cloud: begin with an empty folder."""

    seed: int = 1
    core: str = "core"  # The node that the links start from.
    disaster: str = ""  # The site that the nightly backups go to.
    bureaus: tuple[str, ...] = ()  # Nodes beside the towns, which are the places below the city.
    offices: Annotated[int, Field(ge=0, le=20)] = 2  # Nodes below each town, named after its largest places.
    services: tuple[str, ...] = ()
    hosts: Annotated[int, Field(ge=0, le=2000)] = 80
    pools: dict[str, dict[str, Annotated[float, Field(gt=0)]]] = {}  # noqa: RUF012 - pool → metric → how much there is.
    unlimited: tuple[str, ...] = ()  # ``pool/metric`` whose limit its platform does not tell.
    certificates: tuple[str, ...] = ()
    poll: Annotated[float, Field(ge=10, le=3600)] = 120.0


class Thing(NamedTuple):
    """A link, a service, a host, a pool or a certificate."""

    resource: Resource
    subject: str
    name: str = ""
    start: str = ""
    end: str = ""
    place: str = ""


def unit(*key: object) -> float:
    """A number from 0 to 1 that is as good as chance, and always the same for the same key."""
    return int.from_bytes(blake2b(repr(key).encode(), digest_size=8).digest(), "big") / 2**64


class Network:
    """The things of a cloud, and how they are at any moment."""

    def __init__(self, settings: Settings, context: Context) -> None:
        self.settings, self.zone, self.seed = settings, context.city.tz, settings.seed
        self.source = settings.source or settings.name
        links: list[Thing] = []
        core, places = settings.core, context.places
        for town in places.children(places.root.code):
            links += [Thing("link", f"{town.code}-{line}", line, core, town.name, town.code) for line in ("A", "B")]
            below = sorted(places.children(town.code), key=lambda place: (-(place.population or 0), place.code))
            links += [
                Thing("link", f"{place.code}-A", "", town.name, place.name, place.code)
                for place in below[: settings.offices]
            ]
        links += [Thing("link", f"bureau-{at + 1:02d}", "", core, name) for at, name in enumerate(settings.bureaus)]
        if settings.disaster:
            links += [Thing("link", f"backup-{line}", line, core, settings.disaster) for line in ("A", "B")]
        self.links = tuple(links)
        self.services = tuple(
            Thing("service", f"service-{at + 1:02d}", name) for at, name in enumerate(settings.services)
        ) + tuple(Thing("host", f"HOST-{at + 1:03d}") for at in range(settings.hosts))
        self.pools = tuple(Thing("pool", f"pool-{at + 1}", name) for at, name in enumerate(settings.pools))
        self.certificates = tuple(
            Thing("certificate", f"certificate-{at + 1:02d}", name) for at, name in enumerate(settings.certificates)
        )
        flapping = [at for at, link in enumerate(links) if link.name == "B" and link.end != settings.disaster]
        self.flapping = links[flapping[int(unit(self.seed, "flaps") * len(flapping))]].subject if flapping else ""

    def up(self, thing: Thing, moment: float) -> bool:
        """Whether it is up: it fails on few days, for some minutes; frail ones for most of a day in three, and the
        restless one for a while every so often.
        """
        if unit(self.seed, thing.subject, "frail") < FRAIL:
            shifted = moment + 60 * HOUR * unit(self.seed, thing.subject, "turn")
            if shifted % (60 * HOUR) < 20 * HOUR:
                return False
        if thing.subject == self.flapping:
            turn = int(moment // FLAPS)
            start = turn * FLAPS + 300 * unit(self.seed, turn, "from")
            if self._local(moment).hour in BAD and start <= moment < start + 150 + 200 * unit(self.seed, turn, "for"):
                return False
        key = (self.seed, thing.subject, int(moment // DAY))
        if unit(*key, "fails") >= FAILS[thing.resource]:
            return True
        start = moment - moment % DAY + 20 * HOUR * unit(*key, "from")
        return not start <= moment < start + 60 * (6 + 170 * unit(*key, "for") ** 2)

    def load(self, thing: Thing, moment: float) -> float:
        """How much of a link is used, in percent."""
        local = self._local(moment)
        hour = local.hour + local.minute / 60
        if thing.end == self.settings.disaster:
            night = 78 + 18 * sin(pi * (hour - 1) / 3) if 1 <= hour < 4 else 4.0
            return round(night + 3 * unit(self.seed, thing.subject, int(moment // 600)), 1)
        base = 6 + 20 * unit(self.seed, thing.subject, "base")
        peak = 28 + 38 * unit(self.seed, thing.subject, "peak")
        day = max(0.0, sin(pi * (hour - 7) / 12)) * (0.45 if local.weekday() >= 5 else 1.0)
        day *= 0.8 if 12 <= hour < 14 else 1.0
        spare = 0.3 if thing.name == "B" else 1.0
        return round(spare * (base + peak * day) + 4 * unit(self.seed, thing.subject, int(moment // 600)), 1)

    def link(self, thing: Thing, moment: float) -> dict[str, float]:
        """What is measured of a link; one that is down has neither latency nor load."""
        if not self.up(thing, moment):
            return {"up": 0.0}
        load = self.load(thing, moment)
        near = 0.0008 + 0.004 * unit(self.seed, thing.subject, "far")
        jitter = 0.0006 * unit(self.seed, thing.subject, int(moment // 120), "jitter")
        queue = 0.06 * max(0.0, (load - 85) / 15) ** 2
        loss = 0.03 * unit(self.seed, thing.subject, int(moment // 300), "loss") ** 3 + max(0.0, load - 90) * 0.12
        if thing.subject == self.flapping and self._local(moment).hour in BAD:
            loss += 1.6 + unit(self.seed, int(moment // 300), "lossy")
        return {"up": 1.0, "latency": round(near + jitter + queue, 5), "loss": round(loss, 3), "load": load}

    def pool(self, thing: Thing, moment: float) -> dict[str, tuple[float, float | None]]:
        """What is allocated of a pool and how much there is; it fills by some percent in a year and jumps by days."""
        found: dict[str, tuple[float, float | None]] = {}
        for metric, limit in self.settings.pools[thing.name].items():
            share = 0.46 + 0.38 * unit(self.seed, thing.subject, metric)
            share += 0.06 * ((moment % YEAR) / YEAR) + 0.02 * unit(self.seed, thing.subject, metric, int(moment // DAY))
            used = round(min(0.97, share) * limit)
            told = f"{thing.name}/{metric}" not in self.settings.unlimited
            found[metric] = (float(used), limit if told else None)
        return found

    def ends(self, thing: Thing, moment: float) -> float:
        """When a certificate ends: it is renewed some weeks before, or by those who forget, days after."""
        share, latest, earliest = LATE
        forgets = unit(self.seed, thing.subject, "forgets") < share
        lead = latest + (earliest - latest) * unit(self.seed, thing.subject, "lead") if forgets else None
        days = lead if lead is not None else 4 + 40 * unit(self.seed, thing.subject, "days")
        offset = LIFE * unit(self.seed, thing.subject, "issued")
        end = offset + LIFE * int((moment - offset) // LIFE + 1)
        return end + LIFE if end - moment < days * DAY else end

    def _local(self, moment: float) -> datetime:
        return datetime.fromtimestamp(moment, self.zone)

    # -- as events -----------------------------------------------------------------------------------------

    def samples(self, moment: float, since: float, step: float, *, all_of_it: bool = True) -> Iterator[CloudSample]:
        """The samples that fall after ``since`` and up to ``moment``, where each thing is sampled once in a ``step``;
        without ``all_of_it`` only what is kept of a day: states and loads.
        """
        for thing in (*self.links, *self.services):
            for at in _turns(self.seed, thing.subject, since, moment, step):
                metrics = self.link(thing, at) if thing.resource == "link" else {"up": float(self.up(thing, at))}
                for metric, value in metrics.items():
                    if all_of_it or metric in ("up", "load"):
                        yield self._sample(thing, metric, value, at, {"latency": "s", "up": ""}.get(metric, "%"))
        if not all_of_it:
            return
        for thing in self.pools:
            for at in _turns(self.seed, thing.subject, since, moment, step):
                for metric, (used, limit) in self.pool(thing, at).items():
                    yield self._sample(thing, metric, used, at, METRICS.get(metric, ""), limit)
        for thing in self.certificates:
            for at in _turns(self.seed, thing.subject, since, moment, max(step, HOUR)):
                yield self._sample(thing, "expires", self.ends(thing, at), at, "s")

    def everything(self, moment: float) -> list[CloudSample]:
        """All pools and certificates at one moment, for a beginning."""
        found = [
            self._sample(thing, metric, used, moment, METRICS.get(metric, ""), limit)
            for thing in self.pools for metric, (used, limit) in self.pool(thing, moment).items()
        ]  # fmt: skip
        return found + [
            self._sample(thing, "expires", self.ends(thing, moment), moment, "s") for thing in self.certificates
        ]

    def _sample(
        self, thing: Thing, metric: str, value: float, at: float, unit_: str, limit: float | None = None
    ) -> CloudSample:
        return CloudSample(
            id=f"{thing.subject}:{metric}:{round(at * 1000)}", source=self.source, subject=thing.subject,
            time=datetime.fromtimestamp(round(at, 3), UTC), resource=thing.resource, metric=metric, value=value,
            unit=unit_, limit=limit, name=thing.name, start=thing.start, end=thing.end, place=thing.place,
        )  # fmt: skip


def _turns(seed: int, subject: str, since: float, moment: float, step: float) -> Iterator[float]:
    """The moments after ``since`` and up to ``moment`` at which a thing is sampled."""
    phase = unit(seed, subject, "phase")
    turn = int(since / step - phase) - 1
    while (at := (turn + phase) * step) <= moment:
        if at > since:
            yield at
        turn += 1


def told(network: Network, since: float, moment: float) -> list[Event]:
    """What is sampled after ``since`` and up to ``moment``, in order: long past only now and then, and its states."""
    near = max(since, moment - 2 * network.settings.poll)
    found: list[Event] = []
    if near > since:
        found += network.samples(near, since, max(PAST, network.settings.poll), all_of_it=False)
        found += network.everything(near)
    found += network.samples(moment, near, network.settings.poll)
    return sorted(found, key=lambda event: (event.time, event.id))


async def open(settings: Settings, context: Context) -> AsyncIterator[Delivery]:  # noqa: A001
    """The last day in half hours, then each thing as it is due. The cursor is the moment up to which was told."""
    network = await asyncio.to_thread(Network, settings, context)
    reached = _day_before(context.now(), context.city.tz) if context.cursor is None else float(context.cursor)
    while True:
        now = context.now().timestamp()
        if reached > now + HOUR:  # The clock was set back; what was told stays told.
            reached = now
        if now > reached:
            waiting: list[Any] = await asyncio.to_thread(told, network, max(reached, now - DAY), now)
            for at in range(0, len(waiting), CHUNK):
                done = at + CHUNK >= len(waiting)
                yield Delivery(waiting[at : at + CHUNK], f"{now:.3f}" if done else f"{reached:.3f}")
            if not waiting:
                yield Delivery([], f"{now:.3f}")
            reached = now
        await asyncio.sleep(NAP)


def _day_before(now: datetime, zone: ZoneInfo) -> float:
    return (now.astimezone(zone) - timedelta(days=1)).timestamp()


def parse(payload: list[Event], settings: Settings, context: Context) -> Iterator[Event]:
    """What was made up is an event already."""
    yield from payload


FEED = Feed(
    kind="pretend_cloud",
    caption="A simulated district's cloud and network, by seed",
    open=open,
    parse=parse,
    Settings=Settings,
    nouns=("cloud",),
    interval=10.0,
    mapped="pools, links, services, hosts and certificates of its lists by `seed`, each sampled every `poll` seconds.",
    refused="nothing: it is made up here.",
    example=(
        '[[feeds]]\nkind = "pretend_cloud"\nname = "cloud"\ncore = "区核心"\nbureaus = ["公安分局", "教育局"]\n'
        'services = ["政务服务平台"]\npools = { "政务云" = { cpu = 4096, memory = 16384 } }\n'
    ),
)
