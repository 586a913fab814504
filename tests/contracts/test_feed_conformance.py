"""One suite over every kind of feed: its source fails in each way there is, and nothing is lost and nothing doubled.

All kinds are at work at the same time, each with its own source, in one loop: that is how a house runs them.
"""

from __future__ import annotations

import asyncio
import gc
import random
import tempfile
import tracemalloc
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

import tests.contracts.simulators
from dashboard.board import NOUNS
from dashboard.discovery import declaring
from dashboard.doors.feedtry import attempt
from dashboard.nouns.health import state_of
from dashboard.nouns.noun import FeedRule
from dashboard.sources.feed import kinds
from tests.contracts.simulators.folder import Drop
from tests.contracts.simulators.source import FAILS, FAULTS, PASSES, REFUSES, Simulator
from tests.servers import ROOT
from tests.station import Lines, Station, soon
from tests.town import town

KINDS = sorted(kinds())
SIMULATORS: dict[str, type[Simulator]] = {}
for _, found in declaring(tests.contracts.simulators, "SIMULATOR"):
    assert isinstance(found, type)
    assert issubclass(found, Simulator)
    SIMULATORS[found.kind] = found
AT_ONCE = 14  # Trials at the same time.
SLACK = 3.0  # Seconds that a busy machine may add to a recovery.
ROUNDS = 5  # Records before memory is looked at; twice as many come after that.
LOOKS = 20  # What a delivery holds while it is under way is gone at one of so many looks, what leaks at none.
OFTEN = 0.4  # Seconds between two polls of a kind then: few, so that those which are done leave the others their turn.
GROWN = 40_000  # Bytes a module may hold more after twice as many records.
FIRST = 15.0  # Seconds in which a fault has to be noticed, and a source that came up late to be read.


def test_every_kind_has_its_simulator_and_every_simulator_its_kind() -> None:
    assert sorted(SIMULATORS) == KINDS


@pytest.mark.parametrize("kind", sorted(SIMULATORS))
def test_every_fault_is_tried_or_has_a_reason(kind: str) -> None:
    faults = SIMULATORS[kind].faults
    assert sorted(faults) == sorted(FAULTS)
    for name, shows in faults.items():
        assert shows in (FAILS, REFUSES, PASSES) or len(shows.split()) > 3, f"{name}: say why it makes no sense"


# -- what is tried ---------------------------------------------------------------------------------------------


@asynccontextmanager
async def at_work(
    kind: str, name: str, *, up: bool = True, often: bool = False
) -> AsyncIterator[tuple[Simulator, Station]]:
    """A source and the feed that reads it; ``often`` asks again and again where it is we who ask."""
    with tempfile.TemporaryDirectory(prefix=f"citywall-{kind}-") as home:
        folder = Path(home)
        source = SIMULATORS[kind](folder)
        if up:
            await source.start()
        station: Station | None = None
        try:
            table = {"kind": kind, "name": name, **source.table()}
            if often and source.asked:
                table["interval"] = OFTEN
            station = Station(town(folder, table, **source.city), folder)
            async with station.working():
                await source.feed(station)
                yield source, station
        finally:
            await source.close()
            if station is not None:
                station.close()


def health(station: Station) -> str:
    """What the board would say of the feed now."""
    now = datetime.now(UTC)
    settings = station.bound.settings
    rule = FeedRule(settings.name, settings.kind, station.bound.nouns, settings.interval)
    return state_of(rule, station.runner.beat(now, 0), now.timestamp())


def well(source: Simulator, station: Station) -> bool:
    """Whether all that came to be is on the disk, once, and the feed says nothing is wrong."""
    return station.runner.last_success is not None and not station.runner.error and source.right(station.events())


def said(source: Simulator, station: Station) -> str:
    """What a failed test is told."""
    counted, restarts = station.counted(), station.runner.restarts
    return (
        f"{len(source.wanted)} wanted, {counted} stored, doubled and refused, {station.spool.reasons()},"
        f" {restarts} restarts, {station.runner.error!r}; {[event.subject for event in station.events()][-12:]}"
    )


