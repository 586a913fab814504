"""Every number of a panel leads to just the tickets it counts: the same lives, in the board and in history."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, cast
from urllib.parse import parse_qsl, urlsplit

import pytest

from dashboard.board import NOUNS
from dashboard.casework.ratetable import BY, RatesAsked, document, rows_of
from dashboard.casework.ticketasks import RATES, asked
from dashboard.casework.ticketquery import TicketQuery
from dashboard.casework.ticketrows import Reader
from dashboard.casework.ticketwhere import Levels
from dashboard.city import read_city
from dashboard.ground.outlines import Gazetteer
from dashboard.nouns.periods import Calendar
from dashboard.nouns.tally import Tickets
from dashboard.screens.page import to_json
from dashboard.screens.panel import Context, all_panels
from dashboard.sources.feed import Context as FeedContext
from dashboard.sources.feed import Rejected, bind, rules_of
from dashboard.sources.pretendlife import told
from dashboard.travel.history import History
from feeds.pretend import pretend

CITY = read_city(Path(__file__).resolve().parents[2] / "cities" / "nanhai.toml")
RULES = rules_of(CITY)
PLACES = RULES.places
NOW = datetime(2026, 10, 21, 7, 30, tzinfo=UTC)  # Half past three in the district, on a Wednesday.
LEVELS = Levels(RULES.levels, PLACES.root.level, RULES.grassroots)
NUMBER = re.compile(r"\d[\d,]*")


def told_until(moment: datetime) -> list[Any]:
    """What happens in a small simulated district from the first of the month before on."""
    bound = next(feed for feed in bind(CITY) if feed.feed.kind == "pretend")
    settings = bound.settings.model_copy(update={"per_day": 110.0})
    ctx = FeedContext(CITY, PLACES, Gazetteer.of(CITY, PLACES), None, lambda: moment, CITY.folder)
    world = pretend(cast(Any, settings), ctx)
    first, found = date(2026, 9, 20), []
    days = told(world, first, (0, ""), first + timedelta(days=6))
    for _ in range((moment.date() - first).days + 1):
        found += [one for one in next(days) if one.moment <= moment.timestamp() * 1000]
    return [event for event in bound.feed.parse(found, settings, ctx) if not isinstance(event, Rejected)]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Tickets, TicketQuery, float]]:
    """A board and a history of the same lives, at the same moment."""
    events = told_until(NOW)
    now = NOW.timestamp()
    board = Tickets(RULES)
    board.advance(min(event.time for event in events).timestamp() - timedelta(days=1).total_seconds())
    for event in events:
        board.fold(event)
    board.advance(now)
    history = History(f"sqlite:///{tmp_path_factory.mktemp('history')}/history.db", RULES)
    history.prepare()
    history.write(events, list(board.tickets.values()), [], {"x@1": 1})
    yield board, TicketQuery(history, PLACES, Calendar(RULES.zone), LEVELS), now
    history.close()


def links(node: Any) -> Iterator[tuple[str, str]]:
    """The addresses in a painted value, each with the text it stands behind (its tooltip where that is exact)."""
    if isinstance(node, list):
        for item in node:
            yield from links(item)
    elif isinstance(node, dict):
        props = node.get("props", node)
        if isinstance(props.get("href"), str):
            yield props["href"], str(props.get("title") or text_of(props.get("children")))
        for value in props.values():
            yield from links(value)


def text_of(node: Any) -> str:
    if isinstance(node, list):
        return "".join(map(text_of, node))
    if isinstance(node, dict):
        props = node["props"]
        return str(props.get("title") or text_of(props.get("children")))
    return "" if node is None else str(node)


@pytest.mark.parametrize("place", ["440605", "440605124", "440605011"])
def test_every_number_of_every_panel_is_the_count_of_what_stands_behind_it(
    house: tuple[Tickets, TicketQuery, float], place: str
) -> None:
    board, query, now = house
    views = {name: view(board, place, now) for name, view in NOUNS["ticket"].views.items()}
    seen: dict[str, int] = {}
    for panel in all_panels().values():
        if not set(panel.reads) <= views.keys():
            continue
        painted = json.loads(
            to_json(panel.paint({name: views[name] for name in panel.reads}, Context(CITY, PLACES, place)))
        )
        for href, text in links(list(painted.values())):
            parts = urlsplit(href)
            if parts.path == "/ticket":
                source, _, number = dict(parse_qsl(parts.query))["key"].partition("|")
                assert query.ticket(source, number) is not None
                seen["cases"] = seen.get("cases", 0) + 1
            if parts.path != "/tickets":
                continue
            what = asked(parse_qsl(parts.query, keep_blank_values=True), PLACES)
            if "%" in text:
                counts = [query.counts(one, now)["n"] for one in (what, _whole(what))]
                if what.get("met"):
                    assert text.startswith(f"{100 * counts[0] / counts[1]:.1f}"), (panel.id, href)
                continue
            found = NUMBER.match(text)
            assert found, (panel.id, href, text)
            counted = query.counts(what, now)
            # A ticket may have gone the same way twice: a flow's number is that of moves, behind it are the tickets.
            assert counted.get("moves", counted["n"]) == int(found[0].replace(",", "")), (panel.id, href)
            assert counted["n"] <= counted.get("moves", counted["n"]), (panel.id, href)
            seen[panel.id] = seen.get(panel.id, 0) + 1
    for panel_id in (
        "decide",
        "today",
        "units",
        "categories",
        "channels",
        "stages",
        "rates",
        "places",
        "hour",
        "trend",
        "forecast",
        "grassroots",
        "flow",
        "efficacy",
        "whistles",
        *(("alarms",) if place == PLACES.root.code else ()),
    ):
        assert seen.get(panel_id), f"{panel_id} has no number with tickets behind it"
    assert seen["cases"] > 10


def _whole(what: Any) -> Any:
    return what.without("met")


@pytest.mark.parametrize("by", list(BY))
@pytest.mark.parametrize(("place", "period", "language"), [
    ("440605", "month", "zh"), ("440605124", "2026-09", "en"), ("440605011", "2026-10-05..2026-10-11", "zh"),
    ("440605", "today", "en"), ("440605", "week", "zh"),
])  # fmt: skip
def test_every_number_of_the_rates_is_the_count_of_what_stands_behind_it(
    house: tuple[Tickets, TicketQuery, float], by: str, place: str, period: str, language: str
) -> None:
    _, query, now = house
    what, to = RatesAsked(place, by, period), Reader(CITY, PLACES, language, now)
    whole, groups = query.rates(place, period, now, "")[""], query.rates(place, period, now, by)
    found = document(what, *rows_of(what, whole, groups, {}, to), to)
    rows = [found["all"], *found["rows"]]
    # Each rate of the whole, of the first rows and of the last.
    checked = 0
    for row in (*rows[:3], *rows[-2:]):
        for rate, cell in row["cells"].items():
            if "all" not in cell:
                assert cell["rate"] == "–"
                continue
            counts = [query.counts(asked(_pairs(cell[name]), PLACES), now)["n"] for name in ("met", "all")]
            assert counts == [int(cell[name].replace(",", "")) for name in ("part", "whole")], (row["title"], rate)
            checked += 1
    assert checked >= (20 if period != "today" else 5)
    for rate in (name for name in RATES if name != "repeat"):
        sums = [sum(getattr(one[rate], name) for one in groups.values()) for name in ("part", "whole")]
        assert sums == [whole[rate].part, whole[rate].whole], rate


@pytest.mark.parametrize("place", ["440605", "440605124", "440605011"])
def test_the_rates_of_the_board_are_those_of_history(house: tuple[Tickets, TicketQuery, float], place: str) -> None:
    board, query, now = house
    end = board.calendar.next_month(now)
    tally = board.tally(place)
    waits = len(tally.ahead(now, end)) - len(tally.coming(now, end))
    assert waits or place != PLACES.root.code, "some are handled before their deadline and wait for inspection"
    shown = NOUNS["ticket"].views["rates"](board, place, now)
    for period in ("today", "week", "month"):
        kept = {name: [rate.part, rate.whole] for name, rate in query.rates(place, period, now, "")[""].items()}
        assert shown[period] == kept, period


def _pairs(href: str) -> list[tuple[str, str]]:
    return parse_qsl(urlsplit(href).query, keep_blank_values=True)


def test_the_numbers_on_the_map_lead_to_the_tickets_of_their_places(house: tuple[Tickets, TicketQuery, float]) -> None:
    board, query, now = house
    views = {name: NOUNS["ticket"].views[name](board, "440605", now) for name in ("map", "points")}
    document = all_panels()["map"].paint(views, Context(CITY, PLACES, "440605"))["map-data.document"]
    assert len(document["places"]) == 7
    for row in document["places"].values():
        for mode, wanted in (("tickets", row["open"]), ("rate", row["due"])):
            what = asked(parse_qsl(urlsplit(row["behind"][mode]).query), PLACES)
            assert query.counts(what, now)["n"] == wanted
