"""An upstream that pushes, and tells again what it is asked for, behind a way that can be cut."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from tests.contracts.simulators.source import FAILS, PASSES, Proxy, Simulator
from tests.servers import free_port

LIES = {"too_many": (429, "slow down"), "server_error": (500, "oops"), "login_page": (200, "<html>log in</html>")}


class Upstream(Simulator):
    """Each record is a message of its own; who connects says what it has."""

    kind = "websocket"
    faults: Mapping[str, str] = {
        "down": FAILS, "drip": PASSES, "half_open": FAILS, "truncated": FAILS, "duplicated": PASSES, "skew": PASSES,
        "too_many": FAILS, "server_error": FAILS, "login_page": FAILS,
    }  # fmt: skip
    patience = 4.0  # A connection that is taken and never answered is waited for.

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.mode = ""
        self.sockets: set[ServerConnection] = set()
        self._inner = free_port()
        self._server: Server | None = None
        self.proxy = Proxy(lambda: asyncio.open_connection("127.0.0.1", self._inner))
        self.proxy.pace = 0.002

    def table(self) -> dict[str, Any]:
        """Readings in ``data``, numbered by ``seq``."""
        reading = {"quantity": "rain", "unit": "mm", "value": "mm", "sensor": "code", "time": "at", "place": "town"}
        return {
            "url": f"ws://127.0.0.1:{self.proxy.port}/feed", "interval": self.interval, "records": "data",
            "sequence": "seq", "hello": "{after}", "resume_message": "{after}", "heartbeat": "type == 'alive'",
            "resume_wait": 0.5, "readings": [reading],
        }  # fmt: skip

    async def start(self) -> None:
        """Push."""
        self._server = await serve(
            self._push, "127.0.0.1", self._inner, process_request=self._lie, compression=None, close_timeout=0.1
        )
        await self.proxy.start()

    async def close(self) -> None:
        """Push no more."""
        await self.proxy.stop()
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    def _lie(self, socket: ServerConnection, request: Any) -> Any:
        return socket.respond(*LIES[self.mode]) if self.mode in LIES else None

    async def _push(self, socket: ServerConnection) -> None:
        self.sockets.add(socket)
        alive = asyncio.create_task(self._alive(socket))
        try:
            async for text in socket:
                for number in self.wanted:
                    if number > int(text):
                        await socket.send(self._message(number))
        except ConnectionClosed:
            pass
        finally:
            alive.cancel()
            self.sockets.discard(socket)

    async def _alive(self, socket: ServerConnection) -> None:
        while True:
            await asyncio.sleep(0.4)
            await socket.send('{"type": "alive"}')

    def _message(self, number: int) -> str:
        row = {"code": f"s-{number}", "mm": 0.5, "at": self.stamps[number].isoformat(), "town": "A"}
        return json.dumps({"seq": number, "data": [row]})

    async def fault(self, name: str) -> None:
        """Block the way, answer who connects with something else, say all twice, or run fast."""
        self.mode, self.ahead = name, name == "skew"
        await self.proxy.fault(name)
        if name in LIES:
            await self.proxy.cut()

    async def clear(self) -> None:
        """Be well again."""
        self.mode, self.ahead = "", False
        await self.proxy.clear()

    async def add(self) -> None:
        """One more message, to all who listen."""
        await super().add()
        for socket in list(self.sockets):
            try:
                for _ in range(2 if self.mode == "duplicated" else 1):
                    await asyncio.wait_for(socket.send(self._message(self.wanted[-1])), 1)
            except (ConnectionClosed, TimeoutError):
                self.sockets.discard(socket)


SIMULATOR = Upstream
