"""A market that is made up: it has no source that could fail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dashboard.events import Event
from tests.contracts.simulators.source import FAULTS, Simulator


class Market(Simulator):
    """What it tells follows from its seed; none of it may be missing or come twice."""

    kind = "pretend_market"
    faults: Mapping[str, str] = dict.fromkeys(FAULTS, "it is made up here and asks no source")
    interval = 6.0

    def table(self) -> dict[str, Any]:
        """Two towns, small, and two days of the past."""
        towns = {"a": {"place": "A", "share": 0.6}, "b": {"place": "B", "share": 0.4}}
        return {"towns": towns, "entities": 40_000, "days": 2, "scale": 0.05}

    def right(self, events: Sequence[Event]) -> bool:
        """It has told what was before, each event once."""
        kinds = {event.kind for event in events}
        return {"market.stock", "market.certificate", "market.sampled"} <= kinds and len(
            {event.id for event in events}
        ) == len(events)


SIMULATOR = Market
