"""The first view and the second: from the address to the demo's whole wall, and what goes over the wire for it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median
from time import sleep, time
from typing import TYPE_CHECKING, Any

from bench.browser import SCREEN, chromium
from bench.house import House, Stuck, until
from bench.run import Bench, Figure
from dashboard.doors.console import city_file
from dashboard.doors.status import stream_status
from dashboard.ground.placefile import read_places
from dashboard.travel.stream import connect

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext

CITY = city_file("nanhai")  # What `citywall demo` runs.
TIMES = 5
WANTED, WANTED_AGAIN, WANTED_BYTES = 2500.0, 1000.0, 3e6  # Milliseconds of the first and the second view, and bytes.
FRESH = 300.0  # Seconds that the latest of the simulated tickets' events may be old, once their past is told.
CALM = 3.0  # Seconds over which the feeds are watched …
WINDOW = (
    2500.0  # Milliseconds for which Chromium is busy with a new window of its own, before any address is asked for.
)
FEW = 500  # … and events they tell in them, when all they tell is what happens now.
# Every card is painted and none waits; outlines and names stand on the map, charts are drawn; nothing is put off.
COMPLETE = """() => {
  const all = (selector) => [...document.querySelectorAll(selector)].filter((one) => one.offsetParent !== null);
  const cards = [...document.querySelectorAll("[data-panel]")];
  const open = ({ dataset }) => ["never", "opening"].includes(dataset.state) || "turning" in dataset;
  if (!cards.length || cards.some(open)) return false;
  if (citywall.pending?.() || document.fonts.status !== "loaded") return false;
  if (all(".dash-graph").some((chart) => !chart.querySelector(".main-svg"))) return false;
  return all(".leaflet-container").every((map) => {
    const [outlines] = map.querySelectorAll(".leaflet-overlay-pane canvas");
    if (!outlines || !map.querySelector(".place-label .title")?.textContent) return false;
    const small = Object.assign(document.createElement("canvas"), { width: 32, height: 32 });
    const context = small.getContext("2d", { willReadFrequently: true });
    context.drawImage(outlines, 0, 0, 32, 32);
    return context.getImageData(0, 0, 32, 32).data.some((value) => value > 0);
  });
}"""
# Two frames later, when the first of them has been drawn: the milliseconds since the address was asked for. What is
# whole is not looked at again, for to look at the map's canvas has the page draw it.
DRAWN = """() => {
  if (!window.framesSince && !(WHAT)()) return false;
  window.framesSince = (window.framesSince ?? 0) + 1;
  return window.framesSince > 2 && performance.now();
}"""
# The page is asked for this by the protocol alone: what Playwright puts into a page to wait in it costs it up to 70 ms.
# Before anything was painted there is nothing to look for, and to look with every frame has the page make frames.
WATCH = """new Promise((done) => {
  const look = () => {
    const at = (DRAWN)();
    if (at) done(at);
    else requestAnimationFrame(look);
  };
  if (document.documentElement?.dataset.painted) look();
  else addEventListener("citywall:painted", look, { once: true });
  setTimeout(done, 30000, false);
})"""


@dataclass(frozen=True)
class View:
    """One view of a page: milliseconds from the request until it was whole, those of them in which the processor worked
    on its main thread (which other work on the machine hardly changes), and the bytes that came over the wire.
    """

    took: float
    work: float
    size: int


def view(context: BrowserContext, url: str, complete: str) -> View:
    """Open a page of its own, and close it once it is whole; what came over its sockets counts, as it came.

    Raises:
        Stuck: if it is not whole after half a minute.
    """
    page = context.new_page()
    protocol = context.new_cdp_session(page)
    protocol.send("Network.enable")
    protocol.send("Performance.enable", {"timeDomain": "threadTicks"})
    sizes: list[float] = []

    def frame(said: dict[str, Any]) -> None:
        sizes.append(len(said["response"]["payloadData"].encode()))

    protocol.on("Network.loadingFinished", lambda said: sizes.append(said["encodedDataLength"]))
    protocol.on("Network.webSocketFrameReceived", frame)
    page.wait_for_timeout(WINDOW)
    page.goto(url, wait_until="commit")
    asked = {"expression": WATCH.replace("DRAWN", DRAWN.replace("WHAT", complete)), "awaitPromise": True}
    whole = protocol.send("Runtime.evaluate", asked)["result"]
    if whole["type"] != "number":
        raise Stuck(f"{url} is not whole after half a minute")
    took = float(whole["value"])
    said = {row["name"]: row["value"] for row in protocol.send("Performance.getMetrics")["metrics"]}
    page.wait_for_timeout(300)  # What has come is told of a little later.
    page.close()
    return View(took, 1000 * said["TaskDuration"], round(sum(sizes)))


def views(browser: Browser, url: str, complete: str, times: int = TIMES) -> tuple[View, View]:
    """First views, each with an empty cache, and second ones with what the first has left in it: medians of both."""
    first, second = [], []
    for _ in range(times):
        context = browser.new_context(viewport=SCREEN, locale="zh-CN")  # type: ignore[arg-type]
        first.append(view(context, url, complete))
        second.append(view(context, url, complete))
        context.close()
    return _middle(first), _middle(second)


def _middle(seen: list[View]) -> View:
    parts = zip(*((one.took, one.work, one.size) for one in seen), strict=True)
    return View(*map(round, map(median, parts)))


@contextmanager
def district() -> Iterator[House]:
    """The demo's city, running, its simulated past told."""
    with House(CITY, patience=180.0) as house, connect(house.rooms.redis_url) as redis:
        root = read_places(house.city).root.code
        names = [feed.name for feed in house.city.feeds]

        def told() -> bool:
            """Every source was heard, all they said is on the board, the latest is of now, and little comes after."""
            feeds = stream_status(redis, house.rooms.keys, root)["feeds"]
            if {row["state"] for row in feeds.values()} != {"live"}:
                return False
            if time() - (feeds["tickets"]["last_event"] or 0.0) > FRESH:
                return False
            before = sum(map(house.stored, names))
            sleep(CALM)
            return sum(map(house.stored, names)) - before < FEW and not any(house.behind(name) for name in names)

        until(told, 600, lambda: f"the district has told its past: {house.tail()}")
        yield house


def run() -> Iterator[Figure]:
    """The wall, some times with an empty cache and, behind each of these, with a full one."""
    with district() as house, chromium() as browser:
        url = f"{house.url}/wall"
        views(browser, url, COMPLETE, 1)  # A server that has just started is not what is asked for.
        first, second = views(browser, url, COMPLETE)
    yield Figure("screen.first_view_ms", first.took, "ms", most=WANTED)
    yield Figure("screen.first_view_main_thread_ms", first.work, "ms")
    yield Figure("screen.first_view_bytes", first.size, "B", most=WANTED_BYTES)
    yield Figure("screen.second_view_ms", second.took, "ms", most=WANTED_AGAIN)
    yield Figure("screen.second_view_main_thread_ms", second.work, "ms")
    yield Figure("screen.second_view_bytes", second.size, "B")


BENCH = Bench(
    "firstview",
    "The demo's wall from its address until all of it is drawn (1920×1080): first with an empty cache, then with that",
    run,
)
