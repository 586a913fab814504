"""Tickets as points on the map: what a change of twenty costs the browser among 20,000, and how smooth a drag stays."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any

from bench.browser import IN_HAND, chromium, opened, post
from bench.house import House, until
from bench.run import Bench, Figure
from dashboard.ground.outlines import Gazetteer
from dashboard.sources.feed import rules_of

if TYPE_CHECKING:
    from playwright.sync_api import CDPSession, Page

CITY = Path(__file__).with_name("points.toml")
MANY, FEW = 20_000, 20
CHANGES = 20  # Tickets that come or go in one update.
UPDATES = 10
IDLE = 4.0  # Seconds of the page left alone, whose work is taken off.
DRAG = 3.0  # Seconds.
AT_ONCE = 1000  # Tickets in one post.
BOX = """() => {
  const { x, y, width, height } = document.querySelector("#map .leaflet-container").getBoundingClientRect();
  return [x, y, width, height];
}"""
FRAMES = """() => {
  window.frames_drawn = 0;
  const count = () => { frames_drawn++; requestAnimationFrame(count); };
  requestAnimationFrame(count);
}"""


class Grid:
    """A place at the lowest level, its open tickets spread over its box (west, south, east, north)."""

    def __init__(self, house: House, code: str, box: tuple[float, float, float, float]) -> None:
        self.house, self.code, self.box = house, code, box
        self.open: list[dict[str, Any]] = []
        self.name, self.made = secrets.token_hex(3), 0
        self.link = HTTPConnection("127.0.0.1", house.port, timeout=30)

    def report(self, number: int) -> None:
        """Post tickets that stay open."""
        for start in range(0, number, AT_ONCE):
            rows = [self._one() for _ in range(min(AT_ONCE, number - start))]
            post(self.link, rows)
            self.open += rows

    def change(self, number: int) -> None:
        """Close half as many tickets and report as many new ones, in one post."""
        gone, self.open = self.open[: number // 2], self.open[number // 2 :]
        now = datetime.now(UTC).isoformat()
        closings = [{**row, "id": f"{row['id']}-c", "type": "ticket.closed", "time": now, "data": {}} for row in gone]
        fresh = [self._one() for _ in range(number - len(gone))]
        post(self.link, [*closings, *fresh])
        self.open += fresh

    def _one(self) -> dict[str, Any]:
        self.made += 1
        n, now = self.made, datetime.now(UTC)
        west, south, east, north = self.box
        spot = [west + (east - west) * (n * 73 % 997) / 997, south + (north - south) * (n * 57 % 991) / 991]
        data = {
            "title": f"灯不亮，第 {n} 件", "category": "路灯", "place": self.code, "point": spot,
            "due": (now + timedelta(hours=30 + n % 40)).isoformat(),
        }  # fmt: skip
        return {
            "specversion": "1.0", "id": f"{self.name}-{n}", "source": "bench", "type": "ticket.reported",
            "time": now.isoformat(), "subject": f"{self.name}-{n}", "data": data,
        }  # fmt: skip


def busy(protocol: CDPSession) -> float:
    """Milliseconds of work that the page's main thread has done so far: script, layout, painting, all of it."""
    said = protocol.send("Performance.getMetrics")["metrics"]
    return 1000 * next(float(metric["value"]) for metric in said if metric["name"] == "TaskDuration")


def update_ms(page: Page, grid: Grid) -> float:
    """What one update of ``CHANGES`` tickets costs the page's main thread, beyond what it does anyway."""
    protocol = page.context.new_cdp_session(page)
    protocol.send("Performance.enable")
    began, before = monotonic(), busy(protocol)
    sleep(IDLE)
    idle = (busy(protocol) - before) / (monotonic() - began)
    began, before = monotonic(), busy(protocol)
    for _ in range(UPDATES):
        grid.change(CHANGES)
        sleep(1.0)  # Each is painted before the next comes.
    return (busy(protocol) - before - idle * (monotonic() - began)) / UPDATES


def frames_per_s(page: Page) -> float:
    """Frames in a second while the map is dragged about."""
    left, top, width, height = page.evaluate(BOX)
    page.evaluate(FRAMES)
    x, y = left + width / 2, top + height / 2
    page.mouse.move(x, y)
    page.mouse.down()
    began, first, step = monotonic(), int(page.evaluate("window.frames_drawn")), 0
    while monotonic() - began < DRAG:
        step += 1
        way = abs(step % 80 - 40) - 20
        page.mouse.move(x + 6 * way, y + 3 * way)
        sleep(0.008)
    shown = int(page.evaluate("window.frames_drawn")) - first
    took = monotonic() - began
    page.mouse.up()
    return shown / took


def measured(grid: Grid, page: Page, number: int) -> tuple[float, float]:
    """Milliseconds of an update and frames in a second, with this many points on the map."""
    grid.report(number)
    grid.house.settle("load")
    until(lambda: page.evaluate("window.citywall.points?.number") == number, 30, f"{number} points on the map")
    cost = update_ms(page, grid)
    until(lambda: page.evaluate(IN_HAND) == number == page.evaluate("window.citywall.points.number"), 10, "all updates")
    return cost, frames_per_s(page)


def places(house: House) -> Sequence[str]:
    """Two places at the lowest level."""
    tree = rules_of(house.city).places
    town = tree.children(tree.root.code)[0]
    village = tree.children(town.code)[0]
    return [place.code for place in tree.children(village.code)[:2]]


def run() -> Iterator[Figure]:
    """The same updates and the same drag at two grids, one with few points, one with as many as are ever sent."""
    found = []
    with House(CITY) as house, chromium() as browser:
        outlines = Gazetteer.of(house.city, rules_of(house.city).places).outlines
        for code, number in zip(places(house), (FEW, MANY), strict=True):
            page = opened(browser, f"{house.url}/wall?place={code}")
            found.append(measured(Grid(house, code, outlines[code].bounds), page, number))
            page.context.close()
    (few_ms, few_frames), (many_ms, many_frames) = found
    yield Figure("map.points_update_ms", round(many_ms, 1), "ms", round(few_ms, 1))
    yield Figure("map.points_frames_per_s", round(many_frames, 1), "1/s", round(few_frames, 1))


BENCH = Bench(
    "points",
    f"{MANY:,} points on the map: main thread per update of {CHANGES}, frames in a drag (held against {FEW} points)",
    run,
)
