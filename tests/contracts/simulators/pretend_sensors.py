"""Gauges that are made up: they have no source that could fail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dashboard.events import Event
from tests.contracts.simulators.source import FAULTS, Simulator


class Gauges(Simulator):
    """What they read follows from their seed; none of it may come twice."""

    kind = "pretend_sensors"
    faults: Mapping[str, str] = dict.fromkeys(FAULTS, "it is made up here and asks no source")
    interval = 12.0

    def table(self) -> dict[str, Any]:
        """Two gauges and a car park, and nothing of the past."""
        table = self.folder / "gauges.csv"
        table.write_text("sensor,name,kind,town,spaces\nw,underpass,underpass,A,\nr,rain,rain,A,\np,park,mall,A,50\n")
        return {"sensors": str(table), "days": 0, "step": 10}

    def right(self, events: Sequence[Event]) -> bool:
        """A round of readings is there, and no event comes twice."""
        names = [f"{event.kind}:{event.id}" for event in events]
        return len(events) > len(self.wanted) and len(set(names)) == len(names)


SIMULATOR = Gauges
