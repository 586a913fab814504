"""Simulated cameras: the same by seed, in their places, ailing believably, told once and in order."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import cast

import numpy as np
import pytest

from dashboard.board import Board
from dashboard.events import Event
from dashboard.nouns.clock import ClockTick
from dashboard.nouns.video import DOWN, CamerasListed, CamerasPolled, CamerasRecorded
from dashboard.sources.feed import Context, rules_of
from dashboard.sources.pretendcameras import Life
from feeds.pretend_video import FEED, Settings, life_of
from tests import pretended
from tests.pretended import nanhai, reaches, settings_of

NOW = datetime(2026, 11, 20, 6, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def context() -> Context:
    return nanhai(NOW)


@pytest.fixture(scope="module")
def settings(context: Context) -> Settings:
    return settings_of(FEED, context, Settings)


@pytest.fixture(scope="module")
def life(settings: Settings, context: Context) -> Life:
    return life_of(settings, context)


def test_there_are_as_many_cameras_as_the_city_file_says_each_in_its_place(life: Life, context: Context) -> None:
    cameras = life.district.cameras
    assert len(cameras) == 10_222 == len({camera.id for camera in cameras})
    assert Counter(life.district.platform.tolist())[0] == 2860
    located = context.gazetteer.locate_many([(cast(float, c.lon), cast(float, c.lat)) for c in cameras])
    assert sum(found == camera.place for (found, _), camera in zip(located, cameras, strict=True)) > 0.99 * len(cameras)
    assert max(Counter(life.district.switch.tolist()).values()) <= 24


def test_the_same_seed_and_moment_give_the_same_state_whatever_was_asked_before(
    life: Life, settings: Settings, context: Context
) -> None:
    moment = NOW.timestamp()
    other = life_of(settings, context)
    other.status(moment - 5 * 86_400)
    assert np.array_equal(life.status(moment), other.status(moment))
    share = float((life.status(moment) & DOWN > 0).mean())
    assert 0.008 < share < 0.06


def told(settings: Settings, context: Context, until: float) -> list[Event]:
    return pretended.told(FEED, settings, context, reaches(until - 8))[0]


def test_a_first_start_tells_lists_then_polls_and_the_board_knows_every_camera(
    settings: Settings, context: Context
) -> None:
    few = settings.model_copy(update={"days": 0, "platforms": {"甲": 500, "乙": 300}})
    events = told(few, context, NOW.timestamp())
    assert isinstance(events[0], CamerasListed)
    kinds = Counter(type(event) for event in events)
    assert kinds[CamerasPolled] > 2 * 14 * 10
    assert kinds[CamerasRecorded] >= 2 * 13
    assert len({event.id for event in events}) == len(events)
    polls = [event.time for event in events if isinstance(event, CamerasPolled)]
    assert polls == sorted(polls)
    board = Board(rules_of(context.city, context.places))
    board.take([*events, ClockTick(id="t", source="clock", time=NOW, wall=NOW)])
    view = board.view("video", context.places.root.code)["data"]
    assert view["total"] == 800
    assert view["counts"]["unknown"] == 0
    assert view["rate"][0] > 0.9 * 800
    recorded = board.view("video_time", context.places.root.code)["data"]["recorded"]["today"]
    assert 0.9 < recorded[0] / recorded[1] < 1


def test_after_a_pause_it_goes_on_where_it_was_and_says_nothing_twice(settings: Settings, context: Context) -> None:
    few = settings.model_copy(update={"days": 0, "platforms": {"甲": 100}})
    first = told(few, context, NOW.timestamp())
    later = NOW + timedelta(hours=1)
    last = max(event.time for event in first).timestamp()
    again = told(few, replace(context, cursor=f"{last:.3f}", now=lambda: later), later.timestamp())
    both = {event.id for event in first} & {event.id for event in again}
    assert all(":listed:" in name for name in both)
    assert {event.id: event for event in first if event.id in both} == {e.id: e for e in again if e.id in both}
