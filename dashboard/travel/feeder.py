"""The feeds' process: opens every feed of the city, puts what it gives on disk and moves it into the stream."""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, aclosing, suppress
from dataclasses import replace
from datetime import UTC, datetime
from math import inf
from time import monotonic
from typing import Any, TypeVar, cast

from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from dashboard.events import Event
from dashboard.ground.outlines import Gazetteer
from dashboard.ground.placefile import read_places
from dashboard.nouns.health import BEAT, FeedBeat
from dashboard.sources.feed import (
    BoundFeed,
    Context,
    Delivery,
    Post,
    Rejected,
    SourceFailed,
    SourceNonsense,
    every_feed,
)
from dashboard.travel.roles import Backoff, House, Ups, only_one, roomy
from dashboard.travel.spool import TURNS, Counters, Spool, SpoolFull
from dashboard.travel.stream import Keys, Sender, connect_async

log = logging.getLogger("feeds")
PIPELINE = 16  # Batches sent in one round trip.
LOOK = 3.0  # Seconds between two looks at what the stream and history have.
MOST = 2_000_000  # Batches in the stream, 0.5 to 4 GB of memory; while history is away, later ones wait on the disk.
HOUSE = "_house"  # The spool of the feeds' beats.
# The spools' own threads: names that nobody resolves and shares that hang fill up those that all others have.
DISK = ThreadPoolExecutor(8, "spool")
Clock = Callable[[], datetime]
T = TypeVar("T")


def wall() -> datetime:
    """Wall time in UTC."""
    return datetime.now(UTC)


async def _on_disk(work: Callable[..., T], *given: Any) -> T:
    return await asyncio.get_running_loop().run_in_executor(DISK, work, *given)


class Outlet:
    """A spool with its way into the stream; ``held`` says in a sentence why it waits, and is empty while it does not.

    It waits while the stream holds more than ``most`` batches: nothing is dropped from there before the board and
    history have it, and history may be away for days. What was in the stream already and is asked for again does not
    wait: without it those who read it do not go on, and the stream would never be shorter. As after a restart nobody
    knows what that is, neither does what was on the disk then.
    """

    held = ""

    def __init__(self, spool: Spool, redis: Redis, keys: Keys, most: float = MOST) -> None:
        self.spool, self.redis, self.keys, self.most = spool, redis, keys, most
        self._owed, self._reached = spool.latest, 0
        self.sender = Sender(redis, keys, spool.id)
        self.fresh = asyncio.Event()
        self._lock = asyncio.Lock()

    async def put(
        self, events: Sequence[Event], rejected: Sequence[Rejected] = (), cursor: str | None = None
    ) -> Counters:
        """Store durably, and wake the sender.

        Raises:
            SpoolFull: if the disk takes nothing; then nothing was stored.
        """
        async with self._lock:
            counted = await _on_disk(self.spool.put, events, rejected, cursor)
        self.fresh.set()
        return counted

    async def send(self) -> None:
        """Move batches into the stream as they come, for ever; and forget those that history has."""
        backoff, ups = Backoff(), Ups(log, f"{self.spool.file.stem}: the stream")
        known, looked, full = False, monotonic(), False
        me = cast("asyncio.Task[None]", asyncio.current_task())
        while not me.cancelling():  # Before Python 3.12 wait_for, here and in the client, may swallow a cancellation.
            try:
                if not known or monotonic() - looked > LOOK:
                    await self.sender.learn()  # The stream may have been lost while nothing was sent.
                    self._note()
                    await self.trim()
                    length = await self._length()
                    known, looked, full = True, monotonic(), length > self.most
                if full and self._owed <= self.sender.position < self.spool.latest:
                    self.held = (
                        f"waits: the stream holds {length:,} batches that history or the board has not taken yet"
                    )
                    ups.down(self.held)
                    known = False
                    await asyncio.sleep(LOOK)
                    continue
                self.held = ""
                self.fresh.clear()
                batches = await _on_disk(self.spool.batches, self.sender.position, PIPELINE)
                if full:  # What came since the stream was looked at waits, too.
                    batches = [batch for batch in batches if batch.seq <= self._owed]
                if batches and not await self.sender.send(batches):
                    log.warning("%s: the stream goes on from batch %d", self.spool.file.stem, self.sender.position)
                self._note()
                ups.up()
                backoff.reset()
                if not batches:
                    with suppress(TimeoutError):
                        await asyncio.wait_for(self.fresh.wait(), LOOK)
            except (RedisError, SpoolFull, OSError) as error:
                ups.down(error)
                known = False
                await asyncio.sleep(backoff.next())
        raise asyncio.CancelledError

    async def _length(self) -> int:
        try:
            return int(await self.redis.xlen(self.keys.log))
        except ResponseError:
            return 0  # Something else stands under this name; the next batch puts it aside.

    def _note(self) -> None:
        """Note where the stream is; if it is behind where it was, it is owed all that is there."""
        if self.sender.position < self._reached:
            self._owed = self.spool.latest
        self._reached = self.sender.position

    async def trim(self) -> None:
        """Forget the batches that history has."""
        reached = await cast(Any, self.redis.hget(self.keys.history, self.spool.id))
        if reached:
            async with self._lock:
                await _on_disk(self.spool.trim, int(reached))


