"""The alarm clock: which steps of a city's escalation are due for which tickets, from the tickets and the time alone.

A step belongs to a run of one of a ticket's clocks: that of the handling starts anew when another unit gets the
ticket, that of its dispatch when it comes back, and with it the steps. Whoever asks again gets the same steps again;
that each is taken only once is for those to see to who send something.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from heapq import heappop, heappush, nlargest
from typing import Any, Protocol
from weakref import WeakKeyDictionary

import msgspec

from dashboard.nouns.duty import Step
from dashboard.nouns.noun import Document, Rules
from dashboard.nouns.tickets import Ticket, errand, turns

KEPT = 200_000  # News that may wait to be asked for.
ROWS = 50  # Steps a desk shows.


class Due(msgspec.Struct, frozen=True, array_like=True):
    """A step that is due: of which ticket, since when, to whom. Moments are seconds since 1970 UTC."""

    key: str
    run: float  # When the clock's run began.
    step: str
    moment: float
    to: str
    unit: str
    place: str
    category: str
    title: str
    deadline: float
    clock: str = "handle"

    @property
    def id(self) -> str:
        """The step's name among all: of one ticket, of one run of one clock, of one kind."""
        step = self.step if self.clock == "handle" else f"{self.clock}/{self.step}"
        return f"{self.key}|{self.run:.6f}|{step}".replace("\0", "\ufffd")  # PostgreSQL's text knows no NUL.


class Tally(Protocol):
    """The counts at a place, as far as they matter here."""

    @property
    def open(self) -> Collection[str]:
        """The keys of the open tickets."""


class Slice(Protocol):
    """The tickets' slice of the board, as far as it matters here."""

    rules: Rules

    @property
    def tickets(self) -> Mapping[str, Ticket]:
        """All tickets, by key."""

    def tally(self, place: str) -> Any:
        """The counts at a place: a ``Tally``."""


