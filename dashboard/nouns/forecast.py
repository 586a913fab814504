"""The forecast of a month's on-time rate: what is decided counts as it is, the rest by how tickets have gone so far.

Method. A ticket that is still open has used up a share of its limit. Of its unit's decided tickets that had used up
at least as much, some were closed in time: that part is its chance (an empirical survival curve per unit, drawn
towards that of all units where a unit has few). Tickets not yet known that will still fall due in the month come in
at the pace of the month so far, with the chance of a fresh ticket. The range is the central 90 % under a normal
approximation: the chance in each ticket, the uncertainty of the chances themselves, and by how much more than chance
the days so far have differed. Nothing here can lead outside what is still possible.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt

BINS = 20  # Shares of the limit, a twentieth each; one further bin counts what was late.
PRIOR = 20.0  # So many tickets of all units stand beside each unit's own.
RISK = 0.8  # With a smaller chance than this a ticket is one of those to close today.
Z90 = 1.6448536269514722
STEPS = 12  # Points of the curve.


def bin_of(used: float) -> int:
    """The bin of a share of the limit that was used up: 0 … ``BINS`` − 1 in time, ``BINS`` when over it.

    >>> bin_of(0.0), bin_of(0.5), bin_of(1.0), bin_of(1.01)
    (0, 10, 19, 20)
    """
    if used > 1:
        return BINS
    return min(BINS - 1, max(0, int(used * BINS)))


def bin_at(start: float, moment: float, due: float) -> int:
    """The bin at a moment of the span from the start of a clock to its deadline, which may be no span at all.

    >>> bin_at(0.0, 5.0, 10.0), bin_at(10.0, 10.0, 10.0), bin_at(10.0, 11.0, 10.0)
    (10, 0, 20)
    """
    if due <= start:
        return BINS if moment > due else 0
    return bin_of((moment - start) / (due - start))


@dataclass(frozen=True)
class Forecast:
    """Shares from 0 to 1, None where nothing can be said. ``close`` is how many to close today, and what that gives;
    ``curve`` runs over (closed today, rate at the month's end). ``to_come`` is how many more are expected to fall due.
    """

    low: float | None
    mid: float | None
    high: float | None
    close: tuple[int, float] | None
    curve: tuple[tuple[int, float], ...]
    to_come: float


class Chances:
    """The chance of being closed in time, by unit and by the share of the limit that is used up.

    ``uses`` maps a unit to its decided tickets by bin (``bin_of``), the late ones last.
    """

    def __init__(self, uses: Mapping[str, Sequence[int]]) -> None:
        whole = [sum(found) for found in zip(*uses.values(), strict=True)] if uses else [0] * (BINS + 1)
        self.decided = sum(whole)
        self._all = _still(whole)
        self._units = {unit: _still(found) for unit, found in uses.items()}
        self._known: dict[tuple[str, int], tuple[float, float] | None] = {}

    def of(self, unit: str, bin_: int) -> tuple[float, float] | None:
        """The chance of an open ticket, and how many tickets that rests on; None if none ever came so far."""
        key = (unit, bin_)
        if key not in self._known:
            self._known[key] = self._work_out(unit, bin_)
        return self._known[key]

    def fresh(self) -> tuple[float, float] | None:
        """The chance of a ticket that is yet to come."""
        return self.of("", 0) if self.decided else None

    def _work_out(self, unit: str, bin_: int) -> tuple[float, float] | None:
        won, still = self._all[bin_]
        if not still:
            # Nobody's tickets were decided that late: the nearest earlier share that is known.
            return self._work_out(unit, bin_ - 1) if bin_ else None
        mean = won / still
        own = self._units.get(unit)
        own_won, own_still = own[bin_] if own else (0, 0)
        return (own_won + PRIOR * mean) / (own_still + PRIOR), own_still + min(PRIOR, still)


def _still(found: Sequence[int]) -> list[tuple[int, int]]:
    """For each bin: of the tickets decided in it or later, those in time and all. Its own count half, as a ticket
    somewhere in the bin has on average outlived half of those that ended in it; in whole tickets, rounded up.
    """
    result = []
    late = found[BINS]
    after = 0
    for at in range(BINS - 1, -1, -1):
        half = (found[at] + 1) // 2
        result.append((after + half, after + half + late))
        after += found[at]
    return result[::-1]


def forecast(
    due: int,
    on_time: int,
    undecided: Mapping[tuple[str, int], int],
    uses: Mapping[str, Sequence[int]],
    to_come: float = 0.0,
    handled: int = 0,
    dispersion: float = 1.0,
) -> Forecast:
    """The rate at the month's end.

    ``due`` counts all that is due to close in the month as far as it is known, ``on_time`` what of it was closed in
    time, ``undecided`` the open ones whose deadline still lies ahead, by unit and bin of the limit used up, ``handled``
    those that were handled in time and only wait for inspection: they are likely to stay so, and count as in time
    but in the lower bound of what is possible. What is none of these is late for sure.

    ``dispersion`` widens the range where days differ by more than chance (see the function of that name).

    Raises:
        ValueError: if more is decided or open than is due: that would be a fault of ours.
    """
    waiting = sum(undecided.values())
    if on_time + waiting + handled > due:
        raise ValueError(f"{on_time} on time and {waiting + handled} undecided are more than {due} due")
    chances = Chances(uses)
    fresh = chances.fresh()
    to_come = max(0.0, to_come) if fresh else 0.0
    whole = due + to_come
    if not whole:
        return Forecast(None, None, None, None, (), to_come)
    least, most = on_time / whole, (on_time + handled + waiting + to_come) / whole
    found: Counter[float] = Counter()
    expected, variance = float(on_time + handled), 0.0
    for (unit, bin_), n in undecided.items():
        known = chances.of(unit, bin_)
        if known is None:
            return Forecast(least, None, most, None, (), to_come)
        chance, rests_on = known
        found[chance] += n
        expected += n * chance
        variance += n * chance * (1 - chance) * (1 + n / rests_on)
    if fresh and to_come:
        chance, rests_on = fresh
        expected += to_come * chance
        variance += to_come * chance * (1 - chance) * (1 + to_come / max(rests_on, chances.decided))
    mid, spread = expected / whole, Z90 * sqrt(variance * max(1.0, dispersion)) / whole
    ordered = sorted(found.items())
    at_risk = sum(n for chance, n in ordered if chance < RISK)
    n = at_risk
    to = (expected + _gain(ordered, n)) / whole
    steps = sorted({round(n * at / STEPS) for at in range(STEPS + 1)}) if n else []
    curve = tuple((step, (expected + _gain(ordered, step)) / whole) for step in steps)
    return Forecast(max(least, mid - spread), mid, min(most, mid + spread), (n, to), curve, to_come)


def dispersion(days: Sequence[tuple[int, int]]) -> float:
    """By how much days (on time, due) differ more than chance would have it: Pearson's chi-square over its degrees
    of freedom, and 1 where there are too few days, or where they differ less.

    >>> dispersion([(90, 100), (90, 100)]), round(dispersion([(80, 100), (100, 100)]), 1)
    (1.0, 22.2)
    """
    days = [(part, whole) for part, whole in days if whole > 0]
    part, whole = sum(part for part, _ in days), sum(whole for _, whole in days)
    if len(days) < 2 or part in (0, whole):
        return 1.0
    share = part / whole
    chi = sum((one - n * share) ** 2 / (n * share * (1 - share)) for one, n in days)
    return max(1.0, chi / (len(days) - 1))


def _gain(ordered: Sequence[tuple[float, int]], n: int) -> float:
    """What closing the ``n`` tickets with the smallest chances adds to those on time."""
    gained = 0.0
    for chance, there in ordered:
        taken = min(n, there)
        gained += taken * (1 - chance)
        n -= taken
        if not n:
            break
    return gained
