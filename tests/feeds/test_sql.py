"""Databases by a watermark, on SQLite and PostgreSQL: ties, late commits, restores, odd rows, and a long backfill."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Iterator
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Engine, create_engine, text

from dashboard.city import CityError
from dashboard.sources.feed import SourceFailed, bind
from dashboard.travel.feeder import read
from tests.station import Station, soon
from tests.town import NOW, at, context, town

COLUMNS = {
    "number": "id", "reported": "opened", "title": "title", "category": "class", "due": "due", "closed": "closed",
    "place_code": "town",
}  # fmt: skip
QUERY = "SELECT id, opened, changed, title, class, due, closed, town FROM cases"
TABLE = "CREATE TABLE cases (id {n} PRIMARY KEY, opened {t}, changed {t}, title TEXT, class TEXT, due {t}, closed {t}, town TEXT)"  # noqa: E501
INSERT = "INSERT INTO cases VALUES (:id, :opened, :changed, :title, 'lights', :due, :closed, 'A')"


class Hall:
    """A hotline's database and a feed that reads it, as a test moves both on."""

    def __init__(self, url: str, folder: Path) -> None:
        self.folder, self.postgres = folder, url.startswith("postgresql")
        self.engine: Engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
        self.url = url
        kinds = ("BIGINT", "TIMESTAMP") if self.postgres else ("INTEGER", "TEXT")
        self.say(TABLE.format(n=kinds[0], t=kinds[1]))
        self.now = NOW
        self.cursor: str | None = None
        self.events: list[Any] = []
        self.refused: list[str] = []

    def say(self, statement: str, rows: Any = None) -> None:
        with self.engine.begin() as db:
            db.execute(text(statement), rows)

    def case(self, number: int, minute: float, **more: Any) -> None:
        row = {"id": number, "opened": local(-600), "changed": local(minute), "title": f"case {number}", "due": None,
               "closed": None, **more}  # fmt: skip
        self.say(INSERT, row)

    def feed(self, **more: Any) -> dict[str, Any]:
        return {
            "kind": "sql", "name": "hall", "url": self.url, "query": QUERY, "watermark": "changed", "key": "id",
            "columns": COLUMNS, "overlap": 600, "interval": 0.2, **more,
        }  # fmt: skip

    async def poll(self, **more: Any) -> list[str]:
        """Read once as a house does that is started for it; the numbers that were new."""
        (bound,) = bind(town(self.folder, self.feed(**more)))
        ctx = at(context(town(self.folder, self.feed(**more))), self.now, self.cursor)
        found: list[str] = []
        assert bound.feed.open is not None
        async with aclosing(cast(Any, bound.feed.open(bound.settings, ctx))) as source:
            async for delivery in source:
                events, rejected = read(bound, delivery.payload, ctx)
                self.cursor = delivery.cursor
                found += [event.subject for event in events if event.kind == "ticket.reported"]
                self.events += events
                self.refused += [one.reason for one in rejected]
                if not delivery.payload.rows and not any(one.reason == "watermark_back" for one in rejected):
                    break
        return found

    def close(self) -> None:
        self.engine.dispose()


def local(minute: float) -> str:
    return (NOW + timedelta(hours=8, minutes=minute)).replace(tzinfo=None).isoformat(" ")


@pytest.fixture
def hall(database_url: str, tmp_path: Path) -> Iterator[Hall]:
    made = Hall(database_url, tmp_path)
    yield made
    made.close()


async def test_what_is_new_is_read_and_nothing_twice(hall: Hall) -> None:
    for number in range(5):
        hall.case(number, -100 + number)
    assert await hall.poll() == ["0", "1", "2", "3", "4"]
    assert await hall.poll() == []
    hall.case(7, -1, closed=local(-2))
    assert await hall.poll() == ["7"]
    assert hall.events[-1].kind == "ticket.closed"
    assert hall.events[-1].time == NOW - timedelta(minutes=2)


async def test_ties_larger_than_a_slice_are_read_whole(hall: Hall) -> None:
    for number in range(25):
        hall.case(number, -50)
    assert await hall.poll(slice=4) == [str(n) for n in range(25)]
    hall.case(25, -50)  # And one more with the same watermark, behind the last.
    hall.case(-1, -50)  # And before the first.
    assert await hall.poll(slice=4) == ["-1", "25"]


