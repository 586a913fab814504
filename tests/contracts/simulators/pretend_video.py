"""Cameras that are made up: they have no platform that could fail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dashboard.events import Event
from tests.contracts.simulators.source import FAULTS, Simulator


class Cameras(Simulator):
    """What they tell follows from their seed; none of it may come twice."""

    kind = "pretend_video"
    faults: Mapping[str, str] = dict.fromkeys(FAULTS, "it is made up here and asks no source")
    interval = 6.0

    def table(self) -> dict[str, Any]:
        """A few cameras, and nothing of the past."""
        return {"platforms": {"street": 30}, "days": 0, "poll": 1}

    def right(self, events: Sequence[Event]) -> bool:
        """The list of cameras is there, polls follow it, and no event comes twice."""
        names = [f"{event.kind}:{event.id}" for event in events]
        listed = any(event.kind.endswith("listed") for event in events)
        return listed and len(events) > len(self.wanted) and len(set(names)) == len(names)


SIMULATOR = Cameras
