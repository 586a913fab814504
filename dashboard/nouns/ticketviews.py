"""The tickets' views: pure documents of numbers at a place, and the noun they belong to."""

from __future__ import annotations

from bisect import bisect_left
from typing import cast

from dashboard.nouns.escalation import view_steps
from dashboard.nouns.incidents import INCIDENTS
from dashboard.nouns.noun import Document, Noun
from dashboard.nouns.rates import wilson
from dashboard.nouns.slots import DUE, KEPT, REPORTED, at
from dashboard.nouns.tally import Tally, Tickets
from dashboard.nouns.ticketalerts import alerts
from dashboard.nouns.ticketdays import view_days
from dashboard.nouns.ticketflow import FLOW
from dashboard.nouns.tickets import LIGHTS, OVERDUE, SOON, TICKET_EVENTS, WORST

POINTS = 20_000  # More open tickets than this at one place are not sent as points.
URGENT = 24  # Rows of the urgent list; a panel shows as many as fit.
JUST_OVERDUE = 3  # Rows of it for tickets that have just fallen overdue.


def view_tickets(board: Tickets, place: str, now: float) -> Document:
    """Tickets in hand by light, what falls due within the hour, today against yesterday, this month's rate."""
    tally, calendar = board.tally(place), board.calendar
    midnight, before = calendar.midnight(now), calendar.day_before(now)
    yesterday = calendar.midnight(before)
    day, _, month = calendar.periods(now)
    hour = tally.coming(now, now + 3600)
    units = {board.tickets[key].unit for _, key in hour}
    day_due, month_due = due_to_close(tally, day), due_to_close(tally, month)
    return {
        "open": tally["open"],
        "lights": dict(zip(LIGHTS, tally.lights, strict=True)),
        "total": tally["total"],
        "closed": tally["closed"],
        "with_target": tally["timed"],
        "on_time": tally["on_time"],
        "overdue": tally["overdue"],
        "agree": tally["agree"],
        "disagree": tally["disagree"],
        "in_hour": len(hour),
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
        "day_so_far": [day_due[0] - len(tally.ahead(now, calendar.next_midnight(now))), day_due[1]],
        "month_so_far": [month_due[0] - len(tally.ahead(now, calendar.next_month(now))), month_due[1]],
        "unplaced": sum(board.unplaced.values()) if place == board.rules.places.root.code else 0,
    }


def due_to_close(tally: Tally, period: int) -> list[int]:
    """How many tickets are due to close in a period, and how many of these were closed on time."""
    return [tally[at(period, DUE)], tally[at(period, KEPT)]]


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
    today = at(board.calendar.periods(now)[0], REPORTED)
    intake, channels, in_hand = (
        tally.named(("category", today)),
        tally.named(("channel", today)),
        tally.named("category"),
    )
    rows = [[name, intake.get(name, 0), in_hand.get(name, 0)] for name in intake.keys() | in_hand.keys()]
    return {
        "categories": sorted(rows, key=lambda row: (-row[1], -row[2], row[0])),
        "channels": sorted(([name, n] for name, n in channels.items()), key=lambda row: (-row[1], row[0])),
    }


def view_units(board: Tickets, place: str, now: float) -> Document:
    """Units by the Wilson lower bound of this month's on-time closing rate so far; those with nothing due come last."""
    tally = board.tally(place)
    month = board.calendar.periods(now)[2]
    due, kept = (tally.named(("unit", at(month, kind))) for kind in (DUE, KEPT))
    in_hand, late = tally.named("unit"), tally.named("late")
    ahead: dict[str, int] = {}
    for _, key in tally.ahead(now, board.calendar.next_month(now)):
        unit = board.tickets[key].unit
        ahead[unit] = ahead.get(unit, 0) + 1
    rows = []
    for unit in due.keys() | in_hand.keys():
        whole, part = due.get(unit, 0) - ahead.get(unit, 0), kept.get(unit, 0)
        rows.append({
            "unit": unit, "open": in_hand.get(unit, 0), "late": late.get(unit, 0), "due": whole, "on_time": part,
            "bound": wilson(part, whole),
        })  # fmt: skip
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
            "unit": ticket.unit, "place": ticket.place, "due": due, "light": LIGHTS[board.light(key)],
        })  # fmt: skip
    return {"tickets": rows, "open": tally["open"], "dues": len(tally.dues)}


def view_map(board: Tickets, place: str, now: float) -> Document:
    """What is counted at each place directly below, and what is known only at this level.

    ``due`` and ``on_time`` are those of the month so far.
    """
    month, end = board.calendar.periods(now)[2], board.calendar.next_month(now)
    rows: dict[str, dict[str, int | None]] = {}
    open_below = 0
    for child in board.rules.places.children(place):
        tally = board.tally(child.code)
        due, in_time = due_to_close(tally, month)
        lights = tally.lights
        open_below += tally["open"]
        ahead = len(tally.ahead(now, end))
        rows[child.code] = {
            "open": tally["open"], "late": lights[OVERDUE] + lights[WORST], "soon": lights[SOON],
            "due": due - ahead, "on_time": in_time, "total": tally["total"], "population": child.population,
        }  # fmt: skip
    own = board.tally(place)
    return {"places": rows, "only_here": own["open"] - open_below}


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
        return {"points": rows, "open": tally["open"]}
    for key in sorted(tally.open):  # Should there be too many, every board leaves out the same ones.
        ticket = board.tickets[key]
        if ticket.lon is not None:
            rows.append([key, ticket.lon, ticket.lat, LIGHTS[board.light(key)], ticket.title])
            if len(rows) == POINTS:
                break
    return {"points": rows, "open": tally["open"]}


def view_anomalies(board: Tickets, place: str, now: float) -> Document:
    """What does not fit a ticket's life or the city's rules: source → reason → how often, of the whole city."""
    found = board.anomalies()
    return {"sources": found, "n": sum(sum(reasons.values()) for reasons in found.values())}


NOUN = Noun(
    name="ticket",
    events=TICKET_EVENTS,
    slice=Tickets,
    alerts=alerts,
    views={
        "tickets": view_tickets, "trend": view_trend, "categories": view_categories, "units": view_units,
        "urgent": view_urgent, "map": view_map, "points": view_points,
        "anomalies": view_anomalies,
        "steps": view_steps,
        "days": view_days,
        **FLOW,
        **INCIDENTS,
    },
)  # fmt: skip
