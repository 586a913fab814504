"""Tickets: the fold of their events, in whatever order they come; their deadline, their verdict and their light."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import copy
from typing import Any, Literal, cast

import msgspec

from dashboard.events import Event
from dashboard.nouns import sla
from dashboard.nouns.life import live, why_not
from dashboard.nouns.noun import Rules
from dashboard.nouns.sla import Limit, Span, Turns
from dashboard.nouns.ticketevents import TICKET_EVENTS, TicketClosed, TicketEvent, TicketReported, Verdict
from dashboard.nouns.ticketstate import Ticket

__all__ = ["LIGHTS", "TICKET_EVENTS", "Ticket", "TicketClosed", "TicketReported", "Verdict", "apply", "deadline"]

LIGHTS = ("none", "normal", "soon", "overdue", "worst")
NONE, NORMAL, SOON, OVERDUE, WORST = range(5)

_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(list[Any]).decode
_number = {kind: number for number, kind in enumerate(TICKET_EVENTS)}
_fields = {kind: tuple(f for f in kind.__struct_fields__ if f not in ("source", "subject")) for kind in TICKET_EVENTS}


# -- the trail ---------------------------------------------------------------------------------------------


def entry(event: TicketEvent) -> bytes:
    """An event as a ticket's trail holds it: the length in four bytes, then its number and its fields as an array."""
    values = msgspec.structs.astuple(event)
    body = _pack((_number[type(event)], values[0], values[2], *values[4:]))
    return len(body).to_bytes(4, "big") + body


def trail(ticket: Ticket) -> list[TicketEvent]:
    """The events a ticket has gone through, in the order in which they came to count."""
    return [_event(ticket, body) for body in _bodies(ticket.trail)]


def _bodies(packed: bytes) -> list[bytes]:
    bodies, at = [], 0
    while at < len(packed):
        end = at + 4 + int.from_bytes(packed[at : at + 4], "big")
        bodies.append(packed[at + 4 : end])
        at = end
    return bodies


def _event(ticket: Ticket, body: bytes) -> TicketEvent:
    number, *values = _unpack(body)
    kind = TICKET_EVENTS[number]
    given = dict(zip(_fields[kind], values, strict=False))  # An older trail may lack the latest fields.
    event: TicketEvent = msgspec.convert({**given, "source": ticket.source, "subject": ticket.number}, kind)
    return event


# -- the fold ----------------------------------------------------------------------------------------------


def key_of(event: Event) -> str:
    """The key of the ticket an event is about."""
    return f"{event.source}|{event.subject}"


def apply(ticket: Ticket | None, event: Event) -> Ticket:
    """The ticket after ``event``, in a new value where anything changed.

    A ticket is the fold of its events in the order of their times, however they come. An event that does not
    fit the table of its life leaves nothing but its reason among ``anomalies``.
    """
    if not isinstance(event, TicketEvent):
        return cast(Ticket, ticket)
    at = event.time.timestamp()
    if ticket is None:
        after = Ticket(event.source, event.subject)
    elif at <= ticket.last or event.id.encode("utf-8", "surrogatepass") in ticket.trail:
        return _refold(ticket, event)
    else:
        after = copy(ticket)
    after.last = at
    after.trail += entry(event)
    _go(after, event, at)
    return after


def _refold(ticket: Ticket, event: TicketEvent) -> Ticket:
    """The ticket from its first event on, with ``event`` where it belongs; the same value if it was there before.

    Of one moment's events the first that fits goes first, so a source that knows only minutes is understood.
    An id that came with two contents is the earlier of them, then the smaller.
    """
    found: dict[str, tuple[float, bytes, TicketEvent]] = {}
    for body in [*_bodies(ticket.trail), entry(event)[4:]]:
        told = _event(ticket, body)
        one = (told.time.timestamp(), body, told)
        if told.id not in found or one[:2] < found[told.id][:2]:
            found[told.id] = one
    after = Ticket(ticket.source, ticket.number)
    for told in in_order(after, [told for _, _, told in found.values()]):
        after.trail += entry(told)
    return ticket if after == ticket else after


def relived(source: str, number: str, packed: bytes) -> Ticket:
    """The ticket whose trail this is."""
    ticket = Ticket(source, number)
    for body in _bodies(packed):
        event = _event(ticket, body)
        ticket.last = event.time.timestamp()
        _go(ticket, event, ticket.last)
    ticket.trail = packed
    return ticket


def in_order(ticket: Ticket, events: Sequence[TicketEvent]) -> Iterator[TicketEvent]:
    """Let ``ticket`` live through ``events``, and tell each as it is taken."""
    waiting = sorted(events, key=lambda event: (event.time, _number[type(event)], event.id))
    while waiting:
        at = waiting[0].time.timestamp()
        now = [event for event in waiting if event.time == waiting[0].time]
        event = next((event for event in now if not why_not(ticket, event, at)), now[0])
        waiting.remove(event)
        ticket.last = at
        _go(ticket, event, at)
        yield event


def _go(ticket: Ticket, event: TicketEvent, at: float) -> None:
    if not live(ticket, event, at) and ticket.anomalies and isinstance(event, TicketReported):
        ticket.anomalies = tuple(reason.replace("_unreported", "_before_reported") for reason in ticket.anomalies)


