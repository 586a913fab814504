"""Scenes: how long a screen takes from the order on a tablet until another layout stands on it, all of it painted."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from time import time
from typing import TYPE_CHECKING

from bench.browser import Tickets, chromium, furnish, opened, quantile
from bench.house import House, Stuck
from bench.run import Bench, Figure

if TYPE_CHECKING:
    from playwright.sync_api import Page

CITY = Path(__file__).with_name("scenes.toml")
MOVES = 24
WANTED = 1000.0  # Milliseconds.
# The page says itself when a scene stood on it, all painted: an order is answered only once it is in SQL too.
STANDS = "(scene) => document.documentElement.dataset.scene === scene && Number(document.documentElement.dataset.stood)"


def order(house: House, screen: str, what: str, **said: object) -> None:
    """Tell a screen what to do, as a tablet does.

    Raises:
        Stuck: if it is refused.
    """
    body = json.dumps(said).encode()
    request = urllib.request.Request(
        f"{house.url}/screens/{screen}/{what}", body, {"content-type": "application/json"}, method="POST"
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        if answer.status != 200:
            raise Stuck(f"{what} of {screen} was answered {answer.status}")


def moved(house: House, page: Page, screen: str, scene: str) -> float:
    """How long a screen took from the order until the scene stood there, painted, in ms."""
    began = time()
    order(house, screen, "scene", scene=scene)
    stood = page.wait_for_function(STANDS, arg=scene, polling="raf", timeout=15_000).json_value()
    return float(stood) - 1000 * began


def run() -> Iterator[Figure]:
    """One screen sent from scene to scene; the first round, in which each layout is new to it, stands apart."""
    with House(CITY) as house, chromium() as browser:
        furnish(house, Tickets())
        page = opened(browser, f"{house.url}/wall?screen=hall")
        page.wait_for_function("() => document.documentElement.dataset.display === 'hall'")
        scenes = ("casework", "town", "duty", "trend", "overview")
        first = [moved(house, page, "hall", scene) for scene in scenes]
        took = [moved(house, page, "hall", scene) for scene, _ in zip(cycle(scenes), range(MOVES), strict=False)]
    for name, share in (("p50", 0.5), ("p95", 0.95)):
        yield Figure(f"scenes.order_to_painted_{name}_ms", round(quantile(took, share), 1), "ms", most=WANTED)
    yield Figure("scenes.order_to_painted_max_ms", round(max(took), 1), "ms", most=WANTED)
    yield Figure("scenes.first_time_max_ms", round(max(first), 1), "ms", most=WANTED)


BENCH = Bench("scenes", "a scene moved to a wall: order → all painted (wanted: ≤ 1,000 ms)", run)
