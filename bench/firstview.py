"""The first view: from the address to a painted wall, and what goes over the wire for it, cold and warm."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median
from time import monotonic
from typing import TYPE_CHECKING

from bench import interval
from bench.browser import PAINTED, SCREEN, Tickets, chromium, furnish, opened
from bench.house import House
from bench.run import Bench, Figure

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext

TIMES = 5


def view(context: BrowserContext, url: str, painted: str) -> tuple[float, int]:
    """Milliseconds from the navigation to the page's being painted, and bytes that came over the wire by HTTP."""
    page = context.new_page()
    protocol = context.new_cdp_session(page)
    protocol.send("Network.enable")
    sizes: list[float] = []
    protocol.on("Network.loadingFinished", lambda said: sizes.append(said["encodedDataLength"]))
    began = monotonic()
    page.goto(url, wait_until="commit")
    page.wait_for_function(painted, polling="raf", timeout=30_000)
    took = 1000 * (monotonic() - began)
    page.wait_for_timeout(300)
    page.close()
    return took, round(sum(sizes))


def views(browser: Browser, url: str, painted: str, times: int = TIMES) -> tuple[float, float, int, int]:
    """Medians of cold and warm views in ms, and the bytes of the last of each."""
    cold, warm = [], []
    heavy = light = 0
    for _ in range(times):
        context = browser.new_context(viewport=SCREEN, locale="zh-CN")  # type: ignore[arg-type]
        took, heavy = view(context, url, painted)
        cold.append(took)
        took, light = view(context, url, painted)
        warm.append(took)
        context.close()
    return median(cold), median(warm), heavy, light


def run() -> Iterator[Figure]:
    """The wall and the baseline, each five times with an empty cache and five times with a full one."""
    tickets = Tickets()
    with House() as house, chromium() as browser:
        furnish(house, tickets)
        opened(browser, house.url).context.close()  # A server that has just started is not what is asked for.
        cold, warm, heavy, light = views(browser, house.url, PAINTED)
        furnish(house, tickets, 18_000)
        more, *_ = views(browser, house.url, PAINTED, 3)
        with interval.served(house) as (url, _):
            opened(browser, url, interval.PAINTED).context.close()
            cold_0, warm_0, heavy_0, light_0 = views(browser, url, interval.PAINTED, 3)
    yield Figure("screen.first_view_ms", round(cold), "ms", round(cold_0))
    yield Figure("screen.first_view_warm_ms", round(warm), "ms", round(warm_0))
    yield Figure("screen.wire_bytes", heavy, "B", heavy_0)
    yield Figure("screen.wire_bytes_warm", light, "B", light_0)
    yield Figure("screen.first_view_ms_at_load_x10", round(more), "ms", round(cold))


BENCH = Bench("firstview", "The wall from its address to all panels painted, empty and full cache (1920×1080)", run)
