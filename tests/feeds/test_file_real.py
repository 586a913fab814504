"""Real tables: Boston whole, and the small dirty ones, figure by figure."""

from __future__ import annotations

from contextlib import aclosing
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import pytest

from dashboard.board import Board
from dashboard.city import read_city
from dashboard.nouns.tickets import TicketClosed, TicketReported
from dashboard.sources.feed import Rejected, bind, rules_of
from dashboard.travel.spool import Spool
from tests.town import (
    DATA,
    context,
    deliveries,
    parsed,
    reasons,
    town,
)

BOSTON = DATA / "boston311"
needs_boston = pytest.mark.skipif(
    not BOSTON.is_dir(), reason="../shared/data/boston311 is not there: the real tables were not read"
)
DIRTY = DATA / "tickets_dirty"
needs_dirty = pytest.mark.skipif(
    not DIRTY.is_dir(), reason="../shared/data/tickets_dirty is not there: the dirty tables were not read"
)


@needs_boston
async def test_boston_whole() -> None:
    city = read_city(Path(__file__).parents[2] / "cities" / "boston.toml", {"BOSTON": str(BOSTON), "REPLAY": "max"})
    (bound,), ctx = bind(city), context(city)
    board = Board(rules_of(city))
    assert bound.feed.open is not None
    refused: list[Rejected] = []
    async with aclosing(cast(Any, bound.feed.open(bound.settings, ctx))) as source:
        async for delivery in source:
            events, rejected = parsed(bound, ctx, [delivery])
            board.take(events)
            refused += rejected
    data = board.view("tickets", "boston")["data"]
    expected = {
        "total": 58_251, "open": 3_681, "closed": 54_570, "with_target": 47_270,
        "on_time": 35_591, "overdue": 8_073 + 157,  # 157 are closed late, and the source is silent on them.
        "agree": 43_664, "disagree": 0,
    }  # fmt: skip
    assert {name: data[name] for name in expected} == expected
    assert data["unplaced"] == 13
    assert reasons(refused) == []
    assert reasons(refused, kept=True) == ["outside"] * 13
    assert board.view("map", "boston")["data"]["places"].keys() == {place.code for place in ctx.places} - {"boston"}
    assert datetime.fromtimestamp(board.now, city.tz).isoformat() == "2011-12-31T23:59:59-05:00"


BOSTON_COLUMNS = {
    "number": "case_enquiry_id", "title": "case_title", "category": "reason", "unit": "department",
    "channel": "source", "reported": "open_dt", "due": "target_dt", "closed": "closed_dt", "verdict": "ontime",
    "lon": "longitude", "lat": "latitude",
}  # fmt: skip


async def dirty(folder: Path, name: str, **settings: Any) -> tuple[list[Any], list[Rejected], Spool]:
    file = str((DIRTY / name).resolve())
    verdicts = {"ONTIME": "on_time", "OVERDUE": "overdue"}
    feed = {"kind": "file", "name": "cases", "path": file, "columns": BOSTON_COLUMNS, "verdicts": verdicts}
    outlines = BOSTON / "Boston_Neighborhoods.geojson"
    if not outlines.is_file():
        pytest.skip("../shared/data/boston311 is not there: no outlines to place the dirty tables by")
    places = {
        "outlines": str(outlines.resolve()), "code_property": "Neighborhood_ID", "name_property": "Name",
        "root": "boston", "root_name": {"zh": "波士顿", "en": "Boston"},
    }  # fmt: skip
    city = town(folder, feed | settings, zone="America/New_York", places=places)
    (bound,), ctx = bind(city), context(city)
    events, rejected = parsed(bound, ctx, await deliveries(bound, ctx))
    spool = Spool(folder / f"{name}.db", durable=False)
    spool.put(events, rejected)
    return events, rejected, spool


def kinds_of(events: list[Any]) -> tuple[int, int]:
    return sum(isinstance(e, TicketReported) for e in events), sum(isinstance(e, TicketClosed) for e in events)


@needs_dirty
@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("boston311-100.csv", {}),
        ("boston311-100.tab", {}),
        ("boston311-100.jsonl", {}),
        ("boston311-100-untrimmed.jsonl", {}),
        ("boston311-dmy-100.csv", {"time_formats": ["%d/%m/%Y %H:%M:%S"]}),
    ],
)
async def test_the_variants_say_the_same(tmp_path: Path, name: str, settings: dict[str, Any]) -> None:
    plain, _, _ = await dirty(tmp_path, "boston311-100.csv")
    events, rejected, _ = await dirty(tmp_path, name, **settings)
    assert kinds_of(events) == (100, 85)
    assert (events, rejected) == (plain, [])


@needs_dirty
async def test_letters_beyond_ascii_pass(tmp_path: Path) -> None:
    plain, _, _ = await dirty(tmp_path, "boston311-100.csv")
    events, rejected, _ = await dirty(tmp_path, "boston311-100-with-nonascii.csv")  # In columns not mapped.
    assert (events, rejected) == (plain, [])
    columns = {**BOSTON_COLUMNS, "title": "closure_reason"}
    events, rejected, _ = await dirty(tmp_path, "boston311-100-with-nonascii.csv", columns=columns)
    assert [event.title for event in events if "Dëad rat" in getattr(event, "title", "")] != []
    assert rejected == []


@needs_dirty
async def test_twenty_rows_twice(tmp_path: Path) -> None:
    events, rejected, spool = await dirty(tmp_path, "boston311-100-20dupes-random.csv")
    assert (kinds_of(events), rejected) == ((100, 84), [])
    assert (spool.counters.stored, spool.counters.duplicate, spool.counters.dead) == (80 + 68, 20 + 16, 0)


@needs_dirty
async def test_one_bad_row(tmp_path: Path) -> None:
    events, rejected, spool = await dirty(tmp_path, "boston311-100-bad.tsv")
    assert kinds_of(events) == (99, 84)
    assert [(letter.reason, letter.where, letter.detail) for letter in rejected] == [
        ("wrong_field_count", "line 41", "30 fields under 29 columns")
    ]
    assert rejected[0].raw.startswith("101004113615\t2022-01-01 16:14:44\t")
    assert spool.reasons() == {"wrong_field_count": 1}


@needs_dirty
async def test_dates_without_times(tmp_path: Path) -> None:
    plain, _, _ = await dirty(tmp_path, "boston311-100.csv")
    events, rejected, _ = await dirty(tmp_path, "boston311-100-notime.csv")
    assert (kinds_of(events), rejected) == ((100, 85), [])

    def days(events: list[Any]) -> list[tuple[str, object]]:
        return [(event.id, event.time.astimezone(zone).date()) for event in events]

    zone = read_city(Path(__file__).parents[2] / "cities" / "boston.toml", {"BOSTON": "."}).tz
    assert days(events) == days(plain)


@needs_dirty
async def test_a_revised_table_shows_what_was_changed(tmp_path: Path) -> None:
    """The revised table has another closing time in one row, another title in the next, and the same rows else."""
    _, _, spool = await dirty(tmp_path, "boston311-100.csv")
    events, _, _ = await dirty(tmp_path, "boston311-100-diff.csv")
    counted = spool.put(events)
    assert (counted.stored, counted.duplicate, counted.dead) == (1, 183, 1)
    assert [letter.where for letter in spool.letters()] == ["101004113747:closed"]
    assert spool.reasons() == {"id_reused": 1}
