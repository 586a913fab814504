"""What a noun is: a kind of thing the city counts, with its events, its slice of the board and its views."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from dashboard.events import Event
from dashboard.places import PlaceTree
from dashboard.thresholds import CloudTable, SensorTable

Document = dict[str, Any]


@dataclass(frozen=True)
class FeedRule:
    """What the board must know of a feed: which nouns it fills, and how often it should be heard, in seconds."""

    name: str
    kind: str
    nouns: tuple[str, ...]
    interval: float | None


@dataclass(frozen=True)
class Rules:
    """A city's own rules, as the board needs them. ``limits`` maps a category to hours."""

    places: PlaceTree
    zone: ZoneInfo
    limits: Mapping[str, float] = field(default_factory=dict)
    default_limit: float | None = None
    soon_share: float = 0.3
    worst_multiple: float = 1.0
    feeds: tuple[FeedRule, ...] = ()
    sensors: SensorTable = SensorTable()  # noqa: RUF009 - it is frozen.
    cloud: CloudTable = CloudTable()  # noqa: RUF009 - it is frozen.


class Slice(Protocol):
    """A noun's part of the board. Only ``fold`` and ``advance`` change it, and neither looks at a clock."""

    def fold(self, event: Event) -> None:
        """Take in one event; the same events in any order, any number of times, end in the same slice."""

    def advance(self, now: float) -> None:
        """Let time pass to ``now`` (seconds since 1970 UTC, never less than before)."""

    def dump(self) -> object:
        """All that is needed to build the same slice again, as msgpack can write it."""

    def load(self, dumped: object) -> None:
        """Take the place of a slice that was dumped."""


@dataclass(frozen=True)
class Noun:
    """A description of a noun. ``views`` maps a view's name to ``f(slice, place code, now)``."""

    name: str
    events: tuple[type[Event], ...]
    slice: Callable[[Rules], Slice]
    views: Mapping[str, Callable[[Any, str, float], Document]]
