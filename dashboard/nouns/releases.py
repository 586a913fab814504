"""Indicators' periods and release calendars: which figure is due when, as the city file sets it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, field_validator

Every = Literal["year", "quarter", "month"]
Span = Literal["single", "cumulative", "level"]
STEPS: dict[Every, int] = {"year": 12, "quarter": 3, "month": 1}
FIRST, LAST = 1900, 2100
_NUMERALS = str.maketrans("一二三四", "1234")
_WIDE = str.maketrans("０１２３４５６７８９－—–／", "0123456789---/")
_QUARTER = re.compile(r"(\d{4})(?:年|-| )?(?:Q|q|第)?([1-4])(?:季度|季)?")
_LETTER = re.compile(r"(\d{4})([A-D])")
_MONTH = re.compile(r"(\d{4})(?:年|-|/|\.|M)?(\d{1,2})(?:月|月份)?")
_UP_TO = re.compile(r"(\d{4})年?(?:0?1-)(\d{1,2})(?:月|月份)")
_YEAR = re.compile(r"(\d{4})(?:年|年度)?")


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """A year, quarter or month. ``start`` counts months since year 0, so that periods of one length stand in order."""

    start: int
    months: int

    @classmethod
    def read(cls, text: str) -> tuple[Period, bool]:
        """A period as bureaus write it, and whether the text says "from January up to it".

        2024, 2024年, 2024Q3, 2024年三季度, 2024C (the bureau's third quarter), 202409, 2024-09, 2024年1-9月.

        Raises:
            ValueError: if it is none, or lies where no figure can.
        """
        plain = text.strip().translate(_WIDE).removesuffix("上半年")
        half = plain != text.strip().translate(_WIDE)
        cumulative = half
        if half:
            found = _YEAR.fullmatch(plain)
            year, start, months = int(found[1]) if found else 0, 3, 3
        elif found := _YEAR.fullmatch(plain):
            year, start, months = int(found[1]), 0, 12
        elif found := _LETTER.fullmatch(plain):
            year, start, months = int(found[1]), 3 * "ABCD".index(found[2]), 3
        elif found := _UP_TO.fullmatch(plain):
            year, start, months, cumulative = int(found[1]), int(found[2]) - 1, 1, True
        elif found := _MONTH.fullmatch(plain) if not re.search(r"[Qq季第]", plain) else None:
            year, start, months = int(found[1]), int(found[2]) - 1, 1
        elif found := _QUARTER.fullmatch(plain.translate(_NUMERALS)):
            year, start, months = int(found[1]), 3 * int(found[2]) - 3, 3
        else:
            raise ValueError(f"{text[:40]!r} is no period; write one such as 2024, 2024Q3 or 2024-09")
        if not FIRST <= year <= LAST or not 0 <= start < 12:
            raise ValueError(f"{text[:40]!r} is no period between {FIRST} and {LAST}")
        return cls(12 * year + start, months), cumulative

    @classmethod
    @lru_cache(4096)  # The board reads the same few hundred again with every look.
    def of(cls, text: str) -> Period:
        """A period as we write it."""
        return cls.read(text)[0]

    def __str__(self) -> str:
        year, month = divmod(self.start, 12)
        if self.months == 12:
            return f"{year:04d}"
        return f"{year:04d}Q{month // 3 + 1}" if self.months == 3 else f"{year:04d}-{month + 1:02d}"

    @property
    def every(self) -> Every:
        """How often such a period comes."""
        return "year" if self.months == 12 else "quarter" if self.months == 3 else "month"

    @property
    def year(self) -> int:
        """The year it lies in."""
        return self.start // 12

    @property
    def share(self) -> float:
        """How much of its year is over when it ends, 0 to 1."""
        return (self.start % 12 + self.months) / 12

    @property
    def first_of_year(self) -> bool:
        """Whether its year begins with it."""
        return self.start % 12 == 0

    def shifted(self, steps: int) -> Period:
        """So many periods later, or earlier."""
        return Period(self.start + steps * self.months, self.months)

    @property
    def year_before(self) -> Period:
        """The same one a year earlier."""
        return Period(self.start - 12, self.months)

    @property
    def end(self) -> date:
        """The first day after it."""
        year, month = divmod(self.start + self.months, 12)
        return date(year, month + 1, 1)


class Release(BaseModel):
    """When a figure comes out: on ``day`` at ``hour`` local time, so many ``months`` after its period has ended.

    ``on`` names the days of single periods, as a bureau's calendar does. ``skip`` are months of the year for which
    none comes (January's industry is told with February's).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    day: Annotated[int, Field(ge=1, le=31)]
    months: Annotated[int, Field(ge=0, le=24)] = 0  # 0: in the month right after the period.
    hour: Annotated[int, Field(ge=0, le=23)] = 10
    on: dict[str, date] = Field(default_factory=dict)
    skip: tuple[Annotated[int, Field(ge=1, le=12)], ...] = ()
    grace_days: Annotated[float, Field(ge=0)] = 0.0

    @field_validator("on")
    @classmethod
    def _on(cls, value: dict[str, date]) -> dict[str, date]:
        return {str(Period.of(period)): day for period, day in value.items()}

    def due(self, period: Period, zone: ZoneInfo) -> float | None:
        """When the figure of a period is to be out (seconds since 1970 UTC); None for one that never comes."""
        named = self.on.get(str(period))
        if named is None:
            if (period.start + period.months - 1) % 12 + 1 in self.skip:
                return None
            first = period.end
            month = first.month - 1 + self.months
            first = date(first.year + month // 12, month % 12 + 1, 1)
            last = (first.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
            named = first.replace(day=min(self.day, last.day))
        return datetime(named.year, named.month, named.day, self.hour, tzinfo=zone).timestamp()


class Target(BaseModel):
    """What a year is to reach: an amount in ``unit``, or with a unit of % a growth or a level."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    value: float
    unit: str = ""


class Series(BaseModel):
    """One series of ``[indicators]``: under what name, when it is due, and what it is to reach in which year."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str | None = None
    every: Every | None = None  # Needed where the series is expected before anything was heard of it.
    release: Release | None = None
    targets: dict[str, Target] = Field(default_factory=dict)
    growth: str | None = None  # The series that holds its official growth, at comparable prices.
    good: Literal["up", "down", ""] = ""

    @field_validator("targets")
    @classmethod
    def _targets(cls, value: dict[str, Target]) -> dict[str, Target]:
        for year in value:
            if Period.of(year).months != 12:
                raise ValueError(f"{year!r} is no year; targets are for years")
        return value


class IndicatorTable(BaseModel):
    """``[indicators]`` of the city file: its series by code. One that is named here is expected.

    A figure that is overdue for more than ``late_days`` is a graver alert; a missed target of a year is told for
    ``missed_days``.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    late_days: Annotated[float, Field(gt=0)] = 7
    missed_days: Annotated[float, Field(gt=0)] = 30

    series: dict[str, Series] = Field(default_factory=dict)

    def of(self, code: str) -> Series:
        """What is set for a series."""
        return self.series.get(code, PLAIN)


PLAIN = Series()
