"""Lives of tickets for tests: a small city, its rules, and any event at any minute."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from dashboard.board import Board
from dashboard.events import Event, pack, pack_batch
from dashboard.nouns.clock import ClockTick
from dashboard.nouns.noun import FeedRule, Rules
from dashboard.nouns.sla import Limit, Limits
from dashboard.nouns.ticketevents import TICKET_EVENTS, TicketEvent
from dashboard.places import Place, PlaceTree

TREE = PlaceTree.of(
    [
        Place("d", "区", "district"),
        Place("a", "甲镇", "town", "d"),
        Place("b", "乙镇", "town", "d"),
        Place("a1", "甲一村", "village", "a"),
        Place("a2", "甲二村", "village", "a"),
    ]
)
SHANGHAI = ZoneInfo("Asia/Shanghai")
START = datetime(2026, 11, 2, 1, 0, tzinfo=UTC)  # A Monday, nine in the morning in Shanghai.
RULES = Rules(
    TREE, SHANGHAI, units=frozenset({"east", "west", "lead"}),
    limits=Limits(
        complete=True,
        exact={("cover", "broken"): Limit(2), ("cover", "gone"): Limit(1, "work_day")},
        categories={"cover": Limit(4, "work_hour"), "noise": Limit(3, "natural_day")},
    ),
    feeds=(FeedRule("one", "cloudevents", ("ticket",), None),),
)  # fmt: skip
KINDS = {str(kind.__struct_config__.tag).removeprefix("ticket."): kind for kind in TICKET_EVENTS}
NEEDED: dict[str, dict[str, Any]] = {
    "extended": {"granted": True}, "inspected": {"passed": True}, "rated": {"stars": 4},
    "reported_in": {"unit": "lead"}, "whistle_closed": {"score": 90.0}, "supervised": {"level": 1},
    "exempted": {"granted": True, "why": "flood"},
    "merged": {"into": "other"}, "whistled": {"lead": "lead", "supporting": ("east",)}, "returned": {"why": "not ours"},
    "reworked": {"why": "not done"}, "rejected": {"why": "nobody's"}, "voided": {"why": "twice"},
    "dispatched": {"unit": "east"}, "reported": {"category": "cover", "condition": "broken", "place": "a1"},
    "amended": {"category": "cover", "condition": "broken", "place": "a1"},
}  # fmt: skip


def moment(minutes: float) -> datetime:
    """So many minutes after the start."""
    return START + timedelta(minutes=minutes)


def told(kind: str, minutes: float, number: str = "1", **data: Any) -> TicketEvent:
    """An event of a ticket; what it cannot be without is filled in. Its id is its ticket, kind and minute."""
    name = data.pop("id", f"{number}-{kind}-{minutes:g}")
    given = {**NEEDED.get(kind, {}), **data}
    return KINDS[kind](id=name, source="one", subject=number, time=moment(minutes), **given)


def tick(minutes: float) -> ClockTick:
    """It is so many minutes after the start."""
    return ClockTick(id=f"tick-{minutes}", source="clock", time=moment(minutes), wall=moment(minutes))


def batch(events: Sequence[Event]) -> bytes:
    """The events as one packed batch."""
    return pack_batch([pack(event) for event in events])


def board_of(events: Sequence[Event], now: float, rules: Rules = RULES, *, seed: int | None = None) -> Board:
    """The board after ``events``, at ``now`` (minutes); with a seed in another order, some twice, in any batches."""
    waiting, chance = list(events), random.Random(seed)
    if seed is not None:
        waiting += chance.choices(waiting, k=len(waiting) // 2) if waiting else []
        chance.shuffle(waiting)
    board, seq = Board(rules), 0
    if seed is None or chance.random() < 0.5:
        waiting.append(tick(now))
    else:
        waiting.insert(chance.randint(0, len(waiting)), tick(now))
    while waiting:
        size = len(waiting) if seed is None else chance.randint(1, 7)
        seq += 1
        board.fold("x", seq, batch(waiting[:size]))
        del waiting[:size]
        if seed is not None and chance.random() < 0.5:
            board.view("tickets", "d")  # Whoever looks in between changes nothing.
    return board


def shown(board: Board) -> dict[tuple[str, str], Any]:
    """Every view of tickets at every place."""
    from dashboard.board import NOUNS

    return {(name, code): board.view(name, code)["data"] for name in NOUNS["ticket"].views for code in TREE.by_code}
