"""Somebody who posts, keeps what was not taken, and sends it again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dashboard.sources.feed import Post
from dashboard.travel.feeder import Runner, read
from dashboard.travel.spool import SpoolFull
from tests.contracts.simulators.source import PASSES, REFUSES, Simulator
from tests.station import Station

POSTED = "it is posted to: there is no source that we would ask"


class Sender(Simulator):
    """Each record is a ticket that was reported."""

    kind = "cloudevents"
    faults: Mapping[str, str] = {
        "down": POSTED, "drip": "the web's door gives a body its time, and its own tests see to that",
        "half_open": POSTED, "too_many": POSTED, "server_error": POSTED, "login_page": REFUSES, "truncated": REFUSES,
        "duplicated": PASSES, "skew": PASSES,
    }  # fmt: skip

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.mode = ""
        self.kept: list[int] = []
        self.station: Station | None = None

    def table(self) -> dict[str, Any]:
        """As it is."""
        return {}

    async def feed(self, station: Station) -> None:
        """Post to this one."""
        self.station = station

    async def fault(self, name: str) -> None:
        """Post something else, twice, or fast."""
        self.mode, self.ahead = name, name == "skew"

    async def clear(self) -> None:
        """Post what is right."""
        self.mode, self.ahead = "", False

    def bodies(self) -> list[bytes]:
        """What is to be posted now."""
        events = [
            {"specversion": "1.0", "id": f"{number}", "source": "hall", "type": "ticket.reported",
             "subject": f"t-{number}", "time": self.stamps[number].isoformat(), "data": {"title": "t", "place": "A"}}
            for number in self.kept
        ]  # fmt: skip
        return [json.dumps(events).encode()]

    async def add(self) -> None:
        """Post all that is kept; keep it until it is taken."""
        await super().add()
        self.kept.append(self.wanted[-1])
        assert self.station is not None
        headers = {"content-type": "application/cloudevents-batch+json"}
        for body in self.bodies():
            if self.mode in ("truncated", "login_page"):
                body = body[:-20] if self.mode == "truncated" else b"<html>log in</html>"
            for _ in range(2 if self.mode == "duplicated" else 1):
                await self._post(Post(headers, body), self.station.runner)
        if self.mode not in ("truncated", "login_page"):
            self.kept.clear()

    async def _post(self, post: Post, runner: Runner) -> None:
        for attempt in range(20):
            try:
                await runner.take_read(*read(runner.bound, post, runner.context))
                return
            except SpoolFull:
                assert attempt < 19


SIMULATOR = Sender
