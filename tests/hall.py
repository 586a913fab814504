"""A web process's doors in the test's own event loop, served exactly as the web role serves them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

from dashboard.doors.site import web_server


@asynccontextmanager
async def served(web: Any) -> AsyncIterator[str]:
    """An ASGI app on a port of 127.0.0.1; gives host and port."""
    server, listening = web_server(web, "127.0.0.1", 0)
    cast(Any, server.config).timeout_graceful_shutdown = 0.1
    task = asyncio.create_task(server.serve(sockets=[listening]))
    while not server.started:
        assert not task.done(), "the server has ended"
        await asyncio.sleep(0.01)
    try:
        yield f"127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        await task
