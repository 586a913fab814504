"""The sensors' views: what is over its threshold, what rises, what cannot be believed; and the noun they belong to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from dashboard.nouns.noun import Document, Noun
from dashboard.nouns.sensoralerts import alerts
from dashboard.nouns.sensorlayers import LAYERS
from dashboard.nouns.sensors import FAULTS, GRADES, SLOT, SLOTS, Gauge, SensorReading, Sensors
from dashboard.nouns.sensorthings import THINGS

ROWS = 100  # Gauges that are listed; all are counted.
WATER = 40  # Of water and of rain, each with its last day.


def row_of(board: Sensors, gauge: Gauge, now: float) -> dict[str, Any]:
    """One gauge: its last value with its age in seconds, its fault, its grade and its change in an hour.

    ``trend`` is ``rising``, ``falling``, ``steady`` or "" where the last hour is not known. A gauge with a fault
    has no trend.
    """
    limits = board.limits(gauge)
    fault, change = gauge.fault(limits, now), gauge.change()
    trend = ""
    if not fault and change is not None:
        trend = "steady" if abs(change) <= (limits.steady or 0) else "rising" if change > 0 else "falling"
    return {
        "key": gauge.key, "sensor": gauge.sensor, "name": gauge.name or gauge.sensor, "source": gauge.source,
        "quantity": gauge.quantity, "unit": gauge.unit, "value": gauge.value if gauge.id else None,
        "capacity": gauge.capacity, "at": gauge.at if gauge.id else None, "age": now - gauge.at if gauge.id else None,
        "place": gauge.place, "lon": gauge.lon, "lat": gauge.lat, "fault": fault, "grade": gauge.grade(limits),
        "change": None if fault else change, "trend": trend, "warn": limits.warn, "alarm": limits.alarm,
        "unchanged_since": gauge.unchanged_since() if fault == "stuck" else None,
        "odd_unit": gauge.odd[1] if fault == "wrong_unit" and gauge.odd else "",
    }  # fmt: skip


def _never(board: Sensors, place: str) -> list[str]:
    """What is expected and was never heard of: nobody knows where it stands, so it counts for the whole city."""
    return board.never() if place == board.rules.places.root.code else []


def view_sensors(board: Sensors, place: str, now: float) -> Document:
    """How many gauges there are, how many of them are to be believed (``working``), and what those say.

    Grades are counted of working gauges alone: their denominator is ``working``. ``faults`` and ``working``
    together are ``total``.
    """
    never = _never(board, place)
    faults, grades, quantities = dict.fromkeys(FAULTS, 0), dict.fromkeys(GRADES, 0), dict[str, list[int]]()
    faults["never"] = len(never)
    newest: float | None = None
    over, unplaced = 0, 0
    gauges = board.at(place)
    for gauge in gauges:
        limits = board.limits(gauge)
        fault, pair = gauge.fault(limits, now), quantities.setdefault(gauge.quantity, [0, 0])
        pair[1] += 1
        if gauge.id:
            newest = max(newest or gauge.at, gauge.at)
        if fault:
            faults[fault] += 1
        else:
            pair[0] += 1
            grades[gauge.grade(limits)] += 1
            over += gauge.capacity is not None and gauge.value > gauge.capacity
        unplaced += not gauge.place
    total = len(gauges) + len(never)
    return {
        "total": total, "working": total - sum(faults.values()), "faults": faults, "grades": grades,
        "quantities": dict(sorted(quantities.items())), "over_capacity": over,
        "unplaced": unplaced if place == board.rules.places.root.code else 0, "newest": newest,
    }  # fmt: skip


def view_gauges(board: Sensors, place: str, now: float) -> Document:
    """The gauges, worst first (alarm, warning, fault, the rest), each with its last day as ``[moment, value]``."""
    rows = [row_of(board, gauge, now) for gauge in board.at(place)]
    never = _never(board, place)
    rows.sort(key=_rank)
    for row in rows[:ROWS]:
        row["series"] = [[slot.moment, slot.value] for slot in board.gauges[row["key"]].series()]
    return {"gauges": rows[:ROWS], "total": len(rows) + len(never), "never": never}


def _rank(row: dict[str, Any]) -> tuple[int, float, str]:
    believed = row["fault"] in ("", "stuck")  # What a stuck gauge said last may still be so; a silent one's is old.
    bad = 2 if not believed else {"alarm": 0, "warn": 1}.get(row["grade"], 3 if not row["fault"] else 2)
    return bad, -abs(row["change"] or 0.0), row["key"]


def view_parking(board: Sensors, place: str, now: float) -> Document:
    """Car parks: taken spaces of all spaces, over those parks alone that are to be believed and say their size.

    One that holds more cars than it has spaces is counted as full, and named in ``over``.
    """
    parks = [gauge for gauge in board.at(place) if gauge.quantity == "occupied"]
    rows: list[list[Any]] = []
    taken = spaces = 0.0
    for gauge in parks:
        fault = gauge.fault(board.limits(gauge), now)
        if fault or not gauge.capacity:
            continue
        spaces += gauge.capacity
        taken += min(gauge.value, gauge.capacity)
        rows.append([gauge.key, gauge.name or gauge.sensor, gauge.value, gauge.capacity, gauge.at])
    rows.sort(key=lambda row: (-row[2] / row[3], row[0]))
    return {
        "parks": rows[:ROWS], "counted": len(rows), "total": len(parks), "taken": taken, "spaces": spaces,
        "over": [row[1] for row in rows if row[2] > row[3]],
    }  # fmt: skip


def _day(gauge: Gauge, now: float) -> list[float | None]:
    """The latest value of each quarter of an hour of the last day, to five figures; None where none was read."""
    last = int(now // SLOT)
    slots = (gauge.slots.get(number) for number in range(last - SLOTS + 1, last + 1))
    return [None if slot is None else float(f"{slot.value:.5g}") for slot in slots]


def view_water(board: Sensors, place: str, now: float) -> Document:
    """Where water may stand and where it rains: level gauges with the worst first, rain gauges with the wettest first.

    Of the levels ``over`` counts warnings and alarms among the ``working`` ones, ``places`` the same by the place
    directly below at which they stand, and ``rising`` those that rise.
    Each row has its last day in quarters of an hour as ``day``. ``hours`` is the most rain of any gauge by hour.
    """
    levels: list[dict[str, Any]] = []
    rains: list[dict[str, Any]] = []
    for gauge in board.at(place):
        if gauge.quantity in ("level", "rain"):
            row = row_of(board, gauge, now)
            del row["age"]  # It changes each second; whoever shows it counts from ``at``.
            (levels if gauge.quantity == "level" else rains).append(row)
    believed = [row for row in levels if not row["fault"]]
    levels.sort(key=lambda row: (_rank(row)[0], -_against(row), row["key"]))
    rains.sort(key=lambda row: (bool(row["fault"]), -(row["value"] or 0.0), row["key"]))
    for row in (*levels[:WATER], *rains[:WATER]):
        row["day"] = _day(board.gauges[row["key"]], now)
    days = [row["day"] for row in rains[:WATER]]
    quarters = [max((day[at] for day in days if day[at] is not None), default=None) for at in range(SLOTS)]
    return {
        "levels": levels[:WATER], "rains": rains[:WATER], "total": len(levels), "working": len(believed),
        "over": {grade: sum(row["grade"] == grade for row in believed) for grade in ("warn", "alarm")},
        "places": _below(board, place, (row["place"] for row in believed if row["grade"] in ("warn", "alarm"))),
        "rising": sum(row["trend"] == "rising" for row in believed),
        "hours": [max((q for q in quarters[at : at + 4] if q is not None), default=None) for at in range(0, SLOTS, 4)],
        "until": (int(now // SLOT) + 1) * SLOT,
    }  # fmt: skip


def _below(board: Sensors, place: str, codes: Iterable[str]) -> dict[str, int]:
    """How many of the codes lie at or below each place directly below; those of no such place are left out."""
    paths = (board.rules.places.path(code) for code in codes)
    return dict(sorted(Counter(path[path.index(place) + 1] for path in paths if place in path[:-1]).items()))


def _against(row: dict[str, Any]) -> float:
    """A level against its own first threshold."""
    limit = row["warn"] or row["alarm"]
    return (row["value"] or 0.0) / limit if limit else 0.0


def view_gauge_faults(board: Sensors, place: str, now: float) -> Document:
    """The gauges that cannot be believed: which, why, since when, and what they said last, the latest fault first.

    ``counts`` are all by fault; ``never`` are those that are expected and nobody has heard of.
    """
    rows: list[dict[str, Any]] = []
    gauges = board.at(place)
    for gauge in gauges:
        fault = gauge.fault(board.limits(gauge), now)
        if not fault:
            continue
        since = gauge.unchanged_since() if fault == "stuck" else gauge.at
        if fault == "wrong_unit" and gauge.odd is not None:
            since = gauge.odd[0]
        rows.append({
            "key": gauge.key, "name": gauge.name or gauge.sensor, "place": gauge.place, "quantity": gauge.quantity,
            "fault": fault, "since": since or None, "value": gauge.value if gauge.id else None, "unit": gauge.unit,
            "odd_unit": gauge.odd[1] if fault == "wrong_unit" and gauge.odd else "",
        })  # fmt: skip
    never = _never(board, place)
    rows.sort(key=lambda row: (-(row["since"] or 0.0), row["key"]))
    counts = {name: sum(row["fault"] == name for row in rows) for name in FAULTS}
    counts["never"] += len(never)
    return {"faults": rows[:ROWS], "counts": counts, "never": never[:ROWS], "total": len(gauges) + len(never)}


NOUN = Noun(
    name="sensor",
    events=(SensorReading,),
    slice=Sensors,
    alerts=alerts,
    things=THINGS,
    views={
        "sensors": view_sensors, "gauges": view_gauges, "parking": view_parking,
        "water": view_water, "gauge_faults": view_gauge_faults, **LAYERS,
    },
)  # fmt: skip
