"""The four clocks a limit can run by: working hours and days of a city, with its holidays and make-up days.

Moments are seconds since 1970 UTC. Amounts are in the clock's own unit: hours of ``urgent_hour`` and
``work_hour``, days of ``work_day`` and ``natural_day``.

An urgent hour is an hour that passes, nights and holidays included. A working hour passes only inside the
working hours of working days. A working day is as much work as one working day holds: begun at three in the
afternoon, one of them ends at three in the afternoon of the next. A natural day goes by the clock on the wall:
seven of them end at the same time of day a week later, also where the clocks were changed in between.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from math import inf
from typing import Literal
from zoneinfo import ZoneInfo

ClockKind = Literal["urgent_hour", "work_hour", "work_day", "natural_day"]
CLOCKS: tuple[ClockKind, ...] = ("urgent_hour", "work_hour", "work_day", "natural_day")
DAY = 86400
FIRST, LAST = 1968, 2200  # The years a calendar can be asked for; no event enters the house from outside 1970 to 2100.

_EARLIEST, _LATEST = (datetime(year, 1, 3, tzinfo=UTC).timestamp() for year in (FIRST, LAST))  # Local days, any zone.


class _Table:
    """The local days of some whole years, in order; position i stands for the i-th of them."""

    __slots__ = ("days", "first", "last", "odd", "seconds", "spans", "starts")

    def __init__(self, calendar: WorkCalendar, first: int, last: int) -> None:
        self.first, self.last = first, last  # Years, both included.
        self.starts: list[float] = []  # When each day begins; one more at the end, for where the last one ends.
        self.odd: dict[int, tuple[float, float]] = {}  # Days on which clocks change → (seconds into it, clock jumps by)
        self.spans: list[tuple[tuple[float, float], ...]] = []  # Working time of each, in seconds from its begin.
        self.seconds: list[float] = [0.0]  # Working seconds before each day …
        self.days: list[int] = [0]  # … and working days.
        plain = tuple((60.0 * start, 60.0 * end) for start, end in calendar.hours)
        begin, end = date(first, 1, 1).toordinal(), date(last + 1, 1, 1).toordinal()
        self.starts = [_begin(calendar.zone, ordinal) for ordinal in range(begin, end + 1)]
        for i, ordinal in enumerate(range(begin, end)):
            spans = plain if calendar.is_workday(ordinal) else ()
            jump = DAY - (self.starts[i + 1] - self.starts[i])
            if jump:
                at = _change(calendar.zone, self.starts[i], self.starts[i + 1])
                self.odd[i] = at, jump
                spans = tuple(
                    (s if s < at else max(at, s - jump), e if e <= at else max(at, e - jump)) for s, e in spans
                )
            self.spans.append(spans)
            self.seconds.append(self.seconds[-1] + sum(end - start for start, end in spans))
            self.days.append(self.days[-1] + (self.seconds[-1] > self.seconds[-2]))

    # Each measure rises with time and never falls. ``…_at`` gives it at a moment, ``at_…`` the first moment with it.

    def wall_at(self, moment: float) -> float:
        """The clock on the wall, in seconds since the table's first midnight; where it is put back it stands still."""
        i = bisect_right(self.starts, moment) - 1
        into = moment - self.starts[i]
        if i in self.odd:
            at, jump = self.odd[i]
            into = max(min(into, at), into + jump) if jump < 0 else into + (jump if into >= at else 0.0)
        return i * DAY + into

    def at_wall(self, wall: float) -> float:
        i, into = divmod(wall, DAY)
        i = int(i)
        if i >= len(self.spans):
            return inf
        if i in self.odd:
            at, jump = self.odd[i]
            into = into if into <= at else max(at, into - jump)
        return self.starts[i] + into

    def _worked(self, moment: float) -> tuple[int, float]:
        i = bisect_right(self.starts, moment) - 1
        into = moment - self.starts[i]
        return i, sum(min(into, end) - start for start, end in self.spans[i] if into > start)

    def seconds_at(self, moment: float) -> float:
        i, worked = self._worked(moment)
        return self.seconds[i] + worked

    def days_at(self, moment: float) -> float:
        i, worked = self._worked(moment)
        return self.days[i] + (worked / (self.seconds[i + 1] - self.seconds[i]) if worked else 0.0)

    # Rounded, so that what should be the last moment of one day is not, by a millionth, the first of the next.

    def at_seconds(self, seconds: float) -> float:
        seconds = round(seconds, 6)
        i = bisect_left(self.seconds, seconds) - 1
        return self._reach(i, seconds - self.seconds[i])

    def at_days(self, days: float) -> float:
        days = round(days, 11)
        i = bisect_left(self.days, days) - 1
        if i >= len(self.spans):
            return inf
        return self._reach(i, (days - self.days[i]) * (self.seconds[i + 1] - self.seconds[i]))

    def _reach(self, i: int, worked: float) -> float:
        """When ``worked`` seconds of the working time of day ``i`` have passed."""
        if i >= len(self.spans):
            return inf
        for start, end in self.spans[i]:
            if worked <= end - start + 2e-6:  # The tolerance is for what rounding leaves; see above.
                return self.starts[i] + min(start + worked, end)
            worked -= end - start
        return self.starts[i] + self.spans[i][-1][1]


