"""The tickets' doors: rows, counts, exports and one ticket, whatever the tickets and the addresses say."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from openpyxl import load_workbook

from dashboard.casework.ticketasks import asked
from dashboard.casework.ticketpages import TicketPages, face_page, grid_page
from dashboard.casework.ticketquery import TicketQuery
from dashboard.casework.ticketrows import Reader
from dashboard.casework.ticketsheet import as_workbook
from dashboard.city import City
from dashboard.ground.outlines import Gazetteer
from dashboard.ground.placefile import read_places
from dashboard.nouns.periods import Calendar
from dashboard.nouns.ticketevents import (
    TicketClosed,
    TicketDispatched,
    TicketDone,
    TicketEvent,
    TicketExtended,
    TicketFiled,
    TicketReported,
    TicketResumed,
    TicketSuspended,
)  # fmt: skip
from dashboard.nouns.tickets import Ticket, apply
from dashboard.nouns.ticketstory import story
from dashboard.screens.web import make_app
from dashboard.sources.feed import rules_of
from dashboard.travel.history import History
from tests.town import town

START = datetime(2026, 3, 1, 1, 0, tzinfo=UTC)
NOW = START + timedelta(hours=30)
HOSTILE = '=HYPERLINK("http://evil","x")<img src=x onerror=alert(1)>'


def at(hours: float) -> datetime:
    return START + timedelta(hours=hours)


def reported(number: str, hours: float = 0.0, **more: Any) -> TicketReported:
    given: dict[str, Any] = {
        "title": f"case {number}",
        "category": "灯",
        "unit": "城管",
        "place": "A",
        "channel": "热线",
    }
    return TicketReported(id=f"r{number}", source="hot", subject=number, time=at(hours), **{**given, **more})


def life() -> list[TicketEvent]:
    """A long life with a pause, an extension and one event that does not fit."""
    said: list[tuple[type[TicketEvent], float, dict[str, Any]]] = [
        (TicketFiled, 0.5, {"by": "坐席 13812345678"}), (TicketDispatched, 1, {"unit": "城管"}),
        (TicketSuspended, 5, {"until": at(9), "why": "等待材料 <b>"}), (TicketResumed, 7, {}),
        (TicketExtended, 8, {"granted": True}), (TicketFiled, 9, {}), (TicketDone, 20, {"by": "城管"}),
    ]  # fmt: skip
    rest = [
        kind(id=f"l{n}", source="hot", subject="LIFE", time=at(h), **more) for n, (kind, h, more) in enumerate(said)
    ]
    return [reported("LIFE", point=(113.05, 23.05), caller="abc", condition="三盏以上"), *rest]


@pytest.fixture
def city(tmp_path: Path) -> City:
    return town(tmp_path, limits={"default_hours": 24}, simulated=True, translations={"三盏以上": "Three or more"})


@pytest.fixture
def history(tmp_path: Path, city: City) -> Iterator[History]:
    events: list[TicketEvent] = [
        reported("1", point=(113.0501, 23.0501), caller="abc"),
        reported("2", 1, title=HOSTILE, unit="=1+1", place="B"),
        reported("3", 2, unit="", due=at(4)), reported("4", 3, place="B", category="噪声"),
        TicketClosed(id="c4", source="hot", subject="4", time=at(5), verdict="on_time"),
        *life(),
    ]  # fmt: skip
    opened = History(f"sqlite:///{tmp_path}/history.db", rules_of(city))
    opened.prepare()
    known: dict[str, Ticket] = {}
    for event in events:
        known[event.subject] = apply(known.get(event.subject), event)
    opened.write(events, list(known.values()), [], {"hot@1": 1})
    yield opened
    opened.close()


@pytest.fixture
async def client(city: City, history: History) -> AsyncIterator[httpx.AsyncClient]:
    rules = rules_of(city)

    async def moment() -> dict[str, Any]:
        return {"now": NOW.timestamp(), "as_of": NOW.timestamp(), "wall": NOW.timestamp(), "behind": 0}

    sent = [{"at": at(3).timestamp(), "step": "reminder", "to": "13812345678", "state": "sent"}]
    query = TicketQuery(history, rules.places, Calendar(rules.zone))
    pages = TicketPages(city, query, rules, moment, lambda key: sent if key == "hot|LIFE" else [])
    app = make_app(
        city, rules.places, Gazetteer.of(city, rules.places), routes=pages.routes(),
        desks={"tickets": grid_page(city), "ticket": face_page(city)},
    )  # fmt: skip
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://town") as opened:
        yield opened


def numbers(answer: httpx.Response) -> list[str]:
    return [row["number"] for row in answer.json()["rows"]]


async def test_rows_and_count_are_those_asked_for_and_say_how_old_they_are(client: httpx.AsyncClient) -> None:
    rows = await client.get("/tickets/rows?open=1&lang=en")
    assert sorted(numbers(rows)) == ["1", "2", "3", "LIFE"]
    assert rows.json()["after"] is None
    count = (await client.get("/tickets/count?open=1")).json()
    assert count["counts"] == {"n": 4, "open": 4, "late": 3, "on_time": 0, "not_on_time": 0}
    assert json.loads(rows.headers["x-as-of"])["as_of"] == NOW.timestamp()
    beside = (await client.get("/tickets/rows?place=B&lang=en")).json()["rows"]
    assert [(row["number"], row["light"]) for row in beside] == [("4", "Closed"), ("2", "▲ late")], "how it ended"


async def test_what_cannot_be_asked_is_refused_by_name(client: httpx.AsyncClient) -> None:
    for words in ("colour=1", "place=Z", "after=xx", "after=W10=", "rate=on_time"):
        answer = await client.get(f"/tickets/rows?{words}")
        assert answer.status_code == 400, words
        assert answer.json()["reason"]
    assert (await client.get("/tickets/export.exe")).status_code == 400
    assert (await client.get("/ticket/data?key=hot|none")).status_code == 404
    assert (await client.post("/tickets/rows")).status_code == 405


async def test_where_there_is_no_history_yet_that_is_said(client: httpx.AsyncClient, history: History) -> None:
    with history.engine.begin() as db:
        db.exec_driver_sql("DROP TABLE tickets")
    answer = await client.get("/tickets/rows")
    assert answer.status_code == 503
    assert answer.headers["retry-after"]


async def test_a_csv_holds_all_that_is_asked_for_and_no_formula(client: httpx.AsyncClient) -> None:
    answer = await client.get("/tickets/export.csv?lang=en")
    assert answer.content.startswith(b"\xef\xbb\xbf")
    assert "attachment" in answer.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert len(rows) == 5
    hostile = next(row for row in rows if row["Number"] == "2")
    assert hostile["Title"] == "'" + HOSTILE
    assert hostile["Unit"] == "'=1+1"
    only = (await client.get("/tickets/export.csv?place=B&done=1&lang=zh")).content.decode("utf-8-sig").splitlines()
    assert len(only) == 2
    assert only[0].startswith("灯,工单号,标题")


async def test_a_workbook_holds_texts_only(client: httpx.AsyncClient) -> None:
    answer = await client.get("/tickets/export.xlsx?lang=en")
    sheet = load_workbook(io.BytesIO(answer.content)).active
    assert sheet is not None
    assert sheet.max_row == 6
    cells = [cell for row in sheet.iter_rows() for cell in row]
    assert not any(cell.data_type == "f" for cell in cells)
    assert HOSTILE in {cell.value for cell in cells}


def test_a_workbook_leaves_while_its_rows_are_read(city: City, history: History) -> None:
    """Whatever its length: a piece goes as soon as there is one, and no more is held than that."""
    query, taken = TicketQuery(history, read_places(city), Calendar(city.tz)), 0
    (row,) = [one for one in query.page(asked([], read_places(city)), NOW.timestamp()).rows if one["number"] == "2"]
    odd = ("=1+1", "_x0041_ & <b>", "\x00\x0b灯\ud800", "  two  ")

    def rows() -> Iterator[dict[str, Any]]:
        nonlocal taken
        for taken in range(1, 3001):
            yield {**row, "number": f"N{taken:05d}", "title": odd[taken % 4]}

    pieces = as_workbook(rows(), Reader(city, read_places(city), "en", NOW.timestamp()), "cut")
    found = [next(pieces)]
    assert (taken, found[0][:2]) == (1000, b"PK")
    found += pieces
    assert max(map(len, found)) < 200_000
    book = zipfile.ZipFile(io.BytesIO(b"".join(found)))
    assert book.testzip() is None
    sheet = load_workbook(io.BytesIO(b"".join(found))).active
    assert sheet is not None
    assert (sheet.max_row, sheet.freeze_panes) == (3002, "A2")
    assert sheet.cell(1, 2).value == "Number"
    assert sheet.cell(1, 2).font.b
    assert not sheet.cell(2, 2).font.b
    assert [sheet.cell(row, 3).value for row in range(2, 6)] == [
        "_x0041_ & <b>".replace("_x", "_x005F_x"), "灯", "two", "=1+1",
    ]  # fmt: skip
    assert {cell.data_type for cell in sheet[5]} <= {"s", "n"}
    assert sheet.cell(3002, 1).value == "cut"


async def test_a_file_that_is_cut_says_so(client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dashboard.casework.ticketpages.MOST", {"csv": 2, "xlsx": 2})
    lines = (await client.get("/tickets/export.csv?lang=en")).content.decode("utf-8-sig").splitlines()
    assert len(lines) == 4
    assert "Only the first 2 of 5" in lines[-1]
    sheet = load_workbook(io.BytesIO((await client.get("/tickets/export.xlsx?lang=zh")).content)).active
    assert sheet is not None
    assert sheet.max_row == 4
    assert "共 5 条" in str(sheet.cell(4, 1).value)


async def test_a_ticket_tells_its_whole_life(client: httpx.AsyncClient) -> None:
    answer = await client.get("/ticket/data?key=hot|LIFE&lang=en")
    found = answer.json()
    text = json.dumps(found["parts"], ensure_ascii=False)
    for said in ("Filed", "Dispatched", "Suspended", "Resumed", "Extension", "granted yes", "Handled", "城管"):
        assert said in text, said
    assert "not counted: not from in progress" in text or "not counted: not from dispatched" in text
    assert "13812345678" not in text
    assert text.count("Three or more") == 2, "among the facts, and in the report"
    assert "三盏以上" not in text
    assert "“等待材料 <b>”" in text
    assert found["where"]["place"] == "A"
    kinds = [part["props"]["className"] for part in found["parts"]["clock"][1]["props"]["children"]]
    assert "span rest" in kinds
    assert "span ran" in kinds
    assert "case 1" in json.dumps(found["parts"]["related"])
    assert "arrived" in json.dumps(found["parts"]["messages"])


def test_time_used_is_a_share_of_the_limit_without_the_pauses(city: City) -> None:
    known: Ticket | None = None
    for event in life():
        known = apply(known, event)
    assert known is not None
    told = story("hot", "LIFE", known.trail, rules_of(city), NOW.timestamp())
    assert [step.kind for step in told.steps][-1] == "done"
    assert told.used == pytest.approx((19 - 2) / 48)  # 1:00 to 20:00 without 5:00 to 7:00, of 24 h and an extension.
    assert told.steps[4].used == pytest.approx((8 - 1 - 2 - 1) / 24, abs=0.05)
    assert [step.reason for step in told.steps].count("") == len(told.steps) - 1
    assert told.spans == ((at(1).timestamp(), at(5).timestamp()), (at(7).timestamp(), at(20).timestamp()))


async def test_both_pages_keep_the_strict_policy_and_load_only_what_they_need(client: httpx.AsyncClient) -> None:
    for path, grid in (("/tickets?open=1", True), ("/ticket?key=hot|1", False)):
        page = await client.get(path)
        assert page.status_code == 200
        assert "unsafe-eval" not in page.headers["content-security-policy"]
        assert ("/dash_ag_grid/" in page.text) == grid
        assert 'src="/assets/live.mjs' not in page.text
        assert "wall.css" not in page.text
        assert "plotly" not in page.text.split("_dash-config")[0]
        assert "/assets/desk/desk.mjs" in page.text
    wall = await client.get("/wall")
    assert "/dash_ag_grid/" not in wall.text
    assert "/desk/" not in wall.text
    assert (await client.get("/assets/desk/tickets.mjs")).status_code == 200