async def down_at_start(source: Simulator, station: Station, lines: Lines) -> None:
    """The source is not there when the house starts; when it comes, it is read."""
    await soon(lambda: station.runner.error, FIRST, "the feed says that it fails")
    assert health(station) == "failing"
    await source.start()
    await source.add()
    await soon(lambda: well(source, station), FIRST, lambda: said(source, station))
    assert health(station) == "live"
    name = station.bound.name
    assert (len(lines.of(name, "down")), len(lines.of(name, "up"))) == (1, 1), lines.said


async def begin(source: Simulator, station: Station) -> None:
    """Bring it to a state in which all is well, with a record that was read."""
    await source.add()
    await soon(lambda: well(source, station), FIRST, lambda: f"at first: {said(source, station)}")
    assert health(station) == "live"


async def one_fault(source: Simulator, station: Station, lines: Lines, name: str) -> None:
    """The fault shows as it should, once; records come to be meanwhile; and when it is over all is there."""
    shows, feed = source.faults[name], station.bound.name
    await begin(source, station)
    dead = station.counted()[2]
    await source.fault(name)
    await source.add()
    if shows == FAILS:
        await soon(lambda: station.runner.error, FIRST, lambda: f"it fails: {said(source, station)}")
        assert health(station) in ("failing", "late", "silent"), health(station)
    elif shows == REFUSES:
        await soon(lambda: station.counted()[2] > dead, FIRST, lambda: f"it is refused: {said(source, station)}")
    else:
        await soon(lambda: well(source, station), FIRST, lambda: f"it passes: {said(source, station)}")
    await source.clear()
    await source.add()
    seconds = source.interval + source.patience + SLACK
    await soon(lambda: well(source, station), seconds, lambda: f"well again: {said(source, station)}")
    assert health(station) == "live"
    if shows != REFUSES and name not in source.noted:
        assert station.counted()[2] == dead, said(source, station)
    downs, ups = lines.of(feed, "down"), lines.of(feed, "up")
    assert (len(downs), len(ups)) == ((1, 1) if shows == FAILS else (0, 0)), lines.of(feed, "")
    assert not lines.of(feed, "fault in the feed")


async def refusals(source: Simulator, station: Station) -> None:
    """What is behind the feed takes only some of what comes, at random; what it did not take comes again."""
    await begin(source, station)
    chance = random.Random(source.kind)
    station.sink.refuse = lambda: chance.random() < 0.35
    for _ in range(4):
        await source.add()
        await asyncio.sleep(0.1)
    station.sink.refuse = lambda: False
    seconds = 2 * source.interval + source.patience + SLACK
    await soon(lambda: well(source, station), seconds, lambda: said(source, station))


async def trial(kind: str, what: str) -> None:
    """One fault of one kind, on a source and a feed of its own."""
    lines = Lines()
    try:
        name = f"{kind}-{what}".replace("_", "-")
        async with at_work(kind, name, up=what != "down_at_start") as (source, station):
            if what == "down_at_start":
                await down_at_start(source, station, lines)
            elif what == "refusals":
                await refusals(source, station)
            else:
                await one_fault(source, station, lines, what)
    finally:
        lines.close()


def tried(kind: str) -> list[str]:
    """What makes sense for a kind."""
    faults = SIMULATORS[kind].faults
    start = ["down_at_start"] if faults["down"] == FAILS else []
    return [*start, *(name for name in FAULTS if faults[name] in (FAILS, REFUSES, PASSES)), "refusals"]


TRIALS = [(kind, what) for kind in sorted(SIMULATORS) for what in tried(kind)]


TRIED = [kind for kind, one in sorted(SIMULATORS.items()) if FAILS in one.faults.values()]


