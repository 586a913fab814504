"""Limits and what follows from them: how much is used, when a ticket is due, and when its lights turn.

A handling clock runs in spans: from dispatch on, not while the ticket is suspended or returned, and no longer
once the handling is done. All here is a function of those spans, of the limit and of the city's calendar, so
the same life gives the same deadline on any machine, at any time, in any order of arrival.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import NamedTuple

from dashboard.nouns.worktime import ClockKind, WorkCalendar
from dashboard.words import Words

LONGEST = {"urgent_hour": 87600.0, "work_hour": 87600.0, "work_day": 3660.0, "natural_day": 3660.0}  # Ten years.

UNITS: dict[ClockKind, Words] = {
    "urgent_hour": Words("紧急工作时", "urgent hours"),
    "work_hour": Words("工作时", "working hours"),
    "work_day": Words("工作日", "working days"),
    "natural_day": Words("自然日", "days"),
}
_NAMES: dict[ClockKind, str] = {
    "urgent_hour": "紧急工作时 紧急工作小时 紧急小时 小时 时 h hour hours urgent_hour urgent_hours",
    "work_hour": "工作时 工作小时 work_hour work_hours working_hour working_hours business_hour business_hours",
    "work_day": "工作日 工作天 work_day work_days working_day working_days workday workdays business_day business_days",
    "natural_day": "自然日 自然天 日历天 日 天 d day days natural_day natural_days calendar_day calendar_days",
}
_CLOCK_OF = {name: clock for clock, names in _NAMES.items() for name in names.split()}
MINUTES = ("分钟", "min", "minute", "minutes")
_AMOUNT = re.compile(r"([-+]?[0-9]+(?:\.[0-9]+)?)\s*个?\s*(.*)", re.DOTALL)


class LimitError(ValueError):
    """A limit that cannot be meant; the text says why and what would be right."""


@dataclass(frozen=True)
class Limit:
    """How much of which clock a matter may take: hours or days, as the clock counts.

    Raises:
        LimitError: if that is nothing, or less than nothing.
    """

    amount: float
    clock: ClockKind = "urgent_hour"

    def __post_init__(self) -> None:
        if not isfinite(self.amount) or self.amount <= 0:
            raise LimitError(f"a limit of {self.amount:g} {UNITS[self.clock].en} leaves no time; give more than zero")

    @property
    def words(self) -> Words:
        """The limit as people read it."""
        zh, en = UNITS[self.clock].zh, UNITS[self.clock].en
        return Words(f"{self.amount:g}{zh}", f"{self.amount:g} {en[:-1] if self.amount == 1 else en}")

    def extended(self, times: int) -> Limit:
        """The limit after ``times`` extensions, each of one original limit."""
        return Limit(self.amount * (1 + times), self.clock) if times else self

    def in_emergency(self) -> Limit:
        """The same amount by a clock that does not stop at night or on holidays."""
        clock: dict[ClockKind, ClockKind] = {"work_hour": "urgent_hour", "work_day": "natural_day"}
        return Limit(self.amount, clock.get(self.clock, self.clock))


def parse_clock(text: str) -> ClockKind:
    """The clock that ``text`` names, in Chinese or English.

    >>> parse_clock("工作日"), parse_clock("working hours")
    ('work_day', 'work_hour')

    Raises:
        LimitError: if it names none.
    """
    name = re.sub(r"[\s_-]+", "_", unicodedata.normalize("NFKC", text).strip().lower())
    if name not in _CLOCK_OF:
        known = ", ".join(f"{words.zh} ({words.en})" for words in UNITS.values())
        raise LimitError(f"{text.strip()!r} is no clock; the clocks are {known}")
    return _CLOCK_OF[name]


def parse_limit(text: str, clock: str = "") -> Limit:
    """The limit that ``text`` names; ``clock``, where given, is what a column of its own says of its type.

    >>> parse_limit("2紧急工作时")
    Limit(amount=2.0, clock='urgent_hour')
    >>> parse_limit("5", "working days").words.zh
    '5工作日'

    Raises:
        LimitError: if it cannot be read, is zero or below or over ten years, or text and type disagree.
    """
    found = _AMOUNT.fullmatch(unicodedata.normalize("NFKC", text).strip())
    if found is not None and not clock.strip() and found[2].lower() in MINUTES:
        return _sane(Limit(float(found[1]) / 60))
    if found is None:
        raise LimitError(f"{text!r} is no limit; write a number and a clock, such as 2紧急工作时 or 5 working days")
    said = parse_clock(clock) if clock.strip() else None
    if not found[2]:
        if said is None:
            raise LimitError(f"{text!r} does not say of what; write for instance {found[1]}工作时")
        return _sane(Limit(float(found[1]), said))
    kind = parse_clock(found[2])
    if said is not None and said != kind:
        raise LimitError(
            f"the text {text!r} means {UNITS[kind].zh} ({UNITS[kind].en}), but its type says {clock.strip()!r}; "
            "make the two agree"
        )
    return _sane(Limit(float(found[1]), kind))


def _sane(limit: Limit) -> Limit:
    if limit.amount > LONGEST[limit.clock]:
        raise LimitError(f"a limit of {limit.words.en} is over ten years; is it a date?")
    return limit


@dataclass(frozen=True)
class Limits:
    """A city's limits: by category and filing condition, else by category, else one for all.

    ``urgent`` is what an urgent ticket gets whatever its category says. Without it, its limit runs nights and
    holidays too. A ``complete`` table means to name every category there is.
    """

    exact: Mapping[tuple[str, str], Limit] = field(default_factory=dict)
    categories: Mapping[str, Limit] = field(default_factory=dict)
    default: Limit | None = None
    urgent: Limit | None = None
    complete: bool = False
    _conditions: Mapping[str, frozenset[str]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        found: dict[str, set[str]] = {category: set() for category in self.categories}
        for category, condition in self.exact:
            found.setdefault(category, set()).add(condition)
        object.__setattr__(self, "_conditions", {name: frozenset(some) for name, some in found.items()})

    def of(self, category: str, condition: str = "", *, urgent: bool = False) -> Limit | None:
        """The limit of a matter; None where the city sets none."""
        if urgent and self.urgent is not None:
            return self.urgent
        limit = self.exact.get((category, condition)) or self.categories.get(category, self.default)
        return limit.in_emergency() if urgent and limit is not None else limit

    def flaw(self, category: str, condition: str = "") -> str:
        """Why the table does not know this pair: ``unknown_category``, ``unknown_condition``, or nothing.

        A table that is not complete leaves open what else there is.
        """
        if not self.complete:
            return ""
        if category not in self._conditions:
            return "unknown_category"
        return "unknown_condition" if condition and condition not in self._conditions[category] else ""


# -- running time ------------------------------------------------------------------------------------------

Span = tuple[float, float | None]  # From when to when a clock ran; None: it still runs. In order, not overlapping.


def used(spans: Sequence[Span], until: float, calendar: WorkCalendar, clock: ClockKind) -> float:
    """How much of ``clock`` has passed in ``spans`` up to the moment ``until``."""
    return sum(calendar.used(start, until if end is None else min(end, until), clock) for start, end in spans)


def reached(spans: Sequence[Span], amount: float, calendar: WorkCalendar, clock: ClockKind) -> float | None:
    """The moment at which ``amount`` of the clock has passed in ``spans``; None while a pause keeps it from coming."""
    left = amount
    for start, end in spans:
        moment = calendar.after(start, left, clock)
        if end is None or moment <= end:
            return moment
        left -= calendar.used(start, end, clock)
    return None


class Turns(NamedTuple):
    """After which moments a light is yellow, red and purple; None where the clock stands before."""

    soon: float | None
    overdue: float | None
    worst: float | None


def turns(
    spans: Sequence[Span], limit: Limit, calendar: WorkCalendar, soon_share: float = 0.3, worst_multiple: float = 1.0
) -> Turns:
    """When lights turn: as the last ``soon_share`` of the limit begins, at its end, ``worst_multiple`` limits later."""
    amounts = (limit.amount * (1 - soon_share), limit.amount, limit.amount * (1 + worst_multiple))
    return Turns(*(reached(spans, amount, calendar, limit.clock) for amount in amounts))
