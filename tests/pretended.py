"""Simulated feeds of the district of Nanhai: its context at a moment, a feed's settings there, and what it tells."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar, cast

from dashboard.city import read_city
from dashboard.events import Event
from dashboard.ground.outlines import Gazetteer
from dashboard.sources.feed import Context, Delivery, Feed, Settings, bind, rules_of

FILE = Path(__file__).parents[1] / "cities" / "nanhai.toml"
S = TypeVar("S", bound=Settings)


def nanhai(now: datetime) -> Context:
    """The district at a moment, of which nothing has been told."""
    city = read_city(FILE)
    rules = rules_of(city)
    return Context(city, rules.places, Gazetteer.of(city, rules.places), None, lambda: now, Path())


def settings_of(feed: Feed, context: Context, kind: type[S]) -> S:
    """A feed's settings, as the district's file has them."""
    (bound,) = (bound for bound in bind(context.city) if bound.feed is feed)
    assert isinstance(bound.settings, kind)
    return bound.settings


def is_quiet(delivery: Delivery) -> bool:
    """Whether it says that there is nothing to tell."""
    return not delivery.payload


def reaches(moment: float) -> Callable[[Delivery], bool]:
    """Whether a delivery's cursor is a moment behind ``moment``."""
    return lambda delivery: bool(delivery.cursor) and float(str(delivery.cursor)) > moment


def told(
    feed: Feed, settings: Settings, context: Context, done: Callable[[Delivery], bool] = is_quiet
) -> tuple[list[Event], str]:
    """What a feed tells until it is ``done``, and its cursor by then."""

    async def gather() -> tuple[list[Event], str]:
        found: list[Event] = []
        cursor = ""
        async with aclosing(cast(Any, feed.open)(settings, context)) as source:
            async for delivery in source:
                found += cast(Any, feed.parse(delivery.payload, settings, context))
                cursor = cursor if delivery.cursor is None else str(delivery.cursor)
                if done(delivery):
                    break
        return found, cursor

    return asyncio.run(asyncio.wait_for(gather(), 60))
