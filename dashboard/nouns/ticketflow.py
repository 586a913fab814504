"""The closed loop's views: stages, flow, whistles, supervision, rates, ranks, what is stuck, and the month's end."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable
from typing import Any, cast

from dashboard.nouns.forecast import BINS, bin_at, dispersion, forecast
from dashboard.nouns.noun import Document, Rules
from dashboard.nouns.rates import wilson
from dashboard.nouns.slots import (
    AGE,
    ANSWERED,
    ANSWERED_IN_TIME,
    ASKED_SATISFIED,
    ASKED_SOLVED,
    CLOSED,
    DISPATCHED,
    DUE,
    FILED,
    FILED_SINCE,
    HANDLED,
    KEPT,
    LATE,
    REPEATED,
    REPORTED,
    RESPONDED,
    RETURNED_SINCE,
    SATISFIED,
    SHUT,
    SOLVED,
    STAGE,
    TAKEN_IN,
    USED,
    VOIDED_SINCE,
    at,
    length,
    moved,
)  # fmt: skip
from dashboard.nouns.tally import Tally, Tickets
from dashboard.nouns.ticketstate import STAGES, Ticket

ROWS = 40  # Rows of a list of tickets; a panel shows as many as fit.
STUCK_SHARE = 0.9  # Longer in a stage than this share of its category ever were: stuck.
STUCK_FEWEST = 20  # With fewer known stays than this nothing is said about a category's stage.
MOVES = [(start, end) for start in range(len(STAGES)) for end in range(len(STAGES)) if start != end]


def _periods(board: Tickets, now: float) -> dict[str, int]:
    """The numbers of the running day, week and month."""
    return dict(zip(("today", "week", "month"), board.calendar.periods(now), strict=True))


# -- the loop ----------------------------------------------------------------------------------------------


def view_stages(board: Tickets, place: str, now: float) -> Document:
    """The open tickets by stage, by how long they have been in it (below 1, 3, 7 days, above), and how many are late.

    The last stage holds no open tickets; ``closed_today`` are those that came into it today.
    """
    tally = board.tally(place)
    today = board.calendar.periods(now)[0]
    rows = [
        {
            "stage": stage, "n": tally[STAGE[number]], "ages": [tally[age] for age in AGE[number]],
            "late": tally[LATE[number]],
        }
        for number, stage in enumerate(STAGES)
    ]  # fmt: skip
    return {"stages": rows, "closed_today": tally[at(today, CLOSED)]}


def view_hour(board: Tickets, place: str, now: float) -> Document:
    """What falls due in the next 60 minutes: units with number and soonest deadline, and the number of each quarter."""
    dues = board.tally(place).dues
    first = bisect_left(dues, (now, ""))
    quarters = [bisect_left(dues, (now + 900 * quarter, "")) for quarter in range(1, 5)]
    found: dict[str, list[Any]] = {}
    for due, key in dues[first : quarters[-1]]:
        found.setdefault(board.tickets[key].unit, [0, due])[0] += 1
    units = sorted(([unit, n, due] for unit, (n, due) in found.items()), key=lambda row: (-row[1], row[2], row[0]))
    edges = [first, *quarters]
    return {"units": units, "quarters": [end - start for start, end in zip(edges, quarters, strict=False)]}


def view_flow(board: Tickets, place: str, now: float) -> Document:
    """Moves from stage to stage today, this week and this month, and of these what came back.

    ``returns`` are moves back from dispatch or handling before it, over moves into dispatch; ``reworks`` moves from
    inspection back to handling, over moves into inspection.
    """
    tally = board.tally(place)
    view: Document = {}
    for name, period in _periods(board, now).items():
        moves = {pair: n for pair in MOVES if (n := tally[at(period, moved(*pair))])}
        sent = sum(n for (start, end), n in moves.items() if end == 2 > start)
        returned = sum(n for (start, end), n in moves.items() if start in (2, 3) and end < 2)
        checked = sum(n for (start, end), n in moves.items() if end == 4 > start)
        view[name] = {
            "links": [[STAGES[start], STAGES[end], n] for (start, end), n in moves.items()],
            "returns": [returned, sent],
            "reworks": [moves.get((4, 3), 0), checked],
        }
    return view


# -- who is called, and who is watched ---------------------------------------------------------------------


def view_whistles(board: Tickets, place: str, now: float) -> Document:
    """Whistles nobody has answered, the oldest first; how many were answered this month, and of these in time."""
    tally = board.tally(place)
    month = board.calendar.periods(now)[2]
    found = [board.tickets[key] for key in tally.rolls.get("whistle", ())]
    found.sort(key=lambda ticket: (ticket.whistled or 0.0, ticket.key))
    rows = [
        {
            "key": ticket.key, "number": ticket.number, "title": ticket.title or ticket.category,
            "place": ticket.place, "unit": ticket.lead or ticket.unit, "since": ticket.whistled,
            "due": board.counting.whistle_due(ticket.whistled or 0.0),
        }
        for ticket in found[:ROWS]
    ]  # fmt: skip
    answered = tally[at(month, ANSWERED)]
    return {
        "open": rows,
        "answered": answered,
        "in_time": [tally[at(month, ANSWERED_IN_TIME)], answered],
        "n": len(found),
    }


def view_supervised(board: Tickets, place: str, now: float) -> Document:
    """Open tickets under supervision: the highest level first, within a level by deadline, those without one last.

    Of all of them, listed or not, ``late`` counts those whose own deadline has passed, and ``first`` is the one of
    these whose deadline passed first.
    """
    found = [board.tickets[key] for key in board.tally(place).rolls.get("supervised", ())]
    found.sort(key=lambda t: (-t.level, t.supervise_due is None, t.supervise_due or 0.0, t.supervised or 0.0, t.key))
    late = [(due, t.key) for t in found if (due := t.supervise_due) is not None and due < now]
    return {
        "tickets": [_supervised(ticket, now) for ticket in found[:ROWS]], "n": len(found), "late": len(late),
        "first": _supervised(board.tickets[min(late)[1]], now) if late else None,
    }  # fmt: skip


def _supervised(ticket: Ticket, now: float) -> dict[str, Any]:
    return {
        "key": ticket.key, "number": ticket.number, "title": ticket.title or ticket.category,
        "level": ticket.level, "since": ticket.supervised, "due": ticket.supervise_due, "unit": ticket.unit,
        "by": ticket.supervisor, "late": ticket.supervise_due is not None and ticket.supervise_due < now,
    }  # fmt: skip


# -- rates -------------------------------------------------------------------------------------------------

RATES: dict[str, tuple[tuple[int, ...], int]] = {
    "closing": ((SHUT,), DUE),
    "on_time": ((KEPT,), DUE),
    "filing": ((FILED_SINCE,), TAKEN_IN),
    "exact_filing": ((FILED, -VOIDED_SINCE), FILED),
    "exact_dispatch": ((DISPATCHED, -RETURNED_SINCE), DISPATCHED),
    "response": ((RESPONDED,), DISPATCHED),
    "resolution": ((SOLVED,), ASKED_SOLVED),
    "satisfaction": ((SATISFIED,), ASKED_SATISFIED),
    "repeat": ((REPEATED,), REPORTED),
}
"""Name → kinds that make the numerator (negative ones are taken off) and the kind that is the denominator."""


def view_rates(board: Tickets, place: str, now: float) -> Document:
    """Every rate as numerator and denominator, today, this week and this month; and this month's composite.

    What is due later in the running period is left out: nobody can have missed it yet. The composite adds up
    response, resolution and satisfaction by the city's weights, and is None where one of them has no denominator.
    """
    tally, calendar = board.tally(place), board.calendar
    ends = (calendar.next_midnight(now), _next_week(board, now), calendar.next_month(now))
    view: Document = {}
    for (name, period), end in zip(_periods(board, now).items(), ends, strict=True):
        ahead = len(tally.ahead(now, end))
        view[name] = {
            rate: [
                sum(tally[at(period, kind)] if kind >= 0 else -tally[at(period, -kind)] for kind in kinds),
                tally[at(period, whole)] - (ahead if whole == DUE else 0),
            ]
            for rate, (kinds, whole) in RATES.items()
        }
    weights = dict(board.rules.weights)
    return {**view, "composite": composite(view["month"], weights), "weights": weights}


def composite(rates: dict[str, list[int]], weights: dict[str, float]) -> float | None:
    """The weighted sum of rates, from 0 to 1; None where one of them has no denominator.

    >>> composite({"response": [9, 10], "resolution": [1, 2]}, {"response": 0.5, "resolution": 0.5})
    0.7
    """
    if any(not rates[name][1] for name in weights):
        return None
    return round(sum(weight * rates[name][0] / rates[name][1] for name, weight in weights.items()), 12)


def _next_week(board: Tickets, now: float) -> float:
    """The moment at which the local week after that of ``now`` begins, also where the clocks change in between."""
    calendar = board.calendar
    day, week, _ = calendar.periods(now)
    return calendar.midnight(calendar.midnight(now) + (7 - (day + week) + 0.5) * 86400)


def view_grassroots(board: Tickets, place: str, now: float) -> Document:
    """What was closed this month by the level of the unit that settled it, the lowest level first."""
    rules = board.rules
    month = board.calendar.periods(now)[2]
    levels = _levels(rules)
    found = dict.fromkeys(levels, 0)
    for unit, n in board.tally(place).named(("unit", at(month, CLOSED))).items():
        found[rules.levels.get(unit, rules.places.root.level)] += n
    below = sum(n for level, n in found.items() if level in rules.grassroots)
    return {
        "levels": [[level, n] for level, n in found.items()],
        "share": [below, sum(found.values())],
        "goal": rules.goal,
    }


def _levels(rules: Rules) -> list[str]:
    """The levels at which units work, the lowest first: those of the tree of places in its order, others before."""
    depth = {place.level: len(rules.places.path(place.code)) for place in rules.places}
    used = {*rules.levels.values(), rules.places.root.level}
    return sorted(used, key=lambda level: (-depth.get(level, 1000), level))


def view_ranks(board: Tickets, place: str, now: float) -> Document:
    """Units, and the places directly below, by the Wilson lower bound of this month's on-time rate so far."""
    tally = board.tally(place)
    month, end = board.calendar.periods(now)[2], board.calendar.next_month(now)
    ahead = Counter(board.tickets[key].unit for _, key in tally.ahead(now, end))
    due, kept = tally.named(("unit", at(month, DUE))), tally.named(("unit", at(month, KEPT)))
    in_hand, late = tally.named("unit"), tally.named("late")
    units = [
        {"unit": unit, "open": in_hand.get(unit, 0), "late": late.get(unit, 0)}
        | _bound(kept.get(unit, 0), due.get(unit, 0) - ahead[unit])
        for unit in {*due, *in_hand}
    ]
    places = []
    for child in board.rules.places.children(place):
        own = board.tally(child.code)
        whole = own[at(month, DUE)] - len(own.ahead(now, end))
        places.append(
            {"place": child.code, "open": own["open"], "late": _late(own)} | _bound(own[at(month, KEPT)], whole)
        )
    return {"units": _ranked(units, "unit"), "places": _ranked(places, "place")}


