"""An exporter whose samples carry their own times."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.contracts.simulators.source import Answer, WebSource


class Exporter(WebSource):
    """Each record is the sample of a service of its own."""

    kind = "prometheus"

    def table(self) -> dict[str, Any]:
        """Asked each second, and given up after less."""
        return {"url": f"{self.url}/metrics", "interval": self.interval, "timeout": 1.5}

    def answer(self, path: str, query: Mapping[str, str]) -> Answer:
        """All samples there are."""
        lines = [
            f'probe_success{{instance="s-{number}"}} 1 {round(self.stamps[number].timestamp() * 1000)}\n'
            for number in self.records()
        ]
        return Answer(("# TYPE probe_success gauge\n" + "".join(lines)).encode(), "text/plain; version=0.0.4")


SIMULATOR = Exporter
