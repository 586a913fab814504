"""Moves of tickets from stage to stage as rows of SQL, so that what a flow counts leads to the tickets behind it.

The table follows from the tickets alone and is written with them. A plain ticket has one move, its closing, which its
own row tells: unless it has more of them it has no rows here, so that a city of a million such tickets pays nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from sqlalchemy import Column, Connection, Double, Index, Integer, MetaData, Table, Text, bindparam, delete

from dashboard.nouns.tickets import Ticket
from dashboard.nouns.ticketstate import STAGES, STEP

metadata = MetaData()
moves = Table(
    "moves", metadata,
    Column("source", Text, primary_key=True), Column("number", Text, primary_key=True),
    Column("nth", Integer, primary_key=True, autoincrement=False),  # Of the ticket's moves, from 0 on.
    # When, in seconds since 1970 UTC; from which stage to which, both empty for none (before the report, and aside).
    Column("at", Double, nullable=False), Column("start", Text, nullable=False), Column("stop", Text, nullable=False),
    Index("moves_at", "at", "start", "stop", "source", "number"),
    sqlite_with_rowid=False,
)  # fmt: skip
NAMES = (*STAGES, "")

Before = Mapping[tuple[str, str], Ticket | None]
"""Tickets by source and number as the table has them; None where it has nothing of one."""


def kept(ticket: Ticket | None) -> bytes:
    """The moves that stand in the table, as ``Ticket.steps`` packs them: none of a plain ticket that was reported and
    perhaps closed, and nothing else.
    """
    return b"" if ticket is None or (ticket.plain and len(ticket.steps) <= 2 * STEP.size) else ticket.steps


def write(
    db: Connection,
    changed: Iterable[Ticket],
    before: Before | None,
    upsert: Callable[[Connection, Table, list[tuple[Any, ...]]], None],
) -> None:
    """Let the table have the moves of ``changed`` tickets. Where it is known what it has of them ``before``, only what
    is new is written.
    """
    fresh: list[tuple[Any, ...]] = []
    stale: list[dict[str, Any]] = []
    for ticket in changed:
        key = ticket.source, ticket.number
        now, same = kept(ticket), 0
        if before is None:
            stale.append({"of": ticket.source, "one": ticket.number})
        else:
            was = kept(before[key])
            if was == now:
                continue
            same = len(was) if now.startswith(was) else 0
            if same < len(was):
                stale.append({"of": ticket.source, "one": ticket.number})
        first = same // STEP.size
        for nth, (at, start, stop) in enumerate(STEP.iter_unpack(now[same:]), first):
            fresh.append((*key, nth, at, NAMES[start], NAMES[stop]))
    if stale:
        db.execute(_DELETE, stale)
    if fresh:
        upsert(db, moves, fresh)


_DELETE = delete(moves).where(moves.c.source == bindparam("of"), moves.c.number == bindparam("one"))
