"""A ZLMediaKit that carries streams."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tests.contracts.simulators.cameras import Platform
from tests.contracts.simulators.source import PASSES, Answer


class Streams(Platform):
    """A camera is a stream, offered by two protocols."""

    kind = "zlmediakit"
    faults: Mapping[str, str] = {**Platform.faults, "duplicated": PASSES}  # One stream is offered by many protocols.

    def table(self) -> dict[str, Any]:
        """Asked each second, and given up after less."""
        return {"url": f"{self.url}/", "interval": self.interval, "timeout": 1.5, "inventory": self.inventory()}

    def answer(self, path: str, query: Mapping[str, str]) -> Answer:
        """All streams."""
        rows = [
            {"app": "live", "stream": f"cam-{number}", "schema": schema, "aliveSecond": 100, "bytesSpeed": 9}
            for number in self.records()
            for schema in ("rtsp", "rtmp")
        ]
        return Answer(json.dumps({"code": 0, "data": rows}).encode())


SIMULATOR = Streams
