"""Tickets: their events, their life, what is counted of them at every place, and their views.

A ticket counts at its place and at every place above it. Every count is the sum of what single tickets
contribute, and a contribution is a pure function of the ticket and of now: a ticket that changes is taken
out of the counts as it was and put back as it is, so nothing can drift.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import defaultdict
from datetime import datetime
from heapq import heappop, heappush
from typing import Literal, TypeVar, cast

import msgspec

from dashboard.events import Event
from dashboard.noun import Document, Noun, Rules
from dashboard.periods import Calendar, Window
from dashboard.rates import wilson

K = TypeVar("K")
Verdict = Literal["", "on_time", "overdue"]
LIGHTS = ("none", "normal", "soon", "overdue", "worst")
NONE, NORMAL, SOON, OVERDUE, WORST = range(5)
WINDOW_DAYS = 8  # How far back intake and closures are kept moment by moment.
POINTS = 20_000  # More open tickets than this at one place are not sent as points.
URGENT = 24  # Rows of the urgent list; a panel shows as many as fit.
JUST_OVERDUE = 3  # Rows of it for tickets that have just fallen overdue.


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


def _report(ticket: Ticket) -> tuple[float | None, str]:
    """Which report the ticket rests on."""
    return ticket.reported, ticket.reported_id


def deadline(ticket: Ticket, rules: Rules) -> float | None:
    """When the ticket is due: what its source said, else the city's plain limit for its category, in hours."""
    if ticket.due is not None:
        return ticket.due
    hours = rules.limits.get(ticket.category, rules.default_limit)
    return None if hours is None or ticket.reported is None else ticket.reported + 3600 * hours


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
        self._lights: dict[str, int] = {}
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
        # A closing leaves what the report contributed as it is, so only the other half is counted anew.
        same_report = before is not None and _report(before) == _report(after)
        if before is not None:
            self._count(key, before, -1, report=not same_report)
        self.tickets[key] = after
        self._count(key, after, +1, report=not same_report)

    def advance(self, now: float) -> None:
        """Turn the lights that are due to turn, and let the windows move on at midnight."""
        self.now = now
        while self._changes and self._changes[0][0] < now:
            _, key = heappop(self._changes)
            ticket = self.tickets[key]
            if key in self._lights:
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
        before = self._lights[key]
        after, until = light(ticket, self.now, self.rules)
        if until is not None:
            heappush(self._changes, (until, key))
        if after == before:
            return
        self._lights[key] = after
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

    def _count(self, key: str, ticket: Ticket, sign: int, *, report: bool = True) -> None:
        """Add (+1) or take back (−1) what one ticket contributes, at its place and above.

        Without ``report`` the half that follows from the report alone is left as it stands.
        """
        if ticket.reported is None:
            self.anomalies["closed_unreported"] += sign
            return
        due = deadline(ticket, self.rules)
        if report:
            self._count_report(ticket, ticket.reported, due, sign)
        done = ticket.done
        if due is not None:
            self._count_due(ticket, due, done, sign)
        if done is None:
            if ticket.closed is not None:
                self.anomalies["closed_before_reported"] += sign
            self._count_open(key, ticket, due, sign)
        else:
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
            self._lights[key] = shown
            if until is not None:
                heappush(self._changes, (until, key))
        else:
            shown = self._lights.pop(key)
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


def _pairs() -> defaultdict[K, list[int]]:
    return defaultdict(lambda: [0, 0])


# -- views -------------------------------------------------------------------------------------------------


