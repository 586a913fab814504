"""What one ticket adds to the counts: a pure function of the ticket, of now and of the city's rules.

Every count of the board is the number of tickets in one slot, at a place and at all below it. Slots are plain
values: words for what is now (``"open"``, ``"light soon"``), and for what is counted by local day, week and month
a number that ``at`` makes of a period and a kind. What is counted by name (category, unit …) is so in groups:
``"unit"`` are the open tickets by unit, ``("unit", at(month, DUE))`` those due to close in a month.
"""

from __future__ import annotations

from collections.abc import Hashable
from math import ceil, inf, log2
from typing import NamedTuple

from dashboard.nouns.forecast import bin_at
from dashboard.nouns.noun import Rules
from dashboard.nouns.periods import Calendar
from dashboard.nouns.sla import Limit
from dashboard.nouns.tickets import LIGHTS, NONE, OVERDUE, complaints, errand, light_of, turns
from dashboard.nouns.ticketstate import ASIDE, STAGES, WHISTLE_OPEN, Ticket, steps

DAY = 86400.0
AGES = (1 * DAY, 3 * DAY, 7 * DAY)  # A ticket's age in its stage: below the first, below the second …
LIGHT = tuple(f"light {name}" for name in LIGHTS)
STAGE = tuple(f"stage {name}" for name in STAGES)
LATE = tuple(f"late {name}" for name in STAGES)
AGE = tuple(tuple(f"age {age} {name}" for age in range(len(AGES) + 1)) for name in STAGES)
FINE = 8  # Lengths of stays are counted by their logarithm, in steps of an eighth of a doubling (9 %).

# What is counted by day, week and month. Of the tickets reported then: how many, how many of them were filed, how
# many are a repeated complaint; of those filed then: how many, how many of them were voided; of those dispatched
# then: how many, how many of them came back, how many were signed and contacted in time; of the call-backs made
# then: those with an answer, and the good ones; of the tickets due to close then: how many, closed, closed on time,
# and handled in time but not closed; of the whistles answered then: how many, and how many in time. USED counts what
# is decided by unit and share of the limit used up. MISSED are the tickets whose deadline of that time was not kept,
# each once: one that is closed late is also among what is due when it is closed.
KINDS = (
    "reported", "filed_since", "repeated", "filed", "voided_since", "dispatched", "returned_since", "responded",
    "asked_solved", "solved", "asked_satisfied", "satisfied", "due", "shut", "kept", "closed", "handled",
    "answered", "answered_in_time", "used", "taken_in", "missed",
)  # fmt: skip
(
    REPORTED, FILED_SINCE, REPEATED, FILED, VOIDED_SINCE, DISPATCHED, RETURNED_SINCE, RESPONDED,
    ASKED_SOLVED, SOLVED, ASKED_SATISFIED, SATISFIED, DUE, SHUT, KEPT, CLOSED, HANDLED,
    ANSWERED, ANSWERED_IN_TIME, USED, TAKEN_IN, MISSED,
) = range(len(KINDS))  # fmt: skip
MOVED = 128  # The kind of a step from stage to stage; see ``moved``.
_SHIFT = 256
_HANDLED = ((DUE,), (DUE, HANDLED))  # Not in time, in time.
_CLOSED = ((DUE, SHUT), (DUE, SHUT, KEPT))
_EXEMPTED = (DUE, KEPT)  # While it is open, once nobody counts its deadline as still ahead.
_MONTHS = 10_000_000  # The slots of months lie below, those of days above, those of weeks below zero.


def at(period: int, kind: int) -> int:
    """The slot of a kind in a period, as ``Calendar.periods`` numbers it."""
    return period * _SHIFT + kind


def moved(start: int, end: int) -> int:
    """The kind of the steps from one stage to another, both as in ``life.steps``."""
    return MOVED + 8 * start + end


Named = tuple[Hashable, Hashable]


