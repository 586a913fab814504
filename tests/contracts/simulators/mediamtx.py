"""A MediaMTX with paths."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tests.contracts.simulators.cameras import Platform
from tests.contracts.simulators.source import Answer


class Paths(Platform):
    """A camera is a path."""

    kind = "mediamtx"

    def table(self) -> dict[str, Any]:
        """Asked each second, and given up after less."""
        return {"url": f"{self.url}/", "interval": self.interval, "timeout": 1.5}

    def answer(self, path: str, query: Mapping[str, str]) -> Answer:
        """All paths on one page, and when it came up."""
        if path.endswith("/info"):
            return Answer(json.dumps({"started": self.born.isoformat()}).encode())
        rows = [{"name": f"cam-{number}", "ready": True, "tracks": ["H264"]} for number in self.records()]
        return Answer(json.dumps({"itemCount": len(rows), "pageCount": 1, "items": rows}).encode())


SIMULATOR = Paths
