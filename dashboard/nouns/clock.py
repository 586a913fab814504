"""The city's time as an event, so that a fold never looks at a clock and a replay gives the same board."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import ClassVar

import msgspec

from dashboard.events import Event
from dashboard.nouns.noun import Document, Noun, Rules

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
        self.source = ""

    def fold(self, event: Event) -> None:
        """Go to a tick, also to an earlier one: a clock that ran fast was put right. Its spool orders its ticks.

        Of several clocks the one that is ahead counts: an earlier tick of another changes nothing.
        """
        if isinstance(event, ClockTick):
            now = event.time.timestamp()
            if self.source in ("", event.source) or now > self.now:
                self.now, self.wall, self.source = now, event.wall.timestamp(), event.source

    def advance(self, now: float) -> None:
        """The clock is what others are advanced by."""

    def dump(self) -> object:
        """Both times, and whose they are."""
        return [self.now, self.wall, self.source]

    def load(self, dumped: object) -> None:
        """Take them back."""
        now, wall, *source = msgspec.convert(dumped, list[float | str])
        self.now, self.wall, self.source = float(now), float(wall), str(*source)  # It did not say whose, once.


def view_clock(clock: Clock, place: str, now: float) -> Document:
    """The city's time and when it was said."""
    return {"now": clock.now, "wall": clock.wall}


NOUN = Noun(name="clock", events=(ClockTick,), slice=Clock, views={"clock": view_clock})
