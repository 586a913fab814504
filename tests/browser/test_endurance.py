"""The wall left alone under traffic while its playlist changes scenes: nothing grows, nothing stops, nothing is missed.

Two minutes here; ``./citywall bench endurance --minutes 60`` is the whole of it.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from bench.browser import PAINTED, Tickets, furnish
from bench.endurance import CITY, endure, trend
from bench.house import House

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext

MINUTES = float(os.environ.get("CITYWALL_ENDURANCE_MINUTES", "2"))
LEVELS = {"wall": 20.0, "casework": 26.0}


def samples(growth: float, noise: float, minutes: float = 2.0) -> list[tuple[float, str, float]]:
    """Samples each two seconds of a heap that grows by so many MB an hour, two scenes in turn."""
    chance = random.Random(7)
    return [
        (at, scene, LEVELS[scene] + growth * at / 3600 + chance.gauss(0, noise))
        for at in range(0, int(60 * minutes), 2)
        for scene in [list(LEVELS)[at // 20 % 2]]
    ]


def test_a_leak_is_told_from_noise() -> None:
    assert trend(samples(0.0, 0.3)).least < 15
    assert trend(samples(120.0, 0.3)).least > 50, "two megabytes a minute are seen within two"
    assert trend(samples(60.0, 0.0)).slope == pytest.approx(60.0)
    assert trend(samples(0.0, 0.3)[:3]).least < 0, "three samples say nothing"


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.timeout(180 + 90 * MINUTES)
def test_the_wall_endures(new_context: Callable[..., BrowserContext]) -> None:
    with House(CITY) as house:
        furnish(house, Tickets())
        page = new_context().new_page()
        page.goto(f"{house.url}/wall?screen=endurance&playlist=rounds", wait_until="commit")
        page.wait_for_function(PAINTED, timeout=20_000)
        found = endure(house, page, MINUTES)
    assert found.same, "the page was loaded anew"
    heap, nodes, listeners = (trend(found.late(name)) for name in ("JSHeapUsedSize", "Nodes", "JSEventListeners"))
    # Compiled code and caches still fill in the first minutes; the hour of the bench is what says that it is flat.
    assert heap.least < 50, f"the heap grows by {heap.slope:.1f} ± {heap.error:.1f} MB an hour"
    assert nodes.least < 1000, f"the document grows by {nodes.slope:.0f} ± {nodes.error:.0f} nodes an hour"
    assert listeners.least < 200, f"{listeners.slope:.0f} ± {listeners.error:.0f} listeners more an hour"
    assert len(found.late("Nodes")) > 10
    assert found.scenes >= 6 * MINUTES, "the playlist plays"
    assert min(found.frames) >= 20
    assert found.shown == found.wanted
    assert found.errors == 0
