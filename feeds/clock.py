"""The city's time: one tick for every full second of wall time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from math import floor

from dashboard.events import Event
from dashboard.nouns.clock import ClockTick
from dashboard.sources.feed import Context, Delivery, Feed, Settings


async def open(settings: Settings, context: Context) -> AsyncIterator[Delivery]:  # noqa: A001
    """The full seconds of wall time (seconds since 1970 UTC) as they begin, the current one at once.

    Nothing is made up for: after a pause of minutes the next tick is the present one. A clock that is set
    back goes on ticking from there.
    """
    told: int | None = None
    while True:
        moment = context.now().timestamp()
        second = floor(moment)
        if second != told:
            told = second
            yield Delivery(second)
        else:
            await asyncio.sleep(second + 1 - moment)


def parse(payload: int, settings: Settings, context: Context) -> Iterator[Event]:
    """One tick; its id is the second itself."""
    time = datetime.fromtimestamp(payload, UTC)
    yield ClockTick(id=time.isoformat(), source=settings.source or settings.name, time=time, wall=time)


FEED = Feed(
    kind="clock",
    caption="The city's time, once a second",
    open=open,
    parse=parse,
    nouns=("clock",),
    interval=1.0,
    mapped="each full second of wall time is a tick; after a pause the next tick is the present one.",
    refused="nothing: it asks no source.",
    example='[[feeds]]\nkind = "clock"\nname = "clock"\n',
)
