"""Days and months as a city counts them, in its own zone."""

from __future__ import annotations

from bisect import bisect_left, insort
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import cast
from zoneinfo import ZoneInfo

QUARTER = 900  # Seconds; every zone's offset in use since 1972 is a multiple of it.
DAY = 86400  # Seconds.


def offsets(zone: ZoneInfo, first: int = 2000, last: int = 2050) -> list[tuple[int, int]]:
    """From which moment on (seconds since 1970 UTC) a zone is how far ahead of UTC (seconds), from the beginning of
    one year to that of another.

    >>> offsets(ZoneInfo("Asia/Shanghai"))
    [(946684800, 28800)]
    >>> offsets(ZoneInfo("Europe/Berlin"), 2026, 2027)
    [(1767225600, 3600), (1774746000, 7200), (1792890000, 3600)]
    """

    def ahead(moment: int) -> int:
        return round(cast(timedelta, datetime.fromtimestamp(moment, zone).utcoffset()).total_seconds())

    start, end = (int(datetime(year, 1, 1, tzinfo=UTC).timestamp()) for year in (first, last))
    found = [(start, ahead(start))]
    for day in range(start, end, DAY):
        if ahead(day + DAY) != found[-1][1]:
            change = next(at for at in range(day, day + DAY + 1, QUARTER) if ahead(at) != found[-1][1])
            found.append((change, ahead(change)))
    return found


@dataclass
class Calendar:
    """Turns moments (seconds since 1970 UTC) into local days and months, remembering what it has worked out."""

    zone: ZoneInfo
    _known: dict[int, tuple[int, int]] = field(default_factory=dict, repr=False)

    def day_and_month(self, moment: float) -> tuple[int, int]:
        """The local day (as ``date.toordinal``) and month (``12 * year + month - 1``) of ``moment``."""
        quarter = int(moment // QUARTER)
        found = self._known.get(quarter)
        if found is None:
            local = datetime.fromtimestamp(quarter * QUARTER, UTC).astimezone(self.zone)
            found = self._known[quarter] = (local.toordinal(), 12 * local.year + local.month - 1)
        return found

    def periods(self, moment: float) -> tuple[int, int, int]:
        """The local day, week and month of ``moment`` as numbers that never meet.

        The day is its ``date.toordinal``, the week the negative of its Monday's, the month as above.
        """
        day, month = self.day_and_month(moment)
        return day, -(day - (day - 1) % 7), month

    def month_begin(self, moment: float) -> float:
        """The moment at which the local month of ``moment`` began."""
        local = datetime.fromtimestamp(moment, UTC).astimezone(self.zone)
        return self.midnight(local.replace(day=1, hour=12, minute=0, second=0, microsecond=0).timestamp())

    def midnight(self, moment: float) -> float:
        """The moment at which the local day of ``moment`` began."""
        local = datetime.fromtimestamp(moment, UTC).astimezone(self.zone)
        return local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0).timestamp()

    def next_midnight(self, moment: float) -> float:
        """The moment at which the local day after that of ``moment`` begins."""
        return self.midnight(self.midnight(moment) + 30 * 3600)

    def next_month(self, moment: float) -> float:
        """The moment at which the local month after that of ``moment`` begins."""
        local = datetime.fromtimestamp(moment, UTC).astimezone(self.zone)
        first = local.replace(day=1, hour=12, minute=0, second=0, microsecond=0)
        return self.midnight((first + timedelta(days=32)).replace(day=1).timestamp())

    def day_before(self, moment: float) -> float:
        """The same wall-clock time one local day earlier."""
        return (datetime.fromtimestamp(moment, UTC).astimezone(self.zone) - timedelta(days=1)).timestamp()


class Window:
    """The moments of the last days in order: how many fell between two of them is exact, at any cut."""

    __slots__ = ("moments",)

    def __init__(self) -> None:
        self.moments: list[float] = []

    def count(self, moment: float, sign: int) -> None:
        """Count ``moment`` (+1), or take it back (−1).

        Raises:
            ValueError: if a moment is taken back that was never counted: that would be a fault of ours.
        """
        moments = self.moments
        if sign > 0:
            if not moments or moment >= moments[-1]:
                moments.append(moment)
            else:
                insort(moments, moment)
            return
        at = bisect_left(moments, moment)
        if at == len(moments) or moments[at] != moment:
            raise ValueError(f"the moment {moment} was never counted")
        del moments[at]

    def move(self, old: float | None, new: float | None, horizon: float) -> None:
        """Count ``new`` instead of ``old``, as far as they do not lie before ``horizon``."""
        if old is not None and old >= horizon:
            self.count(old, -1)
        if new is not None and new >= horizon:
            self.count(new, 1)

    def between(self, start: float, end: float) -> int:
        """How many moments m have ``start <= m < end``."""
        return bisect_left(self.moments, end) - bisect_left(self.moments, start)

    def forget_before(self, moment: float) -> None:
        """Drop what lies before ``moment``."""
        del self.moments[: bisect_left(self.moments, moment)]
