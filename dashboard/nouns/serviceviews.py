"""The service's views: cases on time, halls and their queues, ratings and their redress, items; and the noun itself."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from dashboard.nouns.noun import Document, Noun
from dashboard.nouns.rates import wilson
from dashboard.nouns.service import (
    SLOT,
    Case,
    CaseAccepted,
    CaseFinished,
    DayReported,
    Queue,
    QueueSeen,
    Rated,
    Rating,
    Redressed,
)
from dashboard.nouns.servicealerts import alerts
from dashboard.nouns.servicetally import Service

ROWS = 60  # Of a list; all are counted.
SOON = 3.0  # Working days that are left of the time to put a bad rating right.


def _queues(board: Service, place: str) -> list[Queue]:
    return [queue for _, queue in sorted(board.queues.items()) if place in board.rules.places.path(queue.place)]


def _waiting(board: Service, queues: list[Queue], now: float) -> dict[str, Any]:
    """The queues together: those that were heard of lately; ``mean`` is [minutes waited, people called] of today."""
    rules, today = board.rules.service, board.calendar.day_and_month(now)[0]
    fresh = [queue for queue in queues if now - queue.at <= 60 * rules.silent_minutes]
    ours = [queue for queue in queues if board.calendar.day_and_month(queue.at)[0] == today]
    means = [(queue.mean, queue.called) for queue in ours if queue.mean is not None and queue.called]
    worst = max((queue for queue in fresh if queue.longest), key=lambda q: (q.longest or 0.0, q.hall), default=None)
    return {
        "halls": len(queues), "silent": len(queues) - len(fresh),
        "open": sum(queue.windows is None or queue.windows > 0 for queue in fresh),
        "waiting": sum(queue.waiting for queue in fresh),
        "windows": sum(queue.windows or 0 for queue in fresh),
        "longest": worst.longest if worst is not None else None, "where": worst.hall if worst is not None else "",
        "mean": [sum(mean * called for mean, called in means), sum(called for _, called in means)],
        "grade": grade_of(board, worst.longest if worst is not None else None),
    }  # fmt: skip


def grade_of(board: Service, longest: float | None) -> str:
    """``alarm``, ``warn``, ``normal``, or ``none`` where nobody is known to wait."""
    rules = board.rules.service
    if longest is None:
        return "none"
    return "alarm" if longest > rules.wait_alarm else "warn" if longest > rules.wait_warn else "normal"


def view_service(board: Service, place: str, now: float) -> Document:
    """The service as a whole: today against a like day, what is in hand, the month's rates, queues and ratings.

    ``before`` is the same time of the day in ``like``; its numbers are None where that day was told as a whole.
    ``compressed`` is [working days promised, working days the law allows] of the month's cases; rates are
    [numerator, denominator]. ``odd`` counts what does not fit, by name.
    """
    ledger, calendar = board.ledger, board.calendar
    today, month = calendar.day_and_month(now)
    like = board.like(now)
    since = datetime.fromtimestamp(now, UTC).astimezone(board.rules.zone).replace(
        year=like.year, month=like.month, day=like.day, fold=0
    ).timestamp()  # fmt: skip
    start = calendar.midnight(since)
    known = not ledger.total(place, "untimed", like.toordinal())
    hours = [ledger.named(place, "hour", day) for day in (today, like.toordinal())]
    last = month - 1
    return {
        "today": {name: ledger.total(place, name, today) for name in ("accepted", "finished", "same_day")},
        "like": like.isoformat(),
        "before": {
            name: board.count(place, name, start, since) if known else None for name in ("accepted", "finished")
        },
        "hours": [[mine.get(str(hour), 0) for hour in range(24)] for mine in hours],
        "hour": datetime.fromtimestamp(now, UTC).astimezone(board.rules.zone).hour, "hours_known": known,
        "workday": board.rules.calendar.is_workday(today),
        "open": ledger.total(place, "open"), "late": ledger.total(place, "late"), "over": ledger.total(place, "over"),
        "on_time": ledger.pair(place, "kept", "due", month), "on_time_before": ledger.pair(place, "kept", "due", last),
        "legal": ledger.pair(place, "legal kept", "legal due", month), "goal": board.rules.service.goal,
        "same_day": ledger.pair(place, "same_day", "finished", month),
        "compressed": [ledger.total(place, f"{name} days", month) / 100 for name in ("promised", "legal")],
        "waiting": _waiting(board, _queues(board, place), now),
        "ratings": _ratings(board, place, month), "ratings_before": _ratings(board, place, last),
        "redress": _redress(board, place, month),
        "channels": sorted(
            ([name, ledger.named(place, "channel", today).get(name, 0), n]
             for name, n in ledger.named(place, "channel", month).items()),
            key=lambda row: (-row[2], row[0]),
        ),
        "odd": dict(sorted(ledger.named(place, "odd").items())),
    }  # fmt: skip


def _ratings(board: Service, place: str, month: int) -> dict[str, Any]:
    """``stars`` from one to five, ``good`` as [three stars and more, all], ``taken`` as [rated, finished]."""
    ledger = board.ledger
    stars = ledger.named(place, "stars", month)
    rated, bad = ledger.total(place, "rated", month), ledger.total(place, "bad", month)
    return {
        "stars": [stars.get(str(at), 0) for at in range(1, 6)], "good": [rated - bad, rated], "bad": bad,
        "taken": [rated, ledger.total(place, "finished", month)],
    }  # fmt: skip


def _redress(board: Service, place: str, month: int) -> dict[str, Any]:
    ledger = board.ledger
    return {
        "open": ledger.total(place, "bad open"), "late": ledger.total(place, "bad late"),
        "rate": ledger.pair(place, "redress kept", "redress due", month), "days": board.rules.service.redress_days,
    }  # fmt: skip


def view_halls(board: Service, place: str, now: float) -> Document:
    """Halls with their queue, today's cases, what is in hand and the month's rates; the longest wait first.

    ``state`` is ``open``, ``closed`` (no window open and nobody waits), or ``silent``; None where a hall has no queue.
    """
    ledger = board.ledger
    today, month = board.calendar.day_and_month(now)
    queues = {queue.hall: queue for queue in _queues(board, place)}
    names = set(queues) | set(ledger.named(place, "hall accepted", month)) | set(ledger.named(place, "hall open"))
    rows = []
    for name in sorted(names - {""}):
        queue = queues.get(name)

        def pair(part: str, whole: str, name: str = name) -> list[int]:
            return [ledger.named(place, f"hall {kind}", month).get(name, 0) for kind in (part, whole)]

        bad, rated = pair("bad", "rated")
        kept, due = pair("kept", "due")
        rows.append({
            "name": name, "place": queue.place if queue else board.rules.service.halls.get(name, ""),
            **_queue_row(board, queue, now),
            "accepted": ledger.named(place, "hall accepted", today).get(name, 0),
            "open": ledger.named(place, "hall open").get(name, 0),
            "late": ledger.named(place, "hall late").get(name, 0),
            "on_time": [kept, due], "bound": wilson(kept, due), "good": [rated - bad, rated],
        })  # fmt: skip
    rows.sort(key=lambda row: (-(row["longest"] or 0.0), -row["waiting"], -row["accepted"], row["name"]))
    goal = board.rules.service.goal
    return {"halls": rows[:ROWS], "total": len(rows), "goal": goal, "all": _waiting(board, list(queues.values()), now)}


def _queue_row(board: Service, queue: Queue | None, now: float) -> dict[str, Any]:
    """The queue of one hall; what is too old to be believed is left out."""
    blank: dict[str, Any] = {"waiting": 0, "windows": None, "longest": None, "mean": [0.0, 0], "grade": "none"}
    if queue is None:
        return {**blank, "state": None, "age": None}
    age = now - queue.at
    if age > 60 * board.rules.service.silent_minutes:
        return {**blank, "state": "silent", "age": age}
    closed = queue.windows == 0 and not queue.waiting
    called = queue.called or 0
    return {
        "state": "closed" if closed else "open", "age": age, "waiting": queue.waiting, "windows": queue.windows,
        "longest": queue.longest, "mean": [queue.mean * called, called] if queue.mean is not None else [0.0, 0],
        "grade": grade_of(board, queue.longest if queue.waiting else None),
    }  # fmt: skip


def view_waiting(board: Service, place: str, now: float) -> Document:
    """How many waited through the day, quarter by quarter, today and on the day to compare with, and hall by hall.

    A quarter in which no hall told of itself is None, today and before alike.
    """
    queues = _queues(board, place)
    like = board.like(now)
    noon = datetime(like.year, like.month, like.day, 12, tzinfo=board.rules.zone).timestamp()
    starts = [board.calendar.midnight(now), board.calendar.midnight(noon)]
    lines: list[list[int | None]] = [[], []]
    for line, start in zip(lines, starts, strict=True):
        for at in range(96):
            slot = int((start + SLOT * at) // SLOT)
            seen = [queue.slots[slot][2] for queue in queues if slot in queue.slots]
            line.append(sum(seen) if seen else None)
    halls = []
    for queue in queues:
        row = _queue_row(board, queue, now)
        first = int(starts[0] // SLOT)
        line = [queue.slots[slot][2] if slot in queue.slots else None for slot in range(first, first + 96)]
        halls.append({"name": queue.hall, "place": queue.place, **row, "line": line})
    halls.sort(key=lambda row: (-(row["longest"] or 0.0), -row["waiting"], row["name"]))
    return {
        "today": lines[0], "before": lines[1], "like": like.isoformat(),
        "slot": int((now - starts[0]) // SLOT), "halls": halls[:ROWS], "all": _waiting(board, queues, now),
        "warn": board.rules.service.wait_warn, "alarm": board.rules.service.wait_alarm,
    }  # fmt: skip


def view_ratings(board: Service, place: str, now: float) -> Document:
    """The month's ratings by level and by place, and the bad ones that are still to be put right.

    ``rows`` are by what is left of their time: ``days`` in working days, negative beyond it; the overdue come first.
    ``soon`` of the ``redress`` are all that have no more than three working days left, and are not overdue.
    ``places`` are the places below with [good, rated], worst first by what is certain of them (Wilson, 95 %).
    """
    _, month = board.calendar.day_and_month(now)
    rows = [_bad_row(board, rating, now) for rating in board.below(place, board.bad, board.ratings)]
    rows.sort(key=lambda row: (row["due"], row["key"]))
    places: list[dict[str, Any]] = []
    for child in board.rules.places.children(place):
        found = _ratings(board, child.code, month)
        if found["good"][1]:
            bad, rated = found["bad"], found["good"][1]
            places.append({"place": child.code, "good": found["good"], "bad": bad, "bound": wilson(bad, rated)})
    places.sort(key=lambda row: (-row["bound"], row["place"]))
    days = []
    today = board.calendar.day_and_month(now)[0]
    for day in range(today - 29, today + 1):
        rated, bad = board.ledger.total(place, "rated", day), board.ledger.total(place, "bad", day)
        days.append([date.fromordinal(day).isoformat(), rated - bad, rated])
    soon = sum(not row["late"] and row["days"] <= SOON for row in rows)
    return {
        **_ratings(board, place, month), "before": _ratings(board, place, month - 1),
        "redress": {**_redress(board, place, month), "soon": soon}, "rows": rows[:ROWS], "places": places, "days": days,
    }  # fmt: skip


def _bad_row(board: Service, rating: Rating, now: float) -> dict[str, Any]:
    calendar = board.rules.calendar
    late = rating.due <= now
    left = -calendar.used(rating.due, now, "work_day") if late else calendar.used(now, rating.due, "work_day")
    return {
        "key": f"{rating.source}|{rating.number}", "stars": rating.stars, "item": rating.item, "hall": rating.hall,
        "channel": rating.channel, "about": rating.about, "place": rating.place, "at": rating.at, "due": rating.due,
        "days": left, "late": late,
    }  # fmt: skip


def view_items(board: Service, place: str, now: float) -> Document:
    """Items by how often they were asked for this month, with today's, the rate on time and the bad ratings."""
    ledger = board.ledger
    today, month = board.calendar.day_and_month(now)
    of_today, due, kept, bad = (
        ledger.named(place, kind, period)
        for kind, period in (("item", today), ("item due", month), ("item kept", month), ("item bad", month))
    )
    rows: list[dict[str, Any]] = [
        {"name": name, "today": of_today.get(name, 0), "month": n, "bad": bad.get(name, 0),
         "on_time": [kept.get(name, 0), due.get(name, 0)]}
        for name, n in ledger.named(place, "item", month).items()
    ]  # fmt: skip
    rows.sort(key=lambda row: (-row["month"], row["name"]))
    channels = ledger.named(place, "channel", month)
    return {
        "items": rows[:ROWS], "total": len(rows), "month": sum(row["month"] for row in rows),
        "channels": sorted(([name, n] for name, n in channels.items()), key=lambda row: (-row[1], row[0])),
    }  # fmt: skip


