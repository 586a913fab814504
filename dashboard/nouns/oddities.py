"""Oddities: records that do not fit, by source and by what is wrong with them, some of each named by its number.

They are put in and taken back one by one, so the same records in any order leave the same oddities.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from heapq import nsmallest
from typing import Any

SOME = 3  # Records that are named for each reason; all are counted.


class Oddities:
    """What does not fit: source → reason → the numbers of the records."""

    def __init__(self) -> None:
        self._found: dict[str, dict[str, Counter[str]]] = {}

    def add(self, source: str, number: str, reasons: Iterable[str], sign: int = 1) -> None:
        """Put a record in (+1) or take it back (−1), for each reason why it does not fit."""
        for reason in reasons:
            numbers = self._found.setdefault(source, {}).setdefault(reason, Counter())
            numbers[number] += sign
            if not numbers[number]:
                del numbers[number]

    def document(self) -> dict[str, Any]:
        """``sources``: source → reason → how often; ``some``: the same with numbers of records; ``n``: all of them."""
        sources: dict[str, dict[str, int]] = {}
        some: dict[str, dict[str, list[str]]] = {}
        for source, reasons in sorted(self._found.items()):
            for reason, numbers in sorted(reasons.items()):
                if numbers:
                    sources.setdefault(source, {})[reason] = numbers.total()
                    some.setdefault(source, {})[reason] = nsmallest(SOME, numbers)
        return {"sources": sources, "some": some, "n": sum(sum(found.values()) for found in sources.values())}
