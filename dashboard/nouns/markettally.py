"""The market's slice of the board: stocks, changes, plans, certificates and samples, and what they count at places."""

from __future__ import annotations

from bisect import bisect_left, insort
from typing import Any

import msgspec

from dashboard.events import Event
from dashboard.nouns.ledger import NOW, Ledger
from dashboard.nouns.market import (
    Certificate,
    CertificateTold,
    Change,
    EntityCancelled,
    EntityListed,
    EntityRegistered,
    EntityUnlisted,
    FoodFollowedUp,
    FoodSampled,
    InspectionTold,
    Plan,
    Sample,
    Stock,
    StockTold,
    shares_of_change,
    shares_of_sample,
)
from dashboard.nouns.noun import Rules
from dashboard.nouns.oddities import Oddities
from dashboard.nouns.periods import Calendar, Window
from dashboard.nouns.standing import Standing

KEPT = 14  # Months for which changes and samples are kept.
WORDS = 8  # Follow-ups of a sample that are remembered.
DAY = 86400.0


class Market:
    """All that is known of the market. None of its counts depends on the time but by what a view asks for."""

    def __init__(self, rules: Rules) -> None:
        self.rules, self.calendar = rules, Calendar(rules.zone)
        self._clear()

    def _clear(self) -> None:
        self.stocks: dict[str, Stock] = {}
        self.changes: dict[str, Change] = {}
        self.plans: dict[str, Plan] = {}
        self.certificates: dict[str, Certificate] = {}
        self.samples: dict[str, Sample] = {}
        self.follows: dict[str, list[float]] = {}  # Sample → when it was followed up.
        self.telling: set[str] = set()  # The sources that tell of follow-ups at all.
        self.oddities = Oddities()
        self.ledger = Ledger(self.rules.places)
        self.standing = {kind: Standing(self.rules.places) for kind in ("stock", "plan", "failed")}
        self.windows: dict[tuple[str, str, str], Window] = {}  # Place, change and kind → when.
        self.ends: dict[str, list[tuple[float, str]]] = {}  # Place → certificates by their end.
        self.by_category: dict[tuple[str, str], Window] = {}  # Place and category → when certificates end.
        self._day = 0

    # -- events --------------------------------------------------------------------------------------------------

    def fold(self, event: Event) -> None:
        """Take in one event of the market."""
        match event:
            case StockTold():
                self._stock(event)
            case EntityRegistered():
                self._change(event, "registered", event.form, event.sector, event.place)
            case EntityCancelled():
                self._change(event, "cancelled", event.form, event.why, event.place)
            case EntityListed():
                self._change(event, "listed", event.roll, event.why, event.place)
            case EntityUnlisted():
                self._change(event, "unlisted", event.roll, "", event.place)
            case InspectionTold():
                self._plan(event)
            case CertificateTold():
                self._certificate(event)
            case FoodSampled():
                self._sample(event)
            case FoodFollowedUp():
                self._follow(event)

    def _stock(self, event: StockTold) -> None:
        fresh = Stock(event.source, event.group, event.subject, event.place)
        stock = self.stocks.setdefault(fresh.key, fresh)
        moment = event.time.timestamp()
        stock.take(moment, event.id, event.count, self.calendar.day_and_month(moment)[1])
        self.standing["stock"].put(stock.key, stock.place)

    def _change(self, event: Event, what: str, kind: str, more: str, place: str) -> None:
        # An entity is registered once and cancelled once; on a list it may come again.
        key = f"{what}|{event.source}|{event.subject}" + (f"|{event.id}" if what.endswith("listed") else "")
        moment, known = event.time.timestamp(), self.changes.get(key)
        if known is not None and (known.at, known.id) <= (moment, event.id):
            return
        change = Change(what, moment, event.id, kind, more, place)
        self._pair(key, -1)
        self.changes[key] = change
        self._pair(key, 1)

    def _other(self, key: str) -> str:
        """The key of an entity's cancelling for that of its registering, and the other way round."""
        what, _, rest = key.partition("|")
        return {"registered": f"cancelled|{rest}", "cancelled": f"registered|{rest}"}.get(what, "")

    def _pair(self, key: str, sign: int) -> None:
        """Count a change, and the one that belongs to it: a cancelling before the registering is none."""
        keys = [key, self._other(key)]
        for one in keys:
            change = self.changes.get(one)
            if change is None:
                continue
            if change.what == "cancelled":
                registered = self.changes.get(self._other(one))
                if registered is not None and change.at < registered.at:
                    self._odd(one.partition("|")[2], change.place, "cancelled_before_registered", sign)
                    continue
            self.ledger.add(change.place, shares_of_change(change, self.calendar), sign)
            for code in self.rules.places.path(change.place):
                slot = code, change.what, change.kind
                window = self.windows.get(slot)
                if window is None:
                    window = self.windows[slot] = Window()
                window.count(change.at, sign)

    def _odd(self, key: str, place: str, reason: str, sign: int) -> None:
        source, _, number = key.partition("|")
        self.ledger.add(place, [("odd", NOW, reason, 1)], sign)
        self.oddities.add(source, number, [reason], sign)

    def _plan(self, event: InspectionTold) -> None:
        key = f"{event.source}|{event.subject}"
        plan = self.plans.get(key)
        if plan is None:
            plan = self.plans[key] = Plan(event.source, event.subject)
        else:
            self._count_plan(key, plan, -1)
        plan.take(event, self.calendar.day_and_month(event.time.timestamp())[0])
        self._count_plan(key, plan, 1)

    def _count_plan(self, key: str, plan: Plan, sign: int) -> None:
        if plan.odd:
            self._odd(key, plan.place, plan.odd, sign)
        self.standing["plan"].put(key, plan.place, sign)

    def _certificate(self, event: CertificateTold) -> None:
        key, moment = f"{event.source}|{event.category}|{event.subject}", event.time.timestamp()
        known = self.certificates.get(key)
        if known is not None:
            if (moment, event.id) <= (known.at, known.id):
                return
            self._count_certificate(key, known, -1)
        fresh = self.certificates[key] = Certificate(
            moment, event.id, event.subject, event.category, event.expires.timestamp(), event.name, event.gone,
            event.place,
        )  # fmt: skip
        self._count_certificate(key, fresh, 1)

    def _count_certificate(self, key: str, found: Certificate, sign: int) -> None:
        if found.gone:
            return
        for code in self.rules.places.path(found.place):
            ends = self.ends.setdefault(code, [])
            if sign > 0:
                insort(ends, (found.expires, key))
            else:
                del ends[bisect_left(ends, (found.expires, key))]
            window = self.by_category.get((code, found.category))
            if window is None:
                window = self.by_category[code, found.category] = Window()
            window.count(found.expires, sign)

    def _sample(self, event: FoodSampled) -> None:
        key, moment = f"{event.source}|{event.subject}", event.time.timestamp()
        known = self.samples.get(key)
        if known is not None:
            if (moment, event.id) <= (known.at, known.id):
                return
            self._count_sample(key, known, -1)
        else:
            self._count_strays(key, -1)
        fresh = self.samples[key] = Sample(
            moment, event.id, event.subject, event.category, event.passed, event.found, event.name, event.place
        )
        self._count_sample(key, fresh, 1)

    def _count_sample(self, key: str, sample: Sample, sign: int) -> None:
        self.ledger.add(sample.place, shares_of_sample(sample, self.calendar), sign)
        follows = self.follows.get(key, ())
        if follows and sample.passed:
            self._odd(key, sample.place, "follow_up_of_passed_sample", sign)
        elif follows and follows[0] < sample.at:
            self._odd(key, sample.place, "followed_up_before_judged", sign)
        if not sample.passed:
            self.standing["failed"].put(key, sample.place, sign)

    def _count_strays(self, key: str, sign: int) -> None:
        """Count a follow-up of a sample that nobody has told of."""
        if key in self.follows:
            self._odd(key, "", "follow_up_of_unknown_sample", sign)

    def _follow(self, event: FoodFollowedUp) -> None:
        key = f"{event.source}|{event.subject}"
        sample = self.samples.get(key)
        if sample is None:
            self._count_strays(key, -1)
        else:
            self._count_sample(key, sample, -1)
        self.follows[key] = sorted({*self.follows.get(key, ()), event.time.timestamp()})[-WORDS:]
        self.telling.add(event.source)
        if sample is None:
            self._count_strays(key, 1)
        else:
            self._count_sample(key, sample, 1)

    # -- time ----------------------------------------------------------------------------------------------------

    def advance(self, now: float) -> None:
        """Once a day what no view asks for is forgotten; all else is worked out when a view is asked for."""
        day, month = self.calendar.day_and_month(now)
        if day == self._day:
            return
        if day < self._day:  # A clock was put right: the periods that were forgotten meanwhile are counted anew.
            self.load(self.dump())
        self._day = day
        floor = month - KEPT
        for key in [key for key, change in self.changes.items() if self._month(change.at) < floor]:
            if key in self.changes:
                self._pair(key, -1)
                del self.changes[key]
                self._pair(self._other(key), 1)
        for key in [key for key, sample in self.samples.items() if self._month(sample.at) < floor]:
            self._count_sample(key, self.samples[key], -1)
            del self.samples[key]
            self._count_strays(key, 1)
        for key in [key for key, words in self.follows.items() if self._month(words[-1]) < floor]:
            if key not in self.samples:
                self._count_strays(key, -1)
                del self.follows[key]
        first = self.calendar.month_begin(self.calendar.month_begin(now) - 1)
        self.ledger.forget(self.calendar.day_and_month(first)[0], floor)

    def _month(self, moment: float) -> int:
        return self.calendar.day_and_month(moment)[1]

    # -- what views ask for --------------------------------------------------------------------------------------

    def stock(self, place: str, group: str, now: float) -> dict[str, int]:
        """How many there are now of each kind of a group, at and below a place: as told last, and what came since."""
        came, went = ("listed", "unlisted") if group == "listed" else ("registered", "cancelled")
        found: dict[str, int] = {}
        for key in self.standing["stock"].at(place):
            stock = self.stocks[key]
            told = stock.told(now) if stock.group == group else None
            if told is None:
                continue
            since = 0
            if group in ("entity", "listed"):
                code = stock.place or self.rules.places.root.code
                since = self._between(code, came, stock.kind, told[0], now)
                since -= self._between(code, went, stock.kind, told[0], now)
            found[stock.kind] = found.get(stock.kind, 0) + told[1] + since
        return found

    def _between(self, place: str, what: str, kind: str, start: float, end: float) -> int:
        window = self.windows.get((place, what, kind))
        return window.between(start, end) if window is not None else 0

    def monthly(self, place: str, group: str, month: int) -> int | None:
        """How many there were at the end of a month, as told last in it; None unless every stock was told."""
        stocks = [self.stocks[key] for key in self.standing["stock"].at(place) if self.stocks[key].group == group]
        if not stocks or any(month not in stock.months for stock in stocks):
            return None
        return sum(stock.months[month][2] for stock in stocks)

    def ending(self, place: str, start: float, end: float, category: str | None = None) -> int:
        """How many certificates end between two moments."""
        if category is not None:
            window = self.by_category.get((place, category))
            return window.between(start, end) if window is not None else 0
        ends = self.ends.get(place, [])
        return bisect_left(ends, (end, "")) - bisect_left(ends, (start, ""))

    def chosen(self, kind: str, place: str, records: dict[str, Any]) -> list[Any]:
        """The records of a kind at or below a place, by key."""
        return [records[key] for key in self.standing[kind].at(place)]

    def followed(self, key: str) -> bool | None:
        """Whether a failed sample was followed up; None where its source does not tell of that."""
        sample = self.samples[key]
        if any(moment >= sample.at for moment in self.follows.get(key, ())):
            return True
        return False if key.partition("|")[0] in self.telling else None

    def neglected(self, place: str, now: float) -> list[tuple[float, Sample]]:
        """Failed samples that should have been followed up by now and are not, with until when, in that order."""
        last = now - DAY * self.rules.market.food_days
        keys = self.standing["failed"].at(place)
        found = [self.samples[key] for key in keys if self.samples[key].at < last and self.followed(key) is False]
        found.sort(key=lambda sample: (sample.at, sample.number))
        return [(sample.at + DAY * self.rules.market.food_days, sample) for sample in found]

    # -- a snapshot ----------------------------------------------------------------------------------------------

    def dump(self) -> object:
        """Stocks, changes, plans, certificates, samples and what followed from them."""
        return [
            list(self.stocks.values()), self.changes, list(self.plans.values()), self.certificates, self.samples,
            self.follows,
        ]  # fmt: skip

    def load(self, dumped: object) -> None:
        """Take them back, and count them anew. Older ones know nothing of what followed from samples."""
        self._clear()
        kept = msgspec.convert(dumped, list[Any])
        stocks, changes, plans, self.certificates, samples, self.follows = msgspec.convert(
            [*kept, *[{}] * (6 - len(kept))],
            tuple[
                list[Stock], dict[str, Change], list[Plan], dict[str, Certificate], dict[str, Sample],
                dict[str, list[float]],
            ],
        )  # fmt: skip
        self.telling = {key.partition("|")[0] for key in self.follows}
        for stock in stocks:
            self.stocks[stock.key] = stock
            self.standing["stock"].put(stock.key, stock.place)
        for key, change in changes.items():
            self._pair(key, -1)
            self.changes[key] = change
            self._pair(key, 1)
        for plan in plans:
            key = f"{plan.source}|{plan.number}"
            self.plans[key] = plan
            self._count_plan(key, plan, 1)
        for key, found in sorted(self.certificates.items(), key=lambda item: item[1].expires):
            self._count_certificate(key, found, 1)
        for key, sample in samples.items():
            self.samples[key] = sample
            self._count_sample(key, sample, 1)
        for key in self.follows.keys() - self.samples.keys():
            self._count_strays(key, 1)
