"""Tickets: their events, what is known of one, its deadline and its light."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from dashboard.events import Event
from dashboard.noun import Rules

Verdict = Literal["", "on_time", "overdue"]
LIGHTS = ("none", "normal", "soon", "overdue", "worst")
NONE, NORMAL, SOON, OVERDUE, WORST = range(5)


class TicketReported(Event, frozen=True, kw_only=True, omit_defaults=True, tag="ticket.reported"):
    """A case came in. ``place`` is a code, empty where only the city is known, and then ``flaw`` says why.

    ``point`` is (lon, lat) in WGS-84 degrees, ``due`` the source's own deadline, ``channel`` how the
    citizen came (hotline, app), ``unit`` who is responsible.
    """

    title: str = ""
    category: str = ""
    unit: str = ""
    channel: str = ""
    place: str = ""
    point: tuple[float, float] | None = None
    due: datetime | None = None
    flaw: str = ""


class TicketClosed(Event, frozen=True, kw_only=True, omit_defaults=True, tag="ticket.closed"):
    """A case was closed; ``verdict`` is the source's own word on whether that was in time."""

    verdict: Verdict = ""


class Ticket(msgspec.Struct, gc=False, array_like=True):
    """What is known of one ticket. Moments are seconds since 1970 UTC.

    ``reported`` is None while only its closing has arrived; such a ticket counts nowhere yet.
    """

    source: str
    number: str
    reported: float | None = None
    reported_id: str = ""
    title: str = ""
    category: str = ""
    unit: str = ""
    channel: str = ""
    place: str = ""
    lon: float | None = None
    lat: float | None = None
    flaw: str = ""
    due: float | None = None
    closed: float | None = None
    closed_id: str = ""
    verdict: Verdict = ""

    @property
    def key(self) -> str:
        """The name of the ticket across all sources; a source holds no ``|``."""
        return f"{self.source}|{self.number}"

    @property
    def done(self) -> float | None:
        """When it was closed; None while open, and None where the closing is said to precede the report."""
        if self.closed is None or self.reported is None or self.closed < self.reported:
            return None
        return self.closed


def key_of(event: Event) -> str:
    """The key of the ticket an event is about."""
    return f"{event.source}|{event.subject}"


def apply(ticket: Ticket | None, event: Event) -> Ticket:
    """The ticket after ``event``, in a new value where anything changed.

    Two reports (or two closings) of one ticket that disagree are settled by the earlier time, then by id,
    so that the order of arrival never decides.
    """
    if ticket is None:
        ticket = Ticket(event.source, event.subject)
    moment = event.time.timestamp()
    if isinstance(event, TicketReported):
        known = ticket.reported
        if known is not None and (known, ticket.reported_id) <= (moment, event.id):
            return ticket
        lon, lat = event.point or (None, None)
        return Ticket(
            ticket.source, ticket.number, moment, event.id, event.title, event.category, event.unit,
            event.channel, event.place, lon, lat, event.flaw,
            None if event.due is None else event.due.timestamp(),
            ticket.closed, ticket.closed_id, ticket.verdict,
        )  # fmt: skip
    if isinstance(event, TicketClosed):
        if ticket.closed is not None and (ticket.closed, ticket.closed_id) <= (moment, event.id):
            return ticket
        return msgspec.structs.replace(ticket, closed=moment, closed_id=event.id, verdict=event.verdict)
    return ticket


def report_of(ticket: Ticket) -> tuple[float | None, str]:
    """Which report the ticket rests on."""
    return ticket.reported, ticket.reported_id


def deadline(ticket: Ticket, rules: Rules) -> float | None:
    """When the ticket is due: what its source said, else the city's limit for its category."""
    if ticket.due is not None or ticket.reported is None:
        return ticket.due
    limit = rules.limits.of(ticket.category)
    return None if limit is None else rules.calendar.after(ticket.reported, limit.amount, limit.clock)


def on_time(ticket: Ticket, rules: Rules) -> bool | None:
    """Whether a closed ticket was closed by its deadline; None while open or where there is no deadline."""
    done, due = ticket.done, deadline(ticket, rules)
    return None if done is None or due is None else done <= due


def light(ticket: Ticket, now: float, rules: Rules) -> tuple[int, float | None]:
    """The light of an open ticket (an index of ``LIGHTS``), and the moment after which it is another.

    Yellow from the moment the last ``soon_share`` of the limit begins, red after the deadline, purple
    after ``worst_multiple`` further limits.
    """
    due = deadline(ticket, rules)
    if due is None or ticket.reported is None:
        return NONE, None
    limit = max(0.0, due - ticket.reported)
    soon, worst = due - rules.soon_share * limit, due + rules.worst_multiple * limit
    if now > worst:
        return WORST, None
    if now > due:
        return OVERDUE, worst
    if now > soon:
        return SOON, due
    return NORMAL, soon
