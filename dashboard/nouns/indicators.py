"""Indicators: figures with a period, a unit and every value they ever had, when the next is due, and what is not known.

A revision is another vintage beside the first, never in its place. A missing value is missing: it is no zero,
it is not carried on, and nothing is drawn through its gap.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from math import isfinite
from typing import Any

import msgspec

from dashboard.events import Event
from dashboard.nouns.noun import Rules
from dashboard.nouns.releases import Period, Series, Span

VINTAGES = 24  # Vintages of one period that are kept beside the first.
SCALES = {"": 1.0, "千": 1e3, "万": 1e4, "百万": 1e6, "亿": 1e8, "万亿": 1e12}
RELATIVE = ("%", "pp", "‰")


class IndicatorReported(Event, frozen=True, kw_only=True, omit_defaults=True, tag="indicator.reported"):
    """The series ``subject`` had ``value`` in ``period``, said at ``time``: when published, or when first read.

    ``period`` is 2024, 2024Q3 or 2024-09. ``span`` says whether the value is of the period alone, of the year up
    to its end, or a level at its end. Without ``value`` the source says that there is none. ``region`` is whose
    figure it is in the source's words; ``place`` is its code here, empty for a region that is no place of the
    city, and the root's for the city itself.
    """

    of_the_city = True

    period: str
    span: Span
    unit: str
    value: float | None = None
    name: str = ""
    region: str = ""
    place: str = ""
    published: bool = False  # ``time`` is the source's own word on when this came out.

    @classmethod
    def as_kept(cls, fields: Mapping[str, Any]) -> dict[str, Any]:
        """The period as we write it: 202409 is 2024-09.

        Raises:
            ValueError: if it is none.
        """
        try:
            return {"period": str(Period.of(fields["period"]))}
        except ValueError as error:
            raise ValueError(f"period: {error}") from None


class Vintage(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A value as it was said at a moment (seconds since 1970 UTC)."""

    at: float
    id: str
    value: float | None
    unit: str


class Figures(msgspec.Struct, array_like=True):
    """All that was said of one series of one region, with one span."""

    source: str
    code: str
    region: str
    span: Span
    at: float = 0.0
    id: str = ""
    name: str = ""
    place: str = ""
    periods: dict[str, list[Vintage]] = {}

    @property
    def key(self) -> str:
        """The name of the series across sources and regions; a source holds no ``|``."""
        return f"{self.source}|{self.code}|{self.region}|{self.span}"

    def take(self, event: IndicatorReported) -> None:
        """Take in a figure; the same figures in any order, any number of times, end in the same series.

        Of a period the first vintage and the latest ``VINTAGES`` are kept.
        """
        found = Vintage(event.time.timestamp(), event.id, event.value, event.unit)
        known = self.periods.setdefault(event.period, [])
        if found not in known:
            known.append(found)
            known.sort(key=lambda one: (one.at, one.id, one.value is None, one.value or 0.0, one.unit))
            if len(known) > VINTAGES + 1:
                del known[1 : len(known) - VINTAGES]
        if (found.at, found.id, event.name, event.place) > (self.at, self.id, self.name, self.place):
            self.at, self.id, self.name, self.place = found.at, found.id, event.name, event.place

    def value(self, period: Period) -> Vintage | None:
        """What is held to be true of a period: its latest vintage with a value; None where there is none.

        A source that says "none" after a value has taken it back.
        """
        known = self.periods.get(str(period))
        return known[-1] if known and known[-1].value is not None else None

    def revisions(self, period: Period) -> list[Vintage]:
        """The vintages of a period that differ from the one before, the first included."""
        changed: list[Vintage] = []
        for one in self.periods.get(str(period), ()):
            if one.value is None and not changed:
                continue  # Not out yet.
            if not changed or (changed[-1].value, changed[-1].unit) != (one.value, one.unit):
                changed.append(one)
        return changed

    def latest(self) -> Period | None:
        """The last period that has a value. Of several lengths the one with the shortest periods counts."""
        known = [Period.of(text) for text, vintages in self.periods.items() if vintages[-1].value is not None]
        shortest = min((period.months for period in known), default=0)
        return max((period for period in known if period.months == shortest), default=None)

    def single(self, period: Period) -> Vintage | None:
        """The value of a period alone; of a cumulative series it is worked out where both ends are known."""
        found = self.value(period)
        if self.span != "cumulative" or found is None or period.first_of_year or period.months == 12:
            return found
        before = self.value(period.shifted(-1))
        if before is None or before.unit != found.unit or found.unit in RELATIVE:
            return None
        assert found.value is not None
        assert before.value is not None
        return Vintage(max(found.at, before.at), found.id, found.value - before.value, found.unit)

    def year_to(self, period: Period) -> Vintage | None:
        """The year's sum up to the end of a period; None where a part of it is missing, or a sum means nothing."""
        found = self.value(period)
        if self.span == "cumulative" or period.months == 12:
            return found if self.span != "level" else None
        if found is None or self.span == "level" or found.unit in RELATIVE:
            return None
        total, at = 0.0, 0.0
        for start in range(12 * period.year, period.start + 1, period.months):
            part = self.value(Period(start, period.months))
            if part is None or part.value is None or part.unit != found.unit:
                return None
            total, at = total + part.value, max(at, part.at)
        return Vintage(at, found.id, total, found.unit)

    def change(self, period: Period) -> tuple[float, str] | None:
        """Year on year: in percent, or in percentage points where the figure is itself a share or a growth.

        None where one of the two is missing, where their units do not convert, or where the base is not positive.
        """
        now, before = self.value(period), self.value(period.year_before)
        if now is None or before is None or now.value is None or before.value is None:
            return None
        factor = convert(before.unit, now.unit)
        if factor is None:
            return None
        if now.unit in RELATIVE:
            return now.value - before.value, "pp" if now.unit == "%" else now.unit
        base = before.value * factor
        return ((now.value / base - 1) * 100, "%") if base > 0 else None