def view_tickets(board: Tickets, place: str, now: float) -> Document:
    """Tickets in hand by light, what falls due within the hour, today against yesterday, this month's rate."""
    tally, calendar = board.tally(place), board.calendar
    midnight, before = calendar.midnight(now), calendar.day_before(now)
    yesterday = calendar.midnight(before)
    day, month = calendar.day_and_month(now)
    soonest = bisect_left(tally.dues, (now, ""))
    hour = bisect_left(tally.dues, (now + 3600, ""))
    units = {board.tickets[key].unit for _, key in tally.dues[soonest:hour]}
    day_due, month_due = tally.due.get(day, [0, 0]), tally.due.get(month, [0, 0])
    return {
        "open": len(tally.open),
        "lights": dict(zip(LIGHTS, tally.lights, strict=True)),
        "total": tally.total,
        "closed": tally.closed,
        "with_target": tally.with_target,
        "on_time": tally.on_time,
        "overdue": tally.overdue,
        "agree": tally.agree,
        "disagree": tally.disagree,
        "in_hour": hour - soonest,
        "in_hour_units": len(units),
        "oldest_due": tally.dues[0][0] if tally.dues else None,
        "today": {
            "opened": tally.intake.between(midnight, now + 1),
            "closed": tally.closings.between(midnight, now + 1),
        },
        "yesterday": {
            "opened": tally.intake.between(yesterday, before),
            "closed": tally.closings.between(yesterday, before),
        },
        "due_today": day_due,
        "due_month": month_due,
        "day_so_far": [day_due[0] - len(_ahead(tally, now, calendar.next_midnight(now))), day_due[1]],
        "month_so_far": [month_due[0] - len(_ahead(tally, now, calendar.next_month(now))), month_due[1]],
        "unplaced": sum(board.unplaced.values()) if place == board.rules.places.root.code else 0,
    }


def _ahead(tally: Tally, now: float, end: float) -> list[tuple[float, str]]:
    """The open tickets whose deadline still lies ahead, before ``end``.

    They are due to close in the running period, but nobody can have missed them yet, so a rate that is shown
    before the period is over leaves them out.
    """
    return tally.dues[bisect_left(tally.dues, (now, "")) : bisect_left(tally.dues, (end, ""))]


def view_trend(board: Tickets, place: str, now: float) -> Document:
    """Intake and closures of the last 24 full-or-running hours, and the intake of the same hours a day before."""
    tally = board.tally(place)
    last = now - (now - board.calendar.midnight(now)) % 3600  # Local hours, also where they are not those of UTC.
    hours = [last - 3600 * back for back in range(23, -1, -1)]
    return {
        "hours": hours,
        "opened": [tally.intake.between(hour, hour + 3600) for hour in hours],
        "closed": [tally.closings.between(hour, hour + 3600) for hour in hours],
        "day_before": [tally.intake.between(hour - 86400, hour - 82800) for hour in hours],
    }


def view_categories(board: Tickets, place: str, now: float) -> Document:
    """Categories by today's intake, with the tickets in hand of each; and today's intake by channel."""
    tally = board.tally(place)
    today = board.calendar.day_and_month(now)[0]
    intake: dict[str, dict[str, int]] = {"category": {}, "channel": {}}
    for (day, what, name), number in tally.by_day.items():
        if day == today and number:
            intake[what][name] = number
    names = set(intake["category"]) | {name for name, number in tally.by_category.items() if number}
    rows = [[name, intake["category"].get(name, 0), tally.by_category.get(name, 0)] for name in names]
    return {
        "categories": sorted(rows, key=lambda row: (-row[1], -row[2], row[0])),
        "channels": sorted(([name, n] for name, n in intake["channel"].items()), key=lambda row: (-row[1], row[0])),
    }


