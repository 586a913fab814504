"""Incidents: the open tickets that are an emergency, by the time they have left, and as points of the map.

Which tickets are is the city file's to say (``thresholds.IncidentTable``). The tally keeps them in a row of their own
in order of their deadlines, so that no view looks at the tickets that are none.
"""

from __future__ import annotations

from collections import Counter
from hashlib import blake2b
from itertools import groupby
from math import isfinite
from typing import Any

import msgspec

from dashboard.nouns.noun import Document
from dashboard.nouns.tally import Tickets
from dashboard.nouns.tickets import LIGHTS, OVERDUE, WORST

ROWS = 40  # Incidents that are listed; all are counted.
POINTS = 5_000  # Incidents that are sent as points, those with the least time left.
SAID = 2_000  # Points up to which each comes with its deadline for the tooltip.


def view_incidents(board: Tickets, place: str, now: float) -> Document:
    """The emergencies in hand at a place: those with the least time left in full, and of all how many by light, by
    category and by the places directly below. What runs without a deadline comes last.
    """
    found = board.tally(place).rows.get("emergency", [])
    tickets = board.tickets
    rows = []
    for due, key in found[:ROWS]:
        ticket = tickets[key]
        rows.append({
            "key": key, "number": ticket.number, "title": ticket.title, "category": ticket.category,
            "unit": ticket.unit, "place": ticket.place, "due": due if isfinite(due) else None,
            "light": LIGHTS[board.light(key)], "since": ticket.reported, "level": ticket.level,
        })  # fmt: skip
    lights = Counter(board.light(key) for _, key in found)
    categories = Counter(tickets[key].category for _, key in found)
    return {
        "incidents": rows, "total": len(found), "lights": {name: lights[at] for at, name in enumerate(LIGHTS)},
        "categories": sorted(([name, n] for name, n in categories.items()), key=lambda row: (-row[1], row[0])),
        "places": {code: whole for code, (_, whole) in _below(board, place).items()},
    }  # fmt: skip


def _below(board: Tickets, place: str) -> dict[str, tuple[int, int]]:
    """Of each place directly below: how many of its emergencies are not overdue, and how many there are."""
    below = {}
    for child in board.rules.places.children(place):
        found = board.tally(child.code).rows.get("emergency", [])
        if found:
            late = sum(board.light(key) in (OVERDUE, WORST) for _, key in found)
            below[child.code] = len(found) - late, len(found)
    return below


def _standing(board: Tickets, place: str) -> list[tuple[str, float, float, str, float]]:
    """The emergencies that have a point as (key, lon, lat, title, due), by their keys."""
    found: list[tuple[str, float, float, str, float]] = []
    for due, key in board.tally(place).rows.get("emergency", []):
        ticket = board.tickets[key]
        if ticket.lon is not None and ticket.lat is not None:
            found.append((key, ticket.lon, ticket.lat, ticket.title or ticket.category, due))
            if len(found) == POINTS:
                break
    return sorted(found)


def _version(points: list[list[Any]]) -> str:
    return blake2b(msgspec.msgpack.encode(points), digest_size=8).hexdigest()


def view_incident_points(board: Tickets, place: str, now: float) -> Document:
    """Where the emergencies of a place are, as [key, lon, lat, title], under a ``version`` that changes with them."""
    points = [[key, lon, lat, title] for key, lon, lat, title, _ in _standing(board, place)]
    return {"version": _version(points), "points": points}


def view_incident_states(board: Tickets, place: str, now: float) -> Document:
    """The lights of the same emergencies in the same order, in runs of [light, how many], and what is said of each:
    ``[None, None, None, None, due]``. ``unlocated`` are those without a point.
    """
    found = _standing(board, place)
    lights = [board.light(key) for key, *_ in found]
    runs: list[int] = []
    for light, same in groupby(lights):
        runs += [light, len(list(same))]
    total = len(board.tally(place).rows.get("emergency", []))
    counts = Counter(lights)
    said = [[None, None, None, None, due if isfinite(due) else None] for *_, due in found]
    return {
        "version": _version([[key, lon, lat, title] for key, lon, lat, title, _ in found]), "states": runs,
        "counts": [counts[light] for light in range(len(LIGHTS))], "unlocated": total - len(found),
        "places": {code: list(pair) for code, pair in _below(board, place).items()},
        **({"said": said} if len(said) <= SAID else {}),
    }  # fmt: skip


INCIDENTS = {
    "incidents": view_incidents,
    "incident_points": view_incident_points,
    "incident_states": view_incident_states,
}
