"""What is asked of the tickets as conditions in SQL: they say the same as the board does, ticket by ticket."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, and_, case, false, func, literal, literal_column, not_, or_, select, tuple_
from sqlalchemy.sql.selectable import Subquery

from dashboard.casework.ticketasks import Asked, span
from dashboard.nouns.periods import Calendar
from dashboard.nouns.slots import AGES
from dashboard.nouns.ticketstate import OPEN as STATES_OPEN
from dashboard.nouns.ways import WAYS
from dashboard.places import PlaceTree
from dashboard.travel.history import tickets
from dashboard.travel.moves import moves

FACETS = "tickets_facets"
REPEATED = 30 * 86400  # Seconds within which the same caller with the same matter is a repetition.
ASIDE = ("rejected", "voided", "merged")
t, m = tickets.c, moves.c
Condition = ColumnElement[bool]

KNOWN = t.reported.is_not(None)  # A ticket of which only something later has arrived counts nowhere yet.
OPEN = t.state.in_(sorted(STATES_OPEN))
CLOSED = t.state == "closed"
EXEMPTED = t.exempted == 1


@dataclass(frozen=True)
class Levels:
    """At which level of places each unit works, that of units that are not listed, and which are the grassroots."""

    units: Mapping[str, str] = field(default_factory=dict)
    others: str = ""
    grassroots: frozenset[str] = frozenset()

    def condition(self, levels: Collection[str]) -> Condition:
        """That a ticket's unit works at one of these levels."""
        named = func.coalesce(t.unit, "").in_([unit for unit, level in self.units.items() if level in levels])
        if self.others not in levels:
            return named
        return or_(named, func.coalesce(t.unit, "").not_in(list(self.units)))


def conditions(
    what: Asked, now: float, places: PlaceTree, calendar: Calendar, postgres: bool, levels: Levels | None = None
) -> list[Condition]:
    """The conditions that hold for exactly the tickets asked for. ``now`` is the city's time."""
    levels = levels or Levels(others=places.root.level)
    codes = at(what.place, places)
    found: list[Condition] = [KNOWN, *([t.place.in_(codes)] if codes else [])]
    for name, values in what.filters:
        if name == "rate":
            found += _of_rate(what, now, calendar, postgres)
        elif name == "moved":
            rows, plain = moved(what, now, calendar)
            found.append(or_(tuple_(t.source, t.number).in_(select(m.source, m.number).where(*rows)), plain))
        elif name == "q":
            found += [_holds(word, postgres) for word in values[0].split()]
        elif name in ("reported", "closed", "deadline", "answered"):
            found += [*within(t[name], *span(values[0], now, calendar)), *([CLOSED] if name == "closed" else [])]
        elif name == "outlook":
            found.append(_outlook(values, now, calendar))
        elif name == "level":
            found.append(levels.condition(values))
        elif name == "grassroots":
            settled = levels.condition(levels.grassroots)
            found.append(settled if values[0] == "1" else not_(settled))
        elif name == "here":
            here = _here(what.place, places)
            found.append(here if values[0] == "1" else not_(here))
        elif name not in ("period", "met"):
            found.append(_one(name, values, now))
    return found


def at(place: str, places: PlaceTree) -> list[str]:
    """The codes of a place and all below it; none for the root, which is everything, also what lies nowhere known."""
    if place == places.root.code:
        return []
    codes, waiting = [], [place]
    while waiting:
        codes.append(waiting.pop())
        waiting += [child.code for child in places.children(codes[-1])]
    return codes


def _here(place: str, places: PlaceTree) -> Condition:
    """That a ticket lies in none of the places below: it is known only at this level, or nowhere at all."""
    below = [code for child in places.children(place) for code in at(child.code, places)]
    return func.coalesce(t.place, "").not_in(below)


def _one(name: str, values: Sequence[str], now: float) -> Condition:
    if name in ("unit", "category", "channel", "source", "caller", "state", "stage"):
        return t[name].in_(values)
    if name == "light":
        return or_(*(_light(value, now) for value in values))
    if name == "whistle":
        return or_(*({"any": t.whistle > 0, "open": t.whistle == 1, "answered": t.whistle == 2}[v] for v in values))
    if name == "due_in":
        first, _, last = values[0].rpartition("-")
        return and_(runs(now), t.deadline >= now + 60 * int(first or 0), t.deadline < now + 60 * int(last))
    if name == "age":
        return and_(OPEN, or_(*(_aged(int(value), now) for value in values)))
    if name == "waits":
        return and_(OPEN, t.step_due < now, or_(*(_waits(value) for value in values)))
    yes, no = _yes(name, now)
    return yes if values[0] == "1" else not_(func.coalesce(yes, false())) if no is None else no