def view_units(board: Tickets, place: str, now: float) -> Document:
    """Units by the Wilson lower bound of this month's on-time closing rate so far; those with nothing due come last."""
    tally = board.tally(place)
    month = board.calendar.day_and_month(now)[1]
    ahead: dict[str, int] = {}
    for _, key in _ahead(tally, now, board.calendar.next_month(now)):
        unit = board.tickets[key].unit
        ahead[unit] = ahead.get(unit, 0) + 1
    due = {
        slot[0]: pair for slot, pair in tally.due.items() if isinstance(slot, tuple) and slot[1] == month and pair[0]
    }
    rows = []
    for unit in set(due) | {unit for unit, pair in tally.by_unit.items() if pair[0]}:
        whole, part = due.get(unit, (0, 0))
        whole -= ahead.get(unit, 0)
        in_hand, late = tally.by_unit.get(unit, (0, 0))
        rows.append(
            {"unit": unit, "open": in_hand, "late": late, "due": whole, "on_time": part, "bound": wilson(part, whole)}
        )
    rows.sort(
        key=lambda row: (
            row["bound"] is None,
            -cast(float, row["bound"] or 0),
            -cast(int, row["open"]),
            str(row["unit"]),
        )
    )
    return {"units": rows}


def view_urgent(board: Tickets, place: str, now: float) -> Document:
    """Open tickets by time left: the last few to have fallen overdue within the hour, then those due soonest.

    What is overdue for longer fills up where there are fewer; it is counted elsewhere, and needs no countdown.
    """
    tally = board.tally(place)
    start, now_at = bisect_left(tally.dues, (now - 3600, "")), bisect_left(tally.dues, (now, ""))
    first = max(start, now_at - JUST_OVERDUE)
    chosen = tally.dues[first : first + URGENT]
    if len(chosen) < URGENT:
        chosen = tally.dues[max(0, first - URGENT + len(chosen)) : first] + chosen
    rows = []
    for due, key in chosen:
        ticket = board.tickets[key]
        rows.append({
            "key": key, "number": ticket.number, "title": ticket.title, "category": ticket.category,
            "unit": ticket.unit, "place": ticket.place, "due": due, "light": LIGHTS[board._lights[key]],
        })  # fmt: skip
    return {"tickets": rows, "open": len(tally.open), "dues": len(tally.dues)}


def view_map(board: Tickets, place: str, now: float) -> Document:
    """What is counted at each place directly below, and what is known only at this level.

    ``due`` and ``on_time`` are those of the month so far.
    """
    month, end = board.calendar.day_and_month(now)[1], board.calendar.next_month(now)
    rows = {}
    for child in board.rules.places.children(place):
        tally = board.tally(child.code)
        due, in_time = tally.due.get(month, (0, 0))
        ahead = len(_ahead(tally, now, end))
        rows[child.code] = {
            "open": len(tally.open), "late": tally.lights[OVERDUE] + tally.lights[WORST], "soon": tally.lights[SOON],
            "due": due - ahead, "on_time": in_time, "total": tally.total, "population": child.population,
        }  # fmt: skip
    own = board.tally(place)
    inner = sum(len(board.tally(child.code).open) for child in board.rules.places.children(place))
    return {"places": rows, "only_here": len(own.open) - inner}


def view_points(board: Tickets, place: str, now: float) -> Document:
    """The open tickets that have a point, as ``[key, lon, lat, light, title]``, at most ``POINTS`` of them.

    Only at the lowest levels: at a place with nothing below it, or with only such places below it, but never
    for a whole city.
    """
    tally = board.tally(place)
    rows: list[list[object]] = []
    places = board.rules.places
    inner = places.children(place)
    if inner and (place == places.root.code or any(places.children(child.code) for child in inner)):
        return {"points": rows, "open": len(tally.open)}
    for key in sorted(tally.open):  # Should there be too many, every board leaves out the same ones.
        ticket = board.tickets[key]
        if ticket.lon is not None:
            rows.append([key, ticket.lon, ticket.lat, LIGHTS[board._lights[key]], ticket.title])
            if len(rows) == POINTS:
                break
    return {"points": rows, "open": len(tally.open)}


NOUN = Noun(
    name="ticket",
    events=(TicketReported, TicketClosed),
    slice=Tickets,
    views={
        "tickets": view_tickets, "trend": view_trend, "categories": view_categories, "units": view_units,
        "urgent": view_urgent, "map": view_map, "points": view_points,
    },
)  # fmt: skip
