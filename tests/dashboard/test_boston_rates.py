"""Boston's verdicts and rates: in the board, and by SQL in history, as counted straight from the city's own file."""

from __future__ import annotations

import asyncio
import csv
import json
import tomllib
from collections import Counter
from collections.abc import Iterator
from contextlib import aclosing
from datetime import datetime
from pathlib import Path
from typing import Any, cast
from zoneinfo import ZoneInfo

import httpx
import pytest
from shapely import Point
from shapely.geometry import shape
from sqlalchemy import text
from starlette.applications import Starlette

from dashboard.board import Board
from dashboard.casework.ratepages import RatePages
from dashboard.casework.ticketpages import TicketPages
from dashboard.casework.ticketquery import TicketQuery
from dashboard.city import read_city
from dashboard.events import pack, pack_batch
from dashboard.nouns.periods import Calendar
from dashboard.nouns.slots import DUE, KEPT, at
from dashboard.nouns.tally import Tickets
from dashboard.sources.feed import bind, rules_of
from dashboard.travel.historian import Historian
from dashboard.travel.history import History
from dashboard.travel.stream import Entry
from tests.town import DATA, context, parsed

BOSTON = DATA / "boston311"
pytestmark = [
    pytest.mark.skipif(not BOSTON.is_dir(), reason="../shared/data/boston311 is not there: Boston was not counted"),
    pytest.mark.timeout(240),
]
CITY = Path(__file__).parents[2] / "cities" / "boston.toml"
MONTHS = ((2011, 11), (2011, 12))  # What the board still counts by month as the year ends.
Rate = tuple[int, int]


@pytest.fixture(scope="module")
def batches() -> list[bytes]:
    """All of Boston's events as the feed gives them, in batches of 500."""
    city = read_city(CITY, {"BOSTON": str(BOSTON), "REPLAY": "max"})
    (bound,), ctx = bind(city), context(city)

    async def read() -> list[Any]:
        events: list[Any] = []
        async with aclosing(cast(Any, bound.feed.open)(bound.settings, ctx)) as source:
            async for delivery in source:
                events += parsed(bound, ctx, [delivery])[0]
        return events

    events = asyncio.run(read())
    return [pack_batch([pack(event) for event in events[start : start + 500]]) for start in range(0, len(events), 500)]


@pytest.fixture(scope="module")
def rows() -> list[dict[str, Any]]:
    """The file's rows with their moments and neighbourhood, worked out without any of the house's own code."""
    told = CITY.read_text("utf-8").replace("${REPLAY:-max}", "max").replace("${BOSTON}", str(BOSTON))
    table = tomllib.loads(told)
    zone, aliases = ZoneInfo(table["zone"]), table["places"]["aliases"]
    features = json.loads((BOSTON / "Boston_Neighborhoods.geojson").read_text("utf-8"))["features"]
    shapes = [(shape(one["geometry"]), str(one["properties"]["Neighborhood_ID"])) for one in features]
    names = {one["properties"]["Name"]: str(one["properties"]["Neighborhood_ID"]) for one in features}
    known: dict[tuple[str, str], str] = {}

    def moment(value: str) -> float | None:
        return datetime.fromisoformat(value).replace(tzinfo=zone).timestamp() if value else None

    def place(row: dict[str, str]) -> str:
        where = row["longitude"], row["latitude"]
        if where not in known:
            spot = Point(float(where[0]), float(where[1])) if all(where) else None
            known[where] = next((code for area, code in shapes if spot is not None and area.covers(spot)), "")
        return known[where] or names.get(aliases.get(row["neighborhood"], row["neighborhood"]), "")

    with (BOSTON / "service_requests_2011.csv").open(encoding="utf-8", newline="") as file:
        return [
            {"place": place(row), "due": moment(row["target_dt"]), "closed": moment(row["closed_dt"]),
             "verdict": row["ontime"], "zone": zone}
            for row in csv.DictReader(file)
        ]  # fmt: skip


def directly(rows: list[dict[str, Any]]) -> tuple[dict[str, Rate], dict[tuple[str, int, int], Rate]]:
    """Of every neighbourhood, closed on time of closed with a target; and on time of due to close in a month."""
    whole, part = Counter[Any](), Counter[Any]()
    for row in rows:
        due, closed = row["due"], row["closed"]
        if due is None:
            continue
        kept = closed is not None and closed <= due
        if closed is not None:
            whole[row["place"]] += 1
            part[row["place"]] += kept
        ends = [datetime.fromtimestamp(end, row["zone"]) for end in (due, closed) if end is not None]
        for month in {(row["place"], end.year, end.month) for end in ends}:
            whole[month] += 1
            part[month] += kept
    rates = {place: (part[place], n) for place, n in whole.items()}
    return (
        {place: rate for place, rate in rates.items() if isinstance(place, str)},
        {month: rate for month, rate in rates.items() if isinstance(month, tuple)},
    )


def codes(tickets: Tickets) -> Iterator[str]:
    return (place.code for place in tickets.rules.places if place.parent)