def _of_rate(what: Asked, now: float, calendar: Calendar, postgres: bool) -> list[Condition]:
    (name,), (period,), met = what.get("rate"), what.get("period"), what.get("met")
    start, end = span(period, now, calendar)
    if name == "repeat":
        keys = repeats(start, end, postgres)
        whole: Condition = and_(*within(t.reported, start, end))
        found = select(keys.c.source, keys.c.number).where(keys.c.again == 1)
        part: Condition = tuple_(t.source, t.number).in_(found)
    else:
        whole, part = rate_conditions(name, start, end, now)
    if not met:
        return [whole]
    return [whole, part] if met == ("1",) else [whole, not_(func.coalesce(part, false()))]


def moved(what: Asked, now: float, calendar: Calendar) -> tuple[list[Condition], Condition]:
    """The conditions of the moves asked for: those on the rows of ``moves``, and that a plain ticket, where it has none
    there, was closed so.
    """
    start, end = span(what.get("period")[0], now, calendar)
    pairs = frozenset().union(*(WAYS[value][1] for value in what.get("moved")))
    rows = [*within(m.at, start, end), tuple_(m.start, m.stop).in_(sorted(pairs))]
    unit = func.coalesce(t.unit, "")
    ways = [unit != "" if of == "handle" else unit == "" for of in ("handle", "report") if (of, "close") in pairs]
    told = select(literal(1)).where(m.source == t.source, m.number == t.number).correlate(tickets).exists()
    once = and_(t.plain == 1, t.closed.is_not(None), *within(t.closed, start, end), not_(told))
    return rows, and_(once, or_(*ways)) if ways else false()


def _outlook(values: Sequence[str], now: float, calendar: Calendar) -> Condition:
    """What the forecast of the running month counts: all that is due, closed on time, undecided, and surely late."""
    start, end = span("month", now, calendar)
    ahead = func.coalesce(and_(runs(now), t.deadline >= now), false())
    handled = and_(t.closed.is_(None), not_(EXEMPTED), func.coalesce(t.done_at <= t.deadline, false()))
    kept, undecided = func.coalesce(_kept(), false()), or_(ahead, handled)
    shown: dict[str, Condition] = {
        "due": _owed(start, end, now), "undecided": undecided, "kept": and_(kept, not_(undecided)),
        "lost": and_(not_(kept), not_(undecided)),
    }  # fmt: skip
    return and_(shown["due"], or_(*(shown[value] for value in values)))


def _owed(start: float, end: float, now: float) -> Condition:
    """Due to close in a period, what is still ahead included; what rests is left out."""
    resting = and_(t.suspended_until.is_not(None), t.suspended_until >= now)
    return and_(
        t.deadline.is_not(None), t.state.not_in(ASIDE), not_(resting),
        or_(and_(*within(t.deadline, start, end)), func.coalesce(and_(*within(t.closed, start, end)), false())),
    )  # fmt: skip


def _kept() -> Condition:
    """Closed on time, or exempted, closed or not, as soon as nobody counts it as still ahead."""
    return or_(and_(t.closed.is_not(None), t.on_time == 1), EXEMPTED)


def rate_conditions(name: str, start: float, end: float, now: float) -> tuple[Condition, Condition]:
    """The conditions of a rate's denominator, and of its numerator within it, in a period; ``DOMAIN`` has the formulas.

    Due to close in a period: its deadline falls in it, or it was closed in it. What is open with its deadline
    still ahead is left out, since nobody can have missed it yet, handled or not. What is exempted counts as on time,
    closed or not; while its clock runs and its deadline lies ahead it is left out too.
    """
    ahead = and_(OPEN, t.deadline >= now, or_(t.soon_at.is_not(None), not_(EXEMPTED)))
    owed = and_(_owed(start, end, now), not_(func.coalesce(ahead, false())))
    closed, long = t.closed.is_not(None), t.plain == 0
    reported = and_(*within(t.reported, start, end))
    filed = and_(long, *within(t.filed, start, end))
    dispatched = and_(long, *within(t.first_dispatched, start, end))
    called = and_(*within(t.called, start, end))
    return {
        "closing": (owed, closed),
        "on_time": (owed, _kept()),
        "filing": (and_(reported, long), t.filed.is_not(None)),
        "exact_filing": (filed, t.state != "voided"),
        "exact_dispatch": (dispatched, t.returns == 0),
        "response": (dispatched, t.responded == 1),
        "resolution": (and_(called, t.solved.is_not(None)), t.solved == 1),
        "satisfaction": (and_(called, t.satisfied.is_not(None)), t.satisfied == 1),
    }[name]


