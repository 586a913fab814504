"""A ticket's row in history: its facts, and what follows from them by the city's rules."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

from sqlalchemy import Double, Integer, LargeBinary, Text

from dashboard.nouns.noun import Rules
from dashboard.nouns.tickets import Ticket, complaints, errand, extensions, on_time, turns
from dashboard.nouns.ticketstate import STAGES

# A ticket's facts and what is derived of them by the city's rules; moments in seconds since 1970 UTC, yes and no
# as 1 and 0. ``deadline`` is ours, final, NULL where there is none or nobody knows it while the clock stands still;
# ``whistle`` is 0 (none), 1 (open) or 2 (answered). ``soon_at`` and ``worst_at`` are the other two moments at which
# the light turns, NULL while no handling clock runs; ``anomalies`` are the reasons of events that did not fit,
# ``since`` is when it came into its stage, ``responded`` whether the unit signed and spoke with the citizen in time;
# ``on_time`` is 1 as well where a closed ticket is ``exempted``; ``step_due`` is when the step before the handling that
# it waits for is to be done, ``prompt`` whether its whistle was answered in time.
FACTS = {
    "reported": Double, "title": Text, "category": Text, "condition": Text, "unit": Text, "channel": Text,
    "place": Text, "lon": Double, "lat": Double, "flaw": Text, "state": Text, "stage": Text, "filed": Double,
    "dispatched": Double, "signed": Double, "done_at": Double, "closed": Double, "due": Double, "deadline": Double,
    "verdict": Text, "on_time": Integer, "extensions": Integer, "returns": Integer, "reworks": Integer,
    "level": Integer, "whistle": Integer, "suspended_until": Double, "caller": Text, "solved": Integer,
    "satisfied": Integer, "stars": Integer, "reopened": Integer, "contacted": Double, "soon_at": Double,
    "worst_at": Double, "plain": Integer, "anomalies": Text, "since": Double, "first_dispatched": Double,
    "responded": Integer, "called": Double, "exempted": Integer, "step_due": Double, "answered": Double,
    "prompt": Integer, "trail": LargeBinary,
}  # fmt: skip
CALLED = "caller <> ''"
UNASKED = ("reported", "condition", "lon", "lat", "trail")


def row_of(ticket: Ticket, rules: Rules | None) -> tuple[Any, ...]:
    """The ticket's row; without rules nothing is known of deadlines but what its source says."""
    stage = ticket.stage
    lights = turns(ticket, rules) if rules else None
    due = None if lights is None else lights.overdue
    in_time = on_time(ticket, rules) if rules else None
    soon, worst = (lights.soon, lights.worst) if lights and ticket.running else (None, None)
    return (
        ticket.source, ticket.number, ticket.reported, ticket.title, ticket.category, ticket.condition, ticket.unit,
        ticket.channel, ticket.place, ticket.lon, ticket.lat, ticket.flaw, ticket.state,
        "" if stage is None else STAGES[stage], ticket.filed, ticket.dispatched, ticket.signed, ticket.done_at,
        ticket.closed, ticket.due, due, ticket.verdict, _bit(in_time),
        extensions(ticket, rules) if rules and ticket.granted else len(ticket.granted), ticket.returns,
        ticket.reworks, ticket.level, ticket.whistle, ticket.suspended_until, ticket.caller, _bit(ticket.solved),
        _bit(ticket.satisfied), ticket.stars, ticket.reopened, ticket.contacted, soon, worst, int(ticket.plain),
        " ".join(complaints(ticket, rules) if rules else ticket.anomalies), ticket.since, ticket.first_dispatched,
        _responded(ticket, rules), ticket.called, int(ticket.exempted), _step_due(ticket, rules), ticket.answered,
        _prompt(ticket, rules), ticket.trail,
    )  # fmt: skip


def _responded(ticket: Ticket, rules: Rules | None) -> int | None:
    """Whether the unit has signed and spoken with the citizen in time; None while it was not dispatched."""
    if rules is None or ticket.dispatched is None:
        return None
    if ticket.signed is None or ticket.contacted is None:
        return 0
    by = rules.calendar.after(ticket.dispatched, rules.sign.amount, rules.sign.clock)
    return int(max(ticket.signed, ticket.contacted) <= by)


def _step_due(ticket: Ticket, rules: Rules | None) -> float | None:
    found = None if rules is None else errand(ticket)
    if rules is None or found is None:
        return None
    limit = rules.before(found[0])
    return rules.calendar.after(found[1], limit.amount, limit.clock)


def _prompt(ticket: Ticket, rules: Rules | None) -> int | None:
    """Whether those who were whistled for reported in in time; None while nobody has answered."""
    if rules is None or ticket.answered is None or ticket.whistled is None:
        return None
    return int(ticket.answered <= rules.calendar.after(ticket.whistled, rules.whistle.amount, rules.whistle.clock))


def fingerprint(rules: Rules) -> str:
    """Some letters that are others when other deadlines or verdicts would follow from the same events."""
    limits, calendar = rules.limits, rules.calendar
    told = (
        sorted((key, str(limit)) for key, limit in limits.exact.items()),
        sorted((key, str(limit)) for key, limit in limits.categories.items()), str(limits.default), str(limits.urgent),
        calendar.zone.key, calendar.hours, *map(sorted, (calendar.days_off, calendar.days_on, calendar.weekend)),
        rules.soon_share, rules.worst_multiple, sorted(rules.units), str(rules.sign),
    )  # fmt: skip
    return blake2b(repr(told).encode(), digest_size=8).hexdigest()


def _bit(value: bool | None) -> int | None:
    return None if value is None else int(value)