@pytest.mark.parametrize("kind", TRIED)
def test_feed_try_shows_what_would_be_sent(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One look at the source: events with their places in words, and exit code 0; a source that is wrong says so."""
    if SIMULATORS[kind].missing:
        pytest.skip(SIMULATORS[kind].missing)
    SIMULATORS[kind].provide(request.getfixturevalue)
    source = SIMULATORS[kind](tmp_path)
    name = kind.replace("_", "-")

    async def look(*, up: bool) -> int:
        if up:
            await source.start()
            await source.add()
        try:
            return await attempt(town(tmp_path, {"kind": kind, "name": name, **source.table()}), name, 50)
        finally:
            if up:
                await source.close()

    assert asyncio.run(look(up=True)) == 0
    said = capsys.readouterr()
    assert " would be sent" in said.out
    assert any(noun.events[0].__struct_config__.tag.split(".")[0] in said.out for noun in NOUNS.values())  # type: ignore[union-attr]
    assert said.err == ""
    if source.faults["down"] == FAILS:
        if isinstance(source, Drop):
            source.place.rename(source.away)
        assert asyncio.run(look(up=False)) == 1
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith(f"citywall: the feed {name} cannot read its source: ")


@pytest.fixture(scope="module")
def outcomes(request: pytest.FixtureRequest) -> dict[tuple[str, str], str]:
    """What went wrong in each trial that was asked for, empty if nothing did. All run at the same time."""
    asked = {
        (item.callspec.params["kind"], item.callspec.params["what"])
        for item in request.session.items
        if isinstance(item, pytest.Function) and hasattr(item, "callspec") and "what" in item.callspec.params
    }
    wanted = [(kind, what) for kind, what in TRIALS if (kind, what) in asked and not SIMULATORS[kind].missing]
    for kind in {kind for kind, _ in wanted}:
        SIMULATORS[kind].provide(request.getfixturevalue)
    found: dict[tuple[str, str], str] = {}

    async def all_of_them() -> None:
        places = asyncio.Semaphore(AT_ONCE)

        async def in_turn(kind: str, what: str) -> None:
            async with places:
                try:
                    await asyncio.wait_for(trial(kind, what), 60)
                    found[kind, what] = ""
                except Exception as error:  # noqa: BLE001 - each is told by the test it belongs to.
                    found[kind, what] = f"{type(error).__name__}: {error}"

        await asyncio.gather(*(in_turn(*one) for one in wanted))

    asyncio.run(all_of_them())
    return found


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("kind", "what"), TRIALS)
def test_nothing_is_lost_and_nothing_doubled(kind: str, what: str, outcomes: dict[tuple[str, str], str]) -> None:
    if SIMULATORS[kind].missing:
        pytest.skip(SIMULATORS[kind].missing)
    assert not outcomes[kind, what], outcomes[kind, what]


def held() -> dict[str, int]:
    """Bytes that the modules of feeds, and of what lies below them, have asked for and not given back."""
    gc.collect()
    found: dict[str, int] = {}
    for one in tracemalloc.take_snapshot().statistics("filename"):
        file = Path(one.traceback[0].filename)
        if {ROOT / "feeds", ROOT / "dashboard"} & set(file.parents):
            found[str(file.relative_to(ROOT))] = one.size
    return found


async def rounds(source: Simulator, station: Station, number: int) -> None:
    """So many times there is something new, and the feed reads it."""
    for _ in range(number):
        await source.add()
        puts = station.sink.puts
        await soon(lambda before=puts: station.sink.puts > before, FIRST, f"{source.kind} reads on")  # type: ignore[misc]
    if source.asked:
        puts = station.sink.puts
        await soon(lambda: station.sink.puts > puts + 3 * number, 45, f"{source.kind} asks on")


@pytest.mark.timeout(240)
def test_memory_is_flat(request: pytest.FixtureRequest) -> None:
    """All kinds that read a source, at work at once: after a while no module holds more than it did."""
    reading = [
        kind for kind, one in SIMULATORS.items() if (one.asked or FAILS in one.faults.values()) and not one.missing
    ]
    for kind in reading:
        SIMULATORS[kind].provide(request.getfixturevalue)
    least: dict[str, int] = {}
    grown: dict[str, int] = {}

    async def look(*, until_flat: bool) -> None:
        before = dict(least)
        for number in range(LOOKS):
            await asyncio.sleep(0.2)
            for name, size in held().items():
                least[name] = min(size, least.get(name, size) if number else size)
            grown.update({name: size - before.get(name, 0) for name, size in least.items()})
            if number >= 3 and not (until_flat and max(grown.values()) > GROWN):
                return

    async def work() -> None:
        async with AsyncExitStack() as stack:
            pairs = [
                await stack.enter_async_context(at_work(kind, kind.replace("_", "-"), often=True)) for kind in reading
            ]
            for number in (ROUNDS, 2 * ROUNDS):
                await asyncio.gather(*(rounds(source, station, number) for source, station in pairs))
                await look(until_flat=number > ROUNDS)

    tracemalloc.start()
    try:
        asyncio.run(work())
    finally:
        tracemalloc.stop()
    assert {name: size for name, size in grown.items() if size > GROWN} == {}
