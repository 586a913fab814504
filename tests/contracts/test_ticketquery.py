"""What is asked of history is answered alike on SQLite and PostgreSQL, and alike by counting one by one."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bench.ticketpages import NOW, district, random_ask, rows
from dashboard.casework.ticketasks import RATES, Asked, asked, span
from dashboard.casework.ticketquery import Page, TicketQuery, order_of
from dashboard.nouns.periods import Calendar
from dashboard.places import PlaceTree
from dashboard.travel.history import History, tickets, upsert

NUMBER = 1500
CALENDAR = Calendar(ZoneInfo("Asia/Shanghai"))
Row = dict[str, Any]


@pytest.fixture(scope="module")
def places() -> PlaceTree:
    return district()


@pytest.fixture(scope="module")
def some(places: PlaceTree) -> list[Row]:
    found = [{c.name: row.get(c.name) for c in tickets.c} for row in rows(NUMBER, places)]
    chance = random.Random(5)
    for row in chance.sample(found, 60):  # Of some only something later has arrived, some have no deadline.
        row.update(reported=None, state="", stage="")
    for row in chance.sample(found, 60):
        row.update(deadline=None, soon_at=None, worst_at=None, on_time=None)
    for at, row in enumerate([row for row in found if is_open(row) and row["soon_at"]][::2]):
        # Handled, and waiting for inspection: its clock runs no more. Every third is exempted.
        row.update(soon_at=None, worst_at=None, exempted=int(at % 3 == 0))
    for row in chance.sample(found, 60):
        row.update(unit="", category="", place="")
    for row in chance.sample(found, 30):
        row["state"] = chance.choice(("rejected", "voided", "merged"))
    for row in found:
        if row["closed"] and chance.random() < 0.5:
            row.update(due=row["deadline"], verdict=chance.choice(("on_time", "overdue")))
    return found


@pytest.fixture
def query(database_url: str, places: PlaceTree, some: list[Row]) -> Iterator[TicketQuery]:
    history = History(database_url)
    history.prepare()
    with history.engine.begin() as db:
        upsert(db, tickets, [tuple(row[c.name] for c in tickets.c) for row in some])
    yield TicketQuery(history, places, CALENDAR)
    history.close()


# -- the same by counting one by one -------------------------------------------------------------------------


def is_open(row: Row) -> bool:
    return row["state"] not in ("", "closed", "rejected", "voided", "merged")


def within(moment: float | None, text: str) -> bool:
    start, end = span(text, NOW, CALENDAR)
    return moment is not None and start <= moment < end


def light(row: Row) -> str:
    if row["soon_at"] is None:
        return "none"
    past = sum(row[name] < NOW for name in ("soon_at", "deadline", "worst_at"))
    return ("normal", "soon", "overdue", "worst")[past]


def rated(row: Row, rate: str, period: str) -> bool | None:
    """Whether a ticket meets a rate; None where it is not in its denominator."""
    closed = bool(row["state"] == "closed")
    if rate in ("closing", "on_time"):
        owed = row["deadline"] is not None and (is_open(row) or closed)
        owed = owed and (within(row["deadline"], period) or (closed and within(row["closed"], period)))
        handled_and_spared = row["exempted"] and row["soon_at"] is None
        if not owed or (is_open(row) and row["deadline"] >= NOW and not handled_and_spared):
            return None
        return closed if rate == "closing" else bool((closed and row["on_time"] == 1) or row["exempted"])
    member = {"resolution": "solved", "satisfaction": "satisfied"}[rate]
    if not closed or not within(row["closed"], period) or row[member] is None:
        return None
    return bool(row[member] == 1)


def holds(row: Row, name: str, value: str, what: Asked) -> bool:
    if name in ("period", "met"):
        return True
    if name == "rate":
        met = rated(row, value, what.get("period")[0])
        return met is not None and (not what.get("met") or met == (what.get("met") == ("1",)))
    if name in ("reported", "closed", "deadline"):
        return within(row[name], value) and (name != "closed" or row["state"] == "closed")
    closed = bool(row["state"] == "closed")
    judged = closed and row["verdict"] and row["due"] is not None and row["on_time"] is not None
    same = judged and (row["verdict"] == "on_time") == (row["on_time"] == 1)
    told: dict[str, Callable[[], Any]] = {
        "open": lambda: is_open(row), "done": lambda: closed,
        "late": lambda: is_open(row) and light(row) in ("overdue", "worst"),
        "exempted": lambda: row["exempted"] == 1,
        "returned": lambda: row["returns"] > 0, "reworked": lambda: row["reworks"] > 0,
        "supervised": lambda: is_open(row) and row["level"] > 0, "unplaced": lambda: row["flaw"] != "",
        "limited": lambda: row["deadline"] is not None,
    }  # fmt: skip
    if name in told:
        return bool(told[name]()) == (value == "1")
    if name == "on_time":
        return bool(closed and row["on_time"] == int(value))
    if name == "agree":
        return bool(judged) and same == (value == "1")
    if name == "light":
        return bool(is_open(row) and light(row) == value)
    if name == "whistle":
        return bool(row["whistle"] > 0)
    if name == "due_in":
        due = row["deadline"]
        return is_open(row) and row["soon_at"] is not None and NOW <= due < NOW + 60 * int(value)
    if name == "q":
        return all(word in row["title"] or word.lower() in row["number"].lower() for word in value.split())
    return bool(row[name] == value)


def counted(some: list[Row], what: Asked, places: PlaceTree) -> set[str]:
    return {
        row["number"]
        for row in some
        if row["reported"] is not None
        and (what.place == places.root.code or (row["place"] in places and what.place in places.path(row["place"])))
        and all(any(holds(row, name, value, what) for value in values) for name, values in what.filters)
    }


def scrolled(query: TicketQuery, what: Asked, size: int) -> list[Row]:
    found: list[Row] = []
    page: Page | None = None
    while page is None or page.after:
        page = query.page(what, NOW, page.after if page else None, size)
        found += page.rows
    return found


def test_random_filters_give_what_counting_gives_in_pages_without_gap_or_repetition(
    query: TicketQuery, places: PlaceTree, some: list[Row]
) -> None:
    chance = random.Random(17)
    hits = 0
    for _ in range(120):
        what = random_ask(chance, places)
        found = scrolled(query, what, chance.choice((7, 40, 500)))
        numbers = [row["number"] for row in found]
        assert len(numbers) == len(set(numbers))
        assert set(numbers) == counted(some, what, places), what
        assert query.counts(what, NOW)["n"] == len(numbers)
        sort, down = order_of(what)
        values = [row[sort] for row in found]
        known = [value for value in values if value is not None]
        assert values == known + [None] * (len(values) - len(known))
        assert known == sorted(known, reverse=down)
        hits += len(numbers)
    assert hits > 2000


@pytest.mark.parametrize("words", [
    "agree=1", "agree=0", "exempted=1&open=1", "unit=", "limited=0", "light=none", "late=0&open=1",
    "rate=closing&period=2026-10&met=0", "rate=on_time&period=2026&met=0", "rate=on_time&period=2026&met=1",
    "reported=2026-03-01..2026-03-31", "closed=..2026-02", "q=井盖 海五", "q=nh20260000001", "q=100%25_",
    "unit=单位1&unit=单位2&category=事项0",
])  # fmt: skip
def test_one_filter(query: TicketQuery, places: PlaceTree, some: list[Row], words: str) -> None:
    from urllib.parse import parse_qsl

    what = asked(parse_qsl(words, keep_blank_values=True), places)
    found = {row["number"] for row in scrolled(query, what, 100)}
    assert found == counted(some, what, places)


def test_a_yes_and_its_no_are_all_there_is(query: TicketQuery, places: PlaceTree, some: list[Row]) -> None:
    known = sum(row["reported"] is not None for row in some)
    names = ["open", "done", "late", "returned", "reworked", "exempted", "supervised", "unplaced", "limited", "anomaly"]
    for name in names:
        both = [query.counts(Asked("D", ((name, (value,)),)), NOW)["n"] for value in "01"]
        assert sum(both) == known, name


def test_the_rates_of_a_month_are_the_counts_of_the_addresses_behind_them(
    query: TicketQuery, places: PlaceTree, some: list[Row]
) -> None:
    by_unit = query.rates("D", "2026-10", NOW, "unit")
    whole = query.rates("D", "2026-10", NOW, "")[""]
    for rate in RATES:
        assert sum(rates[rate].whole for rates in by_unit.values()) == whole[rate].whole
        assert sum(rates[rate].part for rates in by_unit.values()) == whole[rate].part
        behind = (("rate", (rate,)), ("period", ("2026-10",)))
        assert query.counts(Asked("D", behind), NOW)["n"] == whole[rate].whole, rate
        assert query.counts(Asked("D", (*behind, ("met", ("1",)))), NOW)["n"] == whole[rate].part, rate
        assert query.counts(Asked("D", (*behind, ("met", ("0",)))), NOW)["n"] == whole[rate].whole - whole[rate].part
    for name, rates in by_unit.items():
        one = Asked("D", (("unit", (name,)), ("rate", ("on_time",)), ("period", ("2026-10",))))
        assert query.counts(one, NOW)["n"] == rates["on_time"].whole
    assert whole["on_time"].whole > 50 > whole["on_time"].whole - whole["on_time"].part > 0


def test_rates_by_place_are_those_of_the_places_below(query: TicketQuery, places: PlaceTree) -> None:
    below = query.rates("D", "2026-10", NOW, "place")
    for child in places.children("D"):
        alone = query.rates(child.code, "2026-10", NOW, "").get("")
        assert alone is not None
        assert below.get(child.code) == alone
    assert (
        sum(rates["on_time"].whole for rates in below.values())
        == query.rates("D", "2026-10", NOW, "")[""]["on_time"].whole
    )


def test_names_come_with_their_numbers(query: TicketQuery, some: list[Row]) -> None:
    names = query.names("D", NOW)
    assert set(names) == {"unit", "category", "channel", "source"}
    assert sum(n for _, n in names["unit"]) == sum(row["reported"] is not None for row in some)
    assert [n for _, n in names["unit"]] == sorted((n for _, n in names["unit"]), reverse=True)


def test_a_page_goes_on_where_it_was_whatever_arrives_meanwhile(query: TicketQuery, some: list[Row]) -> None:
    what = Asked("D", (), "reported", True)
    first = query.page(what, NOW, None, 50)
    newest = {**some[0], "number": "NEW", "reported": NOW + 5}
    with query.history.engine.begin() as db:
        upsert(db, tickets, [tuple(newest[c.name] for c in tickets.c)])
    second = query.page(what, NOW, first.after, 50)
    assert not {row["number"] for row in first.rows} & {row["number"] for row in second.rows}
    assert query.page(what, NOW, None, 1).rows[0]["number"] == "NEW"


def test_text_is_searched_as_it_stands(query: TicketQuery, some: list[Row]) -> None:
    hostile = ["100%_", "a'; DROP TABLE tickets; --", "<b>x</b>", "\\", "井"]
    with query.history.engine.begin() as db:
        named = [{**some[0], "number": f"H{n}", "title": text, "reported": NOW} for n, text in enumerate(hostile)]
        upsert(db, tickets, [tuple(row[c.name] for c in tickets.c) for row in named])
    for n, text in enumerate(hostile):
        found = [row["number"] for row in scrolled(query, Asked("D", (("q", (text,)),)), 500)]
        assert f"H{n}" in found
        assert all(not number.startswith("H") or number == f"H{n}" for number in found), text
    assert [row["number"] for row in scrolled(query, Asked("D", (("q", ("h0",)),)), 500)] == ["H0"]


def test_related_tickets_are_of_the_same_caller_and_matter_and_at_the_same_spot(
    query: TicketQuery, some: list[Row]
) -> None:
    first = next(row for row in some if row["reported"] is not None)
    more = [
        {**first, "number": "SAME", "lon": 0.0, "lat": 0.0},
        {**first, "number": "OTHER", "category": "else", "lat": first["lat"] + 0.0001},
        {**first, "number": "FAR", "caller": "x", "lat": first["lat"] + 0.01},
    ]
    with query.history.engine.begin() as db:
        upsert(db, tickets, [tuple(row[c.name] for c in tickets.c) for row in more])
    related = query.related(first, NOW)
    assert [row["number"] for row in related["caller"]] == ["SAME"]
    assert [row["number"] for row in related["spot"]] == ["OTHER"]
    assert query.ticket(first["source"], first["number"])["trail"] == first["trail"]  # type: ignore[index]
    assert query.ticket("hotline", "none") is None
