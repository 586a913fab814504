"""The tickets day by day: what stood open as each day ended is what the board said then."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from dashboard.board import Board
from dashboard.events import Event
from dashboard.nouns.clock import ClockTick
from tests.lives import KINDS, RULES, moment, told

DAY = 1440  # Minutes.
MIDNIGHT = 15 * 60  # Of Shanghai, in minutes after the start.


def view(events: Sequence[Event], minutes: float, place: str = "d") -> dict[str, Any]:
    """The board's view so many minutes after the start, of what had happened by then."""
    board = Board(RULES)
    now = moment(minutes)
    board.take([*(one for one in events if one.time < now), ClockTick(id="t", source="clock", time=now, wall=now)])
    found: dict[str, Any] = board.view("days", place)["data"] | {"now": board.view("tickets", place)["data"]["open"]}
    return found


def wild(seed: int) -> list[Event]:
    """Lives of forty tickets over ten days, in any order of steps, so that many do not fit.

    None is amended: that may move one to another place, and it then counts there as if it had always been there.
    """
    chance = random.Random(seed)
    kinds = sorted(set(KINDS) - {"reported", "reported_in", "amended"})
    events: list[Event] = []
    for number in range(40):
        at = chance.uniform(0, 9 * DAY)
        place = {"place": chance.choice(["a1", "a2", "b", ""])}
        events.append(told("reported", at, str(number), **place))
        for _ in range(chance.randrange(9)):
            at += chance.uniform(1, DAY)
            kind = chance.choice([*kinds, "closed", "called_back", "dispatched"])
            more = {"reopen": True, "satisfied": False} if kind == "called_back" else {}
            events.append(told(kind, at, str(number), **more))
    return events


def test_what_stood_open_is_worked_back_exactly() -> None:
    for seed in range(4):
        events = wild(seed)
        for place in ("d", "a"):
            found = view(events, 10 * DAY, place)["open"]
            then = [view(events, MIDNIGHT + day * DAY, place)["now"] for day in range(10)]
            assert found[-len(then) - 1 : -1] == then, f"seed {seed}, {place}"
            assert len(found) == 14


def test_each_day_has_its_own_reports_closures_and_deadlines() -> None:
    events = [
        told("reported", 0, "1", place="a1"), told("dispatched", 5, "1"), told("done", 60, "1"),
        told("inspected", 70, "1"), told("closed", 80, "1"),
        told("reported", DAY, "2", place="b"), told("dispatched", DAY + 5, "2"),
        told("reported", 2 * DAY - 700, "3", place="b"),
    ]  # fmt: skip
    found = view(events, 2 * DAY)
    assert found["reported"][-3:] == [1, 2, 0], "the third comes before midnight"
    assert found["closed"][-3:] == [1, 0, 0]
    assert found["due"][-3:] == [[1, 1], [0, 2], [0, 0]]
    assert found["open"][-3:] == [0, 2, 2]
    assert found["places"]["a"]["due"] == [1, 1]
    assert (found["places"]["b"]["open"], found["places"]["b"]["late"]) == (2, 2)
    assert [row["number"] for row in found["late"]] == ["2", "3"]


def test_what_is_due_later_today_is_not_held_against_anybody() -> None:
    events = [told("reported", 0, "1", place="a1"), told("dispatched", 5, "1")]
    early = view(events, 20)
    assert early["due"][-1] == [0, 0]
    assert [row["number"] for row in early["soon"]] == ["1"]
    assert early["late"] == []
    assert early["places"]["a"]["hour"] == 0
    assert view(events, 70)["places"]["a"]["hour"] == 1


def test_a_deadline_is_missed_once_on_its_own_day() -> None:
    """Two hours from each dispatch, five minutes after the start of a day."""

    def missed(minutes: float, *after: Event) -> list[int]:
        sent = [told("reported", 0, "1", place="a1"), told("dispatched", 5, "1")]
        found: list[int] = view([*sent, *after], minutes)["missed"]
        assert len(found) == 14
        return found[-3:]

    assert missed(124.9) == [0, 0, 0], "it is not due yet"
    assert missed(125.1) == [0, 0, 1]
    late = [told("done", DAY, "1"), told("inspected", DAY + 10, "1")]
    assert missed(DAY + 30, *late) == [0, 1, 0], "and waits for inspection"
    closed = told("closed", 2 * DAY, "1")
    assert missed(2 * DAY + 30, *late, closed) == [1, 0, 0], "on the day of its closing it is due again, not missed"
    assert view([told("reported", 0, "1"), told("dispatched", 5, "1"), *late, closed], 2 * DAY + 30)["due"][-3:] == [
        [0, 1], [0, 0], [0, 1],
    ]  # fmt: skip
    assert missed(2 * DAY + 30, *late, closed, told("exempted", 2 * DAY + 20, "1")) == [0, 0, 0]
    assert missed(DAY, told("done", 60, "1")) == [0, 0, 0], "handed in before it, inspected or not"
    assert missed(DAY, told("voided", 60, "1", why="twice")) == [0, 0, 0]
