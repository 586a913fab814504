"""The tickets' slice of the board: what is counted of them at every place.

A ticket counts at its place and at every place above it. Every count is a sum of what single tickets share in,
and a share is a pure function of the ticket and of now (see ``slots``): of a ticket that changes, the difference
between its old share and its new one is applied, so nothing can drift. That is settled when somebody looks, so a
ticket that changes ten times before is counted once.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Mapping
from heapq import heappop, heappush
from typing import cast

import msgspec

from dashboard.events import Event
from dashboard.nouns.noun import Rules
from dashboard.nouns.periods import Window
from dashboard.nouns.shelf import Shelf
from dashboard.nouns.slots import LIGHT, Counting, Named, Share
from dashboard.nouns.tickets import apply, key_of
from dashboard.nouns.ticketstate import Ticket

WINDOW_DAYS = 8  # How far back intake and closures are kept moment by moment.
AT_ONCE = 50_000  # Changed tickets that may wait until somebody looks, who then waits half a second once.
AGAIN = 30 * 86400.0  # A caller who comes with the same matter within this time complains again, in seconds.
Row = tuple[float, str]


class Tally:
    """What is counted at one place, all below it included: ``tally[slot]`` tickets are in a slot.

    ``groups`` are group → name → tickets, ``rows`` name → (moment, key) in order, ``rolls`` name → keys; see
    ``slots``. A count that has fallen back to zero may stay.
    """

    __slots__ = ("closings", "counts", "groups", "intake", "rolls", "rows")

    def __init__(self) -> None:
        self.counts: dict[Hashable, int] = defaultdict(int)
        self.groups: dict[Hashable, dict[Hashable, int]] = defaultdict(lambda: defaultdict(int))
        self.rows: dict[Hashable, list[Row]] = defaultdict(list)
        self.rolls: dict[str, set[str]] = defaultdict(set)
        self.intake, self.closings = Window(), Window()

    def __getitem__(self, slot: Hashable) -> int:
        return self.counts.get(slot, 0)

    def named(self, group: Hashable) -> dict[str, int]:
        """The names of a group that any ticket has, and how many have each."""
        return {cast(str, name): n for name, n in self.groups.get(group, {}).items() if n}

    @property
    def lights(self) -> list[int]:
        """The open tickets by light, in the order of ``LIGHTS``."""
        return [self[slot] for slot in LIGHT]

    @property
    def dues(self) -> list[Row]:
        """The deadlines of the open tickets whose clock runs, in order."""
        return self.rows.get("due", [])

    def coming(self, now: float, end: float) -> list[Row]:
        """Those of ``dues`` that still lie ahead, before ``end``."""
        return _between(self.dues, now, end)

    def ahead(self, now: float, end: float) -> list[Row]:
        """The open tickets whose deadline still lies ahead, before ``end``: their clock runs, or they are handled and
        wait for inspection.

        They are due to close in the running period, but nobody can have missed them yet, so a rate that is shown
        before the period is over leaves them out. An exempted one counts as on time once it is handled.
        """
        return self.coming(now, end) + _between(self.rows.get("handed", []), now, end)

    @property
    def open(self) -> set[str]:
        """The keys of the open tickets."""
        return self.rolls.get("open", set())

    def add(self, slots: Mapping[Hashable, int], named: Mapping[Named, int]) -> None:
        """Add to slots, and by name to groups, what is above or below zero."""
        counts, groups = self.counts, self.groups
        for slot, n in slots.items():
            counts[slot] += n
        for (group, name), n in named.items():
            groups[group][name] += n

    def line_up(self, old: Share, new: Share, key: str, horizon: float) -> None:
        """Let ``new`` stand in rows, rolls and windows where ``old`` stood."""
        if old.rows != new.rows:
            for name, row in old.rows:
                rows = self.rows[name]
                del rows[bisect_left(rows, row)]
            for name, row in new.rows:
                insort(self.rows[name], row)
        if old.rolls != new.rolls:
            for roll in old.rolls:
                self.rolls[roll].discard(key)
            for roll in new.rolls:
                self.rolls[roll].add(key)
        if old.intake != new.intake:
            self.intake.move(old.intake, new.intake, horizon)
        if old.closing != new.closing:
            self.closings.move(old.closing, new.closing, horizon)

    def forget(self, lasts: Callable[[Hashable], bool]) -> None:
        """Drop the slots and groups of periods that are counted no more."""
        self.counts = defaultdict(int, {slot: n for slot, n in self.counts.items() if lasts(slot)})
        for group in [group for group in self.groups if not lasts(group)]:
            del self.groups[group]


def _between(rows: list[Row], start: float, end: float) -> list[Row]:
    return rows[bisect_left(rows, (start, "")) : bisect_left(rows, (end, ""))]


NOTHING = Share([], [], [])


class Batch:
    """What a place has to add and to take back, gathered over many tickets."""

    __slots__ = ("named", "slots", "taken", "untold")

    def __init__(self) -> None:
        self.slots: list[Hashable] = []
        self.taken: list[Hashable] = []
        self.named: list[Named] = []
        self.untold: list[Named] = []

    def difference(self) -> tuple[Counter[Hashable], Counter[Named]]:
        """The numbers to be added to slots and to groups."""
        slots, named = Counter(self.slots), Counter(self.named)
        slots.subtract(self.taken)
        named.subtract(self.untold)
        return slots, named


class Tickets:
    """The tickets' slice of the board."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.counting = Counting(rules)
        self.calendar = self.counting.calendar
        self.now = 0.0
        self.horizon = float("-inf")
        self.tickets = Shelf()
        self._tallies: dict[str, Tally] = {rules.places.root.code: Tally()}
        self._chains: dict[str, tuple[Tally, ...]] = {}
        self._waiting: dict[str, Ticket | None] = {}  # Tickets that have changed → as they are counted now.
        self._counted: dict[str, tuple[float, int]] = {}  # Open tickets → when they were counted, and their light then.
        self._changes: list[Row] = []  # A heap of the moments after which a share is another …
        self._next: dict[str, float] = {}  # … and which of them holds for a ticket.
        self._calls: dict[tuple[str, str], list[Row]] = {}  # Caller and category → when, and in which ticket.
        self._repeated: set[str] = set()

    # -- folding -----------------------------------------------------------------------------------------

    def fold(self, event: Event) -> None:
        """Take in one ticket event."""
        key = key_of(event)
        before = self.tickets.get(key)
        after = apply(before, event)
        if after is not before:
            self.tickets[key] = after
            self._waiting.setdefault(key, before)
            if len(self._waiting) > AT_ONCE:
                self.settle()

    def advance(self, now: float) -> None:
        """Let the shares that are others now be counted anew, and the windows move on at midnight."""
        if now < self.now:
            self._go_back(now)
        self.now = now
        while self._changes and self._changes[0][0] < now:
            moment, key = heappop(self._changes)
            if self._next.get(key) == moment:
                del self._next[key]
                self._waiting.setdefault(key, self.tickets[key])
        horizon = self.calendar.midnight(self.calendar.midnight(now) - WINDOW_DAYS * 86400)
        if horizon > self.horizon:
            self.horizon = horizon
            for tally in self._tallies.values():
                tally.intake.forget_before(horizon)
                tally.closings.forget_before(horizon)
            if self.counting.forget_before(now):
                for tally in self._tallies.values():
                    tally.forget(self.counting.lasts)

    def _go_back(self, now: float) -> None:
        """Have every share that was counted later than ``now`` counted anew; the others still hold.

        Where more was forgotten than views may ask for at ``now``, everything is counted anew.
        """
        needed = self.calendar.midnight(self.calendar.midnight(now) - 2 * 86400)
        if self.horizon > needed or self.counting.floor > self.counting.floor_at(now):
            self._begin_anew(now, self.tickets)
            return
        for key, (counted, _) in self._counted.items():
            if counted > now:
                self._waiting.setdefault(key, self.tickets[key])

    # -- counting ----------------------------------------------------------------------------------------

    def settle(self) -> None:
        """Count all that has changed."""
        share, now, horizon = self.counting.share, self.now, self.horizon
        batches: dict[tuple[Tally, ...], Batch] = defaultdict(Batch)
        city = Batch()
        while self._waiting:
            key, before = self._waiting.popitem()
            after = self.tickets[key]
            was, _ = self._counted.pop(key, (now, 0))
            old = NOTHING if before is None else share(before, key, was, repeated=key in self._repeated)
            if after.caller or (before is not None and before.caller):
                self._call(key, before, after)
            new = share(after, key, now, repeated=key in self._repeated)
            if new.rolls:
                self._counted[key] = now, new.light
            elif after.reported is not None:
                self.tickets.put_away(key)
            if new.until is None:
                self._next.pop(key, None)
            elif self._next.get(key) != new.until:
                self._next[key] = new.until
                heappush(self._changes, (new.until, key))
            chain = above = self._above(after)
            if before is not None and before.place != after.place:
                chain = self._above(before)
            for tally in chain:
                tally.line_up(old, new if chain is above else NOTHING, key, horizon)
            if chain is not above:
                for tally in above:
                    tally.line_up(NOTHING, new, key, horizon)
            if old is not NOTHING:
                batches[chain].taken += old.slots
                batches[chain].untold += old.named
                city.untold += old.city
            batches[above].slots += new.slots
            batches[above].named += new.named
            city.named += new.city
        for chain, batch in batches.items():
            difference = batch.difference()
            for tally in chain:
                tally.add(*difference)
        self._tallies[self.rules.places.root.code].add(*city.difference())

    def _above(self, ticket: Ticket) -> tuple[Tally, ...]:
        """The tallies of the ticket's place and of all places above it, the root first."""
        chain = self._chains.get(ticket.place)
        if chain is None:
            path = self.rules.places.path(ticket.place)
            chain = self._chains[ticket.place] = tuple(self._tallies.setdefault(code, Tally()) for code in path)
        return chain

    def _call(self, key: str, before: Ticket | None, after: Ticket) -> None:
        """Find out whether the ticket's caller complains again, and let it be so with the call that follows."""
        followers = []
        for ticket, come in (before, False), (after, True):
            if ticket is None or not ticket.caller or ticket.reported is None:
                continue
            calls = self._calls.setdefault((ticket.caller, ticket.category), [])
            at = bisect_left(calls, (ticket.reported, key))
            there = at < len(calls) and calls[at] == (ticket.reported, key)
            if there and not come:
                del calls[at]
            elif come and not there:
                calls.insert(at, (ticket.reported, key))
            followers += calls[at + come : at + come + 1]
        for _, follower in followers:
            if self._again(self.tickets[follower], follower) != (follower in self._repeated):
                self._waiting.setdefault(follower, self.tickets[follower])
        (self._repeated.add if self._again(after, key) else self._repeated.discard)(key)

    def _again(self, ticket: Ticket, key: str) -> bool:
        calls = self._calls.get((ticket.caller, ticket.category))
        if not calls or ticket.reported is None:
            return False
        at = bisect_left(calls, (ticket.reported, key))
        return at > 0 and calls[at - 1][0] >= ticket.reported - AGAIN

    # -- snapshot ----------------------------------------------------------------------------------------

    def dump(self) -> object:
        """The tickets alone: every count follows from them."""
        return [self.now, self.tickets.dump()]

    def load(self, dumped: object) -> None:
        """Build the slice anew from its tickets."""
        now, tickets = msgspec.convert(dumped, tuple[float, list[Ticket]])
        self._begin_anew(now, Shelf(tickets))

    def _begin_anew(self, now: float, tickets: Shelf) -> None:
        fresh = Tickets(self.rules)
        fresh.advance(now)
        fresh.tickets = tickets
        fresh._waiting = dict.fromkeys(fresh.tickets)
        fresh.settle()
        self.__dict__.update(fresh.__dict__)

    # -- looking -----------------------------------------------------------------------------------------

    def tally(self, place: str) -> Tally:
        """The counts at ``place``; empty ones where nothing was ever counted."""
        return self.tallies.get(place) or Tally()

    @property
    def tallies(self) -> dict[str, Tally]:
        """The counts at every place where anything was ever counted."""
        if self._waiting:
            self.settle()
        return self._tallies

    @property
    def city(self) -> Tally:
        """The counts of the whole city."""
        return self.tallies[self.rules.places.root.code]

    def light(self, key: str) -> int:
        """The light of an open ticket, an index of ``LIGHTS``."""
        return self._counted[key][1]

    @property
    def unplaced(self) -> dict[str, int]:
        """Why tickets count in the city alone, and how many do."""
        return self.city.named("unplaced")

    def anomalies(self) -> dict[str, dict[str, int]]:
        """What did not fit: source → reason → how often."""
        groups = [group for group in self.city.groups if isinstance(group, tuple) and group[0] == "anomaly"]
        found = {group[1]: self.city.named(group) for group in groups}
        return {source: reasons for source, reasons in sorted(found.items()) if reasons}