def _begin(zone: ZoneInfo, ordinal: int) -> float:
    """The first moment of a local day."""
    day = date.fromordinal(ordinal)
    return datetime(day.year, day.month, day.day, tzinfo=zone).timestamp()


def _change(zone: ZoneInfo, start: float, end: float) -> float:
    """How many seconds into the local day from ``start`` to ``end`` the clocks are changed."""

    def offset(moment: float) -> timedelta | None:
        return datetime.fromtimestamp(moment, UTC).astimezone(zone).utcoffset()

    before, low, high = offset(start), 0, int(end - start)
    if high <= 0 or offset(end - 1) == before:
        return 0.0  # They were changed as the day began.
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if offset(start + middle) == before else (low, middle)
    return float(high)


@dataclass(frozen=True)
class WorkCalendar:
    """When a city works.

    ``hours`` are minutes from local midnight, in order, the same on each working day; ``days_off`` and
    ``days_on`` hold dates as ``date.toordinal``: free although no weekend, and worked although one or a holiday.
    ``known_years`` are those whose public holidays are known; in others only weekends and the two sets count.

    Raises:
        ValueError: if the hours are none, overlap or leave the day, or every day of the week is free.
    """

    zone: ZoneInfo
    hours: Sequence[tuple[int, int]] = ((8 * 60, 12 * 60), (14 * 60, 18 * 60))
    days_off: frozenset[int] = frozenset()
    days_on: frozenset[int] = frozenset()
    known_years: frozenset[int] = frozenset()
    weekend: frozenset[int] = frozenset({5, 6})  # As ``date.weekday``: Monday is 0.
    _tables: list[_Table] = field(default_factory=list, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        bounds = [minute for span in self.hours for minute in span]
        rising = all(start < end for start, end in self.hours) and bounds == sorted(bounds)
        if not bounds or not rising or bounds[0] < 0 or bounds[-1] > 24 * 60:
            raise ValueError("working hours must lie within the day, one after another, each ending after it begins")
        if self.weekend >= set(range(7)):
            raise ValueError("a week without a single working day")

    def is_workday(self, ordinal: int) -> bool:
        """Whether the date with this ``toordinal`` is worked."""
        if ordinal in self.days_on:
            return True
        return ordinal not in self.days_off and (ordinal + 6) % 7 not in self.weekend

    def after(self, start: float, amount: float, kind: ClockKind) -> float:
        """The first moment at which ``amount`` of the clock has passed since ``start``, to the microsecond.

        A moment that lies beyond the year 2200 is ``inf``; nothing passes in an amount of zero or less.

        Raises:
            ValueError: if ``start`` is outside the years 1968 to 2200; so do the others.
        """
        if amount <= 0:
            return start
        if kind == "urgent_hour":
            return round(start + 3600 * amount, 6)
        reach = 1.0 if kind == "natural_day" else 2.0 if kind == "work_day" else 1 / 3
        table = self._table(start, start + (reach * amount + 40) * DAY)
        while True:
            if kind == "natural_day":
                found = table.at_wall(table.wall_at(start) + DAY * amount)
            elif kind == "work_hour":
                found = table.at_seconds(table.seconds_at(start) + 3600 * amount)
            else:
                found = table.at_days(table.days_at(start) + amount)
            if found < inf:
                return max(start, round(found, 6))
            if table.last >= LAST:
                return inf
            table = self._table(start, table.starts[-1] + 4000 * DAY)

    def used(self, start: float, end: float, kind: ClockKind) -> float:
        """How much of the clock passes from ``start`` to ``end``; zero where ``end`` comes first."""
        if end <= start:
            return 0.0
        if kind == "urgent_hour":
            return (end - start) / 3600
        table = self._table(start, end)
        if end >= table.starts[-1]:
            raise ValueError(f"a calendar goes from {FIRST} to {LAST}, and {end} is outside")
        if kind == "natural_day":
            return (table.wall_at(end) - table.wall_at(start)) / DAY
        if kind == "work_hour":
            return (table.seconds_at(end) - table.seconds_at(start)) / 3600
        return table.days_at(end) - table.days_at(start)

    def _table(self, start: float, end: float) -> _Table:
        """A table with the days from ``start`` to ``end``, as far as a calendar goes."""
        first, last = LAST, FIRST
        if self._tables:
            table = self._tables[0]
            if table.starts[0] <= start < table.starts[-1] and (end < table.starts[-1] or table.last == LAST):
                return table
            first, last = table.first, table.last
        if not _EARLIEST <= start < _LATEST:
            raise ValueError(f"a calendar goes from {FIRST} to {LAST}, and {start} is outside")
        first = min(first, max(FIRST, 1969 + int(start // (366 * DAY))))
        last = max(last, min(LAST, 1971 + int(min(end, 1e11) // (365 * DAY))))
        table = _Table(self, first, last)
        self._tables[:] = [table]
        return table
