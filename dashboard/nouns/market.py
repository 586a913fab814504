"""The market and who watches it: entities and their number, inspections, certificates near their end, food samples.

How many entities there are is told from time to time; between two such words what is registered and cancelled is
counted on. A stock is that of its own place alone: what is told of a place below does not belong into it.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

import msgspec

from dashboard.events import Event
from dashboard.nouns.ledger import Share
from dashboard.nouns.periods import Calendar

MONTHS = 25  # Months of which a stock's last word is kept.
DAYS = 40  # Days of which an inspection's progress is kept.
CHANGES = ("registered", "cancelled", "listed", "unlisted")
ODDITIES = (
    "cancelled_before_registered", "more_found_than_done", "more_put_right_than_found", "ends_before_it_begins",
    "impossible_day", "follow_up_of_unknown_sample", "follow_up_of_passed_sample", "followed_up_before_judged",
)  # fmt: skip
"""What does not fit, by name. It is counted, and bends no other count."""

Group = Literal["entity", "equipment", "licence", "listed"]
Count = Annotated[int, msgspec.Meta(ge=0, le=10**9)]
Day = Annotated[str, msgspec.Meta(pattern=r"^\d{4}-\d{2}-\d{2}$")]


class StockTold(Event, frozen=True, kw_only=True, omit_defaults=True, tag="market.stock"):
    """At ``time`` there were ``count`` of the kind ``subject`` at a place, without those told of places below it.

    ``group`` says of what: market entities by their legal form, special equipment or licences by their category, or
    entities on a list, by the list.
    """

    group: Group
    count: Count
    place: str = ""
    point: tuple[float, float] | None = None
    flaw: str = ""


class EntityRegistered(Event, frozen=True, kw_only=True, omit_defaults=True, tag="market.registered"):
    """The entity ``subject`` of a legal form (``form``) and a ``sector`` was registered at ``time``."""

    form: str = ""
    sector: str = ""
    place: str = ""
    point: tuple[float, float] | None = None
    flaw: str = ""


class EntityCancelled(Event, frozen=True, kw_only=True, omit_defaults=True, tag="market.cancelled"):
    """The entity ``subject`` was cancelled, or its licence revoked, at ``time``."""

    form: str = ""
    why: str = ""
    place: str = ""
    point: tuple[float, float] | None = None
    flaw: str = ""


class EntityListed(Event, frozen=True, kw_only=True, omit_defaults=True, tag="market.listed"):
    """The entity ``subject`` was put on a list (``roll``), such as that of abnormal operations, because of ``why``."""

    roll: str
    why: str = ""
    place: str = ""
    point: tuple[float, float] | None = None
    flaw: str = ""


class EntityUnlisted(Event, frozen=True, kw_only=True, omit_defaults=True, tag="market.unlisted"):
    """The entity ``subject`` was taken off a list (``roll``)."""

    roll: str
    place: str = ""
    point: tuple[float, float] | None = None
    flaw: str = ""


class InspectionTold(Event, frozen=True, kw_only=True, omit_defaults=True, tag="market.inspection"):
    """How far the inspections of a plan (``subject``) are at ``time``: by random choice of who and whom (双随机).

    Of the ``planned`` ones ``done`` are done, ``found`` of them found a problem and ``put_right`` of these are put
    right. ``begins`` and ``ends`` are days; ``joint`` says that several departments go together.
    """

    name: str = ""
    begins: Day
    ends: Day
    planned: Count
    done: Count
    found: Count = 0
    put_right: Count = 0
    joint: bool = False
    place: str = ""
    point: tuple[float, float] | None = None
    flaw: str = ""


class CertificateTold(Event, frozen=True, kw_only=True, omit_defaults=True, tag="market.certificate"):
    """The licence or the inspection of the equipment ``subject`` holds until ``expires``; a renewal tells it again.

    ``gone`` says that it is out of use and needs none any more.
    """

    category: str
    expires: datetime
    name: str = ""
    gone: bool = False
    place: str = ""
    point: tuple[float, float] | None = None
    flaw: str = ""


class FoodSampled(Event, frozen=True, kw_only=True, omit_defaults=True, tag="market.sampled"):
    """The food sample ``subject`` of a ``category`` was judged at ``time``; ``found`` is what it failed for."""

    category: str = ""
    passed: bool
    found: str = ""
    name: str = ""
    place: str = ""
    point: tuple[float, float] | None = None
    flaw: str = ""


class FoodFollowedUp(Event, frozen=True, kw_only=True, omit_defaults=True, tag="market.followed_up"):
    """What followed from the failed food sample ``subject`` was done at ``time``: found, recalled, fined (核查处置)."""

    how: str = ""


# -- what is kept ----------------------------------------------------------------------------------------------


class Stock(msgspec.Struct, array_like=True):
    """How many there were, as it was told last in each month."""

    source: str
    group: str
    kind: str
    place: str
    months: dict[int, tuple[float, str, int]] = {}  # 12 × year + month → moment, id, count.

    @property
    def key(self) -> str:
        """Its name across all sources; a source holds no ``|``."""
        return f"{self.source}|{self.group}|{self.place}|{self.kind}"

    def take(self, moment: float, name: str, count: int, month: int) -> None:
        """Take in a word; the same words in any order end in the same stock."""
        if (moment, name) > self.months.get(month, (0.0, "", 0))[:2]:
            self.months[month] = moment, name, count
            for old in sorted(self.months)[:-MONTHS]:
                del self.months[old]

    def told(self, now: float) -> tuple[float, int] | None:
        """The last word until ``now``: its moment and the count."""
        known = [(at, count) for at, _, count in self.months.values() if at <= now]
        return max(known, default=None)


class Change(msgspec.Struct, array_like=True):
    """An entity was registered, cancelled, listed or unlisted; ``kind`` is its legal form, or the list."""

    what: str
    at: float
    id: str
    kind: str
    more: str  # The sector, or the reason.
    place: str


class Plan(msgspec.Struct, array_like=True):
    """A plan of inspections as it was told last, and how many were done at the end of each of the last days."""

    source: str
    number: str
    at: float = 0.0
    id: str = ""
    name: str = ""
    begins: int = 0  # Days as ``date.toordinal``; 0 for one that no calendar has.
    ends: int = 0
    planned: int = 0
    done: int = 0
    found: int = 0
    put_right: int = 0
    joint: bool = False
    place: str = ""
    days: dict[int, tuple[float, str, int]] = {}

    def take(self, event: InspectionTold, day: int) -> None:
        """Take in how far it is."""
        moment = event.time.timestamp()
        if (moment, event.id) > self.days.get(day, (0.0, "", 0))[:2]:
            self.days[day] = moment, event.id, event.done
            newest = max(self.days)
            self.days = {at: word for at, word in self.days.items() if at > newest - DAYS}
        if (moment, event.id) <= (self.at, self.id):
            return
        self.at, self.id, self.name, self.joint = moment, event.id, event.name, event.joint
        self.begins, self.ends = ordinal(event.begins), ordinal(event.ends)
        self.planned, self.done, self.found = event.planned, event.done, event.found
        self.put_right, self.place = event.put_right, event.place

    @property
    def odd(self) -> str:
        """What does not fit; a plan of which something does not is left out of all sums."""
        if not self.begins or not self.ends:
            return "impossible_day"
        if self.ends < self.begins:
            return "ends_before_it_begins"
        if self.found > self.done:
            return "more_found_than_done"
        return "more_put_right_than_found" if self.put_right > self.found else ""

    def expected(self, today: int) -> float:
        """How many should be done by the end of a day, if each day brought as many."""
        passed = min(1.0, max(0.0, (today - self.begins + 1) / (self.ends - self.begins + 1)))
        return self.planned * passed

    def made(self, day: int) -> int | None:
        """How many were done on a day; None where the day, or the state before it, is not known."""
        before = [at for at in self.days if at < day]
        if day not in self.days:
            return None
        if not before:
            return self.days[day][2] if day == self.begins else None
        return self.days[day][2] - self.days[max(before)][2]


class Certificate(msgspec.Struct, array_like=True):
    """A licence or an inspection with its end, as it was told last."""

    at: float
    id: str
    number: str
    category: str
    expires: float
    name: str
    gone: bool
    place: str


class Sample(msgspec.Struct, array_like=True):
    """A food sample, as it was judged last."""

    at: float
    id: str
    number: str
    category: str
    passed: bool
    found: str
    name: str
    place: str


def ordinal(text: str) -> int:
    """A day as ``date.toordinal``; 0 for one that no calendar has."""
    try:
        return date.fromisoformat(text).toordinal()
    except ValueError:
        return 0


# -- what they add to the counts -------------------------------------------------------------------------------


def shares_of_change(change: Change, calendar: Calendar) -> list[Share]:
    """What a change adds: to its day and month by kind, and to the month by sector or by reason."""
    day, month = calendar.day_and_month(change.at)
    shares: list[Share] = [(change.what, day, change.kind, 1), (change.what, month, change.kind, 1)]
    return [*shares, (f"{change.what} more", month, change.more, 1)]


def shares_of_sample(sample: Sample, calendar: Calendar) -> list[Share]:
    """What a sample adds to its month, by category."""
    _, month = calendar.day_and_month(sample.at)
    shares: list[Share] = [("sampled", month, sample.category, 1)]
    return [*shares, ("passed", month, sample.category, 1)] if sample.passed else shares
