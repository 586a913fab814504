"""The feeds' way to the disk and into the stream: open whatever else the process waits for."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from math import inf
from pathlib import Path

import pytest
from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from dashboard.travel import feeder
from dashboard.travel.feeder import MOST, Feeder, Outlet
from dashboard.travel.roles import House
from dashboard.travel.spool import Spool
from dashboard.travel.stream import Reader, Sender, connect, connect_async
from tests.flow import KEYS, batch, filled, reported
from tests.station import Station, soon
from tests.town import town


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


# -- while history is away ---------------------------------------------------------------------------------------


@asynccontextmanager
async def sending(client: AsyncRedis, spool: Spool, most: float) -> AsyncIterator[Outlet]:
    """An outlet at work."""
    outlet = Outlet(spool, client, KEYS, most)
    task = asyncio.create_task(outlet.send())
    try:
        yield outlet
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        spool.close()


async def test_while_the_stream_is_too_long_what_is_new_waits_on_the_disk(
    redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeder, "LOOK", 0.05)
    client = connect_async(redis_url)
    async with asyncio.timeout(30):
        with connect(redis_url) as redis:

            def there(spool: Spool) -> list[int]:
                return [one.seq for one in Reader(redis, KEYS).read(100, 10)[0] if one.spool == spool.id]

            spool, old = filled(tmp_path, [], "hotline"), filled(tmp_path, [[reported(1)], [reported(2)]], "old")
            async with sending(client, spool, 5) as outlet:
                for number in (1, 2):
                    await outlet.put([reported(number)])
                await soon(lambda: there(spool) == [1, 2])
                await Sender(client, KEYS, "other@1").send([batch(n, reported(n)) for n in range(1, 7)])
                looked: list[int] = []
                length = outlet._length

                async def look() -> int:
                    looked.append(await length())
                    return looked[-1]

                monkeypatch.setattr(outlet, "_length", look)
                await soon(lambda: 8 in looked)
                await outlet.put([reported(3)])
                await soon(lambda: outlet.held)
                assert outlet.held == "waits: the stream holds 8 batches that history or the board has not taken yet"
                async with sending(client, filled(tmp_path, [], "clock"), inf) as clock:
                    await clock.put([reported(9)])
                    await soon(lambda: there(clock.spool) == [1])
                async with sending(client, old, 5):  # After a restart nobody knows whether it was asked for again.
                    await soon(lambda: there(old) == [1, 2])
                assert there(spool) == [1, 2]
                Reader(redis, KEYS).ask_again([spool.id])
                await soon(lambda: there(spool) == [1, 2, 1, 2, 3])
                await outlet.put([reported(4)])
                await soon(lambda: outlet.held)
                assert there(spool) == [1, 2, 1, 2, 3]
                for key in (KEYS.board, KEYS.history):
                    redis.hset(key, mapping={spool.id: 3, "other@1": 6, clock.spool.id: 1, old.id: 2})
                assert Reader(redis, KEYS).trim() == 14
                await soon(lambda: there(spool) == [3, 4])  # The newest entry is left to stand.
                assert outlet.held == ""
    await client.aclose()


async def test_something_else_under_the_log_s_name_keeps_nothing_waiting(redis_url: str, tmp_path: Path) -> None:
    client = connect_async(redis_url)
    with connect(redis_url) as redis:
        redis.set(KEYS.log, "not ours")
        async with sending(client, filled(tmp_path, [[reported(1)]]), 5):
            await soon(lambda: redis.type(KEYS.log) == b"stream" and redis.xlen(KEYS.log) == 1)
    await client.aclose()


def test_a_feed_that_waits_says_so_and_does_not_look_alive(tmp_path: Path) -> None:
    station = Station(town(tmp_path, {"kind": "clock", "name": "clock"}), tmp_path)
    now = datetime(2026, 3, 1, tzinfo=UTC)
    assert station.runner.beat(now, 0).error == ""
    station.sink.held = "waits: …"
    assert station.runner.beat(now, 0).error == "waits: …"
    station.close()


def test_the_clock_and_what_people_do_never_wait(redis_url: str, tmp_path: Path) -> None:
    feeds = {"kind": "clock", "name": "clock"}, {"kind": "cloudevents", "name": "hotline"}
    city = town(tmp_path, *feeds)
    made = Feeder(House(city, tmp_path / "home", redis_url, ""))
    found = {name: runner.outlet.most for name, runner in made.runners.items()}
    assert found == {"clock": inf, "hotline": MOST} | {name: inf for name in found if name not in ("clock", "hotline")}
    assert len(found) == 3, "the desk's acts too"
    assert made.beats.most == inf
    made.close()
