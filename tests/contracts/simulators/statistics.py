"""A bureau that answers as the World Bank does, naming the day of its figures."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tests.contracts.simulators.source import Answer, WebSource


class Bureau(WebSource):
    """Each record is the figure of a series of its own; all are of one vintage."""

    kind = "statistics"

    def table(self) -> dict[str, Any]:
        """Asked each second, and given up after less."""
        return {"url": f"{self.url}/v2", "format": "worldbank", "interval": self.interval, "timeout": 1.5}

    def answer(self, path: str, query: Mapping[str, str]) -> Answer:
        """All figures there are, on one page."""
        rows = [
            {"indicator": {"id": f"F-{number}", "value": "figure"}, "country": {"id": "T", "value": "镇"},
             "countryiso3code": "T", "date": "2024", "value": number / 10, "unit": "%"}
            for number in self.records()
        ]  # fmt: skip
        about = {"page": 1, "pages": 1, "total": len(rows), "lastupdated": self.born.date().isoformat()}
        return Answer(json.dumps([about, rows]).encode())


SIMULATOR = Bureau