# -- the clock ---------------------------------------------------------------------------------------------


def limit_of(ticket: Ticket, rules: Rules) -> Limit | None:
    """The city's limit for the handling, without extensions; None where the source's own deadline holds, or none.

    The source's holds for a plain ticket, and where the city sets no limit.
    """
    if ticket.plain and ticket.due is not None:
        return None
    return rules.limits.of(ticket.category, ticket.condition, urgent=ticket.urgent)


def spans(ticket: Ticket) -> list[Span]:
    """From when to when the handling clock ran; the last span is open while it runs."""
    clock = ticket.clock
    return list(zip(clock[::2], (*clock[1::2], None) if len(clock) % 2 else clock[1::2], strict=True))


def extensions(ticket: Ticket, rules: Rules) -> int:
    """How many of the granted extensions count: those granted before the ticket was overdue."""
    if not ticket.granted:
        return 0
    limit, counted = limit_of(ticket, rules), 0
    length = limit.amount if limit else (ticket.due or 0.0) - ticket.clock[0]
    clock = limit.clock if limit else "urgent_hour"
    for at in ticket.granted:
        spent = sla.used(spans(ticket), at, rules.calendar, clock)
        counted += (spent if limit else 3600 * spent) <= length * (1 + counted)
    return counted


def turns(ticket: Ticket, rules: Rules) -> Turns | None:
    """After which moments the handling's light is yellow, red (its deadline) and purple.

    None where there is no limit, or while the clock stands still for a time that nobody knows. A plain ticket's
    limit runs from its report, another's from its dispatch; pauses are left out, each extension adds one limit.
    """
    clock, limit = ticket.clock, limit_of(ticket, rules)
    if not clock or not (ticket.running or ticket.done_at is not None):
        return None
    if limit is not None:
        ran = spans(ticket)
        ran[-1] = (ran[-1][0], None)
        whole = limit.extended(extensions(ticket, rules))
        return sla.turns(ran, whole, rules.calendar, rules.soon_share, rules.worst_multiple)
    if ticket.due is None:
        return None
    # The source's own deadline moves on by as long as the handling rested, and by its own length with an extension.
    length, more = max(0.0, ticket.due - clock[0]), extensions(ticket, rules)
    due = ticket.due + more * length + sum(clock[2::2]) - sum(clock[1 : len(clock) - 1 : 2])
    length *= 1 + more
    return Turns(due - rules.soon_share * length, due, due + rules.worst_multiple * length)


def deadline(ticket: Ticket, rules: Rules) -> float | None:
    """When the handling is, or was, to end; None where ``turns`` knows none."""
    found = turns(ticket, rules)
    return None if found is None else found.overdue


def on_time(ticket: Ticket, rules: Rules) -> bool | None:
    """Whether a closed ticket was handled by its deadline, or is exempted from it; None while open or where there is
    no deadline.
    """
    if ticket.closed is None or ticket.done_at is None:
        return None
    due = deadline(ticket, rules)
    return None if due is None else ticket.exempted or ticket.done_at <= due


def light(ticket: Ticket, now: float, rules: Rules) -> tuple[int, float | None]:
    """The light of an open ticket (an index of ``LIGHTS``), and the moment after which it is another."""
    return light_of(ticket, turns(ticket, rules), now)


def light_of(ticket: Ticket, found: Turns | None, now: float) -> tuple[int, float | None]:
    """The same where its turns are known: none while no clock runs, for there is no limit, the ticket is
    suspended or returned, or already handled.
    """
    if found is None or not ticket.running:
        return NONE, None
    if ticket.suspended_until is not None and now <= ticket.suspended_until:
        return NONE, ticket.suspended_until
    for shown, until in zip((NORMAL, SOON, OVERDUE), found, strict=True):
        if until is None or now <= until:
            return shown, until
    return WORST, None


def errand(ticket: Ticket) -> tuple[Literal["accept", "dispatch", "sign"], float] | None:
    """Which step before the handling an open ticket waits for, and since when; None for a plain one, and later on."""
    stage = ticket.stage
    if ticket.plain or ticket.reported is None or stage is None or stage > 2:
        return None
    if stage == 0 and ticket.accepted is None:
        return "accept", ticket.reported
    if stage == 2:
        return "sign", ticket.since
    return "dispatch", ticket.since if stage else ticket.accepted or ticket.since


def complaints(ticket: Ticket, rules: Rules) -> tuple[str, ...]:
    """What is wrong with the ticket's events, by name: those that did not fit, and what the city does not know."""
    found = ticket.anomalies
    flaw = rules.limits.flaw(ticket.category, ticket.condition)
    if flaw and ticket.reported is not None:
        found += (flaw,)
    if ticket.unit and rules.units and ticket.unit not in rules.units:
        found += ("unknown_unit",)
    if ticket.due is not None and ticket.due <= (ticket.dispatched or ticket.reported or ticket.due):
        found += ("bad_limit",)
    if ticket.granted:
        found += ("extended_after_overdue",) * (len(ticket.granted) - extensions(ticket, rules))
    return found