async def test_a_late_commit_within_the_overlap_is_found(hall: Hall) -> None:
    hall.case(1, -100)
    hall.case(3, -20)
    assert await hall.poll() == ["1", "3"]
    hall.case(2, -25)  # Its transaction began before that of 3, and ended after it was read.
    assert await hall.poll() == ["2"]
    hall.case(4, -40)  # Later than the overlap allows: that is what overlap is for.
    assert await hall.poll() == []
    assert await hall.poll(overlap=3600) == ["4"]


async def test_the_hour_that_comes_twice_is_read_twice(hall: Hall) -> None:
    """Berlin, 25 October 2026: at 03:00 it is 02:00 again, and the rows of that hour go back behind those read."""
    minute = datetime(2026, 10, 24, 23, 50, tzinfo=UTC)
    berlin, given, told, twice = ZoneInfo("Europe/Berlin"), [], [], 0
    for number in range(30):  # 01:50, 01:56, … 02:56, 02:02, … 02:56, 03:02 …, each read as it comes.
        hall.now = minute + timedelta(minutes=6 * number)
        hall.case(number, 0, changed=hall.now.astimezone(berlin).replace(tzinfo=None).isoformat(" "))
        given.append(str(number))
        found = await hall.poll(watermark_zone="Europe/Berlin")
        told += found
        twice += len(found) > 1
    assert (told, twice) == (given, 0), "each once, and none again because more is looked at"
    assert json.loads(hall.cursor or "")["high"] is not None
    assert len(json.loads(hall.cursor or "")["known"]) <= 3, "when the hour is over no more is looked at than before"


async def test_a_row_that_changes_is_read_again(hall: Hall) -> None:
    hall.case(1, -100)
    await hall.poll()
    hall.say("UPDATE cases SET changed = :c, closed = :c WHERE id = 1", {"c": local(-5)})
    await hall.poll()
    assert [event.kind for event in hall.events] == ["ticket.reported", "ticket.reported", "ticket.closed"]
    assert hall.events[0] == hall.events[1]


async def test_a_watermark_ahead_of_the_clock_hides_nothing(hall: Hall) -> None:
    hall.case(1, -100)
    hall.case(2, 60 * 24 * 365 * 60)
    assert await hall.poll() == ["1", "2"]
    hall.case(3, -99)
    assert await hall.poll() == ["3"]
    assert await hall.poll() == []


async def test_a_watermark_that_goes_back_has_all_read_again(hall: Hall) -> None:
    for number in range(3):
        hall.case(number, -30 + number)
    await hall.poll()
    hall.say("DELETE FROM cases")
    hall.case(1, -2000)
    hall.case(9, -1990)
    assert await hall.poll() == ["1", "9"]
    assert hall.refused == ["watermark_back"]
    assert await hall.poll() == []


async def test_an_emptied_table_is_no_fault(hall: Hall) -> None:
    hall.case(1, -10)
    await hall.poll()
    hall.say("DELETE FROM cases")
    assert await hall.poll() == []
    assert hall.refused == []


async def test_rows_without_a_watermark_are_named_once(hall: Hall) -> None:
    hall.case(1, -10)
    hall.case(2, -10, changed=None)
    assert await hall.poll() == ["1"]
    assert hall.refused == ["no_watermark"] or await hall.poll() == []
    await hall.poll()
    assert hall.refused == ["no_watermark"]


async def test_odd_rows_are_refused_alone(hall: Hall) -> None:
    hall.case(1, -30)
    hall.case(2, -29, opened=None)
    hall.case(3, -28, due="0001-01-01 00:00:00")
    hall.case(4, -27, opened="9999-12-31 23:59:59")
    hall.case(5, -26, title="x" * 300_000)
    hall.case(6, -25)
    assert await hall.poll() == ["1", "3", "5", "6"]
    assert sorted(hall.refused) == ["impossible_date", "impossible_date", "no_reported_time", "title_too_long"]


