"""Government service: cases with their limits, queues in the halls, ratings and how bad ones are put right.

A case is on time when it is finished within the limit that was promised; a promise never reaches beyond the limit of
the law. A rating has five levels, the lowest two are bad, and a bad one is to be put right within some working days.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec

from dashboard.events import Event
from dashboard.nouns.ledger import NOW, Share
from dashboard.nouns.noun import Rules
from dashboard.nouns.periods import Calendar

SLOT = 900  # Seconds; of each slot a hall's last word on its queue is kept.
SLOTS = 192  # Two days.
WORDS = 8  # Finishings of a case, and redresses of a rating, that are remembered.
BAD = 2  # Stars up to which a rating is bad.
ODDITIES = (
    "finished_unknown_case", "finished_before_accepted", "promised_after_legal", "unknown_hall",
    "redress_of_unknown_rating", "redress_of_good_rating", "redressed_before_rated", "mean_without_number",
    "impossible_day", "more_kept_than_due",
)  # fmt: skip
"""What does not fit, by name. It is counted, and bends no other count."""

Count = Annotated[int, msgspec.Meta(ge=0, le=10**9)]
Days = Annotated[float, msgspec.Meta(ge=0, le=4000)]
Minutes = Annotated[float, msgspec.Meta(ge=0, le=100_000)]


class CaseAccepted(Event, frozen=True, kw_only=True, omit_defaults=True, tag="service.case_accepted"):
    """The case ``subject`` was accepted at ``time``.

    ``promised`` and ``legal`` are until when it is to be finished, by promise and by law; where they are not given
    they are counted from ``time`` by ``promised_days`` and ``legal_days``, in working days of the city. ``channel`` is
    the city's word for a hall's counter, a website, a kiosk or an app.
    """

    item: str = ""
    channel: str = ""
    hall: str = ""
    promised: datetime | None = None
    legal: datetime | None = None
    promised_days: Days | None = None
    legal_days: Days | None = None
    place: str = ""
    point: tuple[float, float] | None = None
    flaw: str = ""


class CaseFinished(Event, frozen=True, kw_only=True, omit_defaults=True, tag="service.case_finished"):
    """The case ``subject`` was finished at ``time``, with whatever answer."""


class Rated(Event, frozen=True, kw_only=True, omit_defaults=True, tag="service.rated"):
    """The rating ``subject`` was given at ``time``: five ``stars`` are the best, one is the worst."""

    stars: Annotated[int, msgspec.Meta(ge=1, le=5)]
    about: str = ""
    item: str = ""
    channel: str = ""
    hall: str = ""
    place: str = ""
    point: tuple[float, float] | None = None
    flaw: str = ""


class Redressed(Event, frozen=True, kw_only=True, omit_defaults=True, tag="service.redressed"):
    """What the bad rating ``subject`` complained of was put right at ``time``, as the caller was told."""

    how: str = ""


class QueueSeen(Event, frozen=True, kw_only=True, omit_defaults=True, tag="service.queue"):
    """The queue of the hall ``subject`` at ``time``.

    ``waiting`` people stand before ``windows`` open windows, the first of them for ``longest`` minutes. Today's
    ``called`` have waited for ``mean`` minutes.
    """

    waiting: Count
    windows: Count | None = None
    longest: Minutes | None = None
    mean: Minutes | None = None
    called: Count | None = None
    place: str = ""
    point: tuple[float, float] | None = None
    flaw: str = ""


class DayReported(Event, frozen=True, kw_only=True, omit_defaults=True, tag="service.day"):
    """What a hall (``subject``) whose single cases nobody sends says of a ``day`` (as 2026-11-21), for one channel.

    Cases that are told one by one do not belong into it. ``due`` are those whose limit ended that day or that were
    finished earlier that day, ``kept`` those of them that were finished in time.
    """

    day: Annotated[str, msgspec.Meta(pattern=r"^\d{4}-\d{2}-\d{2}$")]
    channel: str = ""
    accepted: Count = 0
    finished: Count = 0
    due: Count = 0
    kept: Count = 0
    stars5: Count = 0
    stars4: Count = 0
    stars3: Count = 0
    stars2: Count = 0
    stars1: Count = 0
    place: str = ""
    point: tuple[float, float] | None = None
    flaw: str = ""


# -- what is kept ----------------------------------------------------------------------------------------------

Word = tuple[float, str]  # The moment and the id of an event.


def heard(words: list[Word], word: Word) -> list[Word]:
    """Words with one more, in the order of their moments; of more than ``WORDS`` the latest."""
    return words if word in words else sorted([*words, word])[-WORDS:]


def first_from(words: list[Word], moment: float) -> float | None:
    """The moment of the first word at or after ``moment``."""
    return next((at for at, _ in words if at >= moment), None)


class Case(msgspec.Struct, array_like=True):
    """A case, as its earliest acceptance has it; ``accepted`` is 0 while nobody has told of one."""

    source: str
    number: str
    accepted: float = 0.0
    id: str = ""
    item: str = ""
    channel: str = ""
    hall: str = ""
    place: str = ""
    promised: float | None = None
    legal: float | None = None
    finishes: list[Word] = []

    @property
    def key(self) -> str:
        """Its name across all sources; a source holds no ``|``."""
        return f"{self.source}|{self.number}"

    def take(self, event: CaseAccepted, rules: Rules) -> None:
        """Take in an acceptance."""
        moment = event.time.timestamp()
        if self.id and (moment, event.id) >= (self.accepted, self.id):
            return
        self.accepted, self.id = moment, event.id
        self.item, self.channel, self.hall = event.item, event.channel, event.hall
        self.place = place_of(event.place, event.hall, rules)
        self.promised = _until(event.promised, event.promised_days, moment, rules)
        self.legal = _until(event.legal, event.legal_days, moment, rules)

    @property
    def finished(self) -> float | None:
        """When it was finished; a finishing before the acceptance is none."""
        return first_from(self.finishes, self.accepted) if self.id else None

    @property
    def due(self) -> float | None:
        """Until when it is to be finished: as promised, and never later than the law allows."""
        return min((at for at in (self.promised, self.legal) if at is not None), default=None)

    @property
    def latest(self) -> float:
        """The last moment that counts it in any period."""
        return max(self.accepted, self.due or 0.0, self.legal or 0.0, self.finishes[-1][0] if self.finishes else 0.0)


def place_of(place: str, hall: str, rules: Rules) -> str:
    """Where a thing is counted: at its own place, or at its hall's, as the city file has it."""
    return place or (rules.service.halls.get(hall, "") if hall else "")


