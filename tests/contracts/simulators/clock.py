"""The wall clock: it has no source that could fail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dashboard.events import Event
from tests.contracts.simulators.source import FAULTS, Simulator


class Wall(Simulator):
    """A record is a second that passes; which one, nobody chooses."""

    kind = "clock"
    faults: Mapping[str, str] = dict.fromkeys(FAULTS, "it looks at the wall clock and asks no source")

    def table(self) -> dict[str, Any]:
        """As it is."""
        return {}

    def right(self, events: Sequence[Event]) -> bool:
        """Ticks go up, and no second is told twice."""
        told = [event.time for event in events]
        return len(told) > len(self.wanted) // 3 and told == sorted(set(told))


SIMULATOR = Wall
