"""What a batch run has done, as numbers: events by fate, tickets and verdicts by place, what could not be placed."""

from __future__ import annotations

from typing import Any, cast

from dashboard.board import Board
from dashboard.nouns.tally import Tally, Tickets
from dashboard.nouns.tickets import Ticket, deadline, on_time
from dashboard.travel.spool import Counters, Spool


def counts(tally: Tally) -> dict[str, int]:
    """The counts at one place. ``on_time`` and ``overdue`` are our verdicts on closed tickets with a target;
    ``agree`` and ``disagree`` compare them with the source's, where it gave one.
    """
    return {
        "total": tally["total"], "open": tally["open"], "closed": tally["closed"], "with_target": tally["timed"],
        "on_time": tally["on_time"], "overdue": tally["overdue"], "agree": tally["agree"],
        "disagree": tally["disagree"],
    }  # fmt: skip


def report(board: Board, spool: Spool, before: Counters, seconds: float) -> dict[str, Any]:
    """The report on one run of a feed: its events since ``before``, in ``seconds``, and the whole board after it."""
    tickets = cast(Tickets, board.slices["ticket"])
    places = board.rules.places
    c = spool.counters - before
    return {
        "events": {"read": c.received, "appended": c.stored, "duplicate": c.duplicate, "dead": c.dead},
        "tickets": counts(tickets.tally(places.root.code)),
        "places": {
            place.code: {"name": place.name, **counts(tickets.tally(place.code))} for place in places if place.parent
        },
        "unplaced": tickets.unplaced,
        "rejected": spool.reasons(),
        "seconds": round(seconds, 3),
        "events_per_second": round(c.received / seconds, 1) if seconds else None,
    }


def recount(found: list[Ticket], board: Board) -> dict[str, int]:
    """The root's counts worked out anew from history's tickets, without the board's tallies."""
    rules = board.rules
    known = [ticket for ticket in found if ticket.reported is not None]
    verdicts = [(on_time(ticket, rules), ticket.verdict) for ticket in known]
    judged = [(mine, theirs) for mine, theirs in verdicts if mine is not None]
    both = [(mine, theirs == "on_time") for mine, theirs in judged if theirs]
    closed = sum(ticket.closed is not None for ticket in known)
    timed = sum(deadline(ticket, rules) is not None for ticket in known)
    return {
        "total": len(known), "open": len(known) - closed, "closed": closed,
        "with_target": timed,
        "on_time": sum(mine for mine, _ in judged), "overdue": sum(not mine for mine, _ in judged),
        "agree": sum(mine == theirs for mine, theirs in both),
        "disagree": sum(mine != theirs for mine, theirs in both),
    }  # fmt: skip