def _late(tally: Tally) -> int:
    return tally["light overdue"] + tally["light worst"]


def _bound(part: int, whole: int) -> dict[str, Any]:
    return {"due": whole, "on_time": part, "bound": wilson(part, whole)}


def _ranked(rows: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    return sorted(rows, key=lambda row: (row["bound"] is None, -(row["bound"] or 0.0), -row["open"], row[name]))


# -- what is stuck -----------------------------------------------------------------------------------------


def view_stuck(board: Tickets, place: str, now: float) -> Document:
    """Open tickets that have been in their stage longer than 90 % of their category's stays there took.

    The stays are those of the whole city that have ended; ``thresholds`` are [category, stage, seconds, stays] of
    what is listed. The rows are those with the largest multiple of their threshold, ``n`` is how many there are.
    """
    city = board.city
    found: list[tuple[float, float, str, Hashable]] = []
    n = 0
    thresholds: dict[tuple[str, int], tuple[float, int]] = {}
    for name, rows in board.tally(place).rows.items():
        if not (isinstance(name, tuple) and name[0] == "stands" and rows):
            continue
        category, stage = cast("tuple[str, str, int]", name)[1:]
        stays = city.groups.get(("stay", category, stage))
        limit = _ninth_decile(stays) if stays else None
        if limit is None or limit[0] <= 0:
            continue
        thresholds[category, stage] = limit
        old = rows[: bisect_left(rows, (now - limit[0], ""))]
        n += len(old)
        found += [((now - since) / limit[0], since, key, (category, stage)) for since, key in old[:ROWS]]
    found.sort(key=lambda row: (-row[0], row[1], row[2]))
    listed = [_stuck(board.tickets[key], times, since) for times, since, key, _ in found[:ROWS]]
    named = sorted({cast("tuple[str, int]", kind) for *_, kind in found[:ROWS]})
    return {
        "tickets": listed,
        "n": n,
        "thresholds": [[category, STAGES[stage], *thresholds[category, stage]] for category, stage in named],
    }


def _stuck(ticket: Ticket, times: float, since: float) -> dict[str, Any]:
    return {
        "key": ticket.key, "number": ticket.number, "title": ticket.title, "category": ticket.category,
        "stage": STAGES[ticket.stage or 0], "unit": ticket.unit, "place": ticket.place, "since": since,
        "times": round(times, 2),
    }  # fmt: skip


def _ninth_decile(stays: dict[Hashable, int]) -> tuple[float, int] | None:
    """The length that 90 % of the stays did not pass, and how many stays there were; None where there are too few."""
    whole = sum(stays.values())
    if whole < STUCK_FEWEST:
        return None
    seen = 0
    for number in sorted(cast("dict[int, int]", stays)):
        seen += stays[number]
        if seen >= STUCK_SHARE * whole:
            return length(number), whole
    return None


# -- the month's end ---------------------------------------------------------------------------------------


def view_forecast(board: Tickets, place: str, now: float) -> Document:
    """The on-time rate at the month's end as it stands now; see ``forecast`` for the method.

    ``open`` are undecided: their clock runs and their deadline lies ahead, or they were handled in time and wait for
    inspection.
    """
    tally, calendar = board.tally(place), board.calendar
    month, end, begin = calendar.periods(now)[2], calendar.next_month(now), calendar.month_begin(now)
    undecided: Counter[tuple[str, int]] = Counter()
    for due, key in tally.coming(now, end):
        ticket = board.tickets[key]
        undecided[ticket.unit, min(BINS - 1, bin_at(ticket.clock[0], now, due))] += 1
    whole, kept, handled = tally[at(month, DUE)], tally[at(month, KEPT)], tally[at(month, HANDLED)]
    known = _uses(tally, (month - 1, month))
    pace = (whole - undecided.total()) / max(43200.0, now - begin)
    to_come = max(0, round(pace * (end - now) - undecided.total()))
    today = calendar.periods(now)[0]
    days = range(calendar.periods(begin)[0], today)
    spread = dispersion([(tally[at(day, KEPT)], tally[at(day, DUE)]) for day in days])
    found = forecast(whole, kept, undecided, known, to_come, handled, spread)
    close = None if found.close is None else {"n": found.close[0], "to": found.close[1]}
    return {
        "due": whole, "closed_on_time": kept, "open": undecided.total() + handled,
        "sure_late": whole - kept - handled - undecided.total(), "to_come": found.to_come,
        "low": found.low, "mid": found.mid, "high": found.high, "close": close,
        "curve": [list(point) for point in found.curve],
    }  # fmt: skip


def _uses(tally: Tally, months: Iterable[int]) -> dict[str, list[int]]:
    """The decided tickets of some months by unit, and by the share of their limit they had used up at the end."""
    uses: dict[str, list[int]] = defaultdict(lambda: [0] * (BINS + 1))
    for month in months:
        for name, n in tally.groups.get(("used", at(month, USED)), {}).items():
            if n:
                unit, bin_ = cast("tuple[str, int]", name)
                uses[unit][bin_] += n
    return uses


FLOW = {
    "stages": view_stages, "hour": view_hour, "flow": view_flow, "whistles": view_whistles,
    "supervised": view_supervised, "rates": view_rates, "grassroots": view_grassroots, "ranks": view_ranks,
    "stuck": view_stuck, "forecast": view_forecast,
}  # fmt: skip
"""The views by name, for the noun they belong to."""
