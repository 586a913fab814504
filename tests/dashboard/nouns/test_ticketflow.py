"""The closed loop's views, worked by hand on a board of a few tickets."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from dashboard.board import Board
from dashboard.events import Event
from dashboard.nouns.clock import ClockTick
from dashboard.nouns.noun import Rules
from dashboard.nouns.sla import Limit, Limits
from dashboard.nouns.ticketevents import TICKET_EVENTS
from dashboard.nouns.ticketflow import ROWS, STUCK_FEWEST
from dashboard.places import Place, PlaceTree

PLACES = PlaceTree.of([
    Place("T", "区", "district", None), Place("A", "甲", "town", "T"), Place("B", "乙", "town", "T"),
])  # fmt: skip
RULES = Rules(
    places=PLACES, zone=ZoneInfo("Asia/Shanghai"), limits=Limits(default=Limit(24)),
    levels={"甲站": "village", "甲办": "town"}, goal=0.9,
)  # fmt: skip
NOON = datetime(2026, 3, 18, 4, 0, tzinfo=UTC)  # A Wednesday, noon in the city.
KINDS: dict[str, Any] = {str(kind.__struct_config__.tag).removeprefix("ticket."): kind for kind in TICKET_EVENTS}


def event(number: str, kind: str, hours: float, **data: Any) -> Event:
    """What happened to a ticket so many hours before noon (negative) or after it."""
    made: Event = KINDS[kind](
        id=f"{number}.{kind}.{hours}", source="s", subject=number, time=NOON + timedelta(hours=hours), **data
    )
    return made


def life(
    number: str, start: float, *, unit: str = "甲办", place: str = "A", upto: str = "", **more: Any
) -> list[Event]:
    """A ticket whose steps are an hour apart from ``start`` on: reported, accepted, filed, dispatched, signed,
    contacted, done, inspected, closed; the last one is ``upto``.
    """
    steps: list[tuple[str, dict[str, Any]]] = [
        ("reported", {"place": place, "category": "灯", "title": number, **more}), ("accepted", {}), ("filed", {}),
        ("dispatched", {"unit": unit}), ("signed", {}), ("contacted", {}), ("done", {}),
        ("inspected", {"passed": True}), ("closed", {}),
    ]  # fmt: skip
    last = next(at for at, (kind, _) in enumerate(steps) if kind == (upto or "closed"))
    return [event(number, kind, start + at, **data) for at, (kind, data) in enumerate(steps[: last + 1])]


def board_of(*told: Event, hours: float = 0.0) -> Board:
    """The board at noon, or so many hours later."""
    now = NOON + timedelta(hours=hours)
    board = Board(RULES)
    board.take([*told, ClockTick(id="now", source="clock", time=now, wall=now)])
    return board


def view(board: Board, name: str, place: str = "T") -> dict[str, Any]:
    found: dict[str, Any] = board.view(name, place)["data"]
    return found


def test_stages_count_ages_and_lateness() -> None:
    board = board_of(
        *life("new", -0.1, upto="reported"),
        *life("slow", -1, upto="reported"),
        event("slow", "verifying", -0.9),  # Not accepted within 15 minutes.
        *life("sent", -30, upto="dispatched", place="B"),  # Dispatched 27 h ago: not signed within 24 h, and overdue.
        *life("old", -80, upto="signed"),  # In handling for 76 h, overdue.
        *life("checked", -8, upto="done"),
        *life("closed", -9),
    )
    stages = {row["stage"]: (row["n"], row["ages"], row["late"]) for row in view(board, "stages")["stages"]}
    assert stages == {
        "report": (2, [2, 0, 0, 0], 1),
        "file": (0, [0, 0, 0, 0], 0),
        "dispatch": (1, [0, 1, 0, 0], 1),
        "handle": (1, [0, 0, 1, 0], 1),
        "inspect": (1, [1, 0, 0, 0], 0),
        "close": (0, [0, 0, 0, 0], 0),
    }
    assert view(board, "stages")["closed_today"] == 1
    assert view(board, "stages", "B")["stages"][2]["n"] == 1
    assert view(board, "stages", "B")["stages"][3]["n"] == 0


def test_the_hour_by_unit_and_quarter() -> None:
    """A limit of 24 h from the dispatch, three hours after the report."""
    board = board_of(
        *life("a", -26.9, upto="signed"), *life("b", -26.6, upto="signed"),
        *life("c", -26.6, unit="乙办", upto="signed"),
        *life("late", -27.1, upto="signed"), *life("next", -25.9, upto="signed"),
    )  # fmt: skip
    hour = view(board, "hour")
    assert [[unit, n, round((due - NOON.timestamp()) / 60)] for unit, n, due in hour["units"]] == [
        ["甲办", 2, 6], ["乙办", 1, 24],
    ]  # fmt: skip
    assert hour["quarters"] == [1, 2, 0, 0]


def test_the_flow_counts_every_move_and_what_came_back() -> None:
    board = board_of(
        *life("straight", -9),
        *life("back", -9, upto="dispatched"),
        event("back", "returned", -5, why="不属本单位"),
        event("back", "dispatched", -4, unit="乙办"),
        *life("again", -9, upto="done"),
        event("again", "inspected", -2, passed=False),
        event("again", "reworked", -1, why="未清理"),
        *life("last week", -24 * 5),
    )
    flow = view(board, "flow")
    moves = {(start, end): n for start, end, n in flow["today"]["links"]}
    assert moves == {
        ("report", "file"): 3, ("file", "dispatch"): 4, ("dispatch", "file"): 1, ("dispatch", "handle"): 2,
        ("handle", "inspect"): 2, ("inspect", "handle"): 1, ("inspect", "close"): 1,
    }  # fmt: skip
    assert flow["today"]["returns"] == [1, 4]
    assert flow["today"]["reworks"] == [1, 2]
    assert flow["week"]["returns"] == [1, 4]
    assert flow["month"]["returns"] == [1, 5]
    assert flow["month"]["reworks"] == [1, 3]


def test_whistles_open_and_answered() -> None:
    board = board_of(
        *life("waits", -60, upto="signed"),
        event("waits", "whistled", -30, lead="环保", supporting=("城管",)),
        event("waits", "reported_in", -29, unit="城管"),  # Only the lead answers it.
        *life("quick", -60, upto="signed"),
        event("quick", "whistled", -40, lead="环保"),
        event("quick", "reported_in", -20, unit="环保"),
        *life("slow", -60, upto="signed"),
        event("slow", "whistled", -50, lead="环保"),
        event("slow", "reported_in", -20, unit="环保"),
    )
    whistles = view(board, "whistles")
    assert [(row["number"], row["unit"], row["due"] - row["since"]) for row in whistles["open"]] == [
        ("waits", "环保", 86400)
    ]
    assert (whistles["n"], whistles["answered"], whistles["in_time"]) == (1, 2, [1, 2])


def test_the_supervision_list_is_ordered_by_level_and_deadline() -> None:
    board = board_of(
        *life("one", -9, upto="signed"), event("one", "supervised", -2, level=1, by="领导"),
        *life("two", -9, upto="signed"), event("two", "supervised", -2, level=1, due=NOON + timedelta(hours=5)),
        *life("three", -9, upto="signed"), event("three", "supervised", -2, level=3),
        *life("over", -9, upto="signed"), event("over", "supervised", -3, level=2),
        event("over", "supervised", -1, level=0),
        *life("closed", -9, upto="signed"), event("closed", "supervised", -4.5, level=2),
        event("closed", "done", -3), event("closed", "inspected", -2, passed=True), event("closed", "closed", -1),
    )  # fmt: skip
    found = view(board, "supervised")
    assert [row["number"] for row in found["tickets"]] == ["three", "two", "one"]
    assert found["tickets"][2]["by"] == "领导"
    assert (found["n"], found["late"], found["first"]) == (3, 0, None)


def test_supervised_tickets_that_are_late_are_counted_beyond_those_that_are_listed() -> None:
    told: list[Event] = []
    for number in range(ROWS + 1):
        told += life(f"high{number}", -9, upto="signed")
        told.append(event(f"high{number}", "supervised", -5, level=3, due=NOON - timedelta(hours=1)))
    told += life("low", -9, upto="signed")
    told.append(event("low", "supervised", -5, level=1, due=NOON - timedelta(hours=3)))
    found = view(board_of(*told), "supervised")
    assert "low" not in [row["number"] for row in found["tickets"]]
    assert (found["n"], found["late"]) == (ROWS + 2, ROWS + 2)
    assert (found["first"]["number"], found["first"]["late"]) == ("low", True)


def test_rates_are_numerators_and_denominators() -> None:
    board = board_of(
        *life("good", -10, caller="x"),
        event("good", "called_back", -1, solved=True, satisfied=True),
        *life("repeat", -9, caller="x"),
        event("repeat", "called_back", -0.5, solved=True, satisfied=False),
        *life("silent", -9.5),
        event("silent", "called_back", -1),
        *life("voided", -9, upto="filed"),
        event("voided", "voided", -5, why="误报"),
        *life("returned", -9, upto="dispatched"),
        event("returned", "returned", -5, why="不属本单位"),
        *life("unsigned", -9, upto="dispatched"),
        *life("rejected", -9, upto="accepted"),
        event("rejected", "rejected", -5, why="无此事"),
        event("plain", "reported", -9, place="A", unit="甲办"),
    )
    today = view(board, "rates")["today"]
    assert today == {
        "closing": [3, 3], "on_time": [3, 3],
        "filing": [6, 7],  # The plain one comes from a source that knows of no filing.
        "exact_filing": [5, 6], "exact_dispatch": [4, 5], "response": [3, 5], "resolution": [2, 2],
        "satisfaction": [1, 2], "repeat": [1, 8],
    }  # fmt: skip
    rates = view(board, "rates")
    assert rates["week"] == rates["month"] == today
    assert rates["composite"] == pytest.approx(0.30 * 3 / 5 + 0.35 * 1 + 0.35 * 0.5)
    assert view(board, "rates", "B")["composite"] is None
    assert view(board, "rates", "B")["today"]["closing"] == [0, 0]


def test_exempted_tickets_count_as_on_time_closed_or_not() -> None:
    def spare(number: str, granted: bool = True, hours: float = -0.5) -> Event:
        return event(number, "exempted", hours, granted=granted, why="flood")

    lives = [
        *life("kept", -10), *life("late", -50, upto="contacted"), event("late", "done", -2),
        event("late", "closed", -1),
        *life("open", -60, upto="signed"),  # Overdue since yesterday.
        *life("ahead", -8, upto="signed"),  # Nobody has missed it yet.
        *life("handled", -40, upto="contacted"), event("handled", "done", -1),
    ]  # fmt: skip
    for exempted, kept, due in (
        ((), 1, 4), (("late",), 2, 4), (("open",), 2, 4), (("ahead",), 1, 4), (("handled",), 2, 4),
        (("late", "open", "ahead", "handled", "kept"), 4, 4),
    ):  # fmt: skip
        board = board_of(*lives, *map(spare, exempted))
        month = view(board, "rates")["month"]
        assert (month["on_time"], month["closing"]) == ([kept, due], [2, due]), exempted
        assert view(board, "tickets")["month_so_far"] == [due, kept], exempted
        assert view(board, "ranks")["units"][0]["on_time"] == kept, exempted
    # Where it still runs it counts as soon as its deadline has passed; taken back, it counts no more.
    board = board_of(*lives, spare("ahead"), hours=20)
    assert view(board, "rates")["month"]["on_time"] == [2, 5]
    board.take([spare("ahead", granted=False, hours=20)])
    assert view(board, "rates")["month"]["on_time"] == [1, 5]


def test_what_is_due_later_is_nobody_s_fault_yet() -> None:
    board = board_of(*life("ahead", -4, upto="signed"), *life("overdue", -30, upto="signed"), *life("closed", -9))
    month = view(board, "rates")["month"]
    assert month["on_time"] == [1, 2]
    assert view(board_of(*life("ahead", -4, upto="signed")), "rates")["month"]["on_time"] == [0, 0]


def test_what_is_handed_in_before_its_deadline_is_nobody_s_fault_while_it_waits_for_inspection() -> None:
    def due_and_kept(board: Board) -> set[tuple[int, int]]:
        """What each view says is due to close, today and this month alike, and kept of it."""
        tickets, rates, days = view(board, "tickets"), view(board, "rates"), view(board, "days")
        pairs = [tickets["day_so_far"], tickets["month_so_far"]]
        pairs += [rates[period]["on_time"][::-1] for period in ("today", "week", "month")]
        pairs += [days["due"][-1][::-1], days["places"]["A"]["due"][::-1]]
        rows = [view(board, "map")["places"]["A"], *view(board, "units")["units"]]
        rows += [row for table in view(board, "ranks").values() for row in table if row.get("place") != "B"]
        pairs += [(row["due"], row["on_time"]) for row in rows]
        assert len(pairs) == 11
        return {(due, kept) for due, kept in pairs}

    handed = life("handed", -23, upto="done")  # Dispatched 20 hours ago, done 17 hours ago, due in four hours.
    assert due_and_kept(board_of(*handed)) == {(0, 0)}
    assert view(board_of(*handed), "rates")["month"]["closing"] == [0, 0]
    assert due_and_kept(board_of(*handed, hours=3.99)) == {(0, 0)}
    assert due_and_kept(board_of(*handed, hours=4.01)) == {(1, 0)}, "the deadline has passed, and it is not closed"
    assert due_and_kept(board_of(*handed, event("handed", "closed", -1))) == {(1, 1)}
    assert due_and_kept(board_of(*handed, event("handed", "exempted", -1, granted=True, why="flood"))) == {(1, 1)}
    assert due_and_kept(board_of(*life("late", -38, upto="contacted"), event("late", "done", -2))) == {(1, 0)}
    # It is no work to be done within the hour, and to the forecast it is decided.
    soon = board_of(*handed, hours=3.5)
    assert (view(soon, "tickets")["in_hour"], view(soon, "hour")["units"]) == (0, [])
    found = view(soon, "forecast")
    assert (found["due"], found["open"], found["sure_late"]) == (1, 1, 0)


def test_closings_by_level() -> None:
    board = board_of(
        *life("a", -9, unit="甲站"),
        *life("b", -9, unit="甲站"),
        *life("c", -9, unit="甲办"),
        *life("d", -9, unit="环保"),
    )
    found = view(board, "grassroots")
    assert found == {"levels": [["village", 2], ["town", 1], ["district", 1]], "share": [3, 4], "goal": 0.9}


def test_units_and_places_ranked() -> None:
    board = board_of(
        *[told for n in range(5) for told in life(f"a{n}", -9)],
        *life("b", -9, unit="乙办", place="B"),
        *life("late", -40, unit="乙办", place="B", upto="signed"),
        *life("ahead", -5, unit="丙办", place="B", upto="signed"),
    )
    ranks = view(board, "ranks")
    assert [(row["unit"], row["on_time"], row["due"], row["open"], row["late"]) for row in ranks["units"]] == [
        ("甲办", 5, 5, 0, 0), ("乙办", 1, 2, 1, 1), ("丙办", 0, 0, 1, 0),
    ]  # fmt: skip
    assert ranks["units"][2]["bound"] is None
    assert [(row["place"], row["on_time"], row["due"], row["open"], row["late"]) for row in ranks["places"]] == [
        ("A", 5, 5, 0, 0), ("B", 1, 2, 2, 1),
    ]  # fmt: skip
    assert view(board, "ranks", "A")["places"] == []


def test_stuck_is_longer_than_nine_in_ten() -> None:
    """So many tickets stood in handling for two hours each; one stands there for five, one for one."""
    many = [told for n in range(STUCK_FEWEST) for told in life(f"m{n}", -200 + n)]
    board = board_of(*many, *life("stuck", -9, upto="signed"), *life("fresh", -5, upto="signed"))
    found = view(board, "stuck")
    assert [(row["number"], row["stage"]) for row in found["tickets"]] == [("stuck", "handle")]
    assert found["n"] == 1
    ((category, stage, seconds, stays),) = found["thresholds"]
    assert (category, stage, stays) == ("灯", "handle", STUCK_FEWEST)
    assert 7200 <= seconds <= 7200 * 1.1
    assert found["tickets"][0]["times"] == pytest.approx(5 * 3600 / seconds, abs=0.01)
    few = board_of(*many[: -len(life("x", 0))], *life("stuck", -9, upto="signed"))
    assert view(few, "stuck")["tickets"] == []


def test_the_forecast_knows_what_is_decided() -> None:
    board = board_of(
        *[told for n in range(30) for told in life(f"k{n}", -200 + n)],
        *life("late", -60, upto="signed"),
        *life("checked", -9, upto="done"),
        *life("ahead", -9, upto="signed"),
    )
    found = view(board, "forecast")
    assert (found["due"], found["closed_on_time"], found["open"], found["sure_late"]) == (33, 30, 2, 1)
    assert found["to_come"] > 0
    assert found["low"] <= found["mid"] <= found["high"] < 1
    alone = board_of(*life("ahead", -9, upto="signed"))
    assert view(alone, "forecast")["mid"] is None


def test_at_a_month_s_end_the_forecast_is_the_rate() -> None:
    until = (datetime(2026, 3, 31, 15, 59, 59, 999000, tzinfo=UTC) - NOON).total_seconds() / 3600
    board = board_of(
        *[told for n in range(3) for told in life(f"k{n}", -200 + n)], *life("late", -60, upto="signed"), hours=until
    )
    found = view(board, "forecast")
    assert found["low"] == found["mid"] == found["high"] == 0.75
    assert found["close"] == {"n": 0, "to": 0.75}