class AlarmClock:
    """Keeps watch over open tickets by a heap of moments; only tickets that changed are looked at again."""

    def __init__(self, rules: Rules) -> None:
        steps = rules.escalation.steps
        # ``turns`` knows three moments; each step asks for its own as one of them.
        self.plan: list[tuple[Step, Rules]] = [(step, _asking(rules, step)) for step in steps]
        self.seen: dict[str, Ticket] = {}
        self._coming: list[tuple[float, str, int]] = []  # Moment, key, position in the plan.
        self._due: dict[str, dict[int, Due]] = {}
        self._news: list[Due] = []
        self._now = float("-inf")

    def look(self, tickets: Mapping[str, Ticket], open_: Collection[str], now: float) -> None:
        """Take note of what has changed and of what has become due up to ``now``."""
        if now < self._now:
            self._go_back(now)
        self._now = now
        for key in [key for key in self.seen if key not in open_]:
            del self.seen[key]
            self._due.pop(key, None)
        for key in open_:
            ticket = tickets[key]
            if self.seen.get(key) is not ticket:
                self.seen[key] = ticket
                self._plan(key, ticket, now)
        while self._coming and self._coming[0][0] <= now:
            moment, key, at = heappop(self._coming)
            ticket_ = self.seen.get(key)
            if ticket_ is None or at in self._due.get(key, {}):
                continue
            due = self._step(ticket_, at)
            if due is not None and due.moment == moment:  # Else it was moved, and comes again at its moment.
                self._due.setdefault(key, {})[at] = due
                self._news.append(due)
        if len(self._news) > KEPT:  # Nobody wants them, or they come again with all that is due.
            self._news.clear()

    def _go_back(self, now: float) -> None:
        """Let what is due only later than ``now`` wait again; who has taken it already knows it by its ``id``."""
        for key, steps in self._due.items():
            for at, due in [(at, due) for at, due in steps.items() if due.moment > now]:
                del steps[at]
                heappush(self._coming, (due.moment, key, at))
        self._news = [due for due in self._news if due.moment <= now]

    def news(self) -> list[Due]:
        """What has become due since this was last asked; the first time, all that is due."""
        news, self._news = self._news, []
        return news

    def due(self) -> Iterator[Due]:
        """All steps that are due now."""
        for steps in self._due.values():
            yield from steps.values()

    def of(self, key: str) -> list[Due]:
        """The steps of a ticket that are due now, in the order of the plan."""
        return [due for _, due in sorted(self._due.get(key, {}).items())]

    def _plan(self, key: str, ticket: Ticket, now: float) -> None:
        before = {due.id for due in self._due.pop(key, {}).values()}
        for at in range(len(self.plan)):
            due = self._step(ticket, at)
            if due is None:
                continue
            if due.moment <= now:
                self._due.setdefault(key, {})[at] = due
                if due.id not in before:
                    self._news.append(due)
            else:
                heappush(self._coming, (due.moment, key, at))

    def _step(self, ticket: Ticket, at: int) -> Due | None:
        step, rules = self.plan[at]
        if step.clock != "handle":
            return self._before(ticket, step, rules)
        found = turns(ticket, rules) if ticket.running else None
        if found is None or found.overdue is None:
            return None
        moment = found.overdue if step.at in ("overdue", 1) else found.soon if _early(step) else found.worst
        if moment is None:
            return None
        return Due(
            ticket.key, ticket.clock[0], step.name, moment, step.to, ticket.unit, ticket.place, ticket.category,
            ticket.title, found.overdue,
        )  # fmt: skip

    def _before(self, ticket: Ticket, step: Step, rules: Rules) -> Due | None:
        """A step of a clock before the handling's, while that runs."""
        waits = errand(ticket)
        if waits is None or waits[0] != step.clock:
            return None
        clock, begun = waits
        limit, after = rules.before(clock), rules.calendar.after
        share = 1.0 if step.at == "overdue" else 1 - rules.soon_share if isinstance(step.at, str) else step.at
        return Due(
            ticket.key, begun, step.name, after(begun, limit.amount * share, limit.clock), step.to, ticket.unit,
            ticket.place, ticket.category, ticket.title, after(begun, limit.amount, limit.clock), clock,
        )  # fmt: skip


def _early(step: Step) -> bool:
    return step.at == "soon" or (not isinstance(step.at, str) and step.at < 1)


def _asking(rules: Rules, step: Step) -> Rules:
    if isinstance(step.at, str) or step.at == 1:
        return rules
    return replace(rules, soon_share=1 - step.at) if step.at < 1 else replace(rules, worst_multiple=step.at - 1)


_clocks: WeakKeyDictionary[Any, AlarmClock] = WeakKeyDictionary()


def alarm_of(board: Slice, now: float) -> AlarmClock:
    """The alarm clock of a slice, having looked at it."""
    clock = _clocks.get(board)
    if clock is None:
        clock = _clocks[board] = AlarmClock(board.rules)
    clock.look(board.tickets, board.tally(board.rules.places.root.code).open, now)
    return clock


def view_steps(board: Slice, place: str, now: float) -> Document:
    """What is due to be said, and to whom: ``steps`` as ``[name, to, how many]`` in the order of the plan, and the
    latest of them as ``rows``, whether or not there is a channel to say it through.
    """
    clock = alarm_of(board, now)
    here = board.tally(place).open
    due = [one for one in clock.due() if one.key in here]
    counts = {step.name: 0 for step, _ in clock.plan}
    for one in due:
        counts[one.step] += 1
    return {
        "steps": [[step.name, step.to, counts[step.name]] for step, _ in clock.plan],
        "rows": [
            {
                "key": one.key, "title": one.title, "category": one.category, "unit": one.unit, "place": one.place,
                "step": one.step, "to": one.to, "moment": one.moment, "due": one.deadline,
            }
            for one in nlargest(ROWS, due, key=lambda one: (one.moment, one.id))
        ],
        "n": len(due),
    }  # fmt: skip
