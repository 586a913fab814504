"""Ingest: a table through feed, spool, stream, board and history, against a bare packed pipeline of Redis."""

from __future__ import annotations

import csv
import json
import multiprocessing
import random
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic, sleep, time
from typing import Any, cast

import msgspec
from redis import Redis

from bench.house import House, Stuck
from bench.run import Bench, Figure
from dashboard.doors.status import status
from dashboard.events import BATCH, pack_batch
from dashboard.travel import valkey
from dashboard.travel.stream import connect

ROWS = 20_000
COLUMNS = (
    "number", "title", "category", "unit", "channel", "reported", "due", "closed", "verdict",
    "place_code", "lon", "lat",
)  # fmt: skip
PIPELINE = 16  # Entries per round trip, as the feeds' process sends them.
CITY = """
name = "ingest"
title = {{ zh = "入库", en = "Ingest" }}
zone = "Asia/Shanghai"
simulated = true
places = {{ file = {places} }}

[[feeds]]
kind = "file"
name = "cases"
path = {table}
replay = "max"
verdicts = {{ on_time = "on_time", overdue = "overdue" }}

[feeds.columns]
{columns}
"""


def write_table(file: Path, rows: int, seed: int = 1) -> int:
    """A table of synthetic cases in the order of their reports; returns how many events it holds."""
    chance = random.Random(seed)
    start = datetime(2026, 1, 1, tzinfo=UTC)
    places = [line.split(",")[0] for line in Path(__file__).with_name("load.csv").read_text("utf-8").split()[1:]]
    events = 0
    with file.open("w", encoding="utf-8", newline="") as stream:
        table = csv.writer(stream)
        table.writerow(COLUMNS)
        for number in range(rows):
            reported = start + timedelta(seconds=180 * 86400 * number / rows)
            due = reported + timedelta(hours=chance.randint(4, 240))
            closed = reported + timedelta(hours=chance.randint(1, 300)) if chance.random() < 0.75 else None
            verdict = "" if closed is None else "on_time" if closed <= due else "overdue"
            events += 1 if closed is None else 2
            table.writerow([
                f"C{number:08d}", chance.choice(("Street light out", "Water on the road", "Noise at night")),
                chance.choice(("lights", "water", "noise", "waste")), f"unit {chance.randrange(20)}",
                chance.choice(("hotline", "app", "patrol")), _text(reported), _text(due),
                _text(closed) if closed else "", verdict, chance.choice(places),
                f"{113 + chance.random() / 5:.6f}", f"{23 + chance.random() / 10:.6f}",
            ])  # fmt: skip
    return events


def _text(moment: datetime) -> str:
    return moment.replace(tzinfo=None).isoformat(" ", "seconds")


@contextmanager
def folder() -> Iterator[Path]:
    """A folder for the table and its city file."""
    made = Path(tempfile.mkdtemp(prefix="citywall-ingest-"))
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


def write_city(home: Path, table: Path) -> Path:
    """A city file with one feed that reads the table as fast as it can."""
    file = home / "ingest.toml"
    places = json.dumps(str(Path(__file__).with_name("load.csv")))
    columns = "\n".join(f'{name} = "{name}"' for name in COLUMNS)
    file.write_text(CITY.format(places=places, table=json.dumps(str(table)), columns=columns), encoding="utf-8")
    return file


def through_the_house(city: Path, events: int, patience: float = 300.0) -> float:
    """Seconds from the moment the feed opens the table until board and history both have all of it.

    Raises:
        Stuck: if that does not come, or if other than ``events`` events were stored.
    """
    with House(city, without=("web",)) as house:
        end = monotonic() + patience
        while house.stored("cases") < events or house.behind("cases"):
            if monotonic() > end:
                raise Stuck(f"{house.stored('cases')} events are stored, {house.behind('cases')}: {house.tail()}")
            sleep(0.02)
        caught_up = time()
        if (stored := house.stored("cases")) != events:
            raise Stuck(f"{stored} events were stored, not {events}")
        row: dict[str, Any] = {}
        while not row.get("began"):
            found = status(house.home, house.rooms.redis_url, house.city.name, "90")
            row = found.get("feeds", {}).get("cases", {})
            sleep(0.1)
        return caught_up - float(row["began"])


def _unpack(url: str, events: int) -> None:
    """The bare pipeline's reader."""
    decode = msgspec.msgpack.Decoder().decode
    last, seen = "0-0", 0
    with connect(url) as redis:
        redis.set("ready", 1)
        while seen < events:
            reply = cast("list[Any]", redis.xread(cast(Any, {"bare": last}), count=PIPELINE, block=1000)) or []
            for _, rows in reply:
                seen += sum(len(decode(fields[b"p"])) for _, fields in rows)
                last = rows[-1][0]


def bare(url: str, events: int) -> float:
    """Seconds in which as many events go through XADD and XREAD alone, packed by 500, by a writer and a reader."""
    encode = msgspec.msgpack.Encoder().encode
    made = [
        {"id": f"C{n:08d}-r", "source": "cases", "type": "ticket.reported", "time": 1.7e9 + n, "subject": f"C{n:08d}",
         "title": "Street light out", "category": "lights", "unit": "unit 7", "channel": "hotline",
         "place": "9001001", "point": [113.1, 23.1], "due": 1.7e9 + n + 86400}
        for n in range(events)
    ]  # fmt: skip
    reader = multiprocessing.get_context("spawn").Process(target=_unpack, args=(url, events))
    redis: Redis
    with connect(url) as redis:
        redis.delete("bare", "ready")
        reader.start()
        while not redis.exists("ready"):
            sleep(0.01)
        began = monotonic()
        for start in range(0, events, BATCH * PIPELINE):
            with redis.pipeline(transaction=False) as pipe:
                for at in range(start, min(start + BATCH * PIPELINE, events), BATCH):
                    pipe.xadd("bare", {"p": pack_batch([encode(event) for event in made[at : at + BATCH]])})
                pipe.execute()
        reader.join(120)
        seconds = monotonic() - began
        redis.delete("bare")
    if reader.exitcode != 0:
        raise Stuck(f"the bare pipeline's reader ended with {reader.exitcode}")
    return seconds


def run() -> Iterator[Figure]:
    """Events a second through the whole house, at two sizes, each against the bare pipeline in the same minute."""
    for rows, mark in ((ROWS, ""), (10 * ROWS, "_x10")):
        with folder() as home:
            table = home / "cases.csv"
            events = write_table(table, rows)
            seconds = through_the_house(write_city(home, table), events)
            url = valkey.ensure(home)
            try:
                floor = bare(url, events)
            finally:
                valkey.stop(home)
        yield Figure(f"ingest.events_per_s{mark}", round(events / seconds), "events/s", round(events / floor))


BENCH = Bench("ingest", "Events through feed, spool, stream, board and history; baseline: bare XADD and XREAD", run)
