"""``citywall feed try``: fetch once from a feed and show what would be sent, without storing anything."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

from dashboard.city import City, CityError
from dashboard.events import Event
from dashboard.feed import BoundFeed, Context, Post, Rejected, SourceFailed, every_feed
from dashboard.feeder import read, wall
from dashboard.outlines import Gazetteer
from dashboard.placefile import read_places
from dashboard.places import PlaceTree

SECONDS = 30.0  # How long a source may take to give its first delivery.


async def attempt(city: City, name: str, limit: int, body: Callable[[], bytes] | None = None) -> int:
    """Print the first ``limit`` events of one delivery and all reasons of refusal; 0 if anything would be sent.

    Raises:
        CityError: if there is no such feed.
    """
    feeds = {bound.name: bound for bound in every_feed(city)}
    if name not in feeds:
        raise CityError(f"{city.name}: there is no feed {name!r}; known are {', '.join(feeds)}")
    bound, places = feeds[name], read_places(city)
    with TemporaryDirectory() as folder:
        context = Context(city, places, Gazetteer.of(city, places), None, wall, Path(folder), trial=True)
        try:
            events, rejected = await _first(bound, context, body)
        except (SourceFailed, TimeoutError) as error:
            said = str(error) or f"gave nothing within {SECONDS:.0f} s"
            print(f"citywall: the feed {name} cannot read its source: {said}", file=sys.stderr)
            return 1
    for event in events[:limit]:
        fields = {
            field: getattr(event, field) for field in event.__struct_fields__ if field not in ("id", "source", "time")
        }
        unit = fields.pop("unit", "") if isinstance(fields.get("value"), int | float) else ""
        shown = " ".join(
            f"{field}={_shown(field, value, places)}{f' {unit}' if field == 'value' and unit else ''}"
            for field, value in fields.items()
            if value not in ("", None)
        )
        print(f"{event.time.astimezone(city.tz).isoformat()} {event.kind} {shown}")
    refused = [letter for letter in rejected if not letter.kept]
    passed = len(rejected) - len(refused)
    print(f"{len(events)} events would be sent, {len(refused)} records refused, {passed} passed with a flaw")
    for letter in rejected[:limit]:
        print(f"  {letter.reason} at {letter.where or 'the payload'}: {letter.detail}")
    if events:
        return 0
    why = f"{refused[0].reason}: {refused[0].detail}" if refused else "it was reached, and holds nothing now"
    print(f"citywall: the feed {name} would send nothing: {why}", file=sys.stderr)
    return 1


async def _first(
    bound: BoundFeed, context: Context, body: Callable[[], bytes] | None
) -> tuple[list[Event], list[Rejected]]:
    """What the first delivery that holds anything says; a source that pushes may be quiet for a while."""
    if bound.feed.open is None:
        if body is None:
            raise SourceFailed("it is posted to; give it a body with --stdin")
        return read(bound, Post({"content-type": "application/cloudevents+json"}, body()), context)
    answered = False
    try:
        async with asyncio.timeout(SECONDS):
            async with aclosing(cast(Any, bound.feed.open(bound.settings, context))) as source:
                async for delivery in source:
                    answered = True
                    events, rejected = read(bound, delivery.payload, context)
                    if events or rejected:
                        return events, rejected
    except TimeoutError:
        if answered:
            raise SourceFailed(f"it answers, and had nothing to say within {SECONDS:.0f} s") from None
        raise
    raise SourceFailed("it holds nothing")


def _shown(field: str, value: object, places: PlaceTree) -> str:
    if field == "place" and isinstance(value, str) and value in places:
        return f"{value}({places[value].name})"
    return str(value)
