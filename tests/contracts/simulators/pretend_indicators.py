"""Figures that are made up: they have no bureau that could fail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dashboard.events import Event
from tests.contracts.simulators.source import FAULTS, Simulator


class Figures(Simulator):
    """What comes out follows from the seed; none of it may come twice."""

    kind = "pretend_indicators"
    faults: Mapping[str, str] = dict.fromkeys(FAULTS, "it is made up here and asks no source")
    interval = 600.0

    def table(self) -> dict[str, Any]:
        """One figure."""
        return {"figures": {"sales": {"name": "sales", "unit": "yuan", "annual": 120}}}

    def right(self, events: Sequence[Event]) -> bool:
        """Some years of it are there, and no event comes twice."""
        names = [f"{event.kind}:{event.id}" for event in events]
        return len(events) > 30 and len(set(names)) == len(names)


SIMULATOR = Figures
