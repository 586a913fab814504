"""Cameras that answer RTSP. One that does not is down, and the feed that asks it is well: that is what it is for."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from dashboard.events import Event
from dashboard.nouns.video import DOWN, CamerasPolled
from tests.contracts.simulators.cameras import Platform
from tests.contracts.simulators.source import NET, PASSES, REFUSES

SDP = b"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=c\r\nt=0 0\r\nm=video 0 RTP/AVP 26\r\na=control:track1\r\n"
SPOILT = ("down", "drip", "half_open", "truncated", "server_error", "login_page")


class Cameras(Platform):
    """Each record is a line of the inventory, and a camera behind it."""

    kind = "probe"
    interval = 1.0
    faults: Mapping[str, str] = {
        **dict.fromkeys(SPOILT, PASSES), "duplicated": REFUSES,
        "too_many": "cameras speak RTSP, and turn nobody away for asking too often",
        "skew": "a camera's own time is judged, and stamps no event",
    }  # fmt: skip
    noted = frozenset(SPOILT)  # What a camera has answered is named once.

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.file = folder / "cameras.csv"
        self._write()

    def table(self) -> dict[str, Any]:
        """All asked each second, and given up after less."""
        return {"inventory": "cameras.csv", "networks": ["127.0.0.0/8"], "interval": self.interval, "timeout": 0.7}

    def _write(self) -> None:
        lines = [f"cam-{number},rtsp://127.0.0.1:{self.proxy.port}/cam-{number}\n" for number in self.records()]
        other = self.file.with_suffix(".new")
        other.write_text("id,address\n" + "".join(lines), encoding="utf-8")
        other.replace(self.file)

    async def add(self) -> None:
        """One more camera."""
        await super().add()
        self._write()

    async def fault(self, name: str) -> None:
        """The way to the cameras fails, or they answer something else."""
        self.mode = name
        if name in NET:
            await self.proxy.fault(name)

    async def clear(self) -> None:
        """All is well."""
        await super().clear()
        self._write()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError, IndexError):
            while line := await reader.readline():
                number = b"0"
                while (header := await reader.readline()).strip():
                    if header.lower().startswith(b"cseq:"):
                        number = header.split(b":")[1].strip()
                body = SDP if line.startswith(b"DESCRIBE") else b""
                first = b"RTSP/1.0 500 Internal Server Error" if self.mode == "server_error" else b"RTSP/1.0 200 OK"
                kind = b"Public: OPTIONS, DESCRIBE\r\nContent-Type: application/sdp\r\n"
                reply = first + b"\r\nCSeq: %s\r\n%sContent-Length: %d\r\n\r\n%s" % (number, kind, len(body), body)
                if self.mode == "login_page":
                    reply = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html><title>log in</title></html>"
                writer.write(reply)
                await writer.drain()
        writer.close()

    def right(self, events: Sequence[Event]) -> bool:
        """Besides, the last sweep has seen every camera as it is."""
        polls = [event for event in events if isinstance(event, CamerasPolled)]
        if not polls or not super().right(events):
            return False
        last = max(polls, key=lambda poll: poll.time)
        down = {bool(last.others.get(f"cam-{number}", last.usual) & DOWN) for number in self.wanted}
        return down == {self.mode in SPOILT}


SIMULATOR = Cameras
