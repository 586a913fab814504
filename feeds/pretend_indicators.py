"""A simulated district's figures: output, investment, sales, revenue and trade by seed, each on the day it comes out.

Nothing here is measured. A figure grows by its yearly rate, has its seasons and a little chance, and is told when the
city file's calendar says that it is released: cumulative where bureaus count from January on, by town where the table
asks for it. Some are told too late, some are put right some weeks after they came out. The same seed gives the same
figures, whatever was asked before.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from dashboard.events import Event
from dashboard.nouns.indicators import IndicatorReported
from dashboard.nouns.releases import Period, Release, Span
from dashboard.sources.feed import Context, Delivery, Feed
from dashboard.sources.feed import Settings as Common

CHUNK = 400  # Figures in one delivery.
NAP = 2.0  # Seconds after which the wall clock is looked at again.
QUIET = 300.0  # Seconds after which it is said that nothing has come out.
DAY = 86400.0
MONTHS = 38  # How many past months of a figure there are …
TOWNS = 26  # … and of a town's.
BASE = 12 * 2024 + 6  # The month in the middle of the year that ``annual`` is of.
USUAL = Release(day=20)  # Where the city file has no calendar for a figure.
SEASONS: dict[str, tuple[float, ...]] = {
    "even": (1.0,) * 12,
    "industry": (0.86, 0.72, 1.03, 1.0, 1.01, 1.08, 0.99, 0.98, 1.05, 1.02, 1.08, 1.18),
    "building": (0.52, 0.50, 1.02, 1.0, 1.05, 1.28, 1.02, 1.0, 1.16, 1.06, 1.12, 1.27),
    "sales": (1.10, 1.02, 0.95, 0.93, 0.98, 0.99, 0.96, 0.97, 1.02, 1.08, 0.97, 1.03),
    "revenue": (1.42, 0.70, 0.94, 1.10, 0.96, 1.04, 1.12, 0.74, 0.98, 1.08, 0.86, 1.06),
    "heat": (0.86, 0.66, 0.90, 0.92, 1.04, 1.16, 1.30, 1.28, 1.14, 0.96, 0.88, 0.90),
}


class Figure(BaseModel):
    """One figure to pretend: its sum over 2024 (or its level then), and by how many percent it grows in a year."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    unit: str
    annual: float
    growth: float = 4.0
    season: str = "even"
    every: Literal["month", "quarter"] = "month"
    span: Span = "cumulative"
    chance: Annotated[float, Field(ge=0, le=0.2)] = 0.015  # By how much single months stray.
    towns: bool = False
    official: str = ""  # The code under which its growth at comparable prices is told, in percent.
    late_days: Annotated[float, Field(ge=0)] = 0.0  # It comes out so many days after it was due.
    revised_days: Annotated[float, Field(ge=0)] = 0.0  # It is put right so many days after it came out.


class Settings(Common):
    """What figures to pretend, by code. Another seed or table is another district: begin with an empty folder."""

    seed: int = 1
    figures: dict[str, Figure]


@dataclass(frozen=True)
class Told:
    """One figure as it comes out at ``moment`` (seconds since 1970 UTC); ``turn`` counts its vintages."""

    moment: float
    code: str
    name: str
    region: str
    place: str
    period: str
    span: Span
    unit: str
    value: float
    turn: int


class Bureau:
    """Works out figures. A town's share of the city's follows from its ``people``, and each grows at its own pace."""

    def __init__(self, seed: int, figures: Mapping[str, Figure], people: Mapping[str, float]) -> None:
        self.seed, self.figures = seed, figures
        self.shares: dict[tuple[str, str], float] = {}
        for code in figures:
            weights = {
                town: number * float(self._random(code, "share", town).lognormal(0, 0.25))
                for town, number in people.items()
            }
            self.shares |= {(code, town): weight / sum(weights.values()) for town, weight in weights.items()}

    def _random(self, *words: int | str) -> np.random.Generator:
        numbers = [part for word in words for part in (word.encode() if isinstance(word, str) else (word,))]
        return np.random.default_rng([self.seed, 31, *numbers])

    def month(self, code: str, start: int, town: str = "") -> float:
        """The value of one month alone, of the city or of a town."""
        figure = self.figures[code]
        own = self._random(code, "town", town)
        share = self.shares[code, town] if town else 1.0
        growth = figure.growth + (float(own.normal(0, 2.4)) if town else 0.0)
        level = figure.annual * share * (1 if figure.span == "level" else 1 / 12)
        season = SEASONS[figure.season][start % 12]
        chance = float(self._random(code, town, start).normal(0, figure.chance))
        years: float = (start - BASE) / 12
        return float(level * season * (1 + growth / 100) ** years * (1 + chance))

    def value(self, code: str, period: Period, town: str = "") -> float:
        """The value of a period as its series counts: alone, from January on, or as a level."""
        figure = self.figures[code]
        last = period.start + period.months - 1
        if figure.span == "level":
            return self.month(code, last, town)
        first = 12 * period.year if figure.span == "cumulative" else period.start
        return sum(self.month(code, start, town) for start in range(first, last + 1))


