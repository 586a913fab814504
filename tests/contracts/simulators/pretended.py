"""What the made-up sources have in common: they have nothing outside that could fail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dashboard.events import Event
from tests.contracts.simulators.source import FAULTS, Simulator


class Pretended(Simulator):
    """What it tells follows from its seed; none of it may come twice."""

    faults: Mapping[str, str] = dict.fromkeys(FAULTS, "it is made up here and asks no source")
    interval = 6.0
    least = 1  # Events that it has to have told.

    def right(self, events: Sequence[Event]) -> bool:
        """It has told something, and no event comes twice."""
        names = [f"{event.kind}:{event.id}" for event in events]
        return len(events) >= self.least and len(set(names)) == len(names)
