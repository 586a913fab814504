"""The map's layer of cameras: 10,222 of them, how soon they are drawn, how smooth a drag stays while they change."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.browser import chromium, opened
from bench.house import House, Stuck, until
from bench.points import frames_per_s
from bench.run import Bench, Figure
from bench.video import Platforms, Watch, city_file

if TYPE_CHECKING:
    from playwright.sync_api import Page

MANY = 10_222
FLIPS = 20  # Cameras that change with each poll …
EACH = 1.0  # … of each of the eight platforms, so often in seconds.
FIRST, SMOOTH = 2000.0, 20.0  # What is wanted: milliseconds, and frames in a second.
TURNS = 5
# From the click on the layer's button to the frame in which all its points stand on the canvas.
CHOOSE = """(number) => new Promise((done, fail) => {
  const begun = performance.now();
  document.querySelector("[data-map-layer=cameras]").click();
  const look = () => {
    const { layer, drawn, painted } = citywall.points;
    if (layer === "cameras" && drawn === number && painted > begun) {
      requestAnimationFrame(() => setTimeout(() => done(performance.now() - begun)));
    } else if (performance.now() - begun > 20000) fail(new Error(`${layer}: ${drawn} drawn`));
    else requestAnimationFrame(look);
  };
  look();
})"""
# Counts how often states changed while nothing else was asked of the page.
CHANGES = """() => {
  window.changes = 0;
  const sink = citywall.sinks["map-layers"];
  citywall.sinks["map-layers"] = (...told) => {
    sink(...told);
    changes += citywall.points.changed > 0;
  };
}"""


def counted(page: Page) -> int:
    """How many cameras the map's key shows."""
    texts = page.evaluate("() => [...document.querySelectorAll('#map-lights > span')].map((e) => e.textContent)")
    return sum(int(text.split()[-1].replace(",", "")) for text in texts)


def first_paint(house: House, browser: Any) -> tuple[Page, list[float]]:
    """Pages opened one after the other, each without a cache; the last one, and what each took."""
    took: list[float] = []
    page: Page | None = None
    for _ in range(TURNS):
        if page is not None:
            page.context.close()
        page = opened(browser, f"{house.url}/wall")
        page.wait_for_function("() => !!citywall.points && !!document.querySelector('.place-label')")
        took.append(float(page.evaluate(CHOOSE, MANY)))
    assert page is not None
    return page, took


def run() -> Iterator[Figure]:
    """The layer chosen anew in five fresh pages, then dragged about while states change all the time."""
    with (
        tempfile.TemporaryDirectory(prefix="citywall-cameras-") as folder,
        Platforms(MANY, FLIPS).served() as platforms,
    ):
        with House(city_file(Path(folder), platforms, EACH)) as house, chromium() as browser, Watch(house) as watch:
            until(lambda: watch.view("video").get("total") == MANY, 90, f"{MANY:,} cameras are there")
            platforms.turning = True
            page, took = first_paint(house, browser)
            page.evaluate(CHANGES)
            smooth = frames_per_s(page)
            changes = int(page.evaluate("() => changes"))
            until(lambda: counted(page) == MANY, 10, f"{MANY:,} cameras in the map's key")
    if not changes:
        raise Stuck("no state changed while the map was dragged")
    yield Figure("map.first_paint_ms", round(sorted(took)[len(took) // 2], 1), "ms", most=FIRST)
    yield Figure("map.frames_per_s", round(smooth, 1), "1/s", least=SMOOTH)
    yield Figure("map.updates_meanwhile", changes, "updates")


BENCH = Bench(
    "cameras",
    f"{MANY:,} cameras on the map: first paint of their layer, frames in a drag while their states change",
    run,
)