def repeats(start: float, end: float, postgres: bool) -> Subquery:
    """The tickets reported in a period with ``again`` 1 where their caller had the same matter shortly before.

    PostgreSQL sorts two months of them faster than it asks for each, SQLite the other way round.
    """
    if postgres:
        order = (t.reported, t.source, t.number)
        before = func.lag(t.reported).over(partition_by=(t.caller, t.category), order_by=order)
        known = and_(t.caller != "", t.caller.is_not(None), t.reported - before <= REPEATED)
        inner = select(*_REPEATED, case((known, 1), else_=0).label("again"))
        inner = inner.where(*within(t.reported, start - REPEATED, end))
        found = inner.subquery()
        return select(found).where(found.c.reported >= start).subquery()
    b = tickets.alias("before").c
    sooner = or_(
        b.reported < t.reported,
        and_(b.reported == t.reported, tuple_(b.source, b.number) < tuple_(t.source, t.number)),
    )
    has_called: Condition = literal_column("before.caller <> ''")  # As the index has it, letter by letter.
    earlier = (
        select(literal(1))
        .select_from(b.source.table)
        .with_hint(b.source.table, "INDEXED BY tickets_calls", "sqlite")
        .where(
            has_called, b.caller == t.caller, b.category == t.category, b.reported >= t.reported - REPEATED,
            b.reported <= t.reported, sooner,
        )
        .correlate(tickets)
    )  # fmt: skip
    known = and_(func.coalesce(t.caller, "") != "", earlier.exists())
    asked_for = select(*_REPEATED, case((known, 1), else_=0).label("again")).where(*within(t.reported, start, end))
    return asked_for.with_hint(tickets, f"INDEXED BY {FACETS}", "sqlite").subquery()


_REPEATED = (t.source, t.number, t.reported, t.unit, t.category, t.channel, t.place)


def within(column: ColumnElement[Any], start: float, end: float) -> list[Condition]:
    """That a moment lies in a period; either side may be infinite."""
    found: list[Condition] = []
    if start != float("-inf"):
        found.append(column >= start)
    if end != float("inf"):
        found.append(column < end)
    return found or [column.is_not(None)]


def _light(name: str, now: float) -> Condition:
    """Open tickets of a light, as ``dashboard.nouns.tickets.light`` has it: none while no clock runs."""
    resting = and_(t.suspended_until.is_not(None), t.suspended_until >= now)
    going = runs(now)
    shown: dict[str, Condition] = {
        "paused": or_(resting, and_(t.deadline.is_(None), t.first_dispatched.is_not(None), t.returns > 0)),
        "none": or_(t.soon_at.is_(None), resting),
        "normal": and_(going, t.soon_at >= now),
        "soon": and_(going, t.soon_at < now, t.deadline >= now),
        "overdue": and_(going, t.deadline < now, t.worst_at >= now),
        "worst": and_(going, t.worst_at < now),
    }
    return and_(OPEN, shown[name])


def runs(now: float) -> Condition:
    """Open, with a limit, and the handling clock running."""
    resting = and_(t.suspended_until.is_not(None), t.suspended_until >= now)
    return and_(OPEN, t.soon_at.is_not(None), not_(resting))


def _aged(number: int, now: float) -> Condition:
    """That a ticket has been in its stage for a time of this class, as ``slots`` counts them."""
    longest = [t.since >= now - AGES[number]] if number < len(AGES) else []
    return and_(*longest, *([t.since < now - AGES[number - 1]] if number else []))


def _waits(step: str) -> Condition:
    if step == "sign":
        return t.stage == "dispatch"
    return t.state.in_(("reported", "verifying") if step == "accept" else ("accepted", "filed"))


def late(now: float) -> Condition:
    """Open, the clock running, and past the deadline."""
    return and_(runs(now), t.deadline < now)


def _yes(name: str, now: float) -> tuple[Condition, Condition | None]:
    """The condition of a yes-or-no filter, and that of its no where it is not simply all the others."""
    in_time = t.on_time == 1
    judged = and_(CLOSED, t.verdict != "", t.due.is_not(None), t.on_time.is_not(None))
    flat: dict[str, Condition] = {
        "open": OPEN,
        "done": CLOSED,
        "late": late(now),
        "behind": or_(func.coalesce(late(now), false()), and_(OPEN, t.step_due < now)),
        "returned": t.returns > 0,
        "reworked": t.reworks > 0,
        "extended": t.extensions > 0,
        "exempted": EXEMPTED,
        "reopened": t.reopened > 0,
        "suspended": and_(OPEN, t.suspended_until >= now),
        "supervised": and_(OPEN, t.level > 0),
        "unplaced": t.flaw != "",
        "anomaly": t.anomalies != "",
        "limited": t.deadline.is_not(None),
    }
    if name == "prompt":
        return t.prompt == 1, t.prompt == 0
    if name == "on_time":
        return and_(CLOSED, in_time), and_(CLOSED, t.on_time == 0)
    if name == "agree":
        says = t.verdict == "on_time"
        return and_(judged, or_(and_(says, in_time), and_(not_(says), t.on_time == 0))), and_(
            judged, or_(and_(says, t.on_time == 0), and_(not_(says), in_time))
        )
    return flat[name], None


def _holds(word: str, postgres: bool) -> Condition:
    """Whether the number or the title holds a word, whatever its case; read through, so that any part of a word,
    a single Chinese sign included, is found.
    """
    folded = "".join(sign.lower() if sign.isascii() else sign for sign in word)
    position = func.strpos if postgres else func.instr
    return or_(position(func.lower(t.title), folded) > 0, position(func.lower(t.number), folded) > 0)
