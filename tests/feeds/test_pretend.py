"""A simulated district: whole tickets, believable days, and a feed that tells each event once, in its moment."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import aclosing, suppress
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import shapely

from dashboard.board import Board
from dashboard.city import City, read_city
from dashboard.events import Event
from dashboard.ground.outlines import Gazetteer
from dashboard.ground.placefile import read_places
from dashboard.nouns.clock import ClockTick
from dashboard.nouns.ticketevents import TicketClosed, TicketMerged, TicketRejected, TicketReported, TicketVoided
from dashboard.places import PlaceTree
from dashboard.sources.feed import Context, Delivery, SourceFailed, bind, rules_of
from dashboard.sources.pretence import CHANNELS, LONGEST, RHYTHMS, Pretended, World, tickets_of
from feeds.pretend import FEED, Settings, pretend

FILE = Path(__file__).parents[2] / "cities" / "nanhai.toml"
HALF_PAST_TEN = datetime(2026, 11, 20, 2, 30, tzinfo=UTC)
MONDAY, SUNDAY = date(2026, 11, 16), date(2026, 11, 15)


@pytest.fixture(scope="module")
def city() -> City:
    return read_city(FILE)


@pytest.fixture(scope="module")
def places(city: City) -> PlaceTree:
    return read_places(city)


@pytest.fixture(scope="module")
def context(city: City, places: PlaceTree) -> Context:
    return Context(city, places, Gazetteer.of(city, places), None, lambda: HALF_PAST_TEN, Path())


@pytest.fixture(scope="module")
def settings(city: City) -> Settings:
    (bound,) = (bound for bound in bind(city) if bound.feed is FEED)
    return cast(Settings, bound.settings)


@pytest.fixture(scope="module")
def world(settings: Settings, context: Context) -> World:
    return pretend(settings, context)


@pytest.fixture(scope="module")
def month(world: World) -> list[Pretended]:
    return [ticket for day in range(28) for ticket in tickets_of(MONDAY + timedelta(days=day), world)]


# -- a day's tickets ---------------------------------------------------------------------------------------


def test_the_same_seed_and_day_give_the_same_tickets(world: World, settings: Settings, context: Context) -> None:
    again = pretend(settings, context)
    tickets_of(SUNDAY, again)  # Another day asked for first changes nothing.
    assert tickets_of(MONDAY, again) == tickets_of(MONDAY, world)
    other = pretend(settings.model_copy(update={"seed": 2}), context)
    assert tickets_of(MONDAY, other) != tickets_of(MONDAY, world)


def test_tickets_are_whole(world: World, month: list[Pretended], city: City, context: Context) -> None:
    outlines = context.gazetteer.outlines
    limits = {matter.name: matter.hours for matter in world.matters}
    known = rules_of(city, context.places).limits.exact
    assert len({ticket.condition for ticket in month}) > 20
    assert len({ticket.number for ticket in month}) == len(month)
    for ticket in month:
        limit = ticket.limit
        assert 0 < limit <= limits[ticket.category] * 3_600_000
        assert not ticket.condition or (ticket.category, ticket.condition) in known
        assert ticket.closed > ticket.reported
        assert ticket.closed - ticket.reported <= LONGEST * limit + 24 * 3_600_000
        assert (ticket.due is None) == (ticket.category in city.limits.hours)
        assert ticket.on_time == (ticket.closed <= ticket.reported + limit)
        assert ticket.channel in CHANNELS
    points = np.array([ticket.point for ticket in month])
    shapes = np.array([outlines[ticket.place] for ticket in month], dtype=object)
    assert shapely.contains_xy(shapes, points[:, 0], points[:, 1]).all()


def test_every_name_has_an_english_one(month: list[Pretended], city: City) -> None:
    for names in ({t.category for t in month}, {t.unit for t in month}, {t.channel for t in month}):
        assert {name for name in names if city.translated(name, "en") == name} == set()
    assert city.translated("井盖破损", "zh") == "井盖破损"
    assert len({t.category for t in month}) >= 40
    assert len({t.unit for t in month}) == 31


def test_days_have_their_peaks_and_week_ends(world: World, month: list[Pretended], city: City) -> None:
    local = [datetime.fromtimestamp(t.reported / 1000, city.tz) for t in month]
    hours = Counter(moment.hour for moment in local)
    assert min(hours[9], hours[10]) > 1.4 * hours[13]
    assert hours[15] > 1.2 * hours[13] > 8 * hours[3]
    days = Counter(moment.date() for moment in local)
    work = np.mean([n for day, n in days.items() if day.weekday() < 5])
    rest = np.mean([n for day, n in days.items() if day.weekday() >= 5])
    assert 2500 < work < 3500
    assert 0.6 < rest / work < 0.85


def test_rain_brings_water(month: list[Pretended]) -> None:
    water = Counter(t.number[:8] for t in month if t.category in ("道路积水", "内涝险情"))
    counts = sorted(water.values())
    assert counts[-1] > 3 * counts[len(counts) // 2 - 4], "no day stands out"


def test_a_few_places_have_several_times_the_rate(month: list[Pretended]) -> None:
    villages = sorted(Counter(t.place[:12] for t in month).values())
    median = villages[len(villages) // 2]
    assert 3 <= sum(count > 3.5 * median for count in villages) <= 20


def test_units_differ(month: list[Pretended], settings: Settings) -> None:
    whole, part = Counter(t.unit for t in month), Counter(t.unit for t in month if t.on_time)
    rates = {unit: part[unit] / whole[unit] for unit in whole}
    assert set(rates) == set(settings.quality)
    assert 0.8 < min(rates.values()) < 0.92 < 0.985 < max(rates.values()) <= 1
    assert 0.93 < part.total() / whole.total() < 0.97


# -- as a feed ---------------------------------------------------------------------------------------------


class CaughtUp(Exception):
    """The feed has nothing more to tell and would wait for time to pass."""


async def run(
    settings: Settings, context: Context, upto: datetime, limit: int | None = None
) -> tuple[list[Event], str | None]:
    """All events until ``upto`` (at most ``limit`` deliveries), and the cursor behind them."""
    events: list[Event] = []
    cursor = context.cursor
    context = replace(context, now=lambda: upto)

    async def stop(seconds: float) -> None:
        raise CaughtUp

    with pytest.MonkeyPatch.context() as patch, suppress(CaughtUp):
        patch.setattr(asyncio, "sleep", stop)
        async with aclosing(cast(Any, FEED.open)(settings, context)) as source:
            for _ in range(limit or 10_000):
                delivery = cast(Delivery, await anext(source))
                found = list(FEED.parse(delivery.payload, settings, context))
                assert len(found) <= 1000
                events += cast("list[Event]", found)
                cursor = delivery.cursor or cursor
    return events, cursor


@pytest.fixture
def few(settings: Settings) -> Settings:
    return settings.model_copy(update={"days": 3, "per_day": 400.0})


async def test_past_days_come_first_and_in_order(few: Settings, context: Context, city: City) -> None:
    events, _ = await run(few, context, HALF_PAST_TEN)
    assert [event.time for event in events] == sorted(event.time for event in events)
    assert len({event.id for event in events}) == len(events)
    assert all(event.time <= HALF_PAST_TEN for event in events)
    days = {event.time.astimezone(city.tz).date() for event in events if isinstance(event, TicketReported)}
    assert days == {date(2026, 11, day) for day in (17, 18, 19, 20)}
    reported = {event.subject for event in events if isinstance(event, TicketReported)}
    assert {event.subject for event in events if isinstance(event, TicketClosed)} < reported


async def test_a_restart_goes_on_exactly(few: Settings, context: Context) -> None:
    whole, _ = await run(few, context, HALF_PAST_TEN)
    same_day = few.model_copy(update={"days": 2})
    first, cursor = await run(same_day, context, HALF_PAST_TEN - timedelta(hours=30))
    more, cursor = await run(few, replace(context, cursor=cursor), HALF_PAST_TEN, limit=1)
    rest, _ = await run(few, replace(context, cursor=cursor), HALF_PAST_TEN)
    assert [event.id for event in first + more + rest] == [event.id for event in whole]


async def test_after_a_long_pause_everything_is_told(few: Settings, context: Context) -> None:
    first, cursor = await run(few, context, HALF_PAST_TEN)
    rest, _ = await run(few, replace(context, cursor=cursor), HALF_PAST_TEN + timedelta(days=60))
    ids = [event.id for event in first + rest]
    assert len(set(ids)) == len(ids)
    early = {event.subject for event in first}
    ended = (TicketClosed, TicketRejected, TicketMerged, TicketVoided)
    assert early <= {event.subject for event in rest + first if isinstance(event, ended)}, "a ticket never ended"


async def test_rate_multiplies(few: Settings, context: Context) -> None:
    plain, _ = await run(few, context, HALF_PAST_TEN)
    much, _ = await run(few.model_copy(update={"rate": 5.0}), context, HALF_PAST_TEN)
    assert 4 < len(much) / len(plain) < 6


async def test_what_happens_is_told_when_it_happens(
    few: Settings, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = HALF_PAST_TEN

    async def sleep(seconds: float) -> None:
        nonlocal now
        assert 0 < seconds <= 1
        now += timedelta(seconds=seconds)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    lags: list[float] = []
    context = replace(context, now=lambda: now)
    async with aclosing(cast(Any, FEED.open)(few, context)) as source:
        while now < HALF_PAST_TEN + timedelta(hours=2):
            delivery = cast(Delivery, await anext(source))
            for event in cast("list[Event]", list(FEED.parse(delivery.payload, few, context))):
                if event.time > HALF_PAST_TEN:
                    lags.append((now - event.time).total_seconds())
    assert len(lags) > 50
    assert min(lags) >= 0
    assert max(lags) < 0.2


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        ("category,weight\n占道经营,1\n", "the column 'due_hours' is missing"),
        (
            "category,weight,due_hours,unit,rhythm,rain,video,matters\n奇事,1,,镇街,day,1,0,奇事\n",
            "line 2: 奇事 has neither",
        ),
        (
            "category,weight,due_hours,unit,rhythm,rain,video,matters\n奇事,x,4,镇街,day,1,0,奇事\n",
            "line 2: 奇事: could not",
        ),
        (
            "category,weight,due_hours,unit,rhythm,rain,video,matters\n奇事,1,4,镇街,weekly,1,0,奇事\n",
            "no rhythm 'weekly'",
        ),
        ("category,weight,due_hours,unit,rhythm,rain,video,matters\n", "there is no category"),
        (None, "No such file"),
    ],
    ids=["column_missing", "no_limit", "weight_is_text", "rhythm_unknown", "empty", "no_file"],
)
async def test_a_faulty_catalogue_is_named(
    table: str | None, sentence: str, settings: Settings, context: Context, tmp_path: Path
) -> None:
    file = tmp_path / "matters.csv"
    if table is not None:
        file.write_text(table, encoding="utf-8")
    faulty = settings.model_copy(update={"matters": str(file)})
    with pytest.raises(SourceFailed, match=sentence):
        await anext(cast(Any, FEED.open)(faulty, context))


# -- on the wall -------------------------------------------------------------------------------------------


async def test_the_wall_at_half_past_ten_is_believable(settings: Settings, context: Context, city: City) -> None:
    events, _ = await run(settings, context, HALF_PAST_TEN)
    board = Board(rules_of(city, context.places))
    board.take([*events, ClockTick(id="now", source="clock", time=HALF_PAST_TEN, wall=HALF_PAST_TEN)])
    view: Callable[[str], Any] = lambda name: board.view(name, "440605")["data"]  # noqa: E731
    tickets = view("tickets")
    assert 4000 < tickets["open"] < 7000
    assert 15 <= tickets["lights"]["overdue"] <= 70
    assert tickets["lights"]["worst"] <= 15
    assert 8 <= tickets["in_hour"] <= 90
    assert 0.8 < tickets["today"]["opened"] / tickets["yesterday"]["opened"] < 1.25
    assert tickets["disagree"] == 0 < tickets["agree"]
    assert tickets["unplaced"] == 0
    stages = {row["stage"]: row["n"] for row in view("stages")["stages"]}
    assert tickets["lights"]["none"] < 1.3 * (stages["report"] + stages["file"] + stages["inspect"])
    assert board.slices["ticket"].anomalies() == {}  # type: ignore[attr-defined]
    due, on_time = tickets["month_so_far"]
    assert 0.93 < on_time / due < 0.97
    assert {row["unit"] for row in view("units")["units"]} == {*settings.quality, ""}
    assert len(view("map")["places"]) == 7


def test_rhythms_cover_the_day() -> None:
    assert {len(hours) for hours in RHYTHMS.values()} == {24}
