"""Simulated service halls: the same by seed, within working hours, told once and in order, with a story to see."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dashboard.board import Board
from dashboard.daysoff import calendar_of
from dashboard.events import Event
from dashboard.nouns.clock import ClockTick
from dashboard.nouns.service import CaseAccepted, CaseFinished, QueueSeen
from dashboard.sources.feed import Context, SourceFailed, rules_of
from feeds.pretend_service import CHANNELS, FEED, Settings
from tests.pretended import nanhai, settings_of, told

NOW = datetime(2026, 11, 20, 2, 30, tzinfo=UTC)  # Friday, half past ten in Nanhai.


@pytest.fixture(scope="module")
def context() -> Context:
    return nanhai(NOW)


@pytest.fixture(scope="module")
def settings(context: Context) -> Settings:
    return settings_of(FEED, context, Settings)


@pytest.fixture(scope="module")
def first(settings: Settings, context: Context) -> tuple[list[Event], str]:
    return told(FEED, settings.model_copy(update={"days": 12, "lives": 4}), context)


def test_it_is_told_in_order_each_thing_once_and_lightly(first: tuple[list[Event], str]) -> None:
    events, _ = first
    assert [event.time for event in events] == sorted(event.time for event in events)
    assert len({event.id for event in events}) == len(events)
    lately = [event for event in events if event.time > NOW - timedelta(minutes=10)]
    assert len(lately) / 600 < 5


def test_counters_keep_their_hours_and_the_net_does_not(first: tuple[list[Event], str], context: Context) -> None:
    calendar, zone = calendar_of(context.city), context.city.tz
    hours: dict[str, list[int]] = {channel: [] for channel in CHANNELS}
    for event in first[0]:
        if isinstance(event, CaseAccepted):
            local = event.time.astimezone(zone)
            hours[event.channel].append(local.hour)
            if event.channel == "窗口":
                assert calendar.is_workday(local.toordinal()) or local.weekday() == 5, local
    assert min(hours["窗口"]) >= 8
    assert max(hours["窗口"]) <= 17
    assert not {12, 13} & set(hours["窗口"])
    assert {0, 23} <= set(hours["网上"])
    assert Counter(hours["窗口"]).most_common(1)[0][0] in (9, 10), "the morning's peak"


def test_one_hall_is_too_small_and_the_board_sees_it(first: tuple[list[Event], str], context: Context) -> None:
    events, _ = first
    board = Board(rules_of(context.city, context.places))
    board.take([*events, ClockTick(id="t", source="clock", time=NOW, wall=NOW)])
    root = context.places.root.code
    halls = board.view("service_halls", root)["data"]["halls"]
    assert halls[0]["name"] == "狮山政务服务中心"
    assert halls[0]["longest"] > 20
    view = board.view("service", root)["data"]
    assert view["odd"] == {}
    assert 0.9 < view["on_time"][0] / view["on_time"][1] < 1
    assert 0 < view["late"] < view["open"]
    assert view["redress"]["open"] > 0
    assert {event.hall for event in events if isinstance(event, CaseAccepted)} == set(context.city.service.halls)


def test_after_a_pause_it_goes_on_where_it_was_and_says_nothing_twice(
    first: tuple[list[Event], str], settings: Settings, context: Context
) -> None:
    events, cursor = first
    later = replace(context, cursor=cursor, now=lambda: NOW + timedelta(hours=1))
    again, _ = told(FEED, settings.model_copy(update={"days": 12, "lives": 4}), later)
    assert again
    assert not {event.id for event in events} & {event.id for event in again}
    accepted = {event.subject for event in [*events, *again] if isinstance(event, CaseAccepted)}
    assert {event.subject for event in again if isinstance(event, CaseFinished)} <= accepted
    assert any(isinstance(event, QueueSeen) for event in again)


@pytest.mark.parametrize(("text", "said"), [("item,weight\nx,1\n", "promised_days"), ("", "no item")])
def test_a_faulty_catalogue_is_a_failed_source(
    text: str, said: str, settings: Settings, context: Context, tmp_path: Path
) -> None:
    (tmp_path / "items.csv").write_text(text or "item,weight,promised_days,legal_days,counter\n")
    bad = settings.model_copy(update={"items": str(tmp_path / "items.csv")})
    with pytest.raises(SourceFailed, match=said):
        told(FEED, bad, context)