def test_the_board_counts_what_the_file_says(batches: list[bytes], rows: list[dict[str, Any]]) -> None:
    city = read_city(CITY, {"BOSTON": str(BOSTON), "REPLAY": "max"})
    board = Board(rules_of(city))
    for seq, packed in enumerate(batches, 1):
        board.fold("boston@1", seq, packed)
    tickets = cast(Tickets, board.slices["ticket"])
    assert (tickets.city["agree"], tickets.city["disagree"]) == (43_664, 0)
    assert sum(bool(row["verdict"] and row["due"] and row["closed"]) for row in rows) == 43_664
    closed, months = directly(rows)
    assert len(closed) > 20
    for code in codes(tickets):
        tally = tickets.tally(code)
        assert (tally["on_time"], tally["on_time"] + tally["overdue"]) == closed.get(code, (0, 0)), code
        for year, month in MONTHS:
            period = 12 * year + month - 1
            assert (tally[at(period, KEPT)], tally[at(period, DUE)]) == months.get((code, year, month), (0, 0)), code


@pytest.fixture(scope="module")
def history(batches: list[bytes], tmp_path_factory: pytest.TempPathFactory) -> Iterator[History]:
    """All of Boston in history, as the historian writes it."""
    city = read_city(CITY, {"BOSTON": str(BOSTON), "REPLAY": "max"})
    opened = History(f"sqlite:///{tmp_path_factory.mktemp('boston') / 'h.db'}", rules_of(city))
    historian = Historian(opened)
    historian.start()
    for start in range(0, len(batches), 24):
        part = enumerate(batches[start : start + 24], start + 1)
        historian.take([Entry(f"{seq}-0", "boston@1", seq, 500, packed) for seq, packed in part], 0.0)
    yield opened
    opened.close()


def test_history_says_the_same_by_sql(history: History, rows: list[dict[str, Any]]) -> None:
    city = read_city(CITY, {"BOSTON": str(BOSTON), "REPLAY": "max"})
    with history.engine.connect() as db:
        agree = "sum(CASE WHEN (verdict = 'on_time') = (on_time = 1) THEN 1 ELSE 0 END)"
        judged = db.execute(text(
            f"SELECT {agree}, count(*) FROM tickets WHERE verdict <> '' AND due IS NOT NULL AND on_time IS NOT NULL"
        )).one()  # fmt: skip
        query = "SELECT place, sum(on_time), count(on_time) FROM tickets WHERE on_time IS NOT NULL GROUP BY place"
        by_place = {row[0]: (row[1], row[2]) for row in db.execute(text(query))}
        end, begin = (datetime(2011 + n, 1 if n else 12, 1, tzinfo=city.tz).timestamp() for n in (1, 0))
        december = (
            "SELECT place, sum(CASE WHEN on_time = 1 THEN 1 ELSE 0 END), count(*) FROM tickets"
            " WHERE deadline IS NOT NULL AND ((deadline >= :begin AND deadline < :end)"
            " OR (closed >= :begin AND closed < :end)) GROUP BY place"
        )
        due = {row[0]: (row[1], row[2]) for row in db.execute(text(december), {"begin": begin, "end": end})}
    assert tuple(judged) == (43_664, 43_664)
    closed, months = directly(rows)
    assert by_place == closed
    assert due == {place: rate for (place, year, month), rate in months.items() if (year, month) == (2011, 12)}


async def test_the_pages_say_the_same_of_every_neighbourhood(history: History, rows: list[dict[str, Any]]) -> None:
    """What the tickets' and the rates' pages ask the server for, by the addresses that the wall's numbers lead to."""
    city = read_city(CITY, {"BOSTON": str(BOSTON), "REPLAY": "max"})
    rules, now = rules_of(city), datetime(2012, 1, 1, tzinfo=city.tz).timestamp()

    async def moment() -> dict[str, Any]:
        return {"now": now, "as_of": now, "wall": now, "behind": 0}

    pages = TicketPages(city, TicketQuery(history, rules.places, Calendar(rules.zone)), rules, moment)
    app = Starlette(routes=[*pages.routes(), *RatePages(pages).routes()])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://boston") as client:

        async def n(**words: str) -> int:
            answer = await client.get("/tickets/count", params=words)
            assert answer.status_code == 200, answer.text
            return int(answer.json()["counts"]["n"])

        assert (await n(agree="1"), await n(agree="0")) == (43_664, 0)
        assert await n() == len(rows) == 58_251
        closed, months = directly(rows)
        judged, overdue = Counter[str](), Counter[str]()
        for row in rows:
            judged[row["place"]] += bool(row["verdict"] and row["due"] and row["closed"])
            overdue[row["place"]] += row["closed"] is None and row["due"] is not None and row["due"] < now
        assert sum(judged.values()) == 43_664
        for place in (place.code for place in rules.places if place.parent):
            part, whole = closed.get(place, (0, 0))
            assert (await n(place=place, on_time="1"), await n(place=place, on_time="0")) == (part, whole - part), place
            assert (await n(place=place, agree="1"), await n(place=place, agree="0")) == (judged[place], 0), place
            assert await n(place=place, late="1") == overdue[place], place
        for month in ("2011-07", "2011-10", "2011-12"):
            year, number = map(int, month.split("-"))
            table = (await client.get("/rates/data", params={"by": "place", "period": month, "lang": "en"})).json()
            shown = {row["name"]: row["cells"]["on_time"] for row in table["rows"]}
            for place in (place.code for place in rules.places if place.parent):
                part, whole = months.get((place, year, number), (0, 0))
                said = shown[place]["part"].replace(",", ""), shown[place]["whole"].replace(",", "")
                assert said == ((str(part), str(whole)) if whole else ("", "")), (place, month)
