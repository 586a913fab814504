"""The tickets' slice of the board: what is counted of them at every place.

A ticket counts at its place and at every place above it. Every count is a sum of what single tickets share in,
and a share is a pure function of the ticket and of now (see ``slots``): of a ticket that changes, the difference
between its old share and its new one is applied, so nothing can drift. That is settled when somebody looks, so a
ticket that changes ten times before is counted once.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable
from heapq import heappop, heappush
from typing import TypeVar, cast

import msgspec

from dashboard.events import Event
from dashboard.life import Ticket
from dashboard.noun import Rules
from dashboard.periods import Window
from dashboard.slots import LIGHT, Counting, Named, Share
from dashboard.tickets import apply, key_of

T = TypeVar("T", bound=Hashable)
WINDOW_DAYS = 8  # How far back intake and closures are kept moment by moment.
AT_ONCE = 4096  # Changed tickets that may wait to be counted.
AGAIN = 30 * 86400.0  # A caller who comes with the same matter within this time complains again, in seconds.
Row = tuple[float, str]
Rows = Iterable[tuple[Hashable, Row]]
Deltas = list[tuple[T, int]]


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

    @property
    def open(self) -> set[str]:
        """The keys of the open tickets."""
        return self.rolls.get("open", set())

    def add(self, share: Share, key: str, horizon: float) -> None:
        """Count a share that has not been counted."""
        counts, groups = self.counts, self.groups
        for slot in share.slots:
            counts[slot] += 1
        for group, name in share.named:
            groups[group][name] += 1
        self.line_up((), share.rows)
        for roll in share.rolls:
            self.rolls[roll].add(key)
        if share.intake is not None and share.intake >= horizon:
            self.intake.count(share.intake, 1)
        if share.closing is not None and share.closing >= horizon:
            self.closings.count(share.closing, 1)

    def change(
        self, old: Share, new: Share, key: str, horizon: float, slots: Deltas[Hashable], named: Deltas[Named]
    ) -> None:
        """Count ``new`` instead of ``old``; ``slots`` and ``named`` are the differences of the two."""
        counts, groups = self.counts, self.groups
        for slot, n in slots:
            counts[slot] += n
        for (group, name), n in named:
            groups[group][name] += n
        if old.rows != new.rows:
            self.line_up(old.rows, new.rows)
        if old.rolls != new.rolls:
            for roll in old.rolls:
                self.rolls[roll].discard(key)
            for roll in new.rolls:
                self.rolls[roll].add(key)
        for window, was, now in (self.intake, old.intake, new.intake), (self.closings, old.closing, new.closing):
            if was != now:
                if was is not None and was >= horizon:
                    window.count(was, -1)
                if now is not None and now >= horizon:
                    window.count(now, 1)

    def line_up(self, gone: Rows, come: Rows) -> None:
        """Take rows out of their order, and put others in."""
        for name, row in gone:
            rows = self.rows[name]
            del rows[bisect_left(rows, row)]
        for name, row in come:
            insort(self.rows[name], row)

    def forget(self, lasts: Callable[[Hashable], bool]) -> None:
        """Drop the slots and groups of periods that are counted no more."""
        self.counts = defaultdict(int, {slot: n for slot, n in self.counts.items() if lasts(slot)})
        for group in [group for group in self.groups if not lasts(group)]:
            del self.groups[group]


NOTHING = Share([], [], [])


def deltas(old: list[T], new: list[T]) -> Deltas[T]:
    """How often what is in ``new`` more or less often than in ``old``."""
    found: dict[T, int] = {}
    for slot in new:
        found[slot] = found.get(slot, 0) + 1
    for slot in old:
        found[slot] = found.get(slot, 0) - 1
    return [(slot, n) for slot, n in found.items() if n]


class Tickets:
    """The tickets' slice of the board."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.counting = Counting(rules)
        self.calendar = self.counting.calendar
        self.now = 0.0
        self.horizon = float("-inf")
        self.tickets: dict[str, Ticket] = {}
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
        """Let the shares that are others from now on be counted anew, and the windows move on at midnight."""
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

    # -- counting ----------------------------------------------------------------------------------------

    def settle(self) -> None:
        """Count all that has changed."""
        share, now = self.counting.share, self.now
        while self._waiting:
            key, before = self._waiting.popitem()
            after = self.tickets[key]
            was, _ = self._counted.pop(key, (now, 0))
            old = None if before is None else share(before, key, was, repeated=key in self._repeated)
            if after.caller or (before is not None and before.caller):
                self._call(key, before, after)
            new = share(after, key, now, repeated=key in self._repeated)
            if new.rolls:
                self._counted[key] = now, new.light
            if new.until is None:
                self._next.pop(key, None)
            elif self._next.get(key) != new.until:
                self._next[key] = new.until
                heappush(self._changes, (new.until, key))
            self._count(key, before, old, after, new)

    def _count(self, key: str, before: Ticket | None, old: Share | None, after: Ticket, new: Share) -> None:
        chain = self._above(after)
        if before is not None and old is not None and self._above(before) is not chain:
            self._swap(self._above(before), old, NOTHING, key)
            old = None
        if old is not None:
            self._swap(chain, old, new, key)
            return
        for tally in chain:
            tally.add(new, key, self.horizon)
        for group, name in new.city:
            chain[0].groups[group][name] += 1

    def _swap(self, chain: tuple[Tally, ...], old: Share, new: Share, key: str) -> None:
        slots, named = deltas(old.slots, new.slots), deltas(old.named, new.named)
        for tally in chain:
            tally.change(old, new, key, self.horizon, slots, named)
        for (group, name), n in deltas(old.city, new.city):
            chain[0].groups[group][name] += n

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
        return [self.now, list(self.tickets.values())]

    def load(self, dumped: object) -> None:
        """Build the slice anew from its tickets."""
        now, tickets = msgspec.convert(dumped, tuple[float, list[Ticket]])
        fresh = Tickets(self.rules)
        fresh.advance(now)
        fresh.tickets = {ticket.key: ticket for ticket in tickets}
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
