"""Service halls that are made up: they have no source that could fail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dashboard.events import Event
from tests.contracts.simulators.source import FAULTS, Simulator


class Halls(Simulator):
    """What they tell follows from their seed; none of it may be missing or come twice."""

    kind = "pretend_service"
    faults: Mapping[str, str] = dict.fromkeys(FAULTS, "it is made up here and asks no source")
    interval = 6.0

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        (folder / "items.csv").write_text("item,weight,promised_days,legal_days,counter\n登记,1,1,5,0.5\n", "utf-8")

    def table(self) -> dict[str, Any]:
        """One hall and three days of the past."""
        halls = {"north": {"place": "A", "weight": 1, "windows": 3}}
        return {"items": "items.csv", "halls": halls, "days": 3, "lives": 2, "per_day": 60}

    def right(self, events: Sequence[Event]) -> bool:
        """It has told its past, each event once and no case finished that was not accepted."""
        accepted = {event.subject for event in events if event.kind == "service.case_accepted"}
        finished = {event.subject for event in events if event.kind == "service.case_finished"}
        return len(accepted) > 10 and finished <= accepted and len({event.id for event in events}) == len(events)


SIMULATOR = Halls
