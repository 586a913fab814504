"""Alerts of the service: halls with far too long a wait, bad ratings not put right in time, cases beyond their limit.

What is many is told once, under the day of its latest case: with another day's it is another alert, and one that gets
fewer stays the same. A hall is told of once a day; a queue that was not heard of lately is not known to be long.
"""

from __future__ import annotations

from collections.abc import Iterator

from dashboard.nouns.noun import Alert
from dashboard.nouns.service import Queue
from dashboard.nouns.servicetally import Service
from dashboard.words import Words

GRAVE, PLAIN = 3, 4  # Severities.
TOGETHER = 4  # So many halls with a long wait are one alert.
NAMED = 4  # Names in a text.
LINK = "/service"


def alerts(board: Service, now: float) -> Iterator[Alert]:
    """What of the service somebody has to see to."""
    yield from _waits(board, now)
    rules = board.rules.service
    lapsed = [board.ratings[key] for key in sorted(board.bad_late)]
    if lapsed:
        names = _most([rating.hall or rating.channel or rating.item for rating in lapsed])
        days = f"{rules.redress_days:g}"
        yield _mass(
            board, "redress", [rating.due for rating in lapsed], GRAVE if len(lapsed) >= rules.redress_many else PLAIN,
            Words(f"差评整改逾期 {len(lapsed)} 件", f"Bad ratings not put right in time: {len(lapsed)}"),
            Words(f"已过 {days} 个工作日 · {names}", f"Beyond {days} working days · {names}"),
        )  # fmt: skip
    cases = board.cases
    over = [(cases[key].legal or now, cases[key].item) for key in sorted(board.over)]
    if over:
        names = _most([item for _, item in over])
        yield _mass(
            board, "over", [moment for moment, _ in over], GRAVE,
            Words(f"超法定时限未办结 {len(over)} 件", f"Open beyond the limit of the law: {len(over)} cases"),
            Words(names, names),
        )  # fmt: skip
    late = [(cases[key].due or now, cases[key].item) for key in sorted(board.late - board.over)]
    in_hand = board.ledger.total(board.rules.places.root.code, "open")
    if len(late) >= rules.late_many and len(late) >= rules.late_share * in_hand:
        names = _most([item for _, item in late])
        yield _mass(
            board, "late", [moment for moment, _ in late], PLAIN,
            Words(f"超承诺时限未办结 {len(late)} 件", f"Open beyond what was promised: {len(late)} cases"),
            Words(f"在办 {in_hand} 件 · {names}", f"Of {in_hand} in hand · {names}"),
        )  # fmt: skip


def _mass(board: Service, kind: str, moments: list[float], severity: int, title: Words, text: Words) -> Alert:
    """Many as one: it stands since the first moment, under the day of the last."""
    day = board.calendar.day_and_month(max(moments))[0]
    return Alert(f"service|{kind}|{day}", severity, min(moments), title, text, link=LINK)


def _waits(board: Service, now: float) -> Iterator[Alert]:
    """Halls in which somebody waits for longer than the limit; where they are many, as one."""
    rules, today = board.rules.service, board.calendar.day_and_month(now)[0]
    found: list[tuple[float, Queue]] = []
    for _, queue in sorted(board.queues.items()):
        longest = queue.longest or 0.0
        if queue.waiting and longest > rules.wait_alarm and 0 <= now - queue.at <= 60 * rules.silent_minutes:
            found.append((longest, queue))
    if not found:
        return
    found.sort(key=lambda row: (-row[0], row[1].hall))

    def severity(longest: float) -> int:
        return GRAVE if longest > rules.wait_grave * rules.wait_alarm else PLAIN

    def since(longest: float, queue: Queue) -> float:
        return queue.at - 60 * (longest - rules.wait_alarm)

    limit = Words(f"上限 {rules.wait_alarm:g} 分钟", f"Limit {rules.wait_alarm:g} min")
    if len(found) >= TOGETHER:
        longest, worst = found[0]
        yield Alert(
            f"service|waits|{today}", severity(longest), min(since(*one) for one in found),
            Words(f"{len(found)} 个大厅等候过长，最长 {longest:.0f} 分钟 · {worst.hall}",
                  f"Waits too long in {len(found)} halls, {longest:.0f} min · {worst.hall}"),
            Words(f"{limit.zh} · {_some([queue.hall for _, queue in found])}",
                  f"{limit.en} · {_some([queue.hall for _, queue in found])}"), link=LINK,
        )  # fmt: skip
        return
    for longest, queue in found:
        windows = queue.windows
        more = Words("", "") if windows is None else Words(f" · 开窗 {windows}", f" · {windows} windows open")
        yield Alert(
            f"service|wait|{queue.source}|{queue.hall}|{today}", severity(longest), since(longest, queue),
            Words(f"等候 {longest:.0f} 分钟 · {queue.hall}", f"Wait of {longest:.0f} min · {queue.hall}"),
            Words(f"{limit.zh} · {queue.waiting} 人等候{more.zh}", f"{limit.en} · {queue.waiting} waiting{more.en}"),
            queue.place, link=LINK,
        )  # fmt: skip


def _most(names: list[str]) -> str:
    """The most frequent names with their numbers."""
    counts: dict[str, int] = {}
    for name in names:
        if name:
            counts[name] = counts.get(name, 0) + 1
    found = sorted(counts.items(), key=lambda one: (-one[1], one[0]))
    return _some([f"{name} {n}" for name, n in found])


def _some(names: list[str]) -> str:
    return "、".join(names[:NAMED]) + ("…" if len(names) > NAMED else "")
