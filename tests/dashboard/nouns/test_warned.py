"""Warnings in force: the latest word counts, whatever came in which order, for the places it concerns."""

from __future__ import annotations

import itertools
from datetime import timedelta
from typing import Any

import msgspec

from dashboard.events import Event
from dashboard.nouns.warned import WarningIssued, WarningLifted, Warnings, view_warnings
from tests.flow import START, rules


def issued(minute: float, level: int, place: str = "A", subject: str = "rain", **more: Any) -> WarningIssued:
    time = START + timedelta(minutes=minute)
    return WarningIssued(
        id=f"{subject}:{minute}",
        source="w",
        subject=subject,
        time=time,
        what="rainstorm",
        level=level,
        place=place,
        **more,
    )


def lifted(minute: float, subject: str = "rain") -> WarningLifted:
    return WarningLifted(id=f"{subject}:{minute}", source="w", subject=subject, time=START + timedelta(minutes=minute))


def board(*events: Event) -> Warnings:
    found = Warnings(rules())
    for event in events:
        found.fold(event)
    return found


def after(minutes: float) -> float:
    return (START + timedelta(minutes=minutes)).timestamp()


def test_raised_lowered_and_lifted_in_any_order_any_number_of_times() -> None:
    events = [issued(0, 4), issued(10, 2), issued(20, 3), lifted(30), issued(40, 1)]
    for order in itertools.permutations(events):
        view = view_warnings(board(*order, *order), "T", after(50))
        assert [(row["level"], row["colour"], row["since"]) for row in view["warnings"]] == [(1, "red", after(40))]
    assert view_warnings(board(*events[:4]), "T", after(50)) == {"warnings": [], "level": None}


def test_the_worst_comes_first_and_each_concerns_what_lies_above_and_below_it() -> None:
    found = board(
        issued(0, 3, "A", "one"), issued(1, 2, "B", "two"), issued(2, 4, "T", "three"), issued(3, 1, "", "four"),
        issued(4, 2, "elsewhere", "five"),
    )  # fmt: skip
    assert [row["key"] for row in view_warnings(found, "T", after(9))["warnings"]] == [
        "w|four", "w|five", "w|two", "w|one", "w|three",
    ]  # fmt: skip
    assert {row["key"] for row in view_warnings(found, "A1", after(9))["warnings"]} == {
        "w|one",
        "w|three",
        "w|four",
        "w|five",
    }


def test_one_ends_by_itself_and_one_that_is_ahead_is_not_in_force_yet() -> None:
    found = board(issued(0, 2, until=START + timedelta(minutes=30)), issued(60, 1, subject="later"))
    assert len(view_warnings(found, "T", after(20))["warnings"]) == 1
    assert view_warnings(found, "T", after(30))["warnings"] == []


def test_a_clock_that_is_put_right_takes_back_what_it_stamped_ahead() -> None:
    found = Warnings(rules())
    found.advance(after(600))
    found.fold(issued(600, 2))
    found.advance(after(10))
    assert view_warnings(found, "T", after(10))["level"] == 2
    found.fold(lifted(11))
    assert view_warnings(found, "T", after(11))["level"] is None


def test_it_comes_back_from_a_snapshot() -> None:
    first, second = board(issued(0, 2), issued(1, 4, "B", "two")), Warnings(rules())
    second.load(msgspec.msgpack.decode(msgspec.msgpack.encode(first.dump())))
    assert view_warnings(second, "T", after(5)) == view_warnings(first, "T", after(5))
