"""A feed at work as in the house, with its spool and its health, but without a stream behind it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, cast

from dashboard.city import City
from dashboard.events import Event
from dashboard.ground.outlines import Gazetteer
from dashboard.ground.placefile import read_places
from dashboard.sources.feed import BoundFeed, Context, bind
from dashboard.travel.feeder import Clock, Outlet, Runner, wall
from dashboard.travel.spool import Spool


class Sink(Outlet):
    """An outlet that ends at the disk, remembers what was new, and refuses when it is told to."""

    def __init__(self, spool: Spool) -> None:
        self.spool = spool
        self.fresh = asyncio.Event()
        self._lock = asyncio.Lock()
        self.sender = cast(Any, type("Nowhere", (), {"position": 0}))
        self.refuse: Callable[[], bool] = lambda: False
        self.puts = 0  # Deliveries that were stored, empty ones too.

    async def put(self, events: Any, rejected: Any = (), cursor: str | None = None) -> Any:
        """Store, unless it is told to refuse this time."""
        from dashboard.travel.spool import SpoolFull

        if self.refuse():
            raise SpoolFull("the test's disk takes nothing just now")
        counted = await super().put(events, rejected, cursor)
        self.puts += 1
        return counted


class Station:
    """One feed of a city at work on a folder."""

    def __init__(self, city: City, folder: Path, name: str | None = None, now: Clock = wall) -> None:
        bounds = {bound.name: bound for bound in bind(city)}
        self.bound: BoundFeed = bounds[name or next(iter(bounds))]
        places = read_places(city)
        self.spool = Spool(folder / "spool" / f"{self.bound.name}.db", durable=False)
        self.sink = Sink(self.spool)
        context = Context(city, places, Gazetteer.of(city, places), None, now, folder)
        self.runner = Runner(self.bound, self.sink, context)

    def events(self) -> list[Event]:
        """All that is on the disk, in the order it was stored."""
        from dashboard.board import CODEC

        return [event for batch in self.spool.batches(0, 1_000_000) for event in CODEC.unpack(batch.packed)]

    def counted(self) -> tuple[int, int, int]:
        """Stored, duplicate and dead, which are together what was received."""
        found = self.spool.counters
        assert found.received == found.stored + found.duplicate + found.dead
        return found.stored, found.duplicate, found.dead

    def close(self) -> None:
        """Let go of the disk."""
        self.spool.close()

    @asynccontextmanager
    async def working(self) -> AsyncIterator[Station]:
        """The feed runs meanwhile."""
        task = asyncio.create_task(self.runner.run())
        try:
            yield self
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def soon(true: Callable[[], Any], seconds: float = 10.0, what: object = "") -> Any:
    """Wait for a condition without blocking the loop, and return what it gave."""
    end = asyncio.get_running_loop().time() + seconds
    while not (found := true()):
        said = what() if callable(what) else what
        assert asyncio.get_running_loop().time() < end, f"not within {seconds:g} s: {said or true}"
        await asyncio.sleep(0.01)
    return found


class Lines(logging.Handler):
    """The lines the feeds write to the log."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []
        logging.getLogger("feeds").addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a line."""
        self.said.append(record.getMessage())

    def of(self, name: str, kind: str) -> list[str]:
        """The lines of a feed that begin with ``down`` or ``up``."""
        return [line for line in self.said if line.startswith(f"{name}: {kind}")]

    def close(self) -> None:
        """Listen no longer."""
        logging.getLogger("feeds").removeHandler(self)
        super().close()
