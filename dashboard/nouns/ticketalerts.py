"""Alerts of tickets: supervised ones, emergencies, those that are long overdue, and steps that nobody is there to say.

A ticket is one alert however many reasons it has, and its severity is that of the worst of them. Steps of the
escalation are told together by unit, where no channel carries them: somebody has to pick up the telephone.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator
from math import isfinite
from urllib.parse import urlencode

from dashboard.nouns.escalation import Due, alarm_of
from dashboard.nouns.noun import Alert
from dashboard.nouns.tally import Tickets
from dashboard.nouns.tickets import NONE, NORMAL, OVERDUE, WORST, turns
from dashboard.nouns.ticketstate import Ticket
from dashboard.words import Words

SUPERVISED = {1: 3, 2: 2, 3: 1}  # Level of supervision → severity.
LATE_EMERGENCY, EMERGENCY, HANDLED_EMERGENCY, LONG_OVERDUE, STEPS = 1, 2, 3, 3, 4
NEWS = 24 * 3600.0  # Seconds; a step that fell due before then is no news any more.
HOUR = 3600


def alerts(board: Tickets, now: float) -> Iterator[Alert]:
    """What of the tickets somebody has to see to."""
    city = board.city
    emergencies = dict.fromkeys(key for _, key in city.rows.get("emergency", []))
    late = [key for _, key in city.dues[: bisect_left(city.dues, (now, ""))] if board.light(key) == WORST]
    for key in dict.fromkeys((*sorted(city.rolls.get("supervised", ())), *emergencies, *late)):
        yield _of_ticket(board, board.tickets[key], emergency=key in emergencies)
    yield from _of_steps(board, now)


def _of_ticket(board: Tickets, ticket: Ticket, *, emergency: bool) -> Alert:
    reasons: list[tuple[int, float, Words]] = []
    light = board.light(ticket.key)
    if ticket.level:
        level = min(3, ticket.level)
        words = Words(f"{'一二三'[level - 1]}级督办", f"Supervised, level {level}")
        reasons.append((SUPERVISED[level], ticket.supervised or ticket.since, words))
    if emergency:
        if light in (OVERDUE, WORST):
            reasons.append((LATE_EMERGENCY, _turned(board, ticket, light), Words("紧急事件超期", "Emergency overdue")))
        elif ticket.state == "in_progress" and light in (NONE, NORMAL):
            # A unit has signed for it and has time: somebody sees to it, and those nobody sees to yet stand before it.
            since = ticket.signed or ticket.since
            reasons.append((HANDLED_EMERGENCY, since, Words("紧急事件处置中", "Emergency in hand")))
        else:
            reasons.append((EMERGENCY, ticket.reported or ticket.since, Words("紧急事件", "Emergency")))
    elif light == WORST:
        reasons.append((LONG_OVERDUE, _turned(board, ticket, light), Words("严重超期", "Long overdue")))
    severity = min(reason[0] for reason in reasons)
    said = [ticket.number, ticket.category, ticket.unit]
    what = ticket.title or ticket.category or ticket.number
    return Alert(
        f"ticket|{ticket.key}|{ticket.clock[0] if ticket.clock else ticket.reported or 0.0:.0f}",
        severity,
        min(since for rank, since, _ in reasons if rank == severity),
        Words(*(f"{sign.join(r[2][lang] for r in reasons)} · {what}" for lang, sign in (("zh", "、"), ("en", ", ")))),
        Words(*(" · ".join(filter(None, said)) for _ in range(2))),
        ticket.place, ticket.unit, f"/ticket?{urlencode({'key': ticket.key})}",
    )  # fmt: skip


def _turned(board: Tickets, ticket: Ticket, light: int) -> float:
    """Since when a ticket has its light."""
    found = turns(ticket, board.rules)
    moment = None if found is None else found.worst if light == WORST else found.overdue
    return ticket.since if moment is None or not isfinite(moment) else moment


def _of_steps(board: Tickets, now: float) -> Iterator[Alert]:
    """The steps of late tickets that no channel carries, by step and unit; another alert for an hour with new ones."""
    plan, mine = board.rules.escalation, defaultdict[tuple[str, str], list[Due]](list)
    for due in alarm_of(board, now).due():
        if now - NEWS < due.moment <= now and due.moment >= due.deadline:
            mine[due.step, due.unit].append(due)
    for (step, unit), found in sorted(mine.items()):
        if plan.channels_for(unit, found[0].to):
            continue
        newest = max(due.moment for due in found)
        hour = int(newest // HOUR)
        title = next((one.title for one in plan.steps if one.name == step and one.title), None)
        name = Words(title.zh, title.en) if title else _STEPS.get(step, Words(step, step))
        some = "、".join(due.title or due.category for due in sorted(found, key=lambda due: -due.moment)[:3])
        who = Words(unit or "未派单位", unit or "no unit yet")
        yield Alert(
            f"steps|{step}|{unit}|{hour}", STEPS, min(due.moment for due in found if due.moment // HOUR == hour),
            Words(f"{name.zh} · {who.zh} {len(found)} 件待告知", f"{name.en} · {who.en}: {len(found)} to be told"),
            Words(f"无通知渠道，请电话告知:{some}", f"No channel carries it, call them: {some}"),
            unit=unit, link=f"/tickets?{urlencode({'open': 1, 'unit': unit})}",
        )  # fmt: skip


_STEPS = {
    "overdue": Words("超期", "Overdue"),
    "leader": Words("升级催办", "Escalation"),
    "accept": Words("超时未受理", "Not accepted in time"),
    "dispatch": Words("超时未派遣", "Not dispatched in time"),
    "sign": Words("超时未签收", "Not signed in time"),
}
