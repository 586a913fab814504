"""Data sharing: the catalogue of who holds what, requests for it, the calls of its APIs, and what of it is broken.

An entry is on time while it was updated within its own cycle, and broken once it is late by several of them or its
source says so; an API is broken while most of its calls fail. A source that contradicts itself is not counted.
"""

from __future__ import annotations

from datetime import datetime
from math import inf
from typing import Annotated, Any, Literal, NamedTuple

import msgspec

from dashboard.events import Contradiction, Event
from dashboard.nouns.noun import Rules, SetBack
from dashboard.nouns.periods import Calendar
from dashboard.nouns.standing import Standing

FINEST = 300  # Seconds: spans begin on a multiple of it, so that a day has a bounded number of them.
KEPT = 3 * 86400.0  # Seconds of spans that are kept of an API, up to its latest one.
HOUR = 3600.0
Count = Annotated[int, msgspec.Meta(ge=0, le=10**15)]


class CatalogueEntry(Event, frozen=True, kw_only=True, omit_defaults=True, tag="catalogue.entry"):
    """An entry (``subject``) of the catalogue as its ``department`` keeps it at ``time``.

    ``cycle`` is the hours within which it is to be updated (none: whenever there is something), ``updated`` when it
    last was. ``state`` says what its keeper says; ``since`` and ``reason`` go with ``broken``. An entry that is
    ``linked`` has its data behind it and not only its description.
    """

    of_the_city = True

    name: str
    department: str
    cycle: Annotated[float, msgspec.Meta(gt=0, le=87_600)] | None = None
    updated: datetime | None = None
    state: Literal["open", "broken", "withdrawn"] = "open"
    since: datetime | None = None
    reason: str = ""
    linked: bool = True
    place: str = ""
    point: tuple[float, float] | None = None
    flaw: str = ""

    def contradiction(self) -> Contradiction | None:
        """It cannot have been updated, or have broken, after it was said to be so."""
        return _ahead(self.time, updated=self.updated, since=self.since)


class DataRequest(Event, frozen=True, kw_only=True, omit_defaults=True, tag="data.request"):
    """A request (``subject``) for data as it stands at ``time``: ``department`` asked ``owner`` for ``entry``.

    ``due`` is until when it is to be answered, where its source says so.
    """

    of_the_city = True

    asked: datetime
    department: str
    owner: str
    entry: str = ""
    state: Literal["pending", "granted", "refused"] = "pending"
    decided: datetime | None = None
    due: datetime | None = None
    reason: str = ""
    place: str = ""
    point: tuple[float, float] | None = None
    flaw: str = ""

    def contradiction(self) -> Contradiction | None:
        """It is answered after it was asked, and what is pending has no answer."""
        if self.decided is not None and self.decided < self.asked:
            return "decided_before_asked", f"decided {self.decided.isoformat()}, asked {self.asked.isoformat()}"
        if self.decided is not None and self.state == "pending":
            return "decided_and_pending", f"decided {self.decided.isoformat()}, and still pending"
        if self.due is not None and self.due < self.asked:
            return "due_before_asked", f"due {self.due.isoformat()}, asked {self.asked.isoformat()}"
        return _ahead(self.time, asked=self.asked, decided=self.decided)


class ApiCalls(Event, frozen=True, kw_only=True, omit_defaults=True, tag="api.calls"):
    """How often an API (``subject``) was called, as counted at ``time``, in a span that began at ``since``.

    A later count of the same span takes the place of the earlier one. Spans are told by the hour, or finer down to
    five minutes, and do not overlap. ``records`` is how many records were handed out.
    """

    of_the_city = True

    since: datetime
    calls: Count
    failures: Count = 0
    records: Count = 0
    name: str = ""
    department: str = ""
    place: str = ""
    point: tuple[float, float] | None = None
    flaw: str = ""

    def contradiction(self) -> Contradiction | None:
        """No more can fail than was called."""
        if self.failures > self.calls:
            return "more_failures_than_calls", f"{self.failures:,} failures of {self.calls:,} calls"
        if self.since.timestamp() % FINEST:
            return "odd_span", f"a span begins on five minutes, not at {self.since.isoformat()}"
        return _ahead(self.time, since=self.since)


def _ahead(said: datetime, **moments: datetime | None) -> Contradiction | None:
    for name, moment in moments.items():
        if moment is not None and moment > said:
            return f"{name}_ahead", f"{name} {moment.isoformat()} is later than {said.isoformat()}, when it was said"
        if moment is not None and not 1970 <= moment.year <= 2199:
            return f"impossible_{name}", f"{name}: {moment.isoformat()}"
    return None


