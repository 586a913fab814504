"""Endurance: the wall for an hour under ten events a second, its playlist changing scenes; whether anything grows.

The heap, the nodes of the document and the listeners are read after the browser has collected its garbage, and compared
scene by scene, as each scene has its own number of them; what is left is a slope, with how sure it is.
"""

from __future__ import annotations

import math
import threading
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from http.client import HTTPConnection
from itertools import pairwise
from pathlib import Path
from statistics import median
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any

from bench.browser import FEED, IN_HAND, PAINTED, Tickets, chromium, furnish, opened, post
from bench.house import House, until
from bench.run import Bench, Figure
from bench.scenes import order

if TYPE_CHECKING:
    from playwright.sync_api import CDPSession, Page

CITY = Path(__file__).with_name("scenes.toml")
MINUTES = 60.0
RATE = 10.0  # Events in a second, half of them tickets that come and half that are closed.
EACH = 2.0  # Seconds between two samples.
WINDOW = 5  # Seconds over which frames are counted.
WARM = 0.2  # Share of the time, five minutes at most, in which caches may fill.
SURE = 2.5  # Standard errors beyond which a slope is one.
COUNTED = ("JSHeapUsedSize", "Nodes", "JSEventListeners")
# What each may grow by in an hour, for sure, and still be called flat: with this heap a page gets through its week and
# never to the 400 MB at which it would start afresh before that.
FLAT = {"JSHeapUsedSize": 2.0, "Nodes": 50.0, "JSEventListeners": 10.0}
# The page keeps its own book, a line a second, in arrays that do not grow: how many frames it drew, and which scene
# stood on it. Asked for it each time, the browser would compile the question, and keep it, and seem to grow.
BOOK = """() => {
  const seconds = 40000;
  const whole = WHOLE;
  window.frames = new Uint16Array(seconds);
  window.stood = new Uint8Array(seconds); // The scene's number, counted from one; 0 while it is not all painted.
  window.scenes = [];
  const begun = performance.now();
  const second = (at) => Math.min(seconds - 1, Math.floor((at - begun) / 1000));
  const count = (at) => {
    frames[second(at)]++;
    requestAnimationFrame(count);
  };
  setInterval(() => {
    const scene = document.documentElement.dataset.scene ?? "";
    if (!scenes.includes(scene)) scenes.push(scene);
    stood[second(performance.now())] = whole() ? scenes.indexOf(scene) + 1 : 0;
  }, 200);
  window.same = true;
  requestAnimationFrame(count);
}""".replace("WHOLE", PAINTED)


@dataclass(frozen=True)
class Trend:
    """A straight line through samples: its slope in an hour, and the standard error of that."""

    slope: float
    error: float

    @property
    def least(self) -> float:
        """The slope that can at least be taken for sure: what noise alone would show is no growth."""
        return self.slope - SURE * self.error


def trend(samples: Sequence[tuple[float, str, float]]) -> Trend:
    """The slope an hour of samples (seconds, scene, value), each scene about a level of its own.

    >>> trend([(60.0 * n, "ab"[n % 2], 100.0 * (n % 2) + n) for n in range(20)]).slope
    60.0
    """
    by_scene: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for at, scene, value in samples:
        by_scene[scene].append((at, value))
    rows: list[tuple[float, float]] = []
    for found in by_scene.values():
        middle = [sum(row[part] for row in found) / len(found) for part in (0, 1)]
        rows += [(at - middle[0], value - middle[1]) for at, value in found]
    spread = sum(x * x for x, _ in rows)
    free = len(rows) - len(by_scene) - 1
    if not spread or free < 1:
        return Trend(0.0, math.inf)
    slope = sum(x * y for x, y in rows) / spread
    error = math.sqrt(sum((y - slope * x) ** 2 for x, y in rows) / free / spread)
    return Trend(round(3600 * slope, 9), 3600 * error)


@dataclass
class Endured:
    """What a page went through."""

    seconds: float
    samples: dict[str, list[tuple[float, str, float]]] = field(default_factory=lambda: defaultdict(list))
    frames: list[float] = field(default_factory=list)  # A second, over windows of ``WINDOW`` seconds.
    scenes: int = 0
    shown: int = 0
    wanted: int = 0
    same: bool = False
    errors: int = 0

    def late(self, name: str) -> list[tuple[float, str, float]]:
        """The samples after the first minutes."""
        warm = min(300.0, WARM * self.seconds)
        return [row for row in self.samples[name] if row[0] >= warm]


class Traffic:
    """Tickets that come and are closed again, so that as many stay in hand as there were."""

    def __init__(self, house: House) -> None:
        self.house, self.tickets = house, Tickets()
        self.open: list[dict[str, Any]] = []
        self.balance = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)

    def __enter__(self) -> Traffic:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    def stop(self) -> None:
        """No more of them."""
        self._stop.set()
        self._thread.join(30)

    def _work(self) -> None:
        link = HTTPConnection("127.0.0.1", self.house.port, timeout=30)
        began, sent = monotonic(), 0
        while not self._stop.wait(max(0.0, began + sent / RATE - monotonic())):
            if sent % 2 and self.open:
                row = Tickets.closing(self.open.pop(0))
                self.balance -= 1
            else:
                row = self.tickets.one()
                self.open.append(row)
                self.balance += 1
            post(link, [row])
            sent += 1
        link.close()


