"""Faults of video: cameras that fell together, by what they share, are one fault with its members.

Outages that began within a moment of each other and share a platform, a switch or a street, and are at least half
of the cameras there, are one fault. Where so many fall at once that no single platform explains it, it is one
fault of the network. What is left are single cameras. Outages that are over keep their place in a fault that
others still suffer from, so that a fault stays the same one while its members come back.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from dashboard.nouns.thresholds import VideoTable

MOSTLY = 0.8  # The share of such a mass that must be one platform's for it to be the platform's fault.
CAUSES = ("network", "platform", "switch", "street", "camera")


class Outage(NamedTuple):
    """One camera's outage. ``platform``, ``switch`` and ``street`` are keys of what it shares with others, or ""."""

    start: float
    camera: str
    over: bool
    platform: str
    switch: str
    street: str


@dataclass(frozen=True)
class Fault:
    """Outages with one cause: the kind of it, and the key of what they share ("" for the network's own)."""

    cause: str
    shared: str
    outages: Sequence[Outage] = field(repr=False)

    @property
    def since(self) -> float:
        """When the first of them fell."""
        return self.outages[0].start

    @property
    def down(self) -> int:
        """How many are still down."""
        return sum(not outage.over for outage in self.outages)

    @property
    def key(self) -> str:
        """What it is known by as long as it lasts: its cause and the second in which most of it fell."""
        seconds = Counter(int(outage.start) for outage in self.outages)
        most = max(seconds.values())
        return f"{self.cause}|{self.shared}|{min(second for second, n in seconds.items() if n == most)}"


def grouped(
    outages: Iterable[Outage], sizes: Mapping[tuple[str, str], int], total: int, table: VideoTable
) -> list[Fault]:
    """The faults that outages make up, those with most cameras still down first; none of them is wholly over.

    ``sizes`` maps (cause, key) to the number of cameras that share it, ``total`` is that of all.
    """
    left = sorted(set(outages))
    found: list[Fault] = []
    mass = max(table.many, table.mass * total)
    while len(left) >= mass:
        first, last = _densest(left, table.moment_seconds)
        if last - first < mass:
            break
        fell = left[first:last]
        platforms = Counter(outage.platform for outage in fell)
        shared, most = platforms.most_common(1)[0]
        if most >= MOSTLY * len(fell):
            found.append(Fault("platform", shared, fell))
        else:
            found.append(Fault("network", "", fell))
        left = left[:first] + left[last:]
    for cause, key_of in _SHARED:
        more, left = _sharing(cause, key_of, left, sizes, table)
        found += more
    found += [Fault("camera", outage.camera, [outage]) for outage in left]
    found = [fault for fault in found if fault.down]
    # Among single cameras the latest come first: that one has been dead for a year is no news.
    return sorted(found, key=lambda fault: (-fault.down, -len(fault.outages), -fault.since, fault.key))


_SHARED: tuple[tuple[str, Callable[[Outage], str]], ...] = (
    ("platform", lambda outage: outage.platform),
    ("switch", lambda outage: outage.switch),
    ("street", lambda outage: outage.street),
)


def _sharing(
    cause: str,
    key_of: Callable[[Outage], str],
    outages: list[Outage],
    sizes: Mapping[tuple[str, str], int],
    table: VideoTable,
) -> tuple[list[Fault], list[Outage]]:
    """The faults with this cause, and the outages it does not explain."""
    by_key: dict[str, list[Outage]] = defaultdict(list)
    for outage in outages:
        by_key[key_of(outage)].append(outage)
    found: list[Fault] = []
    left: list[Outage] = list(by_key.pop("", []))
    for key, mine in by_key.items():
        enough = max(table.together, table.half * sizes.get((cause, key), 0))
        while len(mine) >= enough:
            first, last = _densest(mine, table.moment_seconds)
            if last - first < enough:
                break
            found.append(Fault(cause, key, mine[first:last]))
            mine = mine[:first] + mine[last:]
        left += mine
    return found, sorted(left)


def _densest(outages: Sequence[Outage], moment: float) -> tuple[int, int]:
    """The stretch of a moment's length in which most of the outages (in order of time) began; the first such."""
    best, first = (0, 0), 0
    for last, outage in enumerate(outages, 1):
        while outage.start - outages[first].start > moment:
            first += 1
        if last - first > best[1] - best[0]:
            best = first, last
    return best
