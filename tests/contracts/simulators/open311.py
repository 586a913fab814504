"""A GeoReport v2 server."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tests.contracts.simulators.source import Answer, WebSource


class Requests(WebSource):
    """Each record is an open request."""

    kind = "open311"

    def table(self) -> dict[str, Any]:
        """Asked each second, and given up after less."""
        return {"url": f"{self.url}/v2", "interval": self.interval, "timeout": 1.5}

    def answer(self, path: str, query: Mapping[str, str]) -> Answer:
        """All requests on the first page, and none on the next."""
        rows = [
            {"service_request_id": f"r-{number}", "requested_datetime": self.stamps[number].isoformat(),
             "status": "open", "service_name": "Street light", "lat": 23.05, "long": 113.05}
            for number in self.records()
        ]  # fmt: skip
        return Answer(json.dumps(rows if query.get("page", "1") == "1" else []).encode())


SIMULATOR = Requests
