"""The cloud's views: allocation and availability with their denominators, links, certificates; and their noun."""

from __future__ import annotations

from typing import Any

from dashboard.cloud import Cloud, CloudSample, Thing
from dashboard.cloudalerts import alerts
from dashboard.noun import Document, Noun

ROWS = 100  # Things that are listed; all are counted.
LIVING = ("host", "link", "service")
STATES = ("up", "down", "unknown")


def _silent(board: Cloud) -> float:
    return 60 * board.rules.cloud.silent_minutes


def view_cloud(board: Cloud, place: str, now: float) -> Document:
    """Hosts, links and services by state, their availability over a day, and what is allocated of the pools.

    ``availability`` is ``[slots that were up throughout, slots that were sampled]``; ``allocation`` maps a metric
    to ``{"used", "limit", "unit", "pools", "left_out"}`` over the pools whose limit is known, whose sample is
    not too old and whose unit is that of the first; the others are ``left_out``.
    """
    silent = _silent(board)
    states: dict[str, dict[str, int]] = {kind: dict.fromkeys(STATES, 0) for kind in LIVING}
    slots: dict[str, list[int]] = {kind: [0, 0] for kind in LIVING}
    newest: float | None = None
    for thing in board.at(place):
        newest = max(newest or thing.at, thing.at)
        if thing.resource in states:
            states[thing.resource][thing.state(now, silent)] += 1
            good, seen = thing.availability(now)
            slots[thing.resource][0] += good
            slots[thing.resource][1] += seen
    return {
        "states": states, "availability": slots, "allocation": _allocation(board, place, now), "newest": newest,
    }  # fmt: skip


def _allocation(board: Cloud, place: str, now: float) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for thing in board.at(place, "pool"):
        for metric, sample in thing.metrics.items():
            row = found.setdefault(metric, {"used": 0.0, "limit": 0.0, "unit": "", "pools": 0, "left_out": 0})
            old = now - sample.at > _silent(board)
            if old or not sample.limit or (row["pools"] and sample.unit != row["unit"]):
                row["left_out"] += 1
                continue
            row["used"] += sample.value
            row["limit"] += sample.limit
            row["unit"] = sample.unit
            row["pools"] += 1
    for row in found.values():
        share = row["used"] / row["limit"] if row["limit"] else None
        rules = board.rules.cloud
        row["grade"] = (
            "none" if share is None else "alarm" if share >= rules.full_alarm
            else "warn" if share >= rules.full_warn else "normal"
        )  # fmt: skip
    return dict(sorted(found.items()))


def _row(thing: Thing, now: float, silent: float) -> dict[str, Any]:
    """One thing: its state, its latest figures each with its age in seconds, and its availability over a day."""
    return {
        "key": thing.key, "name": thing.name or thing.subject, "resource": thing.resource, "place": thing.place,
        "state": thing.state(now, silent), "age": now - thing.at, "availability": list(thing.availability(now)),
        "metrics": {
            name: {"value": sample.value, "unit": sample.unit, "limit": sample.limit, "age": now - sample.at}
            for name, sample in sorted(thing.metrics.items()) if name != "up"
        },
    }  # fmt: skip


def view_links(board: Cloud, place: str, now: float) -> Document:
    """Hosts, links and services, those that are down first, then the unknown, then by availability."""
    things = board.at(place, *LIVING)
    rows = [_row(thing, now, _silent(board)) for thing in things]

    def rank(row: dict[str, Any]) -> tuple[int, float, str]:
        good, seen = row["availability"]
        return ("down", "unknown", "up").index(row["state"]), good / seen if seen else 1.0, row["key"]

    rows.sort(key=rank)
    return {"links": rows[:ROWS], "total": len(rows)}


def view_certificates(board: Cloud, place: str, now: float) -> Document:
    """Certificates by their end, with the days left; one that was not looked at for long says so by its age.

    ``grades`` counts ``ended``, ``alarm``, ``warn`` and ``normal`` of all ``total``.
    """
    rules = board.rules.cloud
    rows = []
    grades = dict.fromkeys(("ended", "alarm", "warn", "normal"), 0)
    for thing in board.at(place, "certificate"):
        sample = thing.metrics.get("expires")
        if sample is None:
            continue
        days = (sample.value - now) / 86400
        grade = (
            "ended" if days <= 0 else "alarm" if days <= rules.certificate_alarm_days
            else "warn" if days <= rules.certificate_warn_days else "normal"
        )  # fmt: skip
        grades[grade] += 1
        rows.append(
            {"key": thing.key, "name": thing.name or thing.subject, "expires": sample.value, "days": days,
             "grade": grade, "age": now - sample.at}
        )  # fmt: skip
    rows.sort(key=lambda row: (row["expires"], row["key"]))
    return {"certificates": rows[:ROWS], "grades": grades, "total": len(rows)}


NOUN = Noun(
    name="cloud",
    events=(CloudSample,),
    slice=Cloud,
    alerts=alerts,
    views={"cloud": view_cloud, "links": view_links, "certificates": view_certificates},
)
