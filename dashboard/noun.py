"""What a noun is: a kind of thing the city counts, with its events, its slice of the board and its views."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, cast
from zoneinfo import ZoneInfo

from dashboard.duty import Escalation
from dashboard.events import Event
from dashboard.places import PlaceTree
from dashboard.releases import IndicatorTable
from dashboard.sla import Limit, Limits
from dashboard.thresholds import CloudTable, SensorTable, VideoTable
from dashboard.worktime import WorkCalendar

Document = dict[str, Any]


@dataclass(frozen=True)
class FeedRule:
    """What the board must know of a feed: which nouns it fills, and how often it should be heard, in seconds."""

    name: str
    kind: str
    nouns: tuple[str, ...]
    interval: float | None
    source: str = ""  # What its events name as their source, if that is another than its name.


GRASSROOTS = frozenset({"grid", "village", "community", "town", "street"})
WEIGHTS = {"response": 0.30, "resolution": 0.35, "satisfaction": 0.35}


@dataclass(frozen=True)
class Rules:
    """A city's own rules, as the board needs them. Without a ``calendar``, every weekday of its zone is worked.

    ``accept``, ``dispatch`` and ``sign`` are how long these steps may take; ``weights`` are those of the composite
    rate, ``goal`` the share of matters to be settled at the grass roots: by units whose level (``levels``; that of
    the root where a unit is not listed) is one of ``grassroots``. ``whistle`` is how long reporting in may take.
    Where ``units`` are named, others are unknown.
    """

    places: PlaceTree
    zone: ZoneInfo
    limits: Limits = Limits()  # noqa: RUF009 - it is frozen.
    accept: Limit = Limit(0.25)  # noqa: RUF009 - it is frozen.
    dispatch: Limit = Limit(0.25)  # noqa: RUF009 - it is frozen.
    sign: Limit = Limit(24)  # noqa: RUF009 - it is frozen.
    weights: Mapping[str, float] = field(default_factory=lambda: dict(WEIGHTS))
    goal: float = 0.9
    units: frozenset[str] = frozenset()
    levels: Mapping[str, str] = field(default_factory=dict)
    grassroots: frozenset[str] = GRASSROOTS
    whistle: Limit = Limit(24)  # noqa: RUF009 - it is frozen.
    soon_share: float = 0.3
    worst_multiple: float = 1.0
    feeds: tuple[FeedRule, ...] = ()
    sensors: SensorTable = SensorTable()  # noqa: RUF009 - it is frozen.
    cloud: CloudTable = CloudTable()  # noqa: RUF009 - it is frozen.
    video: VideoTable = VideoTable()  # noqa: RUF009 - it is frozen.
    indicators: IndicatorTable = IndicatorTable()  # noqa: RUF009 - it is frozen.
    escalation: Escalation = Escalation()  # noqa: RUF009 - it is frozen.
    calendar: WorkCalendar = cast(WorkCalendar, None)  # noqa: RUF009 - of the zone, unless given.

    def __post_init__(self) -> None:
        if cast("WorkCalendar | None", self.calendar) is None:
            object.__setattr__(self, "calendar", WorkCalendar(self.zone))


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
