"""Simulated data sharing: the same by seed, believable in its rates, told once and in order, an entry that breaks."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from dashboard.board import Board
from dashboard.events import Event
from dashboard.nouns.clock import ClockTick
from dashboard.nouns.sharing import ApiCalls, CatalogueEntry
from dashboard.sources.feed import Context, SourceFailed, rules_of
from feeds.pretend_sharing import FEED, District, Settings, Story
from tests import pretended
from tests.pretended import nanhai, reaches, settings_of

NOW = datetime(2026, 11, 20, 6, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def context() -> Context:
    return nanhai(NOW)


@pytest.fixture(scope="module")
def settings(context: Context) -> Settings:
    return settings_of(FEED, context, Settings)


def told(settings: Settings, context: Context, until: datetime) -> list[Event]:
    return pretended.told(FEED, settings, context, reaches(until.timestamp() - 1))[0]


@pytest.fixture(scope="module")
def past(settings: Settings, context: Context) -> list[Event]:
    return told(settings, context, NOW)


def test_a_first_start_tells_a_catalogue_a_year_of_requests_and_two_days_of_calls(
    past: list[Event], context: Context
) -> None:
    assert 10_000 < len(past) < 20_000
    assert len({event.id for event in past}) == len(past)
    assert all(event.contradiction() is None for event in past)
    board = Board(rules_of(context.city, context.places))
    board.take([*past, ClockTick(id="t", source="clock", time=NOW, wall=NOW)])
    view = board.view("sharing", context.places.root.code)["data"]
    assert view["entries"] == 4820
    assert 0.95 < view["on_time"][0] / view["on_time"][1] < 1
    requests = view["requests"]
    assert 1500 < requests["asked"] < 2300
    assert 0.65 < requests["granted"] / requests["asked"] < 0.78
    assert 800_000 < view["yesterday"][0] < 1_600_000
    assert view["yesterday"][1] < 0.01 * view["yesterday"][0]
    assert 0 < view["broken"] < 40
    town = board.view("sharing", "440605123")["data"]
    assert town["entries"] == 64
    departments = board.view("sharing_departments", context.places.root.code)["data"]
    assert (departments["number"], departments["unlisted"]) == (75, 0)
    assert departments["departments"][0]["department"] == "通信办"


def test_the_same_seed_tells_the_same_whatever_was_asked_before(
    settings: Settings, context: Context, past: list[Event]
) -> None:
    other = District(settings, context)
    other.last(17, NOW.timestamp() + 9e6)
    story = Story(other, datetime(2026, 11, 18, 16, 0, tzinfo=UTC).timestamp())
    events = {event.id: event for event in [*story.before(), *story.until(NOW.timestamp())]}
    entries = {event.id: event for event in past if isinstance(event, CatalogueEntry)}
    assert entries == {id_: events.get(id_) for id_ in entries}
    assert any(entry.updated is not None for entry in entries.values())


def test_after_a_pause_it_goes_on_where_it_was_and_the_counts_stay_whole(
    settings: Settings, context: Context, past: list[Event]
) -> None:
    later = NOW + timedelta(hours=3)
    again = told(settings, replace(context, cursor=f"{NOW.timestamp():.3f}", now=lambda: later), later)
    assert not {event.id for event in past} & {event.id for event in again}
    assert min(event.time for event in again) > NOW
    board, straight = (Board(rules_of(context.city, context.places)) for _ in range(2))
    tick = ClockTick(id="t", source="clock", time=later, wall=later)
    board.take([*past, *again, tick])
    whole = told(settings, replace(context, now=lambda: later), later)
    straight.take([*whole, tick])
    for view in ("sharing", "sharing_departments", "sharing_requests", "sharing_broken"):
        assert board.view(view, "440605")["data"] == straight.view(view, "440605")["data"]
    steady = [event for event in again if isinstance(event, ApiCalls)]
    assert len(steady) < 5 * 3 * 3600


def test_an_entry_breaks_now_and_then_and_comes_back(settings: Settings, context: Context) -> None:
    district = District(settings, context)
    days = range(NOW.toordinal() - 60, NOW.toordinal())
    outages = [out for day in days for out in district.outages(day)]
    assert 60 <= len(outages) <= 120
    assert len(Counter(out.entry for out in outages)) > 5
    story = Story(district, outages[7].start - 60)
    list(story.before())
    name = district.entries[outages[7].entry].code
    states = [
        (event.state, event.time.timestamp())
        for event in story.until(outages[7].end + 1)
        if isinstance(event, CatalogueEntry) and event.subject == name
    ]
    assert states[-2:] == [("broken", outages[7].start), ("open", outages[7].end)]


def test_a_faulty_catalogue_is_a_failed_source_that_names_the_file(settings: Settings, context: Context) -> None:
    lost = settings.model_copy(update={"catalogue": "nowhere.csv"})
    with pytest.raises(SourceFailed, match=r"nowhere\.csv"):
        District(lost, context)
