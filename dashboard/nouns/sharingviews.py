"""The views of data sharing: on-time updates, requests, calls, what is broken and what rests on it; and their noun."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from dashboard.nouns.noun import Document, Noun
from dashboard.nouns.rates import wilson
from dashboard.nouns.sharing import HOUR, Api, ApiCalls, Broken, CatalogueEntry, DataRequest, Entry, Request, Sharing
from dashboard.nouns.sharingalerts import alerts

STEP = 10.0  # Seconds: what is late is looked up so often, as of the moment before.
ROWS = 100  # Rows that are listed; all are counted.
MONTHS = 12


def _kept(board: Sharing, rests: str, name: str, place: str, now: float, work: Callable[[float], Document]) -> Document:
    """What ``work`` finds, worked out anew only when what it ``rests`` on has changed or a step of time has begun."""
    moment = now - now % STEP
    stamp = (*(board.round[part] for part in rests.split()), moment)
    found = board.kept.get((name, place))
    if found is None or found[0] != stamp:
        found = board.kept[name, place] = (stamp, work(moment))
    kept: Document = found[1]
    return kept


# -- the catalogue ---------------------------------------------------------------------------------------------


def _department(board: Sharing, name: str) -> str:
    """The department as it is counted: "" for one that the city file does not know."""
    known = board.rules.sharing.departments
    return name if not known or name in known else ""


def _catalogue(board: Sharing, place: str, now: float) -> dict[str, Any]:
    """Sums over the entries at a place, and the same for each department."""
    cycles = board.rules.sharing.broken_cycles
    whole = {"entries": 0, "linked": 0, "due": 0, "on_time": 0, "broken": 0}
    departments: dict[str, dict[str, int]] = {}
    for entry in board.entries_at(place):
        mine = departments.setdefault(_department(board, entry.department), dict.fromkeys(whole, 0))
        on_time = entry.on_time(now)
        adds = {
            "entries": 1, "linked": entry.linked, "due": on_time is not None, "on_time": bool(on_time),
            "broken": entry.broken(now, cycles) is not None,
        }  # fmt: skip
        for name, value in adds.items():
            whole[name] += value
            mine[name] += value
    return {**whole, "departments": departments}


def catalogue_of(board: Sharing, place: str, now: float) -> dict[str, Any]:
    """As ``_catalogue``, kept for a step of time."""
    return _kept(board, "entries", "catalogue", place, now, lambda moment: _catalogue(board, place, moment))


def _ranked(departments: dict[str, dict[str, int]]) -> list[dict[str, Any]]:
    """Departments by the lower bound of their share of late entries, worst first; those without a cycle come last."""
    rows: list[dict[str, Any]] = [{"department": name, **found} for name, found in departments.items()]
    for row in rows:
        row["bound"] = wilson(row["due"] - row["on_time"], row["due"])
    rows.sort(key=lambda row: (row["bound"] is None, -(row["bound"] or 0.0), -row["due"], row["department"]))
    return rows


def view_departments(board: Sharing, place: str, now: float) -> Document:
    """Departments by how their entries are kept up to date, worst first, each with its numerator and denominator.

    ``unlisted`` counts the entries of departments that the city file does not name; they stand as "".
    """
    found = catalogue_of(board, place, now)
    rows = _ranked(found["departments"])
    return {
        "departments": rows[:ROWS], "number": len(rows), "on_time": [found["on_time"], found["due"]],
        "unlisted": found["departments"].get("", {}).get("entries", 0),
    }  # fmt: skip


# -- requests --------------------------------------------------------------------------------------------------

ANSWERS = ("granted", "refused", "pending", "overdue")


def _requests(board: Sharing, place: str, now: float) -> Document:
    month = board.calendar.day_and_month(now)[1]
    counts = {"asked": 0, **dict.fromkeys(ANSWERS, 0)}
    owners: dict[str, dict[str, int]] = {}
    months = {at: [0, 0] for at in range(month - MONTHS + 1, month + 1)}
    in_time = answered = 0
    spent: list[float] = []
    waiting: list[dict[str, Any]] = []
    for request in board.requests_at(place):
        asked = board.calendar.day_and_month(request.asked)[1]
        if asked in months:
            months[asked][0] += 1
            months[asked][1] += request.state == "granted"
        if asked // 12 != month // 12 or request.asked > now:
            continue
        mine = owners.setdefault(_department(board, request.owner), dict.fromkeys(counts, 0))
        due = board.due(request)
        late = request.state == "pending" and now > due
        for name in ("asked", request.state, *(("overdue",) if late else ())):
            counts[name] += 1
            mine[name] += 1
        if request.state == "pending":
            waiting.append(_waiting(request, due, late=late))
        elif request.decided is not None:
            answered += 1
            in_time += request.decided <= due
            spent.append(request.decided - request.asked)
    waiting.sort(key=lambda row: (row["due"], row["key"]))
    rows: list[dict[str, Any]] = [{"department": name, **found} for name, found in owners.items()]
    rows.sort(key=lambda row: (-row["overdue"], -row["pending"], -row["asked"], row["department"]))
    spent.sort()
    return {
        **counts, "in_time": [in_time, answered], "median": spent[len(spent) // 2] if spent else None,
        "months": [[at, *found] for at, found in months.items()], "owners": rows[:ROWS], "number": len(rows),
        "waiting": waiting[:ROWS],
    }  # fmt: skip


def _waiting(request: Request, due: float, *, late: bool) -> dict[str, Any]:
    return {
        "key": request.key, "entry": request.entry, "department": request.department, "owner": request.owner,
        "asked": request.asked, "due": due, "late": late,
    }  # fmt: skip


def view_requests(board: Sharing, place: str, now: float) -> Document:
    """The requests asked in this year: how many, their answers, and by whom they are to be given.

    ``asked`` is the sum of ``granted``, ``refused`` and ``pending``; ``overdue`` are those of the pending whose time
    is up. ``in_time`` are those answered in time of those whose answer has a moment, ``median`` what half of these
    took in seconds. ``months`` are ``[month, asked, granted]`` of the last twelve, a month being 12 × year + month − 1.
    ``waiting`` are the pending ones by when they are due.
    """
    return _kept(board, "requests", "requests", place, now, lambda moment: _requests(board, place, moment))


# -- calls -----------------------------------------------------------------------------------------------------


def _sums(spans: Iterable[tuple[int, int, int]]) -> list[int]:
    return [sum(column) for column in zip(*spans, strict=True)] or [0, 0, 0]


def _api_row(board: Sharing, api: Api, start: float, now: float) -> dict[str, Any]:
    rules = board.rules.sharing
    calls, failures, records = api.between(start, now)
    broken = api.broken(now, rules.failing_share, rules.failing_calls)
    return {
        "key": api.key, "name": api.name or api.subject, "department": api.department, "calls": calls,
        "failures": failures, "records": records, "bound": wilson(failures, calls),
        "failing": None if broken is None else broken.since,
    }  # fmt: skip


def _calls(board: Sharing, place: str, now: float) -> Document:
    midnight = board.calendar.midnight(now)
    yesterday = board.calendar.midnight(midnight - HOUR)
    apis = board.apis_at(place)
    rows = [_api_row(board, api, midnight, now) for api in apis]
    rows.sort(key=lambda row: (row["failing"] is None, -(row["bound"] or 0.0), -row["calls"], row["key"]))
    hours: dict[str, list[list[float]]] = {}
    for name, start, end in (("today", midnight, now), ("yesterday", yesterday, midnight)):
        found: dict[int, list[int]] = {}
        for api in apis:
            for at, span in api.spans.items():
                if start <= at < end:
                    sums = found.setdefault(int((at - start) // HOUR), [0, 0])
                    sums[0] += span.calls
                    sums[1] += span.failures
        hours[name] = [[hour, *sums] for hour, sums in sorted(found.items())]
    hour = now - now % HOUR  # The hour that goes on is not over, and that of yesterday is.
    return {
        "today": _sums(api.between(midnight, now) for api in apis),
        "yesterday": _sums(api.between(yesterday, midnight) for api in apis),
        "same": [
            _sums(api.between(midnight, hour) for api in apis)[0],
            _sums(api.between(yesterday, yesterday + hour - midnight) for api in apis)[0],
        ],
        "apis": rows[:ROWS], "number": len(rows), "called": sum(row["calls"] > 0 for row in rows),
        "failing": sum(row["failing"] is not None for row in rows), "hours": hours,
    }  # fmt: skip


def view_calls(board: Sharing, place: str, now: float) -> Document:
    """The calls of the APIs: ``today`` and ``yesterday``, each as [calls, failures, records]; ``same`` are the calls of
    today's full hours, and those of the same hours of yesterday.

    ``apis`` are those that are failing, then by the lower bound of their share of failures; ``hours`` are
    ``[hour, calls, failures]``. Spans count to the hour and the day in which they begin.
    """
    return _kept(board, "apis", "calls", place, now, lambda moment: _calls(board, place, moment))


# -- what is broken --------------------------------------------------------------------------------------------


def rests_on(board: Sharing, name: str, subject: str) -> tuple[str, ...]:
    """What the city file says rests on an entry or an API, by its name or its id."""
    rests = board.rules.sharing.rests
    return tuple(dict.fromkeys((*rests.get(name, ()), *rests.get(subject, ()))))


def _faulty(board: Sharing, place: str, now: float) -> list[tuple[Entry | Api, Broken]]:
    rules = board.rules.sharing
    found: list[tuple[Entry | Api, Broken]] = []
    for entry in board.entries_at(place):
        broken = entry.broken(now, rules.broken_cycles)
        if broken is not None:
            found.append((entry, broken))
    for api in board.apis_at(place):
        broken = api.broken(now, rules.failing_share, rules.failing_calls)
        if broken is not None:
            found.append((api, broken))
    return found


def _broken(board: Sharing, place: str, now: float) -> Document:
    rows: list[dict[str, Any]] = []
    for thing, broken in _faulty(board, place, now):
        rests = rests_on(board, thing.name, thing.subject)
        rows.append({
            "key": thing.key, "what": "api" if isinstance(thing, Api) else "entry", "name": thing.name or thing.subject,
            "department": thing.department, "since": broken.since, "why": broken.why,
            "reason": "" if isinstance(thing, Api) else thing.reason, "rests": list(rests),
        })  # fmt: skip
    order = ("said", "failing", "late", "never")
    rows.sort(key=lambda row: (not row["rests"], order.index(str(row["why"])), -(row["since"] or 0.0), row["key"]))
    late = []
    for entry in board.entries_at(place):
        if entry.on_time(now) is False and entry.broken(now, board.rules.sharing.broken_cycles) is None:
            since = None if entry.updated is None or entry.cycle is None else entry.updated + entry.cycle
            late.append({
                "key": entry.key, "name": entry.name, "department": entry.department, "since": since,
                "updated": entry.updated, "cycle": entry.cycle,
                "rests": list(rests_on(board, entry.name, entry.subject)),
            })  # fmt: skip
    late.sort(key=lambda row: (row["since"] is None, row["since"] or 0.0, row["key"]))
    whys = {why: sum(row["why"] == why for row in rows) for why in order}
    heard: tuple[Entry | Api, ...] = (*board.entries.values(), *board.apis.values())
    known = {name for thing in heard for name in (thing.name, thing.subject)}
    return {
        "broken": rows[:ROWS], "number": len(rows), "whys": whys, "late": late[:ROWS], "late_number": len(late),
        "resting": sorted({name for row in rows for name in row["rests"]}),
        "unheard": sorted(set(board.rules.sharing.rests) - known),
    }  # fmt: skip


def view_broken(board: Sharing, place: str, now: float) -> Document:
    """Entries and APIs that cannot be relied on, those that something rests on first; and the entries that are late.

    ``why`` is ``said`` (by its keeper), ``failing`` (an API), ``late`` (by more cycles than the city allows) or
    ``never`` (updated). ``resting`` is each feed, noun and panel that rests on any of all the broken ones, once.
    ``unheard`` are the names that the city file has something rest on and nobody has told of.
    """
    return _kept(board, "entries apis", "broken", place, now, lambda moment: _broken(board, place, moment))


def view_resting(board: Sharing, place: str, now: float) -> Document:
    """The broken entries and APIs that something rests on, by the name that the city file calls them: since, why."""
    rests, rules = board.rules.sharing.rests, board.rules.sharing
    found: dict[str, dict[str, Any]] = {}
    if not rests:
        return {"broken": found}
    for things in (board.entries, board.apis):
        for thing in things.values():
            for called in (thing.name, thing.subject):
                if called not in rests:
                    continue
                broken = (
                    thing.broken(now, rules.failing_share, rules.failing_calls)
                    if isinstance(thing, Api)
                    else None if thing.state == "withdrawn" else thing.broken(now, rules.broken_cycles)
                )  # fmt: skip
                if broken is not None and called not in found:
                    found[called] = {"since": broken.since, "why": broken.why}
    return {"broken": dict(sorted(found.items()))}


# -- the summary -----------------------------------------------------------------------------------------------


def view_sharing(board: Sharing, place: str, now: float) -> Document:
    """What a wall says of data sharing in one card: on-time updates, calls with their failures, requests granted.

    ``on_time`` is [updated within their cycle, that have one], ``linked`` [with their data behind them, all].
    """
    catalogue, calls = catalogue_of(board, place, now), view_calls(board, place, now)
    requests = view_requests(board, place, now)
    ranked = [row for row in _ranked(catalogue["departments"]) if row["bound"] and row["department"]]
    worst = ranked[0] if ranked else None
    return {
        "entries": catalogue["entries"], "linked": [catalogue["linked"], catalogue["entries"]],
        "on_time": [catalogue["on_time"], catalogue["due"]], "broken": catalogue["broken"],
        "worst": None if worst is None else [worst["department"], worst["on_time"], worst["due"]],
        **{name: calls[name] for name in ("today", "yesterday", "same", "hours", "failing")},
        "requests": {name: requests[name] for name in ("asked", *ANSWERS)},
    }  # fmt: skip


NOUN = Noun(
    name="sharing",
    events=(CatalogueEntry, DataRequest, ApiCalls),
    slice=Sharing,
    alerts=alerts,
    views={
        "sharing": view_sharing, "sharing_departments": view_departments, "sharing_requests": view_requests,
        "sharing_calls": view_calls, "sharing_broken": view_broken, "resting": view_resting,
    },
)  # fmt: skip