def endure(house: House, page: Page, minutes: float) -> Endured:
    """Leave a page alone under traffic for some minutes, and watch it from outside.

    Raises:
        Stuck: if the last of the tickets is not shown in the end.
    """
    found = Endured(60 * minutes)
    devtools = page.context.new_cdp_session(page)
    devtools.send("Performance.enable")
    page.evaluate(BOOK)
    before = int(page.evaluate(IN_HAND))
    looks: list[tuple[float, dict[str, float]]] = []
    with Traffic(house) as traffic:
        began = monotonic()
        while (at := monotonic() - began) < found.seconds:
            sleep(EACH)
            looks.append((at + EACH, look(devtools)))
        traffic.stop()
        found.wanted = before + traffic.balance
        house.settle(FEED)
    stood, scenes = page.evaluate("() => [Array.from(window.stood ?? []), window.scenes ?? []]")
    for at, counted in looks:
        around = set(stood[int(at) - 1 : int(at) + 2])  # It has stood for a while.
        if len(around) == 1 and (number := around.pop()):
            for name, value in counted.items():
                found.samples[name].append((at, scenes[number - 1], value))
    seen = [number for number in stood[: int(found.seconds)] if number]
    found.scenes = sum(one != other for one, other in pairwise(seen))
    order(house, "endurance", "scene", scene="overview")
    page.wait_for_function(f"() => document.getElementById('decide-open') && ({PAINTED})()", timeout=30_000)
    until(lambda: int(page.evaluate(IN_HAND)) == found.wanted, 15.0, f"{found.wanted} in hand")
    found.shown = int(page.evaluate(IN_HAND))
    drawn = page.evaluate("() => Array.from(window.frames ?? [])")[1 : int(found.seconds)]
    found.frames = [sum(drawn[n : n + WINDOW]) / WINDOW for n in range(0, len(drawn) - WINDOW + 1, WINDOW)]
    found.same = bool(page.evaluate("() => window.same"))
    found.errors = int(page.evaluate("() => citywall.screen.errors"))
    return found


def look(devtools: CDPSession) -> dict[str, float]:
    """Heap in MB, nodes and listeners, without what is only waiting to be collected."""
    devtools.send("HeapProfiler.collectGarbage")
    said = {row["name"]: row["value"] for row in devtools.send("Performance.getMetrics")["metrics"]}
    return {name: said[name] / (1e6 if name == "JSHeapUsedSize" else 1) for name in COUNTED}


def run(minutes: float = MINUTES) -> Iterator[Figure]:
    """The wall with its playlist under traffic."""
    with House(CITY) as house, chromium("--enable-precise-memory-info") as browser:
        furnish(house, Tickets())
        page = opened(browser, f"{house.url}/wall?screen=endurance&playlist=rounds")
        found = endure(house, page, minutes)
    yield Figure("endurance.minutes", round(found.seconds / 60, 1), "min")
    yield Figure("endurance.looks", len(found.late("Nodes")), "")
    for name, label, unit in (
        ("JSHeapUsedSize", "heap", "MB"), ("Nodes", "nodes", ""), ("JSEventListeners", "listeners", ""),
    ):  # fmt: skip
        rows = found.late(name)
        line = trend(rows)
        yield Figure(f"endurance.{label}_most", round(max(value for *_, value in rows), 1), unit)
        yield Figure(f"endurance.{label}_growth_an_hour", round(line.slope, 2), f"{unit}/h")
        yield Figure(f"endurance.{label}_growth_an_hour_error", round(line.error, 2), f"{unit}/h")
        yield Figure(f"endurance.{label}_growth_an_hour_sure", round(line.least, 2), f"{unit}/h", most=FLAT[name])
    yield Figure("endurance.frames_a_second_least", round(min(found.frames, default=0.0), 1), "1/s", least=20.0)
    yield Figure("endurance.frames_a_second_median", round(median(found.frames or [0.0]), 1), "1/s", least=20.0)
    yield Figure("endurance.scenes_changed", found.scenes, "")
    yield Figure("endurance.updates_missed", abs(found.wanted - found.shown), "", most=0.0)
    yield Figure("endurance.errors_on_the_page", found.errors, "", most=0.0)
    yield Figure("endurance.page_never_reloaded", float(found.same), "", least=1.0)


BENCH = Bench(
    "endurance",
    "the wall for an hour (--minutes) at 10 events/s, its playlist changing scenes: growth, frames, missed updates",
    run, long=True, options=("minutes",),
)  # fmt: skip
