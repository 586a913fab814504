"""What a noun is: a kind of thing the city counts, with its events, its slice of the board and its views."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, Protocol, TypeVar, cast, runtime_checkable
from zoneinfo import ZoneInfo

import msgspec

from dashboard.events import Event
from dashboard.nouns.duty import Escalation
from dashboard.nouns.releases import IndicatorTable
from dashboard.nouns.sla import Limit, Limits
from dashboard.nouns.thresholds import (
    CloudTable,
    IncidentTable,
    MarketTable,
    SensorTable,
    ServiceTable,
    SharingTable,
    VideoTable,
)
from dashboard.nouns.worktime import WorkCalendar
from dashboard.places import PlaceTree
from dashboard.words import Words

Document = dict[str, Any]
E = TypeVar("E", bound=Event)


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
    sharing: SharingTable = SharingTable()  # noqa: RUF009 - it is frozen.
    service: ServiceTable = ServiceTable()  # noqa: RUF009 - it is frozen.
    market: MarketTable = MarketTable()  # noqa: RUF009 - it is frozen.
    indicators: IndicatorTable = IndicatorTable()  # noqa: RUF009 - it is frozen.
    incidents: IncidentTable = IncidentTable()  # noqa: RUF009 - it is frozen.
    escalation: Escalation = Escalation()  # noqa: RUF009 - it is frozen.
    calendar: WorkCalendar = cast(WorkCalendar, None)  # noqa: RUF009 - of the zone, unless given.

    def __post_init__(self) -> None:
        if cast("WorkCalendar | None", self.calendar) is None:
            object.__setattr__(self, "calendar", WorkCalendar(self.zone))

    def before(self, step: Literal["accept", "dispatch", "sign"]) -> Limit:
        """How long a step before the handling may take."""
        return self.accept if step == "accept" else self.dispatch if step == "dispatch" else self.sign


class Slice(Protocol):
    """A noun's part of the board. Only ``fold`` and ``advance`` change it, and neither looks at a clock."""

    def fold(self, event: Event) -> None:
        """Take in one event; the same events in any order, any number of times, end in the same slice.

        Passing events (ticks, beats), which one spool orders and nobody keeps, may go by the order in which they come.
        """

    def advance(self, now: float) -> None:
        """Let it be ``now`` (seconds since 1970 UTC).

        Mostly that is later than before; it is earlier where a clock that ran fast was put right. Then everything that
        depends on the time is as if it had never been later. Only two things stay: periods that were forgotten and
        that no view at ``now`` asks for, and what was observed meanwhile, see ``SetBack``.
        """

    def dump(self) -> object:
        """All that is needed to build the same slice again, as msgpack can write it."""

    def load(self, dumped: object) -> None:
        """Take the place of a slice that was dumped."""


class SetBack:
    """Time as a slice of observations knows it, which may be set back.

    What was observed while the clock ran ahead bears moments that are still to come. It is the latest word all the
    same, and what is observed from now on must count as later: so it is held to be of the moment at which the clock
    was put right, also where it comes only some seconds after that.
    """

    LATE = 60.0  # Seconds for which that may still come, and by which it is ahead at least.

    def __init__(self) -> None:
        self.now = self._right = self._ahead = 0.0

    def to(self, now: float) -> bool:
        """Let it be ``now``; True if that is earlier than before."""
        back = now < self.now
        if back:
            self._right, self._ahead = now, max(self.now, self._ahead)
        self.now = now
        return back

    def held(self, event: E) -> E:
        """The event as it is to be taken."""
        moment = event.time.timestamp()
        late = self._right <= self.now <= self._right + self.LATE
        if late and self.now + self.LATE < moment <= self._ahead + self.LATE:
            return msgspec.structs.replace(event, time=datetime.fromtimestamp(self.now, UTC))
        return event


@dataclass(frozen=True, slots=True)
class Alert:
    """Something that somebody has to see to, as a noun tells it.

    ``key`` stays the same as long as it is the same occurrence, and is another for a new one. ``severity`` is 1 (the
    worst) to 4. ``place`` is a code, or "" for what concerns the whole city; ``link`` is an address of ours that shows
    more of it. Moments are seconds since 1970 UTC; ``ended`` is None while it stands, and an alert that is over is
    told for as long as its noun knows of it.
    """

    key: str
    severity: int
    since: float
    title: Words
    text: Words = Words("", "")
    place: str = ""
    unit: str = ""
    link: str = ""
    ended: float | None = None


Alarms = Callable[[Any, float], Iterable[Alert]]
Told = Callable[[float], Iterable[tuple[str, Alert]]]
"""All that any noun has to tell at a moment: the noun's name and the alert."""


@runtime_checkable
class Listener(Protocol):
    """A slice that is told what all nouns have to alert of."""

    def listen(self, told: Told) -> None:
        """Ask ``told`` whenever a view is wanted; what it says is of the same board and is not to be kept."""


@dataclass(frozen=True)
class Noun:
    """A description of a noun. ``views`` maps a view's name to ``f(slice, place code, now)``.

    ``alerts`` is ``f(slice, now)``: what of it somebody has to see to. ``things`` maps the name of a view of one thing
    to ``f(slice, its key, now)``; a key of which nothing is known gives an empty document.
    """

    name: str
    events: tuple[type[Event], ...]
    slice: Callable[[Rules], Slice]
    views: Mapping[str, Callable[[Any, str, float], Document]]
    alerts: Alarms | None = None
    things: Mapping[str, Callable[[Any, str, float], Document]] = field(default_factory=dict)
