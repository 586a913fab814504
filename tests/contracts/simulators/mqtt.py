"""A real broker, behind a way that can be cut."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from itertools import count
from pathlib import Path
from typing import Any, ClassVar

import aiomqtt

from tests.contracts.simulators.source import PASSES, Proxy, ServerSource
from tests.servers import Mosquitto

NUMBERS = count(1)


class Broker(ServerSource):
    """Each record is the reading of a gauge of its own, published to the broker itself."""

    kind = "mqtt"
    faults: Mapping[str, str] = {**ServerSource.faults, "drip": PASSES}
    missing = "" if Mosquitto.tool() else "mosquitto is not installed (Debian: apt-get install mosquitto)"
    patience = 4.0  # A connection that is taken and never answered is waited for.
    server: ClassVar[Mosquitto]

    @classmethod
    def provide(cls, fixture: Callable[[str], Any]) -> None:
        """One broker for all."""
        cls.server = fixture("mosquitto_server")

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.room = f"room{next(NUMBERS)}"
        self.proxy = Proxy(lambda: asyncio.open_connection("127.0.0.1", self.server.port))
        self.proxy.pace = 0.002

    def table(self) -> dict[str, Any]:
        """All gauges of a room of its own."""
        topic = {"pattern": f"{self.room}/{{place}}/{{sensor}}", "quantity": "level", "unit": "m"}
        return {"url": f"mqtt://127.0.0.1:{self.proxy.port}", "interval": self.interval, "topics": [topic]}

    async def add(self) -> None:
        """Publish one; it is kept, so that who comes later hears of it."""
        await super().add()
        number = self.wanted[-1]
        body = json.dumps({"value": number / 10, "time": self.stamps[number].isoformat()})
        async with aiomqtt.Client("127.0.0.1", self.server.port) as client:
            for _ in range(2 if self.twice else 1):
                await client.publish(f"{self.room}/A/g-{number}", body, qos=1, retain=True)


SIMULATOR = Broker
