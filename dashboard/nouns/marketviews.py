"""The market's views: entities and their change, inspections against their plan, what is due, food; and the noun."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from dashboard.nouns.market import (
    CertificateTold,
    EntityCancelled,
    EntityListed,
    EntityRegistered,
    EntityUnlisted,
    FoodFollowedUp,
    FoodSampled,
    InspectionTold,
    Plan,
    StockTold,
)
from dashboard.nouns.marketalerts import alerts
from dashboard.nouns.markettally import Market
from dashboard.nouns.noun import Document, Noun
from dashboard.nouns.rates import wilson

ROWS = 60  # Of a list; all are counted.
DAY = 86400.0
SERIES = 30  # Days of a series.
YEAR = 13  # Months of a series, so that the first and the last are the same month.


def _month_name(month: int) -> str:
    return f"{month // 12:04d}-{month % 12 + 1:02d}"


def _total(found: Mapping[str, int]) -> int | None:
    """All kinds together; None where nobody has told of any."""
    return sum(found.values()) if found else None


def _flow(board: Market, place: str, now: float) -> dict[str, Any]:
    """Registered and cancelled today, this month and last month; ``net`` is what remains of a month."""
    day, month = board.calendar.day_and_month(now)
    ledger = board.ledger

    def counted(period: int) -> list[int]:
        return [ledger.total(place, what, period) for what in ("registered", "cancelled")]

    return {"today": counted(day), "yesterday": counted(day - 1), "month": counted(month), "before": counted(month - 1)}


def _growth(board: Market, place: str, now: float) -> dict[str, Any]:
    """The stock at the end of the last thirteen whole months, and the last against the same month a year before."""
    _, month = board.calendar.day_and_month(now)
    months = [[_month_name(at), board.monthly(place, "entity", at)] for at in range(month - YEAR, month)]
    first, last = months[0][1], months[-1][1]
    return {"months": months, "year": [last, first] if last is not None and first else None}


def _inspections(board: Market, place: str, now: float) -> dict[str, Any]:
    """The plans under way together; ``behind`` counts those that are behind their time, ``expected`` is where all
    should be.
    """
    today, _ = board.calendar.day_and_month(now)
    plans: list[Plan] = [plan for plan in board.chosen("plan", place, board.plans) if not plan.odd]
    running = [plan for plan in plans if plan.begins <= today <= plan.ends]
    made = [plan.made(today) for plan in running]
    return {
        "plans": len(running), "planned": sum(plan.planned for plan in running),
        "done": sum(plan.done for plan in running), "found": sum(plan.found for plan in running),
        "put_right": sum(plan.put_right for plan in running),
        "expected": sum(plan.expected(today) for plan in running),
        "behind": sum(plan.done < plan.expected(today - 1) for plan in running),
        "today": sum(n for n in made if n is not None) if any(n is not None for n in made) else None,
    }  # fmt: skip


def _due(board: Market, place: str, now: float) -> dict[str, Any]:
    """Certificates beyond their end, within some days of it, and within the time of warning."""
    rules = board.rules.market
    return {
        "overdue": board.ending(place, 0, now), "soon": board.ending(place, now, now + DAY * rules.soon_days),
        "near": board.ending(place, now, now + DAY * rules.due_days), "days": [rules.soon_days, rules.due_days],
    }  # fmt: skip


def _food(board: Market, place: str, month: int, months: int) -> list[int]:
    """Passed and judged food samples of some months up to one."""
    periods = range(month - months + 1, month + 1)
    return [sum(board.ledger.total(place, kind, period) for period in periods) for kind in ("passed", "sampled")]


def view_market(board: Market, place: str, now: float) -> Document:
    """The market as a whole: entities, what was registered and cancelled, inspections, certificates, food, lists.

    ``food`` is [passed, judged] of this year so far. ``listed`` maps each list to how many are on it now.
    """
    _, month = board.calendar.day_and_month(now)
    kinds = board.stock(place, "entity", now)
    lists = board.stock(place, "listed", now)
    return {
        "active": _total(kinds), "kinds": sorted(kinds.items(), key=lambda kind: (-kind[1], kind[0])),
        **_flow(board, place, now), **_growth(board, place, now),
        "days": _days(board, place, now)[-14:],
        "inspections": _inspections(board, place, now), "due": _due(board, place, now),
        "food": _food(board, place, month, month % 12 + 1), "food_goal": board.rules.market.food_goal,
        "listed": dict(sorted(lists.items())),
        "moved": [board.ledger.total(place, what, month) for what in ("listed", "unlisted")],
        "odd": dict(sorted(board.ledger.named(place, "odd").items())),
    }  # fmt: skip


def _days(board: Market, place: str, now: float) -> list[list[Any]]:
    """Registered and cancelled on each of the last thirty days, the present one included."""
    today, _ = board.calendar.day_and_month(now)
    total = board.ledger.total
    return [
        [date.fromordinal(day).isoformat(), total(place, "registered", day), total(place, "cancelled", day)]
        for day in range(today - SERIES + 1, today + 1)
    ]


def view_entities(board: Market, place: str, now: float) -> Document:
    """Entities by legal form with the month's change, sectors of the new ones, and the days and months as series."""
    day, month = board.calendar.day_and_month(now)
    ledger, kinds = board.ledger, board.stock(place, "entity", now)
    came, went, fresh = (
        ledger.named(place, what, period)
        for what, period in (("registered", month), ("cancelled", month), ("registered", day))
    )
    rows: list[dict[str, Any]] = [
        {"name": kind, "active": kinds.get(kind), "registered": came.get(kind, 0), "cancelled": went.get(kind, 0),
         "today": fresh.get(kind, 0)}
        for kind in kinds.keys() | came.keys() | went.keys()
    ]  # fmt: skip
    rows.sort(key=lambda row: (-(row["active"] or 0), str(row["name"])))
    sectors: list[list[Any]] = [
        [name, n, ledger.named(place, "registered more", month - 1).get(name, 0)]
        for name, n in ledger.named(place, "registered more", month).items()
    ]
    sectors.sort(key=lambda row: (-row[1], row[0]))
    reasons: list[list[Any]] = [list(row) for row in ledger.named(place, "cancelled more", month).items()]
    reasons.sort(key=lambda row: (-row[1], row[0]))
    return {
        "kinds": rows[:ROWS], "active": _total(kinds), **_flow(board, place, now), **_growth(board, place, now),
        "days": _days(board, place, now),
        "sectors": sectors[:ROWS], "reasons": reasons[:ROWS],
    }  # fmt: skip


