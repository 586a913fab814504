"""The alarm clock: each step at its moment, once for each run of a ticket's clock, whatever order things come in."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.board import Board
from dashboard.events import Event
from dashboard.nouns.duty import Escalation, Step
from dashboard.nouns.escalation import AlarmClock, Due, alarm_of, view_steps
from dashboard.nouns.noun import Rules
from dashboard.nouns.tally import Tickets
from dashboard.nouns.ticketevents import (
    TicketAccepted,
    TicketDispatched,
    TicketExtended,
    TicketFiled,
    TicketResumed,
    TicketReturned,
    TicketSigned,
    TicketSuspended,
    TicketVerifying,
)
from tests.flow import START, closed, reported, rules, tick

HOUR = 3600.0
BEGAN = START.timestamp()
PLAN = Escalation(
    steps=(
        Step(name="half", at=0.5, to="handler"),
        Step(name="reminder", at="soon", to="handler"),
        Step(name="overdue", at="overdue", to="duty"),
        Step(name="leader", at=1.5, to="leader"),
        Step(name="mayor", at=3, to="mayor"),
    )
)
MOMENTS = {"half": 24, "reminder": 33.6, "overdue": 48, "leader": 72, "mayor": 144}  # Hours, by the limit of two days.


def town() -> Rules:
    return replace(rules(), escalation=PLAN)


def told(board: Board, *events: Event, now: float | None = None) -> dict[str, list[float]]:
    """What is due after the events, by ticket and step, in hours since the start."""
    board.take(list(events))
    tickets = cast(Tickets, board.slices["ticket"])
    found: dict[str, list[float]] = {}
    for due in alarm_of(tickets, board.now if now is None else now).news():
        found.setdefault(due.step, []).append(round((due.moment - BEGAN) / HOUR, 6))
    return found


def long_life(number: int, unit: str, at: float, name: str = "d") -> Event:
    return TicketDispatched(
        id=f"{number}-{name}", source="hotline", subject=str(number), time=START + timedelta(hours=at), unit=unit
    )


def make(kind: type[Event], name: str, at: float, **more: Any) -> Event:
    return kind(id=f"0-later-{name}", source="hotline", subject="0", time=START + timedelta(hours=at), **more)


def test_each_step_at_its_moment_and_once() -> None:
    board = Board(town())
    assert told(board, reported(0), tick(1)) == {}
    for step, hours in MOMENTS.items():
        assert told(board, tick(hours * HOUR - 1)) == {}
        assert told(board, tick(hours * HOUR + 1)) == {step: [hours]}
    assert told(board, tick(1000 * HOUR)) == {}


def test_the_first_look_gives_all_that_is_due() -> None:
    board = Board(town())
    assert told(board, reported(0), reported(1, time=START), closed(2), tick(50 * HOUR)) == {
        "half": [24, 24], "reminder": [33.6, 33.6], "overdue": [48, 48],
    }  # fmt: skip
    # A board that was built anew from a snapshot says the same again: whoever sends knows them.
    again = Board.restore(town(), board.dump())
    assert told(again)["overdue"] == [48, 48]


def test_what_is_closed_is_nobody_s_business() -> None:
    board = Board(town())
    told(board, reported(0), tick(40 * HOUR))
    assert told(board, closed(0, after=41 * 60.0), tick(100 * HOUR)) == {}
    assert view_steps(cast(Tickets, board.slices["ticket"]), "T", board.now)["n"] == 0


def test_pauses_and_extensions_put_steps_off() -> None:
    board = Board(town())
    told(board, reported(0), make(TicketFiled, "f", 0), long_life(0, "east", 0), tick(30 * HOUR))
    paused = make(TicketSuspended, "s", 30.5, until=START + timedelta(hours=500))
    assert told(board, paused, tick(200 * HOUR)) == {}
    # 30.5 of 48 hours used; resumed at 230: yellow 3.1 hours later, and red after 17.5.
    assert told(board, make(TicketResumed, "r", 230), tick(234 * HOUR)) == {"reminder": [233.1]}
    # Extended to 96 hours: yellow has been said, and red comes 48 hours later.
    assert told(board, make(TicketExtended, "e", 235, granted=True), tick(290 * HOUR)) == {}
    assert told(board, tick(300 * HOUR)) == {"overdue": [295.5]}


def test_another_unit_gets_steps_of_its_own() -> None:
    board = Board(town())
    events = [reported(0), make(TicketFiled, "f", 0), long_life(0, "east", 0)]
    assert set(told(board, *events, tick(40 * HOUR))) == {"half", "reminder"}
    assert told(board, long_life(0, "west", 40, "again"), tick(41 * HOUR)) == {}
    assert told(board, tick(65 * HOUR)) == {"half": [64]}
    tickets = cast(Tickets, board.slices["ticket"])
    (due,) = alarm_of(tickets, board.now).of("hotline|0")
    assert (due.unit, due.run) == ("west", BEGAN + 40 * HOUR)


def test_the_desk_sees_what_is_due() -> None:
    board = Board(town())
    told(board, reported(0, "A1"), reported(1, "B", time=START + timedelta(hours=20)), tick(50 * HOUR))
    tickets = cast(Tickets, board.slices["ticket"])
    here, there = view_steps(tickets, "T", board.now), view_steps(tickets, "B", board.now)
    assert [[name, n] for name, _, n in here["steps"]] == [
        ["half", 2], ["reminder", 1], ["overdue", 1], ["leader", 0], ["mayor", 0],
    ]  # fmt: skip
    assert here["n"] == 4
    assert [row["step"] for row in here["rows"]] == ["overdue", "half", "reminder", "half"]  # The latest first.
    assert [row["key"] for row in there["rows"]] == ["hotline|1"]


def test_without_an_escalation_the_desk_sees_the_usual_steps() -> None:
    board = Board(rules())
    board.take([reported(0), tick(50 * HOUR)])
    shown = board.view("steps", "T")["data"]
    assert [name for name, _, n in shown["steps"] if n] == ["reminder", "overdue"]


EARLY = Escalation(
    steps=(
        Step(name="soon", clock="accept", at="soon", to="intake"),
        Step(name="late", clock="accept", at="overdue", to="intake"),
        Step(name="send", clock="dispatch", at="overdue", to="dispatcher"),
        Step(name="later", clock="dispatch", at=2, to="leader"),
        Step(name="sign", clock="sign", at=1, to="handler"),
        Step(name="overdue", at="overdue", to="duty"),
    )
)


def test_the_clocks_before_the_handling_have_steps_of_their_own() -> None:
    """To accept and to dispatch may take a quarter of an hour, to sign a day; a return starts the dispatch anew."""
    board = Board(replace(rules(), escalation=EARLY))
    tickets = cast(Tickets, board.slices["ticket"])

    def after(minutes: float, *events: Event) -> dict[str, list[float]]:
        found = told(board, *events, tick(60 * minutes))
        return {step: [round(60 * at, 3) for at in moments] for step, moments in found.items()}

    def at(kind: type[Event], minutes: float, **more: Any) -> Event:
        return make(kind, f"{kind.__name__}-{minutes:g}", minutes / 60, **more)

    assert after(10.4, reported(0), at(TicketVerifying, 1)) == {}
    assert after(10.6) == {"soon": [10.5]}
    assert after(15.1) == {"late": [15]}
    assert [due.clock for due in alarm_of(tickets, board.now).of("hotline|0")] == ["accept", "accept"]
    assert after(16, at(TicketAccepted, 15.5), at(TicketFiled, 15.8)) == {}
    assert alarm_of(tickets, board.now).of("hotline|0") == [], "it was accepted, if late"
    assert after(31) == {"send": [30.8]}
    assert after(46) == {"later": [45.8]}
    first = {due.step: due.id for due in alarm_of(tickets, board.now).of("hotline|0")}
    assert after(59 + 24 * 60, at(TicketDispatched, 60, unit="east")) == {}
    assert after(61 + 24 * 60) == {"sign": [60 + 24 * 60]}
    assert after(2000, at(TicketReturned, 1900, why="not ours")) == {"send": [1915], "later": [1930]}
    again = {due.step: due.id for due in alarm_of(tickets, board.now).of("hotline|0")}
    assert again.keys() == first.keys() == {"send", "later"}
    assert not set(again.values()) & set(first.values()), "the clock runs anew, and its steps are others"
    assert after(2001, at(TicketDispatched, 2000.5, unit="east"), at(TicketSigned, 2000.8)) == {}
    assert alarm_of(tickets, board.now).of("hotline|0") == []


def test_steps_of_two_clocks_that_began_together_are_two() -> None:
    """A step's name may not be given twice, but a city file may be changed: what was sent of another clock is other."""
    moment = BEGAN + 60
    ids = {Due("a|1", BEGAN, "late", moment, "x", "", "", "", "", moment, clock).id for clock in
           ("handle", "accept", "dispatch", "sign")}  # fmt: skip
    assert len(ids) == 4
    assert Due("a|1", BEGAN, "late", moment, "x", "", "", "", "", moment).id == f"a|1|{BEGAN:.6f}|late"


