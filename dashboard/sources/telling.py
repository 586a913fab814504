"""Telling: what a simulated district says day by day, each thing when its moment has come, and each only once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from functools import partial
from typing import Any, NamedTuple, Protocol
from zoneinfo import ZoneInfo

from dashboard.events import Event
from dashboard.sources.feed import Context, Delivery, Settings

CHUNK = 1000  # Events of one delivery while catching up.
QUIET = 5.0  # Seconds after which a delivery without events says that nothing has happened.
NAP = 1.0  # Seconds after which the wall clock is looked at again, should it have been set.


class Happening(Protocol):
    """What is told: its moment in milliseconds since 1970 UTC, and its id."""

    @property
    def moment(self) -> int:
        """When it happens."""

    @property
    def id(self) -> str:
        """What tells it apart from all others."""


class Told(NamedTuple):
    """One thing that happens: when (milliseconds), its id, what it is about, of which kind, and what is said."""

    moment: int
    id: str
    subject: str
    kind: str
    about: Mapping[str, Any]

    @classmethod
    def at(cls, moment: float, name: str, subject: str, kind: str, /, **about: Any) -> Told:
        """One thing at a moment in seconds."""
        return cls(round(moment * 1000), name, subject, kind, about)


class Begun(NamedTuple):
    """Where a story stands: the local days (``date.toordinal``) it began on and goes on with, and what was last."""

    first: int
    day: int
    after: tuple[int, str]  # Moment and id.


class Teller:
    """Tells what it is given in order; ``mark`` is what its cursors begin with, before moment and id of the last."""

    def __init__(self, mark: str, now: Callable[[], datetime]) -> None:
        self.mark, self.now = mark, now
        self.heard = asyncio.get_running_loop().time()

    async def tell(
        self, waiting: Sequence[Happening], stay: Callable[[], bool] = lambda: False
    ) -> AsyncIterator[Delivery]:
        """Each when its moment has come; after the last one it is quiet as long as it is to ``stay``."""
        at = 0
        while at < len(waiting) or stay():
            now = 1000 * self.now().timestamp()
            end = at
            while end < len(waiting) and end < at + CHUNK and waiting[end].moment <= now:
                end += 1
            if end > at:
                last = waiting[end - 1]
                yield Delivery(waiting[at:end], f"{self.mark} {last.moment} {last.id}")
                at, self.heard = end, asyncio.get_running_loop().time()
                continue
            if asyncio.get_running_loop().time() - self.heard >= QUIET:
                self.heard = asyncio.get_running_loop().time()
                yield Delivery([])
            wait = (waiting[at].moment - now) / 1000 if at < len(waiting) else NAP
            await asyncio.sleep(min(max(wait, 0.001), NAP))


def midnight(day: int, zone: ZoneInfo) -> float:
    """The moment (seconds) at which a local day (``date.toordinal``) begins."""
    return datetime.combine(date.fromordinal(day), datetime.min.time(), zone).timestamp()


def begun(context: Context, days: int) -> Begun:
    """Where the cursor says that the story stands; without one it begins ``days`` days ago."""
    if context.cursor is None:
        first = context.now().astimezone(context.city.tz).toordinal() - days
        return Begun(first, first, (0, ""))
    number, moment, name = context.cursor.split(" ", 2)
    reached = datetime.fromtimestamp(int(moment) / 1000, UTC).astimezone(context.city.tz).toordinal()
    return Begun(int(number), max(int(number), reached), (int(moment), name))


async def day_by_day(context: Context, start: Begun, day_of: Callable[[int], list[Told]]) -> AsyncIterator[Delivery]:
    """All that happens since ``start``, without end; ``day_of`` gives what a local day has, in order."""

    def lasts(day: int) -> bool:
        return day >= context.now().astimezone(context.city.tz).toordinal()

    teller, day = Teller(str(start.first), context.now), start.day
    while True:
        today = await asyncio.to_thread(day_of, day)
        waiting = [told for told in today if told[:2] > start.after]
        async for delivery in teller.tell(waiting, partial(lasts, day)):
            yield delivery
        day += 1


def events_of(payload: Sequence[Told], kinds: Mapping[str, Any], settings: Settings) -> Iterator[Event]:
    """One event for each thing told; ``kinds`` are the types of events by kind."""
    source = settings.source or settings.name
    for moment, name, subject, kind, about in payload:
        time = datetime.fromtimestamp(moment / 1000, UTC)
        yield kinds[kind](id=name, source=source, time=time, subject=subject, **about)
