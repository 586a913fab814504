"""A file that is read on, followed, replaced or replayed: nothing is lost, and nothing is told twice."""

from __future__ import annotations

import asyncio
import itertools
import json
from contextlib import aclosing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from dashboard.city import City
from dashboard.nouns.clock import ClockTick
from dashboard.sources.feed import BoundFeed, Context, Delivery, SourceFailed, bind
from dashboard.travel.spool import Spool
from tests.town import (
    GOOD,
    NOW,
    at,
    context,
    deliveries,
    file_feed,
    parsed,
    reasons,
    record,
    row,
    rows,
    table,
    town,
)


class Reader:
    """A feed with its spool, as the feeds' process has them."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.city = town(folder, file_feed(path="cases.csv", **settings))
        (self.bound,), self.ctx = bind(self.city), context(self.city)
        self.file = folder / "cases.csv"
        self.spool = Spool(folder / "spool.db", durable=False)

    def store(self, given: list[Delivery]) -> None:
        for delivery in given:
            self.spool.put(*parsed(self.bound, self.ctx, [delivery]), delivery.cursor)

    async def run(self, limit: int = 10_000) -> None:
        self.store(await deliveries(self.bound, at(self.ctx, NOW, self.spool.cursor), limit))

    def counted(self) -> tuple[int, int, int]:
        counters = self.spool.counters
        assert counters.received == counters.stored + counters.duplicate + counters.dead
        return counters.stored, counters.duplicate, counters.dead


async def test_reading_on_reads_nothing_twice(tmp_path: Path) -> None:
    reader = Reader(tmp_path)
    reader.file.write_text(rows(*[row(id=n) for n in range(10)]))
    await reader.run()
    await reader.run()
    assert reader.counted() == (20, 0, 0)
    with reader.file.open("a") as file:
        file.write(row(id=10) + "\n")
    await reader.run()
    assert reader.counted() == (22, 0, 0)


async def test_a_row_closed_since_is_one_new_event(tmp_path: Path) -> None:
    reader = Reader(tmp_path)
    reader.file.write_text(rows(row(id=1, closed="", word=""), row(id=2)))
    await reader.run()
    assert reader.counted() == (3, 0, 0)
    reader.file.write_text(rows(row(id=1), row(id=2)))
    await reader.run()
    assert reader.counted() == (4, 3, 0)


async def test_the_same_case_in_other_words_is_put_right(tmp_path: Path) -> None:
    reader = Reader(tmp_path)
    reader.file.write_text(rows(row(id=1), row(id=1), row(id=1, title="other")))
    await reader.run()
    assert reader.counted() == (3, 3, 0)
    assert reader.spool.reasons() == {}


@pytest.mark.parametrize("killed_after", [1, 2, 3])
async def test_killed_at_any_delivery_nothing_is_lost_or_doubled(tmp_path: Path, killed_after: int) -> None:
    reader = Reader(tmp_path)
    reader.file.write_text(rows(*[row(id=n) for n in range(3500)]))
    await reader.run(killed_after)
    assert 0 < reader.counted()[0] < 7000
    await reader.run()
    assert reader.counted() == (7000, 0, 0)


async def test_a_followed_file_is_read_as_it_grows(tmp_path: Path) -> None:
    reader = Reader(tmp_path, follow=True, look=0.01, settle=0.08)
    reader.file.write_text(rows(GOOD))
    found: list[str] = []
    assert reader.bound.feed.open is not None
    async with aclosing(cast(Any, reader.bound.feed.open(reader.bound.settings, reader.ctx))) as source:

        async def more(number: int) -> list[str]:
            while len(found) < number:
                delivery = await asyncio.wait_for(anext(source), 5)
                found.extend(event.id for event in parsed(reader.bound, reader.ctx, [delivery])[0])
            return found

        assert await more(2) == ["7:reported", "7:closed"]
        half, rest = row(id=8)[:30], row(id=8)[30:]
        with reader.file.open("a") as file:
            file.write(row(id=9) + "\n" + half)
            file.flush()
            assert await more(4) == ["7:reported", "7:closed", "9:reported", "9:closed"]
            file.write(rest + "\n")
            file.flush()
        assert (await more(6))[4:] == ["8:reported", "8:closed"]
        other = tmp_path / "other.csv"
        other.write_text(rows(row(id=20)))
        other.replace(reader.file)
        assert (await more(8))[6:] == ["20:reported", "20:closed"]
        reader.file.write_text(rows(row(id=30)))  # Rewritten in place, and of the same length.
        assert (await more(10))[8:] == ["30:reported", "30:closed"]
        with reader.file.open("a") as file:
            file.write(row(id=31))  # Whole, but no line end will ever come.
        assert (await more(12))[10:] == ["31:reported", "31:closed"]
        with reader.file.open("a") as file:
            file.write("\n" + row(id=32) + "\n")
        assert (await more(16))[12:] == ["31:reported", "31:closed", "32:reported", "32:closed"]


async def test_a_followed_document_is_read_again_when_it_changes(tmp_path: Path) -> None:
    file = tmp_path / "cases.json"
    file.write_text(json.dumps([record(id=1)]))
    city = town(tmp_path, file_feed(path="cases.json", follow=True, look=0.01))
    (bound,), ctx = bind(city), context(city)
    assert bound.feed.open is not None
    async with aclosing(cast(Any, bound.feed.open(bound.settings, ctx))) as source:
        await anext(source)
        file.write_text(json.dumps([record(id=1), record(id=2)]))
        events, _ = parsed(bound, ctx, [await asyncio.wait_for(anext(source), 5)])
    assert [event.id for event in events] == ["2:reported", "2:closed"]


async def test_a_disk_that_fails_is_a_source_that_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = Reader(tmp_path)
    reader.file.write_text(rows(GOOD))

    def fail(*_: object, **__: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("feeds.file.TableFile.chunk", fail)
    with pytest.raises(SourceFailed, match=r"cases\.csv cannot be read: Input/output error"):
        await reader.run()


async def test_a_quiet_source_is_heard_of(tmp_path: Path) -> None:
    reader = Reader(tmp_path, follow=True, look=0.01, interval=0.05)
    reader.file.write_text(rows(GOOD))
    first, second = await asyncio.wait_for(deliveries(reader.bound, reader.ctx, 2), 5)
    assert (len(parsed(reader.bound, reader.ctx, [first])[0]), second.payload) == (2, [])


# -- replays -------------------------------------------------------------------------------------------------


async def test_at_max_the_time_is_told_and_ends_with_the_last_day(tmp_path: Path) -> None:
    events, _ = await table(tmp_path, rows(row(id=1), row(id=2, opened="2026-02-03 09:00", closed="")), replay="max")
    ticks = [event for event in events if isinstance(event, ClockTick)]
    assert [(tick.id, tick.time.isoformat(), tick.wall) for tick in ticks] == [
        ("tick-1", "2026-02-03T01:00:00+00:00", NOW),
        ("tick-2", "2026-02-03T15:59:59+00:00", NOW),
    ]
    assert {tick.source for tick in ticks} == {"cases"}
    assert len(events) == 5


async def test_a_finished_replay_tells_its_time_again_after_a_restart(tmp_path: Path) -> None:
    reader = Reader(tmp_path, replay="max")
    reader.file.write_text(rows(GOOD))
    await reader.run()
    given = await deliveries(reader.bound, at(reader.ctx, NOW, reader.spool.cursor))
    events, _ = parsed(reader.bound, reader.ctx, given)
    assert [(event.kind, event.id) for event in events] == [("clock.tick", "tick-3")]


class Wall:
    """Wall time that a test moves on; the feed's naps move it too."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = NOW
        nap = asyncio.sleep

        async def sleep(seconds: float) -> None:
            self.now += timedelta(seconds=seconds)
            await nap(0)

        monkeypatch.setattr("feeds.file.asyncio.sleep", sleep)

    def context(self, city: City, cursor: str | None = None) -> Context:
        return replace(context(city, cursor), now=lambda: self.now)