lives = st.lists(
    st.tuples(st.integers(0, 5), st.sampled_from(["report", "close", "dispatch"]), st.integers(0, 120)), max_size=25
)


@settings(max_examples=60, deadline=None)
@given(lives, st.lists(st.integers(1, 130), max_size=8), st.randoms(use_true_random=False))
def test_looking_often_finds_what_looking_once_finds(
    lived: list[tuple[int, str, int]], looks: list[int], chance: Any
) -> None:
    """In whatever order and however often things come: the steps in the end are the same, and none is told twice."""
    events: list[Event] = []
    for at, (number, what, hours) in enumerate(lived):
        moment = START + timedelta(hours=hours)
        if what == "report":
            events.append(reported(number, time=START + timedelta(hours=number)))
        elif what == "close":
            events.append(closed(number, time=moment))
        else:
            events.append(long_life(number, f"unit{at}", hours, f"d{at}"))
    once = Board(town())
    once.take([*events, tick(140 * HOUR)])
    often = Board(town())
    tickets = cast(Tickets, often.slices["ticket"])
    chance.shuffle(events)
    seen: list[Due] = []
    for at in sorted(looks):
        often.take([*events[: len(events) // 2], tick(at * HOUR)])
        events = events[len(events) // 2 :]
        seen += alarm_of(tickets, often.now).news()
    often.take([*events, tick(140 * HOUR)])
    clock = alarm_of(tickets, often.now)
    seen += clock.news()
    assert set(clock.due()) == set(alarm_of(cast(Tickets, once.slices["ticket"]), once.now).due())
    assert {due.id for due in clock.due()} <= {due.id for due in seen}
    assert view_steps(tickets, "T", often.now) == view_steps(cast(Tickets, once.slices["ticket"]), "T", once.now)


@pytest.mark.parametrize("at", ["soon", "overdue", 0.25, 1.0, 4.0])
def test_a_step_s_name_is_its_own(at: Any) -> None:
    plan = replace(town(), escalation=Escalation(steps=(Step(name="x", at=at, to="y"),)))
    board = Board(plan)
    board.take([reported(0), reported(1), tick(400 * HOUR)])
    clock = AlarmClock(plan)
    tickets = cast(Tickets, board.slices["ticket"])
    clock.look(tickets.tickets, tickets.tally("T").open, board.now)
    assert len({due.id for due in clock.due()}) == 2
