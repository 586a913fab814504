"""What a screen costs: a thousand further ones on one web process, and a few that take nothing or next to nothing."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import httpx
from websockets.asyncio.client import connect

from bench import interval
from bench.browser import Tickets, furnish, post, quantile
from bench.house import LOAD_CITY, House, Stuck, until
from bench.run import Bench, Figure
from dashboard.city import read_city
from dashboard.screens.page import layouts_of

SCREENS = int(os.environ.get("CITYWALL_BENCH_SCREENS", "1000"))
SECONDS = float(os.environ.get("CITYWALL_BENCH_SECONDS", "30"))
ORDINARY = 25  # Clients of the baseline.
WANTED = 0.05  # Per cent of a core that one more screen may take.
LET_GO = 60.0  # Seconds after which a screen that takes nothing is let go; what push.py holds to.
ROOT = Path(__file__).resolve().parent.parent


def hello() -> str:
    """What the wall says at the root."""
    panels = list(layouts_of(read_city(LOAD_CITY))["wall"].panels)
    return json.dumps({"t": "hello", "screen": "bench", "panels": panels, "place": "", "lang": "zh", "size": "normal"})


# -- a process full of screens ---------------------------------------------------------------------------------


async def audience(port: int, count: int) -> dict[str, float]:
    """Open screens, say on standard output that they are there, and watch until standard input ends.

    Gives the sums over all screens, and how old (ms, server's time) each paint was when it had come.
    """
    ages: list[float] = []
    seen = {"paints": 0, "bytes": 0}
    said, watching = hello(), False
    opened = 0

    async def screen() -> None:
        nonlocal opened
        async with connect(f"ws://127.0.0.1:{port}/live", compression=None, proxy=None, max_size=None) as link:
            await link.send(said)
            opened += 1
            async for text in link:
                assert isinstance(text, str)
                if not text.startswith('{"t":"paint"'):
                    continue
                head = text[:200]
                number = head[head.index('"n":') + 4 :].partition(",")[0]
                moment = float(head[head.index('"now":') + 6 :].partition(",")[0])
                if watching:
                    ages.append(1000 * (time.time() - moment))
                    seen["paints"] += 1
                    seen["bytes"] += len(text.encode())
                await link.send(f'{{"t":"ack","n":{number}}}')

    tasks = []
    for number in range(count):
        tasks.append(asyncio.create_task(screen()))
        if number % 50 == 49:
            await asyncio.sleep(0.1)
    while opened < count:
        broken = [task for task in tasks if task.done()]
        if broken:
            broken[0].result()
        await asyncio.sleep(0.05)
    print("open", flush=True)
    while (await asyncio.to_thread(sys.stdin.readline)).strip() == "watch":
        watching = True
    lost = sum(task.done() for task in tasks)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    age = {f"p{share}": quantile(ages, share / 100) if ages else -1.0 for share in (50, 95)}
    return {**seen, "lost": lost, "screens": count, **age}


class Audience:
    """Screens in processes of their own, at most 500 in each."""

    def __init__(self, port: int, count: int) -> None:
        shares = [min(500, count - at) for at in range(0, count, 500)]
        self.processes = [
            subprocess.Popen(
                [sys.executable, "-P", "-m", "bench.screens", str(port), str(share)], text=True,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(ROOT)},
            )
            for share in shares
        ]  # fmt: skip
        for process in self.processes:
            assert process.stdout is not None
            if process.stdout.readline().strip() != "open":
                self.close()
                raise Stuck("the screens could not be opened")

    def watch(self) -> None:
        """From now on what comes is counted."""
        self._say("watch\n")

    def end(self) -> list[dict[str, float]]:
        """What each process has seen.

        Raises:
            Stuck: if a screen lost its link.
        """
        self._say("end\n")
        found = [json.loads(process.communicate(timeout=30)[0]) for process in self.processes]
        if any(one["lost"] for one in found):
            raise Stuck(f"screens lost their link: {found}")
        return found

    def close(self) -> None:
        """End them by force."""
        for process in self.processes:
            process.kill()
            process.communicate()

    def _say(self, word: str) -> None:
        for process in self.processes:
            assert process.stdin is not None
            process.stdin.write(word)
            process.stdin.flush()


# -- measuring -------------------------------------------------------------------------------------------------


def cpu(pid: int) -> float:
    """Seconds of a processor that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory(pid: int) -> float:
    """Megabytes a process holds."""
    text = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(text[text.index("VmRSS:") :].split()[1]) / 1024


@contextmanager
def traffic(house: House, tickets: Tickets) -> Iterator[None]:
    """Once a second a post that changes every number on the wall: new tickets everywhere, and old ones closed."""
    end = threading.Event()

    def work() -> None:
        link = HTTPConnection("127.0.0.1", house.port, timeout=20)
        before: list[dict[str, Any]] = []
        while not end.wait(1.0):
            fresh = [tickets.one(hours) for hours in (0.1, 0.5, *[72.0] * 10)]
            post(link, [*fresh, *(tickets.closing(row) for row in before)])
            before = fresh[:6]
        link.close()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        end.set()
        thread.join()


def watched(house: House, count: int, seconds: float) -> tuple[float, list[dict[str, float]]]:
    """Percent of a core the web process uses while ``count`` screens watch, and what these have seen."""
    screens = Audience(house.port, count)
    try:
        time.sleep(3)  # The first paint of everything is no running cost.
        pid = house.pid("web")
        before, began = cpu(pid), time.monotonic()
        screens.watch()
        time.sleep(seconds)
        used = 100 * (cpu(pid) - before) / (time.monotonic() - began)
        return used, screens.end()
    finally:
        screens.close()


def run() -> Iterator[Figure]:
    """No screen, one, a hundred, a thousand; then the slow ones; then the baseline."""
    tickets = Tickets()
    with House() as house, traffic(house, tickets):
        furnish(house, tickets)
        # With one screen everything is already painted; what is asked is the cost of a further one.
        base, _ = watched(house, 1, SECONDS / 2)
        few, _ = watched(house, SCREENS // 10, SECONDS / 2)
        many, seen = watched(house, SCREENS, SECONDS)
        each = (many - base) / (SCREENS - 1)
        with interval.served(house) as (url, pid):
            before, began = cpu(pid), time.monotonic()
            asyncio.run(ordinary(url, house.city_file, ORDINARY, SECONDS / 2))
            theirs = 100 * (cpu(pid) - before) / (time.monotonic() - began) / ORDINARY
        yield Figure("live.core_percent_per_screen", round(each, 5), "%", round(theirs, 5), most=WANTED)
        at_tenth = (few - base) / (SCREENS // 10 - 1)
        yield Figure("live.core_percent_per_screen_at_load_x10", round(each, 5), "%", round(at_tenth, 5))
        yield Figure("live.core_percent_with_one_screen", round(base, 3), "%")
        paints = sum(one["paints"] for one in seen) / SCREENS / SECONDS
        yield Figure("live.paints_per_screen_per_s", round(paints, 3), "1/s")
        bytes_ = sum(one["bytes"] for one in seen) / SCREENS / SECONDS
        yield Figure("live.bytes_per_screen_per_s", round(bytes_), "B/s")
        worst = max(one["p95"] for one in seen)
        yield Figure(f"live.send_to_receive_p95_ms_with_{SCREENS}_screens", round(worst, 1), "ms")
        yield from slow(house)


def slow(house: House) -> Iterator[Figure]:
    """Twenty screens beside one that reads 2 kB/s and one that reads nothing: latency, memory, and who is let go."""
    screens = Audience(house.port, 20)
    try:
        screens.watch()
        time.sleep(10)
        alone = max(one["p95"] for one in screens.end())
    finally:
        screens.close()
    pid = house.pid("web")
    screens = Audience(house.port, 20)
    ends = threading.Event()
    readers = [Reader(house.port, rate, ends) for rate in (2000, 2000, 0, 0)]
    try:
        time.sleep(5)
        screens.watch()
        before, began = memory(pid), time.monotonic()
        until(lambda: sum(not reader.linked() for reader in readers) == 4, 3 * LET_GO, "the slow ones are let go")
        took = time.monotonic() - began
        grown = memory(pid) - before
        beside = max(one["p95"] for one in screens.end())
    finally:
        ends.set()
        screens.close()
        for reader in readers:
            reader.close()
    yield Figure("live.send_to_receive_p95_ms_beside_slow_readers", round(beside, 1), "ms", round(alone, 1))
    yield Figure("live.memory_growth_mb_by_slow_readers", round(grown, 2), "MB")
    yield Figure("live.slow_readers_let_go_after_s", round(took, 1), "s", LET_GO)


class Reader:
    """A screen on a raw socket that takes ``rate`` bytes a second and acknowledges nothing."""

    def __init__(self, port: int, rate: int, ends: threading.Event) -> None:
        self.link = socket.socket()
        self.link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.link.connect(("127.0.0.1", port))
        self.port = self.link.getsockname()[1]
        self.link.sendall(
            f"GET /live HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        self.link.recv(400)
        text = hello().encode()
        self.link.sendall(bytes([0x81, 0x80 | 126]) + len(text).to_bytes(2, "big") + bytes(4) + text)
        if rate:
            threading.Thread(target=self._read, args=(rate, ends), daemon=True).start()

    def _read(self, rate: int, ends: threading.Event) -> None:
        try:
            while not ends.wait(0.25) and self.link.recv(rate // 4):
                pass
        except OSError:
            pass

    def linked(self) -> bool:
        """Whether the server still holds a file for this link: one that a process owns, by the kernel's own table."""
        for line in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]:
            fields = line.split()
            if fields[2].endswith(f":{self.port:04X}"):
                return fields[9] != "0"  # The socket's inode is 0 once nobody holds it.
        return False

    def close(self) -> None:
        """Hang up."""
        self.link.close()


async def ordinary(url: str, city_file: Path, clients: int, seconds: float) -> None:
    """Clients of the baseline: each calls its callback once a second, as ``dcc.Interval`` does.

    Raises:
        Stuck: if one is not answered with what it asked for.
    """
    limits = httpx.Limits(max_connections=clients)
    async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=30, limits=limits) as client:
        (about,) = (await client.get("_dash-dependencies")).json()
        body = interval.call(city_file, about["output"])

        async def one(delay: float) -> None:
            await asyncio.sleep(delay)
            end = time.monotonic() + seconds - 1
            while (now := time.monotonic()) < end:
                answer = await client.post(
                    "_dash-update-component", content=body, headers={"content-type": "application/json"}
                )
                if answer.status_code != 200 or "decide-open" not in answer.text:
                    raise Stuck(f"the baseline answers {answer.status_code} {answer.text[:200]}")
                await asyncio.sleep(max(0.0, now + 1 - time.monotonic()))

        await asyncio.gather(*(one(number / clients) for number in range(clients)))


BENCH = Bench(
    "screens",
    f"{SCREENS} further screens of the whole wall at 1 Hz on one web process (wanted: ≤ 0.05 % of a core each)",
    run,
)

if __name__ == "__main__":
    print(json.dumps(asyncio.run(audience(int(sys.argv[1]), int(sys.argv[2])))), flush=True)