def view_inspections(board: Market, place: str, now: float) -> Document:
    """The plans of inspections under way by name, the furthest behind its time first; and how many each day.

    Plans of one name and end are one row, with the place of the one furthest behind as ``where``. ``gap`` is by how
    many it is behind where it should have been by the end of yesterday, negative where it is ahead.
    """
    today, _ = board.calendar.day_and_month(now)
    plans: list[Plan] = [plan for plan in board.chosen("plan", place, board.plans) if not plan.odd]
    rows: dict[tuple[str, int], dict[str, Any]] = {}
    worst: dict[tuple[str, int], float] = {}
    for plan in plans:
        if plan.begins > today or (plan.ends < today and plan.done >= plan.planned):
            continue
        name = plan.name or plan.number
        row = rows.setdefault((name, plan.ends), {
            "name": name, "plans": 0, "planned": 0, "done": 0, "found": 0, "put_right": 0, "joint": plan.joint,
            "ends": date.fromordinal(plan.ends).isoformat(), "left": plan.ends - today, "gap": 0.0, "expected": 0.0,
            "where": "",
        })  # fmt: skip
        gap = plan.expected(today - 1) - plan.done
        row["plans"] += 1
        for key, n in (("planned", plan.planned), ("done", plan.done), ("found", plan.found)):
            row[key] += n
        row["put_right"] += plan.put_right
        row["gap"] += gap
        row["expected"] += plan.expected(today)
        share = gap / max(1, plan.planned)
        if share > worst.get((name, plan.ends), float("-inf")):
            worst[name, plan.ends], row["where"] = share, plan.place
    found = sorted(rows.values(), key=lambda row: (-row["gap"] / max(1, row["planned"]), row["name"], row["ends"]))
    days: list[list[Any]] = []
    for day in range(today - SERIES + 1, today + 1):
        made = [done for plan in plans if (done := plan.made(day)) is not None]
        days.append([date.fromordinal(day).isoformat(), sum(made) if made else None])
    return {"plans": found[:ROWS], "total": len(found), "all": _inspections(board, place, now), "days": days}