class Broken(NamedTuple):
    """Since when something cannot be relied on, and why: ``said``, ``late``, ``never`` or ``failing``."""

    since: float | None
    why: str


class Known(msgspec.Struct, array_like=True):
    """What has been told of by a source under a name of its own, and the moment and the id of its latest word."""

    source: str
    subject: str
    at: float = 0.0
    id: str = ""

    @property
    def key(self) -> str:
        """Its name across all sources; a source holds no ``|``."""
        return f"{self.source}|{self.subject}"


class Entry(Known, array_like=True):
    """An entry as it was last told of; moments are seconds since 1970 UTC, ``cycle`` is in seconds."""

    name: str = ""
    department: str = ""
    cycle: float | None = None
    updated: float | None = None
    state: str = "open"
    since: float | None = None
    reason: str = ""
    linked: bool = True
    place: str = ""

    def take(self, event: CatalogueEntry) -> None:
        """Take in what is said of it; the latest word holds, in whatever order the words come."""
        moment = event.time.timestamp()
        if (moment, event.id) <= (self.at, self.id):
            return
        self.at, self.id, self.name, self.department = moment, event.id, event.name, event.department
        self.cycle = None if event.cycle is None else HOUR * event.cycle
        self.updated, self.since = _seconds(event.updated), _seconds(event.since)
        self.state, self.reason, self.linked, self.place = event.state, event.reason, event.linked, event.place

    def set_back(self, now: float) -> None:
        """Hold what was said at moments after ``now`` to be of now: it was stamped by a clock that ran ahead."""
        self.at = min(self.at, now)
        self.updated = None if self.updated is None else min(self.updated, now)

    def on_time(self, now: float) -> bool | None:
        """Whether it was updated within its cycle; None where it has no cycle or no data, and so is never due."""
        if self.cycle is None or not self.linked:
            return None
        return self.updated is not None and now - self.updated <= self.cycle

    def broken(self, now: float, cycles: float) -> Broken | None:
        """What is wrong with it: its keeper says so, or it is late by more than ``cycles`` of its cycles."""
        if self.state == "broken":
            return Broken(self.since if self.since is not None else self.at, "said")
        if self.cycle is None or not self.linked:
            return None
        if self.updated is None:
            return Broken(None, "never")
        limit = self.updated + cycles * self.cycle
        return Broken(limit, "late") if now > limit else None


class Request(Known, array_like=True):
    """A request as it was last told of."""

    asked: float = 0.0
    department: str = ""
    owner: str = ""
    entry: str = ""
    state: str = "pending"
    decided: float | None = None
    due: float | None = None
    reason: str = ""
    place: str = ""

    def take(self, event: DataRequest) -> None:
        """Take in what is said of it; the latest word holds."""
        moment = event.time.timestamp()
        if (moment, event.id) <= (self.at, self.id):
            return
        self.at, self.id, self.asked = moment, event.id, event.asked.timestamp()
        self.department, self.owner, self.entry, self.state = event.department, event.owner, event.entry, event.state
        self.decided, self.due = _seconds(event.decided), _seconds(event.due)
        self.reason, self.place = event.reason, event.place

    def set_back(self, now: float) -> None:
        """As ``Entry.set_back``."""
        self.at, self.asked = min(self.at, now), min(self.asked, now)
        self.decided = None if self.decided is None else min(self.decided, now)


class Span(msgspec.Struct, gc=False, array_like=True):
    """The latest count of one span."""

    at: float
    id: str
    calls: int
    failures: int
    records: int


class Api(Known, array_like=True):
    """An API with its counts of the last days, by the moment at which each span begins."""

    name: str = ""
    department: str = ""
    place: str = ""
    spans: dict[float, Span] = {}

    def take(self, event: ApiCalls) -> None:
        """Take in a count; the latest one of its span holds."""
        moment, since = event.time.timestamp(), event.since.timestamp()
        newest = max(self.spans, default=-inf)
        known = self.spans.get(since)
        if since > newest - KEPT and (known is None or (moment, event.id) > (known.at, known.id)):
            self.spans[since] = Span(moment, event.id, event.calls, event.failures, event.records)
            if since > newest:
                self.spans = {at: span for at, span in self.spans.items() if at > since - KEPT}
        if (moment, event.id) > (self.at, self.id):
            self.at, self.id, self.name = moment, event.id, event.name
            self.department, self.place = event.department, event.place

    def set_back(self, now: float) -> None:
        """As ``Entry.set_back``; spans that have not begun yet were never counted."""
        self.at = min(self.at, now)
        self.spans = {at: span for at, span in self.spans.items() if at <= now}
        for span in self.spans.values():
            span.at = min(span.at, now)

    def between(self, start: float, end: float) -> tuple[int, int, int]:
        """Calls, failures and records of the spans that began from ``start`` on and before ``end``."""
        found = [span for at, span in self.spans.items() if start <= at < end]
        return sum(s.calls for s in found), sum(s.failures for s in found), sum(s.records for s in found)

    def broken(self, now: float, share: float, calls: int) -> Broken | None:
        """Whether ``share`` of its latest calls fail: those of its latest span that has at least ``calls`` of them,
        if that began within two hours; since the first of the spans in a row that fail so.
        """
        since: float | None = None
        for at in sorted(self.spans, reverse=True):
            span = self.spans[at]
            if at > now or span.calls < calls:
                continue
            if since is None and at < now - 2 * HOUR:
                return None
            if span.failures < share * span.calls:
                break
            since = at
        return None if since is None else Broken(since, "failing")