async def test_a_reused_id_is_refused_by_the_spool(hall: Hall) -> None:
    hall.case(1, -30)
    at_work = Station(town(hall.folder, hall.feed()), hall.folder, now=lambda: hall.now)
    async with at_work.working():
        await soon(lambda: at_work.counted() == (1, 0, 0))
        hall.say("UPDATE cases SET title = 'another case', opened = :o, changed = :c", {"o": local(-7), "c": local(-7)})
        await soon(lambda: at_work.counted() == (1, 0, 1))
    assert at_work.spool.reasons() == {"id_reused": 1}


async def test_the_transaction_is_read_only(hall: Hall) -> None:
    hall.case(1, -10)
    with pytest.raises(CityError, match="is not one SELECT; the house only reads"):
        bind(town(hall.folder, hall.feed(query="DELETE FROM cases")))
    with pytest.raises(CityError, match="is not one SELECT"):
        bind(town(hall.folder, hall.feed(query=f"{QUERY}; DROP TABLE cases")))
    if hall.postgres:
        hall.say("CREATE FUNCTION wipe() RETURNS int LANGUAGE sql AS 'DELETE FROM cases RETURNING 1'")
        with pytest.raises(SourceFailed, match="read-only transaction"):
            await hall.poll(query=f"{QUERY} WHERE wipe() = 1")
    assert await hall.poll() == ["1"]


async def test_a_dropped_column_is_one_plain_sentence_and_heals(hall: Hall) -> None:
    hall.case(1, -10)
    at_work = Station(town(hall.folder, hall.feed(query="SELECT * FROM cases")), hall.folder, now=lambda: hall.now)
    async with at_work.working():
        await soon(lambda: at_work.counted() == (1, 0, 0))
        hall.say("ALTER TABLE cases RENAME COLUMN class TO kind")
        hall.case(2, -9)
        await soon(lambda: "the query gives no column 'class' (columns.category); it gives id" in at_work.runner.error)
        hall.say("ALTER TABLE cases RENAME COLUMN kind TO class")
        await soon(lambda: at_work.counted() == (2, 0, 0) and not at_work.runner.error, 15)


