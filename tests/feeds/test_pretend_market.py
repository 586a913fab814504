"""A simulated market: the same by seed, told once and in order, of the size the city file says, with a story to see."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from dashboard.board import Board
from dashboard.events import Event
from dashboard.nouns.clock import ClockTick
from dashboard.sources.feed import Context, SourceFailed, rules_of
from feeds.pretend_market import FEED, Settings, Town
from tests.pretended import nanhai, settings_of, told

NOW = datetime(2026, 11, 20, 7, 30, tzinfo=UTC)  # Friday, half past three in Nanhai.


@pytest.fixture(scope="module")
def context() -> Context:
    return nanhai(NOW)


@pytest.fixture(scope="module")
def settings(context: Context) -> Settings:
    return settings_of(FEED, context, Settings)


@pytest.fixture(scope="module")
def first(settings: Settings, context: Context) -> tuple[list[Event], str]:
    return told(FEED, settings.model_copy(update={"days": 12}), context)


def test_it_is_told_in_order_each_thing_once_and_lightly(first: tuple[list[Event], str]) -> None:
    events, _ = first
    assert [event.time for event in events] == sorted(event.time for event in events)
    assert len({event.id for event in events}) == len(events) <= 20_000
    assert sum(event.time > NOW - timedelta(hours=1) for event in events) / 3600 < 5


def test_the_board_knows_the_market(first: tuple[list[Event], str], context: Context) -> None:
    board = Board(rules_of(context.city, context.places))
    board.take([*first[0], ClockTick(id="t", source="clock", time=NOW, wall=NOW)])
    root = context.places.root.code
    view = board.view("market", root)["data"]
    assert 410_000 < view["active"] < 430_000
    assert view["odd"] == {}
    assert 1.03 < view["year"][0] / view["year"][1] < 1.09
    towns = [board.view("market", place.code)["data"]["active"] for place in context.places.children(root)]
    assert sum(towns) == view["active"]
    assert 0 < view["due"]["overdue"] < view["due"]["near"]
    assert view["inspections"]["behind"] > 0
    food = board.view("market_food", root)["data"]
    assert food["categories"][0]["name"] == "水产品"
    assert 0.96 < food["rate"][0] / food["rate"][1] < 1
    followed = [row["followed"] for row in food["failed"]]
    assert followed.count(True) > 0.5 * len(followed), "most is followed up in time …"
    assert None not in followed
    assert food["neglected"] <= 3, "… and little is left lying"
    alarms = [row for row in board.view("alerts", root)["data"]["alerts"] if row["noun"] == "market"]
    assert 1 <= len(alarms) <= 2


def test_after_a_pause_it_goes_on_where_it_was_and_says_nothing_twice(
    first: tuple[list[Event], str], settings: Settings, context: Context
) -> None:
    events, cursor = first
    later = replace(context, cursor=cursor, now=lambda: NOW + timedelta(hours=2))
    again, _ = told(FEED, settings.model_copy(update={"days": 12}), later)
    assert again
    assert not {event.id for event in events} & {event.id for event in again}
    assert min(event.time for event in again) >= max(event.time for event in events)


def test_a_town_that_is_none_is_a_failed_source(settings: Settings, context: Context) -> None:
    bad = settings.model_copy(update={"towns": {"x": Town(place="nowhere", share=1)}})
    with pytest.raises(SourceFailed, match=r"towns\.x: the place 'nowhere' is none of the city's"):
        told(FEED, bad, context)