class Runner:
    """One feed at work."""

    def __init__(self, bound: BoundFeed, outlet: Outlet, context: Context) -> None:
        self.bound, self.outlet, self.context = bound, outlet, context
        self.last_success: datetime | None = None
        self.last_event: datetime | None = None
        self.restarts = 0
        self.error = ""
        self.began: datetime | None = None
        self.done = asyncio.Event()

    async def take(self, payload: object, cursor: str | None = None) -> Counters:
        """Parse a payload and store what comes of it.

        Raises:
            SpoolFull: if the disk takes nothing.
        """
        return await self.take_read(*read(self.bound, payload, self.context), cursor)

    async def take_read(self, events: list[Event], rejected: list[Rejected], cursor: str | None = None) -> Counters:
        """Store what was read already.

        Raises:
            SpoolFull: if the disk takes nothing.
        """
        counted = await self.outlet.put(events, rejected, cursor)
        self.last_success = self.context.now()
        if events:
            self.last_event = max(event.time for event in events)
        return counted

    async def _take_fetched(self, delivery: Delivery) -> str:
        """Take what was fetched; what is wrong with it as a whole, in a sentence, or "" if it could be read."""
        events, rejected = read(self.bound, delivery.payload, self.context)
        before = self.last_success
        await self.take_read(events, rejected, delivery.cursor)
        nonsense = [letter for letter in rejected if letter.whole]
        if not nonsense:
            return ""
        self.last_success = before  # It was reached, and has told us nothing.
        return f"what it sends cannot be read: {nonsense[0].reason}: {nonsense[0].detail}"

    async def run(self) -> None:
        """Fetch for ever; back off while the source or the disk fails, but for no longer than a wall may wait."""
        if self.bound.feed.open is None:
            return
        # A source that is to be heard often is looked for as often: it is back within one interval.
        cap = min(8.0, max(1.0, self.bound.settings.interval or 8.0))
        backoff, ups = Backoff(first=0.5, cap=cap), Ups(log, self.bound.name)
        self.began = self.context.now()
        while True:
            wait = 0.0
            try:
                context = replace(self.context, cursor=self.outlet.spool.cursor)
                deliveries = self.bound.feed.open(self.bound.settings, context)
                async with aclosing(cast(Any, deliveries)) as source:
                    async for delivery in source:
                        self.error = await self._take_fetched(delivery)
                        if self.error:
                            ups.down(SourceFailed(self.error))
                        else:
                            ups.up()
                        backoff.reset()
                self.done.set()  # A source that ends, such as a file read once.
                return
            except (SourceFailed, SpoolFull) as error:
                self.error = str(error)
                ups.down(error)
                wait = error.wait if isinstance(error, SourceFailed) else 0.0
            except Exception as error:
                self.error = f"fault in the feed: {error}"
                log.exception("%s: fault in the feed", self.bound.name)
            self.restarts += 1
            await asyncio.sleep(max(wait, backoff.next()))

    def beat(self, now: datetime, number: int) -> FeedBeat:
        """How the feed is doing at ``now``."""
        c = self.outlet.spool.counters
        if self.last_success is not None and self.last_success > now:
            self.last_success = now  # The clock was set back since; what never comes again must still grow old.
        return FeedBeat(
            id=f"{now.timestamp():.3f}-{number}", source="house", time=now, subject=self.bound.name,
            received=c.received, stored=c.stored, duplicate=c.duplicate, dead=c.dead, flawed=c.flawed,
            restarts=self.restarts, waiting=max(0, self.outlet.spool.latest - self.outlet.sender.position),
            last_success=self.last_success, last_event=self.last_event, error=self.error or self.outlet.held,
            began=self.began, done=self.done.is_set(),
        )  # fmt: skip


