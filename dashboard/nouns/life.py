"""A ticket's life: its states, the one table that says what may follow what, and what each event leaves behind.

Beside the state, and not states themselves: the handling clock, suspension, extensions, supervision, whistle,
returns and reworks. Sources that know only open and closed live a plain life, from reported to closed; the first
event of the long life ends it. Which rules the city has plays no part here: the same events always leave the
same ticket.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from dashboard.nouns import ticketevents as e
from dashboard.nouns.ticketevents import TicketEvent
from dashboard.nouns.ticketstate import (
    ASIDE,
    HANDLING,
    OPEN,
    STATES,
    STEP,
    WHISTLE_ANSWERED,
    WHISTLE_OPEN,
    YEAR,
    Ticket,
    number_of,
)


class Rule(NamedTuple):
    """From which states an event may come, the state it leads to (None: none other), what refuses it, what it does.

    ``refuses`` gives the name of the reason, or an empty string; ``does`` writes on the ticket.
    """

    states: frozenset[str]
    to: str | None = None
    refuses: Callable[[Ticket, Any, float], str] | None = None
    does: Callable[[Ticket, Any, float], None] | None = None


# -- what refuses ------------------------------------------------------------------------------------------


def _reason(name: str) -> Callable[[Ticket, TicketEvent, float], str]:
    return lambda ticket, event, at: "" if event.why.strip() else f"{name}_without_reason"


def _no_extension(ticket: Ticket, event: e.TicketExtended, at: float) -> str:
    if not ticket.running:
        return "extended_without_clock"
    return "third_extension" if event.granted and len(ticket.granted) >= 2 else ""


def _no_suspension(ticket: Ticket, event: e.TicketSuspended, at: float) -> str:
    if ticket.suspended is not None:
        return "second_suspension"
    if not ticket.running:
        return "suspended_without_clock"
    length = YEAR if event.until is None else event.until.timestamp() - at
    return "suspended_too_long" if length > YEAR else "suspended_into_the_past" if length <= 0 else ""


def _not_suspended(ticket: Ticket, event: TicketEvent, at: float) -> str:
    return "" if ticket.suspended_until is not None and at <= ticket.suspended_until else "not_suspended"


def _not_closable(ticket: Ticket, event: TicketEvent, at: float) -> str:
    if ticket.state == "reported" and not ticket.plain:
        return "not_from_reported"
    return "failed_inspection" if ticket.passed is False else ""


def _no_reopening(ticket: Ticket, event: e.TicketCalledBack, at: float) -> str:
    if not event.reopen:
        return ""
    if ticket.reopened:
        return "second_reopening"
    return "" if event.satisfied is False or event.solved is False else "reopened_without_complaint"


def _whistle_open(ticket: Ticket, event: TicketEvent, at: float) -> str:
    return "second_whistle" if ticket.whistle == WHISTLE_OPEN else ""


def _no_whistle(ticket: Ticket, event: TicketEvent, at: float) -> str:
    return "" if ticket.whistle else "no_whistle"


def _not_called(ticket: Ticket, event: e.TicketReportedIn, at: float) -> str:
    if not ticket.whistle:
        return "no_whistle"
    return "" if event.unit in (ticket.lead, *ticket.supporting) else "not_whistled_for"


def _no_merge(ticket: Ticket, event: e.TicketMerged, at: float) -> str:
    return "merged_into_itself" if event.into in ("", ticket.number) else ""


# -- what is done ------------------------------------------------------------------------------------------


def _reported(ticket: Ticket, event: e.TicketReported, at: float) -> None:
    ticket.reported, ticket.title, ticket.category, ticket.condition = at, event.title, event.category, event.condition
    ticket.unit, ticket.channel, ticket.place, ticket.flaw = event.unit, event.channel, event.place, event.flaw
    ticket.lon, ticket.lat = event.point or (None, None)
    ticket.caller, ticket.urgent = event.caller, event.urgent
    ticket.due = None if event.due is None else event.due.timestamp()
    ticket.clock, ticket.since = (at,), at


def _amended(ticket: Ticket, event: e.TicketAmended, at: float) -> None:
    ticket.title, ticket.channel, ticket.caller = event.title, event.channel, event.caller
    ticket.place, ticket.flaw = event.place, event.flaw
    ticket.lon, ticket.lat = event.point or (None, None)
    if ticket.first_dispatched is None:
        ticket.category, ticket.condition, ticket.unit = event.category, event.condition, event.unit
        ticket.urgent, ticket.due = event.urgent, None if event.due is None else event.due.timestamp()


def _accepted(ticket: Ticket, event: TicketEvent, at: float) -> None:
    ticket.accepted = at


def _filed(ticket: Ticket, event: TicketEvent, at: float) -> None:
    ticket.filed = at


def _dispatched(ticket: Ticket, event: e.TicketDispatched, at: float) -> None:
    unit = event.unit or ticket.unit
    if ticket.first_dispatched is None:
        ticket.first_dispatched, ticket.clock = at, (at,)
    elif unit != ticket.unit:  # To another unit: anew.
        ticket.transfers += 1
        ticket.clock, ticket.granted, ticket.signed, ticket.contacted = (at,), (), None, None
        ticket.suspended_until = None
    elif not ticket.running:  # Back to the same: what was left goes on.
        ticket.clock += (at,)
    ticket.dispatched, ticket.unit = at, unit
    ticket.category, ticket.condition = event.category or ticket.category, event.condition or ticket.condition
    if event.due is not None:
        ticket.due = event.due.timestamp()


def _signed(ticket: Ticket, event: TicketEvent, at: float) -> None:
    ticket.signed = at


def _contacted(ticket: Ticket, event: TicketEvent, at: float) -> None:
    if ticket.contacted is None:
        ticket.contacted = at


def _stop(ticket: Ticket, at: float) -> None:
    """The handling clock stands still from now on; a suspension is over with it."""
    if ticket.running:
        clock = ticket.clock
        ticket.clock = clock[:-1] if clock[-1] > at else (*clock, at)
    ticket.suspended_until = None


def _returned(ticket: Ticket, event: TicketEvent, at: float) -> None:
    _stop(ticket, at)
    ticket.returns += 1


def _extended(ticket: Ticket, event: e.TicketExtended, at: float) -> None:
    if event.granted:
        ticket.granted += (at,)


def _suspended(ticket: Ticket, event: e.TicketSuspended, at: float) -> None:
    until = at + YEAR if event.until is None else event.until.timestamp()
    ticket.suspended, ticket.suspended_until = at, until
    ticket.clock += (at, until)


def _resumed(ticket: Ticket, event: TicketEvent, at: float) -> None:
    ticket.suspended_until = None
    ticket.clock = (*ticket.clock[:-1], at)


def _done(ticket: Ticket, event: TicketEvent, at: float) -> None:
    _stop(ticket, at)
    ticket.done_at, ticket.passed = at, None


def _inspected(ticket: Ticket, event: e.TicketInspected, at: float) -> None:
    ticket.passed = event.passed


def _handled_again(ticket: Ticket, at: float) -> None:
    ticket.done_at = ticket.passed = None
    ticket.clock += (at,)


def _reworked(ticket: Ticket, event: TicketEvent, at: float) -> None:
    ticket.reworks += 1
    _handled_again(ticket, at)


def _closed(ticket: Ticket, event: e.TicketClosed, at: float) -> None:
    if ticket.state == "reported":
        _stop(ticket, at)
        ticket.done_at = at
    ticket.closed, ticket.verdict = at, event.verdict


def _called_back(ticket: Ticket, event: e.TicketCalledBack, at: float) -> None:
    ticket.called, ticket.solved, ticket.satisfied = at, event.solved, event.satisfied
    if event.reopen:
        ticket.reopened, ticket.closed, ticket.verdict = 1, None, ""
        ticket.state = "reported" if ticket.plain else "in_progress"
        _handled_again(ticket, at)


def _rated(ticket: Ticket, event: e.TicketRated, at: float) -> None:
    ticket.stars = event.stars


def _whistled(ticket: Ticket, event: e.TicketWhistled, at: float) -> None:
    ticket.whistle, ticket.whistled, ticket.answered, ticket.score = WHISTLE_OPEN, at, None, None
    ticket.lead, ticket.supporting = event.lead, event.supporting


def _answered(ticket: Ticket, event: TicketEvent, at: float) -> None:
    if ticket.whistle == WHISTLE_OPEN:
        ticket.whistle, ticket.answered = WHISTLE_ANSWERED, at


def _reported_in(ticket: Ticket, event: e.TicketReportedIn, at: float) -> None:
    if event.unit == ticket.lead:
        _answered(ticket, event, at)


def _whistle_closed(ticket: Ticket, event: e.TicketWhistleClosed, at: float) -> None:
    _answered(ticket, event, at)
    ticket.score = event.score


def _supervised(ticket: Ticket, event: e.TicketSupervised, at: float) -> None:
    if not event.level:
        ticket.level, ticket.supervised, ticket.supervise_due, ticket.supervisor = 0, None, None, ""
        return
    ticket.supervised = at if ticket.supervised is None else ticket.supervised
    ticket.level, ticket.supervisor = event.level, event.by
    ticket.supervise_due = None if event.due is None else event.due.timestamp()


def _exempted(ticket: Ticket, event: e.TicketExempted, at: float) -> None:
    ticket.exempted = event.granted


def _aside(ticket: Ticket, event: TicketEvent, at: float) -> None:
    _stop(ticket, at)


def _merged(ticket: Ticket, event: e.TicketMerged, at: float) -> None:
    _stop(ticket, at)
    ticket.into = event.into


# -- the table ---------------------------------------------------------------------------------------------

_NEW = frozenset({"reported", "verifying", "accepted"})
_PLAIN = frozenset({"reported"})  # Of the clock's overlays: only where the clock runs, which their guards look at.
_CHECKED = frozenset({"done", "inspecting"})

TABLE: dict[type[TicketEvent], Rule] = {
    e.TicketReported: Rule(frozenset({""}), "reported", None, _reported),
    e.TicketVerifying: Rule(frozenset({"reported"}), "verifying"),
    e.TicketAccepted: Rule(frozenset({"reported", "verifying"}), "accepted", None, _accepted),
    e.TicketRejected: Rule(_NEW, "rejected", _reason("reject"), _aside),
    e.TicketFiled: Rule(_NEW, "filed", None, _filed),
    e.TicketDispatched: Rule(_NEW | HANDLING | {"filed"}, "dispatched", None, _dispatched),
    e.TicketSigned: Rule(frozenset({"dispatched"}), "in_progress", None, _signed),
    e.TicketContacted: Rule(HANDLING, None, None, _contacted),
    e.TicketReturned: Rule(HANDLING, "filed", _reason("return"), _returned),
    e.TicketExtended: Rule(HANDLING | _PLAIN, None, _no_extension, _extended),
    e.TicketSuspended: Rule(HANDLING | _PLAIN, None, _no_suspension, _suspended),
    e.TicketResumed: Rule(HANDLING | _PLAIN, None, _not_suspended, _resumed),
    e.TicketDone: Rule(HANDLING, "done", None, _done),
    e.TicketInspected: Rule(_CHECKED, "inspecting", None, _inspected),
    e.TicketReworked: Rule(_CHECKED, "in_progress", _reason("rework"), _reworked),
    e.TicketClosed: Rule(_CHECKED | _PLAIN, "closed", _not_closable, _closed),
    e.TicketCalledBack: Rule(frozenset({"closed"}), None, _no_reopening, _called_back),
    e.TicketRated: Rule(_CHECKED | {"closed"}, None, None, _rated),
    e.TicketWhistled: Rule(OPEN, None, _whistle_open, _whistled),
    e.TicketReportedIn: Rule(OPEN | {"closed"}, None, _not_called, _reported_in),
    e.TicketWhistleAnswered: Rule(OPEN | {"closed"}, None, _no_whistle, _answered),
    e.TicketWhistleClosed: Rule(OPEN | {"closed"}, None, _no_whistle, _whistle_closed),
    e.TicketSupervised: Rule(OPEN, None, None, _supervised),
    e.TicketMerged: Rule(OPEN, "merged", _no_merge, _merged),
    e.TicketVoided: Rule(OPEN | {"closed"}, "voided", _reason("void"), _aside),
    e.TicketExempted: Rule(OPEN | {"closed"}, None, _reason("exempt"), _exempted),
    e.TicketAmended: Rule(OPEN | {"closed"}, None, None, _amended),
}
_LONG = frozenset(STATES) - {"", "reported", "closed", *ASIDE}  # Who comes into one of these lives the long life.
if TABLE.keys() != set(e.TICKET_EVENTS):
    raise TypeError("the table of a ticket's life does not name every ticket event")


def why_not(ticket: Ticket, event: TicketEvent, at: float) -> str:
    """The name of the reason for which the event does not fit the ticket; empty where it does."""
    rule = TABLE[type(event)]
    if ticket.state not in rule.states:
        if ticket.state:
            return f"not_from_{ticket.state}"
        return f"{event.kind.removeprefix('ticket.')}_unreported"
    return rule.refuses(ticket, event, at) if rule.refuses else ""


def live(ticket: Ticket, event: TicketEvent, at: float) -> str:
    """Write on ``ticket`` what an event does that fits; where it does not, nothing but the reason, which is told."""
    rule = TABLE[type(event)]
    reason = why_not(ticket, event, at)
    if reason:
        ticket.anomalies += (reason,)
        return reason
    stage = ticket.stage
    if ticket.plain and rule.to in _LONG:
        # It stood in the stage of its report after all, and its handling has not begun.
        ticket.plain, ticket.clock, ticket.granted, ticket.suspended_until = False, (), (), None
        ticket.steps, stage = ticket.steps[:-1] + b"\0", 0
    if rule.does:
        rule.does(ticket, event, at)
    if rule.to:
        ticket.state = rule.to
    after = ticket.stage
    if after != stage:
        ticket.since = at
        ticket.steps += STEP.pack(at, number_of(stage), number_of(after))
    return ""