PACED = [
    row(id=1, opened="2026-01-01 00:00:00", due="2026-01-01 01:00:00", closed="2026-01-01 00:50:00"),
    row(id=2, opened="2026-01-01 00:10:00", due="", closed="2026-01-01 00:12:00"),
    row(id=3, opened="2026-01-01 00:30:00", due="", closed=""),
    row(id="bad", opened=""),
]


async def paced(bound: BoundFeed, ctx: Context, limit: int = 10_000) -> tuple[list[Any], list[str], list[Delivery]]:
    given = await deliveries(bound, ctx, limit)
    events, rejected = parsed(bound, ctx, given)
    return events, reasons(rejected), given


async def test_at_a_pace_the_first_row_is_now_and_all_comes_in_time_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cases.csv").write_text(rows(*PACED))
    city = town(tmp_path, file_feed(path="cases.csv", replay=600))
    wall, (bound,) = Wall(monkeypatch), bind(city)
    events, refused, given = await paced(bound, wall.context(city))
    tickets = [event for event in events if not isinstance(event, ClockTick)]
    ticks = [event for event in events if isinstance(event, ClockTick)]
    minutes = [(event.id, (event.time - NOW).total_seconds() / 60) for event in tickets]
    assert minutes == [("1:reported", 0), ("2:reported", 10), ("2:closed", 12), ("3:reported", 30), ("1:closed", 50)]
    assert tickets[0].due == NOW + timedelta(hours=1)
    assert refused == ["no_reported_time"]
    assert len(ticks) == len(given)
    assert all(after.wall - before.wall <= timedelta(seconds=0.25) for before, after in itertools.pairwise(ticks))
    assert all(tick.time - NOW == 600 * (tick.wall - NOW) for tick in ticks)
    shown = NOW
    for event in events:  # Nothing is told before the city's time has come to it.
        if isinstance(event, ClockTick):
            shown = event.time
        else:
            assert shown <= event.time <= shown + timedelta(minutes=2)
    assert len({tick.id for tick in ticks}) == len(ticks)


@pytest.mark.parametrize("killed_after", [1, 5, 9, 14, 24])
async def test_a_paced_replay_goes_on_after_a_kill(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, killed_after: int
) -> None:
    (tmp_path / "cases.csv").write_text(rows(*PACED))
    city = town(tmp_path, file_feed(path="cases.csv", replay=600))
    wall, (bound,) = Wall(monkeypatch), bind(city)
    straight, _, _ = await paced(bound, wall.context(city))
    wall.now = NOW
    first, refused, given = await paced(bound, wall.context(city), killed_after)
    wall.now += timedelta(days=1)  # The house stands still for a day, and so does the replay.
    second, more, _ = await paced(bound, wall.context(city, given[-1].cursor))
    tickets = [event for event in first + second if not isinstance(event, ClockTick)]
    assert tickets == [event for event in straight if not isinstance(event, ClockTick)]
    assert refused + more == ["no_reported_time"]
    times = [event.time for event in first + second if isinstance(event, ClockTick)]
    assert times == sorted(times)
