"""A leader's instruction: given, reported done, sent back, closed, whatever the order in which that arrives."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.board import CODEC, Board
from dashboard.events import pack, pack_batch
from dashboard.nouns.clock import ClockTick
from dashboard.nouns.instructions import (
    ROWS,
    Instruction,
    InstructionClosed,
    InstructionEvent,
    InstructionGiven,
    InstructionReported,
    InstructionReturned,
    Instructions,
    InstructionWithdrawn,
    lived,
    view_instructions,
)
from dashboard.nouns.noun import Rules
from dashboard.places import Place, PlaceTree

START = datetime(2026, 11, 20, 1, 0, tzinfo=UTC)
PLACES = PlaceTree.of([Place("C", "市", "city", None), Place("A", "甲", "town", "C"), Place("B", "乙", "town", "C")])
RULES = Rules(places=PLACES, zone=ZoneInfo("Asia/Shanghai"))
HOUR = 3600.0


def act(kind: type[InstructionEvent], hours: float, name: str = "", **data: Any) -> Any:
    """What somebody does some hours after the start; the event's id is its name."""
    by = {"by": "区长"} if "by" not in data else {}
    about = {"subject": "hotline|7", "instruction": "i1", "source": "desk"} | by | data
    return kind(id=name or f"{kind.__name__}{hours}", time=START + timedelta(hours=hours), **about)


def first(**data: Any) -> InstructionGiven:
    """An instruction with ten hours to go."""
    about: dict[str, Any] = {
        "to": "排水公司",
        "text": "今日内查清堵塞原因",
        "due": START + timedelta(hours=10),
        "place": "A",
    } | data
    given_: InstructionGiven = act(InstructionGiven, 0, **about)
    return given_


LIFE = [
    first(title="排水口堵塞"),
    act(InstructionReported, 4, by="排水公司", comment="已清掏"),
    act(InstructionReturned, 5, why="下游仍堵", due=START + timedelta(hours=20)),
    act(InstructionReported, 19, by="排水公司", comment="全线疏通，附照片"),
    act(InstructionClosed, 21, comment="好"),
]


def view(events: list[Any], hours: float, place: str = "C") -> Any:
    """The view some hours after the start."""
    board = Instructions(RULES)
    for event in events:
        board.fold(event)
    now = (START + timedelta(hours=hours)).timestamp()
    board.advance(now)
    return view_instructions(board, place, now)


def test_it_goes_out_comes_back_is_sent_back_and_closed() -> None:
    states = [lived(LIFE[:n]).state for n in range(1, 6)]
    assert states == ["given", "reported", "given", "reported", "closed"]
    one = lived(LIFE)
    assert (one.to, one.by, one.returns, one.why) == ("排水公司", "区长", 1, "下游仍堵")
    assert one.answer == "全线疏通，附照片"
    assert one.on_time, "by the deadline it was given when it was sent back"
    assert [step[1] for step in one.steps] == ["given", "reported", "returned", "reported", "closed"]
    assert not one.anomalies


@given(st.permutations(LIFE), st.lists(st.sampled_from(LIFE), max_size=4))
@settings(max_examples=60, deadline=None)
def test_the_order_and_the_number_of_deliveries_do_not_matter(order: list[Any], again: list[Any]) -> None:
    board = Instructions(RULES)
    for event in [*order, *again]:
        board.fold(event)
    assert board.all == {"i1": lived(LIFE)}
    straight = Instructions(RULES)
    for event in LIFE:
        straight.fold(event)
    assert board.dump() == straight.dump()


def test_what_does_not_fit_changes_nothing_and_is_kept_as_an_anomaly() -> None:
    early = [LIFE[0], act(InstructionClosed, 1), act(InstructionReturned, 2, why="?")]
    one = lived(early)
    assert one.state == "given"
    assert one.anomalies == ("closed_while_given", "returned_while_given")
    assert view(early, 3)["anomalies"] == 2
    assert lived([*LIFE, act(InstructionReported, 30, comment="再报")]).state == "closed"


def test_without_the_instruction_itself_nothing_is_shown() -> None:
    found = view(LIFE[1:], 30)
    assert (found["instructions"], found["ended"], found["open"]) == ([], [], 0)


def test_the_lights_turn_with_the_deadline_as_those_of_tickets_do() -> None:
    lights = [view(LIFE[:1], hours)["instructions"][0]["light"] for hours in (1, 7.5, 10.5, 20.5)]
    assert lights == ["normal", "soon", "overdue", "worst"]
    back = view(LIFE[:2], 30)["instructions"][0]
    assert (back["light"], back["state"], back["on_time"]) == ("none", "reported", True)
    late = [LIFE[0], act(InstructionReported, 11, comment="已办")]
    assert view(late, 12)["instructions"][0]["on_time"] is False


