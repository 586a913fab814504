"""The rates' doors: what can be asked, how it is ordered, what a frozen month shows, and the file."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from dashboard.casework.frozen import Frozen
from dashboard.casework.ratepages import RatePages, rates_page
from dashboard.casework.ticketpages import TicketPages
from dashboard.casework.ticketquery import TicketQuery
from dashboard.city import City
from dashboard.ground.outlines import Gazetteer
from dashboard.nouns.periods import Calendar
from dashboard.nouns.ticketevents import TicketClosed, TicketEvent, TicketReported
from dashboard.nouns.tickets import Ticket, apply
from dashboard.screens.web import make_app
from dashboard.sources.feed import rules_of
from dashboard.travel.history import History
from tests.town import town

START = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
NOW = datetime(2026, 4, 10, 4, 0, tzinfo=UTC)
HOSTILE = "=1+1"


def case(number: str, unit: str, place: str, hours: float | None, **more: Any) -> list[TicketEvent]:
    """A case with a day's limit; ``hours`` after which it was closed, None for one that is open."""
    events: list[TicketEvent] = [TicketReported(
        id=f"r{number}", source="hot", subject=number, time=START, title="t", unit=unit, place=place,
        category="灯", channel="热线", due=START + timedelta(hours=24), **more,
    )]  # fmt: skip
    if hours is not None:
        when = START + timedelta(hours=hours)
        events.append(TicketClosed(id=f"c{number}", source="hot", subject=number, time=when))
    return events


def cases() -> list[TicketEvent]:
    """Three of three by one unit, 19 of 20 by another, one of two by one with a hostile name, one of nobody's."""
    found = [event for n in range(3) for event in case(f"a{n}", "甲队", "A", 2)]
    found += [event for n in range(20) for event in case(f"b{n}", "乙队", "B", 30 if n == 0 else 3)]
    found += [*case("h1", HOSTILE, "A", 1), *case("h2", HOSTILE, "A", None), *case("n1", "", "T", 40)]
    return found


@pytest.fixture
def city(tmp_path: Path) -> City:
    return town(tmp_path)


@pytest.fixture
def frozen(tmp_path: Path, city: City) -> Iterator[Frozen]:
    rules = rules_of(city)
    opened = History(f"sqlite:///{tmp_path}/history.db", rules)
    opened.prepare()
    write(opened, cases(), 1)
    yield Frozen(TicketQuery(opened, rules.places, Calendar(rules.zone)), rules)
    opened.close()


def write(history: History, events: list[TicketEvent], seq: int) -> None:
    known: dict[str, Ticket] = {}
    for event in events:
        known[event.subject] = apply(known.get(event.subject), event)
    history.write(events, list(known.values()), [], {"hot@1": seq})


@pytest.fixture
async def client(city: City, frozen: Frozen) -> AsyncIterator[httpx.AsyncClient]:
    async def moment() -> dict[str, Any]:
        return {"now": NOW.timestamp(), "as_of": NOW.timestamp(), "wall": NOW.timestamp(), "behind": 0}

    rules = rules_of(city)
    pages = TicketPages(city, frozen.query, rules, moment)
    app = make_app(
        city, rules.places, Gazetteer.of(city, rules.places), routes=[*pages.routes(), *RatePages(pages).routes()],
        desks={"rates": rates_page(city)},
    )  # fmt: skip
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://town") as opened:
        yield opened


async def table(client: httpx.AsyncClient, words: str) -> dict[str, Any]:
    answer = await client.get(f"/rates/data?{words}")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def order(found: dict[str, Any]) -> list[tuple[str, int | None]]:
    return [(row["name"], row["rank"]) for row in found["rows"]]


async def test_a_thousand_good_ones_stand_before_three_lucky_ones(client: httpx.AsyncClient) -> None:
    found = await table(client, "period=2026-03")
    assert order(found) == [("乙队", 1), ("甲队", 2), (HOSTILE, 3), ("", None)]
    best = found["rows"][0]
    assert (best["cells"]["on_time"]["rate"], best["n"], best["bound"]) == ("95.00", "20", "76.4")
    assert found["all"]["cells"]["on_time"]["part"] == "23"
    assert found["all"]["cells"]["on_time"]["whole"] == "26"
    assert found["all"]["cells"]["satisfaction"] == {"rate": "–", "part": "", "whole": "", "frozen": False}
    turned = await table(client, "period=2026-03&sort=on_time")
    assert [name for name, _ in order(turned)] == ["", HOSTILE, "甲队", "乙队"]
    by_name = await table(client, "period=2026-03&sort=name")
    assert [name for name, _ in order(by_name)] == [HOSTILE, "", "乙队", "甲队"]
    assert dict(order(by_name)) == {HOSTILE: 3, "": None, "乙队": 1, "甲队": 2}


