"""What the simulated sources have in common: their faults, a way that can be cut, and a web server that lies."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

from dashboard.events import Event
from tests.servers import free_port
from tests.station import Station

# How a fault shows: the feed says it fails, one record is refused, or nothing is noticed at all.
FAILS, REFUSES, PASSES = "fails", "refuses", "passes"
FAULTS = ("down", "drip", "half_open", "too_many", "server_error", "login_page", "truncated", "duplicated", "skew")
NET = ("down", "drip", "half_open", "truncated")
NO_HTTP = "it is not asked over HTTP"


class Simulator:
    """One source. Its records are numbered; a subclass says how they are given and how they are found again.

    ``faults`` maps each of ``FAULTS`` to how it shows, or to the reason why it makes no sense here.
    """

    kind = ""
    faults: Mapping[str, str] = {}
    interval = 1.0
    noted: frozenset[str] = frozenset()  # Faults that fail, and leave a refused record beside.
    asked = False  # It is asked each interval, and does not speak by itself.
    patience = 2.5  # Seconds that the feed's own timeouts add to a recovery.
    city: Mapping[str, Any] = {}  # What else the city file has to say.
    missing = ""  # What has to be installed, where it is not.

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.wanted: list[int] = []
        self.ahead = False
        self.stamps: dict[int, datetime] = {}
        self.born = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)

    @classmethod
    def provide(cls, fixture: Callable[[str], Any]) -> None:
        """Take what many of these share from the tests' fixtures, such as a database's server."""

    def table(self) -> dict[str, Any]:
        """The feed's table in the city file."""
        raise NotImplementedError

    async def start(self) -> None:
        """Come up."""

    async def close(self) -> None:
        """Go away for good."""

    async def fault(self, name: str) -> None:
        """Begin to fail."""

    async def clear(self) -> None:
        """Be well again."""

    async def feed(self, station: Station) -> None:
        """Stand beside a feed at work that has to be posted to."""

    async def add(self) -> None:
        """One more record comes to be."""
        number = len(self.wanted) + 1
        fast = datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=5)  # Its clock is, by as much.
        self.stamps[number] = fast if self.ahead else self.born + timedelta(seconds=number)
        self.wanted.append(number)

    def right(self, events: Sequence[Event]) -> bool:
        """Whether these are all records, each once."""
        found = [self.number(event) for event in events]
        return sorted(one for one in found if one is not None) == self.wanted

    def number(self, event: Event) -> int | None:
        """The record that an event is of; None if it is none."""
        return int(event.subject.rpartition("-")[2])


