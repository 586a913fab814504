"""The moves from stage to stage that history keeps are those of its tickets, on SQLite and PostgreSQL alike."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import parse_qsl

import pytest
from sqlalchemy import text

from dashboard.casework.ticketasks import asked
from dashboard.casework.ticketquery import TicketQuery
from dashboard.events import Event
from dashboard.nouns.periods import Calendar
from dashboard.nouns.tally import Tickets
from dashboard.nouns.ticketflow import view_flow, view_stages, view_whistles
from dashboard.nouns.ticketstate import steps
from dashboard.travel.historian import Historian
from dashboard.travel.history import History
from dashboard.travel.moves import NAMES
from dashboard.travel.stream import Entry
from tests.lives import RULES, batch, moment, told

SPOOL = "one@1"
NOW = 3 * 24 * 60.0  # Minutes after a Monday morning.


def life(number: str, *kinds: str | tuple[str, dict[str, Any]]) -> list[Event]:
    """A life of these kinds of events, ten minutes apart."""
    found: list[Event] = []
    for nth, kind in enumerate(kinds):
        name, more = (kind, {}) if isinstance(kind, str) else kind
        found.append(told(name, 10.0 * nth, number, **more))
    return found


WHOLE = ("reported", "accepted", "filed", "dispatched", "signed", "done", "inspected", "closed")
UNHAPPY = ("called_back", {"satisfied": False, "reopen": True})
LIVES: list[list[Event]] = [
    life("whole", *WHOLE),
    life("twice", *WHOLE[:5], "done", "reworked", "done", "reworked", "done", "inspected", "closed"),
    life("back", *WHOLE[:5], "returned", "dispatched", "returned", ("dispatched", {"unit": "west"}), "signed"),
    life("again", *WHOLE, UNHAPPY, "done", "inspected", "closed"),
    life("plain", ("reported", {"unit": "east"}), "closed"),
    life("nobody", "reported", "closed"),
    life("reopened", ("reported", {"unit": "east"}), "closed", UNHAPPY, "closed"),
    life("amended", ("reported", {"unit": ""}), ("amended", {"unit": "east", "place": "a1"}), "closed"),
    life("voided", "reported", "filed", "voided"),
    life("open", "reported"),
]
ALL = [event for one in LIVES for event in one]


@pytest.fixture
def history(database_url: str) -> Iterator[History]:
    opened = History(database_url, RULES)
    opened.prepare()
    yield opened
    opened.close()


def rows(history: History) -> list[tuple[object, ...]]:
    with history.engine.connect() as db:
        found = db.execute(text("SELECT source, number, nth, at, start, stop FROM moves ORDER BY source, number, nth"))
        return [tuple(row) for row in found]


def wanted(history: History) -> list[tuple[object, ...]]:
    """What the kept tickets themselves say, but for the one closing of plain ones."""
    return sorted(
        (one.source, one.number, nth, at, NAMES[start], NAMES[stop])
        for one in history.all_tickets()
        if not one.plain or len(steps(one)) > 2
        for nth, (at, start, stop) in enumerate(steps(one))
    )


def taken(history: History, events: Sequence[Event], sizes: Iterator[int]) -> None:
    """Let a historian take the events in batches of these sizes."""
    historian, waiting, seq = Historian(history), list(events), 0
    historian.start()
    while waiting:
        size = next(sizes)
        some, waiting, seq = waiting[:size], waiting[size:], seq + 1
        assert historian.take([Entry(f"{seq}-0", SPOOL, seq, len(some), batch(some))], 0.0)


@pytest.mark.parametrize("seed", range(4))
def test_in_any_order_and_doubled_the_table_has_what_the_tickets_have(history: History, seed: int) -> None:
    chance = random.Random(seed)
    waiting = [*ALL, *chance.choices(ALL, k=len(ALL) // 2)]
    chance.shuffle(waiting)
    taken(history, waiting, iter(lambda: chance.randint(1, 6), 0))
    assert rows(history) == wanted(history)
    assert {row[1] for row in rows(history)} == {
        "whole", "twice", "back", "again", "reopened", "amended", "voided",
    }  # fmt: skip


def test_what_is_built_anew_is_the_same(history: History) -> None:
    taken(history, ALL, iter(lambda: 3, 0))
    before = rows(history)
    with history.engine.begin() as db:  # A folder of an earlier version: no such table, other columns of tickets.
        db.execute(text("DROP TABLE moves"))
        db.execute(text("ALTER TABLE tickets DROP COLUMN trail"))
        db.execute(text("UPDATE meta SET value = '2 source number' WHERE name = 'tickets'"))
    again = History(history.url.render_as_string(hide_password=False), RULES)
    Historian(again).start()
    assert rows(again) == before != []
    again.close()


def test_the_flow_of_the_board_is_the_count_of_the_moves_behind_it(history: History) -> None:
    taken(history, ALL, iter(lambda: 5, 0))
    board = Tickets(RULES)
    for event in ALL:
        board.fold(event)
    now = moment(NOW).timestamp()
    board.advance(now)
    query, flow = TicketQuery(history, RULES.places, Calendar(RULES.zone)), view_flow(board, "d", now)

    def counts(moved: str, period: str = "week", more: str = "") -> tuple[int, int]:
        found = query.counts(asked(parse_qsl(f"moved={moved}&period={period}{more}"), RULES.places), now)
        return found["n"], found["moves"]

    for period in ("today", "week", "month"):
        for start, stop, n in flow[period]["links"]:
            assert counts(f"{start}-{stop}", period)[1] == n, (period, start, stop)
        for name, (part, whole) in {"returns": ("returned", "sent"), "reworks": ("reworked", "checked")}.items():
            assert [counts(part, period)[1], counts(whole, period)[1]] == flow[period][name]
    assert counts("reworked") == (1, 2), "one ticket went back twice"
    assert counts("returned") == (1, 2)
    assert counts("handle-close") == (3, 4), "a plain one counts by its own row, the reopened and the amended by moves"
    assert counts("report-handle") == (1, 1)
    assert counts("report-close") == (1, 1)
    assert counts("reworked", more="&place=b") == (0, 0)
    assert counts("reworked", "2026-10") == (0, 0)
    assert counts("into-close", more="&place=a1") == (7, 9)
    page = query.page(asked(parse_qsl("moved=returned&moved=reworked&period=week"), RULES.places), now)
    assert sorted(row["number"] for row in page.rows) == ["back", "twice"]


def test_ages_steps_and_answers_are_asked_of_history_as_the_board_counts_them(history: History) -> None:
    """Three tickets that nobody accepts, dispatches or signs for; two whistles, one answered after a day and a half."""
    day = 24 * 60.0
    told_of: list[Event] = [
        told("reported", 0, "new"), told("verifying", 1, "new"),
        told("reported", 0, "accepted"), told("accepted", 10, "accepted"),
        told("reported", 0, "sent"), told("filed", 10, "sent"), told("dispatched", 20, "sent"),
        told("reported", 2.9 * day, "fresh"), told("verifying", 2.9 * day + 1, "fresh"),
        *(told(kind, 30.0 + at, "whistled") for at, kind in enumerate(("reported", "filed", "dispatched", "whistled"))),
        told("reported_in", 60, "whistled"),
        *(told(kind, 90.0 + at, "slow") for at, kind in enumerate(("reported", "filed", "dispatched", "whistled"))),
        told("reported_in", 1.5 * day, "slow"),
    ]  # fmt: skip
    taken(history, told_of, iter(lambda: 4, 0))
    board = Tickets(RULES)
    for event in told_of:
        board.fold(event)
    now = moment(NOW).timestamp()
    board.advance(now)
    query = TicketQuery(history, RULES.places, Calendar(RULES.zone))

    def found(words: str) -> list[str]:
        return sorted(str(row["number"]) for row in query.page(asked(parse_qsl(words), RULES.places), now).rows)

    assert found("waits=accept") == ["fresh", "new"], "a quarter of an hour has passed for both"
    assert found("waits=dispatch") == ["accepted"]
    assert found("waits=sign") == ["sent", "slow", "whistled"]
    assert found("waits=sign&waits=dispatch") == ["accepted", "sent", "slow", "whistled"]
    assert found("answered=month&prompt=1") == ["whistled"]
    assert found("answered=month&prompt=0") == ["slow"]
    for row in view_stages(board, "d", now)["stages"]:
        for age, n in enumerate(row["ages"]):
            assert len(found(f"open=1&stage={row['stage']}&age={age}")) == n, row
        assert len(found(f"open=1&stage={row['stage']}&behind=1")) == row["late"], row
    assert view_whistles(board, "d", now)["in_time"] == [1, 2]
    late = query.counts(asked(parse_qsl("open=1&behind=0"), RULES.places), now)["n"]
    assert late + len(found("behind=1")) == 6
