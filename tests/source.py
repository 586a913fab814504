"""A source on loopback that answers as it is told: whole, broken, slowly, or with something hostile."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit


@dataclass
class Asked:
    """One request as it came."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes


@dataclass
class Source:
    """``answer`` gives the raw bytes of a reply, or writes them itself; ``asked`` is what has been asked of it."""

    answer: Callable[[Asked, asyncio.StreamWriter], Awaitable[bytes | None]]
    url: str = ""
    asked: list[Asked] = field(default_factory=list)


def reply(body: bytes | str = b"", status: int = 200, **headers: str) -> bytes:
    """A whole reply; ``content_type="…"`` is a header's name with dashes."""
    raw = body.encode() if isinstance(body, str) else body
    lines = {"content-type": "application/json", "content-length": str(len(raw)), "connection": "close"}
    lines |= {name.replace("_", "-"): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items() if value)
    return f"HTTP/1.1 {status} So\r\n{head}\r\n".encode() + raw


@asynccontextmanager
async def source(
    answer: Callable[[Asked], bytes] | bytes | Callable[[Asked, asyncio.StreamWriter], Awaitable[bytes | None]],
    tls: ssl.SSLContext | None = None,
) -> AsyncIterator[Source]:
    """A source at ``url`` that gives ``answer``: fixed bytes, a function of what is asked, or a coroutine."""

    async def answered(asked: Asked, writer: asyncio.StreamWriter) -> bytes | None:
        if isinstance(answer, bytes):
            return answer
        if asyncio.iscoroutinefunction(answer):
            return await answer(asked, writer)  # type: ignore[no-any-return]
        return answer(asked)  # type: ignore[call-arg, return-value]

    served = Source(answered)

    calls: dict[asyncio.Task[None] | None, asyncio.StreamWriter] = {}

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        calls[asyncio.current_task()] = writer
        with suppress(ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            method, target, _ = head[0].split(" ")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            parts = urlsplit(target)
            asked = Asked(method, parts.path, dict(parse_qsl(parts.query)), headers, body)
            served.asked.append(asked)
            given = await served.answer(asked, writer)
            if given is not None:
                writer.write(given)
                await writer.drain()
        with suppress(ConnectionError, ssl.SSLError):
            writer.close()
            await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    port = server.sockets[0].getsockname()[1]
    served.url = f"{'https' if tls else 'http'}://127.0.0.1:{port}"
    try:
        yield served
    finally:
        server.close()
        # A call that is still waited for ends here in its own way: one that is cancelled with the loop would be told of
        # on standard error, among what the test listens to.
        for writer in calls.values():
            writer.transport.abort()
        if waiting := [task for task in calls if task is not None and not task.done()]:
            await asyncio.wait(waiting, timeout=1)