async def test_killed_between_slices_nothing_is_lost_or_doubled(hall: Hall) -> None:
    hall.say(INSERT, [
        {"id": n, "opened": local(-600), "changed": local(-500 + n // 7), "title": str(n), "due": None, "closed": None}
        for n in range(50)
    ])  # fmt: skip
    spool_full = iter([False, False, True, False, True, *[False] * 1000])
    at_work = Station(town(hall.folder, hall.feed(slice=8)), hall.folder, now=lambda: hall.now)
    at_work.sink.refuse = lambda: next(spool_full)
    async with at_work.working():
        await soon(lambda: at_work.counted()[0] == 50, 20, at_work.counted)
        puts = at_work.sink.puts
        await soon(lambda: at_work.sink.puts > puts + 1)
    assert at_work.counted() == (50, 0, 0)


async def test_numbers_as_watermarks(hall: Hall) -> None:
    for number in (1, 5, 9):
        hall.case(number, -100)
    more = {"watermark": "id", "overlap": 3}
    assert await hall.poll(**more) == ["1", "5", "9"]
    hall.case(7, -100)
    hall.case(12, -100)
    assert await hall.poll(**more) == ["7", "12"]
    hall.case(3, -100)
    assert await hall.poll(**more) == []


async def test_a_watermark_that_is_neither_time_nor_number_is_told(hall: Hall) -> None:
    hall.case(1, -100)
    with pytest.raises(SourceFailed, match="title holds 'case 1', which is neither a time nor a number"):
        await hall.poll(watermark="title")


async def test_readings_out_of_a_database(hall: Hall) -> None:
    kind = "DOUBLE PRECISION" if hall.postgres else "REAL"
    hall.say(f"CREATE TABLE gauges (id INTEGER, code TEXT, read_at TEXT, feet {kind}, warn {kind})")
    hall.say("INSERT INTO gauges VALUES (1, 'g1', '2026-03-01 10:00', 10, NULL), (2, 'g1', '2026-03-01 10:05', -1, -5)")
    hall.say("INSERT INTO gauges VALUES (3, 'g1', '2026-03-01 10:10', NULL, 1)")
    reading = {"quantity": "level", "unit": "ft", "value": "feet", "sensor": "code", "time": "read_at"}
    more = {"query": "SELECT * FROM gauges", "watermark": "id", "columns": None, "readings": [reading], "overlap": 0}
    await hall.poll(**more)
    assert [(round(event.value, 4), event.unit, event.time.hour) for event in hall.events] == [
        (3.048, "m", 2), (-0.3048, "m", 2),
    ]  # fmt: skip
    assert [reason for reason in hall.refused if reason != "no_place"] == ["no_value"]


async def test_a_long_backfill_needs_no_more_memory_than_a_slice(tmp_path: Path, postgres_url: str) -> None:
    hall = Hall(postgres_url, tmp_path)
    hall.say(
        "INSERT INTO cases SELECT n, '2026-01-01', timestamp '2025-06-01' + n * interval '1 minute', 'c', 'l', NULL,"
        " NULL, 'A' FROM generate_series(1, 45000) n"
    )
    hall.say("CREATE INDEX ON cases (changed, id)")
    (bound,) = bind(town(tmp_path, hall.feed(slice=1000)))
    ctx = context(town(tmp_path, hall.feed()))
    sizes, rows, peaks = set(), 0, []
    assert bound.feed.open is not None
    tracemalloc.start()
    try:
        async with aclosing(cast(Any, bound.feed.open(bound.settings, ctx))) as source:
            async for delivery in source:
                if not delivery.payload.rows:
                    break
                rows += len(delivery.payload.rows)
                sizes.add(len(delivery.payload.rows))
                peaks.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    hall.close()
    assert (rows, sizes) == (45_000, {1000})
    # From the twentieth slice on what is remembered of the overlap is full, and is halved every tenth.
    assert max(peaks[32:]) - max(peaks[20:32]) < 500_000


async def test_infinity_in_postgresql_is_refused_alone(tmp_path: Path, postgres_url: str) -> None:
    hall = Hall(postgres_url, tmp_path)
    hall.case(1, -10)
    hall.case(2, -9, opened="infinity")
    hall.case(3, -8, opened="20000-01-01")
    hall.case(4, -7, changed="infinity")
    assert await hall.poll() == ["1", "4"]
    assert hall.refused == ["impossible_date", "impossible_date"]
    hall.case(5, -6)
    assert await hall.poll() == ["5"]
    hall.close()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"url": "nonsense"}, "is no database"),
        ({"url": "postgresql://me:secret@db/x"}, "holds a password"),
        ({"watermark": "changed; DROP"}, "is no name of a column"),
        ({"columns": None}, "say what the rows are"),
        ({"auth": {"kind": "bearer", "secret_env": "X"}}, "wants a user and a password"),
    ],
)
def test_settings_that_cannot_work_say_why(tmp_path: Path, wrong: dict[str, Any], said: str) -> None:
    base = {"kind": "sql", "name": "hall", "url": "sqlite:///x.db", "query": QUERY, "watermark": "changed", "key": "id",
            "columns": COLUMNS}  # fmt: skip
    with pytest.raises(CityError, match=said):
        bind(town(tmp_path, {**base, **wrong}))


async def test_nobody_there_is_one_plain_sentence(tmp_path: Path) -> None:
    hall_less = {"kind": "sql", "name": "hall", "url": "sqlite:///gone.db", "query": QUERY, "watermark": "changed",
                 "key": "id", "columns": COLUMNS}  # fmt: skip
    for url, said in (("sqlite:///gone.db", "is not there"), ("postgresql://x@127.0.0.1:1/db", "nobody is there")):
        city = town(tmp_path, {**hall_less, "url": url, "timeout": 5})
        (bound,), ctx = bind(city), context(city)
        assert bound.feed.open is not None
        with pytest.raises(SourceFailed, match=said):
            async with aclosing(cast(Any, bound.feed.open(bound.settings, ctx))) as source:
                await anext(source)


def test_the_day_of_the_test_is_in_the_towns_zone() -> None:
    assert datetime.fromisoformat(local(0)).hour == 12
