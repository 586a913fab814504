"""The cloud's views: allocation and availability with their denominators, links, certificates; and their noun."""

from __future__ import annotations

from typing import Any

from dashboard.nouns.cloud import Cloud, CloudSample, Thing
from dashboard.nouns.cloudalerts import alerts
from dashboard.nouns.noun import Document, Noun

ROWS = 100  # Things that are listed; all are counted.
LIVING = ("host", "link", "service")
STATES = ("up", "down", "unknown")
GRADES = ("down", "alarm", "unknown", "warn", "normal")


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
        row["grade"] = "none" if share is None else _full(board, share)
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


def grade_of(board: Cloud, thing: Thing, now: float) -> str:
    """``down``, ``unknown``, ``alarm``, ``warn`` or ``normal``: by its state, then by latency, loss and load."""
    state = thing.state(now, _silent(board))
    if state != "up":
        return state
    rules, worst = board.rules.cloud, 0
    for metric, warn, alarm in (
        ("latency", rules.latency_warn, rules.latency_alarm),
        ("loss", rules.loss_warn, rules.loss_alarm),
        ("load", rules.load_warn, rules.load_alarm),
    ):
        sample = thing.metrics.get(metric)
        if sample is not None and now - sample.at <= _silent(board):
            worst = max(worst, 2 if sample.value >= alarm else 1 if sample.value >= warn else 0)
    return ("normal", "warn", "alarm")[worst]


def _living(board: Cloud, place: str, now: float, *kinds: str) -> tuple[list[dict[str, Any]], dict[str, int]]:
    """Things of some kinds, worst first, and how many are of which grade."""
    rows, grades = [], dict.fromkeys(GRADES, 0)
    for thing in board.at(place, *kinds):
        grade = grade_of(board, thing, now)
        grades[grade] += 1
        metrics = {
            name: thing.metrics[name].value
            for name in ("latency", "loss", "load")
            if name in thing.metrics and now - thing.metrics[name].at <= _silent(board)
        }
        rows.append({
            "key": thing.key, "name": thing.name, "subject": thing.subject, "resource": thing.resource, "grade": grade,
            "start": thing.start, "end": thing.end, "place": thing.place, "metrics": metrics,
            "since": (thing.seen_up or None) if grade in ("down", "unknown") else None,
            "availability": list(thing.availability(now)), "falls": thing.falls(now),
        })  # fmt: skip
    rows.sort(key=_worst)
    return rows, grades


def _worst(row: dict[str, Any]) -> tuple[int, float, float, str]:
    good, seen = row["availability"]
    return GRADES.index(row["grade"]), good / seen if seen else 1.0, -row["metrics"].get("load", 0.0), row["key"]


def view_network(board: Cloud, place: str, now: float) -> Document:
    """The links, worst first: grade, what they join, latency in seconds, loss and load in percent, availability over a
    day, how often they fell in it and, of one that is down, when it was seen up last. ``peak`` is the most loaded one,
    with its ``day``.
    """
    rows, grades = _living(board, place, now, "link")
    busiest = max(
        (row for row in rows if "load" in row["metrics"]),
        key=lambda row: (row["metrics"]["load"], row["key"]),
        default=None,
    )
    latencies = sorted(row["metrics"]["latency"] for row in rows if "latency" in row["metrics"])
    slots = [sum(row["availability"][part] for row in rows) for part in (0, 1)]
    return {
        "links": rows[:ROWS], "total": len(rows), "grades": grades, "availability": slots,
        "latency": latencies[min(len(latencies) - 1, int(0.95 * len(latencies)))] if latencies else None,
        "peak": None if busiest is None else {**busiest, "day": board.things[busiest["key"]].day(now)},
    }  # fmt: skip


def view_services(board: Cloud, place: str, now: float) -> Document:
    """Hosts and services, those that are down first; how many of each are of which grade, and their availability."""
    found: Document = {}
    rows: list[dict[str, Any]] = []
    for kind in ("service", "host"):
        mine, grades = _living(board, place, now, kind)
        found[kind] = {
            "total": len(mine), "grades": grades,
            "availability": [sum(row["availability"][part] for row in mine) for part in (0, 1)],
        }  # fmt: skip
        rows += mine
    rows.sort(key=_worst)
    return {"services": rows[:ROWS], **found}


def view_pools(board: Cloud, place: str, now: float) -> Document:
    """Pool by pool what is allocated of each metric, beside the sums of ``allocation``.

    ``out`` says why a figure is in no sum: ``no_limit``, ``old``, or ``unit`` where it is another than the first's.
    """
    sums = _allocation(board, place, now)
    rows = []
    for thing in board.at(place, "pool"):
        cells = {}
        for metric, sample in sorted(thing.metrics.items()):
            out = (
                "old" if now - sample.at > _silent(board) else "no_limit" if not sample.limit
                else "unit" if sample.unit != sums[metric]["unit"] else ""
            )  # fmt: skip
            grade = (
                "none" if out in ("old", "no_limit") or not sample.limit else _full(board, sample.value / sample.limit)
            )
            cells[metric] = {
                "used": sample.value, "limit": sample.limit, "unit": sample.unit, "out": out, "grade": grade,
            }  # fmt: skip
        rows.append({"key": thing.key, "name": thing.name or thing.subject, "cells": cells})
    return {"pools": rows[:ROWS], "number": len(rows), "allocation": sums}


def _full(board: Cloud, share: float) -> str:
    rules = board.rules.cloud
    return "alarm" if share >= rules.full_alarm else "warn" if share >= rules.full_warn else "normal"


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
    views={
        "cloud": view_cloud, "links": view_links, "certificates": view_certificates, "network": view_network,
        "services": view_services, "pools": view_pools,
    },
)  # fmt: skip
