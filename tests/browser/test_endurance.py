"""The wall left alone under traffic while its playlist changes scenes: nothing grows, nothing stops, nothing is missed.

Ten minutes, measured beside all other tests; ``./citywall bench endurance --minutes 60`` is the whole of it.
"""

from __future__ import annotations

import random

import pytest

from bench.endurance import SURE, trend
from tests.measured import Measured

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
@pytest.mark.beside
@pytest.mark.timeout(900)
def test_the_wall_endures(endurance: Measured) -> None:
    if endurance.process is None:
        pytest.skip("Chromium is not installed (Debian: apt-get install chromium)")
    found = endurance.figures()

    def least(name: str) -> float:
        """What it grows by in an hour, for sure."""
        return found[f"{name}_growth_an_hour"] - SURE * found[f"{name}_growth_an_hour_error"]

    assert found["page_never_reloaded"] == 1
    # Compiled code and caches still fill in the first minutes; the hour of the bench is what says that it is flat.
    assert least("heap") < 20
    assert least("nodes") < 200
    assert least("listeners") < 50
    assert found["looks"] > 5 * found["minutes"]
    assert found["scenes_changed"] >= 6 * found["minutes"], "the playlist plays"
    assert found["frames_a_second_least"] >= 20
    assert found["updates_missed"] == 0
    assert found["errors_on_the_page"] == 0
