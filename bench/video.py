"""Video at scale: platforms with up to 30,000 cameras polled through real feeds, and 10,000 of them going dark at once.

The platforms are MediaMTX servers as far as their replies go, served from here; the way from a reply to the board is
the house's own: fetched, read, spooled, streamed, folded, posted. Each poll turns one more camera's picture bad, so
that the number of degraded cameras on the board says which polls it has taken in.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from time import monotonic, sleep, time
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

import msgspec

from bench.browser import quantile
from bench.house import ROLES, House, Stuck, until
from bench.run import Bench, Figure
from dashboard.city import read_city
from dashboard.ground.outlines import Gazetteer
from dashboard.sources.feed import rules_of
from dashboard.travel.stream import connect, view_key

PAGE = 1000  # Paths on a page.
P95 = 1000.0  # Milliseconds wanted from a reply to the board.
DARK = 10_000
WITHIN = 5.0  # Seconds in which they go.
PLATFORMS = 8
UP, BAD, DOWN = range(3)
VIEWS = ("video", "video_faults", "video_alarms", "camera_states", "camera_points")
SAID = (
    '{"name":"%s","confName":"all","online":true,"tracks2":[{"codec":"H264"}]}',
    '{"name":"%s","confName":"all","online":true,"tracks2":[{"codec":"Opus"}]}',
    '{"name":"%s","confName":"all","online":false,"tracks2":[]}',
)


class Platforms:
    """All platforms with the state of each camera, served on one port: ``/p3/v3/paths/list`` is the fourth's."""

    def __init__(self, count: int, flips: int = 1) -> None:
        self.flips = flips  # Pictures that turn bad, or well again, with each poll.
        sizes = [count // PLATFORMS + (n < count % PLATFORMS) for n in range(PLATFORMS)]
        self.names = [[f"cam{p}-{n:05d}" for n in range(size)] for p, size in enumerate(sizes)]
        self.states = [[UP] * size for size in sizes]
        self.turned: list[float] = []  # When the n-th camera's bad picture was told.
        self.turning = False
        self.polls = 0
        self._next = [size // 2 for size in sizes]
        self._lock = threading.Lock()
        platforms = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                platform = int(parts.path[2 : parts.path.index("/", 1)])
                body = (
                    b'{"version":"bench","started":"2026-01-01T00:00:00Z"}'
                    if parts.path.endswith("/v3/info")
                    else platforms.page(platform, int(parse_qs(parts.query)["page"][0]))
                )
                self.send_response(200)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its base names it so.
                """Say nothing."""

        class Server(ThreadingHTTPServer):
            def handle_error(self, request: Any, client_address: Any) -> None:
                """Say nothing: a house that is ended in the middle hangs up."""

        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]

    def page(self, platform: int, page: int) -> bytes:
        """A page of a platform's paths; on the first of a poll one more picture turns bad."""
        with self._lock:
            names, states = self.names[platform], self.states[platform]
            if page == 0:
                self.polls += 1
                for _ in range(self.flips if self.turning else 0):
                    at = self._next[platform]
                    self._next[platform] = (at + 1) % len(states)
                    states[at] = UP if states[at] == BAD else BAD
                    self.turned.append(time())
            part = slice(page * PAGE, (page + 1) * PAGE)
            rows = ",".join(SAID[state] % name for name, state in zip(names[part], states[part], strict=True))
            pages = -(-len(names) // PAGE)
        return f'{{"itemCount":{len(names)},"pageCount":{pages},"items":[{rows}]}}'.encode()

    @contextmanager
    def served(self) -> Iterator[Platforms]:
        """Serving, until the block ends."""
        thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self.server.shutdown()
            self.server.server_close()

    def darken(self, count: int, within: float) -> None:
        """So many cameras go dark, evenly over so many seconds, those of the first platforms first."""
        left, began = count, monotonic()
        spots = [(p, n) for p, states in enumerate(self.states) for n in range(len(states))][:count]
        for done, (platform, number) in enumerate(spots, 1):
            with self._lock:
                self.states[platform][number] = DOWN
            left -= 1
            if done % 500 == 0:
                sleep(max(0.0, began + within * done / count - monotonic()))

    def truth(self) -> dict[str, int]:
        """The state of each camera by its key on the board."""
        return {
            f"p{p}|平台{p}|{name}": state
            for p, (names, states) in enumerate(zip(self.names, self.states, strict=True))
            for name, state in zip(names, states, strict=True)
        }


def city_file(folder: Path, platforms: Platforms, interval: float) -> Path:
    """The city of these platforms, with an inventory for each: points in the smallest places, streets, switches."""
    root = Path(__file__).resolve().parent.parent
    text = [
        'name = "video"', 'title = { zh = "视频", en = "Video" }', 'zone = "Asia/Shanghai"', "simulated = true",
        'screens = ["wall"]', "[places]", f"file = {json.dumps(str(root / 'cities' / 'nanhai.csv'))}",
        'outlines = "schematic"', "[[feeds]]", 'kind = "clock"', 'name = "clock"',
    ]  # fmt: skip
    for p in range(PLATFORMS):
        text += [
            "[[feeds]]", 'kind = "mediamtx"', f'name = "p{p}"', f'platform = "平台{p}"',
            f'url = "http://127.0.0.1:{platforms.port}/p{p}/"', f"interval = {interval}", f"page = {PAGE}",
            f'inventory = "p{p}.csv"',
        ]  # fmt: skip
    file = folder / "video.toml"
    file.write_text("\n".join(text) + "\n", encoding="utf-8")
    city = read_city(file)
    tree = rules_of(city).places
    shapes = Gazetteer.of(city, tree).outlines
    spots = [shapes[place.code].representative_point() for place in tree if not tree.children(place.code)]
    for p, names in enumerate(platforms.names):
        lines = ["id,name,street,switch,lon,lat"]
        for n, name in enumerate(names):
            spot = spots[(n * 7 + p) % len(spots)]
            lines.append(f"{name},路口 {n},路{n // 10},s{n // 24},{spot.x + 1e-5 * (n % 9):.6f},{spot.y:.6f}")
        (folder / f"p{p}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


class Watch:
    """Reads views as soon as they are announced, in a thread of its own."""

    def __init__(self, house: House) -> None:
        self.house, self.root = house, rules_of(house.city).places.root.code
        self.degraded: list[tuple[float, int]] = []  # (moment, cameras degraded)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True)

    def view(self, name: str) -> dict[str, Any]:
        """A view at the root, empty before it is posted; asking keeps it posted."""
        keys = self.house.rooms.keys
        with connect(self.house.rooms.redis_url) as redis:
            wanted = [view_key(view, self.root) for view in VIEWS]
            redis.xadd(keys.asks, cast(Any, {"keys": msgspec.json.encode(wanted)}), maxlen=1000)
            found = cast("bytes | None", redis.hget(keys.views, view_key(name, self.root)))
        return cast("dict[str, Any]", msgspec.json.decode(found)["data"]) if found else {}

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._ended.set()
        self._thread.join(5)

    def _follow(self) -> None:
        keys, field = self.house.rooms.keys, view_key("video", self.root)
        asked = 0.0
        with connect(self.house.rooms.redis_url) as redis, redis.pubsub() as news:
            news.subscribe(keys.news)
            while not self._ended.is_set():
                if monotonic() - asked > 5:
                    asked = monotonic()
                    redis.xadd(keys.asks, cast(Any, {"keys": msgspec.json.encode([field])}), maxlen=1000)
                said = news.get_message(ignore_subscribe_messages=True, timeout=0.5)
                if said and field in msgspec.json.decode(cast(Any, said)["data"])["keys"]:
                    moment = time()
                    document = msgspec.json.decode(cast(Any, redis.hget(keys.views, field)))
                    self.degraded.append((moment, document["data"]["counts"]["degraded"]))


def cpu(house: House) -> dict[str, float]:
    """Seconds of processor time that each role has used."""
    tick = os.sysconf("SC_CLK_TCK")
    used = {}
    for role in (*ROLES, "valkey"):
        fields = Path(f"/proc/{house.pid(role)}/stat").read_text().rsplit(") ", 1)[1].split()
        used[role] = (int(fields[11]) + int(fields[12])) / tick
    return used


def wrong(watch: Watch, platforms: Platforms) -> int:
    """How many cameras the board has in another state than their platforms."""

    def both() -> tuple[dict[str, Any], dict[str, Any]] | None:
        points, states = watch.view("camera_points"), watch.view("camera_states")
        return (points, states) if points and points["version"] == states.get("version") else None

    until(both, 20, "points and states of one version are posted")
    points, states = both() or ({}, {})
    runs = states["states"]
    shown = [state for state, many in zip(runs[::2], runs[1::2], strict=True) for _ in range(many)]
    truth = platforms.truth()
    if len(shown) != len(truth):
        raise Stuck(f"{len(shown)} of {len(truth)} cameras are on the board")
    return sum(truth[row[0]] != state for row, state in zip(points["points"], shown, strict=True))


def measured(count: int, interval: float, seconds: float, *, dark: bool) -> dict[str, float]:
    """A house with so many cameras, each polled each interval: latency, processor, states; and then the dark."""
    folder = Path(tempfile.mkdtemp(prefix="citywall-video-"))
    found: dict[str, float] = {}
    try:
        with Platforms(count).served() as platforms:
            file = city_file(folder, platforms, interval)
            with House(file) as house, Watch(house) as watch:
                until(lambda: watch.view("video").get("rate") == [count, count], 90, f"{count:,} cameras are online")
                before, began = cpu(house), monotonic()
                platforms.turning = True
                sleep(seconds)
                platforms.turning = False
                after, took = cpu(house), monotonic() - began
                total = len(platforms.turned)
                until(
                    lambda: watch.degraded and watch.degraded[-1][1] == total, 15, f"{total} bad pictures are counted"
                )
                found["p95"] = quantile(latencies(watch, platforms), 0.95)
                found["samples"] = total
                found["core"] = max(100 * (after[role] - before[role]) / took for role in before)
                sleep(2 * interval if not dark else 0.0)
                found["wrong"] = wrong(watch, platforms)
                if dark:
                    found |= darkened(watch, platforms, interval)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return found


def latencies(watch: Watch, platforms: Platforms) -> list[float]:
    """Milliseconds from each poll's reply to its bad picture counted on the board."""
    took: list[float] = []
    for moment, number in watch.degraded:
        while len(took) < min(number, len(platforms.turned)):
            took.append(1000 * (moment - platforms.turned[len(took)]))
    if len(took) < len(platforms.turned):
        raise Stuck(f"{len(took)} of {len(platforms.turned)} polls were seen on the board")
    return took


def darkened(watch: Watch, platforms: Platforms, interval: float) -> dict[str, float]:
    """What becomes of 10,000 cameras that go dark within five seconds."""
    began = monotonic()
    platforms.darken(DARK, WITHIN)
    until(lambda: watch.view("video")["counts"]["offline"] == DARK, 6 * interval + 30, f"{DARK:,} are offline")
    took = monotonic() - began
    sleep(1.0)
    faults, alarms = watch.view("video_faults"), watch.view("video_alarms")
    assert faults["cameras"] == DARK, f"{faults['cameras']} cameras in faults"
    return {
        "faults": faults["number"], "alarms": len(alarms["alarms"]), "offline_after": took,
        "wrong_dark": wrong(watch, platforms),
    }  # fmt: skip


def run() -> Iterator[Figure]:
    """10,222 cameras each 30 s, then 30,000 each 10 s and the dark."""
    small = measured(10_222, 30.0, 70.0, dark=False)
    yield Figure("video.event_to_board_p95_ms_10222", round(small["p95"], 1), "ms", most=P95)
    yield Figure("video.wrong_states_10222", small["wrong"], "cameras")
    yield Figure("video.busiest_core_10222", round(small["core"], 1), "%", most=100.0)
    large = measured(30_000, 10.0, 45.0, dark=True)
    yield Figure("video.event_to_board_p95_ms", round(large["p95"], 1), "ms", most=P95)
    yield Figure("video.polls", large["samples"], "polls")
    yield Figure("video.wrong_states", max(large["wrong"], large["wrong_dark"], key=abs), "cameras")
    yield Figure("video.busiest_core", round(large["core"], 1), "%", most=100.0)
    yield Figure("video.dark_faults", large["faults"], "faults", least=1.0, most=1.0)
    yield Figure("video.dark_alarms", large["alarms"], "alarms", least=1.0, most=1.0)
    yield Figure("video.dark_offline_after_s", round(large["offline_after"], 1), "s")


BENCH = Bench(
    "video",
    "10,222 cameras each 30 s and 30,000 each 10 s: reply to board, states, processor; 10,000 dark within 5 s",
    run,
)