async def test_a_place_leads_further_down_and_what_lies_in_none_of_them_is_there(client: httpx.AsyncClient) -> None:
    found = await table(client, "by=place&period=2026-03&lang=en")
    assert {row["name"]: row["cells"]["on_time"]["whole"] for row in found["rows"]} == {
        "A": "5", "B": "20", "": "1", "C": "",
    }  # fmt: skip
    here = next(row for row in found["rows"] if not row["name"])
    assert here["title"] == "At this level only"
    assert "here=1" in here["cells"]["on_time"]["all"]
    assert found["path"] == [{"code": "T", "title": "Town"}]
    inside = await table(client, "place=A&by=unit&period=2026-03")
    assert inside["all"]["cells"]["on_time"]["whole"] == "5"
    assert [step["code"] for step in inside["path"]] == ["T", "A"]


@pytest.mark.parametrize(
    ("words", "zh", "en"),
    [
        ("period=2026-13", "不是期间", "is no period"),
        ("period=2026-02-30", "不是期间", "is no period"),
        ("period=..", "早于起点", "before it begins"),
        ("period=2026-03-05..2026-03-01", "早于起点", "before it begins"),
        ("period=2026-05", "尚未开始", "has not begun yet"),
        ("period=2027-01-01..", "尚未开始", "has not begun yet"),
        ("period=nonsense..2026", "不是期间", "is no period"),
    ],
)
async def test_an_impossible_period_is_refused_in_a_sentence(
    client: httpx.AsyncClient, words: str, zh: str, en: str
) -> None:
    for language, said in (("zh", zh), ("en", en)):
        for path in ("/rates/data", "/rates/export.csv"):
            answer = await client.get(f"{path}?{words}&lang={language}")
            assert answer.status_code == 400
            assert said in answer.json()["reason"]


async def test_unknown_words_are_refused_by_name(client: httpx.AsyncClient) -> None:
    for words in ("by=colour", "sort=colour", "place=Z", "colour=1", f"period={'1' * 300}"):
        answer = await client.get(f"/rates/data?{words}")
        assert answer.status_code == 400, words
        assert answer.json()["reason"].startswith((words.split("=")[0], f"'{words.split('=')[0]}'"))


async def test_a_frozen_month_stays_and_says_what_is_another_number_today(
    client: httpx.AsyncClient, frozen: Frozen
) -> None:
    assert (await table(client, "period=2026-03"))["frozen"] == ""
    frozen.freeze("2026-03", "值班 13812345678", NOW.timestamp())
    write(frozen.query.history, case("late", "甲队", "A", 2), 2)
    found = await table(client, "period=2026-03&lang=en")
    assert found["frozen"].startswith("Frozen by 值班")
    assert "13812345678" not in found["frozen"]
    assert "2026-04-10 12:00" in found["frozen"]
    cells = {row["name"]: row["cells"]["on_time"] for row in found["rows"]}
    assert (cells["甲队"]["part"], cells["甲队"]["now"]["part"], cells["甲队"]["frozen"]) == ("3", "4", True)
    assert "now" not in cells["乙队"]
    assert (await table(client, "period=last_month"))["frozen"]
    assert (await table(client, "period=2026-03-01..2026-03-31"))["frozen"] == ""
    place = await table(client, "period=2026-03&place=A")
    assert place["all"]["cells"]["on_time"]["frozen"]
    assert not place["rows"][0]["cells"]["on_time"]["frozen"]
    last = (await client.get("/rates/export.csv?period=2026-03&lang=en")).content.decode("utf-8-sig").splitlines()[-1]
    assert last.startswith('"Frozen by')


async def test_the_file_holds_every_number_and_no_formula(client: httpx.AsyncClient) -> None:
    answer = await client.get("/rates/export.csv?period=2026-03&lang=en")
    assert answer.content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [row["Unit"] for row in rows] == ["All", "乙队", "甲队", f"'{HOSTILE}", "–"]
    assert (rows[1]["On-time rate – numerator"], rows[1]["On-time rate – denominator"]) == ("19", "20")
    assert (rows[1]["On-time rate %"], rows[1]["Satisfaction rate %"], rows[1]["Rank"]) == ("95.00", "–", "1")


async def test_the_page_keeps_the_strict_policy_and_loads_its_own_module(client: httpx.AsyncClient) -> None:
    page = await client.get("/rates?by=place")
    assert page.status_code == 200
    assert "unsafe-eval" not in page.headers["content-security-policy"]
    assert "/assets/desk/rates.mjs" in page.text
    assert "/dash_ag_grid/" not in page.text
    assert (await client.get("/assets/desk/rates.mjs")).status_code == 200
