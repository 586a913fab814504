"""The cloud and the network: states, availability, allocation and certificates, each with its denominator."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from dashboard.board import Board
from dashboard.nouns.cloud import SLOTS, Cloud, CloudSample
from dashboard.nouns.cloudviews import (
    view_certificates,
    view_cloud,
    view_links,
    view_network,
    view_pools,
    view_services,
)
from tests.flow import rules

T0 = datetime(2026, 3, 1, 4, 0, tzinfo=UTC)


def sample(minute: float, value: float, subject: str = "h1", **more: Any) -> CloudSample:
    given: dict[str, Any] = {
        "source": "prom", "subject": subject, "time": T0 + timedelta(minutes=minute), "resource": "host",
        "metric": "up", "value": value, "place": "A1",
    }  # fmt: skip
    made = {**given, **more}
    return CloudSample(id=f"{subject}:{made['metric']}:{minute}", **made)


def cloud(*samples: CloudSample) -> Cloud:
    board = Cloud(rules())
    for event in samples:
        board.fold(event)
    return board


def after(minutes: float) -> float:
    return (T0 + timedelta(minutes=minutes)).timestamp()


def test_unknown_is_not_down() -> None:
    board = cloud(sample(0, 1), sample(0, 0, "h2"), sample(-10, 1, "h3"))
    assert view_cloud(board, "T", after(1))["states"]["host"] == {"up": 1, "down": 1, "unknown": 1}
    assert view_cloud(board, "T", after(6))["states"]["host"] == {"up": 0, "down": 0, "unknown": 3}
    assert [row["state"] for row in view_links(board, "A1", after(1))["links"]] == ["down", "unknown", "up"]


def test_availability_is_of_the_slots_that_were_sampled() -> None:
    board = cloud(*[sample(minute, 0 if 20 <= minute < 30 else 1) for minute in range(60)])
    assert view_cloud(board, "T", after(61))["availability"]["host"] == [10, 12]
    assert view_cloud(board, "T", after(61))["availability"]["link"] == [0, 0]
    assert view_cloud(board, "T", after(61 + 1440))["availability"]["host"] == [0, 0]


def pool(value: float, limit: float | None, subject: str, unit: str = "GiB") -> CloudSample:
    return sample(0, value, subject, resource="pool", metric="memory", limit=limit, unit=unit)


def test_allocation_leaves_out_what_has_no_denominator() -> None:
    board = cloud(pool(80, 100, "p1"), pool(10, None, "p2"), pool(90, 100, "p3"), pool(1, 2, "p4", "TiB"))
    found = view_cloud(board, "T", after(1))["allocation"]["memory"]
    assert found == {"used": 170, "limit": 200, "unit": "GiB", "pools": 2, "left_out": 2, "grade": "warn"}
    assert view_cloud(board, "T", after(9))["allocation"]["memory"]["grade"] == "none"


@pytest.mark.parametrize(
    ("days", "grade"),
    [(-1, "ended"), (0, "ended"), (1, "alarm"), (7, "alarm"), (8, "warn"), (30, "warn"), (31, "normal")],
)  # fmt: skip
def test_certificates_near_their_end(days: float, grade: str) -> None:
    ends = after(0) + 86400 * days
    board = cloud(sample(0, ends, "site", resource="certificate", metric="expires"))
    found = view_certificates(board, "T", after(0))
    assert found["grades"][grade] == 1
    assert (found["certificates"][0]["grade"], found["certificates"][0]["days"]) == (grade, days)


def test_the_order_of_arrival_never_decides() -> None:
    chance = random.Random(3)
    events = [
        sample(minute, chance.choice([0, 1, 90]), f"h{minute % 4}", place=chance.choice(["A1", "B"]), **link)
        for minute in range(0, SLOTS * 5 + 200, 3)
        for link in ({}, {"resource": "link", "metric": chance.choice(["up", "load", "loss"])})
    ]
    first = cloud(*events)
    for _ in range(5):
        chance.shuffle(events)
        other = cloud(*events, *events[:30])
        for view in (view_cloud, view_links, view_certificates, view_network, view_services, view_pools):
            assert view(other, "B", after(1700)) == view(first, "B", after(1700))


def test_it_comes_back_from_a_snapshot() -> None:
    board = Board(rules())
    board.take([*[sample(minute, 1) for minute in range(30)], pool(1, 2, "p1")])
    again = Board.restore(rules(), board.dump())
    for view in ("cloud", "links", "certificates", "network", "services", "pools"):
        assert again.view(view, "A") == board.view(view, "A")


def link(minute: float, metric: str, value: float, subject: str = "l1", **more: Any) -> CloudSample:
    return sample(minute, value, subject, resource="link", metric=metric, start="core", end=subject, **more)


@pytest.mark.parametrize(("metric", "value", "grade"), [
    ("latency", 0.049, "normal"), ("latency", 0.05, "warn"), ("latency", 0.2, "alarm"),
    ("loss", 0.9, "normal"), ("loss", 1, "warn"), ("loss", 5, "alarm"),
    ("load", 79.9, "normal"), ("load", 80, "warn"), ("load", 95, "alarm"), ("up", 0, "down"),
])  # fmt: skip
def test_a_link_is_as_bad_as_the_worst_that_is_measured_of_it(metric: str, value: float, grade: str) -> None:
    board = cloud(link(-1, "up", 1), link(0, "latency", 0.001), link(0.5, metric, value))
    found = view_network(board, "T", after(1))
    assert (found["grades"][grade], found["total"]) == (1, 1)
    assert view_network(board, "T", after(9))["grades"]["unknown"] == 1, "what is old says nothing any more"
    assert view_network(board, "T", after(9))["links"][0]["metrics"] == {}


def test_what_is_down_is_down_since_it_was_seen_up_last() -> None:
    states = [1, 1, 0, 0, 1, 1, 0, 0, 0]
    board = cloud(*[link(5 * at, "up", up) for at, up in enumerate(states)], link(1, "up", 0, "l2"))
    (first,) = [row for row in view_network(board, "T", after(41))["links"] if row["subject"] == "l1"]
    assert (first["grade"], first["since"], first["falls"]) == ("down", after(25), 2)
    assert first["availability"] == [4, 9]
    (other,) = [row for row in view_network(board, "T", after(2))["links"] if row["subject"] == "l2"]
    assert other["since"] is None, "nobody has ever seen it up"


def test_the_busiest_link_tells_its_day_in_half_hours() -> None:
    told = [link(minute, "load", 50 if minute == 30 else 20) for minute in range(0, 90, 10)]
    found = view_network(cloud(*told, link(80, "load", 19, "l2"), link(80, "up", 1)), "T", after(81))
    assert found["peak"]["subject"] == "l1"
    assert [load for _, load in found["peak"]["day"]] == [20, 50, 20]
    assert view_network(cloud(*told), "T", after(81 + 24 * 60))["peak"] is None


def test_services_and_hosts_are_counted_each_for_itself() -> None:
    board = cloud(sample(0, 1), sample(0, 0, "h2"), sample(0, 1, "s1", resource="service"), link(0, "up", 0))
    found = view_services(board, "T", after(1))
    assert (found["host"]["total"], found["host"]["grades"]["down"], found["service"]["total"]) == (2, 1, 1)
    assert found["host"]["availability"] == [1, 2]
    assert [row["subject"] for row in found["services"]] == ["h2", "h1", "s1"]


def test_a_pool_says_why_a_figure_of_it_is_in_no_sum() -> None:
    board = cloud(pool(80, 100, "p1"), pool(10, None, "p2"), pool(1, 2, "p3", "TiB"))
    found = view_pools(board, "T", after(1))
    assert [row["cells"]["memory"]["out"] for row in found["pools"]] == ["", "no_limit", "unit"]
    assert found["allocation"]["memory"]["left_out"] == 2
    assert {row["cells"]["memory"]["out"] for row in view_pools(board, "T", after(9))["pools"]} == {"old"}


def test_things_of_an_older_snapshot_are_taken_back() -> None:
    board = cloud(link(0, "up", 1), link(0, "load", 5))
    older = [msgspec.to_builtins(thing)[:-4] for thing in board.things.values()]
    again = Cloud(rules())
    again.load(msgspec.msgpack.decode(msgspec.msgpack.encode(older)))
    assert view_cloud(again, "T", after(1)) == view_cloud(board, "T", after(1))
    again.fold(link(2, "up", 0))
    assert view_network(again, "T", after(3))["grades"]["down"] == 1