def view_late(board: Service, place: str, now: float) -> Document:
    """Cases that are open beyond their limit, the longest first, and the rate on time of the last thirty days.

    ``days`` of a case are the working days since its limit, those of the view are [day, on time, due].
    """
    calendar = board.rules.calendar
    found: list[Case] = list(board.below(place, board.late, board.cases))
    found.sort(key=lambda case: (case.due or 0.0, case.number))
    rows = [
        {"key": f"{case.source}|{case.number}", "number": case.number, "item": case.item, "hall": case.hall,
         "place": case.place, "channel": case.channel, "due": case.due,
         "over": f"{case.source}|{case.number}" in board.over, "days": calendar.used(case.due or now, now, "work_day")}
        for case in found[:ROWS]
    ]  # fmt: skip
    in_hand = board.ledger.total(place, "open")
    goal = board.rules.service.goal
    return {"cases": rows, "late": len(found), "open": in_hand, "goal": goal, "days": _days(board, place, now)}


def _days(board: Service, place: str, now: float) -> list[list[Any]]:
    """The rate on time of each of the last thirty days, as [day, kept, due]."""
    today = date.fromordinal(board.calendar.day_and_month(now)[0])
    days = [today - timedelta(days=back) for back in range(29, -1, -1)]
    return [[day.isoformat(), *board.ledger.pair(place, "kept", "due", day.toordinal())] for day in days]


def view_oddities(board: Service, place: str, now: float) -> Document:
    """What does not fit, of the whole city: by source and reason, with how often and some of the records."""
    return board.oddities.document()


VIEWS: Mapping[str, Any] = {
    "service": view_service, "service_halls": view_halls, "service_waiting": view_waiting,
    "service_ratings": view_ratings, "service_items": view_items, "service_late": view_late,
    "service_oddities": view_oddities,
}  # fmt: skip

NOUN = Noun(
    name="service",
    events=(CaseAccepted, CaseFinished, Rated, Redressed, QueueSeen, DayReported),
    slice=Service,
    views=VIEWS,
    alerts=alerts,
)
