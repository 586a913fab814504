"""The service's slice of the board: cases, ratings, queues and reports, and what they count at each place."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from heapq import heapify, heappop, heappush
from typing import Any

import msgspec

from dashboard.events import Event
from dashboard.nouns.ledger import Ledger, Share
from dashboard.nouns.noun import Rules, SetBack
from dashboard.nouns.oddities import Oddities
from dashboard.nouns.periods import Calendar, Window
from dashboard.nouns.service import (
    Case,
    CaseAccepted,
    CaseFinished,
    DayReported,
    Queue,
    QueueSeen,
    Rated,
    Rating,
    Redressed,
    Report,
    heard,
    shares_of_case,
    shares_of_queue,
    shares_of_rating,
    shares_of_report,
)

LONGEST = 21  # Days within which the working day before is looked for: more than any holidays with their weekends.
COMPARED = (LONGEST + 2) * 86400.0  # Seconds for which the moments of cases are kept, to compare with that day's.


class Service:
    """All that is known of the city's service. Cases and ratings are kept for two months after they were settled."""

    def __init__(self, rules: Rules) -> None:
        self.rules, self.calendar, self._time = rules, Calendar(rules.zone), SetBack()
        self._clear()

    def _clear(self) -> None:
        self.cases: dict[str, Case] = {}
        self.ratings: dict[str, Rating] = {}
        self.queues: dict[str, Queue] = {}
        self.reports: dict[str, Report] = {}
        self.ledger = Ledger(self.rules.places)
        self.oddities = Oddities()
        self.late: set[str] = set()  # Cases that are open beyond what was promised …
        self.over: set[str] = set()  # … and beyond the law.
        self.bad: set[str] = set()  # Bad ratings that are not put right …
        self.bad_late: set[str] = set()  # … and should be.
        self.windows: dict[tuple[str, str], Window] = {}
        self._turns: list[tuple[float, str, str]] = []  # When a case or a rating becomes late.
        self._day, self._since = 0, 0.0

    # -- events --------------------------------------------------------------------------------------------------

    def fold(self, event: Event) -> None:
        """Take in one event of the service."""
        match event:
            case CaseAccepted():
                self._change_case(event, lambda case: case.take(event, self.rules))
            case CaseFinished():
                word = event.time.timestamp(), event.id
                self._change_case(event, lambda case: setattr(case, "finishes", heard(case.finishes, word)))
            case Rated():
                self._change_rating(event, lambda rating: rating.take(event, self.rules))
            case Redressed():
                word = event.time.timestamp(), event.id
                self._change_rating(event, lambda rating: setattr(rating, "redresses", heard(rating.redresses, word)))
            case QueueSeen():
                self._see(self._time.held(event))
            case DayReported():
                self._report(event)

    def _add(self, key: str, place: str, shares: list[Share], sign: int = 1) -> None:
        """Count what a record adds, and remember it among the oddities where something of it does not fit."""
        self.ledger.add(place, shares, sign)
        source, _, number = key.partition("|")
        self.oddities.add(source, number, [name for kind, _, name, _ in shares if kind == "odd"], sign)

    def _change_case(self, event: Event, change: Callable[[Case], None]) -> None:
        key = key_of(event)
        case = self.cases.get(key)
        if case is None:
            case = self.cases[key] = Case(event.source, event.subject)
        else:
            self._count_case(key, case, -1)
        change(case)
        self._judge_case(key, case)
        self._count_case(key, case, 1)

    def _judge_case(self, key: str, case: Case) -> None:
        """Say whether a case is late, and remember when it will be."""
        is_open, now = bool(case.id) and case.finished is None, self._time.now
        for kind, late, moment in (("case", self.late, case.due), ("law", self.over, case.legal)):
            late.discard(key)
            if is_open and moment is not None:
                if moment <= now:
                    late.add(key)
                else:
                    heappush(self._turns, (moment, kind, key))

    def _count_case(self, key: str, case: Case, sign: int) -> None:
        late, over = key in self.late, key in self.over
        shares = shares_of_case(case, self.calendar, self.rules, late=late, over=over)
        self._add(key, case.place, shares, sign)
        self._moments(case, sign)

    def _window(self, place: str, name: str, moment: float, sign: int) -> None:
        if moment < self._since:
            return
        for code in self.rules.places.path(place):
            window = self.windows.get((code, name))
            if window is None:
                window = self.windows[code, name] = Window()
            window.count(moment, sign)

    def _change_rating(self, event: Event, change: Callable[[Rating], None]) -> None:
        key = key_of(event)
        rating = self.ratings.get(key)
        if rating is None:
            rating = self.ratings[key] = Rating(event.source, event.subject)
        else:
            self._count_rating(key, rating, -1)
        change(rating)
        self._judge_rating(key, rating)
        self._count_rating(key, rating, 1)

    def _judge_rating(self, key: str, rating: Rating) -> None:
        self.bad.discard(key)
        self.bad_late.discard(key)
        if rating.bad and rating.redressed is None:
            self.bad.add(key)
            if rating.due <= self._time.now:
                self.bad_late.add(key)
            else:
                heappush(self._turns, (rating.due, "rating", key))

    def _count_rating(self, key: str, rating: Rating, sign: int) -> None:
        shares = shares_of_rating(rating, self.calendar, self.rules, late=key in self.bad_late)
        self._add(key, rating.place, shares, sign)

    def _see(self, event: QueueSeen) -> None:
        key = key_of(event)
        queue = self.queues.get(key)
        if queue is None:
            queue = self.queues[key] = Queue(event.source, event.subject)
        else:
            self._add(key, queue.place, shares_of_queue(queue, self.rules), -1)
        queue.take(event, self.rules)
        self._add(key, queue.place, shares_of_queue(queue, self.rules))

    def _report(self, event: DayReported) -> None:
        key = f"{key_of(event)}|{event.channel}|{event.day}"
        known, moment = self.reports.get(key), event.time.timestamp()
        if known is not None:
            if (moment, event.id) <= (known.at, known.id):
                return
            self._add(key, known.place, shares_of_report(known, self.rules), -1)
        day = month = 0
        try:
            found = date.fromisoformat(event.day)
            day, month = found.toordinal(), 12 * found.year + found.month - 1
        except ValueError:
            pass
        place = event.place or self.rules.service.halls.get(event.subject, "")
        counts = [event.accepted, event.finished, event.due, event.kept]
        stars = [event.stars1, event.stars2, event.stars3, event.stars4, event.stars5]
        report = Report(moment, event.id, day, month, event.subject, event.channel, place, counts, stars)
        self.reports[key] = report
        self._add(key, place, shares_of_report(report, self.rules))

    # -- time ----------------------------------------------------------------------------------------------------

    def advance(self, now: float) -> None:
        """Let it be ``now``: what has passed its limit is late, and what no view asks for is forgotten."""
        if self._time.to(now):
            for queue in self.queues.values():
                queue.set_back(now)
            self.load(self.dump())
        while self._turns and self._turns[0][0] <= now:
            _, kind, key = heappop(self._turns)
            record = self.ratings.get(key) if kind == "rating" else self.cases.get(key)
            if record is not None:
                self._again(record, key)
        day = self.calendar.day_and_month(now)[0]
        if day != self._day:
            self._day = day
            self._forget(now)

    def _moments(self, case: Case, sign: int) -> None:
        for name, moment in (("accepted", case.accepted), ("finished", case.finished)):
            if moment and case.id:
                self._window(case.place, name, moment, sign)

    def _again(self, record: Case | Rating, key: str) -> None:
        """Judge a record anew."""
        if isinstance(record, Case):
            self._count_case(key, record, -1)
            self._judge_case(key, record)
            self._count_case(key, record, 1)
        else:
            self._count_rating(key, record, -1)
            self._judge_rating(key, record)
            self._count_rating(key, record, 1)

    def _forget(self, now: float) -> None:
        """Drop what was settled before the month before last, and the moments that are too old to be compared with."""
        horizon = self.calendar.month_begin(self.calendar.month_begin(now) - 1)
        horizon = self.calendar.month_begin(horizon - 1)
        first = self.calendar.day_and_month(horizon)
        for key in [key for key, case in self.cases.items() if case.finished is not None and case.latest < horizon]:
            self._count_case(key, self.cases[key], -1)
            del self.cases[key]
        for key in [k for k, one in self.ratings.items() if k not in self.bad and _settled(one) < horizon]:
            self._count_rating(key, self.ratings[key], -1)
            del self.ratings[key]
        for key in [key for key, report in self.reports.items() if report.day and report.day < first[0]]:
            self._add(key, self.reports[key].place, shares_of_report(self.reports[key], self.rules), -1)
            del self.reports[key]
        self.ledger.forget(*first)
        self._since = self.calendar.midnight(now - COMPARED)
        for window in self.windows.values():
            window.forget_before(self._since)

    # -- what views ask for --------------------------------------------------------------------------------------

    def below(self, place: str, keys: set[str], records: dict[str, Any]) -> Iterator[Any]:
        """Those of some records that lie at or below a place, by key."""
        for key in sorted(keys):
            if place in self.rules.places.path(records[key].place):
                yield records[key]

    def count(self, place: str, name: str, start: float, end: float) -> int:
        """How many cases were ``accepted`` or ``finished`` between two moments of the last days."""
        window = self.windows.get((place, name))
        return window.between(start, end) if window is not None else 0

    def like(self, now: float) -> date:
        """The day to compare today with: the working day before, whatever holidays lie between, or for a day off the
        same day a week ago.
        """
        today = date.fromordinal(self.calendar.day_and_month(now)[0])
        calendar = self.rules.calendar
        if calendar.is_workday(today.toordinal()):
            for back in range(1, LONGEST + 1):
                if calendar.is_workday(today.toordinal() - back):
                    return today - timedelta(days=back)
        return today - timedelta(days=7)

    # -- a snapshot ----------------------------------------------------------------------------------------------

    def dump(self) -> object:
        """Cases, ratings, queues and reports."""
        return [list(self.cases.values()), list(self.ratings.values()), list(self.queues.values()), self.reports]

    def load(self, dumped: object) -> None:
        """Take them back, and count them anew."""
        self._clear()
        cases, ratings, queues, self.reports = msgspec.convert(
            dumped, tuple[list[Case], list[Rating], list[Queue], dict[str, Report]]
        )
        for case in cases:
            self.cases[case.key] = case
            self._judge_case(case.key, case)
            self._count_case(case.key, case, 1)
        for rating in ratings:
            self.ratings[rating.key] = rating
            self._judge_rating(rating.key, rating)
            self._count_rating(rating.key, rating, 1)
        for queue in queues:
            key = f"{queue.source}|{queue.hall}"
            self.queues[key] = queue
            self._add(key, queue.place, shares_of_queue(queue, self.rules))
        for key, report in self.reports.items():
            self._add(key, report.place, shares_of_report(report, self.rules))
        heapify(self._turns)


def key_of(event: Event) -> str:
    """A record's name across all sources; a source holds no ``|``."""
    return f"{event.source}|{event.subject}"


def _settled(rating: Rating) -> float:
    return max(rating.at, rating.due, rating.redresses[-1][0] if rating.redresses else 0.0)
