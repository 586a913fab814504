"""The tickets' slice of the board: what is counted of them at every place.

A ticket counts at its place and at every place above it. Every count is the sum of what single tickets
contribute, and a contribution is a pure function of the ticket and of now: a ticket that changes is taken
out of the counts as it was and put back as it is, so nothing can drift.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import defaultdict
from heapq import heappop, heappush
from typing import TypeVar

import msgspec

from dashboard.events import Event
from dashboard.noun import Rules
from dashboard.periods import Calendar, Window
from dashboard.tickets import LIGHTS, OVERDUE, Ticket, apply, deadline, key_of, light

K = TypeVar("K")
WINDOW_DAYS = 8  # How far back intake and closures are kept moment by moment.


def _pairs() -> defaultdict[K, list[int]]:
    return defaultdict(lambda: [0, 0])


class Tally:
    """What is counted at one place, all below it included."""

    __slots__ = (
        "agree", "by_category", "by_day", "by_unit", "closed", "closings", "disagree", "due", "dues",
        "intake", "lights", "on_time", "open", "overdue", "total", "with_target",
    )  # fmt: skip

    def __init__(self) -> None:
        self.total = self.closed = self.with_target = 0
        self.on_time = self.overdue = self.agree = self.disagree = 0
        self.lights = [0] * len(LIGHTS)
        self.open: set[str] = set()
        self.dues: list[tuple[float, str]] = []  # Deadlines of the open tickets, in order.
        self.intake, self.closings = Window(), Window()
        # A slot that has fallen back to zero stays; the views pass over it.
        self.by_day: dict[tuple[int, str, str], int] = defaultdict(int)  # (local day, what, name) → intake
        self.by_category: dict[str, int] = defaultdict(int)  # Open tickets.
        self.by_unit: dict[str, list[int]] = _pairs()  # [open, of these past their deadline]
        # Local day, month or (unit, month) → [due to close, on time]; the numbers of days and months never meet.
        self.due: dict[int | tuple[str, int], list[int]] = _pairs()


class Tickets:
    """The tickets' slice of the board."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.calendar = Calendar(rules.zone)
        self.now = 0.0
        self.horizon = float("-inf")
        self.tickets: dict[str, Ticket] = {}
        self.unplaced: dict[str, int] = defaultdict(int)
        self.anomalies: dict[str, int] = defaultdict(int)
        self._chains: dict[str, tuple[Tally, ...]] = {}
        self.lights: dict[str, int] = {}
        self._changes: list[tuple[float, str]] = []  # A heap of the moments at which a light may change.
        self.tallies: dict[str, Tally] = {rules.places.root.code: Tally()}

    # -- folding -----------------------------------------------------------------------------------------

    def fold(self, event: Event) -> None:
        """Take in one ticket event."""
        key = key_of(event)
        before = self.tickets.get(key)
        after = apply(before, event)
        if after is before:
            return
        if before is not None:
            self._count(key, before, -1)
        self.tickets[key] = after
        self._count(key, after, +1)

    def advance(self, now: float) -> None:
        """Turn the lights that are due to turn, and let the windows move on at midnight."""
        self.now = now
        while self._changes and self._changes[0][0] < now:
            _, key = heappop(self._changes)
            ticket = self.tickets[key]
            if key in self.lights:
                self._turn(key, ticket)
        horizon = self.calendar.midnight(self.calendar.midnight(now) - WINDOW_DAYS * 86400)
        if horizon > self.horizon:
            self.horizon = horizon
            oldest = self.calendar.day_and_month(horizon)[0]
            for tally in self.tallies.values():
                tally.intake.forget_before(horizon)
                tally.closings.forget_before(horizon)
                for stale in [slot for slot in tally.by_day if slot[0] < oldest]:
                    del tally.by_day[stale]

    def _turn(self, key: str, ticket: Ticket) -> None:
        before = self.lights[key]
        after, until = light(ticket, self.now, self.rules)
        if until is not None:
            heappush(self._changes, (until, key))
        if after == before:
            return
        self.lights[key] = after
        late = (after >= OVERDUE) - (before >= OVERDUE)
        for tally in self._above(ticket):
            tally.lights[before] -= 1
            tally.lights[after] += 1
            if late:
                tally.by_unit[ticket.unit][1] += late

    def _above(self, ticket: Ticket) -> tuple[Tally, ...]:
        """The tallies of the ticket's place and of all places above it, the root first."""
        chain = self._chains.get(ticket.place)
        if chain is None:
            path = self.rules.places.path(ticket.place)
            chain = self._chains[ticket.place] = tuple(self.tallies.setdefault(code, Tally()) for code in path)
        return chain

    def _count(self, key: str, ticket: Ticket, sign: int) -> None:
        """Add (+1) or take back (−1) what one ticket contributes, at its place and above."""
        for reason in ticket.anomalies:
            self.anomalies[reason] += sign
        if ticket.reported is None:
            return
        due = deadline(ticket, self.rules)
        self._count_report(ticket, ticket.reported, due, sign)
        done = ticket.closed
        if due is not None:
            self._count_due(ticket, due, done, sign)
        if ticket.open:
            self._count_open(key, ticket, due, sign)
        elif done is not None:
            self._count_closed(ticket, due, done, sign)

    def _count_report(self, ticket: Ticket, reported: float, due: float | None, sign: int) -> None:
        if ticket.flaw or ticket.place not in self.rules.places:
            self.unplaced[ticket.flaw or "unknown_place"] += sign
        fresh = reported >= self.horizon
        day, _ = self.calendar.day_and_month(reported)
        category, channel = (day, "category", ticket.category), (day, "channel", ticket.channel)
        with_target = sign * (due is not None)
        for tally in self._above(ticket):
            tally.total += sign
            tally.with_target += with_target
            if fresh:
                tally.intake.count(reported, sign)
                tally.by_day[category] += sign
                tally.by_day[channel] += sign

    def _count_due(self, ticket: Ticket, due: float, done: float | None, sign: int) -> None:
        slots = self._due_slots(ticket.unit, due, done)
        in_time = sign * (done is not None and done <= due)
        for tally in self._above(ticket):
            pairs = tally.due
            for slot in slots:
                pair = pairs[slot]
                pair[0] += sign
                pair[1] += in_time

    def _count_open(self, key: str, ticket: Ticket, due: float | None, sign: int) -> None:
        if sign > 0:
            shown, until = light(ticket, self.now, self.rules)
            self.lights[key] = shown
            if until is not None:
                heappush(self._changes, (until, key))
        else:
            shown = self.lights.pop(key)
        late = sign * (shown >= OVERDUE)
        for tally in self._above(ticket):
            tally.lights[shown] += sign
            tally.by_category[ticket.category] += sign
            pair = tally.by_unit[ticket.unit]
            pair[0] += sign
            pair[1] += late
            if sign > 0:
                tally.open.add(key)
                if due is not None:
                    insort(tally.dues, (due, key))
            else:
                tally.open.discard(key)
                if due is not None:
                    del tally.dues[bisect_left(tally.dues, (due, key))]

    def _count_closed(self, ticket: Ticket, due: float | None, done: float, sign: int) -> None:
        fresh = done >= self.horizon
        in_time = due is not None and done <= due
        judged = due is not None and bool(ticket.verdict) and ticket.due is not None
        same = judged and (ticket.verdict == "on_time") == in_time
        for tally in self._above(ticket):
            tally.closed += sign
            if fresh:
                tally.closings.count(done, sign)
            if due is not None:
                if in_time:
                    tally.on_time += sign
                else:
                    tally.overdue += sign
                if same:
                    tally.agree += sign
                elif judged:
                    tally.disagree += sign

    def _due_slots(self, unit: str, due: float, done: float | None) -> set[int | tuple[str, int]]:
        """The slots of ``Tally.due`` in which a ticket is due to close.

        Due to close in a period: its deadline falls in it, or it was closed in it.
        """
        day, month = self.calendar.day_and_month(due)
        slots: set[int | tuple[str, int]] = {day, month, (unit, month)}
        if done is not None:
            day, month = self.calendar.day_and_month(done)
            slots |= {day, month, (unit, month)}
        return slots

    # -- snapshot ----------------------------------------------------------------------------------------

    def dump(self) -> object:
        """The tickets alone: every count follows from them."""
        return [self.now, list(self.tickets.values())]

    def load(self, dumped: object) -> None:
        """Build the slice anew from its tickets."""
        now, tickets = msgspec.convert(dumped, tuple[float, list[Ticket]])
        fresh = Tickets(self.rules)
        fresh.advance(now)
        for ticket in tickets:
            fresh.tickets[ticket.key] = ticket
            fresh._count(ticket.key, ticket, +1)
        self.__dict__.update(fresh.__dict__)

    def tally(self, place: str) -> Tally:
        """The counts at ``place``; empty ones where nothing was ever counted."""
        return self.tallies.get(place) or Tally()
