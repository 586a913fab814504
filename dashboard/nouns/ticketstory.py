"""A ticket's life told: each step with who, when and why, the limit used by then, and when its clock ran or rested."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from dashboard.nouns import sla
from dashboard.nouns.life import why_not
from dashboard.nouns.noun import Rules
from dashboard.nouns.ticketevents import TicketEvent
from dashboard.nouns.tickets import extensions, in_order, limit_of, on_time, relived, spans, trail, turns
from dashboard.nouns.ticketstate import STAGES, Ticket

TOLD = frozenset({"id", "source", "subject", "time", "by", "why"})


@dataclass(frozen=True)
class Step:
    """What happened at a moment, and what it did. ``reason`` names why an event did not fit and changed nothing;
    ``used`` is the share of the limit (with the extensions granted by then) that was used, None without a limit.
    """

    kind: str
    at: float
    by: str
    why: str
    before: str
    after: str
    details: dict[str, Any]
    reason: str
    used: float | None


@dataclass(frozen=True)
class Story:
    """A ticket with its steps. ``spans`` are the handling clock's, an open one without an end; moments in seconds
    since 1970 UTC. ``used`` is the share of the limit used by now, or until the handling ended.
    """

    ticket: Ticket
    steps: tuple[Step, ...]
    spans: tuple[tuple[float, float | None], ...]
    limit: sla.Limit | None
    extensions: int
    soon: float | None
    deadline: float | None
    on_time: bool | None
    used: float | None

    @property
    def stage(self) -> str:
        """The stage it stands in, of ``life.STAGES``; empty aside."""
        return "" if self.ticket.stage is None else STAGES[self.ticket.stage]


def story(source: str, number: str, packed: bytes, rules: Rules, now: float) -> Story:
    """The life whose trail this is, as it looks ``now`` (the city's time)."""
    ticket = relived(source, number, packed)
    events = trail(ticket)
    lived = Ticket(source, number)
    steps = []
    for event in events:
        at, before = event.time.timestamp(), lived.state
        reason = why_not(lived, event, at)
        for _ in in_order(lived, [event]):
            pass
        steps.append(_step(event, at, before, lived, reason, rules))
    lights = turns(ticket, rules)
    end = ticket.done_at if ticket.done_at is not None else now
    return Story(
        ticket, tuple(steps), tuple(spans(ticket)), limit_of(ticket, rules), extensions(ticket, rules),
        lights.soon if lights else None, lights.overdue if lights else None, on_time(ticket, rules),
        share(ticket, end, rules),
    )  # fmt: skip


def _step(event: TicketEvent, at: float, before: str, lived: Ticket, reason: str, rules: Rules) -> Step:
    said = msgspec.structs.asdict(event)
    details = {name: value for name, value in said.items() if name not in TOLD and value not in ("", None, (), False)}
    for name in ("granted", "passed"):  # Of these a no is news as well.
        if name in said:
            details[name] = said[name]
    return Step(
        event.kind.removeprefix("ticket."), at, event.by, event.why, before, lived.state, details, reason,
        share(lived, at, rules),
    )  # fmt: skip


def share(ticket: Ticket, until: float, rules: Rules) -> float | None:
    """The share of the limit, extensions included, that was used up to a moment; None where there is no limit."""
    if not ticket.clock:
        return None
    limit = limit_of(ticket, rules)
    ran = [(start, stop) for start, stop in spans(ticket) if start <= until]
    if limit is not None:
        whole = limit.extended(extensions(ticket, rules))
        return sla.used(ran, until, rules.calendar, limit.clock) / whole.amount
    if ticket.due is None or ticket.due <= ticket.clock[0]:
        return None
    spent = sum(min(until, until if stop is None else stop) - start for start, stop in ran)
    return spent / ((ticket.due - ticket.clock[0]) * (1 + extensions(ticket, rules)))
