"""Batches of ticket events, and a real stream to send them through."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

from dashboard.board import Board
from dashboard.events import Event, pack, pack_batch
from dashboard.nouns.clock import ClockTick
from dashboard.nouns.noun import FeedRule, Rules
from dashboard.nouns.sla import Limit, Limits
from dashboard.nouns.tally import Tickets
from dashboard.nouns.tickets import Ticket, TicketClosed, TicketReported
from dashboard.places import Place, PlaceTree
from dashboard.travel.history import History
from dashboard.travel.spool import Batch, Spool
from dashboard.travel.stream import Entry, Keys

KEYS = Keys("town")
START = datetime(2026, 3, 1, 4, 0, tzinfo=UTC)
PLACES = PlaceTree.of(
    [Place("T", "镇", "city"), Place("A", "甲", "district", "T"), Place("A1", "甲一", "village", "A"),
     Place("B", "乙", "district", "T")]
)  # fmt: skip


def rules() -> Rules:
    """The town's rules: a limit of two days, and one feed of each kind that a board needs."""
    from zoneinfo import ZoneInfo

    feeds = (FeedRule("clock", "clock", (), 1.0), FeedRule("hotline", "cloudevents", ("ticket",), None))
    return Rules(PLACES, ZoneInfo("Asia/Shanghai"), limits=Limits(default=Limit(48)), feeds=feeds)


def reported(number: int, place: str = "A1", **more: Any) -> TicketReported:
    """The report of a ticket, a minute after that of the one before."""
    given: dict[str, Any] = {
        "id": f"{number}-r", "source": "hotline", "subject": str(number), "place": place, "category": "noise",
        "unit": "east", "time": START + timedelta(minutes=number),
    }  # fmt: skip
    return TicketReported(**{**given, **more})


def closed(number: int, after: float = 60.0, **more: Any) -> TicketClosed:
    """Its closing, ``after`` minutes later."""
    given: dict[str, Any] = {
        "id": f"{number}-c", "source": "hotline", "subject": str(number),
        "time": START + timedelta(minutes=number + after),
    }  # fmt: skip
    return TicketClosed(**{**given, **more})


def tick(seconds: float = 86_400.0) -> ClockTick:
    """A tick of the clock, so long after the start."""
    time = START + timedelta(seconds=seconds)
    return ClockTick(id=f"tick-{seconds}", source="clock", time=time, wall=time)


def packed(events: Sequence[Event]) -> bytes:
    """The events as one batch."""
    return pack_batch([pack(event) for event in events])


def entry(seq: int, *events: Event, spool: str = "hotline@1") -> Entry:
    """A batch as it stands in the stream."""
    return Entry(f"{seq}-0", spool, seq, len(events), packed(events))


def batch(seq: int, *events: Event) -> Batch:
    """A batch as it stands in a spool."""
    return Batch(seq, len(events), packed(events))


def filled(folder: Path, batches: Sequence[Sequence[Event]], name: str = "hotline") -> Spool:
    """A spool with these batches."""
    spool = Spool(folder / "spool" / f"{name}.db", durable=False)
    for events in batches:
        spool.put(events)
    return spool


def tickets_of(source: Board | History) -> dict[str, Ticket]:
    """The tickets of a board, or of history, by key."""
    if isinstance(source, History):
        return {ticket.key: ticket for ticket in source.all_tickets()}
    return dict(cast(Tickets, source.slices["ticket"]).tickets)


def views_of(board: Board) -> dict[str, Any]:
    """Every view at every place, without what depends on the number of batches."""
    names = [name for noun in ("ticket", "clock") for name in _views(noun)]
    return {f"{name}|{place.code}": board.view(name, place.code)["data"] for name in names for place in PLACES}


def _views(noun: str) -> list[str]:
    from dashboard.board import NOUNS

    return list(NOUNS[noun].views)
