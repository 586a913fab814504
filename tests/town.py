"""A town of two square districts, and what a test needs to read its tables."""

from __future__ import annotations

import json
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from dashboard.city import City, make_city
from dashboard.events import Event
from dashboard.ground.outlines import Gazetteer
from dashboard.ground.placefile import read_places
from dashboard.sources.feed import BoundFeed, Context, Delivery, Rejected, bind

DATA = Path(__file__).resolve().parents[1] / "../shared/data"
NOW = datetime(2026, 3, 1, 4, 0, tzinfo=UTC)  # Noon in the town.
COLUMNS = {
    "number": "id", "reported": "opened", "title": "title", "category": "type", "unit": "unit", "channel": "via",
    "due": "due", "closed": "closed", "verdict": "word", "place_code": "code", "place_name": "name",
    "lon": "lon", "lat": "lat",
}  # fmt: skip
HEADER = ",".join(COLUMNS.values())
GOOD = "7,2026-02-01 08:00,灯不亮,路灯,城管,热线,2026-02-02 08:00,2026-02-01 20:00,yes,A,甲,113.05,23.05"
VERDICTS = {"yes": "on_time", "no": "overdue"}


def rows(*lines: str) -> str:
    """A table of these lines below its header."""
    return "\n".join([HEADER, *lines]) + "\n"


def row(**values: object) -> str:
    """A good row with other values in some columns."""
    good = dict(zip(COLUMNS.values(), GOOD.split(","), strict=True))
    return ",".join(str(value) for value in (good | values).values())


def record(**values: object) -> dict[str, object]:
    """The good row as a JSON object, with other values in some columns."""
    good: dict[str, object] = dict(zip(COLUMNS.values(), GOOD.split(","), strict=True))
    return good | {"lon": 113.05, "lat": 23.05} | values


def square(west: float, south: float, size: float = 0.1) -> dict[str, Any]:
    """A square as GeoJSON."""
    east, north = west + size, south + size
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


def town(folder: Path, *feeds: dict[str, Any], **more: Any) -> City:
    """The town's city file in ``folder``: A and B side by side, A with the two halves A1 and A2 below it."""
    places = folder / "places.csv"
    places.write_text(
        "code,name,level,parent,name_en,aliases\n"
        "T,镇,city,,Town,\nA,甲,district,T,Alpha,老甲|Old Alpha\nB,乙,district,T,Beta,\nC,丙,district,T,Gamma,\n",
        encoding="utf-8",
    )
    shapes = {"A": square(113.0, 23.0), "B": square(113.1, 23.0), "elsewhere": square(0.0, 0.0)}
    features = [{"type": "Feature", "properties": {"code": code}, "geometry": shape} for code, shape in shapes.items()]
    (folder / "shapes.json").write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    table = {
        "name": "town",
        "title": {"zh": "镇", "en": "Town"},
        "zone": "Asia/Shanghai",
        "places": {"file": "places.csv", "outlines": "shapes.json"},
        "feeds": list(feeds),
    }
    return make_city({**table, **more}, folder / "town.toml")


def context(city: City, cursor: str | None = None, now: datetime = NOW) -> Context:
    """What a feed of the city sees at ``now``."""
    places = read_places(city)
    return Context(city, places, Gazetteer.of(city, places), cursor, lambda: now, city.folder)


def at(ctx: Context, now: datetime, cursor: str | None = None) -> Context:
    """The same a while later."""
    return replace(ctx, now=lambda: now, cursor=cursor)


def file_feed(**settings: Any) -> dict[str, Any]:
    """A feed of kind ``file`` with the town's columns."""
    return {"kind": "file", "name": "cases", "columns": COLUMNS, "verdicts": VERDICTS, **settings}


async def deliveries(bound: BoundFeed, ctx: Context, limit: int = 10_000) -> list[Delivery]:
    """What the feed gives until it ends, or the first ``limit`` of it."""
    assert bound.feed.open is not None
    found = []
    async with aclosing(cast(Any, bound.feed.open(bound.settings, ctx))) as source:
        async for delivery in source:
            found.append(delivery)
            if len(found) == limit:
                break
    return found


def parsed(bound: BoundFeed, ctx: Context, given: list[Delivery]) -> tuple[list[Any], list[Rejected]]:
    """The events and the refusals of deliveries."""
    events: list[Event] = []
    rejected: list[Rejected] = []
    for delivery in given:
        for item in bound.feed.parse(delivery.payload, bound.settings, ctx):
            if isinstance(item, Rejected):
                rejected.append(item)
            else:
                events.append(item)
    return events, rejected


async def table(
    folder: Path, body: str | bytes, name: str = "cases.csv", **settings: Any
) -> tuple[list[Any], list[Rejected]]:
    """The events and refusals of a file that is read once."""
    (folder / name).write_bytes(body.encode() if isinstance(body, str) else body)
    city = town(folder, file_feed(path=name, **settings))
    (bound,), ctx = bind(city), context(city)
    return parsed(bound, ctx, await deliveries(bound, ctx))


def reasons(rejected: list[Rejected], *, kept: bool = False) -> list[str]:
    """The reasons of what was refused, or of what passed with a flaw, in order."""
    return [letter.reason for letter in rejected if letter.kept == kept]