def figures_of(
    bureau: Bureau, places: Mapping[str, str], root: tuple[str, str], releases: Mapping[str, Release], zone: ZoneInfo,
    after: float, until: float,
) -> list[Told]:  # fmt: skip
    """All figures that come out after one moment and up to another, in order.

    ``places`` are the towns' names by code, ``root`` code and name of the city, ``releases`` the calendars by series.
    """
    found: list[Told] = []
    now = datetime.fromtimestamp(until, zone)
    for code, figure in bureau.figures.items():
        months = 3 if figure.every == "quarter" else 1
        newest = 12 * now.year + now.month - 1
        newest -= newest % months
        release = releases.get(code, USUAL)
        for start in range(newest, newest - MONTHS, -months):
            period = Period(start, months)
            due = release.due(period, zone)
            if due is None:
                continue
            first = due + DAY * figure.late_days
            if not any(after < moment <= until for moment in (first, first + DAY * figure.revised_days)):
                continue  # Nothing of it comes out, and to work out what it was takes far longer than to see that.
            value = bureau.value(code, period)
            share = float(bureau._random(code, "revised", start).normal(0, 0.006))
            rounds = [(first, value * (1 + share), 1), (first + DAY * figure.revised_days, value, 2)]
            for moment, said, turn in rounds if figure.revised_days else [(first, value, 1)]:
                if after < moment <= until:
                    found.append(_told(moment, code, figure, root, period, said, turn))
            if after < first <= until:
                if figure.official:
                    before = bureau.value(code, period.year_before)
                    growth = 100 * (value / before - 1) - 0.3
                    found.append(Told(
                        first, figure.official, f"{figure.name}增速", root[1], root[0], str(period), figure.span, "%",
                        round(growth, 1), 1,
                    ))  # fmt: skip
                if figure.towns and start > newest - TOWNS:
                    for place, name in places.items():
                        amount = bureau.value(code, period, name)
                        found.append(_told(first, code, figure, (place, name), period, amount, 1))
    return sorted(found, key=lambda one: (one.moment, one.code, one.place, one.period))


def _told(
    moment: float, code: str, figure: Figure, where: tuple[str, str], period: Period, value: float, turn: int
) -> Told:
    digits = 0 if value >= 10_000 or figure.unit == "户" else 2 if value < 100 else 1
    return Told(
        moment, code, figure.name, where[1], where[0], str(period), figure.span, figure.unit, round(value, digits), turn
    )


async def open(settings: Settings, context: Context) -> AsyncIterator[Delivery]:  # noqa: A001
    """The figures of some three years at first, then each as it comes out.

    The cursor is the moment up to which all were told.
    """
    root = context.places.root
    children = context.places.children(root.code)
    towns = {place.code: place.name for place in children}
    bureau = Bureau(settings.seed, settings.figures, {town.name: float(town.population or 10_000) for town in children})
    rules = context.city.indicators.series
    releases = {code: rule.release for code, rule in rules.items() if rule.release is not None}
    reached = 0.0 if context.cursor is None else float(context.cursor)
    heard = asyncio.get_running_loop().time()
    if context.cursor is not None:
        yield Delivery([])  # It is there, though there may be nothing new for days.
    while True:
        now = context.now().timestamp()
        if now > reached:
            found = await asyncio.to_thread(
                figures_of, bureau, towns, (root.code, root.name), releases, context.city.tz, reached, now
            )
            for at in range(0, len(found), CHUNK):
                rest = at + CHUNK < len(found)
                # A part of them moves no cursor: should it stop there, all are told again, and known by their ids.
                yield Delivery(found[at : at + CHUNK], None if rest else f"{now:.3f}")
                heard = asyncio.get_running_loop().time()
            reached = now
        if asyncio.get_running_loop().time() - heard >= QUIET:
            heard = asyncio.get_running_loop().time()
            yield Delivery([])
        await asyncio.sleep(NAP)


def parse(payload: list[Told], settings: Settings, context: Context) -> Iterator[Event]:
    """One event for each figure."""
    source = settings.source or settings.name
    for one in payload:
        yield IndicatorReported(
            id=f"{one.code}:{one.place}:{one.period}:{one.turn}", source=source, subject=one.code,
            time=datetime.fromtimestamp(one.moment, UTC), period=one.period, span=one.span, unit=one.unit,
            value=one.value, name=one.name, region=one.region, place=one.place, published=True,
        )  # fmt: skip


FEED = Feed(
    kind="pretend_indicators",
    caption="A simulated district's economic figures, by seed and release calendar",
    open=open,
    parse=parse,
    Settings=Settings,
    nouns=("indicator",),
    interval=2 * QUIET,
    mapped="the `figures` of a table by `seed`, each on its release day as `[indicators.series]` has it; some late, "
    "some put right later.",
    refused="nothing: it is made up here.",
    example='[[feeds]]\nkind = "pretend_indicators"\nname = "figures"\n\n[feeds.figures.sales]\nname = "零售总额"\n'
    'unit = "亿元"\nannual = 1290\nseason = "sales"\n',
)