def view_due(board: Market, place: str, now: float) -> Document:
    """Certificates by category with how many there are of it, by week of their end, and those that end first.

    ``weeks`` are [beyond its end, this week, …]: a week begins now. ``of`` is None where nobody has told how many
    there are.
    """
    rules = board.rules.market
    stocks = {**board.stock(place, "equipment", now), **board.stock(place, "licence", now)}
    names = {category for code, category in board.by_category if code == place}
    rows: list[dict[str, Any]] = []
    for name in sorted(names):
        near = board.ending(place, now, now + DAY * rules.due_days, name)
        row: dict[str, Any] = {
            "name": name, "overdue": board.ending(place, 0, now, name), "near": near, "of": stocks.get(name),
            "soon": board.ending(place, now, now + DAY * rules.soon_days, name),
        }  # fmt: skip
        if near or row["overdue"]:
            rows.append(row)
    rows.sort(key=lambda row: (-(row["overdue"] or 0), -(row["near"] or 0), row["name"]))
    weeks = [board.ending(place, now + 7 * DAY * week, now + 7 * DAY * (week + 1)) for week in range(5)]
    listed = []
    for expires, key in board.ends.get(place, [])[:ROWS]:
        found = board.certificates[key]
        if expires > now + DAY * rules.due_days:
            break
        listed.append({
            "key": key, "number": found.number, "name": found.name or found.number, "category": found.category,
            "place": found.place, "expires": expires, "days": (expires - now) / DAY,
        })  # fmt: skip
    return {
        "categories": rows,
        "weeks": [board.ending(place, 0, now), *weeks],
        "rows": listed,
        **_due(board, place, now),
    }


def view_food(board: Market, place: str, now: float) -> Document:
    """Food samples of this year by category, worst first by what is certain of them, month by month, and who failed.

    ``followed`` of a failure says whether it was followed up, None where its source does not tell of that;
    ``neglected`` counts those that should have been by now and are not.
    """
    _, month = board.calendar.day_and_month(now)
    year = range(month - month % 12, month + 1)
    judged: dict[str, list[int]] = {}
    for period in year:
        for at, kind in enumerate(("passed", "sampled")):
            for name, n in board.ledger.named(place, kind, period).items():
                judged.setdefault(name, [0, 0])[at] += n
    rows: list[dict[str, Any]] = [
        {"name": name, "rate": pair, "bound": max(0.0, wilson(pair[1] - pair[0], pair[1]) or 0.0)}
        for name, pair in judged.items()
    ]
    rows.sort(key=lambda row: (-row["bound"], row["name"]))
    keys = board.standing["failed"].at(place)
    failed = [(key, board.samples[key]) for key in sorted(keys, key=lambda key: (-board.samples[key].at, key))]
    months = [[_month_name(at), *_food(board, place, at, 1)] for at in range(month - YEAR + 1, month + 1)]
    return {
        "rate": _food(board, place, month, month % 12 + 1), "goal": board.rules.market.food_goal,
        "month": _food(board, place, month, 1), "categories": rows[:ROWS], "months": months, "failures": len(failed),
        "neglected": len(board.neglected(place, now)),
        "failed": [
            {"number": sample.number, "name": sample.name or sample.number, "category": sample.category,
             "found": sample.found, "place": sample.place, "at": sample.at, "followed": board.followed(key)}
            for key, sample in failed[:ROWS]
        ],
    }  # fmt: skip


def view_oddities(board: Market, place: str, now: float) -> Document:
    """What does not fit, of the whole city: by source and reason, with how often and some of the records."""
    return board.oddities.document()


NOUN = Noun(
    name="market",
    events=(
        StockTold, EntityRegistered, EntityCancelled, EntityListed, EntityUnlisted, InspectionTold, CertificateTold,
        FoodSampled, FoodFollowedUp,
    ),
    slice=Market,
    alerts=alerts,
    views={
        "market": view_market, "market_entities": view_entities, "market_inspections": view_inspections,
        "market_due": view_due, "market_food": view_food, "market_oddities": view_oddities,
    },
)  # fmt: skip
