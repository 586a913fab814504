"""Alerts of the market: certificates that have lapsed, and food that failed and that nobody has followed up in time.

Each is one alert however many there are, under the day of the latest: another day's lapse is another alert. Whether a
failed sample was followed up is only known of a source that tells of such things at all.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator

from dashboard.nouns.markettally import Market
from dashboard.nouns.noun import Alert
from dashboard.words import Words

MANY, FEW = 3, 4  # Severities.
NAMED = 4  # Names in a text.
LINK = "/market"


def alerts(board: Market, now: float) -> Iterator[Alert]:
    """What of the market somebody has to see to."""
    rules, root = board.rules.market, board.rules.places.root.code
    ends = board.ends.get(root, [])
    lapsed = bisect_left(ends, (now, ""))
    if lapsed:
        categories = {name for code, name in board.by_category if code == root}
        counts = {name: board.ending(root, 0, now, name) for name in categories}
        said = _some([f"{name} {n}" for name, n in sorted(counts.items(), key=lambda one: (-one[1], one[0])) if n])
        yield Alert(
            f"market|lapsed|{_day(board, ends[lapsed - 1][0])}", MANY if lapsed >= rules.lapsed_many else FEW,
            ends[0][0],
            Words(f"证照与检验过期 {lapsed} 件", f"Certificates lapsed: {lapsed}"), Words(said, said), link=LINK,
        )  # fmt: skip
    left = board.neglected(root, now)
    if left:
        names = _some([" ".join(filter(None, (sample.name or sample.number, sample.found))) for _, sample in left])
        days = f"{rules.food_days:g}"
        yield Alert(
            f"market|food|{_day(board, left[-1][0])}", MANY if len(left) >= rules.food_many else FEW, left[0][0],
            Words(f"不合格食品逾期未核查处置 {len(left)} 批", f"Failed food not followed up: {len(left)} samples"),
            Words(f"已过 {days} 天 · {names}", f"Beyond {days} days · {names}"), link=LINK,
        )  # fmt: skip


def _day(board: Market, moment: float) -> int:
    return board.calendar.day_and_month(moment)[0]


def _some(names: list[str]) -> str:
    return "、".join(names[:NAMED]) + ("…" if len(names) > NAMED else "")
