"""Sensors and car parks as layers of the map: where they stand, in which state each is, and what it reads."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from hashlib import blake2b
from itertools import groupby
from typing import Any

import msgspec

from dashboard.nouns.noun import Document
from dashboard.nouns.sensors import Gauge, Sensors

POINTS = 20_000  # Gauges that are sent as points of the map.
SAID = 2_000  # Points up to which each comes with its reading for the tooltip.
GAUGES = ("normal", "warn", "alarm", "fault", "none")
PARKS = ("free", "filling", "full", "over", "fault")


def is_park(gauge: Gauge) -> bool:
    """Whether a gauge counts cars in a car park."""
    return gauge.quantity == "occupied"


def gauge_state(board: Sensors, gauge: Gauge, now: float) -> str:
    """One of ``GAUGES``: what it warns of, unless it cannot be believed; ``none`` has no threshold."""
    limits = board.limits(gauge)
    return "fault" if gauge.fault(limits, now) else gauge.grade(limits)


def park_state(board: Sensors, gauge: Gauge, now: float) -> str:
    """One of ``PARKS``, by the shares in the city file; a park that does not say its size is a fault of its own."""
    if gauge.fault(board.limits(gauge), now) or not gauge.capacity:
        return "fault"
    share, table = gauge.value / gauge.capacity, board.rules.sensors
    return "over" if share > 1 else "full" if share >= table.full else "filling" if share >= table.filling else "free"


def _standing(board: Sensors, place: str, parks: bool) -> list[Gauge]:
    """The gauges of a layer that have a point, by key."""
    found = [gauge for gauge in board.at(place) if is_park(gauge) is parks and gauge.lon is not None]
    return found[:POINTS]


def _points(found: list[Gauge]) -> tuple[str, list[list[Any]]]:
    """The rows [key, lon, lat, name] of gauges, and the version that follows from them."""
    points = [[f"gauge|{gauge.key}", gauge.lon, gauge.lat, gauge.name or gauge.sensor] for gauge in found]
    return blake2b(msgspec.msgpack.encode(points), digest_size=8).hexdigest(), points


def view_points(board: Sensors, place: str, now: float, *, parks: bool) -> Document:
    """Where a layer's gauges stand, as [key, lon, lat, name], under a ``version`` that changes with them."""
    version, points = _points(_standing(board, place, parks))
    return {"version": version, "points": points}


def view_states(
    board: Sensors, place: str, now: float, *, parks: bool, names: tuple[str, ...],
    state: Callable[[Sensors, Gauge, float], str], share: Callable[[list[Gauge], list[str]], list[int]],
) -> Document:  # fmt: skip
    """The states of the same gauges in the same order, in runs of [state, how many], numbered as in ``names``.

    ``said`` is [value, unit, capacity, moment, None] of each. ``unlocated`` are those without a point; ``places`` has
    the pair that ``share`` makes of the gauges of each place directly below.
    """
    found = _standing(board, place, parks)
    states = [state(board, gauge, now) for gauge in found]
    runs: list[int] = []
    for name, same in groupby(states):
        runs += [names.index(name), len(list(same))]
    places = {}
    for child in board.rules.places.children(place):
        below = [gauge for gauge in board.at(child.code) if is_park(gauge) is parks]
        if below:
            places[child.code] = share(below, [state(board, gauge, now) for gauge in below])
    said = [[g.value if g.id else None, g.unit, g.capacity, g.at if g.id else None, None] for g in found]
    return {
        "version": _points(found)[0], "states": runs, "counts": [states.count(name) for name in names],
        "unlocated": sum(is_park(gauge) is parks for gauge in board.at(place)) - len(found), "places": places,
        **({"said": said} if len(said) <= SAID else {}),
    }  # fmt: skip


def believed(gauges: list[Gauge], states: list[str]) -> list[int]:
    """How many are to be believed, of how many."""
    return [len(states) - states.count("fault"), len(states)]


def free(gauges: list[Gauge], states: list[str]) -> list[int]:
    """How many spaces are free, of how many, over the parks that are to be believed."""
    known = [gauge for gauge, state in zip(gauges, states, strict=True) if state != "fault"]
    spaces = sum(gauge.capacity or 0 for gauge in known)
    return [round(sum(max(0.0, (gauge.capacity or 0) - gauge.value) for gauge in known)), round(spaces)]


LAYERS = {
    "gauge_points": partial(view_points, parks=False),
    "gauge_states": partial(view_states, parks=False, names=GAUGES, state=gauge_state, share=believed),
    "park_points": partial(view_points, parks=True),
    "park_states": partial(view_states, parks=True, names=PARKS, state=park_state, share=free),
}
