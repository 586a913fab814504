"""Whole lives: they fit the table of a ticket's life to the last step, and their shares are those of a real centre."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from pathlib import Path
from typing import cast

import pytest

from dashboard.city import City, read_city
from dashboard.ground.outlines import Gazetteer
from dashboard.ground.placefile import read_places
from dashboard.nouns.tickets import apply, on_time
from dashboard.nouns.ticketstate import Ticket
from dashboard.sources.feed import Context, bind, rules_of
from dashboard.sources.pretence import World
from dashboard.sources.pretendlife import Told, told, whole
from feeds.pretend import FEED, Settings, parse, pretend

FILE = Path(__file__).parents[3] / "cities" / "nanhai.toml"
MONDAY = date(2026, 11, 16)


@pytest.fixture(scope="module")
def city() -> City:
    return read_city(FILE)


@pytest.fixture(scope="module")
def context(city: City) -> Context:
    places = read_places(city)
    return Context(city, places, Gazetteer.of(city, places), None, lambda: None, Path())  # type: ignore[arg-type, return-value]


@pytest.fixture(scope="module")
def settings(city: City) -> Settings:
    (bound,) = (bound for bound in bind(city) if bound.feed is FEED)
    return cast(Settings, bound.settings)


@pytest.fixture(scope="module")
def world(settings: Settings, context: Context) -> World:
    return pretend(settings, context)


@pytest.fixture(scope="module")
def days(world: World) -> list[Told]:
    """Two days' tickets with all they go through."""
    found = [event for day in range(2) for event in whole(MONDAY + timedelta(days=day), world)]
    return sorted(found, key=lambda event: event[:2])


@pytest.fixture(scope="module")
def tickets(days: list[Told], settings: Settings, context: Context) -> dict[str, Ticket]:
    found: dict[str, Ticket] = {}
    for event in parse(days, settings, context):
        found[event.subject] = apply(found.get(event.subject), event)
    return found


def test_the_same_seed_and_day_give_the_same_lives(world: World, days: list[Told]) -> None:
    again = [event[:2] + event[3:] for event in sorted(whole(MONDAY, world), key=lambda event: event[:2])]
    assert again == [event[:2] + event[3:] for event in days if event.ticket.number.startswith(f"{MONDAY:%Y%m%d}")]
    assert len({event.id for event in days}) == len(days)


def test_every_life_keeps_to_the_table_and_ends(tickets: dict[str, Ticket]) -> None:
    assert Counter(reason for ticket in tickets.values() for reason in ticket.anomalies) == {}
    assert {ticket.state for ticket in tickets.values()} == {"closed", "rejected", "voided", "merged"}
    assert not [ticket for ticket in tickets.values() if ticket.plain]


def test_what_happens_happens_in_believable_shares(tickets: dict[str, Ticket], city: City, context: Context) -> None:
    number = len(tickets)
    rules = rules_of(city, context.places)
    closed = [ticket for ticket in tickets.values() if ticket.state == "closed"]
    share = {
        "closed": len(closed) / number,
        "returned": sum(t.returns > 0 for t in closed) / number,
        "extended": sum(bool(t.granted) for t in closed) / number,
        "suspended": sum(t.suspended is not None for t in closed) / number,
        "reworked": sum(t.reworks > 0 for t in closed) / number,
        "reopened": sum(t.reopened for t in closed) / number,
        "whistled": sum(t.whistled is not None for t in closed) / number,
        "answered": sum(t.answered is not None for t in closed) / number,
        "supervised": sum(t.supervised is not None for t in closed) / number,
        "exempted": sum(t.exempted for t in closed) / number,
        "asked": sum(t.solved is not None for t in closed) / number,
        "rated": sum(t.stars is not None for t in closed) / number,
        "on time": sum(on_time(t, rules) is True for t in closed) / len(closed),
        "solved": sum(t.solved is True for t in closed) / sum(t.solved is not None for t in closed),
    }
    bounds = {
        "closed": (0.93, 0.98), "returned": (0.03, 0.07), "extended": (0.01, 0.06), "suspended": (0.002, 0.03),
        "reworked": (0.03, 0.06), "reopened": (0.001, 0.02), "whistled": (0.01, 0.05), "answered": (0.005, 0.05),
        "supervised": (0.004, 0.03), "exempted": (0.0003, 0.01),
        "asked": (0.25, 0.4), "rated": (0.08, 0.2), "on time": (0.92, 0.98),
        "solved": (0.88, 0.98),
    }  # fmt: skip
    assert {name: value for name, value in share.items() if not bounds[name][0] <= value <= bounds[name][1]} == {}


def test_villages_and_towns_settle_most(tickets: dict[str, Ticket], city: City) -> None:
    closed = [ticket for ticket in tickets.values() if ticket.state == "closed"]
    below = sum(ticket.unit in city.rates.levels for ticket in closed)
    assert 0.7 < below / len(closed) < 0.95
    assert {ticket.unit for ticket in closed} >= set(city.rates.levels)


def test_nobody_inspects_at_night(days: list[Told], city: City) -> None:
    hours = Counter(
        (event.moment + 8 * 3_600_000) // 3_600_000 % 24 for event in days if event.kind in ("inspected", "called_back")
    )
    assert sum(hours[hour] for hour in (22, 23, 0, 1, 2, 3, 4, 5, 6)) == 0


def test_days_before_are_told_more_plainly(world: World) -> None:
    first = MONDAY - timedelta(days=2)
    lists = told(world, first, (0, ""), MONDAY - timedelta(days=1))
    before, after = next(lists), next(lists)
    assert {event.kind for event in before} == {"reported", "closed"}
    assert len({event.kind for event in after}) > 12
    plain = {event.ticket.number for event in before if event.kind == "reported"}
    assert {event.kind for event in after if event.ticket.number in plain} == {"closed"}
