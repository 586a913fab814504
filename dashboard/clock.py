"""The city's time as an event, so that a fold never looks at a clock and a replay gives the same board."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import ClassVar

import msgspec

from dashboard.events import Event
from dashboard.noun import Document, Noun, Rules

EPOCH = datetime.fromtimestamp(0, UTC)


class ClockTick(Event, frozen=True, kw_only=True, omit_defaults=True, tag="clock.tick"):
    """It is now ``time`` in the city; ``wall`` is when that was said. They part only in a replay."""

    durable: ClassVar[bool] = False

    wall: datetime


class Clock:
    """The latest tick. Seconds since 1970 UTC."""

    def __init__(self, rules: Rules) -> None:
        self.now = 0.0
        self.wall = 0.0

    def fold(self, event: Event) -> None:
        """Move on to a later tick; an earlier one changes nothing."""
        if isinstance(event, ClockTick):
            self.now = max(self.now, event.time.timestamp())
            self.wall = max(self.wall, event.wall.timestamp())

    def advance(self, now: float) -> None:
        """The clock is what others are advanced by."""

    def dump(self) -> object:
        """Both times."""
        return [self.now, self.wall]

    def load(self, dumped: object) -> None:
        """Take both times back."""
        self.now, self.wall = msgspec.convert(dumped, tuple[float, float])


def view_clock(clock: Clock, place: str, now: float) -> Document:
    """The city's time and when it was said."""
    return {"now": clock.now, "wall": clock.wall}


NOUN = Noun(name="clock", events=(ClockTick,), slice=Clock, views={"clock": view_clock})