def _until(moment: datetime | None, days: float | None, start: float, rules: Rules) -> float | None:
    if moment is not None:
        return moment.timestamp()
    return None if days is None else rules.calendar.after(start, days, "work_day")


class Rating(msgspec.Struct, array_like=True):
    """A rating, as it was given last; ``stars`` are 0 while nobody has told of one."""

    source: str
    number: str
    at: float = 0.0
    id: str = ""
    stars: int = 0
    about: str = ""
    item: str = ""
    channel: str = ""
    hall: str = ""
    place: str = ""
    redresses: list[Word] = []
    due: float = 0.0

    @property
    def key(self) -> str:
        """Its name across all sources; a source holds no ``|``."""
        return f"{self.source}|{self.number}"

    def take(self, event: Rated, rules: Rules) -> None:
        """Take in what was rated."""
        moment = event.time.timestamp()
        if (moment, event.id) <= (self.at, self.id):
            return
        self.at, self.id, self.stars, self.about = moment, event.id, event.stars, event.about
        self.item, self.channel, self.hall = event.item, event.channel, event.hall
        self.place = place_of(event.place, event.hall, rules)
        self.due = rules.calendar.after(moment, rules.service.redress_days, "work_day") if self.bad else 0.0

    @property
    def bad(self) -> bool:
        """Whether it is one of the two lowest."""
        return 0 < self.stars <= BAD

    @property
    def redressed(self) -> float | None:
        """When it was put right, if it was bad."""
        return first_from(self.redresses, self.at) if self.bad else None