def convert(unit: str, wanted: str) -> float | None:
    """By what to multiply a figure in ``unit`` to have it in ``wanted``; None if they are of different things.

    >>> convert("亿元", "万元"), convert("万元", "万元"), convert("亿元", "万人")
    (10000.0, 1.0, None)
    """
    (scale, base), (wanted_scale, wanted_base) = _scaled(unit), _scaled(wanted)
    return scale / wanted_scale if base == wanted_base else None


def _scaled(unit: str) -> tuple[float, str]:
    scale = next(scale for scale in sorted(SCALES, key=len, reverse=True) if unit.startswith(scale))
    return SCALES[scale], unit.removeprefix(scale)


class Indicators:
    """The indicators' slice of the board."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.figures: dict[str, Figures] = {}

    def fold(self, event: Event) -> None:
        """Take in a figure. One whose period is none cannot come by a feed, and is left out here."""
        if not isinstance(event, IndicatorReported) or (event.value is not None and not isfinite(event.value)):
            return
        try:
            if str(Period.of(event.period)) != event.period:
                return
        except ValueError:
            return
        figures = Figures(event.source, event.subject, event.region, event.span)
        self.figures.setdefault(figures.key, figures).take(event)

    def advance(self, now: float) -> None:
        """What is due is worked out when a view is asked for."""

    def dump(self) -> object:
        """All series."""
        return list(self.figures.values())

    def load(self, dumped: object) -> None:
        """Take the series back."""
        self.figures = {found.key: found for found in msgspec.convert(dumped, list[Figures])}

    def at(self, place: str) -> list[Figures]:
        """The series of a place itself; those below it are not its own and are not added up."""
        return [found for _, found in sorted(self.figures.items()) if found.place == place]

    def of(self, code: str, place: str) -> Figures | None:
        """The series of a code at a place, the one heard of last where there are several."""
        found = [one for one in self.figures.values() if one.code == code and one.place == place]
        return max(found, key=lambda one: (one.at, one.key), default=None)


def expected(figures: Figures | None, rule: Series, now: float, rules: Rules) -> tuple[Period, float] | None:
    """The first period without a value after the latest with one, and when it is due; None without a calendar.

    Where nothing was heard yet it is the latest period that should be out by now.
    """
    release = rule.release
    if release is None:
        return None
    latest = figures.latest() if figures is not None else None
    if latest is None:
        if rule.every is None:
            return None
        year = datetime.fromtimestamp(now, rules.zone).year
        months = {"year": 12, "quarter": 3, "month": 1}[rule.every]
        candidates = (Period(start, months) for start in range(12 * (year + 1) - months, 12 * (year - 4), -months))
        due = ((period, release.due(period, rules.zone)) for period in candidates)
        return next(((period, at) for period, at in due if at is not None and at <= now), None)
    period = latest
    for _ in range(13):
        period = period.shifted(1)
        at = release.due(period, rules.zone)
        if at is not None:
            return period, at
    return None


def state_of(
    figures: Figures | None, rule: Series, now: float, rules: Rules
) -> tuple[str, Period | None, float | None]:
    """``current``, ``overdue``, ``never`` or ``unscheduled``; the period that comes next, and when it is due.

    A monthly figure is not old on the twentieth: it is overdue when its release date, with its grace, has passed.
    """
    found = expected(figures, rule, now, rules)
    grace = 86400 * rule.release.grace_days if rule.release is not None else 0.0
    if figures is None or figures.latest() is None:
        return "never", *(found or (None, None))
    if found is None:
        return "unscheduled", None, None
    return "overdue" if now > found[1] + grace else "current", *found


def progress(figures: Figures, rule: Series, period: Period) -> dict[str, Any] | None:
    """How far the year's target is reached at the end of a period, against how much of the year is over by then.

    An amount is held against the sum of the year so far, or against the level; a target in % against a figure in %.
    ``share`` is a dash where the sum is not known. None where no target is set.
    """
    target = rule.targets.get(f"{period.year:04d}")
    if target is None:
        return None
    found = figures.value(period) if figures.span == "level" or target.unit in RELATIVE else figures.year_to(period)
    factor = convert(found.unit, target.unit or found.unit) if found is not None else None
    reached = found.value * factor if found is not None and found.value is not None and factor is not None else None
    relative = target.unit in RELATIVE
    return {
        "target": target.value, "unit": target.unit or (found.unit if found else ""), "reached": reached,
        "share": None if reached is None or relative or target.value <= 0 else reached / target.value,
        "gap": None if reached is None or not relative else reached - target.value,
        "time": period.share,
    }  # fmt: skip
