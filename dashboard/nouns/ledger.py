"""Counts by place, kind, period and name, each of which is taken back as exactly as it was put in.

A count is put in at a place and at all above it, so every place has what its children have and what is known only
there. Counts are whole numbers: sums that are put in and taken back in any order come out the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from dashboard.places import PlaceTree

NOW = 0  # The period of what stands at this moment, as things in hand do.
_MONTHS = 100_000  # Months (12 × year + month) are numbered below, days (``date.toordinal``) above.
_NOTHING: Mapping[str, int] = MappingProxyType({})

Share = tuple[str, int, str, int]
"""What one record adds: kind, period (``NOW``, a month or a day), name ("" where nothing is told apart), how many."""


class Ledger:
    """The counts of a slice. What lies before its floors has been forgotten, and is neither put in nor taken back."""

    def __init__(self, places: PlaceTree) -> None:
        self.places = places
        self.counts: dict[str, dict[tuple[str, int], dict[str, int]]] = {}
        self.day, self.month = 0, 0  # The floors.

    def add(self, place: str, shares: Iterable[Share], sign: int = 1) -> None:
        """Put shares in (+1) or take them back (−1), at a place and all above it; an unknown one is the root."""
        kept = [share for share in shares if share[3] and self._kept(share[1])]
        for code in self.places.path(place):
            mine = self.counts.setdefault(code, {})
            for kind, period, name, n in kept:
                names = mine.setdefault((kind, period), {})
                left = names.get(name, 0) + sign * n
                if left:
                    names[name] = left
                else:
                    del names[name]
                    if not names:
                        del mine[kind, period]

    def _kept(self, period: int) -> bool:
        return period == NOW or period >= (self.month if period < _MONTHS else self.day)

    def named(self, place: str, kind: str, period: int = NOW) -> Mapping[str, int]:
        """The counts of a kind by name."""
        return self.counts.get(place, {}).get((kind, period), _NOTHING)

    def total(self, place: str, kind: str, period: int = NOW) -> int:
        """The count of a kind, all names together."""
        return sum(self.named(place, kind, period).values())

    def pair(self, place: str, part: str, whole: str, period: int = NOW) -> list[int]:
        """Numerator and denominator of a rate."""
        return [self.total(place, part, period), self.total(place, whole, period)]

    def forget(self, day: int, month: int) -> None:
        """Forget what lies before a day and a month."""
        if (day, month) <= (self.day, self.month):
            return
        self.day, self.month = max(day, self.day), max(month, self.month)
        for mine in self.counts.values():
            for slot in [slot for slot in mine if not self._kept(slot[1])]:
                del mine[slot]
