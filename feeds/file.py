"""A table of tickets in a file: CSV, TSV, JSON or JSON lines, read once, followed, or replayed.

Each row gives ``ticket.reported`` and, once it is closed, ``ticket.closed``, with ids made of the ticket's
number. So a file may be read again and again: what was there before is a duplicate, and a row that has been
closed since gives one new event. The cursor names the byte up to which the file has been read and a hash of
all bytes before it; a file that is another one by then is read from its beginning.

In a replay this feed also tells the city's time. ``max`` reads as fast as it can and each chunk's latest
report is the time; at the end it is the end of the last report's day, so that the wall shows that day. With a
number, all dates are moved so that the first row is now, and time passes that many times faster.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

import msgspec
from pydantic import Field, model_validator

from dashboard.events import Event
from dashboard.nouns.clock import ClockTick
from dashboard.nouns.tickets import TicketReported
from dashboard.sources.feed import Context, Delivery, Feed, Rejected, SourceFailed
from dashboard.sources.tablefile import Mark, TableFile
from dashboard.sources.tables import Chunk, TableSettings, read
from dashboard.sources.values import moments

TICK = 0.2  # Seconds of wall time between two ticks of a paced replay.

Items = list[Event | Rejected]
Payload = Chunk | Items | list[Rejected]


class Settings(TableSettings):
    """Which file, how it is read, and whether it is over then."""

    path: str  # Relative to the city file.
    follow: bool = False  # Go on when the file grows or is replaced; else it is read once.
    look: Annotated[float, Field(gt=0)] = 1.0  # Seconds between two looks at a followed file.
    settle: Annotated[float, Field(gt=0)] = 10.0  # Seconds after which a last line without an end is taken as it is.
    replay: Literal["off", "max"] | Annotated[float, Field(gt=0, allow_inf_nan=False)] = "off"

    @model_validator(mode="after")
    def _one_of_them(self) -> Settings:
        if self.follow and self.replay != "off":
            raise ValueError("follow and replay exclude each other; leave one out")
        return self


class Cursor(msgspec.Struct, omit_defaults=True):
    """Where to go on. Times are seconds since 1970 UTC.

    ``latest`` is the latest report so far, ``ticks`` how often the time was told, ``refused`` the fault of
    the whole file that was said last. A paced replay moves all dates by ``shift`` seconds, and has told
    everything up to ``told`` in moved time.
    """

    mark: Mark = msgspec.field(default_factory=Mark)
    latest: float | None = None
    ticks: int = 0
    refused: str = ""
    shift: float | None = None
    told: float = 0.0

    @classmethod
    def of(cls, text: str | None) -> Cursor:
        """The cursor kept as ``text``; one that cannot be read starts anew, which only brings duplicates."""
        try:
            return msgspec.json.decode(text or "{}", type=cls)
        except msgspec.MsgspecError:
            return cls()

    @property
    def text(self) -> str:
        """The cursor as it is kept."""
        return msgspec.json.encode(self).decode()


def parse(payload: Payload, settings: Settings, ctx: Context) -> Iterable[Event | Rejected]:
    """The events of a chunk of the file; a replay has read it already and gives what is to be told now."""
    return payload if isinstance(payload, list) else read(payload, settings, ctx).items


async def fetch(settings: Settings, ctx: Context) -> AsyncIterator[Delivery]:
    """Read the file from the cursor on.

    Raises:
        SourceFailed: if it is not there, cannot be read, or lacks a column.
    """
    cursor = Cursor.of(ctx.cursor)
    path = ctx.city.path(settings.path)
    while True:
        table = await asyncio.to_thread(TableFile, path, settings)
        try:
            if table.fault is not None:
                said = f"{table.fault.reason} {table.fault.detail}"
                if cursor.refused != said:
                    cursor.refused = said
                    yield Delivery([table.fault], cursor.text)
                raise SourceFailed(f"{path} {table.fault.detail}")
            if isinstance(settings.replay, float):
                async for delivery in _paced(table, cursor, settings, ctx):
                    yield delivery
                return
            if not await asyncio.to_thread(table.resume, cursor.mark):
                cursor = Cursor(latest=cursor.latest, ticks=cursor.ticks)
            async for delivery in _whole(table, cursor, settings, ctx):
                yield delivery
            if not await asyncio.to_thread(table.replaced):
                break
        except OSError as error:
            raise SourceFailed(f"{path} cannot be read: {error.strerror}") from error
        finally:
            table.close()
    if settings.replay == "max" and cursor.latest is not None:
        latest = datetime.fromtimestamp(cursor.latest, UTC)
        end = moments(settings.zone or ctx.city.zone, settings.time_formats).day_end(latest)
        yield Delivery([_tick(cursor, settings, min(end, max(ctx.now(), latest)), ctx.now())], cursor.text)


async def _whole(table: TableFile, cursor: Cursor, settings: Settings, ctx: Context) -> AsyncIterator[Delivery]:
    """All that is in the file, and if it is followed what comes to it, until it is replaced by another."""
    quiet = heard = 0.0
    while True:
        chunk = await asyncio.to_thread(table.chunk, ctx.now(), last=not settings.follow)
        if chunk is not None:
            quiet = heard = 0.0
            cursor.mark, cursor.refused = table.mark, ""
            yield Delivery(_told(chunk, cursor, settings, ctx), cursor.text)
            continue
        if not settings.follow:
            return
        await asyncio.sleep(settings.look)
        if await asyncio.to_thread(table.replaced):
            return
        before, quiet, heard = quiet, quiet + settings.look, heard + settings.look
        rest = table.rest(ctx.now()) if before < settings.settle <= quiet else None
        if rest is not None:  # It may be whole or half. It is told and not passed by, so that its end is no line.
            heard = 0.0
            yield Delivery(rest, None)
        elif settings.interval is not None and 2 * heard >= settings.interval:
            heard = 0.0
            yield Delivery([], None)  # The file is there, and has nothing new.


def _told(
    chunk: Chunk | list[Rejected], cursor: Cursor, settings: Settings, ctx: Context
) -> Chunk | Items | list[Rejected]:
    """What is delivered of a chunk; at ``max`` the time is told with it."""
    if settings.replay != "max" or isinstance(chunk, list):
        return chunk
    reading = read(chunk, settings, ctx)
    if reading.latest is None:
        return reading.items
    cursor.latest = max(cursor.latest or 0.0, reading.latest.timestamp())
    return [*reading.items, _tick(cursor, settings, datetime.fromtimestamp(cursor.latest, UTC), ctx.now())]


def _tick(cursor: Cursor, settings: Settings, time: datetime, wall: datetime) -> ClockTick:
    cursor.ticks += 1
    return ClockTick(id=f"tick-{cursor.ticks}", source=settings.source or settings.name, time=time, wall=wall)


# -- a replay at a pace --------------------------------------------------------------------------------------


class Pace:
    """The rows read so far whose moved time is still to come, soonest first."""

    def __init__(self, table: TableFile, cursor: Cursor, settings: Settings, ctx: Context) -> None:
        self.table, self.cursor, self.settings, self.ctx = table, cursor, settings, ctx
        self.began = ctx.now()
        self.ended = False
        self.latest = float("-inf")  # The latest report read, in moved time: in a sorted file the rest is later.
        self._ahead: list[tuple[float, int, Event]] = []
        self._count = 0

    def take(self, known: Mark | None = None) -> list[Rejected]:
        """Read one chunk and give its refusals. Of one that ends before ``known``, what was told stays out."""
        chunk = self.table.chunk(self.began, last=True)
        if chunk is None or isinstance(chunk, list):
            self.ended = chunk is None
            return chunk or []
        again = known is not None and self.table.mark.at <= known.at
        after = self.cursor.told if again else float("-inf")
        reading = read(chunk, self.settings, self.ctx)
        events = [item for item in reading.items if isinstance(item, Event)]
        if events and self.cursor.shift is None:
            self.cursor.told = self.began.timestamp()
            self.cursor.shift = self.cursor.told - events[0].time.timestamp()
        for event in events:
            moved = _moved(event, timedelta(seconds=self.cursor.shift or 0.0))
            moment = moved.time.timestamp()
            if isinstance(event, TicketReported):
                self.latest = max(self.latest, moment)
            if moment > after:
                self._count += 1
                heapq.heappush(self._ahead, (moment, self._count, moved))
        return [] if again else [item for item in reading.items if isinstance(item, Rejected)]

    def due(self, now: float) -> list[Event]:
        """The events up to ``now``, in the order of their time."""
        found = []
        while self._ahead and self._ahead[0][0] <= now:
            found.append(heapq.heappop(self._ahead)[2])
        return found

    @property
    def over(self) -> bool:
        """Whether all has been told."""
        return self.ended and not self._ahead


def _moved(event: Event, shift: timedelta) -> Event:
    if isinstance(event, TicketReported) and event.due is not None:
        return msgspec.structs.replace(event, time=event.time + shift, due=event.due + shift)
    return msgspec.structs.replace(event, time=event.time + shift)


async def _paced(table: TableFile, cursor: Cursor, settings: Settings, ctx: Context) -> AsyncIterator[Delivery]:
    """Tell the rows as their moved time comes, and the time at least four times a second.

    Up to ``cursor.told`` all events of the rows before ``cursor.mark`` are on disk. After a restart these rows
    are read again, for what still lies ahead of that; the shift stays, and time goes on where it stood.
    """
    assert isinstance(settings.replay, float)
    if not await asyncio.to_thread(table.resume, cursor.mark):
        cursor.mark, cursor.shift = Mark(), None
    table.rewind()
    pace = Pace(table, cursor, settings, ctx)
    refused: Items = []
    while not pace.ended and (table.mark.at < cursor.mark.at or cursor.shift is None):
        refused += await asyncio.to_thread(pace.take, cursor.mark)
    began, start = ctx.now(), cursor.told
    while cursor.shift is not None:
        now = ctx.now()
        city = max(cursor.told, start + (now - began).total_seconds() * settings.replay)
        while not pace.ended and pace.latest <= city:
            refused += await asyncio.to_thread(pace.take)
        cursor.mark, cursor.told = table.mark, city
        tick = _tick(cursor, settings, datetime.fromtimestamp(city, UTC), now)
        yield Delivery([*refused, *pace.due(city), tick], cursor.text)
        refused = []
        if pace.over:
            return
        await asyncio.sleep(TICK)
    if refused:
        cursor.mark = table.mark
        yield Delivery(refused, cursor.text)


FEED = Feed(
    kind="file",
    caption="A table of tickets in a file, read once, followed or replayed",
    parse=parse,
    open=fetch,
    Settings=Settings,
    nouns=("ticket",),
    mapped=(
        "`columns` names the table's columns; a row is a report, and a closing where it is closed. UTF-8 and GB18030 "
        "are told apart, the delimiter is the header's. `follow` reads on as the file grows or is replaced; `replay` "
        "plays a past as the present, at `max` or so many times as fast."
    ),
    refused=(
        "rows with too few or many fields, numbers a spreadsheet rounded, dates that cannot be, a closing before its "
        "report; a place or point that is none passes with a note. A missing column is a failed source."
    ),
    example="""\
[[feeds]]
kind = "file"
name = "cases"
path = "cases.csv"
follow = true
time_formats = ["iso", "%d/%m/%Y %H:%M"]
place_by = ["code", "point", "name"]

[feeds.columns]
number = "id"
title = "title"
category = "type"
unit = "department"
channel = "source"
reported = "opened"
due = "target"
closed = "closed"
verdict = "on_time"
place_code = "district"
lon = "longitude"
lat = "latitude"

[feeds.verdicts]
yes = "on_time"
no = "overdue"
""",
)
