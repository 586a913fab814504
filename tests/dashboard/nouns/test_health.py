"""A feed's health: live, late, silent, failing and never look different, and each turns at its moment."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from dashboard.nouns.health import FeedBeat, Health, state_of, view_feeds
from dashboard.nouns.noun import FeedRule, Rules
from dashboard.places import Place, PlaceTree

T0 = datetime(2026, 11, 21, tzinfo=UTC)
POLLED = FeedRule("polled", "file", ("ticket",), 20.0)
PUSHED = FeedRule("pushed", "cloudevents", ("ticket",), None)


def beat(after: float, *, success: float | None = None, error: str = "", done: bool = False) -> FeedBeat:
    heard = None if success is None else T0 + timedelta(seconds=success)
    return FeedBeat(
        id=str(after),
        source="house",
        subject="polled",
        time=T0 + timedelta(seconds=after),
        last_success=heard,
        error=error,
        done=done,
    )


@pytest.mark.parametrize(
    ("rule", "said", "at", "state"),
    [
        (POLLED, None, 0, "never"),
        (POLLED, beat(0), 1, "never"),
        (POLLED, beat(0, error="refused"), 1, "failing"),
        (POLLED, beat(29, success=0), 30, "live"),
        (POLLED, beat(30, success=0), 31, "late"),
        (POLLED, beat(60, success=0), 60, "late"),
        (POLLED, beat(60, success=0), 61, "silent"),
        (POLLED, beat(30, success=29, error="refused"), 30, "failing"),
        (POLLED, beat(500, success=0, done=True), 501, "live"),
        (PUSHED, beat(0), 1, "live"),
        (PUSHED, beat(0), 11, "silent"),  # Its process says nothing any more.
    ],
)
def test_the_states(rule: FeedRule, said: FeedBeat | None, at: float, state: str) -> None:
    assert state_of(rule, said, (T0 + timedelta(seconds=at)).timestamp()) == state


def test_the_last_beat_to_come_counts_whatever_its_clock_says() -> None:
    rules = Rules(PlaceTree.of([Place("d", "D", "district")]), ZoneInfo("UTC"), feeds=(POLLED, PUSHED))
    early, late, ahead = beat(0, success=0), beat(4, success=3), beat(3600, success=3600)
    for order in ((early, late), (late, early, late), (early, ahead, late)):
        health = Health(rules)
        for said in order:
            health.fold(said)
        assert health.beats == {"polled": late}
        again = Health(rules)
        again.load(health.dump())
        rows = view_feeds(again, "d", T0.timestamp() + 5)["feeds"]
        assert [(row["name"], row["state"]) for row in rows] == [("polled", "live"), ("pushed", "never")]