class Share(NamedTuple):
    """What a ticket adds: to slots, and by name to groups of slots, at all places above it; to the whole city only;
    to rows (name, (moment, key)) in order; to rolls, which are named sets of keys.

    ``until`` is after which moment the share is another without any event; None if never.
    """

    slots: list[Hashable]
    named: list[Named]
    city: list[Named]
    rows: list[tuple[Hashable, tuple[float, str]]] = []  # noqa: RUF012 - never written to.
    rolls: list[str] = []  # noqa: RUF012 - never written to.
    intake: float | None = None
    closing: float | None = None
    until: float | None = None
    light: int = NONE


class Counting:
    """A city's way of counting. What lies before ``floor`` is counted no more by day, week or month."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.calendar = Calendar(rules.zone)
        self.floor = float("-inf")
        self._first = (0, 0)  # The day and the month of the floor.
        self._dues: dict[tuple[int, int | None, tuple[int, ...]], tuple[tuple[int, ...], tuple[Hashable, ...]]] = {}
        self._known: dict[tuple[int, tuple[int, ...]], tuple[int, ...]] = {}

    def forget_before(self, now: float) -> bool:
        """Move the floor to where it lies at ``now``; True if it was another. It never moves back."""
        floor = self.floor_at(now)
        if floor <= self.floor:
            return False
        self.floor, self._first = floor, self.calendar.day_and_month(floor)
        self._known.clear()
        self._dues.clear()
        return True

    def floor_at(self, now: float) -> float:
        """Where the month before that of ``now`` began."""
        return self.calendar.month_begin(self.calendar.month_begin(now) - 86400)

    def lasts(self, slot: Hashable) -> bool:
        """Whether a slot or a group is still counted: it is of no period, or of one that begins behind the floor."""
        number = slot[1] if isinstance(slot, tuple) and len(slot) == 2 else slot
        if not isinstance(number, int):
            return True
        period = number // _SHIFT
        return abs(period) >= self._first[0] if abs(number) > _MONTHS else period >= self._first[1]

    def _at(self, moment: float, *kinds: int) -> tuple[int, ...]:
        """The slots of these kinds in the periods around ``moment`` that are still counted."""
        key = (self.calendar.day_and_month(moment)[0], kinds)
        found = self._known.get(key)
        if found is None:
            numbers = [_SHIFT * period for period in self.calendar.periods(moment)]
            found = self._known[key] = tuple(n + kind for n in numbers if self.lasts(n) for kind in kinds)
        return found

    def share(self, ticket: Ticket, key: str, now: float, *, repeated: bool = False) -> Share:
        """What the ticket adds at ``now``."""
        city: list[Named] = [(("anomaly", ticket.source), reason) for reason in complaints(ticket, self.rules)]
        reported = ticket.reported
        if reported is None:
            return Share([], [], city)
        found = turns(ticket, self.rules)
        due = None if found is None else found.overdue
        slots: list[Hashable] = ["total"]
        named: list[Named] = []
        if ticket.flaw or ticket.place not in self.rules.places:
            city.append(("unplaced", ticket.flaw or "unknown_place"))
        self._reported(slots, named, ticket, reported, repeated)
        if not ticket.plain:
            self._lived(slots, ticket)
        if ticket.whistled is not None:
            self._answered(slots, ticket)
        if ticket.called is not None:
            self._called(slots, ticket, ticket.called)
        if due is not None and ticket.state not in ASIDE:
            slots.append("timed")
            if ticket.suspended_until is None or now > ticket.suspended_until:
                self._due(slots, named, ticket, due, now)
        self._moved(slots, city, ticket)
        if ticket.open:
            return self._open(Share(slots, named, city), ticket, key, now, light_of(ticket, found, now), due)
        if ticket.closed is not None and ticket.state == "closed":
            self._closed(slots, named, ticket, ticket.closed, due)
            return Share(slots, named, city, intake=reported, closing=ticket.closed)
        return Share(slots, named, city, intake=reported)

    # -- by day, week and month --------------------------------------------------------------------------

    def _reported(
        self, slots: list[Hashable], named: list[Named], ticket: Ticket, reported: float, repeated: bool
    ) -> None:
        numbers = self._at(reported, REPORTED)
        slots += numbers
        if numbers and numbers[0] > _MONTHS:
            named.append((("category", numbers[0]), ticket.category))
            named.append((("channel", numbers[0]), ticket.channel))
        if not ticket.plain:
            slots += self._at(reported, TAKEN_IN)
        if ticket.filed is not None:
            slots += self._at(reported, FILED_SINCE)
        if repeated:
            slots += self._at(reported, REPEATED)

    def _lived(self, slots: list[Hashable], ticket: Ticket) -> None:
        if ticket.filed is not None:
            slots += self._at(ticket.filed, FILED)
            if ticket.state == "voided":
                slots += self._at(ticket.filed, VOIDED_SINCE)
        if ticket.first_dispatched is not None:
            slots += self._at(ticket.first_dispatched, DISPATCHED)
            if ticket.returns:
                slots += self._at(ticket.first_dispatched, RETURNED_SINCE)
            if self._responded(ticket):
                slots += self._at(ticket.first_dispatched, RESPONDED)

    def _responded(self, ticket: Ticket) -> bool:
        if ticket.signed is None or ticket.contacted is None or ticket.dispatched is None:
            return False
        return max(ticket.signed, ticket.contacted) <= self._after(ticket.dispatched, self.rules.sign)

    def _called(self, slots: list[Hashable], ticket: Ticket, called: float) -> None:
        if ticket.solved is not None:
            slots += self._at(called, ASKED_SOLVED, SOLVED) if ticket.solved else self._at(called, ASKED_SOLVED)
        if ticket.satisfied is not None:
            slots += self._at(called, ASKED_SATISFIED)
            slots += self._at(called, SATISFIED) if ticket.satisfied else ()

    def _due(self, slots: list[Hashable], named: list[Named], ticket: Ticket, due: float, now: float) -> None:
        """Due to close in a period: its deadline falls in it, or it was closed in it. An exempted one counts as on
        time, also while it is open, as soon as it counts at all (see ``Tally.ahead``).
        """
        closed, day_of = ticket.closed, self.calendar.day_and_month
        in_time = ticket.exempted or (ticket.done_at is not None and ticket.done_at <= due)
        kinds = _HANDLED[in_time] if closed is None else _CLOSED[in_time]
        if ticket.exempted and closed is None:
            kinds = (DUE,) if ticket.running and now <= due else _EXEMPTED
        if not in_time and (ticket.done_at is not None or now > due):
            slots += self._at(due, MISSED)
        key = day_of(due)[0], None if closed is None else day_of(closed)[0], kinds
        found = self._dues.get(key)
        if found is None:
            numbers = dict.fromkeys((*self._at(due, *kinds), *(self._at(closed, *kinds) if closed is not None else ())))
            groups = tuple(("unit", number) for number in numbers if 0 < number < _MONTHS)
            found = self._dues[key] = (tuple(numbers), groups)
        slots += found[0]
        named += [(group, ticket.unit) for group in found[1]]

    def _moved(self, slots: list[Hashable], city: list[Named], ticket: Ticket) -> None:
        before: float | None = None
        for moment, start, end in steps(ticket):
            slots += self._at(moment, MOVED + 8 * start + end)
            if before is not None and start < len(STAGES) > end:
                city.append((("stay", ticket.category, start), fine(moment - before)))
            before = moment

    def _closed(
        self, slots: list[Hashable], named: list[Named], ticket: Ticket, closed: float, due: float | None
    ) -> None:
        slots.append("closed")
        numbers = self._at(closed, CLOSED)
        slots += numbers
        if numbers and 0 < numbers[-1] < _MONTHS:
            named.append((("unit", numbers[-1]), ticket.unit))
        if due is None or ticket.done_at is None:
            return
        in_time = ticket.exempted or ticket.done_at <= due
        self._decided(named, ticket, closed, ticket.done_at, due)
        slots.append("on_time" if in_time else "overdue")
        if ticket.verdict and ticket.due is not None:
            slots.append("agree" if (ticket.verdict == "on_time") == in_time else "disagree")

    def _decided(self, named: list[Named], ticket: Ticket, when: float, end: float, due: float) -> None:
        """How much of its time the ticket had used up at its ``end``, from the start of its clock to its deadline."""
        for number in self._at(when, USED)[-1:]:
            if 0 < number < _MONTHS:
                named.append((("used", number), (ticket.unit, bin_at(ticket.clock[0], end, due))))

    def _answered(self, slots: list[Hashable], ticket: Ticket) -> None:
        if ticket.answered is None or ticket.whistled is None:
            return
        in_time = ticket.answered <= self.whistle_due(ticket.whistled)
        kinds = (ANSWERED, ANSWERED_IN_TIME) if in_time else (ANSWERED,)
        slots += self._at(ticket.answered, *kinds)

    def whistle_due(self, whistled: float) -> float:
        """Until when the departments that were called are to report in."""
        return self._after(whistled, self.rules.whistle)

    # -- in hand -----------------------------------------------------------------------------------------

    def _open(
        self, share: Share, ticket: Ticket, key: str, now: float, shown: tuple[int, float | None], due: float | None
    ) -> Share:
        light, until = shown
        stage = ticket.stage
        assert stage is not None
        late = light >= OVERDUE
        share.slots.extend(("open", LIGHT[light], STAGE[stage]))
        share.named.extend((("category", ticket.category), ("unit", ticket.unit)))
        if late:
            share.named.append(("late", ticket.unit))
            if due is not None:
                self._decided(share.named, ticket, due, now, due)
        age = 0
        for limit in AGES:
            if now <= ticket.since + limit:
                until = _sooner(until, ticket.since + limit)
                break
            age += 1
        share.slots.append(AGE[stage][age])
        step = None if late else self._step(ticket)
        if step is not None:
            late = now > step
            until = until if late else _sooner(until, step)
        if late:
            share.slots.append(LATE[stage])
        rows: list[tuple[Hashable, tuple[float, str]]] = [(("stands", ticket.category, stage), (ticket.since, key))]
        if due is not None and (ticket.suspended_until is None or now > ticket.suspended_until):
            if ticket.running:
                rows.append(("due", (due, key)))
            elif not ticket.exempted:  # It waits for inspection; an exempted one is on time already.
                rows.append(("handed", (due, key)))
        if self._is_emergency(ticket):
            rows.append(("emergency", rows[-1][1] if rows[-1][0] == "due" else (inf, key)))
        rolls = ["open"]
        if ticket.level:
            rolls.append("supervised")
        if ticket.whistle == WHISTLE_OPEN:
            rolls.append("whistle")
        return share._replace(rows=rows, rolls=rolls, intake=ticket.reported, until=until, light=light)

    def _is_emergency(self, ticket: Ticket) -> bool:
        """Whether an open ticket is an emergency, as the city file says."""
        table = self.rules.incidents
        if (table.urgent and ticket.urgent) or ticket.category in table.categories:
            return True
        if table.hours is None:
            return False
        limit = self.rules.limits.of(ticket.category, ticket.condition, urgent=ticket.urgent)
        return limit is not None and limit.clock == "urgent_hour" and limit.amount <= table.hours

    def _step(self, ticket: Ticket) -> float | None:
        """When the step before the handling that the ticket stands at is to be done: accept, dispatch or sign."""
        found = errand(ticket)
        return None if found is None else self._after(found[1], self.rules.before(found[0]))

    def _after(self, moment: float, limit: Limit) -> float:
        return self.rules.calendar.after(moment, limit.amount, limit.clock)


def _sooner(one: float | None, other: float) -> float:
    return other if one is None else min(one, other)


def fine(seconds: float) -> int:
    """The class of a length of time by its logarithm; ``length`` is its upper end."""
    return ceil(FINE * log2(seconds)) if seconds > 1 else 0


def length(number: int) -> float:
    """The longest time in a class of ``fine``, in seconds."""
    return float(2 ** (number / FINE))
