"""The feeds' way to the disk and into the stream: open whatever else the process waits for."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from redis import Redis

from dashboard.travel.feeder import Outlet
from dashboard.travel.spool import Spool
from dashboard.travel.stream import Reader, connect_async
from tests.flow import KEYS, reported
from tests.station import soon


async def test_what_waits_for_a_name_or_a_share_keeps_no_spool_waiting(redis_url: str, tmp_path: Path) -> None:
    """Every thread that all others share is taken; events get to the disk, into the stream, and are forgotten."""
    free, loop = threading.Event(), asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(1))
    waiting = [loop.run_in_executor(None, free.wait, 30) for _ in range(2)]
    client = connect_async(redis_url)
    spool = Spool(tmp_path / "spool" / "hotline.db", durable=False)
    outlet = Outlet(spool, client, KEYS)
    task = asyncio.create_task(outlet.send())
    try:
        async with asyncio.timeout(10):
            assert (await outlet.put([reported(1)])).stored == 1
            with Redis.from_url(redis_url, protocol=2) as redis:
                await soon(lambda: redis.xlen(KEYS.log) == 1)
                assert [found.seq for found in Reader(redis, KEYS).read(10, 20)[0]] == [1]
                redis.hset(KEYS.history, spool.id, 1)
            await outlet.trim()
        assert spool.waiting(0) == 0
    finally:
        free.set()
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        assert await asyncio.gather(*waiting) == [True, True], "the threads were free again before their time"
        await client.aclose()
        spool.close()