Kept = Entry | Request | Api


class Sharing:
    """The slice of data sharing: entries, requests and APIs, and which of them stand at or below each place."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.calendar = Calendar(rules.zone)
        self.entries: dict[str, Entry] = {}
        self.requests: dict[str, Request] = {}
        self.apis: dict[str, Api] = {}
        self.round = {
            "entries": 0,
            "requests": 0,
            "apis": 0,
        }  # How often each has changed; views rest on it.
        self.kept: dict[Any, Any] = {}
        self._standing = {what: Standing(rules.places) for what in self.round}
        self._time = SetBack()

    def fold(self, event: Event) -> None:
        """Take in what is said of an entry, a request or an API. What contradicts itself cannot come by a feed."""
        if not isinstance(event, CatalogueEntry | DataRequest | ApiCalls) or event.contradiction() is not None:
            return
        event = self._time.held(event)
        key = f"{event.source}|{event.subject}"
        if isinstance(event, CatalogueEntry):
            entry = self.entries.setdefault(key, Entry(event.source, event.subject))
            self._moved("entries", entry, entry.take, event)
        elif isinstance(event, DataRequest):
            request = self.requests.setdefault(key, Request(event.source, event.subject))
            self._moved("requests", request, request.take, event)
        else:
            api = self.apis.setdefault(key, Api(event.source, event.subject))
            self._moved("apis", api, api.take, event)

    def _moved(self, what: str, thing: Kept, take: Any, event: Event) -> None:
        before = thing.place
        take(event)
        self.round[what] += 1
        self._standing[what].move(thing.key, before, thing.place)
        self._standing[what].put(thing.key, thing.place)

    def entries_at(self, place: str) -> list[Entry]:
        """The entries at or below a place that were not withdrawn, by key."""
        found = (self.entries[key] for key in self._standing["entries"].at(place))
        return [entry for entry in found if entry.state != "withdrawn"]

    def requests_at(self, place: str) -> list[Request]:
        """The requests of who works at or below a place, by key."""
        return [self.requests[key] for key in self._standing["requests"].at(place)]

    def apis_at(self, place: str) -> list[Api]:
        """The APIs at or below a place, by key."""
        return [self.apis[key] for key in self._standing["apis"].at(place)]

    def due(self, request: Request) -> float:
        """Until when a request is to be answered: as its source says, else so many work days after it was asked."""
        if request.due is not None:
            return request.due
        return self.rules.calendar.after(request.asked, self.rules.sharing.answer_days, "work_day")

    def advance(self, now: float) -> None:
        """What is late is worked out when a view is asked for; only a clock that is put right changes anything."""
        if self._time.to(now):
            things: tuple[Kept, ...] = (*self.entries.values(), *self.requests.values(), *self.apis.values())
            for thing in things:
                thing.set_back(now)
            self._turned()

    def _turned(self) -> None:
        for what in self.round:
            self.round[what] += 1

    def dump(self) -> object:
        """The entries, the requests and the APIs."""
        return [list(self.entries.values()), list(self.requests.values()), list(self.apis.values())]

    def load(self, dumped: object) -> None:
        """Take them back."""
        entries, requests, apis = msgspec.convert(dumped, tuple[list[Entry], list[Request], list[Api]])
        self.entries = {entry.key: entry for entry in entries}
        self.requests = {request.key: request for request in requests}
        self.apis = {api.key: api for api in apis}
        kept: tuple[tuple[str, list[Any]], ...] = (("entries", entries), ("requests", requests), ("apis", apis))
        for what, things in kept:
            self._standing[what] = Standing(self.rules.places)
            for thing in things:
                self._standing[what].put(thing.key, thing.place)
        self._turned()


def _seconds(moment: datetime | None) -> float | None:
    return None if moment is None else moment.timestamp()
