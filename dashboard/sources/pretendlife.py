"""Whole lives for the tickets of a simulated district: every step from the report to the citizen's rating.

Nothing here is measured either. A ticket keeps the pace ``pretence`` gave it: the time it used up of its limit runs
from its (last) dispatch to the end of handling. Around that stand intake, inspection and call-back, and in believable
shares what goes less smoothly: returns, extensions, suspensions, reworks, whistles, supervision, mergers, voids and
reopenings. The same seed and day always give the same lives.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from hashlib import blake2b
from typing import Any, NamedTuple

import numpy as np

from dashboard.sources.pretence import DAY, HOUR, Pretended, World, tickets_of

MINUTE = HOUR // 60
DRAWS = 48  # Random numbers of one life.
REJECTED, VOIDED, MERGED = 0.018, 0.006, 0.014
RETURNED, EXTENDED, SUSPENDED, REWORKED = 0.05, 0.045, 0.012, 0.045
WHISTLED, SUPERVISED, LATE_SUPERVISED = 0.006, 0.004, 0.12
CALLED, RATED, REOPENED, REPEATED = 0.36, 0.14, 0.12, 0.03
EXEMPTED = 0.05  # Of those handled late.
BY_PHONE = {"12345热线", "微信小程序"}  # The channels that know a caller.

WHY_REJECTED = ("信息不全，无法核实", "不属于受理范围", "现场已无此问题")
WHY_VOIDED = ("误报", "测试工单", "重复录入")
WHY_RETURNED = ("不属本单位职责", "地点不在辖区内", "需先由权属单位处理")
WHY_SUSPENDED = ("等待专项资金", "配合主体工程施工", "权属争议待裁定")
WHY_EXTENDED = ("需采购配件", "施工需协调交通", "当事人约期未到")
WHY_REWORKED = ("现场未清理干净", "照片与地点不符", "问题再次出现")
WHY_SUPERVISED = ("反复投诉", "群众关注", "临期未处置")
WHY_EXEMPTED = ("台风停工", "管线权属单位迁改", "需上级审批")
LEADERS = ("区领导", "值班主任", "分管副区长")


class Step(NamedTuple):
    """One thing that happens to a ticket: when (milliseconds since 1970 UTC), what, and the fields of its event.

    Moments among the fields are milliseconds too, those of ``due`` and ``until``.
    """

    moment: int
    kind: str
    about: dict[str, Any]


class Told(NamedTuple):
    """One event of a ticket, in the order in which they are told: by moment, then by id."""

    moment: int
    id: str
    ticket: Pretended
    kind: str
    about: dict[str, Any]


def told(world: World, first: date, after: tuple[int, str], whole_from: date | None = None) -> Iterator[list[Told]]:
    """The events of all tickets reported since ``first``, day by day and in order, without end, behind ``after``.

    Tickets of ``whole_from`` and later have whole lives; those before, a report and a closing. A day's list ends at
    midnight; what a ticket does on later days comes with these.
    """
    since = datetime.fromtimestamp(after[0] / 1000, UTC).astimezone(world.zone).date() - 2 * world.longest
    day = max(first, since)
    waiting: list[Told] = []
    while True:
        end = round(datetime.combine(day + timedelta(days=1), time(), world.zone).timestamp() * 1000)
        waiting += [
            event
            for event in (plain(day, world) if whole_from is None or day < whole_from else whole(day, world))
            if event[:2] > after
        ]
        waiting.sort(key=_when)
        cut = next((at for at, event in enumerate(waiting) if event.moment >= end), len(waiting))
        yield waiting[:cut]
        del waiting[:cut]
        day += timedelta(days=1)


def _when(event: Told) -> tuple[int, str]:
    return event[:2]


def plain(day: date, world: World) -> Iterator[Told]:
    """Report and closing of each ticket of a day, as a source tells them that knows no more."""
    for ticket in tickets_of(day, world):
        yield Told(ticket.reported, f"{ticket.number}.reported", ticket, "reported", _reported(ticket, ticket.unit))
        verdict = {"verdict": "on_time" if ticket.on_time else "overdue"}
        yield Told(ticket.closed, f"{ticket.number}.closed", ticket, "closed", verdict)


def whole(day: date, world: World) -> Iterator[Told]:
    """Every step of each ticket of a day."""
    tickets = tickets_of(day, world)
    draws = np.random.default_rng([world.seed, 2, day.toordinal()]).random((len(tickets), DRAWS)).tolist()
    units = sorted({ticket.unit for ticket in tickets})
    known: dict[tuple[str, str], Pretended] = {}
    callers: dict[str, str] = {}
    for ticket, draw in zip(tickets, draws, strict=True):
        caller = ""
        if ticket.channel in BY_PHONE:
            caller = callers.get(ticket.category, "") if draw[0] < REPEATED else ""
            caller = caller or blake2b(f"{world.seed}:{ticket.number}".encode(), digest_size=8).hexdigest()
            callers[ticket.category] = caller
        twin = known.get((ticket.category, ticket.place))
        known[ticket.category, ticket.place] = ticket
        for at, step in enumerate(life(ticket, draw, units, caller, twin, world)):
            yield Told(step.moment, f"{ticket.number}.{at:02d}.{step.kind}", ticket, step.kind, step.about)


def life(
    ticket: Pretended, draw: list[float], units: list[str], caller: str, twin: Pretended | None, world: World
) -> list[Step]:
    """The steps of one ticket in their order.

    ``draw`` are its random numbers, ``twin`` is an earlier ticket of its category and place that it may be merged into.
    """
    d = iter(draw)
    next(d)  # Whether the caller is known from before.
    reported, limit, used = ticket.reported, ticket.limit, ticket.closed - ticket.reported
    steps = [Step(reported, "reported", _reported(ticket, "", caller))]
    moment = reported + _span(d, 1, 9)
    if next(d) < 0.35:
        steps.append(Step(moment, "verifying", {"by": "网格员"}))
        moment += _span(d, 4, 30)
        if next(d) < REJECTED / 0.35:
            steps.append(Step(moment, "rejected", {"by": "受理中心", "why": _one(d, WHY_REJECTED)}))
            return steps
    steps.append(Step(moment, "accepted", {"by": "受理中心"}))
    if twin is not None and next(d) < MERGED * 12:
        steps.append(Step(moment + _span(d, 1, 6), "merged", {"by": "受理中心", "into": twin.number}))
        return steps
    moment += _span(d, 1, 7)
    steps.append(Step(moment, "filed", {"by": "受理中心"}))
    if next(d) < VOIDED:
        steps.append(Step(moment + _span(d, 20, 200), "voided", {"by": "受理中心", "why": _one(d, WHY_VOIDED)}))
        return steps
    # A few wait long for somebody to send them on.
    moment += _span(d, 1, 11) if next(d) < 0.97 else _span(d, 20, 240)
    unit = ticket.unit
    if next(d) < RETURNED:
        wrong = units[int(next(d) * len(units))]
        if wrong != unit:
            steps.append(_dispatched(moment, wrong, ticket, limit))
            moment += min(_span(d, 15, 260), limit // 3)
            steps.append(Step(moment, "returned", {"by": wrong, "why": _one(d, WHY_RETURNED)}))
            moment += _span(d, 4, 70)
    dispatched = moment
    steps.append(_dispatched(dispatched, unit, ticket, limit))
    # Handling: signed and contacted early, then whatever delays it.
    handled = max(used, 3 * MINUTE)
    signed = dispatched + min(_span(d, 3, 90) if next(d) < 0.96 else _span(d, 300, 1800), int(0.5 * handled))
    steps.append(Step(signed, "signed", {"by": unit}))
    if next(d) < 0.965:
        steps.append(Step(signed + min(_span(d, 2, 50), int(0.2 * handled)), "contacted", {"by": unit}))
    paused = 0
    if limit >= 24 * HOUR and next(d) < EXTENDED:
        at = dispatched + int(min(0.75 * limit, 0.8 * handled))
        granted = next(d) < 0.85
        steps.append(Step(at, "extended", {"by": "指挥中心", "granted": granted, "why": _one(d, WHY_EXTENDED)}))
        handled = int(limit + 0.8 * handled) if granted else handled
    elif limit >= 72 * HOUR and next(d) < SUSPENDED * 4:
        at = dispatched + int(0.45 * handled)
        paused = int((1 + 6 * next(d)) * DAY)
        about = {"by": "指挥中心", "until": at + paused, "why": _one(d, WHY_SUSPENDED)}
        steps.append(Step(at, "suspended", about))
    done = dispatched + handled + paused
    late = handled > limit
    if next(d) < WHISTLED * (6 if limit >= 24 * HOUR else 0):
        steps += _whistle(dispatched, done, unit, units, d, world)
    if next(d) < (LATE_SUPERVISED if late else SUPERVISED):
        level = 1 + (next(d) < 0.3) + (next(d) < 0.12)
        at = dispatched + int((0.55 + 0.4 * next(d)) * min(handled, limit))
        about = {"by": _one(d, LEADERS), "level": level, "due": at + int((6 + 60 * next(d)) * HOUR)}
        steps.append(Step(at, "supervised", {**about, "why": _one(d, WHY_SUPERVISED)}))
    steps.append(Step(done, "done", {"by": unit}))
    moment = _awake(done + _span(d, 12, 200), d, world)
    if next(d) < REWORKED:
        steps.append(Step(moment, "inspected", {"by": "核查员", "passed": False}))
        moment += _span(d, 2, 12)
        steps.append(Step(moment, "reworked", {"by": "核查员", "why": _one(d, WHY_REWORKED)}))
        moment = _awake(moment + int((0.05 + 0.2 * next(d)) * min(limit, 2 * DAY)), d, world)
        steps.append(Step(moment, "done", {"by": unit}))
        moment = _awake(moment + _span(d, 12, 160), d, world)
    steps.append(Step(moment, "inspected", {"by": "核查员", "passed": True}))
    moment += _span(d, 1, 30)
    steps.append(Step(moment, "closed", {"by": "指挥中心"}))
    if next(d) < CALLED:
        steps += _call_back(_awake(moment + _span(d, 60, 1500), d, world), unit, limit, d, world)
    if ticket.channel in BY_PHONE and next(d) < RATED / 0.5:
        stars = 5 - int((next(d) > 0.72) + (next(d) > 0.86) + (next(d) > 0.9) + (next(d) > 0.94))
        steps.append(Step(steps[-1].moment + _span(d, 5, 900), "rated", {"stars": stars}))
    if late and draw[-1] < EXEMPTED:  # In the end, so that the steps before keep their ids.
        about = {"by": "指挥中心", "granted": True, "why": WHY_EXEMPTED[int(draw[-2] * len(WHY_EXEMPTED))]}
        steps.append(Step(max(step.moment for step in steps) + 2 * HOUR, "exempted", about))
    return sorted(steps, key=lambda step: step.moment)  # Stable: what happens at once stays in its order.


def _reported(ticket: Pretended, unit: str, caller: str = "") -> dict[str, Any]:
    return {
        "title": ticket.title, "category": ticket.category, "condition": ticket.condition, "unit": unit,
        "channel": ticket.channel, "place": ticket.place, "point": ticket.point, "due": ticket.due, "caller": caller,
    }  # fmt: skip


def _dispatched(moment: int, unit: str, ticket: Pretended, limit: int) -> Step:
    about: dict[str, Any] = {"by": "指挥中心", "unit": unit}
    if ticket.due is not None:
        about["due"] = moment + limit
    return Step(moment, "dispatched", about)


def _whistle(
    dispatched: int, done: int, unit: str, units: list[str], d: Iterator[float], world: World
) -> Iterator[Step]:
    """A street calls: the lead reports in, mostly within the day, and is scored in the end."""
    at = dispatched + int(0.2 * (done - dispatched))
    others = sorted({units[int(next(d) * len(units))], units[int(next(d) * len(units))]} - {unit})
    yield Step(at, "whistled", {"by": "镇街", "lead": unit, "supporting": tuple(others)})
    answer = at + int((2 + 20 * next(d)) * HOUR if next(d) < 0.9 else (25 + 20 * next(d)) * HOUR)
    if answer < done:
        yield Step(answer, "reported_in", {"by": unit, "unit": unit})
        yield Step(done - 1, "whistle_closed", {"by": "镇街", "score": 62 + int(38 * next(d))})


def _call_back(moment: int, unit: str, limit: int, d: Iterator[float], world: World) -> Iterator[Step]:
    """The citizen is asked; a few are not content, and of these some tickets are opened once more."""
    if next(d) < 0.08:
        yield Step(moment, "called_back", {"by": "回访员", "solved": None, "satisfied": None, "reopen": False})
        return
    solved = next(d) < 0.935
    satisfied = next(d) < (0.97 if solved else 0.15)
    reopen = not satisfied and not solved and next(d) < REOPENED * 4
    yield Step(moment, "called_back", {"by": "回访员", "solved": solved, "satisfied": satisfied, "reopen": reopen})
    if reopen:
        done = _awake(moment + int(0.3 * min(limit, 2 * DAY)) + HOUR, d, world)
        yield Step(done, "done", {"by": unit})
        checked = _awake(done + _span(d, 30, 200), d, world)
        yield Step(checked, "inspected", {"by": "核查员", "passed": True})
        yield Step(checked + 5 * MINUTE, "closed", {"by": "指挥中心"})


def _span(d: Iterator[float], least: int, most: int) -> int:
    """So many minutes in milliseconds, mostly nearer to the lower end."""
    return int((least + (most - least) * next(d) ** 2) * MINUTE)


def _one(d: Iterator[float], texts: tuple[str, ...]) -> str:
    return texts[int(next(d) * len(texts))]


def _awake(moment: int, d: Iterator[float], world: World) -> int:
    """Nobody inspects or calls at night: the moment, moved to the morning where it falls between nine and half past
    seven.
    """
    offset = world.offset(moment)
    clock = (moment + offset) % DAY
    if 7.5 * HOUR <= clock <= 21 * HOUR:
        return moment
    return moment + (8 * HOUR - clock) % DAY + int(next(d) * 2.5 * HOUR)
