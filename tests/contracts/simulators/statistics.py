"""A bureau that answers as the World Bank does."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from dashboard.events import Event
from dashboard.nouns.indicators import IndicatorReported
from tests.contracts.simulators.source import PASSES, Answer, WebSource


class Bureau(WebSource):
    """Each record is the figure of a year of its own; with every new reply all are told again as of then."""

    kind = "statistics"
    faults: Mapping[str, str] = {
        **WebSource.faults, "duplicated": PASSES,
        "skew": "a figure is as of the day it is read, and names the period that it is of",
    }  # fmt: skip

    def table(self) -> dict[str, Any]:
        """Asked each second, and given up after less."""
        return {
            "url": f"{self.url}/v2/gdp", "interval": self.interval, "timeout": 1.5, "format": "worldbank",
            "units": {"GDP": "元"},
        }  # fmt: skip

    def answer(self, path: str, query: Mapping[str, str]) -> Answer:
        """All figures on one page."""
        rows = [
            {"indicator": {"id": "GDP", "value": "GDP"}, "country": {"id": "CN", "value": "China"}, "unit": "",
             "date": f"{1990 + n}", "value": 100.0 + n}
            for n in self.records()
        ]  # fmt: skip
        return Answer(json.dumps([{"page": 1, "pages": 1, "total": len(rows)}, rows]).encode())

    def right(self, events: Sequence[Event]) -> bool:
        """Every year is known, with its one value."""
        found = {(event.period, event.value) for event in events if isinstance(event, IndicatorReported)}
        return found == {(f"{1990 + n}", 100.0 + n) for n in self.wanted}


SIMULATOR = Bureau
