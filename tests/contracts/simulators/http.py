"""A service that lists gauges as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tests.contracts.simulators.source import Answer, WebSource


class Listing(WebSource):
    """Each record is the reading of a gauge of its own."""

    kind = "http"

    def table(self) -> dict[str, Any]:
        """Asked each second, and given up after less."""
        fields = {"subject": "code", "value": "level", "time": "at", "place_code": "town", "quantity": "'level'",
                  "unit": "'m'"}  # fmt: skip
        return {"url": f"{self.url}/gauges", "interval": self.interval, "timeout": 1.5, "event": "sensor.reading",
                "fields": fields}  # fmt: skip

    def answer(self, path: str, query: Mapping[str, str]) -> Answer:
        """All records there are."""
        rows = [
            {"code": f"g-{number}", "level": number / 10, "at": self.stamps[number].isoformat(), "town": "A"}
            for number in self.records()
        ]
        return Answer(json.dumps(rows).encode())


SIMULATOR = Listing