class Proxy:
    """A way to a server that can be cut, blocked, slowed down or broken off in the midst of what it carries."""

    def __init__(self, reach: Callable[[], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]) -> None:
        self.reach = reach
        self.port = free_port()
        self.mode = ""
        self.pace = 0.03  # Seconds between two bytes and the next two, while it drips.
        self._server: asyncio.Server | None = None
        self._links: set[asyncio.Task[None]] = set()
        self._dead: list[asyncio.StreamWriter] = []

    async def start(self) -> None:
        """Take connections."""
        if self._server is None:
            self._server = await asyncio.start_server(self._take, "127.0.0.1", self.port)

    async def stop(self) -> None:
        """Take no more, and cut those there are."""
        if self._server is not None:
            self._server.close()
            self._server = None
        await self.cut()

    async def cut(self) -> None:
        """Cut the connections there are."""
        for link in list(self._links):
            link.cancel()
        await asyncio.gather(*self._links, return_exceptions=True)
        for writer in self._dead:
            writer.close()
        self._dead.clear()

    async def fault(self, name: str) -> None:
        """Begin to fail: connections that are open when the way goes half-open stay dead even when it is well again."""
        self.mode = name
        if name == "down":
            await self.stop()
        elif name == "truncated":
            await self.cut()

    async def clear(self) -> None:
        """Be well again."""
        self.mode = ""
        await self.start()

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._links.add(task)
        try:
            await self._carry(reader, writer)
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            self._links.discard(task)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.mode == "half_open":
            self._dead.append(writer)
            return
        inner_reader, inner_writer = await self.reach()
        ways = [
            asyncio.create_task(self._way(reader, inner_writer, back=False)),
            asyncio.create_task(self._way(inner_reader, writer, back=True)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            if any(way.done() and not way.cancelled() and way.exception() is None and way.result() for way in ways):
                self._dead.append(writer)  # Half open: it is not even closed.
                return
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            inner_writer.close()
            if writer not in self._dead:
                writer.close()

    async def _way(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, back: bool) -> bool:
        """Carry one way; True if it went dead and not to its end."""
        carried = 0
        while data := await reader.read(65536):
            if self.mode == "half_open":
                return True
            if back and self.mode == "drip":
                for at in range(0, len(data), 2):
                    writer.write(data[at : at + 2])
                    await writer.drain()
                    await asyncio.sleep(self.pace if self.mode == "drip" else 0)
                continue
            if back and self.mode == "truncated":
                carried += len(data)
                writer.write(data[: max(1, len(data) * 2 // 3)])
                await writer.drain()
                return False
            writer.write(data)
            await writer.drain()
        return False


class ServerSource(Simulator):
    """A real server that all share, behind a way of one's own (``proxy``) that can be cut; ``twice``: all doubled."""

    faults: Mapping[str, str] = {
        "down": FAILS, "drip": FAILS, "half_open": FAILS, "truncated": FAILS, "duplicated": PASSES, "skew": PASSES,
        "too_many": NO_HTTP, "server_error": NO_HTTP, "login_page": NO_HTTP,
    }  # fmt: skip
    proxy: Proxy
    twice = False

    async def start(self) -> None:
        """Open the way."""
        await self.proxy.start()

    async def close(self) -> None:
        """Close the way."""
        await self.proxy.stop()

    async def fault(self, name: str) -> None:
        """Block the way, say all twice, or run fast."""
        self.twice, self.ahead = name == "duplicated", name == "skew"
        await self.proxy.fault(name)

    async def clear(self) -> None:
        """Be well again."""
        self.twice = self.ahead = False
        await self.proxy.clear()


@dataclass
class Answer:
    """What a web source says to a request."""

    body: bytes
    kind: str = "application/json"
    status: str = "200 OK"
    headers: dict[str, str] = field(default_factory=dict)


class WebSource(Simulator):
    """A source that is asked over HTTP; a subclass says what it answers to a path."""

    asked = True
    faults: Mapping[str, str] = {
        "down": FAILS, "drip": FAILS, "half_open": FAILS, "too_many": FAILS, "server_error": FAILS,
        "login_page": FAILS, "truncated": FAILS, "duplicated": PASSES, "skew": PASSES,
    }  # fmt: skip

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.mode = ""
        self._server: asyncio.Server | None = None
        self._inner = free_port()
        self.proxy = Proxy(lambda: asyncio.open_connection("127.0.0.1", self._inner))
        self._calls: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    @property
    def url(self) -> str:
        """Its address, as the feed reaches it."""
        return f"http://127.0.0.1:{self.proxy.port}"

    def answer(self, path: str, query: Mapping[str, str]) -> Answer:
        """What it says when all is well."""
        raise NotImplementedError

    def records(self) -> list[int]:
        """The numbers of the records to give, each twice while they are doubled."""
        return [*self.wanted, *self.wanted] if self.mode == "duplicated" else list(self.wanted)

    async def start(self) -> None:
        """Answer."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._inner)
        await self.proxy.start()

    async def close(self) -> None:
        """Answer no more."""
        await self.proxy.stop()
        if self._server is not None:
            self._server.close()
        # Calls that are still waited for end here in their own way: one that is cancelled with the loop would be told
        # of on standard error, which is among what the tests read.
        for writer in self._calls.values():
            writer.transport.abort()
        if self._calls:
            await asyncio.wait(self._calls, timeout=1)

    async def fault(self, name: str) -> None:
        """Begin to fail."""
        self.mode = name
        if name in NET:
            await self.proxy.fault(name)
        self.ahead = name == "skew"

    async def clear(self) -> None:
        """Be well again; a record keeps the stamp that it had."""
        self.mode, self.ahead = "", False
        await self.proxy.clear()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = cast("asyncio.Task[None]", asyncio.current_task())
        self._calls[task] = writer
        task.add_done_callback(self._calls.pop)
        with suppress(OSError, asyncio.IncompleteReadError, ValueError):
            while line := await reader.readline():
                length = 0
                while (header := await reader.readline()).strip():
                    if header.lower().startswith(b"content-length:"):
                        length = int(header.split(b":")[1])
                if length:
                    await reader.readexactly(length)
                target = line.split()[1].decode()
                answer = self._lying() or self.answer(*_parts(target))
                headers = {"Content-Type": answer.kind, "Content-Length": str(len(answer.body)), **answer.headers}
                head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
                writer.write(f"HTTP/1.1 {answer.status}\r\n{head}\r\n".encode() + answer.body)
                await writer.drain()
        writer.close()

    def _lying(self) -> Answer | None:
        if self.mode == "too_many":
            return Answer(b"slow down", "text/plain", "429 Too Many Requests", {"Retry-After": "1"})
        if self.mode == "server_error":
            return Answer(b"oops", "text/plain", "500 Internal Server Error")
        if self.mode == "login_page":
            return Answer("<!doctype html><html><title>统一身份认证</title>".encode(), "text/html; charset=utf-8")
        return None


def _parts(target: str) -> tuple[str, dict[str, str]]:
    from urllib.parse import parse_qsl, urlsplit

    parts = urlsplit(target)
    return parts.path, dict(parse_qsl(parts.query))
