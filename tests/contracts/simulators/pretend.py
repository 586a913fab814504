"""A district that is made up: it has no source that could fail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dashboard.events import Event
from tests.contracts.simulators.source import FAULTS, Simulator


class District(Simulator):
    """What it tells follows from its seed; none of it may be missing or come twice."""

    kind = "pretend"
    faults: Mapping[str, str] = dict.fromkeys(FAULTS, "it is made up here and asks no source")
    interval = 6.0

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        (folder / "matters.csv").write_text(
            "category,weight,due_hours,unit,rhythm,rain,video,matters\n路灯,1,24,城管,day,0,0,路灯不亮\n", "utf-8"
        )

    def table(self) -> dict[str, Any]:
        """Two days of the past: one that has just ended may be a quiet Sunday."""
        return {"matters": "matters.csv", "days": 2, "per_day": 400}

    def right(self, events: Sequence[Event]) -> bool:
        """It has told its past, each event once and none before its report."""
        reported = {event.subject for event in events if event.kind == "ticket.reported"}
        others = {event.subject for event in events if event.kind != "ticket.reported"}
        return len(reported) > 100 and others <= reported and len({event.id for event in events}) == len(events)


SIMULATOR = District
