"""A WVP-PRO with one device."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tests.contracts.simulators.cameras import Platform
from tests.contracts.simulators.source import Answer


class Channels(Platform):
    """A camera is a channel of the device."""

    kind = "wvp"

    def table(self) -> dict[str, Any]:
        """Asked each second, and given up after less."""
        return {"url": f"{self.url}/", "interval": self.interval, "timeout": 1.5}

    def answer(self, path: str, query: Mapping[str, str]) -> Answer:
        """The device, or all its channels on one page."""
        rows: list[dict[str, Any]] = [{"deviceId": "device", "onLine": True}]
        if path.endswith("/channels"):
            rows = [{"channelId": f"cam-{number}", "name": "c", "status": "ON"} for number in self.records()]
        return Answer(json.dumps({"code": 0, "data": {"total": len(rows), "list": rows}}).encode())


SIMULATOR = Channels
