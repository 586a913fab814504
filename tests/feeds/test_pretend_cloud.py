"""A simulated cloud: the same by seed, its links where they belong, a nightly backup, and one link that flaps."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from dashboard.board import Board
from dashboard.events import Event
from dashboard.nouns.clock import ClockTick
from dashboard.nouns.cloud import CloudSample
from dashboard.sources.feed import Context, rules_of
from feeds.pretend_cloud import FEED, Network, Settings
from feeds.pretend_cloud import told as samples
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
def network(settings: Settings, context: Context) -> Network:
    return Network(settings, context)


def told(settings: Settings, context: Context, until: datetime) -> list[Event]:
    return pretended.told(FEED, settings, context, reaches(until.timestamp() - 1))[0]


def test_a_first_start_tells_a_day_and_everything_is_known(settings: Settings, context: Context) -> None:
    past = told(settings, context, NOW)
    assert 9_000 < len(past) < 20_000
    assert len({event.id for event in past}) == len(past)
    board = Board(rules_of(context.city, context.places))
    board.take([*past, ClockTick(id="t", source="clock", time=NOW, wall=NOW)])
    root = context.places.root.code
    cloud, links = board.view("cloud", root)["data"], board.view("network", root)["data"]
    assert {kind: sum(states.values()) for kind, states in cloud["states"].items()} == {
        "host": 80, "link": 58, "service": 40,
    }  # fmt: skip
    assert sum(states["unknown"] for states in cloud["states"].values()) == 0
    assert 0.97 < links["availability"][0] / links["availability"][1] < 1
    assert all(link["start"] and link["end"] for link in links["links"])
    assert 40 <= len(links["peak"]["day"]) <= 48
    assert set(cloud["allocation"]) == {"cpu", "memory", "storage", "gpu"}
    assert cloud["allocation"]["storage"]["left_out"] == 1
    assert 0.4 < cloud["allocation"]["memory"]["used"] / cloud["allocation"]["memory"]["limit"] < 1
    certificates = board.view("certificates", root)["data"]
    assert certificates["total"] == 24
    assert certificates["grades"]["normal"] < 24
    assert board.view("network", "440605123")["data"]["total"] == 4, "two lines to the town, and its two offices"


def test_the_same_seed_and_moment_give_the_same_whatever_was_asked_before(
    settings: Settings, context: Context, network: Network
) -> None:
    other = Network(settings, context)
    samples(other, NOW.timestamp() + 9e6, NOW.timestamp() + 9e6 + 600)
    assert samples(other, NOW.timestamp(), NOW.timestamp() + 600) == samples(
        network, NOW.timestamp(), NOW.timestamp() + 600
    )


def test_ten_minutes_are_few_events_and_the_same_in_one_or_in_many_steps(network: Network) -> None:
    start = NOW.timestamp()
    steps = [event for at in range(0, 200, 5) for event in samples(network, start + at, start + at + 5)]
    assert len(steps) < 5 * 200
    assert steps == sorted(samples(network, start, start + 200), key=lambda event: (event.time, event.id))


def test_the_backup_is_at_night_and_one_spare_line_flaps_in_its_hours(network: Network) -> None:
    backup = next(link for link in network.links if link.end == "容灾中心")
    night, noon = datetime(2026, 11, 19, 18, 30, tzinfo=UTC), datetime(2026, 11, 20, 4, 30, tzinfo=UTC)
    assert network.load(backup, night.timestamp()) > 80 > 20 > network.load(backup, noon.timestamp())
    flapping = next(link for link in network.links if link.subject == network.flapping)
    assert flapping.name == "B"
    hour = datetime(2026, 11, 20, 2, 0, tzinfo=UTC).timestamp()
    states = [network.up(flapping, hour + 20 * at) for at in range(180)]
    falls = sum(before and not after for before, after in pairwise(states))
    assert 3 <= falls <= 6
    assert network.link(flapping, hour + 20 * states.index(False)) == {"up": 0.0}


def test_certificates_are_renewed_and_none_ends_for_long(network: Network) -> None:
    days = [NOW.timestamp() + 86_400 * day for day in range(0, 420, 5)]
    left = [(network.ends(thing, day) - day) / 86_400 for thing in network.certificates for day in days]
    assert -7 < min(left) < 15
    assert max(left) > 150
    assert 0.02 < sum(days < 30 for days in left) / len(left) < 0.2


def test_after_a_pause_it_goes_on_where_it_was(settings: Settings, context: Context) -> None:
    later = NOW + timedelta(minutes=30)
    first = told(settings, replace(context, cursor=f"{NOW.timestamp():.3f}", now=lambda: later), later)
    assert min(event.time for event in first) > NOW
    assert {event.resource for event in first if isinstance(event, CloudSample)} >= {"link", "host", "service", "pool"}
    assert max(Counter(event.id for event in first).values()) == 1
