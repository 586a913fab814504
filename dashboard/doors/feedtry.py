"""``citywall feed try``: fetch once from a feed and show what would be sent, without storing anything."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Collection
from contextlib import aclosing
from datetime import datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import msgspec

from dashboard.city import City, CityError
from dashboard.events import Event
from dashboard.ground.outlines import Gazetteer
from dashboard.ground.placefile import read_places
from dashboard.places import PlaceTree
from dashboard.sources.feed import BoundFeed, Context, Post, Rejected, SourceFailed, every_feed
from dashboard.travel.feeder import read, wall

SHOWN = 3  # Of a list within an event.
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
            said = str(error) or f"it gave nothing within {SECONDS:.0f} s; is this the right address?"
            print(f"citywall: the feed {name} cannot read its source: {said}", file=sys.stderr)
            return 1
    for event in _chosen(events, limit):
        print(f"{event.time.astimezone(city.tz).isoformat()} {event.kind} {_said(event, places)}")
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
    if answered:
        return [], []
    raise SourceFailed("it holds nothing")


def _chosen(events: list[Event], limit: int) -> list[Event]:
    """Some events of each kind, and of these the ones that say most, in the order in which they would be sent."""
    kinds = {event.kind: [one for one in events if one.kind == event.kind] for event in events}
    share = max(1, limit // max(1, len(kinds)))
    many = {kind: sorted(found, key=_empty)[: share if len(kinds) > 1 else limit] for kind, found in kinds.items()}
    chosen = {id(event) for found in many.values() for event in found}
    return [event for event in events if id(event) in chosen]


def _empty(event: Event) -> int:
    """How many of its lists are empty."""
    return sum(isinstance(one, Collection) and not one for one in map(partial(getattr, event), event.__struct_fields__))


def _said(event: Event, places: PlaceTree) -> str:
    """What an event says, its value with its unit and its places in words."""
    fields = {name: getattr(event, name) for name in event.__struct_fields__ if name not in ("id", "source", "time")}
    unit = fields.pop("unit", "") if isinstance(fields.get("value"), int | float) else ""
    said = []
    for name, value in fields.items():
        if value is None or (isinstance(value, Collection) and not value):
            continue
        said.append(f"{name}={_shown(name, value, places)}{f' {unit}' if name == 'value' and unit else ''}")
    return " ".join(said)


def _shown(field: str, value: object, places: PlaceTree) -> str:
    if field == "place" and isinstance(value, str) and value in places:
        return f"{value}({places[value].name})"
    if isinstance(value, float):
        return f"{value:.12g}"
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, msgspec.Struct):
        inner = ((name, getattr(value, name)) for name in value.__struct_fields__)
        return " ".join(_shown(name, one, places) for name, one in inner if one not in (None, "", ()))
    if isinstance(value, dict):
        return _listed([f"{key}: {_shown('', one, places)}" for key, one in list(value.items())[:SHOWN]], len(value))
    if isinstance(value, tuple | list | frozenset):
        if all(isinstance(one, int | float) for one in value):
            return "/".join(_shown("", one, places) for one in value)
        return _listed([_shown("", one, places) for one in list(value)[:SHOWN]], len(value))
    return str(value)


def _listed(some: list[str], number: int) -> str:
    """The first of a list, and how many there are."""
    return f"{number:,} ({', '.join(some)}{', …' if number > len(some) else ''})"
