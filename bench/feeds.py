"""Two hundred feeds in one process, every fifth failing: do the healthy keep their interval, does health tell."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import tempfile
import threading
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from bench.house import House, Stuck, free_port
from bench.run import Bench, Figure
from dashboard.doors.status import status

FEEDS = 200
INTERVAL = 2.0  # Seconds.
MEASURED = 60.0  # Seconds, after all have been heard of.
PATIENCE = 20.0  # Seconds in which health has to tell rightly of all of them.
WANTED = 1.2  # The 95th percentile of the time between two questions, in intervals.
WAYS = ("refused", "hang", "error", "login")  # How every fifth feed's source fails.
CITY = """
name = "feeds"
title = { zh = "数据源", en = "Feeds" }
zone = "Asia/Shanghai"
simulated = true

[places]
file = PLACES

[[feeds]]
kind = "clock"
name = "clock"
"""
HTTP = """
[[feeds]]
kind = "http"
name = "{name}"
url = "{url}"
interval = {interval}
timeout = 1.5
event = "sensor.reading"
fields = {{ subject = "code", value = "level", time = "at", quantity = "'level'", unit = "'m'" }}
"""
PROMETHEUS = """
[[feeds]]
kind = "prometheus"
name = "{name}"
url = "{url}"
interval = {interval}
timeout = 1.5
"""


def way_of(number: int) -> str:
    """How the source of this feed fails; empty for one that is well."""
    return WAYS[number // 5 % len(WAYS)] if number % 5 == 0 else ""


class Sources:
    """All the sources, served by one thread; ``asked`` tells when each was."""

    def __init__(self) -> None:
        self.port, self.closed_port = free_port(), free_port()
        self.asked: dict[int, list[float]] = {number: [] for number in range(FEEDS)}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def start(self) -> None:
        """Answer."""
        self._thread.start()
        asyncio.run_coroutine_threadsafe(asyncio.start_server(self._serve, "127.0.0.1", self.port), self._loop).result(
            10
        )

    def stop(self) -> None:
        """Answer no more."""

        async def end() -> None:
            others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)

        asyncio.run_coroutine_threadsafe(end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def url(self, number: int) -> str:
        """The address of one source."""
        port = self.closed_port if way_of(number) == "refused" else self.port
        return f"http://127.0.0.1:{port}/{number}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError, ValueError, IndexError, asyncio.CancelledError):
            while line := await reader.readline():
                while (await reader.readline()).strip():
                    pass
                number = int(line.split()[1].strip(b"/"))
                self.asked[number].append(monotonic())
                way = way_of(number)
                if way == "hang":
                    await asyncio.sleep(3600)
                code, kind, body = _answer(number, way)
                head = f"HTTP/1.1 {code}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
                writer.write(head.encode() + body)
                await writer.drain()
        writer.close()


def _answer(number: int, way: str) -> tuple[str, str, bytes]:
    if way == "error":
        return "500 Internal Server Error", "text/plain", b"oops"
    if way == "login":
        return "200 OK", "text/html", b"<!doctype html><html><title>log in</title></html>"
    now = datetime.now(UTC)
    if number % 2:
        samples = "".join(f'probe_success{{instance="s{one}"}} 1\n' for one in range(20))
        return "200 OK", "text/plain; version=0.0.4", samples.encode()
    rows = [{"code": f"g{number}-{one}", "level": 1.5, "at": now.isoformat()} for one in range(20)]
    return "200 OK", "application/json", json.dumps(rows).encode()


@contextmanager
def city(sources: Sources) -> Iterator[Path]:
    """The city file of these sources."""
    folder = Path(tempfile.mkdtemp(prefix="citywall-feeds-"))
    text = CITY.replace("PLACES", json.dumps(str(Path(__file__).with_name("load.csv"))))
    for number in range(FEEDS):
        block = PROMETHEUS if number % 2 else HTTP
        text += block.format(name=name_of(number), url=sources.url(number), interval=INTERVAL)
    file = folder / "feeds.toml"
    file.write_text(text, encoding="utf-8")
    try:
        yield file
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def name_of(number: int) -> str:
    """What a feed is called."""
    return f"source-{number:03d}"


def ratios(asked: dict[int, list[float]], since: float, until: float) -> list[float]:
    """The times between two questions to each healthy source, in intervals, least first.

    A source that is not asked any more counts with the time since it was.
    """
    found = []
    for number, times in asked.items():
        if way_of(number):
            continue
        mine = [*times[bisect_left(times, since) :], until]
        gaps = [later - earlier for earlier, later in pairwise(mine)]
        found += [gap / INTERVAL for gap in gaps[:-1]]
        if gaps and gaps[-1] > 2 * INTERVAL:
            found.append(gaps[-1] / INTERVAL)
    return sorted(found)


def quantile(values: list[float], share: float) -> float:
    """The value below which a share of them lies."""
    if not values:
        raise Stuck("no healthy source was asked twice")
    return values[min(len(values) - 1, int(share * len(values)))]


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def told(rows: dict[str, Any]) -> tuple[int, int]:
    """Of how many feeds health says rightly whether they are well, and of how many it has to."""
    right = 0
    for number in range(FEEDS):
        state = rows.get(name_of(number), {}).get("state", "")
        right += (state == "live") if not way_of(number) else state in ("failing", "silent", "late")
    return right, FEEDS


def run() -> Iterator[Figure]:
    """The healthy feeds' interval beside forty that fail, what health says, and what the process costs."""
    sources = Sources()
    sources.start()
    try:
        with city(sources) as file, House(file, without=("web", "historian"), patience=120.0) as house:
            end = monotonic() + 120
            while any(len(times) < 2 for number, times in sources.asked.items() if not way_of(number)):
                if monotonic() > end:
                    raise Stuck(f"not every healthy source was asked: {house.tail()}")
                sleep(0.2)
            pid = house.pid("feeds")
            began, cpu = monotonic(), _cpu(pid)
            sleep(MEASURED)
            until, spent = monotonic(), _cpu(pid) - cpu
            gaps = ratios(sources.asked, began, until)
            right, all_of_them = 0, FEEDS
            end = monotonic() + PATIENCE
            while right < all_of_them and monotonic() < end:  # The view is made for who asks, a moment later.
                rows = status(house.home, house.rooms.redis_url, house.city.name, "90").get("feeds", {})
                right, all_of_them = told(rows)
                sleep(0.1)
    finally:
        sources.stop()
    yield Figure("feeds.interval_p95_ratio", round(quantile(gaps, 0.95), 3), "intervals", most=WANTED)
    yield Figure("feeds.interval_max_ratio", round(gaps[-1], 3), "intervals")
    yield Figure("feeds.health_right", right, "feeds", least=all_of_them)
    yield Figure("feeds.cpu_percent", round(100 * spent / (until - began), 1), "% of a core")


BENCH = Bench("feeds", f"{FEEDS} feeds in one process, every fifth failing: do the healthy keep their interval", run)
