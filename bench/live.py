"""From the event to the pixel: how long a posted ticket takes until the wall in a real browser has counted it."""

from __future__ import annotations

import os
from collections.abc import Iterator

from bench import interval
from bench.browser import Tickets, chromium, event_to_pixel, furnish, opened, quantile
from bench.house import House
from bench.run import Bench, Figure

RATE = 10.0  # Ticket events in a second.
WANTED = 400.0  # Milliseconds, of 95 in a hundred.
SECONDS = float(os.environ.get("CITYWALL_BENCH_SECONDS", "60"))


def run() -> Iterator[Figure]:
    """The wall and the baseline under the same stream of tickets, then the wall under ten times it."""
    tickets = Tickets()
    with House() as house, chromium() as browser:
        furnish(house, tickets)
        page = opened(browser, house.url)
        ours = event_to_pixel(house, page, tickets, RATE, SECONDS)
        more = event_to_pixel(house, page, tickets, 10 * RATE, SECONDS / 2)
        page.context.close()
        with interval.served(house) as (url, _):
            page = opened(browser, url, interval.PAINTED)
            theirs = event_to_pixel(house, page, tickets, RATE, SECONDS / 2)
            page.context.close()
    for name, share in (("p50", 0.5), ("p95", 0.95)):
        mine = round(quantile(ours, share), 1)
        wanted = WANTED if name == "p95" else None
        yield Figure(f"live.event_to_pixel_{name}_ms", mine, "ms", round(quantile(theirs, share), 1), most=wanted)
        yield Figure(f"live.event_to_pixel_{name}_ms_at_load_x10", round(quantile(more, share), 1), "ms", mine)
    yield Figure("live.event_to_pixel_max_ms", round(max(ours), 1), "ms", round(max(theirs), 1))


BENCH = Bench(
    "live",
    f"10 tickets/s for {SECONDS:.0f} s, post → drawn in Chromium (wanted: p95 ≤ {WANTED:.0f} ms; x10: held against x1)",
    run,
)
