"""Links: how a screen hangs on its web process, by a WebSocket at /live or, where none gets through, by polls.

A link carries what the hub has laid into the screen's mailbox, no faster than the screen says that it has painted it.
A screen that acknowledges nothing, sends nonsense or is of another origin is let go.
"""

from __future__ import annotations

import asyncio
import secrets
from time import monotonic

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from dashboard.screens.audience import Hello, Screen
from dashboard.screens.push import BEAT, Hub
from dashboard.screens.screens import Report, Unknown
from dashboard.sources.hosts import same_origin

UNSEEN = 2  # Paints under way to a screen that it has not acknowledged.
SILENT = 60.0  # Seconds after which a screen that acknowledges nothing is let go.
MESSAGE = 16_384  # Bytes of the largest message a screen may send.
POLL = 20.0  # Seconds a poll is held at most.


class Links:
    """The links of a hub's screens: one that acknowledges nothing for ``silent`` seconds is let go, and a poll is held
    for ``hold`` seconds at most.
    """

    def __init__(self, hub: Hub, *, silent: float = SILENT, hold: float = POLL) -> None:
        self.hub, self.silent, self.hold = hub, silent, hold
        self.polls: dict[str, Screen] = {}

    async def run(self) -> None:
        """Forget who polls no more, until cancelled."""
        while True:
            await asyncio.sleep(BEAT)
            now = monotonic()
            for name, screen in list(self.polls.items()):
                if now - screen.heard > 2 * self.hold:
                    self.hub.gone(self.polls.pop(name))

    def routes(self) -> list[BaseRoute]:
        """``/live`` and its fallback."""
        return [WebSocketRoute("/live", self.live), Route("/live/poll", self.poll, methods=["POST"])]

    async def live(self, socket: WebSocket) -> None:
        """One screen's link, from hello to goodbye."""
        if not same_origin(socket.headers.get("origin"), socket.headers.get("host")):
            await socket.close(4403, "another origin")
            return
        await socket.accept()
        screen = Screen(secrets.token_hex(4))
        reading = asyncio.create_task(self._read(socket, screen))
        writing = asyncio.create_task(self._write(socket, screen))
        try:
            await asyncio.wait((reading, writing), return_when=asyncio.FIRST_COMPLETED)
        finally:
            self.hub.gone(screen)
            for task in (reading, writing):
                task.cancel()
            await asyncio.gather(reading, writing, return_exceptions=True)

    async def _read(self, socket: WebSocket, screen: Screen) -> None:
        while True:
            try:
                said = await socket.receive_text()
            except (WebSocketDisconnect, RuntimeError, KeyError):
                return
            try:
                message = msgspec.json.decode(said[:MESSAGE])
                if message["t"] == "hello":
                    self.hub.join(screen, msgspec.convert(message, Hello))
                elif message["t"] == "ack":
                    screen.acknowledge(int(message["n"]))
                elif message["t"] == "report" and self.hub.director is not None:
                    await self.hub.director.heard(screen, msgspec.convert(message, Report))
            except (msgspec.MsgspecError, KeyError, TypeError, ValueError):
                await socket.close(4400, "not understood")
                return

    async def _write(self, socket: WebSocket, screen: Screen) -> None:
        while True:
            try:
                await asyncio.wait_for(screen.ready.wait(), self.silent)
            except TimeoutError:
                pass
            screen.ready.clear()
            try:
                async with asyncio.timeout(self.silent):
                    if not await self._deliver(socket, screen):
                        return
            except (WebSocketDisconnect, RuntimeError, OSError, TimeoutError):
                return

    async def _deliver(self, socket: WebSocket, screen: Screen) -> bool:
        """Send what there is, as far as the screen keeps up; False if it was let go."""
        # One that has never said what it wants is let go like one that has stopped to take what it gets.
        if (screen.unseen or screen.audience is None) and monotonic() - screen.heard > self.silent:
            await socket.close(4408, "nothing was acknowledged")
            return False
        while screen.orders:
            await socket.send_text(screen.orders.pop(next(iter(screen.orders))))
        if screen.beat is not None and len(screen.unseen) < UNSEEN:
            said, screen.beat = screen.beat, None
            await socket.send_text(said)
        if screen.mail and len(screen.unseen) < UNSEEN:
            if not screen.unseen:
                screen.heard = monotonic()
            await socket.send_text(self.hub.bundle(screen))
            self.hub.sent += 1
        return True

    async def poll(self, request: Request) -> Response:
        """The fallback where no WebSocket gets through: hello with what was seen, frames as soon as there are any."""
        if not same_origin(request.headers.get("origin"), request.headers.get("host")):
            return JSONResponse({"reason": "another_origin"}, 403)
        try:
            body = await request.body()
            hello = msgspec.json.decode(body[:MESSAGE], type=Hello)
        except msgspec.MsgspecError:
            return JSONResponse({"reason": "not_understood"}, 400)
        screen = self.polls.get(hello.screen)
        ctx = screen.audience.ctx if screen is not None and screen.audience is not None else None
        if screen is None or ctx is None or (ctx.place, ctx.language, ctx.size) != self.hub.shown(hello):
            screen = screen or Screen(hello.screen)
            self.polls[hello.screen] = screen
            self.hub.join(screen, hello)
        screen.acknowledge(hello.seen if hello.seen <= self.hub.tick else 0)
        if hello.report is not None and self.hub.director is not None:
            try:
                await self.hub.director.heard(screen, hello.report)
            except Unknown:
                return JSONResponse({"reason": "not_understood"}, 400)
        if screen.unseen:  # An answer was lost on its way, and what was in it would never come again.
            self.hub.join(screen, hello)
        screen.turn += 1  # One poll at a time: an older one may be of a connection that is long gone.
        turn = screen.turn
        until = monotonic() + self.hold
        frames: list[str] = []
        while not frames and monotonic() < until and screen.turn == turn:
            screen.ready.clear()
            frames += screen.orders.values()
            screen.orders.clear()
            if screen.beat is not None:
                frames.append(screen.beat)
                screen.beat = None
            if screen.mail:
                frames.append(self.hub.bundle(screen))
            if not frames:
                try:
                    await asyncio.wait_for(screen.ready.wait(), until - monotonic())
                except TimeoutError:
                    break
        screen.heard = monotonic()
        return Response('{"frames":[' + ",".join(frames) + "]}", media_type="application/json")