def test_it_counts_at_its_place_and_above_and_one_without_a_place_in_the_city() -> None:
    assert [view(LIFE[:1], 1, place)["open"] for place in ("A", "B", "C")] == [1, 0, 1]
    nowhere = [first(place="gone")]
    assert [view(nowhere, 1, place)["open"] for place in ("A", "C")] == [0, 1]


def test_what_came_back_stands_behind_what_is_late_and_before_what_runs() -> None:
    def another(name: str, hours: float) -> InstructionGiven:
        return first(instruction=name, name=name, due=START + timedelta(hours=hours))

    events = [another("runs", 90), another("late", 2), another("back", 50), another("soon", 6)]
    events.append(act(InstructionReported, 3, instruction="back", comment="已办"))
    found = view(events, 5)
    assert [row["id"] for row in found["instructions"]] == ["late", "back", "soon", "runs"]
    assert (found["open"], found["back"], found["late"]) == (4, 1, 1)


def test_late_ones_and_who_was_asked_are_counted_beyond_those_that_are_listed() -> None:
    def another(name: str, given_at: float, due: float, **more: Any) -> InstructionGiven:
        due_at = START + timedelta(hours=due)
        made: InstructionGiven = act(
            InstructionGiven, given_at, name, instruction=name, **{"to": "甲", "text": "查", "due": due_at, **more}
        )
        return made

    short = [another(f"s{number}", 90, 91) for number in range(ROWS + 5)]  # Long overdue: they fill the list.
    found = view([*short, another("slow", 0, 80, to="乙")], 100)
    assert len(found["instructions"]) == ROWS
    assert "slow" not in [row["id"] for row in found["instructions"]]
    assert (found["open"], found["late"], found["first"]["id"]) == (ROWS + 6, ROWS + 6, "slow")
    assert found["to"] == {"乙": 1, "甲": ROWS + 5}
    assert (view([], 1)["first"], view([], 1)["to"]) == (None, {})


def test_closed_ones_are_told_for_a_week_and_counted_for_thirty_days() -> None:
    assert view(LIFE, 22)["on_time"] == [1, 1]
    assert [row["state"] for row in view(LIFE, 22)["ended"]] == ["closed"]
    assert (view(LIFE, 24 * 9)["ended"], view(LIFE, 24 * 9)["on_time"]) == ([], [1, 1])
    assert view(LIFE, 24 * 40)["on_time"] == [0, 0]
    gone = [LIFE[0], act(InstructionWithdrawn, 1, why="已由市里督办")]
    assert view(gone, 2)["ended"][0]["why"] == "已由市里督办"
    assert view(gone, 2)["on_time"] == [0, 0]


def test_a_telephone_number_in_what_is_said_is_masked() -> None:
    one = lived([first(text="请回复来电人 13800138000"), act(InstructionReported, 1, comment="已致电 138-0013-8000")])
    assert "13800138000" not in one.text
    assert "0013" not in one.answer


def test_a_board_takes_it_up_and_gives_it_back() -> None:
    board = Board(RULES)
    board.fold("desk", 1, pack_batch([pack(event) for event in LIFE[:2]]))
    tick = ClockTick(id="1", source="clock", time=START + timedelta(hours=6), wall=START)
    board.take([tick])
    again = Board.restore(RULES, board.dump())
    assert again.view("instructions", "A")["data"] == board.view("instructions", "A")["data"]
    assert again.view("instructions", "A")["data"]["back"] == 1
    assert isinstance(lived(LIFE[:1]), Instruction)


def test_an_empty_text_or_a_missing_deadline_is_refused_by_name() -> None:
    envelope = {"id": "x", "source": "desk", "time": "2026-11-20T01:00:00Z", "subject": "hotline|7"}
    data = {"instruction": "i1", "by": "区长", "to": "排水公司", "text": "查", "due": "2026-11-21T01:00:00Z"}
    assert CODEC.typed("instruction.given", envelope, data).kind == "instruction.given"
    for name in ("text", "to", "by", "instruction"):
        for broken in ({**data, name: ""}, {key: value for key, value in data.items() if key != name}):
            with pytest.raises(ValueError, match=f"{name}|length"):
                CODEC.typed("instruction.given", envelope, broken)
