"""The tickets day by day, place by place, and the very ones that are latest: what a leader's numbers are made of."""

from __future__ import annotations

from bisect import bisect_left
from typing import Any

from dashboard.nouns.noun import Document
from dashboard.nouns.slots import (
    ASKED_SATISFIED,
    ASKED_SOLVED,
    CLOSED,
    DUE,
    KEPT,
    MISSED,
    REPORTED,
    SATISFIED,
    SOLVED,
    at,
    moved,
)
from dashboard.nouns.tally import Tickets
from dashboard.nouns.tickets import LIGHTS, OVERDUE, WORST
from dashboard.nouns.ticketstate import STAGES

DAYS = 14
ROWS = 8
CLOSE = STAGES.index("close")
OPEN, ENDED = range(CLOSE), (CLOSE, len(STAGES))  # A stage number as ``steps`` have it; the last stands for none.
INTO = tuple(moved(start, end) for start in ENDED for end in OPEN)
OUT_OF = tuple(moved(start, end) for start in OPEN for end in ENDED)


def view_days(board: Tickets, place: str, now: float) -> Document:
    """The last 14 local days, the running one last, and of each how many were reported, closed, due and kept, how
    many deadlines were ``missed``, and what callers said; how many stood open as each ended; the same of today, or of
    the month so far, for each place directly below; ``month`` are what callers said this month. ``late`` are the
    tickets that are overdue longest, ``soon`` those that fall due next.

    What stood open is worked back from now by the moves that opened and ended tickets, so it is exact as long as every
    move is known; a ticket that was moved to another place counts there as if it had always been. What is due later
    today is left out of today's due: nobody can have missed it yet. A ticket that was late is due on two days, that of
    its deadline and that of its closing; it was missed on the first alone.
    """
    tally, calendar = board.tally(place), board.calendar
    today, _, month = calendar.periods(now)
    days = range(today - DAYS + 1, today + 1)
    stood: list[int] = []
    n = tally["open"]
    for day in reversed(days):
        stood.append(n)
        n -= sum(tally[at(day, move)] for move in INTO) - sum(tally[at(day, move)] for move in OUT_OF)
    due = [[tally[at(day, KEPT)], tally[at(day, DUE)]] for day in days]
    due[-1][1] -= len(tally.ahead(now, calendar.next_midnight(now)))
    first = bisect_left(tally.dues, (now, ""))
    return {
        "open": stood[::-1],
        "reported": [tally[at(day, REPORTED)] for day in days],
        "closed": [tally[at(day, CLOSED)] for day in days],
        "due": due,
        "missed": [tally[at(day, MISSED)] for day in days],
        "solved": [[tally[at(day, SOLVED)], tally[at(day, ASKED_SOLVED)]] for day in days],
        "satisfied": [[tally[at(day, SATISFIED)], tally[at(day, ASKED_SATISFIED)]] for day in days],
        "month": {
            "solved": [tally[at(month, SOLVED)], tally[at(month, ASKED_SOLVED)]],
            "satisfied": [tally[at(month, SATISFIED)], tally[at(month, ASKED_SATISFIED)]],
        },
        "places": {child.code: _below(board, child.code, now) for child in board.rules.places.children(place)},
        "late": [_row(board, *row) for row in tally.dues[: min(ROWS, first)]],
        "soon": [_row(board, *row) for row in tally.dues[first : first + ROWS]],
    }


def _below(board: Tickets, place: str, now: float) -> dict[str, Any]:
    tally, calendar = board.tally(place), board.calendar
    today, _, month = calendar.periods(now)
    lights = tally.lights
    return {
        "open": tally["open"],
        "late": lights[OVERDUE] + lights[WORST],
        "hour": len(tally.coming(now, now + 3600)),
        "reported": tally[at(today, REPORTED)],
        "closed": tally[at(today, CLOSED)],
        "due": [tally[at(month, KEPT)], tally[at(month, DUE)] - len(tally.ahead(now, calendar.next_month(now)))],
        "solved": [tally[at(month, SOLVED)], tally[at(month, ASKED_SOLVED)]],
        "satisfied": [tally[at(month, SATISFIED)], tally[at(month, ASKED_SATISFIED)]],
    }


def _row(board: Tickets, due: float, key: str) -> dict[str, Any]:
    ticket = board.tickets[key]
    return {
        "key": key, "number": ticket.number, "title": ticket.title or ticket.category, "unit": ticket.unit,
        "place": ticket.place, "due": due, "light": LIGHTS[board.light(key)], "level": ticket.level,
    }  # fmt: skip
