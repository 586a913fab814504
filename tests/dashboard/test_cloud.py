"""The cloud and the network: states, availability, allocation and certificates, each with its denominator."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dashboard.board import Board
from dashboard.cloud import SLOTS, Cloud, CloudSample
from dashboard.cloudviews import view_certificates, view_cloud, view_links
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
        sample(minute, chance.choice([0, 1]), f"h{minute % 4}", place=chance.choice(["A1", "B"]))
        for minute in range(0, SLOTS * 5 + 200, 3)
    ]
    first = cloud(*events)
    for _ in range(5):
        chance.shuffle(events)
        other = cloud(*events, *events[:30])
        for view in (view_cloud, view_links, view_certificates):
            assert view(other, "B", after(1700)) == view(first, "B", after(1700))


def test_it_comes_back_from_a_snapshot() -> None:
    board = Board(rules())
    board.take([*[sample(minute, 1) for minute in range(30)], pool(1, 2, "p1")])
    again = Board.restore(rules(), board.dump())
    for view in ("cloud", "links", "certificates"):
        assert again.view(view, "A") == board.view(view, "A")