def read(bound: BoundFeed, payload: object, context: Context) -> tuple[list[Event], list[Rejected]]:
    """Parse a payload into events and rejected records; a payload that is nonsense is one rejected record."""
    events: list[Event] = []
    rejected: list[Rejected] = []
    try:
        for found in bound.feed.parse(payload, bound.settings, context):
            if isinstance(found, Rejected):
                rejected.append(found)
            else:
                events.append(found)
    except SourceNonsense as error:
        return [], [Rejected(error.reason, _raw(payload), "", error.detail, whole=True)]
    return events, rejected


def _raw(payload: object) -> str:
    body = payload.body if isinstance(payload, Post) else payload
    return body[:5000].decode("utf-8", "replace") if isinstance(body, bytes) else str(body)[:5000]


class Feeder:
    """All feeds of a city, in one event loop."""

    def __init__(self, house: House, now: Clock = wall) -> None:
        self.house, self.now = house, now
        roomy()
        self._open = ExitStack()
        self._open.enter_context(only_one(house.data, "feeds"))
        places = read_places(house.city)
        gazetteer = Gazetteer.of(house.city, places)
        self.redis = connect_async(house.redis_url)
        self.beats = Outlet(Spool(house.spools / f"{HOUSE}.db"), self.redis, house.keys, inf)
        self.runners: dict[str, Runner] = {}
        for bound in every_feed(house.city):
            # What is pushed may be delivered again when it is long out of date; what is asked for is of now.
            turns = 1 if bound.feed.open is None else TURNS
            # The house's beats, its clock and what people do are few, and without them the wall would stand still.
            most = inf if bound.feed.kind == "clock" or bound.feed.everywhere else MOST
            outlet = Outlet(Spool(house.spools / f"{bound.name}.db", turns=turns), self.redis, house.keys, most)
            context = Context(house.city, places, gazetteer, outlet.spool.cursor, now, house.data)
            self.runners[bound.name] = Runner(bound, outlet, context)

    async def run(self) -> None:
        """Work until cancelled."""
        gc.freeze()
        gc.set_threshold(50_000, 20, 50)  # Events come and go by the thousand, and none is in a cycle.
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.beats.send())
            tasks.create_task(self._beat())
            for runner in self.runners.values():
                tasks.create_task(runner.outlet.send())
                tasks.create_task(runner.run())
                tasks.create_task(self._tell_end(runner))

    async def _tell_end(self, runner: Runner) -> None:
        """Beat at once when a source has ended."""
        await runner.done.wait()
        with suppress(SpoolFull):
            await self.beats.put([runner.beat(self.now(), -1)])

    async def _beat(self) -> None:
        """Put every feed's beat on disk, every ``BEAT`` seconds."""
        while True:
            now = self.now()
            beats = [runner.beat(now, number) for number, runner in enumerate(self.runners.values())]
            try:
                await self.beats.put(beats)
            except SpoolFull as error:
                log.error("%s", error)
            await asyncio.sleep(BEAT)

    def close(self) -> None:
        """Let go of the spools."""
        for outlet in (self.beats, *(runner.outlet for runner in self.runners.values())):
            outlet.spool.close()
        self._open.close()
