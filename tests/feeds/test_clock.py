"""The clock feed: a tick on each full second, and never a burst."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from dashboard.nouns.clock import ClockTick
from dashboard.sources.feed import Context, Delivery, Settings
from feeds import clock

START = datetime(2026, 11, 21, 2, 30, 0, 400_000, tzinfo=UTC)
SETTINGS = Settings(name="clock", kind="clock")


class World:
    """A wall clock that only moves when somebody sleeps, or is pushed."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = START
        self.slept: list[float] = []
        monkeypatch.setattr(asyncio, "sleep", self.sleep)

    async def sleep(self, seconds: float) -> None:
        assert 0 < seconds <= 1
        self.slept.append(seconds)
        self.now += timedelta(seconds=seconds)

    def context(self) -> Context:
        nothing = cast(Any, None)
        return Context(nothing, nothing, nothing, None, lambda: self.now, Path())


async def ticks(world: World, steps: list[Callable[[], None] | None]) -> list[ClockTick]:
    """The first ticks; before each the world is changed by the next step."""
    context, found = world.context(), []
    source = clock.open(SETTINGS, context)
    for step in steps:
        if step is not None:
            step()
        delivery = cast(Delivery, await anext(source))
        (event,) = clock.parse(delivery.payload, SETTINGS, context)
        assert isinstance(event, ClockTick)
        found.append(event)
    return found


async def test_ticks_on_the_full_second(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch)
    found = await ticks(world, [None] * 5)
    full = START.replace(microsecond=0)
    assert [tick.time for tick in found] == [full + timedelta(seconds=n) for n in range(5)]
    assert world.slept == pytest.approx([0.6, 1, 1, 1], abs=1e-6)
    assert [tick.id for tick in found][:2] == ["2026-11-21T02:30:00+00:00", "2026-11-21T02:30:01+00:00"]
    assert all(tick.wall == tick.time for tick in found)


async def test_after_a_suspension_one_tick_follows_and_it_is_the_present_one(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch)

    def suspend() -> None:
        world.now += timedelta(minutes=10)

    found = await ticks(world, [None, None, suspend, None])
    seconds = [(tick.time - found[0].time).total_seconds() for tick in found]
    assert seconds == [0, 1, 601, 602]


async def test_waking_early_does_not_tick_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch)
    exact = world.sleep

    async def early(seconds: float) -> None:
        await exact(seconds * (0.9 if seconds > 0.01 else 1.0))

    monkeypatch.setattr(asyncio, "sleep", early)
    found = await ticks(world, [None] * 4)
    assert len({tick.id for tick in found}) == 4


async def test_a_clock_set_back_goes_on_ticking(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch)

    def set_back() -> None:
        world.now -= timedelta(hours=1)

    found = await ticks(world, [None, set_back, None])
    assert (found[2].time - found[1].time).total_seconds() == 1


async def test_really_ticks() -> None:
    nothing = cast(Any, None)
    context = Context(nothing, nothing, nothing, None, lambda: datetime.now(UTC), Path())
    source = clock.open(SETTINGS, context)
    await anext(source)
    second = cast(Delivery, await asyncio.wait_for(anext(source), 2)).payload
    assert 0 <= datetime.now(UTC).timestamp() - second < 0.5
