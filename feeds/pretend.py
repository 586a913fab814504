"""A simulated district: believable tickets by seed, those of the last weeks at once and then as time passes."""

from __future__ import annotations

import asyncio
import csv
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from dashboard.events import Event
from dashboard.nouns.sla import Limit, Limits
from dashboard.nouns.ticketviews import NOUN
from dashboard.sources.feed import Context, Delivery, Feed, SourceFailed, rules_of
from dashboard.sources.feed import Settings as Common
from dashboard.sources.pretence import Matter, World, world_of
from dashboard.sources.pretendlife import Told, told
from dashboard.sources.telling import QUIET, Teller

MOMENTS = frozenset({"due", "until"})
KINDS: dict[str, Any] = {str(kind.__struct_config__.tag).removeprefix("ticket."): kind for kind in NOUN.events}
Share = Annotated[float, Field(gt=0, le=1)]


class Settings(Common):
    """What district to pretend. Another seed, number or catalogue is another district: begin with an empty folder."""

    seed: int = 1
    per_day: Annotated[float, Field(gt=0)] = 2700  # Tickets on a dry weekday.
    rate: Annotated[float, Field(gt=0)] = 1.0  # Multiplies them, for tests under load.
    days: Annotated[int, Field(ge=0, le=400)] = 35  # How many past days are told at the first start.
    lives: Annotated[int, Field(ge=0)] = 7  # Whole lives for the tickets of so many past days; plainer ones before.
    matters: str  # A CSV beside the city file: category,weight,due_hours,unit,rhythm,rain,video,matters[,grid].
    quality: dict[str, Share] = {}  # noqa: RUF012 - unit → the share of its deadlines that it keeps.
    burden: dict[str, Annotated[float, Field(ge=0)]] = {}  # noqa: RUF012 - town → multiplies its late tickets.
    roads: dict[str, list[str]] = {}  # noqa: RUF012 - town → roads for its titles.
    town_unit: str = "{town}执法办"  # What a town's own unit is called.
    grid_unit: str = ""  # What the unit of a town's villages is called; empty for none.
    settled: tuple[Annotated[float, Field(ge=0, le=1)], Annotated[float, Field(ge=0, le=1)]] = (0.7, 0.75)


async def open(settings: Settings, context: Context) -> AsyncIterator[Delivery]:  # noqa: A001
    """What has happened since the cursor (at first: in the last ``days`` days), then what happens.

    The cursor holds the first day that was told, and moment and id of the last event.

    Raises:
        SourceFailed: if the catalogue of matters cannot be used.
    """
    world = await asyncio.to_thread(pretend, settings, context)
    if context.cursor is None:
        first = (context.now().astimezone(world.zone) - timedelta(days=settings.days)).date()
        after = (round(datetime.combine(first, datetime.min.time(), world.zone).timestamp() * 1000) - 1, "")
    else:
        day, moment, event = context.cursor.split(" ")
        first, after = datetime.fromisoformat(day).date(), (int(moment), event)
    days = told(world, first, after, first + timedelta(days=max(0, settings.days - settings.lives)))
    teller = Teller(first.isoformat(), context.now)
    while True:
        # A day is told to its end, maybe before it is over: what comes next begins with the next day.
        async for delivery in teller.tell(await asyncio.to_thread(next, days)):
            yield delivery


def pretend(settings: Settings, context: Context) -> World:
    """The district of these settings.

    Raises:
        SourceFailed: if the catalogue of matters cannot be used.
    """
    file = context.city.path(settings.matters)
    try:
        limits = rules_of(context.city, context.places).limits
        matters = list(read_matters(file, context.city.limits.hours, limits))
        return world_of(
            context.places, context.gazetteer.outlines, context.city.tz, matters, seed=settings.seed,
            per_day=settings.per_day * settings.rate, quality=settings.quality, burden=settings.burden,
            roads=settings.roads, town_unit=settings.town_unit, grid_unit=settings.grid_unit,
            settled=settings.settled,
        )  # fmt: skip
    except (OSError, ValueError, KeyError) as error:
        raise SourceFailed(f"{file}: {error}") from error


def read_matters(file: Path, hours: dict[str, float], limits: Limits) -> Iterator[Matter]:
    """The catalogue. Where ``due_hours`` is empty, the source names no deadline and the city's limit holds.

    Behind a phrase of ``matters`` and an @ may stand its filing condition, one of those the city has limits for. It is
    told where the source names no deadline of its own.

    Raises:
        ValueError: if a row is faulty; the text names line and category.
    """
    with file.open(encoding="utf-8-sig", newline="") as stream:
        rows = csv.DictReader(stream)
        for row in rows:
            name = row.get("category") or ""
            try:
                own = row["due_hours"]
                due = float(own) if own else hours[name]
                said = [phrase.partition("@")[::2] for phrase in row["matters"].split("|")]
                if strange := next((one for _, one in said if one and (name, one) not in limits.exact), ""):
                    raise ValueError(f"the city has no limit for the condition {strange!r}")
                yield Matter(
                    name, float(row["weight"]), due, bool(own), row["unit"], row["rhythm"], float(row["rain"]),
                    row["video"] == "1", tuple(phrase for phrase, _ in said), row.get("grid") == "1",
                    tuple("" if own else one for _, one in said),
                    tuple(1.0 if own or not one else least(limits.exact[name, one]) / due for _, one in said),
                )  # fmt: skip
            except KeyError as error:
                wanted = f"line {rows.line_num}: {name} has neither due_hours nor a limit in [limits.hours]"
                raise ValueError(wanted if error.args == (name,) else f"the column {error} is missing") from error
            except ValueError as error:
                raise ValueError(f"line {rows.line_num}: {name}: {error}") from error


def least(limit: Limit) -> float:
    """Hours that a limit leaves whenever its clock begins, so that who keeps to them is never late."""
    if limit.clock == "work_day":
        return 24 * (limit.amount - 1) + 8 if limit.amount >= 1 else 8 * limit.amount
    return limit.amount * (24 if limit.clock == "natural_day" else 1)


def parse(payload: list[Told], settings: Settings, context: Context) -> Iterator[Event]:
    """One event per moment told."""
    source = settings.source or settings.name
    for moment, event, ticket, kind, about in payload:
        fields = {
            name: _moment(value) if name in MOMENTS and value is not None else value for name, value in about.items()
        }
        yield KINDS[kind](id=event, source=source, time=_moment(moment), subject=ticket.number, **fields)


def _moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


FEED = Feed(
    kind="pretend",
    caption="A simulated district, by seed",
    open=open,
    parse=parse,
    Settings=Settings,
    nouns=("ticket",),
    interval=2 * QUIET,
    mapped="tickets by `seed`: those of the last `days` days at once, then as time passes; one seed, one district.",
    refused="nothing: it is made up here; a faulty catalogue of `matters` is a failed source that names the line.",
    example='[[feeds]]\nkind = "pretend"\nname = "tickets"\nmatters = "nanhai_matters.csv"\n',
)