class Queue(msgspec.Struct, array_like=True):
    """A hall's queue, as it was seen last, and how many waited in the slots of the last two days."""

    source: str
    hall: str
    at: float = 0.0
    id: str = ""
    waiting: int = 0
    windows: int | None = None
    longest: float | None = None
    mean: float | None = None
    called: int | None = None
    place: str = ""
    slots: dict[int, tuple[float, str, int]] = {}

    def take(self, event: QueueSeen, rules: Rules) -> None:
        """Take in what was seen; the same in any order, any number of times, ends in the same queue."""
        moment = event.time.timestamp()
        number, newest = int(moment // SLOT), int(self.at // SLOT)
        if number > newest - SLOTS and (moment, event.id) > self.slots.get(number, (0.0, "", 0))[:2]:
            self.slots[number] = moment, event.id, event.waiting
        if (moment, event.id) > (self.at, self.id):
            self.at, self.id, self.waiting, self.windows = moment, event.id, event.waiting, event.windows
            self.longest, self.mean, self.called = event.longest, event.mean, event.called
            self.place = place_of(event.place, event.subject, rules)
            if number > newest:
                self.slots = {at: slot for at, slot in self.slots.items() if at > number - SLOTS}

    def set_back(self, now: float) -> None:
        """Hold what was seen after ``now`` to be of now: it was stamped by a clock that ran ahead."""
        self.at, last = min(self.at, now), int(now // SLOT)
        self.slots = {at: (min(slot[0], now), *slot[1:]) for at, slot in self.slots.items() if at <= last}


class Report(msgspec.Struct, array_like=True):
    """A hall's word on a day, as it was said last."""

    at: float
    id: str
    day: int  # As ``date.toordinal``; 0 for a day that no calendar has.
    month: int
    hall: str
    channel: str
    place: str
    counts: list[int]  # Accepted, finished, due, kept.
    stars: list[int]  # From one to five.


# -- what they add to the counts -------------------------------------------------------------------------------


def _counted(kind: str, periods: tuple[int, ...], hall: str = "", n: int = 1) -> list[Share]:
    """A count of days and months, once for the place and once for the hall."""
    return [(name, period, who, n) for period in periods for name, who in ((kind, ""), (f"hall {kind}", hall))]


def hour_of(moment: float, calendar: Calendar) -> int:
    """The local hour of a moment."""
    return datetime.fromtimestamp(moment, calendar.zone).hour


def _unknown(hall: str, rules: Rules) -> list[Share]:
    strange = bool(hall and rules.service.halls and hall not in rules.service.halls)
    return [("odd", NOW, "unknown_hall", 1)] if strange else []


def shares_of_case(case: Case, calendar: Calendar, rules: Rules, *, late: bool, over: bool) -> list[Share]:
    """What a case adds; it is ``late`` when it is open beyond its promise, and ``over`` when beyond the law.

    It is due in the period in which it was finished or, where that is earlier, in which its limit ended.
    """
    if not case.id:
        return [("odd", NOW, "finished_unknown_case", 1)]

    def periods(moment: float) -> tuple[int, ...]:
        return calendar.day_and_month(moment)

    finished, due, hall = case.finished, case.due, case.hall
    day, month = when = periods(case.accepted)
    shares = _counted("accepted", when, hall)
    for period in when:
        shares += [("channel", period, case.channel, 1), ("item", period, case.item, 1)]
    shares.append(("hour", day, str(hour_of(case.accepted, calendar)), 1))
    if case.promised is not None and case.legal is not None:
        for name, moment in (("promised", due or 0.0), ("legal", case.legal)):
            worked = rules.calendar.used(case.accepted, moment, "work_day")
            shares.append((f"{name} days", month, "", round(100 * worked)))
    if finished is None:
        shares += [("open", NOW, "", 1), ("hall open", NOW, hall, 1)]
        shares += [("late", NOW, "", 1), ("hall late", NOW, hall, 1)] if late else []
        shares += [("over", NOW, "", 1)] if over else []
    else:
        when = periods(finished)
        shares += _counted("finished", when, hall)
        shares += _counted("same_day", when, hall) if when[0] == day else []
    if due is not None and (late or finished is not None):
        kept = finished is not None and finished <= due
        when = periods(min(due, due if finished is None else finished))
        shares += _counted("due", when, hall) + (_counted("kept", when, hall) if kept else [])
        shares.append(("item due", when[1], case.item, 1))
        shares.append(("item kept", when[1], case.item, int(kept)))
    if case.legal is not None and (over or finished is not None):
        when = periods(min(case.legal, case.legal if finished is None else finished))
        shares += [("legal due", period, "", 1) for period in when]
        shares += [("legal kept", period, "", 1) for period in when if finished is not None and finished <= case.legal]
    if any(moment < case.accepted for moment, _ in case.finishes):
        shares.append(("odd", NOW, "finished_before_accepted", 1))
    if case.promised is not None and case.legal is not None and case.promised > case.legal:
        shares.append(("odd", NOW, "promised_after_legal", 1))
    return shares + _unknown(hall, rules)


def shares_of_rating(rating: Rating, calendar: Calendar, rules: Rules, *, late: bool) -> list[Share]:
    """What a rating adds; it is ``late`` when it is bad, and the time for its redress has passed without one."""
    if not rating.stars:
        return [("odd", NOW, "redress_of_unknown_rating", 1)]
    when = calendar.day_and_month(rating.at)
    shares = _counted("rated", when, rating.hall)
    shares += [("stars", period, str(rating.stars), 1) for period in when]
    if rating.bad:
        shares += _counted("bad", when, rating.hall)
        shares.append(("item bad", when[1], rating.item, 1))
        done = rating.redressed
        if done is None:
            shares += [("bad open", NOW, "", 1), ("hall bad open", NOW, rating.hall, 1)]
            shares += [("bad late", NOW, "", 1)] if late else []
        if done is not None or late:
            when = calendar.day_and_month(min(rating.due, rating.due if done is None else done))
            kept = done is not None and done <= rating.due
            shares += [("redress due", period, "", 1) for period in when]
            shares += [("redress kept", period, "", int(kept)) for period in when]
    if rating.redresses and not rating.bad:
        shares.append(("odd", NOW, "redress_of_good_rating", 1))
    elif any(moment < rating.at for moment, _ in rating.redresses):
        shares.append(("odd", NOW, "redressed_before_rated", 1))
    return shares + _unknown(rating.hall, rules)


def shares_of_report(report: Report, rules: Rules) -> list[Share]:
    """What a hall's word on a day adds."""
    odd = _unknown(report.hall, rules)
    accepted, finished, due, kept = report.counts
    if not report.day or kept > due:
        return [*odd, ("odd", NOW, "more_kept_than_due" if report.day else "impossible_day", 1)]
    when, shares = (report.day, report.month), odd
    for name, n in (("accepted", accepted), ("finished", finished), ("due", due), ("kept", kept)):
        shares = shares + _counted(name, when, report.hall, n)
    shares += [("channel", period, report.channel, accepted) for period in when]
    shares += _counted("rated", when, report.hall, sum(report.stars))
    shares += _counted("bad", when, report.hall, sum(report.stars[:BAD]))
    shares += [("stars", period, str(at), n) for period in when for at, n in enumerate(report.stars, 1)]
    return [*shares, ("untimed", report.day, "", accepted + finished)]


def shares_of_queue(queue: Queue, rules: Rules) -> list[Share]:
    """What a queue adds: nothing but what is odd about it, as its numbers are those of the moment."""
    odd = _unknown(queue.hall, rules)
    return [*odd, ("odd", NOW, "mean_without_number", 1)] if queue.mean is not None and not queue.called else odd
